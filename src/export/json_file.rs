//! JSON Lines: one object a line, absent values left out.

use std::io::Write;
use std::path::Path;

use serde_json::Value;

use super::file::unwritten;
use crate::message::Problem;

/// Writes one line.
pub(super) fn line(out: &mut impl Write, path: &Path, value: Value) -> Result<(), Problem> {
    let mut text = without_nulls(value).to_string();
    text.push('\n');
    out.write_all(text.as_bytes()).map_err(|error| unwritten(path, error))
}

pub(super) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let kept = entries.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
