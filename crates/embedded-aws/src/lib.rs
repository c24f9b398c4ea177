//! An AWS account in memory: S3, STS, IAM and Athena on one port, with policies that are enforced.
//!
//! The account exists for development and for tests of S3 clients: it answers as AWS does, and it also denies as AWS does.
//! The methods of [`EmbeddedAws`] set up users, roles, buckets and objects and inspect them; clients then connect over HTTP
//! with the AWS SDK of their choice. The state lives as long as the value, and nothing is written to disk.
//!
//! # Example
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use embedded_aws::{EmbeddedAws, Options};
//! use serde_json::json;
//! use tokio::net::TcpListener;
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let aws = EmbeddedAws::new(Options::new(Arc::new(jiff::Timestamp::now)));
//! aws.create_bucket("data", None, true);
//! aws.put_object("data", "hello.txt", "hello", Some("text/plain"), &[])?;
//! let reader = aws.create_user("reader", &[json!({
//!     "Version": "2012-10-17",
//!     "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}],
//! })])?;
//! println!("AWS_ACCESS_KEY_ID={}", reader.access_key_id);
//!
//! let listener = TcpListener::bind("127.0.0.1:9000").await?;
//! aws.serve(listener, CancellationToken::new()).await;
//! # Ok(())
//! # }
//! ```
//!
//! # Supported operations
//!
//! - S3, addressed in path style: `ListBuckets`, `CreateBucket`, `DeleteBucket`, `HeadBucket`, `GetBucketLocation`, bucket
//!   versioning and bucket policies (get, put, and delete of policies), `ListObjects`, `ListObjectsV2`,
//!   `ListObjectVersions`, `PutObject`, `GetObject`, `HeadObject`, `GetObjectAttributes`, `CopyObject`, `DeleteObject`,
//!   `DeleteObjects`, `RestoreObject`, object tagging, and multipart uploads with copied parts and both listings. Other operations are
//!   answered with `NotImplemented`.
//! - STS: `AssumeRole`, `AssumeRoleWithWebIdentity` and `GetCallerIdentity`, for `POST` requests with a form to `/`.
//! - Athena: workgroups, data catalogs, databases and table metadata (get, list), saved queries (get, list), and query
//!   executions (start, stop, get, list, results). SQL is run by SQLite over the tables of a [`TableSource`]; what it cannot
//!   run is a query that fails with `NOT_SUPPORTED: … (development server)`.
//! - IAM has no HTTP API; users and roles are set up with [`EmbeddedAws`].
//!
//! # Enforced rules
//!
//! - Signature Version 4 in headers and presigned URLs, session tokens and their expiry, and the region and service for which
//!   a request is signed. A request for a bucket in another region is redirected.
//! - Identity policies of users and roles, session policies and bucket policies, combined as AWS combines them within one
//!   account, with condition keys and policy variables. The permissions of each operation follow AWS's table, including
//!   `s3:GetObjectVersion` for named versions, the permission to read the source of a copy, and `s3:ListBucket` as the
//!   condition for learning that a key does not exist. Changed policies and deleted roles affect open sessions immediately.
//! - Trust policies, `ExternalId`, session tags, source identities and the limits on session durations in `AssumeRole`.
//! - Archived objects (`GLACIER`, `DEEP_ARCHIVE`, and the archive tiers of `INTELLIGENT_TIERING`) are read only after a
//!   restore, which takes as long as in AWS by [`Options::clock`], or until [`EmbeddedAws::complete_restore`].
//! - `kms:GenerateDataKey` and `kms:Decrypt` for objects that are encrypted with a named KMS key, also to read a checksum, and
//!   the offer to pay for requester-pays buckets.
//! - Checksums and `Content-MD5` of uploads, conditional reads and writes, versions and delete markers, the minimum size of
//!   parts, and the limits on tags and user metadata.
//!
//! # Limitations
//!
//! - There is one account: no cross-account access, organization policies, permissions boundaries or access points.
//! - Access control lists, object lock, lifecycle rules, public access blocks and CORS do not exist, and neither do policies
//!   of KMS keys. Data is not encrypted.
//! - A trust policy with a federated principal is honored only in statements without conditions.
//! - Only the plain-HTTP transport exists, so `aws:SecureTransport` is always `false`. Signature ages and presigned URLs are
//!   checked against the system time; everything else uses [`Options::clock`].
//! - Request rates are not limited, and `SlowDown` never occurs.
//! - Athena has no prepared statements, no statements that write, and no arrays, rows, maps and lambdas. Types of columns are
//!   those of the tables, types of other expressions those of their values, so that a comparison is a `bigint`. Results are
//!   kept in memory and not written to S3.
//!
//! # Structure
//!
//! `server` accepts connections, adds request IDs and writes the [`Journal`]. s3s verifies signatures and parses S3 requests;
//! `access` authenticates the caller and requires the permissions listed in `action`; `authorize` evaluates the policies;
//! `ops` holds the operations and `store` the data. `sts` is a route of its own beside S3, `athena` is told from S3 by a header, and `iam` holds users, roles and
//! sessions. `response` completes what s3s leaves out of error responses.
//!
//! To add an S3 operation:
//!
//! 1. Add its permissions to `required_permissions` in `action`, unless it requires exactly the action of its own name.
//! 2. Implement it as a method of `S3Api` in the module of its family in `ops`, with `self.find` to look up a version.
//! 3. Bind it in `ops/service.rs`. An operation that names keys in its body must require permissions for each key itself,
//!    with the `Authorization` in the request's extensions.
//! 4. Call it in `src/tests.rs` with the AWS SDK, as a caller with and without the permission.
//!
//! An STS action is a method of `Sts` and an arm in `sts::Sts::dispatch`.
//!
//! # Logging
//!
//! s3s logs through `tracing` under the target `s3s` and prints request headers at debug level. A subscriber should leave
//! that target off.

#![warn(missing_docs)]

mod access;
mod account;
mod action;
mod athena;
mod authorize;
mod caller;
mod context;
mod error;
mod follow;
mod iam;
mod journal;
mod keys;
mod ops;
mod options;
mod policy;
mod request_body;
mod response;
mod seed;
mod server;
mod signature;
mod state;
mod store;
mod sts;
#[cfg(test)]
mod tests;

pub use self::account::EmbeddedAws;
pub use self::athena::settings::{AthenaFault, NamedQuery, Workgroup};
pub use self::athena::source::{Cell, Column, DataCatalog, ObjectRef, Table, TableSource};
pub use self::follow::{ChangedKeys, NewestVersion};
pub use self::journal::{JOURNAL_CAPACITY, Journal, JournalEntry};
pub use self::keys::{AccessKey, SessionKeys};
pub use self::options::{Clock, Options};
pub use self::policy::InvalidPolicy;
pub use self::seed::SeedError;
pub use self::server::Services;
pub use self::store::payload::synthetic_bytes;
