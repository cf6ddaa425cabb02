//! Parses `docs/json.md`: its tables and its examples.

use std::collections::BTreeMap;

use serde_json::Value;

const DOCUMENT: &str = include_str!("../../../docs/json.md");

/// The text below a heading, up to the next heading of the same or a higher level.
pub(super) struct Section(&'static str);

/// The type of a field, and when it may be null or absent.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) kind: &'static str,
    pub(super) null: &'static str,
}

impl Section {
    /// Finds a section by its whole heading, such as `## Exit codes`.
    #[track_caller]
    pub(super) fn of(heading: &str) -> Self {
        let start = DOCUMENT.find(&format!("\n{heading}\n"));
        let text = &DOCUMENT[start.unwrap_or_else(|| panic!("no {heading}")) + 1..];
        let text = text.split_once('\n').unwrap().1;
        let level = heading.split(' ').next().unwrap();
        let ends = (1..=level.len()).filter_map(|n| text.find(&format!("\n{} ", "#".repeat(n))));
        Self(&text[..ends.min().unwrap_or(text.len())])
    }

    /// The rows of the first table, without its head.
    pub(super) fn rows(&self) -> Vec<Vec<&'static str>> {
        let lines = self.0.lines().skip_while(|line| !line.starts_with('|'));
        let lines = lines.take_while(|line| line.starts_with('|')).skip(2);
        let rows: Vec<Vec<&str>> = lines
            .map(|line| {
                let cells = line.trim_matches('|').split('|');
                cells.map(|cell| cell.trim().trim_matches('`')).collect()
            })
            .collect();
        assert!(!rows.is_empty(), "no table in {}", self.0);
        rows
    }

    /// The table of fields: name, type, unit, null, meaning.
    pub(super) fn fields(&self) -> BTreeMap<&'static str, Field> {
        let rows = self.rows().into_iter();
        rows.map(|row| {
            assert_eq!(row.len(), 5, "{row:?}");
            let (kind, null) = (row[1], row[3]);
            (row[0], Field { kind, null })
        })
        .collect()
    }

    /// The JSON documents in the section.
    pub(super) fn examples(&self) -> Vec<Value> {
        let blocks = self.0.split("```json\n").skip(1);
        let blocks = blocks.map(|block| block.split("```").next().unwrap());
        blocks
            .map(|json| serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}: {json}")))
            .collect()
    }
}
