//! `rxrx2zarr report`.

use std::collections::BTreeSet;
use std::io::Write;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::Path;

use rxrx_quality::{FieldSum, FlatField, Quality, Screen, ScreenError, Thresholds, assess};
use rxrx_reader::{Dataset, DatasetError};

use crate::arguments::ReportArguments;
use crate::exit_status::ExitStatus;
use crate::failure::NoColumn;
use crate::jobs::jobs_or_cores;
use crate::outcome::Outcome;
use crate::report;
use crate::session::Session;
use crate::sites_file;

/// Sites of a plate whose overviews tell the light over the field of view.
const FIELD_SITES: usize = 64;

pub(crate) fn run(arguments: &ReportArguments, session: &Session<'_>) -> anyhow::Result<Outcome> {
    let location = arguments.dataset()?;
    let dataset = Dataset::open(&location)?;
    let sites = arguments.sites.as_deref();
    // An unknown site is told before all planes are read.
    let chosen = sites.map(|path| chosen(&dataset, path)).transpose()?;
    let screen = screen(&dataset)?;
    let mut quality = quality(&dataset, &screen)?;
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

/// Judges the images. A dataset of an earlier version has no overviews, and no light over the
/// field of view.
fn quality(dataset: &Dataset, screen: &Screen) -> anyhow::Result<Quality> {
    let threads = jobs_or_cores(None)?;
    let fields = |rows: Range<usize>| match dataset.overview_shape() {
        Some(shape) => fields(dataset, screen, shape, &rows, threads),
        None => Ok(Vec::new()),
    };
    Ok(assess(screen, &Thresholds::default(), fields)?)
}

/// Reads the overviews of some sites in the middle of a plate, and measures the light over the
/// field of view in each channel. All overviews of RxRx1 would be 1.9 GB.
fn fields(
    dataset: &Dataset,
    screen: &Screen,
    [_, channels, height, width]: [usize; 4],
    rows: &Range<usize>,
    threads: NonZeroUsize,
) -> Result<Vec<Option<FlatField>>, DatasetError> {
    let middle = usize::midpoint(rows.start, rows.end).saturating_sub(FIELD_SITES / 2);
    // Whole units, because an object has the overviews of one.
    let unit = dataset.geometry().shard_sites.clamp(1, FIELD_SITES);
    let first = (middle / unit * unit).max(rows.start);
    let sites: Vec<usize> = (first..rows.end).take(FIELD_SITES).collect();
    let all: Vec<usize> = (0..channels).collect();
    let overviews = dataset.read_overview(&sites, &all, threads)?;
    let mut sums = vec![FieldSum::new(height, width); channels];
    for (position, site) in sites.iter().enumerate() {
        let samples: Vec<u16> = overviews
            .samples_at(position)
            .into_iter()
            .flatten()
            .collect();
        let planes = samples.chunks(height.saturating_mul(width).max(1));
        for (channel, (plane, sum)) in planes.zip(&mut sums).enumerate() {
            if screen.has_light(*site, channel) {
                sum.add(plane.iter().map(|sample| f64::from(*sample)));
            }
        }
    }
    Ok(sums.iter().map(FieldSum::measure).collect())
}

/// The ids of the sites in a file. Each must be one of the dataset.
fn chosen(dataset: &Dataset, path: &Path) -> anyhow::Result<BTreeSet<String>> {
    let sites = sites_file::read(path)?;
    for site in &sites {
        dataset.site_index(&site.site_id)?;
    }
    Ok(sites.into_iter().map(|site| site.site_id).collect())
}
