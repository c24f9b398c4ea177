//! Whose AWS credentials a call acts with.
//!
//! Owns the chain of sources (JWT exchange, catalog, ambient), the record of what each one answered, and the cache.
//! Owns no S3: what comes out is one [`Resolved`] value, and the S3 room signs with nothing else.
//!
//! Invariants: ambient credentials are reached only when every user source was *not applicable*, so a user who was
//! refused never acts as the server; the source label is set where the credential is chosen; nothing is written to disk.

mod ambient;
mod assume_role;
mod attempt;
mod cache;
mod catalog;
mod config;
mod jwt_exchange;
mod resolved;
mod resolver;

pub use ambient::{Ambient, AmbientProvider};
pub use assume_role::AssumeRole;
pub use attempt::{Attempt, Outcome, Source};
pub use catalog::CatalogCredentials;
pub use config::{AmbientPolicy, RightsConfig, RolePattern};
pub use jwt_exchange::JwtExchange;
pub use resolved::{NoCredentials, Resolved};
pub use resolver::Resolver;
