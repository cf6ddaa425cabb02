//! Reads the names of a listing by a pattern.

use std::collections::{BTreeMap, BTreeSet};

use super::NameOptions;
use super::built_in;
use super::depth::{Depth, Projection};
use super::error::NamesError;
use super::pattern::{Named, Pattern};
use crate::discover::listing::{ImageFile, Listing, Shared};
use crate::discover::parts::{PlaneParts, page_path};
use crate::number::positive;
use crate::path::PlanePath;
use crate::plate::Plate;
use crate::problem::{ProblemKind, Problems};
use crate::site::{Channel, ExperimentName, SiteKey};

impl Listing {
    /// Reads the names of all image files by the pattern of `options`. `input` is the
    /// experiment where neither the names nor the options have one. Without a pattern, the
    /// names stay as they are.
    ///
    /// # Errors
    /// The pattern is malformed or fits no file, an option does not fit the pattern, the
    /// names have several depths or times of which none is chosen, or the channels are
    /// texts in an order that is not given.
    pub fn named(self, options: &NameOptions, input: &str) -> Result<Self, NamesError> {
        let Some(text) = &options.pattern else {
            return without_pattern(self, options);
        };
        if !options.path_columns.is_empty() {
            return Err(NamesError::Option {
                option: "--path-column",
                reason: "takes the place of --pattern; give one of them".to_owned(),
            });
        }
        let patterns = built_in::patterns(text)?;
        let nothing_fits = |listing: &Self| NamesError::NothingFits {
            pattern: text.clone(),
            files: listing.image_paths().count(),
            example: listing.image_paths().next().map(str::to_owned),
        };
        let (pattern, count) = built_in::choose(patterns, self.image_paths())
            .filter(|(_, count)| *count > 0)
            .ok_or_else(|| nothing_fits(&self))?;
        check_options(options, &pattern)?;
        let chosen = Chosen::of(options, &pattern, &self)?;

        let mut experiments = Shared::new(ExperimentName::new);
        let mut plates = Shared::new(Plate::of_path);
        let otherwise = options.experiment.as_deref().unwrap_or(input);
        let mut files = Vec::with_capacity(count);
        let mut unrecognised = Vec::new();
        let mut notices = Problems::default();
        for path in self.image_paths() {
            let Some(named) = pattern.read(path) else {
                unrecognised.push(path.to_owned());
                continue;
            };
            let Some(channel) = chosen.channel(&named) else {
                notices.add(ProblemKind::ImagesNotChosen, 0, || path.to_owned());
                continue;
            };
            let key = SiteKey {
                experiment: experiments.shared(named.experiment.unwrap_or(otherwise)),
                plate: plates.shared(named.plate.unwrap_or("1")),
                well: named.well,
                site: named.site,
            };
            let image = ImageFile {
                path: path.into(),
                plane: PlanePath { key, channel },
            };
            files.push((image, named.z));
        }
        let pages = match pattern.has("channel") {
            true => 0,
            false => options.channels.len(),
        };
        let mut parts = PlaneParts::of_pages(pages);
        let mut short_stacks = BTreeMap::new();
        let mut images = match options.z {
            Some(Depth::Projection(Projection::Max)) => {
                stacked(files, &mut parts, &mut short_stacks)
            }
            _ => files.into_iter().map(|(image, _)| image).collect(),
        };
        if let Some(pages) = parts.pages() {
            images = paged(&images, pages);
        }
        images.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self {
            images,
            unrecognised,
            channel_names: options.channels.clone(),
            parts,
            short_stacks,
            notices,
            lacks_plates: !pattern.has("plate"),
            experiment: (!pattern.has("experiment")).then(|| otherwise.to_owned()),
            is_by_pattern: true,
            ..self
        })
    }
}

/// Makes one image of the files of a stack, whose path is that of its first file. Adds the
/// files to `parts`, and the depths that a stack lacks and another one has to `short`, by its
/// path. Two files of one depth stay two images of one plane.
fn stacked(
    mut files: Vec<(ImageFile, Option<u32>)>,
    parts: &mut PlaneParts,
    short: &mut BTreeMap<Box<str>, Vec<u32>>,
) -> Vec<ImageFile> {
    let depths: BTreeSet<u32> = files.iter().filter_map(|(_, z)| *z).collect();
    files.sort_by(|(one, z), (other, other_z)| {
        let order = (&one.plane.key, one.plane.channel, z, &one.path);
        order.cmp(&(&other.plane.key, other.plane.channel, other_z, &other.path))
    });
    let mut images = Vec::new();
    for stack in files.chunk_by(|(one, _), (other, _)| one.plane == other.plane) {
        let found: BTreeSet<u32> = stack.iter().filter_map(|(_, z)| *z).collect();
        if found.len() < stack.len() {
            images.extend(stack.iter().map(|(image, _)| image.clone()));
            continue;
        }
        let Some((first, _)) = stack.first() else {
            continue;
        };
        if found.len() < depths.len() {
            let absent = depths.difference(&found).copied().collect();
            short.insert(first.path.clone(), absent);
        }
        if stack.len() > 1 {
            let paths = stack.iter().map(|(image, _)| image.path.clone());
            parts.add_stack(paths.collect());
        }
        images.push(first.clone());
    }
    images
}

/// Makes an image of each page of the files, one a channel.
fn paged(files: &[ImageFile], pages: usize) -> Vec<ImageFile> {
    let pages = || (1..=pages).filter_map(|page| Some((page, u16::try_from(page).ok()?)));
    let of_file = |file: &ImageFile| {
        let (path, key) = (file.path.clone(), file.plane.key.clone());
        pages().map(move |(page, channel)| ImageFile {
            path: page_path(&path, page),
            plane: PlanePath {
                key: key.clone(),
                channel: Channel(channel),
            },
        })
    };
    files.iter().flat_map(of_file).collect()
}

/// Refuses options that only names by a pattern have.
fn without_pattern(listing: Listing, options: &NameOptions) -> Result<Listing, NamesError> {
    let given = [
        ("--channels", !options.channels.is_empty()),
        ("--z", options.z.is_some()),
        ("--t", options.t.is_some()),
        (
            "--experiment",
            options.experiment.is_some() && options.path_columns.is_empty(),
        ),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => Err(NamesError::Option {
            option,
            reason: "needs --pattern: the usual names have the experiment and channel numbers"
                .to_owned(),
        }),
        None => Ok(listing),
    }
}

/// Refuses options for fields that the pattern does not have, or has already.
fn check_options(options: &NameOptions, pattern: &Pattern) -> Result<(), NamesError> {
    for (option, field, is_given) in [
        ("--z", "z", options.z.is_some()),
        ("--t", "t", options.t.is_some()),
    ] {
        if is_given && !pattern.has(field) {
            let reason = format!("needs a pattern with {{{field}}}");
            return Err(NamesError::Option { option, reason });
        }
    }
    if !pattern.has("channel") && options.channels.is_empty() {
        return Err(NamesError::Pattern {
            pattern: options.pattern.clone().unwrap_or_default(),
            reason: "has no {channel}; if the pages of each file are the channels, name them in \
                     their order: --channels 'DAPI,ER', for example"
                .to_owned(),
        });
    }
    if options.experiment.is_some() && pattern.has("experiment") {
        return Err(NamesError::Option {
            option: "--experiment",
            reason: "is given, but the pattern has {experiment}".to_owned(),
        });
    }
    Ok(())
}

/// The planes that are converted.
struct Chosen<'a> {
    options: &'a NameOptions,
}

impl<'a> Chosen<'a> {
    /// Checks that one depth, one time and known channels are chosen.
    fn of(
        options: &'a NameOptions,
        pattern: &Pattern,
        listing: &Listing,
    ) -> Result<Self, NamesError> {
        let (mut zs, mut ts, mut channels) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for named in listing.image_paths().filter_map(|path| pattern.read(path)) {
            zs.extend(named.z);
            ts.extend(named.t);
            if let Some(channel) = named.channel.filter(|name| !channels.contains(*name)) {
                channels.insert(channel.to_owned());
            }
        }
        let one_depth = options.z.and_then(Depth::one);
        let is_chosen = [options.z.is_some(), options.t.is_some()];
        let axes = [("z", &zs, one_depth), ("t", &ts, options.t)];
        for ((axis, found, wanted), is_chosen) in axes.into_iter().zip(is_chosen) {
            let is_absent = wanted.filter(|wanted| !found.contains(wanted));
            let is_several = !is_chosen && found.len() > 1;
            let found = || found.iter().map(ToString::to_string).collect();
            if let Some(wanted) = is_absent {
                let found = found();
                return Err(NamesError::Absent {
                    axis,
                    wanted,
                    found,
                });
            }
            if is_several {
                let found = found();
                return Err(NamesError::Several { axis, found });
            }
        }
        let chosen = Self { options };
        if !pattern.has("channel") {
            return Ok(chosen);
        }
        let absent = options
            .channels
            .iter()
            .find(|name| !channels.contains(*name));
        if let Some(wanted) = absent {
            return Err(NamesError::ChannelAbsent {
                wanted: wanted.clone(),
                found: channels.into_iter().collect(),
            });
        }
        let are_numbers = channels.iter().all(|name| number(name).is_some());
        if options.channels.is_empty() && !are_numbers {
            return Err(NamesError::ChannelOrder {
                found: channels.into_iter().collect(),
            });
        }
        Ok(chosen)
    }

    /// The channel of an image, the first one if its pages are the channels; `None` if it is
    /// not to be converted.
    fn channel(&self, named: &Named<'_>) -> Option<Channel> {
        let is_other =
            |wanted: Option<u32>, found: Option<u32>| wanted.is_some() && wanted != found;
        let depth = self.options.z.and_then(Depth::one);
        if is_other(depth, named.z) || is_other(self.options.t, named.t) {
            return None;
        }
        let Some(channel) = named.channel else {
            return Some(Channel(1));
        };
        if self.options.channels.is_empty() {
            return number(channel);
        }
        let mut channels = self.options.channels.iter();
        let position = channels.position(|name| name == channel)?;
        u16::try_from(position.checked_add(1)?).ok().map(Channel)
    }
}

/// Reads a channel that is a number from 1.
fn number(text: &str) -> Option<Channel> {
    let number = positive(text)?;
    u16::try_from(number).ok().map(Channel)
}
