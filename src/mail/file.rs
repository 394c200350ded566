//! Letters as files: `.eml` for mail programs, `.html` with its pictures inside for a browser.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::transport::Receipt;
use crate::message::Problem;

/// Makes the folder.
pub(super) async fn prepare(folder: PathBuf) -> Result<(), Problem> {
    blocking(move || std::fs::create_dir_all(&folder).map_err(|error| unwritten(&folder, &error))).await
}

/// Keeps one letter. The name comes from the Message-ID, so that a repeat replaces the file instead of doubling it.
pub(super) async fn keep(folder: PathBuf, bytes: Vec<u8>) -> Result<Receipt, Problem> {
    blocking(move || {
        let name = message_name(&bytes);
        if let Some(html) = html_with_pictures(&bytes) {
            write_whole(&folder, &format!("{name}.html"), html.as_bytes())?;
        }
        // The letter itself last: who finds the `.eml` finds the `.html` too.
        let file = format!("{name}.eml");
        write_whole(&folder, &file, &bytes)?;
        Ok(Receipt { text: file })
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Problem::new("MSK-BUG-01").arg("what", error)))
}

fn unwritten(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new("MSK-MAIL-14").arg("path", path.display()).because(error)
}

fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Problem> {
    let (target, unfinished) = (folder.join(name), folder.join(format!(".{name}.part")));
    let write = || {
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, &target)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error| unwritten(&target, &error))
}

/// The part of the Message-ID before `@`; letters that are not ours get the hash of their bytes.
pub(super) fn message_name(bytes: &[u8]) -> String {
    let id = parts(bytes)
        .next()
        .and_then(|head| head.header("message-id").map(str::to_owned))
        .unwrap_or_default();
    let local = id.trim_matches(['<', '>']).split('@').next().unwrap_or("");
    let safe = local
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    if safe && local.len() > 8 && local.len() < 120 && !local.starts_with('.') {
        local.to_owned()
    } else {
        blake3::hash(bytes).to_hex()[..24].to_owned()
    }
}

/// The text twin of a message that [`compose()`](super::compose()) made.
#[must_use]
pub fn text_of(bytes: &[u8]) -> Option<String> {
    parts(bytes)
        .find(|part| part.is("text/plain"))
        .and_then(|part| part.text())
}

fn html_with_pictures(bytes: &[u8]) -> Option<String> {
    let mut html = parts(bytes)
        .find(|part| part.is("text/html"))
        .and_then(|part| part.text())?;
    for part in parts(bytes) {
        if let Some(id) = part.header("content-id") {
            let media_type = part.header("content-type").unwrap_or("image/png");
            let data = format!("\"data:{media_type};base64,{}\"", part.body);
            html = html.replace(&format!("\"cid:{}\"", id.trim_matches(['<', '>'])), &data);
        }
    }
    Some(html)
}

/// One part of a message: its header lines, unfolded, and its base64 text without line ends.
#[derive(Debug, Default)]
struct Part {
    headers: Vec<String>,
    body: String,
}

impl Part {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn is(&self, media_type: &str) -> bool {
        self.header("content-type")
            .is_some_and(|value| value.starts_with(media_type))
    }

    fn text(&self) -> Option<String> {
        String::from_utf8(decode_base64(&self.body)?).ok()
    }
}

/// The parts of a message that [`compose()`](super::compose()) made, flat, the message's own head first: all bodies are
/// base64, which has no hyphen, so that each line that starts with two of them is a boundary.
fn parts(bytes: &[u8]) -> impl Iterator<Item = Part> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut found = vec![Part::default()];
    let mut in_body = false;
    for line in text.split("\r\n") {
        let Some(part) = found.last_mut() else { break };
        if line.starts_with("--") {
            found.push(Part::default());
            in_body = false;
        } else if in_body {
            part.body.push_str(line);
        } else if line.is_empty() {
            in_body = true;
        } else if let (true, Some(last)) = (line.starts_with([' ', '\t']), part.headers.last_mut()) {
            last.push_str(line);
        } else {
            part.headers.push(line.to_owned());
        }
    }
    found.into_iter()
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0u32, 0u32);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::transport::{Envelope, Transport};
    use super::super::{Sender, compose};
    use super::*;
    use crate::domain::letter::{Attachment, Letter, Mailbox};

    #[tokio::test]
    async fn a_letter_opens_in_a_browser_with_its_pictures_and_a_repeat_replaces_it() {
        let to = Mailbox {
            name: String::new(),
            address: "a@edu.example".to_owned(),
        };
        let letter = Letter {
            key: "report/1".to_owned(),
            kind: "report",
            to,
            reply_to: None,
            subject: "Справка".to_owned(),
            text: "текст".to_owned(),
            html: "<p>Справка</p><img src=\"cid:chart@msoko\" alt=\"\">".to_owned(),
            attachments: vec![Attachment {
                name: "график.png".to_owned(),
                media_type: "image/png".to_owned(),
                content_id: Some("chart@msoko".to_owned()),
                bytes: vec![7; 100],
            }],
            date: "2026-02-16T08:00:00+03:00".parse().expect("a date"),
            thread: None,
        };
        let bytes = compose(&letter, &Sender::new("", "msoko@edu.example")).expect("a letter");
        let folder = tempfile::tempdir().expect("a folder");
        let envelope = Envelope {
            from: "msoko@edu.example".to_owned(),
            to: "a@edu.example".to_owned(),
        };
        let transport = Transport::File(folder.path().join("outbox"));
        let receipt = transport.deliver(&envelope, &bytes).await.expect("written");
        assert_eq!(transport.deliver(&envelope, &bytes).await.expect("again"), receipt);
        assert!(receipt.text.starts_with("20260216T080000.report.") && receipt.text.ends_with(".eml"));

        let mut names: Vec<_> = std::fs::read_dir(folder.path().join("outbox"))
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        names.sort();
        assert_eq!(names, [receipt.text.clone(), receipt.text.replace(".eml", ".html")]);
        let html = std::fs::read_to_string(folder.path().join("outbox").join(&names[1])).expect("the page");
        assert!(
            html.starts_with("<p>Справка</p><img src=\"data:image/png;base64,BwcHBw"),
            "{html}"
        );
    }

    #[test]
    fn base64_is_read_back() {
        assert_eq!(decode_base64("0YHRgNC+0Lo=").as_deref(), Some("срок".as_bytes()));
        assert_eq!(decode_base64("0Y!"), None);
    }
}
