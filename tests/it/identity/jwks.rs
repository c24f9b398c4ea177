//! Tokens of an identity provider with a key set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use jsonwebtoken::Algorithm;
use quilt_mcp::clock::{Clock, ManualClock};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::support::issuer::{Issuer, SigningKey, complete};
use crate::support::server::Server;
use crate::support::stage::Stage;
use crate::support::{now, token_signed_with};

async fn status(server: &Server, bearer: &str) -> (u16, String) {
    let answer = server.call(bearer, "auth_status", json!({})).await;
    let (status, code) = answer.refused();
    if status == 200 {
        assert_eq!(answer.success()["verified_by"], "jwks");
        assert_eq!(answer.success()["subject"], "alice");
    }
    (status, code.to_owned())
}

#[tokio::test]
async fn the_three_algorithms_are_accepted_and_nothing_else() {
    let keys = [
        SigningKey::new("rsa", Algorithm::RS256),
        SigningKey::new("ec", Algorithm::ES256),
        SigningKey::new("ed", Algorithm::EdDSA),
    ];
    let published: Vec<Value> = keys.iter().map(SigningKey::published).collect();
    let issuer = Issuer::publishing(&published).await;
    let stage = Stage::embedded().await;
    let server = Server::start(&stage, Some(&stage.admin), &issuer.flags()).await;
    for key in &keys {
        assert_eq!(
            status(&server, &key.sign(&json!({}))).await.0,
            200,
            "{:?}",
            key.algorithm
        );
        assert_eq!(
            status(&server, &key.sign_as(&json!({}), None)).await.0,
            200,
            "the only key of its kind needs no name"
        );
        // Another key of the same kind under the published name.
        let other = SigningKey::new(key.id, key.algorithm);
        assert_eq!(
            status(&server, &other.sign(&json!({}))).await,
            (401, "invalid_jwt".into()),
            "{:?}",
            key.algorithm
        );
    }
    // A key named as one of another kind.
    assert_eq!(status(&server, &keys[0].sign_as(&json!({}), Some("ec"))).await.0, 401);

    let header = |alg: &str| json!({ "alg": alg, "kid": "rsa" });
    let part = |value: &Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    for alg in ["none", "HS256", "RS512", "PS256", "ES384"] {
        let token = format!("{}.{}.AAAA", part(&header(alg)), part(&complete(&json!({}))));
        assert_eq!(status(&server, &token).await, (401, "invalid_jwt".into()), "{alg}");
    }
    // The public key taken for a shared secret: who can read it could make tokens.
    let modulus = published[0]["n"].as_str().unwrap().to_owned();
    for secret in [keys[0].public.as_str(), modulus.as_str()] {
        let token = token_signed_with(complete(&json!({})), secret);
        assert_eq!(status(&server, &token).await, (401, "invalid_jwt".into()));
    }
    assert_eq!(issuer.requests().await, 1, "the keys were fetched once");
    let refused_reach_no_upstream = stage
        .aws()
        .journal()
        .entries()
        .iter()
        .all(|entry| entry.operation == "GetCallerIdentity");
    assert!(refused_reach_no_upstream, "{:?}", stage.aws().journal().entries());
}

#[tokio::test]
async fn issuer_audience_and_expiry_are_required_and_exact() {
    let key = SigningKey::new("k", Algorithm::EdDSA);
    let issuer = Issuer::publishing(&[key.published()]).await;
    let stage = Stage::embedded().await;
    let server = Server::start(&stage, Some(&stage.admin), &issuer.flags()).await;
    for (claims, expected) in [
        (json!({ "aud": ["other", "quilt-mcp"] }), (200, "")),
        (json!({ "exp": now() - 20 }), (200, "")),
        (json!({ "exp": null }), (401, "invalid_jwt")),
        (json!({ "exp": now() - 40 }), (401, "token_expired")),
        (json!({ "iss": null }), (401, "invalid_jwt")),
        (json!({ "iss": "https://login.example.com/" }), (401, "invalid_jwt")),
        (json!({ "iss": "https://evil.example.com" }), (401, "invalid_jwt")),
        (json!({ "aud": null }), (401, "invalid_jwt")),
        (json!({ "aud": "other" }), (401, "invalid_jwt")),
        (json!({ "aud": [] }), (401, "invalid_jwt")),
        (json!({ "nbf": now() + 60 }), (401, "invalid_jwt")),
    ] {
        assert_eq!(
            status(&server, &key.sign(&claims)).await,
            (expected.0, expected.1.to_owned()),
            "{claims}"
        );
    }
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_503_and_old_keys_stay_good() {
    let key = SigningKey::new("k", Algorithm::ES256);
    let issuer = Issuer::publishing(&[]).await;
    let stage = Stage::embedded().await;
    let skew = Arc::new(AtomicI64::new(0));
    let clock = Clock::from_fn({
        let skew = skew.clone();
        move || Clock::system().now() + jiff::SignedDuration::from_secs(skew.load(Ordering::Relaxed))
    });
    let mut flags = issuer.flags();
    flags.push(format!("--s3-endpoint={}", stage.endpoint));
    let server = Server::start_at(None, &flags, clock).await;
    let bearer = key.sign(&json!({ "exp": now() + 7 * 24 * 3600 }));
    for answer in [
        ResponseTemplate::new(200).set_body_json(json!({ "keys": [] })),
        ResponseTemplate::new(500),
        ResponseTemplate::new(302).insert_header("location", "/keys"),
        ResponseTemplate::new(200).set_body_string("<html>"),
    ] {
        issuer.answers(answer).await;
        assert_eq!(status(&server, &bearer).await, (503, "verifier_unavailable".into()));
        assert_eq!(issuer.requests().await, 1);
        assert_eq!(status(&server, &bearer).await.0, 503, "and the issuer is not hammered");
        assert_eq!(issuer.requests().await, 1);
        assert_eq!(server.request("GET", "/ready", &[]).await.status, 503);
        skew.fetch_add(3, Ordering::Relaxed);
    }
    issuer.publish(&[key.published()]).await;
    assert_eq!(status(&server, &bearer).await.0, 200);
    assert_eq!(server.request("GET", "/ready", &[]).await.status, 200);

    // Eleven minutes later the keys are due again, and the issuer does not answer: they stay valid for a day.
    issuer.answers(ResponseTemplate::new(500)).await;
    skew.fetch_add(11 * 60, Ordering::Relaxed);
    assert_eq!(status(&server, &bearer).await.0, 200);
    assert_eq!(issuer.requests().await, 1);
    skew.fetch_add(24 * 3600, Ordering::Relaxed);
    assert_eq!(status(&server, &bearer).await.0, 503);
}

#[tokio::test]
async fn a_storm_of_unknown_key_names_asks_the_issuer_once() {
    let (old, new) = (
        SigningKey::new("old", Algorithm::EdDSA),
        SigningKey::new("new", Algorithm::EdDSA),
    );
    let issuer = Issuer::publishing(&[old.published()]).await;
    let stage = Stage::embedded().await;
    let skew = Arc::new(AtomicI64::new(0));
    let clock = Clock::from_fn({
        let skew = skew.clone();
        move || Clock::system().now() + jiff::SignedDuration::from_secs(skew.load(Ordering::Relaxed))
    });
    let mut flags = issuer.flags();
    flags.extend([
        format!("--s3-endpoint={}", stage.endpoint),
        "--max-in-flight=1000".to_owned(),
    ]);
    let server = Server::start_at(None, &flags, clock).await;
    assert_eq!(status(&server, &old.sign(&json!({}))).await.0, 200);
    skew.store(31, Ordering::Relaxed);
    let storm = (0..200).map(|i| old.sign_as(&json!({}), Some(&format!("unknown-{i}"))));
    let storm: Vec<String> = storm.collect();
    for answer in futures::future::join_all(storm.iter().map(|bearer| status(&server, bearer))).await {
        // A bounded number of tokens waits for keys at once.
        assert!(
            answer == (401, "invalid_jwt".into()) || answer == (429, "throttled".into()),
            "{answer:?}"
        );
    }
    assert_eq!(
        issuer.requests().await,
        2,
        "one for the first token, one for two hundred unknown names"
    );

    // Keys are rotated: the new name is found as soon as asking is allowed again.
    issuer.publish(&[old.published(), new.published()]).await;
    assert_eq!(
        status(&server, &new.sign(&json!({}))).await.0,
        401,
        "half a minute has to pass"
    );
    skew.store(62, Ordering::Relaxed);
    assert_eq!(status(&server, &new.sign(&json!({}))).await.0, 200);
    assert_eq!(issuer.requests().await, 1);
}

/// The documented limits, to the second and to the byte: half a minute between two requests, keys for a day, 256 KiB.
#[tokio::test]
async fn times_and_sizes_are_exact() {
    let (key, new) = (
        SigningKey::new("k", Algorithm::EdDSA),
        SigningKey::new("new", Algorithm::EdDSA),
    );
    let issuer = Issuer::publishing(&[key.published()]).await;
    let (began, later) = (now(), Arc::new(AtomicI64::new(0)));
    let seconds = later.clone();
    let clock = Clock::from_fn(move || jiff::Timestamp::from_second(began + seconds.load(Ordering::Relaxed)).unwrap());
    let server = Server::start_at(None, &issuer.flags(), clock).await;
    let at = async |second: i64, key: &SigningKey| {
        later.store(second, Ordering::Relaxed);
        let bearer = key.sign(&json!({ "exp": began + 7 * 24 * 3600 }));
        let answer = server.call(&bearer, "auth_status", json!({})).await;
        (
            answer.status,
            answer.body["error"]["data"]["error_code"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    assert_eq!(at(0, &key).await.0, 200);
    issuer.publish(&[key.published(), new.published()]).await;
    assert_eq!((at(29, &new).await.0, issuer.requests().await), (401, 0));
    assert_eq!((at(30, &new).await.0, issuer.requests().await), (200, 1));

    issuer.answers(ResponseTemplate::new(500)).await;
    let day = 24 * 3600;
    assert_eq!(at(30 + day - 1, &key).await.0, 200);
    assert_eq!(
        at(30 + day, &key).await,
        (503, "verifier_unavailable".into()),
        "without keys nothing can be said"
    );

    let padded = |bytes: usize| {
        let set = json!({ "keys": [key.published()] }).to_string();
        let padding = " ".repeat(bytes - set.len());
        ResponseTemplate::new(200).set_body_string(set + &padding)
    };
    issuer.answers(padded(256 * 1024 + 1)).await;
    assert_eq!(at(60 + day, &key).await.0, 503);
    issuer.answers(padded(256 * 1024)).await;
    assert_eq!(at(90 + day, &key).await.0, 200);
}

#[tokio::test]
async fn a_refusal_says_what_is_wrong_with_the_token() {
    let key = SigningKey::new("k", Algorithm::EdDSA);
    let issuer = Issuer::publishing(&[key.published()]).await;
    let stage = Stage::embedded().await;
    let server = Server::start(&stage, None, &issuer.flags()).await;
    let part = |value: &Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = |alg: &str| format!("{}.{}.AAAA", part(&json!({ "alg": alg })), part(&complete(&json!({}))));
    for (bearer, expected) in [
        (
            SigningKey::new("k", Algorithm::EdDSA).sign(&json!({})),
            "its signature does not verify",
        ),
        (unsigned("none"), "it is not signed (alg none)"),
        (
            unsigned("HS256"),
            "its algorithm is HS256, and this server accepts RS256",
        ),
        ("a.b.c".to_owned(), "it is not a JWT: its header"),
    ] {
        let answer = server.call(&bearer, "auth_status", json!({})).await;
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(
            answer.status == 401 && message.contains(expected),
            "{expected}: {message}"
        );
    }
}

/// The token itself is exchanged at an STS that checks it: signature, issuer, audience, and whom the role trusts.
#[tokio::test]
async fn web_identity_exchanges_the_token_for_the_operators_role() {
    let key = SigningKey::new("k", Algorithm::ES256);
    let issuer = Issuer::publishing(&[key.published()]).await;
    let stage = Stage::embedded().await;
    let aws = stage.aws();
    let provider = "arn:aws:iam::123456789012:oidc-provider/login.example.com";
    let trust = |principal: &str| {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": principal},
            "Action": "sts:AssumeRoleWithWebIdentity"}]})
    };
    let read = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::it-shared"}]});
    let role = aws
        .create_role("it/web", &trust(provider), std::slice::from_ref(&read))
        .unwrap();
    let closed = aws
        .create_role(
            "it/closed",
            &trust("arn:aws:iam::123456789012:oidc-provider/other"),
            &[read],
        )
        .unwrap();
    let serve = async |role: &str| {
        let mut flags = issuer.flags();
        flags.push(format!("--web-identity-role-arn={role}"));
        Server::start(&stage, Some(&stage.admin), &flags).await
    };
    let bearer = key.sign(&json!({}));

    // STS does not know the issuer yet: refused, and never the server's own rights instead.
    let server = serve(&role).await;
    let list = json!({ "bucket": "it-shared" });
    server
        .call(&bearer, "bucket_objects_list", list.clone())
        .await
        .failure("assume_role_failed");
    let keys = json!({ "keys": [key.published()] });
    aws.trust_issuer(crate::support::issuer::ISSUER, crate::support::issuer::AUDIENCE, &keys)
        .unwrap();

    let server = serve(&role).await;
    assert_eq!(
        server
            .call(&bearer, "bucket_objects_list", list.clone())
            .await
            .success()["credential_source"],
        "jwt"
    );
    let exchange = aws
        .journal()
        .entries()
        .into_iter()
        .rfind(|e| e.operation == "AssumeRoleWithWebIdentity")
        .unwrap();
    assert_eq!(
        (
            exchange.access_key_id,
            exchange.session_name.as_deref(),
            exchange.status
        ),
        (None, Some("alice"), 200)
    );
    let items = json!([{ "key": "k", "text": "x" }]);
    let put = server
        .call(
            &bearer,
            "bucket_objects_put",
            json!({ "bucket": "it-shared", "items": items }),
        )
        .await;
    let failure = put.failure("access_denied");
    assert!(
        failure["details"]["principal"]
            .as_str()
            .unwrap()
            .ends_with(":assumed-role/web/alice"),
        "{failure}"
    );

    // A role that trusts another provider.
    let server = serve(&closed).await;
    server
        .call(&bearer, "bucket_objects_list", list)
        .await
        .failure("assume_role_failed");
}

/// Keys are as old as the time that has passed, wherever the wall clock was meanwhile.
#[tokio::test]
async fn keys_fetched_while_the_clock_was_a_day_ahead_are_not_fresh_for_a_day() {
    let (old, new) = (
        SigningKey::new("old", Algorithm::EdDSA),
        SigningKey::new("new", Algorithm::EdDSA),
    );
    let issuer = Issuer::publishing(&[old.published()]).await;
    let day = jiff::SignedDuration::from_hours(24);
    let right = jiff::Timestamp::from_second(now()).unwrap();
    let manual = ManualClock::new(right + day);
    let server = Server::start_at(None, &issuer.flags(), manual.clock()).await;
    let bearer = |key: &SigningKey| key.sign(&json!({ "exp": now() + 7 * 24 * 3600 }));
    let status = async |bearer: &str| server.call(bearer, "auth_status", json!({})).await.status;
    assert_eq!(status(&bearer(&old)).await, 200);

    manual.set_wall(right);
    issuer.publish(&[new.published()]).await;
    manual.advance(jiff::SignedDuration::from_secs(30));
    assert_eq!(
        (status(&bearer(&new)).await, issuer.requests().await),
        (200, 1),
        "an unknown name asks the issuer"
    );
    assert_eq!(status(&bearer(&old)).await, 401, "what was withdrawn is no longer good");
}

/// A validly signed token whose header names critical extensions (RFC 7515, section 4.1.11).
#[tokio::test]
async fn critical_extensions_are_refused() {
    let key = SigningKey::new("k", Algorithm::EdDSA);
    let issuer = Issuer::publishing(&[key.published()]).await;
    let server = Server::start_at(None, &issuer.flags(), Clock::system()).await;
    for crit in [json!(["x-must"]), json!(["b64"]), json!([]), Value::Null] {
        let answer = server.call(&key.sign_critical(&crit), "auth_status", json!({})).await;
        assert_eq!(answer.refused(), (401, "invalid_jwt"), "{crit}");
        assert!(
            answer.body["error"]["message"].as_str().unwrap().contains("crit"),
            "{}",
            answer.body
        );
    }
    let other = key.sign(&json!({}));
    assert_eq!(server.call(&other, "auth_status", json!({})).await.status, 200);
}
