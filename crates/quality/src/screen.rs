//! The measures of all planes, with the plates and wells that they are of.

use std::collections::BTreeMap;
use std::ops::Range;

use rxrx_format::{PlaneRow, SitesTable};
use rxrx_metadata::{Column, ColumnValues, RowRule, Well};

/// What is measured of a plane that is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// Mean, in counts.
    pub mean: f64,
    /// Median, in counts.
    pub p50: f64,
    /// Percentile 99.9, in counts.
    pub p999: f64,
    /// Fraction of pixels at the largest value.
    pub saturated: f64,
    /// Variance of the Laplacian, in squared counts.
    pub focus: f64,
    /// Whether all pixels are the same.
    pub is_constant: bool,
    /// Hash of the pixels.
    pub hash: u128,
}

impl Measure {
    /// How far the brightest pixels are above the median.
    pub(crate) fn contrast(&self) -> f64 {
        self.p999 - self.p50
    }
}

/// A plane that is not there, and why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BadPlane {
    pub(crate) status: &'static str,
    pub(crate) reason: String,
}

/// The rows of one plate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PlateRows {
    pub(crate) experiment: String,
    pub(crate) plate: String,
    pub(crate) rows: Range<usize>,
}

/// The measures of all planes of a dataset.
///
/// Shape: (site, channel), site-major, as `planes.parquet`.
#[derive(Clone, Debug)]
pub struct Screen {
    pub(crate) channels: Vec<String>,
    /// Plates in the order of their rows.
    pub(crate) plates: Vec<PlateRows>,
    /// The well of each site; `None` where its name is not one of a plate.
    pub(crate) wells: Vec<Option<Well>>,
    pub(crate) well_names: Vec<String>,
    pub(crate) site_ids: Vec<String>,
    /// Whether each site is a negative control; `None` where no rule tells it.
    pub(crate) controls: Option<Vec<bool>>,
    pub(crate) planes: Vec<Option<Measure>>,
    /// Planes that are not there, by their position.
    pub(crate) bad: BTreeMap<usize, BadPlane>,
}

/// The table of sites lacks what a plate is told by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreenError {
    /// The column.
    pub column: &'static str,
}

impl Screen {
    /// Makes the screen of a table of sites, still without planes. `controls` is the rule that
    /// tells the negative controls, if there is one.
    ///
    /// # Errors
    /// [`ScreenError`]: a column is missing.
    pub fn of_sites(
        sites: &SitesTable,
        channels: &[String],
        controls: Option<&RowRule>,
    ) -> Result<Self, ScreenError> {
        let column = |name: &'static str| {
            let mut columns = sites.columns.iter();
            columns
                .find(|column| column.name == name)
                .ok_or(ScreenError { column: name })
        };
        let (experiment, plate, well) = (column("experiment")?, column("plate")?, column("well")?);
        let ids = column("site_id")?;
        let rows = sites.places.len();
        let mut plates: Vec<PlateRows> = Vec::new();
        for row in 0..rows {
            let (experiment, plate) = (text(experiment, row), text(plate, row));
            match plates.last_mut() {
                Some(last) if last.experiment == experiment && last.plate == plate => {
                    last.rows.end = row + 1;
                }
                _ => plates.push(PlateRows {
                    experiment,
                    plate,
                    rows: row..row + 1,
                }),
            }
        }
        let well_names: Vec<String> = (0..rows).map(|row| text(well, row)).collect();
        Ok(Self {
            channels: channels.to_vec(),
            plates,
            wells: well_names.iter().map(|well| well.parse().ok()).collect(),
            well_names,
            site_ids: (0..rows).map(|row| text(ids, row)).collect(),
            controls: controls.map(|rule| {
                let fits = (0..rows).map(|row| rule.fits(&sites.columns, row));
                fits.map(|fits| fits == Some(true)).collect()
            }),
            planes: Vec::with_capacity(rows.saturating_mul(channels.len())),
            bad: BTreeMap::new(),
        })
    }

    /// Adds the next plane.
    pub fn push(&mut self, row: &PlaneRow) {
        let measure = row.summary().map(|summary| {
            let statistics = &summary.statistics;
            Measure {
                mean: statistics.mean,
                p50: statistics.p50,
                p999: statistics.p999,
                saturated: statistics.saturated,
                focus: statistics.focus,
                is_constant: statistics.min == statistics.max,
                hash: summary.xxh3_128,
            }
        });
        if measure.is_none() {
            let reason = row.error().or(row.cause()).unwrap_or_default().to_owned();
            let status = row.status();
            self.bad
                .insert(self.planes.len(), BadPlane { status, reason });
        }
        self.planes.push(measure);
    }

    /// The position of a plane; `None` beyond the last channel.
    pub(crate) fn position(&self, site: usize, channel: usize) -> usize {
        site * self.channels.len() + channel
    }

    /// The measure of a plane; `None` if it is not there.
    pub(crate) fn measure(&self, site: usize, channel: usize) -> Option<&Measure> {
        self.planes.get(self.position(site, channel))?.as_ref()
    }

    /// The measures of a channel in some rows, with their sites.
    pub(crate) fn measures(
        &self,
        rows: Range<usize>,
        channel: usize,
    ) -> impl Iterator<Item = (usize, &Measure)> {
        rows.filter_map(move |site| Some((site, self.measure(site, channel)?)))
    }

    /// Whether a plane is there, and neither cut off nor empty.
    pub fn has_light(&self, site: usize, channel: usize) -> bool {
        let measure = self.measure(site, channel);
        measure.is_some_and(|measure| !measure.is_constant && measure.p999 > measure.p50)
    }

    /// The name of a channel.
    pub(crate) fn channel(&self, channel: usize) -> String {
        self.channels.get(channel).cloned().unwrap_or_default()
    }

    /// Whether a site is a negative control.
    pub(crate) fn is_control(&self, site: usize) -> bool {
        let controls = self.controls.as_ref();
        controls.is_some_and(|controls| controls.get(site) == Some(&true))
    }
}

/// The value of a cell as text; nothing for a blank.
fn text(column: &Column, row: usize) -> String {
    match &column.values {
        ColumnValues::Integer(values) => values.get(row).map(|value| value.to_string()),
        ColumnValues::Float(values) => (values.get(row).copied().flatten()).map(|v| v.to_string()),
        ColumnValues::String(values) => values.get(row).map(str::to_owned),
    }
    .unwrap_or_default()
}
