//! `rxrx2zarr info`.

use rxrx_reader::{AskedShards, Dataset, DatasetErrorKind};
use rxrx_writer::{DatasetError, DatasetInfo, LeftOver, Location, OutputError, Unfinished};
use serde::Serialize;

use crate::arguments::InfoArguments;
use crate::exit_status::ExitStatus;
use crate::report;

pub(crate) fn run(arguments: &InfoArguments) -> anyhow::Result<ExitStatus> {
    let location = arguments.dataset()?;
    let dataset = match Dataset::open(&location) {
        Ok(dataset) => dataset,
        Err(error) if error.error_kind() == DatasetErrorKind::NotADataset => {
            return unfinished(arguments, &location, error);
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
    if arguments.json {
        report::json(&Told {
            info: &info,
            left_over,
        })?;
    } else {
        report::print(|out| report::info(out, &info, left_over, &location))?;
    }
    Ok(ExitStatus::of(info.gaps.is_whole()))
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
fn unfinished(
    arguments: &InfoArguments,
    location: &Location,
    error: DatasetError,
) -> anyhow::Result<ExitStatus> {
    let unfinished = match Unfinished::at(location) {
        Ok(Some(unfinished)) => unfinished,
        Ok(None) => return Err(error.into()),
        // Over plain HTTP nothing can be listed.
        Err(OutputError::Store(_)) if matches!(location, Location::Remote(_)) => {
            return Err(error.into());
        }
        Err(error) => return Err(error.into()),
    };
    if arguments.json {
        report::json(&unfinished)?;
    } else {
        report::print(|out| report::unfinished(out, &unfinished, location))?;
    }
    Ok(ExitStatus::Failed)
}
