//! `rxrx2zarr montage`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use rxrx_figure::{Panel, Sheet, SheetSpec, ShownChannel};
use rxrx_reader::{ChannelDescription, Dataset, DatasetError, PlaneRow};

use crate::arguments::{MONTAGE_CHANNELS, MontageArguments};
use crate::exit_status::ExitStatus;
use crate::failure::{OutputFile, TooManyChannels};
use crate::outcome::Outcome;
use crate::report::{self, Drawn};
use crate::sites_file::{self, PickedSite};

/// Colours of channels where the dataset has none: blue, green, red.
const COLORS: [[u8; 3]; MONTAGE_CHANNELS] = [[0, 96, 255], [0, 255, 64], [255, 0, 0]];
const WHITE: [u8; 3] = [255; 3];

pub(crate) fn run(arguments: &MontageArguments) -> anyhow::Result<Outcome> {
    let dataset = Dataset::open(&arguments.dataset()?)?;
    let channels = channels(&dataset, &arguments.channels)?;
    let sites = sites(&dataset, arguments)?;
    let (mut sheet, texts) = begin(&dataset, &channels, sites.len(), arguments)?;
    let missing = Missing::read(&dataset, &sites)?;
    for (site, picked) in &sites {
        sheet.add(&panel(&dataset, *site, picked, &channels, &missing)?)?;
    }
    let output = &arguments.output;
    let written = write_whole(output, |out| {
        sheet.write(&texts, out).map_err(io::Error::other)
    });
    written.map_err(|source| OutputFile {
        path: output.clone(),
        source,
    })?;
    let [width, height] = sheet.size();
    let names = channels
        .iter()
        .filter_map(|channel| dataset.channels().get(*channel));
    let drawn = Drawn {
        output: output.clone(),
        sites: sites.len(),
        channels: names.cloned().collect(),
        width,
        height,
    };
    let fields = report::fields(&drawn, [])?;
    let text = move |out: &mut dyn Write| report::montage(out, &drawn);
    Ok(Outcome::new(ExitStatus::Complete, fields, text))
}

/// The positions of the channels with these names, or of the first three.
fn channels(dataset: &Dataset, names: &[String]) -> anyhow::Result<Vec<usize>> {
    if names.len() > MONTAGE_CHANNELS {
        return Err(TooManyChannels { given: names.len() }.into());
    }
    if names.is_empty() {
        return Ok((0..dataset.channels().len().min(MONTAGE_CHANNELS)).collect());
    }
    let positions = names.iter().map(|name| dataset.channel_index(name));
    Ok(positions.collect::<Result<_, DatasetError>>()?)
}

/// The positions of the sites, with their names and notes.
fn sites(
    dataset: &Dataset,
    arguments: &MontageArguments,
) -> anyhow::Result<Vec<(usize, PickedSite)>> {
    let named = |site_id: &String| PickedSite {
        site_id: site_id.clone(),
        note: String::new(),
    };
    let chosen = &arguments.sites;
    let picked = match &chosen.file {
        Some(path) => sites_file::read(path)?,
        None if chosen.ids.is_empty() => {
            let table = dataset.sites()?;
            let rows = dataset.select(&chosen.include, &arguments.exclude)?;
            let ids = rows
                .into_iter()
                .map(|row| (row, table.site_id(row).unwrap_or_default()));
            return Ok(ids.map(|(row, id)| (row, named(&id.to_owned()))).collect());
        }
        None => chosen.ids.iter().map(named).collect(),
    };
    let positions = picked.into_iter().map(|site| {
        let position = dataset.site_index(&site.site_id)?;
        Ok((position, site))
    });
    Ok(positions.collect::<Result<_, DatasetError>>()?)
}

/// Begins the sheet, and returns it with the texts of the PNG.
fn begin(
    dataset: &Dataset,
    channels: &[usize],
    panels: usize,
    arguments: &MontageArguments,
) -> anyhow::Result<(Sheet, Vec<(String, String)>)> {
    let attributes = dataset.attributes();
    let described = &attributes.description.channels;
    let described: Vec<&ChannelDescription> = channels
        .iter()
        .filter_map(|channel| described.get(*channel))
        .collect();
    let [_, _, height, width] = dataset.shape();
    let license = match &attributes.description.license {
        Some(license) => format!("Licence: {license}"),
        None => "Licence: not stated".to_owned(),
    };
    let citation = attributes.description.citation.clone().unwrap_or_default();
    let line = match citation.is_empty() {
        true => license.clone(),
        false => format!("{license}. {citation}"),
    };
    let shown = shown(&described);
    let text = |keyword: &str, text: String| (keyword.to_owned(), text);
    let windows: Vec<String> = (shown.iter())
        .map(|channel| format!("{}: {} to {}", channel.label, channel.start, channel.end))
        .collect();
    let texts = vec![
        text("Title", attributes.description.name.clone()),
        text("Copyright", license),
        text("Source", citation),
        text("Description", format!("Windows: {}", windows.join("; "))),
        text(
            "Software",
            format!("rxrx2zarr {}", env!("CARGO_PKG_VERSION")),
        ),
    ];
    let spec = SheetSpec {
        title: attributes.description.name.clone(),
        channels: shown,
        panel: [height, width],
        panels,
        columns: arguments.columns.map(Into::into),
        pixel_size: attributes.settings.pixel_size.map(f64::from),
        license: line,
    };
    Ok((Sheet::new(spec)?, texts))
}

/// The display of the channels: one is grey; where the dataset has no colours, others are used.
fn shown(described: &[&ChannelDescription]) -> Vec<ShownChannel> {
    let colors: Vec<[u8; 3]> = described
        .iter()
        .map(|channel| color(&channel.color))
        .collect();
    let has_none = colors.len() > 1 && colors.iter().all(|color| *color == WHITE);
    let channels = described.iter().zip(colors).enumerate();
    let shown = channels.map(|(number, (channel, color))| ShownChannel {
        label: format!("{} {}", channel.name, channel.stain)
            .trim_end()
            .to_owned(),
        color: match (described.len(), has_none) {
            (1, _) => WHITE,
            (_, true) => COLORS.get(number).copied().unwrap_or(WHITE),
            (_, false) => color,
        },
        start: f64::from(channel.window.start),
        end: f64::from(channel.window.end),
    });
    shown.collect()
}

/// Reads a colour `RRGGBB`; white for any other text.
fn color(text: &str) -> [u8; 3] {
    let number = u32::from_str_radix(text, 16).ok();
    let number = number.filter(|_| text.len() == 6);
    number.map_or(WHITE, |number| {
        let [_, red, green, blue] = number.to_be_bytes();
        [red, green, blue]
    })
}

/// The planes of the sites that are not there, as (site, channel).
struct Missing(Vec<(usize, usize)>);

impl Missing {
    /// Reads the table of planes, if one of the sites is not complete.
    fn read(dataset: &Dataset, sites: &[(usize, PickedSite)]) -> Result<Self, DatasetError> {
        let places = &dataset.sites()?.places;
        let is_whole = |site: usize| places.get(site).is_some_and(|place| place.complete);
        let mut missing = Vec::new();
        if sites.iter().all(|(site, _)| is_whole(*site)) {
            return Ok(Self(missing));
        }
        let channels = dataset.channels().len().max(1);
        let mut position = 0;
        dataset.each_plane(&mut |plane: PlaneRow| {
            if !plane.is_ok() {
                missing.push((position / channels, position % channels));
            }
            position += 1;
        })?;
        Ok(Self(missing))
    }

    fn has(&self, site: usize, channel: usize) -> bool {
        self.0.binary_search(&(site, channel)).is_ok()
    }
}

/// Reads the planes of a site.
fn panel(
    dataset: &Dataset,
    site: usize,
    picked: &PickedSite,
    channels: &[usize],
    missing: &Missing,
) -> Result<Panel, DatasetError> {
    let pixels = dataset.read_site(site)?;
    let samples = |channel: &usize| match pixels.samples_at(*channel) {
        Some(samples) => samples.collect(),
        None => Vec::new(),
    };
    let absent = channels
        .iter()
        .filter(|channel| missing.has(site, **channel));
    let absent: Vec<&str> = absent
        .filter_map(|channel| Some(dataset.channels().get(*channel)?.as_str()))
        .collect();
    let note = match absent.is_empty() {
        true => picked.note.clone(),
        false => format!("no image: {}. {}", absent.join(" "), picked.note),
    };
    Ok(Panel {
        label: picked.site_id.clone(),
        note,
        samples: channels.iter().map(samples).collect(),
    })
}

/// Writes a file under another name and renames it, so that it is never there in part.
fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let unfinished = path.with_file_name(name);
    let written = File::create_new(&unfinished).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    });
    written.inspect_err(|_| {
        // The first error is reported.
        let _ = fs::remove_file(&unfinished);
    })
}
