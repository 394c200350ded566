//! The listener and the little of HTTP/1.1 that it speaks: GET and HEAD, keep-alive, validators.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::site::{Body, Response, Site};
use super::tls::Certificate;

/// A visitor's head above this is dropped: nobody on loopback needs more.
const MAX_HEAD: u64 = 16 << 10;
/// The visits kept in the log; later ones are answered but not noted.
const MAX_VISITS: usize = 100_000;

/// One request, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// `GET`, `HEAD`.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Header names in lower case and their values.
    pub headers: Vec<(String, String)>,
}

impl Visit {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

#[derive(Debug)]
struct Shared {
    site: Mutex<Site>,
    visits: Mutex<Vec<Visit>>,
}

/// A running server; it stops when it is dropped or told to.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a plain HTTP server on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// The operating system's, when it gives no port.
    pub async fn start(site: Site) -> io::Result<Self> {
        Self::listen(site, None).await
    }

    /// Starts an HTTPS server whose certificate has a fault.
    ///
    /// # Errors
    /// The operating system's, when it gives no port.
    pub async fn start_tls(site: Site, certificate: Certificate) -> io::Result<Self> {
        Self::listen(site, Some(certificate)).await
    }

    async fn listen(site: Site, certificate: Option<Certificate>) -> io::Result<Self> {
        let acceptor = certificate.map(Certificate::acceptor).transpose()?;
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            site: Mutex::new(site),
            visits: Mutex::new(Vec::new()),
        });
        let (stop, stopped) = watch::channel(false);
        let visited = Arc::clone(&shared);
        let task = tokio::spawn(accept(listener, acceptor, visited, stopped));
        Ok(Self {
            address,
            scheme,
            shared,
            stop,
            task,
        })
    }

    /// The full address of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Replaces the answer of a path while the server runs.
    pub fn publish(&self, path: &str, response: Response) {
        lock(&self.shared.site).put(path, vec![response]);
    }

    /// Every visit so far, in order.
    #[must_use]
    pub fn visits(&self) -> Vec<Visit> {
        lock(&self.shared.visits).clone()
    }

    /// Stops listening, ends open connections and waits until the listener is gone.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // A listener that panicked is gone as well.
        if (&mut self.task).await.is_err() {
            tracing::warn!("loopback server ended before it was stopped");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(
    listener: TcpListener,
    acceptor: Option<tokio_rustls::TlsAcceptor>,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return,
        };
        let Ok((stream, _)) = stream else { continue };
        let (acceptor, shared, mut stopped) = (acceptor.clone(), Arc::clone(&shared), stopped.clone());
        tokio::spawn(async move {
            tokio::select! {
                // A visitor who hangs up in the middle is an ordinary event here.
                _ = serve(stream, acceptor, &shared) => {}
                _ = stopped.changed() => {}
            }
        });
    }
}

async fn serve(stream: TcpStream, acceptor: Option<tokio_rustls::TlsAcceptor>, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match acceptor {
        None => converse(stream, shared).await,
        Some(acceptor) => converse(acceptor.accept(stream).await?, shared).await,
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(stream: S, shared: &Shared) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(visit) = read_visit(&mut stream).await? {
        let close = visit
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let response = lock(&shared.site).answer(&visit.path);
        let head_only = visit.method == "HEAD";
        let unchanged = is_unchanged(&visit, &response);
        {
            let mut visits = lock(&shared.visits);
            if visits.len() < MAX_VISITS {
                visits.push(visit);
            }
        }
        if !response.delay.is_zero() {
            tokio::time::sleep(response.delay).await;
        }
        write_answer(&mut stream, &response, unchanged, head_only).await?;
        if close {
            break;
        }
    }
    stream.shutdown().await
}

async fn read_visit<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> io::Result<Option<Visit>> {
    let mut head = stream.take(MAX_HEAD);
    let mut line = String::new();
    if head.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let mut visit = Visit {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
    };
    loop {
        let mut line = String::new();
        if head.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(Some(visit));
        }
        if let Some((name, value)) = line.split_once(':') {
            let value = value.trim().to_owned();
            visit.headers.push((name.to_ascii_lowercase(), value));
        }
    }
}

fn is_unchanged(visit: &Visit, response: &Response) -> bool {
    if response.status != 200 {
        return false;
    }
    // RFC 9110, 13.2.2: an entity tag decides alone when the visitor sent one.
    if let Some(asked) = visit.header("if-none-match") {
        return response.value_of("etag") == Some(asked);
    }
    let asked = visit.header("if-modified-since");
    asked.is_some() && asked == response.value_of("last-modified")
}

async fn write_answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    response: &Response,
    unchanged: bool,
    head_only: bool,
) -> io::Result<()> {
    let status = if unchanged { 304 } else { response.status };
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let sized = response.value_of("content-length").is_some();
    if let (Body::Bytes(bytes), false, false) = (&response.body, sized, unchanged) {
        head.push_str(&format!("Content-Length: {}\r\n", bytes.len()));
    }
    head.push_str("\r\n");
    let mut answer = head.into_bytes();
    if unchanged || head_only {
        return send(stream, &answer).await;
    }
    match &response.body {
        Body::Bytes(bytes) => {
            answer.extend_from_slice(bytes);
            send(stream, &answer).await?;
            // A promised length that the body does not reach shows itself only when the connection ends.
            if sized {
                Err(io::ErrorKind::BrokenPipe.into())
            } else {
                Ok(())
            }
        }
        Body::Stalling(bytes) => {
            answer.extend_from_slice(bytes);
            send(stream, &answer).await?;
            std::future::pending().await
        }
        Body::Endless => {
            send(stream, &answer).await?;
            loop {
                send(stream, &[b' '; 8 << 10]).await?;
            }
        }
    }
}

async fn send<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
