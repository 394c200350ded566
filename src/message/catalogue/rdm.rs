//! Roadmap documents.

use super::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
