//! `units sums`.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::args::Sums;
use super::exit::Exit;
use super::output::Output;
use super::{Ended, open};
use crate::domain::number::decimal;
use crate::domain::observation::Amount;
use crate::domain::unit::UnitId;
use crate::domain::vocabulary::{Measure, Procedure};
use crate::flow::sums::{Told, told};
use crate::message::Problem;
use crate::warehouse::Access;
use crate::warehouse::territories::SumQuery;

pub(super) async fn sums(out: &mut Output, path: &Path, asked: Sums) -> Ended {
    let measures = asked
        .measures
        .iter()
        .map(|word| measure(word))
        .collect::<Result<Vec<_>, _>>()?;
    let context = open(path, Access::Read, "units sums").await?;
    let register = context.warehouse.register().await?;
    let territory = UnitId(asked.territory.clone());
    let Some(unit) = register.get(&territory) else {
        return Err(Problem::new("MSK-RUN-25").arg("id", asked.territory).into());
    };
    if !unit.kind.is_territory() {
        return Err(Problem::new("MSK-RUN-33")
            .arg("id", asked.territory)
            .arg("kind", unit.kind.as_str())
            .into());
    }
    let query = SumQuery {
        territory,
        children: asked.children,
        rounds: asked.rounds,
        measures,
        subjects: asked.subjects,
    };
    let found = told(&context, &query).await?;
    if found.is_empty() {
        let mut known = Vec::new();
        for procedure in Procedure::ALL {
            known.extend(context.warehouse.rounds(*procedure).await?);
        }
        let rounds = query.rounds.join(", ");
        out.line(format!("По «{}» за {rounds} чисел нет.", unit.short_title));
        out.line(format!(
            "Проведения, за которые числа есть: {}",
            or_dash(known.join(", "))
        ));
    } else {
        out.table(&table(&found));
    }
    out.list(&found.iter().map(value).collect::<Vec<_>>());
    Ok(Exit::Fine)
}

fn measure(word: &str) -> Result<Measure, Problem> {
    let known = Measure::parse(word).filter(|measure| measure.is_additive());
    known.ok_or_else(|| {
        let all = Measure::ALL.iter().filter(|measure| measure.is_additive());
        let all: Vec<&str> = all.map(|measure| measure.as_str()).collect();
        Problem::new("MSK-RUN-34")
            .arg("measure", word)
            .arg("known", all.join(", "))
    })
}

fn table(found: &[Told]) -> Vec<Vec<String>> {
    let head = [
        "территория",
        "проведение",
        "предмет",
        "класс",
        "мера",
        "разрез",
        "сумма",
        "организаций",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for told in found {
        let of = |subject: Option<&str>, grade: Option<u8>| {
            let grade = grade.map_or_else(String::new, |grade| grade.to_string());
            [or_dash(subject.unwrap_or_default().to_owned()), or_dash(grade)]
        };
        let (territory, round, [subject, grade], rest) = match told {
            Told::Sum(sum) => (
                &sum.territory,
                &sum.round,
                of(sum.subject.as_deref(), sum.grade),
                [
                    sum.measure.as_str().to_owned(),
                    or_dash(sum.breakdown.to_string()),
                    decimal(sum.value),
                    sum.units.to_string(),
                ],
            ),
            Told::Withheld { group, below } => (
                &group.territory,
                &group.round,
                of(group.subject.as_deref(), group.grade),
                ["—".to_owned(), "—".to_owned(), withheld(*below), "—".to_owned()],
            ),
        };
        let mut row = vec![territory.0.clone(), round.to_string(), subject, grade];
        row.extend(rest);
        rows.push(row);
    }
    rows
}

fn withheld(below: Option<i64>) -> String {
    below.map_or_else(
        || "скрыто: выдало бы соседнюю строку".to_owned(),
        |bound| format!("менее {bound} участников"),
    )
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "—".to_owned() } else { text }
}

fn value(told: &Told) -> Value {
    match told {
        Told::Sum(sum) => {
            let keys: Map<String, Value> = sum
                .breakdown
                .iter()
                .map(|(key, value)| (key.to_owned(), value.into()))
                .collect();
            json!({
                "territory": sum.territory.0,
                "round": &*sum.round,
                "measure": sum.measure.as_str(),
                "subject": sum.subject.as_deref(),
                "grade": sum.grade,
                "breakdown": (!keys.is_empty()).then_some(keys),
                "value": number(sum.value),
                "n": sum.n,
                "units": sum.units,
            })
        }
        Told::Withheld { group, below } => json!({
            "territory": group.territory.0,
            "round": &*group.round,
            "subject": group.subject.as_deref(),
            "grade": group.grade,
            "written_in": group.written_in,
            "hidden": true,
            "below": below,
        }),
    }
}

fn number(amount: Amount) -> Value {
    if amount.scale == 0 {
        amount.units.into()
    } else {
        amount.to_f64().into()
    }
}
