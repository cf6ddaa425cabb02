//! Folders, tables and selections that make no sense, and those that do.

use std::fs;
use std::io::Write;

use super::dataset::Dataset;
use super::input::Input;
use super::run::{convert, plan};

#[test]
fn an_input_that_is_no_image_tree_is_refused() {
    let input = Input::of_sites(1);
    let absent = input.beside("absent");
    convert(&absent, &input.output(), "")
        .exits_with(1)
        .reports_each(&["absent"]);
    convert(&input.table_path(), &input.output(), "")
        .exits_with(1)
        .reports_each(&["neither a folder nor a zip archive"]);

    let empty = input.beside("empty");
    fs::create_dir(&empty).unwrap();
    convert(&empty, &input.output(), "")
        .exits_with(1)
        .reports_each(&["--metadata"]);
    fs::copy(input.table_path(), empty.join("metadata.csv")).unwrap();
    convert(&empty, &input.output(), "")
        .exits_with(1)
        .reports_each(&["no image named"]);
    assert!(!input.output().exists());
}

#[test]
fn the_table_is_found_or_given() {
    let input = Input::of_sites(2);
    let other = input.root().join("images/metadata.csv");
    fs::rename(input.table_path(), input.beside("table.csv")).unwrap();
    convert(&input.root(), &input.output(), "")
        .exits_with(1)
        .reports_each(&["--metadata"]);

    let told = format!("--metadata {}", input.beside("table.csv").display());
    convert(&input.root(), &input.output(), &told).exits_with(0);
    fs::copy(input.beside("table.csv"), &other).unwrap();
    fs::create_dir(input.root().join("tables")).unwrap();
    fs::copy(&other, input.root().join("tables/metadata.csv")).unwrap();
    convert(&input.root(), &input.beside("two"), "")
        .exits_with(1)
        .reports_each(&["images/metadata.csv", "tables/metadata.csv", "--metadata"]);
    assert!(!input.beside("two").exists());
}

#[test]
fn a_packed_table_is_the_same_table() {
    let input = Input::of_sites(2);
    let text = fs::read(input.table_path()).unwrap();
    convert(&input.root(), &input.output(), "").exits_with(0);
    let expected = Dataset::at(input.output()).objects();
    fs::remove_file(input.table_path()).unwrap();

    let packed = input.root().join("metadata.csv.gz");
    let mut gzip = flate2::write::GzEncoder::new(
        fs::File::create(&packed).unwrap(),
        flate2::Compression::default(),
    );
    gzip.write_all(&text).unwrap();
    gzip.finish().unwrap();
    convert(&input.root(), &input.beside("gz"), "").exits_with(0);
    assert_eq!(Dataset::at(input.beside("gz")).objects(), expected);
    fs::remove_file(&packed).unwrap();

    let packed = input.root().join("rxrx1-metadata.zip");
    let mut archive = zip::ZipWriter::new(fs::File::create(&packed).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    archive.start_file("rxrx1/metadata.csv", options).unwrap();
    archive.write_all(&text).unwrap();
    archive.finish().unwrap();
    convert(&input.root(), &input.beside("zip"), "").exits_with(0);
    assert_eq!(Dataset::at(input.beside("zip")).objects(), expected);
}

#[test]
fn a_bad_table_is_refused_with_its_place() {
    let input = Input::of_sites(1);
    for (table, complaints) in [
        ("", &["metadata.csv"][..]),
        ("experiment,plate,well,site\n", &["metadata.csv"]),
        ("experiment,plate,site\nHUVEC-01,1,1\n", &["well"]),
        (
            "experiment,plate,well,site\nHUVEC-01,1,B99,1\n",
            &["metadata.csv", "2", "well", "B99"],
        ),
        (
            "experiment,plate,well,site\nHUVEC-01,one,B02,1\n",
            &["metadata.csv", "Plate1", "Plateone"],
        ),
        (
            "experiment,plate,well,site\nHUVEC-01, ,B02,1\n",
            &["metadata.csv", "2", "plate"],
        ),
        (
            "experiment,plate,well,site\nHUVEC-01,1,B02,1\nHUVEC-1,1,B02,1\n",
            &["metadata.csv", "2", "3"],
        ),
        (
            "experiment,plate,well,site\nHUVEC-01,1,B02\n",
            &["metadata.csv", "2"],
        ),
        (
            "experiment,plate,well,site,present\nHUVEC-01,1,B02,1,x\n",
            &["present"],
        ),
        (
            "experiment,plate,well,site\nRPE-01,1,B02,1\n",
            &["RPE-1", "HUVEC-01"],
        ),
    ] {
        fs::write(input.table_path(), table).unwrap();
        convert(&input.root(), &input.output(), "")
            .exits_with(1)
            .reports_each(complaints);
        plan(&input.root(), "").exits_with(1);
        assert!(!input.output().exists());
    }
}

#[test]
fn rows_can_be_chosen() {
    let input = Input::of_sites(20);
    for (number, (options, expected)) in [
        ("--include HUVEC-01", (0..8).collect::<Vec<usize>>()),
        ("--include HUVEC-2 --include HUVEC-03", (8..20).collect()),
        ("--include dataset=train", (0..8).collect()),
        (
            "--include HUVEC-* --exclude plate=1",
            vec![4, 5, 6, 7, 12, 13, 14, 15],
        ),
        (
            "--include HUVEC-01 --include well=B02 --exclude site=2",
            vec![0, 4],
        ),
        ("--exclude HUVEC-0[12]", (16..20).collect()),
    ]
    .into_iter()
    .enumerate()
    {
        let output = input.beside(&format!("out-{number}"));
        convert(&input.root(), &output, options).exits_with(0);
        let dataset = Dataset::at(output);
        let ids: Vec<String> = expected.iter().map(|&site| input.site_id(site)).collect();
        assert_eq!(dataset.label::<String>("site"), ids, "{options}");
        let planes = dataset.planes();
        for (position, plane) in planes.iter().enumerate() {
            let (site, channel) = (expected[position / 6], position as u16 % 6 + 1);
            assert_eq!(*plane, input.decoded(site, channel), "{options}");
        }
        let indices = dataset.sites_table().integers("site_index");
        assert!(indices.into_iter().eq((0..expected.len() as i64).map(Some)));
    }
}

#[test]
fn a_choice_of_nothing_is_wrong_usage() {
    let input = Input::of_sites(10);
    for (options, complaint) in [
        ("--include RPE-01", "HUVEC-01"),
        ("--include dataset=training", "train"),
        ("--exclude colour=red", "cell_type"),
        ("--exclude HUVEC-*", "no row is left"),
        ("--include =train", "=train"),
        ("--include HUVEC-[", "HUVEC-["),
    ] {
        convert(&input.root(), &input.output(), options)
            .exits_with(2)
            .reports_each(&[complaint]);
        plan(&input.root(), options).exits_with(2);
        assert!(!input.output().exists(), "{options}");
    }
}

#[test]
fn rows_that_are_not_chosen_may_be_bad() {
    let input = Input::of_sites(10);
    fs::remove_file(input.image(9, 1)).unwrap();
    input.write_image(8, 1, 3, 3);
    convert(&input.root(), &input.output(), "--include HUVEC-01").exits_with(0);
}
