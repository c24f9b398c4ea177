//! A bucket and the caller's permissions in it, as results show them.

use schemars::JsonSchema;
use serde::Serialize;

use super::access::{BucketAccess, PermissionLevel};
use super::evidence::Evidence;
use crate::catalog::CatalogBucket;
use crate::tools::answer_size::{AnswerBudget, beginning, length};

/// Maximum length of a bucket's title, in characters.
const MAX_TITLE_CHARS: usize = 100;
/// Maximum length of a bucket's description, in characters.
const MAX_DESCRIPTION_CHARS: usize = 200;

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
    /// What the catalog declares. It is not an answer of S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    write_declared: Option<bool>,
}

/// A [`BucketReport`] with its evidence.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EvidentReport {
    #[serde(flatten)]
    bucket: BucketReport,
    evidence: Vec<Evidence>,
    /// Present if the evidence is left out, because the answer would be too long.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    evidence_cut: bool,
}

/// Length of the members of a report without evidence, beside the bucket.
const BRIEF_CHARS: usize = 40;

/// Names of buckets, by level.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Categories {
    write_access: Vec<String>,
    /// The catalog says that they can be written, and S3 was not asked. They are in another category too.
    write_declared: Vec<String>,
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
            title: title.map(|title| beginning(&title, MAX_TITLE_CHARS)),
            description: description.map(|description| beginning(&description, MAX_DESCRIPTION_CHARS)),
            permission_level: access.level(),
            can_list: access.can_list(),
            can_read: access.can_read(),
            can_write: access.can_write(),
            write_declared: access.write_declared(),
        }
    }
}

impl BucketReport {
    /// Removes the titles and descriptions if the reports do not fit with them.
    pub(in crate::tools) fn fit_texts<'a>(reports: impl Iterator<Item = &'a mut Self>, budget: &AnswerBudget) {
        let reports: Vec<&mut Self> = reports.collect();
        let chars: usize = reports.iter().map(|report| length(report) + BRIEF_CHARS).sum();
        if chars > budget.left() {
            for report in reports {
                (report.title, report.description) = (None, None);
            }
        }
    }
}

impl EvidentReport {
    #[must_use]
    pub fn new(bucket: CatalogBucket, access: BucketAccess) -> Self {
        Self {
            bucket: BucketReport::new(bucket, &access),
            evidence: access.into_evidence(),
            evidence_cut: false,
        }
    }

    /// Reports whether anything was allowed.
    fn is_accessible(&self) -> bool {
        let level = self.bucket.permission_level;
        matches!(level, PermissionLevel::ReadAccess | PermissionLevel::WriteAccess)
    }

    /// Shortens reports to what an answer can contain beside `part`: titles and descriptions are left out first, then evidence, that
    /// of accessible buckets first, then reports.
    /// Returns whether all reports are left.
    pub(super) fn fit(reports: &mut Vec<Self>, part: &impl Serialize) -> bool {
        let mut budget = AnswerBudget::beside(part);
        BucketReport::fit_texts(reports.iter_mut().map(|report| &mut report.bucket), &budget);
        let briefs = reports.iter().map(|report| length(&report.bucket) + BRIEF_CHARS).sum();
        budget.spend(briefs);
        // Buckets that are denied or unknown need their evidence most.
        let (plain, odd): (Vec<&mut Self>, Vec<&mut Self>) =
            reports.iter_mut().partition(|report| report.is_accessible());
        for report in odd.into_iter().chain(plain) {
            if !budget.admits(&report.evidence) {
                report.evidence = Vec::new();
                report.evidence_cut = true;
            }
        }
        AnswerBudget::beside(part).truncate(reports)
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
            if bucket.write_declared == Some(true) && bucket.can_write.is_none() {
                categories.write_declared.push(bucket.name.clone());
            }
        }
        categories
    }
}
