//! Normalisation of rows.

use super::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
