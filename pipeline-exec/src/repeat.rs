//! Loops: a pipeline that runs until its result has converged, at most a number of times.

use std::error::Error;
use std::fmt;
use std::ops::ControlFlow;

use pipeline_core::Problems;

use crate::pipeline::Pipeline;
use crate::run::Run;

/// A loop over runs of a pipeline, with a bounded number of rounds.
///
/// A graph has no cycles, so an iterative computation is a loop around a graph. Each round is a run, made from the state that
/// the previous one has left.
///
/// ```
/// # use std::ops::ControlFlow;
/// # use pipeline_core::DagBuilder;
/// # use pipeline_exec::{Pipeline, Repeat};
/// // The square root of 2, by Newton's iteration.
/// let round = |guess: &f64, _round: u32| {
///     let guess = *guess;
///     let mut dag = DagBuilder::new();
///     let half = dag.cpu("half", (), move |()| 2.0 / guess);
///     dag.cpu("better", (half,), move |(half,)| (guess + half) / 2.0);
///     dag.build().map(Pipeline::new)
/// };
/// let judge = |guess: f64, run: pipeline_exec::Run| match run.output_named::<f64>("better") {
///     Ok(better) if (better - guess).abs() < 1e-12 => Ok(ControlFlow::Break(*better)),
///     Ok(better) => Ok(ControlFlow::Continue(*better)),
///     Err(error) => Err(error.into()),
/// };
/// let root = Repeat::at_most(20).run_blocking(1.0, round, judge)?;
/// assert!((root.value - 2.0_f64.sqrt()).abs() < 1e-12 && root.rounds < 10);
/// # Ok::<(), pipeline_exec::RepeatError<f64>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a loop does nothing until it is run"]
pub struct Repeat {
    most: u32,
}

/// The result of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Converged<T> {
    /// The value that `judge` returned for the last round.
    pub value: T,
    /// Number of rounds, from 1.
    pub rounds: u32,
}

/// Why a loop failed.
#[non_exhaustive]
pub enum RepeatError<S> {
    /// A round could not start: none of its steps has run.
    Problems {
        /// The round, from 1.
        round: u32,
        /// The problems.
        problems: Problems,
    },
    /// The caller returned an error.
    Judged {
        /// The round, from 1.
        round: u32,
        /// The error.
        error: Box<dyn Error + Send + Sync>,
    },
    /// All rounds have run without a result.
    NotConverged {
        /// Number of rounds.
        rounds: u32,
        /// The state after the last one.
        state: S,
    },
}

/// The judgement of a round: the result, or the state for the next round.
type Judged<T, S> = Result<ControlFlow<T, S>, Box<dyn Error + Send + Sync>>;

impl Repeat {
    /// Makes a loop of at most `rounds` rounds; 0 runs none.
    pub fn at_most(rounds: u32) -> Self {
        Repeat { most: rounds }
    }

    /// Runs rounds until `judge` breaks the loop. `round` makes the pipeline of each round from the state and the number of the
    /// round (from 1). `judge` gets the state and the run, and returns the result or the next state.
    ///
    /// # Errors
    /// See [`RepeatError`]. A failed step is no error: `judge` sees it in the run.
    ///
    /// # Cancel safety
    /// Dropping the future stops the run of the round.
    pub async fn run<S, T>(
        self,
        initial: S,
        mut round: impl FnMut(&S, u32) -> Result<Pipeline, Problems>,
        mut judge: impl FnMut(S, Run) -> Judged<T, S>,
    ) -> Result<Converged<T>, RepeatError<S>> {
        let mut state = initial;
        for number in 1..=self.most {
            let started = round(&state, number).and_then(|pipeline| pipeline.start());
            let run = match started {
                Ok(handle) => Ok(handle.wait().await),
                Err(problems) => Err(problems),
            };
            match judged(number, run, state, &mut judge)? {
                ControlFlow::Break(value) => return Ok(Converged { value, rounds: number }),
                ControlFlow::Continue(next) => state = next,
            }
        }
        Err(RepeatError::NotConverged { rounds: self.most, state })
    }

    /// As [`Repeat::run`], in the calling thread.
    ///
    /// # Errors
    /// As [`Repeat::run`].
    pub fn run_blocking<S, T>(
        self,
        initial: S,
        mut round: impl FnMut(&S, u32) -> Result<Pipeline, Problems>,
        mut judge: impl FnMut(S, Run) -> Judged<T, S>,
    ) -> Result<Converged<T>, RepeatError<S>> {
        let mut state = initial;
        for number in 1..=self.most {
            let run = round(&state, number).and_then(|pipeline| pipeline.run_blocking());
            match judged(number, run, state, &mut judge)? {
                ControlFlow::Break(value) => return Ok(Converged { value, rounds: number }),
                ControlFlow::Continue(next) => state = next,
            }
        }
        Err(RepeatError::NotConverged { rounds: self.most, state })
    }
}

fn judged<S, T>(
    round: u32,
    run: Result<Run, Problems>,
    state: S,
    judge: &mut impl FnMut(S, Run) -> Judged<T, S>,
) -> Result<ControlFlow<T, S>, RepeatError<S>> {
    let run = run.map_err(|problems| RepeatError::Problems { round, problems })?;
    judge(state, run).map_err(|error| RepeatError::Judged { round, error })
}

impl<S> fmt::Display for RepeatError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RepeatError::Problems { round, problems } => write!(f, "round {round}: {problems}"),
            RepeatError::Judged { round, error } => write!(f, "round {round}: {error}"),
            RepeatError::NotConverged { rounds, .. } => {
                write!(
                    f,
                    "no convergence within {rounds} rounds; allow more, or find out why it does not converge"
                )
            }
        }
    }
}

/// As `Display`, because `fn main() -> Result<…>` prints this.
impl<S> fmt::Debug for RepeatError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<S> Error for RepeatError<S> {}
