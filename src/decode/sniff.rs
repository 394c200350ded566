//! What a file is, by its first bytes.

use std::io::{Cursor, Read};

use super::{Bytes, Source, unreadable};
use crate::manifest::Decode;
use crate::message::Problem;

/// Enough for a declaration, a header and a few rows.
const PEEK_BYTES: usize = 64 << 10;

/// Reads the beginning of the bytes and puts it back.
pub(super) fn peek(bytes: Bytes) -> Result<(Vec<u8>, Source), Problem> {
    match bytes {
        Bytes::Stream(mut stream) => {
            let mut head = Vec::new();
            let limit = u64::try_from(PEEK_BYTES).unwrap_or(u64::MAX);
            stream.by_ref().take(limit).read_to_end(&mut head).map_err(unreadable)?;
            Ok((head.clone(), Source::Stream(Cursor::new(head).chain(stream))))
        }
        Bytes::Memory(bytes) => {
            let head = bytes[..bytes.len().min(PEEK_BYTES)].to_vec();
            Ok((head, Source::Memory(Cursor::new(bytes))))
        }
        Bytes::File(mut file) => {
            use std::io::Seek;
            let mut head = Vec::new();
            let limit = u64::try_from(PEEK_BYTES).unwrap_or(u64::MAX);
            file.by_ref().take(limit).read_to_end(&mut head).map_err(unreadable)?;
            file.rewind().map_err(unreadable)?;
            Ok((head, Source::File(file)))
        }
    }
}

/// Formats told apart by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Empty,
    Workbook,
    OldOffice,
    Pdf,
    Html,
    Xml,
    Json,
    Text,
    Binary,
}

impl Format {
    /// As messages name it.
    fn for_people(self) -> &'static str {
        match self {
            Self::Empty => "пустой файл",
            Self::Workbook => "архив zip (книга xlsx)",
            Self::OldOffice => "старый документ Office (xls, doc) или книга с паролем",
            Self::Pdf => "PDF",
            Self::Html => "веб-страница HTML",
            Self::Xml => "XML",
            Self::Json => "JSON",
            Self::Text => "текст",
            Self::Binary => "двоичный файл",
        }
    }
}

pub(super) fn format_of(head: &[u8]) -> Format {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let wide = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    // The first letters of a UTF-16 text are read by dropping its zero bytes.
    let narrow: Vec<u8> = if wide {
        head[2..].iter().copied().filter(|byte| *byte != 0).take(512).collect()
    } else {
        text.iter().copied().take(512).collect()
    };
    let start = narrow.trim_ascii_start().to_ascii_lowercase();
    if start.is_empty() && head.len() < PEEK_BYTES {
        Format::Empty
    } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        Format::Workbook
    } else if head.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        Format::OldOffice
    } else if head.starts_with(b"%PDF") {
        Format::Pdf
    } else if start.starts_with(b"<!doctype html") || start.starts_with(b"<html") {
        Format::Html
    } else if start.starts_with(b"<") {
        Format::Xml
    } else if start.starts_with(b"{") || start.starts_with(b"[") {
        Format::Json
    } else if !wide && head.contains(&0) {
        Format::Binary
    } else {
        Format::Text
    }
}

/// # Errors
/// `MSK-DEC-01` when the bytes are plainly something else than the manifest says, `MSK-DEC-18` for an empty file.
pub(super) fn fits(decode: &Decode, found: Format) -> Result<(), Problem> {
    if found == Format::Empty {
        return Err(Problem::new("MSK-DEC-18"));
    }
    let (expected, fits) = match decode {
        Decode::Xlsx(_) => ("книга xlsx", found == Format::Workbook),
        Decode::Csv(_) => ("текст с разделителями (csv)", found == Format::Text),
        Decode::Xml(_) => ("XML", found == Format::Xml),
        Decode::Json => ("JSON", found == Format::Json),
        Decode::Site(_) => (
            "веб-страница HTML",
            matches!(found, Format::Html | Format::Xml | Format::Text),
        ),
    };
    if fits {
        return Ok(());
    }
    Err(Problem::new("MSK-DEC-01")
        .arg("expected", expected)
        .arg("found", found.for_people()))
}
