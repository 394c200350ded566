//! What was loaded before: by series, by file, by snapshot.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::chunk::PIECE;
use super::load::SnapshotId;
use super::sql::sql;
use super::store::Warehouse;
use super::text::read_moment;
use crate::message::Problem;

/// What a load of a snapshot counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadRecord {
    /// Hash of the original.
    pub original: String,
    /// Id of the source.
    pub source: String,
    /// Id of the connector.
    pub connector: String,
    /// Rows of the source.
    pub rows_read: u64,
    /// Refused rows.
    pub quarantined: u64,
}

/// The newest delivery of one file of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSnapshot {
    /// Row of the snapshot.
    pub id: SnapshotId,
    /// File name.
    pub file: String,
    /// Hash of what was kept.
    pub hash: String,
    /// Hash of the original.
    pub original: String,
    /// Id of the connector.
    pub connector: String,
}

/// A snapshot whose bytes have to be in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSnapshot {
    /// Hash of the bytes.
    pub hash: String,
    /// Bytes before compression.
    pub size: u64,
    /// A source that brought it.
    pub source: String,
    /// Its file name there.
    pub file: String,
}

impl Warehouse {
    /// Snapshots of published loads in the order of their hashes, those after one of them.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn kept_snapshots(&self, after: &str, limit: u32) -> Result<Vec<KeptSnapshot>, Problem> {
        let rows: Vec<(String, i64, String, String)> = sql(
            "list snapshots",
            "select s.hash, max(s.size), min(s.source), min(s.file) from snapshot s where s.hash > $1 and s.removed_at is null \
             and exists (select 1 from run r where r.snapshot = s.id and r.state = 'published') \
             group by s.hash order by s.hash limit $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .all(&self.readers)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(hash, size, source, file)| KeptSnapshot {
                hash,
                size: size.cast_unsigned(),
                source,
                file,
            })
            .collect())
    }

    /// When each source last brought something that was loaded.
    ///
    /// # Errors
    /// When the database refuses or holds what this program cannot read.
    pub async fn last_loads(&self) -> Result<HashMap<String, DateTime<Utc>>, Problem> {
        let rows: Vec<(String, String)> = sql(
            "look for the last loads",
            // Jumps from source to source along the index: a plain grouping would read every load there ever was.
            "with recursive jump (source) as ( \
             select min(source) from run where state = 'published' \
             union all \
             select (select min(r.source) from run r where r.state = 'published' and r.source > jump.source) \
             from jump where jump.source is not null), \
             last (source, at) as ( \
             select source, (select max(r.finished_at) from run r where r.state = 'published' \
             and r.source = jump.source) from jump where source is not null) \
             select source, at from last where at is not null",
        )
        .all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|(source, at)| Ok((source, read_moment("run", &at)?)))
            .collect()
    }

    /// True when the last published load of a series had this fingerprint; the fingerprint then names the bytes too.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn is_read(&self, source: &str, series: &str, manifest: &str) -> Result<bool, Problem> {
        let last: Option<String> = sql(
            "look for an earlier load",
            "select manifest from run where source = $1 and series = $2 and state = 'published' \
             order by id desc limit 1",
        )
        .bind(source)
        .bind(series)
        .first_scalar(&self.readers)
        .await?;
        Ok(last.is_some_and(|by| by == manifest))
    }

    /// The last published load of each of these snapshots, by the hash of what was kept.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn loads(&self, snapshots: &[String]) -> Result<HashMap<String, LoadRecord>, Problem> {
        type Found = (String, Option<String>, String, String, i64, i64);
        let mut rows: Vec<Found> = Vec::new();
        for snapshots in snapshots.chunks(PIECE) {
            let found = sql(
                "list loads",
                "select s.hash, s.original_hash, s.source, s.connector, r.rows_read, r.quarantined from snapshot s \
                 join run r on r.snapshot = s.id where r.state = 'published' and s.hash in ",
            )
            .push_list(snapshots)
            .push(" order by r.id")
            .all(&self.readers)
            .await?;
            rows.extend(found);
        }
        Ok(rows
            .into_iter()
            .map(|(hash, original, source, connector, rows_read, quarantined)| {
                let record = LoadRecord {
                    original: original.unwrap_or_else(|| hash.clone()),
                    source,
                    connector,
                    rows_read: rows_read.cast_unsigned(),
                    quarantined: quarantined.cast_unsigned(),
                };
                (hash, record)
            })
            .collect())
    }

    /// The last published delivery of every file of a source, the newest first: what a replay reads again. Earlier
    /// deliveries of a file are left out: the last one answered their refused rows and stands in for them, and a number
    /// that it does not hold and did not close stays as it was read.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn last_snapshots(&self, source: &str) -> Result<Vec<LastSnapshot>, Problem> {
        let rows: Vec<(i64, String, String, Option<String>, String)> = sql(
            "list snapshots",
            "select s.id, s.file, s.hash, s.original_hash, s.connector from snapshot s where s.source = $1 \
             and s.id in (select max(r.snapshot) from run r join snapshot o on o.id = r.snapshot \
             where o.source = $1 and r.state = 'published' group by o.file) order by s.id desc",
        )
        .bind(source)
        .all(&self.readers)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(id, file, hash, original, connector)| LastSnapshot {
                id: SnapshotId(id),
                file,
                original: original.unwrap_or_else(|| hash.clone()),
                hash,
                connector,
            })
            .collect())
    }
}
