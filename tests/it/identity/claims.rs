//! Claims that choose a credential source. One that cannot be read is a failure of its source: the issuer meant something by
//! it, so the caller does not become the server.

use serde_json::{Value, json};

use crate::support::registry::{FakeRegistry, Vends};
use crate::support::server::Server;
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token};

const ROLE: &str = "arn:aws:iam::123456789012:role/it/reader";
const OTHER: &str = "arn:aws:iam::123456789012:role/it/writer";

/// Returns the attempt of this source.
async fn attempt(server: &Server, claims: &Value, source: &str) -> Value {
    let answer = server.call(&token(claims.clone()), "auth_status", json!({})).await;
    let attempts = answer.success()["attempts"].as_array().unwrap().clone();
    let mut of_source = attempts.into_iter().filter(|attempt| attempt["source"] == source);
    of_source.next().unwrap_or_else(|| panic!("{claims}: {}", answer.body))
}

/// A server whose own credentials may do everything.
async fn powerful(stage: &Stage, more: &[String]) -> Server {
    let mut flags = vec![format!("--jwt-secret={SECRET}"), "--ambient=full".to_owned()];
    flags.extend_from_slice(more);
    Server::start(stage, Some(&stage.admin), &flags).await
}

/// A claim that cannot be read, the source that fails, and parts of the message.
type Unreadable = (Value, &'static str, Vec<&'static str>);

fn unreadable() -> Vec<Unreadable> {
    [
        strings_of_another_type(),
        roles_of_another_type(),
        tags_of_another_type(),
        credentials_of_another_type(),
        spellings_that_differ(),
    ]
    .concat()
}

fn strings_of_another_type() -> Vec<Unreadable> {
    let types = [
        (json!(7), "a number"),
        (json!(false), "a boolean"),
        (json!([]), "an array"),
        (json!([ROLE]), "an array"),
        (json!({}), "an object"),
        (json!({ "Arn": ROLE }), "an object"),
    ];
    let mut all = Vec::new();
    for (source, name) in [
        ("jwt", "role_arn"),
        ("jwt", "aws_role_arn"),
        ("jwt", "roleArn"),
        ("jwt", "awsRoleArn"),
        ("catalog", "registry_url"),
        ("catalog", "registryUrl"),
        ("catalog", "catalog_url"),
        ("catalog", "catalogUrl"),
        ("catalog", "catalog_token"),
        ("catalog", "catalogToken"),
    ] {
        for (value, kind) in &types {
            all.push((json!({ name: value }), source, vec![name, *kind, "expected a string"]));
        }
    }
    all
}

fn roles_of_another_type() -> Vec<Unreadable> {
    [
        (json!(ROLE), "a string"),
        (json!({ "r": ROLE }), "an object"),
        (json!(1), "a number"),
        (json!([{ "arn": ROLE }]), "an array with an object"),
        (json!(["admin", 7]), "an array with a number"),
        (json!([null]), "an array with a null"),
        (json!([["admin"]]), "an array with an array"),
    ]
    .map(|(roles, kind)| {
        let parts = vec!["roles", kind, "expected an array of strings"];
        (json!({ "roles": roles }), "jwt", parts)
    })
    .to_vec()
}

fn tags_of_another_type() -> Vec<Unreadable> {
    let mut all = Vec::new();
    for name in ["session_tags", "sessionTags"] {
        for (value, kind) in [
            (json!("team=a"), "a string"),
            (json!(7), "a number"),
            (json!({ "team": 7 }), "an object with a number"),
            (json!({ "team": ["a"] }), "an object with an array"),
            (json!(["team"]), "an array with a string"),
            (json!([{ "Key": "team" }]), "an array"),
            (json!([{ "Key": "team", "Value": 7 }]), "an array"),
        ] {
            let parts = vec![name, kind, "expected an object of strings"];
            all.push((json!({ name: value, "role_arn": ROLE }), "jwt", parts.clone()));
            all.push((json!({ name: value }), "jwt", parts));
        }
    }
    for name in ["transitive_tag_keys", "transitiveTagKeys"] {
        for (value, kind) in [
            (json!("team"), "a string"),
            (json!([7]), "an array with a number"),
            (json!({}), "an object"),
        ] {
            let parts = vec![name, kind, "expected an array of strings"];
            all.push((json!({ name: value }), "jwt", parts));
        }
    }
    all
}

fn credentials_of_another_type() -> Vec<Unreadable> {
    let mut all = Vec::new();
    for name in ["aws_credentials", "awsCredentials"] {
        let odd_token = json!({ "access_key_id": "ASIACANARY", "secret_access_key": "s", "session_token": ["t"] });
        for (value, part) in [
            (json!("ASIACANARY"), "a string; expected an object"),
            (json!(["ASIACANARY"]), "an array; expected an object"),
            (json!(true), "a boolean; expected an object"),
            (json!({}), "access_key_id"),
            (
                json!({ "access_key_id": "ASIACANARY", "secret_access_key": 7 }),
                "secret_access_key",
            ),
            (odd_token, "session_token"),
        ] {
            all.push((json!({ name: value }), "jwt", vec![name, part]));
        }
    }
    all
}

fn spellings_that_differ() -> Vec<Unreadable> {
    let keys = |id: &str| json!({ "access_key_id": id, "secret_access_key": "s" });
    let mut all: Vec<Unreadable> = [
        ("jwt", "role_arn", "aws_role_arn", json!(ROLE), json!(OTHER)),
        (
            "catalog",
            "registry_url",
            "registryUrl",
            json!("https://a.example.com"),
            json!("https://b.example.com"),
        ),
        (
            "catalog",
            "catalog_url",
            "catalogUrl",
            json!("https://a.example.com"),
            json!("https://b.example.com"),
        ),
        (
            "catalog",
            "catalog_token",
            "catalogToken",
            json!("a.b.c"),
            json!("d.e.f"),
        ),
        (
            "jwt",
            "session_tags",
            "sessionTags",
            json!({ "a": "b" }),
            json!({ "a": "c" }),
        ),
        (
            "jwt",
            "transitive_tag_keys",
            "transitiveTagKeys",
            json!(["a"]),
            json!(["b"]),
        ),
        ("jwt", "aws_credentials", "awsCredentials", keys("A"), keys("B")),
    ]
    .map(|(source, first, second, a, b)| {
        let parts = vec![first, second, "different values"];
        (json!({ first: a, second: b }), source, parts)
    })
    .to_vec();
    all.push((
        json!({ "role_arn": ROLE, "roleArn": 7 }),
        "jwt",
        vec!["roleArn", "a number"],
    ));
    all
}

#[tokio::test]
async fn a_claim_that_cannot_be_read_never_makes_its_caller_the_server() {
    let stage = Stage::embedded().await;
    stage.seed(SHARED, "secret.txt", b"the server's").await;
    let roles = format!("--assumable-roles={ROLE},{OTHER}");
    let server = powerful(&stage, &[roles]).await;
    let before = stage.aws().journal().entries().len();
    for (mut claims, source, parts) in unreadable() {
        claims["sub"] = json!("mallory");
        let found = attempt(&server, &claims, source).await;
        assert_eq!(
            (&found["outcome"], &found["code"]),
            (&json!("failed"), &json!("invalid_response")),
            "{claims}: {found}"
        );
        let message = found["message"].as_str().unwrap();
        for part in parts {
            assert!(message.contains(part), "{claims}: {part}: {message}");
        }
        for value in ["arn:aws", "CANARY", "example.com", "a.b.c", "team="] {
            assert!(!message.contains(value), "the value is not shown: {message}");
        }
        let arguments = json!({ "bucket": SHARED, "key": "secret.txt" });
        let read = server
            .call(&token(claims.clone()), "bucket_object_text", arguments)
            .await;
        assert_eq!(read.body["result"]["isError"], true, "{claims}: {}", read.body);
        let items = json!([{ "key": "forged.txt", "text": "x" }]);
        let write = server
            .call(
                &token(claims.clone()),
                "bucket_objects_put",
                json!({ "bucket": SHARED, "items": items }),
            )
            .await;
        assert_eq!(write.body["result"]["isError"], true, "{claims}: {}", write.body);
    }
    let asked = stage.aws().journal().entries().split_off(before);
    assert!(asked.is_empty(), "nothing was asked with the server's keys: {asked:?}");
}

/// Issuers send empty claims for users without the attribute.
#[tokio::test]
async fn an_empty_claim_is_absent() {
    let stage = Stage::embedded().await;
    let server = powerful(&stage, &[]).await;
    let mut absent = vec![
        json!({ "roles": [] }),
        json!({ "roles": ["admin", "", "arn:aws:iam::1:user/u"] }),
        json!({ "tags": ["a"] }),
    ];
    for name in [
        "role_arn",
        "aws_role_arn",
        "roleArn",
        "awsRoleArn",
        "roles",
        "registry_url",
        "registryUrl",
        "catalog_url",
        "catalogUrl",
        "catalog_token",
        "catalogToken",
        "session_tags",
        "transitive_tag_keys",
        "aws_credentials",
        "awsCredentials",
    ] {
        absent.extend([json!({ name: null }), json!({ name: "" })]);
    }
    absent.push(json!({ "role_arn": "", "roleArn": null, "roles": ["admin"] }));
    for mut claims in absent {
        claims["sub"] = json!("alice");
        for source in ["jwt", "catalog"] {
            let found = attempt(&server, &claims, source).await;
            assert_eq!(found["outcome"], "not_applicable", "{claims}: {found}");
        }
    }
}

/// Two spellings of one claim agree if their values do.
#[tokio::test]
async fn spellings_of_one_value_and_empty_ones_beside_it_are_read() {
    let stage = Stage::embedded().await;
    let server = powerful(&stage, &[format!("--assumable-roles={ROLE}")]).await;
    for claims in [
        json!({ "role_arn": ROLE, "aws_role_arn": ROLE, "roleArn": "", "awsRoleArn": null }),
        json!({ "roles": ["admin", ROLE, OTHER] }),
        json!({ "role_arn": ROLE, "roles": [OTHER] }),
        json!({ "role_arn": ROLE, "session_tags": {}, "sessionTags": {} }),
    ] {
        let mut claims = claims;
        claims["sub"] = json!("alice");
        let found = attempt(&server, &claims, "jwt").await;
        assert_eq!(found["outcome"], "ok", "{claims}: {found}");
    }
}

/// The next user source is still asked, as after every failure.
#[tokio::test]
async fn the_registry_is_asked_for_a_caller_whose_role_cannot_be_read() {
    let stage = Stage::embedded().await;
    let registry = FakeRegistry::start().await;
    let server = powerful(&stage, &[format!("--registry-url={}", registry.url)]).await;
    let claims = json!({ "sub": "r", "role_arn": [ROLE] });
    registry.vends(&token(claims.clone()), Vends::Keys(stage.reader.clone(), 3600));
    let list = server
        .call(&token(claims), "bucket_objects_list", json!({ "bucket": SHARED }))
        .await;
    assert_eq!(list.success()["credential_source"], "catalog");

    // Where the registry, or the bearer for it, is what cannot be read, no registry gets the token.
    let before = registry.requests().len();
    for claims in [
        json!({ "catalog_token": 7 }),
        json!({ "registry_url": [registry.url] }),
        json!({ "catalog_url": 7 }),
    ] {
        let found = attempt(&server, &claims, "catalog").await;
        assert_eq!(
            (&found["outcome"], &found["code"]),
            (&json!("failed"), &json!("invalid_response")),
            "{found}"
        );
    }
    assert_eq!(registry.requests().len(), before);
}
