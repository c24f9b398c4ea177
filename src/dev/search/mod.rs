//! The registry's search: an index in memory over the embedded S3, and the fields of the schema that search it.
//!
//! **Owns** what Quilt's indexer and Elasticsearch do in a stack. Query strings that it does not understand are syntax errors,
//! never empty results.
//!
//! **Differences** to a stack: the index is up to date when it is searched; it has the newest version of each key, not all of
//! them; contents are searched of plain text only, and not as contents of entries; relevance is the number of matching fields.

mod documents;
mod facets;
mod filter;
mod hits;
mod index;
mod order;
pub(super) mod package;
mod query;
mod settings;

use std::sync::{Mutex, MutexGuard, PoisonError};

use embedded_aws::EmbeddedAws;
use serde_json::{Map, Value, json};

use self::filter::{Arguments, InputError, Kind};
use self::hits::Hit;
use self::index::Index;
pub use self::index::extension;
use self::order::{Cursor, Order, SortValue};
use self::query::Query;
use self::settings::Settings;
pub use self::settings::{Generation, SearchFault, SearchSettings};
use super::graphql::{Node, Object};

/// Maximum number of hits on a page.
const MAX_PAGE: usize = 1000;
const DEFAULT_PAGE: usize = 30;

/// The search of a registry.
pub struct Search {
    aws: EmbeddedAws,
    index: Mutex<Index>,
    pub settings: SearchSettings,
}

impl Search {
    pub fn new(aws: EmbeddedAws, settings: SearchSettings) -> Self {
        Self {
            aws,
            index: Mutex::default(),
            settings,
        }
    }

    /// Returns the index, with what was written to these buckets until now.
    pub fn index<'b>(&self, buckets: impl Iterator<Item = &'b str>) -> IndexGuard<'_> {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        index.follow(&self.aws, buckets);
        IndexGuard(index)
    }

    /// Returns the generation of the schema.
    pub fn generation(&self) -> Generation {
        self.settings.get().generation
    }
}

/// The index while it is searched.
pub struct IndexGuard<'s>(MutexGuard<'s, Index>);

impl IndexGuard<'_> {
    /// Returns the view that a caller has who may read these buckets.
    pub fn view<'i>(&'i self, search: &Search, readable: Vec<&'i str>) -> View<'i> {
        View {
            index: &self.0,
            settings: search.settings.get(),
            readable,
        }
    }
}

/// The index as a caller sees it.
pub struct View<'i> {
    index: &'i Index,
    settings: Settings,
    readable: Vec<&'i str>,
}

impl<'i> View<'i> {
    /// Returns the value of a field of the query, or `None` if it is not one of search.
    pub fn field(&self, name: &str, arguments: &Map<String, Value>) -> Option<Result<Node<'i>, String>> {
        match name {
            "searchObjects" => Some(self.search(Kind::Objects, arguments)),
            "searchPackages" => Some(self.search(Kind::Packages, arguments)),
            "searchMoreObjects" => Some(self.more(Kind::Objects, arguments)),
            "searchMorePackages" => Some(self.more(Kind::Packages, arguments)),
            _ => None,
        }
    }

    fn search(&self, kind: Kind, arguments: &Map<String, Value>) -> Result<Node<'i>, String> {
        if let Some(failed) = self.failure(&[SearchFault::Timeout, SearchFault::Failed]) {
            return failed;
        }
        let arguments: Arguments =
            serde_json::from_value(Value::Object(arguments.clone())).map_err(|error| error.to_string())?;
        let (hits, filter) = match hits::find(self.index, kind, &arguments, &self.readable) {
            Ok(found) => found,
            Err(error) => return Ok(invalid_input(&error)),
        };
        if hits.is_empty() {
            return Ok(Node::Json(json!({ "__typename": "EmptySearchResultSet" })));
        }
        Ok(Node::Lazy(Box::new(ResultSet {
            kind,
            arguments,
            hits,
            query: filter.query,
            settings: self.settings,
        })))
    }

    fn more(&self, kind: Kind, arguments: &Map<String, Value>) -> Result<Node<'i>, String> {
        if let Some(failed) = self.failure(&[SearchFault::Timeout, SearchFault::Failed]) {
            return failed;
        }
        let after = arguments.get("after").and_then(Value::as_str).unwrap_or_default();
        let is_expired = self.settings.fault == Some(SearchFault::ExpiredCursors);
        let cursor = Cursor::decode(after).filter(|cursor| cursor.kind == kind && !is_expired);
        let Some(Cursor {
            arguments: search,
            order,
            after,
            ..
        }) = cursor
        else {
            let error = InputError {
                path: "after".to_owned(),
                name: "InvalidCursor",
                message: "The cursor is not valid, or has expired".to_owned(),
            };
            return Ok(invalid_input(&error));
        };
        match hits::find(self.index, kind, &search, &self.readable) {
            Ok((hits, filter)) => {
                let set = ResultSet {
                    kind,
                    arguments: search,
                    hits,
                    query: filter.query,
                    settings: self.settings,
                };
                Ok(set.page(&order, Some(&after), arguments))
            }
            Err(error) => Ok(invalid_input(&error)),
        }
    }

    /// Returns the failure that is switched on, if it is one of these.
    fn failure(&self, faults: &[SearchFault]) -> Option<Result<Node<'i>, String>> {
        let fault = self.settings.fault.filter(|fault| faults.contains(fault))?;
        if self.settings.generation == Generation::October2023 {
            return Some(Err("Internal Server Error".to_owned()));
        }
        let (name, message) = match fault {
            SearchFault::Timeout => ("Timeout", "Search request timed out"),
            _ => ("SearchError", "The search failed"),
        };
        let error = json!({ "__typename": "OperationError", "name": name, "message": message, "context": null });
        Some(Ok(Node::Json(error)))
    }
}

fn invalid_input<'n>(error: &InputError) -> Node<'n> {
    let InputError { path, name, message } = error;
    let error = json!({ "path": path, "name": name, "message": message, "context": null });
    Node::Json(json!({ "__typename": "InvalidInput", "errors": [error] }))
}

/// The hits of a search.
struct ResultSet<'i> {
    kind: Kind,
    arguments: Arguments,
    hits: Vec<Hit<'i>>,
    query: Query,
    settings: Settings,
}

impl ResultSet<'_> {
    fn total(&self) -> i64 {
        if self.settings.is_secure {
            return -1;
        }
        i64::try_from(self.hits.len()).unwrap_or(i64::MAX)
    }

    fn page<'n>(&self, order: &Order, after: Option<&(SortValue, String)>, arguments: &Map<String, Value>) -> Node<'n> {
        let size = arguments.get("size").and_then(Value::as_u64);
        let size = size.map_or(DEFAULT_PAGE, |size| {
            usize::try_from(size).unwrap_or(MAX_PAGE).min(MAX_PAGE)
        });
        let (hits, last) = order.page(&self.hits, after, size);
        let cursor = last.and_then(|after| {
            let cursor = Cursor {
                kind: self.kind,
                arguments: self.arguments.clone(),
                order: order.clone(),
                after,
            };
            cursor.encode()
        });
        let shown: Vec<Value> = hits
            .iter()
            .map(|hit| hit.show(&self.query, self.settings.generation))
            .collect();
        let type_name = match self.kind {
            Kind::Objects => "ObjectsSearchResultSetPage",
            Kind::Packages => "PackagesSearchResultSetPage",
        };
        Node::Json(json!({ "__typename": type_name, "cursor": cursor, "hits": shown }))
    }
}

impl<'n> Object<'n> for ResultSet<'_> {
    fn type_name(&self) -> String {
        match self.kind {
            Kind::Objects => "ObjectsSearchResultSet".to_owned(),
            Kind::Packages => "PackagesSearchResultSet".to_owned(),
        }
    }

    fn field(&self, name: &str, arguments: &Map<String, Value>) -> Result<Node<'n>, String> {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        match name {
            "firstPage" if self.settings.fault == Some(SearchFault::FirstPage) => {
                Err("Internal Server Error".to_owned())
            }
            "firstPage" => {
                let order = match arguments.get("ordering") {
                    Some(expression) => match Order::parse(expression, &self.hits) {
                        Ok(order) => order,
                        Err(error) => return Ok(invalid_input(&error)),
                    },
                    None => Order::named(text("order")),
                };
                Ok(self.page(&order, None, arguments))
            }
            "filteredUserMetaFacets" => {
                let path = text("path").unwrap_or_default();
                Ok(Node::Json(facets::filtered_facets(&self.hits, path, text("type"))))
            }
            "stats" => Ok(Node::Json(match self.kind {
                Kind::Objects => facets::object_stats(&self.hits, self.total()),
                Kind::Packages => facets::package_stats(&self.hits, self.total()),
            })),
            _ => Ok(Node::Json(json!(self.total()))),
        }
    }
}
