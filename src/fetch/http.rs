//! Fetching over HTTP: conditional requests, retries, bodies in memory or into a sink.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use reqwest::header::HeaderMap;
use reqwest::{Response, Url};

use crate::message::{Disposition, Problem};

use super::address::{self, Allowed};
use super::body::{Caps, Fault, Intake, Whole};
use super::fault;
use super::follow::Opened;
use super::options::HttpOptions;
use super::tls::Clients;
use super::traffic::Traffic;

/// Chunks on the way to a sink that writes slowly; a chunk is at most a few dozen KiB.
const CHUNKS_WAITING: usize = 8;
/// Header values above this are not kept: nothing we read in them is long.
const MAX_HEADER: usize = 1024;
/// The headers that later stages look at: encoding, kind and name of a file, guards, stubs.
const HEADERS: &[&str] = &[
    "content-type",
    "content-disposition",
    "content-language",
    "content-length",
    "etag",
    "last-modified",
    "date",
    "server",
    "x-robots-tag",
    "refresh",
];

/// What the last fetch left behind; kept by the caller, sent with the next request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`, as it came.
    pub etag: Option<String>,
    /// `Last-Modified`, as it came.
    pub last_modified: Option<String>,
    /// BLAKE3 of the unpacked body, in hexadecimal.
    pub hash: Option<String>,
}

/// One address and what is known of it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The address.
    pub url: String,
    /// What the last fetch left behind; empty at the first one.
    pub known: Validators,
}

impl Request {
    /// An address never fetched before.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            known: Validators::default(),
        }
    }
}

/// What came, with its provenance.
#[derive(Debug)]
pub struct Fetched<B> {
    /// 200 to 299.
    pub status: u16,
    /// The address after all redirects.
    pub final_url: String,
    /// Chosen headers, names in lower case. A value that is not text is left out.
    pub headers: Vec<(String, String)>,
    /// To be kept for the next request.
    pub validators: Validators,
    /// The bytes, or the sink that took them.
    pub body: B,
    /// Unpacked bytes.
    pub size: u64,
    /// The fault of the certificate that the source forgives, to be reported all the same.
    pub tls_fault: Option<Problem>,
}

impl<B> Fetched<B> {
    /// The value of a kept header; the name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The end of a fetch that did not fail.
#[derive(Debug)]
pub enum Outcome<B> {
    /// New bytes.
    Fetched(Box<Fetched<B>>),
    /// The server said so, or the bytes are the same as before.
    NotModified {
        /// To be kept for the next request.
        validators: Validators,
        /// As in [`Fetched`].
        tls_fault: Option<Problem>,
    },
}

/// Fetches over HTTP within the limits it was built with. Cheap to share behind an `Arc`.
pub struct Fetcher {
    pub(super) options: HttpOptions,
    pub(super) traffic: Traffic,
    pub(super) clients: Clients,
    pub(super) allowed: Allowed,
    pub(super) forgiven: BTreeSet<String>,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Fetcher {{ options: {:?} }}", self.options)
    }
}

enum Head {
    Open(Box<Opened>),
    NotModified(Option<Problem>),
}

impl Fetcher {
    /// Prepares the clients.
    ///
    /// # Errors
    /// `MSK-FET-25` for a CA bundle without certificates, `MSK-FET-26` for a proxy or contact that cannot be used.
    pub fn new(options: HttpOptions, traffic: Traffic) -> Result<Self, Problem> {
        let mut open = options.allow_private.clone();
        if let Some(proxy) = options.proxy.as_deref().and_then(|proxy| Url::parse(proxy).ok()) {
            open.extend(proxy.host_str().map(str::to_owned));
        }
        let allowed = Arc::new(address::names(&open));
        Ok(Self {
            clients: Clients::build(&options, &allowed)?,
            forgiven: address::names(&options.allow_invalid_tls),
            allowed,
            options,
            traffic,
        })
    }

    /// Fetches a page into memory, at most `max_inflated` bytes.
    ///
    /// # Errors
    /// One `MSK-FET-…`; what may mend itself was tried `retries` times more.
    pub async fn page(&self, request: &Request) -> Result<Outcome<Vec<u8>>, Problem> {
        let mut patience = Patience::new(&self.options);
        loop {
            match self.page_once(request).await {
                Ok(outcome) => return Ok(outcome),
                Err(problem) => patience.wait(problem).await?,
            }
        }
    }

    async fn page_once(&self, request: &Request) -> Result<Outcome<Vec<u8>>, Problem> {
        match self.open(request).await? {
            Head::NotModified(tls_fault) => Ok(unchanged(request, tls_fault)),
            Head::Open(opened) => self.page_body(*opened, request).await,
        }
    }

    /// Streams a body into a sink on a thread of its own, so that a slow disk holds up nobody else. The sink is given
    /// back only when the body came whole; otherwise it is dropped with what it has got.
    ///
    /// # Errors
    /// One `MSK-FET-…`. Attempts are repeated until the body begins, never in its middle.
    pub async fn stream<W>(&self, request: &Request, sink: W) -> Result<Outcome<W>, Problem>
    where
        W: Write + Send + 'static,
    {
        let mut patience = Patience::new(&self.options);
        let opened = loop {
            match self.open(request).await {
                Ok(Head::NotModified(tls_fault)) => return Ok(unchanged(request, tls_fault)),
                Ok(Head::Open(opened)) => break *opened,
                Err(problem) => patience.wait(problem).await?,
            }
        };
        self.pour(opened, request, sink).await
    }

    async fn pour<W>(&self, opened: Opened, request: &Request, sink: W) -> Result<Outcome<W>, Problem>
    where
        W: Write + Send + 'static,
    {
        let gzip = opened.is_packed()?;
        let (sender, mut receiver) = tokio::sync::mpsc::channel(CHUNKS_WAITING);
        let caps = self.caps();
        let writing = tokio::task::spawn_blocking(move || {
            let mut intake = Intake::new(sink, gzip, caps);
            while let Some(chunk) = receiver.blocking_recv() {
                match chunk {
                    Some(chunk) => intake.take(AsRef::<[u8]>::as_ref(&chunk))?,
                    None => return intake.finish().map(Some),
                }
            }
            Ok(None)
        });
        let Opened {
            mut response,
            url,
            tls_fault,
            mut budget,
            _slot,
        } = opened;
        let read = async {
            loop {
                let chunk = budget.run(&url, response.chunk()).await?;
                let chunk = chunk.map_err(|error| fault::of_body(&error, &url, self.options.idle))?;
                let last = chunk.is_none();
                // A closed channel means that the sink has refused; its reason is asked for below.
                if sender.send(chunk).await.is_err() || last {
                    return Ok(());
                }
            }
        }
        .await;
        drop(sender);
        let written: Result<Option<Whole<W>>, Fault> = writing
            .await
            .map_err(|error| Problem::new("MSK-BUG-01").arg("what", "sink thread").because(error))?;
        match (read, written) {
            (_, Err(fault)) => Err(fault.problem(&url)),
            (Err(problem), Ok(_)) => Err(problem),
            (Ok(()), Ok(Some(whole))) => Ok(outcome(&response, &url, tls_fault, whole, request)),
            (Ok(()), Ok(None)) => Err(Problem::new("MSK-FET-21").arg("url", fault::shown(&url))),
        }
    }

    async fn page_body(&self, opened: Opened, request: &Request) -> Result<Outcome<Vec<u8>>, Problem> {
        let gzip = opened.is_packed()?;
        let Opened {
            mut response,
            url,
            tls_fault,
            mut budget,
            _slot,
        } = opened;
        let mut intake = Intake::new(Vec::new(), gzip, self.caps());
        loop {
            let chunk = budget.run(&url, response.chunk()).await?;
            match chunk.map_err(|error| fault::of_body(&error, &url, self.options.idle))? {
                Some(chunk) => intake.take(&chunk).map_err(|fault| fault.problem(&url))?,
                None => break,
            }
        }
        let whole = intake.finish().map_err(|fault| fault.problem(&url))?;
        Ok(outcome(&response, &url, tls_fault, whole, request))
    }

    const fn caps(&self) -> Caps {
        Caps {
            wire: self.options.max_bytes,
            inflated: self.options.max_inflated,
            ratio: self.options.max_ratio,
        }
    }

    async fn open(&self, request: &Request) -> Result<Head, Problem> {
        let url = Url::parse(&request.url).map_err(|error| fault::unusable(&request.url).because(error))?;
        let opened = self.follow(url, &request.known, self.options.robots).await?;
        let status = opened.response.status().as_u16();
        match status {
            200..=299 => Ok(Head::Open(Box::new(opened))),
            304 if request.known.etag.is_some() || request.known.last_modified.is_some() => {
                Ok(Head::NotModified(opened.tls_fault))
            }
            304 => Err(Problem::new("MSK-FET-29").arg("url", fault::shown(&opened.url))),
            _ => Err(fault::of_status(status, opened.response.headers(), &opened.url)),
        }
    }
}

fn unchanged<W>(request: &Request, tls_fault: Option<Problem>) -> Outcome<W> {
    let validators = request.known.clone();
    Outcome::NotModified { validators, tls_fault }
}

fn outcome<W>(
    response: &Response,
    url: &Url,
    tls_fault: Option<Problem>,
    whole: Whole<W>,
    request: &Request,
) -> Outcome<W> {
    let headers = kept_headers(response.headers());
    let value = |name: &str| {
        headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    };
    let validators = Validators {
        etag: value("etag"),
        last_modified: value("last-modified"),
        hash: Some(whole.hash),
    };
    if validators.hash == request.known.hash {
        return Outcome::NotModified { validators, tls_fault };
    }
    Outcome::Fetched(Box::new(Fetched {
        status: response.status().as_u16(),
        final_url: url.to_string(),
        headers,
        validators,
        body: whole.sink,
        size: whole.size,
        tls_fault,
    }))
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    HEADERS
        .iter()
        .filter_map(|name| {
            let value = std::str::from_utf8(headers.get(*name)?.as_bytes()).ok()?;
            (value.len() <= MAX_HEADER).then(|| ((*name).to_owned(), value.to_owned()))
        })
        .collect()
}

/// How often and after which pauses a failed attempt is repeated.
struct Patience {
    pauses: ExponentialBackoff,
    longest: Duration,
}

impl Patience {
    fn new(options: &HttpOptions) -> Self {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(options.first_pause)
            .with_max_delay(options.longest_pause)
            .with_max_times(options.retries)
            .with_jitter();
        Self {
            pauses: pauses.build(),
            longest: options.longest_pause,
        }
    }

    /// Waits before the next attempt, or gives the problem back: it will not mend itself, the attempts are used up, or
    /// the server asks for more time than a run has.
    async fn wait(&mut self, problem: Problem) -> Result<(), Problem> {
        let asked = fault::retry_after(&problem).unwrap_or_default();
        let pause = self
            .pauses
            .next()
            .filter(|_| problem.disposition() == Disposition::Retry);
        let Some(pause) = pause.filter(|_| asked <= self.longest) else {
            return Err(problem);
        };
        tracing::debug!(code = problem.code(), "fetch is tried again");
        tokio::time::sleep(pause.max(asked)).await;
        Ok(())
    }
}
