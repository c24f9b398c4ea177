//! HTTP clients of the Quilt catalog and its registry.
//!
//! Owns the catalog's `/config.json`, and the registry's REST and GraphQL APIs. Does not own credentials: it sends the
//! caller's bearer token to the registry that the operator configured, or that a verified token names and the operator
//! allows, and to no other host.
//!
//! Invariants: redirects are not followed, so that a token cannot be redirected to another host; each request has a timeout
//! and a maximum response size.

mod address;
mod choice;
mod config;
mod documents;
mod graphql;
mod host;
mod host_client;
mod http_client;
mod mutation;
mod pages;
mod registries;
mod registry;
mod role;
mod schema_cache;
mod search;
mod server_token;
mod tabulator;
mod tabulator_config;
mod usage;
mod user;

pub use choice::{ConfiguredRegistry, NamedRegistry, Network, NotAdmitted, Ownership, RegistryChoice, RegistryClaim};
pub use config::CatalogConfig;
pub use graphql::GraphqlError;
pub use host::{CatalogHost, PublicCatalog};
pub use host_client::HostClient;
pub use http_client::{CONNECT_TIMEOUT, HttpOptions, http_client, http_client_with_resolver, public_only_http_client};
pub use mutation::MutationError;
pub use pages::{CatalogLinks, CatalogPage, InvalidPage};
pub use registries::{HttpClients, LocalCatalogs, Registries, RegistryAccess};
pub use registry::{RegistryClient, RegistryError};
pub use role::switch_role;
pub use search::{
    Facet, FacetValues, Facets, Hit, InputError, MatchingEntry, ObjectHit, OperationError, Order, PackageHit,
    PackageMatches, SearchError, SearchKind, SearchPage, SearchRequest, search, search_facets, search_more,
};
pub use server_token::server_token;
pub use tabulator::{
    BucketTables, TabulatorTable, fetch_open_query, fetch_tabulator_tables, rename_tabulator_table, set_tabulator_table,
};
pub use tabulator_config::{
    Column, ColumnType, FileParser, MAX_CONFIG_BYTES, Source, SourceType, TableConfig, TableConfigError, TablePatterns,
};
pub use usage::{Usage, UsageAnswer, UsageSubject, fetch_usage};
pub use user::{CatalogBucket, CatalogUser, PermissionLevel, UserBuckets, fetch_user, fetch_user_buckets};
