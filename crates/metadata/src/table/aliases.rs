//! Tables that call the required columns otherwise, or have one row a well.

use std::collections::BTreeMap;

use rxrx_tables::RawTable;
use serde::Deserialize;

use super::metadata_table::REQUIRED;

/// The required columns of a table that has other names for them.
///
/// It is used only where the header lacks a required column, and fits only if with it none
/// is lacking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnAliases {
    /// The names of the table, each with the required column that it stands for.
    #[serde(default)]
    aliases: BTreeMap<String, String>,
    /// The site of every row, where the table has one row a well and no column `site`.
    site: Option<u32>,
}

impl ColumnAliases {
    /// Checks that the aliases stand for distinct required columns.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut seen = Vec::new();
        for (alias, column) in &self.aliases {
            if !REQUIRED.contains(&column.as_str()) {
                let required = REQUIRED.join(", ");
                return Err(format!(
                    "{alias:?} stands for {column:?} (expected one of {required})"
                ));
            }
            if seen.contains(&column) {
                return Err(format!("two aliases stand for {column:?}"));
            }
            seen.push(column);
        }
        match self.site {
            Some(0) => Err("site is 0 (expected a whole number from 1)".to_owned()),
            _ => Ok(()),
        }
    }

    /// Applies the aliases to a header; `None` if they do not complete it.
    fn apply(&self, header: &[&str]) -> Option<Header> {
        let has = |name: &str| header.contains(&name);
        let rename = |name: &&str| match self.aliases.get(*name) {
            Some(column) if !has(column) => column.clone(),
            _ => (*name).to_owned(),
        };
        let names: Vec<String> = header.iter().map(rename).collect();
        let site = self
            .site
            .filter(|_| !names.iter().any(|name| name == "site"));
        let is_there = |required: &str| {
            names.iter().any(|name| name == required) || (required == "site" && site.is_some())
        };
        let is_complete = REQUIRED.iter().all(|required| is_there(required));
        is_complete.then_some(Header { names, site })
    }
}

/// The names of the columns of a table, by which the program knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// One name for each column of the file.
    pub(super) names: Vec<String>,
    /// The site of every row, where the file has no column `site`.
    pub(super) site: Option<u32>,
}

impl Header {
    /// Names the columns of a header. The first of `aliases` that completes it is used, if
    /// it is not complete by itself.
    pub(super) fn new(header: &[&str], aliases: &[ColumnAliases]) -> Self {
        let as_it_is = || Self {
            names: header.iter().map(|name| (*name).to_owned()).collect(),
            site: None,
        };
        if REQUIRED.iter().all(|required| header.contains(required)) {
            return as_it_is();
        }
        let mut completed = aliases.iter().filter_map(|aliases| aliases.apply(header));
        completed.next().unwrap_or_else(as_it_is)
    }
}

/// Gives the columns of `rows` the names that `aliases` say, and adds the column `site` where
/// they state it for all rows.
pub(super) fn renamed(mut rows: RawTable, aliases: &[ColumnAliases]) -> RawTable {
    let header = rows.columns.iter().map(|column| column.name.as_str());
    let header: Vec<&str> = header.collect();
    let Header { names, site } = Header::new(&header, aliases);
    for (column, name) in rows.columns.iter_mut().zip(names) {
        column.name = name;
    }
    if let Some(site) = site {
        rows.add_constant("site", &site.to_string());
    }
    rows
}
