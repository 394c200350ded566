//! fetch: what a source has to give right now, as deliveries that can be opened.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::context::Context;
use super::load::Load;
use super::read::shown_name;
use crate::config::{Config, Origin, Source};
use crate::decode::{Bytes, Input};
use crate::failpoint;
use crate::fetch::folder::{FolderOptions, Found, look_twice};
use crate::fetch::{Fetcher, HttpOptions, Outcome, Request, Robots, Trust, Validators};
use crate::manifest::{Connector, Personal};
use crate::message::{Problem, Problems};
use crate::privacy::detect::Exempt;
use crate::snapshot::TEMPORARY;

/// Bodies with pupils' rows stay in memory up to this size: not a byte of them reaches the disk. Files without them
/// pass the door whole up to this size before anything is kept.
pub const IN_MEMORY: u64 = 64 * 1024 * 1024;
/// Files without pupils' rows are held in memory up to this size, as bytes and then as rows, which become about as
/// large.
pub const AT_ONCE: u64 = 8 * 1024 * 1024;

/// A file or a body that arrived (доставка).
pub struct Delivery {
    /// File name without folders, for the door alone.
    pub name: String,
    /// The name by which the file may be shown, kept and compared with earlier deliveries.
    pub shown: String,
    /// Address or path, with the shown name.
    pub address: String,
    /// Where the bytes are.
    pub body: Body,
    /// What the server said about it.
    pub validators: Validators,
}

/// Where the bytes of a delivery are.
#[derive(Clone)]
pub enum Body {
    /// In the office's own folder, left where it lies.
    Found(Found),
    /// A file named on the command line.
    Path(PathBuf),
    /// In memory.
    Memory(Arc<[u8]>),
    /// A large body without personal data, in a temporary file of ours that goes when the delivery does.
    Temporary(Arc<tempfile::NamedTempFile>),
}

impl Delivery {
    /// A file of a folder.
    fn file(name: String, path: &Path, body: Body, exempt: &Arc<Exempt>) -> Self {
        Self {
            address: shown_path(path, exempt).display().to_string(),
            shown: shown_name(&name, exempt),
            name,
            body,
            validators: Validators::default(),
        }
    }

    /// The file that somebody named.
    fn by_hand(path: &Path, exempt: &Arc<Exempt>) -> Self {
        let name = path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Self::file(name, path, Body::Path(path.to_owned()), exempt)
    }

    /// Opens the bytes for reading from the front.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(&self) -> Result<Input, Problem> {
        let bytes = match &self.body {
            Body::Found(found) => Bytes::File(found.open().map_err(|problem| self.about(problem))?),
            Body::Path(path) => Bytes::File(open(path).map_err(|problem| self.about(problem))?),
            Body::Memory(bytes) => Bytes::Memory(Arc::clone(bytes)),
            Body::Temporary(file) => Bytes::File(open(file.path())?),
        };
        Ok(Input {
            file_name: self.name.clone(),
            bytes,
        })
    }

    /// Opens the bytes as a plain stream, for hashing and keeping.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn reader(&self) -> Result<Box<dyn Read + Send>, Problem> {
        Ok(match self.open()?.bytes {
            Bytes::File(file) => Box::new(file),
            Bytes::Memory(bytes) => Box::new(std::io::Cursor::new(bytes)),
            Bytes::Stream(stream) => stream,
        })
    }

    /// Size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match &self.body {
            Body::Found(found) => found.size,
            Body::Path(path) => std::fs::metadata(path).map_or(0, |about| about.len()),
            Body::Memory(bytes) => bytes.len() as u64,
            Body::Temporary(file) => file.as_file().metadata().map_or(0, |about| about.len()),
        }
    }

    /// Says when the office changed its file while it was read.
    ///
    /// # Errors
    /// The problem of `fetch::folder`: take it on the next pull.
    pub fn unchanged(&self) -> Result<(), Problem> {
        match &self.body {
            Body::Found(found) => found
                .open()
                .and_then(|file| found.unchanged(&file))
                .map_err(|problem| self.about(problem)),
            _ => Ok(()),
        }
    }

    /// The problem with the address as it may be shown.
    fn about(&self, problem: Problem) -> Problem {
        problem.instead("path", |_| self.address.clone())
    }
}

/// A path whose last part may be shown.
fn shown_path(path: &Path, exempt: &Arc<Exempt>) -> PathBuf {
    path.file_name().map_or_else(
        || path.to_owned(),
        |name| path.with_file_name(shown_name(&name.to_string_lossy(), exempt)),
    )
}

fn open(path: &Path) -> Result<File, Problem> {
    File::open(path).map_err(|error| Problem::new("MSK-FIL-01").arg("path", path.display()).because(error))
}

/// What a source gave.
#[derive(Default)]
pub struct Arrived {
    /// Files and bodies.
    pub deliveries: Vec<Delivery>,
    /// The server says that nothing changed.
    pub not_modified: bool,
    /// Files that are still being written.
    pub waiting: usize,
    /// Files that were not taken.
    pub problems: Problems,
}

/// Asks the folder or the address of a source for what it has, unless a file is given in its place.
///
/// # Errors
/// When the folder or the server cannot be reached at all.
pub async fn arrive(load: &Load, connectors: &[&Connector], file: Option<&Path>) -> Result<Arrived, Problem> {
    let (context, source) = (&load.context, &load.source);
    if let Some(path) = file {
        return Ok(Arrived {
            deliveries: vec![Delivery::by_hand(path, &load.exempt)],
            ..Arrived::default()
        });
    }
    match &source.origin {
        Origin::Folder(folder) => from_folder(source, folder, connectors, &load.exempt).await,
        Origin::Address(address) => from_address(context, source, address, connectors).await,
        Origin::EachSite => Ok(Arrived::default()),
    }
}

async fn from_folder(
    source: &Source,
    folder: &Path,
    connectors: &[&Connector],
    exempt: &Arc<Exempt>,
) -> Result<Arrived, Problem> {
    let include: Vec<&str> = source.include.iter().map(String::as_str).collect();
    let mut options = FolderOptions::new(folder, &include);
    options.settle = source.settle;
    options.max_bytes = max_bytes(source, connectors);
    let look = look_twice(&options).await?;
    let deliveries = look
        .settled
        .into_iter()
        .map(|found| {
            let (name, path) = (found.name.clone(), found.path.clone());
            Delivery::file(name, &path, Body::Found(found), exempt)
        })
        .collect();
    Ok(Arrived {
        deliveries,
        not_modified: false,
        waiting: look.waiting.len(),
        problems: look
            .problems
            .into_iter()
            .map(|problem| {
                problem
                    .instead("path", |path| shown_path(Path::new(path), exempt).display().to_string())
                    .instead("name", |name| shown_name(name, exempt))
            })
            .collect(),
    })
}

async fn from_address(
    context: &Context,
    source: &Source,
    address: &str,
    connectors: &[&Connector],
) -> Result<Arrived, Problem> {
    let options = HttpOptions {
        robots: Robots::Ignore,
        max_bytes: max_bytes(source, connectors),
        ..http_options(&context.config, source, HttpOptions::feed)?
    };
    let folded = connectors
        .iter()
        .any(|connector| connector.personal == Personal::Folded);
    let fetcher = Fetcher::new(options, context.traffic.clone())?;
    let mut request = Request::new(address);
    if let Some(known) = context.warehouse.validators(&source.id).await?.remove(address) {
        request.known = Validators {
            etag: known.etag,
            last_modified: known.last_modified,
            hash: known.body_hash,
        };
    }
    let spool = Spool::new(context.config.paths.incoming(), folded)?;
    let fetched = match fetcher.stream(&request, spool).await? {
        Outcome::NotModified { .. } => {
            return Ok(Arrived {
                not_modified: true,
                ..Arrived::default()
            });
        }
        Outcome::Fetched(fetched) => *fetched,
    };
    let name = name_of(address);
    let delivery = Delivery {
        shown: name.clone(),
        name,
        address: address.to_owned(),
        body: fetched.body.into_body(),
        validators: fetched.validators,
    };
    Ok(Arrived {
        deliveries: vec![delivery],
        ..Arrived::default()
    })
}

fn max_bytes(source: &Source, connectors: &[&Connector]) -> u64 {
    let default = connectors.iter().map(|connector| connector.defaults.max_bytes).max();
    source.max_bytes.or(default).unwrap_or(IN_MEMORY)
}

/// Options of a source's requests: the product's limits, the configuration's manners, the source's exceptions.
///
/// # Errors
/// When a certificate bundle or a password cannot be read.
pub fn http_options(
    config: &Config,
    source: &Source,
    kind: impl Fn(&str) -> HttpOptions,
) -> Result<HttpOptions, Problem> {
    let http = &config.http;
    let contact = http
        .user_agent
        .clone()
        .unwrap_or_else(|| format!("mailto:{}", config.authority.contact.address));
    let mut options = kind(&contact);
    options.apart = source.pace.unwrap_or(http.pace);
    options.proxy.clone_from(&http.proxy);
    options.allow_invalid_tls.clone_from(&source.allow_invalid_tls);
    options.allow_private.clone_from(&source.allow_private);
    if let Some(path) = source.ca_bundle.as_ref().or(http.ca_bundle.as_ref()) {
        options.trust = Trust::SystemAnd(read_bundle(path)?);
    }
    if let (Some(user), Some(password)) = (&source.user, &source.password) {
        options.authorization = Some(basic(user, &password.reveal()?));
    }
    Ok(options)
}

/// Largest certificate bundle: the whole store of a system has some 250 KiB.
const MAX_BUNDLE: u64 = 4 * 1024 * 1024;

/// Reads a PEM bundle.
///
/// # Errors
/// `MSK-FIL-01`.
pub fn read_bundle(path: &Path) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    open(path)?
        .take(MAX_BUNDLE)
        .read_to_end(&mut bytes)
        .map_err(|error| Problem::new("MSK-FIL-01").arg("path", path.display()).because(error))?;
    Ok(bytes)
}

/// The `Authorization` header of RFC 7617.
fn basic(user: &str, password: &SecretString) -> SecretString {
    let pair = format!("{user}:{}", password.expose_secret());
    SecretString::from(format!("Basic {}", base64(pair.as_bytes())))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for piece in bytes.chunks(3) {
        let word = piece.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - piece.len()));
        for position in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * position) & 63) as usize];
            text.push(if position <= piece.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}

fn name_of(address: &str) -> String {
    let path = address.split(['?', '#']).next().unwrap_or(address);
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    if name.is_empty() || name.contains(':') {
        "feed".to_owned()
    } else {
        name.to_owned()
    }
}

/// Takes a body in: memory first, a temporary file beyond [`AT_ONCE`] unless the source has pupils' rows.
struct Spool {
    folder: PathBuf,
    memory: Vec<u8>,
    file: Option<tempfile::NamedTempFile>,
    folded: bool,
}

impl Spool {
    fn new(folder: PathBuf, folded: bool) -> Result<Self, Problem> {
        std::fs::create_dir_all(&folder)
            .map_err(|error| Problem::new("MSK-FIL-02").arg("path", folder.display()).because(error))?;
        Ok(Self {
            folder,
            memory: Vec::new(),
            file: None,
            folded,
        })
    }

    fn into_body(self) -> Body {
        match self.file {
            Some(file) => Body::Temporary(Arc::new(file)),
            None => Body::Memory(self.memory.into()),
        }
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Some(file) = &mut self.file {
            return file.write(bytes);
        }
        let limit = if self.folded { IN_MEMORY } else { AT_ONCE };
        if (self.memory.len() + bytes.len()) as u64 <= limit {
            self.memory.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        if self.folded {
            return Err(std::io::Error::other(
                "a file about pupils does not fit into memory and may not be spilled",
            ));
        }
        let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&self.folder)?;
        file.write_all(&self.memory)?;
        failpoint::hit("body-spilled");
        self.memory = Vec::new();
        let written = file.write(bytes)?;
        self.file = Some(file);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_body_is_spilled_unless_it_is_about_pupils() {
        let dir = tempfile::tempdir().expect("a folder");
        let body = vec![b'x'; usize::try_from(AT_ONCE).expect("small") + 1];
        for folded in [false, true] {
            let mut spool = Spool::new(dir.path().to_owned(), folded).expect("made");
            spool.write_all(&body).expect("taken in");
            let spilled = matches!(spool.into_body(), Body::Temporary(_));
            assert_eq!(spilled, !folded);
        }
    }

    #[test]
    fn passwords_are_written_as_rfc_7617_says() {
        let header = basic("Aladdin", &SecretString::from("open sesame".to_owned()));
        assert_eq!(header.expose_secret(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }

    #[test]
    fn a_feed_is_named_after_its_address() {
        assert_eq!(name_of("https://rsoko.example/export.xml?year=2025"), "export.xml");
        assert_eq!(name_of("https://rsoko.example/"), "rsoko.example");
    }
}
