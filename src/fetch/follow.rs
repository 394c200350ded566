//! From an address to the head of an answer: redirects, pace, robots.txt, certificates.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;

use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LOCATION,
};
use reqwest::{Client, Response, Url};
use secrecy::ExposeSecret;
use tokio::time::Instant;

use crate::message::Problem;

use super::address;
use super::body::{Caps, Intake};
use super::fault;
use super::http::{Fetcher, Validators};
use super::options::Robots;
use super::robots::{MAX_ROBOTS, Rules};
use super::traffic::Slot;

/// The name robots.txt knows us by.
const AGENT: &str = "msoko";

/// An answer whose body waits; the host's slot is held until it is read.
pub(super) struct Opened {
    pub(super) response: Response,
    pub(super) url: Url,
    pub(super) tls_fault: Option<Problem>,
    pub(super) budget: Budget,
    pub(super) _slot: Slot,
}

impl Opened {
    /// Whether the body is packed, by the one method we ask for.
    pub(super) fn is_packed(&self) -> Result<bool, Problem> {
        let value = self.response.headers().get(CONTENT_ENCODING);
        let text = value.map_or(Ok(""), HeaderValue::to_str).unwrap_or("?");
        match text.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(false),
            "gzip" | "x-gzip" => Ok(true),
            other => Err(Problem::new("MSK-FET-22")
                .arg("url", fault::shown(&self.url))
                .arg("encoding", other.chars().take(40).collect::<String>())),
        }
    }
}

impl Fetcher {
    /// The redirect loop: every hop is checked, waits for the pace of its host and asks its robots.txt.
    pub(super) async fn follow(&self, start: Url, known: &Validators, robots: Robots) -> Result<Opened, Problem> {
        let origin = start.origin();
        let mut budget = Budget::new(self.options.total);
        let mut seen = BTreeSet::new();
        let mut url = start;
        loop {
            address::check_url(&url, &self.allowed)?;
            let host = self.traffic.host(&url);
            let mut apart = self.options.apart;
            if robots == Robots::Obey {
                let rules = host.rules(self.robots_of(&url)).await;
                if !rules.allows(&url) {
                    return Err(Problem::new("MSK-FET-23")
                        .arg("host", fault::host(&url))
                        .arg("url", fault::shown(&url)));
                }
                apart = apart.max(rules.delay());
            }
            let slot = host.enter(apart).await;
            let headers = self.headers(known, url.origin() == origin);
            let (response, tls_fault) = budget.run(&url, self.send(&url, headers)).await??;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(Opened {
                    response,
                    url,
                    tls_fault,
                    budget,
                    _slot: slot,
                });
            }
            let next = next_hop(&response, &url)?;
            if !seen.insert(url.clone()) || seen.contains(&next) || seen.len() > self.options.max_redirects {
                return Err(Problem::new("MSK-FET-18")
                    .arg("url", fault::shown(&url))
                    .arg("limit", self.options.max_redirects));
            }
            url = next;
        }
    }

    fn headers(&self, known: &Validators, at_origin: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let mut put = |name, value: Option<&str>| {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        };
        put(IF_NONE_MATCH, known.etag.as_deref());
        put(IF_MODIFIED_SINCE, known.last_modified.as_deref());
        if let Some(secret) = self.options.authorization.as_ref().filter(|_| at_origin)
            && let Ok(mut value) = HeaderValue::from_str(secret.expose_secret())
        {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }

    async fn send(&self, url: &Url, headers: HeaderMap) -> Result<(Response, Option<Problem>), Problem> {
        let problem = match self.send_by(&self.clients.strict, url, headers.clone()).await {
            Ok(response) => return Ok((response, None)),
            Err(problem) => problem,
        };
        let forgiven = url
            .host_str()
            .is_some_and(|host| self.forgiven.contains(&address::plain(host)));
        match &self.clients.lax {
            Some(lax) if forgiven && fault::is_forgivable(&problem) => {
                Ok((self.send_by(lax, url, headers).await?, Some(problem)))
            }
            _ => Err(problem),
        }
    }

    async fn send_by(&self, client: &Client, url: &Url, headers: HeaderMap) -> Result<Response, Problem> {
        let sent = client.get(url.clone()).headers(headers).send().await;
        sent.map_err(|error| {
            let problem = fault::of_request(&error, url, self.options.connect, self.options.idle);
            if self.clients.rootless && problem.code() == "MSK-FET-09" {
                return Problem::new("MSK-FET-24").arg("host", fault::host(url));
            }
            problem
        })
    }

    /// The robots.txt of a host. Whatever goes wrong forbids nothing: the page itself will show the fault.
    fn robots_of(&self, url: &Url) -> Pin<Box<dyn Future<Output = Rules> + Send + '_>> {
        let address = url.join("/robots.txt");
        Box::pin(async move {
            let Ok(address) = address else { return Rules::Open };
            let Ok(opened) = self.follow(address, &Validators::default(), Robots::Ignore).await else {
                return Rules::Open;
            };
            if !opened.response.status().is_success() {
                return Rules::Open;
            }
            let body = self.robots_body(opened).await;
            body.map_or(Rules::Open, |body| Rules::read(AGENT, &body))
        })
    }

    async fn robots_body(&self, opened: Opened) -> Option<Vec<u8>> {
        let gzip = opened.is_packed().ok()?;
        let caps = Caps {
            wire: MAX_ROBOTS,
            inflated: MAX_ROBOTS,
            ratio: self.options.max_ratio,
        };
        let Opened {
            mut response,
            url,
            mut budget,
            ..
        } = opened;
        let mut intake = Intake::new(Vec::new(), gzip, caps);
        while let Some(chunk) = budget.run(&url, response.chunk()).await.ok()?.ok()? {
            intake.take(&chunk).ok()?;
        }
        intake.finish().ok().map(|whole| whole.sink)
    }
}

fn next_hop(response: &Response, url: &Url) -> Result<Url, Problem> {
    let location = response.headers().get(LOCATION);
    let next = location
        .and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
        .and_then(|value| url.join(value.trim()).ok());
    let mut next = next.ok_or_else(|| Problem::new("MSK-FET-28").arg("url", fault::shown(url)))?;
    next.set_fragment(None);
    Ok(next)
}

/// The time left for one answer. Only waiting for the network counts, not for the pace of the host.
pub(super) struct Budget {
    total: Option<Duration>,
    spent: Duration,
}

impl Budget {
    const fn new(total: Option<Duration>) -> Self {
        Self {
            total,
            spent: Duration::ZERO,
        }
    }

    pub(super) async fn run<T>(&mut self, url: &Url, work: impl Future<Output = T>) -> Result<T, Problem> {
        let Some(total) = self.total else {
            return Ok(work.await);
        };
        let begin = Instant::now();
        let done = tokio::time::timeout(total.saturating_sub(self.spent), work).await;
        self.spent += begin.elapsed();
        done.map_err(|_| {
            Problem::new("MSK-FET-07")
                .arg("url", fault::shown(url))
                .arg("seconds", total.as_secs_f32())
        })
    }
}
