//! STS: whose credentials are these, and sessions of roles.
//!
//! The shared client holds no credentials, so a request without the caller's own fails. The client of [`RoleSessions`]
//! signs as the server.

mod assume_role;
mod caller_identity;
mod client;

pub use assume_role::{RoleSession, RoleSessions};
pub use caller_identity::CallerIdentity;
pub use client::{SharedSts, Sts};
