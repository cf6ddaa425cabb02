//! The expected sizes of a conversion.

use rxrx_format::Codec;
use rxrx_input::PlannedInput;
use serde::Serialize;

/// The expected sizes of a conversion, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Projection {
    /// Size of the image files, estimated from a sample of them.
    pub source_bytes: u64,
    /// Size of the decoded pixels.
    pub raw_bytes: u64,
    /// Size of the shards, estimated for images like those of RxRx1.
    pub stored_bytes: u64,
}

impl Projection {
    /// Estimates the sizes of the conversion of `input` with `codec`.
    pub fn of(input: &PlannedInput, codec: Codec) -> Self {
        let source_bytes = input.mean_file_bytes() * input.plan.present_planes() as f64;
        Self {
            source_bytes: source_bytes as u64,
            raw_bytes: input.plan.geometry().raw_bytes(),
            stored_bytes: (source_bytes * codec.size_over_png()) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rxrx_input::PlanOptions;
    use rxrx_input::testing::{image_path, png};

    use super::*;

    #[test]
    fn sizes_are_projected_from_the_files() {
        let png = png(7, 5, 1);
        let folder = tempfile::tempdir().unwrap();
        for number in 0..4 {
            let path = folder.path().join(image_path(number / 2, number % 2));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &png).unwrap();
        }
        let table = "experiment,plate,well,site\nE-1,1,B02,1\nE-1,2,B02,1\n";
        fs::write(folder.path().join("metadata.csv"), table).unwrap();
        let input = PlannedInput::open(&folder.path().into(), PlanOptions::default()).unwrap();
        let source_bytes = 4 * png.len() as u64;
        for codec in Codec::ALL {
            let projection = Projection::of(&input, codec);
            assert_eq!(projection.source_bytes, source_bytes);
            assert_eq!(projection.raw_bytes, 2 * 2 * 7 * 5);
            let stored = source_bytes as f64 * codec.size_over_png();
            assert_eq!(projection.stored_bytes, stored as u64);
        }
    }
}
