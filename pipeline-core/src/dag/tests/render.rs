//! Graphs in every format.

use super::super::{Dag, Format};
use super::{graph, shop, step};
use crate::lane::Lane;
use crate::params::{ParamDef, parse_param};
use crate::step::{InputKind, Mode};
use crate::value::TypeDef;

#[track_caller]
fn check(dag: &Dag, format: Format, expected: &str) {
    let shown = dag.render(format);
    assert!(shown == expected, "shown:\n{shown}\nexpected:\n{expected}");
}

#[test]
fn text_lists_the_steps_in_aligned_columns() {
    check(
        &shop(),
        Format::Text,
        "\
5 steps, 4 edges, depth 3, widest level 2

#  step     lane      labels                   at             inputs
1  orders   cpu       bronze #source #nightly  src/shop.rs:7
2  rates    io        bronze #source           src/shop.rs:7
3  volume   cpu       gold                     src/shop.rs:7  orders
4  revenue  cpu       gold                     src/shop.rs:7  orders, fx <- rates
5  mail     blocking                           src/shop.rs:7  after revenue
",
    );
}

#[test]
fn one_step_is_in_the_singular() {
    let one = graph(vec![step("alone")]);
    assert!(one.render(Format::Text).starts_with("1 step, 0 edges, depth 1, widest level 1\n"));
    assert!(one.render(Format::Svg).contains("<title>1 step, 0 edges</title>"));
}

#[test]
fn text_shows_what_each_parameter_reads() {
    let dir = ParamDef {
        name: "dir".into(),
        ty: TypeDef::of::<String>(),
        has_default: false,
        secret: || Some(false),
        parse: parse_param::<String>,
        default: None,
        default_text: None,
        copy: None,
    };
    let all: Vec<u32> = (0..11).collect();
    let mut steps: Vec<_> = all.iter().map(|number| step(format!("s{number}"))).collect();
    steps.push(
        step("last")
            .param(InputKind::Param(dir), "path")
            .param(InputKind::Resource { name: None, ty: TypeDef::of::<u64>(), holders: &[] }, "http")
            .param(InputKind::Context, "cx")
            .reads_as("s0", 0, Mode::Take)
            .reads_as("b", 1, Mode::Option)
            .reads_as("c", 2, Mode::Result)
            .collects("xs", &all[1..]),
    );
    let shown = graph(steps).render(Format::Text);
    let last = shown.lines().last().expect("a line");
    assert!(
        last.ends_with(
            "param dir as path, resource http, context cx, s0 (taken), b <- s1 (optional), c <- s2 (outcome), \
             xs <- [s1, s2, s3, s4, s5, s6, s7, s8, and 2 more]"
        ),
        "{last}"
    );
}

#[test]
fn dot_draws_groups_lanes_labels_and_order() {
    check(
        &shop(),
        Format::Dot,
        r#"digraph pipeline {
  rankdir=LR;
  node [fontname="sans-serif"];
  edge [fontname="sans-serif", fontsize=10];
  subgraph cluster_0 {
    label="bronze";
    s0 [label="orders", shape=box, tooltip="shop::orders"];
    s1 [label="rates", shape=ellipse, tooltip="shop::rates"];
  }
  subgraph cluster_1 {
    label="gold";
    s2 [label="volume", shape=box, tooltip="shop::volume"];
    s3 [label="revenue", shape=box, tooltip="shop::revenue"];
  }
  s4 [label="mail", shape=hexagon, tooltip="shop::mail"];
  s0 -> s2;
  s0 -> s3;
  s1 -> s3 [label="fx"];
  s3 -> s4 [style=dashed];
}
"#,
    );
}

#[test]
fn mermaid_draws_groups_lanes_labels_and_order() {
    check(
        &shop(),
        Format::Mermaid,
        r#"flowchart LR
  subgraph g0["bronze"]
    s0["orders"]
    s1(["rates"])
  end
  subgraph g1["gold"]
    s2["volume"]
    s3["revenue"]
  end
  s4{{"mail"}}
  s0 --> s2
  s0 --> s3
  s1 -->|"fx"| s3
  s3 -.-> s4
"#,
    );
}

#[test]
fn hostile_names_stay_inside_their_labels() {
    let names = [
        "a\"]; x -> y; [",
        "line\nbreak\r\t",
        "<b>&amp;</b>",
        "back\\slash\\\"",
        "\u{202e}turned",
        "`#quot;`",
    ];
    let mut steps: Vec<_> = names.iter().map(|&name| step(name).group("g\"\n]")).collect();
    steps.push(step("x".repeat(100_000)).reads("p\"|\n", 0));
    let dag = graph(steps);
    for format in [Format::Text, Format::Dot, Format::Mermaid] {
        let shown = dag.render(format);
        assert!(!shown.contains(['\r', '\t', '\u{202e}']), "{format}: {shown}");
        let per_step = shown.lines().filter(|line| line.contains("nbreak"));
        assert_eq!(per_step.count(), 1, "{format}: {shown}");
    }
    let dot = dag.render(Format::Dot);
    assert!(dot.contains(r#"[label="a\"]; x -> y; [", shape"#.replace("->", "-&gt;").as_str()), "{dot}");
    assert!(dot.contains(r#"label="back\\slash\\\"""#), "{dot}");
    assert!(dot.contains("&lt;b&gt;&amp;amp;&lt;/b&gt;"), "{dot}");
    let svg = dag.render(Format::Svg);
    assert!(svg.contains(">&lt;b&gt;&amp;amp;&lt;/b&gt;</text>") && !svg.contains("<b>"), "{svg}");
    assert!(
        svg.contains("line\\nbreak") && svg.contains("\\u{202e}turned") && !svg.contains('\u{202e}'),
        "{svg}"
    );
    assert!(svg.len() < 6000, "very long names are cut in drawings");
    let mermaid = dag.render(Format::Mermaid);
    assert!(mermaid.contains("[\"a#34;#93;#59; x #45;#62; y#59; #91;\"]"), "{mermaid}");
    assert!(mermaid.len() < 2000 && dot.len() < 3000, "very long names are cut in drawings");
    for line in dot.lines().filter(|line| line.contains("label=")) {
        let quotes = line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
        assert_eq!(quotes % 2, 0, "{line}");
    }
    for line in mermaid.lines() {
        assert!(matches!(line.matches('"').count(), 0 | 2), "{line}");
    }
}

#[test]
fn svg_draws_each_step_and_each_edge_once() {
    let svg = shop().render(Format::Svg);
    assert_eq!((svg.matches("class=\"shape\"").count(), svg.matches(" d=\"M").count()), (5, 4 + 1), "{svg}");
    assert_eq!(svg.matches("<path class=\"after\"").count(), 1, "`mail` only comes after `revenue`: {svg}");
    assert!(svg.contains("<title>mail (shop::mail) at src/shop.rs:7</title>"), "{svg}");
    assert!(svg.contains(">gold · cpu</text>"), "{svg}");
    assert!(!svg.contains("href") && !svg.contains("url("), "nothing is from outside: {svg}");
}

#[test]
fn an_empty_graph_is_shown_too() {
    let dag = graph(vec![]);
    assert_eq!(dag.render(Format::Text), "0 steps, 0 edges, depth 0, widest level 0\n");
    assert_eq!(dag.render(Format::Mermaid), "flowchart LR\n");
    assert!(dag.render(Format::Dot).ends_with("}\n"));
    assert!(dag.render(Format::Json).contains("\"steps\": []"));
    assert!(dag.render(Format::Svg).contains("<title>0 steps, 0 edges</title>"));
}

#[test]
fn two_parameters_from_one_step_are_two_lines() {
    let dag = graph(vec![step("a"), step("b").lane(Lane::Io).reads("left", 0).reads("right", 0).after(&[0])]);
    let dot = dag.render(Format::Dot);
    assert_eq!(dot.matches("s0 -> s1").count(), 2, "{dot}");
    assert!(!dot.contains("dashed"), "an order that data implies is not drawn: {dot}");
}

#[test]
fn formats_are_read_by_name() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    let problem = "mermade".parse::<Format>().expect_err("unknown");
    assert_eq!(problem.hint.as_deref(), Some("did you mean `mermaid`?"));
}
