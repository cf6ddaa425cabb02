//! Opens INPUT: a folder, an archive or a bucket, and the tables beside the images.

use std::io::Cursor;
use std::path::Path;

use rxrx_metadata::{
    Embeddings, Join, Listing, MetadataTable, TableOptions, find_metadata, list_folder,
};
use rxrx_storage::{Address, Location, ReadAhead, Remote, RemoteBytes};

use crate::bucket::BucketSource;
use crate::error::PlanInputError;
use crate::folder::FolderSource;
use crate::options::PlanOptions;
use crate::source::Source;
use crate::zip::archive::Archive;

/// Most bytes of a table, packed or not, in an archive or a bucket of images. The
/// whole table is read into memory; that of RxRx1 has 14 MB.
const TABLE_AT_MOST: usize = 1 << 28;

/// An open INPUT.
pub(crate) struct Input {
    location: Location,
    /// The source that reads its files.
    pub(crate) source: Box<dyn Source>,
}

impl Input {
    /// Opens and lists the folder, the zip archive or the bucket at `location`.
    pub(crate) fn open(location: &Location) -> Result<(Self, Listing), PlanInputError> {
        let (source, listing) = match location {
            Location::Local(path) => open_local(path)?,
            Location::Remote(address) => open_remote(address)?,
        };
        let input = Self {
            location: location.clone(),
            source,
        };
        Ok((input, listing))
    }

    /// Reads the table that the options name, or else the one beside the images.
    /// Returns it with its location.
    pub(crate) fn table(
        &self,
        options: &PlanOptions,
        listing: &Listing,
    ) -> Result<(MetadataTable, Location), PlanInputError> {
        let reader = TableOptions::default().column_names(options.column_names);
        if let Some(given) = &options.tables.metadata {
            let reader = reader.sheet(given.sheet.as_deref());
            let table = match &given.location {
                Location::Local(path) => reader.open(path)?,
                Location::Remote(address) => {
                    reader.unpack(&address.to_string(), remote_file(address)?)?
                }
            };
            return Ok((table, given.location.clone()));
        }
        let inside = find_metadata(&self.location.to_string(), listing)?;
        let location = self.location.join(inside);
        if let Location::Local(path) = &location
            && path.is_file()
        {
            return Ok((reader.open(path)?, location));
        }
        let mut bytes = Vec::new();
        let read = self.source.read(inside, TABLE_AT_MOST + 1, &mut bytes);
        if let Err(source) = read {
            return Err(PlanInputError::Table {
                location,
                source: Box::new(source),
            });
        }
        if bytes.len() > TABLE_AT_MOST {
            return Err(PlanInputError::TableTooLarge { location });
        }
        let table = reader.unpack(&location.to_string(), Cursor::new(bytes))?;
        Ok((table, location))
    }
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

/// A source and the files in it.
type Opened = (Box<dyn Source>, Listing);

/// Opens a folder or an archive on a disk.
fn open_local(path: &Path) -> Result<Opened, PlanInputError> {
    if path.is_file() {
        let (archive, listing) = Archive::open(path)?;
        Ok((Box::new(archive), listing))
    } else {
        let listing = list_folder(path)?;
        Ok((Box::new(FolderSource::new(path)), listing))
    }
}

/// Opens the archive at an address, or the folder of objects below it.
///
/// An object at the address is an archive. Without an object the address is that
/// of a folder, unless it ends in `.zip` or has a query.
fn open_remote(address: &Address) -> Result<Opened, PlanInputError> {
    let is_zip = Location::Remote(address.clone()).has_extension("zip");
    let is_named_archive = is_zip || address.has_query();
    let found = RemoteBytes::find(address);
    let bytes = if is_named_archive {
        Some(found?.ok_or_else(|| absent(address))?)
    } else {
        // Some stores answer "forbidden" to hide which objects do not exist, and
        // some S3 servers on other hosts give other errors.
        found.ok().flatten()
    };
    if let Some(bytes) = bytes {
        let (archive, listing) = Archive::remote(&address.to_string(), bytes)?;
        return Ok((Box::new(archive), listing));
    }
    let (bucket, listing) = BucketSource::list(Remote::folder(address)?)?;
    if bucket.is_empty() {
        return Err(absent(address));
    }
    Ok((Box::new(bucket), listing))
}

/// Opens the file at `address`, which is read in large pieces.
fn remote_file(address: &Address) -> Result<ReadAhead, PlanInputError> {
    let bytes = RemoteBytes::find(address)?;
    Ok(ReadAhead::new(bytes.ok_or_else(|| absent(address))?))
}

/// Returns the error of an address without objects.
fn absent(address: &Address) -> PlanInputError {
    PlanInputError::Absent {
        location: Location::Remote(address.clone()),
    }
}
