//! What INPUT is, and what it holds.

use std::io::Cursor;
use std::path::Path;

use rxrx_metadata::{Listing, MetadataError, MetadataTable, find_metadata, list_folder};

use crate::archive::Archive;
use crate::location::Location;
use crate::prepare::PrepareError;
use crate::source::{FolderSource, Source};

/// Bytes of a table, packed or not, that lies in an archive of images; it is
/// read into memory as a whole. RxRx1's has 14 MB.
const TABLE_AT_MOST: usize = 1 << 28;

/// An INPUT that is open.
pub(crate) struct Input {
    location: Location,
    /// Reads its files.
    pub(crate) source: Box<dyn Source>,
    is_folder: bool,
}

impl Input {
    /// Opens and lists the folder or the zip archive at `location`.
    pub(crate) fn open(location: &Location) -> Result<(Self, Listing), PrepareError> {
        let path = local(location)?;
        let is_folder = !path.is_file();
        let (source, listing): (Box<dyn Source>, _) = if is_folder {
            let listing = list_folder(path)?;
            (Box::new(FolderSource::new(path)), listing)
        } else {
            let (archive, listing) = Archive::open(path)?;
            (Box::new(archive), listing)
        };
        let input = Self {
            location: location.clone(),
            source,
            is_folder,
        };
        Ok((input, listing))
    }

    /// The table at `given`, or else the one beside the images; and where it is.
    pub(crate) fn table(
        &self,
        given: Option<&Location>,
        listing: &Listing,
    ) -> Result<(MetadataTable, Location), PrepareError> {
        if let Some(given) = given {
            return Ok((MetadataTable::open(local(given)?)?, given.clone()));
        }
        let inside = find_metadata(&self.location.to_string(), listing)?;
        let place = self.location.join(inside);
        if self.is_folder {
            return Ok((MetadataTable::open(local(&place)?)?, place));
        }
        let name = place.to_string();
        let mut bytes = Vec::new();
        let read = self.source.read(inside, TABLE_AT_MOST + 1, &mut bytes);
        if let Err(source) = read {
            return Err(MetadataError::Read { name, source }.into());
        }
        if bytes.len() > TABLE_AT_MOST {
            return Err(PrepareError::TableTooLarge { place });
        }
        Ok((MetadataTable::unpack(&name, Cursor::new(bytes))?, place))
    }
}

/// The path of something on this machine.
pub(crate) fn local(location: &Location) -> Result<&Path, PrepareError> {
    location.as_path().ok_or_else(|| PrepareError::Address {
        location: location.clone(),
    })
}
