//! The table of the statistics of a plane. It drives the columns of `planes.parquet`: how
//! they are written, read and verified.

use arrow_schema::DataType;
use rxrx_decoder::Statistics;

/// A statistic of one plane, a column of `planes.parquet`.
#[derive(Clone, Copy, Debug)]
pub struct Statistic {
    /// Name of the column.
    pub name: &'static str,
    /// Description with the unit.
    pub description: &'static str,
    /// Type and access to the value in the statistics of a plane.
    pub value: StatisticValue,
}

/// The type of a statistic with its accessors.
#[derive(Clone, Copy, Debug)]
pub enum StatisticValue {
    /// A number with a fraction, `float64`.
    Float(Accessor<f64>),
    /// A pixel, `int32`.
    Pixel(Accessor<u16>),
    /// A sum of pixels or of their squares, `int64`.
    Sum(Accessor<u64>),
}

/// Functions that read and write a field of [`Statistics`].
#[derive(Clone, Copy, Debug)]
pub struct Accessor<T> {
    /// Reads the field.
    pub get: fn(&Statistics) -> T,
    /// Writes the field.
    pub set: fn(&mut Statistics, T),
}

impl Statistic {
    /// Arrow type of the column.
    pub fn data_type(&self) -> DataType {
        match self.value {
            StatisticValue::Float(_) => DataType::Float64,
            StatisticValue::Pixel(_) => DataType::Int32,
            StatisticValue::Sum(_) => DataType::Int64,
        }
    }

    /// Formats the value of this statistic in `statistics`.
    pub fn text(&self, statistics: &Statistics) -> String {
        match self.value {
            StatisticValue::Float(accessor) => (accessor.get)(statistics).to_string(),
            StatisticValue::Pixel(accessor) => (accessor.get)(statistics).to_string(),
            StatisticValue::Sum(accessor) => (accessor.get)(statistics).to_string(),
        }
    }

    /// Whether this statistic is equal in `a` and `b`.
    pub fn is_same(&self, a: &Statistics, b: &Statistics) -> bool {
        match self.value {
            StatisticValue::Float(accessor) => (accessor.get)(a) == (accessor.get)(b),
            StatisticValue::Pixel(accessor) => (accessor.get)(a) == (accessor.get)(b),
            StatisticValue::Sum(accessor) => (accessor.get)(a) == (accessor.get)(b),
        }
    }
}

macro_rules! statistic {
    ($field:ident, $kind:ident, $description:expr) => {
        Statistic {
            name: stringify!($field),
            description: $description,
            value: StatisticValue::$kind(Accessor {
                get: |statistics| statistics.$field,
                set: |statistics, value| statistics.$field = value,
            }),
        }
    };
}

/// All statistics in the order of their columns.
pub const STATISTICS: [Statistic; 13] = [
    statistic!(mean, Float, "Mean of the pixels, in units of the samples"),
    statistic!(
        std,
        Float,
        "Standard deviation of the pixels (of the population), in units of the samples"
    ),
    statistic!(min, Pixel, "Smallest pixel"),
    statistic!(max, Pixel, "Largest pixel"),
    statistic!(
        p001,
        Float,
        "Percentile 0.1 of the pixels: numpy.quantile(pixels, 0.001, method='linear')"
    ),
    statistic!(
        p01,
        Float,
        "Percentile 1 of the pixels: numpy.quantile(pixels, 0.01, method='linear')"
    ),
    statistic!(
        p50,
        Float,
        "Median of the pixels: numpy.quantile(pixels, 0.5, method='linear')"
    ),
    statistic!(
        p99,
        Float,
        "Percentile 99 of the pixels: numpy.quantile(pixels, 0.99, method='linear')"
    ),
    statistic!(
        p999,
        Float,
        "Percentile 99.9 of the pixels: numpy.quantile(pixels, 0.999, method='linear')"
    ),
    statistic!(
        saturated,
        Float,
        "Fraction of pixels (0 to 1) at the largest value of the data type"
    ),
    statistic!(focus, Float, FOCUS),
    statistic!(
        sum,
        Sum,
        "Sum of the pixels, exact: sums of it give exact means of many planes"
    ),
    statistic!(sum_of_squares, Sum, "Sum of the squared pixels, exact"),
];

const FOCUS: &str = "Focus measure: population variance of the Laplacian (kernel 0 1 0 / 1 -4 1 / \
    0 1 0) over the pixels that have four neighbours, in squared units of the samples; 0 for \
    planes smaller than 3 x 3 (Pech-Pacheco et al. 2000, doi:10.1109/ICPR.2000.903548)";
