use rxrx_decoder::{BitDepth, PlaneShape, SummaryScratch, summarise};

use super::*;

const SHAPE: PlaneShape = PlaneShape {
    height: 3,
    width: 4,
    depth: BitDepth::Sixteen,
};

fn pixels(number: usize) -> Vec<u16> {
    let pixels = (0..12).map(|pixel| (number * 7919 + pixel * 5003) as u16);
    pixels.collect()
}

fn plane(number: usize) -> PlaneRow {
    let bytes: Vec<u8> = pixels(number)
        .into_iter()
        .flat_map(u16::to_le_bytes)
        .collect();
    PlaneRow::Ok {
        source_bytes: 1,
        summary: summarise(&bytes, SHAPE, &mut SummaryScratch::new()),
    }
}

/// Five sites: two experiments, and the same plate number in both.
fn columns() -> Vec<Column> {
    let experiments = ["A", "A", "A", "B", "B"].map(Some);
    let plates = [1, 1, 3, 1, 1].map(Some);
    vec![
        Column {
            name: "plate".to_owned(),
            values: ColumnValues::Integer(plates.into_iter().collect()),
        },
        Column {
            name: "experiment".to_owned(),
            values: ColumnValues::String(experiments.into_iter().collect()),
        },
    ]
}

fn rule(clauses: &[&str]) -> Option<RowRule> {
    let clauses: Vec<String> = clauses.iter().map(|clause| (*clause).to_owned()).collect();
    Some(clauses.try_into().unwrap())
}

/// Of one plate, all sites are controls; no site of the others is.
fn rules() -> RowRules {
    RowRules {
        train: rule(&["A", "plate=1"]),
        negative_controls: rule(&["plate=3"]),
    }
}

/// Two channels; planes 1 and 4 were not stored, so that plate A 3 has no w1.
fn planes() -> Vec<PlaneRow> {
    let mut planes: Vec<PlaneRow> = (0..10).map(plane).collect();
    planes[1] = PlaneRow::Missing;
    planes[4] = PlaneRow::Corrupt {
        source_bytes: None,
        error: "torn".to_owned(),
        cause: Some("torn".to_owned()),
    };
    planes
}

#[test]
fn each_group_has_the_statistics_of_its_pixels() {
    let planes = planes();
    let rows = channel_stats(&columns(), 2, 12, &rules(), planes.iter());
    let plate = |name: &str, number| Scope::Plate(name.to_owned(), PlateLabel::Number(number));
    let controls =
        |name: &str, number| Scope::PlateControls(name.to_owned(), PlateLabel::Number(number));
    let experiment = |name: &str| Scope::Experiment(name.to_owned());
    let groups = [
        (Scope::Dataset, vec![0, 1, 2, 3, 4]),
        (experiment("A"), vec![0, 1, 2]),
        (experiment("B"), vec![3, 4]),
        (plate("A", 1), vec![0, 1]),
        (plate("A", 3), vec![2]),
        (plate("B", 1), vec![3, 4]),
        (controls("A", 1), vec![]),
        (controls("A", 3), vec![2]),
        (controls("B", 1), vec![]),
        (Scope::Train, vec![0, 1]),
    ];
    assert_eq!(rows.len(), 20);
    for (row, found) in rows.iter().enumerate() {
        let (scope, sites) = &groups[row / 2];
        let channel = row % 2;
        assert_eq!((&found.scope, found.channel), (scope, channel));
        let stored = sites.iter().map(|site| site * 2 + channel);
        let stored: Vec<usize> = stored.filter(|plane| planes[*plane].is_ok()).collect();
        let pixels: Vec<f64> = stored
            .iter()
            .flat_map(|plane| pixels(*plane))
            .map(f64::from)
            .collect();
        assert_eq!(found.planes, stored.len() as u64);
        assert_eq!(found.pixels, pixels.len() as u64);
        if pixels.is_empty() {
            assert_eq!((found.mean, found.std), (None, None));
            let one = (scope == &plate("A", 3) || scope == &controls("A", 3)) && channel == 0;
            assert!(one || sites.is_empty(), "{found:?}");
            continue;
        }
        let n = pixels.len() as f64;
        let mean = pixels.iter().sum::<f64>() / n;
        let variance = pixels.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        let near = |a: Option<f64>, b: f64| (a.unwrap() - b).abs() <= 1e-12 * b;
        assert!(near(found.mean, mean), "{found:?}, mean {mean}");
        assert!(near(found.std, variance.sqrt()), "{found:?}, {variance}");
    }
}

#[test]
fn groups_that_nobody_has_told_have_no_rows() {
    let rows = channel_stats(&columns(), 2, 12, &RowRules::default(), planes().iter());
    assert!(rows.iter().all(|row| row.scope != Scope::Train));
    assert_eq!(rows.len(), 12);
    // Rows that are told and are not there have no pixels.
    let rules = RowRules {
        train: rule(&["C"]),
        ..RowRules::default()
    };
    let rows = channel_stats(&columns(), 2, 12, &rules, planes().iter());
    let train = &rows[12..];
    assert!(train.iter().all(|row| row.scope == Scope::Train));
    let counts = train.iter().map(|row| (row.planes, row.pixels, row.mean));
    assert_eq!(counts.collect::<Vec<_>>(), [(0, 0, None); 2]);
    let other = rules.clone().only_of(&columns());
    assert_eq!(other, rules);
    assert!(rules.only_of(&columns()[..1]).is_empty());
}

#[test]
fn the_table_is_read_as_it_was_written() {
    let rows = channel_stats(&columns(), 2, 12, &rules(), planes().iter());
    let names = ["w1", "w2"].map(str::to_owned);
    let bytes = channel_stats_table(&rows, &names, &[]).unwrap();
    let read = crate::tables::channel_stats_of(bytes.into(), rows.len(), &names).unwrap();
    assert_eq!(read, rows);
}

/// A whole RxRx1 of the brightest pixels: every sum fits.
#[test]
fn the_brightest_dataset_does_not_overflow() {
    let planes = 125_510;
    let (max, pixels) = (65_535u128, 1u64 << 28);
    let sums = Sums {
        planes,
        sum: u128::from(planes * pixels) * max,
        squares: u128::from(planes * pixels) * max * max,
    };
    let row = sums.row(Scope::Dataset, 0, pixels);
    assert_eq!((row.mean, row.std), (Some(65_535.0), Some(0.0)));
}

#[test]
fn plates_that_are_names_are_a_column_of_text() {
    let mut columns = columns();
    let names = ["01", "01", "BR1", "01", "01"].map(Some);
    columns[0].values = ColumnValues::String(names.into_iter().collect());
    let planes = planes();
    let rows = channel_stats(&columns, 2, 12, &RowRules::default(), planes.iter());
    let scopes: Vec<&Scope> = rows.iter().step_by(2).map(|row| &row.scope).collect();
    let plate =
        |name: &str, plate: &str| Scope::Plate(name.to_owned(), PlateLabel::Name(plate.to_owned()));
    assert_eq!(
        scopes[3..],
        [&plate("A", "01"), &plate("A", "BR1"), &plate("B", "01")]
    );
    let channels = ["w1", "w2"].map(str::to_owned);
    let bytes = channel_stats_table(&rows, &channels, &[]).unwrap();
    let read = crate::channel_stats_of(bytes.into(), rows.len(), &channels).unwrap();
    assert_eq!(read, rows);
}
