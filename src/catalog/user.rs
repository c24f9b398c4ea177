//! The catalog's user and the buckets that the catalog shows to the user.
//!
//! Neither the list nor a permission level of the catalog implies that S3 allows the access, and an administrator of the
//! catalog may have no access to S3 at all.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::documents::{BucketsQuery, ME};
use super::graphql::query;
use super::schema_cache::in_generations;
use super::{GraphqlError, RegistryAccess, RegistryError};

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
    /// Absent if the schema of the catalog has no users to ask for.
    pub user: Option<CatalogUser>,
    /// Sorted by name.
    pub buckets: Vec<CatalogBucket>,
}

#[derive(Deserialize)]
struct UserResponse {
    me: Option<CatalogUser>,
}

#[derive(Deserialize)]
struct BucketsResponse {
    #[serde(default)]
    me: Me,
    #[serde(alias = "bucketConfigs")]
    buckets: Vec<BucketResponse>,
}

/// The user in a response.
#[derive(Default)]
enum Me {
    /// The query did not ask.
    #[default]
    NotAsked,
    /// No user is logged in: a registry may answer 200 with `me: null` to a token that it does not accept.
    Null,
    User(CatalogUser),
}

impl<'de> Deserialize<'de> for Me {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::User))
    }
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

/// Requests the user of a token; `None` if the schema of the catalog has no users to ask for.
pub async fn fetch_user(access: &RegistryAccess) -> Result<Option<CatalogUser>, GraphqlError> {
    let response: Result<UserResponse, _> = query(access, ME, Value::Null).await;
    match response {
        Err(GraphqlError::Schema(text)) if lacks_user(&text) => Ok(None),
        response => response?.me.ok_or(GraphqlError::NotLoggedIn).map(Some),
    }
}

/// Whether the errors of a schema say that it has no field `me`.
fn lacks_user(text: &str) -> bool {
    ["'me'", "\"me\"", "`me`"].iter().any(|quoted| text.contains(quoted))
}

/// Requests the user of a token and the user's buckets, in one query.
pub async fn fetch_user_buckets(access: &RegistryAccess) -> Result<UserBuckets, GraphqlError> {
    let response = query_buckets(access).await?;
    let user = match response.me {
        Me::NotAsked => None,
        Me::Null => return Err(GraphqlError::NotLoggedIn),
        Me::User(user) => Some(user),
    };
    let mut buckets: Vec<CatalogBucket> = response
        .buckets
        .into_iter()
        .map(|bucket| bucket.for_user(user.as_ref()))
        .collect();
    buckets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(UserBuckets { user, buckets })
}

/// Queries the buckets in the generation that the registry accepts.
async fn query_buckets(access: &RegistryAccess) -> Result<BucketsResponse, GraphqlError> {
    in_generations(access, |access, generation: BucketsQuery| async move {
        match query(access, &generation.document(true), Value::Null).await {
            // The collaborators of all buckets may exceed the maximum size of a response.
            Err(GraphqlError::Registry(RegistryError::TooLarge)) => {
                query(access, &generation.document(false), Value::Null).await
            }
            response => response,
        }
    })
    .await
}

impl BucketResponse {
    fn for_user(self, user: Option<&CatalogUser>) -> CatalogBucket {
        let is_user = |collaborator: &Collaborator| {
            user.is_some_and(|user| {
                collaborator.email.eq_ignore_ascii_case(&user.email) || collaborator.username == user.name
            })
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
