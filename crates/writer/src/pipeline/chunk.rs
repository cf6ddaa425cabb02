//! One worker's way with one chunk: from image files to encoded bytes.

use rxrx_decoder::{Decoder, Limits, PlaneShape};
use rxrx_metadata::{SiteIndex, Unit};

use super::{Pipeline, PipelineError, notice_refused};
use crate::codec::EncoderScratch;
use crate::events::Event;
use crate::record::PlaneRecord;
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
    shape: PlaneShape,
    decoder: Decoder,
    file: Vec<u8>,
    pixels: Vec<u8>,
    scratch: EncoderScratch,
}

impl<'a> ChunkWorker<'a> {
    pub(super) fn new(pipeline: &'a Pipeline<'a>) -> Self {
        let geometry = pipeline.plan.geometry();
        let planes = geometry.chunk_sites * geometry.chunk_channels;
        Self {
            pipeline,
            shape: plane_shape(geometry),
            decoder: Decoder::new(Limits::default()),
            file: Vec::new(),
            pixels: vec![0; planes * geometry.plane_bytes()],
            scratch: EncoderScratch::default(),
        }
    }

    /// Reads, decodes and encodes chunk number `chunk` of `unit`.
    pub(super) fn encode(
        &mut self,
        unit: &Unit,
        chunk: usize,
    ) -> Result<EncodedChunk, PipelineError> {
        let geometry = self.pipeline.plan.geometry();
        let channel_chunks = self.pipeline.channel_chunks();
        let (site_chunk, channel_chunk) = (chunk / channel_chunks, chunk % channel_chunks);
        let first_site = unit.sites.start + site_chunk * geometry.chunk_sites;
        let sites = first_site..unit.sites.end.min(first_site + geometry.chunk_sites);
        let channels = self.pipeline.channels_of(channel_chunk);

        // What lies outside the array is 0, whatever the last chunk left there.
        if sites.len() < geometry.chunk_sites || channels.len() < geometry.chunk_channels {
            self.pixels.fill(0);
        }
        let mut pixels = std::mem::take(&mut self.pixels);
        let mut planes = Vec::with_capacity(sites.len() * channels.len());
        let mut source_bytes = 0;
        let rows = pixels.chunks_exact_mut(geometry.chunk_channels * geometry.plane_bytes());
        for (site, row) in sites.clone().zip(rows) {
            let slots = row.chunks_exact_mut(geometry.plane_bytes());
            for (channel, plane) in channels.clone().zip(slots) {
                let record = self.decode(SiteIndex(site), channel, plane)?;
                source_bytes += match &record {
                    PlaneRecord::Ok { source_bytes, .. } => *source_bytes,
                    _ => 0,
                };
                planes.push(record);
            }
        }
        let encoder = self.pipeline.encoder;
        let bytes = encoder.encode(&mut pixels, &mut self.scratch);
        self.pixels = pixels;
        let bytes = bytes?;
        self.pipeline.observer.notice(Event::ChunkEncoded {
            sites: if channels.end == geometry.channels {
                sites.len()
            } else {
                0
            },
            source_bytes,
            stored_bytes: bytes.len() as u64,
        });
        Ok(EncodedChunk { bytes, planes })
    }

    /// Fills `plane` with the pixels of one image, or with 0.
    fn decode(
        &mut self,
        site: SiteIndex,
        channel: usize,
        plane: &mut [u8],
    ) -> Result<PlaneRecord, PipelineError> {
        let Some(path) = self.pipeline.plan.source(site, channel) else {
            plane.fill(0);
            return Ok(PlaneRecord::Missing);
        };
        let strict = self.pipeline.strict;
        let record = match self.pipeline.source.read(path, &mut self.file) {
            Err(source) if strict => {
                let path = path.to_owned();
                return Err(PipelineError::UnreadableImage { path, source });
            }
            Err(error) => PlaneRecord::Corrupt {
                source_bytes: None,
                cause: "unreadable",
                error: format!("cannot be read: {error}"),
            },
            Ok(()) => match self.decoder.decode(&self.file, self.shape, plane) {
                Ok(summary) => {
                    return Ok(PlaneRecord::Ok {
                        source_bytes: self.file.len() as u64,
                        summary,
                    });
                }
                Err(source) if strict => {
                    let path = path.to_owned();
                    return Err(PipelineError::CorruptImage { path, source });
                }
                Err(error) => PlaneRecord::Corrupt {
                    source_bytes: Some(self.file.len() as u64),
                    cause: error.kind(),
                    error: error.to_string(),
                },
            },
        };
        plane.fill(0);
        notice_refused(self.pipeline.observer, path, &record);
        Ok(record)
    }
}
