//! What a failed step means for the letter: try again, give up, or a person has to act.

use std::error::Error;

use super::clean;
use super::smtp::SmtpSettings;
use super::trust::unprotected;
use crate::message::Problem;

/// Longest part of a server's answer that is kept.
const REPLY_LETTERS: usize = 200;

/// A step of the conversation, named as administrators of mail know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Connect,
    Hello,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    End,
}

impl Stage {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Hello => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL FROM",
            Self::Rcpt => "RCPT TO",
            Self::Data => "DATA",
            Self::End => "END OF DATA",
        }
    }
}

/// The problem of a failed step, and whether the connection can go on after it.
pub(super) fn classify(
    settings: &SmtpSettings,
    stage: Stage,
    error: &lettre::transport::smtp::Error,
) -> (Problem, bool) {
    if let Some(code) = error.status() {
        let code = u16::from(code);
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        // 421 closes the channel (RFC 5321, 3.8).
        return (
            refusal(settings, stage, code, &text),
            code != 421 && stage >= Stage::Mail,
        );
    }
    let certificate = matches!(stage, Stage::Connect | Stage::StartTls) && is_certificate(error);
    let problem = if error.is_client() && stage == Stage::Auth {
        denied(settings, stage, error.to_string())
    } else if error.is_tls() || error.is_client() || certificate {
        unprotected(settings, error)
    } else {
        lost(settings, stage).because(error)
    };
    (problem, false)
}

/// The connection is gone or never came up.
pub(super) fn lost(settings: &SmtpSettings, stage: Stage) -> Problem {
    Problem::new("MSK-MAIL-02")
        .arg("server", settings.server())
        .arg("stage", stage.as_str())
}

/// True when TLS broke by its own rules (certificate, version) and not because the network failed: rustls reports the
/// former as invalid data.
pub(super) fn is_certificate(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return error.kind() == std::io::ErrorKind::InvalidData;
        }
        cause = error.source();
    }
    false
}

fn refusal(settings: &SmtpSettings, stage: Stage, code: u16, text: &str) -> Problem {
    let reply = format!("{code} {}", without_addresses(text));
    let transient = code < 500;
    match (stage, code) {
        // 530, 534, 535, 538: authentication is missing or too weak (RFC 4954), whatever the step.
        (_, 530 | 534 | 535 | 538) => denied(settings, stage, reply),
        (Stage::Connect | Stage::Hello | Stage::StartTls | Stage::Auth, _) if !transient => {
            denied(settings, stage, reply)
        }
        (Stage::Mail, _) if !transient => Problem::new("MSK-MAIL-10")
            .arg("server", settings.server())
            .arg("reply", reply),
        _ => Problem::new(if transient { "MSK-MAIL-04" } else { "MSK-MAIL-06" })
            .arg("stage", stage.as_str())
            .arg("reply", reply),
    }
}

fn denied(settings: &SmtpSettings, stage: Stage, reply: String) -> Problem {
    Problem::new("MSK-MAIL-07")
        .arg("server", settings.server())
        .arg("stage", stage.as_str())
        .arg("reply", reply)
}

/// A server's answer for the journal: one line, cut, and no mailbox in it.
pub(super) fn without_addresses(text: &str) -> String {
    let line = clean::header_text(text);
    let words: Vec<_> = line
        .split(' ')
        .map(|word| if word.contains('@') { "<…>" } else { word })
        .collect();
    words.join(" ").chars().take(REPLY_LETTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Disposition;

    #[test]
    fn an_answer_is_kept_without_the_mailbox_it_names() {
        assert_eq!(
            without_addresses("5.1.1 <ivanova@edu.example>: no\r\nsuch user"),
            "5.1.1 <…> no such user"
        );
    }

    #[test]
    fn each_refusal_knows_who_has_to_act() {
        let settings = SmtpSettings::loopback(25);
        for (stage, code, expected, disposition) in [
            (Stage::Rcpt, 451, "MSK-MAIL-04", Disposition::Retry),
            (Stage::Rcpt, 550, "MSK-MAIL-06", Disposition::GiveUp),
            (Stage::End, 554, "MSK-MAIL-06", Disposition::GiveUp),
            (Stage::Mail, 550, "MSK-MAIL-10", Disposition::NeedsAdministrator),
            (Stage::Mail, 530, "MSK-MAIL-07", Disposition::NeedsAdministrator),
            (Stage::Auth, 535, "MSK-MAIL-07", Disposition::NeedsAdministrator),
            (Stage::Auth, 454, "MSK-MAIL-04", Disposition::Retry),
            (Stage::Hello, 554, "MSK-MAIL-07", Disposition::NeedsAdministrator),
            (Stage::Hello, 421, "MSK-MAIL-04", Disposition::Retry),
        ] {
            let problem = refusal(&settings, stage, code, "text");
            assert_eq!(
                (problem.code(), problem.disposition()),
                (expected, disposition),
                "{stage:?} {code}"
            );
        }
    }
}
