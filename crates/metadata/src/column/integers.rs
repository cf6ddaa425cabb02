//! The cells of a column of whole numbers, in few bytes.

use std::collections::HashMap;
use std::fmt;

/// Whole numbers and blank cells. Of a collected column whose cells repeat, as those
/// of plates and treatments do, each is there once.
#[derive(Clone, Default)]
pub struct Integers {
    /// Distinct where there are `numbers`.
    values: Vec<Option<i64>>,
    /// The place of each cell's value; `None` where each cell has its own.
    places: Option<Vec<u16>>,
}

impl Integers {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.places.as_ref().map_or(self.values.len(), Vec::len)
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cell of a row; `None` where it is blank, or there is no such row.
    pub fn get(&self, row: usize) -> Option<i64> {
        let place = match &self.places {
            Some(places) => usize::from(*places.get(row)?),
            None => row,
        };
        self.values.get(place).copied().flatten()
    }

    /// The cells; `None` for blank ones.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<i64>> + Clone {
        (0..self.len()).map(|row| self.get(row))
    }

    /// The places of the same cells among distinct ones; `None` where that would
    /// hardly be shorter.
    fn shared(&self) -> Option<Self> {
        let mut values = Vec::new();
        let mut known = HashMap::new();
        let mut places = Vec::with_capacity(self.len());
        for value in &self.values {
            let place = match known.get(value) {
                Some(&place) => place,
                None if values.len() * 2 >= self.len() => return None,
                None => {
                    let place = u16::try_from(values.len()).ok()?;
                    values.push(*value);
                    known.insert(*value, place);
                    place
                }
            };
            places.push(place);
        }
        values.shrink_to_fit();
        let places = Some(places);
        Some(Self { values, places })
    }

    /// Keeps the given rows, which must ascend.
    pub(super) fn retain_rows(&mut self, rows: &[usize]) {
        *self = rows.iter().map(|&row| self.get(row)).collect();
    }
}

impl PartialEq for Integers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Integers {}

impl Extend<Option<i64>> for Integers {
    fn extend<I: IntoIterator<Item = Option<i64>>>(&mut self, cells: I) {
        if self.places.is_some() {
            *self = Self {
                values: self.iter().collect(),
                places: None,
            };
        }
        self.values.extend(cells);
    }
}

impl FromIterator<Option<i64>> for Integers {
    fn from_iter<I: IntoIterator<Item = Option<i64>>>(cells: I) -> Self {
        let mut integers = Self {
            values: cells.into_iter().collect(),
            places: None,
        };
        if let Some(shared) = integers.shared() {
            return shared;
        }
        integers.values.shrink_to_fit();
        integers
    }
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
    fn cells_are_given_back_as_they_were() {
        let own = [Some(i64::MIN), None, Some(0), Some(i64::MAX)];
        let repeated = [Some(1138), None, Some(-7)].map(|cell| [cell; 100]);
        for (cells, is_shared) in [(own.as_slice(), false), (repeated.as_flattened(), true)] {
            let mut integers: Integers = cells.iter().copied().collect();
            assert_eq!(integers.places.is_some(), is_shared);
            assert_eq!((integers.len(), integers.is_empty()), (cells.len(), false));
            assert!(integers.iter().eq(cells.iter().copied()));
            assert_eq!(
                (integers.get(0), integers.get(cells.len())),
                (cells[0], None)
            );
            // Equal cells are equal however they are kept.
            let mut collected = Integers::default();
            collected.extend(cells.iter().copied());
            assert!(collected.places.is_none() && collected == integers);

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
    fn more_values_than_have_a_place_are_kept_one_by_one() {
        for (distinct, is_shared) in [(1 << 16, true), ((1 << 16) + 1, false)] {
            let cells = (0..2 * distinct).map(|row| Some(row % distinct));
            let integers: Integers = cells.clone().collect();
            assert_eq!(integers.places.is_some(), is_shared);
            assert!(integers.iter().eq(cells));
        }
    }
}
