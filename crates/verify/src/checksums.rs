//! Comparison of `SHA256SUMS` with the objects.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, OnceLock, PoisonError};

use rxrx_format::keys::CHECKSUMS;
use rxrx_format::{Sha256Sum, checksum_list, parse_line};
use rxrx_reader::consistency::{FindingKind, Findings};

/// Largest number of hexadecimal digits that differ between a damaged line and the
/// checksum of its object, which is then intact. One changed bit of an object changes
/// about 60 of the 64 digits; one changed bit of the list changes one.
const DIGITS_OF_DAMAGE: usize = 8;

/// The list of checksums, and the list that it should be.
#[derive(Debug)]
pub(super) struct Checksums {
    /// The object as it is; `None` when it is not there.
    text: Option<Vec<u8>>,
    lines: BTreeMap<String, Sha256Sum>,
    /// The list as it should be; for a damaged object, with the listed checksum.
    expected: Mutex<BTreeMap<String, Sha256Sum>>,
    /// Checksums of objects that the list does not name.
    unlisted: Mutex<HashSet<Sha256Sum>>,
    /// All that may be a checksum anywhere in the list, found when it is first needed.
    anywhere: OnceLock<HashSet<Sha256Sum>>,
}

impl Checksums {
    pub(super) fn new(text: Option<Vec<u8>>) -> Self {
        // A line that cannot be parsed is found when the list is written anew.
        let lines = text.iter().flat_map(|text| text.split(is_end));
        let lines = lines
            .filter_map(|line| parse_line(std::str::from_utf8(line).ok()?))
            .collect();
        Self {
            text,
            lines,
            expected: Mutex::default(),
            unlisted: Mutex::default(),
            anywhere: OnceLock::new(),
        }
    }

    /// Returns whether a line names that object.
    pub(super) fn lists(&self, key: &str) -> bool {
        self.lines.contains_key(key)
    }

    /// The keys that lines name.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.lines.keys().map(String::as_str)
    }

    /// Returns whether the list has no line.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Compares the checksum of an object that was read. Returns whether the object
    /// is intact.
    pub(super) fn check(&self, key: &str, actual: Sha256Sum, findings: &Findings) -> bool {
        let digits = hex::encode(actual);
        let Some(&listed) = self.lines.get(key) else {
            if let Some(text) = &self.text {
                let anywhere = self.anywhere.get_or_init(|| checksums_anywhere(text));
                let what = if anywhere.contains(&actual) {
                    FindingKind::Damaged
                } else {
                    FindingKind::Mismatch
                };
                findings.object(what, CHECKSUMS, format!("it does not list {key}"));
            }
            lock(&self.unlisted).insert(actual);
            return true;
        };
        if listed == actual {
            lock(&self.expected).insert(key.to_owned(), actual);
            return true;
        }
        let listed_digits = hex::encode(listed);
        let pairs = listed_digits.bytes().zip(digits.bytes());
        let differing = pairs.filter(|(listed, actual)| listed != actual).count();
        if differing <= DIGITS_OF_DAMAGE {
            let text = format!(
                "the line of {key}: {differing} of 64 digits differ from the object's SHA-256, \
                 so that the line is damaged and not the object"
            );
            findings.object(FindingKind::Damaged, CHECKSUMS, text);
            lock(&self.expected).insert(key.to_owned(), actual);
            return true;
        }
        let text = format!("SHA-256 is {digits}, {CHECKSUMS} says {listed_digits}");
        findings.object(FindingKind::Damaged, key, text);
        lock(&self.expected).insert(key.to_owned(), listed);
        false
    }

    /// Accepts the line of an object that was not read because of another finding.
    pub(super) fn accept(&self, key: &str) {
        if let Some(&listed) = self.lines.get(key) {
            lock(&self.expected).insert(key.to_owned(), listed);
        }
    }

    /// Returns the objects that are listed and do not exist.
    pub(super) fn missing(&self, is_there: impl Fn(&str) -> bool) -> Vec<String> {
        let unlisted = lock(&self.unlisted);
        let absent = self.lines.iter().filter(|(key, _)| !is_there(key));
        // Where only the name is damaged, the object is there by its own name.
        let absent = absent.filter(|(_, listed)| !unlisted.contains(*listed));
        absent.map(|(key, _)| key.clone()).collect()
    }

    /// Writes the list anew and compares it byte for byte: there is only one way to
    /// write it. Must be called after all other checks.
    pub(super) fn check_text(&self, findings: &Findings) {
        let Some(text) = &self.text else {
            findings.object(FindingKind::Missing, CHECKSUMS, "it is not there");
            return;
        };
        let expected = checksum_list(&lock(&self.expected));
        if expected.as_bytes() == text || findings.concern(CHECKSUMS) {
            return;
        }
        let (expected, found) = (expected.as_bytes().split(is_end), text.split(is_end));
        let same = expected.zip(found).take_while(|(a, b)| a == b).count();
        let text = format!("line {} is not as it was written", same + 1);
        findings.object(FindingKind::Damaged, CHECKSUMS, text);
    }
}

/// Returns all that may be a checksum in a damaged list: the first and the last 64 of
/// hexadecimal digits in a row. What stands beside a checksum is no digit, unless one of
/// the two is damaged.
fn checksums_anywhere(text: &[u8]) -> HashSet<Sha256Sum> {
    let runs = text.split(|byte| !byte.is_ascii_hexdigit());
    let ends = runs.flat_map(|run| [run.first_chunk::<64>(), run.last_chunk::<64>()]);
    let decoded = ends.flatten().filter_map(|digits| {
        let mut checksum = Sha256Sum::default();
        hex::decode_to_slice(digits, &mut checksum).ok()?;
        Some(checksum)
    });
    decoded.collect()
}

fn is_end(byte: &u8) -> bool {
    *byte == b'\n'
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn objects() -> BTreeMap<String, Sha256Sum> {
        let keys = ["README.md", "a/zarr.json", "b"].map(str::to_owned);
        keys.into_iter()
            .map(|key| (key.clone(), Sha256::digest(key).into()))
            .collect()
    }

    /// What is found when the list is `text` and all objects are whole.
    fn found(text: Vec<u8>) -> BTreeMap<String, rxrx_reader::consistency::ObjectFindings> {
        let findings = Findings::default();
        let sums = Checksums::new(Some(text));
        for (key, checksum) in objects() {
            assert!(sums.check(&key, checksum, &findings));
        }
        for key in sums.missing(|key| objects().contains_key(key)) {
            findings.object(FindingKind::Missing, &key, "");
        }
        sums.check_text(&findings);
        findings.into_found().objects
    }

    #[test]
    fn a_whole_list_is_not_worth_mentioning() {
        assert!(found(checksum_list(&objects()).into_bytes()).is_empty());
    }

    #[test]
    fn every_flipped_bit_of_the_list_is_blamed_on_the_list_alone() {
        let whole = checksum_list(&objects()).into_bytes();
        for bit in 0..whole.len() * 8 {
            let mut text = whole.clone();
            text[bit / 8] ^= 1 << (bit % 8);
            let shown = String::from_utf8_lossy(&text).into_owned();
            let found = found(text);
            let objects: Vec<&String> = found.keys().collect();
            assert_eq!(objects, [CHECKSUMS], "{shown}\n{found:#?}");
        }
    }

    /// Reading the list again for each object would take hours.
    #[test]
    fn a_long_list_is_searched_once_for_many_unlisted_objects() {
        let mut text = vec![b'x'; 16 << 20];
        text.extend(checksum_list(&objects()).to_ascii_uppercase().bytes());
        let findings = Findings::default();
        let sums = Checksums::new(Some(text));
        for number in 0..100_000_u32 {
            let checksum = Sha256::digest(number.to_le_bytes()).into();
            assert!(sums.check("unlisted", checksum, &findings));
        }
        for (_, checksum) in objects() {
            assert!(sums.check("damaged", checksum, &findings));
        }
        let kinds = findings.into_found().kinds;
        assert_eq!(kinds[&FindingKind::Mismatch], 100_000);
        assert_eq!(kinds[&FindingKind::Damaged], objects().len());
    }

    #[test]
    fn another_order_or_a_line_twice_is_noticed() {
        let whole = checksum_list(&objects());
        let mut lines: Vec<&str> = whole.lines().collect();
        lines.swap(0, 1);
        assert_eq!(found(lines.join("\n").into_bytes()).len(), 1);
        assert_eq!(found([whole.clone(), whole].concat().into_bytes()).len(), 1);
    }

    #[test]
    fn a_changed_object_is_blamed_itself() {
        let findings = Findings::default();
        let sums = Checksums::new(Some(checksum_list(&objects()).into_bytes()));
        for (key, checksum) in objects() {
            let other = Sha256::digest("other").into();
            let whole = key != "b";
            let actual = if whole { checksum } else { other };
            assert_eq!(sums.check(&key, actual, &findings), whole);
        }
        sums.check_text(&findings);
        let found = findings.into_found().objects;
        assert_eq!(found.keys().collect::<Vec<_>>(), ["b"]);
    }
}
