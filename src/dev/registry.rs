//! A minimal registry and catalog host for development and tests. The real ones are not available as open source.
//!
//! The registry issues credentials and answers GraphQL queries, among them searches. Like the real one, the catalog host serves `/config.json`,
//! and its HTML page with status 200 on every other path, including that of the registry's credentials.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use embedded_aws::EmbeddedAws;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

use super::graphql::{self, Node, Object, Schema};
use super::search::{Generation, Search, SearchSettings, View};
use crate::blocking::CpuPool;
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
    search: Search,
    schemas: HashMap<Generation, Schema>,
    pool: CpuPool,
}

impl Registry {
    /// Creates a registry for tokens that are signed with `secret`.
    pub fn new(
        aws: EmbeddedAws,
        users: RegistryUsers,
        secret: &SecretString,
        clock: Clock,
        search: SearchSettings,
    ) -> anyhow::Result<Self> {
        let key = DecodingKey::from_secret(secret.expose_secret().as_bytes())?;
        Ok(Self {
            search: Search::new(aws.clone(), search),
            schemas: schemas()?,
            pool: CpuPool::default(),
            aws,
            users,
            key,
            clock,
        })
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

async fn graphql(
    State(registry): State<Arc<Registry>>,
    headers: HeaderMap,
    Json(request): Json<graphql::Request>,
) -> Response {
    let Some((name, _)) = registry.authenticate(&headers) else {
        return unauthorized();
    };
    let pool = registry.pool.clone();
    let response = pool.run(move |_| registry.respond(&name, &request)).await;
    match response {
        Ok(Some(response)) => {
            let status = if response.is_executed {
                StatusCode::OK
            } else {
                StatusCode::BAD_REQUEST
            };
            (status, Json(response.body)).into_response()
        }
        Ok(None) => unauthorized(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

impl Registry {
    /// Answers a request of a user, who must exist.
    fn respond(&self, name: &str, request: &graphql::Request) -> Option<graphql::Response> {
        let user = self.users.0.get(name)?;
        let schema = self.schemas.get(&self.search.generation())?;
        let readable: Vec<&str> = user.buckets.iter().map(|(bucket, _)| bucket.as_str()).collect();
        let followed = if request.mentions("search") { &readable[..] } else { &[] };
        let index = self.search.index(followed.iter().copied());
        let root = Root {
            users: &self.users,
            name,
            user,
            view: index.view(&self.search, readable.clone()),
        };
        Some(graphql::respond(schema, request, &Node::Lazy(Box::new(root))))
    }
}

/// The query as a user sees it.
struct Root<'r> {
    users: &'r RegistryUsers,
    name: &'r str,
    user: &'r RegistryUser,
    view: View<'r>,
}

impl Root<'_> {
    fn me(&self) -> Value {
        json!({
            "name": self.name,
            "email": format!("{}@example.com", self.name),
            "isAdmin": false,
            "role": { "name": self.user.role_name },
            "roles": [{ "name": self.user.role_name }],
        })
    }

    fn bucket(&self, bucket: &str) -> Value {
        let mut collaborators = Vec::new();
        for (name, user) in &self.users.0 {
            for (_, level) in user.buckets.iter().filter(|(granted, _)| granted == bucket) {
                let collaborator = json!({ "email": format!("{name}@example.com"), "username": name });
                collaborators.push(json!({ "collaborator": collaborator, "permissionLevel": level }));
            }
        }
        json!({
            "name": bucket, "title": "Shared samples", "description": "Sample data for trying things out",
            "iconUrl": null, "tags": [], "relevanceScore": 100, "browsable": true, "lastIndexed": null,
            "collaborators": collaborators,
        })
    }

    fn buckets(&self) -> impl Iterator<Item = &str> {
        self.user.buckets.iter().map(|(bucket, _)| bucket.as_str())
    }
}

impl<'r> Object<'r> for Root<'r> {
    fn type_name(&self) -> String {
        "Query".to_owned()
    }

    fn field(&self, name: &str, arguments: &Map<String, Value>) -> Result<Node<'r>, String> {
        if let Some(found) = self.view.field(name, arguments) {
            return found;
        }
        Ok(Node::Json(match name {
            "me" => self.me(),
            "buckets" | "bucketConfigs" => self.buckets().map(|bucket| self.bucket(bucket)).collect(),
            _ => {
                let wanted = arguments.get("name").and_then(Value::as_str);
                let found = self.buckets().find(|bucket| Some(*bucket) == wanted);
                found.map(|bucket| self.bucket(bucket)).unwrap_or_default()
            }
        }))
    }
}

const BASE: &str = include_str!("schema/base.graphql");
const SEARCH: &str = include_str!("schema/search.graphql");
const UNTIL_JULY_2025: &str = include_str!("schema/until_july_2025.graphql");
const SINCE_AUGUST_2025: &str = include_str!("schema/since_august_2025.graphql");
const UNTIL_AUGUST_2026: &str = include_str!("schema/until_august_2026.graphql");
const SINCE_AUGUST_2026: &str = include_str!("schema/since_august_2026.graphql");

/// Reads the schemas of all generations.
fn schemas() -> anyhow::Result<HashMap<Generation, Schema>> {
    let texts = [
        (Generation::WithoutSearch, &[BASE][..]),
        (
            Generation::October2023,
            &[BASE, SEARCH, UNTIL_JULY_2025, UNTIL_AUGUST_2026],
        ),
        (
            Generation::August2025,
            &[BASE, SEARCH, SINCE_AUGUST_2025, UNTIL_AUGUST_2026],
        ),
        (
            Generation::August2026,
            &[BASE, SEARCH, SINCE_AUGUST_2025, SINCE_AUGUST_2026],
        ),
    ];
    let schemas = texts
        .into_iter()
        .map(|(generation, texts)| Ok((generation, Schema::read(texts)?)));
    schemas.collect()
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
