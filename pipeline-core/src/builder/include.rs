//! Pipelines in pipelines.

use std::borrow::Cow;

use super::{DagBuilder, Handle};
use crate::dag::{Bound, BoundSource, DefRef};
use crate::location::Location;
use crate::problem::{Problem, ProblemCode, closest};
use crate::step::{DefFn, InputDef, InputKind, Source, Step};
use crate::value::TypeDef;

impl DagBuilder {
    /// Adds every step of another builder, named `prefix/name`.
    ///
    /// The part is closed first: a path input reads the part's own copy of the step that it names. So one part can be included
    /// many times, with different inputs and parameters. The inputs of its templates (`#[input]`) stay open: bind them with
    /// [`Included::input`].
    ///
    /// ```
    #[doc = include_str!("example.in")]
    /// let part = || {
    ///     let mut part = DagBuilder::new();
    ///     part.add::<sum>();
    ///     part
    /// };
    /// let mut dag = DagBuilder::new();
    /// let numbers = dag.cpu("numbers", (), |()| vec![1_u64, 2]);
    /// let totals = ["a", "b"].map(|name| dag.include(name, part()).input("numbers", numbers).output::<sum>());
    /// dag.cpu("all", totals.to_vec(), |totals| totals.into_iter().sum::<u64>());
    /// let dag = dag.build()?;
    /// assert_eq!(dag.step(dag.find("a/sum")?).name(), "a/sum");
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn include(&mut self, prefix: &str, mut part: DagBuilder) -> Included<'_> {
        part.close();
        let first = self.draft.steps.len() as u32;
        for mut step in part.draft.steps {
            let name = step.name.take().unwrap_or_else(|| step.def.name.clone());
            step.name = Some(Cow::Owned(format!("{prefix}/{name}")));
            step.after.iter_mut().for_each(|earlier| *earlier += first);
            for source in step.bound.iter_mut().flat_map(|bound| &mut bound.sources) {
                match source {
                    BoundSource::Step { step, builder } if *builder == part.id => {
                        (*step, *builder) = (*step + first, self.id);
                    }
                    BoundSource::Step { .. } => {}
                    BoundSource::Name(name) => *name = format!("{prefix}/{name}"),
                }
            }
            self.draft.add(step);
        }
        self.draft.problems.append(&mut part.draft.problems);
        let end = self.draft.steps.len() as u32;
        Included { builder: self, prefix: prefix.to_owned(), steps: first..end, place: Location::caller() }
    }

    /// Binds every path input to the builder's own instance, or to a registered step, which is added.
    fn close(&mut self) {
        let mut step = 0;
        while step < self.draft.steps.len() {
            let def = self.draft.steps[step].def.clone();
            for path in def.after.iter() {
                let earlier = self.draft.resolve_path(step, None, path());
                self.draft.steps[step].after.push(earlier);
            }
            self.draft.steps[step].after_closed = true;
            for (parameter, input) in def.inputs.iter().enumerate() {
                let parameter = parameter as u32;
                if self.draft.steps[step].bound.iter().any(|bound| bound.parameter == parameter) {
                    continue;
                }
                let sources: Vec<BoundSource> = match &input.kind {
                    InputKind::Upstream { source: Source::Path(path), .. } => {
                        vec![self.own(step, input, *path)]
                    }
                    InputKind::Upstream { source: Source::Paths(paths), .. } => {
                        paths.iter().map(|path| self.own(step, input, *path)).collect()
                    }
                    InputKind::Upstream {
                        source: source @ (Source::Glob { .. } | Source::Tag { .. }),
                        ..
                    } => {
                        let found = self.draft.matching(step as u32, source);
                        if found.is_empty() {
                            // A name that the part lacks may be in the whole.
                            continue;
                        }
                        found.into_iter().map(|found| self.source(found)).collect()
                    }
                    InputKind::Upstream { source: Source::Name(name), .. } if self.has(name) => {
                        vec![BoundSource::Name(name.to_string())]
                    }
                    _ => continue,
                };
                self.draft.steps[step].bound.push(Bound { parameter, sources });
            }
            step += 1;
        }
    }

    fn own(&mut self, step: usize, input: &InputDef, path: DefFn) -> BoundSource {
        let own = self.draft.resolve_path(step, Some(input), path());
        self.source(own)
    }

    fn has(&self, name: &str) -> bool {
        (0..self.draft.steps.len() as u32).any(|step| self.name_of(step) == name)
    }
}

/// A part that was just included. Binds its open inputs and finds its outputs.
#[derive(Debug)]
pub struct Included<'b> {
    builder: &'b mut DagBuilder,
    prefix: String,
    steps: std::ops::Range<u32>,
    place: Location,
}

impl Included<'_> {
    /// Feeds every open input of this name in the part.
    #[must_use]
    pub fn input<U>(self, parameter: &str, upstream: Handle<U>) -> Self {
        let open = self.open_inputs();
        let mut found = false;
        for (step, position, name) in &open {
            if name == parameter {
                found = true;
                let sources = vec![upstream.source()];
                self.builder.draft.steps[*step as usize].bound.push(Bound { parameter: *position, sources });
            }
        }
        if !found {
            let names: Vec<&str> = open.iter().map(|(_, _, name)| name.as_str()).collect();
            let message = format!("the part `{}` has no open input `{parameter}`", self.prefix);
            let problem = Problem::new(ProblemCode::InvalidBinding, message)
                .step(self.prefix.clone(), self.place)
                .note(format!(
                    "open inputs: {}",
                    if names.is_empty() { "none".into() } else { names.join(", ") }
                ))
                .hint(match closest(parameter, names.iter().copied()) {
                    Some(close) => format!("did you mean `{close}`?"),
                    None => "an open input is a parameter with `#[input]`".to_owned(),
                });
            self.builder.problem(problem);
        }
        self
    }

    /// Returns the part's instance of a step.
    #[must_use]
    pub fn output<S: Step>(&mut self) -> Handle<S::Output> {
        let name = S::def().name.to_string();
        let wanted = std::ptr::from_ref(S::def());
        let found = self.steps.clone().find(|&step| {
            matches!(self.builder.draft.steps[step as usize].def, DefRef::Static(def) if std::ptr::eq(def, wanted))
        });
        self.found(found, &name)
    }

    /// Returns the part's step of a name, without the prefix.
    #[must_use]
    pub fn output_named<T: Send + Sync + 'static>(&mut self, name: &str) -> Handle<T> {
        let full = format!("{}/{name}", self.prefix);
        let found = self.steps.clone().find(|&step| self.builder.name_of(step) == full);
        if let Some(step) = found {
            let output = self.builder.draft.steps[step as usize].def.output;
            if output != TypeDef::of::<T>() {
                let message = format!("`{full}` returns `{output}`, not `{}`", TypeDef::of::<T>());
                let problem = Problem::new(ProblemCode::TypeMismatch, message)
                    .step(full, self.place)
                    .hint("name the type that the step returns");
                self.builder.problem(problem);
            }
        }
        self.found(found, name)
    }

    fn found<T>(&mut self, found: Option<u32>, name: &str) -> Handle<T> {
        let builder = self.builder.id;
        Handle::new(
            builder,
            found.unwrap_or_else(|| {
                let names: Vec<String> =
                    self.steps.clone().map(|step| self.builder.name_of(step).into_owned()).collect();
                let message = format!("the part `{}` has no step `{name}`", self.prefix);
                let problem = Problem::new(ProblemCode::InvalidBinding, message)
                    .step(self.prefix.clone(), self.place)
                    .note(format!("its steps: {}", names.join(", ")))
                    .hint("use one of its steps");
                self.builder.problem(problem);
                // The problem stops the build, so any step will do.
                self.steps.start.min(self.builder.draft.steps.len().saturating_sub(1) as u32)
            }),
        )
    }

    fn open_inputs(&self) -> Vec<(u32, u32, String)> {
        let mut open = Vec::new();
        for step in self.steps.clone() {
            let draft = &self.builder.draft.steps[step as usize];
            for (position, input) in draft.def.inputs.iter().enumerate() {
                let position = position as u32;
                if input.is_unbound() && !draft.bound.iter().any(|bound| bound.parameter == position) {
                    open.push((step, position, input.name.to_string()));
                }
            }
        }
        open
    }
}
