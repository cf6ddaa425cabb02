//! Comparison of the pixels with those that an independent decoder reads from the
//! source.

use std::collections::HashMap;
use std::sync::OnceLock;

use rxrx_decoder::{DecodeError, Limits, PlaneShape, ReferenceDecoder};
use rxrx_format::keys::SITES;
use rxrx_format::{ChunkAddress, PlaneRow, Root, plane_shape};
use rxrx_input::{PlannedInput, ReadError, ReadHints, SourceStamp};
use rxrx_metadata::{Plan, SiteIndex};
use rxrx_reader::consistency::{Finding, FindingKind, Findings, Tables};
use rxrx_storage::Unreachable;

use super::source_table::{compare_columns, compare_widths};

/// Largest difference of pixels that two decoders of JPEG 2000 may make.
const OTHER_DECODER: u16 = 1;

/// The source of a dataset, its rows and channels matched with the dataset's.
pub(super) struct SourceCheck<'a> {
    planned: &'a PlannedInput,
    shape: PlaneShape,
    /// For each site of the dataset, its row in the plan of the source.
    rows: Vec<Option<usize>>,
    /// For each channel of the dataset, its position in the plan.
    channels: Vec<Option<usize>>,
    /// By how much a pixel may differ: 0, or 1 where another decoder of JPEG 2000, or
    /// another version of it, made the dataset.
    tolerance: u16,
    /// The error after which the source cannot be read any more.
    unreachable: OnceLock<Unreachable>,
}

/// The result of reading an image file, and its bytes.
type SourceFile = (Result<SourceStamp, ReadError>, Vec<u8>);

/// The buffers of one worker.
pub(super) struct SourceWorker {
    decoder: ReferenceDecoder,
    /// The files of the current chunk, by site and channel of the dataset.
    files: HashMap<(usize, usize), SourceFile>,
    plane: Vec<u8>,
}

/// Returns how many threads should read the source at once, at least.
pub(super) fn readers_of(source: &PlannedInput) -> usize {
    let reading = source.source().read_hints();
    if reading == ReadHints::DISK {
        1
    } else {
        reading.calls
    }
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
        let names = plan.channel_names();
        if names != root.channels {
            unlike(format!(
                "the channels are {}, those of the source {}",
                root.channels.join(" "),
                names.join(" ")
            ));
        }
        let position = |name: &String| names.iter().position(|other| other == name);
        let channels = root.channels.iter().map(position).collect();
        let rows = match_rows(root, plan, tables, findings);
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
            tolerance: tolerance(root, planned),
            unreachable: OnceLock::new(),
        }
    }

    /// Returns the source and the error, if the source could not be read to the end.
    /// Then no finding about it counts.
    pub(super) fn into_unreachable(self) -> Option<(String, Unreachable)> {
        let error = self.unreachable.into_inner()?;
        Some((self.planned.input_name(), error))
    }

    /// Reads the images of the planes of a chunk of the dataset.
    pub(super) fn read(&self, worker: &mut SourceWorker, address: &ChunkAddress) {
        worker.files.clear();
        if self.unreachable.get().is_some() {
            return;
        }
        let planes = address.planes().map(|plane| (plane.site.0, plane.channel));
        let found = planes.filter_map(|plane| Some((plane, self.path(plane)?)));
        let (planes, paths): (Vec<_>, Vec<String>) = found.unzip();
        let files = paths.iter().map(|path| (path.as_str(), Vec::new()));
        let mut files: Vec<_> = files.collect();
        let source = self.planned.source();
        let at_most = source.largest_file(self.shape.byte_len());
        let read = source.read_all(&mut files, at_most);
        for ((plane, read), (_, bytes)) in planes.into_iter().zip(read).zip(files) {
            match read {
                Err(ReadError::Unreachable(error)) => {
                    // All errors have the same cause: the first one is kept.
                    let _ = self.unreachable.set(error);
                }
                read => {
                    worker.files.insert(plane, (read, bytes));
                }
            }
        }
    }

    /// Returns the path of the image of a plane of the dataset.
    fn path(&self, (site, channel): (usize, usize)) -> Option<String> {
        let row = (*self.rows.get(site)?)?;
        let position = (*self.channels.get(channel)?)?;
        self.planned.plan.source(SiteIndex(row), position)
    }

    /// Compares the pixels of one plane of the chunk that was read last. Returns
    /// whether the source has pixels to compare with.
    pub(super) fn check_plane(
        &self,
        worker: &mut SourceWorker,
        plane: (usize, usize),
        pixels: &[u8],
        row: Option<&PlaneRow>,
        mut report: impl FnMut(String),
    ) -> bool {
        let (site, channel) = plane;
        let is_matched = |place: Option<&Option<usize>>| matches!(place, Some(Some(_)));
        if !is_matched(self.rows.get(site)) || !is_matched(self.channels.get(channel)) {
            return false;
        }
        let Some(path) = self.path(plane) else {
            match row {
                Some(PlaneRow::Ok { .. }) => {
                    report("the source no longer has its image".to_owned())
                }
                Some(row @ (PlaneRow::Corrupt { .. } | PlaneRow::Unreadable { .. })) => {
                    let status = row.status();
                    report(format!(
                        "recorded {status}, and the source no longer has its image"
                    ));
                }
                Some(PlaneRow::Missing) | None => {}
            }
            return false;
        };
        const RETRY: &str = "convert --retry-bad takes it in";
        match (row, self.decode(worker, plane)) {
            (Some(PlaneRow::Ok { .. }) | None, Ok(())) => {
                if let Some(text) = difference(pixels, &worker.plane, self.shape, self.tolerance) {
                    report(format!("{path}: {text}"));
                }
                return true;
            }
            (Some(PlaneRow::Ok { .. }), Err(error)) => {
                report(format!("{path} can no longer be used: {error}"));
            }
            (Some(PlaneRow::Missing), Ok(())) => {
                report(format!("recorded missing, and {path} exists now: {RETRY}"));
            }
            (Some(PlaneRow::Missing), Err(error)) => {
                report(format!(
                    "recorded missing, and {path} exists now, but cannot be used: {error}"
                ));
            }
            (Some(row @ (PlaneRow::Corrupt { .. } | PlaneRow::Unreadable { .. })), Ok(())) => {
                let status = row.status();
                report(format!(
                    "recorded {status}, and {path} is good now: {RETRY}"
                ));
            }
            // As recorded, or there is no record.
            (Some(PlaneRow::Corrupt { .. } | PlaneRow::Unreadable { .. }) | None, Err(_)) => {}
        }
        false
    }

    /// Returns the buffers of one worker.
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

/// Returns for each site of the dataset its row in the plan of the source, and
/// compares the two tables.
fn match_rows(
    root: &Root,
    plan: &Plan,
    tables: &Tables,
    findings: &Findings,
) -> Vec<Option<usize>> {
    let Some(sites) = &tables.sites else {
        return Vec::new();
    };
    let table = plan.table();
    let by_id: HashMap<&str, usize> = table.site_ids().zip(0..).collect();
    let row = |site| by_id.get(sites.site_id(site)?).copied();
    let rows: Vec<Option<usize>> = (0..sites.places.len()).map(row).collect();
    for (site, _) in rows.iter().enumerate().filter(|(_, row)| row.is_none()) {
        findings.add(Finding {
            object: SITES.to_owned(),
            sites: Some(tables.span(site..site + 1)),
            channel: None,
            kind: FindingKind::UnlikeSource,
            text: "the source has no such row".to_owned(),
        });
    }
    let matched = rows.iter().flatten().count();
    if table.len() > matched {
        let more = table.len() - matched;
        let text = format!("{more} rows of the source are not in the dataset");
        findings.object(FindingKind::UnlikeSource, SITES, text);
    }
    if !root.attributes.is_format_3() {
        compare_widths(&sites.columns, table.columns(), findings);
    }
    compare_columns(&sites.columns, table.columns(), &rows, tables, findings);
    rows
}

/// By how much pixels may differ. Lossy JPEG 2000 leaves the rounding to the decoder.
fn tolerance(root: &Root, planned: &PlannedInput) -> u16 {
    match (
        &root.attributes.settings.image_decoder,
        planned.image_decoder(),
    ) {
        (Some(then), Some(now)) if then != now => OTHER_DECODER,
        _ => 0,
    }
}

/// Says where two planes differ by more than `tolerance`, if they do.
fn difference(stored: &[u8], source: &[u8], shape: PlaneShape, tolerance: u16) -> Option<String> {
    if stored == source {
        return None;
    }
    let bytes = shape.depth.bytes_per_sample();
    let value = |sample: &[u8]| {
        let byte = |at: usize| u16::from(sample.get(at).copied().unwrap_or(0));
        byte(0) | byte(1) << 8
    };
    let pixels = || stored.chunks(bytes).zip(source.chunks(bytes));
    let is_other = |(a, b): &(&[u8], &[u8])| value(a).abs_diff(value(b)) > tolerance;
    let count = pixels().filter(is_other).count();
    let (position, (stored, source)) = pixels().enumerate().find(|(_, pair)| is_other(pair))?;
    let width = (shape.width as usize).max(1);
    Some(format!(
        "{count} pixels differ, the first at y {}, x {}: {} in the dataset, {} in the source",
        position / width,
        position % width,
        value(stored),
        value(source)
    ))
}

#[cfg(test)]
mod tests {
    use rxrx_decoder::BitDepth;

    use super::*;

    #[test]
    fn pixels_may_differ_by_the_tolerance_and_no_more() {
        let shape = |depth| PlaneShape {
            height: 1,
            width: 3,
            depth,
        };
        let of = |stored: &[u8], source: &[u8], tolerance| {
            let depth = if stored.len() == 3 {
                BitDepth::Eight
            } else {
                BitDepth::Sixteen
            };
            difference(stored, source, shape(depth), tolerance)
        };
        assert_eq!(of(&[1, 2, 3], &[1, 2, 3], 0), None);
        assert!(
            of(&[1, 2, 3], &[1, 3, 3], 0)
                .unwrap()
                .starts_with("1 pixels differ")
        );
        assert_eq!(of(&[1, 2, 3], &[0, 3, 3], 1), None);
        assert!(
            of(&[1, 2, 3], &[1, 2, 5], 1)
                .unwrap()
                .contains("x 2: 3 in the dataset, 5")
        );
        // The low byte comes first: 256 and 255, 256 and 254.
        assert_eq!(of(&[0, 1, 0, 0, 0, 0], &[255, 0, 0, 0, 0, 0], 1), None);
        assert!(of(&[0, 1, 0, 0, 0, 0], &[254, 0, 0, 0, 0, 0], 1).is_some());
    }
}
