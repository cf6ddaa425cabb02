//! What a stored plan knows of the images of a part, beside their paths.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;

use rxrx_metadata::PlaneParts;
use rxrx_storage::{Location, OpenFileError, RemoteBytes, map_concurrent};
use serde::{Deserialize, Serialize};

use crate::container::Container;
use crate::error::PlanInputError;
use crate::open::absent;
use crate::planned::PlannedInput;
use crate::source::SourceStamp;
use crate::tar::error::TarError;
use crate::tar::source::{Known, Unread};

/// Calls that look at files, or find tars, at once: each mostly waits.
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(16).unwrap();
/// Files that one of these calls looks at.
const LOOKS: usize = 256;

/// What a stored plan knows of the images of a part, beside their paths: of which files they are
/// made, how large these were, and where they lie in tars.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredImages {
    /// The files of each plane that is made of several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stacks: Vec<Vec<String>>,
    /// The stamp of each image, as far as it is known.
    stamps: Vec<Option<SourceStamp>>,
    /// The tars in which the files are, if all are in tars.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tars: Vec<StoredTar>,
    /// For each file the number of its tar, its first byte and its bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    members: Vec<(usize, u64, u32)>,
}

/// A tar of INPUT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredTar {
    /// The number of the INPUT, and the path of the tar in it; none if it is INPUT itself.
    at: (usize, Option<String>),
    prefix: String,
    stamp: SourceStamp,
}

impl StoredImages {
    /// Collects what is known of the images of `planes`, the paths of a part of a plan.
    pub fn of(planned: &PlannedInput, planes: &[String]) -> Self {
        let parts = planned.parts();
        let stacks = planes.iter().map(|plane| parts.files(plane).0);
        let stacks = stacks.filter(|files| files.len() > 1);
        let (tars, members) = tars_of(planned, &files(planes, parts)).unwrap_or_default();
        Self {
            stacks: stacks
                .map(|files| files.into_iter().map(str::to_owned).collect())
                .collect(),
            stamps: stamps_of(planned, planes),
            tars,
            members,
        }
    }

    /// The files of which planes are made, if a plane is made of several.
    pub fn stacks(&self) -> &[Vec<String>] {
        &self.stacks
    }

    /// The stamp of each image as it was when the plan was made; `None` where it is not known.
    pub fn stamps(&self) -> &[Option<SourceStamp>] {
        &self.stamps
    }

    /// How the planes lie in files of so many pages.
    pub(super) fn parts(&self, pages: usize) -> PlaneParts {
        let stacks = self.stacks.iter();
        let stacks = stacks.map(|files| files.iter().map(|file| file.as_str().into()).collect());
        PlaneParts::new(pages, stacks)
    }

    /// Finds the tars of `files` below `locations`; `None` if not all files are in tars.
    pub(super) fn tars(
        &self,
        files: &[&str],
        locations: &[Location],
    ) -> Result<Option<Vec<Known>>, PlanInputError> {
        if self.members.is_empty() || self.members.len() != files.len() {
            return Ok(None);
        }
        let mut of_tars = vec![Vec::new(); self.tars.len()];
        for (file, (tar, offset, bytes)) in files.iter().zip(&self.members) {
            match of_tars.get_mut(*tar) {
                Some(members) => members.push(((*file).to_owned(), *offset, *bytes)),
                None => return Ok(None),
            }
        }
        let containers = map_concurrent(&self.tars, AT_ONCE, |tar| tar.find(locations))?;
        let tars = self.tars.iter().zip(containers).zip(of_tars);
        let known = tars.map(|((tar, container), members)| {
            Some(Known {
                tar: Unread::known(&tar.prefix, container?, tar.at.clone()),
                stamp: tar.stamp,
                members,
            })
        });
        Ok(known.collect())
    }
}

impl StoredTar {
    /// Finds the tar below `locations`; `None` if there are fewer locations than there were.
    fn find(&self, locations: &[Location]) -> Result<Option<Container>, PlanInputError> {
        let (input, inside) = &self.at;
        let Some(location) = locations.get(*input) else {
            return Ok(None);
        };
        let place = match inside {
            Some(inside) => location.join(inside),
            None => location.clone(),
        };
        let name = place.to_string();
        match &place {
            Location::Local(path) => {
                let unreadable = |source: OpenFileError| TarError::Io {
                    tar: name.clone(),
                    source: source.into(),
                };
                Ok(Some(Container::on_disk(path).map_err(unreadable)?))
            }
            Location::Remote(address) => match RemoteBytes::find(address)? {
                Some(bytes) => Ok(Some(Container::in_store(&name, bytes))),
                None => Err(absent(address)),
            },
        }
    }
}

/// Finds out where `files` are in tars; `None` if one is in none.
#[allow(clippy::type_complexity, reason = "the two fields of `StoredImages`")]
fn tars_of(
    planned: &PlannedInput,
    files: &[&str],
) -> Option<(Vec<StoredTar>, Vec<(usize, u64, u32)>)> {
    let mut numbers: HashMap<(usize, Option<&str>), usize> = HashMap::new();
    let mut tars = Vec::new();
    let mut members = Vec::with_capacity(files.len());
    for file in files {
        let place = planned.source().tar_place(file)?;
        let (input, inside) = place.tar;
        let number = *numbers.entry(place.tar).or_insert_with(|| {
            tars.push(StoredTar {
                at: (input, inside.map(str::to_owned)),
                prefix: place.prefix.to_owned(),
                stamp: place.stamp,
            });
            tars.len() - 1
        });
        members.push((number, place.offset, place.bytes));
    }
    Some((tars, members))
}

/// Looks at images, or at some of them where that takes long.
fn stamps_of(planned: &PlannedInput, planes: &[String]) -> Vec<Option<SourceStamp>> {
    let source = planned.source();
    let at_most = source.stamps_at_most();
    if at_most == 0 {
        return Vec::new();
    }
    let step = planned.plan.present_planes().div_ceil(at_most).max(1);
    let numbered: Vec<(usize, &String)> = planes.iter().enumerate().collect();
    let batches: Vec<&[(usize, &String)]> = numbered.chunks(LOOKS).collect();
    let looked = map_concurrent(&batches, AT_ONCE, |batch| {
        let stamp = |(number, plane): &(usize, &String)| {
            let is_looked_at = number % step == 0;
            is_looked_at.then(|| source.stamp(plane).ok()).flatten()
        };
        Ok::<Vec<_>, std::convert::Infallible>(batch.iter().map(stamp).collect())
    });
    match looked {
        Ok(stamps) => stamps.into_iter().flatten().collect(),
        Err(never) => match never {},
    }
}

/// The files of planes, each once, in the order of the planes.
pub(super) fn files<'a>(planes: &'a [String], parts: &'a PlaneParts) -> Vec<&'a str> {
    if parts.is_empty() {
        return planes.iter().map(String::as_str).collect();
    }
    let files = planes.iter().flat_map(|plane| parts.files(plane).0);
    // The pages of a file are several planes.
    let mut seen = HashSet::new();
    files.filter(|file| seen.insert(*file)).collect()
}
