//! A small HTTP(S) server on loopback: the school sites and the feed of the demonstration, and the other side of the
//! tests of [`crate::fetch`].
//!
//! Takes: a [`Site`], which is paths and answers, and perhaps a [`Certificate`] with a fault. Gives: a running
//! [`Server`] with its address and the log of its visits. Never: listens on any address but 127.0.0.1, reads a file,
//! knows what its pages are about. One server is one host: the port stands for the name.
//!
//! ```
//! # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
//! use msoko::loopback::{Response, Server, Site};
//! let site = Site::new().route("/sveden/common", Response::page("text/html", "<h1>Школа</h1>"));
//! let server = Server::start(site).await.expect("loopback");
//! assert!(server.url("/sveden/common").starts_with("http://127.0.0.1:"));
//! server.stop().await;
//! # });
//! ```

mod server;
mod site;
mod tls;

pub use server::{Server, Visit};
pub use site::{Response, Site};
pub use tls::Certificate;
