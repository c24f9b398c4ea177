//! The bucket that a call's arguments name, for the audit line. It is read before the call runs, so that refused calls have
//! it too; no decision depends on it.

use quilt_format::QuiltUri;
use serde_json::{Map, Value};

use crate::aws::s3::{BucketName, ObjectUri};

/// Arguments that may name a bucket, in order of precedence.
const NAMES: [&str; 5] = ["bucket", "bucket_name", "registry", "s3_uri", "source_bucket"];

/// Returns the bucket that the arguments of a typed tool or of an action name.
#[must_use]
pub fn bucket_argument(arguments: &Map<String, Value>) -> Option<BucketName> {
    let params = ["params", "_context"]
        .into_iter()
        .filter_map(|name| arguments.get(name)?.as_object());
    std::iter::once(arguments).chain(params).find_map(|arguments| {
        NAMES.iter().find_map(|name| {
            let text = arguments.get(*name)?.as_str()?;
            let object = || text.parse::<ObjectUri>().ok().map(|object| object.bucket);
            let package = || text.parse::<QuiltUri>().ok()?.bucket.parse().ok();
            let bucket = text.parse::<BucketName>().ok().or_else(object).or_else(package);
            bucket.filter(is_usual)
        })
    })
}

/// Reports whether a name is one that buckets have had since 2018. Names of older ones may be spelled like secrets, which do not
/// go into the audit line.
fn is_usual(bucket: &BucketName) -> bool {
    let name = bucket.as_str().as_bytes();
    let is_usual = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(b);
    name.len() <= 63 && name.iter().all(is_usual)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_name_their_bucket_in_every_style() {
        for (arguments, bucket) in [
            (json!({ "bucket": "data", "name": "team/x" }), Some("data")),
            (json!({ "bucket": "s3://data" }), Some("data")),
            (json!({ "s3_uri": "s3://data/a/b.csv?versionId=1" }), Some("data")),
            (
                json!({ "s3_uri": "quilt+s3://data#package=a/b@latest&path=c" }),
                Some("data"),
            ),
            (
                json!({ "action": "object_info", "params": { "s3_uri": "s3://data/a" } }),
                Some("data"),
            ),
            (
                json!({ "action": "browse", "_context": { "bucket": "data" } }),
                Some("data"),
            ),
            (json!({ "bucket": "Not A Bucket, perhaps a secret" }), None),
            (json!({ "bucket": 7, "params": "text" }), None),
            (json!({ "bucket": "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY" }), None),
            (json!({ "bucket": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln" }), None),
        ] {
            let found = bucket_argument(arguments.as_object().unwrap());
            assert_eq!(found.as_ref().map(BucketName::as_str), bucket, "{arguments}");
        }
    }
}
