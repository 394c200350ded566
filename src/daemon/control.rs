//! The control socket: `msoko reload` asks the running daemon and waits for its answer.
//!
//! One line in (`reload`), lines out, the first of them the outcome (`applied`, `rejected`). The socket lies in the
//! runtime folder, readable by the daemon's user and group only.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use crate::config::{Config, environment};
use crate::message::Problem;

/// Longest request line and longest answer.
const MAX_BYTES: u64 = 256 * 1024;

/// A client has this long to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request with the way back.
#[derive(Debug)]
pub(super) struct Request {
    /// Where the answer goes.
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What the daemon says about a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The new configuration is in force.
    Applied,
    /// The old one stays; the lines say why.
    Rejected(Vec<String>),
}

/// Where the socket of a configuration lies: `$RUNTIME_DIRECTORY`; for a verb typed beside the installed service the
/// runtime folder of its unit file; else the state folder.
#[must_use]
pub fn socket_path(config: &Config) -> PathBuf {
    let of_the_unit = || {
        let installed = config.path.starts_with("/etc/msoko") && Path::new("/run/msoko").is_dir();
        if installed {
            PathBuf::from("/run/msoko")
        } else {
            config.paths.state.clone()
        }
    };
    environment("RUNTIME_DIRECTORY")
        .map_or_else(of_the_unit, PathBuf::from)
        .join("control.sock")
}

/// Listens; a socket file left behind by a killed daemon is replaced, since the lock of the database already says
/// that nobody else is running.
pub(super) fn listen(path: &Path) -> Result<UnixListener, Problem> {
    let unusable = |error: std::io::Error| Problem::new("MSK-FIL-02").arg("path", path.display()).because(error);
    if path.exists() {
        std::fs::remove_file(path).map_err(unusable)?;
    }
    UnixListener::bind(path).map_err(unusable)
}

/// Serves clients one after another for ever.
pub(super) async fn serve(listener: UnixListener, requests: mpsc::Sender<Request>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        };
        if let Err(error) = serve_one(stream, &requests).await {
            tracing::warn!(%error, "a client of the control socket went away: {error}");
        }
    }
}

async fn serve_one(stream: UnixStream, requests: &mpsc::Sender<Request>) -> std::io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut line = String::new();
    let mut reading = BufReader::new(reading.take(MAX_BYTES));
    let read = tokio::time::timeout(PATIENCE, reading.read_line(&mut line)).await;
    if !matches!(read, Ok(Ok(_))) || line.trim() != "reload" {
        return writing.write_all("rejected\nнеизвестная команда\n".as_bytes()).await;
    }
    let (answer, answered) = oneshot::channel();
    if requests.send(Request { answer }).await.is_err() {
        return writing.write_all("rejected\nслужба останавливается\n".as_bytes()).await;
    }
    let text = match answered.await {
        Ok(Answer::Applied) => "applied\n".to_owned(),
        Ok(Answer::Rejected(lines)) => format!("rejected\n{}\n", lines.join("\n")),
        Err(_) => "rejected\nслужба останавливается\n".to_owned(),
    };
    writing.write_all(text.as_bytes()).await
}

/// Asks a running daemon to reload.
///
/// # Errors
/// `MSK-RUN-20` when no daemon answers within the wait.
pub async fn ask_reload(path: &Path, wait: Duration) -> Result<Answer, Problem> {
    let absent = |detail: String| Problem::new("MSK-RUN-20").arg("path", path.display()).because(detail);
    let asking = async {
        let mut stream = UnixStream::connect(path).await?;
        stream.write_all(b"reload\n").await?;
        let mut text = String::new();
        stream.take(MAX_BYTES).read_to_string(&mut text).await?;
        Ok::<_, std::io::Error>(text)
    };
    let text = tokio::time::timeout(wait, asking)
        .await
        .map_err(|_| absent(format!("нет ответа за {} с", wait.as_secs())))?
        .map_err(|error| absent(error.to_string()))?;
    let mut lines = text.lines().map(str::to_owned);
    match lines.next().as_deref() {
        Some("applied") => Ok(Answer::Applied),
        Some("rejected") => Ok(Answer::Rejected(lines.collect())),
        _ => Err(absent("ответ не понят".to_owned())),
    }
}
