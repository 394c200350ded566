//! Bytes from the network and from folders, with their provenance.
