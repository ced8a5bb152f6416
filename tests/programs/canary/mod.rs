//! P17: no value that a step receives or returns appears in any byte that the command line produces: standard output,
//! standard error, files.
//!
//! Canaries are planted in run parameters (secret and plain; from flags, the environment, files and code), inputs,
//! outputs, resources, defaults, fallbacks, and the rest of the environment. Each command runs in a new folder; then
//! everything is searched. A step's own errors and panics are shown; a `Secret` in them is redacted.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use crate::folder::Folder;
use crate::process::{self, LIMIT};
use crate::support::command;

/// The text that must not appear. Concatenated here, so a panic that quotes this file does not contain it.
static CANARY: LazyLock<String> = LazyLock::new(|| ["canary", "hunter2", "7f3a"].join("-"));

/// A folder with files of parameters and settings in `given`.
fn folder() -> Folder {
    let folder = Folder::new();
    fs::create_dir(folder.join("given")).unwrap();
    let canary = &*CANARY;
    for (name, text) in [
        (
            "params.toml",
            format!("note = \"{canary}\"\nlogin = {{ user = \"{canary}\", password = \"{canary}\" }}\n"),
        ),
        ("params.json", format!("{{\"token\": \"{canary}\", \"note\": \"{canary}\"}}")),
        ("broken.toml", format!("token = {canary}\n")),
        ("twice.toml", format!("token = \"{canary}\"\ntoken = \"{canary}\"\n")),
        ("open.toml", format!("token = \"{canary}\n")),
        ("broken.json", format!("{{\"token\": \"{canary}\" \"note\": 1}}")),
        ("list.json", format!("[\"{canary}\"]")),
        ("wrong.toml", format!("login = \"{canary}\"\npin = \"{canary}\"\naccess = \"{canary}\"\n")),
        ("settings.toml", format!("[params]\ntoken = \"{canary}\"\nnote = \"{canary}\"\n")),
        ("bare.toml", format!("[params]\ntoken = {canary}\n")),
        ("more.toml", format!("[params]\ntoken = \"{canary}\" junk\n")),
        ("open-settings.toml", format!("[params]\ntoken = \"{canary}\nnote = 1\n")),
        ("again.toml", format!("[params]\ntoken = \"{canary}\"\ntoken = \"{canary}\"\n")),
        ("open.yaml", format!("params:\n  token: \"{canary}\n")),
        ("flow.yaml", format!("params: {{token: {canary}\n")),
        ("again.yaml", format!("params:\n  token: {canary}\n  token: {canary}\n")),
        ("anchor.yaml", format!("params:\n  token: *{canary}\n")),
        ("tab.yaml", format!("params:\n\ttoken: {canary}\n")),
        ("deep.yaml", format!("params:\n  token: {canary}\n note: [\n")),
        ("list.yaml", format!("- {canary}\n")),
        ("settings.yaml", format!("params:\n  token: {canary}\n  note: &note {canary}\n")),
        ("settings.json", format!("{{\"params\": {{\"token\": \"{canary}\" 1}}}}")),
        ("half.toml", format!("login = {{ user = \"u\", password = [\"{canary}\"] }}\n")),
    ] {
        fs::write(folder.join("given").join(name), text).unwrap();
    }
    folder
}

/// Runs the program; returns its exit code and everything that it wrote, by place. `{}` is the canary.
fn run(arguments: &str, secret_from_environment: bool) -> (i32, Vec<(String, Vec<u8>)>) {
    run_in(&folder(), arguments, secret_from_environment)
}

fn run_in(folder: &Folder, arguments: &str, secret_from_environment: bool) -> (i32, Vec<(String, Vec<u8>)>) {
    let mut command = command("canary", folder);
    // With `record_params`, the one file for `run --again` has the values of plain parameters.
    command.env("CANARY", &*CANARY).env("SOME_PASSWORD", &*CANARY).env("PIPELINE_RECORD_PARAMS", "false");
    if secret_from_environment {
        command.env("PIPELINE_PARAM_token", &*CANARY).env("PIPELINE_PARAM_note", &*CANARY);
    }
    let arguments = arguments.split_whitespace().map(|argument| argument.replace("{}", &CANARY));
    let output = process::output(command.args(arguments), LIMIT);
    let code = output.status.code().unwrap();
    let mut written =
        vec![("standard output".to_owned(), output.stdout), ("standard error".to_owned(), output.stderr)];
    files(folder, &mut written);
    (code, written)
}

/// Collects every file below a folder except the given ones; names count as written too.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_string_lossy().into_owned();
        if path.is_dir() && !path.ends_with("given") {
            files(&path, found);
        } else if path.is_file() {
            found.push((name.clone(), fs::read(&path).unwrap()));
            found.push((format!("the name of {name}"), name.into_bytes()));
        }
    }
}

fn holds(bytes: &[u8], wanted: &str) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
}

/// Whether it is the value of a step in the store: a run that did not succeed keeps the outputs that are needed to go on,
/// secrets excepted.
fn is_stored_value(place: &str) -> bool {
    place.contains("/store/blobs/") && !place.starts_with("the name of ")
}

/// Runs a command and searches for the canary; returns what it wrote.
#[track_caller]
fn check(arguments: &str, code: i32) -> String {
    let from_environment = !arguments.contains("token") && !arguments.contains("params.json");
    let (ended, mut written) = run(arguments, from_environment);
    if code == 1 {
        written.retain(|(place, _)| !is_stored_value(place));
    }
    let all: String = written.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect();
    assert_eq!(ended, code, "{arguments}:\n{all}");
    search(arguments, &written);
    all
}

/// Searches everything that a command wrote for the canary.
#[track_caller]
fn search(arguments: &str, written: &[(String, Vec<u8>)]) {
    for (place, bytes) in written {
        assert!(
            !holds(bytes, &CANARY),
            "`{arguments}` has the canary in {place}:\n{}",
            String::from_utf8_lossy(bytes)
        );
        // Nor as JSON numbers or terminal escapes.
        let spelt: Vec<String> = CANARY.bytes().take(8).map(|byte| byte.to_string()).collect();
        assert!(!holds(bytes, &spelt.join(",")), "`{arguments}` spells the canary in {place}");
    }
}

#[test]
fn successful_runs_reveal_no_value() {
    for arguments in [
        "run tag:good",
        "run tag:good -v",
        "run tag:good --json",
        "run tag:good --report report.json",
        "run tag:good --quiet",
        "run tag:good --workers=1 -p token={} -p note={} -v",
        "run tag:good --params given/params.toml --json",
        "run tag:good --params given/params.json -v",
        "run tag:good --no-write -v",
        "run tag:good --output json",
        "run tag:good --output plain -vv",
        "run tag:good --config given/settings.toml -vv",
        "run tag:good --config given/settings.yaml --output json",
        "run tag:good --set params.token={} --set params.given.note={} -vv",
        "tag:good",
        "step taken",
        "step read --repeat 2 -p given.note={}",
        "step given --json",
    ] {
        check(arguments, 0);
    }
}

/// What `run --again` needs is in one file of the run's folder, without what is or may hold a secret.
#[test]
fn recorded_parameters_have_no_secret() {
    let folder = folder();
    let arguments =
        "run tag:good -p token={} -p note={} --params given/params.toml --set record_params=true --json";
    let (code, written) = run_in(&folder, arguments, false);
    assert_eq!(code, 0);
    let (recorded, others): (Vec<_>, Vec<_>) = written
        .into_iter()
        .partition(|(place, _)| place.ends_with("params.json") && !place.contains("given"));
    search(arguments, &others.into_iter().filter(|(place, _)| !place.contains("given")).collect::<Vec<_>>());
    let [(_, params), (_, _name)] = &recorded[..] else { panic!("{} files", recorded.len()) };
    let params: serde_json::Value = serde_json::from_slice(params).unwrap();
    let names: Vec<&String> = params.as_object().unwrap().keys().collect();
    assert_eq!(names, ["list", "note"], "no token, no login");
}

#[test]
fn failed_runs_reveal_no_value() {
    for arguments in [
        "run",
        "run -v",
        "run --json",
        "run --report report.json",
        "run --quiet",
        "run --fail-fast --workers=1",
        "run --params given/params.json -v",
        "run --output json",
        "run --output plain -vv",
        "run --set params.token={} --set params.note={} -vv",
        "run --config given/settings.toml -p token={}",
        "step fails",
        "step fails --retries 1",
        "step panics",
        "step skipped -v",
        "step late",
    ] {
        let all = check(arguments, 1);
        let is_one_of_them = !arguments.contains("late") && !arguments.contains("fail-fast");
        assert!(
            !is_one_of_them || all.contains("Secret([redacted])"),
            "{arguments} shows the error itself:\n{all}"
        );
    }
}

#[test]
fn read_only_commands_reveal_no_value() {
    for arguments in [
        "plan",
        "plan -v --params given/params.toml",
        "plan --json -p token={} -p note={}",
        "list",
        "list -v",
        "list --json",
        "graph",
        "graph --format json",
        "graph --format dot --output graph.dot",
        "graph --format mermaid",
        "info",
        "info --json",
        "info --set params.token={}",
        "info --config given/settings.toml",
        "plan --config given/settings.yaml -v",
        "explain",
        "explain PL0011",
        "completions bash",
        "--help",
        "--version",
    ] {
        check(arguments, 0);
    }
    let all = check("list", 0).split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted = "-p token=<Secret<String>> given by the environment, PIPELINE_PARAM_token, secret";
    assert!(all.contains(wanted), "names are shown: {all}");
    assert!(
        all.contains("-p absent=<String> default canary()"),
        "a default is shown as it is written: {all}"
    );
    for arguments in ["list", "list -v", "list --json"] {
        assert!(!check(arguments, 0).contains("written default"), "except a secret's");
    }
    let given = check("info -p note={}", 0).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(given.contains("run parameters given name given by") && given.contains("note -p"), "{given}");
}

#[test]
fn refused_input_that_may_be_secret_is_not_quoted() {
    for (arguments, code) in [
        ("run -p pin={}", 2),
        ("run -p login={}", 2),
        ("run -p login={\"user\":\"u\",\"password\":[\"{}\"]}", 2),
        ("run -p login={\"user\":\"u\",\"password\":\"{}\"", 2),
        ("run -p {}", 2),
        // A secret to one step, and a number to another.
        ("run -p code={}", 2),
        ("plan -p code={}", 2),
        ("info --set params.code={} --workers 0", 2),
        ("plan --params given/wrong.toml", 2),
        ("run --params given/half.toml", 2),
        ("run --params given/broken.toml", 3),
        ("run --params given/twice.toml", 3),
        ("run --params given/open.toml", 3),
        ("run --params given/broken.json", 3),
        ("run --params given/list.json", 3),
        ("step given -p login={}", 2),
        ("run --set params.login={}", 2),
        ("run --set params.={}", 2),
        ("info --config given/bare.toml", 2),
        ("run --config given/bare.toml", 2),
        ("run --config given/more.toml", 2),
        ("plan --config given/open-settings.toml", 2),
        ("run --config given/again.toml", 2),
        ("info --config given/open.yaml", 2),
        ("run --config given/flow.yaml", 2),
        ("run --config given/again.yaml", 2),
        ("run --config given/anchor.yaml", 2),
        ("run --config given/tab.yaml", 2),
        ("run --config given/deep.yaml", 2),
        ("run --config given/list.yaml", 2),
        ("run --config given/settings.json", 2),
    ] {
        let all = check(arguments, code);
        assert!(all.contains("error[PL"), "{arguments} is refused:\n{all}");
    }
}

/// A parameter without its `-p` is not quoted, nor is a value that is refused when it is read again.
#[test]
fn a_value_in_the_wrong_place_is_not_quoted() {
    for (arguments, code) in [
        ("run token={}", 2),
        ("run --token={}", 2),
        ("run --token {}", 2),
        ("--tokn={}", 2),
        ("step given --note={}", 2),
        ("run tag:mixed -p ticket={}", 1),
        ("run tag:mixed -p ticket={} --output json -vv", 1),
        ("step uses -p ticket={} --retries 2", 1),
    ] {
        let all = check(arguments, code);
        let is_ticket = arguments.contains("ticket");
        assert!(!is_ticket || all.contains("`ticket` was read once and then refused"), "{arguments}: {all}");
    }
}

/// A recorded run is read later, in the same environment: files, history and every command that reads them.
#[test]
fn recorded_files_and_their_readers_reveal_no_value() {
    let folder = folder();
    let ask = |arguments: &str| {
        let (code, mut written) = run_in(&folder, arguments, true);
        assert!(code < 2, "`{arguments}` runs: {}", String::from_utf8_lossy(&written[1].1));
        written.retain(|(place, _)| !is_stored_value(place));
        search(arguments, &written);
        written
    };
    ask("run tag:good --config given/settings.toml --quiet");
    ask("run tag:good -p token={} -p given.note={} --set params.token={} --workers 2 --quiet");
    let failed = ask("run --set params.token={} -vv");
    assert!(failed.iter().any(|(name, _)| name.ends_with("history.db")), "it is recorded");
    // Of the values on the command line only the names are recorded, and no fingerprint of a secret.
    let is_report =
        |(name, _): &&(String, Vec<u8>)| name.ends_with("report.json") && !name.starts_with("the name");
    let reports = failed.iter().filter(is_report).map(|(_, text)| serde_json::from_slice(text).unwrap());
    let reports: Vec<serde_json::Value> = reports.collect();
    let names = |report: &serde_json::Value| report["command_line"]["params"].to_string();
    assert!(reports.iter().any(|report| names(report) == r#"["given.note","token"]"#), "{reports:#?}");
    for report in &reports {
        let fingerprints = report["provenance"]["params"].as_object().unwrap();
        assert!(fingerprints.contains_key("list") && !fingerprints.contains_key("token"), "{fingerprints:?}");
    }
    for arguments in [
        "runs",
        "runs --json",
        "runs --steps",
        "runs given",
        "report",
        "report --json",
        "report -1",
        "report --trace out.json",
        "report --path",
        "diff",
        "diff --json",
        "diff -3 -2",
        "diff -3 -2 --json",
        "plan",
        "plan --json",
        "step taken",
        "info",
    ] {
        ask(arguments);
    }
}

/// A name is not a value, and is shown.
#[test]
fn the_search_itself_works() {
    let (code, written) = run("run {}", true);
    let told = written.iter().any(|(_, bytes)| holds(bytes, &CANARY));
    assert!(code == 2 && told, "an unknown step is named");
}
