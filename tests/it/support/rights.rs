//! Roles with each kind of right in the shared bucket, beside the stage's reader and writer.

use serde_json::{Value, json};

use super::stage::{PRIVATE, SHARED};

/// Returns a policy of these statements.
pub fn policy(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// Returns a statement about the shared bucket itself.
pub fn on_bucket(action: &str) -> Value {
    json!({ "Effect": "Allow", "Action": action, "Resource": format!("arn:aws:s3:::{SHARED}") })
}

/// Returns a statement about some of the shared bucket's objects.
pub fn on_objects(effect: &str, actions: &[&str], keys: &str) -> Value {
    json!({ "Effect": effect, "Action": actions, "Resource": format!("arn:aws:s3:::{SHARED}/{keys}") })
}

const READ: [&str; 1] = ["s3:GetObject"];
const WRITE: [&str; 2] = ["s3:PutObject", "s3:AbortMultipartUpload"];
const BOTH: [&str; 3] = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"];

/// Returns a statement about both buckets and their objects.
fn on_both_buckets(actions: &[&str]) -> Value {
    let buckets = [SHARED, PRIVATE].map(|bucket| format!("arn:aws:s3:::{bucket}"));
    let objects = buckets.clone().map(|bucket| format!("{bucket}/*"));
    let all = [buckets, objects].concat();
    json!({ "Effect": "Allow", "Action": actions, "Resource": all })
}

/// Returns the policies of the roles, by name.
pub fn roles() -> Vec<(&'static str, Value)> {
    let list = on_bucket("s3:ListBucket");
    let of_team = json!({ "Effect": "Allow", "Action": "s3:ListBucket", "Resource": format!("arn:aws:s3:::{SHARED}"),
        "Condition": { "StringLike": { "s3:prefix": ["team-a/*"] } } });
    let of_packages = json!({ "Effect": "Allow", "Action": "s3:ListBucket", "Resource": format!("arn:aws:s3:::{SHARED}"),
        "Condition": { "StringLike": { "s3:prefix": [".quilt/named_packages/*"] } } });
    vec![
        ("powerless", policy(&[on_bucket("s3:GetBucketVersioning")])),
        ("lister", policy(std::slice::from_ref(&list))),
        ("getter", policy(&[on_objects("Allow", &READ, "*")])),
        ("editor", policy(&[list.clone(), on_objects("Allow", &BOTH, "*")])),
        ("dropbox", policy(&[on_objects("Allow", &WRITE, "*")])),
        ("team-a", policy(&[of_team, on_objects("Allow", &BOTH, "team-a/*")])),
        (
            "auditor",
            policy(&[
                json!({ "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*" }),
                list.clone(),
                on_objects("Allow", &READ, "*"),
            ]),
        ),
        (
            "packages",
            policy(&[of_packages, on_objects("Allow", &READ, ".quilt/*")]),
        ),
        (
            "promoter",
            policy(&[on_both_buckets(&[
                "s3:ListBucket",
                "s3:GetObject",
                "s3:GetObjectVersion",
                "s3:GetObjectAttributes",
                "s3:GetObjectVersionAttributes",
                "s3:PutObject",
                "s3:AbortMultipartUpload",
            ])]),
        ),
        (
            "forbidden",
            policy(&[
                list,
                on_objects("Allow", &BOTH, "*"),
                on_objects("Deny", &["s3:PutObject"], "*"),
            ]),
        ),
    ]
}
