//! `GetQueryResults`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_athena::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_athena::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_athena::error::BoxError;
use aws_sdk_athena::types::{ColumnInfo, Row};

use super::UserAthena;
use super::client::on;
use crate::aws::AwsError;

/// One page of a query's result. The first page of a query may begin with the names of the columns.
#[derive(Debug, Clone, Default)]
pub struct ResultPage {
    pub columns: Vec<ColumnInfo>,
    pub rows: Vec<Row>,
    pub next_token: Option<String>,
}

/// A page of a query's result, or its size.
#[derive(Debug)]
pub enum BoundedPage {
    Read(ResultPage),
    /// It was not read, because it has this size, which is more than was allowed, in bytes of JSON.
    TooLarge(u64),
}

/// Refuses a response before its body is read, if the body is too large, and notes its size.
#[derive(Debug)]
struct BoundBody {
    max_bytes: u64,
    /// 0 while no response was refused.
    refused_bytes: Arc<AtomicU64>,
}

impl Intercept for BoundBody {
    fn name(&self) -> &'static str {
        "BoundBody"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let length = context.response().headers().get("content-length");
        let length = length.and_then(|length| length.parse::<u64>().ok());
        match length.filter(|length| *length > self.max_bytes) {
            Some(length) => {
                self.refused_bytes.store(length, Ordering::Release);
                Err("the response is too large".into())
            }
            None => Ok(()),
        }
    }
}

impl UserAthena {
    /// Reads at most `max_rows` rows of a result, 1,000 at most, and at most `max_bytes` of JSON: Athena bounds a page by its
    /// rows only.
    pub async fn results(
        &self,
        id: &str,
        max_rows: i32,
        next_token: Option<&str>,
        max_bytes: u64,
    ) -> Result<BoundedPage, AwsError> {
        let request = self
            .client()
            .get_query_results()
            .query_execution_id(id)
            .max_results(max_rows)
            .set_next_token(next_token.map(str::to_owned));
        let operation = on("athena:GetQueryResults", id);
        let refused_bytes = Arc::new(AtomicU64::new(0));
        let answer = self
            .call(operation, |signed| {
                let bound = BoundBody {
                    max_bytes,
                    refused_bytes: refused_bytes.clone(),
                };
                let signed = signed.interceptor(bound);
                request.clone().customize().config_override(signed).send()
            })
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => match refused_bytes.load(Ordering::Acquire) {
                0 => return Err(error),
                bytes => return Ok(BoundedPage::TooLarge(bytes)),
            },
        };
        let set = answer.result_set;
        let (rows, metadata) = set.map(|set| (set.rows, set.result_set_metadata)).unwrap_or_default();
        Ok(BoundedPage::Read(ResultPage {
            columns: metadata.and_then(|metadata| metadata.column_info).unwrap_or_default(),
            rows: rows.unwrap_or_default(),
            next_token: answer.next_token.filter(|token| !token.is_empty()),
        }))
    }
}
