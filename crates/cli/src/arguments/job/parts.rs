//! The parts that a worker runs.

use std::collections::BTreeSet;
use std::env;

/// Parts, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartList(pub(crate) Vec<usize>);

/// Most parts that a list can name.
const PARTS_AT_MOST: usize = 1_000_000;

/// Variables in which batch systems name the task of an array job, and the number of the first
/// task. Another value than a number says that there is no array.
const TASKS: [(&str, usize); 5] = [
    ("SLURM_ARRAY_TASK_ID", 0),
    ("AWS_BATCH_JOB_ARRAY_INDEX", 0),
    ("JOB_COMPLETION_INDEX", 0),
    ("LSB_JOBINDEX", 1),
    ("SGE_TASK_ID", 1),
];

/// The command line names no part, and no batch system does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPart {
    /// No variable names a task.
    #[error(
        "which part? Name it behind OUTPUT, or run this in an array job: {} names it there",
        TASKS.map(|(name, _)| name).join(", ")
    )]
    Unknown,
    /// Two variables name different tasks.
    #[error("{first} and {second} name different parts: name the part behind OUTPUT")]
    Different {
        /// A variable and its value.
        first: String,
        /// Another one.
        second: String,
    },
}

/// Parses a list such as `3,7-9`.
pub(super) fn parts(text: &str) -> Result<PartList, String> {
    let expected = || "expected a part such as 3, or a list such as 3,7-9".to_owned();
    let mut found = BTreeSet::new();
    for span in text.split(',') {
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let number = |text: &str| -> Option<usize> {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse().ok()).flatten()
        };
        let (first, last) = number(first).zip(number(last)).ok_or_else(expected)?;
        if last < first {
            return Err(format!(
                "{span} is no range: its end is before its beginning"
            ));
        }
        if last - first >= PARTS_AT_MOST || found.len() >= PARTS_AT_MOST {
            return Err("that many parts are not possible".to_owned());
        }
        found.extend(first..=last);
    }
    Ok(PartList(found.into_iter().collect()))
}

impl PartList {
    /// Returns the part that the batch system names, and the name of its variable.
    ///
    /// # Errors
    /// [`NoPart`].
    pub(crate) fn of_task() -> Result<(Self, &'static str), NoPart> {
        Self::of_variables(|name| env::var(name).ok())
    }

    fn of_variables(
        value: impl Fn(&str) -> Option<String>,
    ) -> Result<(Self, &'static str), NoPart> {
        let found = TASKS.iter().filter_map(|&(name, first)| {
            let text = value(name)?;
            // Without an array, Grid Engine says `undefined` and LSF 0.
            let part = text.parse::<usize>().ok()?.checked_sub(first)?;
            Some((part, name, text))
        });
        let mut found = found.collect::<Vec<_>>().into_iter();
        let (part, name, text) = found.next().ok_or(NoPart::Unknown)?;
        match found.find(|(other, ..)| *other != part) {
            Some((_, other, other_text)) => Err(NoPart::Different {
                first: format!("{name}={text}"),
                second: format!("{other}={other_text}"),
            }),
            None => Ok((Self(vec![part]), name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_parts_are_those_of_slurm() {
        for (text, expected) in [
            ("0", vec![0]),
            ("3,7-9", vec![3, 7, 8, 9]),
            ("5,3-5,4", vec![3, 4, 5]),
            ("10-10", vec![10]),
        ] {
            assert_eq!(parts(text), Ok(PartList(expected)), "{text}");
        }
        for text in [
            "",
            "-1",
            "1-",
            "a",
            "1,,2",
            "2-1",
            "1-2-3",
            "+1",
            "0-9999999",
            "1 ",
        ] {
            assert!(parts(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_batch_system_names_the_part() {
        let of = |variables: &[(&str, &str)]| {
            PartList::of_variables(|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        for (name, value, part) in [
            ("SLURM_ARRAY_TASK_ID", "0", 0),
            ("AWS_BATCH_JOB_ARRAY_INDEX", "7", 7),
            ("JOB_COMPLETION_INDEX", "12", 12),
            ("LSB_JOBINDEX", "1", 0),
            ("SGE_TASK_ID", "4", 3),
        ] {
            assert_eq!(of(&[(name, value)]), Ok((PartList(vec![part]), name)));
        }
        for none in [
            &[][..],
            &[("SGE_TASK_ID", "undefined")],
            &[("LSB_JOBINDEX", "0")],
        ] {
            assert_eq!(of(none), Err(NoPart::Unknown), "{none:?}");
        }
        let same = [("SLURM_ARRAY_TASK_ID", "2"), ("SGE_TASK_ID", "3")];
        assert_eq!(of(&same), Ok((PartList(vec![2]), "SLURM_ARRAY_TASK_ID")));
        let other = of(&[("SLURM_ARRAY_TASK_ID", "2"), ("JOB_COMPLETION_INDEX", "3")]);
        let error = other.unwrap_err().to_string();
        assert!(
            error.starts_with("SLURM_ARRAY_TASK_ID=2 and JOB_COMPLETION_INDEX=3"),
            "{error}"
        );
    }
}
