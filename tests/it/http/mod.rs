//! HTTP as clients and browsers meet it: methods, headers, status codes, bodies, connections and other origins.

mod catalog_page;
mod connections;
mod cross_origin;
mod errors;
mod requests;
mod status_table;
