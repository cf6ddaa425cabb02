//! Comparison of the objects of a sealed dataset with each other.
//!
//! | object | is compared with |
//! |---|---|
//! | `zarr.json` | the consolidated metadata in the root; the settings and the columns |
//! | attributes of the root for other programs, such as `ome` | its other attributes |
//! | labels | the columns of `metadata.parquet`, the status of each plane, the channels in the root |
//! | `channels.parquet` | the channels in the root |
//! | `LICENSE.txt` | the licence in the root |
//! | `channel_stats.parquet` | the sums in `planes.parquet` |
//! | display windows in the root that the data give | the percentiles in `planes.parquet` |
//! | `embeddings.parquet` | the digest in the root, the site ids in `metadata.parquet` |
//! | `croissant.json` | sizes and checksums of the tables, their columns, the attributes of the root |
//! | tables | each other, the attributes of the root |

mod derived;
mod documents;
mod error_chain;
mod finding;
mod labels;
mod table_checks;
mod tables;

use std::collections::BTreeMap;

use bytes::Bytes;
use rxrx_format::Root;

use self::derived::{
    check_channel_stats, check_channels, check_croissant, check_embeddings, check_license,
    check_plates, check_windows,
};
use self::documents::check_root;
pub use self::documents::{check_document, label_keys};
pub use self::error_chain::error_chain;
pub use self::finding::{Finding, FindingKind, Findings, Found, ObjectFindings, SiteSpan};
use self::labels::check_labels;
use self::table_checks::check_tables;
pub use self::tables::Tables;

/// Compares tables, labels and documents with each other and with `root`. `objects`
/// are the intact ones, by key; an absent object is not compared. Returns the tables.
pub fn check_objects(
    root: &Root,
    objects: &BTreeMap<String, Bytes>,
    findings: &Findings,
) -> Tables {
    let tables = Tables::read(root, objects, findings);
    check_root(root, findings);
    check_tables(&tables, root, findings);
    check_labels(&tables, root, objects, findings);
    check_channels(root, objects, findings);
    check_license(root, objects, findings);
    check_plates(&tables, root, objects, findings);
    check_channel_stats(&tables, root, objects, findings);
    check_windows(&tables, root, findings);
    check_embeddings(&tables, root, objects, findings);
    check_croissant(&tables, root, objects, findings);
    tables
}
