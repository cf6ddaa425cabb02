//! The projection of a conversion, compared with the conversion.

use std::fs;
use std::path::Path;

use rxrx_estimate::Projection;
use rxrx_format::Codec;
use rxrx_input::testing::image_path;
use rxrx_input::{PlanOptions, PlannedInput};
use rxrx_storage::Location;

use crate::{ConvertOptions, Description, Silent, convert};

fn planned(folder: &Path, sites: usize, image: impl Fn(usize) -> Vec<u8>) -> PlannedInput {
    let mut table = "experiment,plate,well,site\n".to_owned();
    for site in 0..sites {
        table += &format!("E-1,{},B02,1\n", site + 1);
        for channel in 0..2 {
            let path = folder.join(image_path(site, channel));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, image(2 * site + channel)).unwrap();
        }
    }
    fs::write(folder.join("metadata.csv"), table).unwrap();
    PlannedInput::open(&folder.into(), PlanOptions::default()).unwrap()
}

/// A plane of 8 or 16 bits with a gradient and noise, as a PNG.
fn noisy(number: usize, wide: bool) -> Vec<u8> {
    use image::{ImageBuffer, ImageFormat, Luma};
    let mut state = number as u32 + 1;
    let mut value = |x: u32, y: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = if wide { state >> 22 } else { state >> 28 };
        let square = if (30..60).contains(&x) && y > 20 {
            70
        } else {
            0
        };
        noise + square + x / 9 + 10 * (number as u32 % 2)
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    if wide {
        let image = ImageBuffer::from_fn(120, 90, |x, y| Luma([value(x, y) as u16 * 3]));
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    } else {
        let image = ImageBuffer::from_fn(120, 90, |x, y| Luma([value(x, y) as u8]));
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    }
    bytes.into_inner()
}

#[test]
fn the_projection_is_within_5_percent_for_every_codec_and_depth() {
    for wide in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let images = folder.path().join("images");
        let input = planned(&images, 80, |number| noisy(number, wide));
        for codec in Codec::ALL {
            let projection = Projection::of(&input, codec);
            assert_eq!(projection.sampled_planes, 64);
            assert_eq!(projection.codecs.len(), 4);
            let output: Location = folder.path().join(codec.name()).into();
            let options = ConvertOptions::default().codec(codec);
            let options = options.description(Description::look_alike());
            let converted = convert(&input, &output, &options, &Silent).unwrap();
            let ratio = projection.stored_bytes as f64 / converted.stored_bytes as f64;
            assert!((0.95..1.05).contains(&ratio), "{codec}, {wide}: {ratio}");
            let alone = Projection::of_codec(&input, codec);
            assert_eq!(alone.stored_bytes, projection.stored_bytes);
            assert!(projection.stored_bytes < Projection::largest(&input, codec).stored_bytes);
        }
    }
}
