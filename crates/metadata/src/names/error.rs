//! Errors of the names of images.

use thiserror::Error;

use rxrx_tables::{excerpt, first_of};

/// Reason why the names of the images cannot be read as wanted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NamesError {
    /// The pattern is malformed.
    #[error("the pattern {pattern:?} {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// The reason, a predicate of the pattern.
        reason: String,
    },
    /// An option names a field that the pattern does not have, or has already.
    #[error("{option} {reason}")]
    Option {
        /// The option.
        option: &'static str,
        /// The reason, a predicate of the option.
        reason: String,
    },
    /// No file fits the pattern.
    #[error(
        "none of the {files} image files fits the pattern {pattern:?}{}",
        example.as_ref().map_or_else(String::new, |path| format!("; there is {path}"))
    )]
    NothingFits {
        /// The pattern.
        pattern: String,
        /// Number of files.
        files: usize,
        /// One of them.
        example: Option<String>,
    },
    /// The images are of several depths or times.
    #[error(
        "the names of the images have several values of {axis} ({}); choose one with --{axis} N{}",
        shown(found),
        if *axis == "z" { ", or the largest value of each pixel with --z max" } else { "" }
    )]
    Several {
        /// The field: `z` or `t`.
        axis: &'static str,
        /// The values, ascending.
        found: Vec<String>,
    },
    /// No image has the chosen depth or time.
    #[error("no image has {axis} {wanted}; the names have {}", shown(found))]
    Absent {
        /// The field: `z` or `t`.
        axis: &'static str,
        /// The chosen value.
        wanted: u32,
        /// The values, ascending.
        found: Vec<String>,
    },
    /// The channels are texts whose order is not known.
    #[error(
        "the channels have names, and their order must be given: --channels '{}', for example",
        found.join(",")
    )]
    ChannelOrder {
        /// The channels that the names have.
        found: Vec<String>,
    },
    /// A path in the table needs an INPUT.
    #[error("the path {path:?} is not absolute; give INPUT, the folder that it is in")]
    RelativePath {
        /// The path.
        path: String,
    },
    /// The paths in the table are in no folder together.
    #[error("the paths in the table have no folder in common; give INPUT, or fewer tables")]
    NoCommonFolder,
    /// Two files fit a path in the table.
    #[error(
        "the path {path:?} fits {first} and {second}; name the folder, too: CHANNEL=FOLDER/FILE"
    )]
    Ambiguous {
        /// The path.
        path: String,
        /// A file that fits.
        first: String,
        /// Another one.
        second: String,
    },
    /// Two planes name one file equally well.
    #[error(
        "{path} would be the image of {first} and of {second}; give INPUT with the folders of \
         both, or leave one of them out of the table"
    )]
    OneFileForTwo {
        /// The file.
        path: String,
        /// A site.
        first: String,
        /// Another one, or the same with another channel.
        second: String,
    },
    /// No path in the table is that of a file.
    #[error(
        "none of the {files} image files has a path of the table, such as {path}{}",
        example.as_ref().map_or_else(String::new, |file| format!("; there is {file}"))
    )]
    NoPathFits {
        /// A path of the table.
        path: String,
        /// Number of files.
        files: usize,
        /// One of them.
        example: Option<String>,
    },
    /// A channel that is given is in no name.
    #[error("no image has the channel {wanted:?}; the names have {}", shown(found))]
    ChannelAbsent {
        /// The channel.
        wanted: String,
        /// The channels that the names have.
        found: Vec<String>,
    },
}

/// Returns the first of some values, and the number of the others.
fn shown(values: &[String]) -> String {
    const SHOWN: usize = 30;
    let values: Vec<String> = values.iter().map(|value| excerpt(value)).collect();
    first_of(&values, SHOWN)
}
