//! What a person reads: results on standard output, warnings and errors on
//! standard error. `NO_COLOR` is respected.

pub(crate) mod how_to_open;

use std::borrow::Cow;
use std::io::{self, Write, stdout};

use crate::arguments::Verbosity;
use how_to_open::how_to_open;
use indicatif::{BinaryBytes, HumanCount};
use rxrx_metadata::{Problem, Problems, Severity};
use rxrx_writer::{
    Codec, Converted, DatasetInfo, Finding, Location, Prepared, Projection, Published, Unfinished,
    VerifyReport,
};
use serde::Serialize;
use serde_json::Value;

/// Examples of a problem that a warning shows.
const EXAMPLES: usize = 3;

/// Damaged objects that a report spells out.
const DAMAGED_OBJECTS: usize = 20;

/// A size as a person reads it, `47.1 MiB`.
pub(crate) fn bytes(size: u64) -> String {
    BinaryBytes(size).to_string()
}

/// Prints a result for machines: its fields, and `more`.
pub(crate) fn json<const N: usize>(
    result: &impl Serialize,
    more: [(&str, Value); N],
) -> anyhow::Result<()> {
    let mut result = serde_json::to_value(result)?;
    if let Some(fields) = result.as_object_mut() {
        fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    Ok(writeln!(stdout(), "{result:#}")?)
}

/// Prints the chain of an error, outermost first.
pub(crate) fn error(error: &anyhow::Error) {
    let label = console::style("error:").for_stderr().red().bold();
    eprintln!("{label} {}", plain(&format!("{error:#}")));
}

/// Text without control characters: names of files and values of tables may hold
/// some, and a terminal would obey them.
fn plain(text: &str) -> Cow<'_, str> {
    let is_control = |c: char| c.is_control() && c != '\n';
    if !text.contains(is_control) {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if is_control(c) {
            plain.extend(c.escape_default());
        } else {
            plain.push(c);
        }
    }
    plain.into()
}

/// Prints a warning.
pub(crate) fn warning(text: &str) {
    let label = console::style("warning:").for_stderr().yellow().bold();
    eprintln!("{label} {}", plain(text));
}

/// Prints each problem that a conversion goes on in spite of.
pub(crate) fn problems(problems: &Problems, verbosity: Verbosity) {
    let examples = match verbosity {
        Verbosity::Quiet => return,
        Verbosity::Normal => EXAMPLES,
        Verbosity::Verbose => usize::MAX,
    };
    for problem in problems {
        warning(&problem_text(problem, examples));
    }
}

/// Prints the problems that stop a conversion, with all examples that are known.
pub(crate) fn refusal(problems: &[Problem]) {
    for problem in problems {
        eprintln!("{}", plain(&problem_text(problem, usize::MAX)));
    }
}

fn problem_text(problem: &Problem, examples: usize) -> String {
    let mut text = format!("{}: {}", problem.kind.title(), problem.count);
    if problem.missing_planes > 0 {
        text += &format!(" ({} planes)", problem.missing_planes);
    }
    for example in problem.examples.iter().take(examples) {
        text += &format!("\n    {example}");
    }
    let more = problem
        .count
        .saturating_sub(problem.examples.len().min(examples));
    if more > 0 && !problem.examples.is_empty() {
        text += &format!("\n    … and {more} more");
    }
    text
}

/// Prints what a plan would do.
pub(crate) fn plan(
    prepared: &Prepared,
    codec: Codec,
    projection: Projection,
    verbosity: Verbosity,
) -> io::Result<()> {
    let mut out = stdout();
    let plan = &prepared.plan;
    let geometry = plan.geometry();
    let channels: Vec<String> = plan.channels().iter().map(ToString::to_string).collect();
    writeln!(out, "input       {}", prepared.input)?;
    writeln!(out, "metadata    {}", prepared.metadata)?;
    writeln!(
        out,
        "array       {} {}",
        axes(&geometry.shape()),
        geometry.data_type.zarr_name()
    )?;
    writeln!(out, "channels    {}", channels.join(" "))?;
    writeln!(out, "chunk       {}", axes(&geometry.chunk_shape()))?;
    writeln!(out, "shard       {}", axes(&geometry.shard_shape()))?;
    writeln!(
        out,
        "shards      {}",
        HumanCount(plan.units().count() as u64)
    )?;
    writeln!(
        out,
        "planes      {} present, {} missing",
        HumanCount(plan.present_planes() as u64),
        HumanCount(plan.missing_planes() as u64)
    )?;
    writeln!(out, "read        about {}", bytes(projection.source_bytes))?;
    writeln!(out, "pixels      {}", bytes(projection.raw_bytes))?;
    writeln!(
        out,
        "stored      about {} with {codec}",
        bytes(projection.stored_bytes)
    )?;
    let examples = if verbosity == Verbosity::Verbose {
        usize::MAX
    } else {
        Problems::EXAMPLES
    };
    for problem in plan.problems() {
        let severity = match problem.kind.severity() {
            Severity::Notice => "notice",
            Severity::NeedsAllowMissing => "needs --allow-missing",
            Severity::Fatal => "cannot be converted",
        };
        let text = problem_text(problem, examples);
        writeln!(out, "{severity}: {}", plain(&text))?;
    }
    Ok(())
}

fn axes<T: ToString>(lengths: &[T]) -> String {
    let lengths: Vec<String> = lengths.iter().map(ToString::to_string).collect();
    lengths.join(" x ")
}

/// Prints what a conversion did.
pub(crate) fn converted(converted: &Converted, output: &Location, seconds: f64) -> io::Result<()> {
    let mut out = stdout();
    writeln!(
        out,
        "{}: {} sites in {} shards, {} read, {} stored, {seconds:.1} s ({:.0} sites/s)",
        output,
        HumanCount(converted.sites as u64),
        HumanCount(converted.shards as u64),
        bytes(converted.source_bytes),
        bytes(converted.stored_bytes),
        (converted.sites - converted.sites_before) as f64 / seconds.max(1e-3),
    )?;
    if converted.sites_before > 0 {
        writeln!(
            out,
            "{} of the sites had been converted before",
            HumanCount(converted.sites_before as u64)
        )?;
    }
    let planes = converted.planes;
    if !planes.is_complete() {
        writeln!(
            out,
            "{} planes stored, {} missing, {} corrupt: the pixels of the last two are 0, `present` is false",
            HumanCount(planes.ok as u64),
            HumanCount(planes.missing as u64),
            HumanCount(planes.corrupt as u64),
        )?;
    }
    for refused in &converted.refused {
        writeln!(
            out,
            "  {}: {}",
            refused.cause,
            HumanCount(refused.count as u64)
        )?;
        for example in refused.examples.iter().take(EXAMPLES) {
            writeln!(out, "    {}", plain(example))?;
        }
    }
    Ok(())
}

/// Prints how far an unfinished dataset is.
pub(crate) fn unfinished(unfinished: &Unfinished, dataset: &Location) -> io::Result<()> {
    let mut out = stdout();
    let Unfinished {
        units_done, units, ..
    } = unfinished;
    writeln!(out, "{}: unfinished, no dataset yet", dataset)?;
    writeln!(
        out,
        "done        {units_done} of {units} shards ({:.0} %)",
        100.0 * *units_done as f64 / (*units).max(1) as f64
    )?;
    writeln!(out, "array       {}", axes(&unfinished.shape))?;
    writeln!(out, "codec       {}", unfinished.settings.codec)?;
    match &unfinished.running {
        Some(holder) => writeln!(out, "running     {holder}"),
        None => writeln!(
            out,
            "running     no: the same convert command continues it, --overwrite starts over"
        ),
    }
}

/// Prints what is in a dataset.
pub(crate) fn info(info: &DatasetInfo, dataset: &Location) -> io::Result<()> {
    let mut out = stdout();
    let attributes = &info.attributes;
    let planes = attributes.planes;
    writeln!(out, "dataset     {}", attributes.description.name)?;
    writeln!(out, "licence     {}", attributes.description.license)?;
    writeln!(out, "cite        {}", attributes.description.citation)?;
    writeln!(
        out,
        "array       {} {} ({})",
        axes(&info.shape),
        info.data_type,
        info.dimensions.join(", ")
    )?;
    for channel in &attributes.channels {
        writeln!(
            out,
            "channel     {}  {}  {}",
            channel.name, channel.stain, channel.structure
        )?;
    }
    writeln!(out, "codec       {}", attributes.settings.codec)?;
    writeln!(out, "chunk       {}", axes(&info.chunk_shape))?;
    writeln!(out, "shard       {}", axes(&info.shard_shape))?;
    writeln!(
        out,
        "planes      {} stored, {} missing, {} corrupt",
        planes.ok, planes.missing, planes.corrupt
    )?;
    writeln!(
        out,
        "size        {} in {} objects; pixels {} ({} decoded)",
        bytes(info.bytes),
        HumanCount(info.objects as u64),
        bytes(info.image_bytes),
        bytes(info.raw_bytes)
    )?;
    writeln!(out, "labels      {}", info.labels.join(" "))?;
    writeln!(out, "tables      {}", info.tables.join(" "))?;
    writeln!(out, "made by     {}", attributes.generator)?;
    writeln!(out)?;
    how_to_open(dataset)
}

/// Prints what a verification came to.
pub(crate) fn verified(
    report: &VerifyReport,
    dataset: &Location,
    seconds: f64,
    verbosity: Verbosity,
) -> io::Result<()> {
    let mut out = stdout();
    let (objects, examples) = match verbosity {
        Verbosity::Verbose => (usize::MAX, usize::MAX),
        _ => (DAMAGED_OBJECTS, EXAMPLES),
    };
    for (object, findings) in report.by_object.iter().take(objects) {
        writeln!(out, "{object}")?;
        for finding in findings.examples.iter().take(examples) {
            writeln!(out, "    {}", finding_text(finding))?;
        }
        let more = findings.count - findings.examples.len().min(examples);
        if more > 0 {
            writeln!(out, "    … and {more} more")?;
        }
    }
    let more = report.by_object.len().saturating_sub(objects);
    if more > 0 {
        writeln!(out, "… and {more} more objects (-v names all)")?;
    }
    write!(
        out,
        "{}: {} objects, {}, {} sites, {} planes decoded",
        dataset,
        HumanCount(report.objects as u64),
        bytes(report.bytes),
        HumanCount(report.sites as u64),
        HumanCount(report.planes as u64),
    )?;
    if let Some(compared) = report.compared {
        write!(
            out,
            ", {} compared with their images",
            HumanCount(compared as u64)
        )?;
    }
    writeln!(
        out,
        ", {seconds:.1} s ({:.0} sites/s)",
        report.sites as f64 / seconds.max(1e-3)
    )?;
    if report.is_clean() {
        return writeln!(out, "all is as recorded");
    }
    let kinds = report.findings.iter();
    let kinds: Vec<String> = kinds
        .map(|(kind, count)| format!("{count} {}", kind.name()))
        .collect();
    writeln!(
        out,
        "NOT as recorded: {}; {} objects, {} sites",
        kinds.join(", "),
        HumanCount(report.by_object.len() as u64),
        HumanCount(report.sites_touched as u64)
    )
}

/// Prints what was, or would be, published.
pub(crate) fn published(
    published: &Published,
    url: &Location,
    dry_run: bool,
    seconds: f64,
) -> io::Result<()> {
    let mut out = stdout();
    writeln!(
        out,
        "{url}: {} objects, {}",
        HumanCount(published.objects as u64),
        bytes(published.bytes)
    )?;
    writeln!(
        out,
        "{} {} objects, {} in {} requests",
        if dry_run { "to upload" } else { "uploaded " },
        HumanCount(published.uploaded as u64),
        bytes(published.uploaded_bytes),
        HumanCount(published.upload_requests as u64)
    )?;
    writeln!(
        out,
        "{} {} objects",
        if dry_run { "there     " } else { "there    " },
        HumanCount(published.kept as u64)
    )?;
    if published.removed > 0 {
        writeln!(
            out,
            "{} {} objects of another dataset",
            if dry_run { "to remove" } else { "removed  " },
            HumanCount(published.removed as u64)
        )?;
    }
    if dry_run {
        return writeln!(out, "nothing was uploaded");
    }
    if let Some(verified) = published.verified {
        writeln!(
            out,
            "read back {} objects, all as recorded",
            HumanCount(verified as u64)
        )?;
    }
    writeln!(
        out,
        "{seconds:.1} s; who may read it is for the bucket's policy to say\n"
    )
}

fn finding_text(finding: &Finding) -> String {
    let place = finding.sites.as_ref().map(|span| {
        let name = |id: &Option<String>, index: usize| {
            id.clone().unwrap_or_else(|| format!("site {index}"))
        };
        let first = name(&span.first, span.site_index);
        match span.count {
            0 | 1 => first,
            count => {
                let last = name(&span.last, span.site_index + count - 1);
                format!("{first} to {last} ({count} sites)")
            }
        }
    });
    let words = [place, finding.channel.clone()];
    let place: Vec<String> = words.into_iter().flatten().collect();
    match place.as_slice() {
        [] => format!("{}: {}", finding.kind.name(), finding.text),
        place => format!(
            "{}, {}: {}",
            finding.kind.name(),
            place.join(" "),
            finding.text
        ),
    }
}
