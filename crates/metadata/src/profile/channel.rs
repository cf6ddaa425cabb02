//! What is known about a channel.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::site::Channel;

/// What is known about a channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelProfile {
    /// Name of the channel, such as `w1`.
    pub name: String,
    /// The dye; empty where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stain: String,
    /// The structure that the dye shows; empty where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub structure: String,
    /// Terms of the [Gene Ontology](https://geneontology.org/) for the structure, such as
    /// `GO:0005634`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub structure_ids: Vec<String>,
    /// Display colour as `RRGGBB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Intensities that are shown black and at full brightness. In a profile they are those
    /// of 8-bit images; in `rxrx2zarr.json`, of the images that it describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<[u16; 2]>,
    /// Wavelength of the light that excites the dye, in nanometres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excitation_nm: Option<f64>,
    /// Wavelength of the light that the dye emits, in nanometres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emission_nm: Option<f64>,
}

/// Checks names, colours, windows and wavelengths of channels.
pub(super) fn check_channels(channels: &[ChannelProfile]) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for ChannelProfile {
        name,
        structure_ids,
        color,
        window,
        excitation_nm,
        emission_nm,
        ..
    } in channels
    {
        if name.parse::<Channel>().is_err() {
            return Err(format!("{name:?} is no channel (expected w1, w2, ...)"));
        }
        if !names.insert(name) {
            return Err(format!("{name} is there twice"));
        }
        let is_color = |color: &String| {
            color.len() == 6 && color.bytes().all(|digit| digit.is_ascii_hexdigit())
        };
        if let Some(color) = color.as_ref().filter(|color| !is_color(color)) {
            return Err(format!(
                "{name} has the color {color:?} (expected six hexadecimal digits, such as FF0019)"
            ));
        }
        let is_term = |id: &&String| {
            let digits = id.strip_prefix("GO:");
            digits.is_some_and(|digits| {
                digits.len() == 7 && digits.bytes().all(|digit| digit.is_ascii_digit())
            })
        };
        if let Some(id) = structure_ids.iter().find(|id| !is_term(id)) {
            return Err(format!(
                "{name} has the structure id {id:?} (expected a term of the Gene Ontology, such as \
                 GO:0005634)"
            ));
        }
        if let Some([start, end]) = window
            && start >= end
        {
            return Err(format!(
                "{name} has the window [{start}, {end}], whose end is not above its start"
            ));
        }
        for (field, wavelength) in [
            ("excitation_nm", excitation_nm),
            ("emission_nm", emission_nm),
        ] {
            let impossible = |nm: &f64| !nm.is_finite() || *nm <= 0.0;
            if let Some(nm) = wavelength.filter(impossible) {
                return Err(format!(
                    "{name} has the {field} {nm} (expected nanometres, a number above 0)"
                ));
            }
        }
    }
    Ok(())
}
