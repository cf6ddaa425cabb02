//! Reader threads: they fetch the image files of chunks before a worker needs them.

use std::ops::Range;

use crossbeam_channel::Sender;
use rxrx_format::ChunkAddress;
use rxrx_input::{Cause, ReadError, SourceStamp};

use super::chunks::{Content, ImageFile, ReadChunk, ReadFile};
use super::progress::StopOnPanic;
use super::shared::Shared;

/// Reads chunks until there are none left, or until the run ends early.
pub(super) fn run_reader(shared: &Shared<'_>, read: Sender<ReadChunk>) {
    let _guard = StopOnPanic(&shared.progress);
    while let Some(chunks) = shared.progress.take_chunks() {
        for chunk in read_chunks(shared, chunks) {
            // Sending fails when all workers have panicked; then the run ends anyway.
            let _ = read.send(chunk);
        }
    }
}

/// Reads the image files of some chunks of a unit in one call of the source.
fn read_chunks(shared: &Shared<'_>, numbers: Range<usize>) -> Vec<ReadChunk> {
    let plan = shared.pipeline.plan;
    let at_most = largest_file(shared);
    let addresses = numbers.map(|number| (number, shared.address(number)));
    let addresses: Vec<(usize, ChunkAddress)> = addresses.collect();
    let planes = addresses
        .iter()
        .flat_map(|(_, address)| address.positions(plan.geometry()));
    let paths = planes.map(|plane| plane.and_then(|plane| plan.source(plane.site, plane.channel)));
    let paths: Vec<Option<String>> = paths.collect();
    let mut files: Vec<(&str, Vec<u8>)> = paths
        .iter()
        .flatten()
        .map(|path| (path.as_str(), shared.file_buffers.take()))
        .collect();
    let ahead = at_most.min(shared.pipeline.capacity.file_bytes);
    let stamps = shared.pipeline.source.read_all(&mut files, ahead + 1);
    assert_eq!(stamps.len(), files.len(), "one answer for each file");
    let contents = files.into_iter().zip(stamps);
    let contents = contents.map(|((_, bytes), stamp)| {
        let stamp = stamp?;
        if bytes.len() > ahead && ahead < at_most {
            shared.file_buffers.give_back(bytes);
            return Ok(Content::Large);
        }
        image_file(stamp, bytes, at_most).map(Content::Read)
    });
    let contents: Vec<Result<Content, ReadError>> = contents.collect();

    let mut contents = contents.into_iter();
    let mut files = paths.into_iter().map(|path| {
        let path = path?;
        let content = contents.next()?;
        Some(ReadFile { path, content })
    });
    let mut chunks = Vec::with_capacity(addresses.len());
    for (number, address) in addresses {
        let planes = address.positions(plan.geometry()).count();
        chunks.push(ReadChunk {
            number,
            address,
            files: files.by_ref().take(planes).collect(),
        });
    }
    chunks
}

/// Reads an image file that is larger than those that are read ahead into `bytes`.
pub(super) fn read_large(
    shared: &Shared<'_>,
    path: &str,
    bytes: &mut Vec<u8>,
) -> Result<SourceStamp, ReadError> {
    let at_most = largest_file(shared);
    let stamp = shared.pipeline.source.read(path, at_most + 1, bytes)?;
    whole_stamp(stamp, bytes, at_most)
}

fn image_file(stamp: SourceStamp, bytes: Vec<u8>, at_most: usize) -> Result<ImageFile, ReadError> {
    let stamp = whole_stamp(stamp, &bytes, at_most)?;
    Ok(ImageFile { stamp, bytes })
}

/// Returns the stamp of a file with those `bytes`, unless there are too many.
fn whole_stamp(stamp: SourceStamp, bytes: &[u8], at_most: usize) -> Result<SourceStamp, ReadError> {
    if bytes.len() > at_most {
        let error = format!("larger than {at_most} bytes, too large for an image of this array");
        return Err(ReadError::unusable(Cause::TooLarge, error));
    }
    Ok(stamp)
}

/// Most bytes of the image file, or of all files, of a plane.
fn largest_file(shared: &Shared<'_>) -> usize {
    let pipeline = shared.pipeline;
    let plane_bytes = pipeline.plan.geometry().plane_bytes();
    pipeline.source.largest_file(plane_bytes)
}
