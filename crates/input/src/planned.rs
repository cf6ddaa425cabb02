//! Plans INPUT: lists it, reads the table, joins both, and reads headers. Nothing is
//! written.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use rxrx_metadata::{
    Channel, Embeddings, InputDescription, Join, Observed, Plan, ProblemKind, Problems,
    ProfileChoice, Recognised, RecognisedBy, Selection,
};
use rxrx_storage::Location;

use crate::description::{profile_of, read_description};
use crate::error::PlanInputError;
use crate::headers::{HEADERS_AT_MOST, Headers, data_type};
use crate::open::{self, Input};
use crate::options::PlanOptions;
use crate::source::Source;

/// A plan and the source of its images.
pub struct PlannedInput {
    /// The folder, archive or bucket of the images.
    pub input: Location,
    /// The metadata table that was used.
    pub metadata: Location,
    /// The plan.
    pub plan: Plan,
    /// The options of the plan.
    pub options: PlanOptions,
    /// The embeddings of the sites, if a table of them was given.
    pub embeddings: Option<Embeddings>,
    /// What the owner of the input says about it.
    pub description: InputDescription,
    /// The profile of the data set, and the reasons for it.
    pub recognised: Recognised,
    source: Box<dyn Source>,
    mean_file_bytes: f64,
}

impl PlannedInput {
    /// Plans the conversion of `input`: a folder or a zip archive, on a disk or at
    /// an address.
    ///
    /// # Errors
    /// [`PlanInputError`] if there is no plan. Problems that do not prevent a plan
    /// are listed in it.
    pub fn open(input: &Location, options: PlanOptions) -> Result<Self, PlanInputError> {
        let selection = Selection::parse(&options.include, &options.exclude)?;
        let (opened, listing) = Input::open(input)?;
        let description = match listing.images.is_empty() {
            // A description of nothing: what is lacking is told below.
            true => InputDescription::default(),
            false => read_description(opened.source.as_ref(), input)?,
        };
        let described = profile_of(&description, input)?;
        let (choice, by) = match (&options.profile, described) {
            (ProfileChoice::ByEvidence, Some(described)) => (described, RecognisedBy::Description),
            (ProfileChoice::ByEvidence, None) => {
                (ProfileChoice::ByEvidence, RecognisedBy::Evidence)
            }
            (given, _) => (given.clone(), RecognisedBy::Option),
        };
        let (table, metadata) = opened.table(&options, &choice, &listing)?;
        let mut join = Join::new(table, listing, &selection)?;

        let embeddings = options.embeddings.as_ref();
        let embeddings = embeddings.map(|table| open::embeddings(table, &mut join));
        let embeddings = embeddings.transpose()?;

        let source = opened.source;
        let sample = join.sample_sources(HEADERS_AT_MOST);
        let jobs = options.jobs.unwrap_or_else(cores);
        let headers = Headers::read(source.as_ref(), &sample, jobs);
        let headers = headers.map_err(|source| PlanInputError::Images {
            input: input.clone(),
            source,
        })?;
        let shape = headers.shape();
        let shape = shape.map_err(|example| PlanInputError::NoReadableImage {
            images: sample.len(),
            example,
        })?;
        let mut found = Problems::default();
        headers.report(shape, &mut found);
        let plan = Plan::new(
            join,
            shape.height as usize,
            shape.width as usize,
            data_type(shape.depth),
            options.layout,
        )?;
        report_channels(&description, plan.channels(), &mut found);
        let recognised = Recognised::new(&choice, by, &Observed::of(&plan));
        Ok(Self {
            input: input.clone(),
            metadata,
            plan: plan.with_problems(found),
            options,
            embeddings,
            description,
            recognised,
            source,
            mean_file_bytes: headers.mean_file_bytes(),
        })
    }

    /// The source that reads image files by their path in INPUT.
    pub fn source(&self) -> &dyn Source {
        self.source.as_ref()
    }

    /// Mean size in bytes of the image files whose header was read.
    pub fn mean_file_bytes(&self) -> f64 {
        self.mean_file_bytes
    }
}

/// Adds the described channels that are none of `channels` to `problems`.
fn report_channels(description: &InputDescription, channels: &[Channel], problems: &mut Problems) {
    for described in &description.channels {
        let name = &described.name;
        if !channels.iter().any(|channel| channel.to_string() == *name) {
            problems.add(ProblemKind::DescribedChannels, 0, || name.clone());
        }
    }
}

/// Number of cores; 1 if the operating system does not tell it.
fn cores() -> NonZeroUsize {
    available_parallelism().unwrap_or(NonZeroUsize::MIN)
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
            matches!(&error, PlanInputError::NoReadableImage { images: 4, example } if example.contains("B02_s1_w1.png")),
            "{error}"
        );
    }
}
