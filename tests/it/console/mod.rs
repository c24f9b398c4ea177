//! The page that browsers get: how it is served, what confines it, and visits to it in a real Chromium; and the views for MCP
//! hosts.

mod catalog_ui;
mod serving;
mod types;
mod views;
mod visits;
