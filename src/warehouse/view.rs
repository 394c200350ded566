//! One consistent view of the warehouse for a reading that takes many statements.

use sqlx::{Postgres, Sqlite, Transaction};

use super::sql::{Readers, Session, sql};
use super::store::{Warehouse, refused};
use crate::message::Problem;

/// The warehouse as it was at one moment (снимок хранилища): loads published later are not in it, on either database.
/// While it is open the embedded database cannot shorten its log and a server keeps old row versions; close it soon.
/// It only reads: dropping it loses nothing.
#[derive(Debug)]
pub struct View {
    transaction: Reading,
    /// A load was under way: some values hold although their replacement is written already.
    pub(super) is_loading: bool,
}

#[derive(Debug)]
enum Reading {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Warehouse {
    /// Opens a view of this moment.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn view(&self) -> Result<View, Problem> {
        let failed = |error| refused("open a view", &error);
        let transaction = match &self.readers {
            Readers::Sqlite(pool) => Reading::Sqlite(pool.begin().await.map_err(failed)?),
            Readers::Postgres(pool) => {
                let begin = "begin isolation level repeatable read, read only";
                Reading::Postgres(pool.begin_with(begin).await.map_err(failed)?)
            }
        };
        let mut view = View {
            transaction,
            is_loading: false,
        };
        // The first statement of the transaction fixes its moment.
        let loading: i64 = sql("open a view", "select count(*) from run where state = 'loading'")
            .scalar(&mut view.session())
            .await?;
        view.is_loading = loading > 0;
        Ok(view)
    }
}

impl View {
    pub(super) fn session(&mut self) -> Session<'_> {
        match &mut self.transaction {
            Reading::Sqlite(transaction) => Session::Sqlite(transaction),
            Reading::Postgres(transaction) => Session::Postgres(transaction),
        }
    }

    /// Gives the connection back.
    ///
    /// # Errors
    /// When the database refuses; what was read stays right.
    pub async fn close(self) -> Result<(), Problem> {
        let closed = match self.transaction {
            Reading::Sqlite(transaction) => transaction.rollback().await,
            Reading::Postgres(transaction) => transaction.rollback().await,
        };
        closed.map_err(|error| refused("close a view", &error))
    }
}
