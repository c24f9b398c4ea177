//! Reports of a caller's rights, and the probes behind them.

mod answers;
mod catalog;
mod denials;
mod probes;
