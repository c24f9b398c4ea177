//! The truth table of credential sources: each outcome of the JWT step, with each outcome of the catalog, with each
//! policy for the server's own credentials. For each combination a read and a write over the socket, and a check of
//! which upstream was called with which identity. The expected result follows from [`rule`], which states the contract
//! in a few lines.
//!
//! The server's own identity is the administrator of the S3, so that a call that used it by mistake would succeed.

mod rows;
mod rule;
mod scene;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use self::rows::{Catalog, Exchange, Own, Registry, Signer, Web, catalogs, exchanges, nothing};
use self::rule::{Outcome, Policy, Verdict, not_let_in, rule};
use self::scene::{Proof, Reached, Scene, Setting};
use crate::support::program::Program;
use crate::support::registry::Vends;
use crate::support::server::{Answer, Server};
use crate::support::stage::SHARED;
use crate::support::token;

impl Scene {
    /// One cell of the table: two tools and a diagnosis with one token. Only the first call asks the sources.
    async fn cell(&self, server: &Server, setting: Setting, exchange: &Exchange, catalog: &Catalog, bearer: &Bearer) {
        let what = format!("{} + {} by {bearer:?} at {setting:?}", exchange.name, catalog.name);
        let verdict = rule(
            exchange.answer,
            catalog.answer,
            setting.own.answer(setting.policy),
            setting.policy,
        );
        let signer = match verdict.source {
            Ok("jwt") => exchange.signer.clone(),
            Ok("catalog") => catalog.signer.clone(),
            Ok(_) => Signer::Key(self.stage.admin.access_key_id.clone()),
            Err(_) => Signer::None,
        };
        let signer = match signer {
            Signer::Key(id) => id,
            Signer::Session(role) => format!("{role}/{}", bearer.name),
            Signer::None => String::new(),
        };
        let asks_catalog = verdict.source != Ok("jwt");
        let mut expected = Reached {
            registry: if asks_catalog { catalog.requests } else { 0 },
            sts: exchange.requests,
            s3: Vec::new(),
        };
        let refused = bearer.refused;
        for &tool in &bearer.tools {
            let refusal = if tool == Tool::Write {
                verdict.write
            } else {
                verdict.source.err()
            };
            if refused.is_none() && refusal.is_none() {
                expected.s3.push((tool.operation().to_owned(), signer.clone()));
            }
            let (answer, reached) = self.watched(tool.call(server, bearer)).await;
            let what = format!("{tool:?}: {what}");
            assert_eq!(reached, expected, "{what}: {}", answer.body);
            match refused {
                Some(refused) => assert_eq!(answer.refused(), refused, "{what}"),
                None => check(&answer, refusal, &verdict, &what),
            }
            expected = Reached::NOTHING;
        }
        // A failure has told its attempts. Who calls one tool alone has to do with a clock that goes on: nothing is kept.
        if verdict.source.is_ok() && refused.is_none() && bearer.tools.len() == 2 {
            let status = server.rpc(bearer.token.as_deref(), "tools/call", json!({ "name": "auth_status" }));
            let (status, reached) = self.watched(status).await;
            assert_eq!(reached, Reached::NOTHING, "auth_status: {what}");
            let output = status.success();
            assert_eq!(attempts(&output["attempts"]), verdict.attempts, "auth_status: {what}");
            assert_eq!(
                output["credential_source"].as_str(),
                verdict.source.ok(),
                "auth_status: {what}"
            );
            assert_eq!(output["has_credentials"], verdict.source.is_ok(), "auth_status: {what}");
        }
    }

    /// A token that does not verify causes no upstream call, with any contents.
    async fn forgery(&self, server: &Server, forged: &str, what: &str) {
        for tool in [Tool::Read, Tool::Write] {
            let bearer = Bearer::new(Some(forged.to_owned()), "");
            let (answer, reached) = self.watched(tool.call(server, &bearer)).await;
            assert_eq!(
                (answer.refused(), reached),
                ((401, "invalid_jwt"), Reached::NOTHING),
                "forged: {what}"
            );
        }
    }
}

/// The bearer token of a call, and the calls made with it.
struct Bearer {
    token: Option<String>,
    name: String,
    /// The tools that it calls.
    tools: Vec<Tool>,
    /// With what it is not let in.
    refused: Option<(u16, &'static str)>,
}

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.name)
    }
}

impl Bearer {
    fn new(token: Option<String>, name: &str) -> Self {
        Self {
            token,
            name: name.to_owned(),
            tools: vec![Tool::Read, Tool::Write],
            refused: None,
        }
    }

    /// Every other one begins with the write.
    fn in_turn(mut self, turn: usize) -> Self {
        if turn.is_multiple_of(2) {
            self.tools.reverse();
        }
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    Read,
    Write,
}

impl Tool {
    fn operation(self) -> &'static str {
        match self {
            Self::Read => "ListObjectsV2",
            Self::Write => "PutObject",
        }
    }

    async fn call(self, server: &Server, bearer: &Bearer) -> Answer {
        let params = match self {
            Self::Read => json!({ "name": "bucket_objects_list", "arguments": { "bucket": SHARED } }),
            Self::Write => {
                let items = json!([{ "key": "by/anybody", "text": "x" }]);
                json!({ "name": "bucket_objects_put", "arguments": { "bucket": SHARED, "items": items } })
            }
        };
        server.rpc(bearer.token.as_deref(), "tools/call", params).await
    }
}

fn check(answer: &Answer, refusal: Option<&str>, verdict: &Verdict, what: &str) {
    let output = answer.output();
    assert_eq!(output["success"], refusal.is_none(), "{what}: {}", answer.body);
    match refusal {
        None => drop(answer.success()),
        Some(code) => {
            let failure = answer.failure(code);
            assert_eq!(attempts(&failure["details"]["attempts"]), verdict.attempts, "{what}");
        }
    }
    assert_eq!(
        output["credential_source"].as_str(),
        verdict.source.ok(),
        "{what}: {output}"
    );
}

fn attempts(attempts: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let attempts = attempts.as_array().unwrap().iter();
    attempts
        .map(|a| [&a["source"], &a["outcome"], &a["code"]].map(text).join(" "))
        .collect()
}

/// Every policy with an identity behind it, and no identity at all.
fn rights() -> impl Iterator<Item = (Own, Policy)> {
    Policy::ALL
        .map(|policy| (Own::Admin, policy))
        .into_iter()
        .chain([(Own::None, Policy::Full)])
}

/// Checks signed tokens. Rows are contents of a token, columns are answers of the catalog. The first row of each outcome is
/// combined with all columns, the other rows with the first `breadth` columns. Returns the combinations of outcomes.
async fn signed(
    scene: &Scene,
    (proof, web): (Proof, Web),
    registry: Registry,
    columns: &[Catalog],
    breadth: usize,
) -> BTreeSet<(Outcome, Outcome, Policy)> {
    let mut met = BTreeSet::new();
    for (turn, (own, policy)) in rights().enumerate() {
        let setting = Setting {
            proof,
            web,
            registry,
            own,
            policy,
        };
        let server = scene.serve(setting).await;
        let mut outcomes = BTreeSet::new();
        for (row, exchange) in exchanges(&scene.stage, own, web).iter().enumerate() {
            let is_first = outcomes.insert(exchange.answer.0);
            let columns = if is_first { columns } else { &columns[..breadth] };
            for (column, catalog) in columns.iter().enumerate() {
                let (good, forged, name) = scene.signed(proof, exchange, catalog);
                let bearer = Bearer::new(Some(good), &name).in_turn(turn + row + column);
                scene.cell(&server, setting, exchange, catalog, &bearer).await;
                met.insert((exchange.answer.0, catalog.answer.0, policy));
                if column == 0 {
                    scene.forgery(&server, &forged, exchange.name).await;
                }
            }
        }
    }
    met
}

#[tokio::test]
async fn of_tokens_signed_with_a_secret() {
    let scene = Scene::new().await;
    let hs256 = (Proof::Hs256, Web::None);
    let mut met = BTreeSet::new();
    for (registry, breadth) in [
        (Registry::Vends, 3),
        (Registry::None, 2),
        (Registry::VendsNone, 1),
        (Registry::Local, 1),
    ] {
        let columns = catalogs(&scene.stage, registry);
        met.extend(signed(&scene, hs256, registry, &columns, breadth).await);
    }
    assert_eq!(
        met.len(),
        4 * 4 * 3,
        "every outcome with every other under every policy: {met:?}"
    );
}

/// The same claims with another proof, and a role for everybody.
#[tokio::test]
async fn of_tokens_of_a_provider() {
    let scene = Scene::new().await;
    for web in [Web::Open, Web::Closed, Web::Broken] {
        let columns = &catalogs(&scene.stage, Registry::Vends)[..3];
        let met = signed(&scene, (Proof::Jwks, web), Registry::Vends, columns, 1).await;
        assert_eq!(
            met.len(),
            3 * 3 * 3,
            "with a role for everybody the first step always applies: {met:?}"
        );
    }
}

/// Bearers that only the registry can prove: in its own mode, and API keys beside either kind of signed tokens.
#[tokio::test]
async fn of_opaque_bearers() {
    let scene = Scene::new().await;
    for (proof, web) in [
        (Proof::Registry, Web::None),
        (Proof::Hs256, Web::None),
        (Proof::Jwks, Web::Open),
    ] {
        for (turn, (own, policy)) in rights().enumerate() {
            // Without a registry no caller is accepted, under any policy.
            for registry in [Registry::Vends]
                .into_iter()
                .chain((turn == 0).then_some(Registry::None))
            {
                let setting = Setting {
                    proof,
                    web,
                    registry,
                    own,
                    policy,
                };
                let server = scene.serve(setting).await;
                let catalogs = catalogs(&scene.stage, registry);
                // An opaque bearer carries no claims.
                for (column, catalog) in catalogs
                    .iter()
                    .filter(|catalog| catalog.claims == json!({}))
                    .enumerate()
                {
                    let name = scene.next();
                    let prefix = if proof == Proof::Registry { "opaque" } else { "qk" };
                    let token = format!("{prefix}_{name}");
                    catalog
                        .vends
                        .iter()
                        .for_each(|vends| scene.registry.vends(&token, vends.clone()));
                    let refused = match (registry, proof) {
                        (Registry::None, Proof::Registry) => Some((503, "verifier_unavailable")),
                        (Registry::None, _) => Some((401, "invalid_jwt")),
                        _ => not_let_in(catalog.answer),
                    };
                    let bearer = Bearer {
                        refused,
                        ..Bearer::new(Some(token), &name).in_turn(turn + column)
                    };
                    scene.cell(&server, setting, &nothing(), catalog, &bearer).await;
                }
            }
        }
    }
}

/// Calls without a token: refused where tokens are proved, and elsewhere the operator's policy decides.
#[tokio::test]
async fn of_calls_without_a_token() {
    let scene = Scene::new().await;
    // A call without a token has none that could be sent to the registry.
    let exchange = nothing();
    let (claims, answer, signer) = (json!({}), exchange.answer, Signer::None);
    let catalog = Catalog {
        name: "not asked",
        claims,
        vends: None,
        answer,
        requests: 0,
        signer,
    };
    for (turn, (own, policy)) in rights().enumerate() {
        for proof in [Proof::Anonymous, Proof::Hs256, Proof::Jwks, Proof::Registry] {
            let setting = Setting {
                proof,
                web: Web::None,
                registry: Registry::Vends,
                own,
                policy,
            };
            let server = scene.serve(setting).await;
            let refused = (proof != Proof::Anonymous).then_some((401, "missing_jwt"));
            let bearer = Bearer {
                refused,
                ..Bearer::new(None, "anonymous").in_turn(turn)
            };
            scene.cell(&server, setting, &exchange, &catalog, &bearer).await;
        }
    }
}

/// The program itself, whose own identity is configured and cannot be loaded: a failure, which takes nothing from callers
/// who have a source of their own.
#[tokio::test]
async fn of_a_server_whose_own_identity_is_broken() {
    let scene = Scene::new().await;
    for policy in Policy::ALL {
        let setting = Setting {
            proof: Proof::Hs256,
            web: Web::None,
            registry: Registry::Vends,
            own: Own::Broken,
            policy,
        };
        let variables = [
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_ROLE_ARN", scene.stage.aws().role_arn("it/writer")),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/there/is/no/such/file".to_owned()),
        ];
        let program = Program::serve(&scene.flags(setting), &variables).await;
        for exchange in &exchanges(&scene.stage, Own::Broken, Web::None) {
            for catalog in &catalogs(&scene.stage, Registry::Vends)[..3] {
                for tool in [Tool::Read, Tool::Write] {
                    let (good, _, name) = scene.signed(setting.proof, exchange, catalog);
                    let bearer = Bearer {
                        tools: vec![tool],
                        ..Bearer::new(Some(good), &name)
                    };
                    scene.cell(&program.server, setting, exchange, catalog, &bearer).await;
                }
            }
        }
    }
}

/// The registry vended keys, and is gone when newer ones are wanted: the caller had a source, so the call does not go on with
/// the server's own rights.
#[tokio::test]
async fn of_callers_whose_registry_is_gone_a_moment_later() {
    let scene = Scene::new().await;
    for proof in [Proof::Registry, Proof::Hs256] {
        let setting = Setting {
            proof,
            web: Web::None,
            registry: Registry::Vends,
            own: Own::Admin,
            policy: Policy::Full,
        };
        let server = scene.serve(setting).await;
        for gone in [Vends::Html, Vends::Status(404), Vends::Status(403), Vends::Status(500)] {
            for tool in [Tool::Read, Tool::Write] {
                let name = scene.next();
                let token = if proof == Proof::Registry {
                    name.clone()
                } else {
                    token(json!({ "sub": name }))
                };
                let bearer = Bearer::new(Some(token.clone()), &name);
                // The registry says that these last an hour; S3 knows better.
                let over = scene.stage.mint("writer", 0);
                scene.registry.vends(&token, Vends::Keys(over.clone(), 3600));
                server.call(&token, "auth_status", json!({})).await.success();
                scene.registry.vends(&token, gone.clone());
                let (answer, reached) = scene.watched(tool.call(&server, &bearer)).await;
                let failure = answer.failure("access_denied");
                assert_eq!(failure["credential_source"], "catalog", "{failure}");
                let s3 = vec![(tool.operation().to_owned(), over.access_key_id)];
                assert_eq!(
                    reached,
                    Reached {
                        registry: 1,
                        sts: 0,
                        s3
                    },
                    "{failure}"
                );
            }
        }
    }
}

/// The same where the caller asks for newer ones: an opaque bearer has the registry as its source, and no other.
#[tokio::test]
async fn of_opaque_bearers_that_are_refreshed_when_the_registry_is_gone() {
    let scene = Scene::new().await;
    let (proof, own) = (Proof::Registry, Own::Admin);
    let setting = Setting {
        proof,
        web: Web::None,
        registry: Registry::Vends,
        own,
        policy: Policy::Full,
    };
    let server = scene.serve(setting).await;
    for (gone, code) in [(Vends::Html, "not_json"), (Vends::Status(404), "request_failed")] {
        let token = scene.next();
        scene
            .registry
            .vends(&token, Vends::Keys(scene.stage.writer.clone(), 3600));
        server.call(&token, "auth_status", json!({})).await.success();
        scene.registry.vends(&token, gone);
        let status = server.call(&token, "auth_status", json!({ "refresh": true })).await;
        let expected = [
            "jwt not_applicable no_claim",
            &format!("catalog failed {code}"),
            "ambient not_applicable no_claim",
        ];
        assert_eq!(attempts(&status.success()["attempts"]), expected);
        assert_eq!(status.success()["has_credentials"], false);
        for tool in [Tool::Read, Tool::Write] {
            let (answer, reached) = scene
                .watched(tool.call(&server, &Bearer::new(Some(token.clone()), "")))
                .await;
            assert_eq!(
                (answer.refused(), reached),
                ((503, "verifier_unavailable"), Reached::NOTHING)
            );
        }
    }
}
