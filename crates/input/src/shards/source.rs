//! Images in Parquet files as a source.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use rxrx_metadata::Listing;
use rxrx_storage::map_concurrent;

use super::columns::Columns;
use super::error::ShardError;
use super::group::{decode, io_error, range_of, read_footer};
use super::key::path_of;
use crate::container::{Container, bytes_error};
use crate::kept::Kept;
use crate::member_name::{Name, RefusedNames};
use crate::read_error::{Cause, ReadError};
use crate::source::{ReadHints, Source, SourceStamp};

/// Most bytes of row groups that are kept in memory together.
pub(super) const KEPT: u64 = 256 << 20;
/// Most bytes of images in a row group.
const GROUP_AT_MOST: u64 = 1 << 30;
/// Files whose names are read at the same time.
const AT_ONCE: usize = 8;
/// Most images; each takes 24 bytes of memory, and its path.
const IMAGES_AT_MOST: usize = 1 << 24;
/// Most bytes of all paths together.
const NAMES_AT_MOST: usize = 1 << 30;
/// Most headers that a plan reads: each takes a row group.
const HEADERS_AT_MOST: usize = 64;

/// The images of a row group; `None` where a row has none.
type Images = Arc<Vec<Option<ByteArray>>>;

/// A [`Source`] of the images in Parquet files.
pub struct ShardSource {
    shards: Vec<Shard>,
    /// All paths, one after the other.
    paths: String,
    /// Sorted by path.
    images: Vec<Image>,
    /// The row groups that were read last, by shard and number.
    kept: Kept<(usize, usize), Images>,
}

struct Shard {
    container: Container,
    metadata: ParquetMetaData,
    columns: Columns,
}

/// Where an image is.
#[derive(Clone, Copy)]
struct Image {
    path_start: u32,
    path_length: u16,
    shard: u16,
    group: u32,
    row: u32,
}

impl ShardSource {
    /// Opens the one Parquet file at `path`.
    ///
    /// # Errors
    /// [`ShardError`].
    pub fn open(path: &Path) -> Result<(Self, Listing), ShardError> {
        let container = Container::on_disk(path).map_err(|error| ShardError::Read {
            shard: path.display().to_string(),
            source: std::io::Error::from(error).into(),
        })?;
        Self::read_all_of(vec![container])
    }

    /// Opens a Parquet file in memory, as [`Self::open`] does. `name` stands for it in
    /// errors.
    ///
    /// # Errors
    /// [`ShardError`].
    pub fn in_memory(name: &str, bytes: Vec<u8>) -> Result<(Self, Listing), ShardError> {
        Self::read_all_of(vec![Container::in_memory(name, bytes)])
    }

    /// Opens those of the files that have images, and leaves tables out.
    pub(crate) fn those_with_images(
        containers: Vec<Container>,
    ) -> Result<Option<(Self, Listing)>, ShardError> {
        let at_once = NonZeroUsize::new(AT_ONCE).unwrap_or(NonZeroUsize::MIN);
        let has_images = map_concurrent(&containers, at_once, |container| {
            let footer = footer(container)?;
            Ok(Columns::has_images(footer.file_metadata().schema_descr()))
        })?;
        let chosen = containers.into_iter().zip(has_images);
        let chosen: Vec<Container> = chosen
            .filter_map(|(container, has)| has.then_some(container))
            .collect();
        if chosen.is_empty() {
            return Ok(None);
        }
        Self::read_all_of(chosen).map(Some)
    }

    /// Reads the names of the images of files.
    pub(crate) fn read_all_of(containers: Vec<Container>) -> Result<(Self, Listing), ShardError> {
        let at_once = NonZeroUsize::new(AT_ONCE).unwrap_or(NonZeroUsize::MIN);
        let names = map_concurrent(&containers, at_once, index)?;
        let mut source = Self {
            shards: Vec::with_capacity(containers.len()),
            paths: String::new(),
            images: Vec::new(),
            kept: Kept::new(KEPT),
        };
        let (mut unreadable, mut leading_out) = (Vec::new(), Vec::new());
        for (container, (metadata, columns, paths, refused)) in containers.into_iter().zip(names) {
            source.add(
                Shard {
                    container,
                    metadata,
                    columns,
                },
                paths,
            )?;
            unreadable.extend(refused.unreadable);
            leading_out.extend(refused.leading_out);
        }
        let Self { paths, images, .. } = &mut source;
        images.sort_by(|a, b| path_of_image(paths, a).cmp(path_of_image(paths, b)));
        let listed = source.images.iter();
        let listed = listed.map(|image| Box::from(path_of_image(&source.paths, image)));
        let mut listing = Listing::from_paths(listed);
        listing.unreadable_names = unreadable;
        listing.unsafe_names = leading_out;
        Ok((source, listing))
    }

    /// Adds the images of a shard.
    fn add(&mut self, shard: Shard, paths: Vec<(String, u32, u32)>) -> Result<(), ShardError> {
        let number = u16::try_from(self.shards.len()).map_err(|_| ShardError::TooLarge)?;
        self.shards.push(shard);
        for (path, group, row) in paths {
            let fits = self.images.len() < IMAGES_AT_MOST
                && self.paths.len() + path.len() <= NAMES_AT_MOST;
            let length = u16::try_from(path.len()).ok().filter(|_| fits);
            self.images.push(Image {
                path_start: self.paths.len() as u32, // below `NAMES_AT_MOST`
                path_length: length.ok_or(ShardError::TooLarge)?,
                shard: number,
                group,
                row,
            });
            self.paths.push_str(&path);
        }
        Ok(())
    }

    /// Finds the image at a path.
    fn image(&self, path: &str) -> Result<Image, ReadError> {
        let by_path = |image: &Image| path_of_image(&self.paths, image).cmp(path);
        let found = self.images.binary_search_by(by_path).ok();
        let found = found.and_then(|at| self.images.get(at).copied());
        found.ok_or_else(|| ReadError::vanished("there is no such image in the Parquet files"))
    }

    /// Returns the images of the row group that has `image`.
    fn group(&self, image: Image) -> Result<Images, ReadError> {
        let missing = || ReadError::unusable(Cause::ArchiveEntry, "there is no such row group");
        let shard = self
            .shards
            .get(usize::from(image.shard))
            .ok_or_else(missing)?;
        let number = image.group as usize;
        let group = shard
            .metadata
            .row_groups()
            .get(number)
            .ok_or_else(missing)?;
        let bytes = group.columns().get(shard.columns.images);
        let bytes = bytes.map_or(0, |column| column.uncompressed_size().max(0)) as u64;
        self.kept.get((image.shard.into(), number), bytes, || {
            let column = shard.columns.images;
            let images = read_column(&shard.container, group, column)?;
            images.map(Arc::new).map_err(|error| {
                let text = format!(
                    "row group {number} of {} is damaged: {error}",
                    shard.container.name()
                );
                ReadError::unusable(Cause::ArchiveData, text)
            })
        })
    }

    /// Replaces `bytes` with the image, or with its beginning.
    fn take(
        &self,
        image: Image,
        at_most: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<SourceStamp, ReadError> {
        let images = self.group(image)?;
        let found = images.get(image.row as usize).and_then(Option::as_ref);
        let found = found.ok_or_else(|| ReadError::vanished("its row has no image"))?;
        bytes.extend(found.data().iter().take(at_most));
        let shard = self.shards.get(usize::from(image.shard));
        Ok(SourceStamp {
            bytes: found.len() as u64,
            version: shard.and_then(|shard| shard.container.stamp().version),
        })
    }
}

/// Path of an image in `paths`.
fn path_of_image<'a>(paths: &'a str, image: &Image) -> &'a str {
    let start = image.path_start as usize;
    // The range was made when the path was added.
    paths
        .get(start..start + usize::from(image.path_length))
        .unwrap_or("")
}

/// Reads the footer of a file.
fn footer(container: &Container) -> Result<ParquetMetaData, ShardError> {
    let shard = || container.name().to_owned();
    let unread = |source| ShardError::Read {
        shard: shard(),
        source,
    };
    let opened = container.open().map_err(unread)?;
    let footer = read_footer(&opened, container.length());
    opened.check_unchanged().map_err(unread)?;
    footer.map_err(|error| match io_error(error) {
        Ok(error) => unread(bytes_error(error)),
        Err(source) => ShardError::Damaged {
            shard: shard(),
            source,
        },
    })
}

/// Reads one column of a row group. The outer error is that of INPUT, the inner one that of
/// the row group.
fn read_column(
    container: &Container,
    group: &RowGroupMetaData,
    column: usize,
) -> Result<Result<Vec<Option<ByteArray>>, ParquetError>, ReadError> {
    let damaged = |text: &str| Ok(Err(ParquetError::General(text.to_owned())));
    let Some(column) = group.columns().get(column) else {
        return damaged("it has fewer columns than the file");
    };
    let Some(range) = range_of(column, container.length()) else {
        return damaged("its bytes are outside the file");
    };
    let rows = usize::try_from(group.num_rows()).unwrap_or(0);
    let opened = container.open()?;
    let parts = opened.parts(std::slice::from_ref(&range));
    opened.check_unchanged()?;
    let bytes = parts.map_err(bytes_error)?;
    let bytes = bytes.into_iter().next().unwrap_or_default();
    Ok(decode(column, rows, range.start, bytes))
}

/// Reads the footer of a file and the names of its images.
#[allow(
    clippy::type_complexity,
    reason = "the parts of an index, before it is one"
)]
fn index(
    container: &Container,
) -> Result<
    (
        ParquetMetaData,
        Columns,
        Vec<(String, u32, u32)>,
        RefusedNames,
    ),
    ShardError,
> {
    let shard = || container.name().to_owned();
    let metadata = footer(container)?;
    let columns = Columns::find(container.name(), metadata.file_metadata().schema_descr())?;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let bytes = group.columns().get(columns.images);
        let bytes = bytes.map_or(0, |column| column.uncompressed_size().max(0)) as u64;
        if bytes > GROUP_AT_MOST {
            return Err(ShardError::LargeGroup {
                shard: shard(),
                group: number,
                bytes,
            });
        }
    }
    for &names in &columns.names {
        let mut refused = RefusedNames::default();
        let mut paths = Vec::new();
        for (number, group) in (0..).zip(metadata.row_groups()) {
            let keys = read_column(container, group, names).map_err(|source| ShardError::Read {
                shard: shard(),
                source,
            })?;
            let keys = keys.map_err(|source| ShardError::Damaged {
                shard: shard(),
                source,
            })?;
            for (row, key) in (0..).zip(keys) {
                let Some(key) = key else { continue };
                if paths.len() >= IMAGES_AT_MOST {
                    return Err(ShardError::TooLarge);
                }
                if let Some(key) = refused.usable(Name::of(key.data())) {
                    paths.push((path_of(&key, &columns.name), number, row));
                }
            }
        }
        // A column without any name names nothing.
        if !paths.is_empty() || !refused.leading_out.is_empty() || metadata.row_groups().is_empty()
        {
            return Ok((metadata, columns, paths, refused));
        }
    }
    Err(ShardError::NoNames { shard: shard() })
}

impl Source for ShardSource {
    fn read_all(
        &self,
        files: &mut [(&str, Vec<u8>)],
        at_most: usize,
    ) -> Vec<Result<SourceStamp, ReadError>> {
        let files = files.iter_mut();
        files
            .map(|(path, bytes)| {
                bytes.clear();
                self.take(self.image(path)?, at_most, bytes)
            })
            .collect()
    }

    fn stamp(&self, path: &str) -> Result<SourceStamp, ReadError> {
        self.take(self.image(path)?, 0, &mut Vec::new())
    }

    /// Returns 0: the size of an image is known only when its bytes are read.
    fn stamps_at_most(&self) -> usize {
        0
    }

    fn headers_at_most(&self) -> usize {
        HEADERS_AT_MOST
    }

    fn read_hints(&self) -> ReadHints {
        if self.shards.iter().any(|shard| shard.container.is_remote()) {
            ReadHints::RANGES
        } else {
            ReadHints::DISK
        }
    }
}
