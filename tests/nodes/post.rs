//! A mail server on loopback that takes every letter slowly and remembers each.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Between taking a letter and saying so: the time in which a kill makes the one copy nobody can avoid.
const SLOWNESS: Duration = Duration::from_millis(15);

/// A letter as it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) to: String,
    pub(crate) message_id: String,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) port: u16,
    taken: Arc<Mutex<Vec<Taken>>>,
    open: Arc<AtomicUsize>,
}

impl Post {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let post = Self {
            port: listener.local_addr().expect("an address").port(),
            taken: Arc::default(),
            open: Arc::default(),
        };
        let serving = post.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let post = serving.clone();
                std::thread::spawn(move || {
                    post.open.fetch_add(1, Ordering::SeqCst);
                    // A client that was killed hangs up in the middle.
                    let _hung_up = post.talk(&stream);
                    post.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        post
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().expect("no panic").clone()
    }

    /// Nobody is connected.
    pub(crate) fn is_idle(&self) -> bool {
        self.open.load(Ordering::SeqCst) == 0
    }

    fn talk(&self, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut lines = BufReader::new(stream);
        let say = |text: &str| (&*stream).write_all(format!("{text}\r\n").as_bytes());
        say("220 test ready")?;
        let mut to = String::new();
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let command = line.trim_end().to_ascii_uppercase();
            if command.starts_with("EHLO") {
                say("250-test\r\n250 8BITMIME")?;
            } else if command.starts_with("RCPT TO:<") {
                to = line.trim_end()["RCPT TO:<".len()..].trim_end_matches('>').to_owned();
                say("250 2.1.5 ok")?;
            } else if command == "DATA" {
                say("354 go on")?;
                self.take(&to, letter(&mut lines)?);
                std::thread::sleep(SLOWNESS);
                say("250 2.0.0 queued")?;
            } else if command == "QUIT" {
                return say("221 bye");
            } else {
                say("250 2.0.0 ok")?;
            }
        }
    }

    fn take(&self, to: &str, bytes: Vec<u8>) {
        self.taken.lock().expect("no panic").push(Taken {
            to: to.to_owned(),
            message_id: message_id(&bytes),
            bytes,
        });
    }
}

/// The header by which mail programs know a repeat.
pub(crate) fn message_id(letter: &[u8]) -> String {
    let text = String::from_utf8_lossy(letter);
    let found = text.lines().find_map(|line| line.strip_prefix("Message-ID: "));
    found.expect("a Message-ID").trim().to_owned()
}

fn letter(lines: &mut BufReader<&TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n.\r\n") {
        if lines.read_until(b'\n', &mut bytes)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    bytes.truncate(bytes.len() - b".\r\n".len());
    Ok(bytes)
}
