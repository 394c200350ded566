//! Observations → documents.
