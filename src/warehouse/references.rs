//! Texts that decide what a file means, kept in every version that a load was made with.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::sql::{Session, sql};
use super::store::Warehouse;
use super::text::{moment, read_moment};
use crate::message::Problem;

/// What a text is (справочник).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReferenceKind {
    /// The manifest of a connector.
    Connector,
    /// The list of subjects.
    Subjects,
    /// Scales and minimums, each with its source document.
    Scales,
}

impl ReferenceKind {
    /// The word of the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connector => "connector",
            Self::Subjects => "subjects",
            Self::Scales => "scales",
        }
    }
}

/// A text that a load is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// What it is.
    pub kind: ReferenceKind,
    /// Id of the connector, or the file.
    pub name: String,
    /// The text itself.
    pub text: Arc<str>,
}

impl Reference {
    /// Hash of kind, name and text: the version.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut hash = blake3::Hasher::new();
        for part in [self.kind.as_str(), &self.name, &self.text] {
            hash.update(part.as_bytes());
            hash.update(b"\0");
        }
        hash.finalize().to_hex()[..32].to_owned()
    }
}

/// A text as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptReference {
    /// The version.
    pub hash: String,
    /// `connector`, `subjects`, `scales`.
    pub kind: String,
    /// Id of the connector, or the file.
    pub name: String,
    /// The text itself.
    pub text: String,
    /// When the first load was made with it.
    pub first_used: DateTime<Utc>,
}

impl Warehouse {
    /// The text whose version begins so; `None` when there is no such one or more than one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn reference(&self, version: &str) -> Result<Option<KeptReference>, Problem> {
        let rows: Vec<(String, String, String, String, String)> = sql(
            "read a reference text",
            "select hash, kind, name, content, first_used_at from reference where hash >= $1 and hash < $1 || 'g' \
             limit 2",
        )
        .bind(version)
        .all(&self.readers)
        .await?;
        let [(hash, kind, name, text, first_used)] = rows.as_slice() else {
            return Ok(None);
        };
        Ok(Some(KeptReference {
            hash: hash.clone(),
            kind: kind.clone(),
            name: name.clone(),
            text: text.clone(),
            first_used: read_moment("reference", first_used)?,
        }))
    }
}

/// Keeps the texts of a load that were not kept yet and names them in the load.
pub(super) async fn record(
    session: &mut Session<'_>,
    run: i64,
    references: Vec<Reference>,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let what = "keep the texts a load is made with";
    for reference in references {
        let hash = reference.hash();
        sql(
            what,
            "insert into reference (hash, kind, name, content, first_used_at) values ($1, $2, $3, $4, $5) \
             on conflict (hash) do nothing",
        )
        .bind(&hash)
        .bind(reference.kind.as_str())
        .bind(&reference.name)
        .bind(&*reference.text)
        .bind(moment(now))
        .execute(&mut *session)
        .await?;
        sql(what, "insert into run_reference (run, reference) values ($1, $2)")
            .bind(run)
            .bind(&hash)
            .execute(&mut *session)
            .await?;
    }
    Ok(())
}
