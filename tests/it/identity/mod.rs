//! Authentication: tokens that are accepted and refused, issuers, and the separation of callers.

mod hazards;
mod isolation;
mod jwks;
mod named_registries;
mod resource_server;
mod tokens;
