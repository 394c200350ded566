//! Closed lists of words that stand in files, in the warehouse and in printed shapes.

/// Declares a closed list: the enum, its slug and the way back from the slug.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $slug:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $name {
            /// Every word of the list, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The slug that files and tables use.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $slug),+ }
            }

            /// The word of a slug.
            #[must_use]
            pub fn parse(slug: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == slug)
            }
        }
    };
}

pub(crate) use words;

words! {
    /// A procedure (процедура): what produces results.
    Procedure {
        /// Всероссийские проверочные работы.
        Vpr = "vpr",
        /// Итоговая аттестация за 9 класс.
        Gia9 = "gia9",
        /// Итоговая аттестация за 11 класс.
        Gia11 = "gia11",
        /// Национальные исследования качества образования.
        Niko = "niko",
        /// Региональные оценочные процедуры.
        Rop = "rop",
        /// Муниципальные проверочные работы.
        Municipal = "municipal",
        /// Всероссийская олимпиада школьников.
        Vsosh = "vsosh",
        /// Независимая оценка качества условий.
        Noko = "noko",
        /// Федеральный государственный контроль качества образования.
        Fgkko = "fgkko",
        /// Опросы.
        Survey = "survey",
        /// Кадры.
        Staff = "staff",
        /// Дополнительное профессиональное образование.
        Dpo = "dpo",
        /// Воспитание.
        Upbringing = "upbringing",
        /// Дошкольное образование.
        Preschool = "preschool",
        /// Контекстные данные.
        Context = "context",
        /// Официальные сайты.
        Site = "site",
    }
}

words! {
    /// A measure (мера): what a stored number counts. Counts and sums are stored, shares and means are derived.
    Measure {
        /// Приняли участие.
        Participants = "participants",
        /// Обучающихся в параллели, подлежали участию.
        Enrolled = "enrolled",
        /// Отсутствовали.
        Absent = "absent",
        /// Получили отметку; breakdown `mark`.
        MarkCount = "mark_count",
        /// Набрали первичный балл; breakdown `primary`.
        ScoreCount = "score_count",
        /// Сумма первичных баллов.
        ScoreSum = "score_sum",
        /// Отметка против журнала; breakdown `mark`, `journal`.
        JournalCount = "journal_count",
        /// Сумма баллов за задание; breakdown `task`.
        TaskPoints = "task_points",
        /// Наибольший балл задания; breakdown `task`.
        TaskMax = "task_max",
        /// Не набрали минимального балла.
        BelowMinimum = "below_minimum",
        /// Попали в диапазон баллов; breakdown `band`.
        BandCount = "band_count",
        /// Сумма тестовых баллов.
        TestScoreSum = "test_score_sum",
        /// Победители.
        Winners = "winners",
        /// Призёры.
        PrizeWinners = "prize_winners",
        /// Готовая доля из чужого отчёта, с `scale`.
        Share = "share",
        /// Готовое среднее из чужого отчёта, с `scale`.
        Mean = "mean",
        /// Готовый индекс из чужого отчёта, с `scale`.
        Index = "index",
        /// Участников, для кого задание считается (без «не пройд.»); breakdown `task`.
        TaskAnswered = "task_answered",
        /// Не приступали к заданию («X»); breakdown `task`.
        TaskSkipped = "task_skipped",
        /// Тема не пройдена («не пройд.»); breakdown `task`.
        TaskNotTaught = "task_not_taught",
    }
}

impl Measure {
    /// True for what counts people: whole, never below zero.
    #[must_use]
    pub const fn is_count(self) -> bool {
        matches!(
            self,
            Self::Participants
                | Self::Enrolled
                | Self::Absent
                | Self::MarkCount
                | Self::ScoreCount
                | Self::JournalCount
                | Self::BelowMinimum
                | Self::BandCount
                | Self::Winners
                | Self::PrizeWinners
                | Self::TaskAnswered
                | Self::TaskSkipped
                | Self::TaskNotTaught
        )
    }

    /// Keys of the breakdown that tell numbers of this measure apart: over them they may be added up.
    #[must_use]
    pub const fn own_keys(self) -> &'static [&'static str] {
        match self {
            Self::MarkCount => &["mark"],
            Self::ScoreCount => &["primary"],
            Self::JournalCount => &["mark", "journal"],
            Self::BandCount => &["band"],
            Self::TaskPoints | Self::TaskMax | Self::TaskAnswered | Self::TaskSkipped | Self::TaskNotTaught => {
                &["task"]
            }
            _ => &[],
        }
    }

    /// True for counts and sums, which add up over organisations. Ready-made shares, means and indices and the highest
    /// score of a task do not.
    #[must_use]
    pub const fn is_additive(self) -> bool {
        !matches!(self, Self::Share | Self::Mean | Self::Index | Self::TaskMax)
    }
}

words! {
    /// The system that knows a unit under an alias (чужая система, в которой у организации свой код).
    AliasSystem {
        /// ОГРН, 13 digits.
        Ogrn = "ogrn",
        /// ИНН, 10 digits.
        Inn = "inn",
        /// КПП, 9 digits.
        Kpp = "kpp",
        /// Six digits of the login in ФИС ОКО, without `sch`, `edu`, `ksh`.
        FisOko = "fis_oko",
        /// Код ОО в РЦОИ для ОГЭ.
        RcoiOge = "rcoi_oge",
        /// Код ОО в РЦОИ для ЕГЭ.
        RcoiEge = "rcoi_ege",
        /// Identifier on bus.gov.ru.
        BusGov = "bus_gov",
        /// Host of the official site.
        Site = "site",
        /// Title as some file writes it.
        Title = "title",
    }
}

words! {
    /// Kind of a unit (вид единицы).
    UnitKind {
        /// Общеобразовательная организация.
        General = "general",
        /// Дошкольная организация.
        Preschool = "preschool",
        /// Организация дополнительного образования.
        Additional = "additional",
        /// Муниципалитет.
        Municipality = "municipality",
        /// Субъект РФ.
        Region = "region",
        /// Российская Федерация.
        Country = "country",
    }
}

impl UnitKind {
    /// True for what organisations lie in.
    #[must_use]
    pub const fn is_territory(self) -> bool {
        matches!(self, Self::Municipality | Self::Region | Self::Country)
    }
}

words! {
    /// What a site says about one item (состояние сведений).
    FactState {
        /// The information is there.
        Present = "present",
        /// The site says that there is none.
        DeclaredAbsent = "declared_absent",
        /// The page is readable and has nothing on it.
        Missing = "missing",
        /// The page could not be read.
        Unknown = "unknown",
    }
}

words! {
    /// State of a deadline (состояние срока).
    DeadlineState {
        /// Ahead of the first reminder.
        Upcoming = "upcoming",
        /// From twenty working days before the term to the term.
        Soon = "soon",
        /// The term's date has passed.
        Overdue = "overdue",
        /// Closed by evidence.
        Done = "done",
        /// The phrase gives no date: «уточнить».
        NeedsDate = "needs_date",
        /// Does not concern this district or organisation.
        NotApplicable = "not_applicable",
    }
}

words! {
    /// State of a source (состояние источника).
    SourceState {
        /// Last pull went well and the data are fresh.
        Ok = "ok",
        /// The last pull failed or left more in quarantine than allowed, a repeat is due.
        Suspect = "suspect",
        /// Several pulls in a row failed.
        Failing = "failing",
        /// Nothing new for longer than the source promises.
        Stale = "stale",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slug_leads_back_to_its_word() {
        for word in Measure::ALL {
            assert_eq!(Measure::parse(word.as_str()), Some(*word));
        }
        assert_eq!(Procedure::parse("vpr"), Some(Procedure::Vpr));
        assert_eq!(Procedure::parse("ВПР"), None);
    }
}
