//! Key sets as identity providers publish them: which key verifies a token, and what is said when none can.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jsonwebtoken::Algorithm;
use quilt_mcp::clock::Clock;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::support::issuer::{Issuer, SigningKey};
use crate::support::now;
use crate::support::program::Program;
use crate::support::server::Server;

/// The answer to a token.
enum Expected {
    /// It is accepted.
    Accepted,
    /// It is refused with a message that has this part.
    Refused(&'static str),
    /// No key of the set is usable, and the message has this part.
    NoUsableKey(&'static str),
}
use Expected::{Accepted, NoUsableKey, Refused};

struct Case {
    name: &'static str,
    keys: Vec<Value>,
    token: String,
    expected: Expected,
}

fn case(name: &'static str, keys: impl Into<Vec<Value>>, token: String, expected: Expected) -> Case {
    Case {
        name,
        keys: keys.into(),
        token,
        expected,
    }
}

fn rsa() -> SigningKey {
    SigningKey::new("k", Algorithm::RS256)
}

fn ed() -> SigningKey {
    SigningKey::new("k", Algorithm::EdDSA)
}

/// Asserts the answers to tokens, and that `/ready` agrees with them.
async fn assert_cases(cases: Vec<Case>) {
    for Case {
        name,
        keys,
        token,
        expected,
    } in cases
    {
        let issuer = Issuer::publishing(&keys).await;
        let server = Server::start_at(None, &issuer.flags(), Clock::system()).await;
        let answer = server.call(&token, "auth_status", json!({})).await;
        let message = answer.body["error"]["message"].as_str().unwrap_or_default().to_owned();
        let ready = server.request("GET", "/ready", &[]).await;
        match expected {
            Accepted => {
                assert_eq!(answer.status, 200, "{name}: {}", answer.body);
                assert_eq!(answer.success()["subject"], "alice", "{name}");
                assert_eq!(ready.status, 200, "{name}: {}", ready.body);
            }
            Refused(part) => {
                assert_eq!(answer.refused(), (401, "invalid_jwt"), "{name}: {}", answer.body);
                assert!(message.contains(part), "{name}: {part}: {message}");
                assert_eq!(ready.status, 200, "{name}: {}", ready.body);
            }
            NoUsableKey(part) => {
                assert_eq!(
                    answer.refused(),
                    (503, "verifier_unavailable"),
                    "{name}: {}",
                    answer.body
                );
                assert!(message.contains(part), "{name}: {part}: {message}");
                assert!(!message.contains("could not be fetched"), "{name}: {message}");
                let reason = ready.body["reason"].as_str().unwrap_or_default();
                assert!(
                    ready.status == 503 && reason.contains(part) && !reason.contains("could not be fetched"),
                    "{name}: {}",
                    ready.body
                );
            }
        }
        assert_eq!(issuer.requests().await, 1, "{name}: the set was fetched once");
    }
}

#[tokio::test]
async fn a_key_is_selected_by_its_fitness_before_its_name() {
    let (key, other) = (rsa(), rsa());
    let (ec, edwards) = (SigningKey::new("k", Algorithm::ES256), ed());
    let token = || key.sign(&json!({}));
    let unnamed = || key.sign_as(&json!({}), None);
    let encrypts = other.published_with(&json!({ "use": "enc", "alg": "RSA-OAEP" }));
    let signs = key.published_with(&json!({ "alg": "RS256" }));
    assert_cases(vec![
        case(
            "an encryption key of the same name before",
            [encrypts.clone(), signs.clone()],
            token(),
            Accepted,
        ),
        case(
            "an encryption key of the same name after",
            [signs.clone(), encrypts.clone()],
            token(),
            Accepted,
        ),
        case(
            "an encryption key of another name",
            [encrypts.clone(), signs.clone()],
            unnamed(),
            Accepted,
        ),
        case("the same key twice", [signs.clone(), signs.clone()], token(), Accepted),
        case(
            "the same key twice, unnamed token",
            [signs.clone(), signs.clone()],
            unnamed(),
            Accepted,
        ),
        case(
            "two keys of one name",
            [other.published(), key.published()],
            token(),
            Accepted,
        ),
        case(
            "two keys of one name, a third signed",
            [other.published(), rsa().published()],
            token(),
            Refused("its signature does not verify"),
        ),
        case(
            "three algorithms under one name, RS256",
            [ec.published(), edwards.published(), key.published()],
            token(),
            Accepted,
        ),
        case(
            "three algorithms under one name, ES256",
            [ec.published(), edwards.published(), key.published()],
            ec.sign(&json!({})),
            Accepted,
        ),
        case(
            "a key without a name",
            [key.published_with(&json!({ "kid": null }))],
            token(),
            Accepted,
        ),
        case(
            "a key with an empty name",
            [key.published_with(&json!({ "kid": "" }))],
            token(),
            Accepted,
        ),
        case(
            "a key without a name, unnamed token",
            [key.published_with(&json!({ "kid": null }))],
            unnamed(),
            Accepted,
        ),
        case(
            "the named key of another, and one without a name",
            [other.published(), key.published_with(&json!({ "kid": null }))],
            token(),
            Accepted,
        ),
        case(
            "two keys, unnamed token",
            [other.published_with(&json!({ "kid": "o" })), key.published()],
            unnamed(),
            Accepted,
        ),
        case(
            "another name",
            [key.published_with(&json!({ "kid": "other" }))],
            token(),
            Refused("a key that its issuer does not publish"),
        ),
        case(
            "another algorithm",
            [ec.published()],
            token(),
            Refused("a key that its issuer does not publish"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn members_of_a_key_limit_what_it_verifies() {
    let key = rsa();
    let with = |members: Value| vec![key.published_with(&members)];
    let token = || key.sign(&json!({}));
    assert_cases(vec![
        case(
            "no alg, no use",
            with(json!({ "alg": null, "use": null })),
            token(),
            Accepted,
        ),
        case(
            "key_ops verify",
            with(json!({ "key_ops": ["verify"] })),
            token(),
            Accepted,
        ),
        case(
            "key_ops sign and verify",
            with(json!({ "key_ops": ["sign", "verify"] })),
            token(),
            Accepted,
        ),
        case("key_ops empty", with(json!({ "key_ops": [] })), token(), Accepted),
        case(
            "odd members beside",
            with(json!({ "x5c": 7, "x5t": [], "issuer": {}, "exp": "x" })),
            token(),
            Accepted,
        ),
        case(
            "key_ops encrypt",
            with(json!({ "key_ops": ["encrypt", "wrapKey"] })),
            token(),
            NoUsableKey("key_ops does not contain verify"),
        ),
        case(
            "use enc",
            with(json!({ "use": "enc" })),
            token(),
            NoUsableKey("use is enc"),
        ),
        case(
            "use of another type",
            with(json!({ "use": ["sig"] })),
            token(),
            NoUsableKey("use is an array"),
        ),
        case(
            "alg RSA-OAEP",
            with(json!({ "alg": "RSA-OAEP" })),
            token(),
            NoUsableKey("alg is RSA-OAEP"),
        ),
        case(
            "alg RS512",
            with(json!({ "alg": "RS512" })),
            token(),
            NoUsableKey("alg is RS512"),
        ),
        case(
            "alg ES256 of an RSA key",
            with(json!({ "alg": "ES256" })),
            token(),
            NoUsableKey("alg is ES256"),
        ),
        case("kid of another type", with(json!({ "kid": 7 })), token(), Accepted),
        case(
            "no modulus",
            with(json!({ "n": "" })),
            token(),
            NoUsableKey("n is empty"),
        ),
        case(
            "a short modulus",
            with(json!({ "n": "sXch" })),
            token(),
            NoUsableKey("RSA key of 24 bits"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_key_that_cannot_be_read_does_not_lose_the_others() {
    let key = rsa();
    let token = || key.sign(&json!({}));
    let mut cases = Vec::new();
    for (name, beside) in [
        (
            "an unknown kty",
            json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "pq", "pub": "AAAA" }),
        ),
        (
            "an unknown kty of the same name",
            json!({ "kty": "AKP", "kid": "k", "pub": "AAAA" }),
        ),
        (
            "a modulus that is a number",
            json!({ "kty": "RSA", "kid": "k", "n": 7, "e": "AQAB" }),
        ),
        (
            "a modulus that is not base64url",
            json!({ "kty": "RSA", "kid": "k", "n": "*", "e": "AQAB" }),
        ),
        ("an object without members", json!({})),
        ("a string", json!("key")),
        ("null", Value::Null),
        ("an array", json!([])),
        ("a kty that is a number", json!({ "kty": 1, "kid": "k" })),
        (
            "a shared secret",
            json!({ "kty": "oct", "kid": "k", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0" }),
        ),
        (
            "a point that is too short",
            json!({ "kty": "EC", "crv": "P-256", "kid": "k", "x": "AA", "y": "AA" }),
        ),
    ] {
        cases.push(case(name, [beside.clone(), key.published()], token(), Accepted));
        cases.push(case(name, [key.published(), beside], token(), Accepted));
    }
    assert_cases(cases).await;
}

#[tokio::test]
async fn ed25519_has_two_names() {
    let key = ed();
    let signed = |alg: &str| key.sign_with_header(&json!({ "alg": alg }), &json!({}));
    let mut cases = Vec::new();
    for alg in [json!("Ed25519"), json!("EdDSA"), Value::Null] {
        for name in ["Ed25519", "EdDSA"] {
            let published = key.published_with(&json!({ "alg": alg }));
            cases.push(case("both names", [published], signed(name), Accepted));
        }
    }
    let x25519 = key.published_with(&json!({ "crv": "X25519", "alg": null }));
    cases.push(case(
        "another curve",
        [x25519],
        signed("EdDSA"),
        NoUsableKey("curve X25519"),
    ));
    let ed448 = signed("Ed448");
    cases.push(case(
        "another algorithm",
        [key.published()],
        ed448,
        Refused("its algorithm is Ed448"),
    ));
    assert_cases(cases).await;
}

#[tokio::test]
async fn a_set_without_a_usable_key_is_said_to_be_one() {
    let (key, token) = (rsa(), rsa().sign(&json!({})));
    let p384 = json!({ "kty": "EC", "crv": "P-384", "kid": "p", "x": "AA", "y": "AA" });
    let secret = json!({ "kty": "oct", "kid": "s", "k": "c2VjcmV0LWluLWEtcHVibGljLWtleS1zZXQ" });
    let (enc, rs512) = (
        key.published_with(&json!({ "use": "enc" })),
        key.published_with(&json!({ "alg": "RS512" })),
    );
    let all = [enc.clone(), enc, rs512, p384, secret];
    assert_cases(vec![
        case("empty", [], token.clone(), NoUsableKey("it has no keys")),
        case(
            "five keys",
            all.clone(),
            token.clone(),
            NoUsableKey("none of its 5 keys"),
        ),
        case("use", all.clone(), token.clone(), NoUsableKey("2: use is enc")),
        case("alg", all.clone(), token.clone(), NoUsableKey("1: alg is RS512")),
        case("curve", all.clone(), token.clone(), NoUsableKey("1: EC curve P-384")),
        case("kty", all.clone(), token.clone(), NoUsableKey("1: kty is oct")),
    ])
    .await;

    // The log says the same, and no answer or log line holds the material of a key.
    let issuer = Issuer::publishing(&all).await;
    let program = Program::serve(&issuer.flags(), &[]).await;
    let answer = program.server.call(&token, "auth_status", json!({})).await;
    assert_eq!(answer.status, 503);
    let line = program
        .logged(|line| line["level"] == "WARN" && line.to_string().contains("EC curve P-384"))
        .await;
    let shown = format!("{line} {}", answer.body);
    assert!(
        !shown.contains("c2VjcmV0") && !shown.contains("could not be fetched"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_document_that_is_no_key_set_is_said_to_be_none() {
    let token = ed().sign(&json!({}));
    let issuer = Issuer::publishing(&[]).await;
    for (body, part) in [
        ("<html>login</html>", "is not JSON"),
        (
            r#"{"issuer": "https://login.example.com", "jwks_uri": "https://login.example.com/keys"}"#,
            "jwks_uri",
        ),
        (r#"{"kid": "-----BEGIN CERTIFICATE-----"}"#, "no keys member"),
        (r#"[{"kty": "RSA"}]"#, "no keys member"),
        (r#"{"keys": {"kty": "RSA"}}"#, "its keys is an object"),
    ] {
        issuer.answers(ResponseTemplate::new(200).set_body_string(body)).await;
        let server = Server::start_at(None, &issuer.flags(), Clock::system()).await;
        let answer = server.call(&token, "auth_status", json!({})).await;
        assert_eq!(
            answer.refused(),
            (503, "verifier_unavailable"),
            "{body}: {}",
            answer.body
        );
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(
            message.contains(part) && message.contains("MCP_JWT_JWKS_URL"),
            "{body}: {message}"
        );
        assert!(!message.contains("could not be fetched"), "{message}");
    }
    issuer.answers(ResponseTemplate::new(404)).await;
    let server = Server::start_at(None, &issuer.flags(), Clock::system()).await;
    let answer = server.call(&token, "auth_status", json!({})).await;
    let message = answer.body["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("could not be fetched") && message.contains("404"),
        "{message}"
    );
}

/// A token must not make the server check any number of signatures.
#[tokio::test]
async fn of_a_hundred_keys_a_bounded_number_is_tried() {
    let keys: Vec<SigningKey> = (0..100).map(|_| ed()).collect();
    let named = |index: usize| keys[index].published_with(&json!({ "kid": format!("key-{index}") }));
    let published: Vec<Value> = (0..100).map(named).collect();
    let token = |index: usize| keys[index].sign_as(&json!({}), Some(&format!("key-{index}")));
    let unnamed = |index: usize| keys[index].sign_as(&json!({}), None);
    assert_cases(vec![
        case("the first", published.clone(), token(0), Accepted),
        case("the last", published.clone(), token(99), Accepted),
        case("the sixty-fourth, unnamed", published.clone(), unnamed(63), Accepted),
        case(
            "the sixty-fifth, unnamed",
            published.clone(),
            unnamed(64),
            Refused("100 keys"),
        ),
        case("the last, unnamed", published, unnamed(99), Refused("kid")),
    ])
    .await;
}

/// Keys without names are rotated too.
#[tokio::test]
async fn an_unnamed_key_that_is_new_is_found_as_soon_as_asking_is_allowed() {
    let (old, new) = (ed(), ed());
    let unnamed = json!({ "kid": null });
    let issuer = Issuer::publishing(&[old.published_with(&unnamed)]).await;
    let (began, later) = (now(), Arc::new(AtomicI64::new(0)));
    let seconds = later.clone();
    let clock = Clock::from_fn(move || jiff::Timestamp::from_second(began + seconds.load(Ordering::Relaxed)).unwrap());
    let server = Server::start_at(None, &issuer.flags(), clock).await;
    let status = async |key: &SigningKey| {
        server
            .call(&key.sign(&json!({})), "auth_status", json!({}))
            .await
            .status
    };
    assert_eq!(status(&old).await, 200);
    issuer.publish(&[new.published_with(&unnamed)]).await;
    assert_eq!(
        (status(&new).await, issuer.requests().await),
        (401, 0),
        "half a minute has to pass"
    );
    later.store(30, Ordering::Relaxed);
    assert_eq!((status(&new).await, issuer.requests().await), (200, 1));
    assert_eq!(
        (status(&old).await, issuer.requests().await),
        (401, 1),
        "and what was withdrawn is no longer accepted"
    );
}

/// A provider in trouble publishes an empty set: what it published before stays, as when it does not answer.
#[tokio::test]
async fn a_set_without_a_usable_key_does_not_replace_one_with_keys() {
    let key = ed();
    let issuer = Issuer::publishing(&[key.published()]).await;
    let (began, later) = (now(), Arc::new(AtomicI64::new(0)));
    let seconds = later.clone();
    let clock = Clock::from_fn(move || jiff::Timestamp::from_second(began + seconds.load(Ordering::Relaxed)).unwrap());
    let server = Server::start_at(None, &issuer.flags(), clock).await;
    let bearer = key.sign(&json!({ "exp": began + 7 * 24 * 3600 }));
    let call = async || server.call(&bearer, "auth_status", json!({})).await;
    assert_eq!(call().await.status, 200);
    issuer.publish(&[key.published_with(&json!({ "use": "enc" }))]).await;
    later.store(11 * 60, Ordering::Relaxed);
    assert_eq!((call().await.status, issuer.requests().await), (200, 1));
    later.store(24 * 3600, Ordering::Relaxed);
    let answer = call().await;
    assert_eq!(answer.refused(), (503, "verifier_unavailable"));
    assert!(
        answer.body["error"]["message"].as_str().unwrap().contains("use is enc"),
        "{}",
        answer.body
    );
}
