//! Checksums that a dry run has computed: they serve the same caller and the same content, and no other.

use serde_json::{Value, json};

use crate::support::on_both::on_both;
use crate::support::package_stage::{OTHER, PLAIN, in_bucket, several_buckets};
use crate::support::scene::{Scene, uri};
use crate::support::stage::{SHARED, Stage};

async fn hashed(scene: &Scene, token: &str, arguments: &Value) -> (Value, Value) {
    let mut arguments = arguments.clone();
    arguments["bucket"] = SHARED.into();
    let written = scene.server.call(token, "package_create", arguments).await;
    let output = written.success();
    (output["bytes_hashed"].clone(), output["package"]["hash"].clone())
}

on_both! {
    async fn a_real_run_reads_nothing_that_a_dry_run_has_read(scene) {
        scene.stage.seed(SHARED, "in/a", b"seeded").await;
        let mut call = json!({ "name": "t/p", "files": [uri("in/a")], "dry_run": true, "overwrite": true });
        let (bytes, planned) = hashed(&scene, &scene.writer, &call).await;
        call["dry_run"] = false.into();
        let (again, hash) = hashed(&scene, &scene.writer, &call).await;
        assert_eq!((again, &hash), (json!(0), &planned));
        assert_eq!(bytes, 6, "S3 has no checksum of it");
        let verified = scene.read("package_verify", json!({ "name": "t/p", "check_objects": true })).await;
        assert_eq!((&verified["objects"]["ok"], &verified["objects"]["bytes_hashed"]), (&json!(1), &json!(6)), "{verified}");
        // Another content under the same key is read.
        scene.stage.seed(SHARED, "in/a", b"Seeded").await;
        let (bytes, other) = hashed(&scene, &scene.writer, &call).await;
        assert_eq!(bytes, 6);
        assert_ne!(other, hash);
    }

    async fn an_identical_package_needs_nothing(scene) {
        scene.stage.seed(SHARED, "in/a", b"seeded").await;
        let create = json!({ "name": "t/p", "files": [uri("in/a")], "message": "m" });
        scene.write("package_create", create.clone()).await;
        let refusal = scene.refuses("package_create", create.clone(), "conflict").await;
        assert!(refusal["hint"].as_str().unwrap().starts_with("Nothing needs doing"), "{refusal}");
        let mut other = create;
        other["message"] = "other".into();
        let refusal = scene.refuses("package_create", other, "conflict").await;
        assert!(refusal["hint"].as_str().unwrap().contains("overwrite=true"), "{refusal}");
    }
}

/// What one caller has read is not known to another, and an object without versions is known by its `ETag`.
#[tokio::test]
async fn what_was_read_is_the_callers_own() {
    let scene = several_buckets().await;
    let aws = scene.stage.aws();
    aws.put_object(OTHER, "in/a", "seeded", None, &[]).unwrap();
    aws.put_object(PLAIN, "in/a", "seeded", None, &[]).unwrap();
    let call = |bucket: &str| json!({ "name": "t/p", "files": [in_bucket(bucket, "in/a")], "dry_run": true });
    let hashed_of = async |token: &str, bucket: &str| hashed(&scene, token, &call(bucket)).await.0;
    for bucket in [OTHER, PLAIN] {
        assert_eq!(hashed_of(&scene.writer, bucket).await, 6);
        assert_eq!(hashed_of(&scene.reader, bucket).await, 6, "another caller");
        assert_eq!(hashed_of(&scene.writer, bucket).await, 0);
        assert_eq!(hashed_of(&scene.reader, bucket).await, 0);
    }
    // Its rights are asked for each time.
    aws.put_object(PLAIN, "in/a", "SEEDED", None, &[]).unwrap();
    assert_eq!(hashed_of(&scene.writer, PLAIN).await, 6);
}
