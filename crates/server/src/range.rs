//! The bytes that a request asks for: Range, and conditions on the version
//! ([RFC 9110, sections 13 and 14](https://www.rfc-editor.org/rfc/rfc9110)).

use std::ops::Range;

use http::HeaderMap;
use http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE};

/// The bytes of an object that a response has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of them: 200.
    All,
    /// A part: 206. It is not empty.
    Part(Range<u64>),
    /// None, because no byte of the range is there: 416.
    NotThere,
    /// None, because the client has this version: 304.
    NotModified,
    /// None, because the client wants another version: 412.
    OtherVersion,
}

/// Returns the bytes that a request wants of an object of `size` bytes with that ETag.
pub(crate) fn wanted(headers: &HeaderMap, size: u64, e_tag: Option<&str>) -> Wanted {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    if text(IF_MATCH).is_some_and(|tags| !names(tags, e_tag)) {
        return Wanted::OtherVersion;
    }
    if text(IF_NONE_MATCH).is_some_and(|tags| names(tags, e_tag)) {
        return Wanted::NotModified;
    }
    // A range of another version than the client knows would be of no use to it.
    if text(IF_RANGE).is_some_and(|tag| e_tag != Some(tag)) {
        return Wanted::All;
    }
    text(RANGE).map_or(Wanted::All, |range| part(range, size))
}

/// Whether a list of tags names this one.
fn names(tags: &str, e_tag: Option<&str>) -> bool {
    let Some(e_tag) = e_tag else { return false };
    let mut tags = tags.split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == e_tag)
}

/// Reads the value of a Range header: `bytes=1-5`, `bytes=7-` or `bytes=-9`. A server may
/// ignore any other value, such as one with several ranges.
fn part(header: &str, size: u64) -> Wanted {
    let spec = header.strip_prefix("bytes=").map(str::trim);
    let Some((first, last)) = spec.and_then(|spec| spec.split_once('-')) else {
        return Wanted::All;
    };
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // More digits than fit name a byte beyond any object.
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(length)) if first.is_empty() => size.saturating_sub(length)..size,
        _ => return Wanted::All,
    };
    match range.is_empty() {
        true => Wanted::NotThere,
        false => Wanted::Part(range),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(range: &str) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_str(range).unwrap());
        wanted(&headers, 100, Some("\"v1\""))
    }

    #[test]
    fn one_range_is_a_part() {
        for (header, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=10-19", 10..20),
            ("bytes=90-1000", 90..100),
            ("bytes=90-99999999999999999999999", 90..100),
            ("bytes=95-", 95..100),
            ("bytes=-7", 93..100),
            ("bytes=-700", 0..100),
        ] {
            assert_eq!(of(header), Wanted::Part(range), "{header}");
        }
    }

    #[test]
    fn a_range_behind_the_end_is_not_there() {
        for header in [
            "bytes=100-",
            "bytes=100-200",
            "bytes=-0",
            "bytes=999999999999999999999-",
        ] {
            assert_eq!(of(header), Wanted::NotThere, "{header}");
        }
    }

    #[test]
    fn what_is_no_single_range_is_ignored() {
        for header in [
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=1-2,4-5",
            "bytes=+1-2",
            "sites=1-2",
            "1-2",
            "bytes=1",
        ] {
            assert_eq!(of(header), Wanted::All, "{header}");
        }
    }

    #[test]
    fn conditions_compare_versions() {
        let with = |name: HeaderName, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_static("bytes=0-9"));
            headers.insert(name, HeaderValue::from_static(value));
            wanted(&headers, 100, Some("\"v1\""))
        };
        assert_eq!(with(IF_NONE_MATCH, "\"v1\""), Wanted::NotModified);
        assert_eq!(with(IF_NONE_MATCH, "\"v0\", W/\"v1\""), Wanted::NotModified);
        assert_eq!(with(IF_NONE_MATCH, "\"v0\""), Wanted::Part(0..10));
        assert_eq!(with(IF_MATCH, "\"v1\""), Wanted::Part(0..10));
        assert_eq!(with(IF_MATCH, "\"v0\""), Wanted::OtherVersion);
        assert_eq!(with(IF_RANGE, "\"v1\""), Wanted::Part(0..10));
        assert_eq!(with(IF_RANGE, "\"v0\""), Wanted::All);
    }
}
