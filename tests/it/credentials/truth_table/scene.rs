//! Backends of the table: S3 and STS, a registry, an identity provider, a server for each setting, and the record of
//! the upstream calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jsonwebtoken::Algorithm;
use quilt_mcp::clock::Clock;
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::rows::{Catalog, Exchange, Own, Registry, Web};
use super::rule::Policy;
use crate::support::issuer::{self, Issuer, SigningKey};
use crate::support::registry::FakeRegistry;
use crate::support::server::{Answer, Server};
use crate::support::stage::{SHARED, Stage};
use crate::support::{SECRET, token, token_signed_with};

/// Who proves tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    Hs256,
    Jwks,
    Registry,
    /// No tokens are required, and calls carry none.
    Anonymous,
}

/// The operator's choices.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub proof: Proof,
    pub web: Web,
    pub registry: Registry,
    pub own: Own,
    pub policy: Policy,
}

/// What there is besides the servers.
pub struct Scene {
    pub stage: Stage,
    pub registry: FakeRegistry,
    broken_sts: MockServer,
    /// Roles that were asked of it.
    broken_roles: Arc<AtomicUsize>,
    issuer: Issuer,
    key: SigningKey,
    /// Another one of the same name.
    forger: SigningKey,
    /// Tokens so far; no two are the same.
    tokens: AtomicUsize,
}

/// Which requests a call led to.
#[derive(Debug, PartialEq, Eq)]
pub struct Reached {
    pub registry: usize,
    pub sts: usize,
    /// Operation and access key of each.
    pub s3: Vec<(String, String)>,
}

impl Reached {
    pub const NOTHING: Self = Self {
        registry: 0,
        sts: 0,
        s3: Vec::new(),
    };
}

impl Scene {
    pub async fn new() -> Self {
        let stage = Stage::embedded().await;
        let key = SigningKey::new("k", Algorithm::EdDSA);
        let issuer = Issuer::publishing(&[key.published()]).await;
        let keys = json!({ "keys": [key.published()] });
        stage
            .aws()
            .trust_issuer(issuer::ISSUER, issuer::AUDIENCE, &keys)
            .unwrap();
        for (role, provider) in [("web", "login.example.com"), ("closed", "another.example.com")] {
            let provider = format!("arn:aws:iam::123456789012:oidc-provider/{provider}");
            let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity"}]});
            let rights = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Action": ["s3:ListBucket", "s3:PutObject"],
                "Resource": [format!("arn:aws:s3:::{SHARED}"), format!("arn:aws:s3:::{SHARED}/*")]}]});
            stage
                .aws()
                .create_role(&format!("it/{role}"), &trust, &[rights])
                .unwrap();
        }
        let (broken_sts, broken_roles) = (MockServer::start().await, Arc::new(AtomicUsize::new(0)));
        let count = broken_roles.clone();
        let fault = move |request: &wiremock::Request| {
            count.fetch_add(
                usize::from(request.body.starts_with(b"Action=AssumeRole")),
                Ordering::Relaxed,
            );
            let fault = "<ErrorResponse><Error><Type>Receiver</Type><Code>Broken</Code></Error></ErrorResponse>";
            // The SDK does not repeat a request for this status.
            ResponseTemplate::new(501).set_body_string(fault)
        };
        Mock::given(any()).respond_with(fault).mount(&broken_sts).await;
        let forger = SigningKey::new(key.id, key.algorithm);
        let (registry, tokens) = (FakeRegistry::start().await, AtomicUsize::new(0));
        Self {
            stage,
            registry,
            broken_sts,
            broken_roles,
            issuer,
            key,
            forger,
            tokens,
        }
    }

    pub fn flags(&self, setting: Setting) -> Vec<String> {
        let sts = if setting.web == Web::Broken {
            self.broken_sts.uri()
        } else {
            self.stage.endpoint.clone()
        };
        let role = |name: &str| self.stage.aws().role_arn(&format!("it/{name}"));
        let roles = ["reader", "writer", "missing"].map(role).join(",");
        let mut flags = vec![
            format!("--s3-endpoint={}", self.stage.endpoint),
            format!("--sts-endpoint={sts}"),
            format!("--assumable-roles={roles}"),
            format!("--ambient={}", setting.policy.as_str()),
        ];
        let url = &self.registry.url;
        match setting.registry {
            Registry::None => {}
            Registry::Vends => flags.push(format!("--registry-url={url}")),
            Registry::VendsNone => {
                flags.extend([
                    format!("--registry-url={url}"),
                    "--catalog-credentials=false".to_owned(),
                ]);
            }
            Registry::Local => {
                self.registry
                    .configures(&json!({ "registryUrl": url, "mode": "LOCAL" }));
                flags.extend([format!("--catalog-url={url}"), "--host=0.0.0.0".to_owned()]);
            }
        }
        match setting.proof {
            Proof::Hs256 => flags.push(format!("--jwt-secret={SECRET}")),
            Proof::Jwks => flags.extend(self.issuer.flags()),
            Proof::Registry => (),
            Proof::Anonymous => flags.push("--anonymous".to_owned()),
        }
        match setting.web {
            Web::None => (),
            Web::Open | Web::Broken => flags.push(format!("--web-identity-role-arn={}", role("web"))),
            Web::Closed => flags.push(format!("--web-identity-role-arn={}", role("closed"))),
        }
        flags
    }

    /// A server whose clock stands still: what a source answered is kept however slow this machine is.
    pub async fn serve(&self, setting: Setting) -> Server {
        let own = (setting.own == Own::Admin).then_some(&self.stage.admin);
        Server::start_at(own, &self.flags(setting), Clock::fixed(Clock::system().now())).await
    }

    /// Returns the answer of a call and the requests that it led to.
    pub async fn watched(&self, call: impl Future<Output = Answer>) -> (Answer, Reached) {
        let journal = self.stage.aws().journal();
        journal.clear();
        let broken_roles = || self.broken_roles.load(Ordering::Relaxed);
        let (registry, broken) = (self.registry.asked_for_credentials(), broken_roles());
        let answer = call.await;
        let entries = journal.entries();
        let (sts, s3): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.bucket.is_none());
        let sts: Vec<_> = sts
            .into_iter()
            .filter(|entry| entry.operation != "GetCallerIdentity")
            .collect();
        for entry in &sts {
            // A role is asked for by the server itself; a web identity is its own proof.
            let own = (entry.operation == "AssumeRole").then_some(&self.stage.admin.access_key_id);
            assert_eq!(entry.access_key_id.as_ref(), own, "{entry:?}");
        }
        let s3 = s3.into_iter().map(|entry| {
            let principal = entry.principal_arn.unwrap_or_default();
            // Only STS knows the keys of an assumed role; its session has a known name.
            let session = principal
                .split_once(":assumed-role/")
                .map(|(_, session)| session.to_owned());
            let named = session.filter(|session| session.rsplit('/').next().is_some_and(|name| name.starts_with("u-")));
            (entry.operation, named.or(entry.access_key_id).unwrap_or_default())
        });
        let reached = Reached {
            registry: self.registry.asked_for_credentials() - registry,
            sts: sts.len() + broken_roles() - broken,
            s3: s3.collect(),
        };
        (answer, reached)
    }

    pub fn next(&self) -> String {
        format!("u-{}", self.tokens.fetch_add(1, Ordering::Relaxed))
    }

    /// A token for these two steps, the same token forged, and the subject's name. The registry is told what to answer.
    pub fn signed(&self, proof: Proof, exchange: &Exchange, catalog: &Catalog) -> (String, String, String) {
        let name = self.next();
        let mut claims = json!({ "sub": name, "jti": name });
        for more in [&exchange.claims, &catalog.claims] {
            claims
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
        }
        let has_catalog_token = claims["catalog_token"] == "";
        if has_catalog_token {
            claims["catalog_token"] = json!(format!("catalog-{name}"));
        }
        let (good, forged) = match proof {
            Proof::Jwks => (self.key.sign(&claims), self.forger.sign(&claims)),
            _ => (
                token(claims.clone()),
                token_signed_with(claims, "another-secret-that-has-40-characters-xx"),
            ),
        };
        if let Some(vends) = &catalog.vends {
            let asks = if has_catalog_token {
                format!("catalog-{name}")
            } else {
                good.clone()
            };
            self.registry.vends(&asks, vends.clone());
            self.registry.vends(&forged, vends.clone());
        }
        (good, forged, name)
    }
}
