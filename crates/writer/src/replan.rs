//! The plan options of an existing dataset.

use rxrx_format::Settings;
use rxrx_input::{PlanOptions, Tables};

/// Returns the options that give the plan of a dataset with these `settings` from
/// the same input and the same tables.
pub fn plan_options(settings: &Settings, tables: Tables) -> PlanOptions {
    PlanOptions {
        tables,
        include: settings.include.clone(),
        exclude: settings.exclude.clone(),
        controls: settings.controls.clone(),
        only_present: settings.only_present,
        pixel_size: settings.pixel_size,
        names: settings.names.clone(),
        layout: settings.layout(),
        ..PlanOptions::default()
    }
}
