//! What was seen where nothing fits.

use crate::discover::listing::Listing;
use crate::path::{IMAGE_EXTENSIONS, PathParts};
use crate::site::Channel;

/// Ends of names of tars that cannot be read.
const COMPRESSED_TARS: [&str; 9] = [
    ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst", ".gz",
];

/// Says what a listing without images has, and what to do with it; empty if nothing is known.
pub(super) fn seen(listing: &Listing) -> String {
    let mut said = String::new();
    if let Some(path) = only_in_case(&listing.unrecognised).next() {
        said += &format!(
            "; some names differ only in upper and lower case, such as {path}: rename the files"
        );
    }
    let others = &listing.others;
    if let Some((count, example)) = others.count(&COMPRESSED_TARS) {
        said += &format!(
            "; {count} packed files, such as {example}, cannot be read without unpacking them: \
             unpack tars (`tar -xf`), and give the folder"
        );
    }
    if let Some((count, example)) = others.count(&[".zip"]) {
        said += &format!("; {count} zip archives, such as {example}: give one of them as INPUT");
    }
    if let [example, ..] = listing.parquets.as_slice() {
        let count = listing.parquets.len();
        said += &format!("; {count} Parquet files without images, such as {example}");
    }
    if said.is_empty() && listing.unrecognised.is_empty() && !others.is_empty() {
        said = format!("; it has {others}");
    }
    said
}

/// The paths that would name an image in other upper and lower case.
pub(super) fn only_in_case(paths: &[String]) -> impl Iterator<Item = &str> {
    let paths = paths.iter().map(String::as_str);
    paths.filter(|path| in_right_case(path).is_some_and(|path| PathParts::parse(&path).is_some()))
}

/// Writes a path as images are named; `None` if it has too few parts.
fn in_right_case(path: &str) -> Option<String> {
    let mut parts = path.rsplitn(4, '/');
    let (name, plate, experiment) = (parts.next()?, parts.next()?, parts.next()?);
    let name = name.to_ascii_lowercase();
    let end = IMAGE_EXTENSIONS
        .into_iter()
        .find(|end| name.ends_with(end))?;
    let (well, rest) = name.strip_suffix(end)?.split_once('_')?;
    let plate = plate.to_ascii_lowercase();
    let plate = plate.strip_prefix("plate")?;
    let well = well.to_ascii_uppercase();
    Some(format!("{experiment}/Plate{plate}/{well}_{rest}{end}"))
}

/// The channels that are between others and have no image.
pub(super) fn absent_channels(channels: &[Channel]) -> impl Iterator<Item = Channel> {
    // Where numbers are far apart they are no channels of one camera.
    const GAP: u16 = 8;
    channels.windows(2).flat_map(|pair| {
        let (from, to) = match pair {
            [Channel(from), Channel(to)] if to - from <= GAP => (from.saturating_add(1), *to),
            _ => (0, 0),
        };
        (from..to).map(Channel)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(paths: &[&str]) -> String {
        seen(&Listing::from_paths(
            paths.iter().map(|path| Box::from(*path)),
        ))
    }

    #[test]
    fn what_was_seen_is_said_with_the_remedy() {
        for (paths, said) in [
            (
                &["a/P.tar.gz", "b.tgz"][..],
                "2 packed files, such as a/P.tar.gz",
            ),
            (&["x.zip"], "1 zip archives, such as x.zip"),
            (
                &["d/train-0.parquet"],
                "1 Parquet files without images, such as d/train-0.parquet",
            ),
            (
                &["a.czi", "b.CZI", "c.txt"],
                "it has 2 .czi files (such as a.czi), 1 .txt file",
            ),
            (
                &["E/plate1/b02_S1_W1.PNG"],
                "only in upper and lower case, such as E/plate1/b02_S1_W1.PNG",
            ),
        ] {
            let found = of(paths);
            assert!(found.contains(said), "{found}");
        }
        assert_eq!(of(&["E/Plate1/B02_s1_w1.png", "x.png"]), "");
    }

    #[test]
    fn channels_between_others_are_absent() {
        let absent = |channels: &[u16]| -> Vec<u16> {
            let channels: Vec<Channel> = channels.iter().map(|number| Channel(*number)).collect();
            absent_channels(&channels)
                .map(|channel| channel.0)
                .collect()
        };
        assert_eq!(absent(&[1, 2, 4, 5, 7]), [3, 6]);
        assert!(absent(&[]).is_empty() && absent(&[2]).is_empty() && absent(&[1, 600]).is_empty());
    }
}
