//! The small arrays beside the images: index coordinates, one coordinate for
//! each metadata column, what is known of each channel, and which planes are present.
//!
//! Each is a single object, so that opening the dataset takes one request for each label.
//! Text is the Zarr data type [`string`], which has no null: a blank is
//! the empty string. Whole numbers have the type of the column in `metadata.parquet`,
//! `int32` or `int64`; a blank is the number in the attribute `blank_value`. (Format 3 has
//! it in [`_FillValue`], with which xarray makes such a column float.)
//!
//! The CF attribute [`long_name`] describes an array in a few words, `description` in a
//! sentence.
//!
//! [`long_name`]: https://cfconventions.org/cf-conventions/cf-conventions.html#long-name
//! [`string`]: https://github.com/zarr-developers/zarr-extensions/tree/main/data-types/string
//! [`_FillValue`]: https://cfconventions.org/cf-conventions/cf-conventions.html#missing-data

mod array;
mod compression;
mod layout;
mod set;
mod values;

pub use self::array::{Label, LabelError};
pub use self::set::{label_names, labels};
pub use self::values::label_values;
