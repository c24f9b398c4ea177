//! A minimal registry and catalog host for development and tests. The real ones are not available as open source.
//!
//! The registry issues credentials and answers GraphQL queries. Like the real one, the catalog host serves `/config.json`,
//! and its HTML page with status 200 on every other path, including that of the registry's credentials.

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

/// Lifetime of issued credentials in seconds, as in the real registry.
const CREDENTIALS_SECONDS: u32 = 3600;

/// The users of the registry, with their roles and buckets.
#[derive(Debug, Clone, Default)]
pub struct RegistryUsers(BTreeMap<String, RegistryUser>);

#[derive(Debug, Clone)]
struct RegistryUser {
    role_name: String,
    role_arn: String,
    /// Buckets with `READ` or `READ_WRITE`.
    buckets: Vec<(String, String)>,
}

impl RegistryUsers {
    /// Adds a user.
    pub fn add(&mut self, user: &str, role_name: &str, role_arn: &str, buckets: &[(&str, &str)]) {
        let buckets = buckets
            .iter()
            .map(|(bucket, level)| ((*bucket).to_owned(), (*level).to_owned()))
            .collect();
        let entry = RegistryUser {
            role_name: role_name.to_owned(),
            role_arn: role_arn.to_owned(),
            buckets,
        };
        self.0.insert(user.to_owned(), entry);
    }
}

/// A registry that accepts HS256 tokens and issues sessions of its users' roles.
pub struct Registry {
    aws: EmbeddedAws,
    users: RegistryUsers,
    key: DecodingKey,
    clock: Clock,
}

impl Registry {
    /// Creates a registry for tokens that are signed with `secret`.
    pub fn new(
        aws: EmbeddedAws,
        users: RegistryUsers,
        secret: &SecretString,
        clock: Clock,
    ) -> Result<Self, jsonwebtoken::errors::Error> {
        let key = DecodingKey::from_secret(secret.expose_secret().as_bytes())?;
        Ok(Self { aws, users, key, clock })
    }

    /// Returns the routes of the registry.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/api/auth/get_credentials", get(get_credentials))
            .route("/graphql", post(graphql))
            .with_state(Arc::new(self))
    }

    /// Returns the user to whom the request's token belongs.
    fn authenticate(&self, headers: &HeaderMap) -> Option<(String, &RegistryUser)> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let token = value.strip_prefix("Bearer ").unwrap_or(value);
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims = jsonwebtoken::decode::<Value>(token, &self.key, &validation)
            .ok()?
            .claims;
        let is_current = claims.get("exp")?.as_i64()? > self.clock.now().as_second();
        let name = claims.get("id")?.as_str().filter(|_| is_current)?;
        Some((name.to_owned(), self.users.0.get(name)?))
    }
}

async fn get_credentials(State(registry): State<Arc<Registry>>, headers: HeaderMap) -> Response {
    let Some((name, user)) = registry.authenticate(&headers) else {
        return unauthorized();
    };
    match registry
        .aws
        .mint_session(&user.role_arn, &name, CREDENTIALS_SECONDS, None)
    {
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
    let Some((name, user)) = registry.authenticate(&headers) else {
        return unauthorized();
    };
    let me = json!({
        "name": name,
        "email": format!("{name}@example.com"),
        "isAdmin": false,
        "role": { "name": user.role_name },
        "roles": [{ "name": user.role_name }],
    });
    let collaborators = |bucket: &str| -> Vec<Value> {
        let mut rows = Vec::new();
        for (name, user) in &registry.users.0 {
            for (_, level) in user.buckets.iter().filter(|(granted, _)| granted == bucket) {
                let collaborator = json!({ "email": format!("{name}@example.com"), "username": name });
                rows.push(json!({ "collaborator": collaborator, "permissionLevel": level }));
            }
        }
        rows
    };
    let buckets: Vec<Value> = user
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

/// Page of the catalog host on every path; the catalog's own front end is not part of the development environment.
const PAGE: &str = "<!doctype html><title>Quilt catalog (development)</title><p>The development catalog has no pages. A catalog \
                    that has them shows here what this URL names.";

/// Returns the routes of the catalog host: its configuration, and its page on every other path.
pub(super) fn catalog_routes(registry_url: &str, region: &str) -> Router {
    let config = json!({
        "alwaysRequiresAuth": true, "apiGatewayEndpoint": "", "mixpanelToken": "", "mode": "PRODUCT",
        "passwordAuth": "ENABLED", "ssoAuth": "DISABLED", "ssoProviders": "", "region": region,
        "registryUrl": registry_url, "s3Proxy": "", "serviceBucket": "", "stackVersion": "dev",
    });
    Router::new()
        .route("/config.json", get(move || async move { Json(config) }))
        .fallback(|| async { Html(PAGE) })
}
