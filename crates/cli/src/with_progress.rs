//! Calls of the library with progress on standard error. Each returns the result
//! and the seconds that the call took.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use rxrx_writer::metadata::InputDescription;
use rxrx_writer::{
    ConvertError, ConvertOptions, Converted, Description, Location, PlanInputError, PlanOptions,
    PlannedInput, PublishError, PublishOptions, Published, Store, VerifyError, VerifyOptions,
    VerifyReport,
};

use crate::progress::{FileProgress, ObjectProgress, SiteProgress, StageProgress};
use crate::report::Console;
use rxrx_sample::{SampleSpec, SampleSummary, write_sample};

/// Plans the conversion of `inputs`.
pub(crate) fn plan(
    inputs: &[Location],
    options: PlanOptions,
    console: Console<'_>,
) -> Result<PlannedInput, PlanInputError> {
    let _progress = StageProgress::new(console, "planning");
    rxrx_writer::plan_inputs(inputs, options)
}

/// Converts `prepared` into a dataset at `output`.
pub(crate) fn convert(
    prepared: &PlannedInput,
    output: &Location,
    options: &ConvertOptions,
    console: Console<'_>,
) -> Result<(Converted, f64), ConvertError> {
    let start = Instant::now();
    let progress = SiteProgress::new(console, "converting");
    let converted = rxrx_writer::convert(prepared, output, options, &progress);
    progress.finish();
    Ok((converted?, start.elapsed().as_secs_f64()))
}

/// Verifies the dataset that `store` holds; `dataset` is its name in errors.
pub(crate) fn verify(
    store: &dyn Store,
    dataset: &str,
    source: Option<&PlannedInput>,
    options: &VerifyOptions,
    console: Console<'_>,
) -> Result<(VerifyReport, f64), VerifyError> {
    let start = Instant::now();
    let progress = SiteProgress::new(console, "verifying");
    let report = rxrx_writer::verify(store, dataset, source, options, &progress);
    progress.finish();
    Ok((report?, start.elapsed().as_secs_f64()))
}

/// Publishes a dataset at `url`.
pub(crate) fn publish(
    dataset: &Location,
    url: &Location,
    options: PublishOptions,
    console: Console<'_>,
) -> Result<(Published, f64), PublishError> {
    let start = Instant::now();
    let progress = ObjectProgress::new(console);
    let published = rxrx_writer::publish(dataset, url, options, &progress);
    progress.finish();
    Ok((published?, start.elapsed().as_secs_f64()))
}

/// Writes a sample with at most `jobs` threads, and beside it a description
/// which says that the images are synthetic.
pub(crate) fn sample(
    dest: &Path,
    spec: &SampleSpec,
    jobs: NonZeroUsize,
    console: Console<'_>,
) -> anyhow::Result<SampleSummary> {
    let progress = FileProgress::new("drawing", console);
    let summary = write_sample(dest, spec, jobs, &|_, all| progress.add(all));
    progress.finish();
    let summary = summary?;
    let path = dest.join(InputDescription::FILE);
    let description = serde_json::to_string_pretty(&sample_description())?;
    fs::write(&path, description + "\n")
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(summary)
}

/// Describes a sample: the channels of RxRx1, and nothing else of it.
fn sample_description() -> InputDescription {
    let Description {
        name,
        license,
        citation,
        ..
    } = Description::look_alike();
    InputDescription {
        profile: Some("rxrx1".to_owned()),
        name: Some(name),
        license,
        citation,
        ..InputDescription::default()
    }
}
