//! The server's own credentials, from a container's endpoint as ECS and EKS have it.

use serde_json::{Value, json};
use wiremock::matchers::{any, header_regex, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::program::Program;
use crate::support::{SECRET, token};

const ROLE: &str = "arn:aws:iam::123456789012:role/reader";

/// The variables of a program with this endpoint of its container, and this server as its S3 and STS.
fn variables(container: &MockServer, aws: &MockServer) -> Vec<(&'static str, String)> {
    vec![
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/keys", container.uri()),
        ),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("AWS_ENDPOINT_URL_S3", aws.uri()),
        ("AWS_ENDPOINT_URL_STS", aws.uri()),
        ("MCP_JWT_SECRET", SECRET.to_owned()),
    ]
}

/// A container's endpoint that gives one key after the other.
async fn container(keys: &[&str]) -> MockServer {
    let server = MockServer::start().await;
    for (index, key) in keys.iter().enumerate() {
        let body =
            json!({ "AccessKeyId": key, "SecretAccessKey": "s", "Token": "t", "Expiration": "2099-01-01T00:00:00Z" });
        let answer = Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(body));
        let is_last = index + 1 == keys.len();
        let answer = if is_last { answer } else { answer.up_to_n_times(1) };
        answer.mount(&server).await;
    }
    server
}

async fn asked(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

fn subject(number: usize) -> String {
    token(json!({ "sub": format!("user-{number}") }))
}

fn of(bucket: &str) -> Value {
    json!({ "bucket": bucket })
}

fn refusal(code: &str) -> ResponseTemplate {
    let body = format!("<Error><Code>{code}</Code><Message>No longer.</Message></Error>");
    ResponseTemplate::new(403).set_body_raw(body, "application/xml")
}

/// Each call used to wait for the calls before it, and then asked by itself.
#[tokio::test]
async fn callers_share_the_failure_of_the_servers_own_credentials() {
    let aws = MockServer::start().await;
    let mut requests = Vec::new();
    for callers in [1, 6] {
        let container = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(500))
            .mount(&container)
            .await;
        let program = Program::serve(&[], &variables(&container, &aws)).await;
        let tokens: Vec<String> = (0..callers).map(subject).collect();
        let calls = tokens
            .iter()
            .map(|bearer| program.server.call(bearer, "bucket_objects_list", of("bucket")));
        for answer in futures::future::join_all(calls).await {
            assert_eq!(answer.failure("request_failed")["retryable"], true);
        }
        requests.push(asked(&container).await);
    }
    assert_eq!(
        requests[0], requests[1],
        "the SDK's attempts for one caller, and for six"
    );
}

/// A task's role that is replaced, or sessions that are revoked, end credentials before their expiry.
#[tokio::test]
async fn own_credentials_that_sts_does_not_take_are_fetched_again() {
    for code in ["ExpiredToken", "InvalidClientTokenId", "InvalidAccessKeyId"] {
        let (container, sts) = (container(&["AKIAFIRST", "AKIASECOND"]).await, MockServer::start().await);
        let wrapped =
            format!("<ErrorResponse><Error><Code>{code}</Code><Message>No longer.</Message></Error></ErrorResponse>");
        Mock::given(header_regex("authorization", "AKIAFIRST"))
            .respond_with(ResponseTemplate::new(403).set_body_raw(wrapped, "text/xml"))
            .mount(&sts)
            .await;
        let session = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIASESSION</AccessKeyId>\
                       <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
                       <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
        Mock::given(header_regex("authorization", "AKIASECOND"))
            .respond_with(ResponseTemplate::new(200).set_body_raw(session, "text/xml"))
            .mount(&sts)
            .await;
        let flags = [format!("--assumable-roles={ROLE}")];
        let program = Program::serve(&flags, &variables(&container, &sts)).await;
        let bearer = |number: usize| token(json!({ "sub": format!("user-{number}"), "role_arn": ROLE }));
        let tokens = [bearer(1), bearer(2)];
        let calls = tokens
            .iter()
            .map(|bearer| program.server.call(bearer, "auth_status", json!({})));
        for answer in futures::future::join_all(calls).await {
            assert_eq!(answer.success()["credential_source"], "jwt", "{code}: {}", answer.body);
        }
        assert_eq!(asked(&container).await, 2, "{code}");
    }
}

#[tokio::test]
async fn own_credentials_that_s3_does_not_take_are_fetched_again() {
    for code in ["ExpiredToken", "InvalidAccessKeyId"] {
        let (container, s3) = (container(&["AKIAFIRST", "AKIASECOND"]).await, MockServer::start().await);
        Mock::given(header_regex("authorization", "AKIAFIRST"))
            .respond_with(refusal(code))
            .mount(&s3)
            .await;
        let list = "<ListBucketResult><Name>bucket</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>";
        Mock::given(header_regex("authorization", "AKIASECOND"))
            .and(method("GET"))
            .respond_with(ResponseTemplate::new(200).set_body_raw(list, "application/xml"))
            .mount(&s3)
            .await;
        let program = Program::serve(&[], &variables(&container, &s3)).await;
        let answer = program
            .server
            .call(&subject(1), "bucket_objects_list", of("bucket"))
            .await;
        assert_eq!(answer.success()["credential_source"], "ambient", "{code}");
        assert_eq!(asked(&container).await, 2, "{code}");
    }
}

/// A provider that gives the same key again is not asked for each call.
#[tokio::test]
async fn own_credentials_that_stay_refused_are_not_fetched_for_each_call() {
    let (container, s3) = (container(&["AKIAFIRST"]).await, MockServer::start().await);
    Mock::given(any())
        .respond_with(refusal("InvalidAccessKeyId"))
        .mount(&s3)
        .await;
    let program = Program::serve(&[], &variables(&container, &s3)).await;
    for number in 0..4 {
        let answer = program
            .server
            .call(&subject(number), "bucket_objects_list", of("bucket"))
            .await;
        let failure = answer.failure("access_denied");
        assert!(failure["hint"].as_str().unwrap().contains("operator"), "{failure}");
    }
    assert_eq!(asked(&container).await, 2);
}

/// The SDK panics if it signs with such a key.
#[tokio::test]
async fn own_keys_with_outer_white_space_sign_and_others_are_named() {
    let s3 = MockServer::start().await;
    let list = "<ListBucketResult><Name>bucket</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>";
    Mock::given(header_regex("authorization", "Credential=AKIAOWN/"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(list, "application/xml"))
        .mount(&s3)
        .await;
    let serve = async |id: &str| {
        let keys = [
            ("AWS_ACCESS_KEY_ID", id.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret\n".to_owned()),
            ("AWS_ENDPOINT_URL_S3", s3.uri()),
            ("MCP_JWT_SECRET", SECRET.to_owned()),
        ];
        let program = Program::serve(&[], &keys).await;
        program
            .server
            .call(&subject(1), "bucket_objects_list", of("bucket"))
            .await
    };
    assert_eq!(serve("AKIAOWN\n").await.success()["credential_source"], "ambient");
    let answer = serve("AKIA\nOWN").await;
    let failure = answer.failure("missing_config");
    assert_eq!(failure["retryable"], false);
    let error = failure["error"].as_str().unwrap();
    assert!(
        error.contains("ambient: the server's own credentials cannot be used: the access key id"),
        "{error}"
    );
}

/// One person's own server, with a helper as single sign-on tools install it.
#[tokio::test]
async fn a_profile_may_run_a_process_for_its_credentials() {
    let s3 = MockServer::start().await;
    let list = "<ListBucketResult><Name>bucket</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>";
    Mock::given(header_regex("authorization", "Credential=AKIAPROCESS/"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(list, "application/xml"))
        .mount(&s3)
        .await;
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.json");
    std::fs::write(
        &keys,
        r#"{"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": "s"}"#,
    )
    .unwrap();
    let config = folder.path().join("config");
    std::fs::write(
        &config,
        format!("[default]\ncredential_process = cat {}\n", keys.display()),
    )
    .unwrap();
    let variables = [
        ("AWS_CONFIG_FILE", config.display().to_string()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("AWS_ENDPOINT_URL_S3", s3.uri()),
        ("MCP_JWT_SECRET", SECRET.to_owned()),
    ];
    let program = Program::serve(&[], &variables).await;
    let answer = program
        .server
        .call(&subject(1), "bucket_objects_list", of("bucket"))
        .await;
    assert_eq!(answer.success()["credential_source"], "ambient");
}
