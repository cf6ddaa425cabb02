//! The checksums that a store has of the objects of a [`Remote`].

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{GetOptions, GetResult, ObjectStore};

use super::{REQUESTS_A_CALL, Remote, absent};
use crate::remote::connection::Connection;
use crate::remote::retry;
use crate::store::{StoreError, StoreErrorKind, StoredChecksums};
use rxrx_transport::{StatedChecksums, checksum_of_tag};

impl Remote {
    /// Returns the size of each object and the checksums that the store has of it; `None`
    /// for an absent object. Several objects are looked at at the same time.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer or denies a request.
    pub fn stored_checksums(
        &self,
        keys: &[&str],
    ) -> Result<Vec<Option<StoredChecksums>>, StoreError> {
        let asking = self.asking_checksums()?.connection;
        let asking = &asking;
        let look = |key| async move {
            let path = self.path(key)?;
            let mut got = look_at(asking, &path)
                .await
                .map_err(self.failed("look at", key));
            // A server may refuse to be asked for checksums.
            if let Err(error) = &got
                && error.kind != StoreErrorKind::Unreachable
            {
                let plain = look_at(&self.connection, &path).await;
                got = plain.map_err(self.failed("look at", key));
            }
            Ok(got?.map(described))
        };
        let looks: Vec<_> = keys.iter().copied().map(look).collect();
        self.wait(stream::iter(looks).buffered(REQUESTS_A_CALL).try_collect())
    }
}

/// Asks for the description of an object; `None` where it is absent.
async fn look_at(connection: &Connection, path: &Path) -> object_store::Result<Option<GetResult>> {
    let options = GetOptions {
        head: true,
        ..GetOptions::default()
    };
    let look = || connection.store.get_opts(path, options.clone());
    absent(retry::retry(&connection.retry, look).await)
}

fn described(got: GetResult) -> StoredChecksums {
    let stated = got.extensions.get::<StatedChecksums>();
    let mut checksums = stated.map_or_else(Default::default, |stated| stated.0.clone());
    if let Some(tag) = &got.meta.e_tag {
        let (kind, tag) = checksum_of_tag(tag);
        checksums.insert(kind.to_owned(), tag);
    }
    StoredChecksums {
        size: got.meta.size,
        checksums,
    }
}
