//! Report of `serve`: the addresses.

use std::env;
use std::io::{self, Write};
use std::net::SocketAddr;

use rxrx_writer::Location;
use serde::Serialize;

/// The addresses of a dataset that is being served.
#[derive(Serialize)]
pub(crate) struct ServedAt {
    /// The address without the token.
    address: String,
    /// The address with the token, which opens the dataset in a browser.
    url: String,
    /// The same at the other hosts that are allowed.
    other_urls: Vec<String>,
    /// The token.
    token: String,
    /// The command that makes the port one of another machine; `None` where the port can be
    /// reached without it.
    ssh: Option<String>,
}

impl ServedAt {
    /// Describes a server at `address`.
    pub(crate) fn new(address: SocketAddr, token: &str, hosts: &[String]) -> Self {
        let port = address.port();
        let own = match (address.ip().is_unspecified(), address.is_ipv6()) {
            (true, _) => SocketAddr::from(([127, 0, 0, 1], port)).to_string(),
            _ => address.to_string(),
        };
        let url = |host: &str| format!("http://{host}/?access={token}");
        let is_reached = |_: &&String| !address.ip().is_loopback();
        let hosts = hosts.iter().filter(is_reached);
        let ssh = address.ip().is_loopback().then(|| {
            let user = env::var("USER").unwrap_or_else(|_| "USER".to_owned());
            let host = rxrx_server::host_name();
            format!("ssh -L {port}:{own} {user}@{host}")
        });
        Self {
            address: format!("http://{own}/"),
            url: url(&own),
            other_urls: hosts.map(|host| url(&format!("{host}:{port}"))).collect(),
            token: token.to_owned(),
            ssh,
        }
    }
}

/// Writes how to open the dataset.
pub(crate) fn served(out: &mut dyn Write, at: &ServedAt, dataset: &Location) -> io::Result<()> {
    writeln!(out, "serving {dataset}, read-only, until Ctrl-C")?;
    writeln!(out, "open it:     {}", at.url)?;
    for url in &at.other_urls {
        writeln!(out, "             {url}")?;
    }
    if let Some(ssh) = &at.ssh {
        writeln!(out, "from afar:   {ssh}")?;
        writeln!(
            out,
            "             (run it on your machine, and open the address above there)"
        )?;
    }
    writeln!(out, "programs:    Authorization: Bearer {}", at.token)
}
