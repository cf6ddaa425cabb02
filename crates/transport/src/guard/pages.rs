//! Pages of lists: whether a list goes on without end.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use http::{Method, Uri};

/// Most empty pages in a row. A store may send some, where objects were removed.
const EMPTY_AT_MOST: usize = 1000;
/// Empty pages in a row that are accepted for any time.
const EMPTY_AT_LEAST: usize = 10;
/// Longest time of more empty pages in a row.
const EMPTY_FOR: Duration = Duration::from_secs(20);

/// The lists that are under way, by the token with which they go on.
#[derive(Debug, Default)]
pub(super) struct Pages(HashMap<String, List>);

/// The part of a list that was read.
#[derive(Debug)]
struct List {
    pages: usize,
    /// A token that was seen, against which later ones are compared. It is exchanged for
    /// a later one at each power of two, so that a circle of any length is found.
    mark: String,
    /// Empty pages in a row, and the time of the first.
    empty: usize,
    since: Instant,
}

impl Pages {
    /// Adds a page, the answer to a request with `token`.
    ///
    /// # Errors
    /// The reason why the list has no end.
    pub(super) fn add(&mut self, token: Option<&str>, page: &[u8]) -> Result<(), String> {
        let before = token.and_then(|token| self.0.remove(token));
        let text = String::from_utf8_lossy(page);
        let next = element(&text, "NextContinuationToken").or_else(|| element(&text, "NextMarker"));
        let Some(next) = next.filter(|next| !next.is_empty()) else {
            return Ok(());
        };
        let next = unescape(next);
        let mut list = before.unwrap_or_else(|| List {
            pages: 0,
            mark: token.unwrap_or_default().to_owned(),
            empty: 0,
            since: Instant::now(),
        });
        if next == list.mark || token == Some(&next) {
            return Err("the store repeats a part of its list without end".to_owned());
        }
        list.pages += 1;
        if list.pages.is_power_of_two() {
            list.mark.clone_from(&next);
        }
        // Objects and folders of S3 and Google, and those of Azure.
        let is_empty = !["<Contents", "<CommonPrefixes", "<Blob>", "<BlobPrefix>"]
            .iter()
            .any(|name| text.contains(name));
        if !is_empty {
            list.empty = 0;
        } else if list.empty == 0 {
            (list.empty, list.since) = (1, Instant::now());
        } else {
            list.empty += 1;
        }
        if list.empty > EMPTY_AT_MOST
            || list.empty > EMPTY_AT_LEAST && list.since.elapsed() > EMPTY_FOR
        {
            return Err("the store sends empty parts of its list without end".to_owned());
        }
        self.0.insert(next, list);
        Ok(())
    }
}

/// Whether a request asks for a list, in the manner of S3 and Google or of Azure.
pub(super) fn is_list(method: &Method, uri: &Uri) -> bool {
    method == Method::GET
        && query(uri).any(|(name, value)| match name {
            "list-type" | "uploads" => true,
            "comp" => value == "list",
            _ => false,
        })
}

/// Returns the token with which a list goes on.
pub(super) fn continuation_token(uri: &Uri) -> Option<String> {
    let mut query = query(uri);
    let (_, token) = query.find(|(name, _)| matches!(*name, "continuation-token" | "marker"))?;
    // A form writes a blank as a plus sign.
    let token = token.replace('+', " ");
    let token = percent_encoding::percent_decode_str(&token);
    Some(token.decode_utf8_lossy().into_owned())
}

/// The names and the encoded values of the query.
fn query(uri: &Uri) -> impl Iterator<Item = (&str, &str)> {
    let pairs = uri.query().unwrap_or_default().split('&');
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Returns the text of the first element of that name, without elements inside it.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once('<')?.0)
}

/// Replaces the entities that every XML document has.
fn unescape(text: &str) -> String {
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
    ];
    let text = entities
        .iter()
        .fold(text.to_owned(), |text, (entity, character)| {
            text.replace(entity, character)
        });
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(next: &str, content: &str) -> Vec<u8> {
        let token = format!("<NextContinuationToken>{next}</NextContinuationToken>");
        format!("<ListBucketResult>{content}{token}</ListBucketResult>").into_bytes()
    }

    /// Follows a list with these tokens and returns the number of pages until it fails.
    fn follow(tokens: impl Iterator<Item = String>, content: &str) -> Option<usize> {
        let mut pages = Pages::default();
        let mut token = None;
        for (number, next) in tokens.enumerate() {
            if pages.add(token.as_deref(), &page(&next, content)).is_err() {
                return Some(number);
            }
            token = Some(next);
        }
        assert!(pages.0.len() <= 1);
        None
    }

    #[test]
    fn a_circle_of_any_length_is_found() {
        for length in [1, 2, 3, 7, 100] {
            for before in [0, 1, 50] {
                let tokens = (0..).map(|page| match page {
                    page if page < before => format!("first {page}"),
                    page => format!("&a {}", page % length),
                });
                let pages = follow(tokens.take(1000), "<Contents></Contents>");
                assert!(
                    pages.is_some_and(|pages| pages < 400),
                    "{length}: {pages:?}"
                );
            }
        }
    }

    #[test]
    fn a_long_list_is_read_and_empty_pages_end() {
        let tokens = || (0..5000).map(|page| format!("{page}"));
        assert_eq!(follow(tokens(), "<Contents></Contents>"), None);
        assert_eq!(follow(tokens(), "<CommonPrefixes></CommonPrefixes>"), None);
        assert_eq!(follow(tokens(), ""), Some(EMPTY_AT_MOST));
    }

    #[test]
    fn lists_are_told_from_objects() {
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        let list = uri("http://h/b?list-type=2&prefix=a&continuation-token=a%2Bb%3D");
        assert!(is_list(&Method::GET, &list) && !is_list(&Method::PUT, &list));
        assert_eq!(continuation_token(&list).as_deref(), Some("a+b="));
        let azure = uri("http://h/b?restype=container&comp=list&marker=2");
        assert!(is_list(&Method::GET, &azure));
        assert_eq!(continuation_token(&azure).as_deref(), Some("2"));
        let uploads = uri("http://h/b?uploads=&prefix=a");
        assert!(is_list(&Method::GET, &uploads) && !is_list(&Method::POST, &uploads));
        assert!(!is_list(
            &Method::GET,
            &uri("http://h/b/comp=list?uploadId=1")
        ));
        assert_eq!(continuation_token(&uri("http://h/b")), None);
    }
}
