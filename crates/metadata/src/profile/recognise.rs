//! The recognition of a data set by evidence.

use super::choice::ProfileChoice;
use super::definition::Profile;
use super::evidence::{Comparison, Observed};

/// The profile of a data set, and the reasons for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recognised {
    /// The profile, if there is one.
    pub profile: Option<Profile>,
    /// How it was found.
    pub by: RecognisedBy,
    /// What agrees with the profile. Without a profile: why none is recognised.
    pub reasons: Vec<String>,
    /// Names of the profiles that fit, if there are several.
    pub candidates: Vec<String>,
}

/// How the profile of a data set was found, or was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecognisedBy {
    /// By the option `--profile`, or a caller of the library.
    Option,
    /// By the field `profile` of `rxrx2zarr.json` in INPUT.
    Description,
    /// By evidence.
    Evidence,
}

impl RecognisedBy {
    /// The word for it in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Option => "option",
            Self::Description => "description",
            Self::Evidence => "evidence",
        }
    }
}

impl Recognised {
    /// Gives a data set its profile. `by` says who made the choice, where it is made.
    pub fn new(choice: &ProfileChoice, by: RecognisedBy, seen: &Observed) -> Self {
        let chosen = |profile: Option<Profile>| Self {
            profile,
            by,
            reasons: Vec::new(),
            candidates: Vec::new(),
        };
        match choice {
            ProfileChoice::Given(profile) => chosen(Some(Profile::clone(profile))),
            ProfileChoice::Nothing => chosen(None),
            ProfileChoice::ByEvidence => Self::among(Profile::built_in(), seen),
        }
    }

    /// Recognises a data set as one of `profiles`.
    pub(super) fn among(profiles: Vec<Profile>, seen: &Observed) -> Self {
        let mut fitting: Vec<(Profile, Comparison)> = Vec::new();
        let mut nearest: Option<(Profile, Comparison)> = None;
        let distance =
            |comparison: &Comparison| (comparison.columns_disagree, comparison.disagree.len());
        for profile in profiles {
            let comparisons = profile.evidence.iter().map(|known| known.compare(seen));
            let Some(best) = comparisons.min_by_key(distance) else {
                continue;
            };
            if best.disagree.is_empty() {
                fitting.push((profile, best));
            } else if nearest
                .as_ref()
                .is_none_or(|(_, nearest)| distance(&best) < distance(nearest))
            {
                nearest = Some((profile, best));
            }
        }
        let mut recognised = Self {
            profile: None,
            by: RecognisedBy::Evidence,
            reasons: Vec::new(),
            candidates: Vec::new(),
        };
        match (fitting.pop(), fitting.is_empty()) {
            (Some((profile, comparison)), true) => {
                recognised.profile = Some(profile);
                recognised.reasons = comparison.agree;
            }
            (Some(last), false) => {
                fitting.push(last);
                let names = fitting.into_iter().map(|(profile, _)| profile.name);
                recognised.candidates = names.collect();
                recognised.reasons = vec![format!(
                    "it could be {}",
                    recognised.candidates.join(" or ")
                )];
            }
            (None, _) => {
                let near = nearest.filter(|(_, near)| !near.agree.is_empty());
                recognised.reasons.extend(near.map(|(profile, comparison)| {
                    let differs = comparison.disagree.join("; ");
                    format!("the nearest is {}, but: {differs}", profile.name)
                }));
            }
        }
        recognised
    }
}
