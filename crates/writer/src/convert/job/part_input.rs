//! The images of a part, as a worker finds them.

use std::sync::Arc;

use rxrx_input::{ReadError, Source, SourceStamp, StoredImages, StoredInput, input_names};
use rxrx_metadata::{Plan, Unit};
use rxrx_storage::{Location, StoreOption};

use super::error::JobError;
use crate::journal::{SourceChanges, UnitRecord};

/// Images that are looked for before the first one is converted.
const LOOKED_FOR: usize = 16;

/// Where a worker finds the images.
#[derive(Clone, Debug, Default)]
pub struct JobInput {
    /// INPUT, where it has another name here than for the one who planned; empty for the names
    /// in the plan.
    pub locations: Vec<Location>,
    /// The options of the stores of INPUT.
    pub store_options: Arc<[StoreOption]>,
}

/// Opens INPUT and looks for some images of the part: with a wrong INPUT, or one that is not whole,
/// planes would be missing. `images` is what the plan knows of them.
pub(super) fn open(
    stored: &StoredInput,
    input: &JobInput,
    plan: &Plan,
    units: &[Unit],
    images: &StoredImages,
) -> Result<Box<dyn Source>, JobError> {
    let locations = match input.locations.as_slice() {
        [] => stored.locations(&input.store_options)?,
        given => given.to_vec(),
    };
    let paths: Vec<String> = units
        .iter()
        .flat_map(|unit| plan.images(unit.sites.clone()))
        .collect();
    let source = stored.open(&locations, &paths, images)?;
    let step = paths.len().div_ceil(LOOKED_FOR).max(1);
    let (mut compared, mut others) = (0, Vec::new());
    for (number, image) in paths.iter().enumerate().step_by(step) {
        let now = look(source.as_ref(), image, &locations)?;
        if let Some(Some(then)) = images.stamps().get(number) {
            compared += 1;
            if then.bytes != now.bytes {
                others.push(image);
            }
        }
    }
    // One image may have been repaired, but not most of them.
    match others.first() {
        Some(image) if others.len() * 2 > compared && !input.locations.is_empty() => {
            Err(JobError::OtherInput {
                input: input_names(&locations),
                image: (*image).clone(),
                others: others.len(),
                compared,
            })
        }
        _ => Ok(source),
    }
}

/// Looks for an image, which must be there.
fn look(source: &dyn Source, image: &str, locations: &[Location]) -> Result<SourceStamp, JobError> {
    let input = || input_names(locations);
    source.stamp(image).map_err(|error| match error {
        ReadError::Unreachable(source) => JobError::Unreachable {
            input: input(),
            image: image.to_owned(),
            source,
        },
        ReadError::Unusable { .. } => JobError::LacksImage {
            input: input(),
            image: image.to_owned(),
        },
    })
}

/// The images of a part that had another size or version when they were converted than when the
/// job was planned.
pub(super) struct ChangedImages<'a> {
    plan: &'a Plan,
    units: &'a [Unit],
    stamps: &'a [Option<SourceStamp>],
    /// Whether the files may be copies, which have other times and ETags.
    are_copies: bool,
}

impl<'a> ChangedImages<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        units: &'a [Unit],
        images: &'a StoredImages,
        input: &JobInput,
    ) -> Self {
        Self {
            plan,
            units,
            stamps: images.stamps(),
            are_copies: !input.locations.is_empty(),
        }
    }

    /// Finds them in the records of units of the part.
    pub(super) fn of(&self, records: &[UnitRecord]) -> SourceChanges {
        let mut changes = SourceChanges::default();
        let mut records = records.iter().peekable();
        let mut first = 0;
        for unit in self.units {
            let paths: Vec<String> = self.plan.images(unit.sites.clone()).collect();
            let stamps = self.stamps.get(first..).unwrap_or_default();
            first += paths.len();
            let Some(record) = records.next_if(|record| record.unit.shard == unit.shard) else {
                continue;
            };
            // A plane without an image has no stamp in the plan.
            let planes = record.planes.iter().filter(|plane| !plane.is_missing());
            for ((path, then), plane) in paths.iter().zip(stamps).zip(planes) {
                if let (Some(then), Some(now)) = (then, plane.source())
                    && !self.may_be(*then, now)
                {
                    changes.add(path);
                }
            }
        }
        changes
    }

    fn may_be(&self, then: SourceStamp, now: SourceStamp) -> bool {
        match self.are_copies {
            true => then.bytes == now.bytes,
            false => then.may_be(now),
        }
    }
}
