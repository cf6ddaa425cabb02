//! Looks up the addresses of a host.

use std::net::{SocketAddr, ToSocketAddrs};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Looks names up by the system, and begins with another address of a host each time, so
/// that the requests spread over its machines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let found = tokio::task::spawn_blocking(move || {
                // The client replaces the port.
                let found = (name.as_str(), 0).to_socket_addrs()?;
                Ok::<Vec<SocketAddr>, std::io::Error>(found.collect())
            });
            let mut found = found.await??;
            if !found.is_empty() {
                let first = getrandom::u32().unwrap_or_default() as usize % found.len();
                found.rotate_left(first);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
