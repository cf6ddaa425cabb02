//! The `README.md` of a dataset, its card: content, ways to open it, origin.

use std::collections::BTreeMap;
use std::fmt::Write;

use rxrx_metadata::{ArrayGeometry, ColumnValues, Depth, NameOptions, Plan, Projection};

use crate::croissant::summary;
use crate::root::DatasetAttributes;

/// Metadata columns whose values the card counts, where they exist.
const COUNTED: [&str; 4] = ["experiment", "cell_type", "dataset", "well_type"];

/// Writes the card.
pub fn dataset_card(plan: &Plan, attributes: &DatasetAttributes) -> String {
    let mut card = String::new();
    // Writing to a String cannot fail.
    let _ = write_card(&mut card, plan, attributes);
    card
}

fn write_card(card: &mut String, plan: &Plan, attributes: &DatasetAttributes) -> std::fmt::Result {
    let geometry = plan.geometry();
    write_head(card, geometry, attributes)?;
    card.push_str(OPEN);
    card.push_str(FILES);
    if let Some(embeddings) = &attributes.embeddings {
        writeln!(
            card,
            "| `embeddings.parquet` | one row a site, row *i* = `images[i]`; `embedding`: {} numbers, or null |",
            embeddings.length
        )?;
    }
    card.push('\n');
    write_channels(card, attributes)?;
    write_columns(card, attributes)?;
    write_counts(card, plan)?;
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
    writeln!(card, "{}\n", summary(geometry))?;
    match (&description.license, description.license_url()) {
        (Some(license), Some(url)) => writeln!(card, "- Licence: {license} (<{url}>)")?,
        (Some(license), None) => writeln!(card, "- Licence: {license}")?,
        (None, _) => writeln!(
            card,
            "- Licence: not stated; ask whoever made the images before you use or share them"
        )?,
    }
    if let Some(text) = &description.license_text {
        writeln!(card, "- About the licence: {text}")?;
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

fn write_counts(card: &mut String, plan: &Plan) -> std::fmt::Result {
    writeln!(
        card,
        "\n## Sites\n\n| column | value | sites |\n|---|---|---:|"
    )?;
    for column in COUNTED.iter().filter_map(|name| plan.table().column(name)) {
        if let ColumnValues::String(values) = &column.values {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for value in values.iter() {
                *counts.entry(value.unwrap_or("")).or_default() += 1;
            }
            for (value, count) in counts {
                writeln!(
                    card,
                    "| {} | {} | {count} |",
                    column.name,
                    value.replace('|', "\\|")
                )?;
            }
        }
    }
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

const OPEN: &str = r#"## Open it

xarray: labels and lazy pixels, one object for each task of Dask.

```python
import xarray as xr                              # pip install xarray dask "zarr>=3"
ds = xr.open_zarr("images.zarr", chunks=None)    # or an s3://, gs:// or https:// address
ds["images"] = ds.images.chunk(site=ds.images.encoding["shards"][0])
ds.images.sel(site=ds.site[0], channel="w1")     # one plane
ds.images.where(ds.present)                      # NaN where an image was missing, unreadable or corrupt
```

zarr-python: bare arrays.

```python
import zarr
group = zarr.open_group("images.zarr", mode="r")
group["images"][0]                               # one site: (channel, y, x)
```

DuckDB: which sites, are they any good, and what to normalise by.

```sql
SELECT experiment, plate, count(*) FROM 'metadata.parquet' GROUP BY ALL ORDER BY ALL;
SELECT channel, avg(mean), avg(focus) FROM 'planes.parquet' WHERE status = 'ok' GROUP BY channel ORDER BY channel;
SELECT experiment, plate, channel, mean, std FROM 'channel_stats.parquet' WHERE scope = 'plate';
```

TensorStore: many reads at once.

```python
import tensorstore as ts
kvstore = {"driver": "file", "path": "images.zarr/images"}
images = ts.open({"driver": "zarr3", "kvstore": kvstore}).result()
images[0].read().result()
```

No Zarr library: the pixels of a site are one range of bytes, of one chunk or of several behind
each other. `chunk_codecs`, `chunk_shape` and `data_type` in the key-value metadata of
`metadata.parquet` say how to decode a chunk.

```python
import duckdb
place = "SELECT object, byte_offset, byte_length FROM 'metadata.parquet' WHERE site_index = 0"
shard, offset, length = duckdb.execute(place).fetchone()
with open(shard, "rb") as file:                  # or a GET with the header Range
    file.seek(offset)
    chunk = file.read(length)
```

"#;

const FILES: &str = "## Files

| file | holds |
|---|---|
| `images.zarr/images` | pixels: (site, channel, y, x) |
| `images.zarr/site`, `channel` | labels of the first two dimensions |
| `images.zarr/*` | one coordinate for each column of `metadata.parquet` and for what is known of each channel (`stain`, `structure`, `color`, ...), `present` |
| `metadata.parquet` | one row a site, row *i* = `images[i]`; `object`, `byte_offset`, `byte_length` are the byte range of its pixels |
| `planes.parquet` | one row a plane: source file, status, hash, statistics and focus of the pixels |
| `channels.parquet` | one row a channel: stain, structure, display colour and window |
| `channel_stats.parquet` | mean and standard deviation of each channel over the dataset, each experiment, each plate, its negative controls (`plate_controls`) and the rows to train on (`train`), as far as these are known |
| `croissant.json` | all this for machines ([Croissant](https://mlcommons.org/croissant)) |
| `SHA256SUMS` | a checksum for every object |
";

const VERIFY: &str = "
## Verify it

```sh
sha256sum -c SHA256SUMS        # every object is as it was written
rxrx2zarr verify FOLDER        # and pixels, tables and labels agree
```
";

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
