//! Behaviour under failure: upstreams that do not answer, faults of the server, load, and restarts.

mod endurance;
mod rolling_restart;
mod soak;
mod upstreams;
