//! The alphabet of the canonical bytes: how each kind of field is written and read. What a value's fields are is not here.
//!
//! Little-endian, fixed width, length-prefixed bytes, no optional forms; a reader refuses anything else and trailing bytes.

use std::collections::VecDeque;

use thiserror::Error;

use crate::units::{
    AccountIndex, CurrencyIndex, InstrumentIndex, Money, OrderOrdinal, Price, Quantity, Rate, StrategyIndex, Time,
    VenueIndex,
};

/// Bytes that are not canonical.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CodecError {
    /// The data ends too early.
    #[error("{wanted} bytes wanted at {at}, the data has {length}")]
    Short {
        /// Bytes of the field.
        wanted: usize,
        /// Where it begins.
        at: usize,
        /// Bytes there are.
        length: usize,
    },
    /// Text is ASCII.
    #[error("text before {0} is not ASCII")]
    NotAscii(usize),
    /// A bool is 0 or 1.
    #[error("byte {0} before {1} is no bool")]
    NoBool(u8, usize),
    /// A number stands for nothing.
    #[error("{0} {1} before {2} is not in the contract")]
    Unknown(&'static str, u64, usize),
    /// There is more than there should be.
    #[error("{0} trailing bytes at {1}")]
    Trailing(usize, usize),
    /// A checkpoint is none of this engine.
    #[error("{0}")]
    Unfit(String),
    /// A frame was damaged.
    #[error("the frame's CRC does not fit")]
    Crc,
    /// A frame is of another kind.
    #[error("a frame of kind {0} where {1} was wanted")]
    Kind(u8, u8),
    /// A segment begins otherwise.
    #[error("it does not begin as a journal does")]
    NoJournal,
    /// A journal of another format.
    #[error("journal format {0}; this program reads format 1")]
    Format(u16),
    /// A stretch has steps.
    #[error("a stretch of no steps")]
    EmptyRun,
}

/// Reads canonical bytes from the front; `CodecError` names where they end or stray.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// At the front of the data.
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    /// The next `size` bytes.
    #[inline]
    pub fn take(&mut self, size: usize) -> Result<&'a [u8], CodecError> {
        let end = self.at.checked_add(size);
        let Some(taken) = end.and_then(|end| self.data.get(self.at..end)) else {
            return Err(CodecError::Short { wanted: size, at: self.at, length: self.data.len() });
        };
        self.at += size;
        Ok(taken)
    }

    #[inline]
    fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], CodecError> {
        let mut bytes = [0; SIZE];
        bytes.copy_from_slice(self.take(SIZE)?);
        Ok(bytes)
    }

    /// The next value.
    #[inline]
    pub fn field<T: Canonical>(&mut self) -> Result<T, CodecError> {
        T::read(self)
    }

    /// A u32 length and that many bytes.
    pub fn prefixed(&mut self) -> Result<&'a [u8], CodecError> {
        let size = self.field::<u32>()?;
        self.take(size as usize)
    }

    /// A number of the contract that stands for nothing known.
    #[must_use]
    pub fn unknown(&self, what: &'static str, number: impl Into<u64>) -> CodecError {
        CodecError::Unknown(what, number.into(), self.at)
    }

    /// What is read does not fit together; the message says where it ends.
    #[must_use]
    pub fn unfit(&self, what: impl std::fmt::Display) -> CodecError {
        CodecError::Unfit(format!("{what} (before {})", self.at))
    }

    /// There is nothing left.
    pub fn end(&self) -> Result<(), CodecError> {
        match self.data.len() - self.at {
            0 => Ok(()),
            left => Err(CodecError::Trailing(left, self.at)),
        }
    }
}

/// A value with canonical bytes.
pub trait Canonical: Sized {
    /// Append its bytes.
    fn write(&self, out: &mut Vec<u8>);

    /// The next value of a reader.
    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError>;
}

/// A row of fields of fixed width, put together on the stack: one look at the room in the buffer instead of one for each field.
pub(super) struct Row {
    bytes: [u8; 256],
    size: usize,
}

impl Row {
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self { bytes: [0; 256], size: 0 }
    }

    #[inline(always)]
    fn put<const SIZE: usize>(&mut self, bytes: [u8; SIZE]) {
        self.bytes[self.size..self.size + SIZE].copy_from_slice(&bytes);
        self.size += SIZE;
    }

    #[inline(always)]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.size]
    }
}

/// A value whose canonical bytes are always as many.
pub(super) trait Fixed {
    /// Put its bytes behind those that are there.
    fn place(&self, row: &mut Row);
}

macro_rules! integers {
    ($($kind:ty),+) => {
        $(impl Fixed for $kind {
            #[inline(always)]
            fn place(&self, row: &mut Row) {
                row.put(self.to_le_bytes());
            }
        }

        impl Canonical for $kind {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
                reader.array().map(Self::from_le_bytes)
            }
        })+
    };
}
integers!(u8, u16, u32, u64, i64, i128);

macro_rules! newtypes {
    ($($kind:ident),+) => {
        $(impl Fixed for $kind {
            #[inline(always)]
            fn place(&self, row: &mut Row) {
                self.0.place(row);
            }
        }

        impl Canonical for $kind {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
                reader.field().map($kind)
            }
        })+
    };
}
newtypes!(
    Price,
    Quantity,
    Money,
    Rate,
    Time,
    OrderOrdinal,
    VenueIndex,
    AccountIndex,
    StrategyIndex,
    CurrencyIndex,
    InstrumentIndex
);

impl Fixed for bool {
    #[inline(always)]
    fn place(&self, row: &mut Row) {
        row.put([u8::from(*self)]);
    }
}

impl Canonical for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        match reader.field()? {
            0_u8 => Ok(false),
            1 => Ok(true),
            byte => Err(CodecError::NoBool(byte, reader.at)),
        }
    }
}

impl Canonical for Box<str> {
    fn write(&self, out: &mut Vec<u8>) {
        prefixed(out, self.as_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let raw = reader.prefixed()?;
        match str::from_utf8(raw) {
            Ok(text) if text.is_ascii() => Ok(text.into()),
            _ => Err(CodecError::NotAscii(reader.at)),
        }
    }
}

impl Canonical for String {
    fn write(&self, out: &mut Vec<u8>) {
        prefixed(out, self.as_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        reader.field::<Box<str>>().map(Self::from)
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        table(out, self.len(), self, T::write);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        read_table(reader, T::read)
    }
}

impl<T: Canonical> Canonical for VecDeque<T> {
    fn write(&self, out: &mut Vec<u8>) {
        table(out, self.len(), self, T::write);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        read_table(reader, T::read).map(Self::from)
    }
}

impl<A: Canonical, B: Canonical> Canonical for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok((reader.field()?, reader.field()?))
    }
}

impl<T: Canonical + Copy + Default, const SIZE: usize> Canonical for [T; SIZE] {
    fn write(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|one| one.write(out));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut all = [T::default(); SIZE];
        for one in &mut all {
            *one = reader.field()?;
        }
        Ok(all)
    }
}

/// A u32 length and the bytes.
pub fn prefixed(out: &mut Vec<u8>, data: &[u8]) {
    (data.len() as u32).write(out);
    out.extend_from_slice(data);
}

/// A u32 count and the rows.
pub fn table<T>(
    out: &mut Vec<u8>,
    count: usize,
    rows: impl IntoIterator<Item = T>,
    mut write: impl FnMut(T, &mut Vec<u8>),
) {
    (count as u32).write(out);
    for row in rows {
        write(row, out);
    }
}

/// A u32 count and so many rows. What a hostile count asks for ends with the bytes.
pub fn read_table<T>(
    reader: &mut Reader<'_>,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, CodecError>,
) -> Result<Vec<T>, CodecError> {
    let count = reader.field::<u32>()?;
    (0..count).map(|_| read(reader)).collect()
}

/// Append values, each by its type.
macro_rules! pack {
    ($out:expr; $($value:expr),+ $(,)?) => {
        $($crate::codec::Canonical::write(&$value, $out);)+
    };
}
pub(crate) use pack;

/// Append values of fixed width, 256 bytes at most.
macro_rules! pack_row {
    ($out:expr; $($value:expr),+ $(,)?) => {{
        let mut row = $crate::codec::wire::Row::new();
        $($crate::codec::wire::Fixed::place(&$value, &mut row);)+
        $out.extend_from_slice(row.bytes());
    }};
}
pub(super) use pack_row;

/// Gives structures their canonical bytes: those of the named fields, in this order.
macro_rules! canonical {
    ($($kind:ident { $($field:ident),* $(,)? })+) => {
        $(impl $crate::codec::Canonical for $kind {
            // An event without fields, such as DataEnded, touches neither the bytes nor the reader.
            #[allow(unused_variables)]
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$field.write(out);)*
            }

            #[allow(unused_variables)]
            fn read(reader: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::CodecError> {
                Ok(Self { $($field: reader.field()?),* })
            }
        })+
    };
}
pub(crate) use canonical;

/// Like `canonical` for structures whose fields are all of fixed width.
macro_rules! canonical_row {
    ($($kind:ident { $($field:ident),* $(,)? })+) => {
        $(impl $crate::codec::Canonical for $kind {
            fn write(&self, out: &mut Vec<u8>) {
                $crate::codec::wire::pack_row!(out; $(self.$field),*);
            }

            fn read(reader: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::CodecError> {
                Ok(Self { $($field: reader.field()?),* })
            }
        })+
    };
}
pub(super) use canonical_row;

/// Gives enumerations their canonical byte: the member's number.
macro_rules! canonical_number {
    ($($kind:ident),+ $(,)?) => {
        $(impl $crate::codec::Canonical for $kind {
            fn write(&self, out: &mut Vec<u8>) {
                out.push(self.number());
            }

            fn read(reader: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::CodecError> {
                let number = reader.field::<u8>()?;
                Self::from_u8(number).ok_or_else(|| reader.unknown(stringify!($kind), number))
            }
        })+
    };
}
pub(crate) use canonical_number;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_refuses_what_is_short_long_or_no_bool() {
        let mut reader = Reader::new(&[2, 0, 0]);
        assert_eq!(reader.field::<u32>(), Err(CodecError::Short { wanted: 4, at: 0, length: 3 }));
        assert_eq!(reader.field::<bool>(), Err(CodecError::NoBool(2, 1)));
        assert_eq!(reader.field::<bool>(), Ok(false));
        assert_eq!(reader.end(), Err(CodecError::Trailing(1, 2)));
    }

    #[test]
    fn a_hostile_length_is_refused_before_anything_is_made_of_it() {
        let mut reader = Reader::new(&[255, 255, 255, 255, 1]);
        assert!(reader.clone().field::<Box<str>>().is_err());
        assert!(reader.field::<Vec<u64>>().is_err());
    }

    #[test]
    fn text_is_ascii() {
        let mut bytes = Vec::new();
        prefixed(&mut bytes, "\u{e9}".as_bytes());
        assert_eq!(Reader::new(&bytes).field::<String>(), Err(CodecError::NotAscii(6)));
    }
}
