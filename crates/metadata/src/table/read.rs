//! CSV text → table. A function of values: no file system.

use std::collections::HashMap;

use csv::{ReaderBuilder, StringRecord};

use super::{MetadataError, MetadataTable, REQUIRED, SITE_ID};
use crate::column::is_blank;
use crate::schema::name_conflict;
use crate::site::positive;
use crate::{Column, ColumnValues, ExperimentName, SiteKey, Well};

pub(super) fn table(name: &str, content: &[u8]) -> Result<MetadataTable, MetadataError> {
    let text = std::str::from_utf8(content).map_err(|error| {
        let valid = content.get(..error.valid_up_to()).unwrap_or_default();
        MetadataError::NotUtf8 {
            name: name.into(),
            line: line_at(valid, valid.len()),
        }
    })?;
    let rows = Rows::read(name, text)?; // the csv crate passes over a byte order mark
    let keys = rows.keys()?;

    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|&a, &b| keys.get(a).cmp(&keys.get(b)));
    let keys: Vec<SiteKey> = order
        .iter()
        .filter_map(|&row| keys.get(row).cloned())
        .collect();
    rows.refuse_duplicate_sites(&keys, &order)?;

    let mut columns = Vec::with_capacity(rows.columns.len() + 1);
    for (name, cells) in &rows.columns {
        let cells = order.iter().map(|&row| cells.get(row));
        // These are names even where all of them look like numbers.
        let values = match name.as_str() {
            SITE_ID | "experiment" | "well" => ColumnValues::text(cells),
            _ => ColumnValues::infer(cells),
        };
        columns.push(Column {
            name: name.clone(),
            values,
        });
    }
    match rows.column(SITE_ID) {
        Some(ids) => rows.check_site_ids(ids)?,
        None => columns.insert(0, rows.derive_site_ids(&keys, &order)),
    }
    Ok(MetadataTable {
        name: name.into(),
        keys,
        columns,
    })
}

/// The cells of one column, in one allocation until their type is known.
#[derive(Default)]
struct Cells {
    text: String,
    ends: Vec<usize>,
}

impl Cells {
    fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    fn get(&self, row: usize) -> &str {
        let end = self.ends.get(row).copied().unwrap_or(0);
        let start = row
            .checked_sub(1)
            .and_then(|row| self.ends.get(row))
            .copied()
            .unwrap_or(0);
        self.text.get(start..end).unwrap_or_default()
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|row| self.get(row))
    }
}

/// The rows as they stand in the file.
struct Rows<'text> {
    name: &'text str,
    text: &'text str,
    columns: Vec<(String, Cells)>,
    /// Where in `text` each row begins; lines are counted when an error asks.
    starts: Vec<usize>,
}

impl<'text> Rows<'text> {
    fn read(name: &'text str, text: &'text str) -> Result<Self, MetadataError> {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut record = StringRecord::new();
        let mut next = |record: &mut StringRecord| {
            reader
                .read_record(record)
                .map_err(|source| MetadataError::Csv {
                    name: name.into(),
                    source,
                })
        };
        if !next(&mut record)? {
            return Err(MetadataError::Empty { name: name.into() });
        }
        check_header(name, line_of(text, start(&record)), &record)?;
        let columns = record
            .iter()
            .map(|name| (name.to_owned(), Cells::default()))
            .collect();
        let mut rows = Self {
            name,
            text,
            columns,
            starts: Vec::new(),
        };
        while next(&mut record)? {
            if record.len() != rows.columns.len() {
                return Err(MetadataError::Ragged {
                    name: name.into(),
                    line: line_of(text, start(&record)),
                    found: record.len(),
                    expected: rows.columns.len(),
                });
            }
            rows.starts.push(start(&record));
            for ((_, cells), cell) in rows.columns.iter_mut().zip(&record) {
                cells.push(cell);
            }
        }
        if rows.starts.is_empty() {
            return Err(MetadataError::NoRows { name: name.into() });
        }
        Ok(rows)
    }

    fn column(&self, name: &str) -> Option<&Cells> {
        self.columns
            .iter()
            .find(|(column, _)| column == name)
            .map(|(_, cells)| cells)
    }

    fn line(&self, row: usize) -> u64 {
        line_of(self.text, self.starts.get(row).copied().unwrap_or(0))
    }

    fn keys(&self) -> Result<Vec<SiteKey>, MetadataError> {
        let [Some(experiments), Some(plates), Some(wells), Some(sites)] =
            REQUIRED.map(|required| self.column(required))
        else {
            return Ok(Vec::new()); // check_header saw to it that they are there
        };
        let mut names: HashMap<&str, ExperimentName> = HashMap::new();
        let mut keys = Vec::with_capacity(self.starts.len());
        for row in 0..self.starts.len() {
            let (experiment, well) = (experiments.get(row), wells.get(row));
            if is_blank(experiment) {
                return Err(self.refuse(
                    row,
                    "experiment",
                    experiment,
                    "an experiment",
                    "expected a name",
                ));
            }
            let number = |column, cells: &Cells, what| {
                let cell = cells.get(row);
                positive(cell)
                    .filter(|_| !cell.starts_with('0'))
                    .ok_or_else(|| {
                        self.refuse(row, column, cell, what, "expected a whole number from 1")
                    })
            };
            keys.push(SiteKey {
                experiment: names
                    .entry(experiment)
                    .or_insert_with(|| ExperimentName::new(experiment))
                    .clone(),
                plate: number("plate", plates, "a plate number")?,
                well: well
                    .parse()
                    .map_err(|_| self.refuse(row, "well", well, "a well", Well::EXPECTED))?,
                site: number("site", sites, "a site number")?,
            });
        }
        Ok(keys)
    }

    fn refuse(
        &self,
        row: usize,
        column: &'static str,
        value: &str,
        what: &'static str,
        expected: &'static str,
    ) -> MetadataError {
        let (name, line) = (self.name.to_owned(), self.line(row));
        MetadataError::Value {
            name,
            line,
            column,
            value: value.to_owned(),
            what,
            expected,
        }
    }

    /// `keys` ascend; `order` says which row of the file each belongs to.
    fn refuse_duplicate_sites(
        &self,
        keys: &[SiteKey],
        order: &[usize],
    ) -> Result<(), MetadataError> {
        for (pair, rows) in keys.windows(2).zip(order.windows(2)) {
            if let ([first, second], [first_row, second_row]) = (pair, rows)
                && first == second
            {
                return Err(MetadataError::DuplicateSite {
                    name: self.name.into(),
                    first: self.line(*first_row),
                    second: self.line(*second_row),
                    key: first.to_string(),
                });
            }
        }
        Ok(())
    }

    fn check_site_ids(&self, ids: &Cells) -> Result<(), MetadataError> {
        let mut seen = HashMap::with_capacity(self.starts.len());
        for (row, id) in ids.iter().enumerate() {
            if is_blank(id) {
                return Err(self.refuse(row, SITE_ID, id, "a site id", "expected a name"));
            }
            if let Some(first) = seen.insert(id, row) {
                return Err(MetadataError::DuplicateSiteId {
                    name: self.name.into(),
                    first: self.line(first),
                    second: self.line(row),
                    site_id: id.into(),
                });
            }
        }
        Ok(())
    }

    fn derive_site_ids(&self, keys: &[SiteKey], order: &[usize]) -> Column {
        let experiments = self.column("experiment");
        let ids = keys.iter().zip(order).map(|(key, &row)| {
            let experiment = experiments.map(|cells| cells.get(row)).unwrap_or_default();
            Some(format!(
                "{experiment}_{}_{}_{}",
                key.plate, key.well, key.site
            ))
        });
        Column {
            name: SITE_ID.into(),
            values: ColumnValues::String(ids.collect()),
        }
    }
}

fn check_header(name: &str, line: u64, header: &StringRecord) -> Result<(), MetadataError> {
    let missing: Vec<String> = REQUIRED
        .into_iter()
        .filter(|&required| header.iter().all(|column| column != required))
        .map(str::to_owned)
        .collect();
    if !missing.is_empty() {
        let header = header.iter().map(str::to_owned).collect();
        return Err(MetadataError::MissingColumns {
            name: name.into(),
            missing,
            header,
        });
    }
    let mut seen: Vec<&str> = Vec::with_capacity(header.len());
    for column in header {
        if let Some(reason) = name_conflict(column, &seen) {
            return Err(MetadataError::ColumnName {
                name: name.into(),
                line,
                position: seen.len() + 1,
                column: column.into(),
                reason,
            });
        }
        seen.push(column);
    }
    Ok(())
}

/// Where the reader stood before it read `record`.
fn start(record: &StringRecord) -> usize {
    record
        .position()
        .and_then(|position| usize::try_from(position.byte()).ok())
        .unwrap_or(0)
}

/// The line of the row that the reader found from `start` on. It may have
/// stood before the second half of a CRLF or before blank lines, which is why
/// its own count of lines is not used.
fn line_of(text: &str, start: usize) -> u64 {
    let rest = text.get(start..).unwrap_or_default();
    let blank = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
    line_at(text.as_bytes(), start + blank)
}

/// Line, from 1, of the byte at `offset`. Lines end in LF, CRLF or CR.
fn line_at(text: &[u8], offset: usize) -> u64 {
    let before = text.get(..offset).unwrap_or_default();
    let mut line = 1;
    let mut previous = 0;
    for &byte in before {
        if byte == b'\r' || (byte == b'\n' && previous != b'\r') {
            line += 1;
        }
        previous = byte;
    }
    line
}
