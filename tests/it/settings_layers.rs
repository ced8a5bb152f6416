//! Settings from several sources: which one wins, what is refused, and the origin of each value.

use std::time::Duration;

use pipeline::StepDefaults;
use pipeline::graph::Backoff;
use pipeline::limits::{Breaker, LimitSettings};
use pipeline::prelude::*;
use pipeline::settings::{SettingsStack, TagSettings, cores};
use pipeline::*;

/// A stack in which one source sets the number of IO slots.
type AddSource = fn(SettingsStack) -> SettingsStack;

/// Every source, weakest first: its value of `io`, and how it names its origin.
const SOURCES: [(usize, &str, AddSource); 6] = [
    (256, "default", |stack| stack),
    (16, "preset conservative", |stack| stack.text("preset.json", r#"{"preset": "conservative"}"#)),
    (3, "pipeline.json", |stack| stack.text("pipeline.json", r#"{"io": 3}"#)),
    (4, "PIPELINE_IO", |stack| stack.environment([("PIPELINE_IO", "4")])),
    (5, "--io", |stack| stack.flag("io", "5", "--io")),
    (6, "code", |stack| stack.code(&Settings::default().io(6))),
];

fn problems(stack: SettingsStack) -> String {
    stack.resolve().err().map_or(String::new(), |problems| problems.to_string())
}

fn retries_of(settings: &Settings, key: &str) -> Option<u32> {
    settings.steps[key].retries
}

/// L12: of two sources the stronger one wins, whichever was added first.
#[test]
fn of_two_sources_the_later_in_the_list_wins() {
    for (weak, weaker) in SOURCES.iter().enumerate() {
        for stronger in &SOURCES[weak + 1..] {
            for (first, second) in [(weaker, stronger), (stronger, weaker)] {
                let resolved = second.2(first.2(SettingsStack::new())).resolve().unwrap();
                let seen = (resolved.settings().io, resolved.origin("io"));
                assert_eq!(seen, (stronger.0, stronger.1), "{} and {}", weaker.1, stronger.1);
            }
        }
    }
}

/// A backoff that code sets arrives whole: the layers carry values as text.
#[test]
fn a_backoff_of_code_keeps_its_factor_and_its_jitter() {
    let backoff = |factor, jitter| {
        Backoff::exponential(Duration::from_millis(100), Duration::from_secs(10))
            .factor(factor)
            .jitter(jitter)
    };
    for (factor, jitter) in [(2.0, 0.0), (1.1, 0.0), (3.0, 0.25), (2.0, 1.0), (1e300, 1e-9)] {
        let backoff = backoff(factor, jitter);
        let code = Settings::default().step("a", StepDefaults::new().backoff(backoff));
        let resolved = SettingsStack::new().code(&code).resolve().unwrap();
        assert_eq!(resolved.settings().steps["a"].backoff, Some(backoff), "{backoff}");
        let text = format!(r#"{{"steps": {{"a": {{"backoff": "{backoff}"}}}}}}"#);
        let resolved = SettingsStack::new().text("pipeline.json", &text).resolve().unwrap();
        assert_eq!(resolved.settings().steps["a"].backoff, Some(backoff), "{backoff}");
    }
}

/// A schedule of waits that cannot be followed is refused before anything runs, wherever it comes from.
#[test]
fn a_backoff_without_a_sound_schedule_is_refused() {
    let second = Duration::from_secs(1);
    let good = Backoff::exponential(second, second * 10);
    let not_shrinking = Backoff::exponential(second * 10, second);
    for wrong in
        [good.factor(f64::NAN), good.factor(0.5), good.jitter(-1.0), good.jitter(f64::NAN), not_shrinking]
    {
        let code = Settings::default().step("a", StepDefaults::new().backoff(wrong));
        let told = problems(SettingsStack::new().code(&code));
        assert!(told.contains("PL0018") && told.contains("`steps.a.backoff` is "), "{told}");
        let graph = |policy: fn(Backoff) -> Option<Backoff>| {
            let mut dag = DagBuilder::new();
            let step = dag.cpu("a", (), |()| 1_u64);
            if let Some(backoff) = policy(wrong) {
                dag.policy(step, |policy| policy.retries(1).backoff(backoff));
            }
            dag.build()
        };
        let run = Pipeline::new(graph(|_| None).unwrap()).settings(code).run_blocking();
        let told = run.unwrap_err().to_string();
        assert!(told.contains("PL0018") && told.contains("`steps.a.backoff` is "), "{told}");
        let told = graph(Some).unwrap_err().to_string();
        assert!(told.contains("PL0018") && told.contains("the backoff of step `a` cannot be used"), "{told}");
    }
    for jitter in [f64::NAN, f64::INFINITY, 1.5] {
        let mut defaults = StepDefaults::new();
        defaults.jitter = Some(jitter);
        let code = Settings::default().step("a", defaults);
        let told = problems(SettingsStack::new().code(&code));
        assert!(told.contains("`steps.a.jitter` is ") && told.contains("a number from 0 to 1"), "{told}");
    }
}

/// L12: a source sets only what it contains; weaker sources set the rest.
#[test]
fn a_source_sets_only_what_it_contains() {
    let stack = SettingsStack::new()
        .text("pipeline.json", r#"{"deadline": "1h", "groups": {"gold": {"retries": 1, "timeout": "5s"}}}"#)
        .environment([("PIPELINE_GROUPS__GOLD__RETRIES", "2")])
        .flag("groups.gold.jitter", "0.5", "--set");
    let resolved = stack.resolve().unwrap();
    let mut gold = StepDefaults::new().retries(2).timeout(Duration::from_secs(5));
    gold.jitter = Some(0.5);
    assert_eq!(resolved.settings().groups["gold"], gold);
    let origins = ["deadline", "groups.gold.timeout", "groups.gold.retries", "groups.gold.jitter", "cpu"];
    let origins = origins.map(|key| resolved.origin(key));
    let file = "pipeline.json";
    assert_eq!(origins, [file, file, "PIPELINE_GROUPS__GOLD__RETRIES", "--set", "default"]);
}

/// L12: code wins even if it sets the default value; what it does not set stays the user's.
#[test]
fn code_wins_even_if_it_sets_the_default() {
    let code = Settings::default().fail_fast(false).cpu(cores());
    let stack = SettingsStack::new().flag("fail_fast", "true", "--fail-fast").flag("cpu", "7", "--cpu");
    let resolved = stack.flag("io", "8", "--io").code(&code).resolve().unwrap();
    assert_eq!((resolved.settings().fail_fast, resolved.settings().cpu), (false, cores()));
    assert_eq!((resolved.settings().io, resolved.origin("io")), (8, "--io"));
    assert_eq!((resolved.origin("fail_fast"), resolved.origin("cpu")), ("code", "code"));
}

/// L02: a preset is weaker than every other value, wherever it is named; the last named preset wins.
#[test]
fn a_preset_is_below_every_other_source() {
    let stack = || {
        SettingsStack::new().text("pipeline.json", r#"{"io": 3}"#).flag("preset", "conservative", "--preset")
    };
    let resolved = stack().resolve().unwrap();
    assert_eq!((resolved.settings().io, resolved.settings().blocking), (3, 4));
    let by_variable = stack().environment([("PIPELINE_PRESET", "high-performance")]).resolve().unwrap();
    assert_eq!(by_variable.settings().blocking, 4, "a flag wins over a variable");
    let unknown = problems(SettingsStack::new().flag("preset", "prodution", "--preset"));
    assert!(
        unknown.contains("no preset `prodution`") && unknown.contains("did you mean `production`?"),
        "{unknown}"
    );
}

/// L05: in variables, two underscores separate the parts of a key, and capitals mean small letters.
#[test]
fn variables_name_settings_in_capitals() {
    let resolved = SettingsStack::new()
        .environment([
            ("PIPELINE_DEFAULTS__TIMEOUT", "30s"),
            ("PIPELINE_STEPS__FETCH__RETRIES", "2"),
            ("PIPELINE_STEPS__Fetch_All__RETRIES", "3"),
            ("PIPELINE_LIMITS__DB__BREAKER__FAILURES", "3"),
            ("PIPELINE_LIMITS__DB__BREAKER__COOLDOWN", "1m"),
            ("PIPELINE_FAIL_FAST", "true"),
            ("PIPELINE_SLOW_POLL", "none"),
            ("PIPELINE_PARAM_rate", "2"),
            ("PIPELINE_CONFIG", "elsewhere.toml"),
            ("PIPELINE_WORKSPACE", "a build server's"),
            ("WORKERS", "none of ours"),
        ])
        .resolve()
        .unwrap();
    let settings = resolved.settings();
    assert_eq!(settings.defaults.timeout, Some(Duration::from_secs(30)));
    assert_eq!((retries_of(settings, "fetch"), retries_of(settings, "Fetch_All")), (Some(2), Some(3)));
    assert_eq!(settings.limits["db"].breaker, Some(Breaker::new(3, Duration::from_mins(1))));
    assert_eq!((settings.fail_fast, settings.slow_poll), (true, None));
}

/// L05: TOML, YAML and JSON mean the same.
#[cfg(all(feature = "cli", feature = "rate"))]
#[test]
fn a_file_means_the_same_in_every_format() {
    let toml = r#"
        preset = "production"
        workers = 3
        deadline = "2h"
        memory_limit = "1 GiB"
        [groups.silver]
        retries = 2
        backoff = "100ms..10s"
        [steps."shard_*"]
        enabled = false
        [limits.api]
        rate = "10/s"
        [params]
        rate = 2
        [params.orders]
        count = 5
    "#;
    let yaml = r#"
preset: production
workers: 3
deadline: 2h
memory_limit: 1 GiB
groups: {silver: {retries: 2, backoff: 100ms..10s}}
steps:
  "shard_*": {enabled: false}
limits: {api: {rate: 10/s}}
params: {rate: 2, orders: {count: 5}}
"#;
    let json = r#"{"preset": "production", "workers": 3, "deadline": "2h", "memory_limit": "1 GiB",
        "groups": {"silver": {"retries": 2, "backoff": "100ms..10s"}}, "steps": {"shard_*": {"enabled": false}},
        "limits": {"api": {"rate": "10/s"}}, "params": {"rate": 2, "orders": {"count": 5}}}"#;
    let read = |name: &str, text: &str| SettingsStack::new().text(name, text).resolve().unwrap();
    let params = |resolved: &pipeline::settings::ResolvedSettings| {
        resolved.params().map(|(name, value, _)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    let from_toml = read("pipeline.toml", toml);
    assert_eq!(params(&from_toml), [r#"orders={"count":5}"#, "rate=2"]);
    assert_eq!((from_toml.settings().workers, from_toml.settings().keep_runs), (Some(3), Some(1000)));
    for other in [read("pipeline.yaml", yaml), read("pipeline.json", json)] {
        assert_eq!(from_toml.settings(), other.settings());
        assert_eq!(params(&from_toml), params(&other));
    }
    let unreadable = problems(SettingsStack::new().text("pipeline.toml", "io = ").text("x.yaml", "a: ["));
    assert!(unreadable.contains("the settings in pipeline.toml cannot be read"), "{unreadable}");
    assert!(unreadable.contains("the settings in x.yaml cannot be read"), "{unreadable}");
}

/// A wrong value is reported even if a stronger source overrides it: it would apply without that source.
#[test]
fn a_wrong_value_is_reported_even_if_it_is_overridden() {
    let told = problems(
        SettingsStack::new()
            .text("pipeline.json", r#"{"workers": "x", "preset": "prod", "steps": {"a": {"retries": -1}}}"#)
            .environment([("PIPELINE_DEADLINE", "soon"), ("PIPELINE_STEPS__A__RETRIES", "1")])
            .flag("workers", "2", "--workers")
            .flag("preset", "test", "--preset")
            .flag("deadline", "1h", "--deadline"),
    );
    for wanted in [
        "setting `workers` is `x`, but takes",
        "there is no preset `prod`",
        "setting `steps.a.retries` is `-1`, but takes",
        "setting `deadline` is `soon`, but takes",
    ] {
        assert_eq!(told.matches(wanted).count(), 1, "{wanted}: {told}");
    }
    // A value that is read from one text may also be given in parts.
    let parts = SettingsStack::new()
        .text("pipeline.json", r#"{"limits": {"api": {"breaker": {"failures": 3}}}}"#)
        .flag("limits.api.breaker.cooldown", "1s", "--set");
    assert!(parts.resolve().is_ok());
}

/// TOML has dates; here they are text.
#[cfg(feature = "cli")]
#[test]
fn a_date_in_toml_is_text_and_a_byte_order_mark_is_ignored() {
    let resolved =
        SettingsStack::new().text("a.toml", "[params]\nday = 2026-01-02\nat = [07:32:00]").resolve().unwrap();
    let params: Vec<String> = resolved.params().map(|(name, value, _)| format!("{name}={value}")).collect();
    assert_eq!(params, [r#"at=["07:32:00"]"#, r#"day="2026-01-02""#]);
    let told = problems(SettingsStack::new().text("a.toml", "grace = 2026-01-02"));
    assert!(told.contains("setting `grace` is `2026-01-02`, but takes a time"), "{told}");
    let marked = SettingsStack::new().text("a.json", "\u{feff}{\"workers\": 2}").resolve().unwrap();
    assert_eq!(marked.settings().workers, Some(2));
}

/// P17: a line of a file is never quoted, since it may contain a secret, but its location is reported. Run parameters
/// are not settings.
#[cfg(feature = "cli")]
#[test]
fn an_unreadable_line_is_located_but_not_quoted() {
    let told = problems(
        SettingsStack::new()
            .text("a.toml", "[params]\ntoken = \"hunter2\" x")
            .text("b.yaml", "params:\n  token: \"hunter2\n")
            .flag("params.token", "hunter2", "--set")
            .environment([("PIPELINE_PARAMS__TOKEN", "hunter2")]),
    );
    assert!(told.contains("at line 2 column 19"), "{told}");
    assert!(told.contains("`params.token` is no setting but a run parameter"), "{told}");
    assert!(told.contains("it is set by PIPELINE_PARAMS__TOKEN"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

/// P17: the debug form shows the names of run parameters from a file, but not their values.
#[test]
fn the_debug_form_of_settings_has_no_parameter_values() {
    let stack = SettingsStack::new().text("a.json", r#"{"params": {"token": "hunter2"}}"#);
    let told = format!("{stack:?} {:?}", stack.clone().resolve().unwrap());
    assert!(told.contains("token") && !told.contains("hunter2"), "{told}");
}

/// L07: unknown keys are refused in every source and at every depth, with a suggestion, all at once.
#[test]
fn unknown_keys_are_refused_with_a_suggestion() {
    let text = r#"{"worker": 2, "defaults": {"timeouts": "1s"}, "groups": {"gold": {"retry": 1}},
        "limits": {"db": {"capcity": 1, "breaker": {"failure": 1}}}, "tags": {"slow": {"enable": true}}}"#;
    let told = problems(
        SettingsStack::new()
            .text("pipeline.json", text)
            .environment([("PIPELINE_SEEED", "1"), ("PIPELINE_STEPS__FETCH__RETRYS", "1")])
            .flag("memory_limits", "1", "--set"),
    );
    for (key, meant, origin) in [
        ("worker", "workers", "pipeline.json"),
        ("defaults.timeouts", "timeout", "pipeline.json"),
        ("groups.gold.retry", "retries", "pipeline.json"),
        ("limits.db.capcity", "capacity", "pipeline.json"),
        ("limits.db.breaker.failure", "failures", "pipeline.json"),
        ("tags.slow.enable", "enabled", "pipeline.json"),
        ("seeed", "seed", "PIPELINE_SEEED"),
        ("steps.fetch.retrys", "retries", "PIPELINE_STEPS__FETCH__RETRYS"),
        ("memory_limits", "memory_limit", "--set"),
    ] {
        let wanted = format!(
            "there is no setting `{key}`\n    it is set by {origin}\n    hint: did you mean `{meant}`?"
        );
        assert!(told.contains(&wanted), "{wanted}\n\n{told}");
    }
    assert!(told.contains("9 problems"), "{told}");
}

/// L07: other programs share the environment, and their variables may have our prefix.
#[test]
fn a_foreign_variable_is_a_warning_and_a_misspelt_one_is_refused() {
    let foreign = [
        "PIPELINE_BRANCH",
        "PIPELINE_USER__EMAIL",
        "PIPELINE_",
        "PIPELINE_X\u{1b}[31m",
        "PIPELINE_RUN_ID",
        "PIPELINE_TAG",
        "PIPELINE_IP",
    ];
    let all = foreign.map(|name| (name, "hunter2")).into_iter().chain([("PIPELINE_IO", "7")]);
    let resolved = SettingsStack::new().environment(all).resolve().unwrap();
    assert_eq!(resolved.settings().slots(Lane::Io), 7);
    let warnings = resolved.warnings().join("\n");
    assert_eq!(resolved.warnings().len(), foreign.len(), "{warnings}");
    assert!(
        warnings.contains("environment variable PIPELINE_USER__EMAIL is ignored: no setting has this name"),
        "{warnings}"
    );
    assert!(!warnings.contains("hunter2") && !warnings.contains('\u{1b}'), "{warnings}");
    for (name, meant) in [
        ("PIPELINE_WORKR", "workers"),
        ("PIPELINE_STEP__FETCH__RETRIES", "steps"),
        // A misspelt name of another system suggests today's name.
        ("PIPELINE_MAX_WORKER", "workers"),
        ("PIPELINE_TIMEOUT_SECOND", "defaults.timeout"),
        ("PIPELINE_DEFAULTS__FROBNICATE", "retries"),
    ] {
        let told = problems(SettingsStack::new().environment([(name, "1")]));
        assert!(told.contains(&format!("it is set by {name}")) && told.contains(meant), "{name}: {told}");
    }
}

fn keeping(runs: usize) -> Settings {
    let mut settings = Settings::default();
    settings.keep_runs = Some(runs);
    settings
}

/// L06: unreadable values and values out of range are reported with key, value, source and range, all at once.
#[test]
fn wrong_values_are_reported_with_their_source_and_range() {
    let text = r#"{"io": "many", "cpu": 0, "deadline": 5, "groups": {"gold": {"jitter": 2}}, "steps": {"a": 1},
        "limits": {"db": {"breaker": {"failures": 3}}, "api": {"breaker": {"failures": 0, "cooldown": "1s"}}}}"#;
    let told = problems(
        SettingsStack::new()
            .text("pipeline.json", text)
            .environment([("PIPELINE_BLOCKING", "5000"), ("PIPELINE_FAIL_FAST", "perhaps")])
            .flag("defaults.timeout", "soon", "--timeout")
            .code(&keeping(0)),
    );
    for (message, origin) in [
        ("setting `io` is `many`, but takes a whole number from 1 to 4096", "`io` is set by pipeline.json"),
        ("setting `cpu` is `0`, but takes a whole number from 1 to 4096", "`cpu` is set by pipeline.json"),
        ("setting `deadline` is `5`, but takes a time above zero", "`deadline` is set by pipeline.json"),
        (
            "setting `groups.gold.jitter` is `2.0`, but takes a number from 0 to 1",
            "`groups.gold.jitter` is set by pipeline.json",
        ),
        ("setting `steps.a` is `1`, but takes a table of settings", "`steps.a` is set by pipeline.json"),
        ("setting `limits.db.breaker` cannot be read: missing field `cooldown`", "is set by pipeline.json"),
        (
            "setting `blocking` is `5000`, but takes a whole number from 1 to 4096",
            "`blocking` is set by PIPELINE_BLOCKING",
        ),
        ("setting `fail_fast` is `perhaps`, but takes `true` or `false`", "is set by PIPELINE_FAIL_FAST"),
        ("setting `defaults.timeout` is `soon`, but takes a time above zero", "is set by --timeout"),
        ("limit `api`: its breaker opens after 0 failures", "`limits.api` is set by pipeline.json"),
        ("setting `keep_runs` is `0`, but takes a whole number, at least 1", "`keep_runs` is set by code"),
    ] {
        let at = told.find(message).unwrap_or_else(|| panic!("{message}\n\n{told}"));
        assert!(told[at..].split("[PL").next().unwrap().contains(origin), "{origin}\n\n{told}");
    }
    assert!(told.contains("11 problems"), "{told}");
}

/// P17: whatever a key or value contains, a message about it stays on its line and has no terminal sequences.
#[test]
fn hostile_keys_and_values_are_harmless_in_messages() {
    let key = "\u{1b}[31mred\n".to_owned() + &"x".repeat(10_000);
    let text = serde_json::json!({ (key.clone()): 1, "io": key }).to_string();
    let told = problems(SettingsStack::new().text("pipe\u{202e}line.json", &text));
    assert!(!told.contains(['\u{1b}', '\u{202e}']), "{told:?}");
    assert!(told.len() < 2000, "{}", told.len());
    assert!(told.contains(r"red\n"), "{told}");
}

/// L12: old spellings are read, with a warning that names the setting.
#[test]
fn old_spellings_are_read_with_a_warning() {
    let text = r#"{"max_workers": 3, "memory_limit_mb": 512, "timeout_seconds": 1.5, "monitoring": true, "abort": true}"#;
    let old = SettingsStack::new()
        .text("old.json", text)
        .environment([("PIPELINE_MAX_RETRIES", "4")])
        .resolve()
        .unwrap();
    let text = r#"{"workers": 3, "memory_limit": "512 MiB", "defaults": {"timeout": "1500ms", "retries": 4},
        "sample_every": "250ms", "fail_fast": true}"#;
    let new = SettingsStack::new().text("new.json", text).resolve().unwrap();
    assert_eq!(old.settings(), new.settings());
    assert_eq!((old.warnings().len(), new.warnings().len()), (6, 0));
    let said = old.warnings().join("\n");
    assert!(said.contains("`max_workers` (old.json) is called `workers` now"), "{said}");
    assert!(said.contains("`max_retries` (PIPELINE_MAX_RETRIES) is called `defaults.retries` now"), "{said}");
    let off = SettingsStack::new().text("old.json", r#"{"parallel": false}"#).resolve().unwrap();
    assert_eq!(off.settings().workers, Some(1));
    let on = SettingsStack::new()
        .text("old.json", r#"{"parallel": true, "monitoring": false, "validate": true}"#)
        .resolve()
        .unwrap();
    assert_eq!(
        (on.settings(), on.warnings().len()),
        (&Settings::default(), 2),
        "`validate` is a setting of ours"
    );
}

/// C04: more workers widen the lanes, except those whose slots the same source or a stronger one sets.
#[test]
fn workers_widen_the_lanes() {
    let resolved = |stack: SettingsStack| stack.resolve().unwrap().settings().clone();
    let many = 1000;
    let opened = resolved(SettingsStack::new().flag("workers", "1000", "--workers"));
    assert_eq!((opened.io, opened.cpu, opened.blocking), (many, many, many));
    let text = r#"{"workers": 1000, "cpu": 2}"#;
    let by_file =
        resolved(SettingsStack::new().text("a.json", text).environment([("PIPELINE_BLOCKING", "3")]));
    assert_eq!((by_file.io, by_file.cpu, by_file.blocking), (many, 2, 3));
    let few = resolved(SettingsStack::new().flag("workers", "1", "--workers"));
    assert_eq!((few.io, few.blocking), (256, 64), "fewer leave them as they are");
}

/// A step that fails each time; the report has the number of its attempts.
#[step(retries = 1, group = "sl-silver")]
fn sl_fails() -> Result<u32, String> {
    Err("planted".to_owned())
}

/// L12: a step's settings by name win over its attribute, that over its group, and a group over the run.
#[test]
fn the_most_specific_setting_of_a_step_wins() {
    #[step(group = "sl-silver")]
    fn sl_says_nothing() -> Result<u32, String> {
        Err("planted".to_owned())
    }
    let retries = |count| StepDefaults::new().retries(count);
    let run = || Settings::default().defaults(retries(2));
    let attempts = |settings: Settings| {
        let run =
            Pipeline::to::<sl_fails>().and::<sl_says_nothing>().settings(settings).run_blocking().unwrap();
        ["sl_fails", "sl_says_nothing"].map(|name| run.report().step(name).unwrap().attempts)
    };
    assert_eq!(attempts(Settings::default()), [2, 1]);
    assert_eq!(attempts(run()), [2, 3]);
    assert_eq!(attempts(run().group("sl-silver", retries(3))), [2, 4]);
    let with_pattern = run().group("sl-silver", retries(3)).step("sl_*", retries(4));
    assert_eq!(attempts(with_pattern.clone()), [5, 5]);
    let longer = with_pattern.step("sl_sa*", retries(5));
    assert_eq!(attempts(longer.clone()), [5, 6], "the longer pattern wins");
    assert_eq!(attempts(longer.step("sl_fails", retries(0))), [1, 6], "a name wins over patterns");
}

#[step(group = "so-bronze", tags("so-slow", "so-other"))]
fn so_source() -> u32 {
    1
}
#[step(group = "so-gold")]
fn so_sum(so_source: &u32) -> u32 {
    *so_source + 1
}
#[step]
fn so_mail(so_sum: Option<&u32>) -> bool {
    so_sum.is_some()
}

/// The statuses of the three steps, and the reason of the first.
fn so_run(settings: Settings) -> ([Status; 3], String) {
    let run = Pipeline::to::<so_mail>().settings(settings).run_blocking().unwrap();
    assert!(run.succeeded(), "a disabled step is no failure: {}", run.report());
    let why = run.error("so_source").map_or(String::new(), |error| error.message().to_owned());
    (["so_source", "so_sum", "so_mail"].map(|name| run.status(name).unwrap()), why)
}

/// L08: a step that is disabled by name, pattern, group or tag is skipped for that reason, and so are steps that
/// require its output; others run.
#[test]
fn steps_are_disabled_by_settings() {
    let off = || StepDefaults::new().enabled(false);
    let on = || StepDefaults::new().enabled(true);
    let base = Settings::default;
    let skipped = [Status::Skipped, Status::Skipped, Status::Succeeded];
    for (settings, key) in [
        (base().step("so_source", off()), "steps.so_source.enabled"),
        (base().step("so_so*", off()), "steps.so_so*.enabled"),
        (base().group("so-bronze", off()), "groups.so-bronze.enabled"),
        (base().tag("so-slow", TagSettings::new().enabled(false)), "tags.so-slow.enabled"),
        (base().step("so_*", on()).step("so_source", off()), "steps.so_source.enabled"),
    ] {
        let (ended, why) = so_run(settings);
        assert_eq!(ended, skipped, "{key}");
        assert_eq!(why, format!("disabled by the settings (`{key} = false`)"));
    }
    let everything = [Status::Succeeded; 3];
    assert_eq!(so_run(base().group("so-bronze", off()).step("so_source", on())).0, everything);
    // Gradual adoption: only the named steps are enabled.
    let mut adopted = base().step("so_mail", on());
    adopted.defaults.enabled = Some(false);
    assert_eq!(so_run(adopted).0, skipped);
    let resolved = SettingsStack::new()
        .text("pipeline.json", r#"{"steps": {"so_source": {"enabled": false}}}"#)
        .resolve();
    let run =
        Pipeline::to::<so_mail>().settings(resolved.unwrap().settings().clone()).run_blocking().unwrap();
    let why = run.error("so_source").unwrap().message().to_owned();
    assert_eq!(why, "disabled by pipeline.json (`steps.so_source.enabled = false`)");
    // A given output stays.
    let given =
        Pipeline::to::<so_mail>().with_output::<so_source>(5).settings(base().step("so_source", off()));
    assert_eq!(given.run_blocking().unwrap().output::<so_mail>(), Ok(&true));
}

/// L08: for a quorum a disabled step does not succeed; for a choice it is not replaced by another branch; and the steps
/// after it in a sequence run.
#[test]
fn disabled_steps_take_part_in_nothing() {
    #[step(sequential = "st-line")]
    fn st_one() -> u32 {
        1
    }
    #[step(sequential = "st-line")]
    fn st_two() -> u32 {
        2
    }
    #[step]
    fn st_first(#[from(st_one, st_two, first)] number: &u32) -> u32 {
        *number
    }
    #[step]
    fn st_both(#[from(st_one, st_two, at_least = 2)] numbers: Vec<&u32>) -> u32 {
        numbers.into_iter().sum()
    }
    #[step(switch(true => st_yes, false => st_no))]
    fn st_choice() -> bool {
        true
    }
    #[step(branch = st_choice)]
    fn st_yes() -> u32 {
        1
    }
    #[step(branch = st_choice)]
    fn st_no() -> u32 {
        0
    }
    let off = |name: &str| {
        let settings = Settings::default().step(name, StepDefaults::new().enabled(false));
        let pipeline = Pipeline::to::<st_first>().and::<st_both>().and::<st_yes>().and::<st_no>();
        pipeline.settings(settings).run_blocking().unwrap()
    };
    let run = off("st_one");
    assert_eq!((run.output::<st_first>(), run.status("st_both")), (Ok(&2), Ok(Status::Skipped)));
    assert_eq!((run.output::<st_yes>(), run.status("st_no")), (Ok(&1), Ok(Status::Skipped)));
    let run = off("st_yes");
    assert_eq!((run.output::<st_first>().is_ok(), run.output::<st_both>()), (true, Ok(&3)));
    assert_eq!(["st_yes", "st_no"].map(|name| run.status(name).unwrap()), [Status::Skipped; 2]);
    let run = off("st_choice");
    assert_eq!(["st_yes", "st_no"].map(|name| run.status(name).unwrap()), [Status::Skipped; 2]);
    assert!(run.succeeded(), "{}", run.report());
}

/// L07: a name that no step has is a problem before anything runs, even if set in code; the name of a step outside this
/// graph is not.
#[test]
fn unknown_names_in_settings_are_problems() {
    #[step(limit = "sn-db")]
    fn sn_elsewhere() -> u32 {
        1
    }
    let retries = || StepDefaults::new().retries(1);
    let check = |settings: Settings| {
        let told = Pipeline::to::<so_mail>().settings(settings).check().err();
        told.map_or(String::new(), |problems| problems.to_string())
    };
    for (settings, message, meant) in [
        (Settings::default().step("so_sorce", retries()), "there is no step `so_sorce`", "`so_source`"),
        (
            Settings::default().step("so_nothing*", retries()),
            "selects nothing",
            "a pattern matches a whole name",
        ),
        (Settings::default().step("tag:so-slow", retries()), "it takes a step's name", "write `groups.NAME`"),
        (
            Settings::default().group("so-bronce", retries()),
            "no step is in a group `so-bronce`",
            "`so-bronze`",
        ),
        (Settings::default().tag("so-slw", TagSettings::new()), "no step has the tag `so-slw`", "`so-slow`"),
        (
            Settings::default().limit("sn-dbs", LimitSettings::new(1)),
            "no step needs the limit `sn-dbs`",
            "`sn-db`",
        ),
    ] {
        let told = check(settings);
        assert!(told.contains(message) && told.contains(meant) && told.contains("[PL0018]"), "{told}");
    }
    #[step]
    fn sn_list() -> Vec<u32> {
        vec![1]
    }
    #[step]
    fn sn_takes(sn_list: Vec<u32>) -> usize {
        sn_list.len()
    }
    let told = Pipeline::to::<sn_takes>().settings(Settings::default().step("sn_takes", retries())).check();
    let told = told.unwrap_err().to_string();
    assert!(
        told.contains("`steps.sn_takes.retries` has no effect: the step takes an input by value"),
        "{told}"
    );
    let elsewhere = Settings::default()
        .step("sn_elsewhere", retries())
        .limit("sn-db", LimitSettings::new(2))
        .limit("cores", LimitSettings::new(2))
        .group("sl-silver", retries());
    assert_eq!(check(elsewhere), "");
}
