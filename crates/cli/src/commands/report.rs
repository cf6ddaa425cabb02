//! `rxrx2zarr report`.

use std::collections::BTreeSet;
use std::io::Write;
use std::ops::Range;
use std::path::Path;

use rxrx_quality::{Quality, Screen, ScreenError, Thresholds, assess};
use rxrx_reader::{Dataset, DatasetError};

use crate::arguments::ReportArguments;
use crate::exit_status::ExitStatus;
use crate::failure::NoColumn;
use crate::outcome::Outcome;
use crate::report;
use crate::session::Session;
use crate::sites_file;

pub(crate) fn run(arguments: &ReportArguments, session: &Session<'_>) -> anyhow::Result<Outcome> {
    let location = arguments.dataset()?;
    let dataset = Dataset::open(&location)?;
    let sites = arguments.sites.as_deref();
    // An unknown site is told before all planes are read.
    let chosen = sites.map(|path| chosen(&dataset, path)).transpose()?;
    let screen = screen(&dataset)?;
    let mut quality = quality(&screen)?;
    if let Some(chosen) = chosen {
        quality.retain_sites(&screen, &chosen);
    }
    let status = match arguments.fail_on_flags && !quality.flags.is_empty() {
        true => ExitStatus::Flagged,
        false => ExitStatus::Complete,
    };
    let fields = report::fields(&quality, [])?;
    let verbosity = session.console.verbosity();
    let text = move |out: &mut dyn Write| report::quality(out, &quality, &location, verbosity);
    Ok(Outcome::new(status, fields, text))
}

/// Reads the measures of all planes.
fn screen(dataset: &Dataset) -> anyhow::Result<Screen> {
    let rules = &dataset.attributes().description.rows;
    let controls = rules.negative_controls.as_ref();
    let no_column = |ScreenError { column }| NoColumn {
        dataset: dataset.name().to_owned(),
        column,
    };
    let screen = Screen::of_sites(dataset.sites()?, dataset.channels(), controls);
    let mut screen = screen.map_err(no_column)?;
    dataset.each_plane(&mut |row| screen.push(&row))?;
    Ok(screen)
}

/// Judges the images.
fn quality(screen: &Screen) -> Result<Quality, DatasetError> {
    let no_fields = |_: Range<usize>| Ok(Vec::new());
    assess(screen, &Thresholds::default(), no_fields)
}

/// The ids of the sites in a file. Each must be one of the dataset.
fn chosen(dataset: &Dataset, path: &Path) -> anyhow::Result<BTreeSet<String>> {
    let sites = sites_file::read(path)?;
    for site in &sites {
        dataset.site_index(&site.site_id)?;
    }
    Ok(sites.into_iter().map(|site| site.site_id).collect())
}
