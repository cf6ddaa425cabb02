//! The cells of an Arrow array as the texts that CSV would have.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal128Type, Decimal256Type, Float16Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};

/// An array of a type that has texts.
pub struct Cells<'a>(&'a ArrayRef);

impl<'a> Cells<'a> {
    /// Returns the cells of `array`; `None` if its type has no texts, as that of lists.
    pub fn of(array: &'a ArrayRef) -> Option<Self> {
        use DataType as D;
        let has_texts = match array.data_type() {
            D::Null | D::Boolean | D::Utf8 | D::LargeUtf8 | D::Utf8View => true,
            D::Binary | D::LargeBinary => true, // older programs do not say that it is text
            D::Date32 | D::Date64 | D::Timestamp(..) => true,
            D::Decimal128(..) | D::Decimal256(..) => true,
            other => other.is_integer() || other.is_floating(),
        };
        has_texts.then_some(Self(array))
    }

    /// The text of a cell, blank where it is null. Whole numbers in floats end in `.0`.
    pub fn text(&self, row: usize) -> Cow<'a, str> {
        use DataType as D;
        let array = self.0;
        if array.is_null(row) {
            return Cow::Borrowed("");
        }
        macro_rules! number {
            ($type:ty) => {
                Cow::Owned(array.as_primitive::<$type>().value(row).to_string())
            };
        }
        macro_rules! float {
            ($type:ty) => {
                Cow::Owned(format!("{:?}", array.as_primitive::<$type>().value(row)))
            };
        }
        macro_rules! time {
            ($type:ty) => {{
                let time = array.as_primitive::<$type>().value_as_datetime(row);
                Cow::Owned(time.map_or_else(String::new, |time| time.to_string()))
            }};
        }
        match array.data_type() {
            D::Boolean => Cow::Borrowed(match array.as_boolean().value(row) {
                true => "True",
                false => "False",
            }),
            D::Utf8 => Cow::Borrowed(array.as_string::<i32>().value(row)),
            D::LargeUtf8 => Cow::Borrowed(array.as_string::<i64>().value(row)),
            D::Utf8View => Cow::Borrowed(array.as_string_view().value(row)),
            D::Binary => String::from_utf8_lossy(array.as_binary::<i32>().value(row)),
            D::LargeBinary => String::from_utf8_lossy(array.as_binary::<i64>().value(row)),
            D::Int8 => number!(Int8Type),
            D::Int16 => number!(Int16Type),
            D::Int32 => number!(Int32Type),
            D::Int64 => number!(Int64Type),
            D::UInt8 => number!(UInt8Type),
            D::UInt16 => number!(UInt16Type),
            D::UInt32 => number!(UInt32Type),
            D::UInt64 => number!(UInt64Type),
            D::Float16 => {
                let value = array.as_primitive::<Float16Type>().value(row).to_f32();
                Cow::Owned(format!("{value:?}"))
            }
            D::Float32 => float!(Float32Type),
            D::Float64 => float!(Float64Type),
            D::Decimal128(..) => {
                Cow::Owned(array.as_primitive::<Decimal128Type>().value_as_string(row))
            }
            D::Decimal256(..) => {
                Cow::Owned(array.as_primitive::<Decimal256Type>().value_as_string(row))
            }
            D::Date32 => {
                let date = array.as_primitive::<Date32Type>().value_as_date(row);
                Cow::Owned(date.map_or_else(String::new, |date| date.to_string()))
            }
            D::Date64 => time!(Date64Type),
            D::Timestamp(TimeUnit::Second, _) => time!(TimestampSecondType),
            D::Timestamp(TimeUnit::Millisecond, _) => time!(TimestampMillisecondType),
            D::Timestamp(TimeUnit::Microsecond, _) => time!(TimestampMicrosecondType),
            D::Timestamp(TimeUnit::Nanosecond, _) => time!(TimestampNanosecondType),
            _ => Cow::Borrowed(""),
        }
    }
}
