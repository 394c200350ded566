//! `demo`: a progress bar, then one screen.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::args::Demo as Args;
use super::exit::Exit;
use super::output::{Output, remark};
use super::{Ended, all_but_last};
use crate::demo::{Demonstration, STEPS, TODAY, run as demonstrate};
use crate::domain::number::{Forms, agree, date_long, date_short, weekday_short, whole};
use crate::message::Problem;

const ROW: Forms<'_> = Forms::new("строка", "строки", "строк", "строки");
const LETTER: Forms<'_> = Forms::new("письмо", "письма", "писем", "письма");

pub(super) async fn run(out: &mut Output, args: Args) -> Ended {
    let today = args
        .today
        .or_else(|| chrono::NaiveDate::from_ymd_opt(TODAY.0, TODAY.1, TODAY.2))
        .unwrap_or_default();
    out.line(format!(
        "Демонстрационный район; часы показывают {}, {}, 09:00 МСК. Всё выдумано, наружу ничего не отправляется.",
        weekday_short(today),
        date_long(today)
    ));
    out.show();
    let bar = ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    let done = demonstrate(&args.dir, Some(today), args.database.as_deref(), &mut |step| {
        bar.inc(1);
        bar.set_message(step.to_owned());
    })
    .await
    .map_err(all_but_last);
    bar.finish_and_clear();
    let done = done?;
    screen(out, &done);
    let changed: u64 = done.again.iter().map(|pulled| pulled.new + pulled.changed).sum();
    out.object(&json!({
        "dir": done.dir.display().to_string(),
        "today": done.today,
        "sources": done.pulled.iter().map(|pulled| json!({
            "source": pulled.source,
            "rows_read": pulled.rows_read,
            "new": pulled.new,
            "quarantined": pulled.quarantined,
            "refused": pulled.refused.len(),
        })).collect::<Vec<_>>(),
        "second_pull_changed": changed,
        "letters": done.pass.sent,
        "report": done.report.id,
    }));
    if changed > 0 {
        remark("вторая загрузка тех же данных изменила хранилище: это ошибка программы");
        return Err(Problem::new("MSK-BUG-01")
            .arg("what", "the second pull changed something")
            .into());
    }
    Ok(Exit::Fine)
}

fn screen(out: &mut Output, done: &Demonstration) {
    out.line("");
    out.line("Забрано");
    let mut table = vec![
        [
            "  источник",
            "снимков",
            "строк",
            "чисел и фактов",
            "в карантине",
            "отклонено",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for pulled in &done.pulled {
        table.push(vec![
            format!("  {}", pulled.source),
            pulled.snapshots.to_string(),
            whole(i64::try_from(pulled.rows_read).unwrap_or(i64::MAX)),
            whole(i64::try_from(pulled.new).unwrap_or(i64::MAX)),
            pulled.quarantined.to_string(),
            pulled.refused.len().to_string(),
        ]);
    }
    out.table(&table);
    let rows: u64 = done.again.iter().map(|pulled| pulled.new + pulled.changed).sum();
    out.line(format!(
        "  второй раз: {}",
        if rows == 0 {
            "ничего не изменилось".to_owned()
        } else {
            format!("изменилось {}", agree(i64::try_from(rows).unwrap_or(0), ROW))
        }
    ));
    out.line("");
    out.line("Отклонено и почему");
    for problem in done.pulled.iter().flat_map(|pulled| &pulled.refused) {
        // The technical cause stands in the letter to the administrator.
        out.line(format!("  {}", problem.ru_brief()));
    }
    for row in &done.quarantined {
        out.line(format!("  карантин: {row}"));
    }
    out.line("");
    out.line(format!("Ближайшие сроки (просрочено: {})", done.overdue));
    for deadline in &done.next {
        let date = deadline.date.map_or_else(|| "уточнить".to_owned(), date_short);
        let activity: String = deadline.activity.chars().take(76).collect();
        out.line(format!(
            "  {date}  {}/{}  {activity}",
            deadline.roadmap, deadline.number
        ));
    }
    out.line("");
    let sent = i64::from(done.pass.sent);
    out.line(format!(
        "Написано {}: сводка сроков, справка, сбои источников",
        agree(sent, LETTER)
    ));
    out.line("Где посмотреть");
    let dir = done.dir.display();
    out.line(format!(
        "  письма      {dir}/outbox/*.html (в браузере), *.eml (в почтовой программе)"
    ));
    for file in &done.files {
        out.line(format!("  {}  {}", done.report.id, file.display()));
    }
    out.line(format!("  база        {}", done.database));
    out.line(format!("  настройка   {dir}/config/msoko.toml"));
    if let Some(example) = done.report.example() {
        out.line("");
        out.line("Откуда взялось напечатанное число:");
        out.line(format!(
            "  msoko --config {dir}/config/msoko.toml explain {} {example}",
            done.report.id
        ));
    }
}
