//! `rxrx2zarr info`.

use std::io::Write;

use rxrx_reader::{AskedShards, Dataset, DatasetErrorKind};
use rxrx_writer::{DatasetError, DatasetInfo, LeftOver, Location, OutputError, Unfinished};
use serde::Serialize;

use crate::arguments::InfoArguments;
use crate::exit_status::ExitStatus;
use crate::failure::no_dataset;
use crate::outcome::Outcome;
use crate::progress::StageProgress;
use crate::report;
use crate::session::Session;

pub(crate) fn run(arguments: &InfoArguments, session: &Session<'_>) -> anyhow::Result<Outcome> {
    let location = arguments.dataset()?;
    let _progress = StageProgress::new(session.console, "looking");
    let dataset = match Dataset::open(&location) {
        Ok(dataset) => dataset,
        Err(error) if error.error_kind() == DatasetErrorKind::NotADataset => {
            return unfinished(location, error);
        }
        Err(error) => return Err(error.into()),
    };
    let shards = match arguments.all {
        true => AskedShards::All,
        false => AskedShards::Sample,
    };
    let info = dataset.info(shards)?;
    // Whoever may not list the folder beside the dataset, or cannot, is told nothing of it.
    let left_over = match info.checked.listed {
        true => LeftOver::at(&location).ok(),
        false => None,
    };
    let told = Told {
        info: &info,
        left_over,
    };
    let (status, fields) = (
        ExitStatus::of(info.gaps.is_whole()),
        report::fields(&told, [])?,
    );
    let text = move |out: &mut dyn Write| report::info(out, &info, left_over, &location);
    Ok(Outcome::new(status, fields, text))
}

/// A complete dataset, as `--json` tells it.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    info: &'a DatasetInfo,
    /// What runs that have ended left; `None` where nobody can tell.
    left_over: Option<LeftOver>,
}

/// Reports an unfinished dataset; fails with `error` where there is none.
fn unfinished(location: Location, error: DatasetError) -> anyhow::Result<Outcome> {
    let unfinished = match Unfinished::at(&location) {
        Ok(Some(unfinished)) => unfinished,
        Ok(None) => return Err(no_dataset(&location, error)),
        // Over plain HTTP nothing can be listed.
        Err(OutputError::Store(_)) if matches!(location, Location::Remote(_)) => {
            return Err(error.into());
        }
        Err(error) => return Err(error.into()),
    };
    let fields = report::fields(&unfinished, [])?;
    let text = move |out: &mut dyn Write| report::unfinished(out, &unfinished, &location);
    Ok(Outcome::new(ExitStatus::Failed, fields, text))
}
