//! What people did about deadlines: the evidence that closed them. Dates are computed, not stored.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::audit::{Action, Entry};
use super::sql::sql;
use super::store::Warehouse;
use super::text::{moment, read_moment};
use crate::message::Problem;

/// The document that closed a deadline (подтверждение).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Document, order, letter or report.
    pub document: String,
    /// Who noted it.
    pub done_by: String,
    /// When.
    pub done_at: DateTime<Utc>,
}

impl Warehouse {
    /// Closes a deadline; a second time corrects the document.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn close_deadline(
        &self,
        deadline: &str,
        document: &str,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let (deadline, document, by) = (deadline.to_owned(), document.to_owned(), by.to_owned());
        let audit = self.audit.clone();
        self.write("close a deadline", move |connection| {
            Box::pin(async move {
                sql(
                    "close a deadline",
                    "insert into evidence (deadline, document, done_by, done_at) values ($1, $2, $3, $4) \
                     on conflict (deadline) do update set document = excluded.document, \
                     done_by = excluded.done_by, done_at = excluded.done_at",
                )
                .bind(&deadline)
                .bind(document)
                .bind(by)
                .bind(moment(now))
                .execute(&mut *connection)
                .await?;
                let entry = Entry::new(Action::DeadlineClosed, deadline, serde_json::json!({}));
                audit.append(connection, &entry, now).await
            })
        })
        .await
    }

    /// Evidence by the id of the deadline.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn evidence(&self) -> Result<HashMap<String, Evidence>, Problem> {
        let rows: Vec<(String, String, String, String)> = sql(
            "read evidence",
            "select deadline, document, done_by, done_at from evidence",
        )
        .all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|(deadline, document, done_by, done_at)| {
                let done_at = read_moment("evidence", &done_at)?;
                Ok((
                    deadline,
                    Evidence {
                        document,
                        done_by,
                        done_at,
                    },
                ))
            })
            .collect()
    }
}
