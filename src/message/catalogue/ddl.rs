//! Term phrases and deadlines.

use super::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
