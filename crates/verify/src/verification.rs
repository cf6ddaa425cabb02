//! The verification: from the objects of a dataset to the report.

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;

use rxrx_format::ChunkDecoder;
use rxrx_format::keys::{ROOT_METADATA, SHARDS};
use rxrx_input::PlannedInput;
use rxrx_reader::consistency::{FindingKind, Findings, Tables, check_objects, error_chain};
use rxrx_storage::Store;

use crate::chunk::{Expected, PlaneCounters};
use crate::error::VerifyError;
use crate::memory::{VerifyMemory, overview_bytes};
use crate::memory_limit::TooLittleMemory;
use crate::missing::report_missing;
use crate::opened::OpenedDataset;
use crate::overview::OverviewCheck;
use crate::progress::Progress;
use crate::report::{VerifyOptions, VerifyReport};
use crate::shards::{ShardCheck, UnitObjects};
use crate::small_objects::SmallObjects;
use crate::source::{SourceCheck, readers_of};

/// Verifies the sealed dataset that `store` holds; `dataset` is its name in
/// errors. `source` is the input, planned with the options
/// of the dataset. `progress` is told how far it is.
///
/// The verification continues after damage and reports all of it.
///
/// # Errors
/// [`VerifyError`]: there is no sealed dataset that this program reads, the store
/// cannot be listed, or the source cannot be read any more. All other objects that
/// cannot be read are in the report.
pub fn verify(
    store: &dyn Store,
    dataset: &str,
    source: Option<&PlannedInput>,
    options: &VerifyOptions,
    progress: &dyn Progress,
) -> Result<VerifyReport, VerifyError> {
    let findings = Findings::default();
    let opened = OpenedDataset::read(store, dataset, &findings)?;
    let objects = SmallObjects::read(store, &opened, &findings);
    let card_edited = objects.card_edited;
    let tables = match &opened.root {
        Some(root) => check_objects(root, objects.objects(), &findings),
        None => Tables::default(),
    };
    let (shards, overviews): (Vec<_>, Vec<_>) = objects
        .into_units()
        .into_iter()
        .partition(|key| key.starts_with(SHARDS));
    let sites = opened.root.as_ref().map_or(0, |root| root.geometry.sites);
    progress.started(sites, shards.len());
    let check = ShardCheck {
        store,
        checksums: &opened.checksums,
        findings: &findings,
        progress,
        sizes: &opened.sizes,
        memory: share_memory(&opened, source, options, &findings)?,
    };
    let units = UnitObjects { shards, overviews };
    let counters = check_shards(&check, &opened, &tables, source, units)?;
    report_missing(&opened, &tables, &findings);
    opened.checksums.check_text(&findings);

    let mut found = findings.into_found();
    Ok(VerifyReport {
        objects: opened.sizes.len(),
        bytes: opened.bytes(),
        sites,
        planes: counters.decoded.load(Ordering::Relaxed),
        compared: source.map(|_| counters.compared.load(Ordering::Relaxed)),
        card_edited,
        sites_touched: found.sites(),
        findings: found.kinds,
        by_object: found.objects,
    })
}

/// Shares the memory that the options allow between workers and shards. If a root that
/// contradicts other objects says that chunks are too large for it, that is one more
/// finding, and no chunk is decoded.
fn share_memory(
    opened: &OpenedDataset,
    source: Option<&PlannedInput>,
    options: &VerifyOptions,
    findings: &Findings,
) -> Result<VerifyMemory, TooLittleMemory> {
    let geometry = opened.root.as_ref().map(|root| &root.geometry);
    let readers = source.and_then(|source| NonZeroUsize::new(readers_of(source)));
    let workers = readers.map_or(options.jobs, |readers| readers.max(options.jobs));
    let overview = opened.root.as_ref().map_or(0, overview_bytes);
    let has_source = source.is_some();
    let share = |geometry, overview| {
        VerifyMemory::share(options.memory, workers, geometry, overview, has_source)
    };
    match share(geometry, overview) {
        Err(error) if !findings.is_empty() => {
            findings.object(FindingKind::Mismatch, ROOT_METADATA, error.to_string());
            share(None, 0)
        }
        shared => shared,
    }
}

/// Checks the shards and the overviews and, if there is a source, compares their pixels with it.
fn check_shards(
    check: &ShardCheck<'_>,
    opened: &OpenedDataset,
    tables: &Tables,
    source: Option<&PlannedInput>,
    units: UnitObjects,
) -> Result<PlaneCounters, VerifyError> {
    let failed = |source| VerifyError::Thread { source };
    let root = opened.root.as_ref();
    let Some(root) = root.filter(|_| check.memory.has_chunks) else {
        return check.run(units, None).map_err(failed);
    };
    let source = source.map(|source| SourceCheck::new(source, root, tables, check.findings));
    let decoders = ChunkDecoder::new(root.attributes.settings.codec, &root.geometry);
    let decoders = decoders.and_then(|decoder| Ok((decoder, OverviewCheck::of(root)?)));
    let counters = match decoders {
        Ok((decoder, overviews)) => {
            let expected = Expected {
                root,
                tables,
                decoder: &decoder,
                overviews: overviews.as_ref(),
                source: source.as_ref(),
            };
            check.run(units, Some(&expected))
        }
        Err(error) => {
            let text = error_chain(&error);
            check
                .findings
                .object(FindingKind::Mismatch, ROOT_METADATA, text);
            check.run(units, None)
        }
    };
    let counters = counters.map_err(failed)?;
    match source.and_then(SourceCheck::into_unreachable) {
        Some((input, source)) => Err(VerifyError::Source { input, source }),
        None => Ok(counters),
    }
}
