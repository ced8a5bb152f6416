//! `cache why`: whether a run would find a step in the store, and what differs if it would not.

use std::fmt::Write;

use clap::Args as ClapArgs;

use super::super::args::RunArgs;
use super::super::exit::{Refusal, print, print_json};
use super::super::params::ParamArgs;
use super::super::settings::SettingsArgs;
use super::super::wording::one_line;
use super::found::{newest_first, short};
use super::ls::age;
use super::{opened, warn};
use crate::pipeline::Pipeline;
use crate::store::{Explained, Outlook};
use crate::text::{clean, short_id};

/// Which step, with which parameters and settings.
#[derive(Debug, ClapArgs)]
pub(super) struct WhyArgs {
    /// Step.
    #[arg(value_name = "STEP")]
    step: String,
    #[command(flatten)]
    params: ParamArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print JSON.
    #[arg(long, help_heading = None::<&str>)]
    json: bool,
}

pub(super) fn execute(args: &WhyArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let mut run =
        RunArgs { params: args.params.clone(), settings: args.settings.clone(), ..RunArgs::default() };
    run.selection.terms.push(args.step.clone());
    let pipeline = run.configure(pipeline)?;
    let plan = pipeline.plan()?;
    let step = plan.dag().find(&args.step).map_err(|problem| Refusal::Problems(problem.into()))?;
    let identity = plan.dag().step(step).identity().into_owned();
    let store = opened(pipeline.current_settings().store.as_deref())?;
    let mut values = newest_first(&store)?;
    values.retain(|value| value.run.is_none() && value.record.step == identity);
    let newest = values.into_iter().next().map(|value| value.record);
    let step = plan.position(step).expect("invariant: what was selected by name is part of the plan");
    let explained = pipeline.store(&store).explain(&plan, step, newest)?;
    warn(&store);
    if args.json {
        return print_json(&explained);
    }
    print(&in_words(&one_line(&identity), &explained))
}

fn in_words(step: &str, explained: &Explained) -> String {
    let mut text = match &explained.outlook {
        Outlook::Hit => format!("{step} would be a hit"),
        Outlook::Miss => format!("{step} would run"),
        Outlook::Later(why) => format!("{step} is looked up during the run: {}", clean(why)),
        Outlook::NotCached(why) => return format!("{step} cannot be cached: {}", clean(why)),
    };
    let Some(record) = &explained.record else {
        text.push_str("\n  nothing of it is stored");
        return text;
    };
    let is_hit = matches!(explained.outlook, Outlook::Hit);
    let _ = write!(
        text,
        "\n  {}: made {} ago by run {}, key {}",
        if is_hit { "stored" } else { "its newest value" },
        age(record.made_unix_ms),
        clean(short_id(&record.run)),
        short(record.key)
    );
    for difference in &explained.differences {
        let _ = write!(text, "\n  {}: {}", difference.of, clean(&difference.text));
    }
    if explained.differences.is_empty() && matches!(explained.outlook, Outlook::Miss) {
        text.push_str("\n  nothing else differs");
    } else if explained.differences.is_empty() && !is_hit {
        text.push_str("\n  so far, nothing differs from it");
    }
    text
}
