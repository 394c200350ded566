//! Organisations and territories: one tree, many names.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::vocabulary::{AliasSystem, UnitKind};

/// Own stable identifier of a unit (единица: организация или территория).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(pub String);

/// A name of a unit in a foreign system, valid between two dates (псевдоним, код).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// Whose name it is.
    pub system: AliasSystem,
    /// The name, already normalised by [`normalise_alias`].
    pub value: String,
    /// First day of validity, open when absent.
    pub from: Option<NaiveDate>,
    /// Last day of validity, open when absent.
    pub to: Option<NaiveDate>,
}

/// A unit (единица): whatever a number is about. Units form one tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Own stable id.
    pub id: UnitId,
    /// Organisation of some kind, or territory.
    pub kind: UnitKind,
    /// Full title by the charter.
    pub title: String,
    /// Short title by the charter, used in tables and letters.
    pub short_title: String,
    /// The unit above.
    pub parent: Option<UnitId>,
    /// A branch shares ОГРН and ИНН with its parent.
    pub branch: bool,
    /// Official mailbox, when the register has one.
    pub email: Option<String>,
    /// Names in foreign systems.
    pub aliases: Vec<Alias>,
}

/// What a file says about the unit of a row (сведения об организации в файле), before and after recognition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct UnitRef {
    /// Own id, once recognised.
    pub id: Option<UnitId>,
    /// Title as written.
    pub name: Option<String>,
    /// ОГРН as written.
    pub ogrn: Option<String>,
    /// ИНН as written.
    pub inn: Option<String>,
    /// Login in ФИС ОКО as written (`edu223379`).
    pub login: Option<String>,
    /// Code of the РЦОИ as written.
    pub code: Option<String>,
    /// Host of the site.
    pub site: Option<String>,
}

/// Outcome of a look-up in the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// Exactly one unit, or a parent with its branches, answered by the parent.
    Found(&'a Unit),
    /// Several unrelated units carry the alias.
    Ambiguous(Vec<&'a Unit>),
    /// Nobody carries it.
    Unknown,
}

/// The register of units (реестр организаций и территорий) with an index over aliases.
#[derive(Debug, Clone, Default)]
pub struct Register {
    units: Vec<Unit>,
    by_alias: HashMap<(AliasSystem, String), Vec<usize>>,
    by_id: HashMap<UnitId, usize>,
}

impl Register {
    /// Indexes the units. Titles become aliases of system `title` by themselves.
    #[must_use]
    pub fn new(units: Vec<Unit>) -> Self {
        let mut by_alias: HashMap<(AliasSystem, String), Vec<usize>> = HashMap::new();
        let mut by_id = HashMap::new();
        for (position, unit) in units.iter().enumerate() {
            by_id.insert(unit.id.clone(), position);
            let titles = [&unit.title, &unit.short_title]
                .into_iter()
                .map(|title| (AliasSystem::Title, normalise_alias(AliasSystem::Title, title)));
            let aliases = unit
                .aliases
                .iter()
                .map(|alias| (alias.system, normalise_alias(alias.system, &alias.value)));
            for key in titles.chain(aliases) {
                let carriers = by_alias.entry(key).or_default();
                if !carriers.contains(&position) {
                    carriers.push(position);
                }
            }
        }
        Self { units, by_alias, by_id }
    }

    /// All units in the order given.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The unit of an id.
    #[must_use]
    pub fn get(&self, id: &UnitId) -> Option<&Unit> {
        self.by_id.get(id).map(|position| &self.units[*position])
    }

    /// Finds the unit that carries an alias on a day (today's validity when the day is absent is not checked).
    #[must_use]
    pub fn find(&self, system: AliasSystem, value: &str, on: Option<NaiveDate>) -> Lookup<'_> {
        let key = (system, normalise_alias(system, value));
        let Some(positions) = self.by_alias.get(&key) else {
            return Lookup::Unknown;
        };
        let valid = |unit: &Unit| {
            let Some(day) = on else { return true };
            let mut dated = unit
                .aliases
                .iter()
                .filter(|alias| alias.system == key.0 && normalise_alias(alias.system, &alias.value) == key.1)
                .peekable();
            dated.peek().is_none()
                || dated.any(|alias| alias.from.is_none_or(|from| from <= day) && alias.to.is_none_or(|to| day <= to))
        };
        let carriers: Vec<&Unit> = positions
            .iter()
            .map(|position| &self.units[*position])
            .filter(|unit| valid(unit))
            .collect();
        match carriers.as_slice() {
            [] => Lookup::Unknown,
            [unit] => Lookup::Found(unit),
            several => {
                let main: Vec<&&Unit> = several.iter().filter(|unit| !unit.branch).collect();
                match main.as_slice() {
                    [parent]
                        if several
                            .iter()
                            .all(|unit| !unit.branch || unit.parent.as_ref() == Some(&parent.id)) =>
                    {
                        Lookup::Found(parent)
                    }
                    _ => Lookup::Ambiguous(carriers),
                }
            }
        }
    }

    /// Recognises what a file says: own id given as code, login, ОГРН, ИНН, РЦОИ codes, site, title, in this order of
    /// trust.
    #[must_use]
    pub fn recognise(&self, said: &UnitRef, on: Option<NaiveDate>) -> Lookup<'_> {
        let tries = [
            (AliasSystem::FisOko, &said.login),
            (AliasSystem::Ogrn, &said.ogrn),
            (AliasSystem::Inn, &said.inn),
            (AliasSystem::RcoiOge, &said.code),
            (AliasSystem::RcoiEge, &said.code),
            (AliasSystem::Site, &said.site),
            (AliasSystem::Title, &said.name),
        ];
        if let Some(unit) = said
            .code
            .as_deref()
            .and_then(|code| self.get(&UnitId(code.trim().to_owned())))
        {
            return Lookup::Found(unit);
        }
        let mut ambiguous = Lookup::Unknown;
        for (system, value) in tries {
            let Some(value) = value.as_deref().filter(|value| !value.trim().is_empty()) else {
                continue;
            };
            match self.find(system, value, on) {
                Lookup::Found(unit) => return Lookup::Found(unit),
                several @ Lookup::Ambiguous(_) => ambiguous = several,
                Lookup::Unknown => {}
            }
        }
        ambiguous
    }
}

/// Brings an alias to the form in which it is compared. Titles: case, ё, quotes, blanks, `№ 2`, legal form,
/// leading `(286)`; logins: the six digits; hosts: lower case without `www.`.
#[must_use]
pub fn normalise_alias(system: AliasSystem, value: &str) -> String {
    let value = value.trim();
    match system {
        AliasSystem::FisOko => {
            let digits: String = value.chars().filter(char::is_ascii_digit).collect();
            if digits.is_empty() {
                value.to_lowercase()
            } else {
                digits
            }
        }
        AliasSystem::Site => {
            let host = value.to_lowercase();
            let host = host.split_once("://").map_or(host.as_str(), |(_, rest)| rest);
            let host = host.split(['/', '?', '#']).next().unwrap_or(host);
            host.strip_prefix("www.").unwrap_or(host).to_owned()
        }
        AliasSystem::Title => normalise_title(value),
        _ => value.chars().filter(|letter| !letter.is_whitespace()).collect(),
    }
}

const LEGAL_FORMS: &[&str] = &[
    "муниципальное бюджетное общеобразовательное учреждение",
    "муниципальное казенное общеобразовательное учреждение",
    "муниципальное автономное общеобразовательное учреждение",
    "муниципальное общеобразовательное учреждение",
    "муниципальное бюджетное дошкольное образовательное учреждение",
    "муниципальное казенное дошкольное образовательное учреждение",
    "мбоу",
    "мкоу",
    "маоу",
    "моу",
    "гбоу",
    "гкоу",
    "мбдоу",
    "мкдоу",
    "мдоу",
];

fn normalise_title(title: &str) -> String {
    let folded: String = title
        .to_lowercase()
        .chars()
        .map(|letter| match letter {
            'ё' => 'е',
            '\u{a0}' | '\u{202f}' | '\t' | '\n' | '\r' => ' ',
            other => other,
        })
        .filter(|letter| !matches!(letter, '"' | '«' | '»' | '“' | '”' | '„' | '\'' | '’'))
        .collect();
    let mut text = folded
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace("№ ", "№");
    if let Some(rest) = text.strip_prefix('(')
        && let Some((code, rest)) = rest.split_once(')')
        && code.chars().all(|letter| letter.is_ascii_digit())
    {
        text = rest.trim_start().to_owned();
    }
    for form in LEGAL_FORMS {
        if let Some(rest) = text.strip_prefix(form)
            && rest.starts_with(' ')
        {
            return rest.trim_start().replace("средняя общеобразовательная школа", "сош");
        }
    }
    text.replace("средняя общеобразовательная школа", "сош")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(id: &str, title: &str, branch_of: Option<&str>, aliases: &[(AliasSystem, &str)]) -> Unit {
        Unit {
            id: UnitId(id.to_owned()),
            kind: UnitKind::General,
            title: title.to_owned(),
            short_title: title.to_owned(),
            parent: branch_of.map(|parent| UnitId(parent.to_owned())),
            branch: branch_of.is_some(),
            email: None,
            aliases: aliases
                .iter()
                .map(|(system, value)| Alias {
                    system: *system,
                    value: (*value).to_owned(),
                    from: None,
                    to: None,
                })
                .collect(),
        }
    }

    #[test]
    fn an_organisation_is_found_by_any_of_its_names() {
        let register = Register::new(vec![unit(
            "a",
            "МКОУ «Верхнегорская СОШ № 2»",
            None,
            &[
                (AliasSystem::FisOko, "sch993379"),
                (AliasSystem::Site, "https://www.school.example/"),
            ],
        )]);
        for (system, value) in [
            (AliasSystem::FisOko, "edu993379"),
            (AliasSystem::Title, "(286) Верхнегорская  СОШ №2"),
            (
                AliasSystem::Title,
                "Муниципальное казённое общеобразовательное учреждение \"Верхнегорская средняя общеобразовательная школа №2\"",
            ),
            (AliasSystem::Site, "school.example"),
        ] {
            assert!(
                matches!(register.find(system, value, None), Lookup::Found(_)),
                "{value}"
            );
        }
        assert_eq!(register.find(AliasSystem::FisOko, "edu993378", None), Lookup::Unknown);
    }

    #[test]
    fn a_branch_that_shares_the_number_answers_with_its_parent() {
        let shared = &[(AliasSystem::Ogrn, "1020500000001")];
        let register = Register::new(vec![
            unit("a", "Школа", None, shared),
            unit("b", "Филиал", Some("a"), shared),
        ]);
        assert!(matches!(
            register.find(AliasSystem::Ogrn, "1020500000001", None),
            Lookup::Found(found) if found.id.0 == "a"
        ));
        let register = Register::new(vec![unit("a", "Школа", None, shared), unit("c", "Лицей", None, shared)]);
        assert!(matches!(
            register.find(AliasSystem::Ogrn, "1020500000001", None),
            Lookup::Ambiguous(_)
        ));
    }
}
