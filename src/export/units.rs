//! What the rows say of their organisations, taken from the register once.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::Cell;
use crate::domain::unit::{Register, Unit, UnitId};
use crate::domain::vocabulary::AliasSystem;

/// Organisations and territories as the rows name them (сведения об организациях).
#[derive(Debug)]
pub struct Units<'r>(HashMap<&'r str, Named<'r>>);

#[derive(Debug, Clone, Copy)]
struct Named<'r> {
    title: &'r str,
    kind: &'static str,
    ogrn: Option<&'r str>,
    inn: Option<&'r str>,
    login: Option<&'r str>,
}

impl<'r> Units<'r> {
    /// Takes the names that hold today: of several codes of one system the one without an end, or the last.
    #[must_use]
    pub fn new(register: &'r Register) -> Self {
        Self(
            register
                .units()
                .iter()
                .map(|unit| (unit.id.0.as_str(), named(unit)))
                .collect(),
        )
    }

    pub(super) fn cells<'u>(&'u self, id: &'u UnitId) -> [Cell<'u>; 6] {
        let known = self.0.get(id.0.as_str());
        [
            Cell::text(id.0.as_str()),
            Cell::maybe(known.map(|unit| unit.title)),
            Cell::maybe(known.map(|unit| unit.kind)),
            Cell::maybe(known.and_then(|unit| unit.ogrn)),
            Cell::maybe(known.and_then(|unit| unit.inn)),
            Cell::maybe(known.and_then(|unit| unit.login)),
        ]
    }

    pub(super) fn json(&self, id: &UnitId) -> Value {
        let known = self.0.get(id.0.as_str());
        json!({
            "id": id.0,
            "name": known.map(|unit| unit.title),
            "kind": known.map(|unit| unit.kind),
            "ogrn": known.and_then(|unit| unit.ogrn),
            "inn": known.and_then(|unit| unit.inn),
            "login": known.and_then(|unit| unit.login),
        })
    }
}

fn named(unit: &Unit) -> Named<'_> {
    let code = |system: AliasSystem| {
        let mut codes = unit.aliases.iter().filter(|alias| alias.system == system);
        let open = codes.clone().find(|alias| alias.to.is_none());
        open.or_else(|| codes.next_back()).map(|alias| alias.value.as_str())
    };
    Named {
        title: &unit.short_title,
        kind: unit.kind.as_str(),
        ogrn: code(AliasSystem::Ogrn),
        inn: code(AliasSystem::Inn),
        login: code(AliasSystem::FisOko),
    }
}
