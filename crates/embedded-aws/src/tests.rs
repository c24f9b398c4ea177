//! Tests of the account over a real socket, with the AWS SDK as the client.

mod athena;
mod restricted_objects;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Builder, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart, ObjectAttributes};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{EmbeddedAws, Options, SessionKeys, synthetic_bytes};

struct Stage {
    aws: EmbeddedAws,
    endpoint: String,
    seconds: Arc<AtomicI64>,
    _stop: DropGuard,
}

fn allow(actions: &[&str]) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
}

fn trust(principal: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}]})
}

async fn stage() -> Stage {
    let seconds = Arc::new(AtomicI64::new(1_800_000_000));
    let now = Arc::clone(&seconds);
    let aws = EmbeddedAws::new(Options::new(Arc::new(move || {
        Timestamp::from_second(now.load(Ordering::SeqCst)).unwrap()
    })));
    aws.create_bucket("data", None, false);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let token = CancellationToken::new();
    let served = aws.clone();
    let stop = token.clone();
    #[expect(clippy::disallowed_methods, reason = "the drop guard of the stage ends it")]
    tokio::spawn(async move { served.serve(listener, stop).await });
    Stage {
        aws,
        endpoint,
        seconds,
        _stop: token.drop_guard(),
    }
}

impl Stage {
    fn client(&self, id: &str, secret: &str, token: Option<&str>, region: &'static str) -> Client {
        let credentials = Credentials::new(id, secret, token.map(str::to_owned), None, "test");
        let config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .endpoint_url(&self.endpoint)
            .force_path_style(true)
            .credentials_provider(credentials);
        Client::from_conf(config.build())
    }

    fn user(&self, policies: &[Value]) -> Client {
        let key = self.aws.create_user("u", policies).unwrap();
        self.client(
            &key.access_key_id,
            key.secret_access_key.expose_secret(),
            None,
            "us-east-1",
        )
    }

    fn session(&self, keys: &SessionKeys) -> Client {
        let secret = keys.secret_access_key.expose_secret();
        let token = keys.session_token.expose_secret();
        self.client(&keys.access_key_id, secret, Some(token), "us-east-1")
    }
}

fn code<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E>>) -> (u16, String) {
    let error = result.err().unwrap();
    let status = error.raw_response().unwrap().status().as_u16();
    (status, error.code().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_session_lives_by_its_role_and_clock() {
    let stage = stage().await;
    let role = stage
        .aws
        .create_role(
            "quilt/reader",
            &trust("*"),
            &[allow(&["s3:GetObject", "s3:ListBucket"])],
        )
        .unwrap();
    stage
        .aws
        .put_object("data", "k", "hello", Some("text/plain"), &[("Who", "me")])
        .unwrap();
    let keys = stage.aws.mint_session(&role, "alice", 60, None).unwrap().unwrap();
    let client = stage.session(&keys);
    let get = || client.get_object().bucket("data").key("k").send();
    assert_eq!(get().await.unwrap().metadata().unwrap()["who"], "me");
    stage
        .aws
        .set_role_policies(&role, &[allow(&["s3:ListBucket"])])
        .unwrap();
    assert_eq!(code(get().await), (403, "AccessDenied".into()));
    stage.aws.set_role_policies(&role, &[allow(&["s3:*"])]).unwrap();
    assert!(get().await.is_ok());
    stage.seconds.fetch_add(60, Ordering::SeqCst);
    assert_eq!(code(get().await), (400, "ExpiredToken".into()));
    assert_eq!(
        code(client.head_object().bucket("data").key("k").send().await),
        (400, String::new())
    );
    let again = stage.session(&stage.aws.mint_session(&role, "alice", 60, None).unwrap().unwrap());
    assert!(stage.aws.delete_role(&role));
    assert_eq!(code(again.get_object().bucket("data").key("k").send().await).0, 403);

    let entries = stage.aws.journal().entries();
    let recorded: Vec<(&str, u16)> = entries
        .iter()
        .map(|entry| (entry.operation.as_str(), entry.status))
        .collect();
    let expected = [
        ("GetObject", 200),
        ("GetObject", 403),
        ("GetObject", 200),
        ("GetObject", 400),
        ("HeadObject", 400),
        ("GetObject", 403),
    ];
    assert_eq!(recorded, expected);
    let first = &entries[0];
    assert_eq!(
        (first.bucket.as_deref(), first.key.as_deref(), first.bytes_sent),
        (Some("data"), Some("k"), 5)
    );
    assert_eq!(
        first.principal_arn.as_deref(),
        Some("arn:aws:sts::123456789012:assumed-role/reader/alice")
    );
    assert_eq!(first.access_key_id.as_ref(), Some(&keys.access_key_id));
    assert!(!format!("{entries:?} {keys:?}").contains(keys.session_token.expose_secret()));
}

#[tokio::test]
async fn a_missing_key_is_told_to_who_may_list() {
    let stage = stage().await;
    let get = |client: Client| async move { code(client.get_object().bucket("data").key("none").send().await) };
    assert_eq!(
        get(stage.user(&[allow(&["s3:GetObject"])])).await,
        (403, "AccessDenied".into())
    );
    assert_eq!(
        get(stage.user(&[allow(&["s3:GetObject", "s3:ListBucket"])])).await,
        (404, "NoSuchKey".into())
    );
}

#[tokio::test]
async fn a_wrong_region_is_redirected() {
    let stage = stage().await;
    stage.aws.create_bucket("elsewhere", Some("eu-west-1"), false);
    let key = stage.aws.create_user("u", &[allow(&["s3:*"])]).unwrap();
    let secret = key.secret_access_key.expose_secret();
    let client = stage.client(&key.access_key_id, secret, None, "us-east-1");
    let refused = client
        .get_object()
        .bucket("elsewhere")
        .key("k")
        .send()
        .await
        .unwrap_err();
    let response = refused.raw_response().unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            response.headers().get("x-amz-bucket-region")
        ),
        (301, Some("eu-west-1"))
    );
    assert_eq!(refused.code(), Some("PermanentRedirect"));
    let there = stage.client(&key.access_key_id, secret, None, "eu-west-1");
    assert_eq!(
        there
            .head_bucket()
            .bucket("elsewhere")
            .send()
            .await
            .unwrap()
            .bucket_region(),
        Some("eu-west-1")
    );
}

#[tokio::test]
async fn a_large_object_costs_its_range() {
    let stage = stage().await;
    let client = stage.user(&[allow(&["s3:*"])]);
    let size = 5_u64 << 30;
    stage.aws.put_synthetic_object("data", "big", size).unwrap();
    let got = client
        .get_object()
        .bucket("data")
        .key("big")
        .range("bytes=4294967290-4294967309")
        .send()
        .await
        .unwrap();
    assert_eq!(
        got.content_range(),
        Some(format!("bytes 4294967290-4294967309/{size}").as_str())
    );
    assert_eq!(
        got.body.collect().await.unwrap().into_bytes(),
        synthetic_bytes(4_294_967_290..4_294_967_310)
    );
    let head = client.head_object().bucket("data").key("big").send().await.unwrap();
    assert_eq!(head.content_length(), Some(i64::try_from(size).unwrap()));
}

#[tokio::test]
async fn parts_make_an_object_with_a_composite_checksum() {
    let stage = stage().await;
    let client = stage.user(&[allow(&["s3:*"])]);
    let begin = client
        .create_multipart_upload()
        .bucket("data")
        .key("m")
        .checksum_algorithm(ChecksumAlgorithm::Sha256);
    let id = begin.send().await.unwrap().upload_id().unwrap().to_owned();
    assert_eq!(stage.aws.open_uploads("data"), 1);
    let mut parts = Vec::new();
    for (number, bytes) in [(1, vec![b'p'; 5 << 20]), (2, b"tail".to_vec())] {
        let part = client
            .upload_part()
            .bucket("data")
            .key("m")
            .upload_id(&id)
            .part_number(number);
        let part = part
            .body(ByteStream::from(bytes))
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .send()
            .await
            .unwrap();
        parts.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(part.e_tag)
                .set_checksum_sha256(part.checksum_sha256)
                .build(),
        );
    }
    let upload = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let complete = || {
        client
            .complete_multipart_upload()
            .bucket("data")
            .key("m")
            .upload_id(&id)
    };
    let done = complete()
        .multipart_upload(upload.clone())
        .if_none_match("*")
        .send()
        .await
        .unwrap();
    assert!(done.checksum_sha256().unwrap().ends_with("-2"));
    assert_eq!(
        (stage.aws.open_uploads("data"), stage.aws.object_exists("data", "m")),
        (0, true)
    );
    assert_eq!(
        code(complete().multipart_upload(upload).send().await),
        (404, "NoSuchUpload".into())
    );
    let asked = client.get_object_attributes().bucket("data").key("m");
    let asked = asked
        .object_attributes(ObjectAttributes::ObjectParts)
        .object_attributes(ObjectAttributes::Checksum);
    let attributes = asked.send().await.unwrap();
    assert_eq!(attributes.object_parts().unwrap().parts().len(), 2);
    assert_eq!(attributes.checksum().unwrap().checksum_sha256(), done.checksum_sha256());
}

#[tokio::test]
async fn a_default_put_is_verified_by_its_trailer() {
    let stage = stage().await;
    let client = stage.user(&[allow(&["s3:*"])]);
    let body = vec![7_u8; 3_000_000];
    client
        .put_object()
        .bucket("data")
        .key("k")
        .body(ByteStream::from(body.clone()))
        .send()
        .await
        .unwrap();
    assert_eq!(stage.aws.object_bytes("data", "k").unwrap(), body);
    let head = client
        .head_object()
        .bucket("data")
        .key("k")
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    assert!(head.checksum_crc32().is_some());
    let again = client
        .put_object()
        .bucket("data")
        .key("k")
        .if_none_match("*")
        .body(ByteStream::from_static(b"x"))
        .send()
        .await;
    assert_eq!(code(again), (412, "PreconditionFailed".into()));
    let onto = client
        .copy_object()
        .bucket("data")
        .key("k")
        .copy_source("data/k")
        .if_none_match("*");
    let onto = onto
        .metadata_directive(aws_sdk_s3::types::MetadataDirective::Replace)
        .send()
        .await;
    assert_eq!(code(onto), (412, "PreconditionFailed".into()));
}
