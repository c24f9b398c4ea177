//! Objects that cannot be read for another reason than their policy: archived, encrypted with a key, in a requester-pays
//! bucket. A link to one would fail for its recipient.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{RestoreRequest, ServerSideEncryption, StorageClass};
use serde_json::{Value, json};

use crate::support::scene::{Scene, uri};
use crate::support::stage::{SHARED, Stage, client};

async fn scene() -> (Scene, Client) {
    let scene = Scene::on(Stage::embedded().await).await;
    let admin = client(&scene.stage.endpoint, &scene.stage.admin);
    (scene, admin)
}

async fn store(admin: &Client, key: &str, class: StorageClass) {
    let put = admin.put_object().bucket(SHARED).key(key).storage_class(class);
    put.body(b"cold".to_vec().into()).send().await.unwrap();
}

impl Scene {
    async fn info(&self, key: &str) -> Value {
        let answer = self
            .server
            .call(&self.reader, "bucket_object_info", json!({ "s3_uri": uri(key) }));
        answer.await.success()["object"].clone()
    }

    async fn reading_fails(&self, tool: &str, key: &str, code: &str) -> String {
        let answer = self
            .server
            .call(&self.reader, tool, json!({ "s3_uri": uri(key) }))
            .await;
        answer.failure(code)["error"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn an_archived_object_gets_no_link_until_it_is_restored() {
    let (scene, admin) = scene().await;
    let aws = scene.stage.aws();
    store(&admin, "glacier", StorageClass::Glacier).await;
    store(&admin, "deep", StorageClass::DeepArchive).await;
    store(&admin, "instant", StorageClass::GlacierIr).await;
    store(&admin, "tiered", StorageClass::IntelligentTiering).await;
    let link = async |key: &str| {
        let answer = scene
            .server
            .call(&scene.reader, "bucket_object_link", json!({ "s3_uri": uri(key) }))
            .await;
        answer.success()["url"].as_str().unwrap().to_owned()
    };
    link("instant").await;
    link("tiered").await;
    aws.archive_object(SHARED, "tiered", "ARCHIVE_ACCESS").unwrap();
    assert_eq!(scene.info("tiered").await["archive_status"], "ARCHIVE_ACCESS");
    for key in ["glacier", "deep", "tiered"] {
        for tool in ["bucket_object_link", "bucket_object_text", "bucket_object_fetch"] {
            let sentence = scene.reading_fails(tool, key, "upstream").await;
            assert!(
                sentence.contains("is archived and must be restored first"),
                "{tool} {key}: {sentence}"
            );
        }
    }
    assert_eq!(scene.info("glacier").await.get("restore"), None);
    let days = RestoreRequest::builder().days(3).build();
    admin
        .restore_object()
        .bucket(SHARED)
        .key("glacier")
        .restore_request(days)
        .send()
        .await
        .unwrap();
    assert_eq!(scene.info("glacier").await["restore"], json!({ "ongoing": true }));
    let sentence = scene.reading_fails("bucket_object_link", "glacier", "upstream").await;
    assert!(sentence.contains("its restore is in progress"), "{sentence}");
    aws.complete_restore(SHARED, "glacier").unwrap();
    let restore = scene.info("glacier").await["restore"].clone();
    assert_eq!(restore["ongoing"], false);
    assert!(
        restore["expires_at"].as_str().unwrap().ends_with("T00:00:00Z"),
        "{restore}"
    );
    let url = link("glacier").await;
    let client = quilt_mcp::catalog::http_client(std::time::Duration::from_secs(5)).unwrap();
    assert_eq!(client.get(url).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn without_the_right_to_decrypt_an_object_is_described_and_not_linked() {
    let (scene, admin) = scene().await;
    let put = admin
        .put_object()
        .bucket(SHARED)
        .key("sealed")
        .body(b"x".to_vec().into());
    let put = put
        .server_side_encryption(ServerSideEncryption::AwsKms)
        .ssekms_key_id("team");
    put.send().await.unwrap();
    let object = scene.info("sealed").await;
    assert_eq!((&object["size"], &object["checksums"]), (&json!(1), &json!({})));
    for tool in ["bucket_object_link", "bucket_object_text"] {
        let sentence = scene.reading_fails(tool, "sealed", "access_denied").await;
        assert!(sentence.contains("kms:Decrypt"), "{tool}: {sentence}");
    }
    let arguments = json!({ "bucket": SHARED, "name": "k/sealed", "files": [uri("sealed")] });
    let refusal = scene.refuses("package_create", arguments, "access_denied").await;
    let hint = refusal["hint"].as_str().unwrap();
    assert!(hint.contains("kms:Decrypt") && hint.contains(":key/team"), "{refusal}");
}

#[tokio::test]
async fn a_requester_pays_bucket_is_named_as_one() {
    let (scene, _) = scene().await;
    scene.stage.seed(SHARED, "k", b"1").await;
    scene.stage.aws().set_requester_pays(SHARED, true).unwrap();
    for tool in ["bucket_object_link", "bucket_object_text", "bucket_object_info"] {
        let sentence = scene.reading_fails(tool, "k", "access_denied").await;
        assert!(sentence.contains("requester-pays"), "{tool}: {sentence}");
    }
    let list = scene
        .server
        .call(&scene.reader, "bucket_objects_list", json!({ "bucket": SHARED }))
        .await;
    let failure = list.failure("access_denied");
    assert!(
        failure["error"].as_str().unwrap().contains("requester-pays"),
        "{failure}"
    );
    assert!(
        !failure["hint"].as_str().unwrap().contains("Ask for the right"),
        "{failure}"
    );
}
