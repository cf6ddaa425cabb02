//! Requests to small servers on the loopback interface.

mod guard;
mod one_file;
mod server;
mod transport;

use super::builders;
use super::client::Remote;
use super::connection::runtime;
