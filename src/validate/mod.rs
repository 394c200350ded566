//! Checks of the manifest on values.
