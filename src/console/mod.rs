//! The page that a browser gets from this server: its files, its Content Security Policy, and what it says of the server; and
//! the views of results for MCP hosts, made of the same modules.
//!
//! Owns the setting of the page, the HTML, style and ES modules below `files`, which are embedded as they are, and their
//! headers. The page is an MCP client of its own origin, so there is no second API. Does not own routes, Host checks or
//! readiness ([`crate::server`]).
//!
//! Invariants: the page asks no other origin, sets no cookie, and has no script or style inline; nothing in it depends on a
//! caller.

mod about;
mod assets;
mod config;
mod page;
mod sign_in;
mod views;

pub use self::about::About;
pub use self::config::{ConsoleConfig, ConsoleMode};
pub use self::page::{Console, private_json, wants_page};
pub use self::sign_in::SignIn;
pub use self::views::View;
