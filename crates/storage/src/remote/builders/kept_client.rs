//! The HTTP client of a store, for requests that object_store does not send.

use std::sync::{Arc, Mutex, PoisonError};

use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector};

use crate::remote::connector::StoreConnector;

/// Keeps the client that it has made last, which is that of the store: those of credentials
/// are made before.
#[derive(Clone, Debug)]
pub(super) struct KeptClient {
    connector: StoreConnector,
    kept: Arc<Mutex<Option<HttpClient>>>,
}

impl KeptClient {
    pub(super) fn new(connector: StoreConnector) -> Self {
        Self {
            connector,
            kept: Arc::default(),
        }
    }

    /// Returns the client that was made last.
    pub(super) fn client(&self) -> Option<HttpClient> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }
}

impl HttpConnector for KeptClient {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = self.connector.connect(options)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(client.clone());
        Ok(client)
    }
}
