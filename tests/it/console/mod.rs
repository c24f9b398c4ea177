//! The page that browsers get: how it is served, what confines it, and visits to it in a real Chromium.

mod serving;
mod types;
mod visits;
