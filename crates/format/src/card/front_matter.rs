//! The YAML block of the card, in the [form of Hugging Face]: `load_dataset` reads the tables
//! that it names, each as a configuration, and no other file.
//!
//! [form of Hugging Face]: https://huggingface.co/docs/hub/datasets-manual-configuration

use std::fmt::Write;

use rxrx_metadata::ArrayGeometry;
use serde_json::json;

use crate::croissant::RecordSet;
use crate::description::Description;

/// Numbers of sites, and the name of the range that ends there.
const SIZES: [(usize, &str); 6] = [
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
];

/// Writes the block. A text in JSON is a text in YAML.
pub(super) fn write(
    card: &mut String,
    geometry: &ArrayGeometry,
    description: &Description,
    sets: &[RecordSet],
) -> std::fmt::Result {
    let [sites, ..] = geometry.shape();
    writeln!(card, "---")?;
    write_license(card, description)?;
    writeln!(card, "pretty_name: {}", json!(description.name))?;
    writeln!(card, "tags: [biology, microscopy, zarr, croissant]")?;
    if let Some((_, size)) = SIZES.iter().find(|(end, _)| sites < *end) {
        writeln!(card, "size_categories: [\"{size}\"]")?;
    }
    writeln!(card, "configs:")?;
    for (position, set) in sets.iter().enumerate() {
        writeln!(card, "- config_name: {}", set.name)?;
        writeln!(card, "  data_files: {}", set.table)?;
        if position == 0 {
            writeln!(card, "  default: true")?;
        }
    }
    writeln!(card, "---\n")
}

/// Writes the licence: Hugging Face knows those with an SPDX identifier by its small letters.
fn write_license(card: &mut String, description: &Description) -> std::fmt::Result {
    let Some(license) = &description.license else {
        return writeln!(card, "license: unknown");
    };
    if description.license_url().is_some() {
        return writeln!(card, "license: {}", license.to_ascii_lowercase());
    }
    let is_word = |letter: char| letter.is_ascii_alphanumeric();
    let words = license.split(|letter| !is_word(letter));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    writeln!(card, "license: other")?;
    if !words.is_empty() {
        let name = words.join("-").to_ascii_lowercase();
        writeln!(card, "license_name: \"{name}\"")?;
    }
    let text = description.license_text.as_deref().unwrap_or_default();
    let mut words = text.split_whitespace();
    match words.find(|word| word.starts_with("https://")) {
        Some(link) => {
            let link = link.trim_end_matches(['.', ',', ';', ')']);
            writeln!(card, "license_link: {}", json!(link))
        }
        None => Ok(()),
    }
}
