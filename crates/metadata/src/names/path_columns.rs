//! Images whose paths are in columns of the table.

use std::collections::HashMap;

use super::NameOptions;
use super::error::NamesError;
use crate::column::ColumnValues;
use crate::discover::listing::{ImageFile, Listing};
use crate::path::PlanePath;
use crate::site::Channel;
use crate::table::metadata_table::MetadataTable;
use rxrx_tables::Texts;
use rxrx_tables::excerpt;

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
    let mut images = Vec::new();
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
                Some(path) => images.push(ImageFile {
                    path: path.into(),
                    plane: PlanePath {
                        key: key.clone(),
                        channel: Channel(number),
                    },
                }),
                None => example = example.or(Some(text)),
            }
        }
    }
    if images.is_empty() {
        return Err(NamesError::NoPathFits {
            path: example.map_or_else(String::new, |path| excerpt(&path)),
            files: listing.image_paths().count(),
            example: listing.image_paths().next().map(str::to_owned),
        });
    }
    images.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(Listing {
        images,
        unrecognised: Vec::new(),
        channel_names: columns
            .iter()
            .map(|column| column.channel.clone())
            .collect(),
        is_by_pattern: true,
        ..listing
    })
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

/// The image files of a listing by their name.
struct Files<'a>(HashMap<&'a str, Vec<&'a str>>);

impl<'a> Files<'a> {
    fn of(listing: &'a Listing) -> Self {
        let mut files: HashMap<&str, Vec<&str>> = HashMap::new();
        for path in listing.image_paths() {
            files.entry(name(path)).or_default().push(path);
        }
        Self(files)
    }

    /// Finds the file whose path ends most like `text`.
    fn find(&self, text: &str) -> Result<Option<&'a str>, NamesError> {
        let Some(files) = self.0.get(name(text)) else {
            return Ok(None);
        };
        let alike = |path: &str| {
            let pairs = path.rsplit('/').zip(text.rsplit('/'));
            pairs.take_while(|(one, other)| one == other).count()
        };
        let most = files.iter().map(|path| alike(path)).max().unwrap_or(0);
        let mut best = files.iter().filter(|path| alike(path) == most);
        match (best.next(), best.next()) {
            (Some(path), None) => Ok(Some(path)),
            (Some(first), Some(second)) => Err(NamesError::Ambiguous {
                path: excerpt(text),
                first: (*first).to_owned(),
                second: (*second).to_owned(),
            }),
            _ => Ok(None),
        }
    }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests;
