//! `[retention]`: how long what is kept. The defaults are those of data protection, rule 7.

use chrono::Duration;

use crate::strict_toml::Section;

/// Times of keeping, each counted from when the thing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Bodies of letters that were sent or given up.
    pub letter_bodies: Duration,
    /// Letters without their bodies: to whom, when, with what hash.
    pub letters: Duration,
    /// Refused rows.
    pub quarantine: Duration,
    /// Bytes of snapshots on which no number stands.
    pub snapshots: Duration,
    /// Records of the audit log.
    pub audit: Duration,
}

const YEAR: i64 = 365;

impl Default for Retention {
    fn default() -> Self {
        Self {
            letter_bodies: Duration::days(180),
            letters: Duration::days(3 * YEAR),
            quarantine: Duration::days(180),
            snapshots: Duration::days(3 * YEAR),
            audit: Duration::days(5 * YEAR),
        }
    }
}

impl Retention {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let usual = Self::default();
        let Some(section) = root.section("retention") else {
            return usual;
        };
        let may_shorten = section.boolean("shorter").unwrap_or(false);
        let time = |key: &str, usual: Duration| {
            let Some(given) = section.duration(key) else {
                return usual;
            };
            let given = Duration::from_std(given)
                .unwrap_or(Duration::MAX)
                .min(Duration::days(100 * YEAR));
            if given < usual && !may_shorten {
                let reason = format!(
                    "короче обычного срока ({}d); если так решено, добавьте shorter = true",
                    usual.num_days()
                );
                section.refuse(key, &reason);
            }
            given
        };
        let retention = Self {
            letter_bodies: time("letter_bodies", usual.letter_bodies),
            letters: time("letters", usual.letters),
            quarantine: time("quarantine", usual.quarantine),
            snapshots: time("snapshots", usual.snapshots),
            audit: time("audit", usual.audit),
        };
        if retention.letters < retention.letter_bodies {
            section.refuse("letters", "письмо не может уйти раньше своего текста (letter_bodies)");
        }
        section.done();
        retention
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Problem;
    use crate::strict_toml::Document;

    fn read(text: &str) -> (Retention, Vec<String>) {
        let document = Document::parse("a.toml", text).expect("valid TOML");
        let retention = Retention::read(&document.root());
        (retention, document.problems().iter().map(Problem::ru_line).collect())
    }

    #[test]
    fn longer_is_free_and_shorter_has_to_be_meant() {
        let (kept, problems) = read("[retention]\naudit = \"4000d\"\n");
        assert_eq!((kept.audit, problems), (Duration::days(4000), Vec::new()));
        let (_, problems) = read("[retention]\nquarantine = \"30d\"\n");
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("короче обычного срока (180d)"), "{problems:?}");
        let (kept, problems) = read("[retention]\nquarantine = \"30d\"\nshorter = true\n");
        assert_eq!((kept.quarantine, problems), (Duration::days(30), Vec::new()));
        let (_, problems) = read("[retention]\nletters = \"30d\"\nshorter = true\n");
        assert_eq!(problems.len(), 1);
    }
}
