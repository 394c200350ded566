//! Configuration as written and as used.
