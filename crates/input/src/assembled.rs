//! Planes that are a page of a TIFF, or that are made of the files of several depths.

use std::sync::Arc;

use rxrx_decoder::{Limits, Stack, tiff_page};
use rxrx_metadata::PlaneParts;

use crate::kept::Kept;
use crate::read_error::{Cause, ReadError};
use crate::source::{KEPT_CALLS, ReadHints, Source, SourceStamp, TarPlace};

/// A [`Source`] of planes whose files another source has. A page becomes a TIFF of its own,
/// and the files of several depths become a [`Stack`].
struct Assembled {
    source: Box<dyn Source>,
    parts: Arc<PlaneParts>,
    /// Files of pages that were read last, by their path and the bytes that were asked for:
    /// the pages of a file may belong to several chunks.
    kept: Kept<(String, usize), File>,
}

/// The stamp and the bytes of a file.
type File = (SourceStamp, Arc<Vec<u8>>);

/// Returns a source of planes, of which `source` has the files.
pub(crate) fn assembled(source: Box<dyn Source>, parts: Arc<PlaneParts>) -> Box<dyn Source> {
    if parts.is_empty() {
        return source;
    }
    // Threads read planes in their order: the next ones are pages of the same files.
    let kept = Kept::new((KEPT_CALLS * parts.files_at_most()) as u64);
    Box::new(Assembled {
        source,
        parts,
        kept,
    })
}

impl Assembled {
    /// Most bytes of each file, if a plane may have `at_most`.
    fn file_at_most(&self, at_most: usize) -> usize {
        let files = at_most / self.parts.files_at_most();
        files.max(1).saturating_mul(self.pages())
    }

    /// Pages of each file.
    fn pages(&self) -> usize {
        self.parts.pages().unwrap_or(1)
    }

    /// Reads the files of planes, by one call, each of at most `limit` bytes. They are of no
    /// other plane.
    fn read_stacks(&self, planes: &[Vec<&str>], limit: usize) -> Vec<Vec<Result<File, ReadError>>> {
        let paths = planes.iter().flatten();
        let mut files: Vec<(&str, Vec<u8>)> = paths.map(|path| (*path, Vec::new())).collect();
        let stamps = self.source.read_all(&mut files, limit);
        let files = files.into_iter().zip(stamps);
        let mut files = files.map(|((_, bytes), stamp)| Ok((stamp?, Arc::new(bytes))));
        let of_plane = |paths: &Vec<&str>| files.by_ref().take(paths.len()).collect();
        planes.iter().map(of_plane).collect()
    }

    /// Reads a file of pages of at most `limit` bytes, if it is not kept. Files of pages are
    /// large, so that reading several by one call would gain little.
    fn read_paged(&self, path: &str, limit: usize) -> Result<File, ReadError> {
        self.kept.get((path.to_owned(), limit), 1, || {
            let mut bytes = Vec::new();
            let stamp = self.source.read(path, limit, &mut bytes)?;
            Ok((stamp, Arc::new(bytes)))
        })
    }

    /// Makes a plane of the `files` at `paths`, or of a page of them, in `plane`. If it may
    /// have more than `at_most` bytes, it gets as many, which are no image.
    fn assemble(
        &self,
        paths: &[&str],
        page: Option<usize>,
        files: impl Iterator<Item = Result<File, ReadError>>,
        at_most: usize,
        plane: &mut Vec<u8>,
    ) -> Result<SourceStamp, ReadError> {
        let limit = self.file_at_most(at_most) as u64;
        let mut is_whole = true;
        let mut stamps = Vec::with_capacity(paths.len());
        plane.clear();
        let mut stack = (paths.len() > 1).then(|| Stack::begin(plane));
        let mut alone = Vec::new();
        for (path, file) in paths.iter().zip(files) {
            let (stamp, file) = file.map_err(|error| in_file(path, error))?;
            stamps.push(stamp);
            is_whole &= stamp.bytes <= limit && file.len() as u64 <= limit;
            if !is_whole {
                continue;
            }
            let file = match page {
                None => Arc::unwrap_or_clone(file),
                Some(page) => tiff_page(&file, page, self.pages(), &Limits::default())
                    .map_err(|error| in_file(path, ReadError::unusable(Cause::Page, error)))?,
            };
            match &mut stack {
                Some(stack) => stack.push(path, &file),
                None => alone = file,
            }
        }
        if stack.is_none() {
            *plane = alone;
        }
        if !is_whole || plane.len() > at_most {
            plane.resize(at_most, 0);
        }
        Ok(self.joined(&stamps))
    }

    /// The stamp of a plane whose files have `stamps`. A page has its share of the bytes.
    fn joined(&self, stamps: &[SourceStamp]) -> SourceStamp {
        let bytes: u64 = stamps.iter().map(|stamp| stamp.bytes).sum();
        let versions = stamps.iter().map(|stamp| stamp.version);
        let version = versions.reduce(|one, other| {
            // An odd factor tells files apart that changed places.
            let (one, other) = one.zip(other)?;
            Some(one.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(other))
        });
        SourceStamp {
            bytes: bytes.div_ceil(self.pages() as u64),
            version: version.flatten(),
        }
    }
}

/// Names the file of an error, since the plane may have several.
fn in_file(path: &str, error: ReadError) -> ReadError {
    match error {
        ReadError::Unusable { cause, source } => {
            ReadError::unusable(cause, format!("{path}: {source}"))
        }
        unreachable @ ReadError::Unreachable(_) => unreachable,
    }
}

impl Source for Assembled {
    fn read_all(
        &self,
        planes: &mut [(&str, Vec<u8>)],
        at_most: usize,
    ) -> Vec<Result<SourceStamp, ReadError>> {
        let limit = self.file_at_most(at_most).saturating_add(1);
        if self.parts.pages().is_some() {
            let planes = planes.iter_mut();
            let read = planes.map(|(path, plane)| {
                let (paths, page) = self.parts.files(path);
                let files = paths.iter().map(|path| self.read_paged(path, limit));
                self.assemble(&paths, page, files, at_most, plane)
            });
            return read.collect();
        }
        let paths: Vec<Vec<&str>> = planes
            .iter()
            .map(|(path, _)| self.parts.files(path).0)
            .collect();
        let files = self.read_stacks(&paths, limit);
        let planes = planes.iter_mut().zip(&paths).zip(files);
        planes
            .map(|(((_, plane), paths), files)| {
                self.assemble(paths, None, files.into_iter(), at_most, plane)
            })
            .collect()
    }

    fn read_heads(
        &self,
        planes: &mut [(&str, Vec<u8>)],
        at_most: usize,
    ) -> Vec<Result<SourceStamp, ReadError>> {
        let firsts = planes.iter_mut().map(|(path, bytes)| {
            let (first, _) = self.parts.split(path);
            (first, std::mem::take(bytes))
        });
        let mut firsts: Vec<(&str, Vec<u8>)> = firsts.collect();
        let stamps = self.source.read_all(&mut firsts, at_most);
        for ((_, plane), (_, bytes)) in planes.iter_mut().zip(firsts) {
            *plane = bytes;
        }
        let planes = planes.iter().zip(stamps);
        planes
            .map(|((path, _), stamp)| {
                let files = self.parts.files(path).0.len();
                Ok(self.joined(&vec![stamp?; files]))
            })
            .collect()
    }

    fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError> {
        let (files, _) = self.parts.files(path);
        let stamp = |path: &&str| {
            self.source
                .stamp(path)
                .map_err(|error| in_file(path, error))
        };
        let stamps: Vec<SourceStamp> = files.iter().map(stamp).collect::<Result<_, _>>()?;
        Ok(self.joined(&stamps))
    }

    fn stamps_at_most(&self) -> usize {
        self.source.stamps_at_most()
    }

    fn tar_place(&self, file: &str) -> Option<TarPlace<'_>> {
        self.source.tar_place(file)
    }

    fn files_a_plane(&self) -> usize {
        self.parts.files_at_most()
    }

    fn planes_beside(&self) -> usize {
        let files = self.parts.files_at_most();
        self.parts.pages().map_or(0, |pages| files * pages)
    }

    fn headers_at_most(&self) -> usize {
        self.source.headers_at_most()
    }

    fn read_hints(&self) -> ReadHints {
        self.source.read_hints()
    }
}

#[cfg(test)]
mod tests;
