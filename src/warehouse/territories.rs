//! Sums of territories: kept for those below which nothing has changed, computed from the numbers for the others.
//!
//! A load and a change of the register mark pairs of round and territory stale (`touched` says which);
//! [`Warehouse::refresh_sums`] computes them again, one a transaction. Until then a question descends below a stale
//! pair as far as it has to, so that an answer is right at every moment.

use std::collections::HashMap;
use std::sync::Arc;

use super::nodes;
use super::sql::{Record, Session, Sql, sql};
use super::store::Warehouse;
use super::text::unreadable;
use crate::domain::observation::{Amount, Breakdown};
use crate::domain::unit::UnitId;
use crate::domain::vocabulary::Measure;
use crate::failpoint;
use crate::message::Problem;

/// Which sums are wanted; an empty list of measures or subjects asks for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SumQuery {
    /// The territory.
    pub territory: UnitId,
    /// The territories right below it instead of itself.
    pub children: bool,
    /// Rounds such as `vpr/2024-25/spring`; without them nothing is found.
    pub rounds: Vec<String>,
    /// Measures; ready-made shares, means and indices have no sums.
    pub measures: Vec<Measure>,
    /// Subject slugs.
    pub subjects: Vec<String>,
}

/// A count or sum over the organisations of a territory (сумма по территории), branches and ready-made numbers of
/// territories left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerritorySum {
    /// The territory.
    pub territory: UnitId,
    /// The round.
    pub round: Arc<str>,
    /// What is counted.
    pub measure: Measure,
    /// Subject slug.
    pub subject: Option<Arc<str>>,
    /// Grade of the work.
    pub grade: Option<u8>,
    /// Further keys.
    pub breakdown: Arc<Breakdown>,
    /// The sum.
    pub value: Amount,
    /// Participants, where every organisation tells them.
    pub n: Option<i64>,
    /// Organisations that the sum is made of.
    pub units: i64,
}

/// Follows the rounds `asked (round)` and the condition for the territories `u` at the top: everything below them
/// whose numbers make up their sums, down to what has fresh sums and to organisations.
const BELOW: &str = " union \
     select b.top, b.round, c.id, c.kind from below b cross join territory_stale s cross join unit c \
     where s.round = b.round and s.territory = b.unit and c.parent = b.unit and c.branch = 0 and b.kind in ('municipality', 'region', 'country')) ";

/// The three kinds of parts: fresh sums, what holds, what holds until its replacement is published. Cross joins, so that
/// the embedded database goes from the few units to their numbers; an inner one it turns round, and reads them all.
const FRESH: &str = "select b.top, b.round, o.measure, o.subject, o.grade, o.breakdown, o.scale, o.value, o.n, o.units \
     from below b cross join territory_sum o where o.round = b.round and o.territory = b.unit and b.kind in ('municipality', 'region', 'country') and not exists \
     (select 1 from territory_stale s where s.round = b.round and s.territory = b.unit)";
const OPEN: &str = " union all \
     select b.top, b.round, o.measure, o.subject, o.grade, o.breakdown, o.scale, o.value, o.n, 1 \
     from below b cross join observation o where o.round = b.round and o.unit = b.unit and b.kind not in ('municipality', 'region', 'country') and o.superseded_by is null \
     and o.run not in (select id from run where state = 'loading') \
     and o.measure not in ('share', 'mean', 'index', 'task_max')";
const BEING_REPLACED: &str = " union all \
     select b.top, b.round, o.measure, o.subject, o.grade, o.breakdown, o.scale, o.value, o.n, 1 \
     from below b cross join observation o where o.round = b.round and o.unit = b.unit and b.kind not in ('municipality', 'region', 'country') \
     and o.superseded_by in (select id from run where state = 'loading') \
     and o.measure not in ('share', 'mean', 'index', 'task_max')";

impl SumQuery {
    /// `select territory, round, measure, subject, grade, breakdown, scale, value, n, units …`, added to a text.
    fn select(&self, statement: Sql) -> Sql {
        let rounds = self.rounds.iter().map(|round| [round.into()]);
        let statement = statement
            .push("with recursive asked (round) as (values ")
            .push_rows(rounds)
            .push(
                "), below (top, round, unit, kind) as (select u.id, asked.round, u.id, u.kind from unit u \
                 cross join asked where u.kind in ('municipality', 'region', 'country') and ",
            )
            .push(if self.children { "u.parent = " } else { "u.id = " })
            .push_bind(&self.territory.0)
            .push(BELOW)
            .push(
                "select top as territory, round, measure, subject, grade, breakdown, scale, \
                 cast(sum(value) as bigint) as value, \
                 case when count(n) = count(*) then cast(sum(n) as bigint) end as n, \
                 cast(sum(units) as bigint) as units from (",
            );
        [FRESH, OPEN, BEING_REPLACED]
            .into_iter()
            .fold(statement, |statement, part| self.wanted(statement.push(part)))
            .push(") part group by top, round, measure, subject, grade, breakdown, scale")
    }

    fn wanted(&self, statement: Sql) -> Sql {
        let measures: Vec<&str> = self.measures.iter().map(|measure| measure.as_str()).collect();
        let subjects: Vec<&str> = self.subjects.iter().map(String::as_str).collect();
        [(" and o.measure in ", measures), (" and o.subject in ", subjects)]
            .into_iter()
            .filter(|(_, words)| !words.is_empty())
            .fold(statement, |statement, (text, words)| {
                statement.push(text).push_list(words)
            })
    }
}

impl Warehouse {
    /// Sums of a territory or of the territories right below it, in the order of the key.
    ///
    /// # Errors
    /// When the database refuses or holds a word this program does not know.
    pub async fn territory_sums(&self, query: &SumQuery) -> Result<Vec<TerritorySum>, Problem> {
        if query.rounds.is_empty() {
            return Ok(Vec::new());
        }
        let rows = query
            .select(sql("read sums of territories", ""))
            .push(" order by top, round, measure, subject, grade, breakdown, scale")
            .records(&self.readers)
            .await?;
        let mut texts = HashMap::new();
        let mut sums: Vec<TerritorySum> = Vec::with_capacity(rows.len());
        for row in &rows {
            let sum = read(row, &mut texts)?;
            match sums.last_mut() {
                Some(last) if last.key() == sum.key() => last.add(&sum)?,
                _ => sums.push(sum),
            }
        }
        Ok(sums)
    }

    /// True when sums are to be computed again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn has_stale_sums(&self) -> Result<bool, Problem> {
        Ok(lowest_stale().first::<(String, String)>(&self.readers).await?.is_some())
    }

    /// Computes the sums of one territory and round again, the lowest first; false when there is nothing to do.
    /// Several processes may do so at once: each has its turn, as loads have.
    ///
    /// # Errors
    /// When the database refuses; the pair is then still stale.
    pub async fn refresh_sums(&self) -> Result<bool, Problem> {
        let refreshed = self
            .write("refresh sums", |session| Box::pin(refresh_one(session)))
            .await?;
        failpoint::hit("sums-refreshed");
        Ok(refreshed)
    }
}

/// A stale pair below which no other is: the ones above it are then computed from its sums.
fn lowest_stale() -> Sql {
    sql(
        "look for stale sums",
        "select s.round, s.territory from territory_stale s where not exists (select 1 from unit u \
         join territory_stale c on c.round = s.round and c.territory = u.id where u.parent = s.territory) \
         order by s.round, s.territory limit 1",
    )
}

async fn refresh_one(session: &mut Session<'_>) -> Result<bool, Problem> {
    nodes::take_turn(session).await?;
    let Some((round, territory)) = lowest_stale().first::<(String, String)>(&mut *session).await? else {
        return Ok(false);
    };
    let what = "refresh sums";
    if let Session::Postgres(_) = session {
        // The planner takes the recursive part for larger than it is, and would read the whole table for a pair.
        for method in ["seqscan", "hashjoin", "mergejoin"] {
            sql(what, "select set_config('enable_' || $1, 'off', true)")
                .bind(method)
                .records(&mut *session)
                .await?;
        }
    }
    sql(what, "delete from territory_sum where round = $1 and territory = $2")
        .bind(&round)
        .bind(&territory)
        .execute(&mut *session)
        .await?;
    let own = SumQuery {
        territory: UnitId(territory.clone()),
        children: false,
        rounds: vec![round.clone()],
        measures: Vec::new(),
        subjects: Vec::new(),
    };
    own.select(sql(
        what,
        "insert into territory_sum (territory, round, measure, subject, grade, breakdown, scale, value, n, units) ",
    ))
    .execute(&mut *session)
    .await?;
    sql(what, "delete from territory_stale where round = $1 and territory = $2")
        .bind(round)
        .bind(territory)
        .execute(session)
        .await
        .map(|_| true)
}

impl TerritorySum {
    /// Everything but the number: sums told with different numbers of digits share it.
    fn key(&self) -> impl PartialEq + '_ {
        (
            &self.territory,
            &self.round,
            self.measure,
            &self.subject,
            self.grade,
            &self.breakdown,
        )
    }

    fn add(&mut self, other: &Self) -> Result<(), Problem> {
        let scale = self.value.scale.max(other.value.scale);
        let units = |amount: Amount| {
            let factor = 10i64.checked_pow(u32::from(scale - amount.scale))?;
            amount.units.checked_mul(factor)
        };
        let sum = units(self.value)
            .zip(units(other.value))
            .and_then(|(a, b)| a.checked_add(b));
        let too_large = || unreadable("territory_sum", &self.territory.0, "a sum beyond 64 bits");
        self.value = Amount {
            units: sum.ok_or_else(too_large)?,
            scale,
        };
        self.n = self.n.zip(other.n).and_then(|(a, b)| a.checked_add(b));
        self.units += other.units;
        Ok(())
    }
}

fn read(row: &Record, texts: &mut HashMap<String, Arc<str>>) -> Result<TerritorySum, Problem> {
    let wrong = |error: sqlx::Error| unreadable("territory_sum", "—", error);
    let unknown = |word: &str| unreadable("territory_sum", "—", word);
    let text = |column: &str| row.get::<&str>(column).map_err(wrong);
    let number = |column: &str| row.get::<i64>(column).map_err(wrong);
    let (measure, breakdown) = (text("measure")?, text("breakdown")?);
    let (round, subject) = (text("round")?, text("subject")?);
    let scale = number("scale")?;
    let mut shared = |text: &str| texts.entry(text.to_owned()).or_insert_with(|| text.into()).clone();
    Ok(TerritorySum {
        territory: UnitId(text("territory")?.to_owned()),
        round: shared(round),
        measure: Measure::parse(measure).ok_or_else(|| unknown(measure))?,
        subject: (!subject.is_empty()).then(|| shared(subject)),
        grade: u8::try_from(number("grade")?).ok().filter(|grade| *grade > 0),
        breakdown: Arc::new(Breakdown::parse(breakdown).ok_or_else(|| unknown(breakdown))?),
        value: Amount {
            units: number("value")?,
            scale: u8::try_from(scale).map_err(|_| unknown("scale"))?,
        },
        n: row.get("n").map_err(wrong)?,
        units: number("units")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::vocabulary::UnitKind;

    fn listed<'w>(words: impl Iterator<Item = &'w str>) -> String {
        format!(
            "({})",
            words.map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ")
        )
    }

    #[tokio::test]
    async fn a_question_goes_from_the_units_to_their_numbers_and_reads_no_others() {
        let dir = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", dir.path().join("msoko.db").display());
        let now = chrono::DateTime::UNIX_EPOCH;
        let warehouse = Warehouse::open(&url, crate::warehouse::Access::Hold, "test", now)
            .await
            .expect("opened");
        for (children, measures) in [(false, Vec::new()), (true, vec![Measure::Participants])] {
            let query = SumQuery {
                territory: UnitId("ru".to_owned()),
                children,
                rounds: vec!["vpr/2023-24/spring".to_owned(), "vpr/2024-25/spring".to_owned()],
                measures,
                subjects: Vec::new(),
            };
            let plan = query.select(sql("read a plan", "explain query plan "));
            let rows = plan.records(&warehouse.readers).await.expect("a plan");
            let steps: Vec<String> = rows.iter().map(|row| row.get("detail").expect("a step")).collect();
            assert!(
                steps
                    .iter()
                    .any(|step| step.starts_with("SEARCH o USING INDEX observation_key (round=? AND unit=?")),
                "{steps:#?}"
            );
            assert!(!steps.iter().any(|step| step.starts_with("SCAN o")), "{steps:#?}");
        }
    }

    #[test]
    fn the_statements_name_the_words_of_the_vocabulary() {
        let territories = UnitKind::ALL.iter().filter(|kind| kind.is_territory());
        let territories = listed(territories.map(|kind| kind.as_str()));
        let left_out = Measure::ALL.iter().filter(|measure| !measure.is_additive());
        let mut left_out: Vec<&str> = left_out.map(|measure| measure.as_str()).collect();
        left_out.sort_unstable_by_key(|word| {
            ["share", "mean", "index", "task_max"]
                .iter()
                .position(|known| known == word)
        });
        let left_out = listed(left_out.into_iter());
        for text in [BELOW, FRESH, OPEN, BEING_REPLACED] {
            assert!(text.contains(&territories), "{text}");
        }
        for text in [OPEN, BEING_REPLACED] {
            assert!(text.contains(&left_out), "{text}");
        }
    }
}
