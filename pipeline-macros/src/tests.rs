//! Unit tests that need no rustc: shapes, options, suggestions, and the parts of an expansion.
//! Errors of rustc about an expansion are tested in `tests/ui` of the workspace.

use pipeline::settings::SettingsStack;
use proc_macro2::TokenStream;
use quote::quote;

use crate::error::{Errors, suggestion};
use crate::shape::{Access, Shape};

/// The expansion, without spaces.
fn expand(args: TokenStream, item: TokenStream) -> String {
    crate::expand::step(args, item).to_string().replace(' ', "")
}

/// The messages of an expansion that fails.
fn messages(args: TokenStream, item: TokenStream) -> Vec<String> {
    let expansion = crate::expand::step(args, item).to_string();
    let errors = expansion.split("compile_error ! { \"").skip(1);
    errors.map(|rest| rest.split("\" }").next().unwrap_or_default().to_owned()).collect()
}

#[track_caller]
fn check_shape(ty: &str, expected: &str) {
    let ty = syn::parse_str(ty).expect("a type");
    let shape = match Shape::of(&ty) {
        Ok(Shape::One(Access::Borrow, _)) => "borrow",
        Ok(Shape::One(Access::Option, _)) => "option",
        Ok(Shape::One(Access::Result, _)) => "result",
        Ok(Shape::Many { keyed: false, .. }) => "many",
        Ok(Shape::Many { keyed: true, .. }) => "map",
        Ok(Shape::Value(_)) => "value",
        Err(_) => "error",
    };
    assert_eq!(shape, expected);
}

#[test]
fn shapes_are_told_from_the_syntax() {
    check_shape("&T", "borrow");
    check_shape("&'_ [T]", "borrow");
    check_shape("(&str)", "borrow");
    check_shape("&(dyn Debug + Send)", "borrow");
    check_shape("std::option::Option<&T>", "option");
    check_shape("Option<T>", "value");
    check_shape("Option<&'static T>", "value");
    check_shape("Result<&T, &StepError>", "result");
    check_shape("Result<T, E>", "value");
    check_shape("Vec<&T>", "many");
    check_shape("Vec<Result<&T, &pipeline::StepError>>", "many");
    check_shape("Vec<&'static str>", "value");
    check_shape("BTreeMap<&str, Option<&T>>", "map");
    check_shape("BTreeMap<String, T>", "value");
    check_shape("Box<dyn Fn(&str) -> &str>", "value");
    check_shape("fn(&str) -> &str", "value");
}

#[test]
fn borrows_in_other_places_are_rejected() {
    for ty in ["&mut T", "&'static T", "(&A, &B)", "HashMap<&str, &T>", "Cow<'_, str>", "Vec<&mut T>"] {
        check_shape(ty, "error");
    }
    check_shape("Result<&T, StepError>", "error");
    check_shape("Result<&T>", "error");
}

#[test]
fn a_suggestion_is_near() {
    assert_eq!(suggestion("blokking", ["cpu", "blocking"]), Some("blocking"));
    assert_eq!(suggestion("cots", ["cost", "cpu"]), Some("cost"));
    assert_eq!(suggestion("form", ["from", "param"]), Some("from"));
    assert_eq!(suggestion("def", ["default", "name"]), Some("default"), "the word is only begun");
    assert_eq!(suggestion("colour", ["cost", "cpu"]), None);
}

#[test]
fn every_error_of_a_step_is_reported_once() {
    let found = messages(
        quote!(cots = 1, cost = 0, io),
        quote! {
            const fn broken<T>((a, b): &(u32, u32), #[from()] x: &mut u32) -> u32 {}
        },
    );
    assert_eq!(found.len(), 8, "{found:#?}");
}

#[test]
fn the_function_is_emitted_as_written() {
    let expansion = expand(
        quote!(),
        quote! {
            #[doc = "x"]
            #[must_use]
            pub(crate) async fn f(#[allow(unused)] #[from(a::b)] mut x: Vec<u32>, #[context] cx: &StepContext) -> u32 {
                half typed ..
            }
        },
    );
    let function = "#[doc=\"x\"]#[must_use]pub(crate)asyncfnf(#[allow(unused)]mutx:Vec<u32>,cx:&StepContext)->u32{halftyped..}";
    assert!(expansion.starts_with(function), "{expansion}");
    assert!(expansion.contains("pub(crate)structf{}"), "{expansion}");
}

#[test]
fn every_item_has_the_cfgs_of_the_function() {
    let item = quote! {
        #[cfg(unix)]
        #[cfg_attr(x, cfg(windows))]
        #[cfg_attr(x, inline)]
        fn f() {}
    };
    assert_eq!(expand(quote!(), item.clone()).matches("#[cfg(unix)]#[cfg_attr(x,cfg(windows))]").count(), 4);
    assert_eq!(expand(quote!(oops), item.clone()).matches("#[cfg(unix)]").count(), 3);
    assert_eq!(expand(quote!(), item).matches("inline").count(), 1);
}

#[test]
fn an_expansion_names_the_crate_only_to_import_from_it() {
    let item = quote!(
        fn f(a: &u32) {}
    );
    assert_eq!(expand(quote!(), item.clone()).matches("::pipeline::").count(), 2, "both imports");
    assert!(expand(quote!(crate = my::own), item).contains("usemy::own::__privateas__pipeline;"));
}

#[test]
fn an_item_that_cannot_be_parsed_is_kept() {
    let expansion = expand(
        quote!(),
        quote!(
            struct A;
        ),
    );
    assert!(expansion.starts_with("structA;"), "{expansion}");
    assert!(expansion.contains("isforfreefunctions"), "{expansion}");
}

#[test]
fn errors_are_collected() {
    let mut errors = Errors::default();
    assert!(errors.is_empty());
    errors.at(quote!(a), "one");
    assert!(errors.keep::<()>(Err(syn::Error::new_spanned(quote!(b), "two"))).is_none());
    assert_eq!(errors.into_compile_errors().len(), 2);
}

#[test]
fn only_commas_between_options_split_them() {
    let parts =
        |tokens| crate::options::split(tokens).into_iter().map(|part| part.to_string().replace(' ', ""));
    let check = |tokens, expected: &[&str]| assert!(parts(tokens).eq(expected.iter().copied()));
    check(quote!(a, b = 1, c(d, e)), &["a", "b=1", "c(d,e)"]);
    check(quote!(when = |a, b| a > b, cost = 1), &["when=|a,b|a>b", "cost=1"]);
    check(quote!(when = move |a, (b, c)| a || b, cpu), &["when=move|a,(b,c)|a||b", "cpu"]);
    check(quote!(when = || true, cpu), &["when=||true", "cpu"]);
    check(quote!(fallback = A | B, cpu, x = C || D, y), &["fallback=A|B", "cpu", "x=C||D", "y"]);
}

#[test]
fn the_last_word_of_from_is_an_option_after_a_step() {
    let quorum = |from: TokenStream, ty: TokenStream| {
        let expansion = expand(quote!(), quote!(fn f(#[from(#from)] x: #ty) {}));
        let rest = expansion.split("quorum:__pipeline::Quorum::").nth(1).expect("a quorum").to_owned();
        rest.split_once(",ty:").expect("the next field").0.to_owned()
    };
    assert_eq!(quorum(quote!(a, b, first), quote!(&u32)), "First");
    assert_eq!(quorum(quote!(a, priority), quote!(&u32)), "Priority");
    assert_eq!(quorum(quote!(tag = "x", first), quote!(&u32)), "First");
    assert_eq!(quorum(quote!(first), quote!(&u32)), "All");
    assert_eq!(quorum(quote!(first, a), quote!(Vec<&u32>)), "All");
    assert_eq!(quorum(quote!(a, self::cancel), quote!(Vec<&u32>)), "All");
    assert_eq!(quorum(quote!(a, b, at_least = 1), quote!(Vec<&u32>)), "AtLeast{count:1u32,cancel:false}");
    assert_eq!(
        quorum(quote!(a, b, at_least = 1, cancel), quote!(Vec<&u32>)),
        "AtLeast{count:1u32,cancel:true}"
    );
    assert_eq!(
        quorum(quote!(a, b, cancel, at_least = 1), quote!(Vec<&u32>)),
        "AtLeast{count:1u32,cancel:true}"
    );
}

#[test]
fn a_step_of_which_nothing_is_said_has_no_policy_of_its_own() {
    let item = quote!(
        fn f() {}
    );
    assert!(expand(quote!(), item.clone()).contains("policy:__pipeline::Policy::NONE"));
    assert!(!expand(quote!(optional), item).contains("policy:__pipeline::Policy::NONE"));
}

#[test]
fn the_lanes_are_those_of_the_core() {
    let ours = crate::lane::Lane::ALL.map(|lane| (lane.name, lane.variant.to_owned(), lane.is_async));
    let of_core = pipeline::Lane::ALL.map(|lane| (lane.name(), format!("{lane:?}"), lane.is_async()));
    assert_eq!(ours, of_core);
}

/// Reads a time as an option of the attribute, and as a setting of a file, of the environment and of a flag.
fn times(text: &str) -> [Option<String>; 4] {
    let expansion = expand(
        quote!(deadline = #text),
        quote!(
            fn step() {}
        ),
    );
    let written = expansion.split("time::Duration::new(").nth(1).and_then(|rest| rest.split(')').next());
    let file = serde_json::json!({ "deadline": text }).to_string();
    let stacks = [
        SettingsStack::new().text("pipeline.json", &file),
        SettingsStack::new().environment([("PIPELINE_DEADLINE", text)]),
        SettingsStack::new().flag("deadline", text, "--deadline"),
    ];
    let [file, variable, flag] = stacks.map(|stack| {
        let time = stack.resolve().ok()?.settings().deadline?;
        Some(format!("{}u64,{}u32", time.as_secs(), time.subsec_nanos()))
    });
    [written.map(str::to_owned), file, variable, flag]
}

/// The same for an amount of memory.
fn sizes(text: &str) -> [Option<String>; 4] {
    let expansion = expand(
        quote!(memory = #text),
        quote!(
            fn step() {}
        ),
    );
    let mut values = expansion.split("option::Option::Some(").filter_map(|rest| rest.split(')').next());
    let written = values.find(|value| value.ends_with("u64"));
    let file = serde_json::json!({ "memory_limit": text }).to_string();
    let stacks = [
        SettingsStack::new().text("pipeline.json", &file),
        SettingsStack::new().environment([("PIPELINE_MEMORY_LIMIT", text)]),
        SettingsStack::new().flag("memory_limit", text, "--memory-limit"),
    ];
    let [file, variable, flag] =
        stacks.map(|stack| Some(format!("{}u64", stack.resolve().ok()?.settings().memory_limit?)));
    [written.map(str::to_owned), file, variable, flag]
}

#[test]
fn quantities_have_one_grammar_in_attributes_files_variables_and_flags() {
    for text in [
        "30s", "30 sec", "1m 30s", "1h30m", " 2 d ", "1.5s", "0.25ms", "100ms", "5us", "5\u{b5}s", "7ns",
        "1week",
    ] {
        let [attribute, others @ ..] = times(text);
        assert!(attribute.is_some(), "{text}");
        assert!(others.iter().all(|other| *other == attribute), "{text}: {attribute:?} {others:?}");
    }
    for text in [
        "",
        " ",
        "soon",
        "30",
        "1m 30",
        "-3s",
        "1.2.3s",
        ".5s",
        "5.s",
        "0s",
        "99999999999999999999d",
        "30 secs ago",
    ] {
        assert_eq!(times(text), [const { None }; 4], "{text}");
    }
    for text in ["512MiB", "1.5GiB", "2 GB", "3kB", "12B", "12", "512mb"] {
        let [attribute, others @ ..] = sizes(text);
        assert!(attribute.is_some(), "{text}");
        assert!(others.iter().all(|other| *other == attribute), "{text}: {attribute:?} {others:?}");
    }
    for text in ["", "much", "12 XB", "-1", "0B", "0"] {
        assert_eq!(sizes(text), [const { None }; 4], "{text}");
    }
}
