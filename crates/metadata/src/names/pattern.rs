//! Patterns of the names of images.

use regex::Regex;

use super::error::NamesError;
use crate::number::whole_number;
use crate::path::IMAGE_EXTENSIONS;
use crate::well::Well;

/// The fields that a pattern may have, and the text that each may be.
const FIELDS: [(&str, &str); 9] = [
    ("experiment", "[^/]+?"),
    ("plate", "[^/]+?"),
    ("well", "[A-Za-z]{1,2}[0-9]{1,2}"),
    ("row", "[A-Za-z]{1,2}|[0-9]{1,2}"),
    ("col", "[0-9]{1,2}"),
    ("site", "[0-9]{1,9}"),
    ("channel", "[^/]+?"),
    ("z", "[0-9]{1,9}"),
    ("t", "[0-9]{1,9}"),
];
/// A channel that is a number, in built-in patterns.
const CHANNEL_NUMBER: (&str, &str) = ("channel#", "[0-9]{1,5}");
/// The end of a name that some microscopes add, in built-in patterns.
const UUID: (&str, &str) = (
    "uuid",
    "(?:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?",
);
/// Most bytes of a pattern.
const LONGEST: usize = 1000;

/// A pattern of the ends of paths.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    regex: Regex,
}

/// What a path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named<'path> {
    pub(crate) experiment: Option<&'path str>,
    pub(crate) plate: Option<&'path str>,
    pub(crate) well: Well,
    pub(crate) site: u32,
    /// `None` if the pages of the file are the channels.
    pub(crate) channel: Option<&'path str>,
    pub(crate) z: Option<u32>,
    pub(crate) t: Option<u32>,
}

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn parse(pattern: &str) -> Result<Self, NamesError> {
        Self::with_fields(pattern, &FIELDS)
    }

    /// Reads a pattern that is built in, which may also have the fields `uuid` and
    /// `channel#`.
    pub(super) fn built_in(pattern: &str) -> Result<Self, NamesError> {
        let mut fields = FIELDS.to_vec();
        fields.extend([CHANNEL_NUMBER, UUID]);
        Self::with_fields(pattern, &fields)
    }

    fn with_fields(pattern: &str, fields: &[(&str, &str)]) -> Result<Self, NamesError> {
        let refused = |reason: String| NamesError::Pattern {
            pattern: rxrx_tables::excerpt(pattern),
            reason,
        };
        if pattern.len() > LONGEST {
            return Err(refused(format!("is longer than {LONGEST} bytes")));
        }
        let mut text = String::from("(?s)^(?:.*/)?");
        let mut found: Vec<&str> = Vec::new();
        let mut rest = pattern.trim_start_matches('/');
        while let Some(character) = rest.chars().next() {
            let after = rest.strip_prefix(character).unwrap_or("");
            match character {
                '*' => text.push_str("[^/]*?"),
                '{' => {
                    let (name, after) = after
                        .split_once('}')
                        .ok_or_else(|| refused("has a { without }".to_owned()))?;
                    let known = fields.iter().find(|(field, _)| *field == name);
                    let &(name, form) = known.ok_or_else(|| {
                        let names: Vec<String> = FIELDS
                            .iter()
                            .map(|(field, _)| format!("{{{field}}}"))
                            .collect();
                        refused(format!(
                            "has the field {{{name}}}; there are {}",
                            names.join(" ")
                        ))
                    })?;
                    let field = name.trim_end_matches('#');
                    if found.contains(&field) {
                        return Err(refused(format!("has the field {{{field}}} twice")));
                    }
                    found.push(field);
                    text += &format!("(?P<{field}>{form})");
                    rest = after;
                    continue;
                }
                _ => text += &regex::escape(character.encode_utf8(&mut [0; 4])),
            }
            rest = after;
        }
        let has = |field: &str| found.contains(&field);
        if has("well") == (has("row") && has("col")) || has("row") != has("col") {
            return Err(refused(
                "needs either {well}, or both {row} and {col}".to_owned(),
            ));
        }
        let name = pattern
            .rsplit('/')
            .next()
            .unwrap_or(pattern)
            .to_ascii_lowercase();
        if !IMAGE_EXTENSIONS.iter().any(|end| name.ends_with(end)) {
            let ends: Vec<String> = IMAGE_EXTENSIONS
                .iter()
                .map(|end| regex::escape(end))
                .collect();
            text += &format!("(?i-u:{})", ends.join("|"));
        }
        text.push('$');
        let regex =
            Regex::new(&text).map_err(|error| refused(format!("cannot be used: {error}")))?;
        Ok(Self { regex })
    }

    /// Whether the pattern has a field.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.regex
            .capture_names()
            .flatten()
            .any(|name| name == field)
    }

    /// Reads a path; `None` if it does not fit, or names no well or no site from 1.
    pub(crate) fn read<'path>(&self, path: &'path str) -> Option<Named<'path>> {
        let captures = self.regex.captures(path)?;
        let field = |name: &str| captures.name(name).map(|found| found.as_str());
        let number = |name: &str| field(name).and_then(whole_number);
        let well = match (field("well"), field("row"), field("col")) {
            (Some(well), ..) => well.to_ascii_uppercase().parse().ok()?,
            (None, Some(row), Some(column)) => Well::of_row_and_column(row, column)?,
            _ => return None,
        };
        Some(Named {
            experiment: field("experiment"),
            plate: field("plate"),
            well,
            site: match field("site") {
                Some(site) => whole_number(site)?,
                None => 1,
            },
            channel: field("channel"),
            z: number("z"),
            t: number("t"),
        })
    }
}
