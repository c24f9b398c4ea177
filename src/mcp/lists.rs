//! The lists of tools, resources, resource templates, prompts and skills, written once for each filter of tools.
//!
//! Invariant: the cache is bounded for any set of filters.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use rmcp::model::{CacheScope, MetaObject, Tool, ToolAnnotations};
use serde::Serialize;
use serde_json::{Map, Value};

use super::discovery::{LISTS_TTL_MS, server_meta};
use super::{Answer, RpcError, Version, prompts, resources, skills, views};
use crate::tools::{AnyTool, Hints, ListedModule, ToolFilter, ToolStyle, Toolbox, listed_modules};

/// Limit of cached lists of narrowed filters. There are more combinations; their lists are built per request. Lists of the
/// operator's own filter are always cached.
const MAX_NARROWED: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum List {
    Tools,
    Resources,
    ResourceTemplates,
    Prompts,
    Skills,
}

/// The cached lists.
#[derive(Default)]
pub(super) struct Lists(RwLock<HashMap<Key, Bytes>>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    list: List,
    filter: ToolFilter,
    is_self_describing: bool,
}

impl Lists {
    /// The result of a list method.
    pub(super) fn get(
        &self,
        list: List,
        filter: ToolFilter,
        version: Version,
        toolbox: &Toolbox,
    ) -> Result<Answer, RpcError> {
        let key = Key {
            list,
            filter,
            is_self_describing: version.is_self_describing(),
        };
        let prepared = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(text) = prepared {
            return Ok(Answer::Json(text));
        }
        let answer = write(list, filter, version, toolbox)?;
        if let Answer::Json(text) = &answer {
            let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
            if !filter.is_narrowed() || kept.keys().filter(|key| key.filter.is_narrowed()).count() < MAX_NARROWED {
                kept.insert(key, text.clone());
            }
        }
        Ok(answer)
    }
}

/// A page that holds the whole list. The model's types have one struct for each list; they differ in one name only.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    result_type: Option<&'static str>,
    #[serde(flatten)]
    items: HashMap<&'static str, Vec<T>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_scope: Option<CacheScope>,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<&'static MetaObject>,
}

fn write(list: List, filter: ToolFilter, version: Version, toolbox: &Toolbox) -> Result<Answer, RpcError> {
    match list {
        List::Tools => page("tools", tools(filter, toolbox), filter, version),
        List::Resources => page("resources", resources::listed(filter), filter, version),
        List::ResourceTemplates => page("resourceTemplates", resources::templates(filter), filter, version),
        List::Prompts => page("prompts", prompts::list(filter), filter, version),
        List::Skills => page("skills", skills::list(filter), filter, version),
    }
}

fn page<T: Serialize>(
    name: &'static str,
    items: Vec<T>,
    filter: ToolFilter,
    version: Version,
) -> Result<Answer, RpcError> {
    let describes = version.is_self_describing();
    // A list that the request narrowed is private to its caller.
    let scope = if filter.is_narrowed() {
        CacheScope::Private
    } else {
        CacheScope::Public
    };
    Answer::of(&Page {
        result_type: describes.then_some("complete"),
        items: HashMap::from([(name, items)]),
        ttl_ms: describes.then_some(LISTS_TTL_MS),
        cache_scope: describes.then_some(scope),
        meta: server_meta(version),
    })
}

/// The tools that pass a filter, in the order of their names.
fn tools(filter: ToolFilter, toolbox: &Toolbox) -> Vec<Tool> {
    let mut list = Vec::new();
    if filter.style() != ToolStyle::Modules {
        list.extend(toolbox.typed().iter().filter(|tool| filter.lists(tool)).map(typed));
    }
    if filter.style() != ToolStyle::Typed {
        list.extend(listed_modules(toolbox, filter).into_iter().map(module));
    }
    #[cfg(feature = "conformance")]
    list.extend(conformance_server::tools());
    list.sort_by(|a, b| a.name.cmp(&b.name));
    list
}

fn typed(tool: &AnyTool) -> Tool {
    let listed = described(
        tool.name,
        tool.description,
        tool.title,
        tool.hints,
        tool.input_schema.clone(),
        tool.output_schema.clone(),
    );
    match views::meta_of_tool(tool.name) {
        Some(meta) => listed.with_meta(meta),
        None => listed,
    }
}

fn module(listed: ListedModule) -> Tool {
    let ListedModule {
        module,
        hints,
        input_schema,
        output_schema,
    } = listed;
    described(
        module.name,
        module.description,
        module.title,
        hints,
        input_schema,
        Some(output_schema),
    )
}

fn described(
    name: &'static str,
    description: &'static str,
    title: &'static str,
    hints: Hints,
    input_schema: Map<String, Value>,
    output_schema: Option<Map<String, Value>>,
) -> Tool {
    let annotations = ToolAnnotations::with_title(title)
        .read_only(hints.read_only)
        .destructive(hints.destructive)
        .idempotent(hints.idempotent)
        .open_world(hints.open_world);
    let tool = Tool::new(name, description, Arc::new(input_schema))
        .with_title(title)
        .with_annotations(annotations);
    match output_schema {
        Some(schema) => tool.with_raw_output_schema(Arc::new(schema)),
        None => tool,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrowed_lists_do_not_displace_the_list_of_all() {
        let (lists, toolbox) = (Lists::default(), Toolbox::new());
        let all = ToolFilter::all(ToolStyle::Typed);
        for bits in 1..16 {
            let names = ["buckets", "packaging", "permissions", "auth"].into_iter().enumerate();
            let names: Vec<&str> = names
                .filter(|(bit, _)| bits & (1 << bit) != 0)
                .map(|(_, name)| name)
                .collect();
            let narrowed = all.restricted_to(names.join(",").parse().unwrap());
            for filter in [narrowed, narrowed.read_only()] {
                for list in [List::Tools, List::Resources, List::ResourceTemplates, List::Prompts] {
                    lists.get(list, filter, Version::V2026July, &toolbox).ok().unwrap();
                }
            }
        }
        let get = || match lists.get(List::Tools, all, Version::V2026July, &toolbox) {
            Ok(Answer::Json(text)) => text,
            _ => panic!("no list"),
        };
        assert_eq!(get().as_ptr(), get().as_ptr(), "it was written once");
        assert!(lists.0.read().unwrap().len() <= MAX_NARROWED + 1);
    }
}
