//! `plan`: what would run, in order; runs nothing.

use pipeline_core::{Format, Plan};

use super::args::RunArgs;
use super::{Refusal, configured, print};
use crate::pipeline::Pipeline;
use crate::report::clean;
use crate::settings::Settings;

pub(super) fn execute(run: &RunArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let pipeline = configured(run, pipeline)?;
    let plan = pipeline.check()?;
    print(&text(&plan, pipeline.current_settings()))
}

/// The plan: every step in order, then what its shape promises.
fn text(plan: &Plan, settings: &Settings) -> String {
    let dag = plan.sub_dag();
    let cost = |step: usize| u64::from(dag.step(step).def().cost);
    let path = dag.critical_path(cost);
    let names: Vec<String> = path.steps.iter().map(|&step| clean(dag.step(step).name())).collect();
    let slots = settings.workers.unwrap_or(settings.cpu);
    format!(
        "{}\ncritical path, by cost: {} (cost {})\n\
         theoretical speed-up with {slots} at once, by cost: {:.2}\n\
         slots: io {}, cpu {}, blocking {}{}\n\
         nothing was run\n",
        dag.render(Format::Text),
        names.join(" > "),
        path.cost,
        dag.theoretical_speed_up(cost, slots),
        settings.io,
        settings.cpu,
        settings.blocking,
        settings.workers.map_or(String::new(), |workers| format!(", {workers} in all")),
    )
}
