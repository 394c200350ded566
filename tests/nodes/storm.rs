//! The load, the kills and the account afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use msoko::domain::school_year::SchoolYear;
use msoko::loopback::{Response, Server, Site};

use crate::cluster::{ADMINISTRATORS, Cluster, Daemon, LONG_AGO, Seen, files};
use crate::post::{Post, message_id};

/// Kills, unless `MSOKO_KILLS` says how many.
const KILLS: u64 = 8;
const NODES: [&str; 3] = ["a", "b", "c"];

/// Feeds over HTTP; some of them send a stub page now and then, which the administrators are told of.
const FEEDS: u32 = 30;
const UNSTEADY: u32 = 2;
/// Folders that every node sees.
const FOLDERS: u32 = 4;
/// Due times of each source at least.
const ROUNDS: i64 = 4;
/// An unsteady feed fails at every third version.
const STUB: u32 = 3;

const GRADES: std::ops::RangeInclusive<u32> = 4..=8;
const NUMBERS: i64 = 5 * 4;

/// Everything that is under way has to come to its end by then.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a letter about a source may take after the end of the pull; then its writer was killed, and the letter is
/// written after the next pull.
const TELLING: Duration = Duration::from_secs(2);

/// The school year whose report is written now.
pub(crate) fn year(cluster: &Cluster) -> String {
    SchoolYear::of(cluster.today()).previous().to_string()
}

/// Numbers of one school, all of the same value.
pub(crate) fn feed(school: u32, value: u32, year: &str) -> String {
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rsoko version=\"1\">\n".to_owned();
    for grade in GRADES {
        for mark in 2..=5 {
            writeln!(
                xml,
                "<observation login=\"edu99{school:04}\" procedure=\"vpr\" year=\"{year}\" season=\"spring\" \
                 subject=\"math\" grade=\"{grade}\" measure=\"mark_count\" mark=\"{mark}\" value=\"{value}\"/>"
            )
            .expect("a string");
        }
    }
    xml.push_str("</rsoko>\n");
    xml
}

/// A source and what has to have happened to it.
struct Source {
    id: String,
    school: u32,
    version: u32,
    /// Due times that passed, the first start included.
    due: i64,
    /// Versions that have to stand in the warehouse.
    loaded: Vec<u32>,
    /// Outages told to the administrators, and how many of them as over.
    outages: i64,
    recovered: i64,
    /// When the end of the last pull was seen.
    ended: Option<Instant>,
}

impl Source {
    fn is_feed(&self) -> bool {
        self.school <= FEEDS
    }

    fn is_stub(&self) -> bool {
        self.school <= UNSTEADY && self.version.is_multiple_of(STUB)
    }

    fn path(&self) -> String {
        format!("/{}.xml", self.id)
    }

    fn entry(&self, server: &Server) -> String {
        let place = match self.is_feed() {
            true => format!(
                "address = \"{}\"\npace = \"0s\"\nallow_private = [\"127.0.0.1\"]\n",
                server.url(&self.path())
            ),
            false => format!(
                "folder = \"../shared/{}\"\ninclude = [\"*.xml\"]\nsettle = \"0s\"\nnode = \"*\"\n",
                self.id
            ),
        };
        format!(
            "[[source]]\nid = \"{}\"\nconnector = \"rsoko-feed\"\n{place}schedule = \"0 3 1 1 *\"\n",
            self.id
        )
    }

    /// The next version lies where the source is pulled from.
    fn put(&mut self, cluster: &Cluster, server: &Server) {
        self.version += 1;
        let text = match self.is_stub() {
            true => "<html><body>Ведутся работы</body></html>".to_owned(),
            false => feed(self.school, self.version, &year(cluster)),
        };
        if self.is_feed() {
            let answer = Response::page("application/xml", text).after(Duration::from_millis(15));
            server.publish(&self.path(), answer);
        } else {
            cluster.put(&format!("shared/{}/feed.xml", self.id), &text);
        }
        if !self.is_stub() {
            self.loaded.push(self.version);
        }
    }
}

/// Letters about outages and their ends that were written, by source and stage.
type Marks = BTreeMap<(String, String), i64>;

async fn marks(cluster: &mut Cluster) -> Marks {
    let query = "select split_part(cause, '/', 2), stage, count(*) from alert_mark \
                 where cause like 'source/%' and stage in ('failing', 'recovered') group by 1, 2";
    let rows: Vec<(String, String, i64)> = sqlx::query_as(query)
        .fetch_all(&mut cluster.database)
        .await
        .expect("read");
    rows.into_iter()
        .map(|(source, stage, count)| ((source, stage), count))
        .collect()
}

/// xorshift: one seed, one order of kills.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(range.start + self.below(range.end - range.start))
    }
}

/// A number that the environment names, such as the seed of a long run.
fn asked(name: &str, usual: u64) -> u64 {
    std::env::var_os(name).map_or(usual, |text| text.to_str().expect("digits").parse().expect("a number"))
}

/// A killed process: when, by the server's clock.
type Dead = BTreeMap<String, f64>;

struct Storm {
    cluster: Cluster,
    web: Server,
    post: Post,
    sources: Vec<Source>,
    dice: Dice,
    nodes: Vec<Daemon>,
    dead: Dead,
}

pub(crate) async fn three_daemons_that_are_killed_in_turn() {
    let (kills, seed) = (asked("MSOKO_KILLS", KILLS), asked("MSOKO_SEED", 20_260_216));
    let Some(mut storm) = Storm::new(seed).await else {
        return;
    };
    let began = Instant::now();
    for _ in 0..kills {
        let pause = storm.dice.millis(200..900);
        storm.load(pause).await;
        storm.kill_one().await;
    }
    storm.come_to_rest().await;
    storm.write_the_report().await;
    storm.let_the_leases_run_out().await;
    for node in storm.nodes.drain(..) {
        node.stops().await;
    }
    let seen = storm.cluster.seen().await;
    let (pulls, cut) = storm.account_for_pulls(&seen);
    storm.account_for_numbers().await;
    let (letters, copies) = storm.account_for_letters(kills).await;
    for node in NODES {
        let told = storm.cluster.told(node);
        assert!(!told.contains("MSK-BUG") && !told.contains("panicked"), "{told}");
    }
    #[expect(
        clippy::print_stderr,
        reason = "the figures of a run, and what it can be repeated with"
    )]
    {
        eprintln!(
            "seed {seed}: {kills} kills in {:.0?}; {pulls} pulls for as many due times and {cut} cut off and made up for; \
             {letters} letters, {copies} of them with the one copy that cannot be avoided",
            began.elapsed()
        );
    }
}

impl Storm {
    async fn new(seed: u64) -> Option<Self> {
        let (web, post) = (Server::start(Site::new()).await.expect("loopback"), Post::start());
        let mut sources: Vec<Source> = (1..=FEEDS + FOLDERS)
            .map(|school| Source {
                id: format!("{}-{school}", if school <= FEEDS { "feed" } else { "folder" }),
                school,
                version: 0,
                due: 1,
                loaded: Vec::new(),
                outages: 0,
                recovered: 0,
                ended: None,
            })
            .collect();
        let entries: Vec<String> = sources.iter().map(|source| source.entry(&web)).collect();
        let mut cluster = Cluster::new(FEEDS + FOLDERS, &entries.concat(), post.port).await?;
        for source in &mut sources {
            source.put(&cluster, &web);
        }
        let nodes = NODES.map(|node| cluster.start(node)).into();
        cluster.execute("set application_name = 'test'").await;
        Some(Self {
            cluster,
            web,
            post,
            sources,
            dice: Dice(seed.max(1)),
            nodes,
            dead: Dead::new(),
        })
    }

    /// Makes sources due that have been pulled and told about, for a while.
    async fn load(&mut self, span: Duration) {
        let until = Instant::now() + span;
        while Instant::now() < until {
            self.go_on(true).await;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// Looks at every source; gives the number of those that are not done. With `more` a source that is done gets its
    /// next due time.
    async fn go_on(&mut self, more: bool) -> usize {
        let (ends, marks) = (self.cluster.ends().await, marks(&mut self.cluster).await);
        let mut left = 0;
        for number in 0..self.sources.len() {
            let source = &mut self.sources[number];
            let ended = ends.get(&source.id).copied().unwrap_or(0);
            assert!(
                ended <= source.due,
                "{} was pulled {ended} times for {} due times",
                source.id,
                source.due
            );
            if ended < source.due {
                left += 1;
                continue;
            }
            let since = *source.ended.get_or_insert_with(Instant::now);
            let is_told = source.is_told(&marks);
            if !is_told && since.elapsed() < TELLING {
                left += 1;
                continue;
            }
            let again = more || !is_told || source.outages > source.recovered || source.due < ROUNDS;
            if !again {
                continue;
            }
            left += 1;
            // The writer of a letter that is missing was killed: the same once more.
            if is_told {
                source.put(&self.cluster, &self.web);
            }
            source.due += 1;
            source.ended = None;
            let id = source.id.clone();
            self.cluster.make_due(&id).await;
        }
        left
    }

    async fn kill_one(&mut self) {
        let victim = usize::try_from(self.dice.below(NODES.len() as u64)).expect("small");
        let pause = self.dice.millis(50..500);
        let node = &mut self.nodes[victim];
        assert!(node.lives(), "{}", self.cluster.told(&node.node));
        let (name, pid) = (node.node.clone(), node.pid());
        let at = self.cluster.now().await;
        node.kill();
        let id = self.cluster.id_of(&name, pid).await;
        self.load(pause).await;
        if let Some(id) = id {
            self.dead.insert(id.clone(), at);
            self.cluster.silence(&id).await;
        }
        let pause = self.dice.millis(50..500);
        self.load(pause).await;
        // Every few kills the letters of the day are due once more: marks keep them from being written twice.
        let statement = "update source_state set last_success = null where source = 'jobs/letters'";
        self.cluster.execute(statement).await;
        self.nodes[victim] = self.cluster.start(&name);
    }

    async fn come_to_rest(&mut self) {
        let end = Instant::now() + PATIENCE;
        while self.go_on(false).await > 0 {
            assert!(Instant::now() < end, "{:?}", self.cluster.seen().await.last());
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// Its day comes once; three nodes see it.
    async fn write_the_report(&mut self) {
        self.cluster.make_due("jobs/report").await;
        let end = Instant::now() + PATIENCE;
        while self.cluster.ends().await.get("jobs/report") != Some(&2) {
            assert!(Instant::now() < end, "the report is not written");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until living nodes have nothing to send; then a quarter of an hour passes for what killed ones had.
    async fn let_the_leases_run_out(&mut self) {
        let end = Instant::now() + PATIENCE;
        let (mut before, mut since) = (None, Instant::now());
        loop {
            let waiting: Vec<(i64, i64, String)> =
                sqlx::query_as("select id, attempt, state from outbox where state <> 'sent' order by id")
                    .fetch_all(&mut self.cluster.database)
                    .await
                    .expect("read");
            let job = self
                .cluster
                .count("select count(*) from source_state where node <> ''")
                .await;
            if waiting.is_empty() && job == 0 {
                return;
            }
            assert!(Instant::now() < end, "not sent: {waiting:?}");
            if before.as_ref() != Some(&waiting) || !self.post.is_idle() {
                (before, since) = (Some(waiting), Instant::now());
            } else if since.elapsed() > Duration::from_secs(2) && waiting.iter().all(|(_, _, state)| state == "sending")
            {
                sqlx::query("update outbox set next_at = $1 where state = 'sending'")
                    .bind(LONG_AGO)
                    .execute(&mut self.cluster.database)
                    .await
                    .expect("written");
                before = None;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Every source was pulled to the end once per due time. A pull without an end was begun by a process that was
    /// killed later, and the next one began after its death. Gives how many ended and how many were cut off.
    fn account_for_pulls(&self, seen: &[Seen]) -> (i64, i64) {
        let visits = self.web.visits();
        let (mut pulls, mut cut_off) = (0, 0);
        let jobs = [("jobs/report".to_owned(), Some(2)), ("jobs/letters".to_owned(), None)];
        let sources = self.sources.iter().map(|source| (source.id.clone(), Some(source.due)));
        for (id, due) in sources.chain(jobs) {
            let (mut held, mut ends, mut cut) = (None::<&Seen>, 0, 0);
            for line in seen.iter().filter(|line| line.source == id) {
                match (line.what.as_str(), held) {
                    ("start", Some(before)) if before.node != line.node => {
                        let died = self.dead.get(&before.node);
                        assert!(
                            died.is_some_and(|died| *died <= line.at),
                            "two at {id}: {before:?}, {line:?}"
                        );
                        cut += 1;
                    }
                    // A job notes its start twice, when it is claimed and when it is performed.
                    ("start", Some(_)) => assert!(id.starts_with("jobs/"), "{line:?}"),
                    ("start", None) => {}
                    (_, before) => {
                        assert_eq!(before.map(|before| &before.node), Some(&line.node), "{line:?}");
                        ends += 1;
                    }
                }
                held = (line.what == "start").then_some(line);
            }
            assert!(held.is_none(), "{held:?} never ended");
            assert!(
                due.is_none_or(|due| due == ends),
                "{id}: {ends} pulls for {due:?} due times"
            );
            if id.starts_with("feed") {
                let path = format!("/{id}.xml");
                let asked = visits.iter().filter(|visit| visit.path == path).count() as i64;
                assert!(
                    (ends..=ends + cut).contains(&asked),
                    "{id}: asked {asked} times, {ends} + {cut}"
                );
            }
            (pulls, cut_off) = (pulls + ends, cut_off + cut);
        }
        assert!(pulls >= ROUNDS * i64::from(FEEDS + FOLDERS));
        (pulls, cut_off)
    }

    /// Each version stands once, in the order in which it came, and nothing else does.
    async fn account_for_numbers(&mut self) {
        let query = "select unit || ' ' || grade || ' ' || breakdown, array_agg(value order by id), \
                     count(*) filter (where superseded_by is null) from observation group by 1 order by 1";
        let rows: Vec<(String, Vec<i64>, i64)> = sqlx::query_as(query)
            .fetch_all(&mut self.cluster.database)
            .await
            .expect("read");
        assert_eq!(rows.len() as i64, i64::from(FEEDS + FOLDERS) * NUMBERS);
        for source in &self.sources {
            let expected: Vec<i64> = source.loaded.iter().map(|version| i64::from(*version)).collect();
            let unit = format!("uo-{} ", source.school);
            let own: Vec<_> = rows.iter().filter(|(key, _, _)| key.starts_with(&unit)).collect();
            assert_eq!(own.len() as i64, NUMBERS, "{unit}");
            for (key, values, open) in own {
                assert_eq!((values, open), (&expected, &1), "{key}");
            }
        }
        let published = "select count(*) from run where state = 'published'";
        let versions: usize = self.sources.iter().map(|source| source.loaded.len()).sum();
        assert_eq!(self.cluster.count(published).await, versions as i64, "loads published");
        assert_eq!(
            self.cluster
                .count("select count(*) from run where state = 'loading'")
                .await,
            0
        );
        let kept = files(&self.cluster.path("shared/snapshots"));
        let snapshots = self.cluster.count("select count(distinct hash) from snapshot").await;
        let whole = kept.iter().filter(|name| name.ends_with(".zst")).count();
        assert!(whole as i64 >= snapshots, "{whole} files for {snapshots} snapshots");
    }

    /// Every letter was taken by the server, once but for attempts that a kill left without an outcome. Gives the
    /// number of letters and of copies.
    async fn account_for_letters(&mut self, kills: u64) -> (usize, usize) {
        let query = "select o.key, o.recipient, o.message, \
                     (select count(*) from outbox_attempt a where a.letter = o.id and a.finished_at is null) \
                     from outbox o where o.state = 'sent'";
        let sent: Vec<(String, String, Vec<u8>, i64)> = sqlx::query_as(query)
            .fetch_all(&mut self.cluster.database)
            .await
            .expect("read");
        assert_eq!(
            sent.len() as i64,
            self.cluster.count("select count(*) from outbox").await,
            "none is lost"
        );
        let taken = self.post.taken();
        let (mut ids, mut copies) = (BTreeSet::new(), 0);
        for (key, to, message, unfinished) in &sent {
            let id = message_id(message);
            assert!(
                ids.insert((id.clone(), to.clone())),
                "{key}: two letters of one Message-ID"
            );
            let own: Vec<_> = taken
                .iter()
                .filter(|one| one.message_id == id && one.to == *to)
                .collect();
            assert!(!own.is_empty(), "{key} is called sent and was never taken");
            assert!(own.iter().all(|one| one.bytes == own[0].bytes), "{key}: another body");
            assert!(
                own.len() as i64 <= 1 + unfinished,
                "{key}: {} copies, {unfinished} cut off",
                own.len()
            );
            copies += own.len() - 1;
        }
        assert_eq!(taken.len(), sent.len() + copies, "nobody got what is not in the outbox");
        assert!(copies as u64 <= kills, "one open connection a node, one copy a kill");
        let of = |prefix: &str| sent.iter().filter(|(key, _, _, _)| key.starts_with(prefix)).count() as i64;
        let told: i64 = self
            .sources
            .iter()
            .map(|source| source.outages + source.recovered)
            .sum();
        assert!(told > 0, "no outage");
        assert_eq!(
            of("source/"),
            ADMINISTRATORS * told,
            "one letter for each outage and each end"
        );
        assert_eq!(of("notice/"), ADMINISTRATORS, "the roadmap that ended");
        let rest: BTreeSet<_> = sent
            .iter()
            .map(|(key, _, _, _)| key)
            .filter(|key| !key.starts_with("source/"))
            .collect();
        assert_eq!(
            rest.len() as i64,
            ADMINISTRATORS + 1 + 2,
            "a letter about the term and a report to two: {rest:?}"
        );
        (sent.len(), copies)
    }
}

impl Source {
    /// The administrators know what the last pull brought; counts what they were told.
    fn is_told(&mut self, marks: &Marks) -> bool {
        let of = |stage: &str| marks.get(&(self.id.clone(), stage.to_owned())).copied().unwrap_or(0);
        let (failing, recovered) = (of("failing"), of("recovered"));
        let (outages, over) = match self.is_stub() {
            true => (self.recovered + 1, self.recovered),
            false => (self.outages, self.outages),
        };
        let is_told = (failing, recovered) == (ADMINISTRATORS * outages, ADMINISTRATORS * over);
        if is_told {
            (self.outages, self.recovered) = (outages, over);
        }
        is_told
    }
}
