//! A minimal registry for development and tests. The real one is not available as open source.
//!
//! It issues credentials and answers GraphQL: searches, access counts, the switch of roles, Tabulator tables.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use embedded_aws::{EmbeddedAws, SessionKeys};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use quilt_format::PackageName;
use quilt_format::layout::{self, Pointer};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

use super::TabulatorTables;
use super::access_counts::{AccessCounts, BucketCounts, PackageNode};
use super::graphql::{self, Node, Object, Roots, Schema};
use super::registry_users::{RegistryUser, RegistryUsers};
use super::schemas;
use super::search::{Generation, Search, SearchSettings, View};
use super::tabulator_api::{self, TabulatorGeneration, TabulatorMutations, TabulatorSettings};
use crate::blocking::CpuPool;
use crate::clock::Clock;

/// Lifetime of issued credentials in seconds, as in the real registry.
const CREDENTIALS_SECONDS: u32 = 3600;

/// A registry that accepts HS256 tokens and issues sessions of its users' roles.
pub struct Registry {
    aws: EmbeddedAws,
    users: RegistryUsers,
    key: DecodingKey,
    clock: Clock,
    search: Search,
    tabulator: Tabulator,
    schemas: HashMap<(Generation, TabulatorGeneration), Schema>,
    pool: CpuPool,
}

/// The Tabulator of a registry.
#[derive(Debug, Clone, Default)]
pub struct Tabulator {
    pub tables: TabulatorTables,
    pub settings: TabulatorSettings,
}

impl Registry {
    /// Creates a registry for tokens that are signed with `secret`.
    pub fn new(
        aws: EmbeddedAws,
        users: RegistryUsers,
        secret: &SecretString,
        clock: Clock,
        search: SearchSettings,
        tabulator: Tabulator,
    ) -> anyhow::Result<Self> {
        let key = DecodingKey::from_secret(secret.expose_secret().as_bytes())?;
        Ok(Self {
            search: Search::new(aws.clone(), search),
            tabulator,
            schemas: schemas::read()?,
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
    fn authenticate(&self, headers: &HeaderMap) -> Option<(String, RegistryUser)> {
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
        Some((name.to_owned(), self.users.get(name)?))
    }
}

/// The answer with a session's keys, as the registry vends them.
pub(super) fn vended(keys: &SessionKeys) -> Response {
    let keys = json!({
        "AccessKeyId": keys.access_key_id,
        "SecretAccessKey": keys.secret_access_key.expose_secret(),
        "SessionToken": keys.session_token.expose_secret(),
        "Expiration": keys.expiration,
    });
    Json(keys).into_response()
}

async fn get_credentials(State(registry): State<Arc<Registry>>, headers: HeaderMap) -> Response {
    let Some((name, user)) = registry.authenticate(&headers) else {
        return unauthorized();
    };
    match registry
        .aws
        .mint_session(&user.active.arn, &name, CREDENTIALS_SECONDS, None)
    {
        Ok(Some(keys)) => vended(&keys),
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
        let user = self.users.get(name)?;
        let generation = (self.search.generation(), self.tabulator.settings.generation());
        let schema = self.schemas.get(&generation)?;
        let readable: Vec<&str> = user.active.buckets.iter().map(|(bucket, _)| bucket.as_str()).collect();
        let followed = if request.mentions("search") { &readable[..] } else { &[] };
        let index = self.search.index(followed.iter().copied());
        let root = Root {
            registry: self,
            name,
            user: user.clone(),
            view: index.view(&self.search, readable.clone()),
        };
        let mutations = Mutations {
            registry: self,
            name,
            user: user.clone(),
        };
        let roots = Roots {
            query: Node::Lazy(Box::new(root)),
            mutation: Node::Lazy(Box::new(mutations)),
        };
        Some(graphql::respond(schema, request, &roots))
    }

    fn counts(&self) -> AccessCounts<'_> {
        AccessCounts {
            aws: &self.aws,
            now: self.clock.now(),
        }
    }
}

/// Returns `Me`.
fn me(name: &str, user: &RegistryUser) -> Value {
    let roles: Vec<Value> = user.roles.iter().map(|role| json!({ "name": role.name })).collect();
    json!({
        "__typename": "Me",
        "name": name,
        "email": format!("{name}@example.com"),
        "isAdmin": user.is_admin,
        "role": { "name": user.active.name },
        "roles": roles,
    })
}

/// What the registry answers to a user who is not an administrator.
const ADMINS_ONLY: &str = "Forbidden: administrators only";

/// The mutations as a user may make them.
struct Mutations<'r> {
    registry: &'r Registry,
    name: &'r str,
    user: RegistryUser,
}

impl<'r> Mutations<'r> {
    fn tabulator(&self, is_of_admins: bool) -> TabulatorMutations<'r> {
        TabulatorMutations {
            tables: &self.registry.tabulator.tables,
            user: self.user.clone(),
            is_of_admins,
        }
    }

    fn switch_role(&self, role: &str) -> Value {
        if !self.registry.users.switch(self.name, role) {
            return tabulator_api::invalid("roleName", &format!("The user has no role {role}"));
        }
        let user = self.registry.users.get(self.name);
        user.map(|user| me(self.name, &user)).unwrap_or_default()
    }
}

impl<'r> Object<'r> for Mutations<'r> {
    fn type_name(&self) -> String {
        "Mutation".to_owned()
    }

    fn field(&self, name: &str, arguments: &Map<String, Value>) -> Result<Node<'r>, String> {
        match name {
            "admin" if !self.user.is_admin => Err(ADMINS_ONLY.to_owned()),
            "admin" => Ok(Node::Lazy(Box::new(self.tabulator(true)))),
            "switchRole" => {
                let role = arguments.get("roleName").and_then(Value::as_str).unwrap_or_default();
                Ok(Node::Json(self.switch_role(role)))
            }
            _ => Ok(Node::Json(
                self.tabulator(false).run(name, arguments).unwrap_or_default(),
            )),
        }
    }
}

/// The query as a user sees it.
struct Root<'r> {
    registry: &'r Registry,
    name: &'r str,
    user: RegistryUser,
    view: View<'r>,
}

impl<'r> Root<'r> {
    fn bucket(&self, bucket: &str) -> Value {
        let mut collaborators = Vec::new();
        for (name, role) in self.registry.users.active() {
            if let Some(level) = role.level(bucket) {
                let collaborator = json!({ "email": format!("{name}@example.com"), "username": name });
                collaborators.push(json!({ "collaborator": collaborator, "permissionLevel": level }));
            }
        }
        json!({
            "name": bucket, "title": "Shared samples", "description": "Sample data for trying things out",
            "iconUrl": null, "tags": [], "relevanceScore": 100, "browsable": true, "lastIndexed": null,
            "collaborators": collaborators,
            "tabulatorTables": tabulator_api::tables(&self.registry.tabulator.tables, bucket),
        })
    }

    fn buckets(&self) -> impl Iterator<Item = &str> {
        self.user.active.buckets.iter().map(|(bucket, _)| bucket.as_str())
    }

    /// Returns the value of a field about a bucket; null if the user may not read it.
    fn of_bucket(&self, name: &str, bucket: &str, arguments: &Map<String, Value>) -> Node<'r> {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        let window = arguments.get("window").and_then(Value::as_i64).unwrap_or(30);
        let counts = self.registry.counts();
        if self.user.active.level(bucket).is_none() {
            return Node::Json(Value::Null);
        }
        match name {
            "bucketAccessCounts" => Node::Lazy(Box::new(BucketCounts(counts.bucket(bucket, window)))),
            "objectAccessCounts" => Node::Json(counts.of_keys(bucket, window, |key| key == text("key"))),
            "package" => {
                let found = PackageName::from_listing(text("name")).ok().filter(|name| {
                    let latest = layout::pointer(name, Pointer::Latest);
                    self.registry.aws.object_bytes(bucket, &latest).is_some()
                });
                found.map_or(Node::Json(Value::Null), |name| {
                    Node::Lazy(Box::new(PackageNode {
                        counts,
                        bucket: bucket.to_owned(),
                        name,
                        hash: None,
                    }))
                })
            }
            _ => Node::Json(self.bucket(bucket)),
        }
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
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        if let Some(bucket) = text("bucket").or(text("name")) {
            return Ok(self.of_bucket(name, bucket, arguments));
        }
        Ok(Node::Json(match name {
            "me" => me(self.name, &self.user),
            "admin" if !self.user.is_admin => return Err(ADMINS_ONLY.to_owned()),
            "admin" => json!({ "tabulatorOpenQuery": self.registry.tabulator.settings.is_open() }),
            _ => self.buckets().map(|bucket| self.bucket(bucket)).collect(),
        }))
    }
}

fn unauthorized() -> Response {
    let message = "Token could not be deserialized";
    (StatusCode::UNAUTHORIZED, Json(json!({ "message": message }))).into_response()
}
