//! Medians of plates.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::baseline::{Baseline, Scope};
use crate::flat_field::FlatField;
use crate::layout::Band;
use crate::robust::{Robust, median};
use crate::screen::{Measure, PlateRows, Screen};

/// Median and median absolute deviation of one statistic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The median absolute deviation.
    pub mad: f64,
}

/// Medians of the statistics of some planes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Medians {
    /// Number of planes.
    pub planes: usize,
    /// Median of the means.
    pub mean: f64,
    /// Median of the 99.9th percentiles.
    pub p999: f64,
    /// Median of the focus.
    pub focus: f64,
    /// Median of the fractions of saturated pixels.
    pub saturated: f64,
}

/// The planes of one channel on one plate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ChannelQuality {
    /// The channel.
    pub channel: String,
    /// Planes that are there.
    pub planes: usize,
    /// What its planes are compared with: `plate` or `experiment`; `None` where there are too
    /// few planes, so that only missing, saturated, empty and equal planes are flagged.
    pub compared_with: Option<&'static str>,
    /// The means; `None` without planes.
    pub mean: Option<Spread>,
    /// The 99.9th percentiles; `None` without planes.
    pub p999: Option<Spread>,
    /// The focus; `None` without planes.
    pub focus: Option<Spread>,
    /// The fractions of saturated pixels; `None` without planes.
    pub saturated: Option<Spread>,
    /// Medians of the negative controls; `None` without any.
    pub negative_controls: Option<Medians>,
    /// Medians of each row, by its letters.
    pub rows: BTreeMap<String, Medians>,
    /// Medians of each column, by its number.
    pub columns: BTreeMap<String, Medians>,
    /// Light over the field of view; `None` where the dataset has no overview.
    pub flat_field: Option<FlatField>,
}

/// One plate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PlateQuality {
    /// The experiment.
    pub experiment: String,
    /// The plate.
    pub plate: String,
    /// Sites.
    pub sites: usize,
    /// Wells.
    pub wells: usize,
    /// Each channel.
    pub channels: Vec<ChannelQuality>,
}

/// Summarises a plate.
pub(crate) fn plate(
    screen: &Screen,
    plate: &PlateRows,
    baselines: &[Option<Baseline>],
    fields: &[Option<FlatField>],
) -> PlateQuality {
    let wells = plate
        .rows
        .clone()
        .filter_map(|row| screen.well_names.get(row));
    let channels = baselines.iter().enumerate().map(|(number, baseline)| {
        let field = fields.get(number).copied().flatten();
        channel(screen, plate, number, baseline.as_ref(), field)
    });
    PlateQuality {
        experiment: plate.experiment.clone(),
        plate: plate.plate.clone(),
        sites: plate.rows.len(),
        wells: wells.collect::<BTreeSet<_>>().len(),
        channels: channels.collect(),
    }
}

fn channel(
    screen: &Screen,
    plate: &PlateRows,
    number: usize,
    baseline: Option<&Baseline>,
    flat_field: Option<FlatField>,
) -> ChannelQuality {
    let (mut all, mut controls) = (Vec::new(), Vec::new());
    let mut bands: BTreeMap<Band, Vec<&Measure>> = BTreeMap::new();
    for (site, measure) in screen.measures(plate.rows.clone(), number) {
        all.push(measure);
        if screen.is_control(site) {
            controls.push(measure);
        }
        for band in screen
            .wells
            .get(site)
            .copied()
            .flatten()
            .map(Band::of)
            .into_iter()
            .flatten()
        {
            bands.entry(band).or_default().push(measure);
        }
    }
    let spread = |get: fn(&Measure) -> f64| {
        let of = Robust::of(all.iter().map(|measure| get(measure)).collect())?;
        Some(Spread {
            median: of.median,
            mad: of.mad,
        })
    };
    let medians = |rows: bool| {
        let of_kind = bands
            .iter()
            .filter(|(band, _)| matches!(band, Band::Row(_)) == rows);
        let named = of_kind.filter_map(|(band, measures)| Some((band.name(), medians(measures)?)));
        named.collect()
    };
    ChannelQuality {
        channel: screen.channel(number),
        planes: all.len(),
        compared_with: baseline.map(|baseline| match baseline.scope {
            Scope::Plate => "plate",
            Scope::Experiment => "experiment",
        }),
        mean: spread(|measure| measure.mean),
        p999: spread(|measure| measure.p999),
        focus: spread(|measure| measure.focus),
        saturated: spread(|measure| measure.saturated),
        negative_controls: self::medians(&controls),
        rows: medians(true),
        columns: medians(false),
        flat_field,
    }
}

/// The medians of some planes; `None` without any.
fn medians(measures: &[&Measure]) -> Option<Medians> {
    let of = |get: fn(&Measure) -> f64| {
        let mut values: Vec<f64> = measures.iter().map(|measure| get(measure)).collect();
        median(&mut values)
    };
    Some(Medians {
        planes: measures.len(),
        mean: of(|measure| measure.mean)?,
        p999: of(|measure| measure.p999)?,
        focus: of(|measure| measure.focus)?,
        saturated: of(|measure| measure.saturated)?,
    })
}
