//! The catalog and its registry, over HTTP.
//!
//! Owns the catalog's `/config.json`, and the registry's REST and GraphQL. Owns no credentials: it carries the caller's
//! bearer to the one registry that the operator configured, and nowhere else.
//!
//! Invariants: no redirect is ever followed, so a bearer cannot be led to another host; every request has a timeout and
//! a bound on its answer.

mod address;
mod config;
mod dialects;
mod directory;
mod graphql;
mod host;
mod host_client;
mod http_client;
mod own_token;
mod registry;
mod view;

pub use config::CatalogConfig;
pub use directory::{HttpClients, RegistryAccess, RegistryDirectory};
pub use graphql::GraphqlError;
pub use host::CatalogHost;
pub use host_client::HostClient;
pub use http_client::{CONNECT_TIMEOUT, guarded_http_client, http_client, http_client_resolving_by};
pub use own_token::own_bearer;
pub use registry::{RegistryClient, RegistryError};
pub use view::{CatalogBucket, CatalogView, Level, Me, me, view};
