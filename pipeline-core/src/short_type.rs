//! Types without their modules.

/// Returns a type in short: `Vec<Option<i64>>` rather than `alloc::vec::Vec<core::option::Option<i64>>`.
#[must_use]
pub fn short_type(name: &str) -> String {
    let mut out = String::new();
    // The start of the current path in `out`.
    let mut start = 0;
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ':' if rest.peek() == Some(&':') => {
                rest.next();
                // After `>` or `}` the path continues from a part that has to stay.
                if start == out.len() && out.ends_with(['>', '}', ')', ']']) {
                    out.push_str("::");
                    start = out.len();
                } else {
                    out.truncate(start);
                }
            }
            c => {
                out.push(c);
                if !(c.is_alphanumeric() || c == '_') {
                    start = out.len();
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_lose_their_modules_and_nothing_else() {
        for (full, short) in [
            ("i64", "i64"),
            ("alloc::vec::Vec<core::option::Option<i64>>", "Vec<Option<i64>>"),
            ("(a::B, &'static [c::d::E; 3])", "(B, &'static [E; 3])"),
            ("<a::B as c::D>::E", "<B as D>::E"),
            ("alloc::sync::Arc<dyn core::ops::Fn(a::X) -> b::Y + Send>", "Arc<dyn Fn(X) -> Y + Send>"),
        ] {
            assert_eq!(short_type(full), short);
        }
    }
}
