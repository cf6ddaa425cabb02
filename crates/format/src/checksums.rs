//! `SHA256SUMS`: the list that `sha256sum -c` reads, one line an object,
//! ordered by key.

use std::collections::BTreeMap;

/// SHA-256 of a stored object.
pub type Sha256Sum = [u8; 32];

/// The SHA-256 of each object except the list itself, by key.
pub type Checksums = BTreeMap<String, Sha256Sum>;

/// Writes the list.
pub fn checksum_list(checksums: &Checksums) -> String {
    let lines = checksums.iter();
    lines
        .map(|(key, sum)| format!("{}  {key}\n", hex::encode(sum)))
        .collect()
}

/// Parses the list.
///
/// # Errors
/// The number of the first line, from 1, that is not `checksum  key`.
pub fn parse_checksums(list: &str) -> Result<Checksums, usize> {
    let lines = list.lines().enumerate();
    lines
        .map(|(number, line)| parse_line(line).ok_or(number + 1))
        .collect()
}

/// Parses key and checksum of a line; hexadecimal digits may be capitals.
pub fn parse_line(line: &str) -> Option<(String, Sha256Sum)> {
    let (digits, key) = line.split_once("  ")?;
    let mut checksum = Sha256Sum::default();
    hex::decode_to_slice(digits, &mut checksum).ok()?;
    Some((key.to_owned(), checksum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let sums = Checksums::from([
            ("a b/c".to_owned(), [0xab; 32]),
            ("README.md".to_owned(), [7; 32]),
        ]);
        let list = checksum_list(&sums);
        assert_eq!(
            list.lines().next().unwrap(),
            format!("{}  README.md", "07".repeat(32))
        );
        assert_eq!(parse_checksums(&list), Ok(sums));
        assert_eq!(parse_checksums(""), Ok(Checksums::new()));
        for (broken, line) in [("x", 1), (&list[..list.len() - 12], 2), (&list[1..], 1)] {
            assert_eq!(parse_checksums(broken), Err(line), "{broken}");
        }
    }
}
