//! Plans INPUT: lists it, reads the table, joins both, and reads headers. Nothing is
//! written.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;

use rxrx_metadata::{
    Embeddings, InputDescription, Join, JoinError, MetadataTable, Observed, PixelSize, Plan,
    PlaneParts, ProblemKind, Problems, ProfileChoice, Recognised, RecognisedBy, RowRule, Selection,
    SelectionError,
};
use rxrx_storage::Location;

use crate::assembled::assembled;
use crate::description::{profile_of, read_description};
use crate::error::PlanInputError;
use crate::headers::{Coloured, Headers, data_type, spread};
use crate::names::input_names;
use crate::open::{self, Input};
use crate::options::PlanOptions;
use crate::probe::probe;
use crate::source::Source;
use crate::tables::TableLocation;

/// A plan and the source of its images.
pub struct PlannedInput {
    /// The folders, archives and buckets of the images.
    pub inputs: Vec<Location>,
    /// The metadata tables that were used; none if the rows come from the names of the
    /// images.
    pub metadata: Vec<TableLocation>,
    /// The plan.
    pub plan: Plan,
    /// The options of the plan.
    pub options: PlanOptions,
    /// The embeddings of the sites, if a table of them was given.
    pub embeddings: Option<Embeddings>,
    /// The rule of the options that tells the negative controls, if there is one.
    pub controls: Option<RowRule>,
    /// What the owner of the input says about it.
    pub description: InputDescription,
    /// The profile of the data set, and the reasons for it.
    pub recognised: Recognised,
    source: Box<dyn Source>,
    is_folder: bool,
    parts: Arc<PlaneParts>,
    mean_file_bytes: f64,
    image_decoder: Option<&'static str>,
}

impl PlannedInput {
    /// Plans the conversion of `input`: a folder, a zip or tar archive, on a disk or at
    /// an address.
    ///
    /// # Errors
    /// [`PlanInputError`] if there is no plan. Problems that do not prevent a plan
    /// are listed in it.
    pub fn open(input: &Location, options: PlanOptions) -> Result<Self, PlanInputError> {
        Self::open_all(std::slice::from_ref(input), options)
    }

    /// Plans the conversion of several inputs as if their files were in one folder.
    ///
    /// # Errors
    /// The errors of [`Self::open`], and two inputs with an image of the same path.
    pub fn open_all(inputs: &[Location], options: PlanOptions) -> Result<Self, PlanInputError> {
        let selection = Selection::parse(&options.include, &options.exclude)?;
        let (opened, listing) = Input::open(inputs)?;
        let listing = listing.named(&options.names, &opened.experiment())?;
        let place = opened.location_of(InputDescription::FILE);
        let is_empty = listing.images.is_empty() && options.names.path_columns.is_empty();
        let description = match is_empty {
            // A description of nothing: what is lacking is told below.
            true => InputDescription::default(),
            false => read_description(opened.source.as_ref(), &place)?,
        };
        let described = profile_of(&description, &place)?;
        let (choice, by) = match (&options.profile, described) {
            (ProfileChoice::ByEvidence, Some(described)) => (described, RecognisedBy::Description),
            (ProfileChoice::ByEvidence, None) => {
                (ProfileChoice::ByEvidence, RecognisedBy::Evidence)
            }
            (given, _) => (given.clone(), RecognisedBy::Option),
        };
        let (table, listing, metadata) = opened.table(&options, &choice, listing)?;
        opened.doubles.check(&listing)?;
        let others: Vec<String> = spread(&listing.unrecognised, OTHERS).cloned().collect();
        let controls = controls(&options.controls, &table)?;
        let selection = selection.only_present(options.only_present);
        let is_folder = opened.is_folder;
        let parts = Arc::new(listing.parts.clone());
        let source = assembled(opened.source, Arc::clone(&parts));
        let mut join = match Join::new(table, listing, &selection) {
            Ok(join) => join,
            Err(error) => {
                refuse_coloured(source.as_ref(), &error, &others)?;
                return Err(error.into());
            }
        };

        let embeddings = options.tables.embeddings.as_ref();
        let embeddings = embeddings.map(|table| open::embeddings(table, &mut join));
        let embeddings = embeddings.transpose()?;

        let sample = join.sample_sources(source.headers_at_most());
        let jobs = options.jobs.unwrap_or_else(cores);
        let headers = Headers::read(source.as_ref(), &sample, jobs);
        let unreachable = |source| PlanInputError::Images {
            input: input_names(inputs),
            source,
        };
        let headers = headers.map_err(unreachable)?;
        let shape = headers.shape();
        let shape = shape.map_err(|example| PlanInputError::NoReadableImage {
            images: sample.len(),
            example,
        })?;
        probe(source.as_ref(), &sample, shape, headers.coloured()).map_err(unreachable)??;
        let mut found = Problems::default();
        headers.report(shape, &mut found);
        let plan = Plan::new(
            join,
            shape.height as usize,
            shape.width as usize,
            data_type(shape.depth),
            options.layout,
        )?;
        report_channels(&description, plan.channel_names(), &mut found);
        let recognised = Recognised::new(&choice, by, &Observed::of(&plan));
        Ok(Self {
            inputs: inputs.to_vec(),
            metadata,
            plan: plan.with_problems(found),
            options,
            embeddings,
            controls,
            description,
            recognised,
            source,
            is_folder,
            parts,
            mean_file_bytes: headers.mean_file_bytes(),
            image_decoder: headers.decoder(),
        })
    }

    /// Makes the input of a plan whose images `source` has, as if they were in the folder `input`.
    #[cfg(any(test, feature = "testing"))]
    pub fn simulated(plan: Plan, source: Box<dyn Source>, input: &Location) -> Self {
        let none = ProfileChoice::ByEvidence;
        Self {
            inputs: vec![input.clone()],
            metadata: Vec::new(),
            recognised: Recognised::new(&none, RecognisedBy::Evidence, &Observed::of(&plan)),
            plan,
            options: PlanOptions::default(),
            embeddings: None,
            controls: None,
            description: InputDescription::default(),
            source,
            is_folder: true,
            parts: Arc::default(),
            mean_file_bytes: 0.0,
            image_decoder: None,
        }
    }

    /// The source that reads image files by their path in INPUT.
    pub fn source(&self) -> &dyn Source {
        self.source.as_ref()
    }

    /// Whether INPUT is one folder of a disk or of a store, and each image a file in it.
    pub(crate) fn is_folder(&self) -> bool {
        self.is_folder
    }

    /// How the planes lie in the image files, where not each file is a plane.
    pub fn parts(&self) -> &PlaneParts {
        &self.parts
    }

    /// The inputs for messages.
    pub fn input_name(&self) -> String {
        input_names(&self.inputs)
    }

    /// Name and version of the decoder of the images, where another one may give other
    /// pixels.
    pub fn image_decoder(&self) -> Option<&'static str> {
        self.image_decoder
    }

    /// Side of a pixel in the specimen: as the options say, or the owner of the input, or its
    /// profile. `None` where nobody says it.
    pub fn pixel_size(&self) -> Option<PixelSize> {
        let profile = self.recognised.profile.as_ref();
        let published = profile.and_then(|profile| profile.images.pixel_size);
        let said = self.description.pixel_size;
        self.options.pixel_size.or(said).or(published)
    }

    /// Mean size in bytes of the image files whose header was read.
    pub fn mean_file_bytes(&self) -> f64 {
        self.mean_file_bytes
    }
}

/// Makes a rule of the clauses that tell the negative controls. Each must fit a row of the
/// whole table.
fn controls(clauses: &[String], table: &MetadataTable) -> Result<Option<RowRule>, SelectionError> {
    let rule = RowRule::parse(clauses)?;
    if let Some(rule) = &rule {
        rule.check(table)?;
    }
    Ok(rule)
}

/// Images with other names that are looked at if none has the right one.
const OTHERS: usize = 64;

/// Refuses images that have other names and are coloured. Then new names would not help.
fn refuse_coloured(
    source: &dyn Source,
    error: &JoinError,
    paths: &[String],
) -> Result<(), PlanInputError> {
    let JoinError::NoImages { unrecognised, .. } = error else {
        return Ok(());
    };
    let Ok(headers) = Headers::read(source, paths, cores()) else {
        return Ok(());
    };
    let Some((coloured, shape)) = headers.coloured().zip(headers.shape().ok()) else {
        return Ok(());
    };
    let all = Coloured {
        images: *unrecognised,
        ..coloured
    };
    if coloured.images < paths.len() {
        return Ok(());
    }
    probe(source, paths, shape, Some(all)).unwrap_or(Ok(()))
}

/// Adds the described channels that are none of `channels` to `problems`.
fn report_channels(description: &InputDescription, channels: &[String], problems: &mut Problems) {
    for described in &description.channels {
        let name = &described.name;
        if !channels.contains(name) {
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
