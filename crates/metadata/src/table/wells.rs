//! Tables of wells, and rows that the names of images give.

use std::collections::{BTreeMap, BTreeSet};

use rxrx_tables::{Limits, RawColumn, RawTable, TableFileError, Texts, is_blank};

use super::metadata_table::EXPERIMENT;
use crate::column::whole;
use crate::discover::listing::Listing;
use crate::plate::significant;
use crate::site::ExperimentName;
use crate::well::Well;

/// Columns of a site, in their order.
const KEY: [&str; 4] = [EXPERIMENT, "plate", "well", "site"];

/// A well by which the names of images and rows are joined.
type WellKey = (ExperimentName, String, Well);

/// Returns one row for each site that has an image.
pub(super) fn of_images(listing: &Listing) -> RawTable {
    let mut sites: Vec<_> = listing
        .images
        .iter()
        .map(|image| &image.plane.key)
        .collect();
    sites.sort();
    sites.dedup();
    let mut columns: Vec<RawColumn> = KEY
        .iter()
        .map(|name| RawColumn {
            name: (*name).to_owned(),
            cells: Texts::default(),
        })
        .collect();
    for key in &sites {
        let cells = [
            key.experiment.as_str().to_owned(),
            key.plate.to_string(),
            key.well.to_string(),
            key.site.to_string(),
        ];
        for (column, cell) in columns.iter_mut().zip(&cells) {
            column.cells.push(cell);
        }
    }
    let lines = (1..).take(sites.len());
    RawTable {
        name: "the names of the images".to_owned(),
        columns,
        lines: lines.collect(),
        ..RawTable::default()
    }
}

/// Makes a row for each site that has an image out of each row, which is of a well. A well
/// without images gets one row, of site 1.
///
/// # Errors
/// There are more cells or bytes of text than `limits` allow.
pub(super) fn expand(
    rows: RawTable,
    listing: &Listing,
    limits: Limits,
) -> Result<RawTable, TableFileError> {
    let mut sites: BTreeMap<WellKey, BTreeSet<u32>> = BTreeMap::new();
    for image in &listing.images {
        let key = &image.plane.key;
        let well = (key.experiment.clone(), key.plate.to_string(), key.well);
        let well = (well.0, significant(&well.1).to_owned(), well.2);
        sites.entry(well).or_default().insert(key.site);
    }
    let [experiments, plates, wells] = [EXPERIMENT, "plate", "well"].map(|name| rows.column(name));
    let (Some(experiments), Some(plates), Some(wells)) = (experiments, plates, wells) else {
        return Ok(rows); // the missing columns are an error of the whole table
    };
    let known = |row: usize| {
        let plate = plates.cell(row);
        let plate = significant(whole(plate).unwrap_or(plate)).to_owned();
        let well = wells.cell(row).parse().ok()?;
        sites.get(&(ExperimentName::new(experiments.cell(row)), plate, well))
    };
    // The row and the site of each new row.
    let mut new: Vec<(usize, u32)> = Vec::new();
    for row in 0..rows.len() {
        match known(row) {
            Some(sites) => new.extend(sites.iter().map(|site| (row, *site))),
            None => new.push((row, 1)),
        }
    }
    let line = |row: usize| rows.lines.get(row).copied().unwrap_or(0);
    let more = rows.more.iter().map(|(first, name)| {
        let first = new.partition_point(|(row, _)| row < first);
        (first, name.clone())
    });
    let mut expanded = RawTable {
        more: more.collect(),
        lines: new.iter().map(|(row, _)| line(*row)).collect(),
        columns: Vec::with_capacity(rows.columns.len() + 1),
        name: rows.name.clone(),
        header_line: rows.header_line,
        left_out: rows.left_out.clone(),
    };
    for column in &rows.columns {
        let cells = new.iter().map(|(row, _)| column.cells.cell(*row));
        expanded.insert_column(usize::MAX, &column.name, cells, &rows.name, limits)?;
    }
    let numbers: Vec<String> = new.iter().map(|(_, site)| site.to_string()).collect();
    let numbers = numbers.iter().map(String::as_str);
    let behind_well = expanded.position("well").map_or(0, |well| well + 1);
    expanded.insert_column(behind_well, "site", numbers, &rows.name, limits)?;
    Ok(expanded)
}

/// Adds what the Kaggle form of RxRx1 says by the name of a file and of its experiments:
/// `dataset`, `well_type` and `cell_type`, as the published table has them.
pub(super) fn kaggle(mut rows: RawTable) -> RawTable {
    let name = rows.name.rsplit(['/', '\\', ':']).next().unwrap_or("");
    let dataset = match name.starts_with("test") {
        true => "test",
        false => "train",
    };
    rows.add_constant("dataset", dataset);
    rows.add_constant("well_type", "treatment");
    if rows.position("cell_type").is_none()
        && let Some(experiments) = rows.column(EXPERIMENT)
    {
        let cell_type = |name: &str| {
            name.rsplit_once('-')
                .map_or("", |(cells, _)| cells)
                .to_owned()
        };
        let cells = experiments.cells().map(cell_type);
        let cells = cells
            .map(|cell| (!is_blank(&cell)).then_some(cell))
            .collect();
        let name = "cell_type".to_owned();
        rows.columns.push(RawColumn { name, cells });
    }
    rows
}
