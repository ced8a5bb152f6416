//! What a type is read from, found out by reading it from made-up input: whether it can hold a [`Secret`](crate::Secret), and
//! what its stored form looks like.
//!
//! The probe is a deserializer that offers every alternative in turn: each variant of an enum, each field of a struct as the
//! first, an item and no item of a list.
//!
//! A secret that is made meanwhile is seen. The answer *no* is a proof, so a type is
//! trusted only if the probe saw all of it, and if its code is known: serde's own for the types of `std` and `serde_json`,
//! and that of `#[derive(Deserialize)]`. A type that reads itself by other code (`#[serde(from = "…")]`, `with`, `flatten`,
//! an untagged enum, a `Deserialize` written by hand) may turn any text into a secret: it gets no answer. A type without
//! drop glue holds none in any case, because a secret has some.
//!
//! The shape of a type is the set of what was asked for: by which type, for which of its parts, and in what kind. A set,
//! because neither the number of rounds nor their order says anything about the type.

mod reader;

use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::mem::{needs_drop, size_of};
use std::path::PathBuf;

use serde::Deserialize;

#[cfg(feature = "store")]
pub(crate) use self::reader::NOT_DESCRIBED;
use self::reader::Probe;
use crate::contain;
use crate::fingerprint::Fingerprint;
use crate::hash::StableHash;
use crate::secret::watch;

/// The framework's own types that read themselves as paths.
const INPUTS: [&str; 3] = [
    "pipeline_exec::store::files::inputs::InputFile",
    "pipeline_exec::store::files::inputs::InputDir",
    "pipeline_exec::store::files::inputs::InputGlob",
];

/// Returns whether a value of this type can hold a [`Secret`](crate::Secret); `None` if that cannot be seen.
pub(crate) fn holds_secret<T: Deserialize<'static>>() -> Option<bool> {
    if !needs_drop::<T>() {
        return Some(false);
    }
    let seen = Seen::default();
    match seen.explore(Expected::of::<T>(), &|probe| T::deserialize(probe).is_ok()) {
        Explored::Secret => Some(true),
        Explored::Whole if !seen.is_unknown.get() => Some(false),
        Explored::Whole | Explored::Partly => None,
    }
}

/// What is known of the stored form of a type before there is a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// Of the type as it is read.
    pub(crate) shape: Fingerprint,
    /// Why no value can be stored.
    pub(crate) refused: Option<&'static str>,
}

/// Returns what is known of the form in which values of this type are stored: one that says neither names nor kinds.
#[cfg_attr(not(feature = "store"), allow(dead_code, reason = "only of types that are stored"))]
pub(crate) fn stored_form<T: Deserialize<'static>>() -> Form {
    let form = Stored::default();
    let seen = Seen { stored: Some(form), ..Seen::default() };
    let explored = seen.explore(Expected::of::<T>(), &|probe| T::deserialize(probe).is_ok());
    let form = seen.stored.unwrap_or_default();
    let mut hash = StableHash::new("shape");
    hash.text(type_name::<T>());
    hash.option(matches!(explored, Explored::Partly).then(size_of::<T>), |hash, size| {
        hash.number(size as u64);
    });
    for fact in form.facts.take() {
        hash.number(fact as u64);
        hash.number((fact >> 64) as u64);
    }
    let is_secret = matches!(explored, Explored::Secret);
    Form {
        shape: Fingerprint(hash.end()),
        refused: if is_secret { Some("its type can hold a secret") } else { form.refused.get() },
    }
}

/// State of the probe over all rounds.
#[derive(Default)]
struct Seen {
    /// By the address of the code that visits.
    places: RefCell<HashMap<usize, Place>>,
    /// The places on the way to the current one, outermost first.
    within: RefCell<Vec<usize>>,
    /// Whether the current visit left something to be seen in a later round.
    is_open: Cell<bool>,
    is_unknown: Cell<bool>,
    visits: Cell<u32>,
    /// Where the type is read as it is stored.
    stored: Option<Stored>,
}

/// What was seen of a stored form.
#[derive(Default)]
struct Stored {
    facts: RefCell<BTreeSet<u128>>,
    refused: Cell<Option<&'static str>>,
}

/// How much of a type was seen.
enum Explored {
    Whole,
    Partly,
    /// Up to a secret.
    Secret,
}

/// A place in a type that has alternatives.
struct Place {
    /// The alternatives not wholly seen yet, the next one first.
    open: Vec<usize>,
    /// The first alternative that was read without an error. It is taken again to get past the place.
    works: Option<usize>,
}

impl Seen {
    /// Reads a type until all of it was seen.
    fn explore(&self, of: Expected, read: &dyn Fn(Probe<'_>) -> bool) -> Explored {
        let mut stalled = 0;
        loop {
            let before = self.progress();
            // Reading runs the type's own code, which may panic.
            let (read, is_secret) = watch(|| contain::guard(|| read(Probe::new(self, of))));
            if is_secret {
                return Explored::Secret;
            }
            let open = self.open();
            stalled = if self.progress() == before { stalled + 1 } else { 0 };
            // Each round takes other alternatives. After a round for each without progress, the rest stays hidden.
            if read.is_err() || open == 0 || stalled > open {
                return if read.is_ok() && open == 0 { Explored::Whole } else { Explored::Partly };
            }
        }
    }

    fn open(&self) -> usize {
        self.places.borrow().values().map(|place| place.open.len()).sum()
    }

    fn progress(&self) -> (usize, usize, usize) {
        let places = self.places.borrow();
        (places.len(), places.values().filter(|place| place.works.is_some()).count(), self.open())
    }
}

/// The type that is to be read next.
#[derive(Clone, Copy)]
struct Expected {
    name: &'static str,
    needs_drop: bool,
}

impl Expected {
    fn of<T: ?Sized>() -> Self {
        Expected { name: type_name::<T>(), needs_drop: needs_drop::<T>() }
    }

    /// Reports whether serde reads this type by reading a value of the type `made`. A pointer is read as its target.
    fn is_read_as(self, made: &str) -> bool {
        let pointers =
            ["alloc::boxed::Box<", "alloc::rc::Rc<", "alloc::sync::Arc<", "alloc::borrow::Cow<'_, "];
        let mut name = self.name;
        while let Some(inner) = pointers.iter().find_map(|pointer| argument(name, pointer)) {
            name = inner;
        }
        let slice = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        match name {
            "str" => made == type_name::<String>(),
            "std::path::Path" => made == type_name::<PathBuf>(),
            _ if INPUTS.contains(&name) => made == type_name::<PathBuf>(),
            _ => name == made || (slice.is_some() && slice == argument(made, "alloc::vec::Vec<")),
        }
    }
}

/// Returns the argument of a generic type, `Inner` of `Outer<Inner>`.
fn argument<'a>(name: &'a str, outer: &str) -> Option<&'a str> {
    name.strip_prefix(outer)?.strip_suffix('>')
}

/// Reports whether a visitor was written by `#[derive(Deserialize)]`, by the name of its type without arguments.
fn is_derived<V>() -> bool {
    let name = type_name::<V>();
    let mut open = 0_i32;
    let is_end = |char| {
        open += match char {
            '>' => 1,
            '<' => -1,
            _ => 0,
        };
        open == 0
    };
    let end = if name.ends_with('>') { name.rfind(is_end).unwrap_or_default() } else { name.len() };
    name[..end].ends_with("::__Visitor")
}

#[cfg(test)]
mod form_tests;
#[cfg(test)]
mod tests;
