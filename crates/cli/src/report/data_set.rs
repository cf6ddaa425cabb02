//! Report of what a data set is, and of what is not known about it.

use std::io::{self, Write};

use rxrx_writer::Description;
use rxrx_writer::metadata::{Profile, Recognised, RecognisedBy};
use serde_json::{Value, json};

use super::console::Console;
use super::text::property;
use crate::verbosity::Verbosity;

/// Writes what the data set is, and why.
pub(super) fn data_set(
    out: &mut dyn Write,
    recognised: &Recognised,
    description: &Description,
) -> io::Result<()> {
    property(out, "dataset", &description.name)?;
    let reasons = recognised.reasons.join("; ");
    let profile = match (&recognised.profile, recognised.by) {
        (Some(profile), RecognisedBy::Evidence) => format!("{}: {reasons}", profile.name),
        (Some(profile), RecognisedBy::Option) => format!("{}: by --profile", profile.name),
        (Some(profile), RecognisedBy::Description) => {
            format!("{}: by rxrx2zarr.json", profile.name)
        }
        (None, RecognisedBy::Evidence) if reasons.is_empty() => "none is recognised".to_owned(),
        (None, RecognisedBy::Evidence) => format!("none is recognised: {reasons}"),
        (None, RecognisedBy::Option) => "none: by --profile".to_owned(),
        (None, RecognisedBy::Description) => "none: by rxrx2zarr.json".to_owned(),
    };
    property(out, "profile", profile)?;
    let not_stated = "not stated";
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| not_stated.to_owned());
    property(out, "licence", text(&description.license))?;
    property(out, "cite", text(&description.citation))?;
    let stained = description
        .channels
        .iter()
        .filter(|channel| !channel.stain.is_empty());
    let stains = stained.map(|channel| format!("{} {}", channel.name, channel.stain));
    let stains: Vec<String> = stains.collect();
    let stains = if stains.is_empty() {
        not_stated.to_owned()
    } else {
        stains.join(", ")
    };
    property(out, "stains", stains)
}

/// Returns what the dataset will not state, because the data set is not recognised, with the
/// options that settle it; `None` where nothing is lacking or the user wants no profile.
pub(super) fn unsettled(recognised: &Recognised, description: &Description) -> Option<String> {
    if recognised.profile.is_some() || recognised.by != RecognisedBy::Evidence {
        return None;
    }
    let no_stains = description
        .channels
        .iter()
        .all(|channel| channel.stain.is_empty());
    let lacking: Vec<&str> = [
        (description.license.is_none(), "no licence"),
        (description.citation.is_none(), "no citation"),
        (no_stains, "no stains"),
    ]
    .into_iter()
    .filter_map(|(lacks, what)| lacks.then_some(what))
    .collect();
    if lacking.is_empty() {
        return None;
    }
    let names = Profile::built_in().into_iter().map(|profile| profile.name);
    let names: Vec<String> = names.collect();
    Some(format!(
        "the dataset will state {}: name the data set with --profile ({}, or a \
         file), or give --dataset-name, --license and --citation; rxrx2zarr.json in INPUT can \
         say all of it, and the stains",
        join(&lacking),
        names.join(", ")
    ))
}

/// Warns of what the dataset will not state.
pub(crate) fn warn_unsettled(
    recognised: &Recognised,
    description: &Description,
    console: Console<'_>,
) {
    let Some(text) = unsettled(recognised, description) else {
        return;
    };
    if console.verbosity() == Verbosity::Quiet {
        return;
    }
    let reasons = match recognised.reasons.as_slice() {
        [] => String::new(),
        reasons => format!(" ({})", reasons.join("; ")),
    };
    console.warning(&format!("the data set is not recognised{reasons}: {text}"));
}

/// Joins words as a sentence does.
fn join(words: &[&str]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        words => words.concat(),
    }
}

/// Warns that a complete dataset is described otherwise than it would be now.
pub(crate) fn warn_described_otherwise(differences: &[String], console: Console<'_>) {
    if !differences.is_empty() {
        console.warning(&format!(
            "the dataset was complete and stays as it is, although it would be described \
             otherwise now: {}. To change that, replace it with --overwrite",
            differences.join("; ")
        ));
    }
}

/// The profile of a data set as JSON.
pub(crate) fn profile_fields(recognised: &Recognised) -> Value {
    json!({
        "name": recognised.profile.as_ref().map(|profile| &profile.name),
        "by": recognised.by.as_str(),
        "reasons": recognised.reasons,
    })
}
