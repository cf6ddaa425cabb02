//! Problems of an input.

use rxrx_writer::metadata::{Problem, Problems};

use super::console::Console;
use super::streams::OneLine;
use super::text::EXAMPLES;
use crate::verbosity::Verbosity;

/// Prints a warning for each problem that did not stop the conversion.
pub(crate) fn problems(problems: &Problems, console: Console<'_>) {
    let examples = match console.verbosity() {
        Verbosity::Quiet => return,
        Verbosity::Normal => EXAMPLES,
        Verbosity::Verbose => usize::MAX,
    };
    for problem in problems {
        console.warning(&problem_text(problem, examples));
    }
}

/// Formats the problems that stopped a conversion, with all known examples.
pub(crate) fn blocking_problems(problems: &[Problem]) -> Vec<String> {
    let problems = problems.iter();
    problems
        .map(|problem| problem_text(problem, usize::MAX))
        .collect()
}

/// Formats a problem and its first `examples` examples, one on each line.
pub(super) fn problem_text(problem: &Problem, examples: usize) -> String {
    let mut text = format!("{}: {}", problem.kind.title(), problem.count);
    if problem.missing_planes > 0 {
        text += &format!(" ({} planes)", problem.missing_planes);
    }
    for example in problem.examples.iter().take(examples) {
        text += &format!("\n    {}", OneLine(example));
    }
    let shown = problem.examples.len().min(examples);
    let more = problem.count.saturating_sub(shown);
    if more > 0 && !problem.examples.is_empty() {
        text += &format!("\n    … and {more} more");
    }
    text
}
