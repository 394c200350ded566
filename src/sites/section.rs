//! Subsections (подразделы) of «Сведения об образовательной организации»: order No. 1493, point 2 and older orders.

use super::words::fold;
use crate::message::Problem;

/// A subsection (подраздел) of an official site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Основные сведения.
    Common,
    /// Структура и органы управления.
    Struct,
    /// Документы.
    Document,
    /// Образование.
    Education,
    /// Образовательные стандарты.
    Standards,
    /// Руководство.
    Managers,
    /// Педагогический состав.
    Employees,
    /// Материально-техническое обеспечение.
    Objects,
    /// Стипендии и меры поддержки.
    Grants,
    /// Платные образовательные услуги.
    Paid,
    /// Финансово-хозяйственная деятельность.
    Budget,
    /// Вакантные места.
    Vacant,
    /// Международное сотрудничество.
    Inter,
    /// Организация питания.
    Catering,
}

struct Row {
    section: Section,
    slug: &'static str,
    /// Title for people.
    ru: &'static str,
    /// Folded beginnings of the titles of the present and of older orders.
    titles: &'static [&'static str],
    /// Other addresses under the root of the section or of the site.
    others: &'static [&'static str],
    /// Slug of the governmental platform.
    gosweb: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        section: Section::Common,
        slug: "common",
        ru: "Основные сведения",
        titles: &["основные сведения"],
        others: &["osnovnye-svedeniya", "osnovnie-svedeniya"],
        gosweb: "osnovnye-svedeniya",
    },
    Row {
        section: Section::Struct,
        slug: "struct",
        ru: "Структура и органы управления",
        titles: &["структура и органы управления"],
        others: &["strukt"],
        gosweb: "struktura-i-organy-upravleniya-obrazovatelnoy-organizatsii",
    },
    Row {
        section: Section::Document,
        slug: "document",
        ru: "Документы",
        titles: &["документы"],
        others: &["documents", "dokument", "dokumenty"],
        gosweb: "dokumenty",
    },
    Row {
        section: Section::Education,
        slug: "education",
        ru: "Образование",
        titles: &["образование"],
        others: &["obrazovanie"],
        gosweb: "obrazovanie",
    },
    Row {
        section: Section::Standards,
        slug: "eduStandarts",
        ru: "Образовательные стандарты",
        titles: &["образовательные стандарты"],
        others: &["eduStandards", "edustandarts"],
        gosweb: "obrazovatelnye-standarty-i-trebovaniya",
    },
    Row {
        section: Section::Managers,
        slug: "managers",
        ru: "Руководство",
        titles: &["руководство"],
        others: &["employees", "rukovodstvo"],
        gosweb: "rukovodstvo",
    },
    Row {
        section: Section::Employees,
        slug: "employees",
        ru: "Педагогический состав",
        titles: &["педагогический состав", "руководство. педагогический состав"],
        others: &["pedagogicheskiy-sostav", "teachers.html"],
        gosweb: "pedagogicheskiy-sostav",
    },
    Row {
        section: Section::Objects,
        slug: "objects",
        ru: "Материально-техническое обеспечение",
        titles: &["материально-техническое обеспечение", "доступная среда"],
        others: &["ovz"],
        gosweb: "materialno-tehnicheskoe-obespechenie-i-osnaschennost-obrazovatelnogo-protsessa",
    },
    Row {
        section: Section::Grants,
        slug: "grants",
        ru: "Стипендии и меры поддержки",
        titles: &["стипендии и"],
        others: &[],
        gosweb: "stipendii-i-mery-podderzhki-obuchayuschihsya",
    },
    Row {
        section: Section::Paid,
        slug: "paid_edu",
        ru: "Платные образовательные услуги",
        titles: &["платные образовательные услуги"],
        others: &["paid-edu"],
        gosweb: "platnye-obrazovatelnye-uslugi",
    },
    Row {
        section: Section::Budget,
        slug: "budget",
        ru: "Финансово-хозяйственная деятельность",
        titles: &["финансово-хозяйственная деятельность"],
        others: &[],
        gosweb: "finansovo-hozyaystvennaya-deyatelnost",
    },
    Row {
        section: Section::Vacant,
        slug: "vacant",
        ru: "Вакантные места",
        titles: &["вакантные места"],
        others: &[],
        gosweb: "vakantnye-mesta-dlya-priema-perevoda-obuchayuschihsya",
    },
    Row {
        section: Section::Inter,
        slug: "inter",
        ru: "Международное сотрудничество",
        titles: &["международное сотрудничество"],
        others: &[],
        gosweb: "mezhdunarodnoe-sotrudnichestvo",
    },
    Row {
        section: Section::Catering,
        slug: "catering",
        ru: "Организация питания",
        titles: &["организация питания"],
        others: &["pitanie"],
        gosweb: "organizatsiya-pitaniya-v-obrazovatelnoy-organizatsii",
    },
];

impl Section {
    /// Every subsection in the order of the law.
    pub const ALL: &'static [Self] = &[
        Self::Common,
        Self::Struct,
        Self::Document,
        Self::Education,
        Self::Standards,
        Self::Managers,
        Self::Employees,
        Self::Objects,
        Self::Grants,
        Self::Paid,
        Self::Budget,
        Self::Vacant,
        Self::Inter,
        Self::Catering,
    ];

    fn row(self) -> &'static Row {
        // Every variant has its row (a test holds it), in the same order.
        &ROWS[self as usize]
    }

    /// Name in addresses and on the command line: `common`, `paid_edu`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().slug
    }

    /// Title for people: «Педагогический состав».
    #[must_use]
    pub fn ru(self) -> &'static str {
        self.row().ru
    }

    /// A problem about this subsection, named in both languages.
    pub(super) fn problem(self, message: &'static str) -> Problem {
        Problem::new(message)
            .arg("section", self.as_str())
            .arg("title", self.ru())
    }

    /// The subsection of a name, whatever its case; older names count.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let same = |known: &str| known.eq_ignore_ascii_case(name);
        ROWS.iter()
            .find(|row| same(row.slug))
            .or_else(|| ROWS.iter().find(|row| row.others.iter().any(|other| same(other))))
            .map(|row| row.section)
    }

    /// True when a heading or the text of a link names this subsection: it equals or begins with a title.
    #[must_use]
    pub fn is_named_by(self, text: &str) -> bool {
        let text = bare_title(text);
        if self == Self::Managers && text.contains("педагогический") {
            return false;
        }
        self.row().titles.iter().any(|title| {
            text.strip_prefix(title)
                .is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
        })
    }

    /// Addresses relative to the site, likeliest first.
    #[must_use]
    pub(crate) fn addresses(self) -> Vec<String> {
        let row = self.row();
        let mut found = vec![format!("sveden/{}", row.slug), format!("sveden/{}/", row.slug)];
        let lower = row.slug.to_ascii_lowercase();
        if lower != row.slug {
            found.push(format!("sveden/{lower}"));
        }
        found.extend(row.others.iter().map(|other| format!("sveden/{other}")));
        let mut capital = row.slug.to_owned();
        capital[..1].make_ascii_uppercase();
        found.push(format!("svedeniya-ob-obrazovatelnoy-organizatsii/{}/", row.gosweb));
        found.push(format!("sveden/{capital}"));
        found
    }
}

/// A title without «(научно-педагогический)», «(перевода)» and the words after them that editions differ in.
fn bare_title(text: &str) -> String {
    let mut bare = String::new();
    let mut depth = 0u32;
    for letter in fold(text).chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => bare.push(letter),
            _ => {}
        }
    }
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_enum() {
        for (position, section) in Section::ALL.iter().enumerate() {
            assert_eq!(ROWS[position].section, *section);
            assert_eq!(Section::parse(section.as_str()), Some(*section));
            assert!(section.is_named_by(section.ru()), "{}", section.ru());
        }
        assert_eq!(ROWS.len(), Section::ALL.len());
    }

    #[test]
    fn titles_of_old_and_new_orders_name_the_same_subsection() {
        for (text, section) in [
            ("Вакантные места для приема (перевода) обучающихся", Section::Vacant),
            ("Вакантные места для приёма (перевода)", Section::Vacant),
            (
                "Руководство. Педагогический (научно-педагогический) состав",
                Section::Employees,
            ),
            ("«Педагогический состав»", Section::Employees),
            ("Руководство", Section::Managers),
            ("Стипендии и иные виды материальной поддержки", Section::Grants),
            ("ОБРАЗОВАНИЕ", Section::Education),
        ] {
            let named: Vec<_> = Section::ALL.iter().filter(|known| known.is_named_by(text)).collect();
            assert_eq!(named, [&section], "{text}");
        }
        assert!(!Section::Education.is_named_by("Образовательные стандарты"));
    }
}
