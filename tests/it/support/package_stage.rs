//! The embedded S3 with more buckets that the writer may use.

use serde_json::json;

use super::scene::Scene;
use super::stage::{SHARED, Stage};

/// A versioned bucket.
pub const OTHER: &str = "it-other";
/// A bucket without versions.
pub const PLAIN: &str = "it-plain";

/// Makes a scene in which reader and writer have the same rights in `OTHER` and `PLAIN` as in the shared bucket.
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

/// Returns the URI of a key that needs no encoding.
pub fn in_bucket(bucket: &str, key: &str) -> String {
    format!("s3://{bucket}/{key}")
}
