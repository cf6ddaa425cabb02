//! The checksums that a store states of an object in its answer to HEAD.
//!
//! | store | header | kinds |
//! |---|---|---|
//! | all | `ETag` | `etag-md5`, `etag-md5-parts`, `etag` |
//! | S3 | `x-amz-checksum-NAME` | `NAME`, `NAME-parts` |
//! | Google | `x-goog-hash` | `crc32c`, `md5` |
//! | Azure | `Content-MD5` | `md5` |

use std::collections::BTreeMap;

use http::HeaderMap;

use crate::cloud::Cloud;

/// The header by which S3 is asked for the checksums that it has.
pub const ASK_FOR_CHECKSUMS: (&str, &str) = ("x-amz-checksum-mode", "enabled");

/// The checksums in an answer, by their kind, without the ETag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedChecksums(pub BTreeMap<String, String>);

impl StatedChecksums {
    /// Reads the checksums in the headers of an answer.
    pub fn of(cloud: Cloud, headers: &HeaderMap) -> Self {
        let texts = headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let mut checksums = BTreeMap::new();
        for (name, value) in texts {
            match cloud {
                Cloud::S3 => {
                    // Its type is no checksum, but says whether the checksum is one of parts,
                    // as the number of them behind the checksum does.
                    if let Some(kind) = name.strip_prefix("x-amz-checksum-")
                        && kind != "type"
                    {
                        let parts = if has_number(value) { "-parts" } else { "" };
                        checksums.insert(format!("{kind}{parts}"), value.to_owned());
                    }
                }
                Cloud::Google if name == "x-goog-hash" => {
                    let sums = value
                        .split(',')
                        .filter_map(|sum| sum.trim().split_once('='));
                    checksums.extend(sums.map(|(kind, sum)| (kind.to_owned(), sum.to_owned())));
                }
                Cloud::Azure if name == "content-md5" => {
                    checksums.insert("md5".to_owned(), value.to_owned());
                }
                Cloud::Google | Cloud::Azure => {}
            }
        }
        Self(checksums)
    }
}

/// Returns the kind of an ETag and the tag without its quotation marks. A tag in the form
/// of an MD5 is one of the bytes, or of the MD5s of the parts, unless the store encrypts
/// with a key of its own. Any other tag only changes when the object is put again.
pub fn checksum_of_tag(tag: &str) -> (&'static str, String) {
    let tag = tag.trim_matches('"');
    let is_md5 =
        |digits: &str| digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let kind = match tag.rsplit_once('-') {
        None if is_md5(tag) => "etag-md5",
        Some((digits, _)) if is_md5(digits) && has_number(tag) => "etag-md5-parts",
        _ => "etag",
    };
    (kind, tag.to_owned())
}

/// Whether `-` and a number stand at the end of a checksum, the number of the parts.
fn has_number(checksum: &str) -> bool {
    checksum.rsplit_once('-').is_some_and(|(_, number)| {
        !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn stated(cloud: Cloud, headers: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
        let headers = headers.iter().map(|&(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        let headers: HeaderMap = headers.collect();
        StatedChecksums::of(cloud, &headers).0.into_iter().collect()
    }

    #[test]
    fn each_cloud_has_its_headers() {
        let pair = |kind: &str, sum: &str| (kind.to_owned(), sum.to_owned());
        let whole = [
            ("x-amz-checksum-crc64nvme", "AAAAAAAAAAE="),
            ("x-amz-checksum-type", "FULL_OBJECT"),
            ("content-md5", "no"),
        ];
        let expected = [pair("crc64nvme", "AAAAAAAAAAE=")];
        assert_eq!(stated(Cloud::S3, &whole), expected);
        let parts = [("x-amz-checksum-sha256", "2qXW+F4KwLk=-2")];
        let expected = [pair("sha256-parts", "2qXW+F4KwLk=-2")];
        assert_eq!(stated(Cloud::S3, &parts), expected);
        let both = [
            pair("crc32c", "4waSgw=="),
            pair("md5", "JfnnlDI7RTiF9RgfG2JNCw=="),
        ];
        let one = [(
            "x-goog-hash",
            "crc32c=4waSgw==, md5=JfnnlDI7RTiF9RgfG2JNCw==",
        )];
        let two = [
            ("x-goog-hash", "crc32c=4waSgw=="),
            ("x-goog-hash", "md5=JfnnlDI7RTiF9RgfG2JNCw=="),
        ];
        assert_eq!(stated(Cloud::Google, &one), both);
        let headers = two.iter().map(|&(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value);
        }
        let found: Vec<_> = StatedChecksums::of(Cloud::Google, &map)
            .0
            .into_iter()
            .collect();
        assert_eq!(found, both);
        let azure = [("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==")];
        assert_eq!(stated(Cloud::Azure, &azure), [pair("md5", azure[0].1)]);
    }

    #[test]
    fn the_form_of_a_tag_says_what_it_is() {
        let digits = "900150983cd24fb0d6963f7d28e17f72";
        for (tag, kind) in [
            (digits.to_owned(), "etag-md5"),
            (format!("\"{digits}\""), "etag-md5"),
            (format!("{digits}-12"), "etag-md5-parts"),
            (format!("{digits}-"), "etag"),
            (format!("W/\"{digits}\""), "etag"),
            ("0x8DD2A".to_owned(), "etag"),
            ("-CKih16GjycICEAE=".to_owned(), "etag"),
        ] {
            assert_eq!(checksum_of_tag(&tag).0, kind, "{tag}");
        }
        assert_eq!(checksum_of_tag("\"ab\"").1, "ab");
    }
}
