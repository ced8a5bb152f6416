use pipeline::prelude::*;

#[step]
fn text() -> String {
    String::new()
}

#[step]
fn head(text: &str) -> &str {
    text
}

#[step]
fn lines(text: &str) -> Result<Vec<&str>, StepError> {
    Ok(text.lines().collect())
}

#[step]
fn cow(text: &str) -> std::borrow::Cow<'_, str> {
    text.into()
}

fn main() {}
