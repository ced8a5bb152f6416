//! The switch of a step: a `match` on its output, so that rustc proves that every value has a branch.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::call::ends;
use crate::model::StepModel;
use crate::own::{at, own};

/// `fn case`, if the step has a switch.
pub(super) fn case(model: &StepModel) -> TokenStream {
    let Some(cases) = &model.cases else { return TokenStream::new() };
    // rustc reports a value without a branch on what is matched, and so on the word `switch`.
    let parameter = own("output");
    let mut output = parameter.clone();
    output.set_span(at(cases.switch.span));
    let list = own("cases");
    let arms = cases.switch.arms.iter().zip(&cases.case_of).map(|(arm, case)| {
        let (pattern, guard) = (&arm.pattern, arm.guard.as_ref().map(|guard| quote!(if #guard)));
        // An arm ends where the user's ends: there rustc proposes the arm that is missing.
        let (_, last) = ends(&arm.step);
        let chosen = quote_spanned!(last=> __pipeline::case_number(&#list, #case));
        quote!(#pattern #guard => #chosen,)
    });
    let decide = quote_spanned!(cases.switch.span=> match #output { #(#arms)* });
    let deny = quote_spanned!(cases.switch.span=> #[deny(unreachable_patterns)]);
    quote! {
        #deny
        fn case(
            #parameter: &Self::Output,
        ) -> __pipeline::core::option::Option<__pipeline::core::primitive::u32> {
            #decide
        }
    }
}
