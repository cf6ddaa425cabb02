//! Finds the first checksum that a store accepts.

use std::time::Duration;

use object_store::{Error, PutMultipartOptions, Result};
use rxrx_transport::{UploadChecksum, is_unimplemented};
use tokio::time::timeout;

use super::Remote;

/// The time for one look, at most. Whether the network works is for the requests that
/// follow to say.
const LOOK_AT_MOST: Duration = Duration::from_secs(20);

impl Remote {
    /// Finds out which checksum of uploads the store accepts, and uses it from now on.
    /// Returns it if it is another one than usual.
    ///
    /// It begins an upload of `key` in parts, sends a part of one byte and gives the
    /// upload up. Nothing is sent where the checksum is known: at Amazon, at another
    /// cloud, or when the user has chosen one. A failure of another kind is left to the
    /// requests that follow.
    pub(crate) fn choose_checksum(&self, key: &str) -> Option<UploadChecksum> {
        let chosen = &self.connection.checksum;
        if !chosen.is_open() {
            return None;
        }
        for checksum in UploadChecksum::ALL {
            chosen.set(checksum);
            match self.try_upload(key) {
                Ok(()) => {
                    chosen.found(checksum);
                    return (checksum != UploadChecksum::Sha256).then_some(checksum);
                }
                Err(error) if refuses(&error) => {}
                Err(_) => break,
            }
        }
        chosen.set(UploadChecksum::Sha256);
        None
    }

    fn try_upload(&self, key: &str) -> Result<()> {
        let path = self.path(key).map_err(|error| Error::Generic {
            store: "S3",
            source: error.into(),
        })?;
        let connection = &self.connection;
        let options = PutMultipartOptions {
            attributes: self.attributes(key),
            ..PutMultipartOptions::default()
        };
        let look = async {
            let upload = connection.store.put_multipart_opts(&path, options);
            let mut upload = upload.await?;
            let sent = upload.put_part("x".into()).await;
            // What is not given up has no effect.
            let _ = upload.abort().await;
            sent
        };
        let late = |_| Error::Generic {
            store: "S3",
            source: "it does not answer".into(),
        };
        connection.wait(async { timeout(LOOK_AT_MOST, look).await.map_err(late)? })
    }
}

/// Whether the store knows the request and refuses something in it.
fn refuses(error: &Error) -> bool {
    is_unimplemented(error) || error.to_string().contains("400 Bad Request")
}
