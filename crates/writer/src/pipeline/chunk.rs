//! One worker's way with one chunk: from the bytes of image files to encoded
//! bytes.
#![allow(
    clippy::indexing_slicing,
    reason = "a task has no plane outside its chunk"
)]

use std::io;

use rxrx_decoder::{Decoder, Limits, PlaneShape};
use rxrx_metadata::SiteIndex;

use super::read::{Buffers, ImageFile, ReadChunk};
use super::{Pipeline, PipelineError};
use crate::codec::EncoderScratch;
use crate::events::Event;
use crate::record::PlaneRecord;
use crate::source::{Lost, cause};
use crate::survey::plane_shape;

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
    pixels: Vec<u8>,
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
            pixels: vec![0; geometry.chunk_bytes()],
            encoder: EncoderScratch::default(),
        }
    }

    /// Decodes and encodes one chunk.
    pub(super) fn encode(&mut self, chunk: ReadChunk) -> Result<EncodedChunk, PipelineError> {
        let Self {
            pipeline,
            files,
            stored,
            shape,
            decoder,
            pixels,
            encoder,
        } = self;
        let geometry = pipeline.plan.geometry();
        let ReadChunk {
            task, files: read, ..
        } = chunk;
        // What lies outside the array is 0, whatever the last chunk left there.
        if task.sites.len() < geometry.chunk_sites || task.channels.len() < geometry.chunk_channels
        {
            pixels.fill(0);
        }
        let mut planes = Vec::with_capacity(read.len());
        let mut source_bytes = 0;
        for ((site, channel), file) in task.planes().zip(read) {
            let position = (site - task.sites.start) * geometry.chunk_channels
                + (channel - task.channels.start);
            let plane_bytes = geometry.plane_bytes();
            let plane = &mut pixels[position * plane_bytes..][..plane_bytes];
            let Some(file) = file else {
                plane.fill(0);
                planes.push(PlaneRecord::Missing);
                continue;
            };
            let path = pipeline
                .plan
                .source(SiteIndex(site), channel)
                .unwrap_or_default();
            let file = match file {
                Err(source) if Lost::is(&source) => {
                    return Err(PipelineError::Source { path, source });
                }
                file => file,
            };
            let record = pipeline.decode(&path, &file, decoder, *shape, plane)?;
            if let PlaneRecord::Corrupt { error, .. } = &record {
                plane.fill(0);
                pipeline
                    .observer
                    .notice(Event::PlaneRefused { path: &path, error });
            }
            if let Ok(file) = file {
                source_bytes += file.stamp.bytes;
                files.give_back(file.bytes);
            }
            planes.push(record);
        }
        let mut bytes = stored.take();
        pipeline.encoder.encode(pixels, encoder, &mut bytes)?;
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
        path: &str,
        file: &io::Result<ImageFile>,
        decoder: &mut Decoder,
        shape: PlaneShape,
        plane: &mut [u8],
    ) -> Result<PlaneRecord, PipelineError> {
        let path = || path.to_owned();
        match file {
            Err(error) if self.strict => Err(PipelineError::UnreadableImage {
                path: path(),
                source: io::Error::new(error.kind(), error.to_string()),
            }),
            Err(error) => Ok(PlaneRecord::Corrupt {
                source: None,
                cause: cause(error).into(),
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
