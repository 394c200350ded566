//! Invented pupils: points by task, journal marks, absences. Nobody of them exists or has a name.

use super::dice::Dice;
use super::district::School;

/// A work of ВПР.
#[derive(Debug, Clone, Copy)]
pub(super) struct VprWork {
    /// Slug of the subject.
    pub(super) subject: &'static str,
    /// Title of the subject, as file names have it.
    pub(super) title: &'static str,
    /// Grade.
    pub(super) grade: u8,
    /// Task headers with their maxima.
    pub(super) tasks: &'static [(&'static str, u16)],
    /// Lower bounds of marks 3, 4, 5.
    pub(super) bounds: [u16; 3],
}

pub(super) const WORKS: &[VprWork] = &[
    VprWork {
        subject: "math",
        title: "математика",
        grade: 4,
        tasks: &[
            ("1", 1),
            ("2", 1),
            ("3", 2),
            ("4", 1),
            ("5(1)", 1),
            ("5(2)", 1),
            ("6(1)", 1),
            ("6(2)", 1),
            ("7", 1),
            ("8", 2),
            ("9(1)", 1),
            ("9(2)", 1),
            ("10", 2),
            ("11", 2),
            ("12", 2),
        ],
        bounds: [6, 10, 15],
    },
    VprWork {
        subject: "russian",
        title: "русский язык",
        grade: 4,
        tasks: &[
            ("1К1", 4),
            ("1К2", 3),
            ("2", 3),
            ("3(1)", 1),
            ("3(2)", 3),
            ("4", 2),
            ("5", 1),
            ("6", 2),
            ("7", 3),
            ("8", 2),
            ("9", 1),
            ("10", 1),
            ("11", 2),
            ("12(1)", 1),
            ("12(2)", 2),
            ("13(1)", 1),
            ("13(2)", 2),
            ("14", 1),
            ("15(1)", 2),
            ("15(2)", 1),
        ],
        bounds: [14, 24, 33],
    },
    VprWork {
        subject: "math",
        title: "математика",
        grade: 5,
        tasks: &[
            ("1", 1),
            ("2", 1),
            ("3", 1),
            ("4", 1),
            ("5", 1),
            ("6", 2),
            ("7", 1),
            ("8", 1),
            ("9", 2),
            ("10", 2),
            ("11(1)", 1),
            ("11(2)", 1),
            ("12(1)", 1),
            ("12(2)", 1),
            ("13", 1),
            ("14", 2),
        ],
        bounds: [7, 11, 15],
    },
    VprWork {
        subject: "russian",
        title: "русский язык",
        grade: 5,
        tasks: &[
            ("1К1", 4),
            ("1К2", 3),
            ("1К3", 2),
            ("2К1", 3),
            ("2К2", 3),
            ("2К3", 3),
            ("2К4", 3),
            ("3", 2),
            ("4(1)", 3),
            ("4(2)", 2),
            ("5(1)", 2),
            ("5(2)", 2),
            ("6(1)", 2),
            ("6(2)", 1),
            ("7(1)", 2),
            ("7(2)", 1),
            ("8", 2),
            ("9", 2),
            ("10", 1),
            ("11", 1),
            ("12", 1),
        ],
        bounds: [18, 29, 39],
    },
];

/// A cell of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Points.
    Points(u16),
    /// «X».
    Skipped,
    /// «не пройд.».
    NotTaught,
}

/// A pupil's row.
#[derive(Debug, Clone)]
pub(super) struct Pupil {
    /// Code inside the school.
    pub(super) code: String,
    /// Answers; nothing when absent.
    pub(super) answers: Option<Vec<Answer>>,
    /// What the file says as total; now and then wrong by one, as in real files.
    pub(super) total: u16,
    /// Journal mark.
    pub(super) journal: Option<u8>,
    /// `М` or `Ж`.
    pub(super) sex: &'static str,
}

impl VprWork {
    /// Mark 2…5 of a primary score.
    pub(super) fn mark(&self, score: u16) -> u8 {
        2 + self.bounds.iter().map(|bound| u8::from(score >= *bound)).sum::<u8>()
    }

    /// Pupils of one school in one spring.
    pub(super) fn pupils(&self, school: &School, spring: i32) -> Vec<Pupil> {
        if !school.teaches(self.grade) {
            return Vec::new();
        }
        let grade = self.grade.to_string();
        let year = spring.to_string();
        let mut size = Dice::new(&[school.id, self.subject, &grade, &year, "size"]);
        let wobble = school.size / 8 + 1;
        let count = school.size + size.below(wobble) - size.below(wobble).min(school.size / 4);
        (1..=count).map(|number| self.pupil(school, spring, number)).collect()
    }

    fn pupil(&self, school: &School, spring: i32, number: u32) -> Pupil {
        let (grade, year, place) = (self.grade.to_string(), spring.to_string(), number.to_string());
        let mut dice = Dice::new(&[school.id, self.subject, &grade, &year, &place]);
        let code = format!("{}{number:04}", self.grade);
        let sex = if dice.chance(50) { "М" } else { "Ж" };
        if dice.chance(6) {
            return Pupil {
                code,
                answers: None,
                total: 0,
                journal: None,
                sex,
            };
        }
        let gift = i32::try_from(dice.below(70)).unwrap_or(0) - 35;
        let ability = 60 + school.strength + gift + (spring - 2024) * 2;
        let answers: Vec<Answer> = self
            .tasks
            .iter()
            .enumerate()
            .map(|(position, (_, max))| self.answer(&mut dice, ability, position, *max, school))
            .collect();
        let true_total: u16 = answers.iter().map(|answer| answer.points()).sum();
        let total = if dice.chance(3) {
            true_total.saturating_sub(1)
        } else {
            true_total
        };
        let mark = self.mark(true_total);
        let journal = journal_mark(&mut dice, mark, school);
        Pupil {
            code,
            answers: Some(answers),
            total,
            journal,
            sex,
        }
    }

    fn answer(&self, dice: &mut Dice, ability: i32, position: usize, max: u16, school: &School) -> Answer {
        let last = position + 1 == self.tasks.len();
        if last && school.id == "vg-08" {
            return Answer::NotTaught;
        }
        if dice.chance(2) {
            return Answer::Skipped;
        }
        let place = i32::try_from(position * 100 / self.tasks.len()).unwrap_or(0);
        let chance = u32::try_from((ability + 25 - place / 2).clamp(4, 97)).unwrap_or(4);
        Answer::Points((0..max).filter(|_| dice.chance(chance)).count().try_into().unwrap_or(0))
    }
}

fn journal_mark(dice: &mut Dice, mark: u8, school: &School) -> Option<u8> {
    let shift = match school.id {
        "vg-05" if dice.chance(55) => 1,
        _ if dice.chance(18) => 1,
        _ if dice.chance(10) => -1,
        _ => 0,
    };
    if dice.chance(2) {
        return None;
    }
    u8::try_from((i32::from(mark) + shift).clamp(3, 5)).ok()
}

impl Answer {
    pub(super) const fn points(self) -> u16 {
        match self {
            Self::Points(points) => points,
            Self::Skipped | Self::NotTaught => 0,
        }
    }
}

/// Counts of marks 2…5 of a territory, large and smooth: what the regional feed carries.
pub(super) fn territory_marks(work: &VprWork, spring: i32, territory: &str) -> [u32; 4] {
    let (grade, year) = (work.grade.to_string(), spring.to_string());
    let mut dice = Dice::new(&[territory, work.subject, &grade, &year]);
    let size = if territory == "ru" { 1_450_000 } else { 14_600 };
    let share = [6 + dice.below(3), 32 + dice.below(4), 39 + dice.below(4)];
    let mut counts = share.map(|percent| size * percent / 100 + dice.below(40)).to_vec();
    counts.push(size - counts.iter().sum::<u32>());
    [counts[0], counts[1], counts[2], counts[3]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::district::SCHOOLS;

    #[test]
    fn works_have_the_maxima_their_bounds_were_made_for() {
        let maxima: Vec<u16> = WORKS
            .iter()
            .map(|work| work.tasks.iter().map(|task| task.1).sum())
            .collect();
        assert_eq!(maxima, [20, 38, 20, 45]);
    }

    #[test]
    fn the_same_pupils_come_on_every_run() {
        let work = &WORKS[0];
        let once: Vec<u16> = work.pupils(&SCHOOLS[0], 2025).iter().map(|pupil| pupil.total).collect();
        let again: Vec<u16> = work.pupils(&SCHOOLS[0], 2025).iter().map(|pupil| pupil.total).collect();
        assert_eq!(once, again);
        assert!(once.len() > 40);
        assert!(work.pupils(&SCHOOLS[11], 2025).is_empty());
    }
}
