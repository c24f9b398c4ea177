//! A stateless MCP server for the Quilt data catalog. It acts on S3 as its caller, and as nobody else.
//!
//! # The map of the house
//!
//! A request goes one way:
//!
//! ```text
//! socket ─ server ─ endpoint ─ mcp ─ tools ─ packages ─ {quilt_format, s3}, catalog ─ AWS / registry
//!                      └ identity      └──────────────────── credentials ─────┘
//! ```
//!
//! | room | owns |
//! |---|---|
//! | [`config`] | the table of settings |
//! | [`server`] | sockets: listener, connections and their bounds, shutdown, routes, CORS, health, OAuth documents |
//! | [`endpoint`] | one MCP request from its head to its answer, in the order of its files |
//! | [`identity`] | from the bearer to a proved [`identity::Caller`] |
//! | [`mcp`] | the protocol: methods, versions, params, results and errors; types are those of `rmcp::model` |
//! | [`tools`] | what the server can do: plain async functions of a [`tools::Session`] and arguments; the action style, which is other names for them; what can be read by its URI |
//! | [`packages`] | the packages of a bucket, as one caller: the format on S3, commits, manifests by pages, checksums |
//! | [`credentials`] | whose AWS credentials a call acts with: the chain, its record, the cache |
//! | [`s3`] | S3 as exactly one caller, one file for each operation |
//! | [`sts`] | STS as exactly one caller: whose credentials are these? |
//! //! | [`catalog`] | the catalog's config, the registry's REST and GraphQL |
//! | [`telemetry`] | logs with the audit line, metrics, traces; their names, and how they leave the process |
//! | [`dev`] | everything on loopback: embedded S3 and STS, catalog, registry, sample data |
//! | [`cli`] | the commands |
//! | [`app`] | puts the rooms together; the only place besides `dev` and `cli` that knows them all |
//!
//! The package format is a crate of its own, [`quilt_format`] in `crates/quilt-format`: pure functions over bytes and iterators,
//! equal to quilt3's, without I/O and without a clock. `catalog`, `packages`, `tools`, `s3`, `mcp`, `cli` and `dev` import it.
//!
//! [`upstream`] is what every party that is asked has in common: a breaker, a bound, a budget of repetitions. It knows
//! nobody; `catalog`, `credentials`, `identity`, `s3` and `sts` ask through it. [`memory`] is the budget of bytes that
//! payloads may take, of which `endpoint`, `tools` and `packages` take shares before they hold some. [`blocking`] is where
//! computations of unbounded size run.
//! [`error_code`] is the table of error codes, which every room may use. [`json`] is the bounded parser of what callers send.
//! [`clock`] is a parameter of the functions that need the time; [`redact`] is how an access key id is shown.
//!
//! What an arrow may not do: go back. `s3`, `packages`, `catalog` and `credentials` know nothing of `tools`, `mcp`, `endpoint` and `server`;
//! `tools` knows nothing of `mcp`, `endpoint` and `server`; `mcp` knows nothing of `endpoint` and `server`; only `mcp` imports rmcp.
//! Every room may name a [`identity::Caller`], which is what a request has become behind the door.
//!
//! # What keeps two callers apart
//!
//! [`identity::Caller`] is what the verifier makes of a token that it proved; it travels with the request as part of its [`mcp::CallContext`]; the
//! `Authorization` header is removed. A tool is given a [`tools::Session`], whose only way to S3 is [`tools::Session::s3`], which resolves that
//! caller's credentials and answers a [`s3::UserS3`] that signs with them. The client underneath has no identity of its
//! own. So a tool cannot act as anybody else, because there is no function that would let it.

pub mod app;
pub mod blocking;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod credentials;
#[cfg(feature = "dev")]
pub mod dev;
pub mod endpoint;
pub mod error_code;
pub mod identity;
pub mod json;
pub mod mcp;
pub mod memory;
pub mod packages;
pub mod redact;
pub mod s3;
pub mod server;
pub mod setting;
pub mod sts;
pub mod telemetry;
pub mod tools;
pub mod upstream;
