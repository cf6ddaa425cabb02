//! `rxrx2zarr info`.

use rxrx_reader::Dataset;
use rxrx_writer::Unfinished;

use crate::arguments::InfoArguments;
use crate::exit_status::ExitStatus;
use crate::report;

pub(crate) fn run(arguments: &InfoArguments) -> anyhow::Result<ExitStatus> {
    let dataset = arguments.dataset()?;
    if let Some(unfinished) = Unfinished::at(&dataset)? {
        if arguments.json {
            report::json(&unfinished)?;
        } else {
            report::print(|out| report::unfinished(out, &unfinished, &dataset))?;
        }
        return Ok(ExitStatus::Failed);
    }
    let info = Dataset::open(&dataset)?.info()?;
    if arguments.json {
        report::json(&info)?;
    } else {
        report::print(|out| report::info(out, &info, &dataset))?;
    }
    Ok(ExitStatus::of(info.gaps.is_whole()))
}
