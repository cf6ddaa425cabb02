//! Plates of an experiment: numbers, or names such as bar codes.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// A plate of an experiment.
///
/// The plates of a table are numbers if all of them are whole numbers without leading
/// zeros that fit 32 bits with a sign; otherwise all of them are names. Numbers are in
/// their order, names in the order of their bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plate {
    /// A whole number.
    Number(u32),
    /// Any other text. Cloning copies a pointer.
    Name(Arc<Box<str>>), // one word, because each site holds one
}

impl Plate {
    /// Largest number of a plate.
    const LARGEST: u32 = i32::MAX as u32;

    /// Reads the plate that the path of an image names. Numbers may be zero-padded.
    pub(crate) fn of_path(text: &str) -> Self {
        number(significant(text)).map_or_else(|| Self::name(text), Self::Number)
    }

    /// Reads a number as a table has it; `None` if the text is none.
    pub(crate) fn number_of_table(text: &str) -> Option<Self> {
        let is_canonical = significant(text) == text;
        number(text).filter(|_| is_canonical).map(Self::Number)
    }

    /// Takes any text as a name.
    pub(crate) fn name(text: &str) -> Self {
        Self::Name(Arc::new(text.into()))
    }
}

/// Leaves out the leading zeros of a whole number, and nothing of any other text.
pub(crate) fn significant(text: &str) -> &str {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text;
    }
    let digits = text.trim_start_matches('0');
    if digits.is_empty() { "0" } else { digits }
}

/// Reads a whole number of digits only.
fn number(digits: &str) -> Option<u32> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| digits.parse().ok()).flatten();
    number.filter(|number| *number <= Plate::LARGEST)
}

impl From<u32> for Plate {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for Plate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// The names of the plates of a table by their text without leading zeros, so that `01`
/// in a table and `Plate1` in a path are the same plate.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlateNames(HashMap<Box<str>, Vec<Plate>>);

impl PlateNames {
    /// Adds a plate, which must be a name.
    pub(crate) fn add(&mut self, plate: &Plate) {
        let Plate::Name(name) = plate else {
            return;
        };
        let alike = self.0.entry(significant(name).into()).or_default();
        if !alike.contains(plate) {
            alike.push(plate.clone());
        }
    }

    /// The plates of the table that `plate` of a path may be; `None` if they are numbers.
    pub(crate) fn alike(&self, plate: &Plate) -> Option<&[Plate]> {
        if self.0.is_empty() {
            return None;
        }
        let found = match plate {
            Plate::Number(number) => self.0.get(number.to_string().as_str()),
            Plate::Name(name) => self.0.get(significant(name)),
        };
        Some(found.map_or(&[], Vec::as_slice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_of_paths_may_be_padded_and_those_of_tables_not() {
        for (text, plate) in [
            ("0", Plate::Number(0)),
            ("00", Plate::Number(0)),
            ("04", Plate::Number(4)),
            ("2147483647", Plate::Number(i32::MAX as u32)),
            ("2147483648", Plate::name("2147483648")),
            ("+1", Plate::name("+1")),
            ("BR00116991", Plate::name("BR00116991")),
        ] {
            assert_eq!(Plate::of_path(text), plate, "{text}");
            assert_eq!(Plate::of_path(text).to_string(), plate.to_string());
        }
        assert_eq!(Plate::number_of_table("10"), Some(Plate::Number(10)));
        for text in ["", "01", "00", "-1", "1.0", "2147483648", "x"] {
            assert_eq!(Plate::number_of_table(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_in_the_order_of_their_bytes() {
        let names = ["01", "10", "2", "A", "a", "é"].map(Plate::name);
        assert!(names.is_sorted());
        assert!(Plate::Number(2) < Plate::Number(10));
    }

    #[test]
    fn padded_names_are_found() {
        let mut names = PlateNames::default();
        assert_eq!(
            names.alike(&Plate::Number(1)),
            None,
            "the plates are numbers"
        );
        let [padded, name] = ["01", "BR1"].map(Plate::name);
        names.add(&padded);
        names.add(&name);
        names.add(&padded);
        assert_eq!(names.alike(&Plate::of_path("1")), Some(&[padded][..]));
        assert_eq!(names.alike(&Plate::of_path("BR1")), Some(&[name][..]));
        assert_eq!(names.alike(&Plate::of_path("2")), Some(&[][..]));
    }
}
