//! A small registry and a small catalog host, for development and tests: the real ones are closed source.
//!
//! The registry vends credentials and answers GraphQL. The catalog host serves `/config.json`, and on every other path
//! its page with a 200, as the real one does: who asks it for credentials gets HTML.

mod selection;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use embedded_aws::EmbeddedAws;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::clock::Clock;

/// How long vended credentials live, in seconds: as long as the real registry's.
const VENDED_SECONDS: u32 = 3600;

/// Who acts in which role.
#[derive(Debug, Clone, Default)]
pub struct Directory(BTreeMap<String, Member>);

#[derive(Debug, Clone)]
struct Member {
    role_name: String,
    role_arn: String,
    /// Bucket and `READ` or `READ_WRITE`.
    buckets: Vec<(String, String)>,
}

impl Directory {
    /// Adds a user.
    pub fn add(&mut self, user: &str, role_name: &str, role_arn: &str, buckets: &[(&str, &str)]) {
        let buckets = buckets
            .iter()
            .map(|(bucket, level)| ((*bucket).to_owned(), (*level).to_owned()))
            .collect();
        let member = Member {
            role_name: role_name.to_owned(),
            role_arn: role_arn.to_owned(),
            buckets,
        };
        self.0.insert(user.to_owned(), member);
    }
}

/// The registry.
pub struct Registry {
    aws: EmbeddedAws,
    directory: Directory,
    key: DecodingKey,
    clock: Clock,
}

impl Registry {
    /// A registry whose tokens are signed with `secret`, and which vends sessions of the directory's roles.
    pub fn new(
        aws: EmbeddedAws,
        directory: Directory,
        secret: &SecretString,
        clock: Clock,
    ) -> Result<Self, jsonwebtoken::errors::Error> {
        let key = DecodingKey::from_secret(secret.expose_secret().as_bytes())?;
        Ok(Self {
            aws,
            directory,
            key,
            clock,
        })
    }

    /// Its endpoints.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/api/auth/get_credentials", get(get_credentials))
            .route("/graphql", post(graphql))
            .with_state(Arc::new(self))
    }

    /// The user that a request's token belongs to.
    fn member(&self, headers: &HeaderMap) -> Option<(String, &Member)> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let token = value.strip_prefix("Bearer ").unwrap_or(value);
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims = jsonwebtoken::decode::<Value>(token, &self.key, &validation)
            .ok()?
            .claims;
        let is_current = claims.get("exp")?.as_i64()? > self.clock.now().as_second();
        let user = claims.get("id")?.as_str().filter(|_| is_current)?;
        Some((user.to_owned(), self.directory.0.get(user)?))
    }
}

async fn get_credentials(State(registry): State<Arc<Registry>>, headers: HeaderMap) -> Response {
    let Some((user, member)) = registry.member(&headers) else {
        return unauthorized();
    };
    match registry.aws.mint_session(&member.role_arn, &user, VENDED_SECONDS, None) {
        Ok(Some(keys)) => Json(json!({
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret_access_key.expose_secret(),
            "SessionToken": keys.session_token.expose_secret(),
            "Expiration": keys.expiration,
        }))
        .into_response(),
        _ => (
            StatusCode::FORBIDDEN,
            Json(json!({ "message": "The user's role does not exist." })),
        )
            .into_response(),
    }
}

async fn graphql(State(registry): State<Arc<Registry>>, headers: HeaderMap, Json(request): Json<Value>) -> Response {
    let member = registry.member(&headers);
    let Some((user, member)) = member else {
        return unauthorized();
    };
    let me = json!({
        "name": user,
        "email": format!("{user}@example.com"),
        "isAdmin": false,
        "role": { "name": member.role_name },
        "roles": [{ "name": member.role_name }],
    });
    let collaborators = |bucket: &str| -> Vec<Value> {
        let mut rows = Vec::new();
        for (name, other) in &registry.directory.0 {
            for (_, level) in other.buckets.iter().filter(|(of, _)| of == bucket) {
                let who = json!({ "email": format!("{name}@example.com"), "username": name });
                rows.push(json!({ "collaborator": who, "permissionLevel": level }));
            }
        }
        rows
    };
    let buckets: Vec<Value> = member
        .buckets
        .iter()
        .map(|(name, _)| {
            json!({
                "name": name, "title": "Shared samples", "description": "Sample data for trying things out",
                "iconUrl": null, "tags": [], "relevanceScore": 100, "browsable": true, "lastIndexed": null,
                "collaborators": collaborators(name),
            })
        })
        .collect();
    let root = json!({ "me": me, "buckets": buckets, "bucketConfigs": buckets });
    let query = request.get("query").and_then(Value::as_str).unwrap_or_default();
    match selection::parse(query).and_then(|fields| selection::project(&root, &fields)) {
        Ok(data) => Json(json!({ "data": data })).into_response(),
        Err(message) => {
            let error = json!({ "message": message, "extensions": { "code": "GRAPHQL_VALIDATION_FAILED" } });
            (StatusCode::BAD_REQUEST, Json(json!({ "errors": [error] }))).into_response()
        }
    }
}

fn unauthorized() -> Response {
    let message = "Token could not be deserialized";
    (StatusCode::UNAUTHORIZED, Json(json!({ "message": message }))).into_response()
}

/// The catalog host: its config, and its page for everything else.
pub(super) fn catalog_routes(registry_url: &str, region: &str) -> Router {
    let config = json!({
        "alwaysRequiresAuth": true, "apiGatewayEndpoint": "", "mixpanelToken": "", "mode": "PRODUCT",
        "passwordAuth": "ENABLED", "ssoAuth": "DISABLED", "ssoProviders": "", "region": region,
        "registryUrl": registry_url, "s3Proxy": "", "serviceBucket": "", "stackVersion": "dev",
    });
    Router::new()
        .route("/config.json", get(move || async move { Json(config) }))
        .fallback(|| async { Html("<!doctype html><title>Quilt catalog (development)</title>") })
}
