//! S3, as exactly one caller.
//!
//! **Owns** the shared client, the handle [`UserS3`] that acts as one caller, one file for each operation, and what only
//! S3's errors mean.
//!
//! **Does not own** how a request is made, signed and repeated: the [`aws`](crate::aws) module does.

mod bucket_region;
mod client;
mod copy;
mod delete;
mod error;
mod get_range;
mod head;
mod header_text;
mod list_all;
mod list_buckets;
mod list_objects;
mod list_versions;
mod multipart;
mod open;
mod part_sizes;
mod presign;
mod probe;
mod put;
mod read_range;
mod uri;
mod versioning;

pub use client::{SharedS3, UserS3};
pub use copy::CopySource;
pub use get_range::RangeRead;
pub use head::{Checksums, ObjectHead, Restore};
#[cfg(test)]
pub(crate) use list_all::tests::s3_of;
pub use list_all::{AHEAD_BYTES, LAST, ListPage, ObjectPages, list_all, list_in_pages};
pub use list_objects::{ListedObject, Listing, ListingQuery};
pub use list_versions::{ListedVersion, VersionListing};
pub use open::{Opened, ReadQuery};
pub use presign::Presigned;
pub use probe::LeftOpen;
pub use put::{Put, PutOutcome, WriteCondition};
pub use read_range::RangeStream;
pub use uri::{BucketName, ObjectKey, ObjectUri, key_in};
pub use versioning::Versioning;
