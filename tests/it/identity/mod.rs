//! Authentication: tokens that are accepted and refused, issuers, and the separation of callers.

mod audiences;
mod bearers;
mod claims;
mod hazards;
mod headers;
mod isolation;
mod jwks;
mod key_sets;
mod named_registries;
mod providers;
mod published_secrets;
mod resource_server;
mod tokens;
