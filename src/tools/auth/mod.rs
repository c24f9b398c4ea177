//! The `auth` toolset: who am I, and with whose rights?

mod status;

pub use status::AuthStatus;
