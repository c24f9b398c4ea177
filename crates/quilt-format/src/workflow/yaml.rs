//! YAML 1.1 with the scalar types of PyYAML's `safe_load`: `yes` and `on` are booleans, and an unquoted date is a date.
//!
//! Implements what a configuration requires: numbers and dates are distinguished from strings, but not converted.

use std::collections::HashMap;
use std::sync::LazyLock;

use fancy_regex::Regex;
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

/// Maximum number of values, with every use of an alias counted.
const MAX_VALUES: usize = 10_000;
const MAX_DEPTH: usize = 64;

/// A value of a YAML document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Yaml {
    Null,
    Bool(bool),
    String(String),
    /// A value of a type that no field of a configuration has, with the name of the type.
    Other(&'static str),
    Sequence(Vec<Yaml>),
    /// Key-value pairs, in which a repeated key keeps its last value.
    Mapping(Vec<(Yaml, Yaml)>),
}

impl Yaml {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::String(_) => "a string",
            Self::Other(kind) => kind,
            Self::Sequence(_) => "an array",
            Self::Mapping(_) => "an object",
        }
    }
}

/// Parses a text with at most one document.
pub(super) fn parse(text: &str) -> Result<Yaml, String> {
    let mut builder = Builder::default();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| error.to_string())?;
        match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    return Err("it contains more than one document".to_owned());
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style == ScalarStyle::Plain, tag.as_deref())?;
                builder.add(value, anchor)?;
            }
            Event::SequenceStart(anchor, tag) => builder.open(Open::Sequence(Vec::new()), anchor, tag.as_deref())?,
            Event::MappingStart(anchor, tag) => {
                builder.open(Open::Mapping(Vec::new(), None), anchor, tag.as_deref())?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.close()?,
            Event::Alias(anchor) => {
                let value = builder
                    .anchors
                    .get(&anchor)
                    .cloned()
                    .ok_or("an alias is inside the value that it refers to")?;
                builder.count(size(&value))?;
                builder.add(value, 0)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
    }
    Ok(builder.root.unwrap_or(Yaml::Null))
}

#[derive(Default)]
struct Builder {
    open: Vec<(Open, usize)>,
    anchors: HashMap<usize, Yaml>,
    root: Option<Yaml>,
    values: usize,
}

enum Open {
    Sequence(Vec<Yaml>),
    Mapping(Vec<(Yaml, Yaml)>, Option<Yaml>),
}

impl Builder {
    fn count(&mut self, values: usize) -> Result<(), String> {
        self.values += values;
        if self.values > MAX_VALUES {
            Err(format!("it holds more than {MAX_VALUES} values"))
        } else {
            Ok(())
        }
    }

    fn open(&mut self, open: Open, anchor: usize, tag: Option<&Tag>) -> Result<(), String> {
        let expected = if matches!(open, Open::Sequence(_)) {
            "seq"
        } else {
            "map"
        };
        if tag.is_some_and(|tag| core(tag) != Some(expected)) {
            return Err("it has an unknown tag".to_owned());
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH}"));
        }
        self.open.push((open, anchor));
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let Some((open, anchor)) = self.open.pop() else {
            return Ok(());
        };
        let value = match open {
            Open::Sequence(items) => Yaml::Sequence(items),
            Open::Mapping(pairs, _) => Yaml::Mapping(apply_merge_keys(pairs)?),
        };
        self.add(value, anchor)
    }

    fn add(&mut self, value: Yaml, anchor: usize) -> Result<(), String> {
        self.count(1)?;
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        match self.open.last_mut() {
            None => self.root = Some(plain(value)?),
            Some((Open::Sequence(items), _)) => items.push(plain(value)?),
            Some((Open::Mapping(pairs, key), _)) => match key.take() {
                None if matches!(value, Yaml::Sequence(_) | Yaml::Mapping(_)) => {
                    return Err("a key is an array or an object".to_owned());
                }
                None if value == Yaml::Other(DEFAULT) => *key = Some(Yaml::String("=".to_owned())),
                None => *key = Some(value),
                Some(key) => pairs.push((key, plain(value)?)),
            },
        }
        Ok(())
    }
}

/// Rejects `<<` and `=` as values: they have a meaning only as keys.
fn plain(value: Yaml) -> Result<Yaml, String> {
    match value {
        Yaml::Other(kind @ (MERGE | DEFAULT)) => Err(format!("{kind} is used as a value")),
        value => Ok(value),
    }
}

fn size(value: &Yaml) -> usize {
    match value {
        Yaml::Sequence(items) => 1 + items.iter().map(size).sum::<usize>(),
        Yaml::Mapping(pairs) => 1 + pairs.iter().map(|(key, value)| size(key) + size(value)).sum::<usize>(),
        _ => 1,
    }
}

/// Inserts the mappings of `<<` before the mapping's own keys, and keeps the last of equal keys.
fn apply_merge_keys(pairs: Vec<(Yaml, Yaml)>) -> Result<Vec<(Yaml, Yaml)>, String> {
    let mut all = Vec::new();
    let mut own = Vec::new();
    for (key, value) in pairs {
        match (key, value) {
            (Yaml::Other(MERGE), Yaml::Mapping(pairs)) => all.extend(pairs),
            (Yaml::Other(MERGE), Yaml::Sequence(items)) => {
                for item in items.into_iter().rev() {
                    let Yaml::Mapping(pairs) = item else {
                        return Err("the value of `<<` is not an object".to_owned());
                    };
                    all.extend(pairs);
                }
            }
            (Yaml::Other(MERGE), _) => return Err("the value of `<<` is not an object".to_owned()),
            pair => own.push(pair),
        }
    }
    let mut kept: Vec<(Yaml, Yaml)> = Vec::new();
    for (key, value) in all.into_iter().chain(own) {
        match kept
            .iter_mut()
            .find(|(other, _)| *other == key && !matches!(key, Yaml::Other(_)))
        {
            Some(slot) => slot.1 = value,
            None => kept.push((key, value)),
        }
    }
    Ok(kept)
}

const MERGE: &str = "a merge key";
const DEFAULT: &str = "a default key";

fn core(tag: &Tag) -> Option<&str> {
    match (tag.handle.as_str(), tag.suffix.as_str()) {
        ("tag:yaml.org,2002:", name) => Some(name),
        ("" | "!", "" | "!") => Some("str"),
        ("", suffix) => suffix.strip_prefix("tag:yaml.org,2002:"),
        _ => None,
    }
}

fn scalar(text: &str, plain: bool, tag: Option<&Tag>) -> Result<Yaml, String> {
    match tag.map(core) {
        None if plain => Ok(resolve(text)),
        None | Some(Some("str")) => Ok(Yaml::String(text.to_owned())),
        Some(Some("bool")) => match resolve(text) {
            value @ Yaml::Bool(_) => Ok(value),
            _ => Err(format!("`{text}` is not a boolean")),
        },
        Some(Some("null")) => Ok(Yaml::Null),
        Some(Some("int" | "float")) => Ok(Yaml::Other("a number")),
        Some(Some("timestamp")) => Ok(Yaml::Other("a date")),
        Some(Some("binary")) => Ok(Yaml::Other("bytes")),
        Some(_) => Err("it has an unknown tag".to_owned()),
    }
}

/// Returns the value of an unquoted scalar, with PyYAML's resolvers of the types of YAML 1.1.
fn resolve(text: &str) -> Yaml {
    static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let integer = r"0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*(:[0-5]?[0-9])*|0x[0-9a-fA-F_]+";
        let float = r"[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?|[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*|\.(inf|Inf|INF)";
        let unsigned = r"\.[0-9][0-9_]*([eE][-+][0-9]+)?|\.(nan|NaN|NAN)";
        Regex::new(&format!("^([-+]?({integer}|{float})|{unsigned})$")).ok()
    });
    static DATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let time = r"([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?([ \t]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?";
        Regex::new(&format!(
            "^([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}{time})$"
        ))
        .ok()
    });
    let is = |regex: &Option<Regex>| {
        regex
            .as_ref()
            .is_some_and(|regex| regex.is_match(text).unwrap_or(false))
    };
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Yaml::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Yaml::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Yaml::Bool(false),
        "<<" => Yaml::Other(MERGE),
        "=" => Yaml::Other(DEFAULT),
        _ if is(&NUMBER) => Yaml::Other("a number"),
        _ if is(&DATE) => Yaml::Other("a date"),
        _ => Yaml::String(text.to_owned()),
    }
}
