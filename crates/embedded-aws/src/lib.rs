//! An AWS account in memory: S3 and STS on one port, with users, roles, sessions and policies that are enforced.
//!
//! Signatures, session tokens, expiry, identity, session and bucket policies, versions, conditional writes and multipart
//! uploads behave as in AWS, so that a client of S3 can be tested against an S3 that refuses.
//!
//! The methods of [`EmbeddedAws`] set up users, roles, buckets and objects and read them back. They evaluate no policy and
//! leave no journal entry. Requests over HTTP are authenticated and authorized (`access`). The state lives as long as the
//! value; nothing is written to disk. The HTTP layer logs through `tracing` under the target `s3s`; at debug level it prints
//! request headers, so a subscriber should leave that target off.

#![warn(missing_docs)]

mod access;
mod account;
mod action;
mod authorize;
mod caller;
mod context;
mod envelope;
mod error;
mod iam;
mod intake;
mod journal;
mod keys;
mod ops;
mod options;
mod policy;
mod seed;
mod server;
mod signed;
mod state;
mod store;
mod sts;
#[cfg(test)]
mod tests;

pub use self::account::EmbeddedAws;
pub use self::journal::{JOURNAL_CAPACITY, Journal, JournalEntry};
pub use self::keys::{AccessKey, SessionKeys};
pub use self::options::{Clock, Options};
pub use self::policy::InvalidPolicy;
pub use self::seed::SeedError;
pub use self::store::payload::synthetic_bytes;
