//! Examples print what their transcripts say.
//!
//! After an intended change, `TRANSCRIPTS=overwrite cargo test --test programs examples` rewrites the transcripts: read
//! the difference as a user would.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::folder::Folder;
use crate::support::{ROOT, Ran, command, ran};

/// Runs an example in a new folder.
fn run(example: &str, arguments: &[&str]) -> Ran {
    ran(command(example, &Folder::new()).args(arguments))
}

/// Runs the `cli` example in a folder, with these variables.
fn run_in(folder: &Folder, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    ran(command("cli", folder).envs(variables.iter().copied()).args(arguments))
}

fn transcript(example: &str) -> PathBuf {
    Path::new(ROOT).join("examples/transcripts").join(example).with_extension("txt")
}

/// Compares with the transcript, or rewrites it.
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
        paths.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn every_example_prints_its_transcript() {
    for example in names("examples", "rs") {
        if example == "cli" {
            continue;
        }
        // Its steps take time, except here.
        let arguments: &[&str] = if example == "live" { &["-p", "pace=0"] } else { &[] };
        let output = run(&example, arguments);
        assert!(output.code == 0, "{example}:\n{}", output.err);
        compare(&example, &output.out);
    }
}

/// A14: one step at a time, each example prints the same as in parallel. One that does not load its settings is a chain
/// (`hello`, `resume`), or runs one step at a time anyway or compares both itself.
#[test]
fn every_example_prints_the_same_one_step_at_a_time() {
    let fixed = ["cli", "hello", "live", "map_reduce", "medallion", "observe", "ownership", "resume"];
    for example in names("examples", "rs") {
        let source =
            fs::read_to_string(Path::new(ROOT).join("examples").join(&example).with_extension("rs")).unwrap();
        let follows = source.contains("Settings::load()");
        assert!(
            follows != fixed.contains(&example.as_str()),
            "{example} loads its settings, or is one of {fixed:?}"
        );
        if follows {
            let folder = Folder::new();
            let output = ran(command(&example, &folder).env("PIPELINE_WORKERS", "1")).exits(0);
            compare(&example, &output.out);
        }
    }
    for (example, arguments) in [("cli", &["run", "revenue"][..]), ("live", &["-p", "pace=0"])] {
        let folder = Folder::new();
        let at_once = ran(command(example, &folder).args(arguments)).exits(0);
        let one_at_a_time = ran(command(example, &folder).args(arguments).args(["--workers", "1"])).exits(0);
        assert_eq!(at_once.out, one_at_a_time.out, "{example}");
    }
}

/// M06: with `--times` the guide's recipes print their timings, separate from their output.
#[test]
fn every_recipe_prints_its_times_to_standard_error() {
    let recipes =
        ["api_aggregation", "chunks", "files", "map_reduce", "medallion", "resilient", "sweep", "validation"];
    let guide = fs::read_to_string(Path::new(ROOT).join("docs/recipes.md")).unwrap();
    for recipe in recipes {
        assert!(guide.contains(&format!("(../examples/{recipe}.rs)")), "{recipe} is not in docs/recipes.md");
        let output = run(recipe, &["--times"]);
        let (said, times) = (output.out, output.err);
        assert!(output.code == 0 && times.contains("critical path "), "{recipe}:\n{times}");
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

/// Runs every line `$ cli …` of the transcript again. After it comes standard output, then, if nothing ran, standard
/// error, then the exit code if it is not 0.
#[test]
fn the_command_lines_of_the_transcript_print_what_it_shows() {
    let wanted = fs::read_to_string(transcript("cli")).unwrap();
    let mut seen = String::new();
    for line in wanted.lines().filter_map(|line| line.strip_prefix("$ cli")) {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let output = run("cli", &arguments);
        write!(seen, "$ cli{line}\n{}", output.out).unwrap();
        if output.code >= 2 {
            seen.push_str(&output.err);
        }
        if output.code != 0 {
            writeln!(seen, "exit code {}", output.code).unwrap();
        }
        seen.push('\n');
    }
    compare("cli", &seen);
}

#[test]
fn a_failing_step_is_exit_code_1_with_a_message_on_standard_error() {
    let output = run("cli", &["run", "revenue", "-p", "refunds.amount=much", "--quiet"]);
    let told = output.err;
    assert_eq!((output.code, output.out.as_str()), (1, ""), "{told}");
    for part in [
        "error[PL0101]: step `refunds` failed\n    at examples/cli.rs:",
        "    error: invalid digit found in string\n    input `amount`: a run parameter, from -p\n",
        "    1 step was skipped because `refunds` failed: revenue\n",
        "to resume: cli run --resume ",
        "           (runs 2 steps of 3)\n",
        "more: `cli explain PL0101`\n",
    ] {
        assert!(told.contains(part), "{part:?} in\n{told}");
    }
    assert!(!told.contains("much"), "no value of a parameter is printed: {told}");
}

#[test]
fn parameters_come_from_the_command_line_before_the_environment_before_a_file() {
    let folder = Folder::new();
    let written = folder.join("report.txt");
    fs::write(folder.join("params.toml"), "rate = 2\ncount = 1\namount = \"0\"\n").unwrap();
    let variables = [("PIPELINE_PARAM_count", "2"), ("PIPELINE_PARAM_amount", "3")];
    let path = format!("path={}", written.display());
    let arguments = ["run", "report", "--quiet", "-p", "amount=7", "--params", "params.toml", "-p", &path];
    let output = run_in(&folder, &variables, &arguments);
    assert_eq!(output.code, 0, "{}", output.err);
    // 10 + 20 from the environment's count, minus the command line's 7, at the file's rate.
    assert_eq!(fs::read_to_string(written).unwrap(), "revenue: 46\n");
}

/// An unreadable value is refused, not ignored.
#[cfg(unix)]
#[test]
fn variables_that_are_not_text_are_refused() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new();
    let told = |variable: &str, value: &[u8]| {
        let mut command = command("cli", &folder);
        command.args(["revenue", "--no-report"]).env(variable, std::ffi::OsStr::from_bytes(value));
        let output = ran(&mut command);
        (output.code, output.err)
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
    let folder = Folder::new();
    let file = folder.join("report.json");
    let output = run("cli", &["run", "+revenue", "--json", "--report", file.to_str().unwrap()]).exits(0);
    for json in [output.out, fs::read_to_string(file).unwrap()] {
        let report: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&report["status"], &report["counts"]["succeeded"]), (&"succeeded".into(), &3.into()));
    }
}

/// H05, I12: the record of a run has its command line, without values of run parameters.
#[test]
fn a_recorded_run_has_its_command_line_and_a_diff_compares_them() {
    let folder = Folder::new();
    let lines: [(i32, &[&str]); 2] = [
        (1, &["revenue", "-p", "refunds.amount=much", "--fail-fast", "--workers", "2", "--quiet"]),
        (0, &["run", "--workers", "4", "-p", "refunds.amount=7", "-p", "count=2", "-v"]),
    ];
    for (wanted, line) in lines {
        // Otherwise, the report has the command to resume.
        run_in(&folder, &[("PIPELINE_RESUME", "off")], line).exits(wanted);
    }
    let told = run_in(&folder, &[], &["report", "-2"]).out;
    // Whether `orders` had ended before `refunds` failed is not fixed.
    let left = "run revenue --fail-fast --workers 2\n          (";
    assert!(told.contains("to retry: ") && told.contains(left), "{told}");
    assert!(told.contains("add `-p refunds.amount=…`)\n"), "{told}");
    let told = run_in(&folder, &[], &["diff"]).out;
    let wanted = "\nstarted with different\n  selection revenue → all\n  --fail-fast in A only\n  \
                  --workers 2 → --workers 4\n";
    assert!(told.contains(wanted), "{told}");
    // That it had no value before is reported once, under provenance.
    assert_eq!(told.matches("count").count(), 1, "{told}");
    for changed in ["`amount` has changed\n", "`count` is given now, and was not\n"] {
        assert!(told.contains(&format!("  warning: run parameter {changed}")), "{told}");
    }
    assert!(!told.contains("much") && !told.contains("rate"), "no value, and nothing unchanged: {told}");
    // The other run had this parameter too, from the environment: only the command lines differ.
    run_in(&folder, &[("PIPELINE_PARAM_amount", "7")], &["run", "-q", "-p", "count=2"]).exits(0);
    run_in(&folder, &[], &["run", "-q", "-p", "count=2", "-p", "amount=7"]).exits(0);
    let told = run_in(&folder, &[], &["diff"]).out;
    assert!(told.contains("\nstarted with different\n  -p amount in B only\n"), "{told}");
    assert!(!told.contains("given") && !told.contains("run parameter"), "{told}");
    // A single step is retried with `step`: `run` does not accept its options.
    fs::write(folder.join("orders.json"), "[1]").unwrap();
    let output =
        run_in(&folder, &[], &["step", "revenue", "--input", "orders=orders.json", "-p", "amount=much"]);
    assert_eq!(output.code, 1, "{}", output.err);
    let told = run_in(&folder, &[], &["report"]).out;
    assert!(told.contains(" step revenue --input orders=orders.json\n"), "{told}");
    let json = run_in(&folder, &[], &["diff", "latest", "latest", "--json"]);
    let json = json.json();
    assert_eq!(json["started"], serde_json::json!([]));
}

/// L05: variables of other programs are a warning; a name close to a parameter's is refused with a suggestion.
#[test]
fn parameter_variables_keep_the_case_of_names_and_others_are_a_warning() {
    let folder = Folder::new();
    let told = run_in(&folder, &[("PIPELINE_PARAM_COUNT", "hunter2")], &["run", "+revenue"]).exits(2).err;
    for part in ["error[PL0012]: no step has a run parameter `COUNT`", "did you mean `count`?"] {
        assert!(told.contains(part) && !told.contains("hunter2"), "{told}");
    }
    let output = run_in(&folder, &[("PIPELINE_PARAM_coumt", "2")], &["run", "+revenue"]);
    assert!(output.code == 2 && output.err.contains("did you mean `count`?"));
    let variables = [("PIPELINE_PARAM_BUILD_BRANCH", "hunter2"), ("PIPELINE_PARAM_count", "2")];
    let output = run_in(&folder, &variables, &["run", "+revenue"]);
    let told = output.err;
    let warning = "warning: environment variable PIPELINE_PARAM_BUILD_BRANCH is ignored: no step has a parameter of that name\n";
    assert!(output.code == 0 && told.contains(warning) && !told.contains("hunter2"), "{told}");
    let told = run_in(&folder, &variables, &["run", "+revenue", "--quiet"]).err;
    assert!(!told.contains("PIPELINE_PARAM"), "{told}");
    let told = run_in(&folder, &variables, &["info"]).out;
    assert!(told.contains("PIPELINE_PARAM_BUILD_BRANCH") && told.contains("PIPELINE_PARAM_count"), "{told}");
    for (given, wanted) in [
        ("hunter2", "the argument of `-p` has no `=`\n    hint: write it as `-p name=value`"),
        ("=hunter2", "a run parameter (`-p`) has no name\n    hint: write it as `-p name=value`"),
    ] {
        let output = run_in(&folder, &[], &["run", "+revenue", "-p", given]);
        let told = output.err;
        assert!(output.code == 2 && told.contains(wanted) && !told.contains("hunter2"), "{told}");
    }
}

/// The command line of a deterministic run must not change its report.
#[test]
fn the_report_of_a_deterministic_run_is_the_same_at_any_width() {
    let folder = Folder::new();
    let report = |width: &[&str]| {
        let line = [&["revenue", "--set", "deterministic=true", "--json"], width].concat();
        let output = run_in(&folder, &[], &line).exits(0);
        output.out
    };
    let one = report(&["--workers=1"]);
    assert_eq!(one, report(&["--workers", "4", "--io", "2", "--runs-dir", "elsewhere"]));
    assert_eq!(one, report(&["--set", "workers=3"]));
    assert!(one.contains("\"--set\": [\n"), "settings other than the schedule are there: {one}");
}

/// L10, L12: `info` shows every effective setting and its origin, as a table and as JSON.
#[test]
fn info_shows_the_origin_of_each_setting() {
    let folder = Folder::new();
    let file = "preset = \"production\"\nio = 3\ncpu = 3\nblocking = 3\n[steps.refunds]\nretries = 2\n";
    fs::write(folder.join("pipeline.toml"), file).unwrap();
    let variables = [("PIPELINE_CPU", "4"), ("PIPELINE_BLOCKING", "4")];
    let output = run_in(&folder, &variables, &["info", "--json", "--blocking", "5"]).exits(0);
    let info = output.json();
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
    let told = run_in(&folder, &variables, &["info"]).out;
    for heading in ["settings in force", "build", "machine", "slots on this machine, by preset"] {
        assert!(told.lines().any(|line| line == heading), "{told}");
    }
    let row = told.lines().find(|line| line.trim_start().starts_with("cpu ")).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["cpu", "4", "PIPELINE_CPU"]);
}

/// L05, L08, A05: a run follows the file in its folder, including run parameters and disabled steps, or another file by
/// name.
#[test]
fn a_run_follows_the_file_in_its_folder() {
    let folder = Folder::new();
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write(
        "pipeline.toml",
        "max_workers = 2\n[params]\nrate = 2\n[params.orders]\ncount = 1\n[params.report]\npath = \"out\"\n",
    );
    let output = run_in(&folder, &[], &["run"]).exits(0);
    // 10, minus the refund of 5, at the file's rate.
    assert_eq!(fs::read_to_string(folder.join("out")).unwrap(), "revenue: 10\n");
    let warning = "warning: setting `max_workers` (pipeline.toml) is called `workers` now; use that name";
    assert!(output.err.contains(warning), "{}", output.err);
    write("off.yaml", "steps:\n  refunds: {enabled: false}\n");
    for (variables, arguments) in [
        (&[][..], &["run", "--config", "off.yaml", "--json"][..]),
        (&[("PIPELINE_CONFIG", "off.yaml")], &["run", "--json"]),
    ] {
        let output = run_in(&folder, variables, arguments).exits(0);
        let said = output.out;
        assert!(said.contains("disabled by off.yaml (`steps.refunds.enabled = false`)"), "{said}");
    }
}

/// L06, L07: all that is wrong with settings and graph is reported at once, nothing runs, and the exit code is 2; 3 if
/// a file cannot be read.
#[test]
fn wrong_settings_are_exit_code_2_and_all_reported() {
    let folder = Folder::new();
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write("pipeline.yaml", "io: 0\ngroups: {gald: {retries: 1}}\nlimits: {db: {capacity: 1}}\n");
    let output = run_in(&folder, &[("PIPELINE_WORKER", "2")], &["run", "--set", "seed=many"]);
    let told = output.err;
    assert_eq!((output.code, output.out.as_str()), (2, ""), "{told}");
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
    assert!(several.code == 2 && several.err.contains("pipeline.toml, pipeline.yaml"));
    let missing = run_in(&folder, &[], &["plan", "--config", "missing.toml"]);
    assert!(missing.code == 3 && missing.err.contains("cannot read the settings in missing.toml"));
}

/// B13: the contents of drawings are tested in `pipeline-core` and `tests/page`.
#[test]
fn the_graph_is_drawn_as_svg_and_as_a_page() {
    let svg = run("cli", &["graph", "+revenue", "--format", "svg"]);
    let drawn = svg.out;
    assert_eq!((svg.code, drawn.matches("class=\"shape\"").count()), (0, 3), "{drawn}");
    let page = run("cli", &["graph", "--format", "html"]);
    let drawn = page.out;
    assert!(page.code == 0 && drawn.starts_with("<!DOCTYPE html>") && drawn.contains("\"name\":\"refunds\""));
    let wrong = run("cli", &["graph", "--format", "png"]);
    let told = wrong.err;
    assert!(wrong.code == 2 && told.contains("text, dot, mermaid, svg, json, html"), "{told}");
}

/// K10, M05: one step alone, with what it needs, in full detail.
#[test]
fn the_step_command_shows_a_step_in_full() {
    let told =
        run("cli", &["step", "refunds", "-p", "amount=much", "--retries", "1", "--seed", "7"]).exits(1).out;
    for part in [
        "step cli::refunds  [io]",
        "at        examples/cli.rs:24",
        "The amount of each refund.",
        "refunds failed",
        "attempts  2",
        "seed      7 ",
        "attempt 1 failed",
        "error     invalid digit found in string",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let told = run("cli", &["step", "revenue", "--repeat", "3", "-p", "refunds.amount=much"]).exits(1).out;
    for part in [
        "needs     orders, refunds; 2 steps to run first",
        "because   `refunds` has no output",
        "0 of 3 runs",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let output = run("cli", &["step", "revenue", "--repeat", "2"]);
    let told = output.out;
    assert!(output.code == 0 && told.contains("2 of 2 runs had an output; the step took"), "{told}");
    assert_eq!(told.matches("upstream  orders succeeded in").count(), 2, "{told}");
}

#[test]
fn the_step_command_reads_files_and_saved_outputs() {
    let folder = Folder::new();
    let saved = |arguments: &[&str]| {
        let output =
            run_in(&folder, &[], &[&["step", "revenue", "--save-outputs"], arguments].concat()).exits(0);
        let runs = fs::read_dir(folder.join(".pipeline/runs")).unwrap();
        let latest = runs.map(|run| run.unwrap().path()).max().unwrap();
        (fs::read_to_string(latest.join("outputs/cli.revenue.json")).unwrap(), output.out)
    };
    let refused = |arguments: &[&str]| {
        let output = run_in(&folder, &[], &[&["step", "revenue"], arguments].concat());
        (output.code, output.err)
    };
    let (exit, told) = refused(&["--inputs-from", "latest"]);
    assert!(exit == 2 && told.contains("no run of this program is recorded in .pipeline"), "{told}");
    assert_eq!(saved(&["-p", "count=2"]).0, "25");
    fs::write(folder.join("orders.json"), "[100, 200]").unwrap();
    let (revenue, told) = saved(&["--inputs-from", "latest"]);
    assert!(revenue == "25" && told.contains("given     orders, refunds from run "), "{told}");
    // That run saved only `revenue`; the latest run that saved what is needed is found.
    let (revenue, told) = saved(&["--inputs-from", "latest"]);
    assert!(revenue == "25" && told.contains("given     orders, refunds from run "), "{told}");
    let (revenue, told) = saved(&["--inputs-from", "-3", "--input", "orders=orders.json", "-p", "rate=2"]);
    assert!(revenue == "590" && told.contains("orders from orders.json"), "{told}");
    let (revenue, told) = saved(&["--input", "orders=orders.json", "-p", "amount=300"]);
    assert!(revenue == "0" && told.contains("needs     refunds; 1 step to run first"), "{told}");

    // The retry command names the run whose outputs were read, since by then another one is the latest.
    let read = |arguments: &[&str]| run_in(&folder, &[], &[&["step", "revenue"], arguments].concat());
    let failed = read(&["--inputs-from", "-5", "-p", "rate=9223372036854775807"]);
    assert_eq!(failed.code, 1, "{}", failed.err);
    let told = run_in(&folder, &[], &["report", "latest"]).out;
    let (_, run_id) = told.split_once(" step revenue --inputs-from ").unwrap_or_else(|| panic!("{told}"));
    let run_id = run_id.split_whitespace().next().unwrap();
    assert_eq!(read(&["--inputs-from", run_id]).code, 0);
    // If a step has no saved output, the inputs it reads are looked up instead.
    let output = run_in(&folder, &[], &["step", "report", "--inputs-from", "latest"]);
    let told = output.out;
    assert!(told.contains("given     revenue from run "), "{told}");
    let outputs = folder.join(".pipeline/runs");
    for run in fs::read_dir(&outputs).unwrap() {
        let _ = fs::remove_file(run.unwrap().path().join("outputs/cli.revenue.json"));
    }
    let output = run_in(&folder, &[], &["step", "report", "--inputs-from", "latest"]);
    let told = output.out;
    for part in ["refunds from run ", "2 steps without a saved output will run: revenue, orders"] {
        assert!(told.contains(part), "{part}: {told}");
    }

    for (arguments, exit, why) in [
        (["--inputs-from", "-1"], 2, "has saved no output that `revenue` needs: orders, refunds"),
        (["--input", "ordres=orders.json"], 2, "did you mean `orders`?"),
        (["--input", "revenue=orders.json"], 2, "`revenue` is not a step that `revenue` needs"),
        (["--input", "orders.json"], 2, "write it as `--input step=FILE`"),
        (["--input", "refunds=orders.json"], 2, "cannot be read as `i64`: expected i64 at line 1 column 0"),
        (["--input", "orders=none.json"], 3, "cannot read none.json, the output given for `orders`"),
    ] {
        let (code, told) = refused(&arguments);
        assert!(code == exit && told.contains(why), "{arguments:?}: {code} {told}");
    }
}

/// A command after options, or misspelt, is reported as such, not as a missing step.
#[test]
fn a_command_in_place_of_a_step_is_reported_as_such() {
    for (arguments, wanted) in [
        (&["-p", "count=1", "plan"][..], "`plan` is a command, and commands come first"),
        (&["--workers", "1", "list"], "write `cli list`, then its options"),
        (&["lst"], "did you mean `cli list`?"),
        (&["revneue"], "did you mean `revenue`?"),
        (&["nothing_like_it"], "there is no step `nothing_like_it`"),
        // Whatever has a name is known.
        (&["workers"], "`workers` is an option: write `--workers`"),
        (&["count=3"], "`count` is a run parameter: write `-p count=VALUE`"),
        (&["slow_poll=1s"], "`slow-poll` is a setting: write `--set slow_poll=VALUE`"),
        (&["--list"], "`list` is a command: write `cli list`"),
        (&["--orders"], "`orders` is a step: write `orders`"),
        (&["--slow-poll", "1s"], "`slow-poll` is a setting: write `--set slow_poll=VALUE`"),
        (&["list", "--save-outputs"], "`save-outputs` is an option"),
        (&["--retry", "3"], "did you mean `--retries`?"),
        (&["--rerun"], "`cli run --resume` goes on where the latest run ended that did not succeed"),
        (&["run", "--rerun"], "`cli run --help` lists the options"),
    ] {
        let output = run("cli", arguments);
        let told = output.err;
        assert!(output.code == 2 && told.contains(wanted), "{arguments:?}: {told}");
    }
}

/// A group or a tag in place of a step is reported as such, in every verb; and a setting of steps in the wrong place.
#[test]
fn a_label_in_place_of_a_step_is_reported_as_such() {
    for (arguments, wanted) in [
        (&["clean"][..], "`clean` is a group, not a step; as a term, it is `group:clean`"),
        (&["plan", "clean"], "`clean` is a group, not a step; as a term, it is `group:clean`"),
        (&["step", "sources"], "`sources` is a group, not a step; as a term, it is `group:sources`"),
        (&["cleann"], "did you mean `group:clean`?"),
        (&["blocking"], "`blocking` is a lane, not a step; as a term, it is `lane:blocking`"),
        (&["tag:clean"], "`clean` is a group: write `group:clean`"),
        (&["group:calendar"], "`calendar` is a step: write `calendar`"),
        (&["--clean"], "`clean` is a group: write `group:clean`"),
        (&["--set", "retry=3"], "did you mean `defaults.retries`?"),
        (&["--set", "calendar.retries=3"], "did you mean `steps.calendar.retries`?"),
        (&["--set", "clean.retries=3"], "did you mean `groups.clean.retries`?"),
    ] {
        let output = run("live", arguments);
        let told = output.err;
        assert!(output.code == 2 && told.contains(wanted), "{arguments:?}: {told}");
    }
}

#[test]
fn the_extension_of_the_output_file_chooses_the_drawing() {
    let folder = Folder::new();
    for (name, begin) in [
        ("g.dot", "digraph"),
        ("g.mmd", "flowchart"),
        ("g.json", "{"),
        ("g.txt", "4 steps"),
        ("g", "4 steps"),
    ] {
        let file = folder.join(name);
        let output = run("cli", &["graph", "--output", file.to_str().unwrap()]);
        assert_eq!((output.code, output.out.len()), (0, 0), "{name}: {}", output.err);
        assert!(fs::read_to_string(file).unwrap().starts_with(begin), "{name}");
    }
    let picture = folder.join("g.png");
    run("cli", &["graph", "-o", picture.to_str().unwrap()]).exits(2);
    assert!(!picture.exists(), "no text in a file named as a picture");
    let nowhere = folder.join("no/such/folder.dot");
    run("cli", &["graph", "-o", nowhere.to_str().unwrap()]).exits(3);
}

#[test]
fn every_shell_completes_every_command_and_the_version_has_the_programs_name() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run("cli", &["completions", shell]).out;
        for word in ["cli", "plan", "list", "graph", "step", "completions", "exclude"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(run("cli", &["--version"]).out, format!("cli (pipeline {})\n", env!("CARGO_PKG_VERSION")));
}

/// The completions that bash offers for the last word of a line, after it sourced the script of `cli completions bash`.
#[cfg(unix)]
fn offered_by_bash(script: &Path, line: &str) -> Vec<String> {
    // bash splits words at colons.
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
    let output = ran(Command::new("bash").args(["--norc", "-c", &ask]));
    assert!(output.err.is_empty(), "{}", output.err);
    output.out.lines().filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// B09: step selections complete the names of steps, groups and tags.
#[cfg(unix)]
#[test]
fn a_shell_completes_the_names_of_steps_groups_and_tags() {
    let folder = Folder::new();
    let script = folder.join("cli.bash");
    fs::write(&script, run("cli", &["completions", "bash"]).out).unwrap();
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
                "__fish_seen_subcommand_from step runs lineage\" -f -a \"orders refunds revenue report\"\n",
            ],
        ),
    ] {
        let script = run("cli", &["completions", shell]).out;
        for wanted in wanted {
            assert!(script.contains(wanted), "{shell}: {wanted:?} in\n{script}");
        }
    }
}

/// B09: a plan as data describes the same graph as the text, and nothing runs.
#[test]
fn a_plan_is_also_data() {
    let folder = Folder::new();
    let path = format!("path={}", folder.join("report.txt").display());
    let output = run("cli", &["plan", "--json", "--cpu", "1", "-p", &path]);
    let plan = output.json();
    let names: Vec<&str> =
        plan["steps"].as_array().unwrap().iter().filter_map(|step| step["name"].as_str()).collect();
    assert_eq!(names, ["orders", "refunds", "revenue", "report"]);
    assert_eq!((&plan["schema"], &plan["levels"]), (&1.into(), &serde_json::json!([2, 1, 1])));
    assert_eq!(plan["kinds"]["unrestricted"], 4);
    assert!(fs::read_dir(&*folder).unwrap().next().is_none(), "no step was run");
}
