//! What a caller may do, established by asking.
//!
//! Owns the one answer about a bucket, [`access::BucketAccess`], for every tool that speaks of rights.

pub mod access;
