//! One SMTP connection that takes several letters, each step of it bounded by a time limit of our own.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::reply::{Stage, classify, is_certificate, lost, without_addresses};
use super::transport::{Envelope, Receipt};
use super::{clean, trust};
use crate::message::Problem;

/// Letters over one connection; many servers close it themselves after some hundreds.
const LETTERS_PER_CONNECTION: u32 = 200;

/// How the way to the server is protected (защита соединения).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte, port 465 as a rule.
    Tls,
    /// STARTTLS, and no letter without it, port 587 as a rule.
    StartTls,
    /// Open text, to this machine only.
    Loopback,
}

/// Name and password for the server. The password never prints.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// User name.
    pub user: String,
    /// Password.
    pub password: SecretString,
}

/// Where and how letters go out (почтовый сервер).
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// Name of the server; its certificate must be made out to it.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Protection of the connection.
    pub security: Security,
    /// Name and password, when the server wants them.
    pub credentials: Option<Credentials>,
    /// Certificates in PEM form that are believed besides the machine's own.
    pub ca_bundle: Option<Vec<u8>>,
    /// How we introduce ourselves (EHLO); the machine's name when absent.
    pub hello_name: Option<String>,
    /// Longest wait for each step; 60 s is usual.
    pub step_limit: Duration,
    /// Longest wait after the letter's last byte, when servers look for viruses; RFC 5321 wants 10 minutes, 5 are
    /// enough in practice. Too short a limit makes copies: the server keeps the letter, we send it again.
    pub end_limit: Duration,
}

impl SmtpSettings {
    /// A server of a name with the usual limits and no credentials.
    #[must_use]
    pub fn new(host: &str, port: u16, security: Security) -> Self {
        Self {
            host: host.to_owned(),
            port,
            security,
            credentials: None,
            ca_bundle: None,
            hello_name: None,
            step_limit: Duration::from_secs(60),
            end_limit: Duration::from_secs(300),
        }
    }

    /// A server on this machine, in open text.
    #[must_use]
    pub fn loopback(port: u16) -> Self {
        Self::new("127.0.0.1", port, Security::Loopback)
    }

    pub(super) fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// An open connection, greeted, protected and let in.
pub(super) struct SmtpSession {
    settings: SmtpSettings,
    connection: AsyncSmtpConnection,
    alive: bool,
    sent: u32,
}

impl fmt::Debug for SmtpSession {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "SmtpSession {{ server: {}, sent: {} }}",
            self.settings.server(),
            self.sent
        )
    }
}

impl SmtpSession {
    pub(super) async fn open(settings: &SmtpSettings) -> Result<Self, Problem> {
        let tcp = connect(settings).await?;
        let stream: Box<dyn AsyncTokioStream> = match settings.security {
            Security::Tls => Box::new(protect(settings, tcp).await?),
            Security::StartTls | Security::Loopback => Box::new(tcp),
        };
        let name = settings
            .hello_name
            .clone()
            .map_or_else(ClientId::default, ClientId::Domain);
        let connection = step(
            settings,
            Stage::Hello,
            AsyncSmtpConnection::connect_with_transport(stream, &name),
        )
        .await?;
        let mut session = Self {
            settings: settings.clone(),
            connection,
            alive: true,
            sent: 0,
        };
        if settings.security == Security::StartTls {
            let parameters = trust::starttls(settings)?;
            let upgrade = session.connection.starttls(parameters, &name);
            step(settings, Stage::StartTls, upgrade).await?;
        }
        session.log_in().await?;
        Ok(session)
    }

    async fn log_in(&mut self) -> Result<(), Problem> {
        let Some(credentials) = &self.settings.credentials else {
            return Ok(());
        };
        let secret = lettre::transport::smtp::authentication::Credentials::new(
            credentials.user.clone(),
            credentials.password.expose_secret().to_owned(),
        );
        let answer = self.connection.auth(&[Mechanism::Plain, Mechanism::Login], &secret);
        step(&self.settings, Stage::Auth, answer).await.map(|_| ())
    }

    pub(super) fn usable(&self) -> bool {
        self.alive && self.sent < LETTERS_PER_CONNECTION
    }

    /// One transaction for one recipient. After a refusal the server forgets the transaction (RSET) and the connection
    /// goes on; after silence or a lost connection its state is unknown and it is not used again.
    pub(super) async fn deliver(&mut self, envelope: &Envelope, bytes: &[u8]) -> Result<Receipt, Problem> {
        let from = clean::address("MAIL FROM", &envelope.from)?;
        let to = clean::address("RCPT TO", &envelope.to)?;
        // Until the server has answered for the whole letter nobody knows what it holds: a future dropped on the way
        // must leave a session that is not used again.
        let alive = std::mem::replace(&mut self.alive, false);
        if !alive {
            return Err(lost(&self.settings, Stage::Mail));
        }
        let result = self.transaction(from, to, bytes).await;
        match result {
            Ok(receipt) => {
                self.alive = true;
                self.sent += 1;
                Ok(receipt)
            }
            Err((problem, goes_on)) => {
                self.alive = goes_on && self.reset().await;
                Err(problem)
            }
        }
    }

    async fn transaction(
        &mut self,
        from: lettre::Address,
        to: lettre::Address,
        bytes: &[u8],
    ) -> Result<Receipt, (Problem, bool)> {
        let settings = &self.settings;
        let connection = &mut self.connection;
        bounded(settings, Stage::Mail, connection.command(Mail::new(Some(from), vec![]))).await?;
        bounded(settings, Stage::Rcpt, connection.command(Rcpt::new(to, vec![]))).await?;
        bounded(settings, Stage::Data, connection.command(Data)).await?;
        // The client adds the last CRLF together with the dot.
        let letter = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
        let response = bounded(settings, Stage::End, connection.message(letter)).await?;
        let text = response.message().collect::<Vec<_>>().join(" ");
        Ok(Receipt {
            text: format!("{} {}", response.code(), without_addresses(&text)),
        })
    }

    async fn reset(&mut self) -> bool {
        bounded(&self.settings, Stage::Mail, self.connection.command(Rset))
            .await
            .is_ok()
    }

    pub(super) async fn close(mut self) {
        if self.alive {
            // The server keeps what it has confirmed; its farewell changes nothing.
            tokio::time::timeout(Duration::from_secs(2), self.connection.quit())
                .await
                .ok();
        }
    }
}

/// Runs one step within its limit; the limit of the step after the last byte is longer.
async fn bounded<T>(
    settings: &SmtpSettings,
    stage: Stage,
    work: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
) -> Result<T, (Problem, bool)> {
    let limit = if stage == Stage::End {
        settings.end_limit
    } else {
        settings.step_limit
    };
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(classify(settings, stage, &error)),
        Err(_) => Err((silent(settings, stage, limit), false)),
    }
}

async fn step<T>(
    settings: &SmtpSettings,
    stage: Stage,
    work: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
) -> Result<T, Problem> {
    bounded(settings, stage, work).await.map_err(|(problem, _)| problem)
}

fn silent(settings: &SmtpSettings, stage: Stage, limit: Duration) -> Problem {
    Problem::new("MSK-MAIL-03")
        .arg("server", settings.server())
        .arg("stage", stage.as_str())
        .arg("seconds", limit.as_secs())
}

async fn connect(settings: &SmtpSettings) -> Result<TcpStream, Problem> {
    let target = (settings.host.as_str(), settings.port);
    let tcp = tokio::time::timeout(settings.step_limit, TcpStream::connect(target))
        .await
        .map_err(|_| silent(settings, Stage::Connect, settings.step_limit))?
        .map_err(|error| lost(settings, Stage::Connect).because(error))?;
    let peer = tcp
        .peer_addr()
        .map_err(|error| lost(settings, Stage::Connect).because(error))?;
    if settings.security == Security::Loopback && !peer.ip().is_loopback() {
        return Err(Problem::new("MSK-MAIL-13").arg("server", settings.server()));
    }
    // Letter and end mark are two writes: without this the second waits 40 ms for the other side's acknowledgement,
    // and one connection carries 23 letters a second (measured).
    tcp.set_nodelay(true)
        .map_err(|error| lost(settings, Stage::Connect).because(error))?;
    Ok(tcp)
}

async fn protect(settings: &SmtpSettings, tcp: TcpStream) -> Result<Protected, Problem> {
    let connector = trust::connector(settings)?;
    let name = rustls::pki_types::ServerName::try_from(settings.host.clone())
        .map_err(|error| trust::unprotected(settings, error))?;
    let handshake = tokio::time::timeout(settings.step_limit, connector.connect(name, tcp))
        .await
        .map_err(|_| silent(settings, Stage::Connect, settings.step_limit))?;
    handshake.map(|stream| Protected(Box::new(stream))).map_err(|error| {
        if is_certificate(&error) {
            trust::unprotected(settings, error)
        } else {
            lost(settings, Stage::Connect).because(error)
        }
    })
}

/// TLS over a connection whose options we set; the client library opens its own without `TCP_NODELAY`.
#[derive(Debug)]
struct Protected(Box<tokio_rustls::client::TlsStream<TcpStream>>);

impl AsyncTokioStream for Protected {
    fn peer_addr(&self) -> std::io::Result<std::net::SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Protected {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Protected {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
