//! S3, as exactly one caller.
//!
//! Owns the shared client, the handle [`UserS3`] that acts as one caller, one file for each operation, and the meaning of
//! S3's errors. Owns no credentials: it is given them, signs with them, and asks for newer ones when AWS says that they
//! are over.
//!
//! Invariants: the shared client holds no credentials and no identity cache, so a call without the caller's own override
//! fails instead of acting as somebody else; every request carries the credentials of the handle it was made on; retries
//! are paid from the caller's own partition.

mod bucket_region;
mod call;
mod client;
mod copy;
mod delete;
mod denial;
mod error;
mod get_range;
mod head;
mod list_buckets;
mod list_objects;
mod multipart;
mod open;
mod part_sizes;
mod presign;
mod probe;
mod put;
mod read_range;
mod uri;

pub use client::{Renew, SharedS3, SharedS3Options, Signing, UserS3};
pub use copy::{Copied, CopySource};
pub use denial::Denial;
pub use error::{S3Error, S3ErrorKind};
pub use get_range::RangeRead;
pub use head::{Checksums, ObjectHead};
pub use list_objects::{ListedObject, Listing, ListingQuery};
pub use open::{Opened, ReadQuery};
pub use presign::Presigned;
pub use probe::LeftOpen;
pub use put::{Put, PutOutcome, WriteCondition};
pub use uri::{BucketName, ObjectKey, ObjectUri};
