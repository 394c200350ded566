//! The command line from outside: every verb, its exit code, what it prints for people and for scripts.
//!
//! One demonstration run is shared by the tests that only read it; tests that write work on a copy.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;

/// What a call left behind.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("not JSON ({error}): {}\n{}", self.out, self.err))
    }

    fn lines(&self) -> Vec<Value> {
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(read).collect()
    }

    /// Both outputs with the folder taken out, for snapshots.
    fn without(&self, folder: &Path) -> String {
        format!("{}\n{}{}", self.code, self.out, self.err).replace(&folder.display().to_string(), "[D]")
    }
}

fn call(folder: &Path, words: &[&str]) -> Said {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_msoko"))
        .args(words)
        .current_dir(folder)
        .env_remove("STATE_DIRECTORY")
        .env_remove("CREDENTIALS_DIRECTORY")
        .output()
        .expect("the executable starts");
    Said {
        code: status.code().expect("an exit code"),
        out: String::from_utf8(stdout).expect("UTF-8"),
        err: String::from_utf8(stderr).expect("UTF-8"),
    }
}

struct Shared {
    dir: PathBuf,
    first: Said,
}

/// One demonstration for all tests that only read. Under nextest every test is a process of its own: the first one
/// runs the demonstration in a folder named after the run, the others wait for it.
fn demonstration() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let run = std::env::var_os("NEXTEST_RUN_ID").map_or_else(
            || std::process::id().to_string(),
            |id| id.to_string_lossy().into_owned(),
        );
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{SHARED_NAME}{run}"));
        let dir = folder.join("demo");
        let (out, err) = (folder.join("out"), folder.join("err"));
        if std::fs::create_dir(&folder).is_ok() {
            sweep(&folder);
            let first = call(&folder, &["demo", "--dir", &dir.display().to_string()]);
            std::fs::write(&out, &first.out).expect("a file");
            std::fs::write(folder.join("err.part"), format!("{}\n{}", first.code, first.err)).expect("a file");
            std::fs::rename(folder.join("err.part"), &err).expect("the last file of the demonstration");
        }
        let began = Instant::now();
        while !err.exists() {
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "the demonstration does not end"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        let text = |path| std::fs::read_to_string(path).expect("a text");
        let ended = text(&err);
        let (code, err) = ended.split_once('\n').expect("a code and the rest");
        let first = Said {
            code: code.parse().expect("a number"),
            out: text(&out),
            err: err.to_owned(),
        };
        Shared { dir, first }
    })
}

const SHARED_NAME: &str = "shell-demo-";

/// Removes what runs of more than an hour ago left.
fn sweep(own: &Path) {
    let age = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    let parent = own.parent().expect("a folder above");
    for entry in std::fs::read_dir(parent).expect("the folder").flatten() {
        let named = entry.file_name().to_string_lossy().starts_with(SHARED_NAME);
        let old = age(own)
            .zip(age(&entry.path()))
            .and_then(|(own, other)| own.duration_since(other).ok());
        if named && old.is_some_and(|old| old > Duration::from_secs(3600)) {
            let _another_run_was_faster = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn in_demo(words: &[&str]) -> Said {
    on(&demonstration().dir, words)
}

/// A call with the configuration of a demonstration folder.
fn on(dir: &Path, words: &[&str]) -> Said {
    let config = dir.join("config/msoko.toml").display().to_string();
    call(dir, &[&["--config", &config], words].concat())
}

/// A copy of the demonstration that a test may change.
fn own_copy() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("demo");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(&demonstration().dir)
        .arg(&dir)
        .status();
    assert!(copied.expect("cp starts").success());
    (folder, dir)
}

fn fixture(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("connectors")
        .join(path)
        .display()
        .to_string()
}

/// A folder with the starter configuration.
fn started() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(call(folder.path(), &["init", "office"]).code, 0);
    let config = folder.path().join("office/msoko.toml").display().to_string();
    (folder, config)
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

#[test]
fn the_demonstration_tells_its_clock_first_and_keeps_the_journal_quiet() {
    let shared = demonstration();
    assert_eq!(shared.first.code, 0, "{}", shared.first.err);
    assert_eq!(
        shared.first.out.lines().next(),
        Some(
            "Демонстрационный район; часы показывают пн, 16\u{a0}февраля\u{a0}2026\u{a0}г., 09:00 МСК. Всё выдумано, наружу ничего \
             не отправляется."
        )
    );
    assert_eq!(
        shared.first.err, "",
        "planned refusals stand on the screen, not in the journal"
    );
    assert!(
        !shared.first.out.contains("/../"),
        "paths are shown without detours: {}",
        shared.first.out
    );
    for part in [
        "Забрано",
        "Отклонено и почему",
        "Ближайшие сроки",
        "Где посмотреть",
        "второй раз: ничего не изменилось",
    ] {
        assert!(shared.first.out.contains(part), "{part}");
    }
    assert!(shared.dir.join("msoko.db").is_file());
    let letters = std::fs::read_dir(shared.dir.join("outbox")).expect("letters").count();
    assert!(letters >= 8, "{letters} files");
    assert_eq!(
        std::fs::read_dir(shared.dir.join("reports"))
            .expect("documents")
            .count(),
        2
    );
}

#[test]
fn the_demonstration_runs_again_in_its_own_folder_and_refuses_a_foreign_one() {
    let (folder, dir) = own_copy();
    let again = call(
        folder.path(),
        &["demo", "--dir", &dir.display().to_string(), "--format", "json"],
    );
    assert_eq!(again.code, 0, "{}", again.err);
    let value = again.json();
    assert_eq!(
        (&value["second_pull_changed"], &value["today"]),
        (&0.into(), &"2026-02-16".into())
    );
    let foreign = folder.path().join("foreign");
    std::fs::create_dir(&foreign).expect("a folder");
    std::fs::write(foreign.join("letter.txt"), "mine").expect("a file");
    let refused = call(folder.path(), &["demo", "--dir", &foreign.display().to_string()]);
    assert_eq!(refused.code, 64);
    assert!(refused.err.contains("MSK-RUN-24"), "{}", refused.err);
    assert_eq!(
        std::fs::read_dir(&foreign).expect("the folder").count(),
        1,
        "nothing is touched"
    );
}

/// A value without the seconds that pass between two calls.
fn ageless(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.retain(|key, _| !key.ends_with("_seconds"));
            fields.values_mut().for_each(|field| *field = ageless(field.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = ageless(item.take())),
        _ => {}
    }
    value
}

#[test]
fn every_reading_verb_prints_one_json_value_with_the_promised_keys_and_nothing_else() {
    let page = fixture("school-site/fixtures/common-marked.html");
    let book = fixture("vpr-protocol/fixtures/География.xlsx");
    let deadline = "id roadmap number activity state assignee";
    let refused = "id source file code reason cleaned state";
    // A verb and the keys that docs/cli-json.md promises of its object, or of each object of its list.
    let verbs: &[(&[&str], &str)] = &[
        (&["check", "--offline"], ""),
        (&["connector", "list"], "id title personal enabled procedures"),
        (&["connector", "show", "vpr-protocol"], "id title personal columns"),
        (&["connector", "preview", "vpr-protocol", "--file", &book], "kind"),
        (
            &[
                "connector",
                "preview",
                "school-site",
                "--section",
                "common",
                "--file",
                &page,
            ],
            "kind",
        ),
        (&["quarantine", "list"], refused),
        (&["quarantine", "show", "1"], refused),
        (&["units", "list"], "id kind title short_title aliases"),
        (&["units", "unknown"], "name rows"),
        (
            &["units", "sums", "vg", "--round", "vpr/2024-25/spring"],
            "territory round subject grade",
        ),
        (&["roadmap", "list"], "roadmap direction rows"),
        (
            &[
                "roadmap",
                "due",
                "--phrase",
                "ежегодно, 1 марта",
                "--from",
                "2026-01-01",
                "--to",
                "2026-12-31",
            ],
            "phrase kind applies deadlines problems",
        ),
        (&["deadlines", "list"], deadline),
        (&["deadlines", "next", "--count", "3"], deadline),
        (&["report", "list"], "id code period created_at"),
        (&["mail", "outbox"], "id key kind to subject state attempt"),
        (&["mail", "preview", "1"], "id text"),
        (&["explain", "MSK-DEC-03"], "code text cause action"),
        (
            &["explain", "R-VPR/2024-25/1"],
            "number rules tables cells conclusions hidden",
        ),
        (&["explain", "R-VPR/2024-25/1", "Таблица 2", "G2"], "printed sources"),
        (&["explain", "R-VPR/2024-25/1", "Вывод", "1"], "number rule text cells"),
        (
            &["explain", "vg-06 · vpr/2024-25/spring · mark_count · math · 5 · mark=2"],
            "key versions",
        ),
        (&["status"], "version sources outbox deadlines"),
        (
            &["audit", "period", "--from", "2026-02-01", "--to", "2026-02-28"],
            "chain seq at actor action object counts",
        ),
        (&["db", "verify", "--full"], "database depth findings loads snapshots"),
        (&["db", "retain", "--dry-run"], "class before removed dry_run"),
        (&["pull", "vpr-inbox", "--dry-run"], "kind"),
    ];
    for (verb, promised) in verbs {
        // One file of the inbox is refused, as planned.
        let code = i32::from(verb[0] == "pull");
        let json = in_demo(&[*verb, &["--format", "json"]].concat());
        assert_eq!(json.code, code, "{verb:?}: {}", json.err);
        let value = json.json();
        assert!(!json.out.contains(": null"), "{verb:?}: absent values are left out");
        let objects = match &value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        assert!(
            promised.is_empty() || !objects.is_empty(),
            "{verb:?}: nothing to look at"
        );
        for object in objects {
            let missing = promised.split_whitespace().find(|key| object.get(key).is_none());
            assert_eq!(missing, None, "{verb:?}: {object}");
        }
        let lines = in_demo(&[*verb, &["--format", "jsonl"]].concat());
        assert_eq!(lines.code, code, "{verb:?}");
        let still = |values: &[Value]| values.iter().cloned().map(ageless).collect::<Vec<_>>();
        assert_eq!(
            still(&lines.lines()),
            still(objects),
            "{verb:?}: the same objects, one a line"
        );
        let text = in_demo(verb);
        assert!(
            text.code == code && !text.out.trim().is_empty(),
            "{verb:?}: {}",
            text.err
        );
    }
}

#[test]
fn a_preview_keeps_the_promised_shapes_and_ends_with_a_summary() {
    let book = fixture("vpr-protocol/fixtures/География.xlsx");
    let said = call(
        Path::new("."),
        &[
            "connector",
            "preview",
            "vpr-protocol",
            "--file",
            &book,
            "--format",
            "jsonl",
        ],
    );
    let lines = said.lines();
    let first = &lines[0];
    assert!(
        said.out.starts_with("{\"kind\":\"observation\",\"unit\":{"),
        "keys keep their order"
    );
    for key in ["kind", "unit", "procedure", "round", "measure", "value", "origin"] {
        assert!(first.get(key).is_some(), "{key} in {first}");
    }
    assert_eq!(keys(&first["origin"]), ["file", "place"]);
    assert!(first["value"].is_number());
    let last = lines.last().expect("a summary");
    for key in ["kind", "rows_read", "observations", "facts", "quarantined", "refused"] {
        assert!(last.get(key).is_some(), "{key} in {last}");
    }
    assert_eq!((&last["kind"], &last["refused"]), (&"summary".into(), &false.into()));

    let page = fixture("school-site/fixtures/common-marked.html");
    let said = call(
        Path::new("."),
        &[
            "connector",
            "preview",
            "school-site",
            "--section",
            "common",
            "--file",
            &page,
            "--format",
            "jsonl",
        ],
    );
    let facts = said.lines();
    assert!(
        facts
            .iter()
            .all(|line| line["kind"] == "summary" || line["code"].is_string())
    );
    assert!(
        facts
            .iter()
            .any(|line| line["code"] == "org_email" && line["origin"]["place"].is_string())
    );
}

#[test]
fn lists_of_the_office_keep_the_promised_shapes() {
    let deadlines = in_demo(&["deadlines", "list", "--format", "json"]).json();
    let states = ["upcoming", "soon", "overdue", "done", "needs_date", "not_applicable"];
    for deadline in deadlines.as_array().expect("a list") {
        for key in ["id", "roadmap", "number", "activity", "state", "assignee"] {
            assert!(deadline.get(key).is_some(), "{key} in {deadline}");
        }
        let state = deadline["state"].as_str().expect("a state");
        assert!(states.contains(&state), "{state}");
        assert_eq!(deadline.get("date").is_none(), state == "needs_date", "{deadline}");
        assert_eq!(deadline.get("evidence").is_some(), state == "done", "{deadline}");
    }

    let status = in_demo(&["status", "--format", "json"]).json();
    assert_eq!(keys(&status), ["deadlines", "outbox", "sources", "version"]);
    assert_eq!(keys(&status["outbox"]), ["failed", "oldest_seconds", "queued"]);
    let rsoko = &status["sources"][3];
    assert_eq!(
        keys(rsoko),
        ["age_seconds", "id", "last_success", "quarantined", "rows", "state"]
    );
    assert_eq!((&rsoko["id"], &rsoko["rows"]), (&"rsoko".into(), &148.into()));

    let due = in_demo(&[
        "roadmap",
        "due",
        "--phrase",
        "ежегодно, 1 марта",
        "--from",
        "2025-01-01",
        "--to",
        "2026-12-31",
        "--format",
        "json",
    ]);
    insta::assert_snapshot!(due.out.trim(), @r#"
    {
      "applies": "district",
      "deadlines": [
        {
          "date": "2025-03-01",
          "last_working_day": "2025-02-28",
          "provisional": false
        },
        {
          "date": "2026-03-01",
          "last_working_day": "2026-02-27",
          "provisional": false
        }
      ],
      "kind": "yearly",
      "phrase": "ежегодно, 1 марта",
      "problems": []
    }
    "#);
}

#[test]
fn a_phrase_without_a_date_gives_none_and_says_so() {
    let due = |phrase: &str| {
        let words = [
            "roadmap",
            "due",
            "--phrase",
            phrase,
            "--from",
            "2026-01-01",
            "--to",
            "2026-12-31",
            "--format",
            "json",
        ];
        call(Path::new("."), &words).json()
    };
    for phrase in ["по отдельному графику", "когда-нибудь потом", ""] {
        assert_eq!(due(phrase)["deadlines"], serde_json::json!([]), "{phrase}");
    }
    assert_eq!(due("ежеквартально")["deadlines"].as_array().map(Vec::len), Some(4));
}

#[test]
fn a_roadmap_is_imported_as_rows_and_written_only_when_a_folder_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "Дорожная карта\n";
    std::fs::write(folder.path().join("empty.txt"), text).expect("a file");
    let refused = call(folder.path(), &["roadmap", "import", "empty.txt", "--format", "json"]);
    assert_eq!(refused.code, 65, "{}{}", refused.out, refused.err);
    assert_eq!(call(folder.path(), &["roadmap", "import", "absent.docx"]).code, 66);
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/roadmaps");
    let document = std::fs::read_dir(samples)
        .expect("samples")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| {
            path.extension()
                .is_some_and(|extension| extension == "docx" || extension == "txt")
        })
        .expect("a document");
    let document = document.display().to_string();
    let read = call(folder.path(), &["roadmap", "import", &document, "--format", "json"]);
    assert_eq!(read.code, 0, "{}", read.err);
    let rows = read.json();
    let first = &rows[0];
    assert_eq!(
        keys(first),
        [
            "activity",
            "assignee",
            "direction",
            "indicator",
            "level",
            "number",
            "problems",
            "roadmap",
            "term"
        ]
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("the folder").count(),
        1,
        "nothing is written"
    );
    let written = call(folder.path(), &["roadmap", "import", &document, "--out", "maps"]);
    assert_eq!(written.code, 0, "{}", written.err);
    assert!(std::fs::read_dir(folder.path().join("maps")).expect("files").count() >= 1);
}

#[test]
fn every_problem_of_the_configuration_is_told_in_one_run() {
    let (folder, config) = started();
    let office = folder.path().join("office");
    let main = std::fs::read_to_string(&config).expect("the starter");
    let main = main
        .replace("transport = \"file\"", "transport = \"smtp\"\n[mail.smtp]\nhost = \"smtp.uo.example\"\nsecurity = \"starttls\"\nuser = \"msoko\"\npassword = \"smtp-password\"\n[mail.x]")
        .replace("[mail.x]", "")
        .replace("# letters_at = \"08:30\"", "leters_at = \"08:30\"\nreport_vpr = \"0 9 31 2 *\"\n#");
    std::fs::write(&config, main).expect("a file");
    std::fs::write(
        office.join("sources.toml"),
        "[[source]]\nid = \"vpr\"\nconnector = \"vpr-protokol\"\nfolder = \"inbox\"\nenabled = \"yes\"\nshedule = \"0 3 * * *\"\n",
    )
    .expect("a file");
    let checked = call(folder.path(), &["--config", &config, "check", "--offline"]);
    assert_eq!(checked.code, 78);
    insta::assert_snapshot!(checked.without(&office), @r#"
    78
    MSK-CFG-01: [D]/msoko.toml:68:1: неизвестный ключ «leters_at» в [jobs] (допустимы: calendar_region, decree_days_off, letters_at, report_vpr); возможно, «letters_at»
      что делать: исправьте ключ по списку допустимых
    MSK-CFG-02: [D]/sources.toml:5:11: ключ «enabled» в [source[1]]: ожидается true или false, найдено «yes»
      что делать: исправьте значение
    MSK-CFG-01: [D]/sources.toml:6:1: неизвестный ключ «shedule» в [source[1]] (допустимы: address, allow_invalid_tls, allow_private, ca_bundle, connector, context, each, enabled, folder, freshness, id, include, max_bytes, node, owner, pace, password, schedule, settle, user); возможно, «schedule»
      что делать: исправьте ключ по списку допустимых
    MSK-CFG-08: [D]/msoko.toml:46:12: не найдены учётные данные «smtp-password» (искали: [D]/credentials/smtp-password)
      что делать: положите пароль одной строкой в /etc/msoko/credentials/ под этим именем, владелец root:msoko, права 0640, и перезапустите службу
    MSK-RUN-12: [D]/sources.toml:3:13: нет соединителя «vpr-protokol» (есть: gia-participants, gia-svod, rsoko-feed, school-site, vpr-marks, vpr-protocol)
      что делать: исправьте имя по списку: msoko connector list
    MSK-RUN-02: [D]/msoko.toml:69:14: время по расписанию «0 9 31 2 *» никогда не наступит
      что делать: исправьте день или месяц
    Всего 6 ошибок.
    "#);
    let json = call(
        folder.path(),
        &["--config", &config, "check", "--offline", "--format", "json"],
    );
    assert_eq!(json.code, 78);
    let problems = json.json();
    assert_eq!(problems.as_array().map(Vec::len), Some(6), "{problems:#}");
    // The same faults end every other verb with the same code.
    assert_eq!(call(folder.path(), &["--config", &config, "status"]).code, 78);
    assert_eq!(call(folder.path(), &["--config", &config, "run"]).code, 78);
}

#[test]
fn notepad_is_forgiven_and_windows_1251_and_cyrillic_look_alikes_are_named() {
    let (folder, config) = started();
    let main = std::fs::read_to_string(&config).expect("the starter");
    let check = || call(folder.path(), &["--config", &config, "check", "--offline"]);
    std::fs::write(&config, format!("\u{feff}{}", main.replace('\n', "\r\n"))).expect("a file");
    assert_eq!(check().code, 0, "BOM and CRLF are read");

    // «ё» and the rest of the sample in the old code page: each letter one byte.
    let old: Vec<u8> = "[authority]\nname = \"Управление\"\n"
        .chars()
        .map(|letter| match u32::from(letter) {
            code @ 0x410..=0x44f => u8::try_from(code - 0x410 + 0xc0).expect("a letter of the code page"),
            code => u8::try_from(code).expect("ASCII"),
        })
        .collect();
    std::fs::write(&config, old).expect("a file");
    let said = check();
    assert_eq!(said.code, 78);
    insta::assert_snapshot!(said.without(&folder.path().join("office")), @r#"
    78
    MSK-CFG-06: [D]/msoko.toml: файл записан не в UTF-8 (похоже на windows-1251)
      что делать: сохраните файл заново: в Блокноте «Сохранить как…», кодировка UTF-8
    Всего 1 ошибка.
    "#);

    std::fs::write(&config, main.replace("zone =", "zоne =")).expect("a file");
    let said = check();
    assert_eq!(said.code, 78);
    insta::assert_snapshot!(said.without(&folder.path().join("office")), @r#"
    78
    MSK-CFG-07: [D]/msoko.toml:14:1: в ключе «zоne» (строка 14) буква «о» из другого алфавита; нужно «zone»
      что делать: наберите ключ латиницей
    Всего 1 ошибка.
    "#);
}

#[test]
fn a_starter_configuration_is_accepted_as_it_stands_and_never_overwritten() {
    let (folder, config) = started();
    let offline = call(folder.path(), &["--config", &config, "check", "--offline"]);
    assert_eq!((offline.code, offline.err.as_str()), (0, ""));
    assert!(
        offline
            .out
            .starts_with("Настройка в порядке: источников 3 (включено 0)"),
        "{}",
        offline.out
    );
    assert_eq!(
        call(folder.path(), &["--config", &config, "check"]).code,
        0,
        "nothing is switched on, nothing to reach"
    );
    let proof = call(
        folder.path(),
        &["--config", &config, "mail", "test", "admin@uo.example"],
    );
    assert_eq!(proof.code, 0, "a letter needs no database: {}", proof.err);
    assert_eq!(call(folder.path(), &["--config", &config, "db", "migrate"]).code, 0);
    assert_eq!(call(folder.path(), &["--config", &config, "status"]).code, 0);
    copy_the_samples(&folder.path().join("office"));
    let copied = call(folder.path(), &["--config", &config, "check", "--offline"]);
    assert_eq!(copied.code, 0, "{}{}", copied.out, copied.err);
    let again = call(folder.path(), &["init", "office"]);
    assert_eq!(again.code, 64);
    assert!(again.err.contains("MSK-RUN-24"), "{}", again.err);
}

/// What the guide says to do before tuning: every shipped connector and the scales become the office's own.
fn copy_the_samples(office: &Path) {
    for connector in msoko::manifest::shipped() {
        let own = office.join("connectors").join(&connector.id);
        std::fs::create_dir(&own).expect("made");
        let sample = office.join("connectors-shipped").join(&connector.id);
        std::fs::copy(sample.join("manifest.toml"), own.join("manifest.toml")).expect("copied");
    }
    std::fs::copy(office.join("scales-shipped.toml"), office.join("scales.toml")).expect("copied");
    let main = office.join("msoko.toml");
    let text = std::fs::read_to_string(&main).expect("read");
    let named = text.replace("# scales = \"\"", "scales = \"scales.toml\"");
    assert_ne!(named, text, "the key is there");
    std::fs::write(main, named).expect("written");
}

#[test]
fn the_service_runs_on_a_starter_configuration_and_the_check_goes_on_beside_it() {
    let (folder, config) = started();
    let mut service = Command::new(env!("CARGO_BIN_EXE_msoko"))
        .args(["--config", &config, "run"])
        .env_remove("STATE_DIRECTORY")
        .env_remove("NOTIFY_SOCKET")
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the service starts");
    let lock = folder.path().join("office/state/msoko.db");
    let began = Instant::now();
    while !lock.exists() && began.elapsed().as_secs() < 20 {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(300));
    let beside = call(folder.path(), &["--config", &config, "check"]);
    let status = call(folder.path(), &["--config", &config, "status"]);
    let pull = call(folder.path(), &["--config", &config, "pull"]);
    let stopped = Command::new("kill").arg(service.id().to_string()).status();
    assert!(stopped.expect("kill starts").success());
    let ended = service.wait().expect("the service ends");
    assert_eq!(beside.code, 0, "{}{}", beside.out, beside.err);
    assert_eq!(status.code, 0, "{}", status.err);
    assert_eq!(pull.code, 75, "{}{}", pull.out, pull.err);
    assert_eq!(ended.code(), Some(0), "a stop that was asked for is no failure");
}

#[test]
fn the_one_file_given_is_refused_with_65_and_a_missing_one_with_66() {
    let folder = tempfile::tempdir().expect("a folder");
    let renamed = fixture("vpr-protocol/fixtures/vpr2022_protocol_ma6-renamed-column.xlsx");
    let refused = call(
        folder.path(),
        &["connector", "preview", "vpr-protocol", "--file", &renamed],
    );
    assert_eq!(refused.code, 65);
    assert!(
        refused.out.contains("на листе «Протокол» нет столбца «Код»"),
        "{}",
        refused.out
    );
    #[expect(clippy::disallowed_methods, reason = "a fixture of our own, some kilobytes")]
    let whole = std::fs::read(fixture("vpr-protocol/fixtures/География.xlsx")).expect("a workbook");
    let short = folder.path().join("География.xlsx");
    std::fs::write(&short, &whole[..whole.len() / 2]).expect("a file");
    let cut = call(
        folder.path(),
        &[
            "connector",
            "preview",
            "vpr-protocol",
            "--file",
            "География.xlsx",
            "--format",
            "jsonl",
        ],
    );
    assert_eq!(cut.code, 65);
    let lines = cut.lines();
    assert_eq!(lines[0]["kind"], "refused");
    assert!(
        lines[0]["code"]
            .as_str()
            .is_some_and(|code| code.starts_with("MSK-DEC-"))
    );
    assert_eq!(lines[1]["refused"], true);
    let missing = call(
        folder.path(),
        &["connector", "preview", "vpr-protocol", "--file", "absent.xlsx"],
    );
    assert_eq!((missing.code, missing.out.as_str()), (66, ""));
    assert!(
        missing.err.contains("MSK-FIL-01") && missing.err.contains("absent.xlsx"),
        "{}",
        missing.err
    );
}

#[test]
fn a_refused_file_costs_the_source_nothing_else() {
    let (_folder, dir) = own_copy();
    let pulled = on(&dir, &["pull", "vpr-inbox", "--format", "json"]);
    assert_eq!(
        pulled.code, 1,
        "some files were refused while others loaded: {}",
        pulled.err
    );
    let value = pulled.json();
    let source = &value[0];
    for key in [
        "source",
        "snapshots",
        "rows_read",
        "new",
        "changed",
        "unchanged",
        "quarantined",
        "state",
        "problems",
    ] {
        assert!(source.get(key).is_some(), "{key} in {source}");
    }
    assert_eq!(
        (&source["source"], &source["new"], &source["changed"]),
        (&"vpr-inbox".into(), &0.into(), &0.into())
    );
    let problems = source["problems"].to_string();
    assert!(
        problems.contains("форма изменена") && problems.contains("оборван"),
        "{problems}"
    );

    let renamed = fixture("vpr-protocol/fixtures/vpr2022_protocol_ma6-renamed-column.xlsx");
    assert_eq!(on(&dir, &["pull", "vpr-inbox", "--file", &renamed]).code, 65);
    assert_eq!(on(&dir, &["pull", "vpr-inbox", "--file", "absent.xlsx"]).code, 66);
    assert_eq!(
        on(&dir, &["pull", "--file", &renamed]).code,
        64,
        "a file belongs to one source"
    );
    let unknown = on(&dir, &["pull", "vpr-inbx"]);
    assert_eq!(unknown.code, 64);
    assert!(
        unknown.err.contains("sites, vpr-inbox, gia-inbox, rsoko"),
        "{}",
        unknown.err
    );
}

#[test]
fn a_refused_row_is_loaded_once_its_organisation_is_known() {
    let (_folder, dir) = own_copy();
    let names = on(&dir, &["units", "unknown"]);
    insta::assert_snapshot!(names.out.trim_end(), @r#"
    имя в файле                    строк
    МБОУ «Школа соседнего района»  1
    МКОУ «Закрытая СОШ»            1
    "#);
    let added = on(&dir, &["units", "alias", "add", "vg-10", "ogrn", "1029909999998"]);
    assert_eq!(added.code, 0, "{}", added.err);
    let replayed = on(&dir, &["quarantine", "replay", "rsoko", "--format", "json"]);
    assert_eq!(replayed.code, 0, "{}", replayed.err);
    let value = replayed.json();
    assert_eq!(
        (&value[0]["new"], &value[0]["quarantined"]),
        (&1.into(), &0.into()),
        "{value}"
    );
    assert_eq!(on(&dir, &["quarantine", "list", "--format", "jsonl"]).lines().len(), 1);
    assert_eq!(on(&dir, &["units", "alias", "add", "vg-10", "snils", "1"]).code, 64);
    assert_eq!(on(&dir, &["units", "alias", "add", "vg-99", "inn", "1"]).code, 64);
    let register = dir.join("config/register.csv").display().to_string();
    assert_eq!(on(&dir, &["units", "import", &register]).code, 0);
    assert_eq!(on(&dir, &["units", "import", "absent.csv"]).code, 66);
    assert_eq!(on(&dir, &["quarantine", "show", "999"]).code, 64);
}

#[test]
fn sums_of_a_territory_are_told_by_name_and_what_has_none_is_refused_by_name() {
    let round = "vpr/2024-25/spring";
    let sums = |words: &[&str]| in_demo(&[&["units", "sums"], words].concat());
    let one = sums(&["vg", "--round", round, "--measure", "participants", "--format", "json"]).json();
    let below = sums(&[
        "ru-99",
        "--round",
        round,
        "--measure",
        "participants",
        "--children",
        "--format",
        "json",
    ])
    .json();
    assert_eq!(one, below, "the region has one district");
    let objects = one.as_array().expect("a list");
    assert!(
        objects
            .iter()
            .all(|sum| sum["measure"] == "participants" && sum["units"].as_i64() > Some(1)),
        "{one}"
    );
    let nothing = sums(&["vg", "--round", "vpr/2001-02/spring"]);
    assert_eq!(nothing.code, 0);
    assert!(
        nothing.out.contains(round),
        "names the rounds there are: {}",
        nothing.out
    );
    for (words, code) in [
        (["nowhere", "--measure", "participants"], "MSK-RUN-25"),
        (["vg-10", "--measure", "participants"], "MSK-RUN-33"),
        (["vg", "--measure", "mean"], "MSK-RUN-34"),
    ] {
        let refused = sums(&[&words[..], &["--round", round]].concat());
        assert_eq!(refused.code, 64, "{}", refused.err);
        assert!(refused.err.contains(code), "{}", refused.err);
    }
}

#[test]
fn a_deadline_is_closed_by_a_document_and_a_document_is_rendered_again() {
    let (_folder, dir) = own_copy();
    let id = on(&dir, &["deadlines", "next", "--count", "1", "--format", "json"]).json()[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let done = on(&dir, &["deadlines", "done", &id, "--evidence", "Приказ № 5-о"]);
    assert_eq!(
        (done.code, done.out.trim()),
        (0, format!("{id}: выполнено, Приказ № 5-о").as_str())
    );
    let list = on(&dir, &["deadlines", "list", "--format", "json"]).json();
    let closed = list
        .as_array()
        .expect("a list")
        .iter()
        .find(|deadline| deadline["id"] == id.as_str())
        .cloned();
    assert_eq!(closed.expect("the deadline")["evidence"], "Приказ № 5-о");
    assert_eq!(
        on(&dir, &["deadlines", "done", "9/9@2026-01-01", "--evidence", "x"]).code,
        64
    );

    let rendered = on(
        &dir,
        &[
            "report", "render", "R-VPR", "--period", "2024-25", "--out", "papers", "--format", "json",
        ],
    );
    assert_eq!(rendered.code, 0, "{}", rendered.err);
    for file in rendered.json()["files"].as_array().expect("files") {
        assert!(dir.join(file.as_str().expect("a path")).is_file());
    }
    assert_eq!(
        on(
            &dir,
            &["report", "render", "R-GIA", "--period", "2024-25", "--out", "p"]
        )
        .code,
        64
    );
    assert_eq!(
        on(&dir, &["report", "render", "R-VPR", "--period", "весна", "--out", "p"]).code,
        64
    );
    assert_eq!(
        on(
            &dir,
            &["report", "render", "R-VPR", "--period", "2019-20", "--out", "p"]
        )
        .code,
        66
    );
}

#[test]
fn letters_are_shown_tried_and_sent_again_and_the_database_is_copied() {
    let (_folder, dir) = own_copy();
    assert_eq!(on(&dir, &["mail", "test", "admin@uo.example"]).code, 0);
    assert_eq!(on(&dir, &["mail", "test", "почта"]).code, 64);
    assert_eq!(on(&dir, &["mail", "preview", "999"]).code, 64);
    let retried = on(&dir, &["mail", "retry", "--format", "json"]);
    assert_eq!(
        (retried.code, retried.json()),
        (0, serde_json::json!({ "queued": 0, "sent": 0 }))
    );
    assert_eq!(on(&dir, &["db", "backup", "copy.db"]).code, 0);
    assert!(dir.join("copy.db").is_file());
    assert_eq!(
        on(&dir, &["db", "backup", "copy.db"]).code,
        64,
        "an existing copy is never overwritten"
    );
    assert_eq!(on(&dir, &["mail", "retry", "999"]).code, 64, "no such letter");
    assert_eq!(on(&dir, &["reload"]).code, 69, "no service runs");
}

#[test]
fn the_tables_are_exported_with_their_dictionary_and_never_over_a_file_that_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = |name: &str| folder.path().join(name).display().to_string();
    let csv = in_demo(&["db", "export", "--out", &out("csv"), "--format", "json"]);
    assert_eq!(csv.code, 0, "{}", csv.err);
    let told = csv.json();
    assert_eq!(keys(&told), ["audience", "files", "hidden", "left_out"]);
    assert_eq!(keys(&told["files"][0]), ["file", "hash", "rows", "size_bytes", "table"]);
    let lines = in_demo(&["db", "export", "facts", "--out", &out("lines"), "--as", "jsonl"]);
    assert_eq!(lines.code, 0, "{}", lines.err);
    let text = std::fs::read_to_string(folder.path().join("lines/facts.jsonl")).expect("a file");
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(line["kind"], "fact");
        assert!(
            line["origin"]["place"].is_string() || line["hidden"].is_string(),
            "{line}"
        );
    }
    assert_eq!(
        std::fs::read_dir(folder.path().join("lines"))
            .expect("a folder")
            .count(),
        2
    );
    let excel = in_demo(&[
        "db",
        "export",
        "--out",
        &out("excel"),
        "--for",
        "excel",
        "--audience",
        "public",
    ]);
    assert_eq!(excel.code, 0, "{}", excel.err);
    let text = std::fs::read_to_string(folder.path().join("excel/observations.csv")).expect("a file");
    assert!(
        text.starts_with("\u{feff}Код организации;"),
        "{:?}",
        text.lines().next()
    );
    assert!(
        text.contains(";'1029900001010;"),
        "a code of thirteen digits stays text"
    );
    assert!(excel.out.contains("словарь столбцов"), "{}", excel.out);

    for (words, code, name) in [
        (&["--out", "csv"][..], 64, "MSK-FIL-04"),
        (&["--out", "new", "--round", "vpr/1999-00/spring"], 64, "MSK-USE-10"),
        (&["--out", "new", "--unit", "nowhere"], 64, "MSK-RUN-25"),
        (&["--out", "new", "--as", "jsonl", "--for", "excel"], 64, "MSK-USE-09"),
        (&["--out", "new", "--as", "ods"], 64, "MSK-USE-08"),
        (&["--out", "/dev/null/new"], 74, "MSK-FIL-02"),
    ] {
        let config = demonstration().dir.join("config/msoko.toml").display().to_string();
        let said = call(folder.path(), &[&["--config", &config, "db", "export"], words].concat());
        assert_eq!((said.code, said.out.as_str()), (code, ""), "{words:?}: {}", said.err);
        assert!(said.err.starts_with(name), "{words:?}: {}", said.err);
    }
    let again = in_demo(&["db", "export", "--out", &out("csv"), "--force"]);
    assert_eq!(again.code, 0, "{}", again.err);
}

#[test]
fn a_full_disk_ends_an_export_with_74_and_leaves_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = demonstration().dir.join("config/msoko.toml").display().to_string();
    for form in ["csv", "jsonl", "xlsx"] {
        let executable = env!("CARGO_BIN_EXE_msoko");
        // No file may grow beyond 200 KiB; the signal is ignored, so that the write itself fails.
        let line =
            format!("trap '' XFSZ; ulimit -f 200; '{executable}' --config '{config}' db export --out out --as {form}");
        let ended = Command::new("bash")
            .args(["-c", &line])
            .current_dir(folder.path())
            .output()
            .expect("a shell");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(74), "{form}: {said}");
        assert!(
            said.contains(&format!("MSK-FIL-02: не удаётся записать файл out/observations.{form}")),
            "{said}"
        );
        assert_eq!(
            std::fs::read_dir(folder.path().join("out")).expect("a folder").count(),
            0,
            "{form}"
        );
    }
}

#[test]
fn damage_is_found_and_named_and_a_copy_puts_the_database_back() {
    let (_folder, dir) = own_copy();
    assert_eq!(on(&dir, &["db", "backup", "copy.db"]).code, 0);
    for depth in ["--quick", "--full", "--format=text"] {
        let clean = on(&dir, &["db", "verify", depth]);
        assert_eq!(clean.code, 0, "{}{}", clean.out, clean.err);
        assert!(clean.out.ends_with("повреждений не найдено.\n"), "{}", clean.out);
    }
    assert_eq!(on(&dir, &["db", "verify", "--quick", "--full"]).code, 64);
    let snapshots = dir.join("snapshots");
    let folder = std::fs::read_dir(&snapshots)
        .expect("snapshots")
        .flatten()
        .next()
        .expect("one");
    let file = std::fs::read_dir(folder.path())
        .expect("a folder")
        .flatten()
        .next()
        .expect("one")
        .path();
    #[expect(clippy::disallowed_methods, reason = "a file of the test's own, some kilobytes")]
    let mut bytes = std::fs::read(&file).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).expect("written");
    let found = on(&dir, &["db", "verify", "--full"]);
    assert_eq!(found.code, 65);
    assert!(
        found.out.contains("MSK-SNP-03") && found.out.contains("что делать: проверьте диск"),
        "{}",
        found.out
    );
    let json = on(&dir, &["db", "verify", "--full", "--format", "json"]).json();
    assert_eq!(
        keys(&json),
        ["database", "depth", "findings", "loads", "snapshots", "without_digest"]
    );
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(json["findings"][0]["text"].as_str().expect("a text").contains(&name));
    assert!(
        json["loads"].as_u64() > Some(10) && json["without_digest"] == 0,
        "{json}"
    );

    assert_eq!(
        on(&dir, &["db", "restore", "copy.db"]).code,
        64,
        "the database is there"
    );
    assert_eq!(on(&dir, &["db", "restore", "none.db", "--force"]).code, 66);
    assert_eq!(on(&dir, &["db", "restore", "config/msoko.toml", "--force"]).code, 69);
    let restored = on(&dir, &["db", "restore", "copy.db", "--force", "--format", "json"]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    let kept = restored.json()["kept"].as_str().expect("the old one").to_owned();
    assert!(kept.contains("msoko.db.before-restore-"), "{kept}");
    assert!(restored.json()["waiting"].is_u64(), "{}", restored.out);
    assert_eq!(on(&dir, &["db", "verify"]).code, 0);
    std::fs::remove_file(dir.join("msoko.db")).expect("removed");
    let restored = on(&dir, &["db", "restore", "copy.db"]);
    assert_eq!(restored.code, 0, "an empty place");
    assert!(
        restored.out.contains("Ждут отправки письма из копии: "),
        "{}",
        restored.out
    );
    let number = on(&dir, &["explain", "R-VPR/2024-25/1", "Таблица 2", "G2"]);
    assert_eq!(number.code, 0, "{}", number.err);
}

#[test]
fn an_explanation_walks_from_a_printed_number_to_the_rows_of_a_file() {
    let dir = &demonstration().dir;
    let hint = demonstration()
        .first
        .out
        .lines()
        .last()
        .expect("a hint")
        .trim()
        .to_owned();
    assert!(hint.ends_with("explain R-VPR/2024-25/1 \"Таблица 2\" G2"), "{hint}");
    let number = in_demo(&["explain", "R-VPR/2024-25/1", "Таблица 2", "G2"]);
    assert_eq!(number.code, 0, "{}", number.err);
    let shown: Vec<&str> = number
        .out
        .lines()
        .filter(|line| !line.contains("снимок") && !line.contains("загрузка"))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    R-VPR/2024-25/1, Таблица 2, ячейка G2
      напечатано: 98,3 = 57 из 58
      vg-01 · vpr/2024-25/spring · participants · math · 4 = 57
          файл ВПР 2025 математика 4.xlsx, место Протокол!I2:W59
      vg-01 · vpr/2024-25/spring · absent · math · 4 = 1
          файл ВПР 2025 математика 4.xlsx, место Протокол!I2:W59
    "#);
    let snapshot = number
        .out
        .lines()
        .find_map(|line| line.trim().strip_prefix("снимок "))
        .expect("a snapshot");
    assert!(
        Path::new(snapshot).is_file() && Path::new(snapshot).starts_with(dir),
        "{snapshot}"
    );

    let quoted = in_demo(&["explain", "R-VPR/2024-25/1 Таблица 2 G2"]);
    assert_eq!(quoted.out, number.out, "one quoted word means the same");
    let conclusion = in_demo(&["explain", "R-VPR/2024-25/1", "вывод", "1"]);
    assert!(
        conclusion.out.starts_with("Вывод 1 (правило C-VPR-1): Охват ниже"),
        "{}",
        conclusion.out
    );
    assert!(conclusion.out.contains("Стоит на ячейке G12 таблицы 2:") && conclusion.out.contains("Протокол!"));

    let label = in_demo(&["explain", "R-VPR/2024-25/1", "Таблица 2", "C5"]);
    insta::assert_snapshot!(label.without(dir), @r#"
    64
    MSK-RUN-32: в документе R-VPR/2024-25/1 в ячейке C5 таблицы 2 нет числа из источника (рядом: E5, F5, G5, H5)
      что делать: назовите ячейку с числом; столбцы и строки считаются, как на листе с таблицами
    "#);
    let code = in_demo(&["explain", "msk-dec-03"]);
    insta::assert_snapshot!(code.without(dir), @r#"
    0
    MSK-DEC-03: на листе «…» нет столбца «…» (есть: …); сравните форму с прошлогодней
    Причина: форма файла изменилась или выбран не тот файл
    Что делать: сверьте файл с описанием соединителя; если форма новая, поправьте синонимы столбца в manifest.toml
    "#);
    assert_eq!(in_demo(&["explain", "MSK-XXX-99"]).code, 64);
    assert_eq!(in_demo(&["explain", "R-VPR/2024-25/99"]).code, 64);
}

/// Rewrites one sheet of a workbook, as a school does that corrects a cell and hands the file in again.
#[expect(clippy::disallowed_methods, reason = "a workbook of our own, some kilobytes")]
fn rewrite(workbook: &Path, sheet: &str, change: impl Fn(&str) -> String) {
    let bytes = std::fs::read(workbook).expect("read");
    let mut old = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a workbook");
    let mut new = zip::ZipWriter::new(std::fs::File::create(workbook).expect("created"));
    for position in 0..old.len() {
        let mut part = old.by_index(position).expect("a part");
        let name = part.name().expect("a name").into_owned();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut part, &mut content).expect("read");
        if name == sheet {
            content = change(std::str::from_utf8(&content).expect("text")).into_bytes();
        }
        new.start_file(&name, zip::write::SimpleFileOptions::default())
            .expect("a part");
        std::io::Write::write_all(&mut new, &content).expect("written");
    }
    new.finish().expect("written");
}

#[test]
fn a_corrected_cell_is_told_with_both_files_and_the_documents_that_printed_the_old_number() {
    let (_folder, dir) = own_copy();
    assert_eq!(on(&dir, &["explain", "--diff"]).out.trim(), "Исправлений нет.");
    // A pupil of the sixth school had four tasks at nought that were solved: from mark 2 to mark 3.
    rewrite(
        &dir.join("inbox/vpr/ВПР 2025 математика 5.xlsx"),
        "xl/worksheets/sheet2.xml",
        |sheet| {
            let solved = ["I183", "K183", "L183", "N183"]
                .iter()
                .fold(sheet.to_owned(), |sheet, cell| {
                    sheet.replace(
                        &format!("<c r=\"{cell}\" t=\"s\"><v>65</v>"),
                        &format!("<c r=\"{cell}\" t=\"s\"><v>64</v>"),
                    )
                });
            let counted = solved.replace("<c r=\"AB183\"><v>5</v>", "<c r=\"AB183\"><v>9</v>");
            assert_ne!(counted, sheet, "the demonstration's workbook has another shape");
            counted
        },
    );
    on(&dir, &["pull", "vpr-inbox"]);
    let told = on(&dir, &["explain", "--diff", "R-VPR/2024-25/1", "Таблица 4", "D20"]);
    let steady: Vec<&str> = told.out.lines().filter(|line| !line.contains("получен")).collect();
    insta::assert_snapshot!(steady[1..].join("\n"), @r"
    vg-06 · vpr/2024-25/spring · mark_count · math · 5 · mark=2
      было 3: файл «ВПР 2025 математика 5.xlsx», место Протокол!I181:X196
      стало 2: файл «ВПР 2025 математика 5.xlsx», место Протокол!I181:X196
      старое число в документе R-VPR/2024-25/1: таблица 3: E17, E20; таблица 4: D17, E17, F17, G17, H17, I17, J17, D20, E20, F20, G20, H20, I20, J20; таблица 14: E8, G8, E9, G9, E10, G10, E11, G11; вывод 2; отправлен: monitoring@vg.example; новой редакции ещё нет
    vg-06 · vpr/2024-25/spring · mark_count · math · 5 · mark=3
      было 6: файл «ВПР 2025 математика 5.xlsx», место Протокол!I181:X196
      стало 7: файл «ВПР 2025 математика 5.xlsx», место Протокол!I181:X196
      старое число в документе R-VPR/2024-25/1: таблица 3: F17, F20; таблица 4: D17, E17, F17, G17, H17, I17, J17, D20, E20, F20, G20, H20, I20, J20; таблица 14: E8, G8, E9, G9, E10, G10, E11, G11; вывод 2; отправлен: monitoring@vg.example; новой редакции ещё нет
    ");
    let shown = on(
        &dir,
        &["report", "render", "R-VPR", "--period", "2024-25", "--out", "again"],
    );
    assert_eq!(shown.code, 0, "{}", shown.err);
    let lines = on(&dir, &["explain", "--diff", "vpr-inbox", "--format", "jsonl"]).lines();
    let marks: Vec<&Value> = lines
        .iter()
        .filter(|line| {
            line["key"]
                .as_str()
                .is_some_and(|key| key.contains("mark=2") && key.contains("mark_count"))
        })
        .collect();
    let [two] = marks.as_slice() else { panic!("{marks:?}") };
    assert_eq!((&two["old"]["value"], &two["new"]["value"]), (&3.into(), &2.into()));
    assert_eq!(two["old"]["file"], two["new"]["file"]);
    assert_ne!(two["old"]["snapshot"], two["new"]["snapshot"]);
    assert_eq!(two["documents"][0]["newest"], "R-VPR/2024-25/2");
    assert_eq!(
        two["documents"][0]["recipients"],
        serde_json::json!(["monitoring@vg.example"])
    );
    let key = two["key"].as_str().expect("a key");
    let versions = on(&dir, &["explain", key, "--format", "json"]).json();
    let run = &versions["versions"][1]["run"];
    let version = versions["versions"][1]["manifest"].as_str().expect("a version");
    let kept = on(&dir, &["explain", "описание", &version[..12], "--format", "json"]).json();
    let shipped = std::fs::read_to_string("connectors/vpr-protocol/manifest.toml").expect("a manifest");
    assert_eq!(
        (kept["name"].as_str(), kept["text"].as_str()),
        (Some("vpr-protocol"), Some(&*shipped))
    );
    assert_eq!(on(&dir, &["explain", "описание", "ffff"]).code, 64);
    assert_eq!(&versions["versions"][0]["superseded_by"], run);
    let of_load = on(&dir, &["explain", "--diff", &run.to_string(), "--format", "jsonl"]).lines();
    assert_eq!(of_load.len(), lines.len());
    for wrong in ["нет-такого", "R-VPR/2024-25/1 вывод 1"] {
        assert_eq!(on(&dir, &["explain", "--diff", wrong]).code, 64, "{wrong}");
    }
}

#[test]
fn shipped_connectors_pass_their_own_samples() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tested = call(root, &["connector", "test", "--format", "json"]);
    assert_eq!(tested.code, 0, "{}{}", tested.out, tested.err);
    let outcomes = tested.json();
    for connector in msoko::manifest::shipped() {
        let its_own = |outcome: &&Value| outcome["connector"] == connector.id;
        let tested = outcomes.as_array().expect("a list").iter().filter(its_own).count();
        assert!(tested >= 2, "{}: {tested}", connector.id);
    }
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(
        call(folder.path(), &["connector", "test"]).code,
        66,
        "no samples are here"
    );
    let unknown = call(folder.path(), &["connector", "show", "vpr"]);
    assert_eq!(unknown.code, 64);
    assert!(unknown.err.contains("vpr-protocol"), "{}", unknown.err);
}

#[test]
fn output_that_cannot_be_written_ends_with_74_and_a_reader_that_went_away_does_not() {
    let run = |command: &str| {
        let executable = env!("CARGO_BIN_EXE_msoko");
        let line = format!("set -o pipefail; '{executable}' connector list {command}");
        Command::new("bash").args(["-c", &line]).output().expect("a shell")
    };
    let full = run("> /dev/full");
    assert_eq!(full.status.code(), Some(74));
    assert!(String::from_utf8_lossy(&full.stderr).contains("MSK-FIL-02"));
    assert_eq!(run("| true").status.code(), Some(0));
}

#[test]
fn a_wrong_call_is_told_in_russian_with_the_nearest_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut said = String::new();
    for words in [
        &["statsu"][..],
        &["status", "--frmat", "json"],
        &["status", "--format", "xml"],
        &["report", "render", "R-VPR"],
        &["demo", "--today", "2026-13-01"],
        &["status", "--log", "громко"],
        &["status", "--log", "info", "--log", "debug"],
        &["deadlines", "done", "1/1", "--evidence", " "],
    ] {
        let call = call(folder.path(), words);
        assert_eq!((call.code, call.out.as_str()), (64, ""), "{words:?}");
        said.push_str(call.err.lines().next().unwrap_or_default());
        said.push('\n');
    }
    insta::assert_snapshot!(said.trim_end(), @r#"
    MSK-USE-06: в команде неизвестное слово «statsu»; возможно, «status»
    MSK-USE-06: в команде неизвестное слово «--frmat»; возможно, «--format»
    MSK-USE-08: значение «xml» не подходит для --format <ВИД>; допустимы: text, json, jsonl
    MSK-USE-07: в команде не хватает: --period <ПЕРИОД>, --out <ПАПКА>
    MSK-USE-08: значение «2026-13-01» не подходит для --today <ДАТА>; дата пишется так: 2026-02-16
    MSK-USE-08: значение «громко» не подходит для --log <УРОВЕНЬ>; допустимы: off, error, warn, info, debug, trace
    MSK-USE-09: команда не читается: --log <УРОВЕНЬ> указан дважды
    MSK-USE-07: в команде не хватает: документ в --evidence
    "#);
}

#[test]
fn help_is_russian_throughout() {
    let folder = tempfile::tempdir().expect("a folder");
    let help = |words: &[&str]| {
        let said = call(folder.path(), words);
        assert_eq!(said.code, 0, "{words:?}");
        said.out
    };
    for words in [
        &["--help"][..],
        &["demo", "--help"],
        &["units", "alias", "--help"],
        &["connector", "preview", "-h"],
        &["db", "export", "--help"],
    ] {
        let text = help(words);
        for english in [
            "Usage",
            "Options",
            "Commands",
            "Arguments",
            "Print",
            "default",
            "possible",
        ] {
            assert!(!text.contains(english), "{english} in {text}");
        }
    }
    insta::assert_snapshot!(help(&["deadlines", "done", "--help"]).trim_end(), @r#"
    Отметить выполненным

    Вызов: msoko deadlines done [ключи] --evidence <ДОКУМЕНТ> <СРОК>

    Что указать:
      <СРОК>  Срок, как его показывает список: 1/20@2026-03-01

    Ключи:
          --config <ФАЙЛ>        Файл настройки; без ключа /etc/msoko/msoko.toml, затем ./config/msoko.toml
          --evidence <ДОКУМЕНТ>  Подтверждающий документ
          --format <ВИД>         Вид вывода: text (для человека), json, jsonl (по объекту на строку)
          --log <УРОВЕНЬ>        Подробность журнала: off, warn, info, debug; обычно warn, у службы info
          --log-format <ВИД>     Вид строк журнала: text, json
      -h, --help                 Эта справка
    "#);
    assert!(help(&["--version"]).starts_with("msoko "));
}

#[test]
fn a_plan_gives_dates_to_rows_that_wait_for_one() {
    let (_folder, dir) = own_copy();
    let waiting = |dir: &Path| {
        let list = on(dir, &["deadlines", "list", "--format", "json"]).json();
        let rows = list.as_array().expect("a list").clone();
        rows.iter().filter(|row| row["state"] == "needs_date").count()
    };
    let before = waiting(&dir);
    let main = dir.join("config/msoko.toml");
    let text = std::fs::read_to_string(&main).expect("the configuration");
    std::fs::write(&main, text.replace("[paths]\n", "[paths]\nplan = \"plan.toml\"\n")).expect("written");
    std::fs::write(
        dir.join("config/plan.toml"),
        "[plan]\n\"План-график\" = [\"2026-04-20\"]\n",
    )
    .expect("written");
    let after = waiting(&dir);
    assert!(before > 0 && after < before, "{before} rows waited, {after} still do");
}
