//! Planes with the same pixels.

use crate::flag::{Flag, FlagKind};
use crate::screen::Screen;

/// Returns a flag for each plane that has the pixels of an earlier one. Planes of one value
/// are no copies of each other.
pub(crate) fn flags(screen: &Screen) -> Vec<Flag> {
    let planes = screen.planes.iter().enumerate();
    let mut hashes: Vec<(u128, usize)> = planes
        .filter_map(|(position, plane)| Some((plane.as_ref()?, position)))
        .filter(|(plane, _)| !plane.is_constant)
        .map(|(plane, position)| (plane.hash, position))
        .collect();
    hashes.sort_unstable();
    let mut flags = Vec::new();
    for same in hashes.chunk_by(|a, b| a.0 == b.0) {
        let Some(((_, first), copies)) = same.split_first() else {
            continue;
        };
        flags.extend(
            copies
                .iter()
                .filter_map(|(_, copy)| flag(screen, *first, *copy)),
        );
    }
    flags
}

fn flag(screen: &Screen, first: usize, copy: usize) -> Option<Flag> {
    let channels = screen.channels.len();
    let place = |position: usize| (position / channels, position % channels);
    let ((first_site, first_channel), (site, channel)) = (place(first), place(copy));
    let plate = screen
        .plates
        .iter()
        .find(|plate| plate.rows.contains(&site))?;
    let other = screen.site_ids.get(first_site)?;
    let text = format!(
        "the pixels are those of {other} {}",
        screen.channel(first_channel)
    );
    let kind = FlagKind::Equal;
    Some(Flag::of_site(
        kind,
        screen,
        plate,
        site,
        &[channel],
        None,
        text,
    ))
}
