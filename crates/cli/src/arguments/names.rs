//! Arguments that say how images are named.

use clap::Args;
use rxrx_writer::metadata::{Depth, NameOptions};

/// The names of the images, where they are not those of RxRx1.
#[derive(Debug, Args)]
pub(crate) struct NameArguments {
    /// Pattern of the ends of paths, such as '{plate}/{well}_f{site}_{channel}.tif', with the
    /// fields experiment, plate, well or row and col, site, channel, z, t, and * for any text;
    /// or harmony, cellvoyager, imagexpress or incell
    #[arg(long, value_name = "PATTERN")]
    pattern: Option<String>,

    /// Channels as the names have them, in the order of the array, such as 'DAPI,ER'; without
    /// {channel} in the pattern, the names of the pages of each TIFF [default: numbers, in their
    /// order]
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        requires = "pattern"
    )]
    channels: Vec<String>,

    /// Convert this depth of stacks; max makes one plane of all, of the largest value of each
    /// pixel (a maximum intensity projection)
    #[arg(long, value_name = "N|max", requires = "pattern")]
    z: Option<Depth>,

    /// Convert this time point
    #[arg(long, value_name = "N", requires = "pattern")]
    t: Option<u32>,

    /// Experiment, where neither the names nor the table have it [default: the name of INPUT]
    #[arg(long, value_name = "NAME")]
    experiment: Option<String>,

    /// Column of the table with the paths of a channel, in place of names; FOLDER/FILE for a
    /// column of folders and one of files; repeatable, in the order of the channels. INPUT may
    /// be left out if the paths are absolute
    #[arg(
        long = "path-column",
        value_name = "CHANNEL=COLUMN",
        conflicts_with = "pattern"
    )]
    path_columns: Vec<String>,
}

impl NameArguments {
    /// Whether columns of the tables say where the images are.
    pub(super) fn has_path_columns(&self) -> bool {
        !self.path_columns.is_empty()
    }

    /// Returns how images are named.
    pub(crate) fn options(&self) -> NameOptions {
        NameOptions {
            pattern: self.pattern.clone(),
            channels: self.channels.clone(),
            z: self.z,
            t: self.t,
            experiment: self.experiment.clone(),
            path_columns: self.path_columns.clone(),
        }
    }
}
