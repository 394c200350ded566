//! The bare limits: what the libraries alone give for the same work, without places, checks, units or a second load.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, QueryBuilder, Sqlite, SqliteConnection};

/// Rows of a transaction and of a statement: the best of those tried.
const CHUNK: usize = 8192;
const PIECE: usize = 128;

#[derive(Default)]
struct Row {
    unit: String,
    procedure: String,
    round: String,
    measure: String,
    subject: String,
    grade: i64,
    breakdown: String,
    value: i64,
    place: String,
}

/// Parses a feed from front to back and upserts its rows.
pub(super) fn load(feed: &Path, database: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut connection = opened(database).await;
        let mut reader = Reader::from_file(feed).expect("opened");
        let (mut buffer, mut rows, mut number) = (Vec::new(), Vec::with_capacity(CHUNK), 0);
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer).expect("well-formed") {
                Event::Empty(element) if element.name().as_ref() == "observation" => {
                    number += 1;
                    rows.push(row(&element, number));
                    if rows.len() == CHUNK {
                        write(&mut connection, &rows).await;
                        rows.clear();
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        write(&mut connection, &rows).await;
    });
}

fn row(element: &BytesStart<'_>, number: u64) -> Row {
    let mut row = Row::default();
    let (mut year, mut season) = (String::new(), String::new());
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.expect("well-formed");
        let value = quick_xml::escape::unescape(&attribute.value).expect("well-formed");
        match attribute.key.0 {
            "ogrn" => row.unit = value.into_owned(),
            "procedure" => row.procedure = value.into_owned(),
            "year" => year = value.into_owned(),
            "season" => season = value.into_owned(),
            "measure" => row.measure = value.into_owned(),
            "subject" => row.subject = value.into_owned(),
            "grade" => row.grade = value.parse().expect("a number"),
            "mark" => row.breakdown = format!("mark={value}"),
            "value" => row.value = value.parse().expect("a number"),
            _ => {}
        }
    }
    let _ = write!(row.round, "{}/{year}/{season}", row.procedure);
    let _ = write!(row.place, "/rsoko/observation[{number}]/@value");
    row
}

async fn opened(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-8192")
        .pragma("wal_autocheckpoint", "4000");
    let mut connection = SqliteConnection::connect_with(&options).await.expect("opened");
    for statement in [
        "create table observation (id integer not null primary key, unit text not null, procedure text not null, \
         round text not null, measure text not null, subject text not null, grade integer not null, \
         breakdown text not null, value integer not null, scale integer not null, n integer, place text not null, \
         snapshot integer not null, run integer not null) strict",
        "create unique index observation_key on observation (round, unit, measure, subject, grade, breakdown)",
    ] {
        sqlx::query(statement).execute(&mut connection).await.expect("made");
    }
    connection
}

async fn write(connection: &mut SqliteConnection, rows: &[Row]) {
    let mut transaction = connection.begin().await.expect("begun");
    for piece in rows.chunks(PIECE) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "insert into observation (unit, procedure, round, measure, subject, grade, breakdown, value, scale, n, \
             place, snapshot, run) ",
        );
        query.push_values(piece, |mut tuple, row| {
            tuple.push_bind(row.unit.as_str());
            tuple.push_bind(row.procedure.as_str());
            tuple.push_bind(row.round.as_str());
            tuple.push_bind(row.measure.as_str());
            tuple.push_bind(row.subject.as_str());
            tuple.push_bind(row.grade);
            tuple.push_bind(row.breakdown.as_str());
            tuple.push_bind(row.value);
            tuple.push_bind(0i64);
            tuple.push_bind(None::<i64>);
            tuple.push_bind(row.place.as_str());
            tuple.push_bind(1i64);
            tuple.push_bind(1i64);
        });
        query.push(
            " on conflict (round, unit, measure, subject, grade, breakdown) do update set value = excluded.value, \
             scale = excluded.scale, n = excluded.n, place = excluded.place, snapshot = excluded.snapshot, \
             run = excluded.run",
        );
        query.build().execute(&mut *transaction).await.expect("written");
    }
    transaction.commit().await.expect("committed");
}

/// Splits a table into records of raw bytes.
pub(super) fn split(bytes: &[u8]) -> u64 {
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(bytes);
    let (mut record, mut rows) = (csv::ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record).expect("read") {
        rows += 1;
    }
    rows
}

/// Splits a table into records of raw bytes and counts them by organisation and subject: no classes, no detectors, no
/// checks, and a pupil uploaded twice counts twice.
pub(super) fn count(bytes: &[u8]) -> u64 {
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(bytes);
    let (mut record, mut counts) = (csv::ByteRecord::new(), HashMap::<String, HashMap<u32, u64>>::new());
    let mut key = String::new();
    while reader.read_byte_record(&mut record).expect("read") {
        let text = |column: usize| encoding_rs::WINDOWS_1251.decode_without_bom_handling(&record[column]).0;
        key.clear();
        let _ = write!(key, "{};{};{}", text(1), text(2), text(4));
        let score = text(6).parse().expect("a number");
        if let Some(scores) = counts.get_mut(&key) {
            *scores.entry(score).or_default() += 1;
        } else {
            counts.insert(key.clone(), HashMap::from([(score, 1)]));
        }
    }
    counts.values().flat_map(HashMap::values).sum()
}

/// Turns the whole table into UTF-8 and splits it into records of text.
pub(super) fn transcode(bytes: &[u8]) -> u64 {
    let decoder = encoding_rs_io::DecodeReaderBytesBuilder::new()
        .encoding(Some(encoding_rs::WINDOWS_1251))
        .build(bytes);
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(decoder);
    let (mut record, mut rows) = (csv::StringRecord::new(), 0);
    while reader.read_record(&mut record).expect("read") {
        rows += 1;
    }
    rows
}
