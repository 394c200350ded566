//! Configuration: files as an administrator writes them become a value that is already valid.
//!
//! Takes: the path of `msoko.toml`; beside it stand `sources.toml`, `recipients.toml`, `roadmaps/`, `connectors/` and
//! `calendar/`. Gives: a [`Config`], or every problem of every file in one go. Never: opens a connection, guesses a
//! value that the sample in `config/` does not show, prints a secret.

mod authority;
mod http;
mod jobs;
mod load;
mod mail;
mod node;
mod paths;
mod recipients;
mod retention;
mod secret;
mod sources;

pub use authority::Authority;
pub use http::Http;
pub use jobs::Jobs;
pub use load::{Config, Placed, load, survey};
pub use mail::{Mail, Security, Smtp, Transport};
pub use node::Node;
pub use paths::Paths;
pub use recipients::{LetterKind, Recipient};
pub use retention::Retention;
pub use secret::Credential;
pub use sources::{Origin, Source};

/// Where the product looks for its configuration when nobody says (DESIGN: command line).
pub const DEFAULT_PATHS: &[&str] = &["/etc/msoko/msoko.toml", "./config/msoko.toml"];

/// Reads a variable of the process environment; the only place that does.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
