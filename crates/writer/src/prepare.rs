//! From INPUT to a plan: list, read the table, join, look at headers. Writes
//! nothing.

use std::io;

use rxrx_metadata::{
    DiscoverError, Embeddings, Join, JoinError, Layout, MetadataError, Plan, PlanError, Selection,
    SelectionError,
};
use serde::Serialize;

use crate::archive::ArchiveError;
use crate::codec::Codec;
use crate::description::{Description, DescriptionError};
use crate::heap::give_back_free_memory;
use crate::input::{self, Input};
use crate::location::Location;
use crate::source::Source;
use crate::store::StoreError;
use crate::survey::{HEADERS_AT_MOST, Survey, data_type};

/// What to convert and how to lay it out.
#[derive(Clone, Debug, Default)]
pub struct PlanOptions {
    /// The metadata table, where it is not to be found beside the images.
    pub metadata: Option<Location>,
    /// A table of embeddings: `site_id` and numbers.
    pub embeddings: Option<Location>,
    /// Rows to convert (see [`Selection`]); empty for all.
    pub include: Vec<String>,
    /// Rows to leave out.
    pub exclude: Vec<String>,
    /// Chunk and shard lengths.
    pub layout: Layout,
}

/// INPUT cannot be planned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// INPUT could not be listed, or holds no metadata table.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// INPUT is an archive that cannot be used.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The table in an archive or a bucket is too large to be read there.
    #[error(
        "{place} is too large to be read beside the images; unpack it, and give it with --metadata"
    )]
    TableTooLarge {
        /// The table.
        place: Location,
    },
    /// The store of an address cannot be reached, read or listed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing at an address.
    #[error("there is nothing at {location}, neither a file nor a folder")]
    Absent {
        /// The address.
        location: Location,
    },
    /// The images cannot be read, not only one of them.
    #[error("cannot read the images of {input}")]
    Images {
        /// The folder or archive.
        input: Location,
        /// What the store said.
        source: io::Error,
    },
    /// The metadata table is not readable.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The table of embeddings cannot be used.
    #[error("cannot use the embeddings")]
    Embeddings(#[source] MetadataError),
    /// `--include` or `--exclude` make no sense for this table.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// Table and images do not fit together.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The layout does not fit the data.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Not one of the images has a readable header.
    #[error(
        "none of the {surveyed} images that were looked at is a readable PNG, for example {example}"
    )]
    NoReadableImage {
        /// How many were looked at.
        surveyed: usize,
        /// One of them, and what is wrong with it.
        example: String,
    },
}

/// A plan and the source that it reads from.
pub struct Prepared {
    /// The folder or archive that the images are read from.
    pub input: Location,
    /// The metadata table that was used.
    pub metadata: Location,
    /// The plan.
    pub plan: Plan,
    /// The options it was made with.
    pub options: PlanOptions,
    /// The embeddings of the sites, where a table of them was given.
    pub embeddings: Option<Embeddings>,
    pub(crate) source: Box<dyn Source>,
    mean_file_bytes: f64,
}

/// Sizes that a conversion is expected to have, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Projection {
    /// The image files, estimated from those that were looked at.
    pub source_bytes: u64,
    /// The pixels, decoded.
    pub raw_bytes: u64,
    /// The shards: an estimate for RxRx1-like images.
    pub stored_bytes: u64,
}

impl Prepared {
    /// Plans the conversion of `input`, a folder or a zip archive, here or behind
    /// an address.
    ///
    /// # Errors
    /// [`PrepareError`] says what cannot be planned. Problems that a conversion
    /// could live with are listed in the plan instead.
    pub fn open(input: &Location, options: PlanOptions) -> Result<Self, PrepareError> {
        let selection = Selection::parse(&options.include, &options.exclude)?;
        let (opened, listing) = Input::open(input)?;
        let (table, metadata) = opened.table(options.metadata.as_ref(), &listing)?;
        let mut join = Join::new(table, listing, &selection)?;

        let embeddings = options.embeddings.as_ref();
        let embeddings = embeddings.map(|table| input::embeddings(table, &mut join));
        let embeddings = embeddings.transpose()?;

        let source = opened.source;
        let sample = join.sample_sources(HEADERS_AT_MOST);
        let survey = Survey::new(source.as_ref(), &sample);
        let survey = survey.map_err(|source| PrepareError::Images {
            input: input.clone(),
            source,
        })?;
        let Some(shape) = survey.shape() else {
            return Err(PrepareError::NoReadableImage {
                surveyed: sample.len(),
                example: survey.first_error().unwrap_or_default(),
            });
        };
        survey.report(shape, join.problems_mut());
        let plan = Plan::new(
            join,
            shape.height as usize,
            shape.width as usize,
            data_type(shape.depth),
            options.layout,
        )?;
        // The listing was several times the plan.
        give_back_free_memory();
        Ok(Self {
            input: input.clone(),
            metadata,
            plan,
            options,
            embeddings,
            source,
            mean_file_bytes: survey.mean_file_bytes(),
        })
    }

    /// What INPUT says of itself.
    ///
    /// # Errors
    /// Its description cannot be read, or is none.
    pub fn description(&self) -> Result<Description, DescriptionError> {
        Description::of_input(&self.input, self.source.as_ref())
    }

    /// The sizes to expect with `codec`.
    pub fn projection(&self, codec: Codec) -> Projection {
        let source_bytes = self.mean_file_bytes * self.plan.present_planes() as f64;
        Projection {
            source_bytes: source_bytes as u64,
            raw_bytes: self.plan.geometry().raw_bytes(),
            stored_bytes: (source_bytes * codec.size_over_png()) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::fixture::{image_path, png};

    /// Two sites of two channels with the given files.
    fn prepared(files: [&[u8]; 4]) -> Result<Prepared, PrepareError> {
        let folder = tempfile::tempdir().unwrap();
        for (number, bytes) in files.into_iter().enumerate() {
            let path = folder.path().join(image_path(number / 2, number % 2));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let table = "experiment,plate,well,site\nE-1,1,B02,1\nE-1,2,B02,1\n";
        fs::write(folder.path().join("metadata.csv"), table).unwrap();
        Prepared::open(&folder.path().into(), PlanOptions::default())
    }

    #[test]
    fn sizes_are_projected_from_the_files() {
        let png = png(7, 5, 1);
        let prepared = prepared([&png; 4]).unwrap();
        assert_eq!(prepared.plan.geometry().shape(), [2, 2, 7, 5]);
        assert!(prepared.metadata.to_string().ends_with("metadata.csv"));
        let source_bytes = 4 * png.len() as u64;
        for codec in Codec::ALL {
            let projection = prepared.projection(codec);
            assert_eq!(projection.source_bytes, source_bytes);
            assert_eq!(projection.raw_bytes, 2 * 2 * 7 * 5);
            let stored = source_bytes as f64 * codec.size_over_png();
            assert_eq!(projection.stored_bytes, stored as u64);
        }
    }

    #[test]
    fn one_readable_header_is_enough_for_a_plan() {
        let prepared = prepared([b"", b"no PNG", &png(7, 5, 1), b""]).unwrap();
        assert_eq!(prepared.plan.geometry().shape(), [2, 2, 7, 5]);
        let error = self::prepared([b"no PNG"; 4]).err().unwrap();
        assert!(
            matches!(&error, PrepareError::NoReadableImage { surveyed: 4, example } if example.contains("B02_s1_w1.png")),
            "{error}"
        );
    }
}
