//! The profiles that are part of the program.

/// Name and text of each profile.
pub(super) const TEXTS: [(&str, &str); 6] = [
    ("rxrx1", include_str!("../../profiles/rxrx1.toml")),
    ("rxrx2", include_str!("../../profiles/rxrx2.toml")),
    ("rxrx19a", include_str!("../../profiles/rxrx19a.toml")),
    ("rxrx19b", include_str!("../../profiles/rxrx19b.toml")),
    ("rxrx3", include_str!("../../profiles/rxrx3.toml")),
    ("rxrx3-core", include_str!("../../profiles/rxrx3-core.toml")),
];

/// The names of the profiles.
pub(super) fn names() -> [&'static str; TEXTS.len()] {
    TEXTS.map(|(name, _)| name)
}
