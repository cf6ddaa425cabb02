//! The cells of a text column, stored in few bytes.

use std::collections::HashMap;
use std::fmt;

/// Texts in one allocation: a `String` for each would take several times the bytes
/// of short cells. A collected column whose cells repeat stores each distinct text
/// once. A blank cell is the empty text, and no other cell is empty.
///
/// All texts together have less than 4 GiB, which the limits on tables ensure; a
/// cell beyond that is blank.
#[derive(Clone, Default)]
pub struct Texts {
    text: String,
    /// End of each text in `text`.
    ends: Vec<u32>,
    /// Number of each cell's text; `None` if each cell has its own.
    numbers: Option<Vec<u16>>,
}

impl Texts {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.numbers.as_ref().map_or(self.ends.len(), Vec::len)
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the cell of a row; `None` if it is blank or there is no such row.
    pub fn get(&self, row: usize) -> Option<&str> {
        Some(self.cell(row)).filter(|cell| !cell.is_empty())
    }

    /// Bytes of the texts as they are stored.
    pub(crate) fn text_bytes(&self) -> u64 {
        self.text.len() as u64
    }

    /// Bytes of the texts of all cells, each counted.
    pub(crate) fn cell_bytes(&self) -> u64 {
        match &self.numbers {
            Some(_) => self.cells().map(|cell| cell.len() as u64).sum(),
            None => self.text_bytes(),
        }
    }

    /// Iterates over the cells; `None` for blank ones.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&str>> + Clone {
        (0..self.len()).map(|row| self.get(row))
    }

    /// Iterates over the cells; blank ones are empty.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        (0..self.len()).map(|row| self.cell(row))
    }

    /// Returns the cell of a row; empty if it is blank or there is no such row.
    pub fn cell(&self, row: usize) -> &str {
        let number = match &self.numbers {
            Some(numbers) => numbers.get(row).map(|&number| usize::from(number)),
            None => Some(row),
        };
        number.map_or("", |number| self.text(number))
    }

    /// Returns the text of a number; empty if there is no such text.
    fn text(&self, number: usize) -> &str {
        let end_of = |number: usize| self.ends.get(number).map_or(0, |&end| end as usize);
        let (start, end) = (number.checked_sub(1).map_or(0, end_of), end_of(number));
        self.text.get(start..end).unwrap_or("")
    }

    /// Appends a cell.
    pub fn push(&mut self, cell: &str) {
        if self.numbers.is_some() {
            let mut own = Self::default();
            self.cells().for_each(|cell| own.push(cell));
            *self = own;
        }
        let before = self.ends.last().copied().unwrap_or(0);
        let end = u32::try_from(self.text.len().saturating_add(cell.len()));
        if end.is_ok() {
            self.text.push_str(cell);
        }
        self.ends.push(end.unwrap_or(before));
    }

    /// Returns equal cells that store each distinct text once; `None` if that would
    /// take hardly less memory.
    fn shared(&self) -> Option<Self> {
        let mut texts = Self::default();
        let mut known = HashMap::new();
        let mut numbers: Vec<u16> = Vec::with_capacity(self.len());
        let mut last = None;
        for cell in self.cells() {
            let number = match last {
                Some((text, number)) if text == cell => number,
                _ => match known.get(cell) {
                    Some(&number) => number,
                    None if texts.len() * 2 >= self.len() => return None,
                    None => {
                        let number = u16::try_from(texts.len()).ok()?;
                        texts.push(cell);
                        known.insert(cell, number);
                        number
                    }
                },
            };
            last = Some((cell, number));
            numbers.push(number);
        }
        texts.numbers = Some(numbers);
        Some(texts)
    }

    /// Keeps the given rows, which must ascend.
    pub fn retain_rows(&mut self, rows: &[usize]) {
        *self = rows.iter().map(|&row| self.get(row)).collect();
    }
}

impl PartialEq for Texts {
    fn eq(&self, other: &Self) -> bool {
        self.cells().eq(other.cells())
    }
}

impl Eq for Texts {}

impl<S: AsRef<str>> Extend<Option<S>> for Texts {
    fn extend<I: IntoIterator<Item = Option<S>>>(&mut self, cells: I) {
        for cell in cells {
            self.push(cell.as_ref().map_or("", AsRef::as_ref));
        }
    }
}

impl<S: AsRef<str>> FromIterator<Option<S>> for Texts {
    fn from_iter<I: IntoIterator<Item = Option<S>>>(cells: I) -> Self {
        let mut texts = Self::default();
        texts.extend(cells);
        if let Some(shared) = texts.shared() {
            texts = shared;
        }
        texts.text.shrink_to_fit();
        texts.ends.shrink_to_fit();
        texts
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_returned_unaltered() {
        let cells = [Some("B02"), None, Some("ß"), Some(" "), None];
        let mut texts: Texts = cells.into_iter().collect();
        assert_eq!(texts.len(), 5);
        assert!(texts.iter().eq(cells));
        assert_eq!(
            (texts.get(2), texts.get(4), texts.get(5)),
            (Some("ß"), None, None)
        );
        assert_eq!(
            format!("{texts:?}"),
            r#"[Some("B02"), None, Some("ß"), Some(" "), None]"#
        );
        texts.retain_rows(&[1, 2, 3]);
        assert!(texts.iter().eq([None, Some("ß"), Some(" ")]));
        // The empty text is a blank cell.
        texts.extend([Some(""), Some("x")]);
        assert_eq!((texts.get(3), texts.get(4)), (None, Some("x")));
        assert!(Texts::default().is_empty());
    }

    #[test]
    fn cells_that_repeat_share_their_text() {
        let cells = [Some("treatment"), None, Some("control")].map(|cell| [cell; 100]);
        let cells = cells.as_flattened();
        let mut texts: Texts = cells.iter().copied().collect();
        assert_eq!(texts.text.len(), "treatmentcontrol".len());
        assert!(texts.iter().eq(cells.iter().copied()));
        assert_eq!((texts.len(), texts.get(300)), (300, None));
        // Equality does not depend on how the cells are stored.
        let mut own = Texts::default();
        own.extend(cells.iter().copied());
        assert!(own.numbers.is_none() && own == texts);
        for texts in [&mut own, &mut texts] {
            texts.push("other");
            assert!(texts.iter().take(300).eq(cells.iter().copied()));
            assert_eq!((texts.len(), texts.get(300)), (301, Some("other")));
        }
    }

    #[test]
    fn more_distinct_texts_than_numbers_are_stored_one_by_one() {
        for (distinct, is_shared) in [(1 << 16, true), ((1 << 16) + 1, false)] {
            let cells = (0..2 * distinct).map(|row| Some((row % distinct).to_string()));
            let texts: Texts = cells.clone().collect();
            assert_eq!(texts.numbers.is_some(), is_shared);
            assert!(texts.iter().map(|cell| cell.map(str::to_owned)).eq(cells));
        }
    }
}
