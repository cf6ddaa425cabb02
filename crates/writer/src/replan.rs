//! The plan of a dataset, made again.

use rxrx_format::Settings;
use rxrx_input::PlanOptions;
use rxrx_storage::Location;

/// Returns the options by which the same input gives the plan of a dataset with
/// these `settings` again. `metadata` is the table, where it does not lie beside
/// the images.
pub fn plan_options(settings: &Settings, metadata: Option<Location>) -> PlanOptions {
    PlanOptions {
        metadata,
        embeddings: None,
        include: settings.include.clone(),
        exclude: settings.exclude.clone(),
        layout: settings.layout(),
        ..PlanOptions::default()
    }
}
