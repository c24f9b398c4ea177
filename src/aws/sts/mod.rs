//! STS: whose credentials are these, and sessions of roles.
//!
//! The clients hold no credentials, so a request without those of the caller, or of the server for sessions of roles, fails.

mod assume_role;
mod caller_identity;
mod client;

pub use assume_role::{RoleSession, RoleSessions};
pub use caller_identity::CallerIdentity;
pub use client::{SharedSts, Sts};
