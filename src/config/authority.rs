//! `[authority]`: whose daemon this is.

use chrono_tz::Tz;

use crate::domain::letter::Mailbox;
use crate::strict_toml::Section;

/// The municipal education authority (управление образования).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Full name, as documents print it.
    pub name: String,
    /// Name of the municipality, as tables print it.
    pub municipality: String,
    /// Name of the region.
    pub region: String,
    /// Where documents are signed.
    pub place: String,
    /// Time zone of the municipality.
    pub zone: Tz,
    /// Post of the person who signs.
    pub head_post: String,
    /// Who answers questions about letters.
    pub contact: Mailbox,
    /// Telephone of that person.
    pub contact_phone: String,
}

impl Authority {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let Some(section) = root.section("authority") else {
            if !root.has("authority") {
                root.missing("authority", "раздел [authority]");
            }
            return Self::blank();
        };
        let zone_name = section.need_string("zone");
        let zone = zone_name.parse().unwrap_or_else(|_| {
            if !zone_name.is_empty() {
                section.refuse("zone", "нет такого часового пояса, нужен вид Europe/Moscow");
            }
            Tz::Europe__Moscow
        });
        let authority = Self {
            name: section.need_string("name"),
            municipality: section.need_string("municipality"),
            region: section.need_string("region"),
            place: section.string("place").unwrap_or_default(),
            zone,
            head_post: section
                .string("head_post")
                .unwrap_or_else(|| "Начальник управления".to_owned()),
            contact: Mailbox {
                name: section.string("contact_name").unwrap_or_default(),
                address: super::mail::need_address(&section, "contact_address"),
            },
            contact_phone: section.string("contact_phone").unwrap_or_default(),
        };
        section.done();
        authority
    }

    fn blank() -> Self {
        Self {
            name: String::new(),
            municipality: String::new(),
            region: String::new(),
            place: String::new(),
            zone: Tz::Europe__Moscow,
            head_post: String::new(),
            contact: Mailbox {
                name: String::new(),
                address: String::new(),
            },
            contact_phone: String::new(),
        }
    }
}
