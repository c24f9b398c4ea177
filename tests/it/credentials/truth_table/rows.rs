//! Rows and columns of the table: the contents of a token, the answers of the registry, and the outcome expected of
//! each.

use serde_json::{Value, json};

use super::rule::Outcome::{Denied, Failed, NotApplicable};
use super::rule::{Answer, GIVES, Policy};
use crate::support::registry::Vends;
use crate::support::stage::{Keys, Stage};

/// The server's own identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// The administrator's keys: with them, everything that is forbidden here would succeed.
    Admin,
    /// None.
    None,
    /// One that is configured and cannot be loaded.
    Broken,
}

impl Own {
    /// Returns the answer of the last step if it is reached.
    pub fn answer(self, policy: Policy) -> Answer {
        match (policy, self) {
            (Policy::Never, _) | (_, Self::None) => Answer(NotApplicable, "missing_config"),
            (_, Self::Broken) => Answer(Failed, "request_failed"),
            (_, Self::Admin) => GIVES,
        }
    }
}

/// Whom STS knows as the role of everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Web {
    /// The operator named none.
    None,
    /// A role that trusts the provider of the tokens.
    Open,
    /// A role that trusts another one.
    Closed,
    /// STS answers neither yes nor no.
    Broken,
}

/// Who signs what reaches S3.
#[derive(Debug, Clone)]
pub enum Signer {
    /// This access key.
    Key(String),
    /// The session of this role that is named by the token's subject.
    Session(&'static str),
    /// No key: there are no credentials.
    None,
}

/// The operator's registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registry {
    /// There is none.
    None,
    /// One that vends credentials.
    Vends,
    /// One that vends none, according to the operator.
    VendsNone,
    /// That of a local catalog, for a server that other machines reach.
    Local,
}

/// Claims that a token carries for the first step, and the expected answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub name: &'static str,
    pub claims: Value,
    pub answer: Answer,
    /// Requests that STS gets for it.
    pub requests: usize,
    pub signer: Signer,
}

/// The situation of the second step, and the expected answer.
#[derive(Clone)]
pub struct Catalog {
    pub name: &'static str,
    pub claims: Value,
    /// The registry's answer, to the token itself or to the catalog's token that it carries.
    pub vends: Option<Vends>,
    pub answer: Answer,
    /// Requests that the registry gets for it.
    pub requests: usize,
    pub signer: Signer,
}

pub fn embedding(keys: &Keys) -> Value {
    json!({ "access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key,
        "session_token": keys.session_token })
}

/// A token that says nothing for the first step, or a call without one.
pub fn nothing() -> Exchange {
    Exchange {
        name: "nothing",
        claims: json!({}),
        answer: Answer(NotApplicable, "no_claim"),
        requests: 0,
        signer: Signer::None,
    }
}

/// Everything that a signed token may carry for the first step.
pub fn exchanges(stage: &Stage, own: Own, web: Web) -> Vec<Exchange> {
    let role = |name: &str| stage.aws().role_arn(&format!("it/{name}"));
    let embedded = embedding(&stage.writer);
    let half = json!({ "access_key_id": stage.writer.access_key_id });
    let mut expired = embedded.clone();
    expired["expiration"] = json!(crate::support::now() - 60);
    let row = |name, claims, answer, requests, signer| Exchange {
        name,
        claims,
        answer,
        requests,
        signer,
    };
    let none = |name, claims, outcome, code, requests| row(name, claims, Answer(outcome, code), requests, Signer::None);
    // A server without an identity can never ask STS for a role; one whose identity cannot be loaded, or that STS fails, may
    // a little later.
    let named = |name, claims, answer, signer: Signer| match (own, web) {
        (Own::None, _) => none(name, claims, Denied, "assume_role_failed", 0),
        (Own::Broken, _) => none(name, claims, Failed, "assume_role_failed", 0),
        (Own::Admin, Web::Broken) => none(name, claims, Failed, "assume_role_failed", 1),
        (Own::Admin, _) => row(name, claims, answer, 1, signer),
    };
    let not_assumed = |outcome| Answer(outcome, "assume_role_failed");
    let bare = match web {
        Web::None => nothing(),
        Web::Open => row("web identity", json!({}), GIVES, 1, Signer::Session("web")),
        Web::Closed => row("closed web identity", json!({}), not_assumed(Denied), 1, Signer::None),
        Web::Broken => row("broken web identity", json!({}), not_assumed(Failed), 1, Signer::None),
    };
    let key = Signer::Key(stage.writer.access_key_id.clone());
    vec![
        bare,
        row(
            "embedded",
            json!({ "aws_credentials": embedded }),
            GIVES,
            0,
            key.clone(),
        ),
        row(
            "embedded and role",
            json!({ "aws_credentials": embedded, "role_arn": role("reader") }),
            GIVES,
            0,
            key,
        ),
        none(
            "half embedded",
            json!({ "aws_credentials": half }),
            Failed,
            "invalid_response",
            0,
        ),
        none(
            "half embedded and role",
            json!({ "aws_credentials": half, "role_arn": role("writer") }),
            Failed,
            "invalid_response",
            0,
        ),
        none(
            "expired",
            json!({ "aws_credentials": expired }),
            Failed,
            "invalid_response",
            0,
        ),
        named(
            "role",
            json!({ "role_arn": role("writer") }),
            GIVES,
            Signer::Session("writer"),
        ),
        named(
            "no such role",
            json!({ "role_arn": role("missing") }),
            not_assumed(Denied),
            Signer::None,
        ),
        named(
            "role with a tag twice",
            json!({ "role_arn": role("writer"), "session_tags": { "team": "a", "Team": "b" } }),
            not_assumed(Denied),
            Signer::None,
        ),
        none(
            "role off the list",
            json!({ "role_arn": "arn:aws:iam::123456789012:role/admin" }),
            Denied,
            "role_not_allowed",
            0,
        ),
        none(
            "role for a subject that names no session",
            json!({ "role_arn": role("writer"), "sub": "too long for the name of a session, with its blanks escaped" }),
            Denied,
            "assume_role_failed",
            0,
        ),
    ]
}

/// Everything that the second step may meet, one of each possible outcome first.
pub fn catalogs(stage: &Stage, registry: Registry) -> Vec<Catalog> {
    let keys = stage.mint("writer", 3600);
    let row = |name, vends: Option<Vends>, answer: Answer| {
        let requests = usize::from(vends.is_some());
        Catalog {
            name,
            claims: json!({}),
            vends,
            answer,
            requests,
            signer: Signer::None,
        }
    };
    // Where the token names another registry, whether there is one of our own makes no difference.
    let elsewhere = Catalog {
        claims: json!({ "registry_url": "https://registry.example.com" }),
        ..row("another registry", None, Answer(Denied, "forbidden"))
    };
    let unasked = |name, answer| Catalog {
        requests: 0,
        ..row(name, Some(Vends::Keys(keys.clone(), 3600)), answer)
    };
    match registry {
        Registry::None => {
            let none = row("no registry", None, Answer(NotApplicable, "missing_config"));
            return vec![none, elsewhere];
        }
        Registry::VendsNone => {
            return vec![
                unasked("vends none", Answer(NotApplicable, "missing_config")),
                elsewhere,
            ];
        }
        Registry::Local => return vec![unasked("local catalog", Answer(Failed, "invalid_response"))],
        Registry::Vends => {}
    }
    let signer = Signer::Key(keys.access_key_id.clone());
    let gives = Catalog {
        signer,
        ..row("keys", Some(Vends::Keys(keys.clone(), 3600)), GIVES)
    };
    vec![
        gives.clone(),
        row("403", Some(Vends::Status(403)), Answer(Denied, "forbidden")),
        row("500", Some(Vends::Status(500)), Answer(Failed, "request_failed")),
        Catalog {
            name: "keys for the catalog's token",
            claims: json!({ "catalog_token": "" }),
            ..gives.clone()
        },
        Catalog {
            name: "keys without an end",
            vends: Some(Vends::Endless(keys)),
            ..gives
        },
        // A registry that is known and does not answer as one is in trouble; it does not count as absent.
        row("404", Some(Vends::Status(404)), Answer(Failed, "request_failed")),
        row("page", Some(Vends::Html), Answer(Failed, "not_json")),
        row("401", Some(Vends::Status(401)), Answer(Denied, "invalid_jwt")),
        // The one answer that is retried: the upstream is not reachable. A 500 is an answer.
        Catalog {
            requests: 2,
            ..row("503", Some(Vends::Status(503)), Answer(Failed, "request_failed"))
        },
        row("nonsense", Some(Vends::Nonsense), Answer(Failed, "invalid_response")),
        row(
            "keys in a list",
            Some(Vends::Text("application/json", r#"["AKIAX", "secret", "token", null]"#)),
            Answer(Failed, "invalid_response"),
        ),
        row(
            "an empty key",
            Some(Vends::Text(
                "application/json",
                r#"{"AccessKeyId":"","SecretAccessKey":"s","SessionToken":"t","Expiration":null}"#,
            )),
            Answer(Failed, "invalid_response"),
        ),
        row("201", Some(Vends::Status(201)), Answer(Failed, "invalid_response")),
        elsewhere,
        Catalog {
            claims: json!({ "catalog_token": "no token" }),
            ..row(
                "unusable token of the catalog",
                None,
                Answer(Failed, "invalid_response"),
            )
        },
    ]
}
