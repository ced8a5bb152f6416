//! The examples do what their transcripts say.
//!
//! They are built once, into the target folder of this test, and then run as programs. After a wanted change,
//! `TRANSCRIPTS=overwrite cargo test --test examples` writes the transcripts anew: read the difference as a user would.

#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const RUNS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/examples-runs");

/// The folder of the built examples. Cargo holds no lock while it runs tests, so this cargo need not wait for that one.
static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
    // This program is TARGET/PROFILE/deps/examples-…
    let program = std::env::current_exe().unwrap();
    let profile = program.ancestors().nth(2).unwrap();
    let target = profile.parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--examples", "--features", "cli", "--target-dir"]).arg(target);
    if !profile.ends_with("debug") {
        cargo.arg("--profile").arg(profile.file_name().unwrap());
    }
    let output = cargo.current_dir(ROOT).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    profile.join("examples")
});

/// How many programs were run.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// Runs an example in the root folder, with nothing of the environment that would set a run parameter.
fn run(example: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(BUILT.join(example).with_extension(std::env::consts::EXE_EXTENSION));
    let given = std::env::vars_os().map(|(name, _)| name);
    for name in given.filter(|name| name.to_string_lossy().starts_with("PIPELINE_")) {
        command.env_remove(name);
    }
    // Messages call the program as it was called.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, example);
    // Runs are recorded out of the way, and no run knows of another: what is planned would have its times.
    let runs = format!("{RUNS}/{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    // Help is as wide as where there is no terminal.
    command.env_remove("COLUMNS");
    command.env_remove("CARGO").env("PIPELINE_RUNS_DIR", &runs);
    let output = command.args(arguments).current_dir(ROOT).output().unwrap();
    let _ = fs::remove_dir_all(runs);
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn transcript(example: &str) -> PathBuf {
    Path::new(ROOT).join("examples/transcripts").join(example).with_extension("txt")
}

/// Compares with the transcript, or writes it.
fn compare(example: &str, seen: &str) {
    let path = transcript(example);
    if std::env::var("TRANSCRIPTS").as_deref() == Ok("overwrite") {
        fs::write(path, seen).unwrap();
        return;
    }
    let wanted = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(seen, wanted, "{example}: not as in {}", path.display());
}

/// The names of the files with an extension in a folder, sorted.
fn names(folder: &str, extension: &str) -> Vec<String> {
    let files = fs::read_dir(Path::new(ROOT).join(folder)).unwrap();
    let paths = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension));
    let mut names: Vec<String> =
        paths.map(|path| text(path.file_stem().unwrap().as_encoded_bytes())).collect();
    names.sort();
    names
}

#[test]
fn every_example_prints_its_transcript() {
    for example in names("examples", "rs") {
        if example == "cli" {
            continue;
        }
        // What it shows takes time, in all other runs of it.
        let arguments: &[&str] = if example == "live" { &["-p", "pace=0"] } else { &[] };
        let output = run(&example, arguments);
        assert!(output.status.success(), "{example}:\n{}", text(&output.stderr));
        compare(&example, &text(&output.stdout));
    }
}

/// M06: the recipes of the guide tell their timings when asked to, apart from what they print.
#[test]
fn every_recipe_tells_its_times_on_standard_error() {
    let recipes =
        ["api_aggregation", "chunks", "files", "map_reduce", "medallion", "resilient", "sweep", "validation"];
    let guide = fs::read_to_string(Path::new(ROOT).join("docs/recipes.md")).unwrap();
    for recipe in recipes {
        assert!(guide.contains(&format!("(../examples/{recipe}.rs)")), "{recipe} is not in docs/recipes.md");
        let output = run(recipe, &["--times"]);
        let (said, times) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success() && times.contains("critical path "), "{recipe}:\n{times}");
        assert!(!said.contains("critical path "), "{recipe}:\n{said}");
    }
}

#[test]
fn every_example_has_a_transcript_and_a_row_in_the_table() {
    let examples = names("examples", "rs");
    assert_eq!(examples, names("examples/transcripts", "txt"));
    let table = fs::read_to_string(Path::new(ROOT).join("examples/README.md")).unwrap();
    for example in examples {
        assert!(
            table.contains(&format!("[{example}.rs]({example}.rs)")),
            "{example} is not in examples/README.md"
        );
    }
}

/// Every line `$ cli …` of the transcript is run again. What follows it is standard output, then, where nothing was
/// run, standard error, then the exit code where it is not 0.
#[test]
fn the_command_lines_of_the_transcript_print_what_it_says() {
    let wanted = fs::read_to_string(transcript("cli")).unwrap();
    let mut seen = String::new();
    for line in wanted.lines().filter_map(|line| line.strip_prefix("$ cli")) {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let output = run("cli", &arguments);
        write!(seen, "$ cli{line}\n{}", text(&output.stdout)).unwrap();
        if code(&output) >= 2 {
            seen.push_str(&text(&output.stderr));
        }
        if code(&output) != 0 {
            writeln!(seen, "exit code {}", code(&output)).unwrap();
        }
        seen.push('\n');
    }
    compare("cli", &seen);
}

#[test]
fn a_failing_step_is_exit_code_1_and_told_on_standard_error() {
    let output = run("cli", &["run", "revenue", "-p", "refunds.amount=much", "--quiet"]);
    let told = text(&output.stderr);
    assert_eq!((code(&output), text(&output.stdout).as_str()), (1, ""), "{told}");
    for part in [
        "error[PL0101]: step `refunds` failed\n    at examples/cli.rs:",
        "    error: invalid digit found in string\n    input `amount`: a run parameter, from -p\n",
        "    1 step was skipped because `refunds` failed: revenue\n",
        "to go on: cli run revenue\n          with the values that were given to refunds.amount\n",
        "more: `cli explain PL0101`\n",
    ] {
        assert!(told.contains(part), "{part:?} in\n{told}");
    }
    assert!(!told.contains("much"), "no value of a parameter is printed: {told}");
}

#[test]
fn parameters_come_from_the_command_line_before_the_environment_before_a_file() {
    let folder = Folder::new("cli-params");
    let (file, written) = (folder.0.join("params.toml"), folder.0.join("report.txt"));
    fs::write(&file, "rate = 2\ncount = 1\namount = \"0\"\n").unwrap();
    let mut command = Command::new(BUILT.join("cli").with_extension(std::env::consts::EXE_EXTENSION));
    command.env("PIPELINE_PARAM_count", "2").env("PIPELINE_PARAM_amount", "3").current_dir(ROOT);
    command.env("PIPELINE_RUNS_DIR", RUNS);
    command.args(["run", "report", "--quiet", "-p", "amount=7", "--params"]).arg(&file);
    command.arg("-p").arg(format!("path={}", written.display()));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    // 10 + 20 from the environment's count, less the command line's 7, at the file's rate.
    assert_eq!(fs::read_to_string(written).unwrap(), "revenue: 46\n");
}

/// Nothing that was said is passed over because it cannot be read.
#[cfg(unix)]
#[test]
fn variables_that_are_not_text_are_refused() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new("cli-bytes");
    let told = |variable: &str, value: &[u8]| {
        let mut command = Command::new(BUILT.join("cli").with_extension(std::env::consts::EXE_EXTENSION));
        command.args(["revenue", "--no-report"]).env(variable, std::ffi::OsStr::from_bytes(value));
        let output = command.current_dir(&folder.0).output().unwrap();
        (code(&output), text(&output.stderr))
    };
    for variable in ["PIPELINE_PARAM_rate", "PIPELINE_WORKERS", "PIPELINE_STEPS__REVENUE__RETRIES"] {
        let (exit, told) = told(variable, b"2\xff");
        let why = format!("the value of {variable} in the environment is not UTF-8");
        assert!(exit == 2 && told.contains(&why), "{exit} {told}");
    }
    assert_eq!(told("PIPELINE_OF_ANOTHER", b"\xff").0, 0);
}

#[test]
fn the_report_is_json_on_standard_output_and_in_a_file() {
    let folder = Folder::new("cli-report");
    let file = folder.0.join("report.json");
    let output = run("cli", &["run", "+revenue", "--json", "--report", file.to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    for json in [text(&output.stdout), fs::read_to_string(file).unwrap()] {
        let report: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&report["status"], &report["counts"]["succeeded"]), (&"succeeded".into(), &3.into()));
    }
}

/// Runs the `cli` example in a folder, with these variables.
fn run_in(folder: &Folder, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(BUILT.join("cli").with_extension(std::env::consts::EXE_EXTENSION));
    for name in std::env::vars_os().map(|(name, _)| name) {
        if name.to_string_lossy().starts_with("PIPELINE_") {
            command.env_remove(name);
        }
    }
    command.envs(variables.iter().copied()).args(arguments).current_dir(&folder.0).output().unwrap()
}

/// H05, I12: what a run was started with is in its record, but for values of run parameters.
#[test]
fn a_recorded_run_tells_how_it_was_started_and_a_diff_what_was_said_otherwise() {
    let folder = Folder::new("cli-started");
    let lines: [(i32, &[&str]); 2] = [
        (1, &["revenue", "-p", "refunds.amount=much", "--fail-fast", "--workers", "2", "--quiet"]),
        (0, &["run", "--workers", "4", "-p", "refunds.amount=7", "-p", "count=2", "-v"]),
    ];
    for (wanted, line) in lines {
        let output = run_in(&folder, &[], line);
        assert_eq!(code(&output), wanted, "{}", text(&output.stderr));
    }
    let told = text(&run_in(&folder, &[], &["report", "-2"]).stdout);
    let and = "          with the values that were given to refunds.amount\n";
    let wanted = format!("run revenue --fail-fast --workers 2\n{and}");
    assert!(told.contains("to go on: ") && told.contains(&wanted), "{told}");
    let told = text(&run_in(&folder, &[], &["diff"]).stdout);
    let wanted = "\nstarted differently\n  selection revenue → all\n  --fail-fast in A only\n  \
                  --workers 2 → --workers 4\n";
    assert!(told.contains(wanted), "{told}");
    // That it was not given at all before is told of what the runs came from, and once.
    assert_eq!(told.matches("count").count(), 1, "{told}");
    for changed in ["`amount` has changed\n", "`count` is given now, and was not\n"] {
        assert!(told.contains(&format!("  warning: run parameter {changed}")), "{told}");
    }
    assert!(
        !told.contains("much") && !told.contains("rate"),
        "no value, and nothing that is the same: {told}"
    );
    // A parameter that the other run had from the environment was given all the same: only the words were others.
    let output = run_in(&folder, &[("PIPELINE_PARAM_amount", "7")], &["run", "-q", "-p", "count=2"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let output = run_in(&folder, &[], &["run", "-q", "-p", "count=2", "-p", "amount=7"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let told = text(&run_in(&folder, &[], &["diff"]).stdout);
    assert!(told.contains("\nstarted differently\n  -p amount in B only\n"), "{told}");
    assert!(!told.contains("given") && !told.contains("run parameter"), "{told}");
    // One step is gone on with by the same verb: `run` does not take its options.
    fs::write(folder.0.join("orders.json"), "[1]").unwrap();
    let output =
        run_in(&folder, &[], &["step", "revenue", "--input", "orders=orders.json", "-p", "amount=much"]);
    assert_eq!(code(&output), 1, "{}", text(&output.stderr));
    let told = text(&run_in(&folder, &[], &["report"]).stdout);
    assert!(told.contains(" step revenue --input orders=orders.json\n"), "{told}");
    let json = run_in(&folder, &[], &["diff", "latest", "latest", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["started"], serde_json::json!([]));
}

/// L05: variables of other programs are warned of; what is nearly the name of a parameter is refused with that name.
#[test]
fn variables_of_run_parameters_are_the_names_as_they_are_and_of_others_is_warned() {
    let folder = Folder::new("cli-variables");
    let output = run_in(&folder, &[("PIPELINE_PARAM_COUNT", "hunter2")], &["run", "+revenue"]);
    let told = text(&output.stderr);
    assert_eq!(code(&output), 2, "{told}");
    for part in ["error[PL0012]: no step has a run parameter `COUNT`", "did you mean `count`?"] {
        assert!(told.contains(part) && !told.contains("hunter2"), "{told}");
    }
    let output = run_in(&folder, &[("PIPELINE_PARAM_coumt", "2")], &["run", "+revenue"]);
    assert!(code(&output) == 2 && text(&output.stderr).contains("did you mean `count`?"));
    let variables = [("PIPELINE_PARAM_BUILD_BRANCH", "hunter2"), ("PIPELINE_PARAM_count", "2")];
    let output = run_in(&folder, &variables, &["run", "+revenue"]);
    let told = text(&output.stderr);
    let warning = "warning: variable PIPELINE_PARAM_BUILD_BRANCH of the environment is no run parameter of any step, and none \
                   is called like it: it is passed over\n";
    assert!(code(&output) == 0 && told.contains(warning) && !told.contains("hunter2"), "{told}");
    let told = text(&run_in(&folder, &variables, &["run", "+revenue", "--quiet"]).stderr);
    assert!(!told.contains("PIPELINE_PARAM"), "{told}");
    let told = text(&run_in(&folder, &variables, &["info"]).stdout);
    assert!(told.contains("PIPELINE_PARAM_BUILD_BRANCH") && told.contains("PIPELINE_PARAM_count"), "{told}");
    for (given, wanted) in [
        ("hunter2", "what `-p` was given has no `=`\n    hint: write it as `-p name=value`"),
        ("=hunter2", "a run parameter (`-p`) has no name\n    hint: write it as `-p name=value`"),
    ] {
        let output = run_in(&folder, &[], &["run", "+revenue", "-p", given]);
        let told = text(&output.stderr);
        assert!(code(&output) == 2 && told.contains(wanted) && !told.contains("hunter2"), "{told}");
    }
}

/// The command line of a deterministic run must not make its report another.
#[test]
fn the_report_of_a_deterministic_run_is_the_same_at_any_width() {
    let folder = Folder::new("cli-deterministic");
    let report = |width: &[&str]| {
        let line = [&["revenue", "--set", "deterministic=true", "--json"], width].concat();
        let output = run_in(&folder, &[], &line);
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let one = report(&["--sequential"]);
    assert_eq!(one, report(&["--workers", "4", "--io", "2", "--runs-dir", "elsewhere"]));
    assert_eq!(one, report(&["--set", "workers=3"]));
    assert!(one.contains("\"--set\": [\n"), "what is not of the schedule is there: {one}");
}

/// L10, L12: `info` tells every setting in force and where it comes from, as a table and as JSON.
#[test]
fn info_tells_where_each_setting_comes_from() {
    let folder = Folder::new("cli-info");
    let file = "preset = \"production\"\nio = 3\ncpu = 3\nblocking = 3\n[steps.refunds]\nretries = 2\n";
    fs::write(folder.0.join("pipeline.toml"), file).unwrap();
    let variables = [("PIPELINE_CPU", "4"), ("PIPELINE_BLOCKING", "4")];
    let output = run_in(&folder, &variables, &["info", "--json", "--blocking", "5"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let info: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let setting = |key: &str| {
        let all = info["settings"].as_array().unwrap();
        let setting =
            all.iter().find(|setting| setting["key"] == key).unwrap_or_else(|| panic!("{key}: {info}"));
        (setting["value"].clone(), setting["origin"].as_str().unwrap().to_owned())
    };
    for (key, value, origin) in [
        ("io", serde_json::json!(3), "pipeline.toml"),
        ("cpu", 4.into(), "PIPELINE_CPU"),
        ("blocking", 5.into(), "--blocking"),
        ("steps.refunds.retries", 2.into(), "pipeline.toml"),
        ("keep_runs", 1000.into(), "preset production"),
        ("runs_dir", ".pipeline".into(), "default"),
        ("fail_fast", false.into(), "default"),
    ] {
        assert_eq!(setting(key), (value, origin.to_owned()), "{key}");
    }
    assert_eq!((&info["schema"], &info["slots"]["cpu"]), (&1.into(), &4.into()));
    assert!(info["machine"]["cores"].as_u64() >= Some(1), "{info}");
    assert!(info["build"]["features"].as_array().unwrap().contains(&"cli".into()), "{info}");
    let told = text(&run_in(&folder, &variables, &["info"]).stdout);
    for heading in ["settings in force", "build", "machine", "slots on this machine, by preset"] {
        assert!(told.lines().any(|line| line == heading), "{told}");
    }
    let row = told.lines().find(|line| line.trim_start().starts_with("cpu ")).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["cpu", "4", "PIPELINE_CPU"]);
}

/// L05, L08, A05: a run follows the file in its folder, run parameters and disabled steps included; another file
/// is read where it is named.
#[test]
fn a_run_follows_the_file_in_its_folder() {
    let folder = Folder::new("cli-settings");
    let write = |name: &str, text: &str| fs::write(folder.0.join(name), text).unwrap();
    write(
        "pipeline.toml",
        "max_workers = 2\n[params]\nrate = 2\n[params.orders]\ncount = 1\n[params.report]\npath = \"out\"\n",
    );
    let output = run_in(&folder, &[], &["run"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    // 10, less the refund of 5, at the file's rate.
    assert_eq!(fs::read_to_string(folder.0.join("out")).unwrap(), "revenue: 10\n");
    let warning = "warning: setting `max_workers` (pipeline.toml) is called `workers` now; use that name";
    assert!(text(&output.stderr).contains(warning), "{}", text(&output.stderr));
    write("off.yaml", "steps:\n  refunds: {enabled: false}\n");
    for (variables, arguments) in [
        (&[][..], &["run", "--config", "off.yaml", "--json"][..]),
        (&[("PIPELINE_CONFIG", "off.yaml")], &["run", "--json"]),
    ] {
        let output = run_in(&folder, variables, arguments);
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        let said = text(&output.stdout);
        assert!(said.contains("disabled by off.yaml (`steps.refunds.enabled = false`)"), "{said}");
    }
}

/// L06, L07: all that is wrong with settings and graph is told at once, nothing runs, and the exit code is 2; 3 where a file
/// cannot be read.
#[test]
fn wrong_settings_are_exit_code_2_and_all_told() {
    let folder = Folder::new("cli-wrong-settings");
    let write = |name: &str, text: &str| fs::write(folder.0.join(name), text).unwrap();
    write("pipeline.yaml", "io: 0\ngroups: {gald: {retries: 1}}\nlimits: {db: {capacity: 1}}\n");
    let output = run_in(&folder, &[("PIPELINE_WORKER", "2")], &["run", "--set", "seed=many"]);
    let told = text(&output.stderr);
    assert_eq!((code(&output), text(&output.stdout).as_str()), (2, ""), "{told}");
    for wanted in [
        "the pipeline has 5 problems; no step was run",
        "`io` is set by pipeline.yaml",
        "no step is in a group `gald`\n    `groups.gald` is set by pipeline.yaml\n    hint: did you mean `gold`?",
        "no step needs the limit `db`",
        "there is no setting `worker`\n    it is set by PIPELINE_WORKER\n    hint: did you mean `workers`?",
        "setting `seed` is `many`, but takes a whole number",
    ] {
        assert!(told.contains(wanted), "{wanted}\n\n{told}");
    }
    write("pipeline.toml", "io = 1\n");
    let several = run_in(&folder, &[], &["plan"]);
    assert!(code(&several) == 2 && text(&several.stderr).contains("pipeline.toml, pipeline.yaml"));
    let missing = run_in(&folder, &[], &["plan", "--config", "missing.toml"]);
    assert!(
        code(&missing) == 3 && text(&missing.stderr).contains("cannot read the settings in missing.toml")
    );
}

/// B13: what the drawings have in them is looked at in `pipeline-core` and `tests/page`.
#[test]
fn the_graph_is_drawn_as_svg_and_as_a_page() {
    let svg = run("cli", &["graph", "+revenue", "--format", "svg"]);
    let drawn = text(&svg.stdout);
    assert_eq!((code(&svg), drawn.matches("class=\"shape\"").count()), (0, 3), "{drawn}");
    let page = run("cli", &["graph", "--format", "html"]);
    let drawn = text(&page.stdout);
    assert!(
        code(&page) == 0 && drawn.starts_with("<!DOCTYPE html>") && drawn.contains("\"name\":\"refunds\"")
    );
    let wrong = run("cli", &["graph", "--format", "png"]);
    let told = text(&wrong.stderr);
    assert!(code(&wrong) == 2 && told.contains("text, dot, mermaid, svg, json, html"), "{told}");
}

/// K10, M05: one step alone, with what it needs, and all there is to tell of it.
#[test]
fn a_step_alone_is_told_in_full() {
    let output = run("cli", &["step", "refunds", "-p", "amount=much", "--retries", "1", "--seed", "7"]);
    let told = text(&output.stdout);
    assert_eq!(code(&output), 1, "{told}");
    for part in [
        "step cli::refunds  [io]",
        "at        examples/cli.rs:24",
        "What went back.",
        "refunds failed",
        "attempts  2",
        "seed      7 ",
        "attempt 1 failed",
        "error     invalid digit found in string",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let output = run("cli", &["step", "revenue", "--repeat", "3", "-p", "refunds.amount=much"]);
    let told = text(&output.stdout);
    assert_eq!(code(&output), 1, "{told}");
    for part in [
        "needs     orders, refunds; 2 steps to run first",
        "because   `refunds` has no output",
        "0 of 3 runs",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let output = run("cli", &["step", "revenue", "--repeat", "2"]);
    let told = text(&output.stdout);
    assert!(code(&output) == 0 && told.contains("2 of 2 runs gave an output; the step took"), "{told}");
    assert_eq!(told.matches("upstream  orders succeeded in").count(), 2, "{told}");
}

#[test]
fn a_step_alone_reads_files_and_what_runs_have_saved() {
    let folder = Folder::new("step-inputs");
    let saved = |arguments: &[&str]| {
        let output = run_in(&folder, &[], &[&["step", "revenue", "--save-outputs"], arguments].concat());
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        let runs = fs::read_dir(folder.0.join(".pipeline/runs")).unwrap();
        let latest = runs.map(|run| run.unwrap().path()).max().unwrap();
        (fs::read_to_string(latest.join("outputs/revenue.json")).unwrap(), text(&output.stdout))
    };
    let refused = |arguments: &[&str]| {
        let output = run_in(&folder, &[], &[&["step", "revenue"], arguments].concat());
        (code(&output), text(&output.stderr))
    };
    let (exit, told) = refused(&["--inputs-from", "latest"]);
    assert!(exit == 2 && told.contains("no run is recorded in .pipeline"), "{told}");
    assert_eq!(saved(&["-p", "count=2"]).0, "25");
    fs::write(folder.0.join("orders.json"), "[100, 200]").unwrap();
    let (revenue, told) = saved(&["--inputs-from", "latest"]);
    assert!(revenue == "25" && told.contains("given     orders, refunds from run "), "{told}");
    // That run has saved `revenue` alone: the one before has what is needed, and the latest of those is found.
    let (revenue, told) = saved(&["--inputs-from", "latest"]);
    assert!(revenue == "25" && told.contains("given     orders, refunds from run "), "{told}");
    let (revenue, told) = saved(&["--inputs-from", "-3", "--input", "orders=orders.json", "-p", "rate=2"]);
    assert!(revenue == "590" && told.contains("orders from orders.json"), "{told}");
    let (revenue, told) = saved(&["--input", "orders=orders.json", "-p", "amount=300"]);
    assert!(revenue == "0" && told.contains("needs     refunds; 1 step to run first"), "{told}");

    // What to go on with names the run whose outputs were read: the latest is another one by then.
    let read = |arguments: &[&str]| run_in(&folder, &[], &[&["step", "revenue"], arguments].concat());
    let failed = read(&["--inputs-from", "-5", "-p", "rate=9223372036854775807"]);
    assert_eq!(code(&failed), 1, "{}", text(&failed.stderr));
    let told = text(&run_in(&folder, &[], &["report", "latest"]).stdout);
    let (_, run_id) = told.split_once(" step revenue --inputs-from ").unwrap_or_else(|| panic!("{told}"));
    let run_id = run_id.split_whitespace().next().unwrap();
    assert_eq!(code(&read(&["--inputs-from", run_id])), 0);
    // Of a step that nothing was saved of, what it reads in turn is looked for.
    let output = run_in(&folder, &[], &["step", "report", "--inputs-from", "latest"]);
    let told = text(&output.stdout);
    assert!(told.contains("given     revenue from run "), "{told}");
    let outputs = folder.0.join(".pipeline/runs");
    for run in fs::read_dir(&outputs).unwrap() {
        let _ = fs::remove_file(run.unwrap().path().join("outputs/revenue.json"));
    }
    let output = run_in(&folder, &[], &["step", "report", "--inputs-from", "latest"]);
    let told = text(&output.stdout);
    for part in ["refunds from run ", "2 steps without a saved output to run: revenue, orders"] {
        assert!(told.contains(part), "{part}: {told}");
    }

    for (arguments, exit, why) in [
        (["--inputs-from", "-1"], 2, "has saved no output that `revenue` needs: orders, refunds"),
        (["--input", "ordres=orders.json"], 2, "did you mean `orders`?"),
        (["--input", "revenue=orders.json"], 2, "`revenue` is no step that `revenue` needs"),
        (["--input", "orders.json"], 2, "write it as `--input step=FILE`"),
        (["--input", "refunds=orders.json"], 2, "cannot be read as `i64`: expected i64 at line 1 column 0"),
        (["--input", "orders=none.json"], 3, "cannot read none.json, the output given for `orders`"),
    ] {
        let (code, told) = refused(&arguments);
        assert!(code == exit && told.contains(why), "{arguments:?}: {code} {told}");
    }
}

/// A command behind options, or misspelt, is told as such: no step is missing.
#[test]
fn a_command_where_a_step_is_expected_is_told() {
    for (arguments, wanted) in [
        (&["-p", "count=1", "plan"][..], "`plan` is a command, and a command comes first"),
        (&["--workers", "1", "list"], "write `cli list`, and its options behind that"),
        (&["lst"], "did you mean `cli list`?"),
        (&["revneue"], "did you mean `revenue`?"),
        (&["nothing_like_it"], "there is no step `nothing_like_it`"),
    ] {
        let output = run("cli", arguments);
        let told = text(&output.stderr);
        assert!(code(&output) == 2 && told.contains(wanted), "{arguments:?}: {told}");
    }
}

#[test]
fn a_graph_is_drawn_into_a_file_whose_name_says_how() {
    let folder = Folder::new("cli-graph");
    for (name, begin) in [
        ("g.dot", "digraph"),
        ("g.mmd", "flowchart"),
        ("g.json", "{"),
        ("g.txt", "4 steps"),
        ("g", "4 steps"),
    ] {
        let file = folder.0.join(name);
        let output = run("cli", &["graph", "--output", file.to_str().unwrap()]);
        assert_eq!((code(&output), output.stdout.len()), (0, 0), "{name}: {}", text(&output.stderr));
        assert!(fs::read_to_string(file).unwrap().starts_with(begin), "{name}");
    }
    let picture = folder.0.join("g.png");
    assert_eq!(code(&run("cli", &["graph", "-o", picture.to_str().unwrap()])), 2);
    assert!(!picture.exists(), "no text under the name of a picture");
    let nowhere = folder.0.join("no/such/folder.dot");
    assert_eq!(code(&run("cli", &["graph", "-o", nowhere.to_str().unwrap()])), 3);
}

#[test]
fn every_shell_can_complete_every_verb_and_the_version_has_the_programs_name() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = text(&run("cli", &["completions", shell]).stdout);
        for word in ["cli", "plan", "list", "graph", "step", "completions", "exclude"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(
        text(&run("cli", &["--version"]).stdout),
        format!("cli (pipeline {})\n", env!("CARGO_PKG_VERSION"))
    );
}

/// What bash offers for a word, the last of a line, once it has read the script of `cli completions bash`.
#[cfg(unix)]
fn offered_by_bash(script: &Path, line: &str) -> Vec<String> {
    // bash takes a colon for a word of its own.
    let words: Vec<String> = line.replace(':', " : ").split_whitespace().map(str::to_owned).collect();
    let word = if line.ends_with([' ', ':']) { "" } else { words.last().unwrap() };
    let at = words.len() - usize::from(!word.is_empty());
    let ask = format!(
        "source {}\nCOMP_LINE='{line}' COMP_POINT={} COMP_WORDS=({}) COMP_CWORD={at}\n\
         $(complete -p cli | sed 's/.*-F \\([^ ]*\\).*/\\1/') cli '{word}' '{}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        line.len(),
        words.join(" "),
        words[at - 1],
    );
    let output = Command::new("bash").args(["--norc", "-c", &ask]).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    text(&output.stdout).lines().filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// B09: names of steps, groups and tags are offered where steps are selected.
#[cfg(unix)]
#[test]
fn a_shell_completes_the_names_of_steps_groups_and_tags() {
    let folder = Folder::new("cli-completions");
    let script = folder.0.join("cli.bash");
    fs::write(&script, run("cli", &["completions", "bash"]).stdout).unwrap();
    for (line, wanted) in [
        ("cli run re", &["refunds", "revenue", "report"][..]),
        ("cli or", &["orders"]),
        ("cli plan --exclude gr", &["group:bronze", "group:gold"]),
        ("cli run orders tag:", &["source"]),
        ("cli run group:g", &["gold"]),
        ("cli step rev", &["revenue"]),
        ("cli step ta", &[]),
        ("cli runs ord", &["orders"]),
    ] {
        assert_eq!(offered_by_bash(&script, line), wanted, "{line}");
    }
    for (shell, wanted) in [
        ("zsh", &["(group\\:bronze group\\:gold tag\\:source orders refunds revenue report)"][..]),
        (
            "fish",
            &[
                "__fish_use_subcommand\" -f -a \"group:bronze group:gold tag:source orders refunds revenue report\"\n",
                "__fish_seen_subcommand_from step runs\" -f -a \"orders refunds revenue report\"\n",
            ],
        ),
    ] {
        let script = text(&run("cli", &["completions", shell]).stdout);
        for wanted in wanted {
            assert!(script.contains(wanted), "{shell}: {wanted:?} in\n{script}");
        }
    }
}

/// B09: a plan as data is of the same graph as the one for people, and nothing is run for it.
#[test]
fn a_plan_is_data_too() {
    let folder = Folder::new("cli-plan");
    let path = format!("path={}", folder.0.join("report.txt").display());
    let output = run("cli", &["plan", "--json", "--cpu", "1", "-p", &path]);
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> =
        plan["steps"].as_array().unwrap().iter().filter_map(|step| step["name"].as_str()).collect();
    assert_eq!(names, ["orders", "refunds", "revenue", "report"]);
    assert_eq!((&plan["schema"], &plan["levels"]), (&1.into(), &serde_json::json!([2, 1, 1])));
    assert_eq!(plan["kinds"]["safe"], 4);
    assert!(fs::read_dir(&folder.0).unwrap().next().is_none(), "no step was run");
}

/// A14: the main job gives its ten outputs, all at once and one step at a time.
#[test]
fn the_shop_gives_ten_right_outputs_parallel_and_sequential() {
    let folder = Folder::new("shop");
    let (data, out) = (folder.0.join("data"), folder.0.join("out"));
    for mode in [&[][..], &["--sequential"]] {
        let mut arguments = vec!["--size", "tiny", "--check", "--data", data.to_str().unwrap()];
        arguments.extend(["--out", out.to_str().unwrap()]);
        arguments.extend(mode);
        let output = run("shop", &arguments);
        let said = text(&output.stdout);
        assert!(output.status.success(), "{mode:?}: {said}\n{}", text(&output.stderr));
        assert!(said.contains("10 of 10 outputs match"), "{mode:?}: {said}");
        fs::remove_dir_all(&out).unwrap();
    }
}

/// A folder of this process, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("pipeline-examples-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
