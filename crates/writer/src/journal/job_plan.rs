//! The plan of a job as it lies in the work folder. Nothing changes it once it is stored: the
//! state of OUTPUT names its head by a SHA-256, and the head names the rest.
//!
//! | key | content |
//! |---|---|
//! | `plan/head.json` | array, columns, INPUT, and the units of each part |
//! | `plan/part-N.json.zst` | rows of a part, the path of the image of each plane, its size and version, and its place in a tar |
//! | `plan/embeddings.parquet` | the embeddings, if there are any, as the dataset has them |
//!
//! A worker reads the head and its own part. The seal reads all of it.

use std::io::Read;
use std::num::NonZeroUsize;
use std::ops::Range;

use rxrx_format::{Sha256Sum, embeddings_of, embeddings_table};
use rxrx_input::{PlannedInput, StoredImages, StoredInput};
use rxrx_metadata::{Embeddings, Plan, StoredPlan, StoredPlanError, StoredRows, Unit};
use rxrx_storage::{Store, StoreError, map_concurrent};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::block::Block;
use super::entry::{JournalError, encode_entry, parse_entry};
use super::fingerprint::Fingerprint;

/// The folder of the plan.
pub(super) const JOB_PLAN: &str = "plan/";
const HEAD: &str = "plan/head.json";
const EMBEDDINGS: &str = "plan/embeddings.parquet";

/// Largest head that is read: a million parts of 200 bytes.
const HEAD_BYTES_AT_MOST: u64 = 1 << 28;
/// Largest part that is read, packed and unpacked.
const PART_BYTES_AT_MOST: u64 = 1 << 32;
/// Parts that are written at once: a disk flushes several files in the time of one, and a store
/// takes its time for each request.
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).unwrap();
/// Level of Zstandard: the paths of a plate differ in a few letters.
const LEVEL: i32 = 3;

/// Names the stored plan of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobReference {
    /// Number of parts.
    pub(crate) parts: usize,
    /// SHA-256 of the head of the plan in hexadecimal digits.
    pub(crate) head_sha256: String,
}

/// A stored plan cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobPlanError {
    /// An object of the plan is gone or was changed.
    #[error(
        "{object} in the folder of unfinished work {problem}, and the job cannot go on without \
         it: `rxrx2zarr convert` with the same settings finishes it alone, or `rxrx2zarr clean \
         --abandon` removes it"
    )]
    Damaged {
        /// The object's key.
        object: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An entry cannot be encoded or decoded.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The parts of the plan contradict each other: a defect of the program.
    #[error(transparent)]
    Plan(#[from] StoredPlanError),
    /// The embeddings cannot be encoded or decoded.
    #[error("the stored embeddings cannot be used")]
    Embeddings(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The head of a stored plan.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    /// The settings of the conversion, so that no other one has the same head.
    fingerprint: Fingerprint,
    plan: StoredPlan,
    input: StoredInput,
    mean_file_bytes: f64,
    parts: Vec<Part>,
    /// Length of the vectors, and SHA-256 of their table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    embeddings: Option<(usize, String)>,
}

/// A part of the head: the units of one worker.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    /// Shards of the units.
    units: Range<usize>,
    sites: usize,
    /// Planes that have an image.
    images: usize,
    /// SHA-256 of the stored part in hexadecimal digits.
    sha256: String,
    /// SHA-256 of its rows and of the files of their planes, without the sizes and versions of
    /// these: a plan is another one if this differs.
    rows_sha256: String,
}

impl Part {
    fn has_rows_of(&self, other: &Self) -> bool {
        self.units == other.units && self.rows_sha256 == other.rows_sha256
    }
}

/// The size of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartPlan {
    /// Number of the part, from 0.
    pub part: usize,
    /// Units (shards).
    pub units: usize,
    /// Sites of these units.
    pub sites: usize,
    /// Planes of these sites that have an image.
    pub images: usize,
    /// Bytes of the decoded planes.
    pub raw_bytes: u64,
    /// Bytes of the image files, estimated from a sample of them.
    pub source_bytes: u64,
}

/// Puts an object of a plan.
type Put<'a> = dyn Fn(&str, &[u8]) -> Result<(), JobPlanError> + Sync + 'a;

/// A stored plan.
pub(crate) struct JobPlan {
    head: Head,
}

impl JobPlan {
    /// Stores the plan of a job, cut into `parts` parts of equal numbers of units, or fewer
    /// where there are fewer units. Returns the name by which the state knows it.
    pub(crate) fn store(
        planned: &PlannedInput,
        fingerprint: &Fingerprint,
        parts: NonZeroUsize,
        work: &dyn Store,
    ) -> Result<(Self, JobReference), JobPlanError> {
        let made = Self::make(planned, fingerprint, parts, &|key, bytes| {
            Ok(work.put(key, &[bytes])?)
        })?;
        let entry = encode_entry(HEAD, &made.head)?;
        work.put(HEAD, &[&entry])?;
        let reference = JobReference {
            parts: made.parts(),
            head_sha256: hex::encode(Sha256::digest(&entry)),
        };
        Ok((made, reference))
    }

    /// Returns how the plan that [`Self::store`] would store differs from this one, if it does.
    pub(crate) fn difference(
        &self,
        planned: &PlannedInput,
        fingerprint: &Fingerprint,
    ) -> Result<Option<&'static str>, JobPlanError> {
        let parts = NonZeroUsize::new(self.parts()).unwrap_or(NonZeroUsize::MIN);
        let now = Self::make(planned, fingerprint, parts, &|_, _| Ok(()))?;
        Ok(if now.head.input != self.head.input {
            Some("it was planned for another INPUT, or for one with other archives")
        } else if now.head.plan != self.head.plan || !same_rows(&now.head.parts, &self.head.parts) {
            Some("images were added to INPUT, or removed from it, since it was planned")
        } else {
            None
        })
    }

    /// Makes a plan, and puts each object but its head by `put`.
    fn make(
        planned: &PlannedInput,
        fingerprint: &Fingerprint,
        parts: NonZeroUsize,
        put: &Put<'_>,
    ) -> Result<Self, JobPlanError> {
        let plan = &planned.plan;
        let ranges = cut(plan.geometry().shards(), parts);
        let numbered: Vec<(usize, Range<usize>)> = ranges.into_iter().enumerate().collect();
        let parts = map_concurrent(&numbered, AT_ONCE, |(number, units)| {
            store_part(planned, *number, units.clone(), put)
        })?;
        let embeddings = planned.embeddings.as_ref();
        let embeddings = embeddings.map(|table| store_embeddings(table, plan, put));
        let head = Head {
            fingerprint: fingerprint.clone(),
            plan: plan.stored(),
            input: StoredInput::of(planned),
            mean_file_bytes: planned.mean_file_bytes(),
            parts,
            embeddings: embeddings.transpose()?,
        };
        Ok(Self { head })
    }

    /// Reads the head of the plan that the state names.
    pub(crate) fn read(work: &dyn Store, reference: &JobReference) -> Result<Self, JobPlanError> {
        let entry = read(work, HEAD, &reference.head_sha256, HEAD_BYTES_AT_MOST)?;
        let head = parse_entry(HEAD, &entry)?;
        Ok(Self { head })
    }

    /// Where the images are.
    pub(crate) fn input(&self) -> &StoredInput {
        &self.head.input
    }

    /// Mean size in bytes of the image files.
    pub(crate) fn mean_file_bytes(&self) -> f64 {
        self.head.mean_file_bytes
    }

    /// Number of parts.
    pub(crate) fn parts(&self) -> usize {
        self.head.parts.len()
    }

    /// The size of each part.
    pub(crate) fn part_plans(&self) -> Vec<PartPlan> {
        let plane_bytes = self.head.plan.geometry().plane_bytes() as u64;
        let channels = self.head.plan.geometry().channels;
        let parts = self.head.parts.iter().enumerate();
        let plan = |(number, part): (usize, &Part)| PartPlan {
            part: number,
            units: part.units.len(),
            sites: part.sites,
            images: part.images,
            raw_bytes: (part.sites * channels) as u64 * plane_bytes,
            source_bytes: (part.images as f64 * self.head.mean_file_bytes) as u64,
        };
        parts.map(plan).collect()
    }

    /// The units of a part; none if there is no such part.
    pub(crate) fn units(&self, part: usize) -> Vec<Unit> {
        let shards = self.head.parts.get(part).map(|part| part.units.clone());
        let geometry = self.head.plan.geometry();
        let shards = shards.unwrap_or_default();
        shards.map(|shard| geometry.unit(shard)).collect()
    }

    /// The blocks into which the records of a part are merged; none if there is no such part.
    pub(crate) fn blocks_of(&self, part: usize) -> Vec<Block> {
        Block::of(&self.units(part), self.head.plan.geometry().shard_sites)
    }

    /// The blocks into which all records are merged, ascending.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        (0..self.parts())
            .flat_map(|part| self.blocks_of(part))
            .collect()
    }

    /// The units of a block.
    #[cfg(test)]
    pub(crate) fn units_of(&self, block: &Block) -> Vec<Unit> {
        let geometry = self.head.plan.geometry();
        block.shards().map(|shard| geometry.unit(shard)).collect()
    }

    /// Sites of all parts.
    pub(crate) fn sites(&self) -> usize {
        self.head.plan.geometry().sites
    }

    /// Reads the rows of a part, and what is known of their images.
    pub(crate) fn part(
        &self,
        part: usize,
        work: &dyn Store,
    ) -> Result<(Plan, StoredImages), JobPlanError> {
        let (rows, images) = self.rows(part, work)?;
        let plan = self.head.plan.with_rows([Ok::<_, JobPlanError>(rows)])?;
        Ok((plan, images))
    }

    /// Reads the whole plan.
    pub(crate) fn whole(&self, work: &dyn Store) -> Result<Plan, JobPlanError> {
        let parts = 0..self.head.parts.len();
        self.head
            .plan
            .with_rows(parts.map(|part| Ok(self.rows(part, work)?.0)))
    }

    fn rows(
        &self,
        part: usize,
        work: &dyn Store,
    ) -> Result<(StoredRows, StoredImages), JobPlanError> {
        let key = part_key(part);
        let sha256 = self.head.parts.get(part).map_or("", |part| &part.sha256);
        let packed = read(work, &key, sha256, PART_BYTES_AT_MOST)?;
        let damaged = |_| JobPlanError::Damaged {
            object: key.clone(),
            problem: "is damaged",
        };
        let mut entry = Vec::new();
        let unpacked = zstd::Decoder::new(packed.as_slice()).map_err(damaged)?;
        let mut unpacked = unpacked.take(PART_BYTES_AT_MOST);
        unpacked.read_to_end(&mut entry).map_err(damaged)?;
        Ok(parse_entry(&key, &entry)?)
    }

    /// Reads the embeddings, if there are any.
    pub(crate) fn embeddings(&self, work: &dyn Store) -> Result<Option<Embeddings>, JobPlanError> {
        let Some((length, sha256)) = &self.head.embeddings else {
            return Ok(None);
        };
        let table = read(work, EMBEDDINGS, sha256, PART_BYTES_AT_MOST)?;
        let sites = self.head.plan.geometry().sites;
        let table = embeddings_of(table.into(), sites, *length);
        let table = table.map_err(|error| JobPlanError::Embeddings(error.into()))?;
        Ok(Some(table.embeddings))
    }
}

fn part_key(part: usize) -> String {
    format!("{JOB_PLAN}part-{part}.json.zst")
}

/// Cuts so many units into parts whose sizes differ by one at most.
fn cut(units: usize, parts: NonZeroUsize) -> Vec<Range<usize>> {
    let parts = parts.get().min(units.max(1));
    let (each, longer) = (units / parts, units % parts);
    let start = |part: usize| part * each + part.min(longer);
    (0..parts)
        .map(|part| start(part)..start(part + 1))
        .collect()
}

fn same_rows(one: &[Part], other: &[Part]) -> bool {
    let mut both = one.iter().zip(other);
    one.len() == other.len() && both.all(|(one, other)| one.has_rows_of(other))
}

fn store_part(
    planned: &PlannedInput,
    number: usize,
    units: Range<usize>,
    put: &Put<'_>,
) -> Result<Part, JobPlanError> {
    let plan = &planned.plan;
    let geometry = plan.geometry();
    let first = geometry.unit(units.start).sites.start;
    let sites = first..geometry.unit(units.end).sites.start;
    let key = part_key(number);
    let rows = plan.stored_rows(sites.clone());
    let planes: Vec<String> = plan.images(sites.clone()).collect();
    let stored = (rows, StoredImages::of(planned, &planes));
    let rows_sha256 = sha256_of(&key, &(&stored.0, stored.1.stacks()))?;
    let entry = encode_entry(&key, &stored)?;
    let packed = zstd::bulk::compress(&entry, LEVEL);
    let packed = packed.map_err(|error| StoreError::from_io("pack", key.as_str(), error))?;
    put(&key, &packed)?;
    Ok(Part {
        units,
        sites: sites.len(),
        images: planes.len(),
        sha256: hex::encode(Sha256::digest(&packed)),
        rows_sha256,
    })
}

fn sha256_of(key: &str, value: &impl Serialize) -> Result<String, JournalError> {
    let entry = encode_entry(key, value)?;
    Ok(hex::encode(Sha256::digest(&entry)))
}

fn store_embeddings(
    embeddings: &Embeddings,
    plan: &Plan,
    put: &Put<'_>,
) -> Result<(usize, String), JobPlanError> {
    let site_ids: Vec<&str> = plan.table().site_ids().collect();
    let table = embeddings_table(embeddings, &site_ids, &[]);
    let table = table.map_err(|error| JobPlanError::Embeddings(error.into()))?;
    put(EMBEDDINGS, &table)?;
    let sha256 = hex::encode(Sha256::digest(&table));
    Ok((embeddings.length(), sha256))
}

/// Reads an object of the plan, which must have that SHA-256.
fn read(work: &dyn Store, key: &str, sha256: &str, at_most: u64) -> Result<Vec<u8>, JobPlanError> {
    let damaged = |problem| JobPlanError::Damaged {
        object: key.to_owned(),
        problem,
    };
    let bytes = work.get_at_most(key, at_most)?;
    let bytes = bytes.ok_or_else(|| damaged("is gone"))?;
    let found: Sha256Sum = Sha256::digest(&bytes).into();
    match hex::encode(found) == sha256 {
        true => Ok(bytes),
        false => Err(damaged("is another one than was stored")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_all_units_and_differ_by_one_at_most() {
        for units in [1, 2, 7, 64, 1961] {
            for parts in [1, 2, 3, 7, 64, 5000] {
                let ranges = cut(units, NonZeroUsize::new(parts).unwrap());
                assert_eq!(ranges.len(), parts.min(units));
                let covered: Vec<usize> = ranges.iter().flat_map(Clone::clone).collect();
                assert_eq!(covered, (0..units).collect::<Vec<_>>());
                let lengths = ranges.iter().map(Range::len);
                let (least, most) = (lengths.clone().min(), lengths.max());
                assert!(most.unwrap() - least.unwrap() <= 1);
            }
        }
    }
}
