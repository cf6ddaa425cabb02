//! The checksum of uploads to S3, and a store that can change it.
//!
//! SHA-256 is what Amazon and most servers accept. Some services refuse it: Cloudflare R2
//! for parts, Backblaze B2 always. A header of S3 is part of the signature, so each
//! checksum needs a client of its own.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// A checksum that a store compares with what arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadChecksum {
    /// `x-amz-checksum-sha256`
    Sha256,
    /// `x-amz-checksum-crc64nvme`
    Crc64Nvme,
    /// `Content-MD5`. Where the ETags of the store are MD5 sums, they are compared, too.
    Md5,
    /// No checksum of its own. The signature of a request holds the SHA-256 of its
    /// content, unless the option `unsigned_payload` is set.
    None,
}

impl UploadChecksum {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 4] = [Self::Sha256, Self::Crc64Nvme, Self::Md5, Self::None];

    /// Returns the value of the store option `checksum`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Crc64Nvme => "crc64nvme",
            Self::Md5 => "md5",
            Self::None => "none",
        }
    }

    /// Returns the checksum of that name.
    pub fn parse(name: &str) -> Option<Self> {
        let is_named = |checksum: &Self| checksum.name().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(is_named)
    }
}

/// The checksum that the clients of one address use.
#[derive(Debug, Default)]
pub struct ChosenChecksum {
    at: AtomicUsize,
    /// Whether nobody knows yet what the store accepts.
    is_open: AtomicBool,
    /// Whether it was found out.
    is_found: AtomicBool,
}

impl ChosenChecksum {
    /// Returns the checksum that is used.
    pub fn get(&self) -> UploadChecksum {
        let chosen = UploadChecksum::ALL.get(self.at.load(Ordering::Relaxed));
        chosen.copied().unwrap_or(UploadChecksum::Sha256)
    }

    /// Uses a checksum from now on.
    pub fn set(&self, checksum: UploadChecksum) {
        let at = UploadChecksum::ALL
            .iter()
            .position(|each| *each == checksum);
        self.at.store(at.unwrap_or_default(), Ordering::Relaxed);
    }

    /// Whether it is still to be found out which one the store accepts.
    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Sets whether it is to be found out which one the store accepts.
    pub fn set_open(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Relaxed);
    }

    /// Whether it was found out.
    pub fn is_found(&self) -> bool {
        self.is_found.load(Ordering::Relaxed)
    }

    /// Uses a checksum that the store was found to accept.
    pub fn found(&self, checksum: UploadChecksum) {
        self.set(checksum);
        self.is_found.store(true, Ordering::Relaxed);
        self.set_open(false);
    }
}

type Build = dyn Fn(UploadChecksum) -> Result<Arc<dyn ObjectStore>> + Send + Sync;

/// A store whose requests use the chosen checksum.
pub struct ChecksumStore {
    chosen: Arc<ChosenChecksum>,
    build: Box<Build>,
    /// The clients, in the order of [`UploadChecksum::ALL`].
    clients: [OnceLock<Arc<dyn ObjectStore>>; 4],
}

impl ChecksumStore {
    /// Makes a store whose clients `build` makes. The first one is made now.
    pub fn new(
        chosen: Arc<ChosenChecksum>,
        build: impl Fn(UploadChecksum) -> Result<Arc<dyn ObjectStore>> + Send + Sync + 'static,
    ) -> Result<Self> {
        let store = Self {
            chosen,
            build: Box::new(build),
            clients: Default::default(),
        };
        store.client()?;
        Ok(store)
    }

    fn client(&self) -> Result<&Arc<dyn ObjectStore>> {
        let chosen = self.chosen.get();
        let at = UploadChecksum::ALL.iter().zip(&self.clients);
        let mut of_chosen = at.filter(|(checksum, _)| **checksum == chosen);
        let Some((_, client)) = of_chosen.next() else {
            return Err(Error::NotImplemented {
                operation: chosen.name().to_owned(),
                implementer: self.to_string(),
            });
        };
        if let Some(client) = client.get() {
            return Ok(client);
        }
        let built = (self.build)(chosen)?;
        Ok(client.get_or_init(|| built))
    }

    /// Returns a stream of the chosen client, or one with the error that there is none.
    fn stream<T: Send + 'static>(
        &self,
        of: impl FnOnce(&dyn ObjectStore) -> BoxStream<'static, Result<T>>,
    ) -> BoxStream<'static, Result<T>> {
        match self.client() {
            Ok(client) => of(client.as_ref()),
            Err(error) => futures_util::stream::once(async { Err(error) }).boxed(),
        }
    }
}

impl fmt::Debug for ChecksumStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ChecksumStore").field(&self.chosen).finish()
    }
}

impl fmt::Display for ChecksumStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChecksumStore({})", self.chosen.get().name())
    }
}

#[async_trait]
impl ObjectStore for ChecksumStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.client()?.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.client()?.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.client()?.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.stream(|client| client.delete_stream(locations))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.stream(|client| client.list(prefix))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.client()?.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.client()?.copy_opts(from, to, options).await
    }
}
