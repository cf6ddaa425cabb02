//! Pixels, against those that an independent decoder reads from the source.

use std::collections::HashMap;
use std::io;
use std::sync::OnceLock;

use rxrx_decoder::{DecodeError, Limits, PlaneShape, ReferenceDecoder};
use rxrx_format::keys::SITES;
use rxrx_format::{ChunkAddress, PlaneRow, Root, plane_shape};
use rxrx_input::{PlannedInput, ReadHints, SourceStamp, largest_file};
use rxrx_metadata::{Column, ColumnValues, SiteIndex};
use rxrx_storage::Unreachable;

use super::finding::{Finding, FindingKind, Findings};
use super::tables::Tables;

/// The source of a dataset, its rows and channels matched with the dataset's.
pub(super) struct SourceCheck<'a> {
    planned: &'a PlannedInput,
    shape: PlaneShape,
    /// For each site of the dataset, its row in the plan of the source.
    rows: Vec<Option<usize>>,
    /// For each channel of the dataset, its position in the plan.
    channels: Vec<Option<usize>>,
    /// Why the source as a whole cannot be read any more.
    lost: OnceLock<io::Error>,
}

/// What one worker keeps from file to file.
pub(super) struct SourceWorker {
    decoder: ReferenceDecoder,
    /// Of the chunk that is checked, by site and channel of the dataset.
    files: HashMap<(usize, usize), (io::Result<SourceStamp>, Vec<u8>)>,
    plane: Vec<u8>,
}

impl<'a> SourceCheck<'a> {
    /// Matches the plan of the source with the tables; what does not fit is a
    /// finding.
    pub(super) fn new(
        planned: &'a PlannedInput,
        root: &Root,
        tables: &Tables,
        findings: &Findings,
    ) -> Self {
        let unlike = |text: String| findings.object(FindingKind::UnlikeSource, SITES, text);
        let plan = &planned.plan;
        let names: Vec<String> = plan.channels().iter().map(ToString::to_string).collect();
        if names != root.channels {
            unlike(format!(
                "the channels are {}, those of the source {}",
                root.channels.join(" "),
                names.join(" ")
            ));
        }
        let position = |name: &String| names.iter().position(|other| other == name);
        let channels = root.channels.iter().map(position).collect();
        let table = plan.table();
        let by_id: HashMap<&str, usize> = table.site_ids().zip(0..).collect();
        let mut rows = vec![None; tables.sites.as_ref().map_or(0, |sites| sites.places.len())];
        let mut matched = 0;
        if let Some(sites) = &tables.sites {
            for (site, row) in rows.iter_mut().enumerate() {
                let id = sites.site_id(site).unwrap_or_default();
                *row = by_id.get(id).copied();
                matched += usize::from(row.is_some());
                if row.is_none() {
                    findings.add(Finding {
                        object: SITES.to_owned(),
                        sites: Some(tables.span(site..site + 1)),
                        channel: None,
                        kind: FindingKind::UnlikeSource,
                        text: "the source has no such row".to_owned(),
                    });
                }
            }
            if table.len() > matched {
                let surplus = table.len() - matched;
                unlike(format!(
                    "{surplus} rows of the source are not in the dataset"
                ));
            }
            compare_columns(&sites.columns, table.columns(), &rows, tables, findings);
        }
        let shape = plane_shape(&root.geometry);
        let found = plane_shape(plan.geometry());
        if found != shape {
            unlike(format!("planes are {shape}, those of the source {found}"));
        }
        Self {
            planned,
            shape,
            rows,
            channels,
            lost: OnceLock::new(),
        }
    }

    /// Why it cannot be read any more, if that is so: then no finding about it
    /// counts.
    pub(super) fn into_lost(self) -> Option<io::Error> {
        self.lost.into_inner()
    }

    /// Threads that should read it at once, at least, where it lies far away.
    pub(super) fn readers(&self) -> usize {
        let reading = self.planned.source().read_hints();
        if reading == ReadHints::DISK {
            1
        } else {
            reading.calls
        }
    }

    /// Reads the images of the planes of `task`, a chunk of the dataset.
    pub(super) fn read(&self, worker: &mut SourceWorker, task: &ChunkAddress) {
        worker.files.clear();
        if self.lost.get().is_some() {
            return;
        }
        let planes = task.planes().map(|plane| (plane.site.0, plane.channel));
        let found = planes.filter_map(|plane| Some((plane, self.path(plane)?)));
        let (planes, paths): (Vec<_>, Vec<String>) = found.unzip();
        let files = paths.iter().map(|path| (path.as_str(), Vec::new()));
        let mut files: Vec<_> = files.collect();
        let at_most = largest_file(self.shape.byte_len());
        let read = self.planned.source().read_all(&mut files, at_most);
        for ((plane, read), (_, bytes)) in planes.into_iter().zip(read).zip(files) {
            match read {
                Err(error) if Unreachable::is(&error) => {
                    // The first says as much as any other.
                    let _ = self.lost.set(error);
                }
                read => {
                    worker.files.insert(plane, (read, bytes));
                }
            }
        }
    }

    /// The image of a plane of the dataset.
    fn path(&self, (site, channel): (usize, usize)) -> Option<String> {
        let row = (*self.rows.get(site)?)?;
        let position = (*self.channels.get(channel)?)?;
        self.planned.plan.source(SiteIndex(row), position)
    }

    /// Compares the pixels of one plane of the chunk that was read last; whether
    /// there were two to compare.
    pub(super) fn check_plane(
        &self,
        worker: &mut SourceWorker,
        plane: (usize, usize),
        pixels: &[u8],
        record: Option<&PlaneRow>,
        mut report: impl FnMut(String),
    ) -> bool {
        let (site, channel) = plane;
        let is_matched = |place: Option<&Option<usize>>| matches!(place, Some(Some(_)));
        if !is_matched(self.rows.get(site)) || !is_matched(self.channels.get(channel)) {
            return false;
        }
        let path = self.path(plane);
        let decoded = path.as_ref().map(|_| self.decode(worker, plane));
        let path = path.unwrap_or_default();
        const RETRY: &str = "convert --retry-bad takes it in";
        match (record, decoded) {
            (Some(PlaneRow::Ok { .. }) | None, Some(Ok(()))) => {
                if let Some(text) = difference(pixels, &worker.plane, self.shape) {
                    report(format!("{path}: {text}"));
                }
                return true;
            }
            (Some(PlaneRow::Ok { .. }), Some(Err(error))) => {
                report(format!("{path} cannot be used any more: {error}"));
            }
            (Some(PlaneRow::Ok { .. }), None) => {
                report("the source has no such image any more".to_owned());
            }
            (Some(PlaneRow::Missing), Some(Ok(()))) => {
                report(format!(
                    "recorded missing, and {path} is there now: {RETRY}"
                ));
            }
            (Some(PlaneRow::Missing), Some(Err(error))) => {
                report(format!(
                    "recorded missing, and {path} is there now, but of no use: {error}"
                ));
            }
            (Some(PlaneRow::Corrupt { .. }), Some(Ok(()))) => {
                report(format!("recorded corrupt, and {path} is good now: {RETRY}"));
            }
            (Some(PlaneRow::Corrupt { .. }), None) => {
                report("recorded corrupt, and the source has no such image any more".to_owned());
            }
            // As recorded, or not known what should be.
            (Some(PlaneRow::Missing) | None, None)
            | (Some(PlaneRow::Corrupt { .. }) | None, Some(Err(_))) => {}
        }
        false
    }

    pub(super) fn worker(&self) -> SourceWorker {
        SourceWorker {
            decoder: ReferenceDecoder::new(Limits::default()),
            files: HashMap::new(),
            plane: Vec::new(),
        }
    }

    fn decode(&self, worker: &mut SourceWorker, plane: (usize, usize)) -> Result<(), String> {
        let (read, file) = worker.files.get(&plane).ok_or("was not read")?;
        if let Err(error) = read {
            return Err(format!("cannot be read: {error}"));
        }
        worker.plane.resize(self.shape.byte_len(), 0);
        let decoded = worker.decoder.decode(file, self.shape, &mut worker.plane);
        decoded.map_err(|error: DecodeError| error.to_string())
    }
}

/// Where two planes differ, if they do.
fn difference(stored: &[u8], source: &[u8], shape: PlaneShape) -> Option<String> {
    if stored == source {
        return None;
    }
    let bytes = shape.depth.bytes_per_sample();
    let value = |sample: &[u8]| {
        let byte = |at: usize| u16::from(sample.get(at).copied().unwrap_or(0));
        byte(0) | byte(1) << 8
    };
    let pixels = || stored.chunks(bytes).zip(source.chunks(bytes));
    let count = pixels().filter(|(a, b)| a != b).count();
    let (position, (stored, source)) = pixels().enumerate().find(|(_, (a, b))| a != b)?;
    let width = (shape.width as usize).max(1);
    Some(format!(
        "{count} pixels differ, the first at y {}, x {}: {} in the dataset, {} in the source",
        position / width,
        position % width,
        value(stored),
        value(source)
    ))
}

/// Every cell of the metadata, by site.
fn compare_columns(
    stored: &[Column],
    source: &[Column],
    rows: &[Option<usize>],
    tables: &Tables,
    findings: &Findings,
) {
    let names = |columns: &[Column]| -> Vec<String> {
        columns.iter().map(|column| column.name.clone()).collect()
    };
    if names(stored) != names(source) {
        let text = format!(
            "the columns are {}, those of the source {}",
            names(stored).join(", "),
            names(source).join(", ")
        );
        findings.object(FindingKind::UnlikeSource, SITES, text);
    }
    for column in stored {
        let Some(other) = source.iter().find(|other| other.name == column.name) else {
            continue;
        };
        for (site, row) in rows.iter().enumerate() {
            let Some(row) = *row else { continue };
            if is_same(&column.values, site, &other.values, row) {
                continue;
            }
            findings.add(Finding {
                object: SITES.to_owned(),
                sites: Some(tables.span(site..site + 1)),
                channel: None,
                kind: FindingKind::UnlikeSource,
                text: format!(
                    "{} is {}, the source says {}",
                    column.name,
                    cell(&column.values, site),
                    cell(&other.values, row)
                ),
            });
        }
    }
}

fn is_same(stored: &ColumnValues, site: usize, source: &ColumnValues, row: usize) -> bool {
    match (stored, source) {
        (ColumnValues::Integer(a), ColumnValues::Integer(b)) => a.get(site) == b.get(row),
        (ColumnValues::String(a), ColumnValues::String(b)) => a.get(site) == b.get(row),
        (ColumnValues::Float(a), ColumnValues::Float(b)) => {
            let bits = |value: Option<&Option<f64>>| value.copied().flatten().map(f64::to_bits);
            bits(a.get(site)) == bits(b.get(row))
        }
        _ => false,
    }
}

fn cell(values: &ColumnValues, row: usize) -> String {
    match values {
        ColumnValues::Integer(values) => text(values.get(row)),
        ColumnValues::Float(values) => text(values.get(row).copied().flatten()),
        ColumnValues::String(values) => text(values.get(row)),
    }
}

fn text<T: std::fmt::Debug>(value: Option<T>) -> String {
    match value {
        Some(value) => format!("{value:?}"),
        None => "blank".to_owned(),
    }
}
