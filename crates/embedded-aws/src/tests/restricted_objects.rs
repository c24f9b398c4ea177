//! Objects that need more than a permission of S3: a restore, the use of a key, an offer to pay.

use std::sync::atomic::Ordering;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ArchiveStatus, ChecksumMode, RequestPayer, RestoreRequest, ServerSideEncryption, StorageClass,
};

use super::{allow, code, stage};

#[tokio::test]
async fn an_archived_object_is_read_after_its_restore() {
    let stage = stage().await;
    let client = stage.user(&[allow(&["s3:*"])]);
    let put = client
        .put_object()
        .bucket("data")
        .key("k")
        .storage_class(StorageClass::Glacier);
    put.body(ByteStream::from_static(b"x")).send().await.unwrap();
    let get = || client.get_object().bucket("data").key("k").send();
    let head = || client.head_object().bucket("data").key("k").send();
    let restore = || {
        let days = RestoreRequest::builder().days(1).build();
        client
            .restore_object()
            .bucket("data")
            .key("k")
            .restore_request(days)
            .send()
    };
    assert_eq!(code(get().await), (403, "InvalidObjectState".into()));
    restore().await.unwrap();
    assert_eq!(head().await.unwrap().restore(), Some("ongoing-request=\"true\""));
    assert_eq!(code(restore().await), (409, "RestoreAlreadyInProgress".into()));
    stage.seconds.fetch_add(5 * 3600, Ordering::SeqCst);
    assert!(
        head()
            .await
            .unwrap()
            .restore()
            .unwrap()
            .starts_with("ongoing-request=\"false\"")
    );
    assert!(get().await.is_ok());

    let put = client
        .put_object()
        .bucket("data")
        .key("t")
        .storage_class(StorageClass::IntelligentTiering);
    put.body(ByteStream::from_static(b"x")).send().await.unwrap();
    stage.aws.archive_object("data", "t", "DEEP_ARCHIVE_ACCESS").unwrap();
    let tiered = client.head_object().bucket("data").key("t").send().await.unwrap();
    assert_eq!(
        tiered.archive_status().map(ArchiveStatus::as_str),
        Some("DEEP_ARCHIVE_ACCESS")
    );
    assert_eq!(code(client.get_object().bucket("data").key("t").send().await).0, 403);
}

#[tokio::test]
async fn a_key_of_kms_has_rights_of_its_own() {
    let stage = stage().await;
    let client = stage.user(&[allow(&["s3:*"])]);
    let put = |client: &Client| {
        let put = client
            .put_object()
            .bucket("data")
            .key("k")
            .body(ByteStream::from_static(b"x"));
        put.server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id("one")
            .send()
    };
    assert_eq!(code(put(&client).await), (403, "AccessDenied".into()));
    put(&stage.user(&[allow(&["s3:*", "kms:*"])])).await.unwrap();
    let refused = client.get_object().bucket("data").key("k").send().await.unwrap_err();
    let message = refused.message().unwrap_or_default().to_owned();
    assert!(
        message.contains("kms:Decrypt on resource: \"arn:aws:kms:us-east-1:123456789012:key/one\""),
        "{message}"
    );
    let head = || client.head_object().bucket("data").key("k");
    assert_eq!(code(head().checksum_mode(ChecksumMode::Enabled).send().await).0, 403);
    assert!(
        head()
            .send()
            .await
            .unwrap()
            .ssekms_key_id()
            .unwrap()
            .ends_with(":key/one")
    );
}

#[tokio::test]
async fn a_requester_pays_bucket_answers_who_offers_to_pay() {
    let stage = stage().await;
    let client = stage.user(&[allow(&["s3:*"])]);
    stage.aws.put_object("data", "k", "x", None, &[]).unwrap();
    stage
        .aws
        .set_response_headers("data", "k", &[("x-amz-missing-meta", b"2")])
        .unwrap();
    stage.aws.set_requester_pays("data", true).unwrap();
    let get = || client.get_object().bucket("data").key("k");
    assert_eq!(code(get().send().await), (403, "AccessDenied".into()));
    let got = get().request_payer(RequestPayer::Requester).send().await.unwrap();
    assert_eq!(got.missing_meta(), Some(2));
}
