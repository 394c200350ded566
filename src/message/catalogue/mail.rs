//! Letters and mail servers.

use super::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
