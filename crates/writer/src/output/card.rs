//! The card at OUTPUT, which people edit. The root metadata have the checksum of the card
//! that the program wrote; earlier versions had it in `SHA256SUMS`.

use std::collections::BTreeSet;

use rxrx_format::keys::{CARD, ROOT_METADATA, bytes_at_most};
use rxrx_format::{Checksums, Sha256Sum, parse_json};
use rxrx_metadata::excerpt;
use rxrx_storage::{Store, StoreError};
use sha2::{Digest, Sha256};

/// Lines of a difference that are shown.
const LINES_SHOWN: usize = 10;

/// Returns the card in `store`, if there is one.
pub(crate) fn card(store: &dyn Store) -> Result<Option<Vec<u8>>, StoreError> {
    store.get_at_most(CARD, bytes_at_most(CARD))
}

/// Whether the card in `store` is there and has another checksum than the recorded one.
/// `listed` are the checksums of `SHA256SUMS` there. Where nothing is recorded, a card that
/// is there counts as edited.
pub(crate) fn is_edited(store: &dyn Store, listed: &Checksums) -> Result<bool, StoreError> {
    let Some(card) = card(store)? else {
        return Ok(false);
    };
    let recorded = match listed.get(CARD) {
        Some(listed) => Some(*listed),
        None => checksum_in_root(store)?,
    };
    let actual: Sha256Sum = Sha256::digest(&card).into();
    Ok(recorded != Some(actual))
}

/// Returns the checksum of the card that the root metadata in `store` have.
fn checksum_in_root(store: &dyn Store) -> Result<Option<Sha256Sum>, StoreError> {
    let root = store.get_at_most(ROOT_METADATA, bytes_at_most(ROOT_METADATA))?;
    let recorded = root.and_then(|root| {
        let root = parse_json(&root).ok()?;
        let digits = root.pointer("/attributes/card_sha256")?.as_str()?;
        let mut checksum = Sha256Sum::default();
        hex::decode_to_slice(digits, &mut checksum).ok()?;
        Some(checksum)
    });
    Ok(recorded)
}

/// Returns the lines by which a new card differs from the one that stays, a part of each, one
/// a line.
pub(crate) fn card_changes(there: &[u8], new: &[u8]) -> String {
    let (there, new) = (String::from_utf8_lossy(there), String::from_utf8_lossy(new));
    let in_there: BTreeSet<&str> = there.lines().collect();
    let in_new: BTreeSet<&str> = new.lines().collect();
    let lost = there.lines().filter(|line| !in_new.contains(line));
    let added = new.lines().filter(|line| !in_there.contains(line));
    let changes = lost.map(|line| ('-', line));
    let changes = changes.chain(added.map(|line| ('+', line)));
    let changes: Vec<(char, &str)> = changes.filter(|(_, line)| !line.is_empty()).collect();
    if changes.is_empty() {
        return "(only the order of lines, or blank lines)".to_owned();
    }
    // The text of a user must not reach the terminal as it is.
    let shown = |(sign, line): &(char, &str)| format!("{sign} {}", excerpt(line).escape_debug());
    let shown: Vec<String> = changes.iter().take(LINES_SHOWN).map(shown).collect();
    let mut text = shown.join("\n");
    if changes.len() > LINES_SHOWN {
        text += &format!("\n… and {} more lines", changes.len() - LINES_SHOWN);
    }
    text
}

#[cfg(test)]
mod tests {
    use rxrx_storage::testing::Memory;

    use super::*;

    #[test]
    fn a_card_is_edited_if_its_checksum_is_in_neither_root_nor_list() {
        let store = Memory::new();
        let nothing = Checksums::new();
        assert!(!is_edited(&store, &nothing).unwrap());
        store.put(CARD, &[b"card"]).unwrap();
        assert!(is_edited(&store, &nothing).unwrap());
        let checksum: Sha256Sum = Sha256::digest(b"card").into();
        let root = format!(
            r#"{{"attributes": {{"card_sha256": "{}"}}}}"#,
            hex::encode(checksum)
        );
        store.put(ROOT_METADATA, &[root.as_bytes()]).unwrap();
        assert!(!is_edited(&store, &nothing).unwrap());
        store.put(CARD, &[b"mine"]).unwrap();
        assert!(is_edited(&store, &nothing).unwrap());
        let listed = Checksums::from([(CARD.to_owned(), Sha256::digest(b"mine").into())]);
        assert!(!is_edited(&store, &listed).unwrap());
    }

    #[test]
    fn the_lines_that_differ_are_told() {
        let changes = card_changes(b"a\nmine\nc\n", b"a\nnew\nc\n");
        assert_eq!(changes, "- mine\n+ new");
        let changes = card_changes(b"a\n\x1b[31mred\n", b"a\n");
        assert_eq!(changes, "- \\u{1b}[31mred");
        assert!(card_changes(b"a\nb\n", b"b\n\na\n").contains("only the order"));
        let long: Vec<String> = (0..30).map(|line| line.to_string()).collect();
        let changes = card_changes(b"", long.join("\n").as_bytes());
        assert!(changes.ends_with("+ 9\n… and 20 more lines"), "{changes}");
    }
}
