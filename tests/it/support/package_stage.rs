//! The embedded S3 with more buckets that the writer may use.

use serde_json::json;

use super::scene::Scene;
use super::stage::{SHARED, Stage};

/// Versioned, as the shared one.
pub const OTHER: &str = "it-other";
/// Not versioned.
pub const PLAIN: &str = "it-plain";

/// A scene in which reader and writer may do with `OTHER` and `PLAIN` what they may do with the shared bucket.
pub async fn several_buckets() -> Scene {
    let stage = Stage::embedded().await;
    let aws = stage.aws();
    aws.create_bucket(OTHER, None, true);
    aws.create_bucket(PLAIN, None, false);
    for (role, actions) in [
        ("reader", &["s3:Get*"][..]),
        (
            "writer",
            &["s3:Get*", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
        ),
    ] {
        let buckets = [SHARED, OTHER, PLAIN];
        let policy = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": "s3:ListBucket",
                "Resource": buckets.map(|bucket| format!("arn:aws:s3:::{bucket}")) },
            { "Effect": "Allow", "Action": actions, "Resource": buckets.map(|bucket| format!("arn:aws:s3:::{bucket}/*")) },
        ] });
        assert!(
            aws.set_role_policies(&aws.role_arn(&format!("it/{role}")), &[policy])
                .unwrap()
        );
    }
    Scene::on(stage).await
}

/// The URI of a key that needs no encoding.
pub fn in_bucket(bucket: &str, key: &str) -> String {
    format!("s3://{bucket}/{key}")
}
