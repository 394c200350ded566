//! What an answer of a server is before it is read: a page, or one of the things that look like one.

use std::sync::LazyLock;

use regex::Regex;

use super::encoding::{Content, MAX_HTML_BYTES, decode, sniff};
use super::words::fold;
use crate::message::Problem;

/// An answer of a server (ответ сервера): what a fetcher has, or a file with headers beside it.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// HTTP status.
    pub status: u16,
    /// Header names in any case, with values.
    pub headers: &'a [(String, String)],
    /// The body after transfer decoding.
    pub body: &'a [u8],
}

/// What the answer is (вид ответа).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageKind {
    /// A page: its text and the encoding it came in.
    Html {
        /// Text of the page.
        text: String,
        /// `UTF-8`, `windows-1251`…
        encoding: &'static str,
    },
    /// A file of this format.
    File(&'static str),
    /// A guard or a captcha; never tried to pass. The name of the guard.
    Guard(&'static str),
    /// Works on the site.
    Maintenance,
    /// The domain is for sale or the hosting is not paid.
    Parking,
    /// 200 with the words of an error.
    SoftNotFound,
    /// Scripts instead of text.
    NeedsScripts,
    /// A login form.
    Login,
    /// An error status.
    Status(u16),
    /// No body.
    Empty,
    /// More than 2 MiB of text: how many bytes.
    TooLarge(usize),
}

impl Answer<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Reads headers as tools save them: an optional status line, then `Name: value` lines. Gives the status, 200 when not said.
#[must_use]
pub fn parse_headers(text: &str) -> (u16, Vec<(String, String)>) {
    let mut status = 200;
    let mut headers = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()).take(200) {
        if let Some(rest) = line.strip_prefix("HTTP/") {
            status = rest
                .split_whitespace()
                .nth(1)
                .and_then(|code| code.parse().ok())
                .unwrap_or(status);
            headers.clear();
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    (status, headers)
}

/// Says what an answer is.
#[must_use]
pub fn classify(answer: &Answer<'_>) -> PageKind {
    if answer
        .header("server")
        .is_some_and(|server| server.to_ascii_lowercase().contains("ddos-guard"))
        && answer.status >= 400
    {
        return PageKind::Guard("DDoS-Guard");
    }
    match sniff(answer.body) {
        Content::File(format) if answer.status < 400 => return PageKind::File(format),
        Content::Empty if answer.status < 400 => return PageKind::Empty,
        _ => {}
    }
    if answer.body.len() > MAX_HTML_BYTES {
        return PageKind::TooLarge(answer.body.len());
    }
    let (text, encoding) = decode(answer.body, answer.header("content-type"));
    if let Some(kind) = by_text(&text, answer.status) {
        return kind;
    }
    match answer.status {
        503 => PageKind::Maintenance,
        400.. => PageKind::Status(answer.status),
        _ => PageKind::Html { text, encoding },
    }
}

/// Words that are looked for in the text of a short page only: a long page may speak of them.
const SHORT: usize = 1_500;

/// Words of the answers that look like pages, folded.
const PARKING: &[&str] = &[
    "домен продается",
    "домен продаётся",
    "domain is for sale",
    "срок регистрации домена",
    "хостинг не оплачен",
    "сайт заблокирован хостинг",
    "аккаунт заблокирован",
    "domain parking",
];

const MAINTENANCE: &[&str] = &[
    "технические работы",
    "технических работ",
    "сайт временно недоступен",
    "сайт на реконструкции",
    "under construction",
    "ведутся работы",
    "maintenance mode",
];

const NOT_FOUND: &[&str] = &[
    "страница не найдена",
    "404 not found",
    "ошибка 404",
    "error 404",
    "page not found",
    "доступ запрещен",
    "запрашиваемая страница не существует",
    "файл не найден",
];

fn by_text(text: &str, status: u16) -> Option<PageKind> {
    static TITLE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?is)<title[^>]*>(.{0,300}?)</title>").expect("a constant pattern that tests run")
    });
    let title = TITLE
        .captures(text)
        .and_then(|found| found.get(1))
        .map_or_else(String::new, |title| fold(title.as_str()));
    let seen = visible(text);
    let short = seen.chars().count() < SHORT;
    let has = |signs: &[&str]| {
        signs
            .iter()
            .any(|sign| title.contains(sign) || short && seen.contains(sign))
    };
    if title.contains("ddos-guard") {
        return Some(PageKind::Guard("DDoS-Guard"));
    }
    if has(&[
        "just a moment",
        "attention required! | cloudflare",
        "checking your browser",
        "проверка браузера",
    ]) {
        return Some(PageKind::Guard("browser check"));
    }
    let captcha = ["smartcaptcha", "g-recaptcha", "hcaptcha"]
        .iter()
        .any(|sign| text.contains(sign))
        && short;
    if captcha && !text.contains("itemprop") && !seen.contains("сведения об образовательной")
        || has(&[
            "введите капчу",
            "я не робот",
            "подтвердите, что вы не робот",
            "подтвердите, что запросы отправляли вы",
        ])
    {
        return Some(PageKind::Guard("captcha"));
    }
    if status >= 400 {
        return None;
    }
    if has(PARKING) {
        return Some(PageKind::Parking);
    }
    if has(MAINTENANCE) {
        return Some(PageKind::Maintenance);
    }
    if has(NOT_FOUND) || matches!(title.as_str(), "404" | "ошибка" | "error" | "not found") {
        return Some(PageKind::SoftNotFound);
    }
    static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?i)<input[^>]{0,200}type\s*=\s*["']?password"#).expect("a constant pattern that tests run")
    });
    if short && seen.chars().count() < 400 && PASSWORD.is_match(text) {
        return Some(PageKind::Login);
    }
    let letters = seen.chars().filter(|letter| letter.is_alphabetic()).count();
    (letters < 20 && text.contains("<script") || has(&["включите javascript", "enable javascript"]) && letters < 200)
        .then_some(PageKind::NeedsScripts)
}

/// Text outside tags, scripts and styles, folded; enough for judging, not for reading. One pass, whatever is unclosed.
fn visible(text: &str) -> String {
    let mut seen = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        seen.push_str(&rest[..at]);
        seen.push(' ');
        let tag = &rest[at..];
        let silent = ["script", "style", "head", "noscript", "!--"].into_iter().find(|name| {
            tag.get(1..=name.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(name))
                && (*name == "!--" || tag[1 + name.len()..].starts_with(|letter: char| !letter.is_alphanumeric()))
        });
        let end = match silent {
            Some("!--") => tag.find("-->").map(|end| end + 3),
            Some(name) => find_close(tag, name),
            None => tag.find('>').map(|end| end + 1),
        };
        rest = end.map_or("", |end| &tag[end..]);
        if seen.len() > SHORT * 8 {
            break;
        }
    }
    seen.push_str(&rest.chars().take(SHORT * 4).collect::<String>());
    fold(&seen)
}

fn find_close(tag: &str, name: &str) -> Option<usize> {
    let close = format!("</{name}");
    let bytes = tag.as_bytes();
    let start = bytes
        .windows(close.len())
        .position(|window| window.eq_ignore_ascii_case(close.as_bytes()))?;
    tag[start..].find('>').map(|end| start + end + 1)
}

impl PageKind {
    /// The refusal of an answer that is no page; nothing for a page.
    #[must_use]
    pub fn refusal(&self) -> Option<Problem> {
        Some(match self {
            Self::Html { .. } => return None,
            Self::Guard(name) => Problem::new("MSK-SITE-01").arg("guard", name),
            Self::Maintenance => Problem::new("MSK-SITE-02"),
            Self::Parking => Problem::new("MSK-SITE-03"),
            Self::SoftNotFound => Problem::new("MSK-SITE-04"),
            Self::NeedsScripts => Problem::new("MSK-SITE-05"),
            Self::Login => Problem::new("MSK-SITE-06"),
            Self::File(format) => Problem::new("MSK-SITE-07").arg("format", format),
            Self::Status(status) => Problem::new("MSK-SITE-08").arg("status", status),
            Self::TooLarge(bytes) => Problem::new("MSK-SITE-09")
                .arg("bytes", bytes)
                .arg("limit", MAX_HTML_BYTES),
            Self::Empty => Problem::new("MSK-SITE-16"),
        })
    }

    /// True when a guard or scripts stand before the page: the site is there, we may not see it.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        matches!(self, Self::Guard(_) | Self::NeedsScripts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, headers: &str, body: &str) -> PageKind {
        let (_, headers) = parse_headers(headers);
        classify(&Answer {
            status,
            headers: &headers,
            body: body.as_bytes(),
        })
    }

    #[test]
    fn what_is_no_page_is_told_by_name() {
        for (status, headers, body, expected) in [
            (
                403,
                "Server: ddos-guard",
                "<title>DDOS-GUARD</title>",
                PageKind::Guard("DDoS-Guard"),
            ),
            (
                200,
                "",
                "<title>Just a moment...</title><script></script>",
                PageKind::Guard("browser check"),
            ),
            (
                200,
                "",
                "<p>Подтвердите, что вы не робот</p>",
                PageKind::Guard("captcha"),
            ),
            (
                200,
                "",
                "<h1>На сайте ведутся технические работы</h1>",
                PageKind::Maintenance,
            ),
            (503, "", "<h1>Service</h1>", PageKind::Maintenance),
            (200, "", "<h1>Домен продаётся</h1>", PageKind::Parking),
            (
                200,
                "",
                "<title>Школа</title><h1>Страница не найдена</h1>",
                PageKind::SoftNotFound,
            ),
            (404, "", "<h1>Нет</h1>", PageKind::Status(404)),
            (
                200,
                "",
                "<div id=app></div><script src=a.js></script>",
                PageKind::NeedsScripts,
            ),
            (200, "", "<form>Вход <input type='password'></form>", PageKind::Login),
            (200, "Content-Type: text/html", "%PDF-1.4", PageKind::File("pdf")),
            (200, "", " \n", PageKind::Empty),
        ] {
            assert_eq!(kind(status, headers, body), expected, "{body}");
            assert!(expected.refusal().is_some());
        }
        let page = "<h1>Основные сведения</h1><p>Дата создания: 1975 год</p><script>grecaptcha</script>";
        assert!(matches!(
            kind(200, "Content-Type: text/plain", page),
            PageKind::Html { .. }
        ));
    }

    #[test]
    fn headers_are_read_as_tools_save_them() {
        let (status, headers) =
            parse_headers("HTTP/1.1 301 Moved\r\nLocation: x\r\n\r\nHTTP/2 403\r\nServer: a: b\r\n");
        assert_eq!((status, headers), (403, vec![("Server".to_owned(), "a: b".to_owned())]));
    }

    proptest::proptest! {
        #[test]
        fn no_answer_stops_the_judgement(body in "(<[!/a-z]{0,8}|[а-я>< =\"'-]){0,200}", status in 200u16..600) {
            let _ = kind(status, "", &body);
        }
    }
}
