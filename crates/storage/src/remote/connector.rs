//! The HTTP client below object_store, which sees each try of each request.
//!
//! object_store repeats requests by itself and adds no condition to some of them. This
//! client asks the fence before each try of a request that may change something, ends a
//! try that gets no answer before the lease can expire, and adds checksums and
//! conditions. It reads the checksums that the store states, and signs a request anew
//! whose credential has expired.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use http::Method;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use rxrx_transport::{
    Cloud, GuardedConnector, Md5Tags, Renewal, Signer, StatedChecksums, TransportSettings,
    UploadChecksum, add_checksum,
};

use super::condition::Condition;
use super::fence::{Fence, FenceError, PAUSE, WAIT};

/// A write looks at the fence so often, because timers stand still while the machine
/// sleeps.
const LOOK: Duration = Duration::from_secs(1);

/// Makes the HTTP clients of one store.
#[derive(Clone)]
pub(super) struct StoreConnector {
    pub(super) cloud: Cloud,
    /// The check before each try of a write.
    pub(super) fence: Option<Arc<dyn Fence>>,
    /// Signs requests anew whose credential has expired.
    pub(super) renewal: Option<Renewal>,
    /// Signs requests to S3 that got another header.
    pub(super) signer: Option<Signer>,
    pub(super) transport: TransportSettings,
    /// The checksum of uploads to S3.
    pub(super) checksum: UploadChecksum,
}

impl fmt::Debug for StoreConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_fenced = self.fence.is_some();
        write!(f, "StoreConnector({:?}, fenced: {is_fenced})", self.cloud)
    }
}

impl HttpConnector for StoreConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(StoreService {
            connector: self.clone(),
            tags: Md5Tags::default(),
            client: GuardedConnector::new(self.transport.clone()).connect(options)?,
        }))
    }
}

/// A client that makes every request a [`StoreConnector`] way.
#[derive(Debug)]
struct StoreService {
    connector: StoreConnector,
    tags: Md5Tags,
    client: HttpClient,
}

#[async_trait]
impl HttpService for StoreService {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let StoreConnector {
            cloud,
            renewal,
            checksum,
            ..
        } = &self.connector;
        let method = request.method().clone();
        if Condition::add(*cloud, &mut request)
            && let Some(signer) = &self.connector.signer
        {
            signer.sign(&mut request).await?;
        }
        add_checksum(*cloud, *checksum, &mut request).await?;
        let md5 = request.headers().get("content-md5").cloned();
        let mut answer = match renewal {
            None => self.send(request).await?,
            Some(renewal) => {
                // The content is shared, not copied.
                let answer = self.send(request.clone()).await?;
                match renewal.after(request, answer).await? {
                    (answer, None) => answer,
                    (_, Some(again)) => self.send(again).await?,
                }
            }
        };
        if *cloud == Cloud::S3 {
            self.tags.check(md5.as_ref(), &answer)?;
        }
        if method == Method::HEAD {
            let stated = StatedChecksums::of(*cloud, answer.headers());
            answer.extensions_mut().insert(stated);
        }
        Ok(answer)
    }
}

impl StoreService {
    /// Sends a request, one that writes only while this process may write.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        match &self.connector.fence {
            Some(fence) if !request.method().is_safe() => {
                wait_until_open(fence.as_ref()).await?;
                self.send_while_open(fence.as_ref(), request).await
            }
            _ => self.client.execute(request).await,
        }
    }

    /// Sends a write and gives it up before another process may write.
    async fn send_while_open(
        &self,
        fence: &dyn Fence,
        request: HttpRequest,
    ) -> Result<HttpResponse, HttpError> {
        let mut answer = Box::pin(self.client.execute(request));
        loop {
            let left = left(fence)?;
            if left.is_zero() {
                return Err(HttpError::new(
                    HttpErrorKind::Interrupted,
                    FenceError::NotRenewed,
                ));
            }
            let timer = Box::pin(tokio::time::sleep(left.min(LOOK)));
            match select(answer, timer).await {
                Either::Left((answer, _)) => return answer,
                Either::Right(((), running)) => answer = running,
            }
        }
    }
}

/// Waits until this process may write.
async fn wait_until_open(fence: &dyn Fence) -> Result<(), HttpError> {
    let begun = std::time::Instant::now();
    while left(fence)?.is_zero() {
        if begun.elapsed() >= WAIT {
            let error = FenceError::NotRenewed;
            return Err(HttpError::new(HttpErrorKind::Unknown, error));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Returns for how long this process may write. No repeat helps after an error.
fn left(fence: &dyn Fence) -> Result<Duration, HttpError> {
    let failed = |error| HttpError::new(HttpErrorKind::Unknown, FenceError::Closed(error));
    fence.left().map_err(failed)
}

#[cfg(test)]
mod tests;
