//! Writes the first corpus of the target `images` into a folder.

#[path = "../../../src/zip/made.rs"]
mod made;

use std::path::PathBuf;
use std::{env, fs, io};

use made::{Made, archive};

fn main() -> io::Result<()> {
    let folder: PathBuf = env::args_os()
        .nth(1)
        .ok_or(io::ErrorKind::InvalidInput)?
        .into();
    fs::create_dir_all(&folder)?;
    let path = |number| format!("E-1/Plate{number}/B02_s1_w1.png");
    let content = |number: usize| {
        format!("{number} {number} {number} ")
            .repeat(9 + number)
            .into_bytes()
    };
    let stored = |number| Made::stored(&path(number), &content(number));
    let deflated = |number| Made::deflated(&path(number), &content(number));
    let table = Made::deflated("metadata.csv", b"experiment,plate,well,site\nE-1,1,B02,1\n");
    let named = |name: &str| Made {
        name: name.into(),
        ..stored(1)
    };
    let seeds: [(&str, Vec<Made>); 12] = [
        ("empty", vec![]),
        ("stored", vec![stored(1), stored(2), table.clone()]),
        ("deflated", vec![deflated(1), deflated(2), table]),
        (
            "described",
            vec![deflated(1).described(), stored(2).described()],
        ),
        (
            "extra",
            vec![
                Made {
                    local_extra: vec![1; 700],
                    ..deflated(1)
                },
                stored(2),
            ],
        ),
        (
            "longer",
            vec![
                Made {
                    unpacked: 3,
                    ..deflated(1)
                },
                stored(2),
            ],
        ),
        (
            "bomb",
            vec![
                Made {
                    unpacked: 100_000,
                    ..deflated(1)
                },
                stored(2),
            ],
        ),
        (
            "overlapping",
            vec![
                stored(1),
                Made {
                    offset: Some(0),
                    ..stored(2)
                },
            ],
        ),
        (
            "elsewhere",
            vec![
                named("../E/Plate1/B02_s1_w1.png"),
                named("E\\Plate1\\B02_s1_w1.png"),
            ],
        ),
        ("folder", vec![named("E/Plate1/B02_s1_w1.png/"), stored(2)]),
        (
            "encrypted",
            vec![
                Made {
                    flags: 1,
                    ..stored(1)
                },
                Made {
                    method: 12,
                    ..stored(2)
                },
            ],
        ),
        ("twice", vec![stored(1), stored(1)]),
    ];
    for (name, entries) in seeds {
        fs::write(folder.join(name), archive(&entries))?;
    }
    let zeros = archive(&[Made::deflated(&path(1), &vec![0; 200_000])]);
    fs::write(folder.join("zeros"), &zeros)?;
    fs::write(folder.join("cut"), &zeros[..zeros.len() - 30])
}
