//! Sources of AWS credentials: the chain, roles, and the server's own identity.

mod ambient;
mod chain;
mod roles;
mod truth_table;
