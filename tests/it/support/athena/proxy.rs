//! A proxy before an Athena: it records and counts requests by operation, answers in the place of Athena, throttles, splits the
//! list of workgroups into pages of 50, and keeps queries running until they are stopped or released.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::faults::forward::{Upstream, serve};

/// The page of a list of workgroups.
const PAGE: usize = 50;

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub operation: String,
    pub body: Value,
    pub access_key_id: String,
    /// The region of the signature.
    pub region: String,
}

type Answer = Arc<dyn Fn(&Value) -> Option<(u16, Value)> + Send + Sync>;

/// The proxy.
pub struct AthenaProxy {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    upstream: Upstream,
    answers: Mutex<HashMap<&'static str, Answer>>,
    /// Parts of SQL whose queries keep running.
    endless: Mutex<Vec<String>>,
    /// Ids of queries that keep running, and of those that were stopped.
    running: Mutex<HashSet<String>>,
    stopped: Mutex<HashSet<String>>,
    requests: watch::Sender<Vec<Received>>,
    /// Operations and what Athena itself answered.
    answered: Mutex<Vec<(String, Value)>>,
}

impl AthenaProxy {
    /// Starts a proxy before the Athena at this URL.
    pub async fn before(upstream: &str) -> Self {
        let inner = Arc::new(Inner {
            upstream: Upstream::new(upstream),
            answers: Mutex::default(),
            endless: Mutex::default(),
            running: Mutex::default(),
            stopped: Mutex::default(),
            requests: watch::Sender::new(Vec::new()),
            answered: Mutex::default(),
        });
        let url = serve(Router::new().fallback(pass).with_state(inner.clone())).await;
        Self { url, inner }
    }

    /// Answers an operation by this function; what it answers with `None` is forwarded.
    pub fn answers(
        &self,
        operation: &'static str,
        answer: impl Fn(&Value) -> Option<(u16, Value)> + Send + Sync + 'static,
    ) {
        self.inner.answers.lock().unwrap().insert(operation, Arc::new(answer));
    }

    /// Refuses an operation with this error.
    pub fn refuses(&self, operation: &'static str, code: &str, message: &str) {
        let body = error(code, message);
        self.answers(operation, move |_| Some((400, body.clone())));
    }

    /// Forwards an operation again.
    pub fn forwards(&self, operation: &'static str) {
        self.inner.answers.lock().unwrap().remove(operation);
    }

    /// Keeps queries running whose SQL has this part.
    pub fn keeps_running(&self, part: &str) {
        self.inner.endless.lock().unwrap().push(part.to_owned());
    }

    /// Lets a query end as it does behind the proxy.
    pub fn release(&self, id: &str) {
        self.inner.running.lock().unwrap().remove(id);
    }

    /// Returns the requests of an operation so far.
    pub fn received(&self, operation: &str) -> Vec<Received> {
        self.inner
            .requests
            .borrow()
            .iter()
            .filter(|seen| seen.operation == operation)
            .cloned()
            .collect()
    }

    /// Returns the answers of Athena itself to an operation so far, as they were before the proxy changed them.
    pub fn answered(&self, operation: &str) -> Vec<Value> {
        let answered = self.inner.answered.lock().unwrap();
        let of_operation = answered.iter().filter(|(answered, _)| answered == operation);
        of_operation.map(|(_, body)| body.clone()).collect()
    }

    /// Returns the number of all requests so far.
    pub fn count(&self) -> usize {
        self.inner.requests.borrow().len()
    }

    /// Waits until an operation was requested this many times.
    pub async fn saw(&self, operation: &str, times: usize) {
        let is_enough = |all: &Vec<Received>| all.iter().filter(|one| one.operation == operation).count() >= times;
        let mut requests = self.inner.requests.subscribe();
        let waiting = requests.wait_for(is_enough);
        tokio::time::timeout(std::time::Duration::from_secs(20), waiting)
            .await
            .unwrap_or_else(|_| panic!("no {times} requests of {operation}"))
            .unwrap();
    }
}

/// Returns the body of an error.
pub fn error(code: &str, message: &str) -> Value {
    json!({ "__type": code, "Message": message, "message": message })
}

async fn pass(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let operation = header(&parts, "x-amz-target");
    let operation = operation.rsplit('.').next().unwrap_or_default().to_owned();
    let signature = header(&parts, "authorization");
    let scope = signature.split_once("Credential=").map_or("", |(_, scope)| scope);
    let mut scope = scope.split('/').map(str::to_owned);
    let access_key_id = scope.next().unwrap_or_default();
    let region = scope.nth(1).unwrap_or_default();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let asked: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if operation == "StopQueryExecution" {
        let id = asked["QueryExecutionId"].as_str().unwrap().to_owned();
        if inner.running.lock().unwrap().remove(&id) {
            inner.stopped.lock().unwrap().insert(id);
        }
    }
    let request = Received {
        operation: operation.clone(),
        body: asked.clone(),
        access_key_id,
        region,
    };
    inner.requests.send_modify(|all| all.push(request));
    let answer = inner.answers.lock().unwrap().get(operation.as_str()).cloned();
    if let Some((status, body)) = answer.and_then(|answer| answer(&asked)) {
        return respond(status, &body);
    }
    let answer = inner
        .upstream
        .forward(Request::from_parts(parts, Body::from(bytes)))
        .await;
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    match serde_json::from_slice(&bytes) {
        Ok(body) => {
            let answered = (operation.clone(), Value::clone(&body));
            inner.answered.lock().unwrap().push(answered);
            respond(parts.status.as_u16(), &inner.changed(&operation, &asked, body))
        }
        Err(_) => Response::from_parts(parts, Body::from(bytes)),
    }
}

fn header(parts: &Parts, name: &str) -> String {
    let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn respond(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (
        status,
        [("content-type", "application/x-amz-json-1.1")],
        body.to_string(),
    )
        .into_response()
}

impl Inner {
    /// Changes the answer of `MiniStack`.
    fn changed(&self, operation: &str, asked: &Value, mut answer: Value) -> Value {
        match operation {
            "ListWorkGroups" => {
                let all = answer["WorkGroups"].as_array().cloned().unwrap_or_default();
                let from: usize = asked["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
                let end = (from + PAGE).min(all.len());
                answer["WorkGroups"] = all[from..end].into();
                if end < all.len() {
                    answer["NextToken"] = end.to_string().into();
                }
            }
            "StartQueryExecution" => {
                let sql = asked["QueryString"].as_str().unwrap_or_default();
                let is_endless = self.endless.lock().unwrap().iter().any(|part| sql.contains(part));
                if let (true, Some(id)) = (is_endless, answer["QueryExecutionId"].as_str()) {
                    self.running.lock().unwrap().insert(id.to_owned());
                }
            }
            "GetQueryExecution" => self.change_state(&mut answer["QueryExecution"]),
            "BatchGetQueryExecution" => {
                for execution in answer["QueryExecutions"].as_array_mut().into_iter().flatten() {
                    self.change_state(execution);
                }
            }
            _ => {}
        }
        answer
    }

    fn change_state(&self, execution: &mut Value) {
        let Some(id) = execution["QueryExecutionId"].as_str().map(str::to_owned) else {
            return;
        };
        if self.running.lock().unwrap().contains(&id) {
            execution["Status"] = json!({ "State": "RUNNING" });
            execution["Statistics"] = json!({ "DataScannedInBytes": 4096 });
        } else if self.stopped.lock().unwrap().contains(&id) {
            execution["Status"] = json!({ "State": "CANCELLED", "StateChangeReason": "Query cancelled by user" });
        }
    }
}
