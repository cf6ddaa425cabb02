//! Images and rows, brought together.

mod sample;
mod sources;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io::{Read, Seek};
use std::mem;
use std::path::Path;

use thiserror::Error;

use self::sources::{Sources, SourcesBuilder};
use crate::table::shown;
use crate::{
    Channel, Embeddings, Listing, MetadataError, MetadataTable, ProblemKind, Problems, Selection,
    SelectionError, SiteIndex,
};

/// The chosen rows and the image file of each of their planes.
#[derive(Clone, Debug)]
pub struct Join {
    /// The distinct channels of the images that have a chosen row, ascending:
    /// the second axis of the array.
    pub channels: Vec<Channel>,
    table: MetadataTable,
    /// Path of each plane, shape (site, channel).
    sources: Sources,
    problems: Problems,
}

/// Why there is nothing to convert.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The selection does not fit the table.
    #[error("cannot select rows")]
    Selection {
        /// Which clause, and what exists instead.
        source: SelectionError,
    },
    /// No file is named as an image.
    #[error(
        "no image named EXP/PlateN/WELL_sS_wC.png in the input{}",
        other_names(*unrecognised, example.as_deref())
    )]
    NoImages {
        /// PNG files with other names.
        unrecognised: usize,
        /// One of them.
        example: Option<String>,
    },
    /// There are images, but none of a site in the table.
    #[error(
        "none of the {images} images has a row in {table}: there are images such as {image} and rows such as {row}; \
         is it the table of these images?"
    )]
    NoImageHasRow {
        /// Number of images.
        images: usize,
        /// The table.
        table: String,
        /// Path of an image.
        image: String,
        /// A row, spelled as an image path.
        row: String,
    },
    /// More planes than can be kept in mind, most likely because files were
    /// named by a channel that is none.
    #[error(
        "{sites} sites of {channels} channels (up to {last}) are more than {PLANES_AT_MOST} planes; \
         are the images named by their channel? Choose fewer rows with --include"
    )]
    TooManyPlanes {
        /// Number of chosen rows.
        sites: usize,
        /// Number of channels.
        channels: usize,
        /// The last channel.
        last: String,
    },
    /// There are images of rows, but none of a chosen row.
    #[error("none of the {images} images belongs to the {rows} selected rows, such as {row}")]
    NoImageSelected {
        /// Number of images.
        images: usize,
        /// Number of chosen rows.
        rows: usize,
        /// A chosen row, spelled as an image path.
        row: String,
    },
}

/// Planes of an array, with or without an image; each takes 4 bytes here. RxRx1
/// has 753,060.
const PLANES_AT_MOST: usize = 1 << 28;

/// Where an image belongs.
#[derive(Clone, Copy)]
enum Place {
    Site(usize),
    RowNotSelected,
    NoRow,
}

impl Join {
    /// Joins the images of `listing` with the chosen rows of `table`.
    ///
    /// Images of rows that are not chosen are left out as if they did not
    /// exist. Whatever else does not fit is in [`Self::problems`].
    ///
    /// # Errors
    /// The selection does not fit the table, or no image has a chosen row.
    pub fn new(
        mut table: MetadataTable,
        listing: Listing,
        selection: &Selection,
    ) -> Result<Self, JoinError> {
        let rows = selection
            .rows(&table)
            .map_err(|source| JoinError::Selection { source })?;
        let mut problems = problems_of(&listing);
        let places = places(&table, &rows, &listing);
        let channels: BTreeSet<Channel> = listing
            .images
            .iter()
            .zip(&places)
            .filter(|(_, place)| matches!(place, Place::Site(_)))
            .map(|(image, _)| image.plane.channel)
            .collect();
        if channels.is_empty() {
            return Err(no_images(&table, &rows, &listing, &places));
        }
        table.retain_rows(&rows);

        let channels: Vec<Channel> = channels.into_iter().collect();
        let planes = table.len().saturating_mul(channels.len());
        if planes > PLANES_AT_MOST {
            return Err(JoinError::TooManyPlanes {
                sites: table.len(),
                channels: channels.len(),
                last: channels.last().map_or_else(String::new, Channel::to_string),
            });
        }
        let mut sources = SourcesBuilder::new(planes);
        let mut doubles: Vec<(usize, Box<str>)> = Vec::new();
        for (image, place) in listing.images.into_iter().zip(places) {
            let site = match place {
                Place::Site(site) => site,
                Place::RowNotSelected => continue,
                Place::NoRow => {
                    problems.add(ProblemKind::ImagesWithoutRow, 0, || image.path.into());
                    continue;
                }
            };
            let position = channels.partition_point(|&channel| channel < image.plane.channel);
            let slot = site * channels.len() + position;
            let plane = image.plane;
            if let Err(path) = sources.insert(slot, image.path, &plane.key, plane.channel) {
                doubles.push((slot, path));
            }
        }
        let mut join = Self {
            channels,
            table,
            sources: sources.finish(),
            problems,
        };
        join.note_doubles(doubles);
        join.note_missing();
        Ok(join)
    }

    /// The chosen rows, in array order.
    pub fn table(&self) -> &MetadataTable {
        &self.table
    }

    /// Path of the image of one plane; `None` where there is no image or no
    /// such plane. `channel_position` counts along [`Self::channels`].
    pub fn source(&self, site: SiteIndex, channel_position: usize) -> Option<String> {
        let channel = *self.channels.get(channel_position)?;
        let key = self.table.keys().get(site.0)?;
        let slot = site.0 * self.channels.len() + channel_position;
        self.sources.path(slot, key, channel)
    }

    /// What does not fit.
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// Reads the embeddings of the chosen rows from the file at `path`, which is
    /// a `.csv`, a `.csv.gz`, or a `.zip` with one. What has no match is counted
    /// among the problems.
    ///
    /// # Errors
    /// The file cannot be read, has no column `site_id` or no other, a cell is
    /// not a finite number, two rows are of one site, or there are too many.
    pub fn embeddings(&mut self, path: &Path) -> Result<Embeddings, MetadataError> {
        Embeddings::open(path, &self.table, &mut self.problems)
    }

    /// As [`Self::embeddings`], from a file that is open already. `name` stands
    /// for it in errors.
    ///
    /// # Errors
    /// As [`Self::embeddings`].
    pub fn unpack_embeddings(
        &mut self,
        name: &str,
        reader: impl Read + Seek,
    ) -> Result<Embeddings, MetadataError> {
        Embeddings::unpack(name, reader, &self.table, &mut self.problems)
    }

    /// For adding what is found by looking into the images.
    pub fn problems_mut(&mut self) -> &mut Problems {
        &mut self.problems
    }

    /// Number of planes that have an image.
    pub fn present_planes(&self) -> usize {
        self.sources.present().count()
    }

    /// Number of planes that have none.
    pub fn missing_planes(&self) -> usize {
        self.sources.len() - self.present_planes()
    }

    fn site_name(&self, site: usize) -> String {
        shown(self.table.site_id(site).unwrap_or_default())
    }

    fn note_doubles(&mut self, mut doubles: Vec<(usize, Box<str>)>) {
        doubles.sort();
        let mut problems = mem::take(&mut self.problems);
        for same in doubles.chunk_by(|a, b| a.0 == b.0) {
            let Some(&(slot, _)) = same.first() else {
                continue;
            };
            let (site, position) = (slot / self.channels.len(), slot % self.channels.len());
            problems.add(ProblemKind::DuplicatePlanes, 0, || {
                let first = self.source(SiteIndex(site), position);
                let paths: Vec<&str> = first
                    .as_deref()
                    .into_iter()
                    .chain(same.iter().map(|(_, path)| &**path))
                    .collect();
                let channel = self
                    .channels
                    .get(position)
                    .map(Channel::to_string)
                    .unwrap_or_default();
                format!(
                    "{} {channel}: {}",
                    self.site_name(site),
                    paths.join(" and ")
                )
            });
        }
        self.problems = problems;
    }

    fn note_missing(&mut self) {
        let mut problems = mem::take(&mut self.problems);
        for site in 0..self.table.len() {
            let slots =
                (0..self.channels.len()).map(|position| site * self.channels.len() + position);
            let missing = slots
                .clone()
                .filter(|&slot| !self.sources.has(slot))
                .count();
            if missing == 0 {
                continue;
            }
            let kind = if missing == self.channels.len() {
                ProblemKind::RowsWithoutImages
            } else {
                ProblemKind::IncompleteSites
            };
            problems.add(kind, missing, || {
                let name = self.site_name(site);
                if missing == self.channels.len() {
                    let key = self
                        .table
                        .keys()
                        .get(site)
                        .map(|key| shown(&key.to_string()))
                        .unwrap_or_default();
                    return format!("{name}: no {key}_w*.png");
                }
                let channels = self
                    .channels
                    .iter()
                    .zip(slots)
                    .filter(|(_, slot)| !self.sources.has(*slot));
                let channels: Vec<String> =
                    channels.map(|(channel, _)| channel.to_string()).collect();
                format!("{name}: no {}", channels.join(", "))
            });
        }
        self.problems = problems;
    }
}

fn problems_of(listing: &Listing) -> Problems {
    let mut problems = Problems::default();
    for path in &listing.unrecognised {
        problems.add(ProblemKind::UnrecognisedFiles, 0, || path.clone());
    }
    for name in &listing.unreadable_names {
        problems.add(ProblemKind::UnreadableNames, 0, || name.clone());
    }
    for name in &listing.unsafe_names {
        problems.add(ProblemKind::UnsafeNames, 0, || name.clone());
    }
    problems
}

/// The place of each image.
fn places(table: &MetadataTable, rows: &[usize], listing: &Listing) -> Vec<Place> {
    let mut by_row = vec![Place::RowNotSelected; table.len()];
    for (site, &row) in rows.iter().enumerate() {
        by_row
            .get_mut(row)
            .into_iter()
            .for_each(|place| *place = Place::Site(site));
    }
    let place = |key| match table.row(key) {
        Some(row) => by_row.get(row).copied().unwrap_or(Place::NoRow),
        None => Place::NoRow,
    };
    // The channels of a site lie side by side: look each site up once.
    let mut last = None;
    let keys = listing.images.iter().map(|image| &image.plane.key);
    keys.map(|key| match last {
        Some((known, place)) if known == key => place,
        _ => {
            let place = place(key);
            last = Some((key, place));
            place
        }
    })
    .collect()
}

fn no_images(
    table: &MetadataTable,
    rows: &[usize],
    listing: &Listing,
    places: &[Place],
) -> JoinError {
    let Some(image) = listing.images.first() else {
        return JoinError::NoImages {
            unrecognised: listing.unrecognised.len(),
            example: listing.unrecognised.first().cloned(),
        };
    };
    let images = listing.images.len();
    let row = rows
        .first()
        .and_then(|&row| table.keys().get(row))
        .map(|key| shown(&key.to_string()))
        .unwrap_or_default();
    if places
        .iter()
        .any(|place| matches!(place, Place::RowNotSelected))
    {
        return JoinError::NoImageSelected {
            images,
            rows: rows.len(),
            row,
        };
    }
    let (table, image) = (table.name().to_owned(), image.path.to_string());
    JoinError::NoImageHasRow {
        images,
        table,
        image,
        row,
    }
}

fn other_names(count: usize, example: Option<&str>) -> String {
    example
        .map(|path| format!("; {count} PNG files are named otherwise, such as {path}"))
        .unwrap_or_default()
}
