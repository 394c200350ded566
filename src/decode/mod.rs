//! Bytes → tables of cells with their places.
//!
//! Takes: bytes somebody sent (a stream, memory or an open file) and the decode section of a manifest. Gives: tables
//! and rows pushed into a [`TableSink`], one at a time, so that memory does not grow with the file. Never: opens a
//! path or a connection, trusts an extension, knows what a school is.
//!
//! The format is recognised by content. Everything that grows with the file's author is capped: nesting, columns,
//! rows, length of a cell and of a record, size and ratio of an archive.
//!
//! ```
//! use msoko::decode::{Input, decode};
//! use msoko::message::Problem;
//! use msoko::table::{Row, Table, TableSink};
//!
//! struct Count(u32);
//! impl TableSink for Count {
//!     fn table(&mut self, _: Table) -> Result<(), Problem> { Ok(()) }
//!     fn row(&mut self, _: Row) -> Result<(), Problem> { self.0 += 1; Ok(()) }
//! }
//! let connectors = msoko::manifest::shipped();
//! let feed = connectors.iter().find(|connector| connector.id == "rsoko-feed").expect("is shipped");
//! let bytes = b"<rsoko version='1'><observation value='5' new='1'/></rsoko>";
//! let mut count = Count(0);
//! let decoded = decode(Input::memory("feed.xml", &bytes[..]), feed, &mut count).expect("a whole feed");
//! assert_eq!((count.0, decoded.undeclared), (1, vec!["@new".to_owned()]));
//! ```

mod budget;
mod csv;
mod encoding;
mod header;
mod json;
mod sniff;
#[cfg(test)]
mod tests;
mod unseen;
mod xlsx;
mod xml;

use std::fs::File;
use std::io::{Cursor, Read};
use std::sync::Arc;

use crate::manifest::{ColumnRule, Connector, Decode};
use crate::message::Problem;
use crate::table::TableSink;

/// A file to read: its name as it came and its bytes.
pub struct Input {
    /// Name without a folder.
    pub file_name: String,
    /// The bytes.
    pub bytes: Bytes,
}

/// Where the bytes are.
pub enum Bytes {
    /// Read once from front to back.
    Stream(Box<dyn Read + Send>),
    /// Held in memory: the only form in which files about pupils are read when they came over the network.
    Memory(Arc<[u8]>),
    /// An open file.
    File(File),
}

impl Input {
    /// Bytes in memory.
    #[must_use]
    pub fn memory(file_name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self {
            file_name: file_name.into(),
            bytes: Bytes::Memory(bytes.into()),
        }
    }

    /// An open file.
    #[must_use]
    pub fn file(file_name: impl Into<String>, file: File) -> Self {
        Self {
            file_name: file_name.into(),
            bytes: Bytes::File(file),
        }
    }
}

/// What the decoder saw besides the rows.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Fields of records that no column declares, in the order of their first appearance.
    pub undeclared: Vec<String>,
}

/// Reads a file into the sink.
///
/// # Errors
/// What makes the whole file unreadable: `MSK-DEC-…` with the place, or the problem with which the sink stopped it.
pub fn decode(input: Input, connector: &Connector, sink: &mut dyn TableSink) -> Result<Decoded, Problem> {
    let (head, source) = sniff::peek(input.bytes)?;
    let found = sniff::format_of(&head);
    sniff::fits(&connector.decode, found)?;
    match &connector.decode {
        Decode::Xlsx(options) => xlsx::decode(source.seekable()?, options, sink).map(|()| Decoded::default()),
        Decode::Csv(options) => csv::decode(source.reader(), &head, options, sink).map(|()| Decoded::default()),
        Decode::Xml(options) => xml::decode(source.reader(), &head, options, &paths(&connector.columns), sink),
        Decode::Json => json::decode(source.reader(), &head, &paths(&connector.columns), sink),
        Decode::Site(_) => Err(Problem::new("MSK-BUG-01").arg("what", "pages of a site have a decoder of their own")),
    }
}

/// Paths of the declared fields, in the order of the manifest; dropped ones too, because the sink looks at them. Two
/// columns may read one field.
fn paths(columns: &[ColumnRule]) -> Vec<&str> {
    let mut paths = Vec::new();
    for path in columns.iter().flat_map(|column| &column.at) {
        if !paths.contains(&path.as_str()) {
            paths.push(path.as_str());
        }
    }
    paths
}

/// Bytes whose beginning has been looked at.
enum Source {
    Stream(std::io::Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>),
    Memory(Cursor<Arc<[u8]>>),
    File(File),
}

/// What a workbook reader needs.
trait Seekable: Read + std::io::Seek {}
impl<T: Read + std::io::Seek> Seekable for T {}

/// Largest workbook taken from a stream: it must be held in memory, because an archive is read from its end.
const MAX_STREAMED_WORKBOOK: u64 = 64 << 20;

impl Source {
    fn reader(self) -> Box<dyn Read> {
        match self {
            Self::Stream(stream) => Box::new(stream),
            Self::Memory(bytes) => Box::new(bytes),
            Self::File(file) => Box::new(file),
        }
    }

    fn seekable(self) -> Result<Box<dyn Seekable>, Problem> {
        match self {
            Self::Stream(stream) => {
                let mut bytes = Vec::new();
                let read = stream.take(MAX_STREAMED_WORKBOOK + 1).read_to_end(&mut bytes);
                read.map_err(unreadable)?;
                if bytes.len() as u64 > MAX_STREAMED_WORKBOOK {
                    return Err(too_much("размер книги", "64 MiB"));
                }
                Ok(Box::new(Cursor::new(bytes)))
            }
            Self::Memory(bytes) => Ok(Box::new(bytes)),
            Self::File(file) => Ok(Box::new(std::io::BufReader::new(file))),
        }
    }
}

fn unreadable(error: std::io::Error) -> Problem {
    Problem::new("MSK-DEC-16").because(error)
}

fn too_much(what: &str, limit: impl std::fmt::Display) -> Problem {
    Problem::new("MSK-DEC-09").arg("what", what).arg("limit", limit)
}
