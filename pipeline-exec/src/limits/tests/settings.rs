//! Limits as text.

use std::time::Duration;

use crate::limits::{Breaker, LimitSettings, RateLimit};

fn read(json: &str) -> Result<LimitSettings, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[test]
fn a_rate_is_read_from_text() {
    for (text, count, per) in [
        ("10/s", 10, Duration::from_secs(1)),
        ("600/m", 600, Duration::from_mins(1)),
        ("5/200ms", 5, Duration::from_millis(200)),
        (" 3 / 2 h ", 3, Duration::from_hours(2)),
        ("1/7us", 1, Duration::from_micros(7)),
    ] {
        assert_eq!(text.parse(), Ok(RateLimit::new(count, per)), "{text}");
    }
}

#[test]
fn an_invalid_rate_is_refused_with_an_example() {
    for text in [
        "",
        "10",
        "/s",
        "0/s",
        "10/0s",
        "10/fortnight",
        "-1/s",
        "1.5/s",
        "5/99999999999999999999h",
        "5/9999999999h",
    ] {
        let error = text.parse::<RateLimit>().unwrap_err();
        assert!(error.contains(&format!("`{text}`")) && error.contains("`10/s`"), "{error}");
    }
}

#[test]
fn settings_are_read_as_they_are_written() {
    let rate = RateLimit::new(5, Duration::from_millis(1500)).burst(9);
    let breaker = Breaker::new(3, Duration::from_secs(30)).probes(2);
    let settings = LimitSettings::new(4).rate(rate).breaker(breaker);
    let text = serde_json::to_string(&settings).unwrap();
    let expected = r#"{"capacity":4,"rate":{"count":5,"per":"1s 500ms","burst":9},"breaker":{"failures":3,"cooldown":"30s","probes":2}}"#;
    assert_eq!(text, expected);
    assert_eq!(read(&text), Ok(settings));
    assert_eq!(read("{}"), Ok(LimitSettings::default()));
    let short = read(r#"{"rate": "10/s", "breaker": {"failures": 1, "cooldown": "2m"}}"#);
    let breaker = Breaker::new(1, Duration::from_mins(2));
    assert_eq!(short, Ok(LimitSettings::new(1).rate("10/s".parse().unwrap()).breaker(breaker)));
}

#[test]
fn wrong_settings_are_refused_with_a_remedy() {
    for (json, part) in [
        (r#"{"capacitiy": 3}"#, "unknown field `capacitiy`"),
        (r#"{"rate": "ten"}"#, "`ten` is not a rate"),
        (r#"{"rate": {"count": 1, "per": "1s", "brust": 3}}"#, "a rate is a text such as"),
        (r#"{"breaker": {"failures": 1, "cooldown": "soon"}}"#, "`soon` is not a time"),
        (r#"{"breaker": {"failures": 1, "cooldown": "1s", "probe": 1}}"#, "unknown field `probe`"),
    ] {
        let error = read(json).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn impossible_settings_are_problems() {
    let rate = RateLimit { count: 0, per: Duration::ZERO, burst: Some(0) };
    let breaker = Breaker::new(0, Duration::ZERO).probes(0);
    let wrong = LimitSettings::new(1).rate(rate).breaker(breaker);
    let limits = super::Limits::new().limit("api", wrong).limit("db", LimitSettings::new(3));
    let problems = limits.problems();
    assert_eq!(problems.len(), if cfg!(feature = "rate") { 5 } else { 6 });
    assert!(problems.iter().all(|problem| problem.to_string().contains("limit `api`: its rate")
        || problem.to_string().contains("limit `api`: its breaker")
        || problem.to_string().contains("feature `rate`")));
}
