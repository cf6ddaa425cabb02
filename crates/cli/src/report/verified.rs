//! Report of `verify`.

use std::io::{self, Write};

use rxrx_writer::{Finding, Location, SiteSpan, VerifyReport};

use super::streams::OneLine;
use super::text::{EXAMPLES, bytes, count, quantity};
use crate::verbosity::Verbosity;

/// Number of damaged objects that the report names.
const DAMAGED_OBJECTS: usize = 20;

/// Writes the findings of a verification and its result.
pub(crate) fn verified(
    out: &mut dyn Write,
    report: &VerifyReport,
    dataset: &Location,
    seconds: f64,
    verbosity: Verbosity,
) -> io::Result<()> {
    findings(out, report, verbosity)?;
    write!(
        out,
        "{dataset}: {}, {}, {}, {} decoded",
        quantity(report.objects, "object"),
        bytes(report.bytes),
        quantity(report.sites, "site"),
        quantity(report.planes, "plane"),
    )?;
    write!(
        out,
        ", {} decoded twice",
        quantity(report.decoded_twice, "chunk")
    )?;
    if let Some(compared) = report.compared {
        write!(out, ", {} compared with their images", count(compared))?;
    }
    let rate = report.sites as f64 / seconds.max(1e-3);
    writeln!(out, ", {seconds:.1} s ({rate:.0} sites/s)")?;
    if report.card_edited {
        writeln!(
            out,
            "README.md was edited since it was written, which is no damage"
        )?;
    }
    if report.is_clean() {
        return writeln!(out, "all is as recorded");
    }
    let kinds = report.findings.iter();
    let kinds: Vec<String> = kinds
        .map(|(kind, count)| format!("{count} {}", kind.name()))
        .collect();
    writeln!(
        out,
        "NOT as recorded: {}; {}, {}",
        kinds.join(", "),
        quantity(report.by_object.len(), "object"),
        quantity(report.sites_touched, "site")
    )
}

/// Writes the first findings of the first objects, all that are known if verbose.
fn findings(out: &mut dyn Write, report: &VerifyReport, verbosity: Verbosity) -> io::Result<()> {
    let (objects, examples) = match verbosity {
        Verbosity::Verbose => (usize::MAX, usize::MAX),
        Verbosity::Quiet | Verbosity::Normal => (DAMAGED_OBJECTS, EXAMPLES),
    };
    for (object, findings) in report.by_object.iter().take(objects) {
        writeln!(out, "{}", OneLine(object))?;
        for finding in findings.examples.iter().take(examples) {
            writeln!(out, "    {}", OneLine(finding_text(finding)))?;
        }
        let shown = findings.examples.len().min(examples);
        let more = findings.count.saturating_sub(shown);
        if more > 0 {
            writeln!(out, "    … and {more} more")?;
        }
    }
    let more = report.by_object.len().saturating_sub(objects);
    if more > 0 {
        let more = quantity(more, "more object");
        writeln!(out, "… and {more} (-v shows all)")?;
    }
    Ok(())
}

/// Formats a finding with its sites and its channel.
fn finding_text(finding: &Finding) -> String {
    let subject = [
        finding.sites.as_ref().map(span_text),
        finding.channel.clone(),
    ];
    let subject: Vec<String> = subject.into_iter().flatten().collect();
    let kind = finding.kind.name();
    if subject.is_empty() {
        format!("{kind}: {}", finding.text)
    } else {
        format!("{kind}, {}: {}", subject.join(" "), finding.text)
    }
}

/// Formats a span of sites by their `site_id`, or by their position if it is
/// unknown.
fn span_text(span: &SiteSpan) -> String {
    let name = |id: &Option<String>, index: usize| match id {
        Some(id) => id.clone(),
        None => format!("site {index}"),
    };
    let first = name(&span.first, span.site_index);
    match span.count {
        0 | 1 => first,
        count => {
            let last = name(&span.last, span.site_index + count - 1);
            format!("{first} to {last} ({count} sites)")
        }
    }
}
