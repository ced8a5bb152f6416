//! Closures as steps.

use std::borrow::Cow;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;

use super::{DagBuilder, Handle};
use crate::call::{Call, Callable, Code, Failure, Started, poll_once};
use crate::dag::{Bound, DefRef, DraftStep};
use crate::lane::Lane;
use crate::location::{Location, Package};
use crate::policy::Policy;
use crate::step::{InputDef, InputKind, Mode, Quorum, Source, StepDef};
use crate::value::TypeDef;

/// Inputs of a closure step: a tuple of handles, or a `Vec` of handles for a fan-in of any width.
pub trait Inputs: Send + Sync + 'static {
    /// The argument of the closure: a tuple of references, or a `Vec` of them.
    type Refs<'a>: Send;

    #[doc(hidden)]
    fn describe(&self, at: Location) -> (Vec<InputDef>, Vec<Bound>);
    #[doc(hidden)]
    fn read(call: Call<'_>) -> Self::Refs<'_>;
}

/// The argument of an async closure: the references, with the lifetime for which its future may borrow.
pub struct Refs<'a, I: Inputs>(pub I::Refs<'a>);

impl<I: Inputs> std::fmt::Debug for Refs<'_, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refs")
    }
}

/// The boxed future that an async closure returns.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl DagBuilder {
    /// Adds a closure on the CPU lane.
    ///
    /// ```
    /// # use pipeline_core::DagBuilder;
    /// let mut dag = DagBuilder::new();
    /// let numbers = dag.cpu("numbers", (), |()| vec![1_u64, 2, 3]);
    /// let parts = vec![dag.cpu("one", (), |()| 1_u64), dag.cpu("two", (), |()| 2_u64)];
    /// dag.cpu("total", (numbers,), |(numbers,)| numbers.iter().sum::<u64>());
    /// dag.cpu("joined", parts, |parts| parts.into_iter().sum::<u64>()); // as many as there are
    /// assert_eq!(dag.build()?.len(), 5);
    /// # Ok::<(), pipeline_core::Problems>(())
    /// ```
    #[track_caller]
    pub fn cpu<I: Inputs, T: Send + Sync + 'static>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        inputs: I,
        code: impl for<'a> Fn(I::Refs<'a>) -> T + Send + Sync + 'static,
    ) -> Handle<T> {
        let code = Direct(move |call: Call<'_>| {
            call.put(code(I::read(call)));
            Ok(())
        });
        self.closure(name.into(), Lane::Cpu, inputs, Arc::new(code))
    }

    /// Adds a closure that can fail, on the CPU lane.
    ///
    /// ```
    /// # use pipeline_core::DagBuilder;
    /// let mut dag = DagBuilder::new();
    /// let text = dag.cpu("text", (), |()| "42".to_owned());
    /// dag.try_cpu("number", (text,), |(text,)| text.parse::<u64>());
    /// assert_eq!(dag.build()?.len(), 2);
    /// # Ok::<(), pipeline_core::Problems>(())
    /// ```
    #[track_caller]
    pub fn try_cpu<I: Inputs, T: Send + Sync + 'static, E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        inputs: I,
        code: impl for<'a> Fn(I::Refs<'a>) -> Result<T, E> + Send + Sync + 'static,
    ) -> Handle<T> {
        self.fallible(name.into(), Lane::Cpu, inputs, code)
    }

    /// Adds a closure that blocks its thread and can fail, on the blocking lane.
    ///
    /// ```
    /// # use pipeline_core::DagBuilder;
    /// let mut dag = DagBuilder::new();
    /// dag.blocking("config", (), |()| std::fs::read_to_string("config.toml"));
    /// assert_eq!(dag.build()?.len(), 1);
    /// # Ok::<(), pipeline_core::Problems>(())
    /// ```
    #[track_caller]
    pub fn blocking<I: Inputs, T: Send + Sync + 'static, E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        inputs: I,
        code: impl for<'a> Fn(I::Refs<'a>) -> Result<T, E> + Send + Sync + 'static,
    ) -> Handle<T> {
        self.fallible(name.into(), Lane::Blocking, inputs, code)
    }

    /// Adds an async closure that can fail, on the IO lane.
    ///
    /// ```
    /// # use pipeline_core::{DagBuilder, Refs};
    /// # async fn fetch(url: &str) -> Result<String, std::io::Error> { Ok(url.to_owned()) }
    /// let mut dag = DagBuilder::new();
    /// let url = dag.cpu("url", (), |()| "http://localhost".to_owned());
    /// dag.io("page", (url,), |Refs((url,))| Box::pin(async move { fetch(url).await }));
    /// assert_eq!(dag.build()?.len(), 2);
    /// # Ok::<(), pipeline_core::Problems>(())
    /// ```
    #[track_caller]
    pub fn io<I: Inputs, T: Send + Sync + 'static, E: Into<Box<dyn Error + Send + Sync>> + 'static>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        inputs: I,
        code: impl for<'a> Fn(Refs<'a, I>) -> Boxed<'a, Result<T, E>> + Send + Sync + 'static,
    ) -> Handle<T> {
        let code = Suspending(code, std::marker::PhantomData::<fn(I) -> (T, E)>);
        self.closure(name.into(), Lane::Io, inputs, Arc::new(code))
    }

    #[track_caller]
    fn fallible<I: Inputs, T: Send + Sync + 'static, E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        name: Cow<'static, str>,
        lane: Lane,
        inputs: I,
        code: impl for<'a> Fn(I::Refs<'a>) -> Result<T, E> + Send + Sync + 'static,
    ) -> Handle<T> {
        let code = Direct(move |call: Call<'_>| {
            code(I::read(call)).map(|output| _ = call.put(output)).map_err(Failure::from_error)
        });
        self.closure(name, lane, inputs, Arc::new(code))
    }

    #[track_caller]
    fn closure<I: Inputs, T: Send + Sync + 'static>(
        &mut self,
        name: Cow<'static, str>,
        lane: Lane,
        inputs: I,
        code: Arc<dyn Callable>,
    ) -> Handle<T> {
        let location = Location::caller();
        let (described, bound) = inputs.describe(location);
        let def = StepDef {
            name: name.clone(),
            module: Cow::Borrowed(""),
            package: Package { name: "", version: "" },
            location,
            doc: Cow::Borrowed(""),
            lane,
            tags: Cow::Borrowed(&[]),
            group: None,
            cost: 1,
            inputs: Cow::Owned(described),
            after: Cow::Borrowed(&[]),
            cases: Cow::Borrowed(&[]),
            policy: Policy::NONE,
            output: TypeDef::of::<T>(),
            codec: crate::Codec::NONE,
            trace: None,
            trace_details: None,
            code: Code::Shared(code),
        };
        let id = self.id;
        Handle::new(
            id,
            self.draft.add(DraftStep {
                def: DefRef::Shared(Arc::new(def)),
                name: Some(name),
                location,
                bound,
                after: Vec::new(),
                after_closed: false,
                params: Vec::new(),
                policy: None,
            }),
        )
    }
}

/// A closure that does not wait.
struct Direct<F>(F);

impl<F: for<'a> Fn(Call<'a>) -> Result<(), Failure> + Send + Sync + 'static> Callable for Direct<F> {
    fn start<'a>(&'a self, call: Call<'a>) -> Started<'a> {
        Started::Done((self.0)(call))
    }
}

/// A closure that returns a future.
struct Suspending<F, P>(F, std::marker::PhantomData<P>);

impl<I, T, E, F> Callable for Suspending<F, fn(I) -> (T, E)>
where
    I: Inputs,
    T: Send + Sync + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
    F: for<'a> Fn(Refs<'a, I>) -> Boxed<'a, Result<T, E>> + Send + Sync + 'static,
{
    fn start<'a>(&'a self, call: Call<'a>) -> Started<'a> {
        let future = (self.0)(Refs(I::read(call)));
        poll_once(async move { future.await.map(|output| _ = call.put(output)).map_err(Failure::from_error) })
    }
}

fn described(position: usize, ty: TypeDef, many: bool, at: Location) -> InputDef {
    let source = if many { Source::UnboundMany } else { Source::Unbound };
    InputDef {
        name: Cow::Owned(format!("input{position}")),
        kind: InputKind::Upstream { source, mode: Mode::Borrow, quorum: Quorum::All, ty },
        location: at,
    }
}

impl<T: Send + Sync + 'static> Inputs for Vec<Handle<T>> {
    type Refs<'a> = Vec<&'a T>;

    fn describe(&self, at: Location) -> (Vec<InputDef>, Vec<Bound>) {
        let sources = self.iter().map(|handle| handle.source()).collect();
        (vec![described(0, TypeDef::of::<T>(), true, at)], vec![Bound { parameter: 0, sources }])
    }

    fn read(call: Call<'_>) -> Self::Refs<'_> {
        call.views::<T>(0).collect()
    }
}

macro_rules! tuple_inputs {
    ($($ty:ident $position:tt),*) => {
        impl<$($ty: Send + Sync + 'static),*> Inputs for ($(Handle<$ty>,)*) {
            type Refs<'a> = ($(&'a $ty,)*);

            fn describe(&self, at: Location) -> (Vec<InputDef>, Vec<Bound>) {
                let _ = at;
                (
                    vec![$(described($position, TypeDef::of::<$ty>(), false, at)),*],
                    vec![$(Bound {
                        parameter: $position,
                        sources: vec![self.$position.source()],
                    }),*],
                )
            }

            #[allow(clippy::unused_unit)]
            fn read(call: Call<'_>) -> Self::Refs<'_> {
                let _ = call;
                ($(call.view::<$ty>($position),)*)
            }
        }
    };
}

tuple_inputs!();
tuple_inputs!(A 0);
tuple_inputs!(A 0, B 1);
tuple_inputs!(A 0, B 1, C 2);
tuple_inputs!(A 0, B 1, C 2, D 3);
tuple_inputs!(A 0, B 1, C 2, D 3, E 4);
tuple_inputs!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple_inputs!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple_inputs!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
