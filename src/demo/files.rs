//! What lies in the folder of the demonstration: configuration, register, roadmaps, the drop folder.

use std::path::{Path, PathBuf};

use super::district::{MUNICIPALITY, REGION, register_csv};
use super::results::WORKS;
use super::sites::District;
use super::svods::{ege, oge};
use super::workbooks::{Fault, vpr_protocol};
use crate::message::Problem;
use crate::roadmap::{SHIPPED, carry, file_name, from_toml, to_toml};

/// The concept's roadmaps of 2020–2022 are carried by so many years.
const CARRIED: i32 = 4;

/// Writes everything the demonstration starts from; gives the path of its `msoko.toml`. What an earlier demonstration
/// left in the folder is removed first: it is recognised by its own mark, nothing else is touched.
pub(super) fn lay_out(
    dir: &Path,
    district: &District,
    springs: &[i32],
    database: Option<&str>,
) -> Result<PathBuf, Problem> {
    clear(dir)?;
    let config = dir.join("config");
    let inbox = dir.join("inbox").join("vpr");
    let exams = dir.join("inbox").join("gia");
    for folder in [&config, &inbox, &exams, &config.join("roadmaps")] {
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
    }
    put(
        &dir.join(MARK),
        "Папку создала команда msoko demo; её можно удалить.\n".as_bytes(),
    )?;
    let main = config.join("msoko.toml");
    put(&main, main_toml(database).as_bytes())?;
    put(&config.join("sources.toml"), sources_toml(&district.feed()).as_bytes())?;
    put(&config.join("recipients.toml"), RECIPIENTS.as_bytes())?;
    put(&config.join("scales.toml"), scales_toml(springs).as_bytes())?;
    put(
        &config.join("register.csv"),
        register_csv(|school| district.site(school)).as_bytes(),
    )?;
    roadmaps(&config.join("roadmaps"))?;
    workbooks(&inbox, springs)?;
    summaries(&exams, springs)?;
    Ok(main)
}

/// Name of the file by which a folder of an earlier demonstration is recognised.
const MARK: &str = "ДЕМОНСТРАЦИЯ.txt";

fn clear(dir: &Path) -> Result<(), Problem> {
    if !dir.exists() {
        return Ok(());
    }
    let empty = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
    if !empty && !dir.join(MARK).exists() {
        return Err(Problem::new("MSK-RUN-24").arg("path", dir.display()));
    }
    for name in ["config", "inbox", "outbox", "reports", "snapshots", "incoming"] {
        let folder = dir.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|error| unwritable(&folder, error))?;
        }
    }
    for name in ["msoko.db", "msoko.db-wal", "msoko.db-shm", "msoko.db.lock"] {
        let file = dir.join(name);
        if file.exists() {
            std::fs::remove_file(&file).map_err(|error| unwritable(&file, error))?;
        }
    }
    Ok(())
}

/// Summaries of the exams of the same years.
fn summaries(inbox: &Path, summers: &[i32]) -> Result<(), Problem> {
    let unwritten = |error| {
        Problem::new("MSK-BUG-01")
            .arg("what", "a demonstration workbook")
            .because(error)
    };
    for summer in summers {
        put(
            &inbox.join(format!("ОГЭ {summer}.xlsx")),
            &oge(*summer).map_err(unwritten)?,
        )?;
        put(
            &inbox.join(format!("ЕГЭ {summer}.xlsx")),
            &ege(*summer).map_err(unwritten)?,
        )?;
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    std::fs::write(path, bytes).map_err(|error| unwritable(path, error))
}

fn unwritable(path: &Path, error: std::io::Error) -> Problem {
    Problem::new("MSK-FIL-02").arg("path", path.display()).because(error)
}

fn main_toml(database: Option<&str>) -> String {
    // One process in one folder, whatever database it is given.
    let database = match database {
        None => "url = \"sqlite:msoko.db\"".to_owned(),
        Some(url) => format!("url = \"{url}\"\nsingle_node = true"),
    };
    format!(
        "# Настройка демонстрации. Ключи объяснены в образце, который создаёт команда msoko init.\n\
         [authority]\n\
         name = \"Управление образования администрации Верхнегорского района\"\n\
         municipality = \"{MUNICIPALITY}\"\n\
         region = \"{REGION}\"\n\
         place = \"с. Верхнегорское\"\n\
         zone = \"Europe/Moscow\"\n\
         contact_name = \"Отдел оценки качества образования\"\n\
         contact_address = \"monitoring@vg.example\"\n\
         contact_phone = \"8 (999) 555-00-01\"\n\n\
         [paths]\nstate = \"..\"\nroadmaps = \"roadmaps\"\nscales = \"scales.toml\"\n\n\
         [database]\n{database}\n\n\
         [mail]\nfrom_name = \"МСОКО Верхнегорского района\"\nfrom_address = \"msoko@vg.example\"\ntransport = \"file\"\n"
    )
}

fn sources_toml(feed: &str) -> String {
    format!(
        "[[source]]\nid = \"sites\"\nconnector = \"school-site\"\neach = \"organisation.site\"\n\
         pace = \"0s\"\nallow_private = [\"127.0.0.1\"]\nschedule = \"0 2 * * 6\"\n\n\
         [[source]]\nid = \"vpr-inbox\"\nconnector = [\"vpr-protocol\", \"vpr-marks\"]\nfolder = \"../inbox/vpr\"\n\
         include = [\"*.xlsx\"]\nsettle = \"0s\"\nschedule = \"*/10 * * * *\"\n\n\
         [[source]]\nid = \"gia-inbox\"\nconnector = \"gia-svod\"\nfolder = \"../inbox/gia\"\n\
         include = [\"*.xlsx\"]\nsettle = \"0s\"\nschedule = \"*/10 * * * *\"\n\n\
         [[source]]\nid = \"rsoko\"\nconnector = \"rsoko-feed\"\naddress = \"{feed}\"\npace = \"0s\"\n\
         allow_private = [\"127.0.0.1\"]\nschedule = \"15 3 * * *\"\n"
    )
}

const RECIPIENTS: &str = "[[recipient]]\n\
    name = \"Отдел оценки качества образования\"\npost = \"специалист\"\naddress = \"monitoring@vg.example\"\n\
    letters = [\"digest\", \"reminder\", \"report\"]\n\n\
    [[recipient]]\nname = \"Администратор\"\naddress = \"admin@vg.example\"\nletters = [\"source\"]\n";

/// The scales of the invented works, one entry a school year.
fn scales_toml(springs: &[i32]) -> String {
    let mut text = String::from("# Шкалы демонстрационных работ, выдуманы вместе с ними.\n");
    for spring in springs {
        for work in WORKS {
            let max: u16 = work.tasks.iter().map(|task| task.1).sum();
            let [three, four, five] = work.bounds;
            text.push_str(&format!(
                "\n[[scale]]\nprocedure = \"vpr\"\nyear = \"{}-{:02}\"\nseason = \"spring\"\nsubjects = \"{}\"\n\
                 source = \"демонстрационная шкала\"\n\
                 grades = {{ {} = [\"0–{}\", \"{three}–{}\", \"{four}–{}\", \"{five}–{max}\"] }}\n",
                spring - 1,
                spring % 100,
                work.subject,
                work.grade,
                three - 1,
                four - 1,
                five - 1,
            ));
        }
    }
    text
}

fn roadmaps(folder: &Path) -> Result<(), Problem> {
    for (file, text) in SHIPPED {
        let roadmap = from_toml(file, text).map_err(|problems| {
            problems
                .into_iter()
                .next()
                .unwrap_or_else(|| Problem::new("MSK-BUG-01").arg("what", "a shipped roadmap"))
        })?;
        let carried = carry(&roadmap, CARRIED);
        put(
            &folder.join(file_name(&carried)),
            own_district(&to_toml(&carried)).as_bytes(),
        )?;
    }
    Ok(())
}

/// The document speaks of the district it was written for; the invented one takes its place.
fn own_district(text: &str) -> String {
    let names = [
        ("Акушинского района", "Верхнегорского района"),
        ("Акушинском районе", "Верхнегорском районе"),
        ("«Акушинский  район»", "«Верхнегорский район»"),
        ("Акушинский район", "Верхнегорский район"),
    ];
    names
        .iter()
        .fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
}

/// Three springs of protocols; of the last one a workbook is cut short, one has a renamed column, one holds a row of
/// another district, and a lock file of a spreadsheet program lies beside them.
fn workbooks(inbox: &Path, springs: &[i32]) -> Result<(), Problem> {
    let unwritten = |error| {
        Problem::new("MSK-BUG-01")
            .arg("what", "a demonstration workbook")
            .because(error)
    };
    for spring in springs {
        for (number, work) in WORKS.iter().enumerate() {
            let last = springs.last() == Some(spring);
            let fault = if last && number == 1 {
                Fault::ForeignSchool
            } else {
                Fault::None
            };
            let bytes = vpr_protocol(work, *spring, fault).map_err(unwritten)?;
            let name = format!("ВПР {spring} {} {}.xlsx", work.title, work.grade);
            put(&inbox.join(name), &bytes)?;
        }
    }
    let last = springs.last().copied().unwrap_or_default();
    let renamed = vpr_protocol(&WORKS[0], last, Fault::RenamedColumn).map_err(unwritten)?;
    put(
        &inbox.join(format!("ВПР {last} математика 4 (форма изменена).xlsx")),
        &renamed,
    )?;
    put(
        &inbox.join(format!("ВПР {last} математика 5 (оборван).xlsx")),
        &renamed[..renamed.len() / 2],
    )?;
    put(&inbox.join(format!("~$ВПР {last} математика 4.xlsx")), b"lock")
}
