//! The cells of a text column, in few bytes.

use std::fmt;

/// Texts side by side in one allocation: one for each would take several times
/// the bytes of short cells. A blank cell is the empty text, and there is no other
/// empty text.
///
/// Together they have less than 4 GiB, which the limits on tables see to; a cell
/// beyond that is blank.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Texts {
    text: String,
    /// Where each cell ends in `text`.
    ends: Vec<u32>,
}

impl Texts {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The cell of a row; `None` where it is blank, or there is no such row.
    pub fn get(&self, row: usize) -> Option<&str> {
        Some(self.cell(row)).filter(|cell| !cell.is_empty())
    }

    /// The cells; `None` for blank ones.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&str>> + Clone {
        (0..self.len()).map(|row| self.get(row))
    }

    /// The cells; blank ones are empty.
    pub(crate) fn cells(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        (0..self.len()).map(|row| self.cell(row))
    }

    pub(crate) fn cell(&self, row: usize) -> &str {
        let end_of = |row: usize| self.ends.get(row).map_or(0, |&end| end as usize);
        let (start, end) = (row.checked_sub(1).map_or(0, end_of), end_of(row));
        self.text.get(start..end).unwrap_or_default()
    }

    pub(crate) fn push(&mut self, cell: &str) {
        let before = self.ends.last().copied().unwrap_or_default();
        let end = u32::try_from(self.text.len().saturating_add(cell.len()));
        if end.is_ok() {
            self.text.push_str(cell);
        }
        self.ends.push(end.unwrap_or(before));
    }

    /// Keeps the given rows, which must ascend.
    pub(super) fn retain_rows(&mut self, rows: &[usize]) {
        *self = rows.iter().map(|&row| self.get(row)).collect();
    }
}

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
    fn cells_are_given_back_as_they_were() {
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
}
