//! Report of `plan`.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use indicatif::HumanCount;
use rxrx_writer::metadata::{Problem, Problems, Severity};
use rxrx_writer::{
    Codec, CodecSize, Description, MemoryLimit, ObjectNumbers, OutputSpace, PlannedInput,
    Projection, TableLocation, data_type_name,
};

use super::data_set::{data_set, unsettled};
use super::problems::problem_text;
use super::streams::OneLine;
use super::text::{axes, bytes, count, duration, property, quantity};
use crate::verbosity::Verbosity;
use crate::verdict::Verdict;

/// The memory of a conversion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanMemory {
    /// The bound on pixels and buffers.
    pub(crate) limit: MemoryLimit,
    /// Bytes of the table and of the lists of images; `None` where the system does not
    /// tell them.
    pub(crate) table: Option<u64>,
}

impl fmt::Display for PlanMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = bytes(self.limit.bytes);
        write!(f, "at most {limit} for pixels and buffers (--memory)")?;
        match self.table {
            Some(table) => write!(f, ", and about {} for the table", bytes(table)),
            None => write!(f, ", and the table"),
        }
    }
}

/// How long a conversion takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExpectedTime {
    pub(crate) seconds: f64,
    /// Cores that work.
    pub(crate) jobs: usize,
}

impl fmt::Display for ExpectedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Duration::try_from_secs_f64(self.seconds).unwrap_or(Duration::MAX);
        let time = match time.as_secs() {
            0..30 => "less than a minute".to_owned(),
            // To the minute: it is no more than an estimate.
            seconds => format!(
                "about {}",
                duration(Duration::from_secs((seconds + 30) / 60 * 60))
            ),
        };
        let cores = quantity(self.jobs, "core");
        write!(f, "{time} on {cores}, if the disks or the network keep up")
    }
}

/// The sizes of a conversion.
#[derive(Clone, Debug)]
pub(crate) struct PlanEstimates {
    /// The codec that was chosen.
    pub(crate) codec: Codec,
    /// The sizes of image files, pixels and shards.
    pub(crate) projection: Projection,
    /// The numbers of objects, files and folders.
    pub(crate) objects: ObjectNumbers,
    /// The memory.
    pub(crate) memory: PlanMemory,
    /// The room at OUTPUT, if one is given.
    pub(crate) space: Option<OutputSpace>,
    /// How long it takes.
    pub(crate) time: ExpectedTime,
    /// What `convert` would answer.
    pub(crate) verdict: Verdict,
}

/// An input, and what the dataset that is made of it says of itself.
#[derive(Clone, Copy)]
pub(crate) struct DescribedInput<'a> {
    pub(crate) prepared: &'a PlannedInput,
    pub(crate) description: &'a Description,
}

/// Writes what a conversion would do, and the problems of the input.
pub(crate) fn plan(
    out: &mut dyn Write,
    input: DescribedInput<'_>,
    estimates: &PlanEstimates,
    verbosity: Verbosity,
) -> io::Result<()> {
    let DescribedInput {
        prepared,
        description,
    } = input;
    array(out, prepared, description)?;
    sizes(out, estimates)?;
    if let Some(space) = &estimates.space {
        room_at_output(out, space)?;
    }
    if let Some(text) = unsettled(&prepared.recognised, description) {
        writeln!(out, "notice: {}", OneLine(text))?;
    }
    for warning in estimates.objects.warnings() {
        writeln!(out, "warning: {warning}")?;
    }
    let examples = match verbosity {
        Verbosity::Verbose => usize::MAX,
        Verbosity::Quiet | Verbosity::Normal => Problems::EXAMPLES,
    };
    for found in prepared.plan.problems() {
        problem(out, found, examples)?;
    }
    let missing = prepared.plan.missing_planes();
    property(out, "verdict", verdict_text(estimates.verdict, missing))
}

/// Writes where the data comes from, and the array that it becomes.
fn array(
    out: &mut dyn Write,
    prepared: &PlannedInput,
    description: &Description,
) -> io::Result<()> {
    let plan = &prepared.plan;
    let geometry = plan.geometry();
    let data_type = data_type_name(geometry.data_type);
    let planes = format!(
        "{} present, {} missing",
        count(plan.present_planes()),
        count(plan.missing_planes())
    );
    property(out, "input", prepared.input_name())?;
    property(out, "metadata", tables(&prepared.metadata))?;
    data_set(out, &prepared.recognised, description)?;
    let shape = axes(&geometry.shape());
    property(out, "array", format!("{shape} {data_type}"))?;
    property(out, "channels", plan.channel_names().join(" "))?;
    property(out, "chunk", axes(&geometry.chunk_shape()))?;
    property(out, "shard", axes(&geometry.shard_shape()))?;
    property(out, "shards", count(plan.units().count()))?;
    property(out, "planes", planes)
}

/// Writes what a conversion reads, stores and takes.
fn sizes(out: &mut dyn Write, estimates: &PlanEstimates) -> io::Result<()> {
    let PlanEstimates {
        codec, projection, ..
    } = estimates;
    let read = format!("about {}", bytes(projection.source_bytes));
    let basis = match projection.sampled_planes {
        0 => "for images like those of RxRx1".to_owned(),
        planes => format!("from {} images that were encoded", count(planes)),
    };
    let stored = bytes(projection.stored_bytes);
    let stored = format!("about {stored} with {codec}, {basis}");
    property(out, "read", read)?;
    property(out, "pixels", bytes(projection.raw_bytes))?;
    property(out, "stored", stored)?;
    let overviews = bytes(projection.overview_bytes);
    property(out, "overviews", format!("at most {overviews}"))?;
    if let Some(smallest) = projection.codecs.first() {
        property(out, "smallest", smallest_codec(*codec, *smallest))?;
    }
    property(out, "objects", object_numbers(&estimates.objects))?;
    property(out, "memory", estimates.memory)?;
    property(out, "time", estimates.time)
}

/// Writes what a conversion needs at OUTPUT, and what is free there.
fn room_at_output(out: &mut dyn Write, space: &OutputSpace) -> io::Result<()> {
    let needed = room(space.needed.bytes, Some(space.needed.files));
    property(out, "needed", needed)?;
    let free = space.free.map(|free| room(free.bytes, free.files));
    let free = free.as_deref().unwrap_or("unknown, or without a limit");
    property(out, "free", free)?;
    if space.fits() {
        return Ok(());
    }
    writeln!(
        out,
        "does not fit: make room, choose another OUTPUT, or convert all the same with \
         --ignore-space"
    )
}

/// Says what `convert` would answer.
fn verdict_text(verdict: Verdict, missing: usize) -> String {
    match verdict {
        Verdict::Ready => "ready: convert would convert this".to_owned(),
        Verdict::NeedsAllowMissing => format!(
            "convert needs --allow-missing, because {} missing: get the images if you can",
            match missing {
                1 => "1 plane is".to_owned(),
                missing => format!("{} are", quantity(missing, "plane")),
            }
        ),
        Verdict::Refused => {
            "convert would refuse this: see what cannot be converted above".to_owned()
        }
        Verdict::DoesNotFit => "convert would refuse this: it does not fit".to_owned(),
    }
}

/// Says which codec makes the images smallest, and how to choose it.
fn smallest_codec(chosen: Codec, smallest: CodecSize) -> String {
    let CodecSize {
        codec,
        stored_bytes,
    } = smallest;
    if codec == chosen {
        return format!("{codec}, which is chosen");
    }
    format!("about {} with --codec {codec}", bytes(stored_bytes))
}

/// Formats the numbers of objects, files and folders.
fn object_numbers(objects: &ObjectNumbers) -> String {
    format!(
        "{}; on a disk {} files and folders (inodes), at most {} in one folder ({})",
        HumanCount(objects.objects),
        HumanCount(objects.files),
        HumanCount(objects.largest_folder_entries),
        objects.largest_folder,
    )
}

/// Formats the tables of the metadata.
fn tables(tables: &[TableLocation]) -> String {
    match tables {
        [] => "the names of the images".to_owned(),
        [table] => table.to_string(),
        [first, others @ ..] => format!("{first} and {} more", count(others.len())),
    }
}

/// Formats bytes and numbers of files.
fn room(bytes: u64, files: Option<u64>) -> String {
    let size = self::bytes(bytes);
    match files {
        Some(files) => format!("{size}, {} files (inodes)", HumanCount(files)),
        None => size,
    }
}

/// Writes a problem and what it means for a conversion.
fn problem(out: &mut dyn Write, problem: &Problem, examples: usize) -> io::Result<()> {
    let severity = match problem.kind.severity() {
        Severity::Notice => "notice",
        Severity::NeedsAllowMissing => "needs --allow-missing",
        Severity::Fatal => "cannot be converted",
    };
    let text = problem_text(problem, examples);
    writeln!(out, "{severity}: {text}")
}
