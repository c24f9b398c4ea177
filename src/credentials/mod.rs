//! AWS credentials of a caller.
//!
//! **Owns** the chain of credential sources, the attempts that it records, and the cache.
//! **Does not own** S3: the result is one [`Resolved`] value, and requests are signed with nothing else.
//! **Invariants:** ambient credentials are used only when every other source was *not applicable*, so a refused caller
//! never acts as the server; the chain labels credentials with the source that gave them; nothing is written to disk.
//!
//! # How to add a source
//!
//! 1. Implement [`CredentialSource`] under `sources/`, list it in `sources/mod.rs` if configured, give [`Source`] a variant.
//! 2. Declare its setting in `RightsConfig`, which the list receives, and any error code of its own in `error_code`.
//! 3. Document it, renew the printed table of settings and the snapshot of the tools, add it to `tests/it/truth_table`.

mod ambient_rule;
mod assume_role;
mod attempt;
mod cache;
mod chain;
mod config;
mod explanation;
mod keys;
mod registry_proof;
mod resolved;
mod session_name;
mod source;
mod sources;
mod sts_refusal;

pub use assume_role::AssumeRole;
pub use attempt::{Attempt, Outcome, Source};
pub use chain::CredentialChain;
pub use config::{AmbientPolicy, RightsConfig, RolePattern};
pub use explanation::{ExplainedStep, Reach, Step, TokenView};
pub use resolved::{NoCredentials, Resolved};
pub use source::{CredentialSource, SourceCredentials, SourceResult};
pub use sources::{Ambient, AmbientProvider, SourceContext};
