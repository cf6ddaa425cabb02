//! `rxrx2zarr info`.

use rxrx_reader::{AskedShards, Dataset, DatasetErrorKind};
use rxrx_writer::{DatasetError, Location, OutputError, Unfinished};

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
    if arguments.json {
        report::json(&info)?;
    } else {
        report::print(|out| report::info(out, &info, &location))?;
    }
    Ok(ExitStatus::of(info.gaps.is_whole()))
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
