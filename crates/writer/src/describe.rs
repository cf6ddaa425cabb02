//! The description of the dataset that is made of INPUT.

use rxrx_format::Description;
use rxrx_input::PlannedInput;

/// Describes the dataset of `input` as `rxrx2zarr.json` in INPUT says, and where that says
/// nothing, as the profile does. The options come first for the negative controls. Without a
/// profile nothing is claimed.
pub fn describe(input: &PlannedInput) -> Description {
    let data_type = input.plan.geometry().data_type;
    let known = match &input.recognised.profile {
        Some(profile) => Description::of_profile(profile, data_type),
        None => Description::unknown(),
    };
    let described = known.with(&input.description, data_type);
    let described = described.of_plan(&input.plan);
    described.with_controls(input.controls.clone())
}
