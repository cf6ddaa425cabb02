//! What the threads of one run share.
#![allow(
    clippy::indexing_slicing,
    reason = "chunks are numbered over the units of the run"
)]

use std::sync::{Mutex, MutexGuard, PoisonError};

use rxrx_format::ChunkAddress;
use rxrx_metadata::Unit;

use super::buffers::BufferPool;
use super::capacity::Capacity;
use super::first_images::FirstImages;
use super::inputs::Pipeline;
use super::progress::Progress;

/// The inputs of a run with its progress and its buffers.
pub(super) struct Shared<'a> {
    pub(super) pipeline: &'a Pipeline<'a>,
    /// The units to run, ascending.
    pub(super) units: &'a [Unit],
    pub(super) progress: Progress<'a>,
    pub(super) first_images: FirstImages,
    /// Buffers of image files.
    pub(super) file_buffers: BufferPool,
    /// Buffers of encoded chunks.
    pub(super) chunk_buffers: BufferPool,
    /// Buffers of the overviews of a chunk.
    pub(super) overview_buffers: BufferPool,
    /// An image file that is too large to be read ahead.
    large_file: Mutex<Vec<u8>>,
}

impl<'a> Shared<'a> {
    /// Begins a run of `units`.
    pub(super) fn new(pipeline: &'a Pipeline<'a>, units: &'a [Unit], capacity: &Capacity) -> Self {
        let chunks = units.iter().map(|unit| pipeline.groups_of(unit)).sum();
        let per_unit = pipeline.groups_per_unit();
        let is_whole =
            units.len() == pipeline.plan.geometry().shards() && pipeline.former.is_empty();
        Self {
            pipeline,
            units,
            progress: Progress::new(units.len(), chunks, per_unit, capacity, pipeline.stop),
            first_images: FirstImages::of_run(is_whole),
            // Hardly any PNG is larger than its pixels.
            file_buffers: BufferPool::with_capacity(pipeline.plan.geometry().plane_bytes()),
            // The encoder makes room for the worst case.
            chunk_buffers: BufferPool::with_capacity(0),
            overview_buffers: BufferPool::with_capacity(0),
            large_file: Mutex::default(),
        }
    }

    /// Waits for the one buffer of large image files.
    pub(super) fn large_file(&self) -> MutexGuard<'_, Vec<u8>> {
        self.large_file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The address of the chunk with that number.
    pub(super) fn address(&self, chunk: usize) -> ChunkAddress {
        let per_unit = self.pipeline.groups_per_unit();
        let geometry = self.pipeline.plan.geometry();
        ChunkAddress::new(geometry, &self.units[chunk / per_unit], chunk % per_unit)
    }
}
