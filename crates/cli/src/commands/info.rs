//! `rxrx2zarr info`.

use std::process::ExitCode;

use rxrx_reader::DatasetInfo;
use rxrx_writer::{Unfinished, open_store};

use crate::arguments::InfoArguments;
use crate::report;

pub(crate) fn run(arguments: &InfoArguments) -> anyhow::Result<ExitCode> {
    let dataset = arguments.dataset()?;
    if let Some(unfinished) = Unfinished::at(&dataset)? {
        if arguments.json {
            report::json(&unfinished, [])?;
        } else {
            report::unfinished(&unfinished, &dataset)?;
        }
        return Ok(ExitCode::FAILURE);
    }
    let store = open_store(&dataset)?;
    let info = DatasetInfo::read(store.as_ref(), &dataset.to_string())?;
    if arguments.json {
        report::json(&info, [])?;
    } else {
        report::info(&info, &dataset)?;
    }
    Ok(ExitCode::SUCCESS)
}
