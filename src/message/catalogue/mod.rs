//! The table of all codes: one file per group, the group is the middle part of the code.

mod bug;
mod cal;
mod cfg;
mod db;
mod ddl;
mod dec;
mod doc;
mod fet;
mod fil;
mod keep;
mod mail;
mod man;
mod nrm;
mod prv;
mod rdm;
mod run;
mod site;
mod snp;
mod usage;
mod val;

/// What a caller does after the problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The world may mend itself: try again later.
    Retry,
    /// Trying again changes nothing; go on without it.
    GiveUp,
    /// A person has to change something first.
    NeedsAdministrator,
}

/// One code with its texts. `{name}` in a text stands for an argument; both texts use the same names.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// `MSK-GROUP-NN`, stable for ever.
    pub code: &'static str,
    /// English fragment for the journal.
    pub en: &'static str,
    /// Russian fragment for people.
    pub ru: &'static str,
    /// Why this usually happens, in Russian.
    pub cause: &'static str,
    /// What to do, in Russian.
    pub action: &'static str,
    /// What the product does next.
    pub disposition: Disposition,
}

const GROUPS: &[&[Entry]] = &[
    bug::ENTRIES,
    cal::ENTRIES,
    cfg::ENTRIES,
    db::ENTRIES,
    ddl::ENTRIES,
    dec::ENTRIES,
    doc::ENTRIES,
    fet::ENTRIES,
    fil::ENTRIES,
    keep::ENTRIES,
    mail::ENTRIES,
    man::ENTRIES,
    nrm::ENTRIES,
    prv::ENTRIES,
    rdm::ENTRIES,
    run::ENTRIES,
    site::ENTRIES,
    snp::ENTRIES,
    usage::ENTRIES,
    val::ENTRIES,
];

/// Every entry, in the order of `docs/errors.md`.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    GROUPS.iter().flat_map(|group| group.iter())
}

/// The entry of a code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Entry> {
    all().find(|entry| entry.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn names(text: &str) -> BTreeSet<&str> {
        text.split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
            .collect()
    }

    #[test]
    fn codes_are_unique_and_both_texts_use_the_same_arguments() {
        let mut seen = BTreeSet::new();
        for entry in all() {
            assert!(seen.insert(entry.code), "{} stands twice", entry.code);
            assert_eq!(names(entry.en), names(entry.ru), "{}", entry.code);
            assert!(!entry.cause.is_empty() && !entry.action.is_empty(), "{}", entry.code);
            assert!(!entry.ru.ends_with('.') && !entry.en.ends_with('.'), "{}", entry.code);
        }
    }
}
