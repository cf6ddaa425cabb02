//! Patterns of the microscopes that many laboratories have.

use super::error::NamesError;
use super::pattern::Pattern;

/// Name and patterns of each microscope's files, the first pattern that fits most files
/// counting.
const BUILT_IN: [(&str, &[&str]); 4] = [
    // Opera Phenix and Operetta: BR00116991__2020-11-05T19_51_35-Measurement1/Images/
    // r01c01f01p01-ch1sk1fk1fl1.tiff
    (
        "harmony",
        &[
            "{plate}__*/Images/r{row}c{col}f{site}p{z}-ch{channel}sk{t}fk*",
            "{plate}/Images/r{row}c{col}f{site}p{z}-ch{channel}sk{t}fk*",
            "{plate}/r{row}c{col}f{site}p{z}-ch{channel}sk{t}fk*",
            "r{row}c{col}f{site}p{z}-ch{channel}sk{t}fk*",
        ],
    ),
    // Yokogawa CV7000 and CV8000: CP3-SC1-18_I22_T0001F003L01A03Z01C04.tif
    (
        "cellvoyager",
        &["{plate}_{well}_T{t}F{site}L*A*Z{z}C{channel}"],
    ),
    // Molecular Devices: IXMtest_A01_s1_w1 and a UUID, which marks exported files
    (
        "imagexpress",
        &[
            "TimePoint_{t}/ZStep_{z}/{plate}_{well}_s{site}_w{channel#}{uuid}",
            "TimePoint_{t}/{plate}_{well}_s{site}_w{channel#}{uuid}",
            "{plate}_{well}_s{site}_w{channel#}{uuid}",
            "{plate}_{well}_w{channel#}{uuid}",
        ],
    ),
    // GE InCell Analyzer: Plate 7/A - 01(fld 1 wv UV - DAPI).tif
    (
        "incell",
        &[
            "{plate}/{row} - {col}(fld {site} wv {channel} z {z})",
            "{plate}/{row} - {col}(fld {site} z {z} wv {channel})",
            "{plate}/{row} - {col}(fld {site} wv {channel})",
            "{row} - {col}(fld {site} wv {channel} z {z})",
            "{row} - {col}(fld {site} z {z} wv {channel})",
            "{row} - {col}(fld {site} wv {channel})",
        ],
    ),
];

/// The names of the patterns that are built in.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// Returns the patterns of a name, or the one that a text is.
pub(crate) fn patterns(text: &str) -> Result<Vec<Pattern>, NamesError> {
    match BUILT_IN.iter().find(|(name, _)| *name == text) {
        Some((_, patterns)) => patterns
            .iter()
            .map(|text| Pattern::built_in(text))
            .collect(),
        None if !text.contains('{') => Err(NamesError::Pattern {
            pattern: text.to_owned(),
            reason: format!(
                "has no field and is none of those that are built in: {}",
                names().collect::<Vec<_>>().join(", ")
            ),
        }),
        None => Ok(vec![Pattern::parse(text)?]),
    }
}

/// Chooses the pattern that fits most of `paths`, the first one of equals.
pub(crate) fn choose<'a>(
    patterns: Vec<Pattern>,
    paths: impl Iterator<Item = &'a str> + Clone,
) -> Option<(Pattern, usize)> {
    let mut best: Option<(Pattern, usize)> = None;
    for pattern in patterns {
        let fits = paths.clone().filter(|path| pattern.read(path).is_some());
        let count = fits.count();
        if best.as_ref().is_none_or(|(_, most)| count > *most) {
            best = Some((pattern, count));
        }
    }
    best
}
