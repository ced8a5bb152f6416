//! The one option parser: `key`, `key = value` and `key(…)`, driven by a table.
//!
//! Every table gets the same duplicate check, the same conflict check and the same answer to an unknown option.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{LitStr, Token};

use crate::error::{Errors, suggestion};

/// One option that an attribute knows.
pub(crate) struct Spec<T> {
    /// The name before any `=` or `(`.
    name: &'static str,
    /// How it is written, for messages.
    usage: &'static str,
    /// What it sets: two options with the same subject exclude each other.
    subject: &'static str,
    read: Read<T>,
}

/// How an option is read: what follows its name goes into the arguments.
type Read<T> = fn(&mut T, &Key<'_>, ParseStream<'_>) -> syn::Result<()>;

impl<T> Spec<T> {
    pub(crate) const fn new(
        name: &'static str,
        usage: &'static str,
        subject: &'static str,
        read: Read<T>,
    ) -> Self {
        Spec { name, usage, subject, read }
    }
}

/// The name of an option as the user wrote it.
pub(crate) struct Key<'a> {
    pub(crate) ident: &'a Ident,
    /// The same as the table has it.
    pub(crate) name: &'static str,
    usage: &'static str,
}

impl Key<'_> {
    /// The error for an option that is written in a form it does not have.
    pub(crate) fn misused(&self) -> syn::Error {
        syn::Error::new(self.ident.span(), self.message())
    }

    fn message(&self) -> String {
        if self.ident == self.usage {
            format!("`{}` takes no value: write it alone", self.ident)
        } else {
            format!("`{}` is written `{}`", self.ident, self.usage)
        }
    }

    /// Reads `= value`.
    pub(crate) fn value<V: Parse>(&self, input: ParseStream<'_>) -> syn::Result<V> {
        if !input.peek(Token![=]) || input.peek(Token![==]) {
            return Err(self.misused());
        }
        input.parse::<Token![=]>()?;
        if input.is_empty() {
            return Err(self.misused());
        }
        let tokens: TokenStream = input.parse()?;
        syn::parse2(tokens.clone()).map_err(|_| syn::Error::new_spanned(tokens, self.message()))
    }

    /// Reads `(value, …)`.
    pub(crate) fn values<V: Parse>(&self, input: ParseStream<'_>) -> syn::Result<Vec<V>> {
        if !input.peek(syn::token::Paren) {
            return Err(self.misused());
        }
        let content;
        syn::parenthesized!(content in input);
        let values = Punctuated::<V, Token![,]>::parse_terminated(&content)?;
        if values.is_empty() { Err(self.misused()) } else { Ok(values.into_iter().collect()) }
    }
}

/// Splits attribute arguments at their commas; those between the parameters of a closure do not count.
pub(crate) fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![Vec::new()];
    let mut in_closure = false;
    for token in tokens {
        let part = parts.last_mut().expect("there is always a part");
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '|' => {
                in_closure = !in_closure && opens_closure(part);
                part.push(token);
            }
            TokenTree::Punct(punct) if punct.as_char() == ',' && !in_closure => parts.push(Vec::new()),
            _ => part.push(token),
        }
    }
    parts.into_iter().filter(|part| !part.is_empty()).map(|part| part.into_iter().collect()).collect()
}

/// Whether a `|` after these tokens begins the parameters of a closure: it does where the value of an option begins.
fn opens_closure(before: &[TokenTree]) -> bool {
    match before {
        [TokenTree::Ident(_), TokenTree::Punct(equals)] => equals.as_char() == '=',
        [.., TokenTree::Punct(equals), TokenTree::Ident(word)] => equals.as_char() == '=' && word == "move",
        _ => false,
    }
}

/// Reads every part as an option of the tables into `target`; `attribute` is how the user calls the attribute.
pub(crate) fn read_options<T>(
    parts: impl IntoIterator<Item = TokenStream>,
    attribute: &str,
    tables: &[&[Spec<T>]],
    target: &mut T,
    errors: &mut Errors,
) {
    let known = || tables.iter().copied().flatten();
    let mut seen: Vec<&Spec<T>> = Vec::new();
    for part in parts {
        let read = |input: ParseStream<'_>| {
            let Ok(ident) = input.call(Ident::parse_any) else {
                let options = known_list(known().map(|spec| spec.name));
                return Err(input.error(format!("expected an option of `{attribute}` (options: {options})")));
            };
            let name = ident.unraw().to_string();
            let Some(spec) = known().find(|spec| spec.name == name) else {
                input.parse::<TokenStream>()?;
                return Err(unknown(&ident, attribute, || known().map(|spec| spec.name)));
            };
            if let Some(other) = seen.iter().find(|other| other.subject == spec.subject) {
                input.parse::<TokenStream>()?;
                return Err(repeated(&ident, other.name, spec.subject));
            }
            seen.push(spec);
            let key = Key { ident: &ident, name: spec.name, usage: spec.usage };
            (spec.read)(target, &key, input)?;
            if input.is_empty() { Ok(()) } else { Err(key.misused()) }
        };
        if let Err(error) = read.parse2(part) {
            errors.push(error);
        }
    }
}

fn unknown<'a, I: Iterator<Item = &'a str>>(
    ident: &Ident,
    attribute: &str,
    known: impl Fn() -> I,
) -> syn::Error {
    let meant = suggestion(&ident.to_string(), known())
        .map_or_else(String::new, |word| format!("; did you mean `{word}`?"));
    let message = format!("`{attribute}` has no option `{ident}`{meant} (options: {})", known_list(known()));
    syn::Error::new(ident.span(), message)
}

fn known_list<'a>(known: impl Iterator<Item = &'a str>) -> String {
    known.collect::<Vec<_>>().join(", ")
}

fn repeated(ident: &Ident, other: &str, subject: &str) -> syn::Error {
    let message = if ident == other {
        format!("`{ident}` is given twice: remove one of the two")
    } else {
        format!("`{ident}` and `{other}` exclude each other, both set {subject}: remove one of the two")
    };
    syn::Error::new(ident.span(), message)
}

/// A label: a string literal, or the name of an identifier.
pub(crate) struct Label(pub(crate) LitStr);

impl Parse for Label {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(syn::Ident::peek_any) {
            let ident = input.call(Ident::parse_any)?;
            return Ok(Label(LitStr::new(&ident.unraw().to_string(), ident.span())));
        }
        input.parse().map(Label).map_err(|error| {
            syn::Error::new(error.span(), "expected a label: a string such as `\"daily\"`, or an identifier")
        })
    }
}

/// Accepts a label that can be selected by name: it has letters, digits, `_`, `-` and the `extra` characters only.
pub(crate) fn checked(what: &str, label: LitStr, extra: &str) -> syn::Result<LitStr> {
    let text = label.value();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let message = if text.is_empty() {
        format!("{what} cannot be empty")
    } else if let Some(bad) = text.chars().find(|&c| !(is_word(c) || c == '-' || extra.contains(c))) {
        format!("{what} cannot have `{bad}` in it: use letters, digits and any of `_-{extra}`")
    } else if !text.starts_with(|c| is_word(c) || c == '*' || c == '?') {
        format!("{what} starts with a letter, a digit or `_`")
    } else {
        return Ok(label);
    };
    Err(syn::Error::new(label.span(), message))
}
