//! Report of `info` about a complete dataset.

use std::io::{self, Write};

use rxrx_reader::{Checked, Gaps};
use rxrx_writer::{DatasetInfo, LeftOver, Location};

use super::how_to_open::how_to_open;
use super::text::{axes, bytes, count, property, quantity};

/// Writes what is in a dataset, and how to open it.
pub(crate) fn info(
    out: &mut dyn Write,
    info: &DatasetInfo,
    left_over: Option<LeftOver>,
    dataset: &Location,
) -> io::Result<()> {
    let attributes = &info.attributes;
    let (shape, dimensions) = (axes(&info.shape), info.dimensions.join(", "));
    let array = format!("{shape} {} ({dimensions})", info.data_type);
    let draft = if attributes.format_draft {
        ", a draft: a later version of rxrx2zarr may read it otherwise"
    } else {
        ""
    };
    let format = format!("version {}{draft}", attributes.format_version);
    let planes = attributes.planes;
    let planes = format!(
        "{} stored, {} missing, {} unreadable, {} corrupt",
        planes.ok, planes.missing, planes.unreadable, planes.corrupt
    );
    let size = format!(
        "{} in {} objects; pixels {} ({} decoded), overviews {}",
        bytes(info.bytes),
        count(info.objects),
        bytes(info.image_bytes),
        bytes(info.raw_bytes),
        bytes(info.overview_bytes)
    );
    property(out, "dataset", &attributes.description.name)?;
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "not stated".to_owned());
    property(out, "licence", text(&attributes.description.license))?;
    property(out, "cite", text(&attributes.description.citation))?;
    property(out, "format", format)?;
    property(out, "array", array)?;
    for channel in &attributes.description.channels {
        let (name, stain, structure) = (&channel.name, &channel.stain, &channel.structure);
        property(out, "channel", format_args!("{name}  {stain}  {structure}"))?;
    }
    if let Some(size) = attributes.settings.pixel_size {
        property(out, "pixel", format_args!("{size} µm"))?;
    }
    property(out, "codec", attributes.settings.codec)?;
    property(out, "chunk", axes(&info.chunk_shape))?;
    property(out, "shard", axes(&info.shard_shape))?;
    if let Some(overview) = &info.overview_shape {
        property(out, "overview", axes(overview))?;
    }
    property(out, "planes", planes)?;
    property(out, "size", size)?;
    property(out, "checked", checked(&info.checked))?;
    if let Some(LeftOver {
        objects,
        bytes: size,
    }) = left_over.filter(|left| left.objects > 0)
    {
        let objects = quantity(objects, "object");
        let size = bytes(size);
        let left =
            format!("{objects}, {size}, of runs that have ended: rxrx2zarr clean removes them");
        property(out, "left over", left)?;
    }
    property(out, "labels", info.labels.join(" "))?;
    property(out, "tables", info.tables.join(" "))?;
    property(out, "made by", &attributes.generator)?;
    let readers = attributes.reader_versions.iter();
    let readers: Vec<String> = readers
        .map(|(name, least)| format!("{name} {least}"))
        .collect();
    if !readers.is_empty() {
        let readers = format!("{}, and newer versions", readers.join(", "));
        property(out, "readers", readers)?;
    }
    if !info.gaps.is_whole() {
        return gaps(out, &info.gaps);
    }
    writeln!(out)?;
    how_to_open(out, dataset, info.checked.listed)
}

/// Tells how many objects were looked for, and how.
fn checked(checked: &Checked) -> String {
    let Checked {
        listed,
        objects,
        of,
    } = *checked;
    let all = quantity(of, "object");
    match listed {
        true => format!("all {all}, by the list of the store"),
        false if objects == of => {
            format!("all {all}, one by one: the server gives no list")
        }
        false => format!(
            "{} of {all}, one by one: the server gives no list; --all asks for every shard",
            count(objects)
        ),
    }
}

/// Writes what a dataset lacks, in place of how to open it.
fn gaps(out: &mut dyn Write, gaps: &Gaps) -> io::Result<()> {
    writeln!(out)?;
    for (count, what) in [
        (&gaps.missing_objects, "missing"),
        (&gaps.resized_shards, "of another size than it was written"),
    ] {
        if count.count == 0 {
            continue;
        }
        writeln!(out, "NOT WHOLE: {} {what}", quantity(count.count, "object"))?;
        for key in &count.examples {
            writeln!(out, "    {}", key)?;
        }
        let more = count.count.saturating_sub(count.examples.len());
        if more > 0 {
            writeln!(out, "    … and {} more", self::count(more))?;
        }
    }
    writeln!(
        out,
        "readers take shards that are missing for zeros; copy these objects again"
    )
}
