//! A mail server for tests that does as it is told, on loopback.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the server does at a step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Action {
    /// The usual answer.
    Go,
    /// This answer.
    Say(&'static str),
    /// Silence.
    Hang,
    /// The connection is closed.
    Drop,
}

/// A letter as the server got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) to: String,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct Seen {
    letters: Vec<Kept>,
    commands: Vec<String>,
    connections: usize,
}

#[derive(Debug)]
pub(crate) struct ScriptedServer {
    pub(crate) port: u16,
    seen: Arc<Mutex<Seen>>,
}

/// Asked with the command line (`RCPT TO:<…>`; `END …` when the letter is complete, `STORED …` when it is kept) and
/// how many commands of this server said the same before.
type Script = fn(&str, usize) -> Action;

impl ScriptedServer {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().expect("no panic").connections += 1;
                tokio::spawn(talk(stream, script, Arc::clone(&shared)));
            }
        });
        Self { port, seen }
    }

    pub(crate) fn letters(&self) -> Vec<Kept> {
        self.seen.lock().expect("no panic").letters.clone()
    }

    pub(crate) fn commands(&self) -> Vec<String> {
        self.seen.lock().expect("no panic").commands.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().expect("no panic").connections
    }
}

async fn talk(stream: TcpStream, script: Script, seen: Arc<Mutex<Seen>>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut stream = BufReader::new(stream);
    answer(&mut stream, script, &seen, "CONNECT", "220 test ready").await?;
    let mut to = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let command = line.trim_end().to_owned();
        let verb = command.split([' ', ':']).next().unwrap_or("").to_ascii_uppercase();
        let usual = match verb.as_str() {
            "EHLO" => "250-test\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME",
            "AUTH" => "235 2.7.0 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 2.0.0 ok",
        };
        if verb == "RCPT" {
            to = command.trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned();
        }
        let went_on = answer(&mut stream, script, &seen, &command, usual).await?;
        if verb == "DATA" && went_on {
            let bytes = letter(&mut stream).await?;
            if answer(&mut stream, script, &seen, &format!("END {to}"), "").await? {
                let kept = Kept { to: to.clone(), bytes };
                seen.lock().expect("no panic").letters.push(kept);
                answer(
                    &mut stream,
                    script,
                    &seen,
                    &format!("STORED {to}"),
                    "250 2.0.0 queued as 1",
                )
                .await?;
            }
        }
    }
}

async fn letter(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n.\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    bytes.truncate(bytes.len() - 3);
    Some(bytes)
}

/// Answers as the script wants; `Some(true)` after the usual answer, `None` when the connection is over.
async fn answer(
    stream: &mut BufReader<TcpStream>,
    script: Script,
    seen: &Mutex<Seen>,
    command: &str,
    usual: &str,
) -> Option<bool> {
    let before = {
        let mut seen = seen.lock().expect("no panic");
        seen.commands.push(command.to_owned());
        seen.commands.iter().filter(|known| *known == command).count() - 1
    };
    let (text, goes_on) = match script(command, before) {
        Action::Go => (usual, true),
        Action::Say(text) => (text, false),
        Action::Hang => std::future::pending().await,
        Action::Drop => return None,
    };
    if !text.is_empty() {
        stream.write_all(format!("{text}\r\n").as_bytes()).await.ok()?;
    }
    Some(goes_on)
}
