//! The join of the table's rows with the images.

pub(crate) mod error;
mod sample;
mod seen;
pub(crate) mod sources;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rxrx_tables::{TableFile, excerpt};

use self::error::{JoinError, PLANES_AT_MOST};
use self::seen::{absent_channels, only_in_case};
use self::sources::{PlaneSources, SourcesBuilder};
use crate::discover::listing::Listing;
use crate::discover::parts::PlaneParts;
use crate::embeddings::Embeddings;
use crate::problem::{ProblemKind, Problems};
use crate::select::Selection;
use crate::site::{Channel, PlaneIndex, SiteIndex};
use crate::table::error::MetadataError;
use crate::table::metadata_table::MetadataTable;

/// The chosen rows, and the image of each of their planes.
#[derive(Clone, Debug)]
pub struct Join {
    pub(crate) table: MetadataTable,
    pub(crate) channel_names: Vec<String>,
    pub(crate) sources: PlaneSources,
    pub(crate) problems: Problems,
}

/// Most experiments that a message names.
const EXPERIMENTS_SHOWN: usize = 4;

/// The site of an image, if it has one.
#[derive(Clone, Copy)]
enum SiteOfImage {
    /// Position of its row among the chosen ones.
    Chosen(usize),
    /// The table has the row, but it is not chosen.
    NotChosen,
    /// The table has no such row.
    NoRow,
}

impl SiteOfImage {
    /// Whether the image is of a chosen row.
    fn is_chosen(&self) -> bool {
        matches!(self, Self::Chosen(_))
    }
}

impl Join {
    /// Joins the images of `listing` with the chosen rows of `table`.
    ///
    /// Images of rows that are not chosen are ignored. Everything else that does
    /// not fit is listed in [`Self::problems`].
    ///
    /// # Errors
    /// The selection does not fit the table, or no image has a chosen row.
    pub fn new(
        mut table: MetadataTable,
        listing: Listing,
        selection: &Selection,
    ) -> Result<Self, JoinError> {
        let mut rows = selection
            .rows(&table)
            .map_err(|source| JoinError::Selection { source })?;
        let mut problems = problems_of(&listing);
        problems.extend(table.notices().clone());
        let channel_names = listing.channel_names.clone();
        let is_by_pattern = listing.is_by_pattern;
        let mut sites = sites_of_images(&table, &rows, &listing);
        if selection.leaves_out_absent() && sites.iter().any(SiteOfImage::is_chosen) {
            rows = rows_with_images(&rows, &sites);
            sites = sites_of_images(&table, &rows, &listing);
        }
        let channels = channels_of(&listing, &sites);
        if channels.is_empty() {
            return Err(no_images(&table, &rows, &listing, &sites));
        }
        table.retain_rows(&rows);
        if table.len().saturating_mul(channels.len()) > PLANES_AT_MOST {
            return Err(JoinError::TooManyPlanes {
                sites: table.len(),
                channels: channels.len(),
                last: channels.last().map_or_else(String::new, Channel::to_string),
            });
        }
        let mut join = Self {
            table,
            channel_names: names_of(&channels, &channel_names),
            sources: PlaneSources::default(),
            problems,
        };
        join.collect_sources(listing, sites, channels);
        join.report_missing(is_by_pattern);
        join.report_experiments(is_by_pattern);
        Ok(join)
    }

    /// The second axis of the array: the distinct channels of the images that have
    /// a chosen row, ascending.
    pub fn channels(&self) -> &[Channel] {
        self.sources.channels()
    }

    /// The chosen rows, in array order.
    pub fn table(&self) -> &MetadataTable {
        &self.table
    }

    /// Images, rows and files that do not fit together.
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// Reads the embeddings of the chosen rows from the file at `path`: text, plain,
    /// gzipped or in a `.zip`, or Parquet, with `site_id`, or with `well_id` where each
    /// well has one site. Rows without a match are counted among the problems.
    ///
    /// # Errors
    /// The file cannot be read, has no column of ids or no other, a cell is
    /// not a finite number, two rows are of one site, or there are too many.
    pub fn embeddings(&mut self, path: &Path) -> Result<Embeddings, MetadataError> {
        Embeddings::open(path, &self.table, &mut self.problems)
    }

    /// Reads the embeddings from an open file, as [`Self::embeddings`] does. `name`
    /// stands for it in errors.
    ///
    /// # Errors
    /// The errors of [`Self::embeddings`].
    pub fn unpack_embeddings(
        &mut self,
        name: &str,
        reader: impl TableFile,
    ) -> Result<Embeddings, MetadataError> {
        Embeddings::unpack(name, reader, &self.table, &mut self.problems)
    }

    /// Paths of at most `at_most` images, in array order: a sample whose headers
    /// are read before the conversion.
    ///
    /// These are all images if there are so few. Otherwise the sample has one of
    /// each experiment, plate and channel as far as `at_most` allows; the rest are
    /// spread evenly over the others.
    pub fn sample_sources(&self, at_most: usize) -> Vec<String> {
        let present = self.sources.present_planes().collect();
        let keys = self.table.keys();
        let sample = sample::choose(present, keys, self.channels().len(), at_most);
        let paths = sample.into_iter();
        paths
            .filter_map(|plane| self.sources.path(keys, plane))
            .collect()
    }

    /// Fills in the sources. Images without a row and second images of a plane
    /// become problems.
    fn collect_sources(
        &mut self,
        listing: Listing,
        sites: Vec<SiteOfImage>,
        channels: Vec<Channel>,
    ) {
        let mut builder = SourcesBuilder::new(self.table.len(), channels.clone());
        let mut doubles: Vec<(PlaneIndex, Box<str>)> = Vec::new();
        for (image, site) in listing.images.into_iter().zip(sites) {
            let site = match site {
                SiteOfImage::Chosen(site) => SiteIndex(site),
                SiteOfImage::NotChosen => continue,
                SiteOfImage::NoRow => {
                    let path = || image.path.into();
                    self.problems.add(ProblemKind::ImagesWithoutRow, 0, path);
                    continue;
                }
            };
            let channel = channels.partition_point(|&channel| channel < image.plane.channel);
            let plane = PlaneIndex { site, channel };
            self.report_short_stack(&image.path, &listing.short_stacks, &listing.parts);
            let (key, channel) = (&image.plane.key, image.plane.channel);
            if let Err(path) = builder.insert(plane, image.path, key, channel) {
                doubles.push((plane, path));
            }
        }
        self.sources = builder.finish();
        self.report_doubles(doubles);
    }

    /// Adds the stack at `path` to the problems if it is one of `short`, which have the depths
    /// that they lack.
    fn report_short_stack(
        &mut self,
        path: &str,
        short: &BTreeMap<Box<str>, Vec<u32>>,
        parts: &PlaneParts,
    ) {
        // All pages are those of the same files.
        let (file, None | Some(1)) = parts.split(path) else {
            return;
        };
        if let Some(absent) = short.get(file) {
            self.problems.add(ProblemKind::ShortStacks, 0, || {
                let absent: Vec<String> = absent.iter().map(ToString::to_string).collect();
                format!("{file}: no file of z {}", absent.join(", "))
            });
        }
    }

    /// Name of a site for messages.
    fn site_name(&self, site: SiteIndex) -> String {
        self.table.site_id(site.0).map_or_else(String::new, excerpt)
    }

    /// Name of a channel for messages.
    fn channel_name(&self, channel: usize) -> String {
        self.channel_names.get(channel).cloned().unwrap_or_default()
    }

    /// Adds the planes with several images to the problems.
    fn report_doubles(&mut self, mut doubles: Vec<(PlaneIndex, Box<str>)>) {
        doubles.sort();
        for same in doubles.chunk_by(|a, b| a.0 == b.0) {
            let Some(&(plane, _)) = same.first() else {
                continue;
            };
            let first = self.sources.path(self.table.keys(), plane);
            let name = self.site_name(plane.site);
            let channel = self.channel_name(plane.channel);
            self.problems.add(ProblemKind::DuplicatePlanes, 0, || {
                let others = same.iter().map(|(_, path)| &**path);
                let paths: Vec<&str> = first.as_deref().into_iter().chain(others).collect();
                format!("{name} {channel}: {}", paths.join(" and "))
            });
        }
    }

    /// Adds the experiments without any image and the channels that no site has to the
    /// problems, with what can be done.
    fn report_experiments(&mut self, is_by_pattern: bool) {
        let mut with_image: BTreeSet<&str> = BTreeSet::new();
        let mut all: BTreeSet<&str> = BTreeSet::new();
        for (site, key) in self.table.keys().iter().enumerate() {
            let name = key.experiment.as_str();
            all.insert(name);
            let site = SiteIndex(site);
            let has = |channel| self.sources.has(PlaneIndex { site, channel });
            if !with_image.contains(name) && (0..self.channels().len()).any(has) {
                with_image.insert(name);
            }
        }
        let mut found = Problems::default();
        for name in all.difference(&with_image) {
            let clauses = with_image.iter().take(EXPERIMENTS_SHOWN);
            let clauses: Vec<String> = clauses.map(|name| format!("--include {name}")).collect();
            found.add(ProblemKind::ExperimentsWithoutImages, 0, || {
                format!(
                    "{name}; there are images of {} of {} experiments: {}{} selects them, and \
                     --only-present leaves out all sites without an image",
                    with_image.len(),
                    all.len(),
                    clauses.join(" "),
                    if with_image.len() > EXPERIMENTS_SHOWN {
                        " ..."
                    } else {
                        ""
                    },
                )
            });
        }
        // The numbers of another microscope need not be those of all its channels.
        let absent = absent_channels(self.channels()).filter(|_| !is_by_pattern);
        for channel in absent {
            found.add(ProblemKind::AbsentChannels, 0, || {
                let channels = self.channels().iter().map(Channel::to_string);
                let channels: Vec<String> = channels.collect();
                format!("{channel}; there are {}", channels.join(" "))
            });
        }
        self.problems.extend(found);
    }

    /// Adds the sites without some or all of their images to the problems.
    fn report_missing(&mut self, is_by_pattern: bool) {
        let channels = self.channels().len();
        let keys = self.table.keys();
        for (site, key) in keys.iter().enumerate() {
            let site = SiteIndex(site);
            let is_missing = |channel: &usize| {
                let channel = *channel;
                !self.sources.has(PlaneIndex { site, channel })
            };
            let missing: Vec<usize> = (0..channels).filter(is_missing).collect();
            if missing.is_empty() {
                continue;
            }
            let (kind, text) = if missing.len() == channels {
                let key = excerpt(&key.to_string());
                let text = match is_by_pattern {
                    true => format!("no image of {key}"),
                    false => format!("no {key}_w*.png"),
                };
                (ProblemKind::RowsWithoutImages, text)
            } else {
                let names = missing.iter().map(|&channel| self.channel_name(channel));
                let text = format!("no {}", names.collect::<Vec<_>>().join(", "));
                (ProblemKind::IncompleteSites, text)
            };
            let name = self.table.site_id(site.0).map_or_else(String::new, excerpt);
            self.problems
                .add(kind, missing.len(), || format!("{name}: {text}"));
        }
    }
}

/// The rows of which there is an image. `sites` are those of the images.
fn rows_with_images(rows: &[usize], sites: &[SiteOfImage]) -> Vec<usize> {
    let mut has_image = vec![false; rows.len()];
    for site in sites {
        if let SiteOfImage::Chosen(site) = site
            && let Some(has_image) = has_image.get_mut(*site)
        {
            *has_image = true;
        }
    }
    let rows = rows.iter().zip(has_image);
    rows.filter_map(|(row, has)| has.then_some(*row)).collect()
}

/// The name of each of the `channels`: `w1`, `w2`, …, or what `names` has for its number.
fn names_of(channels: &[Channel], names: &[String]) -> Vec<String> {
    let name = |channel: &Channel| {
        let position = usize::from(channel.0).checked_sub(1);
        let name = position.and_then(|position| names.get(position)).cloned();
        name.unwrap_or_else(|| channel.to_string())
    };
    channels.iter().map(name).collect()
}

/// Problems that the names of the files show.
fn problems_of(listing: &Listing) -> Problems {
    let mut problems = Problems::default();
    for path in &listing.unrecognised {
        problems.add(ProblemKind::UnrecognisedFiles, 0, || path.clone());
    }
    for path in only_in_case(&listing.unrecognised) {
        problems.add(ProblemKind::NamesInOtherCase, 0, || path.to_owned());
    }
    problems.extend(listing.notices.clone());
    for name in &listing.unreadable_names {
        problems.add(ProblemKind::UnreadableNames, 0, || name.clone());
    }
    for name in &listing.unsafe_names {
        problems.add(ProblemKind::UnsafeNames, 0, || name.clone());
    }
    problems
}

/// The site of each image. `rows` are the chosen rows of `table`.
fn sites_of_images(table: &MetadataTable, rows: &[usize], listing: &Listing) -> Vec<SiteOfImage> {
    let mut by_row = vec![SiteOfImage::NotChosen; table.len()];
    for (site, &row) in rows.iter().enumerate() {
        if let Some(of_row) = by_row.get_mut(row) {
            *of_row = SiteOfImage::Chosen(site);
        }
    }
    let site_of = |key| {
        let of_row = table.row(key).and_then(|row| by_row.get(row));
        of_row.copied().unwrap_or(SiteOfImage::NoRow)
    };
    // The images of a site follow each other: each site is searched for once.
    let mut last = None;
    let keys = listing.images.iter().map(|image| &image.plane.key);
    keys.map(|key| match last {
        Some((known, site)) if known == key => site,
        _ => {
            let site = site_of(key);
            last = Some((key, site));
            site
        }
    })
    .collect()
}

/// The distinct channels of the images of chosen rows, ascending.
fn channels_of(listing: &Listing, sites: &[SiteOfImage]) -> Vec<Channel> {
    let images = listing.images.iter().zip(sites);
    let chosen = images.filter(|(_, site)| matches!(site, SiteOfImage::Chosen(_)));
    let channels: BTreeSet<Channel> = chosen.map(|(image, _)| image.plane.channel).collect();
    channels.into_iter().collect()
}

/// Returns the reason why no image has a chosen row.
fn no_images(
    table: &MetadataTable,
    rows: &[usize],
    listing: &Listing,
    sites: &[SiteOfImage],
) -> JoinError {
    let Some(image) = listing.images.first() else {
        return JoinError::no_images(listing);
    };
    let images = listing.images.len();
    let key = rows.first().and_then(|&row| table.keys().get(row));
    let row = key.map_or_else(String::new, |key| excerpt(&key.to_string()));
    let is_not_chosen = |site: &SiteOfImage| matches!(site, SiteOfImage::NotChosen);
    if sites.iter().any(is_not_chosen) {
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
