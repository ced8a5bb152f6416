//! Lists of limited length.

use std::fmt::Write;

use super::{fit, number};

/// Maximum width of a name in a list.
const NAME: usize = 40;

/// Returns the first names, and the number of the others.
pub(in crate::cli) fn listed<N: AsRef<str>>(
    names: impl IntoIterator<Item = N, IntoIter: ExactSizeIterator>,
    most: usize,
) -> String {
    let names = names.into_iter();
    let count = names.len();
    let mut text = names.take(most).map(|name| fit(name.as_ref(), NAME)).collect::<Vec<_>>().join(", ");
    if count > most {
        let _ = write!(text, " and {} more", number((count - most) as u64));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_with_how_many_more_there_are() {
        assert_eq!(listed(["a", "b"], 2), "a, b");
        assert_eq!(listed(vec!["a"; 1_502], 2), "a, a and 1,500 more");
        assert_eq!(listed([""; 0], 2), "");
    }
}
