//! The run that a conversion is to make.

use std::borrow::Cow;

use rxrx_format::keys::{EMBEDDINGS, bytes_at_most};
use rxrx_format::{Description, EmbeddingsDigest, Root, Settings, embeddings_of, label_names};
use rxrx_input::PlannedInput;
use rxrx_metadata::Embeddings;

use super::error::ConvertError;
use super::options::ConvertOptions;
use crate::describe::describe;
use crate::journal::{Fingerprint, Run};
use crate::output::{Existing, OutputError, OutputLocation, Plan};

/// The run that a conversion makes, and the embeddings that belong to it.
pub(super) struct Target<'a> {
    pub(super) run: Run,
    pub(super) embeddings: Option<Cow<'a, Embeddings>>,
}

impl Target<'_> {
    pub(super) fn plan(&self) -> Plan {
        Plan::Convert(Box::new(self.run.clone()))
    }
}

/// What the user wants to have at OUTPUT.
pub(super) struct Wanted<'a> {
    planned: &'a PlannedInput,
    place: &'a OutputLocation,
    existing: Existing,
    settings: Settings,
    description: Description,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(
        planned: &'a PlannedInput,
        place: &'a OutputLocation,
        options: &ConvertOptions,
    ) -> Self {
        let geometry = planned.plan.geometry();
        Self {
            planned,
            place,
            existing: options.existing,
            settings: Settings {
                codec: options.codec,
                chunk_sites: geometry.chunk_sites,
                chunk_channels: geometry.chunk_channels,
                shard_sites: geometry.shard_sites,
                tile: geometry.tile,
                include: planned.options.include.clone(),
                exclude: planned.options.exclude.clone(),
                controls: planned.options.controls.clone(),
                only_present: planned.options.only_present,
                image_decoder: planned.image_decoder().map(str::to_owned),
                pixel_size: planned.pixel_size(),
                names: planned.options.names.clone(),
            },
            description: match &options.description {
                Some(description) => {
                    let described = description.clone().of_plan(&planned.plan);
                    described.with_controls(planned.controls.clone())
                }
                None => describe(planned),
            },
        }
    }

    /// Returns the run to be made of the input alone.
    pub(super) fn target(&self) -> Target<'a> {
        let plan = &self.planned.plan;
        let embeddings = self.planned.embeddings.as_ref();
        Target {
            run: Run {
                fingerprint: Fingerprint {
                    embeddings: embeddings.map(EmbeddingsDigest::of),
                    ..Fingerprint::of(plan, self.settings.clone())
                },
                description: self.description.clone(),
                units: plan.units().len(),
                labels: label_names(plan.table().columns()),
                retried: None,
                job: None,
            },
            embeddings: embeddings.map(Cow::Borrowed),
        }
    }

    /// Returns the run to be made at an OUTPUT that has the fingerprint `then`.
    ///
    /// With `RetryBad`, a dataset keeps its embeddings where no others are given.
    ///
    /// # Errors
    /// [`OutputError::Different`] when the fingerprints differ.
    pub(super) fn target_like(
        &self,
        then: &Fingerprint,
        sealed: bool,
    ) -> Result<Target<'a>, ConvertError> {
        let mut target = self.target();
        if self.existing == Existing::RetryBad
            && target.embeddings.is_none()
            && let Some(digest) = &then.embeddings
        {
            // The table fits only if everything else is the same.
            target.run.fingerprint.embeddings = Some(digest.clone());
            self.demand_same(&target, then, sealed)?;
            let embeddings = self.embeddings_of_output(digest)?;
            target.run.fingerprint.embeddings = embeddings.as_ref().map(EmbeddingsDigest::of);
            target.embeddings = embeddings.map(Cow::Owned);
        }
        self.demand_same(&target, then, sealed)?;
        Ok(target)
    }

    /// Returns the run to be made at a complete dataset with that root; there is no
    /// root where this version of the program cannot read it.
    pub(super) fn target_of_dataset(
        &self,
        root: Option<&Root>,
    ) -> Result<Target<'a>, ConvertError> {
        let root = root.ok_or_else(|| {
            let difference = "another version of rxrx2zarr wrote it in another format";
            self.different(true, vec![difference.to_owned()])
        })?;
        self.target_like(&Fingerprint::of_root(root), true)
    }

    /// Returns how the complete dataset with that root is described otherwise than it would
    /// be now, one line each.
    pub(super) fn described_otherwise(&self, root: Option<&Root>) -> Vec<String> {
        let then = root.map(|root| &root.attributes.description);
        then.map_or_else(Vec::new, |then| then.differences(&self.description))
    }

    /// Reads the embeddings at OUTPUT. An interrupted run need not have written
    /// them yet; then the runs differ, and the user is asked for the file.
    fn embeddings_of_output(
        &self,
        then: &EmbeddingsDigest,
    ) -> Result<Option<Embeddings>, ConvertError> {
        let store = self.place.store();
        let table = store.get_at_most(EMBEDDINGS, bytes_at_most(EMBEDDINGS))?;
        let Some(table) = table else {
            return Ok(None);
        };
        let sites = self.planned.plan.geometry().sites;
        let table = embeddings_of(table.into(), sites, then.length)?;
        Ok(Some(table.embeddings))
    }

    /// Demands that the run to be made has the fingerprint `then`.
    fn demand_same(
        &self,
        target: &Target<'_>,
        then: &Fingerprint,
        sealed: bool,
    ) -> Result<(), OutputError> {
        let differences = then.differences(&target.run.fingerprint);
        if differences.is_empty() {
            return Ok(());
        }
        Err(self.different(sealed, differences))
    }

    /// Returns the differences between the run to be made and the fingerprint `then`. With
    /// `RetryBad`, a dataset keeps its embeddings where no others are given.
    pub(super) fn differences(&self, target: &Target<'_>, then: &Fingerprint) -> Vec<String> {
        let mut fingerprint = target.run.fingerprint.clone();
        if self.existing == Existing::RetryBad && fingerprint.embeddings.is_none() {
            fingerprint.embeddings.clone_from(&then.embeddings);
        }
        then.differences(&fingerprint)
    }

    pub(super) fn different(&self, sealed: bool, differences: Vec<String>) -> OutputError {
        OutputError::Different {
            path: self.place.output().clone(),
            sealed,
            differences,
        }
    }
}
