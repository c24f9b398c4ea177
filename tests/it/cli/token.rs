//! `token mint` and `token inspect`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::support::issuer::{Issuer, SigningKey};
use crate::support::{SECRET, now, token, token_signed_with, tools};

const ROLE: &str = "arn:aws:iam::123456789012:role/quilt/reader";

async fn quilt_mcp(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> (i32, String, String) {
    let mut command = tools::isolated(Path::new(env!("CARGO_BIN_EXE_quilt-mcp")));
    command.arg("token").args(arguments).envs(variables.iter().copied());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let input = input.to_owned();
    let Output { status, stdout, stderr } = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn()?;
        // A command that does not read has hung up.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output()
    })
    .await
    .unwrap()
    .unwrap();
    (
        status.code().unwrap(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

/// What inspection tells of a token, line by line.
async fn inspected(token: &str, variables: &[(&str, &str)]) -> String {
    let (code, out, err) = quilt_mcp(&["inspect", token], variables, "").await;
    assert_eq!((code, err.as_str()), (0, ""));
    out
}

fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[tokio::test]
async fn a_minted_token_says_what_the_flags_say_and_verifies() {
    let arguments = [
        "mint",
        "--sub",
        "alice",
        "--role-arn",
        ROLE,
        "--catalog-token",
        "canary.token",
        "--catalog-url",
        "https://c.example.com",
        "--registry-url",
        "https://r.example.com/",
        "--ttl",
        "2h",
        "--claim",
        "team=a",
        "--claim",
        "session_tags={\"k\":\"v\"}",
    ];
    let (code, out, err) = quilt_mcp(&arguments, &[("MCP_JWT_SECRET", SECRET)], "").await;
    assert_eq!((code, err.as_str(), out.lines().count()), (0, "", 1));
    let key = jsonwebtoken::DecodingKey::from_secret(SECRET.as_bytes()).unwrap();
    let rules = jsonwebtoken::Validation::new(Algorithm::HS256);
    let mut claims = jsonwebtoken::decode::<Value>(out.trim_end(), &key, &rules)
        .unwrap()
        .claims;
    let (iat, exp) = (
        claims["iat"].take().as_i64().unwrap(),
        claims["exp"].take().as_i64().unwrap(),
    );
    assert!(exp - iat == 7200 && (now() - iat).abs() < 60);
    let expected = json!({ "sub": "alice", "iat": null, "exp": null, "role_arn": ROLE, "catalog_token": "canary.token",
        "catalog_url": "https://c.example.com", "registry_url": "https://r.example.com", "team": "a",
        "session_tags": { "k": "v" } });
    assert_eq!(claims, expected);

    let settings = [
        ("MCP_JWT_SECRET", SECRET),
        ("QUILT_MCP_ASSUMABLE_ROLES", "arn:aws:iam::123456789012:role/quilt/*"),
        ("QUILT_REGISTRY_URL", "https://r.example.com"),
        ("QUILT_CATALOG_URL", ""),
    ];
    let (code, output, err) = quilt_mcp(&["inspect", "-"], &settings, &format!("Bearer {out}")).await;
    assert_eq!((code, err.as_str()), (0, ""));
    holds(
        &output,
        &[
            "signature  verifies (hs256",
            "server     takes the token",
            "in 1h 59m",
            "\"alg\": \"HS256\"",
            "\"sub\": \"alice\"",
            "role: STS AssumeRole",
            "is on QUILT_MCP_ASSUMABLE_ROLES",
            "registry https://r.example.com",
            "the token's catalog_token",
            "ambient  not reached",
        ],
    );
    assert!(!output.contains("canary"), "{output}");
}

#[tokio::test]
async fn a_token_that_cannot_be_made_is_one_clear_sentence() {
    for (arguments, part) in [
        (&["mint", "--sub", "a"][..], "MCP_JWT_SECRET: is not set"),
        (&["mint", "--sub", "a", "--secret", "canary"], "at least 32"),
        (
            &["mint", "--sub", "a", "--secret", SECRET, "--ttl", "5w"],
            "such as 12h",
        ),
        (
            &["mint", "--sub", "a", "--secret", SECRET, "--role-arn", "role"],
            "123456789012:role/NAME",
        ),
        (
            &["mint", "--sub", "a", "--secret", SECRET, "--claim", "canary"],
            "name=value",
        ),
        (
            &[
                "mint",
                "--sub",
                "a",
                "--secret",
                SECRET,
                "--catalog-token",
                "canary canary",
            ],
            "--catalog-token",
        ),
        (&["mint", "--secret", SECRET], "--sub"),
    ] {
        let (code, out, err) = quilt_mcp(arguments, &[], "").await;
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        holds(&err, &[part]);
        assert!(!err.contains(SECRET), "{err}");
    }
    for garbage in [
        "",
        "garbage",
        "a.b.c",
        "a b",
        "eyJhbGciOiJIUzI1NiJ9.e30",
        "é",
        "[1].{}.x",
    ] {
        for (argument, input) in [(garbage, ""), ("-", garbage)] {
            let (code, out, err) = quilt_mcp(&["inspect", argument], &[], input).await;
            assert_eq!(
                (code, out.as_str(), err.lines().count()),
                (2, "", 1),
                "{garbage}: {err}"
            );
        }
    }
}

#[tokio::test]
async fn inspection_says_what_the_server_would_do() {
    let secret = [("MCP_JWT_SECRET", SECRET)];
    let plain = token(json!({ "sub": "alice" }));
    let output = inspected(&plain, &secret).await;
    holds(
        &output,
        &[
            "verifies",
            "1 jwt      not applicable: the token carries neither",
            "2 catalog  not applicable: neither",
            "3 ambient  reached",
            "reading only",
        ],
    );
    let output = inspected(&plain, &[secret[0], ("QUILT_MCP_AMBIENT", "never")]).await;
    holds(&output, &["3 ambient  never"]);

    let embedded = token(
        json!({ "sub": "alice", "awsCredentials": { "accessKeyId": "ASIACANARYCANARYCANA",
        "secretAccessKey": "canary-secret", "sessionToken": "canary-session" } }),
    );
    let output = inspected(&embedded, &secret).await;
    holds(
        &output,
        &["embedded credentials: the token carries temporary", "(hidden)"],
    );
    assert!(!output.to_lowercase().contains("canary"), "{output}");

    let role = token(json!({ "sub": "alice", "role_arn": ROLE }));
    holds(
        &inspected(&role, &secret).await,
        &["denied", "is not on QUILT_MCP_ASSUMABLE_ROLES"],
    );
    let output = inspected(&role, &[]).await;
    holds(
        &output,
        &[
            "not checked: set MCP_JWT_SECRET",
            "if the server proves the token: role",
            "if it has one",
        ],
    );

    let registry = ("QUILT_REGISTRY_URL", "https://r.example.com");
    let output = inspected(&role, &[registry]).await;
    holds(
        &output,
        &[
            "`registry` mode",
            "jwt      not applicable: the token is opaque",
            "the configured registry https://r.",
        ],
    );
    let output = inspected("qk_canary", &[registry]).await;
    holds(
        &output,
        &[
            "Quilt API key",
            "the configured registry https://r.example.com",
            "the token itself",
        ],
    );
    assert!(!output.contains("canary"), "{output}");

    let elsewhere = token(json!({ "sub": "alice", "registry_url": "https://evil.example.com" }));
    let output = inspected(&elsewhere, &[secret[0], registry]).await;
    holds(
        &output,
        &["denied: the host of the registry_url claim is not on QUILT_MCP_ALLOWED_REGISTRIES"],
    );
    let allowed = ("QUILT_MCP_ALLOWED_REGISTRIES", "evil.example.com");
    holds(
        &inspected(&elsewhere, &[secret[0], registry, allowed]).await,
        &["QUILT_MCP_ALLOWED_REGISTRIES allows"],
    );
}

#[tokio::test]
async fn inspection_tells_a_bad_signature_from_a_bad_claim() {
    let secret = ("MCP_JWT_SECRET", SECRET);
    let refused = "none is reached";
    let forged = token_signed_with(json!({ "sub": "alice" }), "another-secret-that-has-40-characters-too");
    holds(
        &inspected(&forged, &[secret]).await,
        &["signature  does not verify", "401 invalid_jwt", refused],
    );
    let previous = ("MCP_JWT_SECRET_PREVIOUS", "another-secret-that-has-40-characters-too");
    holds(&inspected(&forged, &[secret, previous]).await, &["signature  verifies"]);

    let expired = token(json!({ "sub": "alice", "exp": now() - 3600 }));
    holds(
        &inspected(&expired, &[secret]).await,
        &["signature  verifies", "401 token_expired", ", 1h", " ago", refused],
    );
    let endless = token(json!({ "sub": "alice", "exp": null }));
    holds(
        &inspected(&endless, &[secret]).await,
        &["signature  verifies", "expiry     none that counts", refused],
    );
    let issuer = ("MCP_JWT_ISSUER", "https://i.example.com");
    let foreign = token(json!({ "sub": "alice", "iss": "https://j.example.com" }));
    holds(
        &inspected(&foreign, &[secret, issuer]).await,
        &["signature  verifies", "its issuer", refused],
    );
    // {"alg":"none"}
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", foreign.split('.').nth(1).unwrap());
    holds(
        &inspected(&unsigned, &[secret]).await,
        &["does not verify", "\"alg\": \"none\"", "invalid_jwt", refused],
    );
}

#[tokio::test]
async fn inspection_fetches_an_issuer_s_keys_and_sends_it_nothing() {
    let key = SigningKey::new("k1", Algorithm::ES256);
    let issuer = Issuer::publishing(&[key.published()]).await;
    let bearer = key.sign(&json!({}));
    let flags = issuer.flags();
    let role = format!("--web-identity-role-arn={ROLE}");
    let mut arguments = vec!["inspect", bearer.as_str(), role.as_str()];
    arguments.extend(flags.iter().map(String::as_str));
    let (code, output, _) = quilt_mcp(&arguments, &[], "").await;
    assert_eq!((code, issuer.requests().await), (0, 1));
    holds(&output, &["verifies (jwks", "AssumeRoleWithWebIdentity", ROLE]);

    issuer.answers(wiremock::ResponseTemplate::new(500)).await;
    let (code, output, _) = quilt_mcp(&arguments, &[], "").await;
    assert_eq!(code, 0);
    holds(&output, &["signature  not checked (jwks", "503"]);
}
