//! The lists of a [`Remote`].

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::{REQUESTS_A_CALL, Remote, RemoteObject};
use crate::remote::retry;
use crate::store::StoreError;

/// The number of levels of folders that are listed one by one, to find enough
/// folders to list at the same time.
const LEVELS_AT_MOST: usize = 4;

impl Remote {
    /// Lists every object below the address, ordered by key.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be listed.
    pub fn list(&self) -> Result<Vec<RemoteObject>, StoreError> {
        let listed = self.ask(|| {
            self.connection
                .store
                .list(Some(&self.base))
                .try_collect::<Vec<_>>()
        });
        let listed = listed.map_err(self.failed("list", ""))?;
        Ok(self.sorted(listed))
    }

    /// Lists every object below `folder`, ordered by key.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be listed.
    pub fn below(&self, folder: &str) -> Result<Vec<RemoteObject>, StoreError> {
        let path = self.path(folder.trim_end_matches('/'))?;
        let listed = self.ask(|| {
            self.connection
                .store
                .list(Some(&path))
                .try_collect::<Vec<_>>()
        });
        let listed = listed.map_err(self.failed("list", folder))?;
        Ok(self.sorted(listed))
    }

    /// Lists every object below the address, ordered by key, with several requests
    /// at the same time.
    ///
    /// A store lists at most 1,000 objects a request. This method lists the folders
    /// of the upper levels first, and then the contents of several folders at once.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be listed.
    pub fn list_wide(&self) -> Result<Vec<RemoteObject>, StoreError> {
        let mut objects = Vec::new();
        let listed = self.wait(async {
            let mut folders = vec![self.base.clone()];
            for _ in 0..LEVELS_AT_MOST {
                if folders.len() >= REQUESTS_A_CALL {
                    break;
                }
                let level = |folder: Path| async move {
                    let ask = || self.connection.store.list_with_delimiter(Some(&folder));
                    retry::retry(&self.connection.retry, ask).await
                };
                let levels = stream::iter(folders).map(level).buffered(REQUESTS_A_CALL);
                let levels: Vec<_> = levels.try_collect().await?;
                folders = Vec::new();
                for level in levels {
                    folders.extend(level.common_prefixes);
                    objects.extend(level.objects);
                }
            }
            let below = |folder: Path| async move {
                let ask = || {
                    self.connection
                        .store
                        .list(Some(&folder))
                        .try_collect::<Vec<_>>()
                };
                retry::retry(&self.connection.retry, ask).await
            };
            let below = stream::iter(folders).map(below).buffered(REQUESTS_A_CALL);
            for listed in below.try_collect::<Vec<_>>().await? {
                objects.extend(listed);
            }
            Ok(())
        });
        listed.map_err(self.failed("list", ""))?;
        Ok(self.sorted(objects))
    }

    /// Lists the names of objects and folders directly below the address.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be listed.
    pub fn entries(&self) -> Result<Vec<String>, StoreError> {
        let listed = self.ask(|| self.connection.store.list_with_delimiter(Some(&self.base)));
        let listed = listed.map_err(self.failed("list", ""))?;
        let objects = listed.objects.into_iter().map(|object| object.location);
        let paths = objects.chain(listed.common_prefixes);
        // Some servers list a folder as an object, too.
        let paths = paths.filter(|path| *path != self.base);
        Ok(paths
            .filter_map(|path| path.filename().map(str::to_owned))
            .collect())
    }

    /// Describes objects and orders them by key.
    fn sorted(&self, listed: Vec<ObjectMeta>) -> Vec<RemoteObject> {
        let objects = listed.into_iter().map(|meta| self.described(meta));
        // Some servers list a folder as an object, too.
        let mut objects: Vec<_> = objects.filter(|object| !object.key.is_empty()).collect();
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        objects
    }
}
