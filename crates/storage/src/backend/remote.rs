//! An output at a prefix of an object store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::output_backend::{OutputBackend, Uploads};
use crate::lock::{Lease, LeaseFence, LeaseLock, LeaseTimes, Lock, LockError, Worker};
use crate::remote::{Remote, RemoteObject, RemoteStore, UnfinishedUpload};
use crate::store::StoreError;
use rxrx_transport::UploadChecksum;

/// The key in the work prefix of an upload that is given up, by which the checksum that
/// the store accepts is found.
const CHECKSUM_PROBE: &str = "checksum-probe";

/// A prefix and the work prefix beside it.
pub struct RemoteBackend {
    output: Remote,
    work: Remote,
    /// The output by a client that asks the fence before each try of a write.
    written: Remote,
    suffix: String,
    times: LeaseTimes,
    /// Prevents writes without the lease.
    fence: Arc<LeaseFence>,
    begun: &'static str,
    /// Whether this process is a worker, which only creates shards.
    creates: Arc<AtomicBool>,
}

impl RemoteBackend {
    /// Makes the backend of the prefix `output`, whose work prefix is named by
    /// `suffix`. A lock that is dropped removes the work prefix, unless it has an
    /// object `begun`.
    ///
    /// # Errors
    /// [`StoreError`], as [`Remote::folder`].
    pub fn new(output: Remote, suffix: &str, begun: &'static str) -> Result<Self, StoreError> {
        let fence: Arc<LeaseFence> = Arc::default();
        Ok(Self {
            work: output.beside(suffix),
            written: output.fenced(fence.clone())?,
            output,
            suffix: suffix.to_owned(),
            times: LeaseTimes::default(),
            fence,
            begun,
            creates: Arc::default(),
        })
    }

    /// Returns the work prefix.
    pub fn work(&self) -> &Remote {
        &self.work
    }

    /// Returns the work prefix by the client that asks the fence.
    fn fenced_work(&self) -> Remote {
        self.written.beside(&self.suffix)
    }

    /// Returns the store of the objects of the output, which demands the lease for
    /// every write.
    pub fn output_store(&self) -> RemoteStore {
        let store = RemoteStore::new(self.written.clone(), Some(self.fence.clone()));
        let store = store.with_work(self.fenced_work());
        store.creating_if(self.creates.clone())
    }

    /// Returns the store of the objects of the work prefix, which demands the lease
    /// for every write.
    pub fn work_store(&self) -> RemoteStore {
        RemoteStore::new(self.fenced_work(), Some(self.fence.clone()))
    }
}

/// Returns whether a time of the store is so long ago. `work` are the objects of the work
/// prefix: the lease among them is renewed all the time, so the newest one is of this moment.
fn is_older_than(age: Duration, work: &[RemoteObject]) -> impl Fn(i64) -> bool + use<> {
    let now = work.iter().map(|object| object.modified).max();
    let limit = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    move |time| now.is_some_and(|now| now - time >= limit)
}

impl OutputBackend for RemoteBackend {
    fn output_entries(&self) -> Result<Option<Vec<String>>, StoreError> {
        Ok(Some(self.output.entries()?))
    }

    fn work_entries(&self) -> Result<Option<Vec<String>>, StoreError> {
        Ok(Some(self.work.entries()?))
    }

    fn has_work(&self) -> Result<bool, StoreError> {
        Ok(!self.work.entries()?.is_empty())
    }

    fn old_work_keys(&self, age: Duration) -> Result<Vec<String>, StoreError> {
        let objects = self.work.list()?;
        let is_old = is_older_than(age, &objects);
        let old = objects.iter().filter(|object| is_old(object.modified));
        Ok(old.map(|object| object.key.clone()).collect())
    }

    fn unfinished_uploads(
        &self,
        is_ours: &dyn Fn(&str) -> bool,
    ) -> Result<Option<Uploads>, StoreError> {
        let [of_output, of_work] = [&self.output, &self.work].map(Remote::unfinished_uploads);
        let (Some(mut uploads), Some(of_work)) = (of_output?, of_work?) else {
            return Ok(None);
        };
        uploads.retain(|upload| is_ours(&upload.name));
        uploads.extend(of_work);
        let objects = self.work.list()?;
        let is_old = is_older_than(self.times.expires, &objects);
        let (dead, young): (Vec<_>, Vec<_>) =
            uploads.into_iter().partition(|upload| is_old(upload.begun));
        let young = young.len();
        Ok(Some(Uploads { dead, young }))
    }

    fn give_up_uploads(&self, uploads: &[UnfinishedUpload]) -> Result<(), StoreError> {
        self.output.give_up(uploads, self.fence.clone())
    }

    fn holder(&self) -> Result<Option<String>, LockError> {
        Ok(Lease::holder(&self.work)?)
    }

    fn lock(&self, waiting: &dyn Fn(&str)) -> Result<Box<dyn Lock>, LockError> {
        let output = self.output.location();
        let fence = self.fence.clone();
        self.creates.store(false, Ordering::Relaxed);
        let checksum = self.work.choose_checksum(CHECKSUM_PROBE);
        let lease = Lease::take(&self.work, &output, self.times, waiting)?;
        if !lease.is_exclusive() {
            self.written.forget_conditions();
        }
        let mut lock = LeaseLock::new(self.fenced_work(), lease, fence, self.begun);
        lock.set_other_checksum(checksum.map(UploadChecksum::name));
        Ok(Box::new(lock))
    }

    fn share(&self, label: &str, waiting: &dyn Fn(&str)) -> Result<Box<dyn Lock>, LockError> {
        let output = self.output.location();
        let checksum = self.work.choose_checksum(CHECKSUM_PROBE);
        let lease = Lease::share(&self.work, &output, self.times, label, waiting)?;
        self.creates.store(true, Ordering::Relaxed);
        let mut lock = LeaseLock::new(self.fenced_work(), lease, self.fence.clone(), self.begun);
        lock.set_shared();
        lock.set_other_checksum(checksum.map(UploadChecksum::name));
        Ok(Box::new(lock))
    }

    fn workers(&self) -> Result<Vec<Worker>, LockError> {
        Ok(Lease::workers(&self.work)?)
    }

    fn remove_output(&self) -> Result<(), StoreError> {
        // A prefix without objects does not exist.
        Ok(())
    }
}
