//! The newest requests of every client of this process, in memory, for the page of the development environment.
//!
//! Owns what a request leaves there: time, Origin, method, tool, state of its token, status, code and id; never a body, an
//! argument or a token. A request appears when it arrives, and the rest is added as it becomes known.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::audit::tool_name;
use super::text;
use crate::clock::Clock;

/// How many requests are kept.
const MAX_REQUESTS: usize = 200;

/// The token of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// The request has no token.
    None,
    /// The token was refused.
    Bad,
    /// The token was valid once.
    Expired,
    /// The token was accepted.
    Good,
    /// The service that verifies tokens did not answer.
    Undecided,
}

impl TokenState {
    fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bad => "bad",
            Self::Expired => "expired",
            Self::Good => "good",
            Self::Undecided => "undecided",
        }
    }
}

/// A log of requests. Clones share it.
#[derive(Clone)]
pub struct RequestLog {
    clock: Clock,
    records: Arc<Mutex<Records>>,
}

#[derive(Default)]
struct Records {
    count: u64,
    newest: VecDeque<Arc<RequestRecord>>,
}

/// One request. Each fact is recorded once, by the module that learns it.
pub struct RequestRecord {
    number: u64,
    at: Timestamp,
    id: String,
    http_method: &'static str,
    origin: Option<String>,
    method: OnceLock<&'static str>,
    tool: OnceLock<String>,
    token: OnceLock<TokenState>,
    status: OnceLock<u16>,
    code: OnceLock<&'static str>,
}

impl RequestLog {
    /// An empty log.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            records: Arc::default(),
        }
    }

    /// Begins the record of a request that has arrived.
    pub fn begin(&self, id: &str, http_method: &'static str, origin: Option<&str>) -> Arc<RequestRecord> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.count += 1;
        let record = Arc::new(RequestRecord {
            number: records.count,
            at: self.clock.now(),
            id: id.to_owned(),
            http_method,
            origin: origin.map(|origin| text::bounded(origin, text::MAX_NAME_BYTES).to_owned()),
            method: OnceLock::new(),
            tool: OnceLock::new(),
            token: OnceLock::new(),
            status: OnceLock::new(),
            code: OnceLock::new(),
        });
        records.newest.truncate(MAX_REQUESTS - 1);
        records.newest.push_front(record.clone());
        record
    }

    /// The requests, the newest first.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        json!({ "requests": records.newest.iter().map(|record| record.to_json()).collect::<Vec<_>>() })
    }
}

impl RequestRecord {
    /// Records the method, and the tool if the request names one.
    pub fn set_method(&self, method: &'static str, tool: Option<&str>) {
        // Each fact is recorded once; a second one would say the same.
        let _ = self.method.set(method);
        if let Some(tool) = tool {
            let _ = self.tool.set(tool_name(tool).to_owned());
        }
    }

    /// Records the state of the token.
    pub fn set_token(&self, state: TokenState) {
        let _ = self.token.set(state);
    }

    /// Records the code of an error, of a refusal or of a tool.
    pub fn set_code(&self, code: &'static str) {
        let _ = self.code.set(code);
    }

    /// Records the status of the response.
    pub fn set_status(&self, status: u16) {
        let _ = self.status.set(status);
    }

    fn to_json(&self) -> Value {
        json!({
            "number": self.number,
            "time": self.at,
            "request_id": self.id,
            "http_method": self.http_method,
            "origin": self.origin,
            "method": self.method.get(),
            "tool": self.tool.get(),
            "token": self.token.get().map(|state| state.as_str()),
            "status": self.status.get(),
            "code": self.code.get(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_requests_are_kept() {
        let log = RequestLog::new(Clock::system());
        for number in 1..=MAX_REQUESTS + 3 {
            log.begin(&number.to_string(), "POST", None).set_status(200);
        }
        let kept = log.to_json();
        let requests = kept["requests"].as_array().unwrap();
        assert_eq!(requests.len(), MAX_REQUESTS);
        assert_eq!(
            (&requests[0]["number"], &requests[199]["number"]),
            (&json!(203), &json!(4))
        );
    }
}
