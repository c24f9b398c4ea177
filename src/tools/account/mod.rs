//! The `account` toolset: the caller's role in the catalog, and how often data were read. It is on only where the operator
//! names it.
//!
//! **Invariant**: the role is switched only after the user agreed, because all of the user's sessions change.

mod role_switch;
mod usage;

pub use role_switch::RoleSwitch;
pub use usage::UsageStats;
