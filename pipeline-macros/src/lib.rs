//! The `#[step]` attribute of the `pipeline` framework.
//!
//! ```text
//! parse  attribute and signature, body kept as tokens      (args, policy, options, parse, param, from, shape)
//! check  every rule of a signature, all breaches at once    (validate, model)
//! model  the step as plain data                             (model)
//! expand the model as tokens                                (expand)
//! ```
//!
//! Nothing here knows the graph: rustc and the registry check what the expansion says of it.

use proc_macro::TokenStream;

mod args;
mod error;
mod expand;
mod fallback;
mod from;
mod input;
mod model;
mod options;
mod param;
mod parse;
mod path;
mod policy;
mod quantity;
mod shape;
mod switch;
mod text;
mod validate;

#[cfg(test)]
mod tests;

/// Makes a function a step of a pipeline: its parameters are the edges, its return value is the output.
///
/// ```
/// use pipeline::prelude::*;
///
/// #[step]
/// fn orders(#[param(default = "3,4")] text: String) -> Result<Vec<u64>, std::num::ParseIntError> {
///     text.split(',').map(str::parse).collect()
/// }
///
/// #[step]
/// async fn rate(#[resource] rates: &Vec<u64>) -> Option<u64> {
///     rates.first().copied()
/// }
///
/// #[step]
/// fn revenue(orders: &[u64], rate: &Option<u64>) -> u64 {
///     orders.iter().sum::<u64>() * rate.unwrap_or(1)
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let run = Pipeline::to::<revenue>().resource(vec![10_u64]).run_blocking()?;
/// assert_eq!(run.output::<revenue>()?, &70);
/// # Ok(()) }
/// ```
///
/// The function stays what it is and can be called and tested as such. Beside it stands a type of the same name,
/// `struct revenue {}`, that implements `Step` and names the step in typed code: `Pipeline::to::<revenue>()`. The
/// step is registered when the program starts. `#[step]` goes on free functions, in modules, in function bodies and
/// in `macro_rules!`; not on methods, and not on generic functions.
///
/// # Parameters
///
/// A parameter without an attribute reads the output of the step that its name names, as a path in scope:
/// `use ingest::orders;`, and then `orders: &[Order]`. A leading `_` is not part of that name, so an input that only
/// orders can be called `_orders`. rustc checks that the step exists and that the types agree, and reports cycles.
///
/// | type | means |
/// |---|---|
/// | `&T`, `&[T]`, `&str`, `&Path` | read the output, shared (`[T]` from `Vec<T>`, `str` from `String`, `Path` from `PathBuf`) |
/// | `T` | take the output: runs after every reader, and moves it |
/// | `Option<&T>` | `None` where the upstream was skipped or failed |
/// | `Result<&T, &StepError>` | the outcome itself |
/// | `Vec<…>` of `&T`, `Option<&T>` or `Result<&T, &StepError>` | fan-in, in order |
/// | `BTreeMap<&str, …>` of the same | fan-in by the names of the steps |
///
/// | attribute | means |
/// |---|---|
/// | `#[from(path)]` | the output of another step than the parameter's name says |
/// | `#[from(path.field)]`, `#[from(path.0)]` | a field of its output, borrowed |
/// | `#[from(a, b, c)]` | fan-in from these steps |
/// | `#[from("name")]` | the step of that name, found when the pipeline is built |
/// | `#[from("shard_*")]`, `#[from(tag = "source")]` | fan-in from every step with such a name, or that tag |
/// | `#[input]` | no step yet: the function is a template, which a builder instantiates |
/// | `#[param]` | a run parameter, `T` or `&T`, read by serde; an `Option<T>` may be missing |
/// | `#[param(default = value)]`, `#[param(default)]` | the same with a default, or with `Default::default()`; a string literal is converted with `From` |
/// | `#[param(name = "…")]` | the same under another name |
/// | `#[resource]`, `#[resource("name")]` | `&T`: a value injected for the run, found by type, or by type and name |
/// | `#[context]` | `&StepContext`: the run and the attempt |
///
/// # Output
///
/// The output is the return type, which is owned, `Send`, `Sync` and `'static`. A step that returns a type named
/// `Result` can fail, and its output is the `T` of `Result<T, E>`, for any `E: Into<Box<dyn Error + Send + Sync>>`.
///
/// # Options
///
/// | option | means |
/// |---|---|
/// | `io` | the step is a task of the async runtime: the default of `async fn` |
/// | `cpu` | the step runs on the pool with a thread for each core: the default of `fn` |
/// | `blocking` | the step waits rather than computes, and runs on the elastic pool |
/// | `name = "…"` | the name of the step, where it is not the function's |
/// | `tags("a", b)` | labels that can be selected |
/// | `group = "silver"` | a stage: selected and reported, never a barrier |
/// | `after(path, …)` | starts when these steps have succeeded, without reading their output |
/// | `cost = 10` | estimated relative duration, 1 by default: what lies on a long path starts first |
/// | `fallible` | the return type is an alias of `Result` with another name |
/// | `infallible` | the `Result` is itself the output |
/// | `crate = path` | where the `pipeline` crate is, for a dependency that is renamed or re-exported |
///
/// `extern crate renamed as pipeline;` at the crate root serves every step of a crate at once, in place of `crate`.
#[proc_macro_attribute]
pub fn step(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::step(args.into(), item.into()).into()
}
