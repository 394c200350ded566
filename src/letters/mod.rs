//! View models and templates of letters.
