//! Is a dataset what was written, and what the source would give?
//!
//! Every object is read once. What each is checked by:
//!
//! | object | by |
//! |---|---|
//! | all | `SHA256SUMS`, which must itself be the list that would be written, byte for byte; nothing missing, nothing extra |
//! | shards | crc32c of index and chunks; byte ranges in `metadata.parquet`; hash and statistics of each plane in `planes.parquet`; 0 where a plane is missing or corrupt; with a source, each pixel |
//! | `zarr.json` | the consolidated metadata in the root; the settings and the columns |
//! | labels | the columns of `metadata.parquet`, the status of each plane, the channels in the root |
//! | `channel_stats.parquet` | the sums in `planes.parquet` |
//! | `embeddings.parquet` | the digest in the root, the site ids in `metadata.parquet` |
//! | `croissant.json` | sizes and checksums of the tables, their columns, the attributes of the root |
//! | tables | each other, the attributes of the root; with a source, its table |
//!
//! An object whose checksum is wrong is reported, and nothing is compared with
//! it: its neighbours are not to blame. Nothing read is believed to be ours, or
//! whole: sizes are checked before memory is taken.

mod checksums;
mod derived;
mod documents;
mod finding;
mod shards;
mod source;
mod tables;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;

use rxrx_format::keys::{
    CARD, CHECKSUMS, IMAGES, IMAGES_METADATA, ROOT_METADATA, SHARDS, shard_key,
};
use rxrx_format::{ChunkDecoder, Root, StoredFile, keys};
use rxrx_input::PlannedInput;
use rxrx_reader::DatasetError;
use rxrx_storage::{Location, Store, StoreError, Unreachable};
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::checksums::Checksums;
use self::documents::{check_document, label_keys};
use self::finding::Findings;
pub use self::finding::{Finding, FindingKind, ObjectFindings, SiteSpan};
use self::shards::{Expected, ShardCheck};
use self::source::SourceCheck;
use self::tables::{Tables, chain};
use crate::events::{Event, Observer};

/// Largest object other than a shard that is read.
const OBJECT_BYTES_AT_MOST: u64 = 4 << 30;
/// Missing shards that are spelled out; of any beyond, the number is told.
const MISSING_NAMED: usize = 10_000;

/// How to verify.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// Threads that hash and decode.
    pub jobs: NonZeroUsize,
}

/// The dataset cannot be verified at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is not sealed, or not a dataset of this program.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// It cannot be listed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The source as a whole cannot be read any more.
    #[error("cannot read the source {input} any more")]
    Source {
        /// The source.
        input: Location,
        /// The error of the store.
        source: Unreachable,
    },
}

/// What a verification came to.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyReport {
    /// Objects in the dataset.
    pub objects: usize,
    /// Their sizes together, in bytes.
    pub bytes: u64,
    /// Sites in the array; 0 when the root does not tell.
    pub sites: usize,
    /// Planes that were decoded.
    pub planes: usize,
    /// Planes whose pixels were compared with the source; `None` without one.
    pub compared: Option<usize>,
    /// Number of findings of each kind.
    pub findings: BTreeMap<FindingKind, usize>,
    /// Sites that any finding touches.
    pub sites_touched: usize,
    /// The findings of each object with any.
    pub by_object: BTreeMap<String, ObjectFindings>,
}

impl VerifyReport {
    /// Whether all is as recorded.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// The small objects that were read and can be believed.
#[derive(Debug, Default)]
struct Objects(BTreeMap<String, Vec<u8>>);

impl Objects {
    fn take(&mut self, key: &str) -> Option<Vec<u8>> {
        self.0.remove(key)
    }

    /// What there is to say of the tables among them.
    fn tables(&self) -> Vec<StoredFile> {
        let tables = keys::tables().filter_map(|table| {
            let key = table.key;
            let table = self.0.get(key)?;
            Some(StoredFile {
                key,
                bytes: table.len() as u64,
                sha256: Sha256::digest(table).into(),
            })
        });
        tables.collect()
    }
}

/// Verifies the sealed dataset that `store` holds; `dataset` is its name in
/// errors. `source` is the input, planned with the
/// [`Settings::plan_options`](crate::Settings::plan_options) of the dataset.
///
/// Goes on after damage and reports all of it.
///
/// # Errors
/// [`VerifyError`]: there is no sealed dataset, or the store cannot be listed.
/// Whatever else cannot be read is in the report.
pub fn verify(
    store: &dyn Store,
    dataset: &str,
    source: Option<&PlannedInput>,
    options: &VerifyOptions,
    observer: &dyn Observer,
) -> Result<VerifyReport, VerifyError> {
    let listed = store.list()?;
    let sizes: BTreeMap<&str, u64> = listed
        .iter()
        .map(|object| (object.key.as_str(), object.size))
        .collect();
    let is_readable = |key: &str| {
        sizes
            .get(key)
            .is_none_or(|size| *size <= OBJECT_BYTES_AT_MOST)
    };
    if !is_readable(ROOT_METADATA) {
        return Err(DatasetError::Foreign {
            dataset: dataset.to_owned(),
            reason: "it is too large".to_owned(),
        }
        .into());
    }
    let root = store.get(ROOT_METADATA)?;
    let root = root.ok_or_else(|| DatasetError::NotSealed {
        dataset: dataset.to_owned(),
    })?;
    let findings = Findings::default();
    let sums = match is_readable(CHECKSUMS).then(|| store.get(CHECKSUMS)) {
        None => {
            findings.object(
                FindingKind::Damaged,
                CHECKSUMS,
                "it is too large to be read",
            );
            Some(Vec::new())
        }
        Some(Ok(sums)) => sums,
        Some(Err(error)) => {
            findings.object(FindingKind::Damaged, CHECKSUMS, chain(&error));
            Some(Vec::new())
        }
    };
    let checksums = Checksums::new(sums);
    let trusted = checksums.check(ROOT_METADATA, Sha256::digest(&root).into(), &findings);
    let root = match Root::parse(&root) {
        Ok(root) => trusted.then_some(root),
        // Without a list, nothing speaks for its being ours.
        Err(error) if checksums.is_empty() => {
            return Err(DatasetError::Foreign {
                dataset: dataset.to_owned(),
                reason: error.to_string(),
            }
            .into());
        }
        Err(error) => {
            findings.object(FindingKind::Damaged, ROOT_METADATA, error.to_string());
            None
        }
    };
    let run = Run {
        store,
        sizes: &sizes,
        findings: &findings,
        checksums: &checksums,
        root: root.as_ref(),
    };
    let (mut objects, shards) = run.read_small();
    let mut tables = Tables::default();
    if let Some(root) = &root {
        let files = objects.tables();
        tables = Tables::read(root, &mut objects, &findings);
        tables.check(root, &findings);
        tables.check_labels(root, &mut objects, &findings);
        tables.check_channel_stats(root, &mut objects, &findings);
        tables.check_embeddings(root, &mut objects, &findings);
        tables.check_croissant(root, &mut objects, &files, &findings);
    }
    drop(objects);
    let decoder = root.as_ref().and_then(|root| {
        let decoder = ChunkDecoder::new(root.attributes.settings.codec, &root.geometry);
        let told = |error| findings.object(FindingKind::Mismatch, ROOT_METADATA, chain(&error));
        decoder.map_err(told).ok()
    });
    let sites = root.as_ref().map_or(0, |root| root.geometry.sites);
    observer.notice(Event::Started {
        sites,
        units: shards.len(),
    });
    let matched = source.zip(root.as_ref());
    let matched = matched.map(|(source, root)| SourceCheck::new(source, root, &tables, &findings));
    let check = ShardCheck {
        store,
        checksums: &checksums,
        findings: &findings,
        observer,
        jobs: options.jobs,
        expected: root
            .as_ref()
            .zip(decoder.as_ref())
            .map(|(root, decoder)| Expected {
                root,
                tables: &tables,
                decoder,
                source: matched.as_ref(),
            }),
    };
    let counts = check.run(&shards);
    let lost = matched.and_then(SourceCheck::into_lost);
    if let Some((planned, lost)) = source.zip(lost) {
        return Err(VerifyError::Source {
            input: planned.input.clone(),
            source: lost,
        });
    }
    run.report_missing(&tables);
    checksums.check_text(&findings);

    let mut found = findings.into_found();
    Ok(VerifyReport {
        objects: listed.len(),
        bytes: sizes
            .values()
            .fold(0, |sum, size| sum.saturating_add(*size)),
        sites,
        planes: counts.planes.load(Ordering::Relaxed),
        compared: source.map(|_| counts.compared.load(Ordering::Relaxed)),
        sites_touched: found.sites(),
        findings: found.kinds,
        by_object: found.objects,
    })
}

/// A verification under way.
struct Run<'a> {
    store: &'a dyn Store,
    sizes: &'a BTreeMap<&'a str, u64>,
    findings: &'a Findings,
    checksums: &'a Checksums,
    root: Option<&'a Root>,
}

impl Run<'_> {
    /// Reads all but the shards. Returns those that can be believed and are
    /// still of use, and the keys of the shards.
    fn read_small(&self) -> (Objects, Vec<String>) {
        let mut objects = Objects::default();
        let mut shards = Vec::new();
        let labels = self.root.map(|root| label_keys(root));
        let labels = labels.unwrap_or_default();
        let documents: BTreeMap<&str, &str> = labels
            .iter()
            .map(|(name, [document, _])| (document.as_str(), name.as_str()))
            .chain([(IMAGES_METADATA, IMAGES)])
            .collect();
        let chunks: BTreeSet<&str> = labels.values().map(|[_, chunk]| chunk.as_str()).collect();
        for (&key, &size) in self.sizes {
            if key == ROOT_METADATA || key == CHECKSUMS {
                continue;
            }
            let is_part = match self.root {
                Some(root) if key.starts_with(SHARDS) => root.shard(key).is_some(),
                Some(root) => {
                    root.objects().any(|object| object.key == key)
                        || documents.contains_key(key)
                        || chunks.contains(key)
                }
                None => self.checksums.lists(key),
            };
            if !is_part {
                let mut text = "it is no part of the dataset".to_owned();
                if self.checksums.lists(key) {
                    text += ", though SHA256SUMS lists it";
                    self.checksums.accept(key);
                }
                self.findings.object(FindingKind::Extra, key, text);
                continue;
            }
            let is_shard = key.starts_with(SHARDS);
            let at_most = match self.root {
                Some(root) if is_shard => root.shard_bytes_at_most(),
                _ => OBJECT_BYTES_AT_MOST,
            };
            if size > at_most {
                let text = format!("its {size} bytes are more than it can have, and were not read");
                self.findings.object(FindingKind::Damaged, key, text);
                self.checksums.accept(key);
            } else if is_shard {
                shards.push(key.to_owned());
            } else if let Some(bytes) = self.read(key) {
                if let (Some(root), Some(name)) = (self.root, documents.get(key)) {
                    check_document(root, name, key, &bytes, self.findings);
                } else if self.root.is_some() && key != CARD {
                    objects.0.insert(key.to_owned(), bytes);
                }
            }
        }
        (objects, shards)
    }

    /// One object, if its checksum is right.
    fn read(&self, key: &str) -> Option<Vec<u8>> {
        let bytes = match self.store.get(key) {
            Ok(bytes) => bytes?,
            Err(error) => {
                let text = chain(&error);
                self.findings.object(FindingKind::Damaged, key, text);
                self.checksums.accept(key);
                return None;
            }
        };
        let checksum = Sha256::digest(&bytes).into();
        let trusted = self.checksums.check(key, checksum, self.findings);
        trusted.then_some(bytes)
    }

    /// What is listed in `SHA256SUMS`, or belongs to the root, and is not there.
    fn report_missing(&self, tables: &Tables) {
        let mut missing: BTreeSet<String> = BTreeSet::new();
        for key in self.checksums.missing(|key| self.sizes.contains_key(key)) {
            self.checksums.accept(&key);
            missing.insert(key);
        }
        let mut beyond = 0;
        if let Some(root) = self.root {
            let labels = label_keys(root).into_values().flatten();
            let small = root.objects().map(|object| object.key);
            let small = small.filter(|key| ![CHECKSUMS, ROOT_METADATA].contains(key));
            missing.extend(
                labels
                    .chain(small.map(str::to_owned))
                    .filter(|key| !self.sizes.contains_key(key.as_str())),
            );
            let there = self
                .sizes
                .keys()
                .filter(|key| root.shard(key).is_some())
                .count();
            let absent = root.geometry.shards() - there;
            let shards = (0..root.geometry.shards())
                .map(|shard| shard_key(shard))
                .filter(|key| !self.sizes.contains_key(key.as_str()));
            let named = absent.min(MISSING_NAMED);
            missing.extend(shards.take(named));
            beyond = absent - named;
        }
        for key in missing {
            let shard = self.root.and_then(|root| {
                let unit = root.geometry.unit(root.shard(&key)?);
                Some(tables.span(unit.sites))
            });
            self.findings.add(Finding {
                object: key,
                sites: shard,
                channel: None,
                kind: FindingKind::Missing,
                text: "it is not there".to_owned(),
            });
        }
        if beyond > 0 {
            self.findings.add_uncounted(FindingKind::Missing, beyond);
        }
    }
}
