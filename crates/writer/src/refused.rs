//! Images that could not be used, by cause.

use rxrx_metadata::{Plan, SiteIndex};
use serde::Serialize;

use crate::journal::{PlaneRecord, UnitRecord};

/// Examples kept of each cause.
const EXAMPLES: usize = 5;

/// Images that could not be used for one cause.
#[derive(Clone, Debug, Serialize)]
pub struct RefusedImages {
    /// The cause, machine-readable.
    pub cause: String,
    /// How many images.
    pub count: usize,
    /// The first few: path inside INPUT and what is wrong.
    pub examples: Vec<String>,
}

/// Counts the corrupt planes of a unit; in array order, if the units come so.
pub(crate) fn count_refused(plan: &Plan, record: &UnitRecord, by_cause: &mut Vec<RefusedImages>) {
    let channels = plan.geometry().channels;
    for (position, plane) in record.planes.iter().enumerate() {
        let PlaneRecord::Corrupt { error, cause, .. } = plane else {
            continue;
        };
        let example = || {
            let site = SiteIndex(record.unit.sites.start + position / channels);
            let path = plan.source(site, position % channels).unwrap_or_default();
            format!("{path}: {error}")
        };
        match by_cause.iter_mut().find(|refused| refused.cause == *cause) {
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
