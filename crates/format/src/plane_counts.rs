//! Numbers of planes that are stored, missing, unreadable and corrupt.

use std::iter::Sum;

use serde::{Deserialize, Serialize};

use crate::tables::plane_row::PlaneRow;

/// Numbers of planes by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaneCounts {
    /// Decoded and stored.
    pub ok: usize,
    /// Without an image.
    pub missing: usize,
    /// With an image that could not be read, though others could. Datasets of format 3
    /// do not have this number; they count such planes as corrupt.
    #[serde(default)]
    pub unreadable: usize,
    /// With an image that cannot be used.
    pub corrupt: usize,
}

impl PlaneCounts {
    /// Counts the planes of some rows.
    pub fn of<'a>(rows: impl Iterator<Item = &'a PlaneRow>) -> Self {
        let mut counts = Self::default();
        for row in rows {
            match row {
                PlaneRow::Ok { .. } => counts.ok += 1,
                PlaneRow::Missing => counts.missing += 1,
                PlaneRow::Unreadable { .. } => counts.unreadable += 1,
                PlaneRow::Corrupt { .. } => counts.corrupt += 1,
            }
        }
        counts
    }

    /// Whether every plane was stored.
    pub fn is_complete(self) -> bool {
        self.missing == 0 && self.unreadable == 0 && self.corrupt == 0
    }
}

impl Sum for PlaneCounts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, counts| Self {
            ok: sum.ok + counts.ok,
            missing: sum.missing + counts.missing,
            unreadable: sum.unreadable + counts.unreadable,
            corrupt: sum.corrupt + counts.corrupt,
        })
    }
}
