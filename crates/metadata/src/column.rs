//! Columns of the table and the types of their values.

use rxrx_tables::{Integers, Texts, is_blank};

/// One column of the table, its cells in array order.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Name in the header.
    pub name: String,
    /// One value a row.
    pub values: ColumnValues,
}

/// The values of a column; a blank cell is `None`.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnValues {
    /// Every cell that is not blank is a whole number as a program writes it.
    Integer(Integers),
    /// Every cell that is not blank is a number.
    Float(Vec<Option<f64>>),
    /// The unaltered text of each cell of any other column.
    String(Texts),
}

/// Largest number up to which a float can hold every whole number.
const LARGEST_EXACT: u64 = 1 << 53;

impl ColumnValues {
    /// Chooses the type of a column by its cells. The type must keep every value:
    /// a cell that a number would not give back makes the column text.
    ///
    /// - Integer: each cell is the canonical text of an `i64`, which `007` is not. Or some
    ///   cells are blank, and all others are whole numbers up to 2^53 with `.0` behind
    ///   them: so pandas saves a column of whole numbers in which it found a blank.
    /// - Float: each cell is a number; whole ones are canonical and at most 2^53.
    ///   At least one cell is a finite number, not `NaN` or `inf`.
    pub(crate) fn infer<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> Self {
        let filled = cells.clone().filter(|cell| !is_blank(cell));
        if filled.clone().next().is_none() {
            return Self::String(cells.map(|_| None::<&str>).collect());
        }
        if filled.clone().all(|cell| integer(cell).is_some()) {
            return Self::Integer(cells.map(integer).collect());
        }
        if cells.clone().any(is_blank) && filled.clone().all(|cell| whole(cell).is_some()) {
            return Self::Integer(cells.map(|cell| whole(cell).and_then(integer)).collect());
        }
        // Checked in this order because the first cell that is text ends it.
        let mut numbers = filled.map(float);
        if numbers.clone().all(|number| number.is_some())
            && numbers.any(|number| number.is_some_and(f64::is_finite))
        {
            return Self::Float(cells.map(float).collect());
        }
        Self::text(cells)
    }

    /// Makes a text column, whatever its cells look like.
    pub(crate) fn text<'a>(cells: impl Iterator<Item = &'a str>) -> Self {
        Self::String(
            cells
                .map(|cell| (!is_blank(cell)).then_some(cell))
                .collect(),
        )
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Integer(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::String(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps the given rows, which must ascend.
    pub(crate) fn retain_rows(&mut self, rows: &[usize]) {
        match self {
            Self::Integer(values) => values.retain_rows(rows),
            Self::Float(values) => retain_rows(values, rows),
            Self::String(values) => values.retain_rows(rows),
        }
    }
}

/// Keeps the elements at `rows`, which must ascend, in place.
pub(crate) fn retain_rows<T>(values: &mut Vec<T>, rows: &[usize]) {
    let mut kept = rows.iter().copied().peekable();
    let mut row = 0;
    values.retain(|_| {
        let keep = kept.next_if_eq(&row).is_some();
        row += 1;
        keep
    });
}

/// Reads a whole number; `None` if `cell` is not its canonical text.
fn integer(cell: &str) -> Option<i64> {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let canonical = match digits.as_bytes() {
        [b'0'] => digits.len() == cell.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical { cell.parse().ok() } else { None }
}

/// Returns the digits of a whole number that has `.0` behind it, as programs write one that
/// they hold as a float; `None` for any other text.
pub(crate) fn whole(cell: &str) -> Option<&str> {
    let digits = cell.strip_suffix(".0")?;
    let number = integer(digits)?;
    (number.unsigned_abs() <= LARGEST_EXACT).then_some(digits)
}

/// Reads a number; `None` if a float would not keep its value.
fn float(cell: &str) -> Option<f64> {
    let unsigned = cell.strip_prefix(['-', '+']).unwrap_or(cell);
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        let whole = integer(cell)?;
        if whole.unsigned_abs() > LARGEST_EXACT {
            return None;
        }
    }
    let number: f64 = cell.parse().ok()?;
    // `1e999` is read as infinity; only `inf` may mean that.
    let spelled_out = unsigned.starts_with(|c: char| c.is_ascii_alphabetic());
    (number.is_finite() || spelled_out).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ColumnValues::{Float, Integer, String as Text};

    fn infer(cells: &[&str]) -> ColumnValues {
        ColumnValues::infer(cells.iter().copied())
    }

    fn text(cells: &[&str]) -> ColumnValues {
        Text(cells.iter().map(Some).collect())
    }

    #[test]
    fn canonical_whole_numbers_are_integers() {
        assert_eq!(
            infer(&["1", "", "-20", "0"]),
            Integer([Some(1), None, Some(-20), Some(0)].into_iter().collect())
        );
        let extremes = [i64::MIN.to_string(), i64::MAX.to_string()];
        let extremes = [extremes[0].as_str(), extremes[1].as_str()];
        assert_eq!(
            infer(&extremes),
            Integer([Some(i64::MIN), Some(i64::MAX)].into_iter().collect())
        );
    }

    #[test]
    fn whole_numbers_that_pandas_saved_beside_blanks_are_integers() {
        assert_eq!(
            infer(&["1138.0", "", "-7.0", "0.0"]),
            Integer([Some(1138), None, Some(-7), Some(0)].into_iter().collect())
        );
        // Without a blank, pandas held floats.
        assert_eq!(infer(&["1.0", "2.0"]), Float(vec![Some(1.0), Some(2.0)]));
        assert_eq!(
            infer(&["1.0", "", "0.5"]),
            Float(vec![Some(1.0), None, Some(0.5)])
        );
        assert_eq!(
            infer(&["9007199254740992.0", ""]),
            Integer([Some(1 << 53), None].into_iter().collect())
        );
        for other in ["9007199254740993.0", "01.0", "+1.0", "-0.0", "1.00"] {
            assert!(!matches!(infer(&["1.0", "", other]), Integer(_)), "{other}");
        }
    }

    #[test]
    fn columns_of_numbers_are_floats() {
        assert_eq!(
            infer(&["1", " ", "0.5", "-2e3"]),
            Float(vec![Some(1.0), None, Some(0.5), Some(-2000.0)])
        );
        assert_eq!(
            infer(&["9007199254740992", "0.5"]),
            Float(vec![Some(9007199254740992.0), Some(0.5)])
        );
        let Float(values) = infer(&["NaN", "1.5", "-inf"]) else {
            panic!("not floats")
        };
        assert!(values[0].unwrap().is_nan());
        assert_eq!(values[2], Some(f64::NEG_INFINITY));
    }

    #[test]
    fn cells_that_a_number_would_alter_stay_text() {
        for cells in [
            ["007", "1"],
            ["+1", "2"],
            ["-0", "1"],
            ["9223372036854775808", "1"],
            ["9007199254740993", "0.5"],
            ["007", "0.5"],
            ["1e999", "0.5"],
            ["NaN", "inf"],
            ["1", "x"],
            [" 1", "2"],
            ["s28745", "EMPTY"],
        ] {
            assert_eq!(infer(&cells), text(&cells), "{cells:?}");
        }
    }

    #[test]
    fn a_column_of_blank_cells_is_text() {
        let blank = [None::<&str>; 2];
        assert_eq!(infer(&["", " "]), Text(blank.into_iter().collect()));
    }

    #[test]
    fn rows_are_retained_in_place() {
        let mut values = infer(&["a", "b", "c", "d"]);
        values.retain_rows(&[1, 3]);
        assert_eq!(values, text(&["b", "d"]));
    }
}
