//! Worker threads: they take a chunk from the bytes of image files to encoded bytes.

use crossbeam_channel::Receiver;
use rxrx_decoder::{Decoder, Limits, PlaneShape};
use rxrx_format::{GroupScratch, plane_shape};
use rxrx_input::{ReadError, SourceStamp};

use super::chunks::{Content, EncodedChunk, PlacedRecord, ReadChunk, ReadFile};
use super::error::PipelineError;
use super::inputs::Pipeline;
use super::progress::StopOnPanic;
use super::read::read_large;
use super::shared::Shared;
use crate::events::Event;
use crate::journal::PlaneRecord;

/// Encodes the chunks that the readers have read.
pub(super) fn run_worker(shared: &Shared<'_>, read: Receiver<ReadChunk>) {
    let _guard = StopOnPanic(&shared.progress);
    let mut worker = ChunkWorker::new(shared);
    for chunk in read {
        let number = chunk.number;
        let unit = shared.progress.unit_of(number);
        if !shared.progress.is_wanted(unit) {
            continue;
        }
        match worker.encode(chunk) {
            Ok(encoded) => shared.progress.add_encoded(number, encoded),
            Err(error) => shared.progress.fail(unit, error),
        }
    }
}

/// One worker with the memory that it reuses from chunk to chunk.
struct ChunkWorker<'a> {
    shared: &'a Shared<'a>,
    planes: PlaneDecoder<'a>,
    scratch: GroupScratch,
}

impl<'a> ChunkWorker<'a> {
    fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            planes: PlaneDecoder::new(shared),
            scratch: GroupScratch::default(),
        }
    }

    /// Decodes each plane into the memory of the encoder, computes its overview, and encodes it.
    fn encode(&mut self, chunk: ReadChunk) -> Result<EncodedChunk, PipelineError> {
        let pipeline = self.shared.pipeline;
        let positions = chunk.address.positions(pipeline.plan.geometry());
        let mut bytes = self.shared.chunk_buffers.take();
        let mut planes = Vec::with_capacity(chunk.files.len());
        let plane_overview = pipeline.overviews.plane_bytes();
        let mut overviews = self.shared.overview_buffers.take();
        overviews.clear();
        let mut encoding = pipeline.encoder.begin(&mut self.scratch, &mut bytes);
        for (position, file) in positions.zip(&chunk.files) {
            let pixels = encoding.plane_buffer()?;
            let start = overviews.len();
            overviews.resize(start + plane_overview, 0);
            let overview = overviews.get_mut(start..).unwrap_or_default();
            let record = self.planes.decode(file.as_ref(), pixels, overview)?;
            encoding.push()?;
            match position {
                Some(position) => planes.push(PlacedRecord { position, record }),
                None => overviews.truncate(start),
            }
        }
        let lengths = encoding.finish()?;
        self.finish_chunk(chunk, bytes.len());
        Ok(EncodedChunk {
            bytes,
            lengths,
            planes,
            overviews,
        })
    }

    /// Tells that a chunk is encoded, and gives the buffers of its files back.
    fn finish_chunk(&self, chunk: ReadChunk, stored_bytes: usize) {
        let mut source_bytes = 0;
        for file in chunk.files.into_iter().flatten() {
            if let Ok(Content::Read(image)) = file.content {
                source_bytes += image.stamp.bytes;
                self.shared.file_buffers.give_back(image.bytes);
            }
        }
        let pipeline = self.shared.pipeline;
        let completes_sites = chunk.address.channels.end == pipeline.plan.geometry().channels;
        pipeline.observer.notice(Event::ChunkEncoded {
            sites: if completes_sites {
                chunk.address.sites.len()
            } else {
                0
            },
            source_bytes,
            stored_bytes: stored_bytes as u64,
        });
    }
}

/// Decodes the planes of one worker.
struct PlaneDecoder<'a> {
    shared: &'a Shared<'a>,
    pipeline: &'a Pipeline<'a>,
    decoder: Decoder,
    shape: PlaneShape,
}

impl<'a> PlaneDecoder<'a> {
    fn new(shared: &'a Shared<'a>) -> Self {
        let pipeline = shared.pipeline;
        Self {
            shared,
            pipeline,
            decoder: Decoder::new(Limits::default()),
            shape: plane_shape(pipeline.plan.geometry()),
        }
    }

    /// Decodes one image file into `pixels` and `overview`, which are 0 where there is no
    /// file or no usable one, and returns the record of the plane.
    fn decode(
        &mut self,
        file: Option<&ReadFile>,
        pixels: &mut [u8],
        overview: &mut [u8],
    ) -> Result<PlaneRecord, PipelineError> {
        let record = match file {
            Some(file) => self.decode_file(file, pixels, overview)?,
            None => PlaneRecord::Missing,
        };
        if !record.is_ok() {
            pixels.fill(0);
            overview.fill(0);
        }
        if let (Some(file), Some((error, _))) = (file, record.problem()) {
            let path = &file.path;
            self.pipeline
                .observer
                .notice(Event::PlaneRefused { path, error });
        }
        if let Some(file) = file {
            self.shared.first_images.note(&file.path, &record)?;
        }
        Ok(record)
    }

    /// Decodes one image file into `pixels` and `overview`. Their content is unspecified
    /// unless the record is one of a good plane.
    fn decode_file(
        &mut self,
        file: &ReadFile,
        pixels: &mut [u8],
        overview: &mut [u8],
    ) -> Result<PlaneRecord, PipelineError> {
        let path = &file.path;
        match &file.content {
            Ok(Content::Read(image)) => {
                self.decode_bytes(path, image.stamp, &image.bytes, (pixels, overview))
            }
            Ok(Content::Large) => {
                // One at a time is in memory. Whoever has the lock waits for the source
                // alone.
                let mut bytes = self.shared.large_file();
                let record = match read_large(self.shared, path, &mut bytes) {
                    Ok(stamp) => self.decode_bytes(path, stamp, &bytes, (pixels, overview)),
                    Err(error) => self.unreadable(path, &error),
                };
                *bytes = Vec::new();
                record
            }
            Err(error) => self.unreadable(path, error),
        }
    }

    /// Returns the record of a file that could not be read.
    fn unreadable(&self, path: &str, error: &ReadError) -> Result<PlaneRecord, PipelineError> {
        let path = || path.to_owned();
        match error {
            ReadError::Unreachable(error) => Err(PipelineError::Source {
                path: path(),
                source: error.clone(),
            }),
            error if self.pipeline.strict => Err(PipelineError::UnreadableImage {
                path: path(),
                source: error.clone(),
            }),
            error if error.is_unreadable() => Ok(PlaneRecord::Unreadable {
                error: format!("cannot be read: {error}"),
            }),
            ReadError::Unusable { cause, .. } => Ok(PlaneRecord::Corrupt {
                source: None,
                cause: cause.as_str().into(),
                error: format!("cannot be read: {error}"),
            }),
        }
    }

    /// Decodes the bytes of an image file, as [`Self::decode_file`] does.
    fn decode_bytes(
        &mut self,
        path: &str,
        stamp: SourceStamp,
        bytes: &[u8],
        (pixels, overview): (&mut [u8], &mut [u8]),
    ) -> Result<PlaneRecord, PipelineError> {
        let decoder = &mut self.decoder;
        match decoder.decode_with_overview(bytes, self.shape, pixels, overview) {
            Ok(summary) => {
                for oddity in self.decoder.oddities().iter() {
                    self.pipeline
                        .observer
                        .notice(Event::PlaneKept { path, oddity });
                }
                Ok(PlaneRecord::Ok {
                    source: stamp,
                    summary,
                })
            }
            Err(source) if self.pipeline.strict => Err(PipelineError::CorruptImage {
                path: path.to_owned(),
                source,
            }),
            Err(error) => Ok(PlaneRecord::Corrupt {
                source: Some(stamp),
                cause: error.kind().into(),
                error: error.to_string(),
            }),
        }
    }
}
