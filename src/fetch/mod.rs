//! Bytes from the network and from folders, with their provenance.
//!
//! Takes: an address and what is already known of it, or a folder and its patterns. Gives: bytes (in memory for pages,
//! into a sink for feeds) with status, validators and hash, or the news that nothing changed, or one problem with a
//! code. Never: looks inside the bytes, moves or changes a file, calls a private address that the source does not
//! name, believes the environment about a proxy.
//!
//! ```
//! # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
//! use msoko::fetch::{Fetcher, HttpOptions, Outcome, Request, Traffic};
//! use msoko::loopback::{Response, Server, Site};
//! let site = Site::new().route("/", Response::page("text/html", "<p>x</p>").header("ETag", "\"1\""));
//! let server = Server::start(site).await.expect("loopback");
//! let mut options = HttpOptions::pages("mailto:msoko@uo.example");
//! options.allow_private = vec!["127.0.0.1".into()];
//! let fetcher = Fetcher::new(options, Traffic::default()).expect("valid settings");
//! let mut request = Request::new(&server.url("/"));
//! let Ok(Outcome::Fetched(page)) = fetcher.page(&request).await else { panic!("a page") };
//! assert_eq!(page.body, b"<p>x</p>");
//! # request.known = page.validators;
//! # });
//! ```

mod address;
mod body;
mod fault;
pub mod folder;
mod follow;
mod http;
mod options;
mod robots;
mod tls;
mod traffic;

#[cfg(test)]
mod tests;

pub use fault::retry_after;
pub use http::{Fetched, Fetcher, Outcome, Request, Validators};
pub use options::{HttpOptions, Robots, Trust};
pub use tls::install_tls_provider;
pub use traffic::Traffic;
