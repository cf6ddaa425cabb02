//! `channel_stats.parquet`: mean and standard deviation of each channel over the dataset,
//! each experiment, each plate, its negative controls, and the rows to train on. RxRx1
//! images are normalised by them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};
use rxrx_metadata::{Column, ColumnValues, RowRule, Texts};

use super::plane_row::PlaneRow;
use super::schema::channel_stats_schema;
use super::writer::{TableError, TableWriter};
use crate::keys::CHANNEL_STATS;
use crate::row_rules::RowRules;

/// The pixels that a row of the table describes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All pixels.
    Dataset,
    /// The pixels of one experiment, as the metadata table spells it.
    Experiment(String),
    /// The pixels of one plate of an experiment.
    Plate(String, PlateLabel),
    /// The pixels of the negative controls of one plate of an experiment.
    PlateControls(String, PlateLabel),
    /// The pixels to train on.
    Train,
}

/// A plate as the metadata table has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlateLabel {
    /// A number.
    Number(i64),
    /// A name, where the plates of the table are not all numbers.
    Name(String),
}

impl Scope {
    /// The word of the column `scope`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::Experiment(_) => "experiment",
            Self::Plate(..) => "plate",
            Self::PlateControls(..) => "plate_controls",
            Self::Train => "train",
        }
    }

    /// The experiment, if it is one or a plate of one.
    pub fn experiment(&self) -> Option<&str> {
        match self {
            Self::Dataset | Self::Train => None,
            Self::Experiment(experiment)
            | Self::Plate(experiment, _)
            | Self::PlateControls(experiment, _) => Some(experiment),
        }
    }

    /// The plate, if it is one or its controls.
    pub fn plate(&self) -> Option<&PlateLabel> {
        match self {
            Self::Plate(_, plate) | Self::PlateControls(_, plate) => Some(plate),
            _ => None,
        }
    }
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelStats {
    /// The pixels that the row describes.
    pub scope: Scope,
    /// Position along the `channel` axis.
    pub channel: usize,
    /// Number of stored planes.
    pub planes: u64,
    /// Number of their pixels.
    pub pixels: u64,
    /// Mean of the pixels; `None` where there are none.
    pub mean: Option<f64>,
    /// Standard deviation of the population; `None` where there are no pixels.
    pub std: Option<f64>,
}

/// Exact sums over planes.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    planes: u64,
    sum: u128,
    squares: u128,
}

impl Sums {
    fn add(&mut self, plane: &PlaneRow) {
        if let PlaneRow::Ok { summary, .. } = plane {
            self.planes += 1;
            self.sum += u128::from(summary.statistics.sum);
            self.squares += u128::from(summary.statistics.sum_of_squares);
        }
    }

    fn row(self, scope: Scope, channel: usize, plane_pixels: u64) -> ChannelStats {
        let pixels = self.planes.saturating_mul(plane_pixels);
        let n = pixels as f64;
        // n² × variance is a difference of integers, so that no digits cancel. It fits for
        // all possible pixels; for those of a forged table it saturates.
        let scaled = u128::from(pixels).saturating_mul(self.squares);
        let scaled = scaled.saturating_sub(self.sum.saturating_mul(self.sum));
        let known = pixels > 0;
        ChannelStats {
            scope,
            channel,
            planes: self.planes,
            pixels,
            mean: known.then(|| self.sum as f64 / n),
            std: known.then(|| (scaled as f64).sqrt() / n),
        }
    }
}

/// The sums of the table, added plane by plane.
///
/// Equal values of the columns `experiment` (text) and `plate` (number or text) make a
/// group, as with `GROUP BY`.
pub struct ChannelSums<'a> {
    columns: &'a [Column],
    rules: &'a RowRules,
    experiments: Option<&'a Texts>,
    plates: Option<&'a ColumnValues>,
    channels: usize,
    groups: Groups,
    /// The groups of the site that the next plane belongs to.
    current: Vec<usize>,
    /// Planes added so far.
    added: usize,
}

impl<'a> ChannelSums<'a> {
    /// Begins with no plane. `columns` are those of the metadata table.
    pub fn new(columns: &'a [Column], channels: usize, rules: &'a RowRules) -> Self {
        let column = |name: &str| columns.iter().find(|column| column.name == name);
        let experiments = match column("experiment").map(|column| &column.values) {
            Some(ColumnValues::String(names)) => Some(names),
            _ => None,
        };
        let mut groups = Groups {
            channels,
            ..Groups::default()
        };
        // They are there even if no row belongs to them.
        groups.number(Scope::Dataset);
        if rules.train.is_some() {
            groups.number(Scope::Train);
        }
        Self {
            columns,
            rules,
            experiments,
            plates: column("plate").map(|column| &column.values),
            channels,
            groups,
            current: Vec::new(),
            added: 0,
        }
    }

    /// Adds the next plane, in site-major order.
    pub fn add(&mut self, plane: &PlaneRow) {
        let channels = self.channels.max(1);
        let (site, channel) = (self.added / channels, self.added % channels);
        self.added += 1;
        if channel == 0 {
            self.begin(site);
        }
        for group in &self.current {
            if let Some(sums) = self.groups.sums.get_mut(group * channels + channel) {
                sums.add(plane);
            }
        }
    }

    /// Finds the groups of a site.
    fn begin(&mut self, site: usize) {
        let Self {
            rules,
            groups,
            columns,
            ..
        } = self;
        let fits = |rule: &RowRule| rule.fits(columns, site) == Some(true);
        self.current.clear();
        self.current.push(groups.number(Scope::Dataset));
        if rules.train.as_ref().is_some_and(fits) {
            self.current.push(groups.number(Scope::Train));
        }
        let Some(name) = self.experiments.and_then(|names| names.get(site)) else {
            return;
        };
        let name = name.to_owned();
        self.current
            .push(groups.number(Scope::Experiment(name.clone())));
        let Some(plate) = self.plates.and_then(|plates| plate_label(plates, site)) else {
            return;
        };
        self.current
            .push(groups.number(Scope::Plate(name.clone(), plate.clone())));
        if let Some(controls) = &rules.negative_controls {
            // A plate without controls has a row, too.
            let group = groups.number(Scope::PlateControls(name, plate));
            self.current.extend(fits(controls).then_some(group));
        }
    }

    /// Returns the rows of the table: the scopes in the order of their names, those of one
    /// name in array order, each with all channels. Planes have `plane_pixels` each.
    pub fn rows(&self, plane_pixels: u64) -> Vec<ChannelStats> {
        let sums = self.groups.sums.chunks(self.channels.max(1));
        let mut ordered: Vec<_> = self.groups.scopes.iter().zip(sums).collect();
        ordered.sort_by_key(|(scope, _)| scope.name());
        let rows = ordered.into_iter().flat_map(|(scope, sums)| {
            let sums = sums.iter().enumerate();
            sums.map(move |(channel, sums)| sums.row(scope.clone(), channel, plane_pixels))
        });
        rows.collect()
    }
}

/// Returns the rows of the table of `planes`, which are site-major and have
/// `plane_pixels` each. `columns` are those of the metadata table.
pub fn channel_stats<'a>(
    columns: &[Column],
    channels: usize,
    plane_pixels: u64,
    rules: &RowRules,
    planes: impl Iterator<Item = &'a PlaneRow>,
) -> Vec<ChannelStats> {
    let mut sums = ChannelSums::new(columns, channels, rules);
    planes.for_each(|plane| sums.add(plane));
    sums.rows(plane_pixels)
}

/// Scopes in the order of their first sites.
#[derive(Default)]
struct Groups {
    channels: usize,
    numbers: HashMap<Scope, usize>,
    scopes: Vec<Scope>,
    /// Scope-major.
    sums: Vec<Sums>,
}

impl Groups {
    fn number(&mut self, scope: Scope) -> usize {
        let next = self.scopes.len();
        let number = *self.numbers.entry(scope.clone()).or_insert(next);
        if number == next {
            self.scopes.push(scope);
            self.sums
                .resize((next + 1) * self.channels, Sums::default());
        }
        number
    }
}

/// The plate of a site; `None` if it is blank.
pub(super) fn plate_label(plates: &ColumnValues, site: usize) -> Option<PlateLabel> {
    match plates {
        ColumnValues::Integer(numbers) => numbers.get(site).map(PlateLabel::Number),
        ColumnValues::String(names) => Some(PlateLabel::Name(names.get(site)?.to_owned())),
        ColumnValues::Float(_) => None,
    }
}

/// The column of the plates: numbers, or names if one of them is a name. Also returns whether
/// they are names.
pub(super) fn plate_values<'a>(
    plates: impl Iterator<Item = Option<&'a PlateLabel>> + Clone,
) -> (ArrayRef, bool) {
    let is_name = |plate: &PlateLabel| matches!(plate, PlateLabel::Name(_));
    if plates.clone().flatten().any(is_name) {
        let name = |plate: &PlateLabel| match plate {
            PlateLabel::Number(number) => number.to_string(),
            PlateLabel::Name(name) => name.clone(),
        };
        let names = StringArray::from_iter(plates.map(|plate| plate.map(name)));
        return (Arc::new(names), true);
    }
    let number = |plate: &PlateLabel| match plate {
        // Numbers of plates fit 32 bits with a sign, or the plates are names.
        PlateLabel::Number(number) => Some(*number as i32),
        PlateLabel::Name(_) => None,
    };
    let numbers = Int32Array::from_iter(plates.map(|plate| plate.and_then(number)));
    (Arc::new(numbers), false)
}

/// Encodes the table. `channels` are the names of the channels.
pub fn channel_stats_table(
    rows: &[ChannelStats],
    channels: &[String],
    key_values: &[(&str, String)],
) -> Result<Vec<u8>, TableError> {
    let (plates, are_names) = plate_values(rows.iter().map(|row| row.scope.plate()));
    let mut writer = TableWriter::new(
        CHANNEL_STATS,
        channel_stats_schema(are_names),
        &[],
        key_values,
    )?;
    let floats = |value: fn(&ChannelStats) -> Option<f64>| {
        Arc::new(Float64Array::from_iter(rows.iter().map(value)))
    };
    let names = rows.iter().map(|row| channels.get(row.channel));
    writer.write_group(vec![
        Arc::new(StringArray::from_iter_values(
            rows.iter().map(|row| row.scope.name()),
        )),
        Arc::new(StringArray::from_iter(
            rows.iter().map(|row| row.scope.experiment()),
        )),
        plates,
        Arc::new(StringArray::from_iter(names)),
        // The planes of fewer than 2^31 sites, far below 2^31 in any data set.
        Arc::new(Int32Array::from_iter_values(
            rows.iter().map(|row| row.planes as i32),
        )),
        Arc::new(Int64Array::from_iter_values(
            rows.iter().map(|row| row.pixels as i64),
        )),
        floats(|row| row.mean),
        floats(|row| row.std),
    ])?;
    writer.finish()
}

#[cfg(test)]
mod tests;
