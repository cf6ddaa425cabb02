//! Opens INPUT: a folder, an archive or a bucket, and the tables beside the images.

use std::ffi::OsStr;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use rxrx_metadata::{
    DiscoverError, Embeddings, Join, JoinError, Listing, MetadataBuilder, MetadataTable,
    TableOptions, find_metadata, find_well_tables, list_folder,
};
use rxrx_storage::{Address, Location, ReadAhead, Remote, RemoteBytes, StoreOption};

use crate::bucket::BucketSource;
use crate::error::PlanInputError;
use crate::folder::FolderSource;
use crate::options::PlanOptions;
use crate::source::Source;
use crate::tables::TableLocation;
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

    /// Reads the tables that the options name, or else the one beside the images. Returns
    /// the metadata, the images, and the locations of the tables; there are none if the rows
    /// come from the names of the images.
    pub(crate) fn table(
        &self,
        options: &PlanOptions,
        listing: Listing,
    ) -> Result<(MetadataTable, Listing, Vec<TableLocation>), PlanInputError> {
        let tables = &options.tables;
        let mut builder = given_tables(options)?;
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
        let (table, listing) = builder.finish_with_images(listing, &options.names, &self.name())?;
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
        match find_metadata(&self.location.to_string(), listing) {
            Ok(inside) => {
                let location = self.location.join(inside);
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
                    let location = self.location.join(inside);
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
        let location = || self.location.join(inside);
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

    /// The name of INPUT without its end: the experiment where nothing else says it.
    pub(crate) fn name(&self) -> String {
        let text = self.location.to_string();
        let text = text.split(['?', '#']).next().unwrap_or("");
        let name = text
            .trim_end_matches(['/', '\\'])
            .rsplit(['/', '\\'])
            .next();
        let name = name.unwrap_or("").trim_end_matches(".zip");
        // The current folder has a name, too.
        match (name, &self.location) {
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
fn given_tables(options: &PlanOptions) -> Result<MetadataBuilder, PlanInputError> {
    let reader = TableOptions::default().column_names(options.column_names);
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
    let folder = given_tables(options)?.folder_of_paths(&options.names)?;
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
