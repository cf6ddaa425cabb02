use std::fs;

use super::{read, tar_of};
use crate::planned::PlannedInput;
use crate::testing::png;
use crate::{PlanInputError, PlanOptions};

#[test]
fn a_folder_of_tars_is_planned_like_the_tree_that_they_hold() {
    let tree = tempfile::tempdir().unwrap();
    let tars = tempfile::tempdir().unwrap();
    let table = "experiment,plate,well,site\nE-1,1,B02,1\nE-1,2,B02,1\n";
    for plate in [1, 2] {
        let folder = tree.path().join(format!("images/E-1/Plate{plate}"));
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(tars.path().join("images/E-1")).unwrap();
        let image = png(4, 6, plate);
        fs::write(folder.join("B02_s1_w1.png"), &image).unwrap();
        let tar = tars.path().join(format!("images/E-1/Plate{plate}.tar"));
        fs::write(tar, tar_of(&[("B02_s1_w1.png", &image)])).unwrap();
    }
    for root in [&tree, &tars] {
        fs::write(root.path().join("metadata.csv"), table).unwrap();
    }
    let open = |root: &tempfile::TempDir| {
        PlannedInput::open(&root.path().into(), PlanOptions::default()).unwrap()
    };
    let (of_tree, of_tars) = (open(&tree), open(&tars));
    for site in [0, 1] {
        let path = of_tree
            .plan
            .source(rxrx_metadata::SiteIndex(site), 0)
            .unwrap();
        assert_eq!(
            of_tars.plan.source(rxrx_metadata::SiteIndex(site), 0),
            Some(path.clone())
        );
        assert_eq!(
            read(of_tree.source(), &path).unwrap(),
            read(of_tars.source(), &path).unwrap()
        );
    }
    assert!(of_tars.plan.problems().is_empty());

    // The unpacked plate beside its tar.
    let folder = tars.path().join("images/E-1/Plate1");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("B02_s1_w1.png"), png(4, 6, 1)).unwrap();
    let error = PlannedInput::open(&tars.path().into(), PlanOptions::default())
        .err()
        .unwrap();
    assert!(matches!(error, PlanInputError::SamePath { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("a tar in") && text.contains("images/E-1/Plate1/B02_s1_w1.png"),
        "{text}"
    );
}

#[test]
fn a_compressed_tar_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.tar.gz", "a.tgz", "a.tar.zst"] {
        let path = folder.path().join(name);
        fs::write(&path, b"\x1f\x8b\x08\0").unwrap();
        let error = PlannedInput::open(&path.as_path().into(), PlanOptions::default())
            .err()
            .unwrap();
        assert!(error.to_string().contains("unpack it (`tar -xf"), "{error}");
    }
}
