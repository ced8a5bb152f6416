//! `switch(pattern => step, …)`: which step runs for which output.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Expr, Pat, Path, Token};

use crate::input::Edge;
use crate::own::own;
use crate::param::PlainPath;
use crate::policy::Switch;

/// One `pattern if guard => step`.
#[derive(Clone)]
pub(crate) struct Arm {
    pub(crate) pattern: Pat,
    pub(crate) guard: Option<Expr>,
    pub(crate) step: Path,
}

impl Parse for Arm {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let pattern = input.call(Pat::parse_multi_with_leading_vert)?;
        let guard = if input.parse::<Option<Token![if]>>()?.is_some() { Some(input.parse()?) } else { None };
        if !input.peek(Token![=>]) {
            let message =
                "expected `=> step` after the pattern: `switch` is written `switch(pattern => step, …)`";
            return Err(input.error(message));
        }
        input.parse::<Token![=>]>()?;
        let PlainPath(step) = input.parse()?;
        Ok(Arm { pattern, guard, step })
    }
}

/// The arms of a switch, and the steps that they lead to.
pub(crate) struct Cases {
    /// The switch as written.
    pub(crate) switch: Switch,
    /// Each path once, in the order in which the arms name them first.
    pub(crate) steps: Vec<Edge>,
    /// For each arm, its path by position.
    pub(crate) case_of: Vec<u32>,
}

impl Cases {
    /// Gives each path of the switch its number.
    pub(crate) fn new(switch: &Switch) -> Self {
        let mut steps: Vec<Edge> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let mut case_of = Vec::with_capacity(switch.arms.len());
        for Arm { step, .. } in &switch.arms {
            let name = step.to_token_stream().to_string();
            let case = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                steps.push(Edge { name: case_name(steps.len()), path: step.clone() });
                names.push(name);
                steps.len() - 1
            });
            case_of.push(case as u32);
        }
        Cases { switch: switch.clone(), steps, case_of }
    }
}

fn case_name(index: usize) -> Ident {
    own(format_args!("case_{index}"))
}
