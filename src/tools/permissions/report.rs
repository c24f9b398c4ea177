//! A bucket and the caller's permissions in it, as results show them.

use schemars::JsonSchema;
use serde::Serialize;

use super::access::{BucketAccess, PermissionLevel};
use super::evidence::Evidence;
use crate::catalog::CatalogBucket;

/// A bucket and the permissions in it; `null` means unknown.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BucketReport {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    permission_level: PermissionLevel,
    can_list: Option<bool>,
    can_read: Option<bool>,
    /// `null` means that S3 was not asked, never no.
    can_write: Option<bool>,
}

/// A [`BucketReport`] with its evidence.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EvidentReport {
    #[serde(flatten)]
    bucket: BucketReport,
    evidence: Vec<Evidence>,
}

/// Names of buckets, by level.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Categories {
    write_access: Vec<String>,
    read_access: Vec<String>,
    no_access: Vec<String>,
    unknown: Vec<String>,
}

impl BucketReport {
    #[must_use]
    pub fn new(bucket: CatalogBucket, access: &BucketAccess) -> Self {
        let CatalogBucket {
            name,
            title,
            description,
            ..
        } = bucket;
        Self {
            name,
            title,
            description,
            permission_level: access.level(),
            can_list: access.can_list(),
            can_read: access.can_read(),
            can_write: access.can_write(),
        }
    }
}

impl EvidentReport {
    #[must_use]
    pub fn new(bucket: CatalogBucket, access: BucketAccess) -> Self {
        Self {
            bucket: BucketReport::new(bucket, &access),
            evidence: access.into_evidence(),
        }
    }
}

impl Categories {
    /// Groups the buckets of these reports.
    #[must_use]
    pub fn of(reports: &[EvidentReport]) -> Self {
        let mut categories = Self::default();
        for EvidentReport { bucket, .. } in reports {
            let names = match bucket.permission_level {
                PermissionLevel::WriteAccess => &mut categories.write_access,
                PermissionLevel::ReadAccess => &mut categories.read_access,
                PermissionLevel::NoAccess => &mut categories.no_access,
                PermissionLevel::Unknown => &mut categories.unknown,
            };
            names.push(bucket.name.clone());
        }
        categories
    }
}
