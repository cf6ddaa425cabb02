//! `rxrx2zarr info`.

use std::io::{Write, stdout};
use std::process::ExitCode;

use rxrx_writer::{DatasetInfo, LocalStore, Unfinished};

use crate::arguments::InfoArguments;
use crate::report;

pub(crate) fn run(arguments: &InfoArguments) -> anyhow::Result<ExitCode> {
    if let Some(unfinished) = Unfinished::at(&arguments.dataset)? {
        if arguments.json {
            writeln!(stdout(), "{:#}", serde_json::to_value(&unfinished)?)?;
        } else {
            report::unfinished(&unfinished, &arguments.dataset)?;
        }
        return Ok(ExitCode::FAILURE);
    }
    let store = LocalStore::read_only(&arguments.dataset);
    let info = DatasetInfo::read(&store, &arguments.dataset.display().to_string())?;
    if arguments.json {
        writeln!(stdout(), "{:#}", serde_json::to_value(&info)?)?;
    } else {
        report::info(&info, &arguments.dataset)?;
    }
    Ok(ExitCode::SUCCESS)
}
