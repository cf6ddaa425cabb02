//! Values of any length in messages.

/// Most characters of a value that a message shows.
const SHOWN: usize = 100;

/// Returns the beginning of a value, or all of it if it is short.
pub fn excerpt(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => {
            let (beginning, _) = value.split_at(end);
            format!("{beginning}…")
        }
        None => value.to_owned(),
    }
}

/// Returns the first `at_most` of some values, with commas between them, and the number of
/// the others.
pub fn first_of<T: AsRef<str>>(values: &[T], at_most: usize) -> String {
    let shown: Vec<&str> = values.iter().take(at_most).map(AsRef::as_ref).collect();
    let shown = shown.join(", ");
    match values.len().saturating_sub(at_most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_the_first_values_and_the_number_of_the_others() {
        let values = ["a", "b", "c"];
        assert_eq!(first_of(&values, 3), "a, b, c");
        assert_eq!(first_of(&values, 1), "a and 2 more");
        assert_eq!(first_of::<&str>(&[], 1), "");
    }
}
