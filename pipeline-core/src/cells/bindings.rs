//! Index arrays that show where the steps of a plan read their inputs; made once with the plan and shared by its runs.

use std::borrow::Cow;

use crate::value::TypeDef;

/// The sources of each parameter of each step, and the type that each step returns.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    /// For each step, its first parameter. A narrow array of its own: each step with inputs reads it.
    first: Vec<u32>,
    /// For each step, the type of its output.
    outputs: Vec<TypeDef>,
    /// For each parameter: a step, a range of `many`, the index of a run parameter or of a resource.
    parameters: Vec<Bind>,
    many: Vec<u32>,
    groups: Vec<Group>,
}

/// The source of one parameter; the meaning of the numbers follows from the parameter's kind.
#[derive(Clone, Copy, Debug)]
struct Bind {
    start: u32,
    len: u32,
}

/// An input that starts its step as soon as enough of its upstream steps have succeeded.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) step: u32,
    pub(crate) parameter: u32,
    /// The upstream steps that run, in the order of the input.
    pub(crate) members: Vec<u32>,
    /// How many of them have to succeed.
    pub(crate) needed: u32,
    /// The members that no other step reads: unused once enough have succeeded.
    pub(crate) unused_after: Vec<u32>,
}

impl Bindings {
    /// Makes bindings without steps; `groups` ascend by step and parameter.
    pub(crate) fn new(steps: usize, groups: Vec<Group>) -> Self {
        Bindings {
            first: Vec::with_capacity(steps),
            outputs: Vec::with_capacity(steps),
            groups,
            ..Bindings::default()
        }
    }

    /// Appends a step; its parameters follow.
    pub(crate) fn push_step(&mut self, output: TypeDef) {
        self.first.push(self.parameters.len() as u32);
        self.outputs.push(output);
    }

    /// Appends a parameter of the last step that reads one step, run parameter or resource, or the context.
    pub(crate) fn push_one(&mut self, index: u32) {
        self.parameters.push(Bind { start: index, len: 1 });
    }

    /// Appends a parameter of the last step that reads several steps.
    pub(crate) fn push_many(&mut self, sources: impl ExactSizeIterator<Item = u32>) {
        self.parameters.push(Bind { start: self.many.len() as u32, len: sources.len() as u32 });
        self.many.extend(sources);
    }

    /// Returns the step, run parameter or resource that a parameter reads.
    #[inline]
    pub(crate) fn source(&self, step: u32, parameter: usize) -> u32 {
        self.bind(step, parameter).start
    }

    /// Returns the steps that a fan-in reads, in its order.
    #[inline]
    pub(crate) fn sources(&self, step: u32, parameter: usize) -> &[u32] {
        let bind = self.bind(step, parameter);
        &self.many[bind.start as usize..(bind.start + bind.len) as usize]
    }

    /// Returns the output type of a step.
    #[inline]
    pub(crate) fn output(&self, step: u32) -> TypeDef {
        self.outputs[step as usize]
    }

    /// Returns the inputs that start their step early.
    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Returns the group of an input.
    pub(crate) fn group_at(&self, step: u32, parameter: usize) -> Option<usize> {
        let key = |group: &Group| (group.step, group.parameter as usize);
        self.groups.binary_search_by_key(&(step, parameter), key).ok()
    }

    #[inline]
    fn bind(&self, step: u32, parameter: usize) -> Bind {
        self.parameters[self.first[step as usize] as usize + parameter]
    }
}

/// Facts about the steps that are rarely needed; implemented by the plan.
pub(crate) trait Steps: Send + Sync {
    /// Returns the name of a step.
    fn name(&self, step: u32) -> &Cow<'static, str>;

    /// Returns module and name of the function that a step's identity is made of; `None` if its identity is its name.
    fn function(&self, step: u32) -> Option<(&Cow<'static, str>, &Cow<'static, str>)>;

    /// Reports whether a step reads the output of another.
    fn reads(&self, step: u32, source: u32) -> bool;
}
