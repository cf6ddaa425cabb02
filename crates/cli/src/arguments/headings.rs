//! The groups of options in a help text.

use clap::{Arg, Command};

const GROUPS: [(&str, &[&str]); 5] = [
    (
        "Tables",
        &["metadata", "join", "on", "platemap", "embeddings"],
    ),
    (
        "Names of images",
        &["pattern", "channels", "z", "t", "experiment", "path-column"],
    ),
    (
        "Rows and layout",
        &[
            "include",
            "exclude",
            "controls",
            "only-present",
            "chunk-sites",
            "chunk-channels",
            "tile",
            "shard-sites",
            "codec",
        ],
    ),
    (
        "Description of the dataset",
        &[
            "profile",
            "dataset-name",
            "license",
            "citation",
            "pixel-size",
        ],
    ),
    ("Object stores", &["store-option", "max-bandwidth"]),
];

/// Puts the options of a command and of its subcommands into groups.
pub(super) fn with_headings(command: Command) -> Command {
    command
        .mut_args(|arg| match heading(&arg) {
            Some(heading) => arg.help_heading(heading),
            None => arg,
        })
        .mut_subcommands(with_headings)
}

fn heading(arg: &Arg) -> Option<&'static str> {
    let name = arg.get_long()?;
    let mut groups = GROUPS.iter();
    let group = groups.find(|(_, names)| names.contains(&name))?;
    Some(group.0)
}
