//! `mail outbox · preview · test · retry`.

use std::path::Path;

use serde_json::{Value, json};

use super::args::Mail;
use super::exit::Exit;
use super::output::Output;
use super::{Ended, knowledge, open};
use crate::clock::Clock;
use crate::domain::letter::Mailbox;
use crate::domain::number::moment;
use crate::flow::context::{Stop, office, sender};
use crate::flow::deliver::deliver_due;
use crate::letters::Frame;
use crate::letters::proof::Proof;
use crate::mail::{Envelope, Transport, compose, text_of};
use crate::message::Problem;
use crate::warehouse::Access;

/// Letters of a list for a person.
const SHOWN: u32 = 200;

pub(super) async fn run(out: &mut Output, path: &Path, verb: Mail) -> Ended {
    match verb {
        Mail::Outbox => outbox(out, path).await,
        Mail::Preview { id } => {
            let context = open(path, Access::Read, "mail preview").await?;
            let unknown = || Problem::new("MSK-RUN-29").arg("id", id);
            let bytes = context.warehouse.letter_message(id).await?.ok_or_else(unknown)?;
            if bytes.is_empty() {
                return Err(Problem::new("MSK-KEEP-16").arg("id", id).into());
            }
            let text = text_of(&bytes).ok_or_else(unknown)?;
            out.line(&text);
            out.object(&json!({ "id": id, "text": text }));
            Ok(Exit::Fine)
        }
        Mail::Test { address } => test(out, path, &address).await,
        Mail::Retry { id } => {
            let context = open(path, Access::Write, "mail retry").await?;
            let queued = context.warehouse.retry_letters(id, context.clock.now()).await?;
            let pass = deliver_due(&context, &Stop::default()).await?;
            out.line(format!("Снова в очереди {queued}, отправлено {}.", pass.sent));
            out.object(&json!({ "queued": queued, "sent": pass.sent }));
            Ok(if pass.outage.is_some() {
                Exit::Unavailable
            } else {
                Exit::Fine
            })
        }
    }
}

async fn outbox(out: &mut Output, path: &Path) -> Ended {
    let context = open(path, Access::Read, "mail outbox").await?;
    let letters = context.warehouse.letters(None, SHOWN).await?;
    let mut table = vec![
        ["номер", "состояние", "кому", "тема", "попыток", "следующая"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let mut values: Vec<Value> = Vec::new();
    for letter in &letters {
        let state = match letter.state.as_str() {
            "queued" => "в очереди",
            "sending" => "отправляется",
            "sent" => "отправлено",
            "held" => "отложено",
            _ => "не доставлено",
        };
        let local = |at: chrono::DateTime<chrono::Utc>| moment(at.with_timezone(&context.zone()).fixed_offset());
        let next = letter
            .next_at
            .filter(|_| letter.finished_at.is_none())
            .map_or_else(|| "—".to_owned(), local);
        table.push(vec![
            letter.id.to_string(),
            state.to_owned(),
            letter.to.clone(),
            letter.subject.clone(),
            letter.attempt.to_string(),
            next,
        ]);
        values.push(json!({
            "id": letter.id,
            "key": letter.key,
            "kind": letter.kind,
            "to": letter.to,
            "subject": letter.subject,
            "state": letter.state,
            "attempt": letter.attempt,
            "problem": letter.problem.as_ref().map(Problem::ru_line),
        }));
    }
    if letters.is_empty() {
        out.line("Очередь писем пуста.");
    } else {
        out.table(&table);
        for letter in &letters {
            if let Some(problem) = &letter.problem {
                out.line(format!("  {}: {}", letter.id, problem.ru_line()));
            }
        }
    }
    out.list(&values);
    Ok(Exit::Fine)
}

/// Sends one letter at once, past the outbox: its fate is what the administrator wants to see.
async fn test(out: &mut Output, path: &Path, address: &str) -> Ended {
    let knowledge = knowledge(path)?;
    let clock = Clock::system(knowledge.config.authority.zone);
    let office = office(&knowledge.config, &clock);
    let way = match &knowledge.transport {
        Transport::Smtp(settings) => format!("почтовый сервер {}:{}", settings.host, settings.port),
        Transport::File(folder) => format!("папка {}", folder.display()),
    };
    let letter = Proof {
        frame: Frame {
            key: format!("test/{}/{address}", clock.now().timestamp()),
            to: Mailbox {
                name: String::new(),
                address: address.to_owned(),
            },
            office: &office,
            written_at: clock.local(),
            attachments: Vec::new(),
        },
        way: way.clone(),
    }
    .render()?;
    let bytes = compose(&letter, &sender(&knowledge.config))?;
    let envelope = Envelope {
        from: knowledge.config.mail.from.address.clone(),
        to: address.to_owned(),
    };
    let receipt = knowledge.transport.deliver(&envelope, &bytes).await?;
    out.line(format!("Письмо ушло ({way}): {}", receipt.text));
    out.object(&json!({ "to": address, "receipt": receipt.text }));
    Ok(Exit::Fine)
}
