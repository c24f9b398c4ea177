//! Tools of buckets and objects.

mod links;
mod operations;
