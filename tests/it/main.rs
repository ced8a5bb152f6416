//! The framework's behaviour, tested through the facade only; one module per behaviour.
//!
//! Ids such as `A04` beside a test are the rows of `tests/ACCEPTANCE.md` that it covers. Steps are written in the
//! bodies of tests, and typed targets select each graph, so tests do not see each other's steps.

#![allow(clippy::unwrap_used, clippy::trivially_copy_pass_by_ref, clippy::ptr_arg, clippy::unnecessary_wraps)]
#![allow(
    clippy::too_many_lines,
    clippy::items_after_statements,
    clippy::unused_async,
    clippy::format_collect,
    clippy::manual_assert,
    clippy::unnecessary_literal_unwrap,
    clippy::used_underscore_items
)]

#[path = "../support/definitions.rs"]
mod definitions;
#[path = "../support/folder.rs"]
mod folder;
#[path = "../support/process.rs"]
mod process;
mod support;

mod advice;
mod attempt_times;
mod attempts;
mod blocked_workers;
mod builder;
mod causes;
mod claims;
mod conditions;
mod cores;
mod deadlines;
mod deadlines_of_runs;
mod defining;
mod determinism;
mod dropped_in_lane;
mod events_as_data;
mod every_setting;
mod failure;
mod fan_in;
mod graph;
mod guide;
mod hostile;
mod house;
#[cfg(feature = "store")]
mod input_files;
mod large;
mod limits;
mod namesakes;
mod nesting;
mod objects;
mod observing;
mod other_executors;
mod outcomes;
mod outcomes_model;
mod outcomes_of_failure;
mod panics;
mod params;
mod params_once;
mod policies;
mod pressure;
mod progress;
mod recipes;
mod regressions;
mod report;
mod runtimes;
mod scenarios;
mod scheduler_model;
mod secrets;
mod selecting;
mod settings;
mod settings_layers;
mod sharing;
mod stopping;
#[cfg(feature = "report")]
mod store;
#[cfg(feature = "store")]
mod stored;
mod telemetry;
mod validation;
mod values;
mod virtual_deadlines;
mod virtual_time;
mod waiting_for_others;
mod writing;
