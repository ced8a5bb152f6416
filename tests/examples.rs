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

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

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

/// Runs an example in the root folder, with nothing of the environment that would set a run parameter.
fn run(example: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(BUILT.join(example).with_extension(std::env::consts::EXE_EXTENSION));
    let given = std::env::vars_os().map(|(name, _)| name);
    for name in given.filter(|name| name.to_string_lossy().starts_with("PIPELINE_")) {
        command.env_remove(name);
    }
    command.args(arguments).current_dir(ROOT).output().unwrap()
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
        let output = run(&example, &[]);
        assert!(output.status.success(), "{example}:\n{}", text(&output.stderr));
        compare(&example, &text(&output.stdout));
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
    assert!(told.contains("error: invalid digit found in string (examples/cli.rs:"), "{told}");
    assert!(told.contains("because `refunds` failed"), "{told}");
}

#[test]
fn parameters_come_from_the_command_line_before_the_environment_before_a_file() {
    let folder = Folder::new("cli-params");
    let (file, written) = (folder.0.join("params.toml"), folder.0.join("report.txt"));
    fs::write(&file, "rate = 2\ncount = 1\namount = \"0\"\n").unwrap();
    let mut command = Command::new(BUILT.join("cli").with_extension(std::env::consts::EXE_EXTENSION));
    command.env("PIPELINE_PARAM_count", "2").env("PIPELINE_PARAM_amount", "3").current_dir(ROOT);
    command.args(["run", "report", "--quiet", "-p", "amount=7", "--params"]).arg(&file);
    command.arg("-p").arg(format!("path={}", written.display()));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    // 10 + 20 from the environment's count, less the command line's 7, at the file's rate.
    assert_eq!(fs::read_to_string(written).unwrap(), "revenue: 46\n");
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
fn a_graph_is_drawn_into_a_file_whose_name_says_how() {
    let folder = Folder::new("cli-graph");
    for (name, begin) in
        [("g.dot", "digraph"), ("g.mmd", "flowchart"), ("g.json", "{"), ("g.else", "4 steps")]
    {
        let file = folder.0.join(name);
        let output = run("cli", &["graph", "--output", file.to_str().unwrap()]);
        assert_eq!((code(&output), output.stdout.len()), (0, 0), "{name}: {}", text(&output.stderr));
        assert!(fs::read_to_string(file).unwrap().starts_with(begin), "{name}");
    }
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
