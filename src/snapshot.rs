//! Content-addressed, compressed copies of what was fetched.
