//! `GetQueryResults`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// Maximum size of a page, as JSON. Athena bounds a page by its rows only.
pub const MAX_PAGE_BYTES: u64 = 2 * 1024 * 1024;

/// Refuses a response before its body is read, if the body is too large, and notes that.
#[derive(Debug)]
struct BoundBody {
    is_too_large: Arc<AtomicBool>,
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
        if length.is_some_and(|length| length > MAX_PAGE_BYTES) {
            self.is_too_large.store(true, Ordering::Release);
            return Err("the response is too large".into());
        }
        Ok(())
    }
}

impl UserAthena {
    /// Reads at most `max_rows` rows of a result, 1,000 at most; `None` if they are larger than [`MAX_PAGE_BYTES`].
    pub async fn results(
        &self,
        id: &str,
        max_rows: i32,
        next_token: Option<&str>,
    ) -> Result<Option<ResultPage>, AwsError> {
        let request = self
            .client()
            .get_query_results()
            .query_execution_id(id)
            .max_results(max_rows)
            .set_next_token(next_token.map(str::to_owned));
        let operation = on("athena:GetQueryResults", id);
        let is_too_large = Arc::new(AtomicBool::new(false));
        let answer = self
            .call(operation, |signed| {
                let bound = BoundBody {
                    is_too_large: is_too_large.clone(),
                };
                let signed = signed.interceptor(bound);
                request.clone().customize().config_override(signed).send()
            })
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(_) if is_too_large.load(Ordering::Acquire) => return Ok(None),
            Err(error) => return Err(error),
        };
        let set = answer.result_set;
        let (rows, metadata) = set.map(|set| (set.rows, set.result_set_metadata)).unwrap_or_default();
        Ok(Some(ResultPage {
            columns: metadata.and_then(|metadata| metadata.column_info).unwrap_or_default(),
            rows: rows.unwrap_or_default(),
            next_token: answer.next_token.filter(|token| !token.is_empty()),
        }))
    }
}
