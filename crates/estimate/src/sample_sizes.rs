//! How small each codec makes some chunks of an input.
//!
//! Some sites, spread over the array, are decoded and encoded with each codec. The stored
//! bytes are compared with those of their image files. So the sizes of a conversion follow
//! from the sizes of the image files, which are known of far more images.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

use rxrx_decoder::{Decoder, Limits};
use rxrx_format::{
    ChunkAddress, Codec, CodecError, GroupEncoder, GroupScratch, channel_chunks, plane_shape,
};
use rxrx_input::PlannedInput;
use rxrx_metadata::{ArrayGeometry, SiteIndex};
use rxrx_storage::for_each_concurrent;

/// Bytes of pixels that are encoded, unless the fewest rows of chunks have more.
const SAMPLE_BYTES: usize = 128 << 20;
/// Rows of chunks (sites, by default) that are encoded at least and at most.
const ROWS: [usize; 2] = [3, 32];
/// Threads at most: each has some planes in memory.
const THREADS: usize = 4;
/// Largest planes of a chunk, in bytes, of which a sample is encoded.
const GROUP_BYTES: usize = 256 << 20;

/// Bytes of some images as files and as chunks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SampleSizes {
    /// Number of images that were encoded.
    pub(crate) planes: usize,
    /// Bytes of their files.
    source_bytes: u64,
    /// Bytes of their chunks with each codec.
    stored_bytes: Vec<(Codec, u64)>,
}

impl SampleSizes {
    /// Encodes some sites of `input` with each of the codecs. Images that cannot be used
    /// count as they are stored: with pixels of 0. Without a usable image, or with chunks
    /// that are too large, the sample is empty.
    pub(crate) fn measure(input: &PlannedInput, codecs: &[Codec]) -> Self {
        let geometry = input.plan.geometry();
        let encoders = codecs.iter().map(|&codec| {
            let encoder = GroupEncoder::new(codec, geometry)?;
            Ok::<_, CodecError>((codec, encoder))
        });
        let encoders = match encoders.collect::<Result<Vec<_>, _>>() {
            Ok(encoders) if geometry.group_bytes() <= GROUP_BYTES => encoders,
            _ => return Self::default(),
        };
        let found = Mutex::new(Self::default());
        let threads = available_parallelism().map_or(1, NonZeroUsize::get);
        let groups = sampled_groups(geometry);
        let encoded = for_each_concurrent(&groups, threads.min(THREADS), |address| {
            let sizes = measure_group(input, address, &encoders)?;
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.add(sizes);
            Ok::<_, CodecError>(())
        });
        match encoded {
            Ok(()) => found.into_inner().unwrap_or_else(PoisonError::into_inner),
            Err(_) => Self::default(),
        }
    }

    /// Returns the bytes of chunks for each byte of an image file; `None` where the sample
    /// is empty.
    pub(crate) fn stored_over_source(&self, codec: Codec) -> Option<f64> {
        let found = self.stored_bytes.iter().find(|(found, _)| *found == codec);
        let (_, stored) = found.filter(|_| self.source_bytes > 0)?;
        Some(*stored as f64 / self.source_bytes as f64)
    }

    fn add(&mut self, other: Self) {
        self.planes += other.planes;
        self.source_bytes += other.source_bytes;
        for (codec, bytes) in other.stored_bytes {
            match self
                .stored_bytes
                .iter_mut()
                .find(|(found, _)| *found == codec)
            {
                Some((_, sum)) => *sum += bytes,
                None => self.stored_bytes.push((codec, bytes)),
            }
        }
    }
}

/// Returns the chunks of rows that are spread evenly over the array.
fn sampled_groups(geometry: &ArrayGeometry) -> Vec<ChunkAddress> {
    let all = geometry.sites.div_ceil(geometry.chunk_sites);
    let in_row = channel_chunks(geometry);
    let row_bytes = geometry.group_bytes().saturating_mul(in_row).max(1);
    let [least, most] = ROWS;
    let rows = (SAMPLE_BYTES / row_bytes).clamp(least, most).min(all);
    let groups = (0..rows).flat_map(|number| {
        let row = (2 * number + 1) * all / (2 * rows);
        let shard = row * geometry.chunk_sites / geometry.shard_sites;
        let unit = geometry.unit(shard);
        let row_of_unit = row - unit.sites.start / geometry.chunk_sites;
        let first = row_of_unit * in_row;
        (first..first + in_row).map(move |group| ChunkAddress::new(geometry, &unit, group))
    });
    groups.collect()
}

/// Decodes the planes of a chunk and encodes them with each codec.
fn measure_group(
    input: &PlannedInput,
    address: &ChunkAddress,
    encoders: &[(Codec, GroupEncoder)],
) -> Result<SampleSizes, CodecError> {
    let geometry = input.plan.geometry();
    let positions: Vec<_> = address.positions(geometry).collect();
    let paths = positions.iter().map(|position| {
        let plane = position.as_ref()?;
        input.plan.source(SiteIndex(plane.site.0), plane.channel)
    });
    let paths: Vec<Option<String>> = paths.collect();
    let mut files: Vec<(&str, Vec<u8>)> = paths
        .iter()
        .flatten()
        .map(|path| (path.as_str(), Vec::new()))
        .collect();
    let source = input.source();
    let at_most = source.largest_file(geometry.plane_bytes());
    let read = source.read_all(&mut files, at_most);
    let mut files = files.iter().zip(read);

    let mut sizes = SampleSizes::default();
    let mut decoder = Decoder::new(Limits::default());
    let mut pixels = vec![0; geometry.group_bytes()];
    for (path, plane) in paths
        .iter()
        .zip(pixels.chunks_exact_mut(geometry.plane_bytes()))
    {
        let Some(((_, file), Ok(_))) = path.as_ref().and_then(|_| files.next()) else {
            continue;
        };
        sizes.planes += 1;
        sizes.source_bytes += file.len() as u64;
        if decoder.decode(file, plane_shape(geometry), plane).is_err() {
            plane.fill(0);
        }
    }
    let mut stored = Vec::new();
    for (codec, encoder) in encoders {
        let mut scratch = GroupScratch::default();
        let mut group = encoder.begin(&mut scratch, &mut stored);
        for plane in pixels.chunks_exact(geometry.plane_bytes()) {
            group.plane_buffer()?.copy_from_slice(plane);
            group.push()?;
        }
        let lengths = group.finish()?;
        let bytes = lengths.iter().map(|&bytes| bytes as u64).sum();
        sizes.stored_bytes.push((*codec, bytes));
    }
    Ok(sizes)
}
