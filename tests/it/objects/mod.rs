//! Tools of buckets and objects.

mod operations;
