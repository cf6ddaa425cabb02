//! The cells of a column of whole numbers, stored in few bytes.

use std::collections::HashMap;
use std::fmt;

/// Whole numbers and blank cells. A collected column whose cells repeat, such as
/// plates or treatments, stores each distinct value once.
///
/// Its type is 32 bits wide if all cells fit when it is collected, else 64 bits. Rows that
/// are left out later do not change it.
#[derive(Clone, Default)]
pub struct Integers {
    /// The distinct values if there are `positions`; else the cells.
    values: Vec<Option<i64>>,
    /// Position in `values` of each cell; `None` if `values` are the cells.
    positions: Option<Vec<u16>>,
    /// Whether the type of the column is 64 bits wide.
    is_wide: bool,
}

impl Integers {
    /// A column without rows, whose type is 64 bits wide if `is_wide`.
    pub fn empty(is_wide: bool) -> Self {
        Self {
            is_wide,
            ..Self::default()
        }
    }

    /// Whether the type of the column is 64 bits wide, not 32.
    pub fn is_wide(&self) -> bool {
        self.is_wide
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.positions.as_ref().map_or(self.values.len(), Vec::len)
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the cell of a row; `None` if it is blank or there is no such row.
    pub fn get(&self, row: usize) -> Option<i64> {
        let position = match &self.positions {
            Some(positions) => usize::from(*positions.get(row)?),
            None => row,
        };
        self.values.get(position).copied().flatten()
    }

    /// Iterates over the cells; `None` for blank ones.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<i64>> + Clone {
        (0..self.len()).map(|row| self.get(row))
    }

    /// Returns equal cells that store each distinct value once; `None` if that
    /// would take hardly less memory.
    fn shared(&self) -> Option<Self> {
        let mut values = Vec::new();
        let mut known = HashMap::new();
        let mut positions = Vec::with_capacity(self.len());
        for value in &self.values {
            let position = match known.get(value) {
                Some(&position) => position,
                None if values.len() * 2 >= self.len() => return None,
                None => {
                    let position = u16::try_from(values.len()).ok()?;
                    values.push(*value);
                    known.insert(*value, position);
                    position
                }
            };
            positions.push(position);
        }
        values.shrink_to_fit();
        Some(Self {
            values,
            positions: Some(positions),
            is_wide: self.is_wide,
        })
    }

    /// Keeps the given rows, which must ascend.
    pub fn retain_rows(&mut self, rows: &[usize]) {
        let is_wide = self.is_wide;
        *self = rows.iter().map(|&row| self.get(row)).collect();
        self.is_wide = is_wide;
    }
}

impl PartialEq for Integers {
    fn eq(&self, other: &Self) -> bool {
        self.is_wide == other.is_wide && self.iter().eq(other.iter())
    }
}

impl Eq for Integers {}

impl Extend<Option<i64>> for Integers {
    fn extend<I: IntoIterator<Item = Option<i64>>>(&mut self, cells: I) {
        if self.positions.is_some() {
            *self = Self {
                values: self.iter().collect(),
                positions: None,
                is_wide: self.is_wide,
            };
        }
        let first = self.values.len();
        self.values.extend(cells);
        self.is_wide |= needs_wide(self.values.iter().skip(first));
    }
}

impl FromIterator<Option<i64>> for Integers {
    fn from_iter<I: IntoIterator<Item = Option<i64>>>(cells: I) -> Self {
        let mut integers = Self {
            values: cells.into_iter().collect(),
            positions: None,
            is_wide: false,
        };
        integers.is_wide = needs_wide(integers.values.iter());
        if let Some(shared) = integers.shared() {
            return shared;
        }
        integers.values.shrink_to_fit();
        integers
    }
}

/// Whether a cell does not fit 32 bits.
fn needs_wide<'a>(mut cells: impl Iterator<Item = &'a Option<i64>>) -> bool {
    cells.any(|cell| cell.is_some_and(|value| i32::try_from(value).is_err()))
}

impl fmt::Debug for Integers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_returned_unaltered() {
        let own = [Some(i64::MIN), None, Some(0), Some(i64::MAX)];
        let repeated = [Some(1138), None, Some(-7)].map(|cell| [cell; 100]);
        for (cells, is_shared) in [(own.as_slice(), false), (repeated.as_flattened(), true)] {
            let mut integers: Integers = cells.iter().copied().collect();
            assert_eq!(integers.positions.is_some(), is_shared);
            assert_eq!((integers.len(), integers.is_empty()), (cells.len(), false));
            assert!(integers.iter().eq(cells.iter().copied()));
            assert_eq!(
                (integers.get(0), integers.get(cells.len())),
                (cells[0], None)
            );
            // Equality does not depend on how the cells are stored.
            let mut collected = Integers::default();
            collected.extend(cells.iter().copied());
            assert!(collected.positions.is_none() && collected == integers);

            integers.extend([None, Some(3)]);
            assert_eq!(integers.len(), cells.len() + 2);
            assert!(integers.iter().take(cells.len()).eq(cells.iter().copied()));
            assert_eq!(integers.get(cells.len() + 1), Some(3));
            integers.retain_rows(&[1, cells.len() + 1]);
            assert_eq!(
                format!("{integers:?}"),
                format!("{:?}", [cells[1], Some(3)])
            );
        }
    }

    #[test]
    fn the_type_is_that_of_all_cells_whatever_rows_are_left() {
        let wide = 1 << 31;
        for (cells, is_wide) in [
            ([Some(i64::from(i32::MIN)), None, Some(wide - 1)], false),
            ([Some(i64::from(i32::MIN) - 1), None, Some(0)], true),
            ([Some(0), None, Some(wide)], true),
        ] {
            let mut integers: Integers = cells.into_iter().collect();
            assert_eq!(integers.is_wide(), is_wide, "{cells:?}");
            integers.retain_rows(&[1]);
            assert_eq!(integers.is_wide(), is_wide, "{cells:?}");
            assert_eq!(integers == [None].into_iter().collect(), !is_wide);
        }
        let mut read = Integers::empty(false);
        read.extend([Some(wide)]);
        assert!(read.is_wide() && Integers::empty(true).is_wide());
    }

    #[test]
    fn more_distinct_values_than_positions_are_stored_one_by_one() {
        for (distinct, is_shared) in [(1 << 16, true), ((1 << 16) + 1, false)] {
            let cells = (0..2 * distinct).map(|row| Some(row % distinct));
            let integers: Integers = cells.clone().collect();
            assert_eq!(integers.positions.is_some(), is_shared);
            assert!(integers.iter().eq(cells));
        }
    }
}
