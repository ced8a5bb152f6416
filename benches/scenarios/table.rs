//! Verdicts against bounds, and the figures of the runs behind them.

use pipeline::report::Figures;

/// All measurements so far.
#[derive(Default)]
pub(crate) struct Table {
    checks: Vec<Check>,
    figures: Vec<(String, f64, Figures)>,
    busy: bool,
}

/// A measured value and its bound.
struct Check {
    scenario: String,
    measured: f64,
    relation: &'static str,
    bound: f64,
    /// How much the bound may be missed because of timers and a busy machine.
    allowance: f64,
    /// Whether the machine was too busy for a verdict.
    busy: bool,
    /// Whether the machine's load hardly changes it: a ratio within one run, or a count.
    steady: bool,
}

impl Check {
    /// Whether the bound is missed by a factor of two. Only for steady checks: the others say little on a busy machine.
    fn is_gross(&self) -> bool {
        self.steady
            && match self.relation {
                "<=" => self.measured > 2.0 * self.bound,
                ">=" => self.measured < self.bound / 2.0,
                _ => self.miss() > 0.0,
            }
    }

    /// How much the bound is missed.
    fn miss(&self) -> f64 {
        match self.relation {
            "<=" => self.measured - self.bound,
            ">=" => self.bound - self.measured,
            _ => (self.measured - self.bound).abs(),
        }
    }

    fn verdict(&self) -> &'static str {
        match self.miss() {
            miss if miss <= 0.0 => "ok",
            _ if self.is_gross() => "MISSED GROSSLY",
            _ if self.busy => "inconclusive: machine busy",
            miss if miss <= self.allowance => "ok within noise",
            _ => "MISSED",
        }
    }
}

impl Table {
    /// Expects at most `bound`.
    pub(crate) fn at_most(&mut self, scenario: &str, measured: f64, bound: f64, allowance: f64) {
        self.check(scenario, measured, "<=", bound, allowance);
    }

    /// Expects at least `bound`.
    pub(crate) fn at_least(&mut self, scenario: &str, measured: f64, bound: f64, allowance: f64) {
        self.check(scenario, measured, ">=", bound, allowance);
    }

    /// Expects exactly `bound`.
    pub(crate) fn exactly(&mut self, scenario: &str, measured: usize, bound: usize) {
        self.check(scenario, measured as f64, "=", bound as f64, 0.0).steady = true;
    }

    /// Expects at most `bound` of a ratio to a baseline that was measured in turn with it. The quick form judges it too.
    pub(crate) fn ratio(&mut self, scenario: &str, measured: f64, bound: f64, allowance: f64) {
        self.check(scenario, measured, "<=", bound, allowance).steady = true;
    }

    fn check(
        &mut self,
        scenario: &str,
        measured: f64,
        relation: &'static str,
        bound: f64,
        allowance: f64,
    ) -> &mut Check {
        self.checks.push_mut(Check {
            scenario: scenario.to_owned(),
            measured,
            relation,
            bound,
            allowance,
            busy: self.busy,
            steady: false,
        })
    }

    /// Marks the machine as too busy for verdicts on the checks that follow.
    pub(crate) fn busy(&mut self, busy: bool) {
        self.busy = busy;
    }

    /// Records the figures of a run.
    pub(crate) fn figures(&mut self, scenario: &str, wall: f64, figures: &Figures) {
        self.figures.push((scenario.to_owned(), wall, figures.clone()));
    }

    /// Prints both tables. Reports whether every bound was kept; with `quick`, whether none was missed grossly.
    pub(crate) fn print(&self, quick: bool) -> bool {
        println!("scenario,measured,relation,bound,ratio,allowance,verdict");
        for check in &self.checks {
            let Check { scenario, measured, relation, bound, allowance, .. } = check;
            let ratio = measured / bound;
            let verdict = check.verdict();
            println!("{scenario},{measured:.4},{relation},{bound:.4},{ratio:.3},{allowance:.4},{verdict}");
        }
        println!();
        println!(
            "scenario,T_s,D_s,P_s,W,parallel_efficiency,speed_up,critical_path_ratio,schedule_efficiency,\
             utilisation,peak_concurrency,widest_level"
        );
        for (scenario, wall, figures) in &self.figures {
            println!(
                "{scenario},{wall:.4},{:.4},{:.4},{},{:.1},{:.3},{:.4},{:.4},{:.4},{},{}",
                figures.total.as_secs_f64(),
                figures.critical_path.as_secs_f64(),
                figures.slots,
                figures.parallel_efficiency,
                figures.speed_up,
                figures.critical_path_ratio,
                figures.schedule_efficiency,
                figures.utilisation,
                figures.peak_concurrency,
                figures.widest_level,
            );
        }
        self.checks.iter().all(|check| !check.is_gross() && (quick || check.verdict() != "MISSED"))
    }
}
