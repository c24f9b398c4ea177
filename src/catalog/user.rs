//! The catalog's user and the buckets that the catalog shows to the user.
//!
//! Neither the list nor a permission level of the catalog implies that S3 allows the access, and an administrator of the
//! catalog may have no access to S3 at all.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::graphql::query;
use super::schema_cache::BucketsField;
use super::{GraphqlError, RegistryAccess, RegistryError};

const ME: &str = "me { name email isAdmin role { name } roles { name } }";
const COLLABORATORS: &str = " collaborators { collaborator { email username } permissionLevel }";

/// The catalog's user to whom a token belongs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogUser {
    pub name: String,
    /// Mail address, which identifies collaborators.
    pub email: String,
    /// Whether the user may administer the catalog, which gives no access to S3.
    pub is_admin: bool,
    /// The active role.
    pub role: Role,
    /// The roles that the user may switch to, including the active one.
    pub roles: Vec<Role>,
}

/// A role of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Role {
    pub name: String,
}

/// The permission for a bucket that the catalog declares for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PermissionLevel {
    Read,
    ReadWrite,
}

impl PermissionLevel {
    /// Parses the catalog's name of a level; `None` for unknown levels.
    fn parse(text: &str) -> Option<Self> {
        [Self::Read, Self::ReadWrite]
            .into_iter()
            .find(|level| level.as_str() == text)
    }

    /// Returns the catalog's name of the level.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::ReadWrite => "READ_WRITE",
        }
    }
}

/// A bucket as the catalog describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogBucket {
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    /// The permission of this user, if the catalog declares one.
    pub permission: Option<PermissionLevel>,
}

/// A user, and the buckets that the catalog shows to the user.
#[derive(Debug, Clone)]
pub struct UserBuckets {
    pub user: CatalogUser,
    /// Sorted by name.
    pub buckets: Vec<CatalogBucket>,
}

#[derive(Deserialize)]
struct UserResponse {
    me: Option<CatalogUser>,
}

#[derive(Deserialize)]
struct BucketsResponse {
    me: Option<CatalogUser>,
    #[serde(alias = "bucketConfigs")]
    buckets: Vec<BucketResponse>,
}

#[derive(Deserialize)]
struct BucketResponse {
    name: String,
    title: Option<String>,
    description: Option<String>,
    collaborators: Option<Vec<CollaboratorEdge>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CollaboratorEdge {
    collaborator: Collaborator,
    permission_level: String,
}

#[derive(Deserialize)]
struct Collaborator {
    email: String,
    username: String,
}

/// Requests the user of a token.
pub async fn fetch_user(access: &RegistryAccess) -> Result<CatalogUser, GraphqlError> {
    logged_in(query::<UserResponse>(access, &format!("query Me {{ {ME} }}")).await?.me)
}

/// Requests the user of a token and the user's buckets, in one query.
pub async fn fetch_user_buckets(access: &RegistryAccess) -> Result<UserBuckets, GraphqlError> {
    let response: BucketsResponse = match query_buckets(access, COLLABORATORS).await {
        // The collaborators of all buckets may exceed the maximum size of a response.
        Err(GraphqlError::Registry(RegistryError::TooLarge)) => query_buckets(access, "").await?,
        response => response?,
    };
    let user = logged_in(response.me)?;
    let mut buckets: Vec<CatalogBucket> = response
        .buckets
        .into_iter()
        .map(|bucket| bucket.for_user(&user))
        .collect();
    buckets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(UserBuckets { user, buckets })
}

/// Checks that a user is logged in. A registry may answer 200 with `me: null` to a token that it does not accept.
fn logged_in(me: Option<CatalogUser>) -> Result<CatalogUser, GraphqlError> {
    me.ok_or(GraphqlError::NotLoggedIn)
}

/// Queries the buckets with the field that is cached for the registry, else with the newer field, and retries with the
/// other field if the schema does not have it.
async fn query_buckets<T: DeserializeOwned>(access: &RegistryAccess, more: &str) -> Result<T, GraphqlError> {
    let registry = access.registry.url().await?.to_string();
    let cached = access.schemas.get(&registry).await;
    let mut field = cached.unwrap_or(BucketsField::Scoped);
    let mut response = query(access, &document(field, more)).await;
    if matches!(response, Err(GraphqlError::Schema(_))) {
        field = field.other();
        response = query(access, &document(field, more)).await;
    }
    if response.is_ok() && cached != Some(field) {
        access.schemas.insert(registry, field).await;
    }
    response
}

fn document(field: BucketsField, more: &str) -> String {
    let (name, field) = match field {
        BucketsField::Scoped => ("Buckets", "buckets"),
        BucketsField::Configs => ("BucketConfigs", "bucketConfigs"),
    };
    format!("query {name} {{ {ME} {field} {{ name title description{more} }} }}")
}

impl BucketResponse {
    fn for_user(self, user: &CatalogUser) -> CatalogBucket {
        let is_user = |collaborator: &Collaborator| {
            collaborator.email.eq_ignore_ascii_case(&user.email) || collaborator.username == user.name
        };
        let edges = self.collaborators.iter().flatten();
        let permission = edges
            .filter(|edge| is_user(&edge.collaborator))
            .filter_map(|edge| PermissionLevel::parse(&edge.permission_level))
            .max();
        CatalogBucket {
            name: self.name,
            title: self.title,
            description: self.description,
            permission,
        }
    }
}
