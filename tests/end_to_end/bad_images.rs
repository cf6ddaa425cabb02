//! Images that are missing, damaged or of another kind.

use std::fs;

use super::dataset::Dataset;
use super::input::Input;
use super::run::{convert, plan};

#[test]
fn missing_images_are_named_and_nothing_is_written() {
    let input = Input::of_sites(4);
    fs::remove_file(input.image(1, 3)).unwrap();
    fs::remove_file(input.image(1, 5)).unwrap();
    for channel in 1..=6 {
        fs::remove_file(input.image(3, channel)).unwrap();
    }
    let (short, absent) = (input.site_id(1), input.site_id(3));
    convert(&input.root(), &input.output(), "")
        .exits_with(1)
        .reports_each(&[
            "planes without an image: 8",
            &format!("{short}: no w3, w5"),
            &absent,
            "--allow-missing",
        ]);
    assert!(!input.output().exists());
    assert!(!input.beside("out.rxrx2zarr").exists());

    let result = convert(&input.root(), &input.output(), "--allow-missing --json").exits_with(3);
    let result = result.json();
    assert_eq!(result["planes"]["ok"], 16);
    assert_eq!(result["planes"]["missing"], 8);
    assert_eq!(result["planes"]["corrupt"], 0);
    let dataset = Dataset::at(input.output());
    assert!(dataset.is_sealed());
    for (position, plane) in dataset.planes().iter().enumerate() {
        let (site, channel) = (position / 6, position as u16 % 6 + 1);
        if input.image(site, channel).exists() {
            assert_eq!(*plane, input.decoded(site, channel));
        } else {
            assert!(plane.iter().all(|&pixel| pixel == 0));
        }
    }
}

#[test]
fn a_shard_without_any_image_is_stored() {
    let input = Input::of_sites(3);
    for channel in 1..=6 {
        fs::remove_file(input.image(1, channel)).unwrap();
    }
    convert(
        &input.root(),
        &input.output(),
        "--allow-missing --shard-sites 1",
    )
    .exits_with(3);
    let dataset = Dataset::at(input.output());
    assert!(dataset.path("images.zarr/images/c/1/0/0/0").is_file());
    assert!(
        dataset
            .planes_by_byte_range(1)
            .iter()
            .flatten()
            .all(|&pixel| pixel == 0)
    );
}

/// Ways to spoil a PNG: a name for it, what the program says, and how.
type Damage = (&'static str, &'static str, fn(&mut Vec<u8>));

const DAMAGES: [Damage; 7] = [
    ("empty", "empty", |png| png.clear()),
    ("signature", "neither PNG", |png| png[0] = b'X'),
    ("truncated", "truncated", |png| png.truncate(png.len() / 2)),
    ("truncated in the header", "truncated", |png| {
        png.truncate(20)
    }),
    ("without its last checksum", "truncated", |png| {
        png.truncate(png.len() - 13)
    }),
    ("a flipped bit", "CRC", |png| {
        let middle = png.len() / 2;
        png[middle] ^= 4;
    }),
    ("a wrong checksum", "CRC", |png| {
        let last = png.len() - 13;
        png[last] ^= 1;
    }),
];

#[test]
fn each_kind_of_damage_is_recorded_and_the_run_goes_on() {
    for (name, complaint, damage) in DAMAGES {
        let input = Input::of_sites(2);
        let path = input.image(1, 4);
        let mut png = fs::read(&path).unwrap();
        damage(&mut png);
        fs::write(&path, &png).unwrap();
        let run = convert(&input.root(), &input.output(), "--json")
            .exits_with(3)
            .reports_each(&[&input.image_name(1, 4), complaint]);
        let result = run.json();
        assert_eq!(result["planes"]["corrupt"], 1, "{name}");
        assert_eq!(result["refused"][0]["count"], 1, "{name}");
        let example = result["refused"][0]["examples"][0].as_str().unwrap();
        assert!(example.starts_with(&input.image_name(1, 4)), "{example}");

        let dataset = Dataset::at(input.output());
        for (position, plane) in dataset.planes().iter().enumerate() {
            let (site, channel) = (position / 6, position as u16 % 6 + 1);
            if (site, channel) == (1, 4) {
                assert!(plane.iter().all(|&pixel| pixel == 0), "{name}");
            } else {
                assert_eq!(*plane, input.decoded(site, channel), "{name}");
            }
        }
        convert(&input.root(), &input.beside("strict"), "--strict")
            .exits_with(1)
            .reports_each(&[&input.image_name(1, 4), complaint]);
        assert!(!Dataset::at(input.beside("strict")).is_sealed(), "{name}");
    }
}

#[test]
fn an_input_without_a_readable_image_is_refused() {
    let input = Input::of_sites(1);
    for channel in 1..=6 {
        fs::write(input.image(0, channel), "nothing").unwrap();
    }
    convert(&input.root(), &input.output(), "")
        .exits_with(1)
        .reports_each(&["none of the 6 images", &input.image_name(0, 1)]);
    assert!(!input.output().exists());
}

#[test]
fn colour_is_refused_unless_it_is_grey() {
    let input = Input::of_sites(2);
    let grey = input.decoded(0, 1);
    let rgb = image::RgbImage::from_fn(20, 12, |x, y| {
        image::Rgb([grey[(y * 20 + x) as usize] as u8; 3])
    });
    let mut coloured = rgb.clone();
    coloured.put_pixel(3, 3, image::Rgb([1, 2, 3]));
    rgb.save(input.image(0, 1)).unwrap();
    coloured.save(input.image(1, 1)).unwrap();
    convert(&input.root(), &input.output(), "")
        .exits_with(3)
        .reports_each(&[&input.image_name(1, 1)]);
    let planes = Dataset::at(input.output()).planes();
    assert_eq!(planes[0], grey);
    assert!(planes[6].iter().all(|&pixel| pixel == 0));
}

#[test]
fn mixed_sizes_and_depths_are_refused_with_the_files_named() {
    let spoil: [fn(&Input); 2] = [
        |input| input.write_image(1, 4, 12, 16),
        |input| {
            let image = image::ImageBuffer::from_pixel(20, 12, image::Luma([9u16]));
            image.save(input.image(1, 4)).unwrap();
        },
    ];
    for spoil in spoil {
        let input = Input::of_sites(2);
        spoil(&input);
        for options in [
            "",
            "--allow-missing",
            "--strict",
            "--allow-missing --overwrite",
        ] {
            convert(&input.root(), &input.output(), options)
                .exits_with(1)
                .reports_each(&[&input.image_name(1, 4), &input.image_name(0, 1)]);
            assert!(!input.output().exists());
        }
        let plan = plan(&input.root(), "--json").exits_with(1).json();
        assert_eq!(plan["problems"][0]["kind"], "mixed_shapes");
        assert_eq!(plan["problems"][0]["count"], 1);
    }
}

#[test]
fn two_files_for_one_plane_are_refused_and_both_are_named() {
    let input = Input::of_sites(2);
    let again = "images/HUVEC-1/Plate1/B02_s1_w2.png";
    fs::create_dir_all(input.root().join(again).parent().unwrap()).unwrap();
    fs::copy(input.image(0, 2), input.root().join(again)).unwrap();
    convert(&input.root(), &input.output(), "--allow-missing")
        .exits_with(1)
        .reports_each(&[&input.image_name(0, 2), again]);
    assert!(!input.output().exists());
}

#[test]
fn images_without_a_row_and_other_files_are_warnings() {
    let input = Input::of_sites(2);
    let stranger = input.root().join("images/HUVEC-01/Plate1/C03_s1_w1.png");
    fs::copy(input.image(0, 1), stranger).unwrap();
    fs::write(input.root().join("images/thumbnail.png"), "x").unwrap();
    fs::write(input.root().join("images/notes.txt"), "x").unwrap();
    convert(&input.root(), &input.output(), "")
        .exits_with(0)
        .reports_each(&["C03_s1_w1.png", "thumbnail.png"]);
    Dataset::at(input.output()).has_pixels_of(&input);
}
