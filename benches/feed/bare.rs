//! The bare limits: what the libraries alone give for the same work, without places, checks, units or a second load.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use calamine::{DataRef, Reader as _, Xlsx, open_workbook};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, PgConnection, QueryBuilder, Sqlite, SqliteConnection};

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

/// Parses a file from front to back and upserts its rows.
pub(super) fn load(feed: &Path, database: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        if database.starts_with("postgres:") {
            copy(feed, database).await;
        } else {
            let mut connection = opened(Path::new(database)).await;
            let mut rows = Rows::of(feed);
            while let Some(chunk) = rows.chunk() {
                write(&mut connection, &chunk).await;
            }
        }
    });
}

/// The rows of a file, as the parser of its format gives them.
struct Rows(Box<dyn Iterator<Item = Row>>);

impl Rows {
    fn of(file: &Path) -> Self {
        Self(match file.extension().and_then(|ending| ending.to_str()) {
            Some("xml") => Box::new(of_feed(file)),
            Some("csv") => Box::new(of_table(file)),
            _ => Box::new(of_workbook(file)),
        })
    }

    fn chunk(&mut self) -> Option<Vec<Row>> {
        let rows: Vec<Row> = self.0.by_ref().take(CHUNK).collect();
        (!rows.is_empty()).then_some(rows)
    }
}

fn of_feed(feed: &Path) -> impl Iterator<Item = Row> + use<> {
    let mut reader: Reader<BufReader<File>> = Reader::from_file(feed).expect("opened");
    let (mut buffer, mut number) = (Vec::new(), 0);
    std::iter::from_fn(move || {
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer).expect("well-formed") {
                Event::Empty(element) if element.name().as_ref() == "observation" => {
                    number += 1;
                    return Some(row(&element, number));
                }
                Event::Eof => return None,
                _ => {}
            }
        }
    })
}

fn of_table(file: &Path) -> impl Iterator<Item = Row> + use<> {
    let reader = csv::ReaderBuilder::new()
        .delimiter(b';')
        .from_path(file)
        .expect("opened");
    reader.into_records().zip(2u32..).flat_map(|(record, number)| {
        let record = record.expect("well-formed");
        let value = |column: usize| record[column].parse().expect("a number");
        let texts = [0, 1, 2].map(|column| record[column].to_owned());
        numbers(texts, value(3), [4, 5, 6, 7, 8].map(value), number)
    })
}

fn of_workbook(file: &Path) -> impl Iterator<Item = Row> + use<> {
    // The reader of the cells borrows the workbook; this process ends after it.
    let book: &'static mut Xlsx<BufReader<File>> = Box::leak(Box::new(open_workbook(file).expect("opened")));
    let sheet = book.sheet_names().remove(0);
    let mut cells = book.worksheet_cells_reader(&sheet).expect("a sheet");
    let (mut texts, mut values) = (Vec::new(), Vec::new());
    let rows = std::iter::from_fn(move || {
        while let Some(cell) = cells.next_cell().expect("well-formed") {
            let ((number, column), value) = (cell.get_position(), cell.get_value());
            if number == 0 {
                continue;
            }
            match value {
                DataRef::Float(float) => values.push(*float as i64),
                DataRef::Int(int) => values.push(*int),
                DataRef::String(text) => texts.push(text.clone()),
                DataRef::SharedString(text) => texts.push((*text).to_owned()),
                other => panic!("unexpected cell: {other:?}"),
            }
            if column == 8 {
                let texts = std::mem::take(&mut texts).try_into().expect("three texts");
                let [grade, counts @ ..]: [i64; 6] = std::mem::take(&mut values).try_into().expect("six numbers");
                return Some(numbers(texts, grade, counts, number + 1));
            }
        }
        None
    });
    rows.flatten()
}

/// The five numbers of a row of a table.
fn numbers(texts: [String; 3], grade: i64, counts: [i64; 5], number: u32) -> [Row; 5] {
    let [unit, year, subject] = texts;
    [0, 1, 2, 3, 4].map(|place| {
        let (measure, breakdown) = match place {
            0 => ("participants", String::new()),
            mark => ("mark_count", format!("mark={}", mark + 1)),
        };
        Row {
            unit: unit.clone(),
            procedure: "rop".to_owned(),
            round: format!("rop/{year}/spring"),
            measure: measure.to_owned(),
            subject: subject.clone(),
            grade,
            breakdown,
            value: counts[place],
            place: format!("{number}, {}", place + 5),
        }
    })
}

/// Copies all rows into a temporary table and merges it in one statement.
async fn copy(feed: &Path, server: &str) {
    let mut connection = PgConnection::connect(server).await.expect("connected");
    let columns = "unit text, procedure text, round text, measure text, subject text, grade bigint, breakdown text, \
                   value bigint, scale bigint, n bigint, place text, snapshot bigint, run bigint";
    for statement in [
        "create schema bare".to_owned(),
        format!("create table bare.observation (id bigint generated by default as identity primary key, {columns})"),
        "create unique index observation_key on bare.observation \
         (round, unit, measure, subject, grade, breakdown)"
            .to_owned(),
        format!("create temporary table stage ({columns})"),
        "begin".to_owned(),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .expect("made");
    }
    let mut stage = connection.copy_in_raw("copy stage from stdin").await.expect("begun");
    let (mut rows, mut text) = (Rows::of(feed), String::new());
    while let Some(chunk) = rows.chunk() {
        text.clear();
        for row in chunk {
            let _ = writeln!(
                text,
                "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t0\t\\N\t{}\t1\t1",
                row.unit,
                row.procedure,
                row.round,
                row.measure,
                row.subject,
                row.grade,
                row.breakdown,
                row.value,
                row.place
            );
        }
        stage.send(text.as_bytes()).await.expect("sent");
    }
    stage.finish().await.expect("copied");
    sqlx::raw_sql(
        "insert into bare.observation (unit, procedure, round, measure, subject, grade, breakdown, value, scale, n, \
         place, snapshot, run) select * from stage \
         on conflict (round, unit, measure, subject, grade, breakdown) do update set value = excluded.value, \
         scale = excluded.scale, n = excluded.n, place = excluded.place, snapshot = excluded.snapshot, \
         run = excluded.run; commit; drop schema bare cascade",
    )
    .execute(&mut connection)
    .await
    .expect("merged");
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
