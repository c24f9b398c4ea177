//! Thrift's compact protocol, as far as Parquet's metadata needs it, without allocations.
//!
//! The `parquet` crate reads all row groups of a footer into memory, allocates by counts in it, and recurses as deep as it
//! says. A preview needs the schema and one row group, of any file.

/// Maximum depth of values that are skipped.
const MAX_DEPTH: usize = 32;

/// Why metadata is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ThriftError {
    /// Occurs when the bytes end inside a value.
    Ended,
    /// Occurs when the bytes are not Thrift, or not what Parquet has there.
    Damaged,
}

/// Type of a field or an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    True,
    False,
    Byte,
    Integer,
    Double,
    Binary,
    List,
    Map,
    Struct,
    Uuid,
}

impl Kind {
    fn of(code: u8) -> Result<Self, ThriftError> {
        Ok(match code {
            1 => Self::True,
            2 => Self::False,
            3 => Self::Byte,
            4..=6 => Self::Integer,
            7 => Self::Double,
            8 => Self::Binary,
            9 | 10 => Self::List,
            11 => Self::Map,
            12 => Self::Struct,
            13 => Self::Uuid,
            _ => return Err(ThriftError::Damaged),
        })
    }
}

/// A field of a struct.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub id: i16,
    pub kind: Kind,
}

/// Reads values from bytes.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns the number of bytes that are not read yet.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    fn byte(&mut self) -> Result<u8, ThriftError> {
        let (byte, rest) = self.rest.split_first().ok_or(ThriftError::Ended)?;
        self.rest = rest;
        Ok(*byte)
    }

    /// Reads a value of one byte.
    pub fn raw_byte(&mut self) -> Result<u8, ThriftError> {
        self.byte()
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], ThriftError> {
        let length = usize::try_from(length).map_err(|_| ThriftError::Ended)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(ThriftError::Ended)?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, ThriftError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(ThriftError::Damaged)
    }

    pub fn integer(&mut self) -> Result<i64, ThriftError> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// Reads an integer that counts or measures.
    pub fn count(&mut self) -> Result<u64, ThriftError> {
        u64::try_from(self.integer()?).map_err(|_| ThriftError::Damaged)
    }

    pub fn binary(&mut self) -> Result<&'a [u8], ThriftError> {
        let length = self.varint()?;
        self.take(length)
    }

    /// Begins a list, and returns the type and the number of its elements.
    pub fn list(&mut self) -> Result<(Kind, u64), ThriftError> {
        let head = self.byte()?;
        let size = match head >> 4 {
            15 => self.varint()?,
            short => u64::from(short),
        };
        if size == 0 {
            return Ok((Kind::Byte, 0));
        }
        Ok((Kind::of(head & 0x0f)?, size))
    }

    /// Begins the list of a field that has to be one of structs, and returns the number of its elements.
    pub fn structs(&mut self, field: Field) -> Result<u64, ThriftError> {
        if field.kind != Kind::List {
            return Err(ThriftError::Damaged);
        }
        match self.list()? {
            (Kind::Struct, size) => Ok(size),
            (_, 0) => Ok(0),
            _ => Err(ThriftError::Damaged),
        }
    }

    /// Reads the fields of a struct, and passes each to `read`, which reads its value or returns `false` to have it skipped.
    pub fn fields(
        &mut self,
        mut read: impl FnMut(&mut Self, Field) -> Result<bool, ThriftError>,
    ) -> Result<(), ThriftError> {
        let mut id = 0;
        while let Some(field) = self.field(&mut id)? {
            if !read(self, field)? {
                self.skip(field.kind, MAX_DEPTH)?;
            }
        }
        Ok(())
    }

    fn field(&mut self, last: &mut i16) -> Result<Option<Field>, ThriftError> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        let id = match head >> 4 {
            0 => i16::try_from(self.integer()?).map_err(|_| ThriftError::Damaged)?,
            delta => last.checked_add(i16::from(delta)).ok_or(ThriftError::Damaged)?,
        };
        *last = id;
        let kind = Kind::of(head & 0x0f)?;
        Ok(Some(Field { id, kind }))
    }

    /// Skips a struct.
    pub fn skip_struct(&mut self) -> Result<(), ThriftError> {
        self.skip(Kind::Struct, MAX_DEPTH)
    }

    fn skip(&mut self, kind: Kind, depth: usize) -> Result<(), ThriftError> {
        let depth = depth.checked_sub(1).ok_or(ThriftError::Damaged)?;
        match kind {
            Kind::True | Kind::False => {}
            Kind::Byte => drop(self.byte()?),
            Kind::Integer => drop(self.varint()?),
            Kind::Double => drop(self.take(8)?),
            Kind::Uuid => drop(self.take(16)?),
            Kind::Binary => drop(self.binary()?),
            Kind::Struct => {
                let mut id = 0;
                while let Some(field) = self.field(&mut id)? {
                    self.skip(field.kind, depth)?;
                }
            }
            Kind::List => {
                let (kind, size) = self.list()?;
                (0..size).try_for_each(|_| self.skip_element(kind, depth))?;
            }
            Kind::Map => {
                let size = self.varint()?;
                let kinds = if size == 0 { 0x33 } else { self.byte()? };
                let (key, value) = (Kind::of(kinds >> 4)?, Kind::of(kinds & 0x0f)?);
                for _ in 0..size {
                    self.skip_element(key, depth)?;
                    self.skip_element(value, depth)?;
                }
            }
        }
        Ok(())
    }

    /// Skips an element of a list, where a boolean takes a byte. Each element takes one, so a size cannot make it loop on.
    fn skip_element(&mut self, kind: Kind, depth: usize) -> Result<(), ThriftError> {
        match kind {
            Kind::True | Kind::False => self.byte().map(drop),
            other => self.skip(other, depth),
        }
    }
}
