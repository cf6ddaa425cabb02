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
