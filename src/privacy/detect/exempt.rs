//! What the register allows: titles of organisations and their mail addresses.

use std::collections::HashSet;

use crate::domain::unit::{Register, normalise_alias};
use crate::domain::vocabulary::AliasSystem;

/// Beginnings of the part before `@` that belong to an office, not to a person.
const OFFICES: &[&str] = &[
    "admin", "buh", "dou", "ds", "edu", "gimn", "info", "kanc", "lice", "licey", "litse", "mail", "maou", "mbdou",
    "mbou", "mdou", "mkdou", "mkou", "mou", "office", "oosh", "post", "priem", "roo", "sad", "sch", "sekretar", "shk",
    "sosh", "uo",
];

/// Titles and addresses of the register that detectors let pass. Built once per run and shared.
#[derive(Debug, Clone, Default)]
pub struct Exempt {
    titles: Vec<String>,
    mails: HashSet<String>,
    hosts: HashSet<String>,
}

impl Exempt {
    /// Takes titles, short titles, aliases, sites and mail boxes of the register.
    #[must_use]
    pub fn new(register: &Register) -> Self {
        let mut titles = HashSet::new();
        let mut exempt = Self::default();
        for unit in register.units() {
            titles.insert(normalise_alias(AliasSystem::Title, &unit.title));
            titles.insert(normalise_alias(AliasSystem::Title, &unit.short_title));
            exempt.mails.extend(unit.email.iter().map(|mail| mail.to_lowercase()));
            for alias in &unit.aliases {
                let value = normalise_alias(alias.system, &alias.value);
                match alias.system {
                    AliasSystem::Title => drop(titles.insert(value)),
                    AliasSystem::Site => drop(exempt.hosts.insert(value)),
                    _ => {}
                }
            }
        }
        exempt.titles = titles.into_iter().filter(|title| !title.is_empty()).collect();
        exempt
    }

    /// Titles that the text is part of, or that stand in it whole.
    pub(super) fn titles_beside(&self, text: &str) -> Vec<&str> {
        let text = normalise_alias(AliasSystem::Title, text);
        let titles = self.titles.iter().map(String::as_str);
        titles
            .filter(|title| holds(title, &text) || holds(&text, title))
            .collect()
    }

    /// True when the text holds a mail address that is neither registered nor an office's by its name.
    pub(super) fn private_mail(&self, text: &str) -> bool {
        let part_of_address = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-' | '+' | '%');
        text.match_indices('@').any(|(at, _)| {
            let local = text[..at]
                .rsplit(|letter| !part_of_address(letter))
                .next()
                .unwrap_or("");
            let domain = text[at + 1..]
                .split(|letter| !part_of_address(letter))
                .next()
                .unwrap_or("");
            let domain = domain.trim_end_matches('.').to_lowercase();
            if local.is_empty() || !domain.contains('.') {
                return false;
            }
            let local = local.to_lowercase();
            let office = OFFICES.iter().any(|office| {
                local.strip_prefix(office).is_some_and(|rest| {
                    !rest.starts_with(|letter: char| letter.is_alphabetic()) || rest.starts_with("ool")
                })
            });
            !office && !self.hosts.contains(&domain) && !self.mails.contains(&format!("{local}@{domain}"))
        })
    }
}

/// True when the name belongs to one of the titles.
pub(super) fn in_title(titles: &[&str], name: &str) -> bool {
    let name = normalise_alias(AliasSystem::Title, name);
    titles.iter().any(|title| holds(title, &name))
}

/// True when `part` stands in `whole` with no letter glued to either end.
fn holds(whole: &str, part: &str) -> bool {
    whole.match_indices(part).any(|(at, _)| {
        let letter = |edge: Option<char>| edge.is_some_and(char::is_alphanumeric);
        !letter(whole[..at].chars().next_back()) && !letter(whole[at + part.len()..].chars().next())
    })
}
