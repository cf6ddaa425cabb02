use super::*;

fn options(columns: &[&str]) -> NameOptions {
    NameOptions {
        path_columns: columns.iter().map(|&column| column.to_owned()).collect(),
        ..NameOptions::default()
    }
}

fn listing(paths: &[&str]) -> Listing {
    Listing::from_paths(paths.iter().map(|&path| path.into()))
}

#[test]
fn columns_are_named_by_channel() {
    let header = ["Path", "File", "a/b"];
    let columns = parse(&options(&["DNA=Path/File", "ER=a/b", "x=y=File"]), &header);
    let error = columns.unwrap_err().to_string();
    assert_eq!(
        error,
        "--path-column \"x=y=File\" names no column of the table: \"y=File\""
    );
    let columns = parse(&options(&["DNA=Path/File", "ER=a/b"]), &header).unwrap();
    assert_eq!(columns[0].columns, ["Path", "File"]);
    assert_eq!(
        (columns[1].channel.as_str(), columns[1].columns.len()),
        ("ER", 1)
    );
    for (option, told) in [
        ("DNA", "is not CHANNEL=COLUMN"),
        ("=File", "is not CHANNEL=COLUMN"),
    ] {
        let error = parse(&options(&[option]), &header).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    let twice = parse(&options(&["A=File", "A=Path"]), &header)
        .unwrap_err()
        .to_string();
    assert!(twice.contains("channel \"A\" twice"), "{twice}");
}

#[test]
fn the_common_folder_is_that_of_all_absolute_paths() {
    let folder = |texts: &[&str]| common_folder(texts.iter().map(|&text| text.to_owned()));
    for (texts, expected) in [
        (&["s3://b/x/p1/a.tif", "s3://b/x/p2/a.tif"][..], "s3://b/x"),
        (&["s3://b/x/p1/a.tif"], "s3://b/x/p1"),
        (&["/data/x1/a.tif", "/data/x2/b/c.tif"], "/data"),
    ] {
        assert_eq!(folder(texts).unwrap(), expected);
    }
    for texts in [
        &["s3://b/x/a.tif", "s3://c/x/a.tif"][..],
        &["s3://b/a.tif", "s3://b/x/c.tif"],
        &["/a/x.tif", "/b/x.tif"],
        &[],
    ] {
        assert_eq!(folder(texts), Err(NamesError::NoCommonFolder), "{texts:?}");
    }
    let relative = folder(&["s3://b/x/a.tif", "x/a.tif"])
        .unwrap_err()
        .to_string();
    assert!(
        relative.contains("\"x/a.tif\" is not absolute; give INPUT"),
        "{relative}"
    );
}

#[test]
fn a_file_is_found_by_the_end_of_its_path() {
    let listing = listing(&["P1/Images/a.tif", "P2/Images/a.tif", "P1/Images/b.png"]);
    let files = Files::of(&listing);
    for (text, found) in [
        (
            "/home/ubuntu/bucket/P2/Images/a.tif",
            Some("P2/Images/a.tif"),
        ),
        ("s3://bucket/x/P1/Images/a.tif", Some("P1/Images/a.tif")),
        ("b.png", Some("P1/Images/b.png")),
        ("other/b.png", Some("P1/Images/b.png")),
        ("P1/Images/c.tif", None),
    ] {
        let path = files.find(text).unwrap().map(|(path, _)| path);
        assert_eq!(path, found, "{text}");
    }
    let error = files.find("x/Images/a.tif").unwrap_err().to_string();
    assert!(
        error.contains("P1/Images/a.tif and P2/Images/a.tif"),
        "{error}"
    );
}

#[test]
fn cells_are_joined_to_paths() {
    let text = |cells: &[&str]| text(cells.iter().copied());
    assert_eq!(text(&["/x/y/", "a.tif"]).unwrap(), "/x/y/a.tif");
    assert_eq!(text(&["C:\\x", " a.tif "]).unwrap(), "C:/x/a.tif");
    assert_eq!(text(&["/x", ""]), None);
}

#[test]
fn a_plate_that_is_absent_does_not_get_the_images_of_another() {
    let rows = "experiment,plate,well,site,file\n\
        E,1,B02,1,/data/P1/Images/a.tif\n\
        E,2,B02,1,/data/P2/Images/a.tif\n";
    let table = MetadataTable::read("m.csv", rows.as_bytes()).unwrap();
    let columns = parse(&options(&["DAPI=file"]), &["file"]).unwrap();
    let found = images(&table, listing(&["P1/Images/a.tif"]), &columns).unwrap();
    let keys = found.images.iter().map(|image| image.plane.key.to_string());
    assert_eq!(keys.collect::<Vec<_>>(), ["E/Plate1/B02_s1"]);

    let error = images(&table, listing(&["a.tif"]), &columns).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("E/Plate1/B02_s1 and of E/Plate2/B02_s1"),
        "{text}"
    );
}
