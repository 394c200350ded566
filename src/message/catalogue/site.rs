//! Pages of school sites.

use super::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
