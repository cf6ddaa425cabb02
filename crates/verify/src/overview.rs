//! Comparison of the overviews of a unit with the pixels of its shard.

use rxrx_decoder::{OverviewScratch, overview_of};
use rxrx_format::keys::{overview_key, shard_number};
use rxrx_format::{
    ArrayGeometry, ChunkDecoder, CodecError, Root, overview_decoder, overview_geometry,
    plane_shape, read_index,
};
use rxrx_reader::consistency::{Finding, FindingKind, Findings, Tables};

use super::budget::Taken;

/// Decodes the overviews of a dataset.
pub(super) struct OverviewCheck {
    geometry: ArrayGeometry,
    decoder: ChunkDecoder,
}

/// The overviews of a unit, decoded, in the order (channel, site, y, x).
pub(super) struct UnitOverviews {
    /// Key of their object.
    key: String,
    pixels: Vec<u8>,
    /// The chunks that could be decoded, by channel.
    channels: Vec<bool>,
    /// The memory of the pixels.
    _taken: Taken,
}

/// Reports findings about the overviews of a dataset whose root is known.
#[derive(Clone, Copy)]
pub(super) struct OverviewFindings<'a> {
    pub(super) findings: &'a Findings,
    pub(super) root: &'a Root,
    pub(super) tables: &'a Tables,
}

impl OverviewFindings<'_> {
    /// Reports a finding about the overviews of some sites in a channel.
    fn add(
        &self,
        key: &str,
        (sites, channel): (std::ops::Range<usize>, Option<usize>),
        kind: FindingKind,
        text: String,
    ) {
        self.findings.add(Finding {
            object: key.to_owned(),
            sites: Some(self.tables.span(sites)),
            channel: channel.and_then(|channel| self.root.channels.get(channel).cloned()),
            kind,
            text,
        });
    }
}

impl OverviewCheck {
    /// Makes the check of the overviews of a dataset; `None` if it has none.
    ///
    /// # Errors
    /// [`CodecError::OverviewTooLarge`].
    pub(super) fn of(root: &Root) -> Result<Option<Self>, CodecError> {
        if !root.has_overview() {
            return Ok(None);
        }
        Ok(Some(Self {
            geometry: overview_geometry(&root.geometry),
            decoder: overview_decoder(&root.geometry)?,
        }))
    }

    /// Key of the overviews that belong to the shard with that key.
    pub(super) fn key(shard: &str) -> Option<String> {
        shard_number(shard).map(overview_key)
    }

    /// Decodes the object of a unit, in memory that was `taken`, and reports chunks that
    /// cannot be decoded and pixels outside the array that are not 0.
    pub(super) fn decode(
        &self,
        unit: usize,
        object: &[u8],
        findings: OverviewFindings<'_>,
        taken: Taken,
    ) -> Option<UnitOverviews> {
        let key = overview_key(unit);
        let geometry = &self.geometry;
        let sites = geometry.unit(unit).sites;
        let ranges = match read_index(object, geometry.channels) {
            Ok(ranges) => ranges,
            Err(error) => {
                let text = format!("its index: {error}");
                findings.add(&key, (sites, None), FindingKind::Damaged, text);
                return None;
            }
        };
        let mut pixels = vec![0; geometry.chunk_bytes() * geometry.channels];
        let chunks = pixels.chunks_mut(geometry.chunk_bytes());
        let mut channels = Vec::with_capacity(geometry.channels);
        for (channel, (range, chunk)) in ranges.into_iter().zip(chunks).enumerate() {
            let place = (sites.clone(), Some(channel));
            let Some(range) = range else {
                let text = "the index says that its chunk was never written".to_owned();
                findings.add(&key, place, FindingKind::Missing, text);
                channels.push(false);
                continue;
            };
            let part = usize::try_from(range.start)
                .ok()
                .zip(usize::try_from(range.end).ok());
            let stored = part.and_then(|(start, end)| object.get(start..end));
            let decoded = self.decoder.decode(stored.unwrap_or_default(), chunk);
            channels.push(decoded.is_ok());
            let outside = chunk.get(sites.len() * geometry.plane_bytes()..);
            if let Err(error) = decoded {
                let text = format!("its chunk: {error}");
                findings.add(&key, place, FindingKind::Damaged, text);
            } else if outside.is_some_and(|outside| outside.iter().any(|&byte| byte != 0)) {
                let text = "pixels outside the array are not 0".to_owned();
                findings.add(&key, place, FindingKind::Mismatch, text);
            }
        }
        Some(UnitOverviews {
            key,
            pixels,
            channels,
            _taken: taken,
        })
    }

    /// Compares the overview of a plane with the one that its `pixels` give.
    pub(super) fn compare(
        &self,
        unit: &UnitOverviews,
        (site, channel): (usize, usize),
        pixels: &[u8],
        buffers: &mut OverviewBuffers,
        findings: OverviewFindings<'_>,
    ) {
        let geometry = &self.geometry;
        if unit.channels.get(channel) != Some(&true) {
            return;
        }
        let OverviewBuffers { overview, scratch } = buffers;
        overview.resize(geometry.plane_bytes(), 0);
        overview_of(
            pixels,
            plane_shape(&findings.root.geometry),
            overview,
            scratch,
        );
        let position = channel * geometry.shard_sites + site % geometry.shard_sites;
        let start = position * geometry.plane_bytes();
        let stored = unit.pixels.get(start..start + geometry.plane_bytes());
        if stored != Some(overview.as_slice()) {
            let text = "it is not the mean of the pixels of its plane".to_owned();
            let place = (site..site + 1, Some(channel));
            findings.add(&unit.key, place, FindingKind::Mismatch, text);
        }
    }
}

/// The buffers of one worker.
#[derive(Default)]
pub(super) struct OverviewBuffers {
    overview: Vec<u8>,
    scratch: OverviewScratch,
}
