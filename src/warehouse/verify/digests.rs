//! The rows of every load, added up again.

use std::collections::HashMap;

use crate::message::{Problem, Problems};
use crate::warehouse::digest::{self, Columns, Digest, Hash};
use crate::warehouse::sql::{Record, sql};
use crate::warehouse::store::Warehouse;
use crate::warehouse::text::unreadable;

/// Rows read at once, some megabytes.
const PAGE: i64 = 10_000;

/// A published load with the digest it left, and its rows as they are now.
pub(super) struct Load {
    left: String,
    now: Digest,
}

impl Warehouse {
    /// Published loads by number, and how many others kept no digest.
    pub(super) async fn digested_loads(&self) -> Result<(HashMap<i64, Load>, u64), Problem> {
        let rows: Vec<(i64, Option<String>)> =
            sql("list loads", "select id, digest from run where state = 'published'")
                .all(&self.readers)
                .await?;
        let all = rows.len();
        let loads: HashMap<i64, Load> = rows
            .into_iter()
            .filter_map(|(run, digest)| {
                let load = Load {
                    left: digest?,
                    now: Digest::default(),
                };
                Some((run, load))
            })
            .collect();
        let without = (all - loads.len()) as u64;
        Ok((loads, without))
    }

    /// Reads every number and every fact once. What is published meanwhile is not in the list.
    pub(super) async fn digest_findings(&self, mut loads: HashMap<i64, Load>) -> Result<Problems, Problem> {
        self.add_up(
            "observation",
            (digest::OBSERVATION, " from observation where id > "),
            Columns::stored_observation,
            &mut loads,
        )
        .await?;
        self.add_up(
            "fact",
            (digest::FACT, " from fact where id > "),
            Columns::stored_fact,
            &mut loads,
        )
        .await?;
        let mut wrong: Vec<(i64, Load)> = loads
            .into_iter()
            .filter(|(_, load)| load.now.text() != load.left)
            .collect();
        wrong.sort_by_key(|(run, _)| *run);
        let mut found = Vec::new();
        for (run, _) in wrong.into_iter().take(super::MOST + 1) {
            let of: Option<(String, String, String)> = sql(
                "read a load",
                "select r.source, r.series, s.hash from run r join snapshot s on s.id = r.snapshot where r.id = $1",
            )
            .bind(run)
            .first(&self.readers)
            .await?;
            let (source, series, hash) = of.unwrap_or_default();
            found.push(
                Problem::new("MSK-KEEP-10")
                    .arg("run", run)
                    .arg("source", source)
                    .arg("series", series)
                    .arg("snapshot", hash),
            );
        }
        Ok(found)
    }

    async fn add_up(
        &self,
        table: &'static str,
        (columns, from): (&'static str, &'static str),
        hash_of: fn(&mut Columns, &Record) -> Result<Hash, sqlx::Error>,
        loads: &mut HashMap<i64, Load>,
    ) -> Result<(), Problem> {
        let (mut last, mut texts) = (0, Columns::default());
        loop {
            let rows = sql("read the rows of loads", "select ")
                .push(columns)
                .push(from)
                .push_bind(last)
                .push(" order by id limit ")
                .push_bind(PAGE)
                .records(&self.readers)
                .await?;
            for row in &rows {
                let wrong = |error: sqlx::Error| unreadable(table, last, error);
                let (id, run): (i64, i64) = (row.get("id").map_err(wrong)?, row.get("run").map_err(wrong)?);
                if let Some(load) = loads.get_mut(&run) {
                    load.now.add(hash_of(&mut texts, row).map_err(wrong)?);
                }
                last = id;
            }
            if rows.is_empty() {
                return Ok(());
            }
        }
    }
}
