//! What inputs are called in messages.

use rxrx_storage::Location;

/// Returns the names of inputs for a message.
pub fn input_names<'a>(inputs: impl IntoIterator<Item = &'a Location>) -> String {
    let names: Vec<String> = inputs.into_iter().map(ToString::to_string).collect();
    names.join(" and ")
}
