//! Windows of sites: crops that may be mirrored and may lie beyond the edges.
//!
//! Each site is read and decoded once, however many windows it has. Sites are read in blocks
//! into scratch memory, from which the windows are copied.

use std::num::NonZeroUsize;
use std::ops::Range;

use rxrx_reader::{Dataset, DatasetError};

/// Bytes of decoded sites in memory at once, unless a single site has more.
const BLOCK_BYTES: usize = 64 << 20;

/// A part of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Position of the site.
    pub(crate) site: usize,
    /// Its rows.
    pub(crate) y: Axis,
    /// Its columns.
    pub(crate) x: Axis,
}

/// Where a window lies along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// First position in the site; a negative one lies before it.
    pub(crate) origin: i64,
    /// Whether the positions are in reverse order.
    pub(crate) is_mirrored: bool,
}

/// The shape of all windows: channels of the dataset, and height and width.
pub(crate) struct Shape<'a> {
    pub(crate) channels: &'a [usize],
    pub(crate) size: [usize; 2],
}

/// Reads windows into `pixels`, the bytes of an array (window, channel, y, x). What lies beyond
/// the edges is 0. `go_on` is called between two blocks of sites, and ends the call early with
/// its error.
pub(crate) fn read_windows<E: From<DatasetError>>(
    dataset: &Dataset,
    windows: &[Window],
    shape: &Shape<'_>,
    threads: NonZeroUsize,
    pixels: &mut [u8],
    mut go_on: impl FnMut() -> Result<(), E>,
) -> Result<(), E> {
    let [_, _, height, width] = dataset.shape();
    let sample = dataset.geometry().data_type.bytes();
    let site_bytes = shape.channels.len() * height * width * sample;
    let window_bytes = shape.channels.len() * shape.size[0] * shape.size[1] * sample;
    if window_bytes == 0 {
        return Ok(());
    }
    let mut work: Vec<(&Window, &mut [u8])> = windows
        .iter()
        .zip(pixels.chunks_exact_mut(window_bytes))
        .collect();
    work.sort_by_key(|(window, _)| window.site);
    let mut sites: Vec<usize> = work.iter().map(|(window, _)| window.site).collect();
    sites.dedup();
    let block = (BLOCK_BYTES / site_bytes.max(1)).max(1);
    let mut scratch = vec![0; block.min(sites.len()) * site_bytes];
    let mut work = work.into_iter().peekable();
    for sites in sites.chunks(block) {
        go_on()?;
        let Some(read) = scratch.get_mut(..sites.len() * site_bytes) else {
            break;
        };
        dataset.read_channels_into(sites, shape.channels, threads, read)?;
        for (site, planes) in sites.iter().zip(read.chunks_exact(site_bytes)) {
            while let Some((window, target)) = work.next_if(|(window, _)| window.site == *site) {
                let planes = planes.chunks_exact(height * width * sample);
                let targets = target.chunks_exact_mut(shape.size[0] * shape.size[1] * sample);
                for (plane, target) in planes.zip(targets) {
                    copy(plane, [height, width], sample, window, shape.size, target);
                }
            }
        }
    }
    Ok(())
}

/// Copies a window of a plane; what lies beyond the edges is 0.
fn copy(
    plane: &[u8],
    plane_size: [usize; 2],
    sample: usize,
    window: &Window,
    size: [usize; 2],
    target: &mut [u8],
) {
    let rows = window.y.inside(plane_size[0], size[0]);
    let columns = window.x.inside(plane_size[1], size[1]);
    let is_whole = rows.len() == size[0] && columns.len() == size[1];
    if !is_whole {
        target.fill(0);
    }
    let row_bytes = plane_size[1] * sample;
    let target_bytes = size[1] * sample;
    for row in rows {
        let source_row = window.y.source(row, size[0]);
        let first = window.x.source(columns.start, size[1]);
        let last = window.x.source(columns.end.saturating_sub(1), size[1]);
        let from = source_row * row_bytes + first.min(last) * sample;
        let to = row * target_bytes + columns.start * sample;
        let bytes = columns.len() * sample;
        let (Some(source), Some(target)) = (
            plane.get(from..from + bytes),
            target.get_mut(to..to + bytes),
        ) else {
            continue;
        };
        target.copy_from_slice(source);
        if window.x.is_mirrored {
            mirror(target, sample);
        }
    }
}

/// Reverses the order of the samples of a row.
fn mirror(row: &mut [u8], sample: usize) {
    row.reverse();
    if sample > 1 {
        row.chunks_exact_mut(sample).for_each(<[u8]>::reverse);
    }
}

impl Axis {
    /// The positions of a window of `size` that lie in a plane of `plane`.
    fn inside(self, plane: usize, size: usize) -> Range<usize> {
        let length = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let (size, plane) = (length(size), length(plane));
        let start = self.origin.saturating_neg().clamp(0, size);
        let end = plane.saturating_sub(self.origin).clamp(start, size);
        let place = |value: i64| usize::try_from(value).unwrap_or(0);
        match self.is_mirrored {
            false => place(start)..place(end),
            true => place(size - end)..place(size - start),
        }
    }

    /// The position in the plane of a position of a window of `size`, which lies in the plane.
    fn source(self, position: usize, size: usize) -> usize {
        let position = match self.is_mirrored {
            false => position,
            true => size.saturating_sub(1).saturating_sub(position),
        };
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        usize::try_from(self.origin.saturating_add(position)).unwrap_or(0)
    }
}
