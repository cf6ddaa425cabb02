//! The digest that is equal for equal metadata tables.

use rxrx_metadata::{Column, ColumnValues, MetadataTable};
use sha2::{Digest, Sha256};

use crate::checksums::Sha256Sum;

/// Computes the SHA-256 of a table's columns: names, types and every value, each after its
/// length, so that two different tables never give the same bytes.
pub fn table_sha256(table: &MetadataTable) -> Sha256Sum {
    let mut hasher = Sha256::new();
    hasher.update((table.len() as u64).to_le_bytes());
    for column in table.columns() {
        add_column(&mut hasher, column);
    }
    hasher.finalize().into()
}

fn add_column(hasher: &mut Sha256, column: &Column) {
    let mut add = |kind: u8, bytes: &[u8]| {
        hasher.update([kind]);
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    add(b'c', column.name.as_bytes());
    match &column.values {
        ColumnValues::Integer(values) => values.iter().for_each(|value| match value {
            Some(value) => add(b'i', &value.to_le_bytes()),
            None => add(b'n', &[]),
        }),
        ColumnValues::Float(values) => values.iter().for_each(|value| match value {
            Some(value) => add(b'f', &value.to_bits().to_le_bytes()),
            None => add(b'n', &[]),
        }),
        ColumnValues::String(values) => values.iter().for_each(|value| match value {
            Some(value) => add(b's', value.as_bytes()),
            None => add(b'n', &[]),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> MetadataTable {
        MetadataTable::read("metadata.csv", text.as_bytes()).unwrap()
    }

    #[test]
    fn every_value_of_the_table_counts() {
        let text = "experiment,plate,well,site,dose,note\nE-1,1,B02,1,0.5,ab\nE-1,1,B02,2,,c\n";
        let sum = table_sha256(&table(text));
        assert_eq!(table_sha256(&table(text)), sum);
        for (from, to) in [
            ("0.5", "0.25"),
            ("dose", "Dose"),
            ("ab", "a"),
            (",ab\nE-1,1,B02,2,,c", ",a\nE-1,1,B02,2,,bc"),
            (",,c", ",0.5,c"),
            ("B02,2", "B03,2"),
        ] {
            let other = text.replace(from, to);
            assert_ne!(other, text);
            assert_ne!(table_sha256(&table(&other)), sum, "{other}");
        }
    }
}
