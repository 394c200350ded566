//! An invented district of twelve organisations and three years, for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeZone};

use super::{Input, Office, Source, TaskPlan, Terms, WorkKey, WorkPlan};
use crate::domain::observation::{Amount, Breakdown};
use crate::domain::place::Place;
use crate::domain::stored::{ObservationKey, StoredObservation};
use crate::domain::unit::{Register, Unit, UnitId};
use crate::domain::vocabulary::{Measure, Procedure, UnitKind};
use crate::privacy::suppress::Audience;
use crate::reports::Rules;

/// Everything an [`Input`] borrows.
pub(super) struct District {
    pub observations: Vec<Arc<StoredObservation>>,
    pub register: Register,
    pub municipality: UnitId,
    pub subjects: BTreeMap<String, String>,
    pub plans: BTreeMap<WorkKey, WorkPlan>,
    pub sources: Vec<Source>,
    pub office: Office,
    pub hidden_before: BTreeSet<(WorkKey, UnitId)>,
    pub rules: Rules,
}

const SCHOOLS: [(&str, &str); 10] = [
    (
        "МКОУ «Айская ООШ»",
        "Муниципальное казённое общеобразовательное учреждение «Айская основная общеобразовательная школа»",
    ),
    (
        "МКОУ «Берёзовская СОШ»",
        "Муниципальное казённое общеобразовательное учреждение «Берёзовская средняя общеобразовательная школа»",
    ),
    (
        "МБОУ «Верхнегорская СОШ № 1»",
        "Муниципальное бюджетное общеобразовательное учреждение «Верхнегорская средняя общеобразовательная школа № 1»",
    ),
    (
        "МБОУ «Верхнегорская СОШ № 2»",
        "Муниципальное бюджетное общеобразовательное учреждение «Верхнегорская средняя общеобразовательная школа № 2»",
    ),
    (
        "МБОУ «Верхнегорская СОШ № 10»",
        "Муниципальное бюджетное общеобразовательное учреждение «Верхнегорская средняя общеобразовательная школа № 10»",
    ),
    (
        "МБОУ «Гимназия имени А. Н. Вымышленного»",
        "Муниципальное бюджетное общеобразовательное учреждение «Гимназия имени А. Н. Вымышленного»",
    ),
    (
        "МКОУ «Заречная СОШ»",
        "Муниципальное казённое общеобразовательное учреждение «Заречная средняя общеобразовательная школа»",
    ),
    (
        "МКОУ «Луговская ООШ»",
        "Муниципальное казённое общеобразовательное учреждение «Луговская основная общеобразовательная школа»",
    ),
    (
        "МБОУ «Озёрная СОШ»",
        "Муниципальное бюджетное общеобразовательное учреждение «Озёрная средняя общеобразовательная школа»",
    ),
    (
        "МКОУ «Степная СОШ»",
        "Муниципальное казённое общеобразовательное учреждение «Степная средняя общеобразовательная школа»",
    ),
];

/// Marks 2, 3, 4, 5 by school and year, the newest first; russian of grade 4. School 7 has 4 pupils, school 0 has 9.
const RUSSIAN: [[[i64; 4]; 10]; 3] = [
    [
        [0, 4, 3, 2],
        [5, 7, 4, 2],
        [3, 19, 24, 12],
        [4, 16, 20, 8],
        [11, 18, 12, 6],
        [0, 9, 22, 17],
        [2, 6, 5, 2],
        [1, 2, 1, 0],
        [2, 9, 10, 4],
        [1, 5, 5, 1],
    ],
    [
        [1, 4, 3, 1],
        [2, 9, 6, 3],
        [4, 20, 22, 9],
        [5, 17, 16, 8],
        [3, 20, 16, 8],
        [1, 10, 21, 14],
        [2, 7, 5, 1],
        [0, 3, 2, 0],
        [2, 10, 9, 3],
        [1, 5, 6, 2],
    ],
    [
        [0, 5, 3, 1],
        [2, 8, 7, 2],
        [6, 21, 20, 8],
        [6, 16, 15, 7],
        [4, 19, 15, 7],
        [2, 11, 19, 12],
        [2, 7, 6, 1],
        [0, 2, 3, 0],
        [3, 9, 9, 3],
        [2, 6, 5, 1],
    ],
];
/// Mathematics of grade 5.
const MATHEMATICS: [[[i64; 4]; 10]; 3] = [
    [
        [1, 5, 2, 1],
        [2, 8, 6, 2],
        [7, 22, 18, 8],
        [6, 20, 16, 6],
        [5, 18, 16, 8],
        [1, 12, 19, 15],
        [3, 6, 4, 1],
        [0, 2, 2, 1],
        [3, 10, 8, 3],
        [2, 6, 4, 1],
    ],
    [
        [1, 5, 3, 1],
        [3, 9, 5, 1],
        [14, 22, 13, 5],
        [13, 20, 10, 4],
        [11, 20, 11, 4],
        [4, 15, 17, 8],
        [3, 7, 3, 1],
        [1, 3, 2, 0],
        [5, 11, 6, 2],
        [3, 6, 3, 1],
    ],
    [
        [1, 4, 3, 1],
        [3, 8, 6, 1],
        [12, 23, 14, 6],
        [12, 19, 12, 4],
        [10, 19, 12, 5],
        [4, 14, 18, 7],
        [3, 6, 4, 1],
        [1, 2, 2, 0],
        [5, 10, 7, 2],
        [3, 7, 3, 1],
    ],
];

fn unit(id: &str, kind: UnitKind, title: &str, short_title: &str, parent: Option<&str>) -> Unit {
    Unit {
        id: UnitId(id.to_owned()),
        kind,
        title: title.to_owned(),
        short_title: short_title.to_owned(),
        parent: parent.map(|parent| UnitId(parent.to_owned())),
        branch: false,
        email: None,
        aliases: Vec::new(),
    }
}

fn register() -> Register {
    let mut units = vec![
        unit("rf", UnitKind::Country, "Российская Федерация", "РФ", None),
        unit(
            "r99",
            UnitKind::Region,
            "Вымышленная область",
            "Вымышленная область",
            Some("rf"),
        ),
        unit(
            "m",
            UnitKind::Municipality,
            "Верхнегорский муниципальный район",
            "Верхнегорский район",
            Some("r99"),
        ),
        unit(
            "k1",
            UnitKind::Preschool,
            "Детский сад «Ромашка»",
            "МБДОУ «Ромашка»",
            Some("m"),
        ),
        unit(
            "k2",
            UnitKind::Preschool,
            "Детский сад «Берёзка»",
            "МБДОУ «Берёзка»",
            Some("m"),
        ),
    ];
    // The register is not sorted: the report has to do it.
    for (position, (short_title, title)) in SCHOOLS.iter().enumerate().rev() {
        units.push(unit(
            &format!("s{position}"),
            UnitKind::General,
            title,
            short_title,
            Some("m"),
        ));
    }
    Register::new(units)
}

fn received() -> DateTime<FixedOffset> {
    FixedOffset::east_opt(3 * 3600)
        .and_then(|zone| zone.with_ymd_and_hms(2026, 6, 10, 9, 15, 0).single())
        .expect("a moment")
}

struct Writer {
    observations: Vec<Arc<StoredObservation>>,
    row: u32,
}

impl Writer {
    fn put(
        &mut self,
        round: &str,
        unit: &str,
        work: (&str, u8),
        measure: Measure,
        breakdown: Breakdown,
        value: Amount,
    ) {
        self.row += 1;
        let file = if unit.starts_with('s') {
            format!("Протокол ВПР {} {}.xlsx", work.0, round.replace('/', " "))
        } else {
            format!("Сводные результаты {}.xlsx", round.replace('/', " "))
        };
        self.observations.push(Arc::new(StoredObservation {
            key: ObservationKey {
                unit: UnitId(unit.to_owned()),
                procedure: Procedure::Vpr,
                round: Arc::from(round),
                measure,
                subject: Some(Arc::from(work.0)),
                grade: Some(work.1),
                breakdown: Arc::new(breakdown),
            },
            value,
            n: None,
            file: Arc::from(file),
            place: Place::cells("Протокол", self.row, self.row + 17, 20),
            snapshot: Arc::from("b3c41f0a77d2e9915c30"),
            received: received(),
        }));
    }

    fn marks(&mut self, round: &str, unit: &str, work: (&str, u8), marks: [i64; 4], absent: i64) {
        let none = Breakdown::none;
        let whole = Amount::whole;
        let n: i64 = marks.iter().sum();
        self.put(round, unit, work, Measure::Participants, none(), whole(n));
        self.put(round, unit, work, Measure::Absent, none(), whole(absent));
        for (mark, count) in (2i64..).zip(marks) {
            let mark = none().with("mark", mark.to_string());
            self.put(round, unit, work, Measure::MarkCount, mark, whole(count));
        }
    }

    /// Journal marks: `up` of those with «3» and `down` of those with «4» differ from the journal.
    fn journal(&mut self, round: &str, unit: &str, work: (&str, u8), marks: [i64; 4], lowered: i64) {
        for (mark, count) in (2i64..).zip(marks) {
            let moved = if mark == 3 { lowered.min(count) } else { 0 };
            let pair = |journal: i64| {
                Breakdown::none()
                    .with("mark", mark.to_string())
                    .with("journal", journal.to_string())
            };
            self.put(
                round,
                unit,
                work,
                Measure::JournalCount,
                pair(mark),
                Amount::whole(count - moved),
            );
            if moved > 0 {
                self.put(
                    round,
                    unit,
                    work,
                    Measure::JournalCount,
                    pair(mark + 1),
                    Amount::whole(moved),
                );
            }
        }
    }

    fn tasks(&mut self, round: &str, unit: &str, work: (&str, u8), n: i64) {
        for (position, (label, max, percent)) in (0i64..).zip(TASKS) {
            let task = || Breakdown::none().with("task", label);
            let points = n * max * (percent + (n + position) % 7 - 3) / 100;
            self.put(round, unit, work, Measure::TaskPoints, task(), Amount::whole(points));
            self.put(round, unit, work, Measure::TaskAnswered, task(), Amount::whole(n));
            self.put(round, unit, work, Measure::TaskMax, task(), Amount::whole(max));
        }
    }
}

const TASKS: [(&str, i64, i64); 6] = [
    ("1К1", 4, 66),
    ("1К2", 3, 82),
    ("2", 3, 71),
    ("5", 1, 47),
    ("10", 2, 58),
    ("13(1)", 1, 31),
];

impl District {
    pub(super) fn invented() -> Self {
        let mut writer = Writer {
            observations: Vec::new(),
            row: 1,
        };
        for (year, round) in ["vpr/2025-26/spring", "vpr/2024-25/spring", "vpr/2023-24/spring"]
            .into_iter()
            .enumerate()
        {
            for (work, table) in [(("russian", 4), &RUSSIAN), (("maths", 5), &MATHEMATICS)] {
                for (school, marks) in table[year].iter().enumerate() {
                    let unit = format!("s{school}");
                    let absent = if school == 9 { 3 } else { i64::from(school % 3 == 2) };
                    writer.marks(round, &unit, work, *marks, absent);
                    if year == 0 {
                        let lowered = if school == 6 { 6 } else { marks[1] / 5 };
                        writer.journal(round, &unit, work, *marks, lowered);
                        writer.tasks(round, &unit, work, marks.iter().sum());
                    }
                }
                for score in 0u16..=20 {
                    let count = i64::from(26 - score.abs_diff(12) * 2) + i64::from(score == 8) * 9;
                    let breakdown = Breakdown::none().with("primary", score.to_string());
                    if year == 0 && work.0 == "russian" && score > 2 {
                        writer.put(round, "s2", work, Measure::ScoreCount, breakdown, Amount::whole(count));
                    }
                }
            }
        }
        for (mark, tenths) in [(2, 62), (3, 318), (4, 425), (5, 195)] {
            let mark = Breakdown::none().with("mark", mark.to_string());
            let share = Amount {
                units: tenths,
                scale: 1,
            };
            writer.put("vpr/2025-26/spring", "r99", ("russian", 4), Measure::Share, mark, share);
        }
        Self {
            observations: writer.observations,
            register: register(),
            municipality: UnitId("m".to_owned()),
            subjects: BTreeMap::from([
                ("russian".to_owned(), "Русский язык".to_owned()),
                ("maths".to_owned(), "Математика".to_owned()),
            ]),
            plans: plans(),
            sources: sources(),
            office: Office {
                name: "Управление образования Верхнегорского муниципального района".to_owned(),
                place: "с. Верхнегорское".to_owned(),
                head_post: "Начальник управления образования".to_owned(),
                head: None,
                executor: Some("Исполнитель: отдел оценки качества образования, тел. 8 (000) 000-00-00".to_owned()),
                has_methodists: true,
            },
            hidden_before: BTreeSet::new(),
            rules: Rules::shipped().expect("the shipped rules"),
        }
    }

    pub(super) fn input(&self) -> Input<'_> {
        let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).expect("a date");
        Input {
            observations: &self.observations,
            round: "vpr/2025-26/spring",
            number: 1,
            register: &self.register,
            municipality: &self.municipality,
            subjects: &self.subjects,
            plans: &self.plans,
            sources: &self.sources,
            data_as_of: received(),
            zone: "МСК",
            today: day(6, 15),
            terms: Terms {
                five_days: day(6, 22),
                two_weeks: day(6, 29),
                month: day(7, 15),
                next_quarter: day(10, 23),
                next_procedure: day(12, 30),
            },
            office: &self.office,
            audience: Audience::Office,
            hidden_before: &self.hidden_before,
            rules: &self.rules,
        }
    }
}

fn plans() -> BTreeMap<WorkKey, WorkPlan> {
    let skills = [
        (
            "1К1",
            "Умение писать текст под диктовку, соблюдая орфографические нормы",
            true,
        ),
        (
            "1К2",
            "Умение писать текст под диктовку, соблюдая пунктуационные нормы",
            true,
        ),
        ("2", "Умение распознавать однородные члены предложения", true),
        ("5", "Умение классифицировать согласные звуки", true),
        ("10", "Умение подбирать к слову близкие по значению слова", true),
        ("13(1)", "Умение распознавать имена прилагательные и их признаки", false),
    ];
    let tasks = skills
        .into_iter()
        .map(|(label, skill, is_basic)| {
            let plan = TaskPlan {
                skill: skill.to_owned(),
                is_basic,
            };
            (label.to_owned(), plan)
        })
        .collect();
    let key = WorkKey {
        subject: "russian".to_owned(),
        grade: 4,
    };
    let plan = WorkPlan {
        tasks,
        scale: Some([8, 13, 18]),
    };
    BTreeMap::from([(key, plan)])
}

fn sources() -> Vec<Source> {
    ["russian", "maths"]
        .into_iter()
        .map(|subject| Source {
            title: "ВПР, индивидуальные результаты".to_owned(),
            file: format!("Протокол ВПР {subject} vpr 2025-26 spring.xlsx"),
            received: received(),
            period: "2025/26".to_owned(),
            accepted: 307,
            refused: u64::from(subject == "maths") * 2,
            hash: "b3c41f0a77d2e9915c30aa10".to_owned(),
            stale: false,
        })
        .collect()
}
