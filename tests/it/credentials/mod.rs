//! Sources of AWS credentials: the chain, roles, and the server's own identity.

mod ambient;
mod chain;
mod local_catalog;
mod own_identity;
mod revocation;
mod roles;
mod sts_reasons;
mod truth_table;
