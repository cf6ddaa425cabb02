//! The plan options of an existing dataset.

use rxrx_format::Settings;
use rxrx_input::PlanOptions;
use rxrx_storage::Location;

/// Returns the options that give the plan of a dataset with these `settings` from
/// the same input. `metadata` is the table, where it does not lie beside the images.
pub fn plan_options(settings: &Settings, metadata: Option<Location>) -> PlanOptions {
    PlanOptions {
        metadata,
        embeddings: None,
        include: settings.include.clone(),
        exclude: settings.exclude.clone(),
        only_present: settings.only_present,
        layout: settings.layout(),
        ..PlanOptions::default()
    }
}
