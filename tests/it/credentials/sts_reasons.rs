//! What STS answers, as the caller and the operator read it: the sentence, whose fault it is, whether to try again.

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::server::Server;
use crate::support::stage::Keys;
use crate::support::{SECRET, token};

const ROLE: &str = "arn:aws:iam::123456789012:role/reader";

fn own() -> Keys {
    Keys {
        access_key_id: "AKIASERVER".to_owned(),
        secret_access_key: "s".to_owned(),
        session_token: None,
    }
}

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

fn error(status: u16, code: &str, message: &str) -> ResponseTemplate {
    let body = format!("<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>");
    ResponseTemplate::new(status).set_body_raw(body, "text/xml")
}

/// The failure of a call whose role STS does not give, and the message of the attempt.
async fn refused(answer: ResponseTemplate) -> (Value, String) {
    let sts = answering(answer).await;
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--assumable-roles={ROLE}"),
        format!("--sts-endpoint={}", sts.uri()),
    ];
    let server = Server::start_with(Some(&own()), &flags).await;
    let bearer = token(json!({ "sub": "alice", "role_arn": ROLE }));
    let answer = server
        .call(&bearer, "bucket_objects_list", json!({ "bucket": "bucket" }))
        .await;
    let failure = answer.failure("assume_role_failed").clone();
    let message = failure["details"]["attempts"][0]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    (failure, message)
}

const SOURCE_IDENTITY: &str = "User: arn:aws:sts::123456789012:assumed-role/task/x is not authorized to perform: \
                               sts:SetSourceIdentity on resource: arn:aws:iam::123456789012:role/reader";

#[tokio::test]
async fn the_sentence_of_sts_reaches_the_caller_who_tries_again_only_where_that_helps() {
    for (status, code, said, retryable, expected) in [
        (
            403,
            "AccessDenied",
            SOURCE_IDENTITY,
            false,
            "must both allow sts:SetSourceIdentity",
        ),
        (
            400,
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration",
            false,
            "to this caller",
        ),
        (400, "PackedPolicyTooLarge", "Too large", false, "to this caller"),
        (
            400,
            "IDPCommunicationError",
            "The provider did not answer",
            true,
            "could not assume",
        ),
        (400, "Throttling", "Rate exceeded", true, "could not assume"),
        (
            403,
            "InvalidClientTokenId",
            "The token is invalid",
            false,
            "server's own AWS identity",
        ),
        (
            403,
            "ExpiredToken",
            "The token has expired",
            false,
            "server's own AWS identity",
        ),
        (
            403,
            "SignatureDoesNotMatch",
            "Check your key",
            false,
            "server's own AWS identity",
        ),
        (
            403,
            "RegionDisabledException",
            "STS is not activated",
            false,
            "must enable it",
        ),
        (500, "InternalFailure", "Something went wrong", true, "could not assume"),
    ] {
        let (failure, message) = refused(error(status, code, said)).await;
        assert_eq!(failure["retryable"], retryable, "{code}: {failure}");
        assert!(
            message.contains(code) && message.contains(said) && message.contains(expected),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_wrong_clock_is_named_with_the_difference() {
    let past = "Mon, 23 Nov 2020 12:00:00 GMT";
    let said = "Signature not yet current: 20261123T120000Z is still later than 20201123T120500Z";
    let (failure, message) = refused(error(403, "SignatureDoesNotMatch", said).insert_header("date", past)).await;
    assert_eq!(failure["retryable"], false);
    assert!(
        message.contains("the server's clock, which is ") && message.contains("s ahead of AWS's"),
        "{message}"
    );

    let body = "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>";
    let skewed = ResponseTemplate::new(403)
        .set_body_raw(body, "application/xml")
        .insert_header("date", "Mon, 23 Nov 2099 12:00:00 GMT");
    let failure = listed(skewed).await;
    assert_eq!(
        (&failure["error_code"], &failure["retryable"]),
        (&json!("upstream"), &json!(false)),
        "{failure}"
    );
    assert!(
        failure["error"].as_str().unwrap().contains("s behind AWS's"),
        "{failure}"
    );
    let hint = failure["hint"].as_str().unwrap();
    assert!(hint.contains("operator") && !hint.contains("log in again"), "{hint}");
}

/// The failure of a listing that S3 answers so, under credentials that the token carries.
async fn listed(answer: ResponseTemplate) -> Value {
    let s3 = answering(answer).await;
    let flags = [format!("--jwt-secret={SECRET}"), format!("--s3-endpoint={}", s3.uri())];
    let server = Server::start_with(None, &flags).await;
    let keys = json!({ "access_key_id": "ASIAUSER", "secret_access_key": "s", "session_token": "t" });
    let bearer = token(json!({ "sub": "alice", "aws_credentials": keys }));
    let answer = server
        .call(&bearer, "bucket_objects_list", json!({ "bucket": "bucket" }))
        .await;
    answer.output().clone()
}

#[tokio::test]
async fn a_token_of_the_global_endpoint_is_explained_in_regions_that_an_account_has_to_enable() {
    let body = "<Error><Code>InvalidToken</Code><Message>The provided token is malformed.</Message></Error>";
    for (region, is_explained) in [("me-south-1", true), ("eu-west-1", false)] {
        let answer = ResponseTemplate::new(400)
            .set_body_raw(body, "application/xml")
            .insert_header("x-amz-bucket-region", region);
        let failure = listed(answer).await;
        let hint = failure["hint"].as_str().unwrap();
        assert_eq!(
            hint.contains(&format!("sts.{region}.amazonaws.com")),
            is_explained,
            "{failure}"
        );
    }
}

#[tokio::test]
async fn keys_in_a_token_with_characters_of_no_key_are_named() {
    let server = Server::start_with(None, &[format!("--jwt-secret={SECRET}")]).await;
    for (id, session_token, part) in [("ASIA\n", "t", "access key id"), ("ASIA", "t\n", "session token")] {
        let keys = json!({ "access_key_id": id, "secret_access_key": "s", "session_token": session_token });
        let bearer = token(json!({ "sub": "alice", "aws_credentials": keys }));
        let answer = server
            .call(&bearer, "bucket_objects_list", json!({ "bucket": "bucket" }))
            .await;
        let error = answer.failure("invalid_response")["error"].as_str().unwrap().to_owned();
        assert!(
            error.contains("credentials in the token cannot be used") && error.contains(part),
            "{error}"
        );
    }
}

/// Session name and source identity, as STS receives them.
#[tokio::test]
async fn the_session_is_named_by_the_claim_of_the_operator() {
    let sts = answering(error(403, "AccessDenied", "No")).await;
    for (claim, name) in [(None, "auth0=7C5f7c"), (Some("email"), "alice@example.com")] {
        let mut flags = vec![
            format!("--jwt-secret={SECRET}"),
            format!("--assumable-roles={ROLE}"),
            format!("--sts-endpoint={}", sts.uri()),
        ];
        flags.extend(claim.map(|claim| format!("--session-name-claim={claim}")));
        let server = Server::start_with(Some(&own()), &flags).await;
        let claims = json!({ "sub": "auth0|5f7c", "email": "alice@example.com", "role_arn": ROLE });
        server
            .call(&token(claims), "bucket_objects_list", json!({ "bucket": "bucket" }))
            .await
            .failure("assume_role_failed");
        let request = sts.received_requests().await.unwrap().pop().unwrap();
        let form: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        for parameter in ["RoleSessionName", "SourceIdentity"] {
            assert!(form.contains(&(parameter.to_owned(), name.to_owned())), "{form:?}");
        }
    }
}
