//! Against the images.

use std::fs;

use image::Luma;

use super::super::input::Input;
use super::super::run::convert;
use super::{Findings, input_with_gaps, shard, verify};

fn source(input: &Input) -> String {
    format!("--source {}", input.root().display())
}

/// Makes one pixel of an image another, in a PNG that is as good as before.
fn change_pixel(input: &Input, site: usize, channel: u16) {
    let path = input.image(site, channel);
    let mut image = image::open(&path).unwrap().into_luma8();
    let Luma([grey]) = *image.get_pixel(7, 5);
    image.put_pixel(7, 5, Luma([grey ^ 1]));
    image.save(&path).unwrap();
}

#[test]
fn one_changed_pixel_of_an_image_is_found() {
    let input = input_with_gaps();
    change_pixel(&input, 2, 4);
    verify(&input.output(), "").exits_with(0);
    let found = Findings::of(&input.output(), &source(&input));
    assert_eq!(found.objects(), [shard(1)]);
    found.names(&shard(1), "unlike-source", &input.site_id(2), "w4");
    let told = &found.findings(&shard(1))[0][3];
    let expected = format!(
        "{}: 1 pixels differ, the first at y 5, x 7",
        input.image_name(2, 4)
    );
    assert!(told.starts_with(&expected), "{told}");
    assert_eq!(found.sites_touched(), 1);
}

/// The best forgery there is: made by the program itself, from other images.
#[test]
fn one_changed_pixel_of_a_dataset_is_found_though_every_checksum_is_right() {
    let input = input_with_gaps();
    let genuine = fs::read(input.image(4, 1)).unwrap();
    change_pixel(&input, 4, 1);
    convert(
        &input.root(),
        &input.output(),
        "--allow-missing --shard-sites 2 --overwrite",
    )
    .exits_with(3);
    fs::write(input.image(4, 1), genuine).unwrap();
    verify(&input.output(), "").exits_with(0);
    let found = Findings::of(&input.output(), &source(&input));
    found.names(&shard(2), "unlike-source", &input.site_id(4), "w1");
    assert_eq!(found.sites_touched(), 1);
}

#[test]
fn added_removed_and_repaired_images_are_findings() {
    let input = input_with_gaps();
    fs::copy(input.image(1, 2), input.image(1, 3)).unwrap();
    fs::copy(input.image(3, 5), input.image(3, 6)).unwrap();
    fs::remove_file(input.image(0, 1)).unwrap();
    fs::write(input.image(2, 2), b"").unwrap();
    let found = Findings::of(&input.output(), &source(&input));
    for (site, channel, told) in [
        (1, "w3", "--retry-bad"),
        (3, "w6", "--retry-bad"),
        (0, "w1", "no longer has its image"),
        (2, "w2", "can no longer be used: the file is empty"),
    ] {
        let key = shard(site / 2);
        found.names(&key, "unlike-source", &input.site_id(site), channel);
        let findings = found.findings(&key);
        let of_channel = findings.iter().find(|finding| finding[2] == channel);
        assert!(of_channel.unwrap()[3].contains(told), "{findings:?}");
    }
    assert_eq!(found.0["findings"]["unlike-source"], 4);
}

#[test]
fn another_table_is_found() {
    let input = input_with_gaps();
    let table = fs::read_to_string(input.table_path()).unwrap();
    let changed = input.beside("changed.csv");
    fs::write(&changed, table.replace("s4,4,", "s4,5,")).unwrap();
    let options = format!("{} --metadata {}", source(&input), changed.display());
    let found = Findings::of(&input.output(), &options);
    found.names("metadata.parquet", "unlike-source", &input.site_id(4), "");
    let told = &found.findings("metadata.parquet")[0][3];
    assert_eq!(told, "sirna_id is 4, the source says 5");

    let lines: Vec<&str> = table
        .lines()
        .filter(|line| !line.contains("s4,4,"))
        .collect();
    fs::write(&changed, lines.join("\n")).unwrap();
    Findings::of(&input.output(), &options).names(
        "metadata.parquet",
        "unlike-source",
        &input.site_id(4),
        "",
    );
}

#[test]
fn a_source_that_is_none_is_an_error() {
    let input = input_with_gaps();
    let options = format!("--source {}", input.beside("nowhere").display());
    verify(&input.output(), &options)
        .exits_with(1)
        .reports_each(&["cannot compare with", "nowhere"]);
}
