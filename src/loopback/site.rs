//! What a demonstration server answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The body of an answer.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Bytes(Arc<[u8]>),
    Stalling(Arc<[u8]>),
    Endless,
}

/// One answer of a demonstration server.
#[derive(Debug, Clone)]
pub struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
    pub(super) delay: Duration,
}

impl Response {
    /// An answer with a status and a body.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Bytes(body.into().into()),
            delay: Duration::ZERO,
        }
    }

    /// A page: status 200 and a content type such as `text/html; charset=windows-1251`.
    #[must_use]
    pub fn page(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, body).header("Content-Type", content_type)
    }

    /// A redirect (302) to another address.
    #[must_use]
    pub fn redirect(location: &str) -> Self {
        Self::new(302, Vec::new()).header("Location", location)
    }

    /// A body that never ends: the visitor has to stop reading.
    #[must_use]
    pub fn endless() -> Self {
        Self {
            body: Body::Endless,
            ..Self::new(200, Vec::new())
        }
    }

    /// A body that stops in the middle without an end: the connection stays open and silent.
    #[must_use]
    pub fn stalling(start: impl Into<Vec<u8>>) -> Self {
        Self {
            body: Body::Stalling(start.into().into()),
            ..Self::new(200, Vec::new())
        }
    }

    /// Adds a header. A `Content-Length` given here replaces the true one; an `ETag` or `Last-Modified` makes
    /// the server answer 304 to a visitor who sends it back.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Waits before the first byte of the answer.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    pub(super) fn value_of(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Paths and their answers; a path may have several, the last one stays.
#[derive(Debug, Clone, Default)]
pub struct Site {
    routes: BTreeMap<String, Vec<Response>>,
}

impl Site {
    /// A site that answers 404 to everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a path (with its query, when it has one) and its answer.
    #[must_use]
    pub fn route(self, path: &str, response: Response) -> Self {
        self.sequence(path, vec![response])
    }

    /// Adds a path whose first visits get different answers; the last answer stays.
    #[must_use]
    pub fn sequence(mut self, path: &str, responses: Vec<Response>) -> Self {
        self.put(path, responses);
        self
    }

    pub(super) fn put(&mut self, path: &str, responses: Vec<Response>) {
        self.routes.insert(path.to_owned(), responses);
    }

    pub(super) fn answer(&mut self, path: &str) -> Response {
        match self.routes.get_mut(path) {
            Some(responses) if responses.len() > 1 => responses.remove(0),
            Some(responses) if responses.len() == 1 => responses[0].clone(),
            _ => Response::new(404, "404 Not Found\n").header("Content-Type", "text/plain; charset=utf-8"),
        }
    }
}
