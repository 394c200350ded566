//! The register of units and their aliases.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::audit::{Action, Entry};
use super::nodes;
use super::sql::{Session, Sql, sql};
use super::store::Warehouse;
use super::text::{moment, unreadable};
use super::touched;
use crate::domain::unit::{Alias, Lookup, Register, Unit, UnitId, normalise_alias};
use crate::domain::vocabulary::{AliasSystem, UnitKind};
use crate::message::Problem;

/// What an import of the register did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegisterSummary {
    /// Units not known before.
    pub new: u64,
    /// Units whose columns or aliases changed.
    pub changed: u64,
    /// Units as they were.
    pub unchanged: u64,
}

impl Warehouse {
    /// The whole register, ready for look-ups, in the order of ids.
    ///
    /// # Errors
    /// When the database refuses or holds a word this program does not know.
    pub async fn register(&self) -> Result<Register, Problem> {
        let (found, names) = (found().all(&self.readers).await?, names().all(&self.readers).await?);
        Ok(Register::new(units(found, names)?))
    }

    /// Adds units and brings known ones to the given state, aliases included. Units that are not given stay: a number
    /// may stand on them.
    ///
    /// # Errors
    /// `MSK-DB-14` when a parent is neither given nor known; then nothing is imported.
    pub async fn import_units(&self, given: Vec<Unit>, now: DateTime<Utc>) -> Result<RegisterSummary, Problem> {
        let audit = self.audit.clone();
        self.write("import the register", move |connection| {
            Box::pin(async move {
                nodes::take_turn(connection).await?;
                let known: HashMap<UnitId, Unit> = read_units(connection)
                    .await?
                    .into_iter()
                    .map(|unit| (unit.id.clone(), unit))
                    .collect();
                for parent in given.iter().filter_map(|unit| unit.parent.as_ref()) {
                    if !known.contains_key(parent) && !given.iter().any(|unit| unit.id == *parent) {
                        return Err(Problem::new("MSK-DB-14").arg("unit", &parent.0));
                    }
                }
                touched::mark_moved(connection, &known, &given).await?;
                let mut summary = RegisterSummary::default();
                for unit in given.into_iter().map(normalised) {
                    match known.get(&unit.id) {
                        Some(old) if *old == unit => {
                            summary.unchanged += 1;
                            continue;
                        }
                        Some(_) => summary.changed += 1,
                        None => summary.new += 1,
                    }
                    upsert(connection, &unit, now).await?;
                }
                if summary.new + summary.changed > 0 {
                    let counts = serde_json::json!({ "new": summary.new, "changed": summary.changed });
                    let entry = Entry::new(Action::RegisterChanged, "units", counts);
                    audit.append(connection, &entry, now).await?;
                }
                Ok(summary)
            })
        })
        .await
    }

    /// Gives a unit one more name.
    ///
    /// # Errors
    /// `MSK-DB-14` for an unknown unit, `MSK-DB-15` when the name would lead to two unrelated units.
    pub async fn add_alias(&self, unit: UnitId, alias: Alias, now: DateTime<Utc>) -> Result<(), Problem> {
        let audit = self.audit.clone();
        self.write("add an alias", move |connection| {
            Box::pin(async move {
                let mut all = read_units(connection).await?;
                let Some(owner) = all.iter_mut().find(|known| known.id == unit) else {
                    return Err(Problem::new("MSK-DB-14").arg("unit", &unit.0));
                };
                let alias = Alias {
                    value: stored_alias(alias.system, &alias.value),
                    ..alias
                };
                if owner.aliases.contains(&alias) {
                    return Ok(());
                }
                owner.aliases.push(alias.clone());
                let owner = owner.clone();
                // Asked on the first day of the new name: that is where an overlap shows.
                if let Lookup::Ambiguous(carriers) = Register::new(all).find(alias.system, &alias.value, alias.from) {
                    let other = carriers
                        .iter()
                        .find(|carrier| carrier.id != unit)
                        .map_or("?", |other| &other.id.0);
                    return Err(Problem::new("MSK-DB-15")
                        .arg("system", alias.system.as_str())
                        .arg("value", &alias.value)
                        .arg("owner", other));
                }
                upsert(connection, &normalised(owner), now).await?;
                let counts = serde_json::json!({ "system": alias.system.as_str() });
                let entry = Entry::new(Action::RegisterChanged, unit.0, counts);
                audit.append(connection, &entry, now).await
            })
        })
        .await
    }
}

/// The form in which an alias is kept: the one in which it is compared, but for sites, whose address keeps its scheme,
/// since some of them still speak plain http.
fn stored_alias(system: AliasSystem, value: &str) -> String {
    match system {
        AliasSystem::Site => value.trim().to_owned(),
        _ => normalise_alias(system, value),
    }
}

/// Aliases in the form in which they are kept, sorted as the table gives them back.
fn normalised(mut unit: Unit) -> Unit {
    for alias in &mut unit.aliases {
        alias.value = stored_alias(alias.system, &alias.value);
    }
    unit.aliases.sort_by(|a, b| alias_key(a).cmp(&alias_key(b)));
    unit.aliases.dedup_by(|a, b| alias_key(a) == alias_key(b));
    unit
}

fn alias_key(alias: &Alias) -> (&'static str, &str, Option<NaiveDate>) {
    (alias.system.as_str(), &alias.value, alias.from)
}

type Found = (String, String, String, String, Option<String>, i64, Option<String>);
type Name = (String, String, String, String, String);

fn found() -> Sql {
    sql(
        "read the register",
        "select id, kind, title, short_title, parent, branch, email from unit order by id",
    )
}

fn names() -> Sql {
    sql(
        "read the register",
        "select unit, system, value, valid_from, valid_to from alias order by unit, system, value, valid_from",
    )
}

async fn read_units(session: &mut Session<'_>) -> Result<Vec<Unit>, Problem> {
    let found = found().all(&mut *session).await?;
    units(found, names().all(session).await?)
}

fn units(found: Vec<Found>, names: Vec<Name>) -> Result<Vec<Unit>, Problem> {
    let mut aliases: HashMap<String, Vec<Alias>> = HashMap::new();
    for (unit, system, value, from, to) in names {
        let system = AliasSystem::parse(&system).ok_or_else(|| unreadable("alias", &value, &system))?;
        let alias = Alias {
            system,
            value,
            from: day(&from)?,
            to: day(&to)?,
        };
        aliases.entry(unit).or_default().push(alias);
    }
    found
        .into_iter()
        .map(|(id, kind, title, short_title, parent, branch, email)| {
            Ok(Unit {
                kind: UnitKind::parse(&kind).ok_or_else(|| unreadable("unit", &id, &kind))?,
                aliases: aliases.remove(&id).unwrap_or_default(),
                id: UnitId(id),
                title,
                short_title,
                parent: parent.map(UnitId),
                branch: branch != 0,
                email,
            })
        })
        .collect()
}

fn day(text: &str) -> Result<Option<NaiveDate>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| unreadable("alias", "—", text))
}

async fn upsert(connection: &mut Session<'_>, unit: &Unit, now: DateTime<Utc>) -> Result<(), Problem> {
    let what = "write the register";
    sql(
        what,
        "insert into unit (id, kind, title, short_title, parent, branch, email, changed_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (id) do update set kind = excluded.kind, \
         title = excluded.title, short_title = excluded.short_title, parent = excluded.parent, \
         branch = excluded.branch, email = excluded.email, changed_at = excluded.changed_at",
    )
    .bind(&unit.id.0)
    .bind(unit.kind.as_str())
    .bind(&unit.title)
    .bind(&unit.short_title)
    .bind(unit.parent.as_ref().map(|parent| parent.0.as_str()))
    .bind(i64::from(unit.branch))
    .bind(&unit.email)
    .bind(moment(now))
    .execute(&mut *connection)
    .await?;
    sql(what, "delete from alias where unit = $1")
        .bind(&unit.id.0)
        .execute(&mut *connection)
        .await?;
    for alias in &unit.aliases {
        let day = |day: Option<NaiveDate>| day.map_or_else(String::new, |day| day.to_string());
        sql(
            what,
            "insert into alias (system, value, unit, valid_from, valid_to, changed_at) values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(alias.system.as_str())
        .bind(&alias.value)
        .bind(&unit.id.0)
        .bind(day(alias.from))
        .bind(day(alias.to))
        .bind(moment(now))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
