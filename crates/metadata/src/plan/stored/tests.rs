use super::*;
use crate::discover::listing::Listing;
use crate::join::Join;
use crate::plan::geometry::{DataType, Layout};
use crate::select::Selection;

/// Five sites of two channels. The columns have all types and blanks; the last plane has no
/// image, and the one before it an unusual name.
fn plan(plates: [&str; 5]) -> Plan {
    let mut csv = "experiment,plate,well,site,dose,count,id,note\n".to_owned();
    let cells = [
        "0.5,1,3000000000,a",
        "nan,,1,",
        ",2,2,\"b, c\"",
        "1e300,3,3,é",
        "-0.0,4,4,",
    ];
    let mut paths: Vec<Box<str>> = Vec::new();
    for (plate, cells) in plates.into_iter().zip(cells) {
        csv += &format!("E-01,{plate},B2,1,{cells}\n");
        paths.extend((1..=2).map(|w| format!("E-1/Plate{plate}/B02_s1_w{w}.png").into()));
    }
    paths.pop();
    let unusual = format!("E-1/Plate{}/B2_s1_w1.png", plates[4]);
    *paths.last_mut().unwrap() = unusual.into();
    let table = MetadataTable::read("m.csv", csv.as_bytes()).unwrap();
    let join = Join::new(table, Listing::from_paths(paths), &Selection::default()).unwrap();
    let layout = Layout {
        shard_sites: Some(2),
        ..Layout::default()
    };
    Plan::new(join, 8, 4, DataType::UInt16, layout).unwrap()
}

/// Stores rows as a file does, and reads them again.
fn through_json(plan: &Plan, ranges: &[Range<usize>]) -> Result<Plan, StoredPlanError> {
    let head = serde_json::to_vec(&plan.stored()).unwrap();
    let head: StoredPlan = serde_json::from_slice(&head).unwrap();
    let parts = ranges.iter().map(|range| {
        let rows = serde_json::to_vec(&plan.stored_rows(range.clone())).unwrap();
        Ok(serde_json::from_slice(&rows).unwrap())
    });
    head.with_rows(parts)
}

/// The bits of every cell, so that NaN equals itself.
fn cells(plan: &Plan) -> Vec<(String, Cells)> {
    let columns = plan.table().columns().iter();
    let rows = 0..plan.table().len();
    columns
        .map(|column| (column.name.clone(), Cells::of(&column.values, rows.clone())))
        .collect()
}

#[test]
fn a_stored_plan_is_read_as_it_was() {
    for plates in [
        ["1", "2", "3", "4", "5"],
        ["007", "1", "A", "B", "C"],
        ["1", "10", "2", "3", "x"],
    ] {
        let plan = plan(plates);
        for ends in [&[5][..], &[2, 4, 5]] {
            let starts = [0].iter().chain(ends);
            let ranges: Vec<_> = starts.zip(ends).map(|(&start, &end)| start..end).collect();
            let read = through_json(&plan, &ranges).unwrap();
            assert_eq!(read.stored(), plan.stored());
            assert_eq!(read.table().keys(), plan.table().keys());
            assert_eq!(cells(&read), cells(&plan));
            let types = |plan: &Plan| plan.stored().columns;
            assert_eq!(types(&read), types(&plan));
            for site in 0..5 {
                for channel in 0..3 {
                    let site = SiteIndex(site);
                    assert_eq!(read.source(site, channel), plan.source(site, channel));
                }
                assert_eq!(read.site_id(SiteIndex(site)), plan.site_id(SiteIndex(site)));
            }
            assert_eq!(read.present_planes(), plan.present_planes());
        }
    }
}

#[test]
fn a_part_has_its_own_sites_at_their_positions() {
    let plan = plan(["1", "2", "3", "4", "5"]);
    let part = through_json(&plan, std::slice::from_ref(&(2..4))).unwrap();
    assert_eq!(part.geometry(), plan.geometry());
    assert_eq!(part.units().len(), plan.units().len());
    for site in 0..6 {
        let is_there = (2..4).contains(&site);
        let site = SiteIndex(site);
        let expected = plan.source(site, 1).filter(|_| is_there);
        assert_eq!(part.source(site, 1), expected, "{site:?}");
        assert_eq!(part.site_id(site), plan.site_id(site).filter(|_| is_there));
    }
    assert_eq!((part.table().len(), part.present_planes()), (2, 4));
    // `id` is 64 bits wide because of a row that this part does not have.
    let id = part.table().column("id").unwrap();
    assert_eq!(ColumnType::of(&id.values), ColumnType::Int64);
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let plan = plan(["1", "2", "3", "4", "5"]);
    for ranges in [&[0..2, 3..5][..], &[2..4, 0..2], &[]] {
        let error = through_json(&plan, ranges).unwrap_err().to_string();
        assert!(
            error.starts_with("the stored plan contradicts itself: "),
            "{error}"
        );
    }
    let head = plan.stored();
    let changes: [fn(&mut StoredRows); 5] = [
        |rows| rows.columns.truncate(2),
        |rows| rows.images.truncate(3),
        |rows| rows.first = 4,
        |rows| rows.columns.swap(0, 2),
        |rows| rows.keys[0].2 = "Z99".to_owned(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut rows = plan.stored_rows(0..5);
        change(&mut rows);
        let read: Result<Plan, StoredPlanError> = head.with_rows([Ok(rows)]);
        assert!(read.is_err(), "{number}");
    }
}
