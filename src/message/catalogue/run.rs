//! Runs of sources and of the daemon.

use super::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
