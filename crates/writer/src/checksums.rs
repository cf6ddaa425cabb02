//! `SHA256SUMS`: the list that `sha256sum -c` reads, one line an object,
//! ordered by key.

use std::collections::BTreeMap;

use crate::record::Sha256Sum;

/// Key of the list.
pub(crate) const CHECKSUMS: &str = "SHA256SUMS";

/// The SHA-256 of each object but the list itself.
pub(crate) type Checksums = BTreeMap<String, Sha256Sum>;

/// Writes the list.
pub(crate) fn checksum_list(checksums: &Checksums) -> String {
    let lines = checksums.iter();
    lines
        .map(|(key, sum)| format!("{}  {key}\n", hex::encode(sum)))
        .collect()
}

/// Reads the list; the number of the first line, from 1, that is none of ours.
pub(crate) fn parse_checksums(list: &str) -> Result<Checksums, usize> {
    let line = |(number, line): (usize, &str)| {
        let (sum, key) = line.split_once("  ").ok_or(number + 1)?;
        let mut checksum = Sha256Sum::default();
        hex::decode_to_slice(sum, &mut checksum).map_err(|_| number + 1)?;
        Ok((key.to_owned(), checksum))
    };
    list.lines().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
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
