//! `rxrx2zarr info`.

use std::process::ExitCode;

use rxrx_writer::{DatasetInfo, Location, Unfinished, open_dataset};

use crate::arguments::InfoArguments;
use crate::report;

pub(crate) fn run(arguments: &InfoArguments) -> anyhow::Result<ExitCode> {
    let dataset = Location::from(&arguments.dataset);
    if let Some(unfinished) = Unfinished::at(&dataset)? {
        if arguments.json {
            report::json(&unfinished, [])?;
        } else {
            report::unfinished(&unfinished, &arguments.dataset)?;
        }
        return Ok(ExitCode::FAILURE);
    }
    let store = open_dataset(&dataset)?;
    let info = DatasetInfo::read(store.as_ref(), &dataset.to_string())?;
    if arguments.json {
        report::json(&info, [])?;
    } else {
        report::info(&info, &arguments.dataset)?;
    }
    Ok(ExitCode::SUCCESS)
}
