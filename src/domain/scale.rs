//! Scales (шкалы) as data: a primary score becomes a mark only by the document of its year.

use std::sync::Arc;

use super::school_year::SchoolYear;
use super::vocabulary::Procedure;

/// Primary scores of one mark, both ends included (диапазон баллов отметки).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// Lowest score.
    pub from: u16,
    /// Highest score.
    pub to: u16,
}

/// Why four bands are not a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BandFault {
    /// The first band does not begin with 0.
    NotFromZero {
        /// Its lowest score.
        from: u16,
    },
    /// A band ends before it begins.
    Reversed {
        /// The mark of the band.
        mark: u8,
    },
    /// A score belongs to two marks.
    Overlap {
        /// The first score that stands twice.
        score: u16,
    },
    /// A score belongs to no mark.
    Gap {
        /// The first score left out.
        score: u16,
    },
}

/// Bounds of the marks 3, 4 and 5 and the highest score of a work (границы отметок).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    starts: [u16; 3],
    max: u16,
}

impl Bounds {
    /// Makes bounds of the bands of the marks 2, 3, 4 and 5 as the document prints them.
    ///
    /// # Errors
    /// The first overlap, gap or reversed band.
    pub fn of(bands: [Band; 4]) -> Result<Self, BandFault> {
        if bands[0].from != 0 {
            return Err(BandFault::NotFromZero { from: bands[0].from });
        }
        for (mark, band) in (2u8..).zip(&bands) {
            if band.to < band.from {
                return Err(BandFault::Reversed { mark });
            }
        }
        for pair in bands.windows(2) {
            let (left, right) = (pair[0], pair[1]);
            if right.from <= left.to {
                return Err(BandFault::Overlap { score: right.from });
            }
            if right.from - left.to > 1 {
                return Err(BandFault::Gap { score: left.to + 1 });
            }
        }
        Ok(Self {
            starts: [bands[1].from, bands[2].from, bands[3].from],
            max: bands[3].to,
        })
    }

    /// The mark of a primary score; none above the highest score.
    #[must_use]
    pub fn mark(&self, score: u16) -> Option<u8> {
        (score <= self.max).then(|| 2 + self.starts.iter().map(|start| u8::from(score >= *start)).sum::<u8>())
    }

    /// Highest primary score of the work.
    #[must_use]
    pub const fn max(&self) -> u16 {
        self.max
    }

    /// Lowest scores of the marks 3, 4 and 5.
    #[must_use]
    pub const fn starts(&self) -> [u16; 3] {
        self.starts
    }
}

/// A scale (шкала перевода первичного балла в отметку) of one work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// The procedure.
    pub procedure: Procedure,
    /// School year of the round.
    pub year: SchoolYear,
    /// Season or stage; a scale without one serves every season of its year.
    pub season: Option<String>,
    /// Subject slug.
    pub subject: String,
    /// Grade of the work.
    pub grade: Option<u8>,
    /// Bounds of the marks.
    pub bounds: Bounds,
    /// The document that sets it.
    pub source: Arc<str>,
}

/// Least test score that counts as passed (минимальный тестовый балл).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimum {
    /// The procedure.
    pub procedure: Procedure,
    /// First school year it holds for.
    pub from: SchoolYear,
    /// Last school year it holds for.
    pub to: SchoolYear,
    /// Subject slug.
    pub subject: String,
    /// The score.
    pub score: u16,
    /// The document that sets it.
    pub source: Arc<str>,
}

/// All scales known, found by the round they serve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scales {
    scales: Vec<Scale>,
    minimums: Vec<Minimum>,
}

impl Scales {
    /// Adds a scale.
    ///
    /// # Errors
    /// The scale comes back when one of the same work is there already.
    pub fn add(&mut self, scale: Scale) -> Result<(), Scale> {
        let same = |known: &Scale| {
            known.procedure == scale.procedure
                && known.year == scale.year
                && known.season == scale.season
                && known.subject == scale.subject
                && known.grade == scale.grade
        };
        if self.scales.iter().any(same) {
            return Err(scale);
        }
        self.scales.push(scale);
        Ok(())
    }

    /// Adds a minimum.
    ///
    /// # Errors
    /// The minimum comes back when its years are turned round or meet those of another one of its subject.
    pub fn add_minimum(&mut self, minimum: Minimum) -> Result<(), Minimum> {
        let meets = |known: &Minimum| {
            known.procedure == minimum.procedure
                && known.subject == minimum.subject
                && known.from <= minimum.to
                && minimum.from <= known.to
        };
        if minimum.to < minimum.from || self.minimums.iter().any(meets) {
            return Err(minimum);
        }
        self.minimums.push(minimum);
        Ok(())
    }

    /// The scale of a work; a scale of the round's own season goes before one without a season.
    #[must_use]
    pub fn scale(&self, round: &str, subject: &str, grade: Option<u8>) -> Option<&Scale> {
        let (procedure, year, season) = parts_of_round(round)?;
        let fits = |scale: &&Scale| {
            scale.procedure == procedure && scale.year == year && scale.subject == subject && scale.grade == grade
        };
        let mut general = None;
        for scale in self.scales.iter().filter(fits) {
            match scale.season.as_deref() {
                None => general = Some(scale),
                own if own == season => return Some(scale),
                Some(_) => {}
            }
        }
        general
    }

    /// The least passing test score of a subject in a round.
    #[must_use]
    pub fn minimum(&self, round: &str, subject: &str) -> Option<u16> {
        let (procedure, year, _) = parts_of_round(round)?;
        self.minimums
            .iter()
            .find(|known| {
                known.procedure == procedure && known.subject == subject && (known.from..=known.to).contains(&year)
            })
            .map(|known| known.score)
    }

    /// Number of scales and of minimums.
    #[must_use]
    pub fn len(&self) -> (usize, usize) {
        (self.scales.len(), self.minimums.len())
    }
}

/// `vpr/2020-21/spring` → procedure, school year, season.
pub fn parts_of_round(round: &str) -> Option<(Procedure, SchoolYear, Option<&str>)> {
    let mut parts = round.split('/');
    let procedure = Procedure::parse(parts.next()?)?;
    let year = SchoolYear::parse(parts.next()?)?;
    Some((procedure, year, parts.next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bands(ends: [(u16, u16); 4]) -> [Band; 4] {
        ends.map(|(from, to)| Band { from, to })
    }

    fn scale(season: Option<&str>, three: u16) -> Scale {
        Scale {
            procedure: Procedure::Vpr,
            year: SchoolYear::starting(2020),
            season: season.map(str::to_owned),
            subject: "math".to_owned(),
            grade: Some(5),
            bounds: Bounds::of(bands([(0, three - 1), (three, 10), (11, 14), (15, 20)])).expect("a scale"),
            source: "описание".into(),
        }
    }

    #[test]
    fn a_score_gets_the_mark_of_its_band_and_none_above_the_highest_score() {
        let bounds = Bounds::of(bands([(0, 6), (7, 10), (11, 14), (15, 20)])).expect("a scale");
        let marks: Vec<_> = [0, 6, 7, 10, 11, 14, 15, 20, 21].map(|score| bounds.mark(score)).into();
        assert_eq!(
            marks,
            [
                Some(2),
                Some(2),
                Some(3),
                Some(3),
                Some(4),
                Some(4),
                Some(5),
                Some(5),
                None
            ]
        );
        assert_eq!((bounds.starts(), bounds.max()), ([7, 11, 15], 20));
    }

    #[test]
    fn overlaps_gaps_and_turned_bands_are_no_scale() {
        for (ends, fault) in [
            // The geography table of grade 8 as printed in 2021.
            (
                [(0, 12), (13, 26), (27, 35), (35, 40)],
                BandFault::Overlap { score: 35 },
            ),
            ([(0, 12), (14, 26), (27, 34), (35, 40)], BandFault::Gap { score: 13 }),
            (
                [(1, 12), (13, 26), (27, 34), (35, 40)],
                BandFault::NotFromZero { from: 1 },
            ),
            ([(0, 12), (13, 11), (12, 34), (35, 40)], BandFault::Reversed { mark: 3 }),
        ] {
            assert_eq!(Bounds::of(bands(ends)), Err(fault));
        }
    }

    #[test]
    fn a_scale_is_found_by_its_round_and_the_season_decides() {
        let mut scales = Scales::default();
        scales.add(scale(None, 7)).expect("new");
        scales.add(scale(Some("autumn"), 5)).expect("new");
        assert!(scales.add(scale(None, 6)).is_err(), "the same work twice");
        let three = |round: &str, grade| scales.scale(round, "math", grade).map(|found| found.bounds.starts()[0]);
        assert_eq!(three("vpr/2020-21/spring", Some(5)), Some(7));
        assert_eq!(three("vpr/2020-21/autumn", Some(5)), Some(5));
        assert_eq!(three("vpr/2020-21", Some(5)), Some(7));
        assert_eq!(three("vpr/2021-22/spring", Some(5)), None);
        assert_eq!(three("vpr/2020-21/spring", Some(6)), None);
        assert_eq!(three("gia9/2020-21", Some(5)), None);
    }

    #[test]
    fn a_minimum_holds_for_its_years_only() {
        let minimum = |from, to| Minimum {
            procedure: Procedure::Gia11,
            from: SchoolYear::starting(from),
            to: SchoolYear::starting(to),
            subject: "physics".to_owned(),
            score: 36,
            source: "приказ".into(),
        };
        let mut scales = Scales::default();
        scales.add_minimum(minimum(2018, 2025)).expect("new");
        assert!(scales.add_minimum(minimum(2025, 2026)).is_err(), "years meet");
        assert!(scales.add_minimum(minimum(2028, 2027)).is_err(), "years turned round");
        assert_eq!(scales.minimum("gia11/2018-19/main", "physics"), Some(36));
        assert_eq!(scales.minimum("gia11/2026-27", "physics"), None);
        assert_eq!(scales.minimum("gia9/2020-21", "physics"), None);
    }
}
