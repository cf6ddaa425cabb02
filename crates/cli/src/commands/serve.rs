//! `rxrx2zarr serve`.

use std::sync::atomic::Ordering;

use rxrx_reader::Dataset;
use rxrx_server::Server;

use crate::arguments::ServeArguments;
use crate::exit_status::ExitStatus;
use crate::report::{self, ServedAt};
use crate::session::Session;

/// Serves a dataset until a signal arrives, and returns the status of that signal.
pub(crate) fn run(arguments: &ServeArguments, session: &Session<'_>) -> anyhow::Result<ExitStatus> {
    let location = arguments.dataset()?;
    // Before anybody looks: is there a dataset that this version knows?
    Dataset::open(&location)?;
    let options = arguments.options();
    let server = Server::bind(&location, &options)?;
    let stop = session.stop()?;
    let requested = stop.requested();
    let at = ServedAt::new(server.address(), server.token(), &options.allowed_hosts);
    let console = session.console;
    // One line, so that a program can read it while the server runs.
    let line = serde_json::to_string(&at)?;
    if session.stop.is_some() {
        console.line(line);
    } else if arguments.json {
        report::print(|out| writeln!(out, "{line}"))?;
    } else {
        report::print(|out| report::served(out, &at, &location))?;
    }
    if arguments.open {
        open(&server, console);
    }
    server.run(&requested, &|failed| {
        console.warning(&format!("{failed}: {}", failed.source));
    })?;
    let signal = stop.number();
    debug_assert!(requested.load(Ordering::Relaxed));
    Ok(signal.map_or(ExitStatus::INTERRUPTED, ExitStatus::Stopped))
}

/// Opens the browser with an address that works once: other users of the machine can read
/// the arguments of a program.
fn open(server: &Server, console: report::Console<'_>) {
    let Some(ticket) = server.ticket() else {
        return;
    };
    let address = format!("http://{}/?ticket={ticket}", server.address());
    if let Err(error) = open::that_detached(address) {
        console.warning(&format!(
            "cannot open a browser: {error}; open the address above in one"
        ));
    }
}
