//! The `README.md` of a dataset: what it is, how to open it, how it was made.

use std::collections::BTreeMap;
use std::fmt::Write;

use rxrx_metadata::{ColumnValues, Plan};

use crate::hierarchy::DatasetAttributes;

/// Metadata columns whose values are counted in the card, where they exist.
const COUNTED: [&str; 4] = ["experiment", "cell_type", "dataset", "well_type"];

/// Writes the card.
pub(crate) fn dataset_card(plan: &Plan, attributes: &DatasetAttributes) -> String {
    let mut card = String::new();
    // Writing to a String cannot fail.
    let _ = write_card(&mut card, plan, attributes);
    card
}

fn write_card(card: &mut String, plan: &Plan, attributes: &DatasetAttributes) -> std::fmt::Result {
    let geometry = plan.geometry();
    let description = &attributes.description;
    let [sites, channels, height, width] = geometry.shape();
    writeln!(card, "# {}\n", description.name)?;
    writeln!(
        card,
        "{sites} sites x {channels} channels x {height} x {width} pixels ({}) of fluorescence microscopy, \
         as sharded Zarr v3 with Parquet tables.\n",
        geometry.data_type.zarr_name(),
    )?;
    writeln!(card, "- Licence: {}", description.license)?;
    writeln!(card, "- Cite: {}", description.citation)?;
    let planes = attributes.planes;
    writeln!(
        card,
        "- Planes: {} stored, {} missing, {} corrupt (`present` and `planes.parquet` say which; their pixels are 0)\n",
        planes.ok, planes.missing, planes.corrupt
    )?;

    card.push_str(OPEN);
    card.push_str(FILES);

    writeln!(
        card,
        "## Channels\n\n| channel | stain | shows | colour | display window |\n|---|---|---|---|---|"
    )?;
    for channel in &attributes.channels {
        let window = channel.window;
        writeln!(
            card,
            "| {} | {} | {} | #{} | {}–{} |",
            channel.name, channel.stain, channel.structure, channel.color, window.start, window.end
        )?;
    }

    writeln!(
        card,
        "\n## Sites\n\n| column | value | sites |\n|---|---|---:|"
    )?;
    for column in COUNTED.iter().filter_map(|name| plan.table().column(name)) {
        if let ColumnValues::String(values) = &column.values {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for value in values {
                *counts.entry(value.as_deref().unwrap_or("")).or_default() += 1;
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

    let settings = &attributes.settings;
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
    Ok(())
}

const OPEN: &str = r#"## Open it

```python
import xarray as xr
ds = xr.open_zarr("images.zarr")                 # or an s3://, gs:// or https:// address
ds.images.sel(site=ds.site[0], channel="w1")     # one plane
ds.images.where(ds.present)                      # NaN where an image was missing or corrupt
```

```sql
-- DuckDB
SELECT experiment, plate, count(*) FROM 'metadata.parquet' GROUP BY ALL ORDER BY ALL;
SELECT channel, avg(mean) FROM 'planes.parquet' WHERE status = 'ok' GROUP BY channel ORDER BY channel;
```

Check that every object is as it was written: `sha256sum -c SHA256SUMS`, or, with all pixels, tables
and labels against one another, `rxrx2zarr verify FOLDER`.

"#;

const FILES: &str = "## Files

| file | holds |
|---|---|
| `images.zarr/images` | pixels: (site, channel, y, x) |
| `images.zarr/site`, `channel` | labels of the first two dimensions |
| `images.zarr/*` | one coordinate for each column of the metadata (`site` is `site_number` here), `stain`, `present` |
| `metadata.parquet` | one row a site, row *i* = `images[i]`; `shard`, `offset`, `length` are the byte range of its pixels |
| `planes.parquet` | one row a plane: source file, status, hash and statistics of the pixels |
| `SHA256SUMS` | a checksum for every object |

";
