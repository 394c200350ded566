//! Checks of manifests on values.

use super::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
