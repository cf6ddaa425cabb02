use super::*;
use crate::problem::Severity;
use crate::real_data::real_data;

const TABLE: &str = "\
experiment,plate,well,site,dataset
HUVEC-01,1,B02,1,train
HUVEC-01,1,B02,2,train
HUVEC-01,2,B02,1,train
HUVEC-10,1,B02,1,test
";

fn source(join: &Join, site: usize, channel: usize) -> Option<String> {
    let site = SiteIndex(site);
    let plane = PlaneIndex { site, channel };
    join.sources.path(join.table.keys(), plane)
}

fn table() -> MetadataTable {
    MetadataTable::read("m.csv", TABLE.as_bytes()).unwrap()
}

fn listing(paths: &[&str]) -> Listing {
    Listing::from_paths(paths.iter().map(|&path| path.into()))
}

fn select(include: &str) -> Selection {
    Selection::parse(&[include.to_owned()], &[]).unwrap()
}

fn join(paths: &[&str]) -> Join {
    Join::new(table(), listing(paths), &Selection::default()).unwrap()
}

/// Two channels of all four sites, in an unpadded tree.
fn complete() -> Vec<&'static str> {
    vec![
        "train/HUVEC-1/Plate1/B02_s1_w1.png",
        "train/HUVEC-1/Plate1/B02_s1_w2.png",
        "train/HUVEC-1/Plate1/B02_s2_w1.png",
        "train/HUVEC-1/Plate1/B02_s2_w2.png",
        "train/HUVEC-1/Plate2/B02_s1_w1.png",
        "train/HUVEC-1/Plate2/B02_s1_w2.png",
        "test/HUVEC-10/Plate1/B02_s1_w1.png",
        "test/HUVEC-10/Plate1/B02_s1_w2.png",
    ]
}

fn only_problem(join: &Join) -> (ProblemKind, usize, usize, Vec<&str>) {
    let problems: Vec<_> = join.problems().iter().collect();
    assert_eq!(problems.len(), 1, "{problems:?}");
    let problem = problems[0];
    let examples = problem.examples.iter().map(String::as_str).collect();
    (
        problem.kind,
        problem.count,
        problem.missing_planes,
        examples,
    )
}

#[test]
fn each_plane_finds_its_image() {
    let join = join(&complete());
    assert!(join.problems().is_empty());
    assert_eq!(join.channels(), [Channel(1), Channel(2)]);
    for (slot, path) in complete().into_iter().enumerate() {
        assert_eq!(source(&join, slot / 2, slot % 2).as_deref(), Some(path));
    }
    assert_eq!(source(&join, 0, 2), None);
    assert_eq!(source(&join, 4, 0), None);
    assert_eq!(source(&join, usize::MAX, 0), None);
    assert_eq!((join.sources.present(), join.sources.missing()), (8, 0));
}

#[test]
fn every_path_of_an_image_is_returned_unaltered() {
    let paths = [
        "HUVEC-1/Plate1/B02_s1_w1.png",
        "HUVEC-1/Plate1/B02_s1_w02.png",
        "a/HUVEC-01/Plate1/B02_s2_w1.png",
        "a/HUVEC-01/Plate1/B2_s2_w2.png",
        "HUVEC-1/Plate02/B02_s1_w1.png",
        "HUVEC-1/Plate2/B02_s01_w2.png",
        "b/HUVEC-10/Plate1/B02_s1_w1.png",
        "a/HUVEC-10/Plate1/B02_s1_w2.png",
    ];
    let join = join(&paths);
    let found = (0..8).map(|slot| source(&join, slot / 2, slot % 2));
    assert_eq!(
        found.collect::<Vec<_>>(),
        paths.map(|path| Some(path.to_owned()))
    );
    assert_eq!(join.sample_sources(8), paths);
}

#[test]
fn channels_are_those_of_the_images() {
    let join = join(&[
        "HUVEC-10/Plate1/B02_s1_w10.png",
        "HUVEC-10/Plate1/B02_s1_w2.png",
    ]);
    assert_eq!(join.channels(), [Channel(2), Channel(10)]);
    assert_eq!(
        source(&join, 3, 1).as_deref(),
        Some("HUVEC-10/Plate1/B02_s1_w10.png")
    );
}

#[test]
fn images_without_a_row_are_reported() {
    let mut paths = complete();
    // A channel that only such an image has is no channel of the array.
    paths.extend([
        "train/HUVEC-1/Plate3/B02_s1_w1.png",
        "train/RPE-1/Plate1/B02_s1_w7.png",
    ]);
    let join = join(&paths);
    let examples = vec![
        "train/HUVEC-1/Plate3/B02_s1_w1.png",
        "train/RPE-1/Plate1/B02_s1_w7.png",
    ];
    assert_eq!(
        only_problem(&join),
        (ProblemKind::ImagesWithoutRow, 2, 0, examples)
    );
    assert_eq!(join.channels().len(), 2);
    assert_eq!(join.problems().severity(), Some(Severity::Notice));
}

#[test]
fn rows_without_images_are_reported() {
    let join = join(&complete()[..6]);
    let problem = join.problems().get(ProblemKind::RowsWithoutImages).unwrap();
    assert_eq!((problem.count, problem.missing_planes), (1, 2));
    assert_eq!(
        problem.examples,
        ["HUVEC-10_1_B02_1: no HUVEC-10/Plate1/B02_s1_w*.png"]
    );
    let experiments = join.problems().get(ProblemKind::ExperimentsWithoutImages);
    let example = &experiments.unwrap().examples[0];
    assert!(
        example.contains("HUVEC-10; there are images of 1 of 2 experiments: --include HUVEC-1"),
        "{example}"
    );
    assert_eq!((join.sources.present(), join.sources.missing()), (6, 2));
    assert_eq!(
        join.problems().severity(),
        Some(Severity::NeedsAllowMissing)
    );
}

#[test]
fn rows_without_images_are_left_out_on_request() {
    let selection = Selection::default().only_present(true);
    let mut paths = complete()[..6].to_vec();
    paths.remove(1);
    let join = Join::new(table(), listing(&paths), &selection).unwrap();
    assert_eq!(join.table().len(), 3);
    assert_eq!((join.sources.present(), join.sources.missing()), (5, 1));
    let examples = vec!["HUVEC-01_1_B02_1: no w2"];
    assert_eq!(
        only_problem(&join),
        (ProblemKind::IncompleteSites, 1, 1, examples)
    );
    // Without any image the reason is told, and not that no row is left.
    let error = Join::new(table(), listing(&["x.png"]), &selection).unwrap_err();
    assert!(error.to_string().starts_with("no image named"), "{error}");
}

#[test]
fn sites_without_some_channel_are_reported() {
    let mut paths = complete();
    paths.remove(5);
    paths.remove(0);
    paths.push("train/HUVEC-1/Plate1/B02_s1_w3.png");
    let join = join(&paths);
    let examples = vec![
        "HUVEC-01_1_B02_1: no w1",
        "HUVEC-01_1_B02_2: no w3",
        "HUVEC-01_2_B02_1: no w2, w3",
        "HUVEC-10_1_B02_1: no w3",
    ];
    assert_eq!(
        only_problem(&join),
        (ProblemKind::IncompleteSites, 4, 5, examples)
    );
    assert_eq!(join.sources.missing(), 5);
    assert_eq!(
        join.problems().severity(),
        Some(Severity::NeedsAllowMissing)
    );
}

#[test]
fn two_files_for_one_plane_are_both_named() {
    let mut paths = complete();
    paths.extend([
        "HUVEC-01/Plate1/B02_s1_w2.png",
        "z/HUVEC-001/Plate1/B2_s1_w2.png",
    ]);
    let join = join(&paths);
    let examples = vec![
        "HUVEC-01_1_B02_1 w2: HUVEC-01/Plate1/B02_s1_w2.png and train/HUVEC-1/Plate1/B02_s1_w2.png \
         and z/HUVEC-001/Plate1/B2_s1_w2.png",
    ];
    assert_eq!(
        only_problem(&join),
        (ProblemKind::DuplicatePlanes, 1, 0, examples)
    );
    assert_eq!(join.problems().severity(), Some(Severity::Fatal));
}

#[test]
fn a_plane_in_three_trees_is_one_problem() {
    let mut paths = complete();
    paths.extend([
        "a/HUVEC-1/Plate1/B02_s1_w1.png",
        "a/HUVEC-1/Plate1/B02_s1_w2.png",
        "b/HUVEC-1/Plate1/B02_s1_w1.png",
        "b/HUVEC-1/Plate1/B02_s1_w2.png",
    ]);
    let join = join(&paths);
    let (kind, count, _, _) = only_problem(&join);
    assert_eq!((kind, count), (ProblemKind::DuplicatePlanes, 2));
}

#[test]
fn files_with_other_names_are_reported() {
    let mut paths = complete();
    paths.push("train/overview.png");
    let mut listing = listing(&paths);
    listing.unreadable_names.push("train/\u{fffd}".to_owned());
    listing.unsafe_names.push("../a.png".to_owned());
    let join = Join::new(table(), listing, &Selection::default()).unwrap();
    let told: Vec<_> = join
        .problems()
        .iter()
        .map(|p| (p.kind, p.count, p.examples[0].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (ProblemKind::UnrecognisedFiles, 1, "train/overview.png"),
            (ProblemKind::UnreadableNames, 1, "train/\u{fffd}"),
            (ProblemKind::UnsafeNames, 1, "../a.png"),
        ]
    );
}

#[test]
fn rows_that_are_not_selected_are_ignored() {
    let mut paths = complete();
    // Rows that are not chosen have two images for a plane, another channel, and a
    // missing plane.
    paths.extend([
        "x/HUVEC-1/Plate1/B02_s1_w1.png",
        "x/HUVEC-1/Plate1/B02_s1_w9.png",
    ]);
    paths.retain(|path| !path.ends_with("Plate2/B02_s1_w2.png"));
    let join = Join::new(table(), listing(&paths), &select("dataset=test")).unwrap();
    assert!(join.problems().is_empty(), "{:?}", join.problems());
    assert_eq!(
        join.table().site_ids().collect::<Vec<_>>(),
        ["HUVEC-10_1_B02_1"]
    );
    assert_eq!(join.channels(), [Channel(1), Channel(2)]);
    assert_eq!(
        source(&join, 0, 1).as_deref(),
        Some("test/HUVEC-10/Plate1/B02_s1_w2.png")
    );
    assert_eq!((join.sources.present(), join.sources.missing()), (2, 0));
}

#[test]
fn errors_explain_why_there_is_nothing_to_convert() {
    let error = |paths: &[&str], selection: &Selection| {
        Join::new(table(), listing(paths), selection)
            .unwrap_err()
            .to_string()
    };
    let all = Selection::default();
    assert_eq!(
        error(&[], &all),
        "no image named EXP/PlateN/WELL_sS_wC.png (or .tif, .tiff, .jp2) in the input"
    );
    assert_eq!(
        error(&["a.png", "b.png"], &all),
        "no image named EXP/PlateN/WELL_sS_wC.png (or .tif, .tiff, .jp2) in the input; 2 image files are named otherwise, such as a.png"
    );
    assert_eq!(
        error(&["RPE-01/Plate1/B02_s1_w1.png"], &all),
        "none of the 1 images has a row in m.csv: there are images such as RPE-01/Plate1/B02_s1_w1.png and rows such \
         as HUVEC-1/Plate1/B02_s1; is it the table of these images?"
    );
    assert_eq!(
        error(&complete()[..6], &select("HUVEC-10")),
        "none of the 6 images belongs to the 1 selected rows, such as HUVEC-10/Plate1/B02_s1"
    );
    let unknown = Join::new(table(), listing(&complete()), &select("RPE-1")).unwrap_err();
    assert!(matches!(unknown, JoinError::Selection { .. }));
}

#[test]
fn more_planes_than_fit_in_memory_are_refused() {
    let mut csv = "experiment,plate,well,site\n".to_owned();
    for plate in 1..=4_200 {
        csv += &format!("A,{plate},B02,1\n");
    }
    let table = MetadataTable::read("m.csv", csv.as_bytes()).unwrap();
    let paths = (1..=u16::MAX).map(|channel| format!("A/Plate1/B02_s1_w{channel}.png").into());
    let error = Join::new(table, Listing::from_paths(paths), &Selection::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("4200 sites of 65535 channels (up to w65535) are more than 268435456"),
        "{error}"
    );
}

/// 3 experiments × 2 plates × 8 wells × 2 channels.
fn larger() -> Join {
    let (mut csv, mut paths) = ("experiment,plate,well,site\n".to_owned(), Vec::new());
    for experiment in ["A", "B", "C"] {
        for plate in 1..=2 {
            for column in 1..=8 {
                csv += &format!("{experiment},{plate},B{column},1\n");
                for channel in 1..=2 {
                    paths.push(format!(
                        "{experiment}/Plate{plate}/B{column:02}_s1_w{channel}.png"
                    ));
                }
            }
        }
    }
    let table = MetadataTable::read("m.csv", csv.as_bytes()).unwrap();
    let listing = Listing::from_paths(paths.into_iter().map(Into::into));
    Join::new(table, listing, &Selection::default()).unwrap()
}

/// Experiment, plate and channel of each path.
fn groups(sample: &[String]) -> BTreeSet<String> {
    sample
        .iter()
        .map(|path| format!("{}{}", &path[..8], &path[path.len() - 7..]))
        .collect()
}

#[test]
fn a_sample_of_few_images_has_them_all() {
    let join = larger();
    assert_eq!(join.sample_sources(96).len(), 96);
    assert_eq!(join.sample_sources(1_000), join.sample_sources(96));
}

#[test]
fn a_sample_has_each_plate_and_channel_and_is_spread() {
    let join = larger();
    for at_most in [12, 13, 30, 95] {
        let sample = join.sample_sources(at_most);
        assert_eq!(sample.len(), at_most);
        assert_eq!(groups(&sample).len(), 12, "{at_most}");
        assert!(sample.is_sorted_by(|a, b| a < b), "array order, each once");
    }
    let per_plate = |sample: &[String], plate: &str| {
        sample.iter().filter(|path| path.starts_with(plate)).count()
    };
    let sample = join.sample_sources(48);
    assert_eq!(
        [
            per_plate(&sample, "A/Plate1"),
            per_plate(&sample, "C/Plate2")
        ],
        [8, 8]
    );
}

#[test]
fn a_sample_too_small_for_each_plate_is_spread_over_plates() {
    let join = larger();
    let sample = join.sample_sources(6);
    assert_eq!(groups(&sample).len(), 6);
    assert_eq!(
        sample
            .iter()
            .map(|path| &path[..8])
            .collect::<BTreeSet<_>>()
            .len(),
        6
    );
    assert!(join.sample_sources(0).is_empty());
}

/// Joins the real sample: 24 sites on 12 plates; the second site of each plate has no
/// `w5` and no `w6`.
#[test]
fn the_real_sample_is_joined() {
    let Some(root) = real_data("") else { return };
    let listing = crate::list_folder(&root).unwrap();
    let inside = crate::find_metadata("sample", &listing).unwrap();
    let table = MetadataTable::open(&root.join(inside)).unwrap();
    let join = Join::new(table, listing, &Selection::default()).unwrap();
    assert_eq!((join.table().len(), join.channels().len()), (24, 6));
    assert_eq!((join.sources.present(), join.sources.missing()), (120, 24));
    let (kind, count, missing_planes, examples) = only_problem(&join);
    assert_eq!(
        (kind, count, missing_planes),
        (ProblemKind::IncompleteSites, 12, 24)
    );
    assert_eq!(examples[0], "HEPG2-01_1_B02_2: no w5, w6");
    assert_eq!(
        source(&join, 0, 0).as_deref(),
        Some("images/HEPG2-01/Plate1/B02_s1_w1.png")
    );
}
