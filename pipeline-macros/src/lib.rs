//! The `#[step]` attribute of the `pipeline` framework.
//!
//! ```text
//! parse  attribute and signature, body kept as tokens      (args, policy, options, parse, param, from, shape)
//! check  every rule of a signature; all errors at once      (validate, model)
//! model  the step as plain data                             (model)
//! expand the model as tokens                                (expand)
//! ```
//!
//! Nothing here knows the graph: rustc and the registry check the expansion.

use proc_macro::TokenStream;

mod args;
mod error;
mod expand;
mod fallback;
mod from;
mod input;
mod lane;
mod model;
mod options;
mod own;
mod param;
mod parse;
mod path;
mod policy;
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
/// The function stays as it is: it can be called and tested. The macro adds a type of the same name, `struct revenue {}`, which
/// implements `Step` and names the step in typed code: `Pipeline::to::<revenue>()`. The documentation of a crate shows the function
/// only. The step is registered when the program starts. `#[step]` is for free functions, in modules, in function bodies and in `macro_rules!`; not for methods or generic
/// functions.
///
/// # Parameters
///
/// A parameter without an attribute reads the output of the step with its name, as a path in scope: `use ingest::orders;`, and
/// then `orders: &[Order]`. A leading `_` is not part of that name, so an input that is only for order can be called `_orders`.
/// rustc checks that the step exists and that the types agree, and reports cycles.
///
/// | type | means |
/// |---|---|
/// | `&T`, `&[T]`, `&str`, `&Path`, `&dyn Trait` | read the output, shared (`[T]` from `Vec<T>`, `str` from `String`, `Path` from `PathBuf`, `dyn Trait` from `Box<dyn Trait>`) |
/// | `T` | take the output: runs after every reader, and moves it |
/// | `Option<&T>` | `None` if the upstream has no output: it failed, or was skipped or cancelled |
/// | `Result<&T, &StepError>` | the outcome itself |
/// | `Vec<…>` of `&T`, `Option<&T>` or `Result<&T, &StepError>` | fan-in, in order |
/// | `BTreeMap<&str, …>` of the same | fan-in by the names of the steps |
///
/// | attribute | means |
/// |---|---|
/// | `#[from(path)]` | the output of a step with another name than the parameter |
/// | `#[from(path.field)]`, `#[from(path.0)]` | a field of its output, borrowed |
/// | `#[from(a, b, c)]` | fan-in from these steps |
/// | `#[from(a, b, c, at_least = 2)]` | fan-in that needs at least this number of successes; see [Quorums](#quorums) |
/// | `#[from(a, b, c, first)]`, `#[from(a, b, c, priority)]` | `&T`: the output of one of them |
/// | `#[from("name")]` | the step of that name, which is looked up when the pipeline is built |
/// | `#[from("shard_*")]`, `#[from(tag = "source")]` | fan-in from every step with a matching name, or with the tag; that there is none is a problem |
/// | `#[from("shard_*", or_none)]`, `#[from(tag = "source", or_none)]` | the same; an empty fan-in if there is none |
/// | `#[input]` | no step yet: the function is a template, which a builder instantiates |
/// | `#[param]` | a run parameter, `T` or `&T`, read by serde; an `Option<T>` may be missing, a `Secret<T>` is never shown |
/// | `#[param(default = value)]`, `#[param(default)]` | the same with a default, or with `Default::default()`; a string literal is converted with `From` |
/// | `#[param(name = "…")]` | the same under another name |
/// | `#[resource]`, `#[resource("name")]` | `&T`: a value injected for the run, found by type, or by type and name; a `T`, `Box<T>` or `Arc<T>` |
/// | `#[context]` | `&StepContext`: the run and the attempt |
///
/// # Output
///
/// The output is the return type, which is owned, `Send`, `Sync` and `'static`. A step that returns a type named `Result`
/// can fail. Its output is the `T` of `Result<T, E>`, for any `E: Into<Box<dyn Error + Send + Sync>>`.
///
/// # Options
///
/// | option | means |
/// |---|---|
/// | `io` | the step is a task of the async runtime: the default of `async fn` |
/// | `cpu` | the step runs on the pool with a thread for each core: the default of `fn` |
/// | `blocking` | the step waits rather than computes, and runs on the elastic pool |
/// | `name = "…"` | the name of the step, if it is not the function's |
/// | `tags("a", b)` | labels that can be selected |
/// | `group = "silver"` | a stage: selected and reported, never a barrier |
/// | `after(path, …)` | starts when these steps have succeeded, without reading their output |
/// | `cost = 10` | estimated relative duration, 1 by default: steps on a long path start first |
/// | `fallible` | the return type is an alias of `Result` with another name |
/// | `infallible` | the `Result` is itself the output |
/// | `writes` | the purpose of the step is an effect outside of the process, such as a file or a table: a run that must not write (`--no-write`, `Settings::no_write`) skips it |
/// | `crate = path` | path of the `pipeline` crate, for a renamed or re-exported dependency |
///
/// `extern crate renamed as pipeline;` at the crate root serves every step of a crate at once, in place of `crate`.
///
/// The other options say how the step runs. The settings of the run are the defaults.
///
/// ## When it fails
///
/// | option | means |
/// |---|---|
/// | `retries = 3` | maximum number of retries after a failed attempt; `0` for none |
/// | `backoff = "100ms"` | the wait before each retry |
/// | `backoff = "100ms..10s"` | a wait that doubles, from the first to at most the second |
/// | `jitter`, `jitter = 0.3` | the random part of each wait, from 0 to 1; 0.5 without a value |
/// | `retry_if = function` | `fn(&E) -> bool`, a path or a closure: whether the error is worth a retry; panics and timeouts are always retried |
/// | `timeout = "30s"` | time limit of one attempt |
/// | `deadline = "5m"` | time limit of all attempts together, including the waits between them |
/// | `idempotent` | a retry may start while an attempt that timed out still runs on its thread; otherwise there is no retry |
/// | `no_cancel` | the future of an async step runs to its end: no timeout, stop or unused output drops it |
/// | `fallback = value` | the output to continue with after the last attempt: a value of the output's type, or a function or closure `Fn(&StepError) -> T` or `Fn() -> T` |
/// | `on_failure = function` | `fn(&StepError)`, called after the last attempt has failed, before a fallback is used |
/// | `optional` | the run can succeed although the step fails |
/// | `fail_fast` | a failure of the step stops the run |
///
/// When an attempt times out, a future that waits is dropped. A thread cannot be stopped: the step ends, the thread is
/// detached, and its result is dropped. A long computation can check `StepContext::is_cancelled`. A failure that is read as `Option<&T>`, `Result<&T, &StepError>` or by a quorum still fails the run, unless its step is
/// `optional` or has a fallback.
///
/// Durations are written as in settings: `"100ms"`, `"1.5s"`, `"1m 30s"`, `"2 days"`. An input that a step with `retries` takes
/// by value is `Clone`: each attempt gets its own, and the last one the value itself. A string literal as the fallback is
/// converted with `From`.
///
/// ```
/// # use pipeline::prelude::*;
/// fn is_busy(error: &std::io::Error) -> bool {
///     error.kind() == std::io::ErrorKind::WouldBlock
/// }
///
/// #[step(blocking, retries = 3, backoff = "100ms..10s", jitter, retry_if = is_busy, timeout = "30s", fallback = 1.0)]
/// fn rate() -> Result<f64, std::io::Error> {
///     let text = std::fs::read_to_string("rate.txt")?;
///     text.trim().parse().map_err(std::io::Error::other)
/// }
///
/// #[step(optional, on_failure = |error| eprintln!("{error}"), fallback = |error| error.message().to_owned())]
/// fn weather() -> Result<String, String> {
///     Err("no answer".to_owned())
/// }
/// ```
///
/// ## Beside others
///
/// | option | means |
/// |---|---|
/// | `limit = "db"` | takes one of a named limit while it runs; a limit that the settings do not have has a capacity of 1 |
/// | `limit("db" = 2, "api")` | takes these amounts of each |
/// | `exclusive` | nothing else of the run runs beside the step |
/// | `parallel_if = function` | `fn() -> bool`, called before the step starts: if it returns `false`, the step runs as an exclusive one |
/// | `sequential = "state"` | the steps with this name run one at a time, in plan order, whether or not the one before succeeded |
/// | `memory = "512MiB"` | the memory that the step needs while it runs; it counts if the run has a memory limit |
/// | `cores = 2` | the cores that the step uses while it runs: such steps share the CPU slots of the run |
/// | `priority = -5` | ready steps of a higher priority start first; 0 is the default |
///
/// ```
/// # use pipeline::prelude::*;
/// #[step(blocking, limit("db" = 2, "api"), priority = 5)]
/// fn orders() -> Vec<u64> {
///     vec![1, 2]
/// }
///
/// #[step(memory = "1.5GiB", cores = 4, sequential = "state")]
/// fn sorted(mut orders: Vec<u64>) -> Vec<u64> {
///     orders.sort_unstable();
///     orders
/// }
/// ```
///
/// ## Whether at all
///
/// | option | means |
/// |---|---|
/// | `when = function` | a path or a closure, called with the parameters before each attempt: if it returns `false`, the step is skipped |
/// | `switch(pattern => step, …)` | the step's output decides which of these steps runs |
/// | `branch = step` | the step runs only if the switch of that step chooses it |
///
/// A condition gets *every* parameter, in order: a borrowed one as it is (`&T`, `&[T]`, `Option<&T>`,
/// `Result<&T, &StepError>`, a resource, the context), an owned one by reference (`T` as `&T`, `BTreeMap<…>` as
/// `&BTreeMap<…>`), and a fan-in `Vec<&T>` as the slice `&[&T]`. As always, the steps
/// that need the output of a skipped step are skipped too.
///
/// ```
/// # use pipeline::prelude::*;
/// #[step]
/// fn orders() -> Vec<u64> {
///     vec![1, 2, 3]
/// }
///
/// #[step(when = |orders, limit| orders.len() > *limit)]
/// fn alert(orders: &[u64], #[param(default = 10_usize)] limit: usize) -> String {
///     format!("{} orders, {limit} expected", orders.len())
/// }
///
/// #[step]
/// fn summary(alert: Option<&str>) -> String {
///     alert.unwrap_or("as usual").to_owned()
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let run = Pipeline::to::<summary>().run_blocking()?;
/// assert_eq!(run.output::<summary>()?, "as usual");
/// # Ok(()) }
/// ```
///
/// The patterns of a switch are those of a `match` on a reference to the output, with guards, and rustc proves that every
/// output has a branch, and every pattern its outputs. Each branch names its switch, and has any inputs.
/// Branches join in a step that reads them with `first`, `priority` or `Option<&T>`.
///
/// ```
/// # use pipeline::prelude::*;
/// enum Load {
///     Full,
///     Since(u64),
/// }
///
/// #[step(switch(Load::Full => full, Load::Since(0) => full, Load::Since(_) => delta))]
/// fn load(#[param] since: Option<u64>) -> Load {
///     since.map_or(Load::Full, Load::Since)
/// }
///
/// #[step(branch = load)]
/// fn full() -> String {
///     "everything".to_owned()
/// }
///
/// #[step(branch = load)]
/// fn delta(load: &Load) -> String {
///     match load {
///         Load::Full => String::new(),
///         Load::Since(day) => format!("from day {day}"),
///     }
/// }
///
/// #[step]
/// fn loaded(#[from(full, delta, first)] text: &str) -> String {
///     text.to_uppercase()
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let run = Pipeline::to::<loaded>().param("since", 3).run_blocking()?;
/// assert_eq!(run.output::<loaded>()?, "FROM DAY 3");
/// # Ok(()) }
/// ```
///
/// ## What is stored
///
/// A run that has a store (`--store`, `Settings::store`, `Pipeline::store`) keeps there the outputs of steps for later runs.
///
/// | option | means |
/// |---|---|
/// | `cache` | stores the output, and uses what is stored instead of running the step; not for a step that `writes` |
/// | `cache = "30d"` | the same, and a stored output is good for so long |
/// | `version = "3"` | what the step's code is known by, in place of its source: change it if the step makes something else of the same inputs |
/// | `key = function` | a path or a closure that returns a `String`, called with the parameters before the step is looked up: what else the output depends on |
/// | `codec = path` | a type that implements `pipeline::store::StoreAs<T>`: how the output is stored, in place of serde |
///
/// A stored output is used if code, inputs, run parameters and type are the same as when it was made. Resources, the context, the
/// clock, and files that the step opens by a plain path do not count: `key` adds what they have in it. It gets every parameter
/// in the form in which a condition gets it.
/// A step that returns `()` and is cached is not run again either: if it has an effect outside of the process, declare that with
/// `writes` instead.
///
/// ```
/// # use pipeline::prelude::*;
/// struct Rates {
///     edition: u32,
///     euro: f64,
/// }
///
/// #[step(cache, version = "2")]
/// fn prices() -> Vec<f64> {
///     vec![1.5, 2.5]
/// }
///
/// #[step(cache = "1d", key = |_, rates| rates.edition.to_string())]
/// fn in_euro(prices: &[f64], #[resource] rates: &Rates) -> Vec<f64> {
///     prices.iter().map(|price| price * rates.euro).collect()
/// }
/// ```
///
/// # Quorums
///
/// A parameter that reads several steps (listed, by pattern or by tag) can need only some of them:
///
/// | attribute | parameter | means |
/// |---|---|---|
/// | `#[from(a, b, c, at_least = 2)]` | `Vec<…>`, `BTreeMap<&str, …>` | waits for all; the step is skipped if fewer have succeeded. `&T` collects those that have succeeded, `Option<&T>` and `Result<&T, &StepError>` all. `at_least = 0` is allowed |
/// | `#[from(a, b, c, at_least = 2, cancel)]` | the same | the step starts as soon as this number has succeeded, and the rest are cancelled |
/// | `#[from(a, b, c, first)]` | `&T`, `Option<&T>`, `Result<&T, &StepError>` | the first to succeed in time; the rest are cancelled |
/// | `#[from(a, b, c, priority)]` | the same | waits for all, and reads the first in the order written that has succeeded |
///
/// `first`, `priority`, `cancel` and `or_none` are options as the last word after another step, pattern or tag. A step with such a name is
/// written `self::first` there; alone, or before others, it is written as usual.
///
/// ```
/// # use pipeline::prelude::*;
/// #[step]
/// fn primary() -> Result<u64, String> {
///     Err("no answer".to_owned())
/// }
///
/// #[step]
/// fn replica() -> u64 {
///     7
/// }
///
/// #[step]
/// fn price(#[from(primary, replica, priority)] price: &u64) -> u64 {
///     *price
/// }
///
/// #[step]
/// fn answers(#[from(primary, replica, at_least = 1)] prices: Vec<&u64>) -> usize {
///     prices.len()
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let run = Pipeline::to::<price>().and::<answers>().run_blocking()?;
/// assert_eq!((run.output::<price>()?, run.output::<answers>()?), (&7, &1));
/// # Ok(()) }
/// ```
#[proc_macro_attribute]
pub fn step(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::step(args.into(), item.into()).into()
}
