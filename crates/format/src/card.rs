//! The `README.md` of a dataset, its card: content, ways to open it, origin.

mod front_matter;
mod sites;

use std::fmt::Write;

use rxrx_metadata::{ArrayGeometry, Depth, NameOptions, Plan, Projection};

use crate::codec::chain::Codec;
use crate::croissant::{RecordSet, in_words, record_sets};
use crate::description::Description;
use crate::keys::LICENSE;
use crate::reader_versions::{READER_VERSIONS, ReaderVersion};
use crate::root::DatasetAttributes;

/// Writes the card.
pub fn dataset_card(plan: &Plan, attributes: &DatasetAttributes) -> String {
    let mut card = String::new();
    // Writing to a String cannot fail.
    let _ = write_card(&mut card, plan, attributes);
    card
}

fn write_card(card: &mut String, plan: &Plan, attributes: &DatasetAttributes) -> std::fmt::Result {
    let geometry = plan.geometry();
    let description = &attributes.description;
    let sets = record_sets(plan.table().columns(), geometry, attributes);
    front_matter::write(card, geometry, description, &sets)?;
    write_head(card, geometry, attributes)?;
    if let Some(text) = &description.intended_use {
        writeln!(card, "## Intended use\n\n{text}\n")?;
    }
    card.push_str(OPEN);
    card.push_str(&byte_range(plan, attributes));
    write_readers(card)?;
    write_files(card, description, &sets)?;
    write_channels(card, attributes)?;
    write_columns(card, attributes)?;
    sites::write(card, plan, description.split.as_ref())?;
    write_origin(card, geometry, attributes)?;
    card.push_str(VERIFY);
    Ok(())
}

fn write_head(
    card: &mut String,
    geometry: &ArrayGeometry,
    attributes: &DatasetAttributes,
) -> std::fmt::Result {
    let description = &attributes.description;
    writeln!(card, "# {}\n", description.name)?;
    writeln!(card, "{}\n", in_words(geometry))?;
    if let Some(about) = &description.about {
        writeln!(card, "{about}\n")?;
    }
    match (&description.license, description.license_url()) {
        (Some(license), Some(url)) => writeln!(card, "- Licence: {license} (<{url}>)")?,
        (Some(license), None) => writeln!(card, "- Licence: {license}")?,
        (None, _) => writeln!(
            card,
            "- Licence: not stated; ask whoever made the images before you use or share them"
        )?,
    }
    if let Some(text) = &description.license_text {
        writeln!(card, "- About the licence (`{LICENSE}`): {text}")?;
    }
    match &description.citation {
        Some(citation) => writeln!(card, "- Cite and credit: {citation}")?,
        None => writeln!(card, "- Cite and credit: not stated")?,
    }
    if let Some(creator) = &description.creator {
        writeln!(card, "- Made by: {creator}")?;
    }
    if let Some(url) = &description.url {
        writeln!(card, "- Published at: <{url}>")?;
    }
    if let Some(version) = &description.version {
        writeln!(card, "- Version: {version}")?;
    }
    if let Some(date) = &description.date_published {
        writeln!(card, "- Published on: {date}")?;
    }
    if attributes.format_draft {
        writeln!(
            card,
            "- Format: version {}, a draft; a later version of rxrx2zarr may read it otherwise",
            attributes.format_version
        )?;
    }
    let planes = attributes.planes;
    writeln!(
        card,
        "- Planes: {} stored, {} missing, {} unreadable, {} corrupt (`present` and `planes.parquet` say which; their pixels are 0)\n",
        planes.ok, planes.missing, planes.unreadable, planes.corrupt
    )?;
    if let Some(bibtex) = &description.bibtex {
        writeln!(card, "```bibtex\n{}\n```\n", bibtex.trim())?;
    }
    Ok(())
}

fn write_channels(card: &mut String, attributes: &DatasetAttributes) -> std::fmt::Result {
    writeln!(
        card,
        "## Channels\n\n| channel | stain | shows | colour | display window |\n|---|---|---|---|---|"
    )?;
    for channel in &attributes.description.channels {
        let window = channel.window;
        writeln!(
            card,
            "| {} | {} | {} | #{} | {}–{} |",
            channel.name, channel.stain, channel.structure, channel.color, window.start, window.end
        )?;
    }
    Ok(())
}

/// Writes the texts of the columns that the profile describes.
fn write_columns(card: &mut String, attributes: &DatasetAttributes) -> std::fmt::Result {
    let columns = &attributes.description.columns;
    if columns.is_empty() {
        return Ok(());
    }
    writeln!(
        card,
        "\n## Columns\n\n| column | holds | unit |\n|---|---|---|"
    )?;
    for (name, meaning) in columns.iter() {
        let units = meaning.units.as_deref().unwrap_or("");
        writeln!(card, "| `{name}` | {} | {units} |", meaning.description)?;
    }
    Ok(())
}

/// Returns the lines that decode a site without a Zarr library.
fn byte_range(plan: &Plan, attributes: &DatasetAttributes) -> String {
    let geometry = plan.geometry();
    let [_, channels, ..] = geometry.shape();
    let settings = &attributes.settings;
    if settings.chunk_sites > 1 || settings.chunk_channels < channels || settings.tile.is_some() {
        let tables = match geometry.has_plane_chunks() {
            true => "`metadata.parquet` (a site) and `planes.parquet` (a plane)",
            false => "`metadata.parquet`",
        };
        return BYTE_RANGES.replace("TABLES", tables);
    }
    let decode = match settings.codec {
        Codec::BloscZstd | Codec::BloscLz4 => "chunk = numcodecs.Blosc().decode(chunk)",
        Codec::Zstd => "chunk = numcodecs.Zstd().decode(chunk)",
        Codec::DeltaZstd => {
            "dtype = np.dtype(how[b\"data_type\"].decode()).newbyteorder(\"<\")\n\
             chunk = numcodecs.Delta(dtype).decode(numcodecs.Zstd().decode(chunk))"
        }
    };
    BYTE_RANGE.replace("DECODE", decode)
}

/// Writes the least versions of the programs that read the dataset.
fn write_readers(card: &mut String) -> std::fmt::Result {
    writeln!(
        card,
        "These versions, and newer ones, read the dataset:\n\n| program | from | |\n|---|---|---|"
    )?;
    for ReaderVersion {
        name,
        least,
        reason,
    } in READER_VERSIONS
    {
        writeln!(card, "| {name} | {least} | {reason} |")?;
    }
    writeln!(card)
}

/// Writes a line for each object or kind of object.
fn write_files(
    card: &mut String,
    description: &Description,
    sets: &[RecordSet],
) -> std::fmt::Result {
    card.push_str(FILES);
    for set in sets {
        writeln!(card, "| `{}` | {} |", set.table, set.description)?;
    }
    if description.license_text.is_some() {
        writeln!(card, "| `{LICENSE}` | the licence |")?;
    }
    card.push_str(DOCUMENTS);
    card.push('\n');
    Ok(())
}

fn write_origin(
    card: &mut String,
    geometry: &ArrayGeometry,
    attributes: &DatasetAttributes,
) -> std::fmt::Result {
    let settings = &attributes.settings;
    let [_, _, height, width] = geometry.shape();
    writeln!(card, "\n## Made by\n")?;
    writeln!(
        card,
        "{}: codec `{}`, chunk ({}, {}, {height}, {width}), shard of {} sites.",
        attributes.generator,
        settings.codec,
        settings.chunk_sites,
        settings.chunk_channels,
        settings.shard_sites
    )?;
    for (verb, clauses) in [
        ("Included", &settings.include),
        ("Excluded", &settings.exclude),
    ] {
        if !clauses.is_empty() {
            writeln!(card, "{verb}: `{}`.", clauses.join("`, `"))?;
        }
    }
    write_names(card, &settings.names)
}

/// Writes how the images were named, and which of them were chosen by their names.
fn write_names(card: &mut String, names: &NameOptions) -> std::fmt::Result {
    if let Some(pattern) = &names.pattern {
        writeln!(card, "Names of the images: `{pattern}`.")?;
    }
    if !names.channels.is_empty() {
        let of = match names.channels_are_pages() {
            true => "the pages of each file, in their order",
            false => "the names",
        };
        writeln!(card, "Channels of {of}: `{}`.", names.channels.join("`, `"))?;
    }
    match names.z {
        Some(Depth::One(z)) => writeln!(
            card,
            "Only one depth of each stack, z = {z}, was converted."
        )?,
        Some(Depth::Projection(Projection::Max)) => writeln!(
            card,
            "Each plane has the largest value of each pixel over all depths (z) of a stack, which \
             is a maximum intensity projection."
        )?,
        None => {}
    }
    if let Some(t) = names.t {
        writeln!(card, "Only one time point, t = {t}, was converted.")?;
    }
    if !names.path_columns.is_empty() {
        let columns = names.path_columns.join("`, `");
        writeln!(
            card,
            "Paths of the images, by columns of the table: `{columns}`."
        )?;
    }
    if let Some(experiment) = &names.experiment {
        writeln!(card, "Experiment, as the user named it: `{experiment}`.")?;
    }
    Ok(())
}

const FILES: &str = "## Files

| file | holds |
|---|---|
| `images.zarr/images` | pixels: (site, channel, y, x) |
| `images.zarr/overview` | the same at about 64 x 64: (site, channel, overview_y, overview_x) |
| `images.zarr/site`, `channel` | labels of the first two dimensions |
| `images.zarr/*` | one coordinate for each column of `metadata.parquet` and for what is known of each channel (`stain`, `structure`, `color`, ...), `present` |
";

const DOCUMENTS: &str =
    "| `croissant.json` | all this for machines ([Croissant](https://mlcommons.org/croissant)) |
| `SHA256SUMS` | a checksum for every object but this file |
";

/// Ways to open every dataset.
const OPEN: &str = include_str!("card/open.md");
/// The way to the pixels of a site whose bytes are one chunk.
const BYTE_RANGE: &str = include_str!("card/byte_range.md");
/// What to know where the bytes of a site are several chunks.
const BYTE_RANGES: &str = include_str!("card/byte_ranges.md");
const VERIFY: &str = include_str!("card/verify.md");

#[cfg(test)]
mod tests {
    use rxrx_metadata::Layout;

    use super::*;
    use crate::croissant::croissant;
    use crate::plane_counts::PlaneCounts;
    use crate::root::root_metadata;
    use crate::testing::{plan, rxrx1, settings};

    /// The root and the card state it; Croissant describes the tables and does not.
    #[test]
    fn a_draft_of_the_format_is_stated_in_root_and_card() {
        let plan = plan(3, 2, Layout::default());
        let description = rxrx1();
        let draft = DatasetAttributes::new(description, &plan, settings(), PlaneCounts::default());
        let frozen = DatasetAttributes {
            format_draft: false,
            ..draft.clone()
        };
        let root = |attributes: &DatasetAttributes| {
            let root = root_metadata(attributes, serde_json::Map::new()).unwrap();
            root["attributes"].get("format_draft").cloned()
        };
        assert_eq!(root(&draft), Some(1.into()));
        assert_eq!(root(&frozen), None);
        let line = "- Format: version 4, a draft; a later version of rxrx2zarr may read it";
        let card = |attributes| dataset_card(&plan, attributes);
        assert_eq!(card(&draft).matches(line).count(), 1);
        assert!(!card(&frozen).contains("draft"));
        let described = croissant(plan.table().columns(), plan.geometry(), &draft, &[]);
        assert!(!described.to_string().contains("draft"));
    }
}
