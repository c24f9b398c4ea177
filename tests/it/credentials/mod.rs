//! Sources of AWS credentials: the chain, roles, and the server's own identity.

mod ambient;
mod chain;
mod local_catalog;
mod revocation;
mod roles;
mod truth_table;
