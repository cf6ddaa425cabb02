//! From INPUT to a plan: list, read the table, join, look at headers. Writes
//! nothing.

use rxrx_metadata::{Embeddings, Join, Layout, Plan, Selection};
use rxrx_storage::Location;

use crate::error::PlanInputError;
use crate::headers::{HEADERS_AT_MOST, Headers, data_type};
use crate::open::{self, Input};
use crate::source::Source;

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

/// A plan and the source that it reads from.
pub struct PlannedInput {
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
    source: Box<dyn Source>,
    mean_file_bytes: f64,
}

impl PlannedInput {
    /// Plans the conversion of `input`, a folder or a zip archive, here or behind
    /// an address.
    ///
    /// # Errors
    /// [`PlanInputError`] says what cannot be planned. Problems that a conversion
    /// could live with are listed in the plan instead.
    pub fn open(input: &Location, options: PlanOptions) -> Result<Self, PlanInputError> {
        let selection = Selection::parse(&options.include, &options.exclude)?;
        let (opened, listing) = Input::open(input)?;
        let (table, metadata) = opened.table(options.metadata.as_ref(), &listing)?;
        let mut join = Join::new(table, listing, &selection)?;

        let embeddings = options.embeddings.as_ref();
        let embeddings = embeddings.map(|table| open::embeddings(table, &mut join));
        let embeddings = embeddings.transpose()?;

        let source = opened.source;
        let sample = join.sample_sources(HEADERS_AT_MOST);
        let headers = Headers::read(source.as_ref(), &sample);
        let headers = headers.map_err(|source| PlanInputError::Images {
            input: input.clone(),
            source,
        })?;
        let Some(shape) = headers.shape() else {
            return Err(PlanInputError::NoReadableImage {
                surveyed: sample.len(),
                example: headers.first_error().unwrap_or_default(),
            });
        };
        headers.report(shape, join.problems_mut());
        let plan = Plan::new(
            join,
            shape.height as usize,
            shape.width as usize,
            data_type(shape.depth),
            options.layout,
        )?;
        Ok(Self {
            input: input.clone(),
            metadata,
            plan,
            options,
            embeddings,
            source,
            mean_file_bytes: headers.mean_file_bytes(),
        })
    }

    /// Reads the image files by their path in INPUT.
    pub fn source(&self) -> &dyn Source {
        self.source.as_ref()
    }

    /// Mean size of the image files that were looked at, in bytes.
    pub fn mean_file_bytes(&self) -> f64 {
        self.mean_file_bytes
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::{image_path, png};

    /// Two sites of two channels with the given files.
    fn planned(files: [&[u8]; 4]) -> Result<PlannedInput, PlanInputError> {
        let folder = tempfile::tempdir().unwrap();
        for (number, bytes) in files.into_iter().enumerate() {
            let path = folder.path().join(image_path(number / 2, number % 2));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let table = "experiment,plate,well,site\nE-1,1,B02,1\nE-1,2,B02,1\n";
        fs::write(folder.path().join("metadata.csv"), table).unwrap();
        PlannedInput::open(&folder.path().into(), PlanOptions::default())
    }

    #[test]
    fn one_readable_header_is_enough_for_a_plan() {
        let planned = planned([b"", b"no PNG", &png(7, 5, 1), b""]).unwrap();
        assert_eq!(planned.plan.geometry().shape(), [2, 2, 7, 5]);
        let error = self::planned([b"no PNG"; 4]).err().unwrap();
        assert!(
            matches!(&error, PlanInputError::NoReadableImage { surveyed: 4, example } if example.contains("B02_s1_w1.png")),
            "{error}"
        );
    }
}
