//! Checks and classes of steps that a program adds to the framework's own.

use std::sync::Arc;

use pipeline_core::{Dag, Plan, Policy, Problem, ProblemCode, Problems, StepSpec, contain};

use super::Pipeline;

/// Checks a plan before its first step, beside the framework's own checks. A closure is a validator.
///
/// ```
/// use pipeline_core::Plan;
/// use pipeline_exec::{Validator, Verdict};
///
/// let few = |plan: &Plan| match plan.len() {
///     0..=1000 => Verdict::Valid,
///     many => Verdict::Invalid(format!("{many} steps are more than the database can take")),
/// };
/// # let _: &dyn Validator = &few;
/// ```
pub trait Validator: Send + Sync + 'static {
    /// Judges the plan of a run. Called once for each run and each check, and not if
    /// [`Settings::validate`](crate::Settings::validate) is off. A panic is a problem of the run.
    fn validate(&self, plan: &Plan) -> Verdict;
}

impl<F: Fn(&Plan) -> Verdict + Send + Sync + 'static> Validator for F {
    fn validate(&self, plan: &Plan) -> Verdict {
        self(plan)
    }
}

/// What a [`Validator`] says about a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The plan can run as it is.
    Valid,
    /// The steps have to run one at a time, for this reason, which the report shows.
    OneAtATime(String),
    /// Nothing may run, for this reason: the run ends with a problem before its first step.
    Invalid(String),
}

/// Decides how steps run, by their names, groups or tags, in place of options on each of them. A closure is a classifier.
///
/// ```
/// use pipeline_core::{Policy, StepSpec};
/// use pipeline_exec::Classifier;
///
/// let in_order = |step: &StepSpec, policy: Policy| match step.def().group.as_deref() {
///     Some("state") => policy.sequential("state"),
///     _ => policy,
/// };
/// # let _: &dyn Classifier = &in_order;
/// ```
pub trait Classifier: Send + Sync + 'static {
    /// Returns the policy of a step, given the one that it has. Called once for each step when the pipeline is planned. A panic
    /// is a problem of the plan.
    fn classify(&self, step: &StepSpec, policy: Policy) -> Policy;
}

impl<F: Fn(&StepSpec, Policy) -> Policy + Send + Sync + 'static> Classifier for F {
    fn classify(&self, step: &StepSpec, policy: Policy) -> Policy {
        self(step, policy)
    }
}

impl Pipeline {
    /// Adds a check that each run has to pass before its first step. Its findings are reported with all other problems.
    ///
    /// ```
    #[doc = include_str!("examples/steps.in")]
    /// # use pipeline_core::Plan;
    /// # use pipeline_exec::Verdict;
    /// let alone = |_: &Plan| Verdict::OneAtATime("the licence is for one core".to_owned());
    /// let run = Pipeline::to::<total>().validator(alone).run_blocking()?;
    /// assert_eq!(run.report().limited_by, ["one step at a time: the licence is for one core"]);
    /// # Ok(()) }
    /// ```
    pub fn validator(mut self, validator: impl Validator) -> Self {
        self.validators.push(Arc::new(validator));
        self
    }

    /// Adds a classifier, which can change how each step runs. Of several, each gets the policy that the one before made. It
    /// wins over the attribute of a step; settings for a step by name win over it.
    ///
    /// ```
    #[doc = include_str!("examples/steps.in")]
    /// # use pipeline_core::{Policy, StepSpec};
    /// let alone = |_: &StepSpec, policy: Policy| policy.exclusive();
    /// let run = Pipeline::to::<total>().classifier(alone).run_blocking()?;
    /// assert_eq!(run.report().limited_by[1], "`total` runs alone: it is exclusive");
    /// # Ok(()) }
    /// ```
    pub fn classifier(mut self, classifier: impl Classifier) -> Self {
        self.classifiers.push(Arc::new(classifier));
        self.replan()
    }

    /// Returns the graph with the policies that the classifiers choose.
    pub(super) fn classified(&self, dag: Arc<Dag>) -> Result<Arc<Dag>, Problems> {
        if self.classifiers.is_empty() {
            return Ok(dag);
        }
        let classify = |step: &StepSpec, policy| {
            self.classifiers.iter().fold(policy, |policy, classifier| classifier.classify(step, policy))
        };
        let classified = contain::guard(|| dag.with_policies(classify)).map_err(|panic| {
            Problem::new(ProblemCode::Refused, format!("a classifier panicked: {panic}"))
                .hint("fix the classifier, or leave it out")
        })?;
        Ok(Arc::new(classified?))
    }

    /// Asks the validators about a plan. Returns the reasons for which its steps have to run one at a time.
    pub(super) fn validate(&self, plan: &Plan) -> Result<Vec<String>, Vec<Problem>> {
        let (mut reasons, mut problems) = (Vec::new(), Vec::new());
        let refused = |message: String, hint: &str| Problem::new(ProblemCode::Refused, message).hint(hint);
        for validator in self.validators.iter().filter(|_| self.settings.validate) {
            match contain::guard(|| validator.validate(plan)) {
                Ok(Verdict::Valid) => {}
                Ok(Verdict::OneAtATime(reason)) => reasons.push(reason),
                Ok(Verdict::Invalid(reason)) => {
                    let message = format!("a validator of the pipeline refuses the plan: {reason}");
                    problems.push(refused(
                        message,
                        "change the plan, or run without validators (`validate = false`)",
                    ));
                }
                Err(panic) => {
                    let message = format!("a validator of the pipeline panicked: {panic}");
                    problems
                        .push(refused(message, "fix the validator, or run without it (`validate = false`)"));
                }
            }
        }
        if problems.is_empty() { Ok(reasons) } else { Err(problems) }
    }
}
