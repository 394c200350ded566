//! Roadmap documents → rows.
