//! The credential chain: each outcome of each source, and the source that a call ends with.

use futures::StreamExt as _;
use jiff::SignedDuration;
use quilt_mcp::clock::{Clock, ManualClock};
use serde_json::{Value, json};

use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::{Answer, Server};
use crate::support::stage::{Keys, SHARED, Stage};
use crate::support::{SECRET, now, token};

fn embedding(keys: &Keys) -> Value {
    json!({ "access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key,
        "session_token": keys.session_token })
}

async fn write(server: &Server, token: &str, key: &str) -> Answer {
    let items = json!([{ "key": key, "text": "x" }]);
    server
        .call(token, "bucket_objects_put", json!({ "bucket": SHARED, "items": items }))
        .await
}

/// `source outcome code` of each attempt.
fn attempts(output: &Value) -> Vec<String> {
    let attempts = output["attempts"]
        .as_array()
        .or_else(|| output["details"]["attempts"].as_array())
        .unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    attempts
        .iter()
        .map(|a| [&a["source"], &a["outcome"], &a["code"]].map(text).join(" "))
        .collect()
}

/// The heart of the matter: the server's own administrator keys are there and the policy is `full`, and still no caller
/// whom a source refused, or could not answer, ever writes with them.
#[tokio::test]
async fn what_the_registry_answers_decides_and_never_leads_to_ambient() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
        "--ambient=full".into(),
    ];
    let server = Server::start(&stage, Some(&stage.admin), &flags).await;
    for (name, vends, code, outcome, retryable) in [
        ("unauthorized", Vends::Status(401), "invalid_jwt", "denied", false),
        ("forbidden", Vends::Status(403), "forbidden", "denied", false),
        ("broken", Vends::Status(500), "request_failed", "failed", true),
        ("odd", Vends::Status(302), "request_failed", "failed", true),
        ("hangs", Vends::Hangs, "timeout", "failed", true),
        ("nonsense", Vends::Nonsense, "invalid_response", "failed", true),
        (
            "expired",
            Vends::Keys(stage.writer.clone(), -1),
            "invalid_response",
            "failed",
            true,
        ),
        // A gateway before a registry may give such answers; none of them means that the registry does not exist.
        (
            "proxy",
            Vends::Text("text/plain", "upstream connect error"),
            "invalid_response",
            "failed",
            true,
        ),
        (
            "empty",
            Vends::Text("application/octet-stream", ""),
            "invalid_response",
            "failed",
            true,
        ),
        ("nothing", Vends::Status(204), "invalid_response", "failed", true),
        (
            "cut",
            Vends::Text("application/json", "{\"AccessKeyId\": \"AS"),
            "invalid_response",
            "failed",
            true,
        ),
    ] {
        let bearer = token(json!({ "sub": name }));
        registry.vends(&bearer, vends);
        let answer = write(&server, &bearer, &format!("by-{name}")).await;
        let failure = answer.failure(code);
        assert_eq!(failure["retryable"], retryable, "{name}");
        let expected = [
            "jwt not_applicable no_claim".to_owned(),
            format!("catalog {outcome} {code}"),
            "ambient not_applicable no_claim".to_owned(),
        ];
        assert_eq!(attempts(failure), expected, "{name}");
        assert_eq!(failure.get("credential_source"), None, "{name}: there was none");
        assert!(!stage.exists(SHARED, &format!("by-{name}")).await, "{name}");
    }
    let by_server = stage
        .aws()
        .journal()
        .entries()
        .into_iter()
        .filter(|entry| entry.operation == "PutObject")
        .count();
    assert_eq!(by_server, 0);
}

/// A server without a registry, or with one that vends no credentials, according to the operator.
#[tokio::test]
async fn ambient_is_reached_when_every_user_source_is_not_applicable_and_then_by_policy() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    stage.seed(SHARED, "there", b"1").await;
    let vends_none = [
        format!("--registry-url={}", registry.url),
        "--catalog-credentials=false".to_owned(),
    ];
    for more in [&[][..], &vends_none] {
        for (policy, reads, writes) in [
            ("never", false, false),
            ("read-only", true, false),
            ("full", true, true),
        ] {
            let mut flags = vec![format!("--jwt-secret={SECRET}"), format!("--ambient={policy}")];
            flags.extend_from_slice(more);
            let server = Server::start(&stage, Some(&stage.admin), &flags).await;
            let bearer = token(json!({ "sub": policy }));
            registry.vends(&bearer, Vends::Keys(stage.writer.clone(), 3600));
            let list = server
                .call(&bearer, "bucket_objects_list", json!({ "bucket": SHARED }))
                .await;
            if reads {
                assert_eq!(list.success()["credential_source"], "ambient", "{policy}");
            } else {
                list.failure("no_credentials");
            }
            let key = format!("ambient-{policy}-{}-{}", more.len(), now());
            let answer = write(&server, &bearer, &key).await;
            match (reads, writes) {
                (true, true) => assert_eq!(answer.success()["credential_source"], "ambient"),
                (true, false) => {
                    let failure = answer.failure("write_needs_user_credentials");
                    assert_eq!(attempts(failure).len(), 3, "{failure}");
                }
                _ => {
                    answer.failure("no_credentials");
                }
            }
            assert_eq!(stage.exists(SHARED, &key).await, writes, "{policy}");
        }
    }
    assert_eq!(registry.asked_for_credentials(), 0);
}

/// A page or a 404 of a known registry is mostly its load balancer's: the caller waits for the registry, and never acts as
/// the server meanwhile.
#[tokio::test]
async fn a_known_registry_in_trouble_does_not_lead_to_ambient() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let manual = ManualClock::new(Clock::system().now());
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
        format!("--s3-endpoint={}", stage.endpoint),
        "--ambient=full".to_owned(),
    ];
    let server = Server::start_at(Some(&stage.admin), &flags, manual.clock()).await;
    let bearer = token(json!({ "sub": "a" }));
    let list = json!({ "bucket": SHARED });
    for (vends, code) in [(Vends::Html, "not_json"), (Vends::Status(404), "request_failed")] {
        registry.vends(&bearer, vends);
        let answer = server.call(&bearer, "bucket_objects_list", list.clone()).await;
        let failure = answer.failure(code);
        assert_eq!(failure["retryable"], true, "{failure}");
        assert_eq!(attempts(failure)[1], format!("catalog failed {code}"));
        manual.advance(SignedDuration::from_secs(6));
    }
    registry.vends(&bearer, Vends::Keys(stage.reader.clone(), 3600));
    let answer = server.call(&bearer, "bucket_objects_list", list).await;
    assert_eq!(answer.success()["credential_source"], "catalog");
}

/// Many callers meet a catalog that does not answer: they wait for it together and not one after the other.
#[tokio::test]
async fn a_catalog_that_hangs_makes_no_queue() {
    let stage = Stage::embedded().await;
    let catalog = wiremock::MockServer::start().await;
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(wiremock::ResponseTemplate::new(200).set_delay(std::time::Duration::from_mins(1)))
        .mount(&catalog)
        .await;
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--catalog-url={}", catalog.uri()),
        format!("--s3-endpoint={}", stage.endpoint),
    ];
    // The clock stands still: a failure is the answer for two seconds of it, however slow this machine is.
    let clock = quilt_mcp::clock::Clock::fixed(quilt_mcp::clock::Clock::system().now());
    let server = Server::start_at(Some(&stage.admin), &flags, clock).await;
    let bearers: Vec<String> = (0..20).map(|i| token(json!({ "sub": format!("u{i}") }))).collect();
    let calls = bearers
        .iter()
        .map(|bearer| server.call(bearer, "bucket_objects_list", json!({ "bucket": SHARED })));
    for answer in futures::future::join_all(calls).await {
        answer.failure("timeout");
    }
    assert_eq!(catalog.received_requests().await.unwrap().len(), 1);
}

/// A catalog that answers, and whose answer is of no use, did not time out.
#[tokio::test]
async fn a_catalog_without_a_usable_config_is_a_failure_and_never_ambient() {
    let stage = Stage::embedded().await;
    for (status, body) in [(500, "{}"), (404, "{}"), (200, "<!doctype html>"), (200, "{}")] {
        let catalog = wiremock::MockServer::start().await;
        wiremock::Mock::given(wiremock::matchers::any())
            .respond_with(wiremock::ResponseTemplate::new(status).set_body_string(body))
            .mount(&catalog)
            .await;
        let flags = [
            format!("--jwt-secret={SECRET}"),
            format!("--catalog-url={}", catalog.uri()),
            "--ambient=full".into(),
        ];
        let server = Server::start(&stage, Some(&stage.admin), &flags).await;
        let answer = write(&server, &token(json!({ "sub": "a" })), "k").await;
        let failure = answer.failure("invalid_response");
        assert_eq!(attempts(failure)[1], "catalog failed invalid_response", "{failure}");
        let message = failure["details"]["attempts"][1]["message"].as_str().unwrap();
        assert!(!message.contains("the registry was asked"), "{message}");
    }
    assert!(stage.aws().journal().is_empty());
}

/// An STS that hangs must not take the diagnosis with it.
#[tokio::test]
async fn auth_status_tells_what_it_knows_without_sts() {
    let stage = Stage::embedded().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--s3-endpoint={}", stage.endpoint),
        format!("--sts-endpoint=http://{}", silent.local_addr().unwrap()),
    ];
    let server = Server::start_with(Some(&stage.admin), &flags).await;
    let bearer = token(json!({ "sub": "w", "aws_credentials": embedding(&stage.writer) }));
    let answer = server.call(&bearer, "auth_status", json!({})).await;
    assert_eq!(answer.success()["credential_source"], "jwt");
    assert_eq!(answer.success()["aws_arn"], Value::Null);
}

#[tokio::test]
async fn a_denial_under_ambient_credentials_shows_the_attempts() {
    let stage = Stage::embedded().await;
    let server = Server::start(&stage, Some(&stage.reader), &[format!("--jwt-secret={SECRET}")]).await;
    let bearer = token(json!({ "sub": "a" }));
    let answer = server
        .call(&bearer, "bucket_objects_list", json!({ "bucket": "it-private" }))
        .await;
    let failure = answer.failure("access_denied");
    assert_eq!(failure["credential_source"], "ambient");
    let expected = [
        "jwt not_applicable no_claim",
        "catalog not_applicable missing_config",
        "ambient ok -",
    ];
    assert_eq!(attempts(failure), expected);
    assert!(
        failure["error"]
            .as_str()
            .unwrap()
            .contains("the server's own credentials"),
        "{failure}"
    );
}

#[tokio::test]
async fn credentials_inside_a_verified_token_come_first() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let server = Server::with_registry(&stage, &registry, Some(&stage.admin)).await;
    let bearer = token(json!({ "sub": "w", "aws_credentials": embedding(&stage.writer) }));
    assert_eq!(
        write(&server, &bearer, "embedded").await.success()["credential_source"],
        "jwt"
    );
    assert!(registry.requests().is_empty(), "no other source is asked");

    // Unusable ones are a failure of that source: the next user source is tried, ambient is not.
    let broken = token(json!({ "sub": "b", "aws_credentials": { "access_key_id": "ASIAX" } }));
    let answer = write(&server, &broken, "broken").await;
    assert_eq!(
        attempts(answer.failure("invalid_jwt")),
        [
            "jwt failed invalid_response",
            "catalog denied invalid_jwt",
            "ambient not_applicable no_claim"
        ]
    );
    registry.vends(&broken, Vends::Keys(stage.writer.clone(), 3600));
    let status = server.call(&broken, "auth_status", json!({ "refresh": true })).await;
    assert_eq!(status.success()["credential_source"], "catalog");
}

#[tokio::test]
async fn a_role_in_the_token_is_assumed_only_if_the_operator_allows_it() {
    let stage = Stage::embedded().await;
    let role = |name: &str| stage.aws().role_arn(&format!("it/{name}"));
    let allowed = format!("--assumable-roles={}", role("*"));
    let server = Server::start(&stage, Some(&stage.admin), &[format!("--jwt-secret={SECRET}"), allowed]).await;
    for claim in ["role_arn", "roleArn", "aws_role_arn", "awsRoleArn"] {
        let bearer = token(json!({ "sub": "alice", claim: role("writer") }));
        assert_eq!(
            write(&server, &bearer, claim).await.success()["credential_source"],
            "jwt",
            "{claim}"
        );
    }
    let principals: Vec<String> = stage
        .aws()
        .journal()
        .entries()
        .into_iter()
        .filter_map(|e| e.principal_arn)
        .collect();
    assert!(
        principals.iter().any(|arn| arn.ends_with(":assumed-role/writer/alice")),
        "{principals:?}"
    );

    let reader = token(json!({ "sub": "alice", "role_arn": role("reader") }));
    write(&server, &reader, "r").await.failure("access_denied");
    for (claims, code) in [
        (
            json!({ "sub": "alice", "role_arn": "arn:aws:iam::123456789012:role/admin" }),
            "role_not_allowed",
        ),
        (
            json!({ "sub": "alice", "role_arn": role("missing") }),
            "assume_role_failed",
        ),
        (
            json!({ "sub": "not a session name, which is too long with its blanks escaped", "role_arn": role("writer") }),
            "assume_role_failed",
        ),
        (
            json!({ "sub": "alice", "role_arn": role("writer"), "exp": now() + 300 }),
            "assume_role_failed",
        ),
    ] {
        let answer = write(&server, &token(claims.clone()), "no").await;
        assert_eq!(
            attempts(answer.failure(code))[0],
            format!("jwt denied {code}"),
            "{claims}"
        );
    }
    assert!(!stage.exists(SHARED, "no").await);
}

#[tokio::test]
async fn the_registry_is_found_in_the_catalogs_config_and_never_asked_for_credentials_itself() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let catalog = wiremock::MockServer::start().await;
    let config = json!({ "registryUrl": registry.url, "region": "us-east-1" });
    wiremock::Mock::given(wiremock::matchers::path("/config.json"))
        .respond_with(wiremock::ResponseTemplate::new(200).set_body_json(config))
        .mount(&catalog)
        .await;
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--catalog-url={}", catalog.uri()),
    ];
    let server = Server::start(&stage, None, &flags).await;
    let bearer = token(json!({ "sub": "w" }));
    registry.vends(&bearer, Vends::Keys(stage.writer.clone(), 3600));
    assert_eq!(
        write(&server, &bearer, "k").await.success()["credential_source"],
        "catalog"
    );
    let asked = catalog.received_requests().await.unwrap();
    let paths: Vec<&str> = asked.iter().map(|request| request.url.path()).collect();
    assert_eq!(paths, ["/config.json"]);
    assert!(
        asked
            .iter()
            .all(|request| !request.headers.contains_key("authorization"))
    );
}

/// A redirect could lead the bearer to another host.
#[tokio::test]
async fn a_redirecting_registry_is_not_followed() {
    let stage = Stage::embedded().await;
    let (registry, elsewhere) = (wiremock::MockServer::start().await, FakeRegistry::start().await);
    let bearer = token(json!({ "sub": "w" }));
    elsewhere.vends(&bearer, Vends::Keys(stage.writer.clone(), 3600));
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(
            wiremock::ResponseTemplate::new(307)
                .insert_header("location", format!("{}/api/auth/get_credentials", elsewhere.url)),
        )
        .mount(&registry)
        .await;
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.uri()),
    ];
    let server = Server::start(&stage, Some(&stage.admin), &flags).await;
    write(&server, &bearer, "k").await.failure("request_failed");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_thousand_first_calls_of_one_user_ask_the_registry_once() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let flags = [
        format!("--jwt-secret={SECRET}"),
        format!("--registry-url={}", registry.url),
        "--max-in-flight=2000".to_owned(),
    ];
    let server = Server::start(&stage, None, &flags).await;
    stage.seed(SHARED, "k", b"1").await;
    let bearer = token(json!({ "sub": "w" }));
    registry.vends(&bearer, Vends::Keys(stage.writer.clone(), 3600));
    let calls = (0..1000).map(|_| server.call(&bearer, "bucket_object_info", json!({ "s3_uri": "s3://it-shared/k" })));
    // Not all at once: a thousand connections take this process longer than a connection may take.
    let mut answers = futures::stream::iter(calls).buffer_unordered(200);
    while let Some(answer) = answers.next().await {
        answer.success();
    }
    assert_eq!(registry.requests().len(), 1);
}

/// A role switch in the catalog shows up at once when the caller asks for it.
#[tokio::test]
async fn refresh_drops_what_is_cached() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let server = Server::with_registry(&stage, &registry, None).await;
    let bearer = token(json!({ "sub": "w" }));
    registry.vends(&bearer, Vends::Keys(stage.reader.clone(), 3600));
    write(&server, &bearer, "k").await.failure("access_denied");
    registry.vends(&bearer, Vends::Keys(stage.writer.clone(), 3600));
    write(&server, &bearer, "k").await.failure("access_denied");
    let status = server.call(&bearer, "auth_status", json!({ "refresh": true })).await;
    let arn = status.success()["aws_arn"].as_str().unwrap().to_owned();
    assert!(arn.contains(":assumed-role/writer/"), "{arn}");
    write(&server, &bearer, "k").await.success();
}

/// AWS says that a session is over before we thought so: newer credentials are asked for once, and the call goes on. A
/// HEAD's bare 400 counts too.
#[tokio::test]
async fn an_expired_session_is_renewed_once() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let server = Server::with_registry(&stage, &registry, None).await;
    stage.seed(SHARED, "k", b"1").await;
    let bearer = token(json!({ "sub": "w" }));
    for (tool, arguments) in [
        ("bucket_object_text", json!({ "s3_uri": "s3://it-shared/k" })),
        ("bucket_object_info", json!({ "s3_uri": "s3://it-shared/k" })),
        ("bucket_objects_list", json!({ "bucket": SHARED })),
    ] {
        // The registry says that these last an hour; S3 knows better.
        registry.vends(&bearer, Vends::Keys(stage.mint("writer", 0), 3600));
        server
            .call(&bearer, "auth_status", json!({ "refresh": true }))
            .await
            .success();
        registry.vends(&bearer, Vends::Keys(stage.mint("writer", 3600), 3600));
        let asked = registry.requests().len();
        server.call(&bearer, tool, arguments).await.success();
        assert_eq!(registry.requests().len() - asked, 1, "{tool}");
    }
    // Where the newer ones are over too, the call fails, and once is all it tries.
    registry.vends(&bearer, Vends::Keys(stage.mint("writer", 0), 3600));
    server
        .call(&bearer, "auth_status", json!({ "refresh": true }))
        .await
        .success();
    registry.vends(&bearer, Vends::Keys(stage.mint("writer", 0), 3600));
    let asked = registry.requests().len();
    let answer = server
        .call(&bearer, "bucket_objects_list", json!({ "bucket": SHARED }))
        .await;
    answer.failure("access_denied");
    assert_eq!(registry.requests().len() - asked, 1);
}

/// A temporary key that S3 does not know (any more) may as well have been wrong from the start, so nothing is renewed unasked:
/// the caller is told what to do, and doing it helps.
#[tokio::test]
async fn a_key_that_s3_does_not_know_is_renewed_when_the_caller_asks() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let server = Server::with_registry(&stage, &registry, Some(&stage.admin)).await;
    stage.seed(SHARED, "k", b"1").await;
    let (bearer, keys) = (token(json!({ "sub": "w" })), stage.mint("writer", 3600));
    registry.vends(&bearer, Vends::Keys(keys.clone(), 3600));
    write(&server, &bearer, "before").await.success();
    assert!(stage.aws().revoke_access_key(&keys.access_key_id));
    registry.vends(&bearer, Vends::Keys(stage.writer.clone(), 3600));

    let advice = "auth_status with refresh=true";
    for (tool, arguments) in [
        ("bucket_object_text", json!({ "s3_uri": "s3://it-shared/k" })),
        ("bucket_object_info", json!({ "s3_uri": "s3://it-shared/k" })),
        ("bucket_objects_list", json!({ "bucket": SHARED })),
    ] {
        let answer = server.call(&bearer, tool, arguments).await;
        let failure = answer.failure("access_denied");
        assert_eq!(failure["details"]["s3_code"], "InvalidAccessKeyId", "{failure}");
        assert!(failure["hint"].as_str().unwrap().contains(advice), "{failure}");
    }
    let answer = write(&server, &bearer, "meanwhile").await;
    let failure = answer.failure("access_denied");
    let advised =
        [&failure["hint"], &failure["results"][0]["resolution"][0]].map(|text| text.to_string().contains(advice));
    assert_eq!(advised, [true, true], "{failure}");
    assert_eq!(registry.asked_for_credentials(), 1);

    server
        .call(&bearer, "auth_status", json!({ "refresh": true }))
        .await
        .success();
    write(&server, &bearer, "after").await.success();
    assert_eq!(registry.asked_for_credentials(), 2);
    assert!(!stage.exists(SHARED, "meanwhile").await);
}
