//! Russian term phrases → rules → dates → states.
