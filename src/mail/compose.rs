//! A letter becomes the bytes of one message (RFC 5322), the same bytes each time.

use lettre::message::header::{
    ContentDisposition, ContentId, ContentTransferEncoding, ContentType, From, HeaderName, HeaderValue, Headers,
    ReplyTo, To,
};
use lettre::message::{MultiPart, SinglePart};

use super::clean;
use crate::domain::letter::{Attachment, Letter, Mailbox};
use crate::message::Problem;

/// Largest message: servers take 20–25 MB as a rule, and the encoding adds a third.
const MAX_BYTES: usize = 20 << 20;

/// Who the letters come from (отправитель).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Display name and address of `From`; its domain also closes Message-ID and List-Id.
    pub from: Mailbox,
}

impl Sender {
    /// A sender of a display name and an address.
    #[must_use]
    pub fn new(name: &str, address: &str) -> Self {
        Self {
            from: Mailbox {
                name: name.to_owned(),
                address: address.to_owned(),
            },
        }
    }
}

/// The message of a letter: `mixed(related(alternative(text, html), pictures), files)`, levels without parts left
/// out. ASCII with CRLF only; every body is base64, so no byte of a source stands in the open.
///
/// # Errors
/// `MSK-MAIL-01` for an address that is none, `MSK-MAIL-12` for a letter above 20 MiB.
pub fn compose(letter: &Letter, sender: &Sender) -> Result<Vec<u8>, Problem> {
    let headers = headers(letter, sender)?;
    let mut bytes = headers.to_string().into_bytes();
    bytes.extend_from_slice(&body(letter).formatted());
    let refuse = |what: String| Problem::new("MSK-MAIL-12").arg("key", &letter.key).arg("what", what);
    if bytes.len() > MAX_BYTES {
        return Err(refuse(format!("{} MiB > {} MiB", bytes.len() >> 20, MAX_BYTES >> 20)));
    }
    if !clean::is_sendable(&bytes) {
        return Err(refuse("CR, LF, ASCII".to_owned()));
    }
    Ok(bytes)
}

fn headers(letter: &Letter, sender: &Sender) -> Result<Headers, Problem> {
    let from = mailbox("From", &sender.from)?;
    let domain = from.email.domain().to_owned();
    let mut headers = Headers::new();
    headers.set(From::from(
        vec![from].into_iter().collect::<lettre::message::Mailboxes>(),
    ));
    headers.set(To::from(lettre::message::Mailboxes::from(mailbox("To", &letter.to)?)));
    if let Some(reply_to) = &letter.reply_to {
        headers.set(ReplyTo::from(lettre::message::Mailboxes::from(mailbox(
            "Reply-To", reply_to,
        )?)));
    }
    text(&mut headers, "Subject", &letter.subject);
    exact(&mut headers, "Date", letter.date.to_rfc2822());
    exact(&mut headers, "Message-ID", message_id(letter, &domain));
    if let Some(thread) = &letter.thread {
        // A root that was never sent: all letters of one occurrence hang under it whichever of them arrived.
        let root = format!("<thread.{}@{domain}>", digest(thread));
        exact(&mut headers, "In-Reply-To", root.clone());
        exact(&mut headers, "References", root);
    }
    exact(&mut headers, "Auto-Submitted", "auto-generated".to_owned());
    // Exchange answers automatic letters with "out of office" unless told not to.
    exact(&mut headers, "X-Auto-Response-Suppress", "All".to_owned());
    exact(
        &mut headers,
        "List-Id",
        format!("<{}.msoko.{domain}>", slug(letter.kind)),
    );
    exact(&mut headers, "Content-Language", "ru".to_owned());
    exact(&mut headers, "MIME-Version", "1.0".to_owned());
    Ok(headers)
}

fn mailbox(field: &str, mailbox: &Mailbox) -> Result<lettre::message::Mailbox, Problem> {
    let name = clean::header_text(&mailbox.name);
    let address = clean::address(field, &mailbox.address)?;
    Ok(lettre::message::Mailbox::new(
        (!name.is_empty()).then_some(name),
        address,
    ))
}

/// `<20260216T080000.digest.<hash of the key>@domain>`; the file transport names its files by it.
fn message_id(letter: &Letter, domain: &str) -> String {
    let moment = letter.date.format("%Y%m%dT%H%M%S");
    format!("<{moment}.{}.{}@{domain}>", slug(letter.kind), digest(&letter.key))
}

fn digest(key: &str) -> String {
    blake3::hash(key.as_bytes()).to_hex()[..24].to_owned()
}

fn slug(kind: &str) -> String {
    kind.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect()
}

fn text(headers: &mut Headers, name: &'static str, value: &str) {
    headers.insert_raw(HeaderValue::new(
        HeaderName::new_from_ascii_str(name),
        clean::header_text(value),
    ));
}

/// A value of our own making: short, ASCII, one line; encoding or folding would only spoil it.
fn exact(headers: &mut Headers, name: &'static str, value: String) {
    headers.insert_raw(HeaderValue::dangerous_new_pre_encoded(
        HeaderName::new_from_ascii_str(name),
        value.clone(),
        value,
    ));
}

fn body(letter: &Letter) -> MultiPart {
    let key = digest(&letter.key);
    // Base64 has no hyphen, hence no body can contain a boundary.
    let boundary = |level: &str| format!("=-{level}-{key}");
    let mut body = MultiPart::alternative()
        .boundary(boundary("alternative"))
        .singlepart(part(ContentType::TEXT_PLAIN, clean::crlf(&letter.text).into_bytes()))
        .singlepart(part(ContentType::TEXT_HTML, clean::crlf(&letter.html).into_bytes()));
    let (pictures, files): (Vec<_>, Vec<_>) = letter
        .attachments
        .iter()
        .partition(|attachment| attachment.content_id.is_some());
    if !pictures.is_empty() {
        let related = MultiPart::related().boundary(boundary("related")).multipart(body);
        body = pictures.into_iter().map(attached).fold(related, MultiPart::singlepart);
    }
    if !files.is_empty() {
        let mixed = MultiPart::mixed().boundary(boundary("mixed")).multipart(body);
        body = files.into_iter().map(attached).fold(mixed, MultiPart::singlepart);
    }
    body
}

fn part(media_type: ContentType, bytes: Vec<u8>) -> SinglePart {
    SinglePart::builder()
        .header(media_type)
        .header(ContentTransferEncoding::Base64)
        .body(bytes)
}

fn attached(attachment: &Attachment) -> SinglePart {
    let plain = attachment.media_type.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let media_type = plain
        .then(|| ContentType::parse(&attachment.media_type).ok())
        .flatten()
        .unwrap_or_else(octet_stream);
    let name = clean::file_name(&attachment.name);
    let builder = SinglePart::builder()
        .header(media_type)
        .header(ContentTransferEncoding::Base64);
    let builder = match &attachment.content_id {
        Some(id) => builder
            .header(ContentDisposition::inline_with_name(&name))
            .header(ContentId::from(format!("<{}>", content_id(id)))),
        None => builder.header(ContentDisposition::attachment(&name)),
    };
    builder.body(attachment.bytes.clone())
}

fn octet_stream() -> ContentType {
    ContentType::parse("application/octet-stream").expect("a media type by RFC 2046")
}

fn content_id(id: &str) -> String {
    id.chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | '@'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        Letter {
            key: "digest/2026-02-16/specialist".to_owned(),
            kind: "digest",
            to: Mailbox {
                name: "Специалист, отдел оценки".to_owned(),
                address: "specialist@edu.example".to_owned(),
            },
            reply_to: None,
            subject: "Сроки на неделю: 2 просрочено".to_owned(),
            text: "раз\nдва\r.\rтри".to_owned(),
            html: "<p>раз</p>".to_owned(),
            attachments: vec![
                Attachment {
                    name: "график.png".to_owned(),
                    media_type: "image/png".to_owned(),
                    content_id: Some("chart".to_owned()),
                    bytes: b"\x89PNG".to_vec(),
                },
                Attachment {
                    name: "../срок.ics".to_owned(),
                    media_type: "text/calendar; charset=utf-8".to_owned(),
                    content_id: None,
                    bytes: b"BEGIN:VCALENDAR\n.\n".to_vec(),
                },
            ],
            date: "2026-02-16T08:00:00+03:00".parse().expect("a date"),
            thread: Some("1/20@2026-03-01".to_owned()),
        }
    }

    fn sender() -> Sender {
        Sender::new("МСОКО", "msoko@edu.example")
    }

    fn lines(bytes: &[u8]) -> Vec<String> {
        String::from_utf8(bytes.to_vec())
            .expect("ASCII")
            .split("\r\n")
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_message_has_each_header_once_and_its_parts_in_order() {
        let lines = lines(&compose(&letter(), &sender()).expect("a letter"));
        let names: Vec<_> = lines
            .iter()
            .take_while(|line| !line.is_empty())
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split(':').next().expect("a name"))
            .collect();
        assert_eq!(
            names,
            [
                "From",
                "To",
                "Subject",
                "Date",
                "Message-ID",
                "In-Reply-To",
                "References",
                "Auto-Submitted",
                "X-Auto-Response-Suppress",
                "List-Id",
                "Content-Language",
                "MIME-Version",
                "Content-Type"
            ]
        );
        let types: Vec<_> = lines
            .iter()
            .filter_map(|line| line.strip_prefix("Content-Type: "))
            .map(|value| value.split(';').next().expect("a type"))
            .collect();
        assert_eq!(
            types,
            [
                "multipart/mixed",
                "multipart/related",
                "multipart/alternative",
                "text/plain",
                "text/html",
                "image/png",
                "text/calendar"
            ]
        );
        assert!(lines.contains(&"Date: Mon, 16 Feb 2026 08:00:00 +0300".to_owned()));
        assert!(lines.contains(&"List-Id: <digest.msoko.edu.example>".to_owned()));
    }

    #[test]
    fn the_same_letter_gives_the_same_bytes_and_another_key_another_id() {
        let first = compose(&letter(), &sender()).expect("a letter");
        assert_eq!(first, compose(&letter(), &sender()).expect("the same"));
        let other = Letter {
            key: "digest/2026-02-16/head".to_owned(),
            ..letter()
        };
        let id = |bytes: &[u8]| {
            lines(bytes)
                .into_iter()
                .find(|line| line.starts_with("Message-ID"))
                .expect("an id")
        };
        assert_ne!(id(&first), id(&compose(&other, &sender()).expect("a letter")));
    }

    #[test]
    fn what_a_source_wrote_adds_no_header_and_no_recipient() {
        for attack in [
            "МКОУ\r\nBcc: all@x.example",
            "МКОУ\nBcc: all@x.example",
            "МКОУ\rBcc: all@x.example",
            "a\r\n\r\n<script>",
            "a\u{2028}Bcc: all@x.example",
            "\\\" <all@x.example>, \"b",
            "=?utf-8?Q?=0D=0ABcc:_all@x.example?=",
            "; name=\"x\r\nBcc: all@x.example\"",
        ] {
            let mut letter = letter();
            letter.subject = format!("Сроки: {attack}");
            letter.to.name = attack.to_owned();
            letter.key = attack.to_owned();
            letter.thread = Some(attack.to_owned());
            for attachment in &mut letter.attachments {
                attachment.name = attack.to_owned();
                attachment.media_type = format!("text/plain{attack}");
                attachment.content_id = attachment.content_id.as_ref().map(|_| attack.to_owned());
            }
            let bytes = compose(&letter, &sender()).expect("cleaned");
            assert!(clean::is_sendable(&bytes));
            let lines = lines(&bytes);
            assert!(
                !lines.iter().any(|line| line.to_lowercase().starts_with("bcc")),
                "{attack}"
            );
            assert_eq!(
                lines.iter().filter(|line| line.starts_with("To:")).count(),
                1,
                "{attack}"
            );
            let to = lines
                .iter()
                .position(|line| line.starts_with("To:"))
                .expect("a recipient");
            let to: String = lines[to..]
                .iter()
                .take_while(|line| !line.starts_with("Subject"))
                .cloned()
                .collect();
            assert!(to.ends_with("<specialist@edu.example>"), "{to}");
        }
        let mut letter = letter();
        letter.to.address = "a@x.example>\r\nRCPT TO:<b@x.example".to_owned();
        assert_eq!(
            compose(&letter, &sender()).expect_err("no address").code(),
            "MSK-MAIL-01"
        );
    }

    #[test]
    fn a_letter_too_large_for_any_server_is_refused_with_its_size() {
        let mut letter = letter();
        letter.attachments[1].bytes = vec![0; 16 << 20];
        let problem = compose(&letter, &sender()).expect_err("too large");
        assert_eq!(problem.code(), "MSK-MAIL-12");
        assert_eq!(problem.get("what"), Some("21 MiB > 20 MiB"));
    }
}
