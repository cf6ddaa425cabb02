//! What INPUT is, and what it holds.

use std::io::Cursor;
use std::path::Path;

use rxrx_metadata::{
    Embeddings, Join, Listing, MetadataError, MetadataTable, find_metadata, list_folder,
};
use rxrx_storage::{Address, Location, ReadAhead, Remote, RemoteBytes};

use crate::bucket::BucketSource;
use crate::error::PlanInputError;
use crate::folder::FolderSource;
use crate::source::Source;
use crate::zip::Archive;

/// Bytes of a table, packed or not, that lies among the images of an archive or
/// a bucket; it is read into memory as a whole. RxRx1's has 14 MB.
const TABLE_AT_MOST: usize = 1 << 28;

/// An INPUT that is open.
pub(crate) struct Input {
    location: Location,
    /// Reads its files.
    pub(crate) source: Box<dyn Source>,
}

impl Input {
    /// Opens and lists the folder or the zip archive at `location`.
    pub(crate) fn open(location: &Location) -> Result<(Self, Listing), PlanInputError> {
        let (source, listing) = match location {
            Location::Local(path) => here(path)?,
            Location::Remote(address) => there(address)?,
        };
        let input = Self {
            location: location.clone(),
            source,
        };
        Ok((input, listing))
    }

    /// The table at `given`, or else the one beside the images; and where it is.
    pub(crate) fn table(
        &self,
        given: Option<&Location>,
        listing: &Listing,
    ) -> Result<(MetadataTable, Location), PlanInputError> {
        if let Some(given) = given {
            let table = match given {
                Location::Local(path) => MetadataTable::open(path)?,
                Location::Remote(address) => {
                    MetadataTable::unpack(&address.to_string(), file(address)?)?
                }
            };
            return Ok((table, given.clone()));
        }
        let inside = find_metadata(&self.location.to_string(), listing)?;
        let place = self.location.join(inside);
        if let Location::Local(path) = &place
            && path.is_file()
        {
            return Ok((MetadataTable::open(path)?, place));
        }
        let name = place.to_string();
        let mut bytes = Vec::new();
        let read = self.source.read(inside, TABLE_AT_MOST + 1, &mut bytes);
        if let Err(source) = read {
            return Err(MetadataError::Read { name, source }.into());
        }
        if bytes.len() > TABLE_AT_MOST {
            return Err(PlanInputError::TableTooLarge { place });
        }
        Ok((MetadataTable::unpack(&name, Cursor::new(bytes))?, place))
    }
}

/// The embeddings at `location`, of the sites of `join`.
pub(crate) fn embeddings(
    location: &Location,
    join: &mut Join,
) -> Result<Embeddings, PlanInputError> {
    let embeddings = match location {
        Location::Local(path) => join.embeddings(path),
        Location::Remote(address) => join.unpack_embeddings(&address.to_string(), file(address)?),
    };
    embeddings.map_err(PlanInputError::Embeddings)
}

type Opened = (Box<dyn Source>, Listing);

fn here(path: &Path) -> Result<Opened, PlanInputError> {
    if path.is_file() {
        let (archive, listing) = Archive::open(path)?;
        Ok((Box::new(archive), listing))
    } else {
        let listing = list_folder(path)?;
        Ok((Box::new(FolderSource::new(path)), listing))
    }
}

/// An address is that of an archive where there is an object at it. Only of one
/// that is not called so, there need not be any: then it is a folder.
fn there(address: &Address) -> Result<Opened, PlanInputError> {
    let is_named_archive = Location::Remote(address.clone()).has_extension("zip");
    let found = RemoteBytes::find(address);
    let bytes = if is_named_archive {
        Some(found?.ok_or_else(|| absent(address))?)
    } else {
        // A store that lets nobody know what is not there says "forbidden"; what
        // speaks S3 on a host of its own, and is no web server, may say anything.
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

/// The file at `address`, to be read in large pieces.
fn file(address: &Address) -> Result<ReadAhead, PlanInputError> {
    let bytes = RemoteBytes::find(address)?;
    Ok(ReadAhead::new(bytes.ok_or_else(|| absent(address))?))
}

fn absent(address: &Address) -> PlanInputError {
    PlanInputError::Absent {
        location: Location::Remote(address.clone()),
    }
}
