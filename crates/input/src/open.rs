//! Opens INPUT: folders, archives and buckets, and the tables beside the images.

use std::ffi::OsStr;
use std::io::{Cursor, Read};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use rxrx_metadata::{
    DiscoverError, Embeddings, Join, JoinError, Listing, MetadataBuilder, MetadataTable,
    ProfileChoice, TableOptions, find_metadata, find_well_tables, list_folder,
};
use rxrx_storage::{
    Address, Location, ReadAhead, Remote, RemoteBytes, StoreOption, map_concurrent, open_file,
};

use crate::bucket::BucketSource;
use crate::container::Container;
use crate::error::PlanInputError;
use crate::folder::FolderSource;
use crate::joined::{Doubles, Part, join};
use crate::names::input_names;
use crate::options::PlanOptions;
use crate::shards::error::ShardError;
use crate::shards::source::ShardSource;
use crate::source::Source;
use crate::tables::TableLocation;
use crate::tar::error::TarError;
use crate::tar::source::{TarSource, Unread};
use crate::zip::archive::Archive;

/// Most bytes of a table, packed or not, in an archive or a bucket of images. The
/// whole table is read into memory; that of RxRx1 has 14 MB.
const TABLE_AT_MOST: usize = 1 << 28;

/// INPUTs that are opened at once: of an archive in a store, each request takes its time.
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// One or several open INPUTs.
pub(crate) struct Input {
    /// Each INPUT, and the paths of the tables inside it.
    locations: Vec<(Location, Vec<String>)>,
    /// The source that reads their files.
    pub(crate) source: Box<dyn Source>,
    /// Whether it is one folder of a disk or of a store, without archives.
    pub(crate) is_folder: bool,
    /// Files that two of them have.
    pub(crate) doubles: Doubles,
}

impl Input {
    /// Opens and lists what is at `locations`: folders, archives, buckets.
    pub(crate) fn open(locations: &[Location]) -> Result<(Self, Listing), PlanInputError> {
        let mut parts = Vec::new();
        let mut tables = Vec::new();
        let mut is_folder = locations.len() == 1;
        let numbered: Vec<(usize, &Location)> = locations.iter().enumerate().collect();
        let opened = map_concurrent(&numbered, AT_ONCE, |(number, location)| match location {
            Location::Local(path) => open_local(path, *number),
            Location::Remote(address) => open_remote(address, *number),
        })?;
        for (location, opened) in locations.iter().zip(opened) {
            is_folder &= matches!(opened.as_slice(), [part] if part.is_folder);
            let candidates = opened.iter();
            let candidates = candidates.flat_map(|part| part.listing.metadata_candidates.clone());
            tables.push((location.clone(), candidates.collect()));
            parts.extend(opened);
        }
        let (source, listing, doubles) = join(parts)?;
        let input = Self {
            locations: tables,
            source,
            is_folder,
            doubles,
        };
        Ok((input, listing))
    }

    /// Returns the names of all INPUTs for messages.
    fn name(&self) -> String {
        input_names(self.locations.iter().map(|(location, _)| location))
    }

    /// Returns the location of a table, or of another file, inside INPUT.
    pub(crate) fn location_of(&self, inside: &str) -> Location {
        let has = |tables: &Vec<String>| tables.iter().any(|table| table == inside);
        let found = self.locations.iter().find(|(_, tables)| has(tables));
        let location = found.or(self.locations.first());
        location.map_or_else(
            || Location::Local(inside.into()),
            |(location, _)| location.join(inside),
        )
    }

    /// Reads the tables that the options name, or else the one beside the images. Returns
    /// the metadata, the images, and the locations of the tables; there are none if the rows
    /// come from the names of the images.
    pub(crate) fn table(
        &self,
        options: &PlanOptions,
        profile: &ProfileChoice,
        listing: Listing,
    ) -> Result<(MetadataTable, Listing, Vec<TableLocation>), PlanInputError> {
        let tables = &options.tables;
        let mut builder = given_tables(options, profile)?;
        let mut found = tables.metadata.clone();
        if tables.rows_from_names {
            builder.add_images(&listing);
        } else if found.is_empty() {
            found = self.add_beside_images(&mut builder, options, &listing)?;
        }
        if let Some((other, on)) = &tables.join {
            let sheet = other.sheet.as_deref();
            match &other.location {
                Location::Local(path) => builder.join_file(path, sheet, on)?,
                Location::Remote(address) => {
                    builder.join(&address.to_string(), remote_file(address)?, sheet, on)?;
                }
            }
        }
        if let Some(map) = &tables.platemap {
            let sheet = map.sheet.as_deref();
            match &map.location {
                Location::Local(path) => builder.platemap_file(path, sheet)?,
                Location::Remote(address) => {
                    builder.platemap_sheet(&address.to_string(), remote_file(address)?, sheet)?;
                }
            }
        }
        let (table, listing) =
            builder.finish_with_images(listing, &options.names, &self.experiment())?;
        Ok((table, listing, found))
    }

    /// Adds the table beside the images, the tables of RxRx1's Kaggle form, or the names of
    /// the images if there is a pattern for them.
    fn add_beside_images(
        &self,
        builder: &mut MetadataBuilder,
        options: &PlanOptions,
        listing: &Listing,
    ) -> Result<Vec<TableLocation>, PlanInputError> {
        match find_metadata(&self.name(), listing) {
            Ok(inside) => {
                let location = self.location_of(inside);
                match &location {
                    Location::Local(path) if path.is_file() => builder.add_file(path, None)?,
                    _ => builder.add(&location.to_string(), self.inside(inside)?)?,
                }
                Ok(vec![location.into()])
            }
            Err(DiscoverError::NoMetadata { input }) => {
                let wells = find_well_tables(listing);
                if wells.is_empty() && options.names.pattern.is_some() {
                    builder.add_images(listing);
                } else if wells.is_empty() {
                    // Names that nobody could read are the first thing to mend.
                    return Err(match listing.proposal() {
                        Some(_) => JoinError::no_images(listing).into(),
                        None => DiscoverError::NoMetadata { input }.into(),
                    });
                }
                let mut found = Vec::new();
                for inside in wells {
                    let location = self.location_of(inside);
                    builder.add_kaggle(&location.to_string(), self.inside(inside)?)?;
                    found.push(location.into());
                }
                Ok(found)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a table inside INPUT.
    fn inside(&self, inside: &str) -> Result<Cursor<Vec<u8>>, PlanInputError> {
        let location = || self.location_of(inside);
        let mut bytes = Vec::new();
        let read = self.source.read(inside, TABLE_AT_MOST + 1, &mut bytes);
        read.map_err(|source| PlanInputError::Table {
            location: location(),
            source: Box::new(source),
        })?;
        if bytes.len() > TABLE_AT_MOST {
            return Err(PlanInputError::TableTooLarge {
                location: location(),
            });
        }
        Ok(Cursor::new(bytes))
    }

    /// The name of the first INPUT without its end: the experiment where nothing else says
    /// it.
    pub(crate) fn experiment(&self) -> String {
        let Some((location, _)) = self.locations.first() else {
            return "input".to_owned();
        };
        let text = location.to_string();
        let text = text.split(['?', '#']).next().unwrap_or("");
        let name = text
            .trim_end_matches(['/', '\\'])
            .rsplit(['/', '\\'])
            .next();
        let name = name.unwrap_or("").trim_end_matches(".zip");
        let name = name.trim_end_matches(".tar").trim_end_matches(".parquet");
        // The current folder has a name, too.
        match (name, location) {
            ("" | "." | "..", Location::Local(path)) => {
                let path = path.canonicalize().ok();
                let name = path.as_deref().and_then(Path::file_name);
                name.map_or_else(
                    || "input".to_owned(),
                    |name| name.to_string_lossy().into_owned(),
                )
            }
            ("", Location::Remote(_)) => "input".to_owned(),
            (name, _) => name.to_owned(),
        }
    }
}

/// Reads the tables that the options name.
fn given_tables(
    options: &PlanOptions,
    profile: &ProfileChoice,
) -> Result<MetadataBuilder, PlanInputError> {
    let reader = TableOptions::default()
        .column_names(options.column_names)
        .aliases(profile.table_aliases());
    let mut builder = MetadataBuilder::new(reader);
    for given in &options.tables.metadata {
        let sheet = given.sheet.as_deref();
        match &given.location {
            Location::Local(path) => builder.add_file(path, sheet)?,
            Location::Remote(address) => {
                builder.add_sheet(&address.to_string(), remote_file(address)?, sheet)?;
            }
        }
    }
    Ok(builder)
}

/// Returns the folder that all paths in the tables of `options` have in common: INPUT, where
/// the user gives none.
///
/// # Errors
/// A table cannot be read, a path is not absolute, or there is no such folder.
pub fn input_of_tables(
    options: &PlanOptions,
    store_options: &Arc<[StoreOption]>,
) -> Result<Location, PlanInputError> {
    let folder = given_tables(options, &options.profile)?.folder_of_paths(&options.names)?;
    Location::parse(OsStr::new(&folder), store_options).map_err(PlanInputError::Location)
}

/// Reads the embeddings of the sites of `join` from the table at `location`.
pub(crate) fn embeddings(
    location: &Location,
    join: &mut Join,
) -> Result<Embeddings, PlanInputError> {
    let embeddings = match location {
        Location::Local(path) => join.embeddings(path),
        Location::Remote(address) => {
            join.unpack_embeddings(&address.to_string(), remote_file(address)?)
        }
    };
    embeddings.map_err(|error| PlanInputError::Embeddings(Box::new(error)))
}

/// Bytes at the beginning of a file by which its kind is known.
const HEAD: u64 = 512;

/// Kinds of files that hold images.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileKind {
    Zip,
    Tar,
    CompressedTar,
    Parquet,
}

impl FileKind {
    /// Finds out what a file is by its first bytes, and by its name where they do not
    /// tell.
    fn of(name: &str, head: &[u8]) -> Self {
        let name = name.to_ascii_lowercase();
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        // POSIX and GNU tar; the oldest tars have only their checksum.
        let is_tar = head.get(257..262) == Some(b"ustar");
        if is_tar || (ends(&[".tar"]) && !head.starts_with(b"PK")) {
            return Self::Tar;
        }
        if head.starts_with(b"PAR1") {
            return Self::Parquet;
        }
        if ends(&[
            ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst",
        ]) {
            return Self::CompressedTar;
        }
        Self::Zip
    }
}

/// Makes a part of a source and its listing.
fn part(name: String, (source, listing): (impl Source + 'static, Listing)) -> Part {
    Part {
        name,
        source: Box::new(source),
        listing,
        is_folder: false,
    }
}

/// Makes a part of the files of a folder.
fn folder(name: String, opened: (impl Source + 'static, Listing)) -> Part {
    Part {
        is_folder: true,
        ..part(name, opened)
    }
}

/// Opens a folder or an archive on a disk.
fn open_local(path: &Path, number: usize) -> Result<Vec<Part>, PlanInputError> {
    let name = path.display().to_string();
    if !path.is_file() {
        return open_folder(path, name, number);
    }
    let mut head = Vec::new();
    if let Ok((file, _)) = open_file(path) {
        // A file that cannot be read is named by whoever opens it next.
        let _ = file.take(HEAD).read_to_end(&mut head);
    }
    Ok(vec![match FileKind::of(&name, &head) {
        FileKind::Tar => part(name, TarSource::open_input(path, number)?),
        FileKind::CompressedTar => return Err(TarError::Compressed { tar: name }.into()),
        FileKind::Parquet => part(name, ShardSource::open(path)?),
        FileKind::Zip => part(name, Archive::open(path)?),
    }])
}

/// Opens a folder of a disk, and the tars and Parquet files in it.
fn open_folder(path: &Path, name: String, number: usize) -> Result<Vec<Part>, PlanInputError> {
    let mut listing = list_folder(path)?;
    let mut tars = Vec::new();
    for tar in &listing.tars {
        let at = path.join(tar);
        let container = Container::on_disk(&at).map_err(|source| TarError::Io {
            tar: at.display().to_string(),
            source: source.into(),
        })?;
        tars.push(Unread::in_folder(tar, container, number));
    }
    let mut shards = Vec::new();
    for shard in &listing.parquets {
        let at = path.join(shard);
        shards.push(Container::on_disk(&at).map_err(|error| ShardError::Read {
            shard: at.display().to_string(),
            source: std::io::Error::from(error).into(),
        })?);
    }
    listing.tars.clear();
    let mut parts = containers(&name, tars, shards)?;
    parts.push(folder(name, (FolderSource::new(path), listing)));
    Ok(parts)
}

/// Opens the archive at an address, or the folder of objects below it.
///
/// An object at the address is an archive. Without an object the address is that
/// of a folder, unless it ends in `.zip`, `.tar` or `.parquet`, or has a query.
fn open_remote(address: &Address, number: usize) -> Result<Vec<Part>, PlanInputError> {
    let location = Location::Remote(address.clone());
    let is_named = ["zip", "tar", "parquet"]
        .iter()
        .any(|end| location.has_extension(end));
    let found = RemoteBytes::find(address);
    let bytes = if is_named || address.has_query() {
        Some(found?.ok_or_else(|| absent(address))?)
    } else {
        // Some stores answer "forbidden" to hide which objects do not exist, and
        // some S3 servers on other hosts give other errors.
        found.ok().flatten()
    };
    let (name, key) = (address.to_string(), address.key());
    let Some(bytes) = bytes else {
        return open_bucket(address, name, number);
    };
    let head = 0..bytes.length().min(HEAD);
    let head = bytes.parts(std::slice::from_ref(&head));
    let head = head.map_err(|source| PlanInputError::Images {
        input: name.clone(),
        source,
    })?;
    let head = head.first().map_or(&[][..], |head| head);
    Ok(vec![match FileKind::of(&key, head) {
        FileKind::Tar => {
            let opened = TarSource::remote(&name, &key, bytes, number)?;
            part(name, opened)
        }
        FileKind::CompressedTar => return Err(TarError::Compressed { tar: name }.into()),
        FileKind::Parquet => {
            let shard = Container::in_store(&name, bytes);
            part(name, ShardSource::read_all_of(vec![shard])?)
        }
        FileKind::Zip => {
            let opened = Archive::remote(&name, bytes)?;
            part(name, opened)
        }
    }])
}

/// Opens the tars and the Parquet files of images of a folder.
fn containers(
    name: &str,
    tars: Vec<Unread>,
    shards: Vec<Container>,
) -> Result<Vec<Part>, PlanInputError> {
    let mut parts = Vec::new();
    if !tars.is_empty() {
        parts.push(part(format!("a tar in {name}"), TarSource::read(tars)?));
    }
    if let Some(opened) = ShardSource::those_with_images(shards)? {
        parts.push(part(format!("a Parquet file in {name}"), opened));
    }
    Ok(parts)
}

/// Opens a folder of objects, and the tars and Parquet files in it.
fn open_bucket(
    address: &Address,
    name: String,
    number: usize,
) -> Result<Vec<Part>, PlanInputError> {
    let (bucket, mut listing) = BucketSource::list(Remote::folder(address)?)?;
    if bucket.is_empty() {
        return Err(absent(address));
    }
    let mut tars = Vec::new();
    for tar in std::mem::take(&mut listing.tars) {
        let container = Container::in_store(&format!("{name}/{tar}"), bucket.bytes(&tar)?);
        tars.push(Unread::in_folder(&tar, container, number));
    }
    let mut shards = Vec::new();
    for shard in &listing.parquets {
        shards.push(Container::in_store(
            &format!("{name}/{shard}"),
            bucket.bytes(shard)?,
        ));
    }
    let mut parts = containers(&name, tars, shards)?;
    parts.push(folder(name, (bucket, listing)));
    Ok(parts)
}

/// Opens the file at `address`, which is read in large pieces.
fn remote_file(address: &Address) -> Result<ReadAhead, PlanInputError> {
    let bytes = RemoteBytes::find(address)?;
    Ok(ReadAhead::new(bytes.ok_or_else(|| absent(address))?))
}

/// Returns the error of an address without objects.
pub(crate) fn absent(address: &Address) -> PlanInputError {
    PlanInputError::Absent {
        location: Location::Remote(address.clone()),
    }
}
