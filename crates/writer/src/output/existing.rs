//! The treatment of a dataset that is already at OUTPUT.

/// The treatment of a dataset, finished or not, that is already at OUTPUT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Continue an unfinished run of the same input and settings, and leave a
    /// complete dataset of them as it is. Refuse any other dataset.
    #[default]
    Continue,
    /// Remove it and start over.
    Replace,
    /// Convert the units that have missing, unreadable or corrupt planes once more. Good
    /// planes stay as they are.
    RetryBad,
}
