//! Images that could not be used, by cause.

use rxrx_metadata::{Plan, SiteIndex};
use serde::Serialize;

use crate::journal::UnitRecord;

/// Examples kept of each cause.
const EXAMPLES: usize = 5;

/// Images that could not be used for one cause.
#[derive(Clone, Debug, Serialize)]
pub struct RefusedImages {
    /// The cause, machine-readable.
    pub cause: String,
    /// The number of images.
    pub count: usize,
    /// The first few: path inside INPUT and problem.
    pub examples: Vec<String>,
}

/// Adds the unreadable and the corrupt planes of a unit to `by_cause`.
pub(crate) fn count_refused(plan: &Plan, record: &UnitRecord, by_cause: &mut Vec<RefusedImages>) {
    let channels = plan.geometry().channels;
    for (position, plane) in record.planes.iter().enumerate() {
        let Some((error, cause)) = plane.problem() else {
            continue;
        };
        let example = || {
            let site = SiteIndex(record.unit.sites.start + position / channels);
            let channel = position % channels;
            match plan.source(site, channel) {
                Some(path) => format!("{path}: {error}"),
                None => format!("site {}, channel {channel}: {error}", site.0),
            }
        };
        match by_cause.iter_mut().find(|refused| refused.cause == cause) {
            Some(refused) => {
                refused.count += 1;
                if refused.examples.len() < EXAMPLES {
                    refused.examples.push(example());
                }
            }
            None => by_cause.push(RefusedImages {
                cause: cause.to_string(),
                count: 1,
                examples: vec![example()],
            }),
        }
    }
}
