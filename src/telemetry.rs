//! Journal set-up. Takes: where the process stands. Gives: a subscriber, once. Never: logs by itself.
//!
//! Fields go to journald natively when standard error is connected to it (systemd sets `JOURNAL_STREAM`), otherwise
//! lines of text or JSON go to standard error. Rules of what may be logged: `CONTRIBUTING.md`.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Form of log lines on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// Libraries that talk more than an administrator wants to read: the scheduler logs its own start, the certificate
/// verifier a fault that comes back to us as an error and is logged where it is handled.
const QUIET: &str = "tokio_cron_scheduler=warn,usvg=error,html5ever=error,selectors=error,sqlx=warn,rustls=warn,\
     rustls_platform_verifier=off,hyper=warn";

/// At `trace` the texts of statements are told as well, without their values.
const STATEMENTS: &str = "sqlx=debug";

/// Installs the subscriber. `journal` says that standard error is the journal; `level` is `info`, `debug`, `trace` …
/// A second call changes nothing.
pub fn set_up(level: &str, format: Format, journal: bool) {
    let more = if level == "trace" { STATEMENTS } else { QUIET };
    let filter = EnvFilter::try_new(format!("{level},{QUIET},{more}")).unwrap_or_else(|_| EnvFilter::new(QUIET));
    let registry = tracing_subscriber::registry().with(filter);
    if journal && let Ok(layer) = tracing_journald::layer() {
        let _already_set = registry.with(layer.with_field_prefix(None)).try_init();
        return;
    }
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false);
    let _already_set = match format {
        Format::Text => registry.with(lines.with_ansi(false)).try_init(),
        Format::Json => registry.with(lines.json()).try_init(),
    };
}
