//! Probes of listing and reading a bucket. Operations that S3 does not answer about before the deadline stay unknown.

use super::access::BucketAccess;
use super::bucket_probe::{BucketProbe, ProbeFailure};
use super::evidence::{Evidence, Operation};
use super::probe_set::ProbeSet;
use super::verdict::{Verdict, verdict, verdict_on_guess};
use crate::aws::s3::{Listing, ListingQuery, ObjectKey, ObjectUri};
use crate::aws::{AwsError, AwsErrorKind};
use crate::tools::Session;

/// Prefix of the pointers to packages.
const PACKAGES: &str = ".quilt/named_packages/";
/// Keys that exist in many buckets of a catalog. They are read if no key can be listed; then only a success is evidence.
const LIKELY_KEYS: [&str; 2] = ["README.md", ".quilt/workflows/config.yml"];
/// Number of listed keys, of which the first and the last are read.
const LISTED_KEYS: i32 = 10;

/// Probes listing and reading.
pub(super) async fn probe(probe: &BucketProbe<'_>, probes: ProbeSet) -> BucketAccess {
    if !probes.list && !probes.read {
        return BucketAccess::default();
    }
    if !probe.prefix.is_empty() {
        return probe_prefix(probe, probes).await;
    }
    let (whole, packages) = tokio::join!(list(probe, ""), list(probe, PACKAGES));
    let mut evidence = listing_evidence(probe, &whole, &packages);
    let is_missing = is_missing(&whole);
    if probes.read {
        evidence.push(read_listed(probe, whole, packages).await);
    }
    if is_missing {
        BucketAccess::missing_bucket(evidence)
    } else {
        BucketAccess::new(evidence)
    }
}

/// Probes listing and reading below a prefix.
async fn probe_prefix(probe: &BucketProbe<'_>, probes: ProbeSet) -> BucketAccess {
    let listed = list(probe, probe.prefix).await;
    let of_list = match &listed {
        Ok(_) => (Some(true), "S3 listed it.".to_owned()),
        Err(failure) => probe.judge(failure, verdict),
    };
    let method = format!("ListObjectsV2 prefix={}", probe.prefix);
    let mut evidence = vec![probe.s3_evidence(Operation::List, method, of_list)];
    if probes.read {
        evidence.push(match usable_keys(&listed) {
            Some((first, last)) => read_either(probe, &first, &last).await,
            None => match &listed {
                Ok(_) => no_read(
                    probe,
                    (None, "There is no key below the prefix that could be read.".to_owned()),
                ),
                Err(_) if probe.prefix.ends_with('/') => {
                    let [name, _] = LIKELY_KEYS;
                    read_likely(probe, &format!("{}{name}", probe.prefix)).await
                }
                // The prefix may be a key.
                Err(_) => read_likely(probe, probe.prefix).await,
            },
        });
    }
    if is_missing(&listed) {
        BucketAccess::missing_bucket(evidence)
    } else {
        BucketAccess::new(evidence)
    }
}

async fn list(probe: &BucketProbe<'_>, prefix: &str) -> Result<Listing, ProbeFailure> {
    let query = ListingQuery {
        prefix: prefix.to_owned(),
        max_keys: LISTED_KEYS,
        ..ListingQuery::default()
    };
    probe.with_deadline(probe.s3.list_objects(probe.bucket, &query)).await
}

/// Returns the evidence about the whole bucket, and about its packages if that differs.
fn listing_evidence(
    probe: &BucketProbe<'_>,
    whole: &Result<Listing, ProbeFailure>,
    packages: &Result<Listing, ProbeFailure>,
) -> Vec<Evidence> {
    let judge = |listing: &Result<Listing, ProbeFailure>| match listing {
        Ok(_) => (Some(true), "S3 listed it.".to_owned()),
        Err(failure) => probe.judge(failure, verdict),
    };
    let of_whole = judge(whole);
    let of_packages = judge(packages);
    let differs = of_packages.0.is_some() && of_packages.0 != of_whole.0;
    let mut evidence = vec![probe.s3_evidence(Operation::List, "ListObjectsV2".to_owned(), of_whole)];
    if differs {
        let method = format!("ListObjectsV2 prefix={PACKAGES}");
        evidence.push(probe.s3_evidence(Operation::ListPackages, method, of_packages));
    }
    evidence
}

/// Reads a byte of a listed key or, if nothing can be listed, of a likely key.
async fn read_listed(
    probe: &BucketProbe<'_>,
    whole: Result<Listing, ProbeFailure>,
    packages: Result<Listing, ProbeFailure>,
) -> Evidence {
    if let Err(failure) = &whole
        && (is_missing(&whole) || matches!(failure, ProbeFailure::Timeout))
    {
        return no_read(probe, probe.judge(failure, verdict));
    }
    match usable_keys(&whole).or_else(|| usable_keys(&packages)) {
        Some((first, last)) => read_either(probe, &first, &last).await,
        None if whole.is_ok() => no_read(probe, (None, "The bucket shows no key that could be read.".to_owned())),
        None => {
            let [first, second] = LIKELY_KEYS;
            let evidence = read_likely(probe, first).await;
            if evidence.result == Some(true) {
                evidence
            } else {
                read_likely(probe, second).await
            }
        }
    }
}

/// Reads the first key and, if that does not succeed, the last. Permissions may differ by key: one readable key is enough,
/// and a refusal is better evidence than a missing answer.
async fn read_either(probe: &BucketProbe<'_>, first: &ObjectKey, last: &ObjectKey) -> Evidence {
    let evidence = read_key(probe, first, verdict).await;
    if evidence.result == Some(true) || last == first {
        return evidence;
    }
    let other = read_key(probe, last, verdict).await;
    if other.result == Some(true) || evidence.result.is_none() {
        other
    } else {
        evidence
    }
}

async fn read_likely(probe: &BucketProbe<'_>, key: &str) -> Evidence {
    match key.parse() {
        Ok(key) => read_key(probe, &key, verdict_on_guess).await,
        Err(problem) => no_read(probe, (None, problem)),
    }
}

async fn read_key(probe: &BucketProbe<'_>, key: &ObjectKey, judge: fn(&Session, &AwsError) -> Verdict) -> Evidence {
    let object = ObjectUri::latest(probe.bucket.clone(), key.clone());
    let answer = probe.with_deadline(probe.s3.get_range(&object, 0, 1)).await;
    let is_denied = matches!(&answer, Err(ProbeFailure::S3(error)) if error.kind == AwsErrorKind::AccessDenied);
    let verdict = match answer {
        Ok(_) => (Some(true), "S3 returned a byte of it.".to_owned()),
        Err(failure) => probe.judge(&failure, judge),
    };
    let method = format!("GetObject Range=bytes=0-0 of {object}");
    Evidence {
        is_denied,
        ..probe.s3_evidence(Operation::Read, method, verdict)
    }
}

/// Returns the evidence about reading if no key was read.
fn no_read(probe: &BucketProbe<'_>, verdict: Verdict) -> Evidence {
    probe.s3_evidence(Operation::Read, "no key to read; ListObjectsV2".to_owned(), verdict)
}

fn is_missing(listing: &Result<Listing, ProbeFailure>) -> bool {
    matches!(listing, Err(ProbeFailure::S3(error)) if error.kind == AwsErrorKind::NoSuchBucket)
}

/// Returns the first and the last key of a listing.
fn usable_keys(listing: &Result<Listing, ProbeFailure>) -> Option<(ObjectKey, ObjectKey)> {
    let objects = &listing.as_ref().ok()?.objects;
    let keys: Vec<ObjectKey> = objects.iter().filter_map(|object| object.key.parse().ok()).collect();
    Some((keys.first()?.clone(), keys.last()?.clone()))
}
