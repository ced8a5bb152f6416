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
mod lane;
mod model;
mod options;
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
/// | `Option<&T>` | `None` where the upstream has no output: it failed, was skipped or cancelled |
/// | `Result<&T, &StepError>` | the outcome itself |
/// | `Vec<…>` of `&T`, `Option<&T>` or `Result<&T, &StepError>` | fan-in, in order |
/// | `BTreeMap<&str, …>` of the same | fan-in by the names of the steps |
///
/// | attribute | means |
/// |---|---|
/// | `#[from(path)]` | the output of another step than the parameter's name says |
/// | `#[from(path.field)]`, `#[from(path.0)]` | a field of its output, borrowed |
/// | `#[from(a, b, c)]` | fan-in from these steps |
/// | `#[from(a, b, c, at_least = 2)]` | fan-in that needs so many successes; see [Quorums](#quorums) |
/// | `#[from(a, b, c, first)]`, `#[from(a, b, c, priority)]` | `&T`: the output of one of them |
/// | `#[from("name")]` | the step of that name, found when the pipeline is built |
/// | `#[from("shard_*")]`, `#[from(tag = "source")]` | fan-in from every step with such a name, or that tag |
/// | `#[input]` | no step yet: the function is a template, which a builder instantiates |
/// | `#[param]` | a run parameter, `T` or `&T`, read by serde; an `Option<T>` may be missing, a `Secret<T>` is never shown |
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
/// | `writes` | what the step is for is an effect outside of the process, a file or a table: a run that is not to write (`--no-write`, `Settings::no_write`) skips it |
/// | `crate = path` | where the `pipeline` crate is, for a dependency that is renamed or re-exported |
///
/// `extern crate renamed as pipeline;` at the crate root serves every step of a crate at once, in place of `crate`.
///
/// The options that follow say how the step is run. What is not said follows the settings of the run.
///
/// ## When it fails
///
/// | option | means |
/// |---|---|
/// | `retries = 3` | how many more times to try after a failed attempt; `0` for never |
/// | `backoff = "100ms"` | the wait before each further attempt |
/// | `backoff = "100ms..10s"` | a wait that doubles, from the first to at most the second |
/// | `jitter`, `jitter = 0.3` | the part of each wait that is left to chance, from 0 to 1; half of it where nothing is said |
/// | `retry_if = function` | `fn(&E) -> bool`, a path or a closure: whether such an error is worth another attempt; panics and timeouts are tried again in any case |
/// | `timeout = "30s"` | how long one attempt may take |
/// | `deadline = "5m"` | how long all attempts may take together, with the waits between them |
/// | `idempotent` | a further attempt may start while one that took too long still runs on its thread; else there is none |
/// | `no_cancel` | the future of an async step is left to run to its end, instead of being dropped by a timeout, by a stop, or because nobody needs it any more |
/// | `fallback = value` | the output to go on with after the last attempt: a value of the output's type, or a function or closure `Fn(&StepError) -> T` or `Fn() -> T` |
/// | `on_failure = function` | `fn(&StepError)`, called once after the last attempt has failed, before a fallback is used |
/// | `optional` | a failure of the step lets the run succeed all the same |
/// | `fail_fast` | a failure of the step stops the run |
///
/// When the time of an attempt is up, a future that waits is dropped. A thread cannot be stopped: the step ends, the
/// thread goes on, and what it returns is dropped; a long computation asks `StepContext::is_cancelled` now and then.
/// A failure that is read as `Option<&T>`, `Result<&T, &StepError>` or by a quorum still fails the run, unless its step is
/// `optional` or has a fallback.
///
/// Durations are numbers with a unit (`ns`, `us`, `ms`, `s`, `m`, `h`, `d`), with decimals or in several parts:
/// `"1.5s"`, `"1m 30s"`. An input that is taken by value by a step with `retries` is `Clone`: each attempt gets its own,
/// and the last one the value itself. A string literal as the fallback is converted with `From`.
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
/// | `limit = "db"` | takes one of a named limit while it runs; a name that the settings do not have is a limit of 1 |
/// | `limit("db" = 2, "api")` | takes so many of each |
/// | `exclusive` | nothing else of the run runs beside the step |
/// | `parallel_if = function` | `fn() -> bool`, asked before the step starts: where it says `false`, the step runs as an exclusive one |
/// | `sequential = "state"` | the steps of one such name run one at a time, in plan order, whether or not the one before succeeded |
/// | `memory = "512MiB"` | the memory that the step needs while it runs, in `B`, `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`; counts where the run has a memory limit |
/// | `cores = 2` | the cores that the step uses while it runs: steps that say so share the CPU slots of the run |
/// | `priority = -5` | of the steps that are ready, those of a higher priority go first; 0 is the default |
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
/// | `when = function` | a path or a closure, asked with the parameters before each attempt: where it says `false`, the step is skipped |
/// | `switch(pattern => step, …)` | the step's output decides which of these steps runs |
/// | `branch = step` | the step runs only where the switch of that step chooses it |
///
/// A condition gets *every* parameter, in order: what is borrowed as it is (`&T`, `&[T]`, `Option<&T>`,
/// `Result<&T, &StepError>`, a resource, the context), what is owned by reference (`T` as `&T`, `BTreeMap<…>` as
/// `&BTreeMap<…>`), and a fan-in `Vec<&T>` as the slice `&[&T]`. A step that is skipped skips what needs its output, as
/// any other skip does.
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
/// output has a branch, and every pattern its outputs. Each branch says whose branch it is, and reads what it likes.
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
/// # Quorums
///
/// A parameter that reads several steps (listed, by pattern or by tag) can do with some of them:
///
/// | attribute | parameter | means |
/// |---|---|---|
/// | `#[from(a, b, c, at_least = 2)]` | `Vec<…>`, `BTreeMap<&str, …>` | waits for all; the step is skipped where fewer have succeeded. `&T` collects those that have succeeded, `Option<&T>` and `Result<&T, &StepError>` all. `at_least = 0` is allowed |
/// | `#[from(a, b, c, at_least = 2, cancel)]` | the same | the step starts as soon as so many have succeeded, and the rest are cancelled |
/// | `#[from(a, b, c, first)]` | `&T`, `Option<&T>`, `Result<&T, &StepError>` | the first to succeed in time; the rest are cancelled |
/// | `#[from(a, b, c, priority)]` | the same | waits for all, and reads the first in the order written that has succeeded |
///
/// `first`, `priority` and `cancel` are options as the last word after another step. A step of such a name is written
/// `self::first` there; alone, or before others, it is written as it is called.
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
