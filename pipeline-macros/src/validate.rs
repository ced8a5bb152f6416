//! The rules for a signature; each breach is reported on its own token, with what to do instead.

use syn::ext::IdentExt;
use syn::{GenericParam, ReturnType, Safety, Signature, Type};

use crate::error::Errors;
use crate::parse::{StepFn, is_step};
use crate::shape::{bare, borrowed_part, impl_trait};

/// Reports what keeps a function from being a step, whatever its parameters ask for.
pub(crate) fn validate(item: &StepFn, errors: &mut Errors) {
    attributes(item, errors);
    qualifiers(&item.sig, errors);
    generics(&item.sig, errors);
    receiver(&item.sig, errors);
    name(&item.sig, errors);
    output(&item.sig, errors);
}

fn attributes(item: &StepFn, errors: &mut Errors) {
    for attr in &item.attrs {
        if attr.path().is_ident("target_feature") {
            errors.at(
                attr,
                "the executor does not know the processor, and this function may be called only if it has the features: \
                 move the code into another function, and call it from the step after `is_x86_feature_detected!` or its like",
            );
        }
        if is_step(attr) {
            errors.at(attr, "a function is one step: remove one `#[step]`, join their options in the other");
        }
    }
}

fn qualifiers(sig: &Signature, errors: &mut Errors) {
    if let Some(token) = sig.constness {
        errors.at(token, "a step is called at run time: remove `const`, or call the `const fn` from a step");
    }
    if let Safety::Unsafe(token) = sig.safety {
        errors.at(
            token,
            "the executor calls steps without knowing their contract: wrap the unsafe call in a safe step",
        );
    }
    if let Some(abi) = &sig.abi {
        errors.at(abi, "a step has the Rust ABI: remove this, or call the `extern` function from a step");
    }
    if let Some(variadic) = &sig.variadic {
        errors.at(variadic, "a step has a fixed number of parameters: for any number of inputs write `#[from(a, b)] xs: Vec<&T>`");
    }
}

fn generics(sig: &Signature, errors: &mut Errors) {
    for param in &sig.generics.params {
        match param {
            GenericParam::Lifetime(lifetime) => errors.at(
                lifetime,
                format!("inputs are borrowed for the run of their step only: remove `{}`, write `&T`", lifetime.lifetime),
            ),
            GenericParam::Type(ty) => errors.at(
                ty,
                format!("a step is one node of the graph and has concrete types: replace `{}` by a type, or call the generic function from a step", ty.ident),
            ),
            GenericParam::Const(constant) => errors.at(
                constant,
                format!("a step is one node of the graph: replace `{}` by a constant, or by a `#[param]`", constant.ident),
            ),
        }
    }
    if let Some(clause) = &sig.generics.where_clause {
        errors.at(clause, "a step has concrete types, which need no bounds: remove the `where` clause");
    }
}

/// Types that a module expects to find by these names.
const TAKEN: [&str; 20] = [
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
    "isize", "f32", "f64", "std", "core", "alloc",
];

fn name(sig: &Signature, errors: &mut Errors) {
    let name = sig.ident.unraw().to_string();
    if TAKEN.contains(&name.as_str()) {
        let message = format!(
            "a step called `{name}` would hide Rust's `{name}` in this module, because `#[step]` adds a type of the same name: \
             give the function another name; `#[step(name = \"{name}\")]` keeps the name of the step"
        );
        errors.at(&sig.ident, message);
    }
}

fn receiver(sig: &Signature, errors: &mut Errors) {
    if let Some(receiver) = sig.receiver() {
        errors.at(
            receiver,
            "a step is a free function: move it out of the `impl`; what it takes from `self` becomes a `#[resource]` or a `#[param]`",
        );
    }
}

fn output(sig: &Signature, errors: &mut Errors) {
    let ReturnType::Type(_, ty) = &sig.output else { return };
    if let Some(part) = impl_trait(ty) {
        errors.at(part, "the output of a step has a type that its downstream can name: return a concrete type, or a `Box<dyn Trait + Send + Sync>`");
    } else if let Some(part) = borrowed_part(ty) {
        errors.at(part, "an output outlives the inputs of its step: return an owned value (`String`, `Vec<T>`, or an `Arc<T>` to share without a copy)");
    } else if let Type::Never(never) = bare(ty) {
        errors.at(never, "a step ends with an output: return a value, `()` or a `Result`");
    }
}

/// Whether the return type can stand as the output although the function is not a step.
pub(crate) fn has_output(sig: &Signature) -> bool {
    let mut errors = Errors::default();
    generics(sig, &mut errors);
    output(sig, &mut errors);
    errors.is_empty()
}
