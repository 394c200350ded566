//! References and keys: one text for both databases, also for what `PostgreSQL` does not hold by itself.

use crate::message::{Problem, Problems};
use crate::warehouse::sql::sql;
use crate::warehouse::store::Warehouse;

/// A question whose rows are findings: three texts each.
pub(super) struct Check {
    pub(super) what: &'static str,
    code: &'static str,
    /// Names of the three texts in the message.
    args: [&'static str; 3],
    /// What every finding of the check has in common.
    fixed: &'static [(&'static str, &'static str)],
    text: &'static str,
}

impl Check {
    pub(super) async fn findings(&self, warehouse: &Warehouse) -> Result<Problems, Problem> {
        let rows: Vec<(String, String, String)> = sql("check references and keys", self.text)
            .all(&warehouse.readers)
            .await?;
        let finding = |(one, two, three): (String, String, String)| {
            let problem = Problem::new(self.code)
                .arg(self.args[0], one)
                .arg(self.args[1], two)
                .arg(self.args[2], three);
            let add = |problem: Problem, (name, value): &(&'static str, &'static str)| problem.arg(name, value);
            self.fixed.iter().fold(problem, add)
        };
        Ok(rows.into_iter().map(finding).collect())
    }
}

macro_rules! reference {
    ($table:literal $id:literal, $column:literal => $target:literal $key:literal) => {
        Check {
            what: $table,
            code: "MSK-KEEP-03",
            args: ["id", "value", "table"],
            fixed: &[("column", $column), ("target", $target)],
            text: concat!(
                "select cast(",
                $id,
                " as text), cast(",
                $column,
                " as text), '",
                $table,
                "' from ",
                $table,
                " child where ",
                $column,
                " is not null and not exists (select 1 from ",
                $target,
                " parent where parent.",
                $key,
                " = child.",
                $column,
                ") order by ",
                $id,
                " limit 1001"
            ),
        }
    };
}

macro_rules! open_rows {
    ($table:literal, $key:literal, $shown:literal) => {
        Check {
            what: $table,
            code: "MSK-KEEP-04",
            args: ["key", "count", "table"],
            fixed: &[],
            text: concat!(
                "select ",
                $shown,
                ", cast(count(*) as text), '",
                $table,
                "' from ",
                $table,
                " where superseded_by is null group by ",
                $key,
                " having count(*) > 1 order by 1 limit 1001"
            ),
        }
    };
}

/// Rows that count, or are hidden, by a load that was taken back.
macro_rules! taken_back {
    ($table:literal, $column:literal) => {
        Check {
            what: $table,
            code: "MSK-KEEP-05",
            args: ["id", "run", "table"],
            fixed: &[("column", $column)],
            text: concat!(
                "select cast(id as text), cast(",
                $column,
                " as text), '",
                $table,
                "' from ",
                $table,
                " where ",
                $column,
                " in (select id from run where state in ('refused', 'failed')) order by id limit 1001"
            ),
        }
    };
}

/// What the schema means by its columns; a test holds the list to the schema of the embedded database.
pub(super) const CHECKS: &[Check] = &[
    reference!("unit" "id", "parent" => "unit" "id"),
    reference!("alias" "value", "unit" => "unit" "id"),
    reference!("run" "id", "snapshot" => "snapshot" "id"),
    reference!("observation" "id", "unit" => "unit" "id"),
    reference!("observation" "id", "run" => "run" "id"),
    reference!("observation" "id", "superseded_by" => "run" "id"),
    reference!("observation" "id", "snapshot" => "snapshot" "id"),
    reference!("fact" "id", "unit" => "unit" "id"),
    reference!("fact" "id", "run" => "run" "id"),
    reference!("fact" "id", "superseded_by" => "run" "id"),
    reference!("fact" "id", "snapshot" => "snapshot" "id"),
    reference!("quarantine" "id", "run" => "run" "id"),
    reference!("quarantine" "id", "snapshot" => "snapshot" "id"),
    reference!("outbox_attempt" "id", "letter" => "outbox" "id"),
    reference!("report_input" "snapshot", "report" => "report" "id"),
    reference!("run_reference" "run", "run" => "run" "id"),
    reference!("run_reference" "run", "reference" => "reference" "hash"),
    reference!("audit" "seq", "chain" => "audit_chain" "chain"),
    Check {
        what: "run",
        code: "MSK-KEEP-17",
        args: ["run", "counted", "found"],
        fixed: &[],
        text: "select cast(r.id as text), cast(r.observations_changed + r.observations_closed as text), \
               cast((select count(*) from observation o where o.superseded_by = r.id) as text) from run r \
               where r.state = 'published' and r.observations_changed + r.observations_closed <> \
               (select count(*) from observation o where o.superseded_by = r.id) order by r.id limit 1001",
    },
    open_rows!(
        "observation",
        "round, unit, measure, subject, grade, breakdown",
        "unit || ' · ' || round || ' · ' || measure || ' · ' || subject || ' · ' || cast(grade as text) || ' · ' || breakdown"
    ),
    open_rows!("fact", "unit, code", "unit || ' · ' || code"),
    taken_back!("observation", "run"),
    taken_back!("observation", "superseded_by"),
    taken_back!("fact", "run"),
    taken_back!("fact", "superseded_by"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::Access;

    #[tokio::test]
    async fn every_reference_of_the_schema_is_followed() {
        let dir = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", dir.path().join("msoko.db").display());
        let now = chrono::DateTime::UNIX_EPOCH;
        let warehouse = Warehouse::open(&url, Access::Hold, "test", now).await.expect("opened");
        let declared: Vec<(String, String, String)> = sql(
            "list references",
            "select t.name, f.\"from\", f.\"table\" from sqlite_schema t join pragma_foreign_key_list(t.name) f \
             where t.type = 'table'",
        )
        .all(&warehouse.readers)
        .await
        .expect("read");
        assert!(declared.len() > 10, "{declared:?}");
        for (table, column, target) in declared {
            let fixed = [("column", column.as_str()), ("target", target.as_str())];
            let is_followed = CHECKS.iter().any(|check| check.what == table && check.fixed == fixed);
            assert!(is_followed, "{table}.{column} → {target}");
        }
    }
}
