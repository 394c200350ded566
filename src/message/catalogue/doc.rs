//! Documents and reports.

use super::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
