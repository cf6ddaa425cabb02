use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::BoxStream;
use object_store::client::{HttpError, HttpErrorKind};
use object_store::memory::InMemory;
use object_store::{
    BackoffConfig, CopyOptions, GetResult, ListResult, MultipartUpload, PutMultipartOptions,
    PutPayload, PutResult,
};

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{Error, GetOptions, ObjectMeta, ObjectStore, PutMode, PutOptions};

use super::*;
use crate::remote::{PART, Remote};
use crate::store::{WriteObject, WriteOutcome};

/// A store whose answers are lost, each so many times in a row: it has done what
/// it was asked to.
#[derive(Debug)]
struct Forgetful {
    inner: InMemory,
    lost: AtomicUsize,
    losses: usize,
}

impl Forgetful {
    fn answer<T>(&self, answer: object_store::Result<T>) -> object_store::Result<T> {
        if self.lost.fetch_add(1, Ordering::Relaxed) % (self.losses + 1) == self.losses {
            return answer;
        }
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        Err(Error::Generic {
            store: "forgetful",
            source: Box::new(HttpError::new(HttpErrorKind::Interrupted, reset)),
        })
    }
}

impl std::fmt::Display for Forgetful {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("forgetful")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Forgetful {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.answer(self.inner.put_opts(path, payload, options).await)
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.answer(self.inner.put_multipart_opts(path, options).await)
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.answer(self.inner.get_opts(path, options).await)
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        let removed = self.inner.delete_stream(paths);
        let answers = self.answer(Ok(removed));
        stream::once(async { answers }).try_flatten().boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        let listed = self.answer(Ok(self.inner.list(prefix)));
        stream::once(async { listed }).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.answer(self.inner.list_with_delimiter(prefix).await)
    }

    async fn copy_opts(
        &self,
        from: &Path,
        to: &Path,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

fn forgetful(losses: usize) -> Remote {
    let store = Forgetful {
        inner: InMemory::new(),
        lost: AtomicUsize::new(0),
        losses,
    };
    let quick = BackoffConfig {
        init_backoff: Duration::from_millis(1),
        ..BackoffConfig::default()
    };
    let mut remote = Remote::on(Arc::new(store), "a/b");
    remote.connection_mut().retry.backoff = quick;
    remote.connection_mut().retry.max_retries = 3;
    remote
}

#[test]
fn what_breaks_off_is_asked_for_again() {
    let remote = forgetful(2);
    assert!(!remote.put_new("c", "1".into()).unwrap(), "its own");
    assert_eq!(remote.get("c").unwrap().unwrap(), "1");
    assert_eq!(remote.head("c").unwrap().unwrap().size, 1);
    let object = remote.head("c").unwrap().unwrap();
    let read = remote.get_ranges(&object, std::slice::from_ref(&(0..1)));
    assert_eq!(read.unwrap(), ["1"]);
    let all = remote.get_all(&["c"], 9).pop().unwrap();
    assert_eq!(all.unwrap().unwrap().1, "1");
    let large = vec![1; PART + 1];
    let put: WriteObject<'_> = Box::new(|object| {
        object.write_all(&large)?;
        Ok(WriteOutcome::Store)
    });
    remote.put_streamed("d/e/f", put).unwrap();
    for list in [remote.list(), remote.list_wide(), remote.below("d")] {
        assert!(list.unwrap().iter().any(|object| object.key == "d/e/f"));
    }
    assert_eq!(remote.entries().unwrap().len(), 2);
    remote.remove_all(&["d/e/f".to_owned()]).unwrap();
    remote.remove("c").unwrap();
    assert_eq!(remote.list().unwrap(), []);
}

#[test]
fn it_is_not_asked_for_more_often_than_told() {
    let remote = forgetful(4);
    assert!(remote.list().is_err(), "four tries, and four answers lost");
    assert!(remote.list().is_ok(), "the fifth");
}
