//! Fetching against a server on loopback.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Fetched, Fetcher, HttpOptions, Outcome, Request, Robots, Traffic, Trust, Validators, retry_after};
use crate::loopback::{Certificate, Response, Server, Site};
use crate::message::Problem;

mod answers;
mod limits;
mod manners;
mod trust;

fn options() -> HttpOptions {
    HttpOptions {
        allow_private: vec!["127.0.0.1".to_owned()],
        apart: Duration::ZERO,
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_secs(1),
        retries: 0,
        robots: Robots::Ignore,
        ..HttpOptions::pages("mailto:msoko@uo.example")
    }
}

fn fetcher(options: HttpOptions) -> Fetcher {
    Fetcher::new(options, Traffic::default()).expect("valid settings")
}

async fn server(site: Site) -> Server {
    Server::start(site).await.expect("loopback")
}

async fn page(options: HttpOptions, url: &str) -> Result<Fetched<Vec<u8>>, Problem> {
    match fetcher(options).page(&Request::new(url)).await? {
        Outcome::Fetched(fetched) => Ok(*fetched),
        Outcome::NotModified { .. } => panic!("nothing was known"),
    }
}

async fn refusal(options: HttpOptions, url: &str) -> Problem {
    page(options, url).await.expect_err("a refusal")
}

fn html(body: &str) -> Response {
    Response::page("text/html; charset=utf-8", body)
}

fn packed(bytes: &[u8]) -> Response {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    Response::page("text/html", encoder.finish().expect("memory")).header("Content-Encoding", "gzip")
}
