//! Tools of buckets and objects.

mod counting;
mod find;
mod headers;
mod links;
mod names;
mod operations;
mod preview;
mod restricted;
mod text;
