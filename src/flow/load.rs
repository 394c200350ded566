//! snapshot → decode → door → normalise → validate → load: one delivery into the warehouse.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::context::{Context, Stop, stopped};
use super::delivery::{AT_ONCE, Delivery, IN_MEMORY};
use super::read::{BATCH, ReadSummary, Reading, TakeBatch, publish, read, read_again, read_cleaned};
use crate::config::Source;
use crate::decode::{Bytes, Input};
use crate::domain::observation::Batch;
use crate::domain::unit::Register;
use crate::manifest::{Connector, Decode, Personal};
use crate::message::{Problem, Problems};
use crate::privacy::detect::Exempt;
use crate::privacy::folded::Folded;
use crate::privacy::folded_file;
use crate::snapshot::{self, Kept, SnapshotReader};
use crate::warehouse::again::Newer;
use crate::warehouse::load::{LoadSummary, NewRun, NewSnapshot, Run, SnapshotId};
use crate::warehouse::references::{Reference, ReferenceKind};

/// Batches between the reader's thread and the writer: as many as the writer puts into one transaction, so that the
/// reader fills the next one meanwhile; some two megabytes.
const QUEUE: usize = 8;

/// A workbook is packed: its rows take about so many times its size.
const PACKED: u64 = 16;

/// What a delivery did to the warehouse.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The counts; nothing when the warehouse knew the delivery already.
    pub summary: Option<LoadSummary>,
    /// What deserves attention and stopped nothing.
    pub warnings: Problems,
}

/// Batches of a reader's thread, and what it says at its end.
struct Incoming {
    batches: mpsc::Receiver<Batch>,
    reading: JoinHandle<Result<ReadSummary, Problem>>,
}

/// One load: who reads what for whom.
#[derive(Clone)]
pub struct Load {
    /// Everything about the authority.
    pub context: Arc<Context>,
    /// The source.
    pub source: Arc<Source>,
    /// Units as they are known now.
    pub register: Arc<Register>,
    /// Their names, which no detector takes for persons.
    pub exempt: Arc<Exempt>,
    /// The administrator confirms a delivery that is much smaller than the one before.
    pub confirmed: bool,
    /// Ends the load at its next chunk.
    pub stop: Stop,
    /// Hash of what decides the outcome besides the bytes and the connector.
    surroundings: blake3::Hash,
}

impl Load {
    /// Loads of one source with what is known now.
    #[must_use]
    pub fn new(context: &Arc<Context>, source: &Source, register: Register, confirmed: bool, stop: &Stop) -> Self {
        let around = (&source.context, register.units(), &context.scales);
        Self {
            surroundings: blake3::hash(format!("{around:?}").as_bytes()),
            context: Arc::clone(context),
            source: Arc::new(source.clone()),
            exempt: Arc::new(Exempt::new(&register)),
            register: Arc::new(register),
            confirmed,
            stop: stop.clone(),
        }
    }

    /// Loads one delivery through the connector whose header contract it meets.
    ///
    /// # Errors
    /// When the delivery is refused as a whole; nothing of it is visible then.
    pub async fn delivery(&self, delivery: Arc<Delivery>, connectors: &[&Connector]) -> Result<Loaded, Problem> {
        let original = hash_of(&delivery)?;
        let warehouse = &self.context.warehouse;
        for connector in connectors {
            let fingerprint = self.fingerprint(connector, &original);
            if warehouse
                .is_read(&self.source.id, &delivery.shown, &fingerprint)
                .await?
            {
                return Ok(Loaded::default());
            }
        }
        let connector = Arc::new(choose(self, &delivery, connectors)?.clone());
        let fingerprint = self.fingerprint(&connector, &original);
        let size = delivery.size();
        let unpacked = match connector.decode {
            Decode::Xlsx(_) => size.saturating_mul(PACKED),
            _ => size,
        };
        let long = connector.personal == Personal::None && unpacked > AT_ONCE;
        if long && (size > IN_MEMORY || self.is_clean(&delivery, &connector).await?) {
            return self.stream(delivery, connector, fingerprint).await;
        }
        self.behind_the_door(delivery, connector, original, fingerprint).await
    }

    /// Reads a file once for the door alone: a clean one may then be kept as it is and read again piece by piece.
    async fn is_clean(&self, delivery: &Arc<Delivery>, connector: &Arc<Connector>) -> Result<bool, Problem> {
        let mut incoming = self.reader(delivery, connector);
        while incoming.batches.recv().await.is_some() {}
        let summary = joined(incoming.reading).await?;
        summary.refused.map_or(Ok(summary.raw_is_clean), Err)
    }

    /// A delivery that fits into memory passes the door whole before a byte of it reaches the disk. What is kept is
    /// the file itself when the door found nothing in it, the door's output otherwise.
    async fn behind_the_door(
        &self,
        delivery: Arc<Delivery>,
        connector: Arc<Connector>,
        original: String,
        fingerprint: String,
    ) -> Result<Loaded, Problem> {
        let mut batches = Vec::new();
        let mut incoming = self.reader(&delivery, &connector);
        while let Some(batch) = incoming.batches.recv().await {
            batches.push(batch);
        }
        let summary = joined(incoming.reading).await?;
        delivery.unchanged()?;
        if let Some(problem) = summary.refused {
            return Err(problem);
        }
        let bytes = match &summary.folded {
            Some(folded) => Some(folded_bytes(folded, &connector, &delivery.shown, &original)?),
            None if summary.raw_is_clean => None,
            None => Some(self.cleaned(&delivery, &connector).await?),
        };
        let kept = match bytes {
            Some(bytes) => snapshot::keep(&self.folder(), bytes.as_slice())?,
            None => snapshot::keep(&self.folder(), delivery.reader()?)?,
        };
        let snapshot = self.record(&delivery, &connector, kept, original).await?;
        let run = self
            .begin(&delivery.shown, snapshot, fingerprint, &connector, None)
            .await?;
        let incoming = self.read_beside(move |_, take| {
            batches.into_iter().try_for_each(take)?;
            Ok(summary)
        });
        self.write(run, incoming, accepted).await
    }

    /// Reads a file once more, for what the door lets through.
    async fn cleaned(&self, delivery: &Arc<Delivery>, connector: &Arc<Connector>) -> Result<Vec<u8>, Problem> {
        let (load, delivery, connector) = (self.clone(), Arc::clone(delivery), Arc::clone(connector));
        let reading = move || read_cleaned(delivery.open()?, &load.reading(&connector));
        tokio::task::spawn_blocking(reading).await.map_err(bug)?
    }

    /// A long feed without pupils is copied first and read from front to back, a bounded piece at a time. The copy gets
    /// its name, and the load is published, when the door found nothing in the whole of it.
    async fn stream(
        &self,
        delivery: Arc<Delivery>,
        connector: Arc<Connector>,
        fingerprint: String,
    ) -> Result<Loaded, Problem> {
        let (folder, feed) = (self.folder(), Arc::clone(&delivery));
        let copying = tokio::task::spawn_blocking(move || snapshot::write(&folder, feed.reader()?));
        let copy = copying.await.map_err(bug)??;
        delivery.unchanged()?;
        let original = copy.kept().hash.clone();
        let snapshot = self
            .record(&delivery, &connector, copy.kept().clone(), original)
            .await?;
        let run = self
            .begin(&delivery.shown, snapshot, fingerprint, &connector, None)
            .await?;
        let incoming = self.reader(&delivery, &connector);
        let is_fit = |summary: ReadSummary| {
            if !summary.raw_is_clean {
                return Err(Problem::new("MSK-RUN-31").arg("file", &delivery.shown));
            }
            let warnings = accepted(summary)?;
            copy.name().map(|_| warnings)
        };
        self.write(run, incoming, is_fit).await
    }

    /// Reads a delivery on a thread of its own.
    fn reader(&self, delivery: &Arc<Delivery>, connector: &Arc<Connector>) -> Incoming {
        let (delivery, connector) = (Arc::clone(delivery), Arc::clone(connector));
        self.read_beside(move |load, take| load.read(delivery.open()?, &connector, take))
    }

    /// Reads on a thread that may block; batches come through a channel that holds a bounded number of them.
    fn read_beside<F>(&self, read: F) -> Incoming
    where
        F: FnOnce(&Self, &mut TakeBatch<'_>) -> Result<ReadSummary, Problem> + Send + 'static,
    {
        let (send, batches) = mpsc::channel(QUEUE);
        let load = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            read(&load, &mut |batch| {
                if load.stop.asked() {
                    return Err(stopped());
                }
                send.blocking_send(batch).map_err(|_| stopped())
            })
        });
        Incoming { batches, reading }
    }

    /// Writes what a reader gives, a bounded number of batches behind it, and ends the load. `judge` is asked once all of
    /// it has been read and nothing is visible yet: it gives the warnings, or why the load is taken back.
    async fn write(
        &self,
        mut run: Run,
        mut incoming: Incoming,
        judge: impl FnOnce(ReadSummary) -> Result<Problems, Problem>,
    ) -> Result<Loaded, Problem> {
        let mut staged = Ok(());
        while let Some(batch) = incoming.batches.recv().await {
            staged = self.stage(&mut run, batch).await;
            if staged.is_err() {
                break;
            }
        }
        // A reader that nobody listens to ends.
        drop(incoming.batches);
        let read = joined(incoming.reading).await;
        let outcome = staged.and(read).and_then(judge);
        self.end(run, outcome).await
    }

    fn read(&self, input: Input, connector: &Connector, sink: &mut TakeBatch<'_>) -> Result<ReadSummary, Problem> {
        read(
            input,
            &self.reading(connector),
            &mut |_, _, _| Err(Problem::new("MSK-RUN-13")),
            sink,
        )
    }

    /// How the source's files are read through a connector.
    #[must_use]
    pub fn reading<'a>(&'a self, connector: &'a Connector) -> Reading<'a> {
        Reading {
            connector,
            subjects: &self.context.subjects,
            scales: &self.context.scales,
            options: &self.source.context,
            register: Some(&self.register),
            exempt: &self.exempt,
            today: self.context.clock.today(),
            batch: BATCH,
        }
    }

    /// Loads again from the snapshot what was loaded before: with the manifest, the register and the scales of today, as
    /// a long feed is loaded, a bounded piece at a time. What `newer` deliveries say is left alone.
    ///
    /// # Errors
    /// When the snapshot is damaged or its content is refused.
    pub async fn again(&self, delivery: &Replay, connector: &Connector, newer: &Newer) -> Result<Loaded, Problem> {
        let limit = self
            .source
            .max_bytes
            .unwrap_or(connector.defaults.max_bytes)
            .max(IN_MEMORY)
            * 4;
        let snapshot = snapshot::open(&self.folder(), &delivery.hash, limit)?;
        let fingerprint = self.fingerprint(connector, &delivery.original);
        let run = self
            .begin(&delivery.name, delivery.snapshot, fingerprint, connector, Some(newer))
            .await?;
        let (delivery, connector) = (delivery.clone(), connector.clone());
        let incoming = self.read_beside(move |load, take| load.read_kept(snapshot, &delivery, &connector, take));
        self.write(run, incoming, accepted).await
    }

    /// Reads what was kept of a delivery: the file itself, what the door let through of it, or the sums over pupils.
    fn read_kept(
        &self,
        snapshot: SnapshotReader,
        delivery: &Replay,
        connector: &Connector,
        take: &mut TakeBatch<'_>,
    ) -> Result<ReadSummary, Problem> {
        if connector.personal == Personal::Folded {
            let (_, folded) = folded_file::read(snapshot)?;
            return publish(folded, &self.reading(connector), take).map(|_| ReadSummary::default());
        }
        if delivery.hash != delivery.original {
            return read_again(&delivery.name, snapshot, &self.reading(connector), take);
        }
        let input = Input {
            file_name: delivery.name.clone(),
            bytes: Bytes::Stream(Box::new(snapshot)),
        };
        self.read(input, connector, take)
    }

    async fn stage(&self, run: &mut Run, batch: Batch) -> Result<(), Problem> {
        if self.stop.asked() {
            return Err(stopped());
        }
        self.context.warehouse.stage(run, batch).await
    }

    async fn end(&self, run: Run, outcome: Result<Problems, Problem>) -> Result<Loaded, Problem> {
        let now = self.context.clock.now();
        match outcome {
            Ok(warnings) => {
                let summary = self.context.warehouse.publish(run, self.confirmed, now).await?;
                Ok(Loaded {
                    summary: Some(summary),
                    warnings,
                })
            }
            Err(problem) => {
                self.context.warehouse.abandon(run, &problem, now).await?;
                Err(problem)
            }
        }
    }

    async fn begin(
        &self,
        series: &str,
        snapshot: SnapshotId,
        manifest: String,
        connector: &Connector,
        newer: Option<&Newer>,
    ) -> Result<Run, Problem> {
        let mut references = self.context.references.clone();
        references.push(Reference {
            kind: ReferenceKind::Connector,
            name: connector.id.clone(),
            text: Arc::clone(&connector.text.0),
        });
        let new = NewRun {
            source: self.source.id.clone(),
            series: series.to_owned(),
            snapshot,
            manifest,
            scope: connector.scope,
            least_of_previous: connector.contract.least_of_previous,
            references,
        };
        let (warehouse, now) = (&self.context.warehouse, self.context.clock.now());
        match newer {
            Some(newer) => warehouse.begin_again(new, newer, now).await,
            None => warehouse.begin_run(new, now).await,
        }
    }

    async fn record(
        &self,
        delivery: &Delivery,
        connector: &Connector,
        kept: Kept,
        original: String,
    ) -> Result<SnapshotId, Problem> {
        let new = NewSnapshot {
            hash: kept.hash,
            size: kept.size,
            source: self.source.id.clone(),
            connector: connector.id.clone(),
            file: delivery.shown.clone(),
            address: Some(delivery.address.clone()),
            original_hash: Some(original),
            etag: delivery.validators.etag.clone(),
            last_modified: delivery.validators.last_modified.clone(),
        };
        self.context
            .warehouse
            .record_snapshot(new, self.context.clock.now())
            .await
    }

    fn folder(&self) -> std::path::PathBuf {
        self.context.config.paths.snapshots()
    }

    /// What decides the outcome: the manifest, what the source adds, the register, the scales; then the bytes.
    fn fingerprint(&self, connector: &Connector, original: &str) -> String {
        let mut hash = blake3::Hasher::new();
        hash.update(format!("{connector:?}").as_bytes());
        hash.update(self.surroundings.as_bytes());
        format!("{}:{original}", &hash.finalize().to_hex()[..32])
    }

    /// Reads up to the first row; gives the refusal when the file does not get that far.
    fn refusal_of_header(&self, input: Input, connector: &Connector) -> Option<Problem> {
        let mut reached = false;
        let outcome = self.read(input, connector, &mut |_| {
            reached = true;
            Err(stopped())
        });
        let refusal = match outcome {
            Ok(summary) => summary.refused,
            Err(problem) => Some(problem),
        };
        refusal.filter(|_| !reached)
    }
}

/// A delivery that is loaded again from its snapshot.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Name of the file as it is kept.
    pub name: String,
    /// Row of the snapshot.
    pub snapshot: SnapshotId,
    /// Hash of the snapshot.
    pub hash: String,
    /// Hash of the original.
    pub original: String,
}

/// The one connector of a list whose header contract a file meets.
///
/// # Errors
/// The connector's own refusal when there is only one; `MSK-RUN-14` when none fits, with each one's reason,
/// `MSK-RUN-15` when several do.
pub fn choose<'c>(load: &Load, delivery: &Delivery, connectors: &[&'c Connector]) -> Result<&'c Connector, Problem> {
    if let [connector] = connectors {
        return Ok(connector);
    }
    let mut fitting = Vec::new();
    let mut reasons = Vec::new();
    for connector in connectors {
        match load.refusal_of_header(delivery.open()?, connector) {
            None => fitting.push(*connector),
            Some(problem) => reasons.push(format!("{}: {}", connector.id, problem.ru())),
        }
    }
    match fitting.as_slice() {
        [connector] => Ok(connector),
        [] => Err(Problem::new("MSK-RUN-14")
            .arg("file", &delivery.shown)
            .arg("reasons", reasons.join("; "))),
        several => {
            let ids: Vec<&str> = several.iter().map(|connector| connector.id.as_str()).collect();
            Err(Problem::new("MSK-RUN-15")
                .arg("file", &delivery.shown)
                .arg("connectors", ids.join(", ")))
        }
    }
}

fn hash_of(delivery: &Delivery) -> Result<String, Problem> {
    let mut hash = blake3::Hasher::new();
    hash.update_reader(delivery.reader()?)
        .map_err(|error| Problem::new("MSK-FIL-01").arg("path", &delivery.address).because(error))?;
    Ok(hash.finalize().to_hex().to_string())
}

fn folded_bytes(folded: &Folded, connector: &Connector, file: &str, original: &str) -> Result<Vec<u8>, Problem> {
    let meta = folded_file::Meta {
        connector: connector.id.clone(),
        original: original.to_owned(),
        file: file.to_owned(),
    };
    let mut bytes = Vec::new();
    folded_file::write(folded, &meta, &mut bytes).map_err(|error| {
        Problem::new("MSK-BUG-01")
            .arg("what", "writing to memory")
            .because(error)
    })?;
    Ok(bytes)
}

/// The warnings of a file that was read to its end, or why it is refused.
fn accepted(summary: ReadSummary) -> Result<Problems, Problem> {
    summary.refused.map_or(Ok(summary.warnings), Err)
}

async fn joined(reading: JoinHandle<Result<ReadSummary, Problem>>) -> Result<ReadSummary, Problem> {
    reading.await.map_err(bug)?
}

fn bug(error: tokio::task::JoinError) -> Problem {
    Problem::new("MSK-BUG-01").arg("what", error)
}
