//! Arguments of `serve`.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};

use clap::Args;
use rxrx_server::ServeOptions;
use rxrx_writer::{Location, LocationError};

use super::store::StoreArguments;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr serve rxrx1-zarr --open                look at a dataset in the browser
  rxrx2zarr serve s3://bucket/rxrx1                a bucket: the credentials stay here
  rxrx2zarr serve rxrx1-zarr --port 8000           on a login node: with ssh -L, as it prints
  rxrx2zarr serve rxrx1-zarr --port 8000 --allowed-host hub.example.org
                                                   behind jupyter-server-proxy, at /proxy/8000/

The dataset is served read-only until Ctrl-C. The address has a token in it, because
other users of this machine and pages in your browser can reach the port, too. Programs
send the token as the header Authorization: Bearer TOKEN (see docs/serving.md).

Exit codes: 1 the dataset or the port cannot be used, 2 wrong usage, 129/130/138/143
ended by SIGHUP/SIGINT/SIGUSR1/SIGTERM.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ServeArguments {
    /// Dataset that convert made: a folder or an address
    #[arg(value_name = "DATASET")]
    dataset: OsString,

    /// Port to listen on [default: one that is free]
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 0,
        hide_default_value = true
    )]
    port: u16,

    /// Address to listen on; others than 127.0.0.1 and ::1 can be reached from other machines,
    /// with the token, and are not encrypted
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,

    /// Open the browser
    #[arg(long)]
    pub(crate) open: bool,

    /// Answer requests for this host, too, such as that of a proxy; repeatable
    #[arg(long = "allowed-host", value_name = "HOST", value_parser = host)]
    allowed_hosts: Vec<String>,

    /// Let pages of this origin read, such as https://example.org, with the token; repeatable
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    cors: Vec<String>,

    /// Print the address, or the failure, as JSON (see docs/json.md)
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    store: StoreArguments,
}

impl ServeArguments {
    /// Returns DATASET.
    pub(crate) fn dataset(&self) -> Result<Location, LocationError> {
        self.store.folder(&self.dataset)
    }

    /// Returns where to listen and for whom.
    pub(crate) fn options(&self) -> ServeOptions {
        ServeOptions {
            bind: self.bind,
            port: self.port,
            allowed_hosts: self.allowed_hosts.clone(),
            cors: self.cors.clone(),
        }
    }
}

/// Checks the name of a host.
fn host(text: &str) -> Result<String, &'static str> {
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_name = !text.is_empty() && text.chars().all(is_host);
    let is_v6 = text.starts_with('[') && text.ends_with(']');
    let text = (is_name || is_v6).then(|| text.to_owned());
    text.ok_or("it is the name of a host without scheme, port and path, such as hub.example.org")
}

/// Checks an origin: `*` would let every page read.
fn origin(text: &str) -> Result<String, &'static str> {
    let authority = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let is_origin = |authority: &&str| {
        let is_host =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        !authority.is_empty() && authority.chars().all(is_host)
    };
    let text = authority
        .filter(is_origin)
        .map(|_| text.to_ascii_lowercase());
    text.ok_or("it is a scheme and a host, and a port if there is one, such as https://example.org")
}
