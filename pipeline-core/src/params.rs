//! Run parameters: as declared, as given, and as bound to steps.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::contain;
use crate::exact::Exactly;
use crate::notes::Note;
use crate::value::TypeDef;

/// A run parameter as a step declares it. Its `Debug` does not show the default.
#[derive(Clone)]
pub struct ParamDef {
    /// The name by which it is given.
    pub name: Cow<'static, str>,
    /// The type that it is read as.
    pub ty: TypeDef,
    /// Whether it may be left out.
    pub has_default: bool,
    /// Reads it into the type; called once per run to check the value and to keep it.
    pub parse: ParseFn,
    /// Clones the value of the run, for a step that takes it by value; `None` if the type is not `Clone`, or if the step
    /// borrows it.
    pub copy: Option<CopyFn>,
    /// Returns the default, boxed; only called if `has_default`, once per run if the type is `Clone`.
    pub default: Option<fn() -> Box<dyn Any + Send + Sync>>,
    /// The default as written in the declaration, if it has one. Not shown if
    /// [`is_secret`](ParamDef::is_secret) returns true.
    pub default_text: Option<&'static str>,
    /// Returns whether the type can hold a [`Secret`](crate::Secret); `None` if that cannot be seen. It asks the type
    /// each time.
    pub secret: fn() -> Option<bool>,
}

impl fmt::Debug for ParamDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParamDef").field("name", &self.name).field("ty", &self.ty).finish_non_exhaustive()
    }
}

impl ParamDef {
    /// Reports whether the value of the parameter is never shown, because its type holds a
    /// [`Secret`](crate::Secret), or may hold one: a type with a custom `Deserialize` can make a secret of anything.
    pub fn is_secret(&self) -> bool {
        (self.secret)() != Some(false)
    }
}

/// Reads a JSON value into a boxed value of a parameter's type, or returns the reason why it does not fit.
pub type ParseFn = fn(&Value) -> Result<Box<dyn Any + Send + Sync>, String>;

/// Clones a value of a parameter's type into a box.
pub type CopyFn = fn(&(dyn Any + Send + Sync)) -> Box<dyn Any + Send + Sync>;

/// Probes whether a run parameter of type `T` can be cloned: `<Copying<T>>::__PIPELINE_COPY`, with [`NotCopied`] in scope;
/// see [`Codec`](crate::Codec).
#[derive(Debug)]
pub struct Copying<T>(PhantomData<T>);

impl<T: Clone + Send + Sync + 'static> Copying<T> {
    /// By its `Clone`.
    pub const __PIPELINE_COPY: Option<CopyFn> = Some(|value| {
        Box::new(value.downcast_ref::<T>().expect("invariant: the value is of the step's own type").clone())
    });
}

/// The answer for types that are not `Clone`.
pub trait NotCopied {
    /// No function.
    const __PIPELINE_COPY: Option<CopyFn> = None;
}

impl<T> NotCopied for Copying<T> {}

/// A run parameter as it was given. Its `Debug` shows the kind, but not the value.
#[derive(Clone, PartialEq)]
pub enum ParamValue {
    /// A value from code or a file.
    Json(Value),
    /// Text from a command line or the environment: read as a string if the parameter's type takes one, otherwise as JSON.
    Text(String),
}

impl fmt::Debug for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets, and printing a graph would show those of its instances.
        f.write_str(match self {
            ParamValue::Json(_) => "Json([not shown])",
            ParamValue::Text(_) => "Text([not shown])",
        })
    }
}

impl ParamValue {
    /// Makes a value from any serialisable one.
    ///
    /// # Errors
    /// Returns the reason if JSON cannot hold the value: a map with non-string keys, a path that is not UTF-8, infinity, NaN,
    /// or `Some(None)`, which would become `None`.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Result<Self, String> {
        serde_json::to_value(Exactly::in_memory(value))
            .map(ParamValue::Json)
            .map_err(|error| error.to_string())
    }

    /// Reads the value as the type of `param`.
    ///
    /// # Errors
    /// Returns the reason why the value does not fit the type.
    pub fn read(&self, param: &ParamDef) -> Result<Box<dyn Any + Send + Sync>, String> {
        match self {
            ParamValue::Json(value) => (param.parse)(value),
            ParamValue::Text(text) => (param.parse)(&Value::String(text.clone())).or_else(|as_text| {
                match serde_json::from_str(text) {
                    Ok(value) => (param.parse)(&value),
                    // It was meant as JSON: the position of the mistake helps more than the whole text.
                    Err(error) if text.starts_with(['{', '[']) => Err(format!("it is no JSON: {error}")),
                    Err(_) => Err(as_text),
                }
            }),
        }
    }
}

/// Run parameters as they were given, by name. `step.parameter` is for one step, `parameter` for all that declare it.
#[derive(Clone, Default)]
pub struct Params {
    values: BTreeMap<String, Given>,
    /// Number of values given so far.
    count: i64,
}

/// A value as it was given.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// The value, or the reason why it has no JSON form.
    pub(crate) value: Result<ParamValue, String>,
    pub(crate) origin: Cow<'static, str>,
    /// Of two values for one step under different names of it, the one of higher rank wins.
    pub(crate) rank: i64,
}

/// Replaces serde's message about a value that may be a secret, because serde quotes the value.
pub(crate) const NOT_SHOWN: &str = "what was given is not shown: it may hold a secret";

/// The origin of a value that the program sets.
const CODE: Cow<'static, str> = Cow::Borrowed("the program's code");

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets: only names are shown.
        f.debug_set().entries(self.names()).finish()
    }
}

impl Params {
    /// Makes an empty set of parameters.
    pub fn new() -> Self {
        Params::default()
    }

    /// Sets a parameter; the last value of a name wins. A value without a JSON form is reported when the run binds its
    /// parameters, together with all other problems.
    pub fn set(&mut self, name: impl Into<String>, value: &(impl Serialize + ?Sized)) {
        self.insert(name.into(), ParamValue::of(value));
    }

    /// Sets a parameter from text.
    pub fn set_text(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.insert(name.into(), Ok(ParamValue::Text(text.into())));
    }

    fn insert(&mut self, name: String, value: Result<ParamValue, String>) {
        self.count += 1;
        self.values.insert(name, Given { value, origin: CODE, rank: self.count });
    }

    /// Sets a parameter unless it is already set. `origin` is the origin of the value, for messages. Defaults set earlier win
    /// over later ones.
    pub fn set_default(&mut self, name: impl Into<String>, value: ParamValue, origin: &str) {
        self.count += 1;
        let given = Given { value: Ok(value), origin: Cow::Owned(origin.to_owned()), rank: -self.count };
        self.values.entry(name.into()).or_insert(given);
    }

    /// Returns the names given, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Returns the origin of the value of this name, in words: the program's code, a flag, an environment variable, a file.
    pub fn origin(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|given| &*given.origin)
    }

    /// Reports whether the program's code has set the value of this name.
    pub fn is_set_by_code(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|given| given.rank > 0)
    }

    /// Returns all, by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Given)> {
        self.values.iter().map(|(name, given)| (name.as_str(), given))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Given> {
        self.values.get(name)
    }
}

/// One parameter of one step, ready to be read.
pub(crate) struct BoundParam {
    pub(crate) def: ParamDef,
    pub(crate) given: Option<ParamValue>,
    /// The value of the run, which all steps that read the same share.
    pub(crate) value: Arc<dyn Any + Send + Sync>,
    /// What the value depends on besides its text.
    pub(crate) notes: Arc<[Note]>,
    /// The origin of the value.
    pub(crate) origin: Cow<'static, str>,
}

/// The parameters of a run, by their index in the plan.
#[derive(Default)]
pub struct BoundParams {
    pub(crate) entries: Vec<BoundParam>,
}

impl fmt::Debug for BoundParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets: only names are shown.
        f.debug_list().entries(self.entries.iter().map(|entry| &entry.def.name)).finish()
    }
}

impl Drop for BoundParams {
    fn drop(&mut self) {
        crate::contain::drop_each(self.entries.drain(..).map(|entry| entry.value));
    }
}

impl BoundParams {
    /// Borrows the value.
    pub(crate) fn borrowed<T: 'static>(&self, index: u32) -> &T {
        let entry = &self.entries[index as usize];
        entry.value.downcast_ref().expect("invariant: the parameter was parsed as the step's own type")
    }

    /// Returns an owned value: a clone of the run's value. If the type is not `Clone`, it is read anew.
    pub(crate) fn owned<T: 'static>(&self, index: u32) -> T {
        let entry = &self.entries[index as usize];
        let made = match (entry.def.copy, &entry.given, entry.def.default) {
            (Some(copy), ..) => Ok(copy(&*entry.value)),
            (None, given, default) => read_anew(&entry.def, given.as_ref(), default),
        };
        match made.map(<Box<dyn Any + Send + Sync>>::downcast::<T>) {
            Ok(Ok(value)) => *value,
            Ok(Err(_)) => unreachable!("invariant: the parameter is parsed as the step's own type"),
            // The reason may quote the value, and that may be a secret of another step.
            Err(()) => panic!(
                "parameter `{}` was read once and then refused; derive `Clone` for its type, or fix its `Deserialize`",
                entry.def.name
            ),
        }
    }
}

/// Reads a value again that was read before. The reason of a failure is dropped.
fn read_anew(
    def: &ParamDef,
    given: Option<&ParamValue>,
    default: Option<fn() -> Box<dyn Any + Send + Sync>>,
) -> Result<Box<dyn Any + Send + Sync>, ()> {
    let read = contain::guard(|| match (given, default) {
        (Some(given), _) => given.read(def),
        (None, Some(default)) => Ok(default()),
        (None, None) => unreachable!("invariant: a parameter without a value is refused before the run"),
    });
    read.and_then(|read| read).map_err(drop)
}

/// Reads a JSON value as `T`; the macro puts it into [`ParamDef::parse`].
///
/// # Errors
/// Returns serde's message.
pub fn parse_param<T: DeserializeOwned + Send + Sync + 'static>(
    value: &Value,
) -> Result<Box<dyn Any + Send + Sync>, String> {
    match T::deserialize(value) {
        Ok(value) => Ok(Box::new(value)),
        Err(error) => Err(error.to_string()),
    }
}

/// Boxes a default; the macro puts it into [`ParamDef::default`].
pub fn boxed_default<T: Send + Sync + 'static>(value: T) -> Box<dyn Any + Send + Sync> {
    Box::new(value)
}
