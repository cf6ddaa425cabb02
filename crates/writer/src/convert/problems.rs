//! The problems of INPUT that prevent a conversion.

use rxrx_input::PlannedInput;
use rxrx_metadata::{Problem, Severity};

use super::error::ConvertError;

/// Returns an error if INPUT has problems that prevent a conversion.
pub(super) fn refuse_problems(
    planned: &PlannedInput,
    allow_missing: bool,
) -> Result<(), ConvertError> {
    let of = |severity: Severity| -> Vec<Problem> {
        let problems = planned.plan.problems().iter();
        problems
            .filter(|problem| problem.kind.severity() == severity)
            .cloned()
            .collect()
    };
    let fatal = of(Severity::Fatal);
    if !fatal.is_empty() {
        return Err(ConvertError::Refused { problems: fatal });
    }
    let missing = of(Severity::NeedsAllowMissing);
    if !missing.is_empty() && !allow_missing {
        return Err(ConvertError::Missing {
            planes: planned.plan.missing_planes(),
            problems: missing,
        });
    }
    Ok(())
}
