//! The real executable as a service: a supervisor's notify socket, signals, reload, stop, the work that is due.

#[path = "service/office.rs"]
mod office;

use std::time::{Duration, Instant};

use msoko::loopback::{Response, Server, Site};
use office::{FEED, Office, folder_source};

/// A stop has to be over by then.
const STOP: Duration = Duration::from_secs(10);

/// Anything else that is waited for.
const SOON: Duration = Duration::from_secs(15);

#[test]
fn readiness_comes_with_a_russian_state_line_and_the_watchdog_is_fed_until_the_stop() {
    let office = Office::new();
    let started = Instant::now();
    let mut service = office.start();
    let ready = service.hears("READY=1", Duration::from_secs(5));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let ready = ready.replace('\u{a0}', " ");
    assert_eq!(
        ready.trim_end(),
        "READY=1\nSTATUS=0 источников, в норме 0; в очереди писем 0"
    );
    assert!(
        office.socket().exists(),
        "the control socket is open before readiness is told"
    );
    for _ in 0..3 {
        // The supervisor of this test allows two seconds, the loop wakes each second; the rest is for a busy machine.
        service.hears("WATCHDOG=1", Duration::from_secs(4));
    }
    let asked = Instant::now();
    service.signal("TERM");
    service.hears("STOPPING=1", STOP);
    assert_eq!(service.ends(STOP).code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(5), "an idle service ends at once");
    assert!(!office.socket().exists(), "the control socket is gone");
}

#[test]
fn a_due_drop_folder_is_pulled_and_shown_while_a_second_copy_leaves_with_75() {
    let office = Office::new();
    office.sources(&[folder_source("inbox")]);
    office.drop("inbox", "district.xml", FEED);
    let service = office.start_ready();
    let half_written = office.state().join("snapshots/.part-1-1");
    std::fs::create_dir_all(office.state().join("snapshots")).expect("a folder");
    std::fs::write(&half_written, "by the first copy").expect("written");
    let asked = Instant::now();
    let second = office.msoko(&["run"]);
    told(&format!("the second copy left after {:?}", asked.elapsed()));
    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "two seconds on a machine that is not busy"
    );
    assert!(half_written.exists(), "a copy that leaves touches nothing");
    assert_eq!(second.code, Some(75), "{}", second.err);
    assert!(second.err.contains("MSK-DB-05"), "{}", second.err);
    assert!(
        second.err.contains("msoko run (pid "),
        "the holder is named: {}",
        second.err
    );
    let source = office.waits_for_pull("inbox", SOON);
    assert_eq!(source["rows"], FEED.matches("<observation ").count(), "{source}");
    assert!(source["quarantined"].as_u64().expect("a number") > 0, "{source}");
    assert_eq!(source["state"], "ok", "{source}");
    service.stops();
}

#[test]
fn a_wrong_configuration_keeps_the_service_from_starting_with_78_whatever_is_wrong() {
    let office = Office::new();
    let refused = |what: &str, codes: &[&str]| {
        let run = office.msoko(&["run"]);
        assert_eq!(run.code, Some(78), "{what}: {}", run.err);
        for code in codes {
            assert!(run.err.contains(code), "{what}: {}", run.err);
        }
        assert!(!office.state().join("msoko.db").exists(), "{what}: nothing was opened");
    };
    let never = folder_source("inbox").replace("0 3 * * *", "0 6 31 2 *");
    office.sources(&[never, folder_source("other").replace("0 3 * * *", "завтра")]);
    refused("cron texts", &["MSK-RUN-02", "MSK-RUN-01", "sources.toml:"]);
    office.sources(&[folder_source("inbox").replace("include", "inclde")]);
    refused("a misspelt key", &["sources.toml:", "inclde", "include"]);
    office.sources(&[]);
    office.put("roadmaps/8.toml", "number = \"восемь\"\n");
    refused("a roadmap", &["8.toml:"]);
    office.remove("roadmaps/8.toml");
    office.remove("recipients.toml");
    refused("a missing file", &["recipients.toml"]);
}

#[test]
fn reload_takes_a_good_change_over_and_says_when_nobody_listens() {
    let office = Office::new();
    let alone = office.msoko(&["reload"]);
    assert_eq!(alone.code, Some(69), "{}", alone.err);
    assert!(alone.err.contains("MSK-RUN-20"), "{}", alone.err);

    let mut service = office.start_ready();
    office.drop("first", "district.xml", FEED);
    office.sources(&[folder_source("first")]);
    let reload = office.msoko(&["reload", "--wait", "10"]);
    assert_eq!(
        (reload.code, reload.out.as_str()),
        (Some(0), "Настройка применена.\n"),
        "{}",
        reload.err
    );
    office.waits_for_pull("first", SOON);

    office.drop("second", "district.xml", FEED);
    office.sources(&[folder_source("first"), folder_source("second")]);
    service.signal("HUP");
    office.waits_for_pull("second", SOON);
    assert!(service.lives(), "a hang-up is no reason to end");
    service.stops();
    let told = office.json(&["audit", "period", "--from", "2026-01-01", "--to", "2999-12-31"]);
    let accepted: Vec<&serde_json::Value> = told
        .as_array()
        .expect("records")
        .iter()
        .filter(|record| record["action"] == "configuration_accepted")
        .collect();
    let hashes: std::collections::BTreeSet<String> =
        accepted.iter().map(|record| record["object"].to_string()).collect();
    assert_eq!(
        (accepted.len(), hashes.len()),
        (3, 3),
        "at the start and at each change: {told}"
    );
}

#[test]
fn a_wrong_change_is_refused_with_its_problems_and_the_old_configuration_stays_in_force() {
    // Two silent sources take both slots of the daemon until their server goes away, so that the folder is pulled only
    // after the refused reload: by the configuration that is in force then.
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let site = Site::new().route("/export.xml", Response::stalling("<?xml"));
    // One server each: the daemon never opens two connections to a host for two sources.
    let servers = [(), ()].map(|()| runtime.block_on(Server::start(site.clone())).expect("loopback"));
    let slow = [
        address_source("one", &servers[0].url("/export.xml")),
        address_source("two", &servers[1].url("/export.xml")),
    ];
    let office = Office::new();
    office.drop("old", "district.xml", FEED);
    office.drop("new", "district.xml", FEED);
    office.sources(&[slow[0].clone(), slow[1].clone(), folder_source("old")]);
    let mut service = office.start_ready();
    for server in &servers {
        waits_for_visits(server, 1);
    }

    let [never, unread] = ["0 6 31 2 *", "завтра"].map(|cron| folder_source("new").replace("0 3 * * *", cron));
    office.sources(&[
        folder_source("new"),
        never.replace("\"new\"", "\"a\""),
        unread.replace("\"new\"", "\"b\""),
    ]);
    service.signal("HUP");
    service.writes("is rejected", SOON);
    let reload = office.msoko(&["reload"]);
    assert_eq!(reload.code, Some(78), "{}", reload.err);
    for told in ["MSK-RUN-02", "MSK-RUN-01", "Прежняя настройка остаётся в силе."] {
        assert!(reload.err.contains(told), "{told}: {}", reload.err);
    }
    office.sources(&[folder_source("new").replace("include", "inclde")]);
    let reload = office.msoko(&["--format", "json", "reload"]);
    assert_eq!(reload.code, Some(78), "{}", reload.err);
    assert!(
        reload.out.contains("\"applied\": false") && reload.out.contains("inclde"),
        "{}",
        reload.out
    );
    office.put(
        "msoko.toml",
        &office
            .main()
            .replace("[jobs]", "[database]\nurl = \"sqlite:other.db\"\n\n[jobs]"),
    );
    office.sources(&[]);
    let reload = office.msoko(&["reload"]);
    assert_eq!(reload.code, Some(78), "{}", reload.err);
    assert!(reload.err.contains("только при перезапуске"), "{}", reload.err);
    office.mail("transport = \"file\"\n");

    office.sources(&[folder_source("old"), folder_source("new")]);
    assert!(!office.is_pulled("old"), "the silent sources hold both slots still");
    for server in servers {
        runtime.block_on(server.stop());
    }
    office.waits_for_pull("old", SOON);
    assert!(!office.is_pulled("new"), "only the refused files know it");
    assert!(service.lives());
    service.stops();
}

#[test]
fn a_stop_in_the_middle_of_a_stalled_pull_is_over_in_time_and_a_second_one_does_not_wait() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let start = &FEED.as_bytes()[..FEED.len() / 2];
    let site = Site::new().route("/export.xml", Response::stalling(start));
    let server = runtime.block_on(Server::start(site)).expect("loopback");
    for (signals, limit) in [(1, STOP), (2, Duration::from_secs(5))] {
        let office = Office::new();
        office.sources(&[address_source("rsoko", &server.url("/export.xml"))]);
        let before = server
            .visits()
            .iter()
            .filter(|visit| visit.path.ends_with(".xml"))
            .count();
        let mut service = office.start_ready();
        waits_for_visits(&server, before + 1);
        let asked = Instant::now();
        service.signal("TERM");
        service.hears("STOPPING=1", Duration::from_secs(1));
        if signals == 2 {
            service.signal("TERM");
        }
        assert_eq!(service.ends(STOP).code(), Some(0), "{}", service.journal());
        assert!(asked.elapsed() < limit, "{signals} signals: {:?}", asked.elapsed());
        assert!(!office.is_pulled("rsoko"));
    }
}

#[test]
fn letters_that_are_due_are_written_on_a_working_day_only_and_delivered() {
    let office = Office::new();
    office.roadmaps();
    office.recipients();
    office.calendar("holiday");
    office.sources(&[folder_source("inbox")]);
    office.drop("inbox", "district.xml", FEED);
    let mut service = office.start_ready();
    office.waits_for_pull("inbox", SOON);
    service.hears("WATCHDOG=1", SOON);
    assert_eq!(office.letters(), Vec::<String>::new(), "a day off");
    let deadlines = &office.status()["deadlines"];
    assert!(deadlines["upcoming"].as_u64().expect("a number") > 20, "{deadlines}");

    office.calendar("work");
    let reload = office.msoko(&["reload"]);
    assert_eq!(reload.code, Some(0), "{}", reload.err);
    let letters = office.waits_for_letters(1, SOON);
    assert_eq!(letters.len(), 1, "one recipient wants them, in one letter: {letters:?}");
    assert!(letters[0].contains("Свести заявки школ"), "{}", letters[0]);
    let outbox = office.json(&["mail", "outbox"]);
    assert_eq!(outbox[0]["state"], "sent", "{outbox}");
    assert_eq!(outbox[0]["to"], "monitoring@uo.example", "{outbox}");
    // A new start on the same day writes nothing twice.
    service.stops();
    let mut service = office.start_ready();
    for _ in 0..2 {
        service.hears("WATCHDOG=1", SOON);
    }
    assert_eq!(office.letters().len(), 1);
    service.stops();
}

#[test]
fn letters_that_cannot_leave_stay_in_the_outbox_over_a_stop_and_leave_later() {
    let office = Office::new();
    office.roadmaps();
    office.recipients();
    office.calendar("work");
    // Nobody listens on this port.
    office.mail("transport = \"smtp\"\n[mail.smtp]\nhost = \"127.0.0.1\"\nsecurity = \"none\"\nport = 1\n");
    let service = office.start_ready();
    service.writes("letters wait", SOON);
    service.stops();
    let outbox = office.json(&["mail", "outbox"]);
    assert_eq!(outbox[0]["state"], "queued", "{outbox}");
    assert_eq!(office.status()["outbox"]["queued"], 1);

    office.mail("transport = \"file\"\n");
    let retry = office.msoko(&["mail", "retry"]);
    assert_eq!(retry.code, Some(0), "{}", retry.err);
    assert_eq!(office.letters().len(), 1);
    assert_eq!(office.status()["outbox"]["queued"], 0);
}

#[cfg(feature = "failpoints")]
#[test]
fn a_task_that_dies_ends_the_process_with_70_and_is_named() {
    let office = Office::new();
    // On a day off, and with the old things gone, the pull is the only job.
    office.calendar("holiday");
    assert_eq!(office.msoko(&["db", "retain"]).code, Some(0));
    office.sources(&[folder_source("inbox")]);
    office.drop("inbox", "district.xml", FEED);
    let mut service = office.start_with(&[("MSOKO_FAILPOINT", "job-begun")]);
    assert_eq!(service.ends(SOON).code(), Some(70), "{}", service.journal());
    assert!(service.journal().contains("MSK-RUN-28"), "{}", service.journal());
    assert!(service.journal().contains("pull inbox"), "{}", service.journal());
    // The supervisor starts it again; nothing of the dead one is in the way.
    let service = office.start_ready();
    service.stops();
}

#[expect(clippy::print_stderr, reason = "a figure for whoever reads the output of the tests")]
fn told(figure: &str) {
    eprintln!("{figure}");
}

/// The answer of `systemd-analyze`, or nothing where there is none.
fn systemd_analyze(arguments: &[&str]) -> Option<std::process::Output> {
    let run = std::process::Command::new("systemd-analyze")
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .output();
    match run {
        Ok(output) => Some(output),
        Err(error) => {
            left_out(&format!("systemd-analyze cannot be run on this machine: {error}"));
            None
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "what was not tested has to be said; tests/run says it as well"
)]
fn left_out(why: &str) {
    eprintln!("LEFT OUT: {why}");
}

const UNIT: &str = include_str!("../systemd/msoko.service");

#[test]
fn the_unit_is_exposed_by_no_more_than_1_3() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/msoko.service");
    let Some(output) = systemd_analyze(&["security", "--offline=true", "--no-pager", path]) else {
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("--offline") {
        left_out("this systemd-analyze cannot score a file, version 250 can");
        return;
    }
    let score = text
        .split("exposure level for msoko.service:")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|score| score.parse::<f32>().ok());
    let score = score.unwrap_or_else(|| panic!("a score: {text}{}", String::from_utf8_lossy(&output.stderr)));
    assert!(score <= 1.3, "exposure {score}:\n{text}");
}

#[test]
fn systemd_has_nothing_to_say_about_the_unit() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("msoko.service");
    let unit: String = UNIT
        .replace("/usr/bin/msoko ", &format!("{} ", env!("CARGO_BIN_EXE_msoko")))
        .lines()
        .filter(|line| !line.starts_with("Documentation="))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(unit.matches(env!("CARGO_BIN_EXE_msoko")).count(), 2, "start and reload");
    std::fs::write(&path, unit).expect("written");
    let Some(output) = systemd_analyze(&["verify", path.to_str().expect("UTF-8")]) else {
        return;
    };
    let said = [output.stdout, output.stderr].concat();
    assert_eq!(String::from_utf8_lossy(&said), "");
    assert!(output.status.success(), "{}", output.status);
}

/// A feed at an address of this machine.
fn address_source(id: &str, url: &str) -> String {
    format!(
        "[[source]]\nid = \"{id}\"\nconnector = \"rsoko-feed\"\naddress = \"{url}\"\npace = \"0s\"\n\
         allow_private = [\"127.0.0.1\"]\nschedule = \"0 3 * * *\"\n"
    )
}

/// Waits until the service has asked for so many feeds.
fn waits_for_visits(server: &Server, count: usize) {
    office::wait("a visit", SOON, || {
        let visits = server.visits();
        (visits.iter().filter(|visit| visit.path.ends_with(".xml")).count() >= count).then_some(())
    });
}

#[test]
fn a_name_of_a_person_in_a_file_name_reaches_no_file_no_letter_and_no_screen() {
    let office = Office::new();
    office.sources(&[folder_source("inbox")]);
    let recipient = "[[recipient]]\nname = \"Администратор\"\naddress = \"admin@uo.example\"\nletters = [\"source\"]\n";
    office.put("recipients.toml", recipient);
    let named = [
        ("РСОКО 2025 Пирогов Пётр Сергеевич.xml", FEED),
        ("РСОКО 2025 Сидорова Мария Ивановна.xml", FEED),
        ("Кузнецова Анна Петровна.xml", "<other/>"),
    ];
    for (name, text) in named {
        office.drop("inbox", name, text);
    }
    let pulled = office.msoko(&["--log", "info", "pull"]);
    assert_eq!(pulled.code, Some(1), "{}{}", pulled.out, pulled.err);
    assert!(pulled.out.contains("снимков 2,"), "two files stay two: {}", pulled.out);
    let again = office.msoko(&["pull"]);
    assert!(again.out.contains("снимков 0,"), "both are known: {}", again.out);
    let letter = office.msoko(&["mail", "preview", "1"]);
    assert!(
        letter.out.contains("файл "),
        "{}{}{}",
        pulled.out,
        letter.out,
        letter.err
    );
    let seen = [pulled.out, pulled.err, letter.out, office.kept()].concat();
    for person in ["Пирогов", "Сидоров", "Кузнецов"] {
        assert!(!seen.contains(person), "{person}");
    }
}

#[test]
fn a_file_given_by_hand_says_nothing_about_its_source() {
    let office = Office::new();
    office.sources(&[folder_source("inbox")]);
    let recipient = "[[recipient]]\nname = \"Администратор\"\naddress = \"admin@uo.example\"\nletters = [\"source\"]\n";
    office.put("recipients.toml", recipient);
    office.drop("inbox", "district.xml", FEED);
    assert_eq!(office.msoko(&["pull"]).code, Some(0));
    let before = office.status();
    let missing = office.msoko(&["pull", "inbox", "--file", "нет-такого.xml"]);
    assert_eq!(missing.code, Some(66), "{}{}", missing.out, missing.err);
    assert_eq!(office.status()["sources"][0]["state"], before["sources"][0]["state"]);
    assert_eq!(office.json(&["mail", "outbox"]), serde_json::json!([]), "no alarm");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_reads_what_a_pull_would_read_and_knows_the_register() {
    let answer = Response::page("application/xml", FEED).header("ETag", "\"1\"");
    let feed = Server::start(Site::new().route("/export.xml", answer))
        .await
        .expect("a server");
    let office = Office::new();
    let address = format!(
        "[[source]]\nid = \"feed\"\nconnector = \"rsoko-feed\"\naddress = \"{}\"\npace = \"0s\"\n\
         allow_private = [\"127.0.0.1\"]\nschedule = \"0 3 * * *\"\n",
        feed.url("/export.xml")
    );
    let both = folder_source("inbox").replace("\"rsoko-feed\"", "[\"vpr-marks\", \"rsoko-feed\"]");
    office.sources(&[address, both]);
    office.drop("inbox", "district.xml", FEED);
    assert_eq!(office.msoko(&["db", "migrate"]).code, Some(0));
    for source in ["feed", "inbox"] {
        let shown = office.msoko(&["pull", source, "--dry-run"]);
        assert_eq!(shown.code, Some(0), "{source}: {}{}", shown.out, shown.err);
        assert!(!shown.out.contains("ОТКЛОНЕН"), "{source}: {}", shown.out);
        assert!(
            shown.out.contains("MSK-NRM-04"),
            "{source}: nobody is in the register: {}",
            shown.out
        );
    }
    office.drop("inbox", "other.xml", "<other/>");
    let refused = office.msoko(&["pull", "inbox", "--dry-run"]);
    assert_eq!(refused.code, Some(1), "{}", refused.out);
    assert!(refused.out.contains("MSK-RUN-14"), "{}", refused.out);
    feed.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_that_lost_most_of_its_facts_is_held_back_alone_until_it_is_confirmed() {
    const PAGES: [&str; 5] = ["common", "document", "education", "employees", "vacant"];
    let page = |section: &str| {
        let file = format!("connectors/school-site/fixtures/{section}-marked.html");
        Response::page(
            "text/html; charset=utf-8",
            std::fs::read_to_string(file).expect("a fixture"),
        )
    };
    let links: String = PAGES
        .iter()
        .map(|section| format!("<a href=\"/sveden/{section}\">{section}</a>"))
        .collect();
    let home = format!("<html><body><h1>Школа</h1><p>Сведения об образовательной организации</p>{links}</body></html>");
    let mut servers = Vec::new();
    for _ in 0..2 {
        let site = Site::new().route("/", Response::page("text/html; charset=utf-8", home.clone()));
        let site = PAGES.iter().fold(site, |site, section| {
            site.route(&format!("/sveden/{section}"), page(section))
        });
        servers.push(Server::start(site).await.expect("a server"));
    }
    let office = Office::new();
    office.sources(&[
        "[[source]]\nid = \"sites\"\nconnector = \"school-site\"\neach = \"organisation.site\"\n\
                      pace = \"0s\"\nallow_private = [\"127.0.0.1\"]\nschedule = \"0 3 * * *\"\n"
            .to_owned(),
    ]);
    // The branch has the site of its school.
    let register = format!(
        "id;kind;title;parent;branch;site\nv-1;general;СОШ № 1;;;{0}\nv-2;general;СОШ № 2;;;{1}\n\
         v-3;general;Филиал СОШ № 2;v-2;да;{1}\n",
        servers[0].url("/"),
        servers[1].url("/")
    );
    office.put("register.csv", &register);
    assert_eq!(office.msoko(&["db", "migrate"]).code, Some(0));
    let imported = office.msoko(&["units", "import", &office.path("register.csv")]);
    assert_eq!(imported.code, Some(0), "{}", imported.err);
    let first = office.msoko(&["pull"]);
    assert_eq!(first.code, Some(0), "{}{}", first.out, first.err);
    assert!(first.out.contains("снимков 3,"), "{}", first.out);

    for section in &PAGES[1..] {
        servers[0].publish(&format!("/sveden/{section}"), Response::new(404, ""));
        servers[1].publish(&format!("/sveden/{section}"), page(section).header("ETag", "\"2\""));
    }
    servers[1].publish("/sveden/vacant", Response::new(404, ""));
    let held = office.msoko(&["pull"]);
    assert_eq!(held.code, Some(1), "{}{}", held.out, held.err);
    assert!(held.out.contains("MSK-DB-10"), "{}", held.out);
    assert!(
        held.out.contains("снимков 2,"),
        "the other two are loaded: {}",
        held.out
    );
    let confirmed = office.msoko(&["pull", "--confirm"]);
    assert_eq!(confirmed.code, Some(0), "{}{}", confirmed.out, confirmed.err);
    for server in servers {
        server.stop().await;
    }
}
