//! Writes the first corpus into a folder: every colour type, depth, interlacing and
//! filter, sizes around those of a wave and a block, and each kind of damage.

use std::path::PathBuf;
use std::{env, fs, io};

use rxrx_decoder_fuzz::{Damage, Kind, Picture};

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::other("usage: seeds FOLDER"))?;
    fs::create_dir_all(&folder)?;
    for (name, picture) in pictures() {
        let mut input = vec![Kind::Picture.first_byte()];
        input.extend(picture.description());
        fs::write(folder.join(&name), input)?;
        let png = rxrx_decoder_fuzz::build_png(&picture.description());
        if png.len() < 400 && picture.damage.is_empty() {
            for kind in [Kind::File, Kind::Repaired] {
                let mut input = vec![kind.first_byte()];
                input.extend(&png);
                fs::write(folder.join(format!("{name}-{kind:?}")), input)?;
            }
        }
    }
    Ok(())
}

fn pictures() -> Vec<(String, Picture)> {
    let mut pictures = Vec::new();
    let depths: [(u8, &[u8]); 5] = [
        (0, &[1, 8, 16]),
        (2, &[8, 16]),
        (3, &[1, 2, 4, 8]),
        (4, &[8, 16]),
        (6, &[8, 16]),
    ];
    for (colour_type, depths) in depths {
        for bits in depths {
            for interlaced in [false, true] {
                let name = format!("colour{colour_type}-{bits}bit-{interlaced}");
                pictures.push((name, picture(9, 6, *bits, colour_type, interlaced)));
            }
        }
    }
    for (width, height) in [(1, 1), (15, 17), (32, 33), (33, 64), (70, 65), (96, 80)] {
        for bits in [8, 16] {
            let name = format!("{width}x{height}-{bits}bit");
            pictures.push((name, picture(width, height, bits, 0, false)));
        }
    }
    for kind in 1..=17 {
        for (at, by) in [(2, 9), (0x0411, 0x80)] {
            let mut damaged = picture(7, 5, 8, 0, false);
            damaged.pieces = 2;
            damaged.damage = vec![Damage { kind, at, by }];
            pictures.push((format!("damage{kind}-{at}"), damaged));
        }
    }
    pictures
}

/// Rows of all filters with small residuals, like those of real images.
fn picture(width: u8, height: u8, bits: u8, colour_type: u8, interlaced: bool) -> Picture {
    Picture {
        width,
        height,
        bits,
        colour_type,
        interlaced,
        pieces: 0,
        damage: Vec::new(),
        // 97 is no multiple of a row length, so the filters vary from row to row.
        filtered: (0..97_u32).map(|i| (i * i % 7) as u8).collect(),
    }
}
