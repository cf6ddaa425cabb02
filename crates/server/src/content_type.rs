//! Content types by the names of objects.

/// Returns the content type of the object with that key.
pub(crate) fn content_type(key: &str) -> &'static str {
    let name = key.rsplit('/').next().unwrap_or(key);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    match extension {
        Some("html") => "text/html; charset=utf-8",
        Some("json") => "application/json",
        Some("md") => "text/markdown; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        Some("csv") => "text/csv; charset=utf-8",
        Some("parquet") => "application/vnd.apache.parquet",
        Some("png") => "image/png",
        _ if name == "SHA256SUMS" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_types_and_chunks_are_bytes() {
        for (key, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("images.zarr/zarr.json", "application/json"),
            ("planes.parquet", "application/vnd.apache.parquet"),
            ("SHA256SUMS", "text/plain; charset=utf-8"),
            ("images.zarr/images/c/0/0/0/0", "application/octet-stream"),
            // A picture that can hold scripts is not shown as one.
            ("a.svg", "application/octet-stream"),
        ] {
            assert_eq!(content_type(key), expected, "{key}");
        }
    }
}
