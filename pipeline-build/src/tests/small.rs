//! Small programs: what the step `demo::a` reaches in ways that are easy to miss. Each row changes one text in the source.

use super::Sources;

/// What is shown, the source, and a text in it whose change has to count.
const COUNTS: &[(&str, &str, &str)] = &[
    (
        "a const in a pattern",
        "const L: u8 = 1; #[step] fn a(x: u8) -> u8 { match x { L => 1, _ => 2 } }",
        "u8 = 1",
    ),
    ("a range", "fn end() -> u8 { 1 } #[step] fn a() { for _ in 0..end() {} }", "{ 1 }"),
    ("a closed range", "const END: u8 = 1; #[step] fn a() { for _ in 0..=END {} }", "= 1"),
    (
        "a method of a number",
        "trait T { fn up(self) -> f64; } impl T for f64 { fn up(self) -> f64 { 1.5 } } #[step] fn a() -> f64 { 1.0.up() }",
        "1.5",
    ),
    (
        "a field of a tuple",
        "struct S(u8); impl S { fn up(&self) -> u8 { 77 } } #[step] fn a(x: &(S, u8)) -> u8 { x.0.up() }",
        "77",
    ),
    (
        "a type in angle brackets",
        "struct S; impl S { fn up() -> u8 { 77 } } #[step] fn a() -> u8 { <S>::up() }",
        "77",
    ),
    (
        "a table of functions",
        "fn one() -> u8 { 77 } static ALL: [fn() -> u8; 1] = [one]; #[step] fn a() -> u8 { ALL[0]() }",
        "77",
    ),
    (
        "a function as a value",
        "fn one(x: u8) -> u8 { x + 77 } #[step] fn a() -> Option<u8> { Some(1).map(one) }",
        "77",
    ),
    (
        "a method as a value",
        "struct S; impl S { fn up(&self) -> u8 { 77 } } #[step] fn a(s: &[S]) -> Vec<u8> { s.iter().map(S::up).collect() }",
        "77",
    ),
    (
        "a method of Self",
        "struct S; impl S { fn b(&self) -> u8 { Self::c() } fn c() -> u8 { 77 } } #[step] fn a(s: &S) -> u8 { s.b() }",
        "77",
    ),
    ("an associated constant", "struct S; impl S { const N: u8 = 77; } #[step] fn a() -> u8 { S::N }", "77"),
    (
        "a constant of a generic type",
        "trait T { const N: u8; } struct S; impl T for S { const N: u8 = 77; } fn n<X: T>(_: &X) -> u8 { X::N } #[step] fn a() -> u8 { n(&S) }",
        "77",
    ),
    (
        "a default method of a trait",
        "trait T { fn up(&self) -> u8 { h() } } struct S; impl T for S {} fn h() -> u8 { 77 } #[step] fn a() -> u8 { S.up() }",
        "77",
    ),
    (
        "an impl of From for ?",
        "struct E; struct F; impl From<E> for F { fn from(_: E) -> F { h(); F } } fn h() -> u8 { 77 } #[step] fn a(x: &Result<u8, E>) -> Result<(), F> { b()?; Ok(()) } fn b() -> Result<(), E> { Ok(()) }",
        "77",
    ),
    (
        "dyn of a trait of another crate",
        "mod m { pub struct S; impl std::fmt::Display for S { fn fmt(&self) { 77 } } } #[step] fn a(x: &Box<dyn std::fmt::Display + Send>) -> String { x.to_string() }",
        "77",
    ),
    (
        "a variant by a glob",
        "enum E { A, B } mod m { pub fn h() {} } use E::*; impl Drop for E { fn drop(&mut self) { 77; } } #[step] fn a() { let _ = A; }",
        "77",
    ),
    (
        "an import in the function",
        "mod m { pub fn h() -> u8 { 77 } } #[step] fn a() -> u8 { use m::h as k; k() }",
        "77",
    ),
    (
        "a glob in the function",
        "mod m { pub fn h() -> u8 { 77 } } #[step] fn a() -> u8 { use m::*; h() }",
        "77",
    ),
    (
        "a module by an import",
        "mod m { pub mod n { pub fn h() -> u8 { 77 } } } use m::n as o; #[step] fn a() -> u8 { o::h() }",
        "77",
    ),
    (
        "an import of the name of its module",
        "mod m { pub fn m() -> u8 { 77 } } use m::m; #[step] fn a() -> u8 { m() }",
        "77",
    ),
    (
        "a re-export of a re-export",
        "mod m { mod n { pub fn h() -> u8 { 77 } } pub use n::*; } pub use m::h as k; #[step] fn a() -> u8 { crate::k() }",
        "77",
    ),
    (
        "super of super",
        "fn h() -> u8 { 77 } mod m { mod n { pub fn k() -> u8 { super::super::h() } } pub fn l() -> u8 { n::k() } } #[step] fn a() -> u8 { m::l() }",
        "77",
    ),
    (
        "a name in a macro's arguments",
        "fn h() -> u8 { 77 } macro_rules! call { ($f:ident) => { $f() } } #[step] fn a() -> u8 { call!(h) }",
        "77",
    ),
    (
        "a macro under another name",
        "mod m { macro_rules! x { () => { 77 } } pub(crate) use x; } use m::x as y; #[step] fn a() -> u8 { y!() }",
        "77",
    ),
    (
        "a macro that calls a macro",
        "macro_rules! x { () => { y!() } } macro_rules! y { () => { h() } } fn h() -> u8 { 77 } #[step] fn a() -> u8 { x!() }",
        "77",
    ),
    (
        "an impl that a macro makes",
        "trait T { fn up(&self) -> u8; } macro_rules! imp { ($t:ty) => { impl T for $t { fn up(&self) -> u8 { 77 } } } } struct S; imp!(S); #[step] fn a(s: &S) -> u8 { s.up() }",
        "77",
    ),
    (
        "an impl that a macro makes for a foreign type",
        "trait T { fn up(&self) -> u8; } macro_rules! imp { ($($t:ty)*) => { $(impl T for $t { fn up(&self) -> u8 { 77 } })* } } imp!(u8 u16); #[step] fn a(s: u8) -> u8 { s.up() }",
        "77",
    ),
    (
        "Drop that a macro makes",
        "macro_rules! imp { ($t:ty) => { impl Drop for $t { fn drop(&mut self) { 77; } } } } struct S; imp!(S); #[step] fn a() { let _ = S; }",
        "77",
    ),
    (
        "a type that a macro makes",
        "macro_rules! make { ($t:ident) => { pub struct $t; impl $t { pub fn up(&self) -> u8 { 77 } } } } make!(S); #[step] fn a() -> u8 { S.up() }",
        "77",
    ),
    ("a thread local", "thread_local! { static N: u8 = 77; } #[step] fn a() -> u8 { N.with(|n| *n) }", "77"),
    (
        "what a derive makes",
        "#[derive(Builder)] struct S { #[builder(default = \"77\")] n: u8 } #[step] fn a() -> u8 { SBuilder::default().build().n }",
        "77",
    ),
    (
        "a text in an attribute of a derive",
        "#[derive(Deserialize)] struct S { #[serde(default = \"h\")] n: u8 } fn h() -> u8 { 77 } #[step] fn a(s: &S) -> u8 { s.n }",
        "77",
    ),
    (
        "a module in an attribute of a derive",
        "#[derive(Deserialize)] struct S { #[serde(with = \"m\")] n: u8 } mod m { pub fn deserialize() -> u8 { 77 } } #[step] fn a(s: &S) -> u8 { s.n }",
        "77",
    ),
    (
        "a cfg alternative",
        "#[cfg(unix)] fn h() -> u8 { 77 } #[cfg(not(unix))] fn h() -> u8 { 78 } #[step] fn a() -> u8 { h() }",
        "78",
    ),
    (
        "an option of the step",
        "fn wanted() -> bool { 77 > 1 } #[step(when = wanted)] fn a(wanted: &u8) -> u8 { *wanted }",
        "77",
    ),
    (
        "the default of a parameter of its name",
        "fn n() -> u8 { 77 } #[step] fn a(#[param(default = n())] n: u8) -> u8 { n }",
        "77",
    ),
    (
        "an inner function of a parameter's name",
        "fn n() -> u8 { 77 } #[step] fn a(n: u8) -> u8 { fn b() -> u8 { n() } n + b() }",
        "77",
    ),
    (
        "a macro that means an item of a parameter's name",
        "fn n() -> u8 { 77 } macro_rules! x { () => { n() } } #[step] fn a(n: u8) -> u8 { n + x!() }",
        "77",
    ),
    (
        "a named width in a format string",
        "const W: usize = 77; #[step] fn a() -> String { format!(\"{:W$}\", 1) }",
        "77",
    ),
    (
        "a constant as a generic argument",
        "const N: usize = 77; struct S<const M: usize>; #[step] fn a() -> S<{ N }> { S }",
        "77",
    ),
    ("the length of an array", "const N: usize = 77; #[step] fn a() -> [u8; N] { [0; N] }", "77"),
    ("a raw name", "fn r#type() -> u8 { 77 } #[step] fn a() -> u8 { r#type() }", "77"),
    ("a union", "union U { a: u8, b: [u8; 77] } #[step] fn a(u: &U) -> u8 { 1 }", "77"),
    (
        "an alias of a type with methods",
        "struct S; type A = S; impl A { fn up(&self) -> u8 { 77 } } #[step] fn a(s: &S) -> u8 { s.up() }",
        "77",
    ),
    (
        "an associated type",
        "trait T { type O; } struct S; struct R; impl T for S { type O = R; } impl R { fn up(&self) -> u8 { 77 } } fn get<X: T>(_: X) -> Option<X::O> { None } #[step] fn a() -> u8 { get(S).unwrap().up() }",
        "77",
    ),
    (
        "impl Trait as a result",
        "trait T { fn up(&self) -> u8; } struct S; impl T for S { fn up(&self) -> u8 { 77 } } fn get() -> impl T { S } #[step] fn a() -> u8 { get().up() }",
        "77",
    ),
    (
        "an impl in a constant",
        "struct S; const _: () = { impl Drop for S { fn drop(&mut self) { 77; } } }; #[step] fn a() { let _ = S; }",
        "77",
    ),
    (
        "an impl for a reference",
        "struct S; impl std::ops::Add for &S { fn add(self) { 77 } } #[step] fn a(x: &S) { x + x; }",
        "77",
    ),
    (
        "an operator with a foreign type on the left",
        "struct S; impl std::ops::Mul<S> for f64 { fn mul(self, s: S) { 77 } } #[step] fn a() { 2.0 * S; }",
        "77",
    ),
    (
        "a generic trait method by its path",
        "trait T { fn make() -> Self; } impl T for u8 { fn make() -> u8 { 77 } } #[step] fn a() -> u8 { T::make() }",
        "77",
    ),
    (
        "a path through a type parameter",
        "mod m { pub trait T { fn make() -> Self; } impl T for u8 { fn make() -> u8 { 77 } } } use m::*; #[step] fn a() -> u8 { u8::make() }",
        "77",
    ),
    ("async", "async fn h() -> u8 { 77 } #[step] async fn a() -> u8 { h().await }", "77"),
    (
        "the step under another name of the attribute",
        "use pipeline::step as stage; #[stage] fn a() -> u8 { 77 }",
        "77",
    ),
    ("the attribute by a path", "#[pipeline::step(blocking)] fn a() -> u8 { 77 }", "77"),
    ("the parentheses of a tuple", "fn h(x: (u8,)) {} #[step] fn a() { let _ = (1,); }", "(1,)"),
    ("a space that changes an operator", "#[step] fn a() -> bool { let (x, y) = (1, &2); x && *y }", "&& "),
    ("a static of foreign memory", "static mut N: u8 = 77; #[step] fn a() -> u8 { unsafe { N } }", "77"),
    ("a switch", "const L: u8 = 77; fn b() {} #[step(switch(L => b))] fn a() -> u8 { 1 }", "77"),
];

#[test]
fn ways_to_reach_an_item_that_are_easy_to_miss_count() {
    let mut missed = Vec::new();
    for (what, source, part) in COUNTS {
        assert_eq!(source.matches(part).count(), 1, "{what}: `{part}` is in the source once");
        let other = match *part {
            "(1,)" => "(1)",
            "&& " => "& &",
            part => &part.replace(|digit: char| digit.is_ascii_digit(), "3"),
        };
        let sources = Sources::new(&[("src/main.rs", source)]);
        let before = sources.trace().of("demo::a");
        sources.write("src/main.rs", &source.replace(part, other));
        let after = sources.trace().of("demo::a");
        if before.starts_with('!') || before == after {
            missed.push(format!("{what}: {before}, {after}"));
        }
    }
    assert!(missed.is_empty(), "{} of {}:\n{}", missed.len(), COUNTS.len(), missed.join("\n"));
}

#[test]
fn two_functions_that_change_places_count() {
    let text =
        "mod x { const K: u8 = 1; pub fn h() -> u8 { K } } mod y { const K: u8 = 2; pub fn h() -> u8 { K } }
        use x::h as one; use y::h as two; #[step] fn a() -> u8 { one() - two() }";
    let sources = Sources::new(&[("src/main.rs", text)]);
    let before = sources.trace().of("demo::a");
    sources.write("src/main.rs", &text.replace("x::h as one; use y::h", "y::h as one; use x::h"));
    assert_ne!(before, sources.trace().of("demo::a"), "the same items, each in the place of the other");
}

#[test]
fn a_program_reaches_into_the_library_of_its_package() {
    let main = "use demo::helper; #[step] fn a() -> u8 { helper() }";
    let sources = Sources::new(&[("src/bin/tool.rs", main), ("src/lib.rs", "pub fn helper() -> u8 { 1 }")]);
    let before = sources.trace().of("tool::a");
    sources.write("src/lib.rs", "pub fn helper() -> u8 { 2 }");
    assert_ne!(before, sources.trace().of("tool::a"));
}

#[test]
fn steps_of_one_name_in_a_library_and_a_program_have_both_codes() {
    let (lib, main) = ("#[step] fn a() -> u8 { 1 }", "#[step] fn a() -> u8 { 2 }");
    let sources = Sources::new(&[("src/main.rs", main), ("src/lib.rs", lib)]);
    let both = sources.trace().of("demo::a");
    sources.write("src/lib.rs", "#[step] fn a() -> u8 { 3 }");
    let other_library = sources.trace().of("demo::a");
    sources.write("src/lib.rs", lib);
    sources.write("src/main.rs", "#[step] fn a() -> u8 { 3 }");
    let other_program = sources.trace().of("demo::a");
    assert!(both != other_library && both != other_program && other_library != other_program);
}

#[test]
fn modules_are_found_in_files_by_path_and_in_folders() {
    let files = [
        (
            "src/main.rs",
            "#[path = \"odd/place.rs\"] mod p; mod f; #[cfg(none)] mod gone; #[step] fn a() { p::h(); f::g::h() } #[step] fn b() { gone::h() }",
        ),
        ("src/odd/place.rs", "pub fn h() { 1; }"),
        ("src/f/mod.rs", "pub mod g;"),
        ("src/f/g.rs", "pub fn h() { 1; }"),
    ];
    let sources = Sources::new(&files);
    let trace = sources.trace();
    assert_eq!(trace.reached("demo::a"), ["demo::a", "demo::f::g::h", "demo::p::h"]);
    assert_eq!(trace.of("demo::b"), "!the module `demo::gone` has no file");
}

#[test]
fn the_sources_of_path_dependencies_count() {
    let sources = Sources::new(&[
        ("src/main.rs", "#[step] fn a() {}"),
        ("dep/Cargo.toml", "[package]\nname = \"dep\"\n\n[dependencies]\nother = { path = \"../other\" }\n"),
        ("dep/src/lib.rs", "pub fn h() { include_str!(\"../notes.txt\"); }"),
        ("dep/notes.txt", "1"),
        ("other/Cargo.toml", "[package]\nname = \"other\"\n"),
        ("other/src/lib.rs", "pub fn h() {}"),
    ]);
    sources.write(
        "Cargo.toml",
        "[package]\nname = \"demo\"\n\n[dependencies]\ndep = { path = \"dep\" }\n\n[workspace]\n",
    );
    let mut seen = vec![sources.trace().of("demo::a")];
    for (file, text) in [
        ("dep/src/lib.rs", "pub fn h() { include_str!(\"../notes.txt\"); 2; }"),
        ("dep/notes.txt", "2"),
        ("other/src/lib.rs", "pub fn h() { 2; }"),
        (
            "dep/Cargo.toml",
            "[package]\nname = \"dep\"\n\n[dependencies]\nother = { path = \"../other\", features = [\"x\"] }\n",
        ),
    ] {
        sources.write(file, text);
        let trace = sources.trace().of("demo::a");
        assert!(!seen.contains(&trace), "{file} counts: {trace}");
        seen.push(trace);
    }
}

#[test]
fn a_file_that_a_macro_names_counts() {
    let source =
        "#[derive(Template)] #[template(path = \"page.html\")] struct P; #[step] fn a() { P.render(); }";
    let sources = Sources::new(&[("src/main.rs", source), ("templates/page.html", "1")]);
    let before = sources.trace().of("demo::a");
    sources.write("templates/page.html", "2");
    assert_ne!(before, sources.trace().of("demo::a"));
}

#[test]
fn the_instructions_name_each_step_and_only_files_that_are_there() {
    let sources = Sources::new(&[(
        "src/main.rs",
        "mod m { #[step(name = \"b-c\")] fn b() {} } #[step] fn a() { env!(\"X\"); }",
    )]);
    let trace = sources.trace();
    let text = trace.instructions(&sources.folder.join("details.json"));
    assert!(text.contains("cargo::rustc-env=PIPELINE_TRACE_demo::a=!`env!` at src/main.rs:1\n"), "{text}");
    assert!(
        text.contains(&format!(
            "cargo::rustc-env=PIPELINE_TRACE_demo::m::b-c={}\n",
            trace.of("demo::m::b-c")
        )),
        "{text}"
    );
    for file in text.lines().filter_map(|line| line.strip_prefix("cargo::rerun-if-changed=")) {
        assert!(file == "build.rs" || std::path::Path::new(file).exists(), "{file}");
    }
}

#[test]
fn strings_characters_and_comments_are_read_as_rust_reads_them() {
    let source = r##"#[step] fn a<'x>(s: &'x str) -> u8 { let _ = ('"', '\'', '\\', b'"', b"\"", r#"" fn b() {"#, "//", c"x", '\u{1F}', 'é');
        /* /* " */ ' */ 'l: loop { break 'l; } 1.max(2) + 0x1e + 1.5e-3 as u8 }"##;
    let sources = Sources::new(&[("src/main.rs", source)]);
    let trace = sources.trace();
    assert_eq!(trace.reached("demo::a"), ["demo::a"]);
    assert!(!trace.of("demo::a").starts_with('!'), "{}", trace.of("demo::a"));
}
