//! The schema: logical types, and the tree of a column with its levels.

use super::thrift::{Kind, Reader, ThriftError};

/// Maximum depth of a column.
const MAX_DEPTH: usize = 24;
/// Maximum number of nodes of a column whose values are shown.
const MAX_NODES: usize = 300;

/// Unit of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Millis,
    Micros,
    Nanos,
}

/// What the bytes of a value mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logical {
    /// The physical type alone.
    Plain,
    String,
    Enum,
    Json,
    Bson,
    Uuid,
    Date,
    Interval,
    Float16,
    /// A column of nulls.
    Null,
    Time(Unit),
    /// Whether it is in UTC, else in a time zone that is not said.
    Timestamp(Unit, bool),
    Decimal {
        precision: i32,
        scale: i32,
    },
    Integer {
        bits: u8,
        is_signed: bool,
    },
}

/// Physical types, by their numbers in the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Physical {
    Boolean,
    Int32,
    Int64,
    Int96,
    Float,
    Double,
    Bytes,
    Fixed(i32),
}

/// A node of a column.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub name: String,
    /// Definition level from which the node, or an element of it if it is repeated, is there.
    pub definition: i16,
    /// Repetition level of its elements, if it is repeated.
    pub repeated: Option<i16>,
    pub kind: NodeKind,
}

#[derive(Debug, Clone)]
pub(super) enum NodeKind {
    /// A leaf, by its position among the leaves of the file.
    Leaf {
        leaf: usize,
        physical: Physical,
        logical: Logical,
        repetition: i16,
    },
    Group {
        children: Vec<Node>,
        role: Role,
    },
}

/// How a group is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Struct,
    /// Its only child is repeated, and holds the elements.
    List,
    Map,
}

/// A column at the top of the schema.
#[derive(Debug)]
pub(super) struct TopColumn {
    pub name: String,
    /// Absent if the column has too many fields.
    pub node: Option<Node>,
    /// Number of its leaves.
    pub leaves: usize,
}

/// Schema elements, as they follow each other in the footer.
pub(super) struct Elements<'r, 'a> {
    pub reader: &'r mut Reader<'a>,
    /// Elements that are left.
    pub left: u64,
    /// Leaves so far.
    pub leaves: usize,
}

#[derive(Debug, Default)]
struct Element {
    name: String,
    physical: Option<i64>,
    length: i32,
    repetition: i64,
    children: u64,
    converted: Option<i64>,
    scale: i32,
    precision: i32,
    logical: Option<Logical>,
    is_list: bool,
    is_map: bool,
}

impl Elements<'_, '_> {
    /// Reads the root, and returns the number of columns.
    pub fn root(&mut self) -> Result<u64, ThriftError> {
        Ok(self.next()?.children)
    }

    /// Reads a column, and keeps its tree if `is_shown`.
    pub fn column(&mut self, is_shown: bool) -> Result<TopColumn, ThriftError> {
        let before = self.leaves;
        let mut nodes = if is_shown { MAX_NODES } else { 0 };
        let (name, node) = self.node(0, 0, MAX_DEPTH, &mut nodes)?;
        Ok(TopColumn {
            name,
            node: node.filter(|_| nodes > 0),
            leaves: self.leaves - before,
        })
    }

    fn next(&mut self) -> Result<Element, ThriftError> {
        self.left = self.left.checked_sub(1).ok_or(ThriftError::Damaged)?;
        read_element(self.reader)
    }

    fn node(
        &mut self,
        definition: i16,
        repetition: i16,
        depth: usize,
        nodes: &mut usize,
    ) -> Result<(String, Option<Node>), ThriftError> {
        let element = self.next()?;
        let depth = depth.checked_sub(1).ok_or(ThriftError::Damaged)?;
        let (is_optional, is_repeated) = (element.repetition == 1, element.repetition == 2);
        let definition = definition + i16::from(is_optional || is_repeated);
        let repetition = repetition + i16::from(is_repeated);
        let is_kept = *nodes > 0;
        *nodes = nodes.saturating_sub(1);
        let kind = match element.physical {
            Some(physical) if element.children == 0 => {
                let leaf = self.leaves;
                self.leaves += 1;
                let physical = physical_type(physical, element.length)?;
                let logical = element.logical.unwrap_or_else(|| converted_type(&element));
                NodeKind::Leaf {
                    leaf,
                    physical,
                    logical,
                    repetition,
                }
            }
            _ => {
                let mut children = Vec::new();
                for _ in 0..element.children {
                    children.extend(self.node(definition, repetition, depth, nodes)?.1);
                }
                let role = role_of(&element, &children);
                NodeKind::Group { children, role }
            }
        };
        let name = element.name;
        let node = is_kept.then(|| Node {
            name: name.clone(),
            definition,
            repeated: is_repeated.then_some(repetition),
            kind,
        });
        Ok((name, node))
    }
}

/// A list has one repeated child; a map too, and that has a key and a value.
fn role_of(element: &Element, children: &[Node]) -> Role {
    let [only] = children else { return Role::Struct };
    if only.repeated.is_none() {
        return Role::Struct;
    }
    let is_pair = matches!(&only.kind, NodeKind::Group { children, .. } if children.len() == 2);
    if element.is_map && is_pair {
        Role::Map
    } else if element.is_list || element.is_map {
        Role::List
    } else {
        Role::Struct
    }
}

fn read_element(reader: &mut Reader<'_>) -> Result<Element, ThriftError> {
    let mut element = Element::default();
    reader.fields(|reader, field| {
        match (field.id, field.kind) {
            (1, Kind::Integer) => element.physical = Some(reader.integer()?),
            (2, Kind::Integer) => element.length = small(reader.integer()?)?,
            (3, Kind::Integer) => element.repetition = reader.integer()?,
            (4, Kind::Binary) => {
                let name = reader.binary()?;
                let name = name.get(..1024).unwrap_or(name);
                element.name = String::from_utf8_lossy(name).into_owned();
            }
            (5, Kind::Integer) => element.children = reader.count()?,
            (6, Kind::Integer) => element.converted = Some(reader.integer()?),
            (7, Kind::Integer) => element.scale = small(reader.integer()?)?,
            (8, Kind::Integer) => element.precision = small(reader.integer()?)?,
            (10, Kind::Struct) => read_logical(reader, &mut element)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    element.is_list |= element.converted == Some(3);
    element.is_map |= matches!(element.converted, Some(1 | 2));
    Ok(element)
}

fn small(value: i64) -> Result<i32, ThriftError> {
    i32::try_from(value).map_err(|_| ThriftError::Damaged)
}

/// Reads the union of logical types.
fn read_logical(reader: &mut Reader<'_>, element: &mut Element) -> Result<(), ThriftError> {
    reader.fields(|reader, field| {
        let logical = match (field.id, field.kind) {
            (1, Kind::Struct) => Logical::String,
            (4, Kind::Struct) => Logical::Enum,
            (6, Kind::Struct) => Logical::Date,
            (11, Kind::Struct) => Logical::Null,
            (12, Kind::Struct) => Logical::Json,
            (13, Kind::Struct) => Logical::Bson,
            (14, Kind::Struct) => Logical::Uuid,
            (15, Kind::Struct) => Logical::Float16,
            (5, Kind::Struct) => {
                let (scale, precision) = read_pair(reader)?;
                element.logical = Some(Logical::Decimal { precision, scale });
                return Ok(true);
            }
            (7 | 8, Kind::Struct) => {
                let (is_utc, unit) = read_time(reader)?;
                element.logical = unit.map(|unit| match field.id {
                    7 => Logical::Time(unit),
                    _ => Logical::Timestamp(unit, is_utc),
                });
                return Ok(true);
            }
            (10, Kind::Struct) => {
                element.logical = read_integer_type(reader)?;
                return Ok(true);
            }
            (2, Kind::Struct) => {
                element.is_map = true;
                return Ok(false);
            }
            (3, Kind::Struct) => {
                element.is_list = true;
                return Ok(false);
            }
            _ => return Ok(false),
        };
        element.logical = Some(logical);
        Ok(false)
    })
}

fn read_pair(reader: &mut Reader<'_>) -> Result<(i32, i32), ThriftError> {
    let (mut scale, mut precision) = (0, 0);
    reader.fields(|reader, field| {
        match (field.id, field.kind) {
            (1, Kind::Integer) => scale = small(reader.integer()?)?,
            (2, Kind::Integer) => precision = small(reader.integer()?)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok((scale, precision))
}

fn read_time(reader: &mut Reader<'_>) -> Result<(bool, Option<Unit>), ThriftError> {
    let (mut is_utc, mut unit) = (false, None);
    reader.fields(|reader, field| {
        match (field.id, field.kind) {
            (1, Kind::True) => is_utc = true,
            (2, Kind::Struct) => {
                reader.fields(|_, field| {
                    unit = match field.id {
                        1 => Some(Unit::Millis),
                        2 => Some(Unit::Micros),
                        3 => Some(Unit::Nanos),
                        _ => None,
                    };
                    Ok(false)
                })?;
                return Ok(true);
            }
            _ => {}
        }
        Ok(false)
    })?;
    Ok((is_utc, unit))
}

fn read_integer_type(reader: &mut Reader<'_>) -> Result<Option<Logical>, ThriftError> {
    let (mut bits, mut is_signed) = (0, false);
    reader.fields(|reader, field| {
        match (field.id, field.kind) {
            (1, Kind::Byte) => bits = reader.raw_byte()?,
            (2, Kind::True) => {
                is_signed = true;
                return Ok(false);
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(matches!(bits, 8 | 16 | 32 | 64).then_some(Logical::Integer { bits, is_signed }))
}

fn physical_type(number: i64, length: i32) -> Result<Physical, ThriftError> {
    Ok(match number {
        0 => Physical::Boolean,
        1 => Physical::Int32,
        2 => Physical::Int64,
        3 => Physical::Int96,
        4 => Physical::Float,
        5 => Physical::Double,
        6 => Physical::Bytes,
        7 => Physical::Fixed(length),
        _ => return Err(ThriftError::Damaged),
    })
}

/// Returns the logical type that older writers say in another field.
fn converted_type(element: &Element) -> Logical {
    let integer = |bits, is_signed| Logical::Integer { bits, is_signed };
    match element.converted {
        Some(0) => Logical::String,
        Some(4) => Logical::Enum,
        Some(5) => Logical::Decimal {
            precision: element.precision,
            scale: element.scale,
        },
        Some(6) => Logical::Date,
        Some(7) => Logical::Time(Unit::Millis),
        Some(8) => Logical::Time(Unit::Micros),
        Some(9) => Logical::Timestamp(Unit::Millis, true),
        Some(10) => Logical::Timestamp(Unit::Micros, true),
        Some(11) => integer(8, false),
        Some(12) => integer(16, false),
        Some(13) => integer(32, false),
        Some(14) => integer(64, false),
        Some(15) => integer(8, true),
        Some(16) => integer(16, true),
        Some(17) => integer(32, true),
        Some(18) => integer(64, true),
        Some(19) => Logical::Json,
        Some(20) => Logical::Bson,
        Some(21) => Logical::Interval,
        _ => Logical::Plain,
    }
}
