//! Where letters go: a mail server, or files for demonstrations and for offices without one.

use std::path::PathBuf;

use super::smtp::{SmtpSession, SmtpSettings};
use super::{clean, file};
use crate::message::Problem;

/// Sender and recipient of one transaction (конверт). One letter, one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// `MAIL FROM`: where refusals return to.
    pub from: String,
    /// `RCPT TO`.
    pub to: String,
}

/// What the other side said when it took the letter (подтверждение): the server's answer or the file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// `250 2.0.0 Ok: queued as 4F1D`, `20260216T080000.digest.1f0c….eml`.
    pub text: String,
}

/// The way letters leave (доставка).
#[derive(Debug, Clone)]
pub enum Transport {
    /// A mail server.
    Smtp(Box<SmtpSettings>),
    /// A folder: each letter as `.eml`, and as `.html` with its pictures inside for a browser.
    File(PathBuf),
}

impl Transport {
    /// Opens a session that takes letters one after another. A failure here concerns no letter: nothing was begun.
    ///
    /// # Errors
    /// `MSK-MAIL-02`, `-03`, `-04` pass by themselves; `-07`, `-08`, `-09`, `-13` need the administrator; `-14` when
    /// the folder cannot be made.
    pub async fn open(&self) -> Result<Session, Problem> {
        match self {
            Self::Smtp(settings) => SmtpSession::open(settings)
                .await
                .map(|open| Session(Kind::Smtp(Box::new(open)))),
            Self::File(folder) => file::prepare(folder.clone())
                .await
                .map(|()| Session(Kind::File(folder.clone()))),
        }
    }

    /// Opens a session, delivers one letter and closes it.
    ///
    /// # Errors
    /// Those of [`Transport::open`] and of [`Session::deliver`].
    pub async fn deliver(&self, envelope: &Envelope, bytes: &[u8]) -> Result<Receipt, Problem> {
        let mut session = self.open().await?;
        let result = session.deliver(envelope, bytes).await;
        session.close().await;
        result
    }
}

/// An open way out (сеанс).
#[derive(Debug)]
pub struct Session(Kind);

#[derive(Debug)]
enum Kind {
    Smtp(Box<SmtpSession>),
    File(PathBuf),
}

impl Session {
    /// Delivers the bytes that [`compose()`](super::compose()) made.
    ///
    /// # Errors
    /// `MSK-MAIL-02`, `-03`, `-04`, `-14`: try again, the same bytes. `-01`, `-06`, `-12`: give up. `-07`, `-10`: the
    /// administrator.
    pub async fn deliver(&mut self, envelope: &Envelope, bytes: &[u8]) -> Result<Receipt, Problem> {
        if !clean::is_sendable(bytes) {
            return Err(Problem::new("MSK-MAIL-12")
                .arg("key", file::message_name(bytes))
                .arg("what", "CR, LF, ASCII"));
        }
        match &mut self.0 {
            Kind::Smtp(session) => session.deliver(envelope, bytes).await,
            Kind::File(folder) => file::keep(folder.clone(), bytes.to_vec()).await,
        }
    }

    /// False when the next letter needs a new session: silence, a lost connection, or enough letters over this one.
    #[must_use]
    pub fn usable(&self) -> bool {
        match &self.0 {
            Kind::Smtp(session) => session.usable(),
            Kind::File(_) => true,
        }
    }

    /// Says goodbye; waits at most two seconds.
    pub async fn close(self) {
        if let Kind::Smtp(session) = self.0 {
            session.close().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::scripted_server::{Action, ScriptedServer};
    use super::super::smtp::{Credentials, Security};
    use super::*;
    use crate::message::Disposition;

    const BYTES: &[u8] = b"Message-ID: <20260216T080000.test.1@edu.example>\r\n\r\ntext\r\n.dot\r\n";

    fn envelope(to: &str) -> Envelope {
        Envelope {
            from: "msoko@edu.example".to_owned(),
            to: format!("{to}@edu.example"),
        }
    }

    fn settings(server: &ScriptedServer) -> SmtpSettings {
        SmtpSettings {
            step_limit: Duration::from_millis(300),
            end_limit: Duration::from_millis(300),
            ..SmtpSettings::loopback(server.port)
        }
    }

    fn over(settings: SmtpSettings) -> Transport {
        Transport::Smtp(Box::new(settings))
    }

    #[tokio::test]
    async fn one_refused_recipient_does_not_stop_the_others_of_the_session() {
        let server = ScriptedServer::start(|command, _| match command {
            "RCPT TO:<full@edu.example>" => Action::Say("452 4.2.2 mailbox full"),
            "RCPT TO:<nobody@edu.example>" => Action::Say("550 5.1.1 <nobody@edu.example> unknown"),
            "END late@edu.example" => Action::Say("451 4.3.0 later"),
            _ => Action::Go,
        })
        .await;
        let mut session = over(settings(&server)).open().await.expect("a session");
        for (to, code) in [
            ("first", None),
            ("full", Some("MSK-MAIL-04")),
            ("nobody", Some("MSK-MAIL-06")),
            ("late", Some("MSK-MAIL-04")),
            ("last", None),
        ] {
            let result = session.deliver(&envelope(to), BYTES).await;
            assert_eq!(result.as_ref().err().map(Problem::code), code, "{to}");
            assert!(session.usable());
            if let Err(problem) = result {
                assert!(!problem.to_string().contains("nobody"), "{problem}");
            }
        }
        session.close().await;
        let kept: Vec<_> = server.letters().into_iter().map(|letter| letter.to).collect();
        assert_eq!(kept, ["first@edu.example", "last@edu.example"]);
        assert_eq!(server.connections(), 1);
        assert_eq!(server.commands().iter().filter(|command| *command == "RSET").count(), 3);
    }

    #[tokio::test]
    async fn the_server_gets_the_bytes_as_they_are_with_dots_doubled_on_the_way_only() {
        let server = ScriptedServer::start(|_, _| Action::Go).await;
        let receipt = over(settings(&server))
            .deliver(&envelope("a"), BYTES)
            .await
            .expect("taken");
        assert_eq!(receipt.text, "250 2.0.0 queued as 1");
        let on_the_wire = String::from_utf8(server.letters()[0].bytes.clone()).expect("ASCII");
        assert_eq!(on_the_wire.replace("\r\n..", "\r\n."), String::from_utf8_lossy(BYTES));
    }

    #[tokio::test]
    async fn silence_at_any_step_ends_within_our_own_limit() {
        for (step, stage) in [
            ("CONNECT", "EHLO"),
            ("MAIL", "MAIL FROM"),
            ("RCPT", "RCPT TO"),
            ("DATA", "DATA"),
            ("END", "END OF DATA"),
            ("STORED", "END OF DATA"),
        ] {
            let server = ScriptedServer::start(match step {
                "CONNECT" => |command, _| {
                    if command.starts_with("CONNECT") {
                        Action::Hang
                    } else {
                        Action::Go
                    }
                },
                "MAIL" => |command, _| {
                    if command.starts_with("MAIL") {
                        Action::Hang
                    } else {
                        Action::Go
                    }
                },
                "RCPT" => |command, _| {
                    if command.starts_with("RCPT") {
                        Action::Hang
                    } else {
                        Action::Go
                    }
                },
                "DATA" => |command, _| {
                    if command.starts_with("DATA") {
                        Action::Hang
                    } else {
                        Action::Go
                    }
                },
                "END" => |command, _| {
                    if command.starts_with("END") {
                        Action::Hang
                    } else {
                        Action::Go
                    }
                },
                _ => |command, _| {
                    if command.starts_with("STORED") {
                        Action::Hang
                    } else {
                        Action::Go
                    }
                },
            })
            .await;
            let start = Instant::now();
            let problem = over(settings(&server))
                .deliver(&envelope("a"), BYTES)
                .await
                .expect_err("silence");
            assert_eq!((problem.code(), problem.get("stage")), ("MSK-MAIL-03", Some(stage)));
            assert_eq!(problem.disposition(), Disposition::Retry);
            assert!(
                start.elapsed() < Duration::from_secs(3),
                "{step}: {:?}",
                start.elapsed()
            );
        }
    }

    #[tokio::test]
    async fn a_lost_confirmation_is_repeated_with_the_same_bytes() {
        let server = ScriptedServer::start(|command, before| match command {
            "STORED a@edu.example" if before == 0 => Action::Drop,
            _ => Action::Go,
        })
        .await;
        let transport = over(settings(&server));
        let mut session = transport.open().await.expect("a session");
        let problem = session.deliver(&envelope("a"), BYTES).await.expect_err("dropped");
        assert_eq!(
            (problem.code(), problem.disposition()),
            ("MSK-MAIL-02", Disposition::Retry)
        );
        assert!(!session.usable());
        transport.deliver(&envelope("a"), BYTES).await.expect("taken");
        let letters = server.letters();
        assert_eq!(letters.len(), 2);
        assert_eq!(letters[0], letters[1]);
    }

    #[tokio::test]
    async fn a_wrong_password_is_the_administrators_business_and_stays_secret() {
        let server = ScriptedServer::start(|command, _| {
            if command.starts_with("AUTH") {
                Action::Say("535 5.7.8 bad credentials")
            } else {
                Action::Go
            }
        })
        .await;
        let settings = SmtpSettings {
            credentials: Some(Credentials {
                user: "msoko".to_owned(),
                password: "planted-secret".to_owned().into(),
            }),
            ..settings(&server)
        };
        assert!(!format!("{settings:?}").contains("planted-secret"));
        let problem = over(settings).open().await.expect_err("refused");
        assert_eq!(
            (problem.code(), problem.disposition()),
            ("MSK-MAIL-07", Disposition::NeedsAdministrator)
        );
        assert!(!problem.to_string().contains("planted-secret"));
    }

    #[tokio::test]
    async fn no_letter_leaves_without_the_protection_that_was_asked_for() {
        let server = ScriptedServer::start(|_, _| Action::Go).await;
        let bundle = SmtpSettings {
            security: Security::StartTls,
            ca_bundle: Some(b"nothing of use".to_vec()),
            ..settings(&server)
        };
        assert_eq!(
            over(bundle).open().await.expect_err("no certificate").code(),
            "MSK-MAIL-09"
        );
        let plain = SmtpSettings {
            security: Security::StartTls,
            ..settings(&server)
        };
        assert_eq!(over(plain).open().await.expect_err("not offered").code(), "MSK-MAIL-08");
        assert!(server.letters().is_empty());
    }

    #[tokio::test]
    async fn a_closed_port_is_an_outage_that_passes() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let problem = over(SmtpSettings::loopback(port)).open().await.expect_err("closed");
        assert_eq!((problem.code(), problem.get("stage")), ("MSK-MAIL-02", Some("CONNECT")));
    }

    #[tokio::test]
    async fn a_damaged_letter_is_not_sent() {
        let server = ScriptedServer::start(|_, _| Action::Go).await;
        let transport = over(settings(&server));
        let problem = transport
            .deliver(&envelope("a"), b"a: b\r\n\r\n\n.\r\nMAIL FROM:<x>\r\n")
            .await
            .expect_err("bare LF");
        assert_eq!(problem.code(), "MSK-MAIL-12");
        assert!(server.letters().is_empty());
    }
}
