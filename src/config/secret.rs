//! Secrets by name: systemd credentials first, then a file; never a value in the configuration.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::environment;
use crate::message::Problem;

/// Longest secret that is read; passwords and tokens are far shorter.
const MAX_SECRET_BYTES: u64 = 8 * 1024;

/// Name of a secret (учётные данные). Prints its name, never its value.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    name: String,
    place: String,
    folder: PathBuf,
}

impl Credential {
    pub(super) fn new(name: String, place: String, folder: &Path) -> Self {
        Self {
            name,
            place,
            folder: folder.to_owned(),
        }
    }

    /// Reads the secret: `$CREDENTIALS_DIRECTORY/msoko_NAME` (a folder given to `LoadCredential=msoko:`),
    /// `$CREDENTIALS_DIRECTORY/NAME`, then `credentials/NAME` beside `msoko.toml`, or the path itself when the name
    /// is an absolute path.
    ///
    /// # Errors
    /// `MSK-CFG-08` names the secret, where it was looked for and where the configuration asks for it.
    pub fn reveal(&self) -> Result<SecretString, Problem> {
        let mut tried = Vec::new();
        for path in self.places() {
            match std::fs::File::open(&path) {
                Ok(file) => {
                    let mut text = String::new();
                    file.take(MAX_SECRET_BYTES)
                        .read_to_string(&mut text)
                        .map_err(|error| self.problem(&path.display().to_string()).because(error))?;
                    let text = text.trim_end_matches(['\r', '\n']).to_owned();
                    if text.is_empty() {
                        return Err(self.problem(&format!("{} (пустой файл)", path.display())));
                    }
                    return Ok(SecretString::from(text));
                }
                Err(_) => tried.push(path.display().to_string()),
            }
        }
        Err(self.problem(&tried.join(", ")))
    }

    fn places(&self) -> Vec<PathBuf> {
        let path = Path::new(&self.name);
        if path.is_absolute() {
            return vec![path.to_owned()];
        }
        let mut places = Vec::new();
        if let Some(folder) = environment("CREDENTIALS_DIRECTORY") {
            places.push(Path::new(&folder).join(format!("msoko_{}", self.name)));
            places.push(Path::new(&folder).join(&self.name));
        }
        places.push(self.folder.join("credentials").join(&self.name));
        places
    }

    fn problem(&self, tried: &str) -> Problem {
        Problem::new("MSK-CFG-08")
            .arg("name", &self.name)
            .arg("tried", tried)
            .at(&self.place)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Credential({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_missing_secret_names_every_place_it_was_looked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let credential = Credential::new("smtp".to_owned(), "msoko.toml:9:1".to_owned(), folder.path());
        let problem = credential.reveal().expect_err("nothing there");
        assert!(problem.ru_line().contains("msoko.toml:9:1"));
        assert!(problem.ru_line().contains("credentials/smtp"));
        std::fs::create_dir(folder.path().join("credentials")).expect("a folder");
        std::fs::write(folder.path().join("credentials/smtp"), "s3cret\n").expect("a file");
        assert_eq!(credential.reveal().expect("the secret").expose_secret(), "s3cret");
        assert!(!format!("{credential:?} {:?}", credential.reveal()).contains("s3cret"));
    }
}
