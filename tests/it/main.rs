//! The one integration binary: real sockets, the real router, an S3 that enforces rights.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that is surprised should stop"
)]

mod ambient;
mod architecture;
mod browser;
mod chromium;
mod command_line;
mod conformance;
mod connect;
mod connections;
mod cpu_bounds;
mod credentials;
mod curl_smoke;
mod elicitation;
mod embedded_s3;
mod endurance;
mod entrance;
mod http_edge;
mod identity;
mod identity_hazards;
mod image;
mod inspector;
mod isolation;
mod jwks;
mod limits;
mod live;
mod log_bounds;
mod memory;
mod modules;
mod modules_packaging;
mod named_registries;
mod objects;
mod offer;
mod one_voice;
mod package_arguments;
mod package_commits;
mod package_pages;
mod package_peers;
mod package_peers_theirs;
mod package_refusals;
mod package_workflows;
mod packages;
mod peers;
mod permissions;
mod permissions_asked;
mod permissions_catalog;
mod protocol;
mod quilt_format;
mod quilt_workflows;
mod resilience;
mod resource_server;
mod resources;
mod roles;
mod rolling;
mod secrets;
mod shipping;
mod soak;
mod support;
mod support_seaweedfs;
mod telemetry;
mod thrift;
mod token_command;
mod token_login;
mod tool_bounds;
mod tool_calls;
mod truth_table;
mod web_pages;
mod wire;
