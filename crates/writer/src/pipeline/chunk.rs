//! One worker's way with one chunk: from the bytes of image files to encoded
//! bytes.
#![allow(
    clippy::indexing_slicing,
    reason = "a task has no plane outside its chunk"
)]

use rxrx_decoder::{Decoder, Limits, PlaneShape};
use rxrx_format::{EncoderScratch, plane_shape};
use rxrx_input::ReadError;
use rxrx_metadata::SiteIndex;

use super::read::{Buffers, ImageFile, ReadChunk};
use super::{Pipeline, PipelineError};
use crate::events::Event;
use crate::journal::PlaneRecord;

/// A chunk ready to be laid into its shard.
pub(super) struct EncodedChunk {
    pub(super) bytes: Vec<u8>,
    /// Its planes inside the array, site-major.
    pub(super) planes: Vec<PlaneRecord>,
}

/// The buffers of one worker, reused from chunk to chunk.
pub(super) struct ChunkWorker<'a> {
    pipeline: &'a Pipeline<'a>,
    files: &'a Buffers,
    stored: &'a Buffers,
    shape: PlaneShape,
    decoder: Decoder,
    encoder: EncoderScratch,
}

impl<'a> ChunkWorker<'a> {
    /// Gives the buffers of files back to `files`, and takes those of encoded
    /// chunks from `stored`.
    pub(super) fn new(pipeline: &'a Pipeline<'a>, files: &'a Buffers, stored: &'a Buffers) -> Self {
        let geometry = pipeline.plan.geometry();
        Self {
            pipeline,
            files,
            stored,
            shape: plane_shape(geometry),
            decoder: Decoder::new(Limits::default()),
            encoder: EncoderScratch::default(),
        }
    }

    /// Decodes and encodes one chunk.
    pub(super) fn encode(&mut self, chunk: ReadChunk) -> Result<EncodedChunk, PipelineError> {
        let Self {
            pipeline,
            decoder,
            shape,
            ..
        } = self;
        let geometry = pipeline.plan.geometry();
        let ReadChunk { task, files, .. } = chunk;
        let mut planes = vec![PlaneRecord::Missing; files.len()];
        let mut bytes = self.stored.take();
        let fill = |position: usize, plane: &mut [u8]| {
            let inside = task.plane_at(geometry, position);
            let file = inside.and_then(|(place, site, channel)| {
                let file = files.get(place)?.as_ref()?;
                Some((file, place, SiteIndex(site), channel))
            });
            // Missing, or not inside the array.
            let Some((file, place, site, channel)) = file else {
                plane.fill(0);
                return Ok(());
            };
            let path = || pipeline.plan.source(site, channel).unwrap_or_default();
            let record = pipeline.decode(path, file, decoder, *shape, plane)?;
            if !record.is_ok() {
                plane.fill(0);
            }
            planes[place] = record;
            Ok::<_, PipelineError>(())
        };
        let encoder = &mut self.encoder;
        pipeline.encoder.encode(encoder, &mut bytes, fill)?;
        for ((site, channel), record) in task.planes().zip(&planes) {
            if let PlaneRecord::Corrupt { error, .. } = record {
                let path = pipeline.plan.source(SiteIndex(site), channel);
                let path = path.as_deref().unwrap_or_default();
                pipeline
                    .observer
                    .notice(Event::PlaneRefused { path, error });
            }
        }
        let mut source_bytes = 0;
        for file in files.into_iter().flatten().flatten() {
            source_bytes += file.stamp.bytes;
            self.files.give_back(file.bytes);
        }
        pipeline.observer.notice(Event::ChunkEncoded {
            sites: if task.channels.end == geometry.channels {
                task.sites.len()
            } else {
                0
            },
            source_bytes,
            stored_bytes: bytes.len() as u64,
        });
        Ok(EncodedChunk { bytes, planes })
    }
}

impl Pipeline<'_> {
    /// Decodes one image file into `plane`; leaves anything there if it cannot.
    fn decode(
        &self,
        path: impl Fn() -> String,
        file: &Result<ImageFile, ReadError>,
        decoder: &mut Decoder,
        shape: PlaneShape,
        plane: &mut [u8],
    ) -> Result<PlaneRecord, PipelineError> {
        match file {
            Err(ReadError::Unreachable(error)) => Err(PipelineError::Source {
                path: path(),
                source: error.clone(),
            }),
            Err(error) if self.strict => Err(PipelineError::UnreadableImage {
                path: path(),
                source: error.clone(),
            }),
            Err(error @ ReadError::Unusable { cause, .. }) => Ok(PlaneRecord::Corrupt {
                source: None,
                cause: cause.as_str().into(),
                error: format!("cannot be read: {error}"),
            }),
            Ok(file) => match decoder.decode(&file.bytes, shape, plane) {
                Ok(summary) => Ok(PlaneRecord::Ok {
                    source: file.stamp,
                    summary,
                }),
                Err(source) if self.strict => Err(PipelineError::CorruptImage {
                    path: path(),
                    source,
                }),
                Err(error) => Ok(PlaneRecord::Corrupt {
                    source: Some(file.stamp),
                    cause: error.kind().into(),
                    error: error.to_string(),
                }),
            },
        }
    }
}
