//! P17: secrets stay out of records.

use std::collections::BTreeMap;

use pipeline::graph::ProblemCode;
use pipeline::prelude::*;
use pipeline::report::Provenance;
use pipeline::*;
use serde::Deserialize;

const CANARY: &str = "hunter2-canary";

#[derive(Deserialize)]
struct Login {
    user: String,
    password: Secret<String>,
}

#[step]
fn sc_token(#[param] token: Secret<String>, #[param] spare: Option<Secret<String>>) -> usize {
    token.expose().len() + spare.map_or(0, |spare| spare.expose().len())
}
#[step]
fn sc_borrowed(#[param] token: &Secret<String>, sc_token: &usize) -> usize {
    token.expose().len() + sc_token
}

#[test]
fn a_secret_reaches_its_step_by_value_and_by_reference_from_code_and_text() {
    for given in [
        Pipeline::to::<sc_borrowed>().param("token", "abc"),
        Pipeline::to::<sc_borrowed>().param_text("token", "abc"),
    ] {
        assert_eq!(given.run_blocking().unwrap().output::<sc_borrowed>().unwrap(), &6);
    }
    #[step]
    fn sc_number(#[param] pin: Secret<u32>) -> u32 {
        *pin.expose() + 1
    }
    let run = Pipeline::to::<sc_number>().param_text("pin", "41").run_blocking().unwrap();
    assert_eq!(run.output::<sc_number>().unwrap(), &42);
}

/// A command line is in the shell's history and in the process list, so the hint names the environment.
#[test]
fn a_missing_secret_is_requested_from_the_environment() {
    let problems = Pipeline::to::<sc_token>().run_blocking().unwrap_err().to_string();
    assert!(problems.contains("PIPELINE_PARAM_token") && !problems.contains("-p token"), "{problems}");
}

/// serde quotes what it cannot read, but not a secret or a type that contains one.
#[test]
fn a_secret_that_cannot_be_read_is_not_quoted() {
    #[step]
    fn sc_pin(#[param] pin: Secret<u32>) -> u32 {
        *pin.expose()
    }
    #[step]
    fn sc_login(#[param] login: Login) -> usize {
        login.user.len() + login.password.expose().len()
    }
    #[step]
    fn sc_logins(#[param] logins: &BTreeMap<String, Login>) -> usize {
        logins.len()
    }
    let object = format!("{{\"user\": 1, \"password\": \"{CANARY}\"}}");
    let broken = format!("{{\"user\": \"u\", \"password\": \"{CANARY}\"");
    for refused in [
        Pipeline::to::<sc_pin>().param("pin", CANARY),
        Pipeline::to::<sc_pin>().param_text("pin", CANARY),
        Pipeline::to::<sc_pin>().param("pin", [CANARY]),
        Pipeline::to::<sc_login>().param("login", CANARY),
        Pipeline::to::<sc_login>().param_text("login", &object),
        Pipeline::to::<sc_login>().param_text("login", broken),
        Pipeline::to::<sc_logins>().param("logins", [CANARY]),
        Pipeline::to::<sc_logins>().param("logins", BTreeMap::from([("a", CANARY)])),
    ] {
        let problems = refused.run_blocking().unwrap_err();
        let text = format!("{problems}{problems:?}{refused:?}");
        assert!(problems.has(ProblemCode::InvalidParam), "{text}");
        assert!(text.contains("what was given is not shown"), "{text}");
        assert!(!text.contains(CANARY), "{text}");
    }
    let object = object.replace("1,", "\"u\",");
    let run = Pipeline::to::<sc_login>().param_text("login", object).run_blocking().unwrap();
    assert_eq!(run.output::<sc_login>().unwrap(), &(1 + CANARY.len()));
}

/// A secret in any variant, and one that only a valid text becomes.
#[test]
fn a_secret_that_may_be_read_is_not_quoted() {
    #[derive(Deserialize)]
    enum Access {
        Open(String),
        Token { token: Secret<String> },
    }
    #[derive(Deserialize)]
    #[serde(try_from = "String")]
    struct Key(Secret<String>);
    impl TryFrom<String> for Key {
        type Error = String;

        fn try_from(text: String) -> Result<Self, String> {
            if text.starts_with("sk-") {
                Ok(Key(Secret::new(text)))
            } else {
                Err(format!("`{text}` is no key"))
            }
        }
    }
    #[step]
    fn sc_access(#[param] access: Access) -> usize {
        match access {
            Access::Open(host) => host.len(),
            Access::Token { token } => token.expose().len(),
        }
    }
    #[step]
    fn sc_key(#[param] key: Key) -> usize {
        key.0.expose().len()
    }
    for refused in [
        Pipeline::to::<sc_access>().param("access", CANARY),
        Pipeline::to::<sc_access>().param("access", BTreeMap::from([("Token", CANARY)])),
        Pipeline::to::<sc_key>().param("key", CANARY),
    ] {
        let text = refused.run_blocking().unwrap_err().to_string();
        assert!(text.contains("what was given is not shown") && !text.contains(CANARY), "{text}");
    }
    let fingerprints =
        |pipeline: Pipeline| pipeline.run_blocking().unwrap().report().provenance.params.clone();
    let key = fingerprints(Pipeline::to::<sc_key>().param("key", format!("sk-{CANARY}")));
    let open = fingerprints(Pipeline::to::<sc_access>().param("access", BTreeMap::from([("Open", "host")])));
    assert!([key, open].iter().all(BTreeMap::is_empty));
}

/// Such a type is trusted with a value once that was read without making a secret.
#[test]
fn a_value_of_a_type_that_reads_itself_has_a_fingerprint() {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Size {
        Number(u32),
        Text(String),
    }
    #[step]
    fn sc_size(#[param] size: Size) -> usize {
        match size {
            Size::Number(number) => number as usize,
            Size::Text(text) => text.len(),
        }
    }
    let config = |size: &str| {
        let run = Pipeline::to::<sc_size>().param("size", size).run_blocking().unwrap();
        run.report().provenance.config_fingerprint.clone()
    };
    assert_ne!(config("large"), config("small"));
}

/// A fingerprint would let a reader of the report find a short secret by trying.
#[test]
fn a_fingerprint_does_not_depend_on_a_secret() {
    #[step]
    fn sc_mixed(#[param] token: Secret<String>, #[param] n: u32) -> usize {
        token.expose().len() + n as usize
    }
    let config = |token: &str, n: u32| {
        let run = Pipeline::to::<sc_mixed>().param("token", token).param("n", n).run_blocking().unwrap();
        run.report().provenance.config_fingerprint.clone()
    };
    assert_eq!(config("one", 1), config("another", 1));
    assert_ne!(config("one", 1), config("one", 2));
}

/// Each parameter has a separate fingerprint, except those that are secret to any step, whatever other steps read them.
#[test]
fn a_secret_has_no_fingerprint_even_if_another_step_reads_it_as_text() {
    #[step]
    fn sc_keeps(#[param] token: Secret<String>, #[param] n: u32) -> usize {
        token.expose().len() + n as usize
    }
    #[step]
    fn sc_careless(sc_keeps: &usize, #[param] token: String, #[param] n: u32, #[param] m: u32) -> usize {
        token.len() + sc_keeps + n as usize + m as usize
    }
    let provenance = |token: &str, n: u32, of_one: u32| {
        let pipeline = Pipeline::to::<sc_careless>().param("token", token).param("n", n).param("m", 1);
        let run = pipeline
            .param("sc_keeps.n", of_one)
            .settings(Settings::default().seed(1))
            .run_blocking()
            .unwrap();
        run.report().provenance.clone()
    };
    let names = |of: &Provenance| of.params.keys().cloned().collect::<Vec<_>>();
    let (first, other) = (provenance("one", 1, 1), provenance("another", 1, 2));
    assert_eq!(names(&first), ["m", "n"]);
    assert_eq!(names(&other), ["it::secrets::sc_careless.n", "it::secrets::sc_keeps.n", "m"]);
    assert_eq!(other.drift(&first)[1..], ["run parameter `n` has changed"]);
    assert_eq!(first.config_fingerprint, provenance("another", 1, 1).config_fingerprint);
}

/// A step's own message is shown, but a secret in it is not.
#[test]
fn a_secret_in_the_error_of_a_step_is_redacted() {
    #[step]
    fn sc_fails(#[param] token: Secret<String>) -> Result<u32, String> {
        Err(format!("refused {token:?}"))
    }
    let run = Pipeline::to::<sc_fails>().param("token", CANARY).run_blocking().unwrap();
    let text = format!("{}{}", run.report(), run.report().to_json());
    assert!(text.contains("refused Secret([redacted])") && !text.contains(CANARY), "{text}");
}

#[test]
fn the_debug_form_of_a_graph_has_no_values() {
    let mut dag = DagBuilder::new();
    let _ = dag.add::<sc_token>().named("secret").param("token", CANARY).handle();
    let text = format!("{:?}", dag.build().unwrap());
    assert!(text.contains("token") && !text.contains(CANARY), "{text}");
}
