//! Uploads in parts to S3 that nobody has completed.
//!
//! Their parts are paid for and are in no list of objects. object_store begins, completes and
//! gives up uploads; it does not list them. Those of Google and Azure are not listed here
//! either: Azure removes parts that are a week old, and a life-cycle rule does so elsewhere.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html>

use std::time::{Duration, UNIX_EPOCH};

use http::{Method, StatusCode};
use object_store::aws::AmazonS3;
use object_store::client::{HttpClient, HttpError, HttpRequestBody, HttpResponse};
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};
use object_store::{Error, Result};
use rxrx_transport::{is_unimplemented, parse_time};
use serde::Deserialize;

/// For how long the signature of a request is good.
const SIGNED_FOR: Duration = Duration::from_secs(15 * 60);
/// Most pages of a list, each of up to 1,000 uploads.
const PAGES_AT_MOST: usize = 1000;

/// An upload that was begun, and neither completed nor given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedUpload {
    /// The key below the folder whose uploads were listed.
    pub(crate) name: String,
    /// The key in the bucket.
    key: Path,
    id: String,
    /// When it was begun by the clock of the store, in milliseconds since 1970.
    pub(crate) begun: i64,
}

/// The uploads of a bucket.
pub(super) struct UploadsOfBucket {
    pub(super) store: AmazonS3,
    pub(super) client: HttpClient,
}

/// The answer to the request for a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default, rename = "Upload")]
    uploads: Vec<Listed>,
    #[serde(default)]
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_upload_id_marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    key: String,
    upload_id: String,
    initiated: String,
}

impl UploadsOfBucket {
    /// Lists the uploads of the objects below `base`; `None` where the store does not list
    /// them, or not to this user. What a store lists beside them is left out.
    ///
    /// # Errors
    /// There is no answer, or it cannot be understood.
    pub(super) async fn below(&self, base: &Path) -> Result<Option<Vec<UnfinishedUpload>>> {
        let mut uploads = Vec::new();
        let mut after: Option<(String, String)> = None;
        for _ in 0..PAGES_AT_MOST {
            let Some(page) = self.page(base, after.as_ref()).await? else {
                return Ok(None);
            };
            for listed in page.uploads {
                uploads.extend(listed.upload(base)?);
            }
            if !page.is_truncated {
                return Ok(Some(uploads));
            }
            let key = page.next_key_marker.unwrap_or_default();
            after = Some((key, page.next_upload_id_marker.unwrap_or_default()));
        }
        Err(failed("the store lists uploads without end".into()))
    }

    async fn page(&self, base: &Path, after: Option<&(String, String)>) -> Result<Option<Page>> {
        let mut query = vec![("uploads", String::new()), ("prefix", format!("{base}/"))];
        if let Some((key, id)) = after {
            query.push(("key-marker", key.clone()));
            query.push(("upload-id-marker", id.clone()));
        }
        let options = SignedUrlOptions::new().with_query(query);
        let url = self
            .store
            .signed_url_opts(Method::GET, &Path::default(), SIGNED_FOR, &options)
            .await?;
        let request = http::Request::get(url.as_str()).body(HttpRequestBody::empty());
        let request = request.map_err(|error| failed(error.into()))?;
        let answer = match self.client.execute(request).await {
            Err(error) if is_unimplemented(&error) => return Ok(None),
            answer => answer.map_err(|error| failed(error.into()))?,
        };
        match answer.status() {
            StatusCode::OK => Ok(Some(parse(answer).await?)),
            StatusCode::BAD_REQUEST
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED => Ok(None),
            status => Err(failed(
                format!("the list of uploads was answered with {status}").into(),
            )),
        }
    }

    /// Gives up an upload. It may have ended meanwhile.
    ///
    /// # Errors
    /// The store refuses that, or does not answer.
    pub(super) async fn give_up(&self, upload: &UnfinishedUpload) -> Result<()> {
        match self.store.abort_multipart(&upload.key, &upload.id).await {
            Err(Error::NotFound { .. }) => Ok(()),
            given_up => given_up,
        }
    }
}

impl Listed {
    /// Returns the upload, if its object is below `base`.
    fn upload(self, base: &Path) -> Result<Option<UnfinishedUpload>> {
        // A key that object_store cannot name is not one of ours.
        let Ok(key) = Path::parse(&self.key) else {
            return Ok(None);
        };
        let Some(below) = key.prefix_match(base) else {
            return Ok(None);
        };
        let parts: Vec<_> = below.collect();
        let parts: Vec<&str> = parts.iter().map(|part| part.as_ref()).collect();
        let begun = parse_time(&self.initiated)
            .and_then(|begun| begun.duration_since(UNIX_EPOCH).ok())
            .and_then(|begun| i64::try_from(begun.as_millis()).ok());
        let no_time = || failed(format!("{} is no time of an upload", self.initiated).into());
        Ok(Some(UnfinishedUpload {
            name: parts.join("/"),
            begun: begun.ok_or_else(no_time)?,
            key,
            id: self.upload_id,
        }))
    }
}

async fn parse(answer: HttpResponse) -> Result<Page> {
    let bytes = answer.into_body().bytes().await;
    let bytes = bytes.map_err(|error: HttpError| failed(error.into()))?;
    quick_xml::de::from_reader(bytes.as_ref()).map_err(|error| failed(error.into()))
}

fn failed(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Generic {
        store: "S3",
        source,
    }
}
