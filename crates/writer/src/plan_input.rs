//! The plan of a conversion, made of INPUT.

use rxrx_format::COLUMN_NAME_RULE;
use rxrx_input::{PlanInputError, PlanOptions, PlannedInput};
use rxrx_storage::Location;

/// Plans the conversion of `input` into a dataset. Columns of the table that a
/// dataset cannot store under their name are refused.
///
/// # Errors
/// The errors of [`PlannedInput::open`].
pub fn plan_input(input: &Location, options: PlanOptions) -> Result<PlannedInput, PlanInputError> {
    plan_inputs(std::slice::from_ref(input), options)
}

/// Plans the conversion of several inputs, as [`plan_input`] does for one.
///
/// # Errors
/// The errors of [`PlannedInput::open_all`].
pub fn plan_inputs(
    inputs: &[Location],
    options: PlanOptions,
) -> Result<PlannedInput, PlanInputError> {
    let options = PlanOptions {
        column_names: COLUMN_NAME_RULE,
        ..options
    };
    PlannedInput::open_all(inputs, options)
}
