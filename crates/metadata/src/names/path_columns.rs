//! Images whose paths are in columns of the table.

use rxrx_tables::{Texts, excerpt};

use super::NameOptions;
use super::error::NamesError;
use crate::column::ColumnValues;
use crate::discover::listing::{ImageFile, Listing};
use crate::path::PlanePath;
use crate::site::Channel;
use crate::table::metadata_table::MetadataTable;

/// The columns that hold the paths of one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathColumn {
    /// Name of the channel.
    pub(crate) channel: String,
    /// Names of the columns, whose texts are joined by `/`: a folder and a file, or one
    /// with the whole path.
    pub(crate) columns: Vec<String>,
}

/// Reads the options `CHANNEL=COLUMN` and `CHANNEL=FOLDER/FILE` for a table with the columns
/// of `header`.
pub(crate) fn parse(options: &NameOptions, header: &[&str]) -> Result<Vec<PathColumn>, NamesError> {
    let read = |option: &String| {
        let refused = |reason: String| NamesError::Option {
            option: "--path-column",
            reason: format!("{:?} {reason}", excerpt(option)),
        };
        let parts = option.split_once('=');
        let (channel, text) = parts
            .filter(|(channel, text)| !channel.trim().is_empty() && !text.is_empty())
            .ok_or_else(|| refused("is not CHANNEL=COLUMN".to_owned()))?;
        let has = |column: &str| header.contains(&column);
        let columns: Vec<&str> = match has(text) {
            true => vec![text],
            false => text.split('/').collect(),
        };
        match columns.iter().find(|column| !has(column)) {
            None => Ok(PathColumn {
                channel: channel.trim().to_owned(),
                columns: columns.into_iter().map(str::to_owned).collect(),
            }),
            Some(absent) => Err(refused(format!("names no column of the table: {absent:?}"))),
        }
    };
    let columns: Vec<PathColumn> = options
        .path_columns
        .iter()
        .map(read)
        .collect::<Result<_, _>>()?;
    for (position, column) in columns.iter().enumerate() {
        let mut others = columns.iter().skip(position + 1);
        if others.any(|other| other.channel == column.channel) {
            return Err(NamesError::Option {
                option: "--path-column",
                reason: format!("names the channel {:?} twice", excerpt(&column.channel)),
            });
        }
    }
    Ok(columns)
}

/// The folder that the absolute paths and addresses in `texts` have in common, without `/`
/// at its end.
pub(crate) fn common_folder(texts: impl Iterator<Item = String>) -> Result<String, NamesError> {
    let mut common: Option<Vec<String>> = None;
    for text in texts {
        if !text.contains("://") && !text.starts_with('/') {
            return Err(NamesError::RelativePath {
                path: excerpt(&text),
            });
        }
        let Some((folder, _)) = text.rsplit_once('/') else {
            continue;
        };
        let parts = folder.split('/');
        match &mut common {
            None => common = Some(parts.map(str::to_owned).collect()),
            Some(common) => {
                let same = common
                    .iter()
                    .zip(parts)
                    .take_while(|(one, other)| one.as_str() == *other);
                let same = same.count();
                common.truncate(same);
            }
        }
    }
    let common = common.unwrap_or_default();
    // A scheme and a bucket, or a folder below the root.
    let is_address = common.first().is_some_and(|first| first.ends_with(':'));
    if common.len() < if is_address { 4 } else { 2 } {
        return Err(NamesError::NoCommonFolder);
    }
    Ok(common.join("/"))
}

/// The text of a row: its cells joined by `/`; `None` if one is blank.
pub(crate) fn text<'a>(cells: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut text = String::new();
    for cell in cells {
        let cell = cell.trim();
        if cell.is_empty() {
            return None;
        }
        if !text.is_empty() {
            text = text.trim_end_matches(['/', '\\']).to_owned();
            text.push('/');
        }
        text += cell;
    }
    Some(text.replace('\\', "/"))
}

/// Finds the files of `listing` that the columns name, and returns the listing of them.
pub(crate) fn images(
    table: &MetadataTable,
    listing: Listing,
    columns: &[PathColumn],
) -> Result<Listing, NamesError> {
    let files = Files::of(&listing);
    let mut found = Vec::new();
    let mut example = None;
    for (number, column) in (1..).zip(columns) {
        let cells: Vec<&Texts> = column
            .columns
            .iter()
            .map(|name| texts(table, name))
            .collect::<Result<_, _>>()?;
        for (row, key) in table.keys().iter().enumerate() {
            let Some(text) = text(cells.iter().map(|cells| cells.cell(row))) else {
                continue;
            };
            match files.find(&text)? {
                Some((path, alike)) => found.push(Found {
                    path,
                    alike,
                    plane: PlanePath {
                        key: key.clone(),
                        channel: Channel(number),
                    },
                }),
                None => example = example.or(Some(text)),
            }
        }
    }
    if found.is_empty() {
        return Err(NamesError::NoPathFits {
            path: example.map_or_else(String::new, |path| excerpt(&path)),
            files: listing.image_paths().count(),
            example: listing.image_paths().next().map(str::to_owned),
        });
    }
    Ok(Listing {
        images: once_each(found, columns)?,
        unrecognised: Vec::new(),
        channel_names: columns
            .iter()
            .map(|column| column.channel.clone())
            .collect(),
        is_by_pattern: true,
        ..listing
    })
}

/// A file that a row names.
struct Found<'a> {
    path: &'a str,
    /// Parts at the ends of the path and of the text in the table that are equal.
    alike: usize,
    plane: PlanePath,
}

/// Gives each file to the plane whose text is most like its path. The same names stand in
/// the folders of many plates, and a plate may be absent: its planes are missing then.
///
/// # Errors
/// Two planes name one file equally well.
fn once_each(
    mut found: Vec<Found<'_>>,
    columns: &[PathColumn],
) -> Result<Vec<ImageFile>, NamesError> {
    found.sort_by(|one, other| (one.path, other.alike).cmp(&(other.path, one.alike)));
    let of_files = found.chunk_by(|one, other| one.path == other.path);
    let images = of_files.filter_map(|planes| match planes {
        [first, second, ..] if first.alike == second.alike => {
            let is_one_site = first.plane.key == second.plane.key;
            let name = |found: &Found<'_>| match column_of(found.plane.channel, columns) {
                Some(column) if is_one_site => format!("{}, {}", found.plane.key, column.channel),
                _ => found.plane.key.to_string(),
            };
            Some(Err(NamesError::OneFileForTwo {
                path: excerpt(first.path),
                first: name(first),
                second: name(second),
            }))
        }
        [first, ..] => Some(Ok(ImageFile {
            path: first.path.into(),
            plane: first.plane.clone(),
        })),
        [] => None,
    });
    images.collect()
}

/// The columns of a channel.
fn column_of(channel: Channel, columns: &[PathColumn]) -> Option<&PathColumn> {
    columns.get(usize::from(channel.0).checked_sub(1)?)
}

/// The cells of a column of paths.
fn texts<'a>(table: &'a MetadataTable, name: &str) -> Result<&'a Texts, NamesError> {
    match table.column(name).map(|column| &column.values) {
        Some(ColumnValues::String(cells)) => Ok(cells),
        _ => Err(NamesError::Option {
            option: "--path-column",
            reason: format!("names the column {:?}, which holds numbers", excerpt(name)),
        }),
    }
}

/// The image files of a listing, ordered by the ends of their paths: those that end alike
/// lie together.
struct Files<'a>(Vec<&'a str>);

impl<'a> Files<'a> {
    fn of(listing: &'a Listing) -> Self {
        let mut files: Vec<&str> = listing.image_paths().collect();
        files.sort_by(|one, other| one.rsplit('/').cmp(other.rsplit('/')));
        Self(files)
    }

    /// Finds the file whose path ends most like `text`, and returns the number of parts that
    /// are equal.
    fn find(&self, text: &str) -> Result<Option<(&'a str, usize)>, NamesError> {
        let alike = |path: &str| {
            let pairs = path.rsplit('/').zip(text.rsplit('/'));
            pairs.take_while(|(one, other)| one == other).count()
        };
        let at = self
            .0
            .partition_point(|path| path.rsplit('/').lt(text.rsplit('/')));
        let near = at.saturating_sub(2)..at.saturating_add(2).min(self.0.len());
        let near = self.0.get(near).unwrap_or(&[]);
        let most = near.iter().map(|path| alike(path)).max().unwrap_or(0);
        let mut best = near.iter().filter(|path| most > 0 && alike(path) == most);
        match (best.next(), best.next()) {
            (Some(path), None) => Ok(Some((*path, most))),
            (Some(first), Some(second)) => Err(NamesError::Ambiguous {
                path: excerpt(text),
                first: (*first).to_owned(),
                second: (*second).to_owned(),
            }),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
