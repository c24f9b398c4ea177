//! `Authorization` headers that hold no usable token: the answer says which mistake it is, and never shows the value.

use serde_json::{Value, json};

use crate::support::server::{Answer, Server};
use crate::support::{SECRET, token};

async fn server() -> Server {
    Server::start_with(None, &[format!("--jwt-secret={SECRET}")]).await
}

async fn call(server: &Server, authorization: &str) -> Answer {
    let params = json!({ "name": "auth_status", "arguments": {} });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    server.post(body.to_string(), &[("authorization", authorization)]).await
}

fn message(answer: &Answer) -> &str {
    answer.body["error"]["message"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", answer.body))
}

/// Asserts that the header is refused with this status, code and sentence, and that no part of the value is shown.
async fn assert_refused(server: &Server, authorization: &str, expected: (u16, &str), part: &str) {
    let answer = call(server, authorization).await;
    assert_eq!(answer.refused(), expected, "{authorization}: {}", answer.body);
    let message = message(&answer);
    assert!(message.contains(part), "{authorization}: {part}: {message}");
    let shown = format!("{message} {:?}", answer.headers);
    assert!(!shown.contains("canary"), "{authorization}: {shown}");
    assert!(message.ends_with('.'), "{message}");
}

const INVALID: (u16, &str) = (401, "invalid_jwt");
const MISSING: (u16, &str) = (401, "missing_jwt");

#[tokio::test]
async fn each_mistake_in_a_bearer_is_named() {
    let server = server().await;
    let jwt = token(json!({ "sub": "canary" }));
    let long = format!("Bearer {}", "x".repeat(16 * 1024 + 1));
    for (authorization, part) in [
        (format!("Bearer Bearer {jwt}"), "the word Bearer twice"),
        (format!("bearer BEARER {jwt}"), "the word Bearer twice"),
        ("Bearer Bearer".to_owned(), "the word Bearer twice"),
        (format!("Bearer Authorization: Bearer {jwt}"), "the name of the header"),
        (format!("Bearer \"{jwt}\""), "quotation marks"),
        (format!("Bearer '{jwt}'"), "quotation marks"),
        (format!("Bearer `{jwt}`"), "quotation marks"),
        (format!("Bearer \"{jwt}"), "quotation marks"),
        (long, "16385 bytes"),
        (format!("Bearer {} {}", &jwt[..20], &jwt[20..]), "a blank"),
        (format!("Bearer {}\t{}", &jwt[..20], &jwt[20..]), "a blank"),
        (format!("Bearer {jwt},"), "a comma"),
        (format!("Bearer {jwt};"), "characters that no bearer token has"),
        ("Bearer canary*canary".to_owned(), "characters that no bearer token has"),
        ("Bearer {\"access_token\":\"canary\"}".to_owned(), "a JSON document"),
        ("Bearer ****************".to_owned(), "masked"),
        ("Bearer eyJhbGciOi...".to_owned(), "shortened"),
    ] {
        assert_refused(&server, &authorization, INVALID, part).await;
    }
}

#[tokio::test]
async fn a_placeholder_that_was_not_filled_in_is_named() {
    let server = server().await;
    for placeholder in [
        "${QUILT_TOKEN}",
        "${QUILT_TOKEN:-}",
        "${env:QUILT_TOKEN}",
        "${input:quilt-token}",
        "$QUILT_TOKEN",
        "$env:QUILT_TOKEN",
        "{{token}}",
        "{{ token }}",
        "<token>",
        "<your-token>",
        "<YOUR TOKEN HERE>",
        "{env:QUILT_TOKEN}",
        "{token}",
        "%QUILT_TOKEN%",
        "[token]",
        "[object Object]",
        "[object Promise]",
        "#{QUILT_TOKEN}#",
        "$(cat token)",
        "$(QUILT_TOKEN)",
        "__QUILT_TOKEN__",
        "undefined",
        "null",
        "None",
        "nil",
        "NaN",
        "UNDEFINED",
        "NULL",
        "YOUR_TOKEN",
        "YOUR-TOKEN",
        "your_token_here",
        "YOUR_API_KEY",
        "your-jwt",
        "QUILT_TOKEN",
        "QUILT_API_TOKEN",
        "ACCESS_TOKEN",
        "MY_JWT",
        "\"${QUILT_TOKEN}\"",
        "'undefined'",
        "qk_${QUILT_KEY}",
        "process.env.QUILT_TOKEN",
        "os.environ[QUILT_TOKEN]",
    ] {
        for authorization in [format!("Bearer {placeholder}"), format!("bearer  {placeholder} ")] {
            assert_refused(&server, &authorization, INVALID, "a placeholder that was not filled in").await;
        }
    }
    // The whole value is a placeholder.
    for authorization in ["${QUILT_AUTHORIZATION}", "{{authorization}}", "undefined", "<token>"] {
        assert_refused(&server, authorization, INVALID, "a placeholder that was not filled in").await;
    }
}

#[tokio::test]
async fn a_header_without_the_scheme_says_how_to_write_it() {
    let server = server().await;
    let jwt = token(json!({ "sub": "canary" }));
    for (authorization, part) in [
        (jwt.clone(), "write the word Bearer and a blank before it"),
        ("qk_canary".to_owned(), "write the word Bearer and a blank before it"),
        (format!("Bearer:{jwt}"), "rite a blank after the word Bearer"),
        (format!("Bearer: {jwt}"), "rite a blank after the word Bearer"),
        (format!("Bearer={jwt}"), "rite a blank after the word Bearer"),
        (format!("Bearer{jwt}"), "rite a blank after the word Bearer"),
        (format!("Bearer,{jwt}"), "rite a blank after the word Bearer"),
        (format!("\"Bearer {jwt}\""), "quotation marks"),
        (format!("Authorization: Bearer {jwt}"), "its own name"),
        (format!("Token {jwt}"), "the scheme Token"),
        (format!("JWT {jwt}"), "the scheme JWT"),
        ("Basic Y2FuYXJ5OmNhbmFyeQ==".to_owned(), "the scheme Basic"),
        ("Digest username=canary".to_owned(), "the scheme Digest"),
        ("ApiKey canary".to_owned(), "the scheme ApiKey"),
        (format!("DPoP {jwt}"), "the scheme DPoP"),
        (
            "AWS4-HMAC-SHA256 Credential=canary".to_owned(),
            "the scheme AWS4-HMAC-SHA256",
        ),
        ("canary".to_owned(), "does not use the Bearer scheme"),
        ("canary canary".to_owned(), "does not use the Bearer scheme"),
        ("Bearer".to_owned(), "has no token"),
        ("bearer ".to_owned(), "has no token"),
        (String::new(), "is empty"),
    ] {
        // A header that has a token in another form has an invalid one.
        let lower = authorization.to_lowercase();
        let has_bearer = lower.contains("bearer") && !["bearer", "bearer "].contains(&lower.as_str());
        assert_refused(
            &server,
            &authorization,
            if has_bearer { INVALID } else { MISSING },
            part,
        )
        .await;
    }
    let answer = server.rpc(None, "tools/call", json!({ "name": "auth_status" })).await;
    assert_eq!(answer.refused(), MISSING);
    assert!(
        message(&answer).contains("`Authorization: Bearer <token>`"),
        "{}",
        answer.body
    );
}

/// Proxies join two header lines with a comma (RFC 9110, section 5.3): equal ones are one, as two equal lines are.
#[tokio::test]
async fn two_tokens_joined_by_a_comma_are_one_if_they_are_equal() {
    let server = server().await;
    let (jwt, other) = (token(json!({ "sub": "canary" })), token(json!({ "sub": "canary-2" })));
    for authorization in [
        format!("Bearer {jwt}"),
        format!("Bearer {jwt}, Bearer {jwt}"),
        format!("Bearer {jwt},bearer {jwt}"),
        format!("Bearer {jwt}, {jwt}"),
        format!("Bearer {jwt}, Bearer {jwt}, Bearer {jwt}"),
    ] {
        let answer = call(&server, &authorization).await;
        assert_eq!(answer.success()["subject"], "canary", "{authorization}");
    }
    for authorization in [format!("Bearer {jwt}, Bearer {other}"), format!("Bearer {jwt},{other}")] {
        assert_refused(
            &server,
            &authorization,
            (400, "invalid_request"),
            "two different tokens, joined by a comma",
        )
        .await;
    }
    for authorization in [
        format!("Bearer {jwt}, Basic Y2FuYXJ5OmNhbmFyeQ=="),
        format!("Basic Y2FuYXJ5OmNhbmFyeQ==,Bearer {jwt}"),
    ] {
        let expected = (400, "invalid_request");
        assert_refused(&server, &authorization, expected, "two different credentials").await;
    }
    let items = [
        ("authorization", format!("Bearer {jwt}")),
        ("authorization", format!("bearer  {jwt}")),
    ];
    let headers: Vec<(&str, &str)> = items.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "auth_status" } });
    assert_eq!(server.post(body.to_string(), &headers).await.status, 200);
}

/// A new login helps against none of these.
#[tokio::test]
async fn a_new_login_is_proposed_only_where_it_helps() {
    let server = server().await;
    for authorization in ["Bearer Bearer x", "Bearer ${X}", "Bearer \"x\"", "Bearer a b"] {
        let answer = call(&server, authorization).await;
        assert!(
            !message(&answer).contains("Log in again"),
            "{authorization}: {}",
            answer.body
        );
    }
    let expired: Value = json!({ "sub": "alice", "exp": 1_700_000_000 });
    let answer = call(&server, &format!("Bearer {}", token(expired))).await;
    assert!(message(&answer).contains("Log in again"), "{}", answer.body);
}
