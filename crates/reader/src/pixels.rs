//! Pixels in memory.

use std::fmt;

use rxrx_format::DataType;

/// Pixels with a shape of `N` axes, row-major: the last axis varies fastest.
/// Samples are unsigned, those of 16 bits little-endian.
#[derive(Clone, PartialEq, Eq)]
pub struct Pixels<const N: usize> {
    shape: [usize; N],
    data_type: DataType,
    bytes: Vec<u8>,
}

/// One site in one channel. Axes: (y, x).
pub type Plane = Pixels<2>;
/// One site in all channels. Axes: (channel, y, x).
pub type Site = Pixels<3>;
/// Several sites in all channels. Axes: (site, channel, y, x).
pub type Batch = Pixels<4>;

impl<const N: usize> Pixels<N> {
    /// `bytes` must have the length that `shape` and `data_type` give.
    pub(crate) fn new(shape: [usize; N], data_type: DataType, bytes: Vec<u8>) -> Self {
        Self {
            shape,
            data_type,
            bytes,
        }
    }

    /// Length of each axis, outermost first.
    pub fn shape(&self) -> [usize; N] {
        self.shape
    }

    /// Type of a sample.
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// All samples as bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All samples as bytes, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The samples at `position` of the first axis as bytes: a row of a plane, a
    /// plane of a site, a site of a batch. `None` beyond the end of the axis.
    pub fn bytes_at(&self, position: usize) -> Option<&[u8]> {
        let length = self.shape.first().copied()?;
        // An axis of no length has no positions.
        let bytes = self.bytes.len().checked_div(length)?;
        let start = position.checked_mul(bytes)?;
        let inside = position < length;
        self.bytes
            .get(start..start.checked_add(bytes)?)
            .filter(|_| inside)
    }

    /// All samples as numbers, in units of the stored samples.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = u16> {
        samples(&self.bytes, self.data_type)
    }

    /// The samples at `position` of the first axis as numbers, as
    /// [`Self::bytes_at`] chooses them.
    pub fn samples_at(&self, position: usize) -> Option<impl ExactSizeIterator<Item = u16>> {
        Some(samples(self.bytes_at(position)?, self.data_type))
    }
}

fn samples(bytes: &[u8], data_type: DataType) -> impl ExactSizeIterator<Item = u16> {
    let samples = bytes.chunks_exact(data_type.bytes());
    samples.map(|sample| {
        let from_last = sample.iter().rev();
        from_last.fold(0, |value, byte| value << 8 | u16::from(*byte))
    })
}

/// Shows shape and type, and not the pixels.
impl<const N: usize> fmt::Debug for Pixels<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pixels")
            .field("shape", &self.shape)
            .field("data_type", &self.data_type)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_both_types_are_numbers() {
        let bytes = vec![1, 0, 2, 0, 255, 255, 0, 1];
        let plane = Plane::new([2, 2], DataType::UInt16, bytes.clone());
        assert_eq!(plane.samples().collect::<Vec<_>>(), [1, 2, 65535, 256]);
        let row = plane.samples_at(1).unwrap();
        assert_eq!(row.collect::<Vec<_>>(), [65535, 256]);
        assert_eq!(plane.bytes_at(0), Some(&bytes[..4]));
        assert_eq!(plane.bytes_at(2), None);
        let site = Site::new([4, 1, 2], DataType::UInt8, bytes.clone());
        assert_eq!(site.samples_at(2).unwrap().sum::<u16>(), 510);
        assert_eq!(site.into_bytes(), bytes);
    }

    #[test]
    fn an_empty_batch_has_no_sites() {
        let batch = Batch::new([0, 3, 2, 2], DataType::UInt8, Vec::new());
        assert_eq!(batch.bytes_at(0), None);
        assert_eq!(batch.samples().len(), 0);
    }
}
