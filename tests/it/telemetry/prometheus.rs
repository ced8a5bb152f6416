//! I19: metrics as text for Prometheus.

use std::collections::BTreeMap;

use pipeline::prelude::*;
use pipeline::telemetry::{LabelBy, Prometheus};
use pipeline::*;

#[step(group = "bronze")]
fn pr_source() -> u32 {
    1
}

#[step(retries = 1, fallback = 3, group = "silver")]
fn pr_tries(pr_source: &u32) -> Result<u32, String> {
    Err(format!("no {pr_source}"))
}

#[step(group = "silver")]
fn pr_fails(pr_tries: &u32) -> Result<u32, String> {
    Err(format!("no {pr_tries}"))
}

#[step]
fn pr_skipped(pr_fails: &u32) -> u32 {
    *pr_fails
}

/// The samples by name and labels; fails at a line that the format does not allow.
fn parse(text: &str) -> BTreeMap<(String, BTreeMap<String, String>), f64> {
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let known = ["HELP ", "TYPE ", "UNIT ", "EOF"].iter().any(|kind| comment.starts_with(kind));
            assert!(known, "{line}");
            continue;
        }
        let (name, rest) = line.split_at(line.find(['{', ' ']).unwrap());
        let (labels, value) = match rest.strip_prefix('{') {
            Some(rest) => parse_labels(rest),
            None => (BTreeMap::new(), rest),
        };
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
        let value = value.trim().parse().unwrap_or_else(|_| panic!("no number: {line}"));
        assert!(samples.insert((name.to_owned(), labels), value).is_none(), "twice: {line}");
    }
    samples
}

/// Returns the labels up to the closing brace, unescaped, and the rest.
fn parse_labels(mut text: &str) -> (BTreeMap<String, String>, &str) {
    let mut labels = BTreeMap::new();
    while !text.starts_with('}') {
        let (key, rest) = text.trim_start_matches(',').split_once("=\"").unwrap();
        let (mut value, mut chars) = (String::new(), rest.chars());
        loop {
            match chars.next().unwrap() {
                '"' => break,
                '\\' => value.push(match chars.next().unwrap() {
                    'n' => '\n',
                    other => other,
                }),
                other => value.push(other),
            }
        }
        labels.insert(key.to_owned(), value);
        text = chars.as_str();
    }
    (labels, &text[1..])
}

#[track_caller]
fn sample(text: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let labels = labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    parse(text).get(&(name.to_owned(), labels)).copied()
}

#[test]
fn steps_attempts_and_runs_are_counted_over_several_runs_and_pipelines() {
    let metrics = Prometheus::new();
    let pipeline = Pipeline::to::<pr_skipped>().observe(metrics.clone());
    pipeline.run_blocking().unwrap();
    pipeline.run_blocking().unwrap();
    Pipeline::to::<pr_source>().observe(metrics.clone()).run_blocking().unwrap();
    let text = metrics.render();
    let step =
        |name, step, status| sample(&text, name, &[("step", step), ("lane", "cpu"), ("status", status)]);
    assert_eq!(step("pipeline_steps_total", "pr_source", "succeeded"), Some(3.0));
    assert_eq!(step("pipeline_steps_total", "pr_tries", "succeeded"), Some(2.0));
    assert_eq!(step("pipeline_steps_total", "pr_fails", "failed"), Some(2.0));
    assert_eq!(step("pipeline_steps_total", "pr_fails", "succeeded"), None);
    assert_eq!(step("pipeline_steps_total", "pr_skipped", "skipped"), Some(2.0));
    assert_eq!(step("pipeline_step_duration_seconds_count", "pr_source", "succeeded"), Some(3.0));
    assert_eq!(step("pipeline_step_duration_seconds_count", "pr_skipped", "skipped"), None);
    let tries = |name| sample(&text, name, &[("step", "pr_tries"), ("lane", "cpu")]);
    assert_eq!(tries("pipeline_step_attempts_total"), Some(4.0));
    assert_eq!(tries("pipeline_step_retries_total"), Some(2.0));
    assert_eq!(tries("pipeline_step_fallbacks_total"), Some(2.0));
    assert_eq!(tries("pipeline_step_wait_seconds_count"), Some(2.0));
    assert_eq!(tries("pipeline_steps_running"), Some(0.0));
    let skipped = [("step", "pr_skipped"), ("lane", "cpu")];
    assert_eq!(sample(&text, "pipeline_step_attempts_total", &skipped), Some(0.0));
    let runs = |status| sample(&text, "pipeline_runs_total", &[("status", status)]);
    assert_eq!((runs("failed"), runs("succeeded")), (Some(2.0), Some(1.0)));
    assert_eq!(sample(&text, "pipeline_run_duration_seconds_count", &[("status", "failed")]), Some(2.0));
    assert_eq!(sample(&text, "pipeline_runs_running", &[]), Some(0.0));
}

#[test]
fn running_steps_are_visible_while_they_run() {
    let metrics = Prometheus::new();
    let inside = metrics.clone();
    let mut dag = DagBuilder::new();
    dag.cpu("looks", (), move |()| inside.render());
    let run = Pipeline::new(dag.build().unwrap()).observe(metrics.clone()).run_blocking().unwrap();
    let during = run.output_named::<String>("looks").unwrap();
    let running = |text: &str| sample(text, "pipeline_steps_running", &[("step", "looks"), ("lane", "cpu")]);
    assert_eq!((running(during), running(&metrics.render())), (Some(1.0), Some(0.0)));
    assert_eq!(sample(during, "pipeline_runs_running", &[]), Some(1.0));
}

#[test]
fn steps_that_never_run_are_counted_at_the_end() {
    let metrics = Prometheus::new();
    let run = Pipeline::to::<pr_skipped>()
        .with_output::<pr_source>(1)
        .observe(metrics.clone())
        .settings(Settings::default().fail_fast(true))
        .run_blocking()
        .unwrap();
    assert_eq!(run.status("pr_skipped"), Ok(Status::Cancelled));
    let text = metrics.render();
    let total = |step, status| {
        sample(&text, "pipeline_steps_total", &[("step", step), ("lane", "cpu"), ("status", status)])
    };
    assert_eq!(total("pr_source", "given"), Some(1.0));
    assert_eq!(total("pr_skipped", "cancelled"), Some(1.0));
}

#[test]
fn hostile_names_are_escaped_and_cut() {
    let metrics = Prometheus::new();
    let hostile = "a\"} 1\n# EOF\nb{c=\"\\ \u{1b}[31m \u{202e}";
    let long = "x".repeat(10_000);
    let mut dag = DagBuilder::new();
    dag.cpu(hostile, (), |()| 1_u32);
    dag.cpu(long, (), |()| 1_u32);
    Pipeline::new(dag.build().unwrap()).observe(metrics.clone()).run_blocking().unwrap();
    let text = metrics.render();
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    let steps: Vec<String> = parse(&text)
        .into_keys()
        .filter(|(name, _)| name == "pipeline_steps_total")
        .map(|(_, labels)| labels["step"].clone())
        .collect();
    let cut = format!("{}…", "x".repeat(127));
    assert_eq!(steps, ["a\"} 1\\n# EOF\\nb{c=\"\\ \\u{1b}[31m \\u{202e}", &cut]);
}

#[test]
fn the_number_of_series_is_bounded_also_per_group() {
    let (by_step, by_group) = (Prometheus::new(), Prometheus::labelled_by(LabelBy::Group));
    let mut dag = DagBuilder::new();
    for n in 0..1_500 {
        dag.cpu(format!("s{n}"), (), |()| 1_u32);
    }
    let pipeline = Pipeline::new(dag.build().unwrap()).observe(by_step.clone()).observe(by_group.clone());
    pipeline.run_blocking().unwrap();
    let totals = |text: &str| -> Vec<(BTreeMap<String, String>, f64)> {
        let samples = parse(text).into_iter();
        let totals = samples.filter(|((name, _), _)| name == "pipeline_steps_total");
        totals.map(|((_, labels), value)| (labels, value)).collect()
    };
    let steps = totals(&by_step.render());
    assert_eq!(steps.len(), 1_001);
    assert!(steps.iter().any(|(labels, value)| labels["step"] == "(other)" && *value as u64 == 500));
    let groups = totals(&by_group.render());
    assert_eq!(groups.len(), 1);
    assert_eq!((groups[0].0["group"].as_str(), groups[0].1), ("", 1_500.0));

    let grouped = Prometheus::labelled_by(LabelBy::Group);
    Pipeline::to::<pr_skipped>().observe(grouped.clone()).run_blocking().unwrap();
    let text = grouped.render();
    let group = |group, status| {
        sample(&text, "pipeline_steps_total", &[("group", group), ("lane", "cpu"), ("status", status)])
    };
    assert_eq!((group("silver", "succeeded"), group("silver", "failed")), (Some(1.0), Some(1.0)));
    assert_eq!((group("bronze", "succeeded"), group("", "skipped")), (Some(1.0), Some(1.0)));
}
