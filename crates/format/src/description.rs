//! Name, licence, citation, channels and columns of a dataset. The Zarr attributes, the
//! Parquet metadata, Croissant and the card take them from here.

use rxrx_metadata::{ChannelProfile, DataType, InputDescription, Plan, Profile, RowRule};
use serde::{Deserialize, Serialize};

use crate::channel_description::ChannelDescription;
use crate::column_meaning::ColumnMeanings;
use crate::row_rules::RowRules;
use crate::split::PublishedSplit;

/// [SPDX identifiers](https://spdx.org/licenses/) of licences that are common for data.
const LICENSES: [&str; 15] = [
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC-BY-NC-4.0",
    "CC-BY-NC-ND-4.0",
    "CC-BY-NC-SA-4.0",
    "CC-BY-ND-4.0",
    "CC-BY-SA-4.0",
    "CC0-1.0",
    "MIT",
    "ODC-By-1.0",
    "ODbL-1.0",
    "PDDL-1.0",
];

/// Name of a dataset that nobody has named.
const UNNAMED: &str = "Unnamed microscopy images";

/// Name, licence, citation, channels and columns of a dataset. What is not known is absent:
/// nothing is claimed without evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The dataset's name.
    pub name: String,
    /// The licence, as an [SPDX identifier](https://spdx.org/licenses/) where there is one;
    /// `None` where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// What the licence says or where its text is, if the licence is no SPDX identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_text: Option<String>,
    /// Text to cite and people to credit; `None` where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub citation: Option<String>,
    /// The citation as a BibTeX entry, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bibtex: Option<String>,
    /// Address where the dataset is published, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Creator of the dataset, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<String>,
    /// Sentences that say what the images show and how they were made, if they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Sentences that say what the dataset is for, and what it is not for, if they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intended_use: Option<String>,
    /// Version of the dataset, such as `1.0.0`, if its owner says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Day on which the dataset was published, such as `2026-11-28`, if its owner says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_published: Option<String>,
    /// Name of the [`Profile`] that the description follows, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The published split, if a column of the metadata table tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<PublishedSplit>,
    /// One entry for each position along the `channel` dimension. Before
    /// [`of_plan`](Self::of_plan), those that something is known about.
    #[serde(default)]
    pub channels: Vec<ChannelDescription>,
    /// Texts and units of the columns of the metadata table.
    #[serde(default, skip_serializing_if = "ColumnMeanings::is_empty")]
    pub columns: ColumnMeanings,
    /// The rows to train on, and the negative controls.
    #[serde(default, skip_serializing_if = "RowRules::is_empty")]
    pub rows: RowRules,
}

impl Description {
    /// Describes images about which nothing is known.
    pub fn unknown() -> Self {
        Self {
            name: UNNAMED.to_owned(),
            license: None,
            license_text: None,
            citation: None,
            bibtex: None,
            url: None,
            creator: None,
            about: None,
            intended_use: None,
            version: None,
            date_published: None,
            profile: None,
            split: None,
            channels: Vec::new(),
            columns: ColumnMeanings::default(),
            rows: RowRules::default(),
        }
    }

    /// Describes the data set of a profile. `data_type` is that of the images: the windows
    /// of a profile are for 8 bit.
    pub fn of_profile(profile: &Profile, data_type: DataType) -> Self {
        let channels = profile.channels.iter().map(|known| {
            let window = known.window.filter(|_| data_type == DataType::UInt8);
            ChannelDescription::new(
                &ChannelProfile {
                    window,
                    ..known.clone()
                },
                data_type,
            )
        });
        Self {
            name: profile.title.clone(),
            license: profile.license.clone(),
            license_text: profile.license_text.clone(),
            citation: profile.citation.clone(),
            bibtex: profile.bibtex.clone(),
            url: profile.url.clone(),
            creator: profile.creator.clone(),
            about: profile.about.clone(),
            intended_use: profile.intended_use.clone(),
            version: None,
            date_published: None,
            profile: Some(profile.name.clone()),
            split: PublishedSplit::of_profile(profile),
            channels: channels.collect(),
            columns: ColumnMeanings::of_profile(profile),
            rows: RowRules::of_profile(profile),
        }
    }

    /// Replaces what `said` says otherwise. `data_type` is that of the images.
    ///
    /// A dataset of another name is not published at the same address nor made by the same
    /// creator, and other sentences describe it; another licence has another text, and another citation another BibTeX entry.
    #[must_use]
    pub fn with(mut self, said: &InputDescription, data_type: DataType) -> Self {
        if let Some(name) = &said.name {
            self.name.clone_from(name);
            (self.url, self.creator) = (None, None);
            (self.about, self.intended_use) = (None, None);
        }
        if said.license.is_some() {
            self.license.clone_from(&said.license);
            self.license_text = None;
        }
        if said.citation.is_some() {
            self.citation.clone_from(&said.citation);
            self.bibtex = None;
        }
        for (field, said) in [
            (&mut self.license_text, &said.license_text),
            (&mut self.bibtex, &said.bibtex),
            (&mut self.url, &said.url),
            (&mut self.creator, &said.creator),
            (&mut self.about, &said.about),
            (&mut self.intended_use, &said.intended_use),
            (&mut self.version, &said.version),
            (&mut self.date_published, &said.date_published),
        ] {
            if said.is_some() {
                field.clone_from(said);
            }
        }
        for channel in &said.channels {
            let described = ChannelDescription::new(channel, data_type);
            self.channels.retain(|known| known.name != described.name);
            self.channels.push(described);
        }
        self
    }

    /// Returns the description of the dataset of a plan: one entry for each of its channels,
    /// and texts of those columns that it has.
    #[must_use]
    pub fn of_plan(self, plan: &Plan) -> Self {
        let data_type = plan.geometry().data_type;
        let describe = |name: &String| {
            let known = self.channels.iter().find(|known| known.name == *name);
            let unknown = || ChannelDescription::unknown(name.clone(), data_type);
            known.cloned().unwrap_or_else(unknown)
        };
        Self {
            channels: plan.channel_names().iter().map(describe).collect(),
            columns: self.columns.only_of(plan.table().columns()),
            rows: self.rows.only_of(plan.table().columns()),
            split: self
                .split
                .filter(|split| split.is_of(plan.table().columns())),
            ..self
        }
    }

    /// Replaces the rule of the negative controls, if there is another one.
    #[must_use]
    pub fn with_controls(mut self, controls: Option<RowRule>) -> Self {
        if controls.is_some() {
            self.rows.negative_controls = controls;
        }
        self
    }

    /// Address of the licence at SPDX; `None` where the licence is not one of the identifiers
    /// that are common for data.
    pub fn license_url(&self) -> Option<String> {
        let license = self.license.as_deref()?;
        let id = LICENSES.iter().find(|id| **id == license)?;
        Some(format!("https://spdx.org/licenses/{id}.html"))
    }

    /// Text of `LICENSE.txt`; `None` where a dataset has no such object, because nobody gave
    /// the text of the licence.
    pub fn license_file(&self) -> Option<String> {
        let text = self.license_text.as_deref()?;
        let name = self.license.as_deref().unwrap_or("Licence");
        Some(format!("{name}\n\n{}\n", text.trim()))
    }

    /// Describes synthetic data, such as those of `rxrx2zarr sample`.
    pub fn look_alike() -> Self {
        Self {
            name: "RxRx1 look-alike (synthetic)".to_owned(),
            license: Some("CC0-1.0".to_owned()),
            citation: Some(
                "Synthetic cells made by rxrx2zarr sample; not data of Recursion.".to_owned(),
            ),
            ..Self::unknown()
        }
    }

    /// Returns how `now` differs from this description of a dataset, one line each; none
    /// where they are equal but for display windows that the data give.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut found = Differences::default();
        found.compare("the name", Some(&self.name), Some(&now.name));
        for (field, then, now) in [
            ("the licence", &self.license, &now.license),
            (
                "the text of the licence",
                &self.license_text,
                &now.license_text,
            ),
            ("the citation", &self.citation, &now.citation),
            ("the BibTeX entry", &self.bibtex, &now.bibtex),
            ("the address", &self.url, &now.url),
            ("the creator", &self.creator, &now.creator),
            ("the text about it", &self.about, &now.about),
            ("the intended use", &self.intended_use, &now.intended_use),
            ("the version", &self.version, &now.version),
            (
                "the date of publication",
                &self.date_published,
                &now.date_published,
            ),
            ("the profile", &self.profile, &now.profile),
        ] {
            found.compare(field, then.as_deref(), now.as_deref());
        }
        for ((group, then), (_, now)) in self.rows.clauses().into_iter().zip(now.rows.clauses()) {
            found.compare(group, then.as_deref(), now.as_deref());
        }
        let split = |description: &Self| description.split.as_ref().map(ToString::to_string);
        let (then, now_split) = (split(self), split(now));
        found.compare("the published split", then.as_deref(), now_split.as_deref());
        for (then, now) in self.channels.iter().zip(&now.channels) {
            found.compare_channels(then, now);
        }
        let columns = self.columns.differing(&now.columns);
        if !columns.is_empty() {
            found.0.push(format!(
                "the texts of these columns: {}",
                columns.join(", ")
            ));
        }
        found.0
    }
}

/// What two descriptions say differently, a line each.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare(&mut self, field: &str, then: Option<&str>, now: Option<&str>) {
        if then == now {
            return;
        }
        let text = |value: Option<&str>| match value {
            Some(value) => format!("{value:?}"),
            None => "not stated".to_owned(),
        };
        let (then, now) = (text(then), text(now));
        self.0.push(format!("{field} is {then} and would be {now}"));
    }

    fn compare_channels(&mut self, then: &ChannelDescription, now: &ChannelDescription) {
        let name = &then.name;
        let ids = |channel: &ChannelDescription| channel.structure_ids.join(" ");
        for (what, then, now) in [
            ("stain", &then.stain, &now.stain),
            ("structure", &then.structure, &now.structure),
            ("colour", &then.color, &now.color),
            ("term of the structure", &ids(then), &ids(now)),
            ("display window", &then.window_text(), &now.window_text()),
        ] {
            self.compare(&format!("the {what} of {name}"), Some(then), Some(now));
        }
        for (what, then, now) in [
            ("excitation", then.excitation_nm, now.excitation_nm),
            ("emission", then.emission_nm, now.emission_nm),
        ] {
            let text = |wavelength: f64| format!("{wavelength} nm");
            let (then, now) = (then.map(text), now.map(text));
            let what = format!("the {what} of {name}");
            self.compare(&what, then.as_deref(), now.as_deref());
        }
    }
}

#[cfg(test)]
mod tests;
