//! Fault injectors: proxies between the server and an upstream (S3, STS, the registry) that make the upstream fail.
//!
//! Each forwards unchanged the traffic that is not to fail; `Host`, path and body stay as they are, so that signatures
//! verify behind it. They differ in how a test chooses the fault:
//!
//! - [`tcp`]: below HTTP, for the whole upstream. A [`TcpProxy`](tcp::TcpProxy) closes connections or leaves them without an
//!   answer, and counts them; a [`FullBacklog`](tcp::FullBacklog) neither accepts nor refuses them.
//! - [`by_rule`]: by the request's access key or object. A [`RuleProxy`](by_rule::RuleProxy) throttles one caller, never
//!   answers about one object, or delays the answer until the test releases it.
//! - [`nth_request`]: by number. An [`NthRequestProxy`](nth_request::NthRequestProxy) fails exactly one request of a sequence,
//!   so that a test can go through a commit request by request.
//! - [`slow`]: none; a [`SlowProxy`](slow::SlowProxy) adds latency to each request.
//! - [`counting`]: none; a [`CountingProxy`](counting::CountingProxy) counts the bytes of objects, and has large ones in files.
//! - [`random`]: by chance. A [`RandomProxy`](random::RandomProxy) fails at known rates under load, and counts what it did.

pub mod by_rule;
pub mod counting;
pub mod forward;
pub mod nth_request;
pub mod random;
pub mod slow;
pub mod tcp;
