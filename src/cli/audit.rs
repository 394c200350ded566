//! `audit period`: what came in, left, was changed or removed, between two days.

use std::path::Path;

use chrono::Days;
use serde_json::{Value, json};

use super::args::Audit;
use super::exit::Exit;
use super::output::Output;
use super::{Ended, open};
use crate::domain::number::moment;
use crate::message::Problem;
use crate::warehouse::Access;
use crate::warehouse::audit::{Action, AuditRecord};

/// Records read at once.
const PAGE: u32 = 1000;

pub(super) async fn audit(out: &mut Output, path: &Path, verb: Audit) -> Ended {
    let Audit::Period { from, to } = verb;
    let context = open(path, Access::Read, "audit period").await?;
    let midnight = |day| context.clock.at(day, 0, 0);
    let end = to.checked_add_days(Days::new(1)).and_then(midnight);
    let span = midnight(from).zip(end).filter(|(start, end)| start < end);
    let Some(span) = span else {
        return Err(Problem::new("MSK-USE-08")
            .arg("value", to)
            .arg("what", "--to")
            .arg("expected", format!(": нужен день не раньше {from}"))
            .into());
    };
    let mut skip = 0;
    loop {
        let records = context.warehouse.audit(span, skip, PAGE).await?;
        for record in &records {
            let at = moment(record.at.with_timezone(&context.zone()).fixed_offset());
            let recipient = record
                .recipient
                .as_ref()
                .map_or_else(String::new, |to| format!(" → {to}"));
            let counts = Some(record.counts.as_str()).filter(|counts| *counts != "{}");
            let line = format!(
                "{at}  {}  {} {}{recipient} {}",
                record.actor,
                in_words(&record.action),
                record.object,
                counts.unwrap_or_default()
            );
            out.line(line.trim_end());
            out.element(&shape(record).to_string());
        }
        if records.is_empty() {
            break;
        }
        skip += PAGE;
    }
    out.end_array();
    Ok(Exit::Fine)
}

fn shape(record: &AuditRecord) -> Value {
    let counts: Value = serde_json::from_str(&record.counts).unwrap_or_else(|_| json!(record.counts));
    let mut value = json!({
        "chain": record.chain,
        "seq": record.seq,
        "at": record.at,
        "actor": record.actor,
        "action": record.action,
        "object": record.object,
        "counts": counts,
    });
    if let Some(recipient) = &record.recipient {
        value["recipient"] = json!(recipient);
    }
    value
}

/// A word of a later version is shown as it is.
fn in_words(word: &str) -> &str {
    match Action::ALL.into_iter().find(|action| action.as_str() == word) {
        Some(Action::ConfigurationAccepted) => "настройка принята:",
        Some(Action::HeadsSeen) => "отмечены концы журналов других узлов:",
        Some(Action::LoadPublished) => "загружено:",
        Some(Action::DeliveryConfirmed) => "подтверждена уменьшившаяся выгрузка:",
        Some(Action::QuarantineDropped) => "снято с карантина:",
        Some(Action::RegisterChanged) => "изменён реестр:",
        Some(Action::DeadlineClosed) => "закрыт срок:",
        Some(Action::ReportMade) => "составлен документ:",
        Some(Action::LetterSent) => "отправлено письмо:",
        Some(Action::Exported) => "выгружено:",
        Some(Action::BackupMade) => "сделана копия базы:",
        Some(Action::Restored) => "база возвращена из копии:",
        Some(Action::Removed) => "удалено по сроку хранения:",
        Some(Action::AuditCut) => "удалены старые записи журнала:",
        None => word,
    }
}
