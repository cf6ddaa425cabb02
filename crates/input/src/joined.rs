//! Several sources as one: several INPUTs, or a folder and the archives in it.

use std::collections::HashSet;

use rxrx_metadata::Listing;

use crate::error::PlanInputError;
use crate::read_error::{Cause, ReadError};
use crate::source::{ReadHints, Source, SourceStamp, TarPlace};

/// A source, what it holds, and what it is called in errors.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) source: Box<dyn Source>,
    pub(crate) listing: Listing,
    /// Whether it is all files of a folder that are not in archives.
    pub(crate) is_folder: bool,
}

/// A [`Source`] of the files of several others.
struct Joined {
    parts: Vec<Box<dyn Source>>,
    /// The first path of each run of paths that one part has, ascending, and the
    /// position of the part. There are few runs, because parts hold whole plates.
    runs: Vec<(Box<str>, usize)>,
}

/// Files that two parts have and whose names are not those of images, unless an option says
/// so.
#[derive(Default)]
pub(crate) struct Doubles(Vec<SamePath>);

/// A path that two parts have, and the names of the parts.
struct SamePath {
    path: String,
    first: String,
    second: String,
}

impl SamePath {
    fn error(self) -> PlanInputError {
        let Self {
            path,
            first,
            second,
        } = self;
        PlanInputError::SamePath {
            path,
            first,
            second,
        }
    }
}

impl Doubles {
    /// Demands that none of them is a file of an image of `listing`.
    ///
    /// # Errors
    /// [`PlanInputError::SamePath`].
    pub(crate) fn check(self, listing: &Listing) -> Result<(), PlanInputError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let images = listing.images.iter();
        let files = images.flat_map(|image| listing.parts.files(&image.path).0);
        let files: HashSet<&str> = files.collect();
        let is_file = |double: &SamePath| files.contains(double.path.as_str());
        match self.0.into_iter().find(is_file) {
            Some(double) => Err(double.error()),
            None => Ok(()),
        }
    }
}

/// Joins the parts. One part alone stays as it is.
///
/// # Errors
/// Two parts hold an image of the same path.
pub(crate) fn join(
    mut parts: Vec<Part>,
) -> Result<(Box<dyn Source>, Listing, Doubles), PlanInputError> {
    if parts.len() == 1
        && let Some(part) = parts.pop()
    {
        return Ok((part.source, part.listing, Doubles::default()));
    }
    let (runs, doubles) = runs(&parts)?;
    let mut listing = Listing::default();
    let mut sources = Vec::with_capacity(parts.len());
    for part in parts {
        listing.extend(part.listing);
        sources.push(part.source);
    }
    listing.sort();
    let joined = Joined {
        parts: sources,
        runs,
    };
    Ok((Box::new(joined), listing, doubles))
}

/// What a path is by its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    Image,
    /// An image file of another name: an image if an option says so.
    Other,
    Table,
}

/// Finds out which part has which paths.
#[allow(
    clippy::type_complexity,
    reason = "the fields of a source, before it is one"
)]
fn runs(parts: &[Part]) -> Result<(Vec<(Box<str>, usize)>, Doubles), PlanInputError> {
    let mut paths: Vec<(&str, usize, Named)> = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let Listing {
            images,
            unrecognised,
            metadata_candidates,
            well_tables,
            ..
        } = &part.listing;
        let images = images.iter().map(|image| &*image.path);
        paths.extend(images.map(|path| (path, number, Named::Image)));
        let others = unrecognised.iter().map(String::as_str);
        paths.extend(others.map(|path| (path, number, Named::Other)));
        let tables = metadata_candidates.iter().chain(well_tables);
        paths.extend(tables.map(|path| (path.as_str(), number, Named::Table)));
    }
    paths.sort_unstable();
    let mut doubles = Vec::new();
    let mut runs: Vec<(Box<str>, usize)> = Vec::new();
    let mut last: Option<(&str, usize)> = None;
    for (path, number, named) in paths {
        if let Some((known, other)) = last
            && known == path
            && other != number
        {
            let name = |number: usize| parts.get(number).map(|part| part.name.clone());
            let double = SamePath {
                path: path.to_owned(),
                first: name(other).unwrap_or_default(),
                second: name(number).unwrap_or_default(),
            };
            match named {
                Named::Image => return Err(double.error()),
                Named::Other => doubles.push(double),
                // Two tables of one name are told apart by `--metadata`.
                Named::Table => {}
            }
            continue;
        }
        if last.is_none_or(|(_, other)| other != number) {
            runs.push((path.into(), number));
        }
        last = Some((path, number));
    }
    Ok((runs, Doubles(doubles)))
}

impl Joined {
    /// The part that has a path, and its position.
    fn part(&self, path: &str) -> Result<(usize, &dyn Source), ReadError> {
        let after = self.runs.partition_point(|(first, _)| &**first <= path);
        let run = after.checked_sub(1).and_then(|at| self.runs.get(at));
        let part = run.and_then(|(_, number)| Some((*number, self.parts.get(*number)?.as_ref())));
        part.ok_or_else(|| ReadError::vanished("there is no such file in any INPUT"))
    }

    /// Calls `read` for the part that has a path. Files that are neither images nor
    /// tables are in no list: they are looked for in all parts.
    fn first_that_has<T>(
        &self,
        path: &str,
        mut read: impl FnMut(&dyn Source) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let owner = self.part(path).ok().map(|(number, _)| number);
        let others = (0..self.parts.len()).filter(|number| Some(*number) != owner);
        let mut absent = ReadError::vanished("there is no such file in any INPUT");
        for number in owner.into_iter().chain(others) {
            let Some(part) = self.parts.get(number) else {
                continue;
            };
            match read(part.as_ref()) {
                Err(error) if error.is_vanished() => absent = error,
                found => return found,
            }
        }
        Err(absent)
    }
}

impl Source for Joined {
    fn read(
        &self,
        path: &str,
        at_most: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<SourceStamp, ReadError> {
        self.first_that_has(path, |part| part.read(path, at_most, bytes))
    }

    fn read_all(
        &self,
        files: &mut [(&str, Vec<u8>)],
        at_most: usize,
    ) -> Vec<Result<SourceStamp, ReadError>> {
        let owners: Vec<_> = files.iter().map(|(path, _)| self.part(path)).collect();
        let first = owners.first().and_then(|owner| owner.as_ref().ok());
        if let Some((number, source)) = first
            && owners
                .iter()
                .all(|owner| matches!(owner, Ok((other, _)) if other == number))
        {
            return source.read_all(files, at_most);
        }
        let mut results: Vec<Option<Result<SourceStamp, ReadError>>> =
            owners.iter().map(|_| None).collect();
        for (number, source) in self.parts.iter().enumerate() {
            let is_own = |owner: &Result<(usize, &dyn Source), ReadError>| matches!(owner, Ok((other, _)) if *other == number);
            let places: Vec<usize> = (0..)
                .zip(&owners)
                .filter(|(_, owner)| is_own(owner))
                .map(|(place, _)| place)
                .collect();
            let own = files
                .iter_mut()
                .zip(&owners)
                .filter(|(_, owner)| is_own(owner));
            let mut own: Vec<(&str, Vec<u8>)> = own
                .map(|((path, bytes), _)| (*path, std::mem::take(bytes)))
                .collect();
            if own.is_empty() {
                continue;
            }
            let read = source.read_all(&mut own, at_most);
            for ((place, (_, bytes)), read) in places.into_iter().zip(own).zip(read) {
                if let Some((file, result)) = files.get_mut(place).zip(results.get_mut(place)) {
                    file.1 = bytes;
                    *result = Some(read);
                }
            }
        }
        let results = results.into_iter().zip(owners);
        results
            .map(|(result, owner)| match (result, owner) {
                (Some(result), _) => result,
                (None, Err(error)) => Err(error),
                (None, Ok(_)) => Err(ReadError::unusable(
                    Cause::System,
                    "the source returned no result (a defect of the program)",
                )),
            })
            .collect()
    }

    fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError> {
        self.first_that_has(path, |part| part.stamp(path))
    }

    fn stamps_at_most(&self) -> usize {
        let most = self.parts.iter().map(|part| part.stamps_at_most());
        most.min().unwrap_or(0)
    }

    fn tar_place(&self, file: &str) -> Option<TarPlace<'_>> {
        self.part(file).ok()?.1.tar_place(file)
    }

    fn headers_at_most(&self) -> usize {
        let most = self.parts.iter().map(|part| part.headers_at_most());
        most.min().unwrap_or(0)
    }

    fn read_hints(&self) -> ReadHints {
        let hints = self.parts.iter().map(|part| part.read_hints());
        let widest = |a: ReadHints, b: ReadHints| ReadHints {
            calls: a.calls.max(b.calls),
            pixel_bytes: a.pixel_bytes.max(b.pixel_bytes),
            is_steady: a.is_steady && b.is_steady,
        };
        hints.reduce(widest).unwrap_or(ReadHints::DISK)
    }
}
