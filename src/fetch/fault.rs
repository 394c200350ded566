//! What went wrong on the network, told by code.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use rustls::{AlertDescription, CertificateError};

use crate::message::Problem;

use super::address::{self, PrivateName, UnknownName};

/// An address fit for messages: without query and credentials, which may hold secrets.
pub(super) fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), host(url), url.path())
}

/// Names what cannot be used as an address. Before `@` and after `?` there may be secrets.
pub(super) fn unusable(text: &str) -> Problem {
    let open = text.split(['?', '#']).next().unwrap_or_default();
    let open = open.rsplit('@').next().unwrap_or_default();
    Problem::new("MSK-FET-01").arg("url", format!("«{}»", open.chars().take(200).collect::<String>()))
}

/// A host as people write it: `школа.рф`, not `xn--…`.
pub(super) fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    match idna::domain_to_unicode(name) {
        (readable, Ok(())) => readable,
        _ => name.to_owned(),
    }
}

/// Names the failure of a request that brought no answer.
pub(super) fn of_request(error: &reqwest::Error, url: &Url, connect: Duration, idle: Duration) -> Problem {
    let causes = causes(error);
    for cause in &causes {
        if let Some(name) = cause.downcast_ref::<PrivateName>() {
            return address::private(url, name.0);
        }
        if let Some(name) = cause.downcast_ref::<UnknownName>() {
            return Problem::new("MSK-FET-04").arg("host", host(url)).because(name);
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Problem::new(of_tls(tls)).arg("host", host(url)).because(tls);
        }
    }
    if error.is_timeout() {
        let limit = if error.is_connect() { connect } else { idle };
        return timeout(url, limit);
    }
    let detail = causes.last().map(ToString::to_string).unwrap_or_default();
    let code = if error.is_connect() { "MSK-FET-05" } else { "MSK-FET-21" };
    Problem::new(code)
        .arg("host", host(url))
        .arg("url", shown(url))
        .because(detail)
}

pub(super) fn timeout(url: &Url, limit: Duration) -> Problem {
    Problem::new("MSK-FET-06")
        .arg("url", shown(url))
        .arg("seconds", limit.as_secs_f32())
}

/// Names the failure of a body that broke off.
pub(super) fn of_body(error: &reqwest::Error, url: &Url, idle: Duration) -> Problem {
    if error.is_timeout() {
        return timeout(url, idle);
    }
    let detail = causes(error).last().map(ToString::to_string).unwrap_or_default();
    Problem::new("MSK-FET-21").arg("url", shown(url)).because(detail)
}

/// The error and everything beneath it; an `io::Error` hides its content from `source`.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> Vec<&'e (dyn Error + 'static)> {
    let mut found = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        found.push(cause);
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map_or_else(|| cause.source(), |inner| Some(inner as &(dyn Error + 'static)));
    }
    found
}

fn of_tls(error: &rustls::Error) -> &'static str {
    use CertificateError as Bad;
    match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::Expired | Bad::ExpiredContext { .. } | Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                "MSK-FET-08"
            }
            Bad::UnknownIssuer => "MSK-FET-09",
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => "MSK-FET-10",
            // A home-made certificate often calls itself an authority.
            Bad::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => "MSK-FET-09",
            _ => "MSK-FET-12",
        },
        rustls::Error::PeerIncompatible(_)
        | rustls::Error::AlertReceived(
            AlertDescription::HandshakeFailure
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity,
        ) => "MSK-FET-11",
        _ => "MSK-FET-12",
    }
}

/// True for the faults that `allow_invalid_tls` forgives: who the server is, not whether it can be talked to.
pub(super) fn is_forgivable(problem: &Problem) -> bool {
    matches!(
        problem.code(),
        "MSK-FET-08" | "MSK-FET-09" | "MSK-FET-10" | "MSK-FET-12" | "MSK-FET-24"
    )
}

/// Names an answer that is neither a page nor a redirect.
pub(super) fn of_status(status: u16, headers: &HeaderMap, url: &Url) -> Problem {
    let code = match status {
        401 | 403 | 503 if is_guard(headers) => "MSK-FET-17",
        404 | 410 => "MSK-FET-13",
        401 | 402 | 403 | 407 => "MSK-FET-14",
        // 501 and 505 speak of abilities, which do not come back with time.
        408 | 425 | 429 | 500 | 502..=504 | 506..=599 => "MSK-FET-15",
        _ => "MSK-FET-16",
    };
    let problem = Problem::new(code)
        .arg("url", shown(url))
        .arg("host", host(url))
        .arg("status", status);
    match wait_asked(headers) {
        Some(wait) => problem.arg("retry_after", wait.as_secs()),
        None => problem,
    }
}

fn is_guard(headers: &HeaderMap) -> bool {
    let server = headers.get("server").and_then(|value| value.to_str().ok());
    server.is_some_and(|server| server.to_ascii_lowercase().contains("ddos-guard"))
}

/// `Retry-After`, as seconds or as a date. A date is compared with the server's own clock: ours may differ.
fn wait_asked(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let value = text(RETRY_AFTER.as_str())?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let now = httpdate::parse_http_date(text("date")?).ok()?;
    until.duration_since(now).ok()
}

/// A server may ask for a day of peace; one that names more has a fault or means harm.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// How long the server asked to wait, when it did, at most a day; for the schedule of the next run.
#[must_use]
pub fn retry_after(problem: &Problem) -> Option<Duration> {
    let asked = problem.get("retry_after")?.parse().ok().map(Duration::from_secs);
    asked.map(|asked| asked.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    reqwest::header::HeaderName::from_static(name),
                    reqwest::header::HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn the_wait_a_server_asks_for_is_read_in_both_forms() {
        let url = Url::parse("https://a.example/x?token=secret").expect("an address");
        let problem = of_status(503, &headers(&[("retry-after", "120")]), &url);
        assert_eq!(retry_after(&problem), Some(Duration::from_secs(120)));
        assert!(!problem.to_string().contains("secret"));
        let dated = headers(&[
            ("retry-after", "Mon, 02 Feb 2026 10:05:00 GMT"),
            ("date", "Mon, 02 Feb 2026 10:00:00 GMT"),
        ]);
        assert_eq!(
            retry_after(&of_status(429, &dated, &url)),
            Some(Duration::from_secs(300))
        );
        assert_eq!(retry_after(&of_status(500, &headers(&[]), &url)), None);
        let absurd = of_status(503, &headers(&[("retry-after", "18446744073709551615")]), &url);
        assert_eq!(retry_after(&absurd), Some(LONGEST_WAIT));
    }

    #[test]
    fn hosts_are_shown_as_people_write_them() {
        let url = Url::parse("https://ШКОЛА-1.рф/sveden?key=secret").expect("an address");
        assert_eq!(shown(&url), "https://школа-1.рф/sveden");
    }

    #[test]
    fn what_is_no_address_is_shown_without_its_secrets() {
        let problem = unusable("user:secret@school-1.example/x?token=secret");
        assert!(
            problem.ru().starts_with("адрес «school-1.example/x» не годится"),
            "{}",
            problem.ru()
        );
    }

    #[test]
    fn a_guard_is_told_from_a_refusal() {
        let url = Url::parse("https://a.example/").expect("an address");
        assert_eq!(
            of_status(403, &headers(&[("server", "ddos-guard")]), &url).code(),
            "MSK-FET-17"
        );
        assert_eq!(
            of_status(403, &headers(&[("server", "nginx")]), &url).code(),
            "MSK-FET-14"
        );
    }

    #[test]
    fn a_server_of_other_ciphers_is_told_from_a_bad_certificate() {
        let refused = rustls::Error::AlertReceived(AlertDescription::HandshakeFailure);
        assert_eq!(of_tls(&refused), "MSK-FET-11");
        let unreadable = rustls::Error::InvalidCertificate(CertificateError::BadEncoding);
        assert_eq!(of_tls(&unreadable), "MSK-FET-12");
    }
}
