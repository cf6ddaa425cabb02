use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

fn listing(paths: &[&str]) -> Listing {
    Listing::from_paths(paths.iter().map(|&path| path.into()))
}

fn folder(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    folder
}

fn paths(listing: &Listing) -> Vec<&str> {
    listing.images.iter().map(|image| &*image.path).collect()
}

#[test]
fn paths_are_sorted_into_kinds() {
    let listing = listing(&[
        "images/test/HUVEC-02/Plate1/B02_s1_w1.png",
        "images/train/HUVEC-01/Plate1/B02_s1_w2.png",
        "images/train/HUVEC-01/Plate1/B02_s1_w1.png",
        "overview.PNG",
        "images/train/HUVEC-01/Plate1/Z99_s1_w1.png",
        "metadata.csv",
        "sub/metadata.csv.gz",
        "rxrx1-metadata.zip",
        "old-metadata.csv",
        "README.md",
        "._rxrx1-metadata.zip",
    ]);
    assert_eq!(
        paths(&listing),
        [
            "images/test/HUVEC-02/Plate1/B02_s1_w1.png",
            "images/train/HUVEC-01/Plate1/B02_s1_w1.png",
            "images/train/HUVEC-01/Plate1/B02_s1_w2.png",
        ]
    );
    assert_eq!(listing.images[0].plane.key.experiment.as_str(), "HUVEC-2");
    assert_eq!(
        listing.unrecognised,
        ["images/train/HUVEC-01/Plate1/Z99_s1_w1.png", "overview.PNG"]
    );
    assert_eq!(
        listing.metadata_candidates,
        ["metadata.csv", "rxrx1-metadata.zip", "sub/metadata.csv.gz"]
    );
}

#[test]
fn a_folder_is_listed_in_the_order_of_its_paths() {
    let mut files = vec![
        "E-1/Plate1/B02_s1_w1.png".to_owned(),
        "metadata.csv".to_owned(),
        ".hidden".to_owned(),
    ];
    for experiment in 1..=12 {
        files.extend(
            (1..=4).map(|plate| format!("images/E-{experiment}/Plate{plate}/C03_s2_w1.png")),
        );
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let folder = folder(&files);
    let listed = list_folder(folder.path()).unwrap();
    assert_eq!(listed.images, listing(&files).images);
    assert!(paths(&listed).is_sorted());
    assert_eq!(listed.images.len(), 49);
    assert_eq!(find_metadata("in", &listed).unwrap(), "metadata.csv");
}

#[test]
fn an_input_that_is_not_a_folder_is_refused() {
    let folder = folder(&["file"]);
    let absent = list_folder(&folder.path().join("absent")).unwrap_err();
    assert_eq!(
        absent.to_string(),
        format!("cannot list the folder {}/absent", folder.path().display())
    );
    assert!(std::error::Error::source(&absent).is_some());
    let file = list_folder(&folder.path().join("file")).unwrap_err();
    assert_eq!(
        file.to_string(),
        format!("{}/file is not a folder", folder.path().display())
    );
}

#[test]
fn the_nearest_table_is_chosen() {
    let find = |candidates: &[&str]| {
        let listing = listing(candidates);
        find_metadata("/in", &listing).map(str::to_owned)
    };
    for (candidates, chosen) in [
        (
            &["a/metadata.csv", "metadata.csv.gz"][..],
            "metadata.csv.gz",
        ),
        (
            &["metadata.csv.gz", "metadata.csv", "rxrx1-metadata.zip"],
            "metadata.csv",
        ),
        (
            &["rxrx1-metadata.zip", "metadata.csv.gz"],
            "metadata.csv.gz",
        ),
        (
            &["rxrx1-metadata.zip", "a/metadata.csv"],
            "rxrx1-metadata.zip",
        ),
        (&["a/b/metadata.csv", "c/metadata.csv"], "c/metadata.csv"),
        (&["metadata_rxrx3.csv", "a/metadata.csv"], "a/metadata.csv"),
        (&["metadata_rxrx3_core.csv"], "metadata_rxrx3_core.csv"),
    ] {
        assert_eq!(find(candidates).unwrap(), chosen);
    }
    assert_eq!(
        find(&["README.md"]).unwrap_err().to_string(),
        "no metadata.csv, metadata.csv.gz, metadata_*.csv or *metadata*.zip in /in; use --metadata to say where the table is, or --metadata none to take the rows from the names of the images"
    );
    assert_eq!(
        find(&["b/metadata.csv", "a/metadata.csv", "a/metadata.csv.gz"])
            .unwrap_err()
            .to_string(),
        "/in holds several tables: a/metadata.csv, b/metadata.csv; use --metadata to choose one"
    );
}

#[cfg(unix)]
mod links {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed() {
        let elsewhere = folder(&["Plate1/B02_s1_w1.png", "one.png"]);
        let input = folder(&["E-2/Plate1/B02_s2_w1.png"]);
        symlink(elsewhere.path(), input.path().join("E-1")).unwrap();
        symlink(
            elsewhere.path().join("one.png"),
            input.path().join("E-2/Plate1/B02_s1_w1.png"),
        )
        .unwrap();
        let linked = input.path().join("input");
        symlink(input.path(), &linked).unwrap();
        let expected = [
            "E-1/Plate1/B02_s1_w1.png",
            "E-2/Plate1/B02_s1_w1.png",
            "E-2/Plate1/B02_s2_w1.png",
        ];
        assert_eq!(paths(&list_folder(&linked).unwrap()), expected);
    }

    #[test]
    fn links_in_a_loop_are_followed_once() {
        let elsewhere = folder(&["other.txt"]);
        let input = folder(&["E/Plate1/B02_s1_w1.png"]);
        for (to, at) in [
            (input.path().to_owned(), input.path().join("E/Plate1/up")),
            (input.path().join("E"), input.path().join("E/self")),
            (PathBuf::from("/"), input.path().join("E/root")),
            (elsewhere.path().to_owned(), input.path().join("E/there")),
            (input.path().to_owned(), elsewhere.path().join("back")),
        ] {
            symlink(to, at).unwrap();
        }
        let listing = list_folder(input.path()).unwrap();
        assert_eq!(paths(&listing), ["E/Plate1/B02_s1_w1.png"]);
    }

    #[test]
    fn a_broken_link_is_named_in_the_error() {
        let input = folder(&["E/Plate1/B02_s1_w1.png"]);
        let link = input.path().join("E/Plate2");
        for to in ["nowhere", "Plate2"] {
            symlink(to, &link).unwrap();
            let error = list_folder(input.path()).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "cannot find out what {} is; repair or remove it",
                    link.display()
                )
            );
            assert!(std::error::Error::source(&error).is_some());
            fs::remove_file(&link).unwrap();
        }
    }

    #[test]
    fn anything_named_as_an_image_is_listed_as_one() {
        let names =
            ["w1", "w2", "w3", "w4", "w5", "w6"].map(|w| format!("E/Plate1/B02_s1_{w}.png"));
        let input = folder(&[&names[0]]);
        let at = |number: usize| input.path().join(&names[number]);
        fs::create_dir_all(at(1).join("deeper")).unwrap();
        symlink("nowhere", at(2)).unwrap();
        symlink("B02_s1_w4.png", at(3)).unwrap();
        symlink(input.path(), at(4)).unwrap();
        let _open = std::os::unix::net::UnixListener::bind(at(5)).unwrap();
        let listing = list_folder(input.path()).unwrap();
        assert_eq!(paths(&listing), names.each_ref().map(String::as_str));
    }

    #[test]
    fn too_many_folders_behind_links_are_an_error() {
        let input = folder(&["0/file"]);
        for number in 1..=17 {
            let folder = input.path().join(number.to_string());
            fs::create_dir(&folder).unwrap();
            for link in ["a", "b"] {
                let to = format!("../{}", number - 1);
                symlink(to, folder.join(link)).unwrap();
            }
        }
        let error = list_folder(input.path()).unwrap_err();
        assert!(
            matches!(error, DiscoverError::TooManyLinks { .. }),
            "{error}"
        );
    }

    #[test]
    fn a_folder_without_permission_is_named_in_the_error() {
        use std::os::unix::fs::PermissionsExt;
        let input = folder(&["E/Plate1/B02_s1_w1.png"]);
        let shut = input.path().join("E/Plate1");
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
        let listed = list_folder(input.path());
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o755)).unwrap();
        match listed {
            Ok(_) => println!("skipped: this user may read everything"),
            Err(error) => assert_eq!(
                error.to_string(),
                format!("cannot list the folder {}/", shut.display())
            ),
        }
    }

    #[test]
    fn names_that_are_not_utf_8_are_listed() {
        let input = folder(&["E/Plate1/B02_s1_w1.png"]);
        let odd = |bytes| input.path().join("E").join(OsStr::from_bytes(bytes));
        if fs::write(odd(b"b\xff.png"), "").is_err() {
            println!("skipped: this file system takes UTF-8 names only");
            return;
        }
        fs::create_dir(odd(b"a\xff")).unwrap();
        let listing = list_folder(input.path()).unwrap();
        assert_eq!(listing.unreadable_names, ["E/a\u{fffd}", "E/b\u{fffd}.png"]);
        assert_eq!(paths(&listing), ["E/Plate1/B02_s1_w1.png"]);
    }
}
