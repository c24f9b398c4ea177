//! A revision in results: its header, and sums over its entries.

use quilt_format::PackageName;
use schemars::JsonSchema;
use serde::Serialize;

use crate::aws::s3::BucketName;
use crate::catalog::CatalogPage;
use crate::packages::ManifestFile;
use crate::tools::answer_size::{MAX_METADATA_BYTES, bounded_message};
use crate::tools::{ManifestJson, Session};

#[derive(Debug, Serialize, JsonSchema)]
pub struct Package {
    bucket: String,
    name: String,
    hash: String,
    message: Option<String>,
    metadata: Option<ManifestJson>,
    /// true: only the beginning of the metadata is shown
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    metadata_cut: bool,
    workflow: Option<ManifestJson>,
    total_entries: u64,
    total_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_url: Option<String>,
}

impl Package {
    /// Returns whether no number is shown as a string.
    pub(super) fn is_exact(&self) -> bool {
        let values = [&self.metadata, &self.workflow];
        values.into_iter().flatten().all(ManifestJson::is_exact)
    }

    pub(super) fn of(session: &Session, bucket: &BucketName, name: &PackageName, file: &ManifestFile) -> Self {
        let header = &file.index.header;
        let whole = file.index.whole;
        let metadata = header
            .user_meta()
            .map(|metadata| ManifestJson::beginning_of(metadata, MAX_METADATA_BYTES));
        let (metadata, metadata_cut) = metadata.unwrap_or((None, false));
        Self {
            bucket: bucket.to_string(),
            name: name.to_string(),
            hash: file.hash.to_string(),
            message: header.message().map(bounded_message),
            metadata,
            metadata_cut,
            workflow: header
                .workflow()
                .and_then(|workflow| ManifestJson::beginning_of(workflow, MAX_METADATA_BYTES).0),
            total_entries: whole.entries,
            total_bytes: u64::try_from(whole.total_bytes).unwrap_or(u64::MAX),
            catalog_url: session
                .links()
                .and_then(|links| links.url(&CatalogPage::revision(bucket.as_str(), name, &file.hash))),
        }
    }
}
