//! The path of an image from its name in a Parquet file.

/// Ends of names by which an image is recognised.
const EXTENSIONS: [&str; 4] = [".png", ".tif", ".tiff", ".jp2"];

/// Returns the path of the image that is called `key` in the column `column`.
///
/// A name without an end takes it from the column: `jp2` gives `.jp2`. In RxRx3-core the
/// last part of a name is the number of the channel alone: `AA15_s1_6` is `AA15_s1_w6`.
pub(super) fn path_of(key: &str, column: &str) -> String {
    let known = EXTENSIONS.into_iter().find(|end| key.ends_with(end));
    let stem = known.and_then(|end| key.strip_suffix(end)).unwrap_or(key);
    let of_column = EXTENSIONS
        .into_iter()
        .find(|end| end.get(1..) == Some(column));
    let end = known.or(of_column).unwrap_or(".png");
    match stem.rsplit_once('_') {
        Some((site, channel))
            if !channel.is_empty() && channel.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            format!("{site}_w{channel}{end}")
        }
        _ => format!("{stem}{end}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_known_sets_become_paths() {
        for (key, column, path) in [
            (
                "compound-001/Plate10/AA15_s1_6",
                "jp2",
                "compound-001/Plate10/AA15_s1_w6.jp2",
            ),
            ("E/Plate1/B02_s1_w3", "image", "E/Plate1/B02_s1_w3.png"),
            ("E/Plate1/B02_s1_w3.tif", "image", "E/Plate1/B02_s1_w3.tif"),
            ("E/Plate1/B02_s1_3.png", "jp2", "E/Plate1/B02_s1_w3.png"),
            ("cell_", "image", "cell_.png"),
            ("", "tif", ".tif"),
        ] {
            assert_eq!(path_of(key, column), path);
        }
    }
}
