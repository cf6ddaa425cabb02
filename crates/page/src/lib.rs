//! The page `index.html` that shows a dataset in a browser.
//!
//! The sources are in `web/`, in TypeScript. The built page is committed, so that a build of the
//! program needs no Node.js; `scripts/page` tells whether it is what the sources give.

/// The built page, with [`PLACEHOLDER`] for the program.
const PAGE: &str = include_str!("../index.html");
/// The line of the page that names the program.
const PLACEHOLDER: &str = r#"<meta name="generator" content="rxrx2zarr">"#;

/// Returns the page, which says that `generator` has written it. It is the same for all datasets.
pub fn index_html(generator: &str) -> String {
    let escaped = generator
        .replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;");
    let named = format!(r#"<meta name="generator" content="{escaped}">"#);
    PAGE.replacen(PLACEHOLDER, &named, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So that looking at a dataset costs less than a plate of it.
    const BYTES_AT_MOST: usize = 700_000;

    #[test]
    fn the_page_is_small_and_names_the_program() {
        let page = index_html("rxrx2zarr 1.2.3");
        assert!(page.len() <= BYTES_AT_MOST, "{} bytes", page.len());
        assert!(page.contains(r#"<meta name="generator" content="rxrx2zarr 1.2.3">"#));
        assert!(!page.contains(PLACEHOLDER));
    }

    #[test]
    fn the_name_of_the_program_is_escaped() {
        assert!(index_html(r#"a"><script>"#).contains(r#"content="a&quot;>&lt;script>"#));
    }

    #[test]
    fn the_page_has_a_strict_policy_and_no_other_addresses() {
        let policy = PAGE
            .split_once(r#"Content-Security-Policy" content=""#)
            .and_then(|(_, rest)| rest.split_once('"'))
            .unwrap()
            .0;
        for part in [
            "default-src 'none'",
            "connect-src 'self'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(!PAGE.contains("src=\"http") && !PAGE.contains("@import"));
    }
}
