//! `[mail]`: from whom, and by which way letters leave.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::paths::{beside, given};
use super::secret::Credential;
use crate::domain::letter::Mailbox;
use crate::strict_toml::Section;

/// How letters are sent.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Sender of every letter.
    pub from: Mailbox,
    /// The way out.
    pub transport: Transport,
}

/// The way out.
#[derive(Debug, Clone)]
pub enum Transport {
    /// Files in a folder, for trying things and for the demonstration.
    File {
        /// The folder; the state folder's `outbox` when absent.
        folder: Option<PathBuf>,
    },
    /// A mail server.
    Smtp(Smtp),
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// Host name.
    pub host: String,
    /// Port; 587 for STARTTLS, 465 for TLS, 25 without.
    pub port: u16,
    /// Protection of the connection.
    pub security: Security,
    /// User name, when the server wants one.
    pub user: Option<String>,
    /// Password by name.
    pub password: Option<Credential>,
    /// Extra certificates, PEM.
    pub ca_bundle: Option<PathBuf>,
    /// Limit of every stage of a delivery.
    pub timeout: Duration,
}

/// Protection of a connection to the mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Plain greeting, then TLS or nothing.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None; accepted for loopback only.
    None,
}

impl Mail {
    pub(super) fn read(root: &Section<'_>, folder: &Path) -> Self {
        let Some(section) = root.section("mail") else {
            if !root.has("mail") {
                root.missing("mail", "раздел [mail]");
            }
            return Self {
                from: Mailbox {
                    name: String::new(),
                    address: String::new(),
                },
                transport: Transport::File { folder: None },
            };
        };
        let from = Mailbox {
            name: section.string("from_name").unwrap_or_default(),
            address: need_address(&section, "from_address"),
        };
        #[derive(Clone, Copy)]
        enum Way {
            File,
            Smtp,
        }
        let smtp = section.section("smtp");
        let file = section.section("file");
        let transport = match section.choice("transport", &[("file", Way::File), ("smtp", Way::Smtp)]) {
            Some(Way::Smtp) => match &smtp {
                Some(smtp) => Transport::Smtp(Smtp::read(smtp, folder)),
                None => {
                    section.missing("smtp", "раздел [mail.smtp]");
                    Transport::File { folder: None }
                }
            },
            Some(Way::File) => Transport::File {
                folder: file
                    .as_ref()
                    .and_then(|file| given(file, "folder"))
                    .map(|path| beside(folder, &path)),
            },
            None => {
                if !section.has("transport") {
                    section.missing("transport", "\"file\" или \"smtp\"");
                }
                Transport::File { folder: None }
            }
        };
        if let (Some(smtp), Transport::Smtp(_)) = (smtp, &transport) {
            smtp.done();
        }
        if let (Some(file), Transport::File { .. }) = (file, &transport) {
            let _ = file.string("folder");
            file.done();
        }
        section.done();
        Self { from, transport }
    }
}

impl Smtp {
    fn read(section: &Section<'_>, folder: &Path) -> Self {
        let host = section.need_string("host");
        let security = section
            .choice(
                "security",
                &[
                    ("starttls", Security::StartTls),
                    ("tls", Security::Tls),
                    ("none", Security::None),
                ],
            )
            .unwrap_or(Security::StartTls);
        if security == Security::None && !matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1") {
            section.refuse("security", "без шифрования допустим только сервер на этой же машине");
        }
        let default_port = match security {
            Security::StartTls => 587,
            Security::Tls => 465,
            Security::None => 25,
        };
        let port = section.integer("port", 1..=65_535).unwrap_or(default_port);
        if section.has("password") && !section.has("user") {
            section.missing("user", "имя пользователя к паролю");
        }
        Self {
            host,
            port: u16::try_from(port).unwrap_or(587),
            security,
            user: section.string("user"),
            password: section
                .string("password")
                .map(|name| Credential::new(name, section.place_of("password"), folder)),
            ca_bundle: given(section, "ca_bundle").map(|path| beside(folder, &path)),
            timeout: section.duration("timeout").unwrap_or(Duration::from_secs(60)),
        }
    }
}

/// An e-mail address that must be there and look like one.
pub(super) fn need_address(section: &Section<'_>, key: &str) -> String {
    let address = section.need_string(key);
    check_address(section, key, &address);
    address
}

/// An e-mail address that may be left out.
pub(super) fn given_address(section: &Section<'_>, key: &str) -> Option<String> {
    let address = given(section, key)?;
    check_address(section, key, &address);
    Some(address)
}

fn check_address(section: &Section<'_>, key: &str, address: &str) {
    if !address.is_empty() && !looks_like_address(address) {
        section.refuse(
            key,
            "это не адрес электронной почты: нужен вид имя@домен латиницей, домен .рф — в виде xn--…",
        );
    }
}

/// What any mail server takes: words of ASCII letters, digits and a few marks between dots, one `@`, a dotted name.
fn looks_like_address(address: &str) -> bool {
    let Some((local, host)) = address.split_once('@') else {
        return false;
    };
    let is_word = |word: &str| {
        let letters = |letter: u8| letter.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&letter);
        !word.is_empty() && word.bytes().all(letters)
    };
    let is_label = |label: &str| {
        let letters = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(letters)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    local.len() <= 64 && local.split('.').all(is_word) && host.contains('.') && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_letters_cannot_be_sent_to_is_refused_in_the_configuration() {
        for good in ["office@edu.example", "a.b+c_d-1@xn--80aswg.xn--p1ai"] {
            assert!(looks_like_address(good), "{good}");
        }
        for bad in [
            "office",
            "@edu.example",
            "office@",
            "office@localhost",
            "otdel@школа.рф",
            "отдел@edu.example",
            "a..b@vg.example",
            ".a@vg.example",
            "a.@vg.example",
            "a@vg..example",
            "a@-vg.example",
            "a@b@vg.example",
            "a b@vg.example",
            "a@vg.example>",
        ] {
            assert!(!looks_like_address(bad), "{bad}");
        }
    }
}
