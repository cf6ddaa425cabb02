//! Report of `plan`.

use std::fmt;
use std::io::{self, Write};

use indicatif::HumanCount;
use rxrx_writer::metadata::{Problem, Problems, Severity};
use rxrx_writer::{
    Codec, CodecSize, Description, MemoryLimit, ObjectNumbers, OutputSpace, PlannedInput,
    Projection, TableLocation, data_type_name,
};

use super::data_set::{data_set, unsettled};
use super::problems::problem_text;
use super::streams::OneLine;
use super::text::{axes, bytes, count, property};
use crate::verbosity::Verbosity;

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
    let PlanEstimates {
        codec,
        projection,
        objects,
        memory,
        space,
    } = estimates;
    let plan = &prepared.plan;
    let geometry = plan.geometry();
    let data_type = data_type_name(geometry.data_type);
    let array = format!("{} {data_type}", axes(&geometry.shape()));
    let planes = format!(
        "{} present, {} missing",
        count(plan.present_planes()),
        count(plan.missing_planes())
    );
    let read = format!("about {}", bytes(projection.source_bytes));
    let basis = match projection.sampled_planes {
        0 => "for images like those of RxRx1".to_owned(),
        planes => format!("from {} images that were encoded", count(planes)),
    };
    let stored = bytes(projection.stored_bytes);
    let stored = format!("about {stored} with {codec}, {basis}");
    property(out, "input", prepared.input_name())?;
    property(out, "metadata", tables(&prepared.metadata))?;
    data_set(out, &prepared.recognised, description)?;
    property(out, "array", array)?;
    property(out, "channels", plan.channel_names().join(" "))?;
    property(out, "chunk", axes(&geometry.chunk_shape()))?;
    property(out, "shard", axes(&geometry.shard_shape()))?;
    property(out, "shards", count(plan.units().count()))?;
    property(out, "planes", planes)?;
    property(out, "read", read)?;
    property(out, "pixels", bytes(projection.raw_bytes))?;
    property(out, "stored", stored)?;
    let overviews = bytes(projection.overview_bytes);
    property(out, "overviews", format!("at most {overviews}"))?;
    if let Some(smallest) = projection.codecs.first() {
        property(out, "smallest", smallest_codec(*codec, *smallest))?;
    }
    property(out, "objects", object_numbers(objects))?;
    property(out, "memory", memory)?;
    if let Some(space) = space {
        property(
            out,
            "needed",
            room(space.needed.bytes, Some(space.needed.files)),
        )?;
        let free = space.free.map(|free| room(free.bytes, free.files));
        property(
            out,
            "free",
            free.as_deref().unwrap_or("unknown, or without a limit"),
        )?;
        if !space.fits() {
            writeln!(
                out,
                "does not fit: make room, choose another OUTPUT, or convert all the same with \
                 --ignore-space"
            )?;
        }
    }
    if let Some(text) = unsettled(&prepared.recognised, description) {
        writeln!(out, "notice: {}", OneLine(text))?;
    }
    for warning in objects.warnings() {
        writeln!(out, "warning: {warning}")?;
    }
    let examples = match verbosity {
        Verbosity::Verbose => usize::MAX,
        Verbosity::Quiet | Verbosity::Normal => Problems::EXAMPLES,
    };
    for found in plan.problems() {
        problem(out, found, examples)?;
    }
    Ok(())
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
