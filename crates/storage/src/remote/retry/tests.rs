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
use object_store::{Error, GetOptions, ObjectMeta, ObjectStore, PutOptions};

use crate::remote::{PART, Remote};
use crate::store::{WriteObject, WriteOutcome};

/// A store that does every request, but whose answers are lost: `losses` in a row,
/// then one arrives.
#[derive(Debug)]
struct LosingAnswers {
    inner: InMemory,
    lost: AtomicUsize,
    losses: usize,
}

impl LosingAnswers {
    fn answer<T>(&self, answer: object_store::Result<T>) -> object_store::Result<T> {
        if self.lost.fetch_add(1, Ordering::Relaxed) % (self.losses + 1) == self.losses {
            return answer;
        }
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        Err(Error::Generic {
            store: "losing_answers",
            source: Box::new(HttpError::new(HttpErrorKind::Interrupted, reset)),
        })
    }
}

impl std::fmt::Display for LosingAnswers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("losing_answers")
    }
}

#[async_trait::async_trait]
impl ObjectStore for LosingAnswers {
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

fn losing_answers(losses: usize) -> Remote {
    let store = LosingAnswers {
        inner: InMemory::new(),
        lost: AtomicUsize::new(0),
        losses,
    };
    let quick = BackoffConfig {
        init_backoff: Duration::from_millis(1),
        ..BackoffConfig::default()
    };
    let mut remote = Remote::on(Arc::new(store), "a/b");
    let retry = Arc::make_mut(&mut remote.connection_mut().retry);
    retry.backoff = quick;
    retry.max_retries = 3;
    remote
}

#[test]
fn requests_whose_answers_are_lost_are_repeated() {
    let remote = losing_answers(2);
    assert!(
        !remote.put_new("c", "1".into()).unwrap(),
        "the key is taken by the first try"
    );
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
fn requests_are_repeated_as_often_as_the_options_say() {
    let remote = losing_answers(4);
    assert!(remote.list().is_err(), "four tries, and four answers lost");
    assert!(remote.list().is_ok(), "the fifth");
}
