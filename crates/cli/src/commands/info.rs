//! `rxrx2zarr info`.

use std::process::ExitCode;

use rxrx_writer::{DatasetInfo, LocalStore, Unfinished};

use crate::arguments::InfoArguments;
use crate::report;

pub(crate) fn run(arguments: &InfoArguments) -> anyhow::Result<ExitCode> {
    if let Some(unfinished) = Unfinished::at(&arguments.dataset)? {
        if arguments.json {
            report::json(&unfinished, [])?;
        } else {
            report::unfinished(&unfinished, &arguments.dataset)?;
        }
        return Ok(ExitCode::FAILURE);
    }
    let store = LocalStore::read_only(&arguments.dataset);
    let info = DatasetInfo::read(&store, &arguments.dataset.display().to_string())?;
    if arguments.json {
        report::json(&info, [])?;
    } else {
        report::info(&info, &arguments.dataset)?;
    }
    Ok(ExitCode::SUCCESS)
}
