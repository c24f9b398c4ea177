//! What the catalog shows a caller: who they are there, and which buckets there are for them.
//!
//! It is the catalog's word and nobody else's. Neither the list nor a declared level says what S3 will allow, and being
//! an administrator says nothing about S3 at all.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::dialects::BucketsField;
use super::graphql::query;
use super::{GraphqlError, RegistryAccess, RegistryError};

const ME: &str = "me { name email isAdmin role { name } roles { name } }";
const COLLABORATORS: &str = " collaborators { collaborator { email username } permissionLevel }";

/// Who the caller is to the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// User name.
    pub name: String,
    /// Mail address, by which collaborators are told apart.
    pub email: String,
    /// May administer the catalog. No right to S3 follows from it.
    pub is_admin: bool,
    /// The role that the caller acts in.
    pub role: Role,
    /// The roles that the caller may switch to, with the active one.
    pub roles: Vec<Role>,
}

/// A role of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: String,
}

/// What the catalog declares that a user may do with a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Read.
    Read,
    /// Read and write.
    ReadWrite,
}

impl Level {
    /// A level that this server does not know declares nothing.
    fn read(text: &str) -> Option<Self> {
        [Self::Read, Self::ReadWrite]
            .into_iter()
            .find(|level| level.as_str() == text)
    }

    /// The level as the catalog writes it.
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
    /// Bucket name.
    pub name: String,
    /// Display title.
    pub title: Option<String>,
    /// One paragraph about the bucket.
    pub description: Option<String>,
    /// What the catalog declares for this caller, where it says.
    pub declared: Option<Level>,
}

/// The caller and the caller's buckets.
#[derive(Debug, Clone)]
pub struct CatalogView {
    /// The caller.
    pub me: Me,
    /// Sorted by name.
    pub buckets: Vec<CatalogBucket>,
}

#[derive(Deserialize)]
struct MeAnswer {
    me: Option<Me>,
}

#[derive(Deserialize)]
struct ViewAnswer {
    me: Option<Me>,
    #[serde(alias = "bucketConfigs")]
    buckets: Vec<BucketAnswer>,
}

#[derive(Deserialize)]
struct BucketAnswer {
    name: String,
    title: Option<String>,
    description: Option<String>,
    collaborators: Option<Vec<Connection>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    collaborator: Collaborator,
    permission_level: String,
}

#[derive(Deserialize)]
struct Collaborator {
    email: String,
    username: String,
}

/// Who the caller is.
pub async fn me(access: &RegistryAccess) -> Result<Me, GraphqlError> {
    known(query::<MeAnswer>(access, &format!("query Me {{ {ME} }}")).await?.me)
}

/// Who the caller is and which buckets the catalog shows them, in one request.
pub async fn view(access: &RegistryAccess) -> Result<CatalogView, GraphqlError> {
    let answer: ViewAnswer = match in_its_dialect(access, COLLABORATORS).await {
        // Every collaborator of every bucket may be more than is read; the buckets alone are not.
        Err(GraphqlError::Registry(RegistryError::TooLarge)) => in_its_dialect(access, "").await?,
        answer => answer?,
    };
    let me = known(answer.me)?;
    let mut buckets: Vec<CatalogBucket> = answer.buckets.into_iter().map(|bucket| bucket.seen_by(&me)).collect();
    buckets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(CatalogView { me, buckets })
}

/// A 200 in which `me` is nobody is how a registry may answer a token that it does not accept.
fn known(me: Option<Me>) -> Result<Me, GraphqlError> {
    me.ok_or(GraphqlError::NobodyLoggedIn)
}

/// Asks in the form that this registry is known to understand, else in the newer one, and in the other one when the
/// schema does not have it.
async fn in_its_dialect<T: DeserializeOwned>(access: &RegistryAccess, more: &str) -> Result<T, GraphqlError> {
    let registry = access.registry.url().await?.to_string();
    let known = access.dialects.of(&registry).await;
    let field = known.unwrap_or(BucketsField::Scoped);
    let (answer, spoken) = match query(access, &document(field, more)).await {
        Err(GraphqlError::Schema(_)) => (query(access, &document(field.other(), more)).await, field.other()),
        answer => (answer, field),
    };
    if answer.is_ok() && known != Some(spoken) {
        access.dialects.remember(registry, spoken).await;
    }
    answer
}

fn document(field: BucketsField, more: &str) -> String {
    let (name, field) = match field {
        BucketsField::Scoped => ("Buckets", "buckets"),
        BucketsField::Configs => ("BucketConfigs", "bucketConfigs"),
    };
    format!("query {name} {{ {ME} {field} {{ name title description{more} }} }}")
}

impl BucketAnswer {
    fn seen_by(self, me: &Me) -> CatalogBucket {
        let is_me = |who: &Collaborator| who.email.eq_ignore_ascii_case(&me.email) || who.username == me.name;
        let mine = self
            .collaborators
            .iter()
            .flatten()
            .filter(|row| is_me(&row.collaborator));
        let declared = mine.filter_map(|row| Level::read(&row.permission_level)).max();
        CatalogBucket {
            name: self.name,
            title: self.title,
            description: self.description,
            declared,
        }
    }
}
