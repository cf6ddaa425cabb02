//! Plate maps: what is in the wells of a plate.

use rxrx_tables::{Limits, RawColumn, RawTable, is_blank};

use super::error::MetadataError;
use crate::column::whole;
use crate::number::whole_number;
use crate::well::Well;

/// Rows and columns of the plates that there are.
const PLATES: [(usize, usize); 3] = [(8, 12), (16, 24), (32, 48)];
/// Name of the column that a grid without a title becomes.
const UNTITLED: &str = "platemap";
/// Names of the column of wells.
const WELLS: [&str; 5] = [
    "well",
    "metadata_well",
    "well_position",
    "wellposition",
    "position",
];

/// Makes a table with a row for each well of a plate map.
///
/// A plate map is such a table already, or a grid, whose first row and column may be the
/// numbers and letters of the wells. The text at their crossing is the name of the column.
pub(super) fn read(map: RawTable, limits: Limits) -> Result<RawTable, MetadataError> {
    if let Some(grid) = Grid::of(&map) {
        return grid.table(&map, limits);
    }
    let mut map = map.tidied();
    let Some(position) = map.columns.iter().position(is_well) else {
        return Err(MetadataError::NotAPlatemap {
            name: map.name.clone(),
            header: map
                .columns
                .iter()
                .map(|column| column.name.clone())
                .collect(),
        });
    };
    if let Some(column) = map.columns.get_mut(position) {
        "well".clone_into(&mut column.name);
    }
    for row in 0..map.len() {
        let cell = map
            .columns
            .get(position)
            .map_or("", |column| column.cells.cell(row));
        if cell.trim().parse::<Well>().is_err() {
            return Err(MetadataError::Value {
                name: map.name.clone(),
                line: map.line(row),
                column: "well",
                value: rxrx_tables::excerpt(cell),
                what: "a well",
                expected: Well::EXPECTED,
            });
        }
    }
    Ok(map)
}

/// A grid of the wells of a plate.
struct Grid {
    title: String,
    /// The texts of each row of wells.
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// Recognises a grid by its size and its labels.
    fn of(map: &RawTable) -> Option<Self> {
        let header: Vec<&str> = map
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let row = |row: usize| map.columns.iter().map(move |column| column.cells.cell(row));
        for (height, width) in PLATES {
            let numbers = header.iter().skip(1).take(width).map(|cell| number(cell));
            let are_numbers = numbers.eq((1..).map(Some).take(width));
            let letters = (0..height).map(|at| row(at).next().unwrap_or("").trim());
            let are_letters = letters.enumerate().all(|(at, text)| is_letter(text, at));
            let is_labelled =
                map.len() >= height && header.len() > width && are_numbers && are_letters;
            // Nothing may follow the grid.
            let is_alone = (height..map.len()).all(|at| row(at).all(is_blank))
                && (0..height).all(|at| row(at).skip(width + 1).all(is_blank));
            if is_labelled && is_alone {
                let title = header.first().map_or("", |title| title.trim());
                let title = if title.is_empty() { UNTITLED } else { title };
                let wells = |at| row(at).skip(1).take(width).map(str::to_owned).collect();
                return Some(Self {
                    title: title.to_owned(),
                    rows: (0..height).map(wells).collect(),
                });
            }
            // Without labels, the first row of wells is read as the header.
            let has_wells = map.columns.iter().any(is_well);
            if map.len() + 1 == height && header.len() == width && !has_wells {
                let first = header.iter().map(|cell| (*cell).to_owned()).collect();
                let others = (0..map.len()).map(|at| row(at).map(str::to_owned).collect());
                return Some(Self {
                    title: UNTITLED.to_owned(),
                    rows: std::iter::once(first).chain(others).collect(),
                });
            }
        }
        None
    }

    /// Makes a row for each well that is not blank.
    fn table(self, map: &RawTable, limits: Limits) -> Result<RawTable, MetadataError> {
        let header = ["well", self.title.as_str()];
        let mut table =
            RawTable::with_header(&map.name, map.header_line, header.into_iter(), limits)?;
        for (row, cells) in (1..).zip(&self.rows) {
            for (column, cell) in (1..).zip(cells) {
                let (row, column): (u32, u32) = (row, column);
                let well = Well::of_row_and_column(&row.to_string(), &column.to_string());
                if let Some(well) = well.filter(|_| !is_blank(cell)) {
                    let cells = [well.to_string(), cell.clone()];
                    table.push(u64::from(row), cells.iter().map(String::as_str), limits)?;
                }
            }
        }
        Ok(table)
    }
}

/// Reads the label of a column of wells.
fn number(cell: &str) -> Option<u32> {
    let cell = cell.trim();
    whole_number(whole(cell).unwrap_or(cell))
}

/// Whether a text is the label of a row of wells, which counts from 0.
fn is_letter(text: &str, row: usize) -> bool {
    let well = format!("{}1", text.to_ascii_uppercase()).parse::<Well>();
    well.is_ok_and(|well| usize::from(well.row()) == row)
}

/// Whether a column is named as that of the wells.
fn is_well(column: &RawColumn) -> bool {
    WELLS.contains(&column.name.trim().to_ascii_lowercase().as_str())
}
