//! Several pipelines in one program, each with its graph, run parameters, resources and settings.

mod recorded;

use std::fs;

use crate::folder::Folder;
use crate::support::{Ran, command, ran};

fn run(arguments: &str) -> Ran {
    run_in(&Folder::new(), &[], arguments)
}

fn run_in(folder: &Folder, variables: &[(&str, &str)], arguments: &str) -> Ran {
    let arguments = arguments.split_whitespace();
    ran(command("pipelines", folder).envs(variables.iter().copied()).args(arguments))
}

const TOKEN: (&str, &str) = ("PIPELINE_PARAM_token", "abc");

#[test]
fn the_first_pipeline_is_the_default_and_each_has_its_own_parameters_and_resources() {
    assert_eq!(run("").exits(0).out, "orders of 2 days\n");
    assert_eq!(run("run -p days=4").exits(0).out, "orders of 4 days\n");
    let nightly = run_in(&Folder::new(), &[TOKEN], "--pipeline nightly").exits(0);
    assert_eq!(nightly.out, "prepared\norders of 30 days\narchive of 30 days\n");
    assert_eq!(run("run --pipeline sweep").exits(0).out, "best of 3\n");
    let wrong = run("run --pipeline nightyl").exits(2);
    assert!(wrong.err.contains("'nightly'"), "{}", wrong.err);
}

#[test]
fn steps_on_the_command_line_replace_the_targets_of_code() {
    let folder = Folder::new();
    let only = run_in(&folder, &[], "run orders --pipeline nightly").exits(0);
    assert_eq!(only.out, "prepared\norders of 30 days\n");
    assert_eq!(run("run checked --exclude orders+").exits(2).out, "");
}

#[test]
fn a_pipeline_is_prepared_only_for_the_verbs_that_need_it() {
    let folder = Folder::new();
    let broken = [("NO_DATABASE", "1")];
    run_in(&folder, &[TOKEN], "--pipeline nightly").exits(0);
    for verb in
        ["list", "graph", "runs", "report", "diff latest latest", "completions bash", "explain PL0001"]
    {
        let output = run_in(&folder, &broken, &format!("{verb} --pipeline nightly")).exits(0);
        assert!(!output.out.contains("prepared"), "{verb}:\n{}", output.out);
    }
    for verb in ["run", "step archive", "info"] {
        let output = run_in(&folder, &broken, &format!("{verb} --pipeline nightly")).exits(3);
        assert_eq!(output.out, "prepared\n", "{verb}");
        let wanted = "pipeline `nightly` could not be prepared: no route to host";
        assert!(output.err.contains(wanted), "{verb}: {}", output.err);
    }
    // A plan needs no secret, and is shown without what could not be had.
    let plan = run_in(&folder, &broken, "plan --pipeline nightly").exits(0).out;
    assert!(plan.contains("archive") && plan.contains("no route to host"), "{plan}");
    let plan = run_in(&folder, &[], "plan --pipeline nightly").exits(0).out;
    assert!(plan.contains("archive") && !plan.contains("warning"), "{plan}");
}

#[test]
fn a_graph_made_by_a_builder_has_every_verb() {
    let folder = Folder::new();
    let ask = |verb: &str| run_in(&folder, &[], &format!("{verb} --pipeline sweep")).exits(0).out;
    assert!(ask("list").contains("try_2") && !ask("list").contains("archive"), "{}", ask("list"));
    assert!(ask("graph").contains("try_2") && !ask("graph").contains("archive"), "{}", ask("graph"));
    assert!(ask("plan").contains("4 steps, in starting order"), "{}", ask("plan"));
    assert!(ask("step best").contains("best"), "{}", ask("step best"));
    assert!(ask("completions bash").contains("try_2"));
    assert_eq!(ask("run best"), "best of 3\n");
    assert!(ask("runs").contains("succeeded"));
}

#[test]
fn the_list_names_the_pipelines() {
    let list = run("list").exits(0).out;
    assert!(
        list.contains("pipelines  hourly (default), nightly, sweep; `--pipeline NAME` selects one"),
        "{list}"
    );
    assert!(list.contains("checked") && !list.contains("archive"), "{list}");
    let list = run("list --json --pipeline nightly").exits(0).json();
    assert_eq!(list["pipelines"], serde_json::json!(["hourly", "nightly", "sweep"]));
}

#[test]
fn a_file_of_settings_has_a_section_for_each_pipeline() {
    let folder = Folder::new();
    let file = "workers = 3\n[params]\ndays = 5\n[pipelines.hourly]\nworkers = 2\n[pipelines.hourly.params]\ndays = 6\n\
                [pipelines.sweep]\nretries = 1\n";
    fs::write(folder.join("pipeline.toml"), file).unwrap();
    assert_eq!(run_in(&folder, &[], "").exits(0).out, "orders of 6 days\n");
    let workers = |arguments: &str| {
        let info = run_in(&folder, &[], &format!("info --json {arguments}")).exits(0).json();
        let settings = info["settings"].as_array().unwrap().clone();
        settings.into_iter().find(|setting| setting["key"] == "workers").unwrap()["value"].clone()
    };
    assert_eq!([workers(""), workers("--pipeline sweep")], [2, 3]);
    fs::write(folder.join("pipeline.toml"), "[pipelines.houry]\nworkers = 2\n").unwrap();
    let wrong = run_in(&folder, &[], "").exits(2).err;
    assert!(
        wrong.contains("there is no pipeline `houry`") && wrong.contains("did you mean `hourly`?"),
        "{wrong}"
    );
}

#[test]
fn a_value_that_code_overrides_is_named_once_in_a_warning() {
    let folder = Folder::new();
    fs::write(folder.join("p.toml"), "days = 7\n").unwrap();
    fs::write(folder.join("pipeline.toml"), "[pipelines.nightly.params]\ndays = 60\n").unwrap();
    let nightly = |variables: &[(&str, &str)], arguments: &str| {
        let variables = [&[TOKEN, ("WORKERS", "1")], variables].concat();
        let ran = run_in(&folder, &variables, &format!("--pipeline nightly {arguments}")).exits(0);
        assert_eq!(ran.out, "prepared\norders of 30 days\narchive of 30 days\n");
        let warnings = ran.err.lines().filter_map(|line| line.strip_prefix("warning: "));
        warnings.map(str::to_owned).collect::<Vec<_>>()
    };
    let lost = |what: &str| format!("{what} has no effect: the program's code sets it");
    let of_days = |origin: &str| lost(&format!("run parameter `days` ({origin})"));
    assert_eq!(nightly(&[], ""), [of_days("the file pipeline.toml")]);
    assert_eq!(nightly(&[], "--params p.toml"), [of_days("the file p.toml")]);
    let by_variable = [("PIPELINE_PARAM_days", "9")];
    assert_eq!(nightly(&by_variable, "--params p.toml"), [of_days("the environment, PIPELINE_PARAM_days")]);
    assert_eq!(nightly(&by_variable, "--set params.days=8"), [of_days("--set")]);
    assert_eq!(nightly(&by_variable, "-p days=abc -p days=90"), [of_days("-p")]);
    fs::write(folder.join("pipeline.toml"), "workers = 2\n").unwrap();
    let of_workers = |origin: &str| lost(&format!("setting `workers` ({origin})"));
    assert_eq!(nightly(&[], ""), [of_workers("pipeline.toml")]);
    assert_eq!(nightly(&[("PIPELINE_WORKERS", "3")], ""), [of_workers("PIPELINE_WORKERS")]);
    assert_eq!(nightly(&[], "-w 9"), [of_workers("--workers")]);
    // Nothing is lost.
    assert_eq!(nightly(&[("PIPELINE_WORKERS", "3")], "-w 1"), [""; 0]);
    assert_eq!(nightly(&[], "--again latest -w 1"), [""; 0]);
}

#[test]
fn a_file_of_parameters_has_their_names_at_the_top() {
    let folder = Folder::new();
    fs::write(folder.join("p.toml"), "[params]\ndays = 7\n").unwrap();
    let wrong = run_in(&folder, &[], "run --params p.toml").exits(2).err;
    assert!(wrong.contains("hint: write the names at the top level of this file"), "{wrong}");
}

#[test]
fn settings_of_code_are_of_their_pipeline_and_the_report_has_its_name() {
    let folder = Folder::new();
    let report = |arguments: &str| {
        let variables = [TOKEN, ("WORKERS", "1")];
        run_in(&folder, &variables, &format!("{arguments} --report r.json")).exits(0);
        let text = fs::read_to_string(folder.join("r.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    let (hourly, nightly) = (report("run"), report("run --pipeline nightly"));
    assert_eq!((&hourly["pipeline"], &hourly["settings"]["workers"]), (&"hourly".into(), &().into()));
    assert_eq!((&nightly["pipeline"], &nightly["settings"]["workers"]), (&"nightly".into(), &1.into()));
}

#[test]
fn the_command_to_retry_has_the_pipeline_and_the_one_to_resume_finds_it() {
    let folder = Folder::new();
    let output = run_in(&folder, &[], "run --pipeline hourly -p days=13 --set resume=off").exits(1);
    let retry = output.err.lines().find(|line| line.starts_with("to retry: ")).unwrap_or(&output.err);
    assert!(retry.contains("--pipeline hourly"), "{retry}");
    let output = run_in(&folder, &[], "run --pipeline hourly -p days=13").exits(1);
    assert!(output.err.contains("to resume: ") && !output.err.contains("to retry: "), "{}", output.err);
    let resumed = run_in(&folder, &[], "run --resume").exits(1);
    assert_eq!(resumed.out, "", "what was done is not done again");
}

#[test]
fn a_program_with_arguments_of_its_own_shows_and_records_its_runs() {
    let folder = Folder::new();
    let output = run_in(&folder, &[], "--own").exits(0);
    assert_eq!(output.out, "orders of 2 days\n");
    for part in ["run ", "succeeded in ", "2 of 2 steps succeeded", "report: .pipeline/"] {
        assert!(output.err.contains(part), "{part}: {}", output.err);
    }
    // Its command line is its own: nothing is said of how to retry.
    let failed = run_in(&folder, &[("PIPELINE_PARAM_days", "13")], "--own").exits(1);
    assert!(!failed.err.contains("to retry"), "{}", failed.err);
    assert!(run_in(&folder, &[], "runs").exits(0).out.contains("succeeded"));
}

/// An optional step that is asked for by name is what the run is for.
#[test]
fn an_optional_step_that_was_asked_for_fails_the_run() {
    let asked = run("run weather --pipeline hourly").exits(1);
    assert!(asked.err.contains("error[PL0101]: step `weather` failed"), "{}", asked.err);
    assert!(asked.err.contains("(1 step left: weather)"), "{}", asked.err);
    run("step weather --pipeline hourly").exits(1);
    run("run weath* --pipeline hourly").exits(0);
}

#[test]
fn a_recorded_run_can_be_repeated_exactly() {
    let folder = Folder::new();
    let report = |arguments: &str, variables: &[(&str, &str)]| {
        let output = run_in(&folder, variables, &format!("{arguments} --report r.json")).exits(0);
        let text = fs::read_to_string(folder.join("r.json")).unwrap();
        (output.out, serde_json::from_str::<serde_json::Value>(&text).unwrap())
    };
    let (out, first) = report("run orders --retries 2 -p days=4", &[("PIPELINE_WORKERS", "3")]);
    let same = |again: &serde_json::Value| {
        for key in ["seed", "config_fingerprint", "graph_fingerprint", "params"] {
            assert_eq!(again["provenance"][key], first["provenance"][key], "{key}");
        }
        assert_eq!((&again["settings"], again["counts"]["planned"].as_u64()), (&first["settings"], Some(1)));
    };
    let (again, second) =
        report("run --again latest", &[("PIPELINE_PARAM_days", "9"), ("PIPELINE_RETRIES", "5")]);
    assert_eq!((again.as_str(), out.as_str()), ("orders of 4 days\n", "orders of 4 days\n"));
    same(&second);
    // A repeated run can be repeated.
    same(&report("run --again -1", &[]).1);
    // Options of the command line win.
    let (other, _) = report("run --again -1 -p days=5", &[]);
    assert_eq!(other, "orders of 5 days\n");
    // Values can be left out of the record.
    report("run orders -p days=7 --set record_params=false", &[]);
    assert_eq!(report("run --again latest", &[]).0, "orders of 2 days\n");
    let wrong = run_in(&folder, &[], "run --again nothing").exits(2).err;
    assert!(wrong.contains("nothing"), "{wrong}");
    run_in(&folder, &[], "step orders").exits(0);
    let wrong = run_in(&folder, &[], "run --again latest").exits(2).err;
    assert!(wrong.contains("hint: repeat it with `step orders`"), "{wrong}");
}

/// A secret is not recorded, and has to be given again.
#[test]
fn a_repeated_run_needs_its_secrets_again() {
    let folder = Folder::new();
    run_in(&folder, &[TOKEN], "run --pipeline nightly").exits(0);
    let without = run_in(&folder, &[], "run --pipeline nightly --again latest").exits(2).err;
    assert!(without.contains("PL0010") && without.contains("token"), "{without}");
    run_in(&folder, &[TOKEN], "run --pipeline nightly --again latest").exits(0);
}

#[test]
fn the_short_help_fits_a_screen_and_the_long_one_has_everything() {
    for verb in ["", "run", "plan", "step", "list", "graph", "runs", "report", "diff", "info"] {
        let (short, long) =
            (run(&format!("{verb} -h")).exits(0).out, run(&format!("{verb} --help")).exits(0).out);
        assert!(short.lines().count() <= 45, "{verb} -h has {} lines:\n{short}", short.lines().count());
        let options = |text: &str| text.matches(" --").count();
        assert!(options(&long) >= options(&short), "{verb}");
    }
    let long = run("run --help").out;
    for part in ["--memory-limit", "--save-outputs", "--set ", "Exit codes:", "PIPELINE_OUTPUT"] {
        assert!(long.contains(part), "{part}");
        assert!(!run("run -h").out.contains(part), "{part}");
    }
}

#[test]
fn the_list_has_a_form_of_one_line_for_each_step() {
    let list = run("list --short --pipeline nightly").exits(0).out;
    assert_eq!(list, "orders   cpu\narchive  cpu\n");
    assert!(run("list notes --short --pipeline hourly").exits(0).out.contains("notes  cpu  Writes it down."));
}

#[test]
fn info_says_which_lane_got_more_slots_because_of_workers() {
    let info = run("info --workers 100").exits(0).out;
    let line = |key: &str| info.lines().find(|line| line.trim_start().starts_with(key)).unwrap().to_owned();
    assert!(line("blocking ").contains("--workers, which is more than the default of the lane"), "{info}");
    assert!(!line("io ").contains("--workers"), "{info}");
}

#[test]
fn a_graph_is_drawn_with_lines_where_they_fit() {
    let graph = run("graph --format lines --pipeline sweep").exits(0).out;
    assert_eq!(graph, "● try_1\n│ ● try_2\n│ │ ● try_3\n●─┴─┘ best\n");
    // Not on a terminal, programs read the table of steps.
    assert!(run("graph --pipeline sweep").exits(0).out.contains("4 steps, 3 edges"));
}
