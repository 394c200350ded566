//! Journal set-up.
