//! Wells of a plate: row letters and column number.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::number::whole_number;

/// A well of a plate of up to 1,536 wells: rows `A` to `AF`, columns 1 to 48.
///
/// Wells are ordered by row, then by column, so `Z01` < `AA01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Well {
    row: u8,
    column: u8,
}

/// Error for a text that is not a well. The caller knows the text and its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a well ({})", Well::EXPECTED)]
pub struct NotAWell;

const LETTERS: u8 = 26;

impl Well {
    /// Description of a well's form, for error messages.
    pub const EXPECTED: &str = "expected A01 to AF48";
    const ROWS: u8 = 32;
    const COLUMNS: u8 = 48;

    /// Reads a row, letters or a number from 1, and a column, a number from 1.
    pub(crate) fn of_row_and_column(row: &str, column: &str) -> Option<Self> {
        let column = u8::try_from(whole_number(column)?).ok()?;
        let row = match whole_number(row) {
            Some(number) => u8::try_from(number.checked_sub(1)?).ok()?,
            None => {
                format!("{}1", row.to_ascii_uppercase())
                    .parse::<Self>()
                    .ok()?
                    .row
            }
        };
        (row < Self::ROWS && (1..=Self::COLUMNS).contains(&column)).then_some(Self { row, column })
    }

    /// Row from the top, 0 (`A`) to 31 (`AF`).
    pub fn row(self) -> u8 {
        self.row
    }

    /// Column from the left, 1 to 48.
    pub fn column(self) -> u8 {
        self.column
    }
}

impl FromStr for Well {
    type Err = NotAWell;

    /// Reads `B02`, `AA02`, and `B2`, which some tables use.
    ///
    /// # Errors
    /// Any other text is an error. So is lower case: a table in lower case must
    /// be noticed rather than joined in part.
    fn from_str(text: &str) -> Result<Self, NotAWell> {
        let digits_at = text
            .find(|c: char| !c.is_ascii_uppercase())
            .ok_or(NotAWell)?;
        let (letters, digits) = text.split_at(digits_at);
        let row = match letters.as_bytes() {
            [one] => one - b'A',
            [b'A', two] => LETTERS + (two - b'A'),
            _ => return Err(NotAWell),
        };
        let column = match digits.as_bytes() {
            [one] => digit(*one)?,
            [ten, one] => 10 * digit(*ten)? + digit(*one)?,
            _ => return Err(NotAWell),
        };
        if row < Self::ROWS && (1..=Self::COLUMNS).contains(&column) {
            Ok(Self { row, column })
        } else {
            Err(NotAWell)
        }
    }
}

fn digit(byte: u8) -> Result<u8, NotAWell> {
    byte.is_ascii_digit().then(|| byte - b'0').ok_or(NotAWell)
}

impl fmt::Display for Well {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.row >= LETTERS {
            f.write_str("A")?;
        }
        let letter = char::from(b'A' + self.row % LETTERS);
        write!(f, "{letter}{:02}", self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_well_of_a_1536_plate_reads_back_in_order() {
        let mut names = Vec::new();
        for row in 0..32u8 {
            let letters = match row {
                0..26 => char::from(b'A' + row).to_string(),
                _ => format!("A{}", char::from(b'A' + row - 26)),
            };
            names.extend((1..=48).map(|column| format!("{letters}{column:02}")));
        }
        let wells: Vec<Well> = names.iter().map(|name| name.parse().unwrap()).collect();
        assert_eq!(wells.len(), 1536);
        assert!(wells.is_sorted());
        assert_eq!(wells.iter().map(Well::to_string).collect::<Vec<_>>(), names);
        assert_eq!((wells[1535].row(), wells[1535].column()), (31, 48));
    }

    #[test]
    fn column_may_lack_its_zero() {
        assert_eq!("B2".parse::<Well>(), "B02".parse());
        assert_eq!("AA2".parse::<Well>().unwrap().to_string(), "AA02");
    }

    #[test]
    fn rows_are_letters_or_numbers() {
        let well = |row, column| Well::of_row_and_column(row, column).map(|well| well.to_string());
        for (row, column, name) in [
            ("1", "1", "A01"),
            ("08", "012", "H12"),
            ("h", "9", "H09"),
            ("27", "48", "AA48"),
            ("aa", "48", "AA48"),
            ("32", "1", "AF01"),
        ] {
            assert_eq!(well(row, column).as_deref(), Some(name), "{row} {column}");
        }
        for (row, column) in [
            ("0", "1"),
            ("33", "1"),
            ("A", "0"),
            ("A", "49"),
            ("AG", "1"),
            ("", "1"),
        ] {
            assert_eq!(well(row, column), None, "{row} {column}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", "B", "02", "b02", "B00", "B0", "B49", "B002", "AG01", "BA01", "AAA01", "B+2",
            "B-1", " B02", "B02 ", "B0x", "Ä01", "B٢",
        ] {
            assert_eq!(text.parse::<Well>(), Err(NotAWell), "{text:?}");
        }
    }
}
