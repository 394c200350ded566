//! warehouse and snapshots → findings: is everything as it was left?

use chrono::DateTime;

use super::context::Context;
use crate::domain::number::moment;
use crate::message::Problem;
use crate::snapshot;
use crate::warehouse::verify::{Depth, Verdict};

/// Snapshots asked for at once.
const PAGE: u32 = 500;

/// Looks for damage; gives the verdict and how many snapshots were read to their end.
///
/// # Errors
/// When the database does not answer.
pub async fn verify(context: &Context, depth: Depth) -> Result<(Verdict, u64), Problem> {
    let mut verdict = context.warehouse.verify(depth).await?;
    let told = std::mem::take(&mut verdict.findings).into_iter();
    verdict.findings = told
        .map(|finding| finding.instead("at", |at| as_told(context, at)))
        .collect();
    let mut snapshots = 0;
    if depth == Depth::Full {
        let mut after = String::new();
        loop {
            let page = context.warehouse.kept_snapshots(&after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.hash);
            snapshots += page.len() as u64;
            let folder = context.config.paths.snapshots();
            let reading = move || {
                let wrong = |kept: &crate::warehouse::history::KeptSnapshot| {
                    let problem = snapshot::verify(&folder, &kept.hash, kept.size).err()?;
                    Some(problem.at(format!("{}/{}", kept.source, kept.file)))
                };
                page.iter().filter_map(wrong).collect::<Vec<_>>()
            };
            let found = tokio::task::spawn_blocking(reading).await;
            let died = |error| {
                Problem::new("MSK-BUG-01")
                    .arg("what", "reading snapshots")
                    .because(error)
            };
            verdict.findings.extend(found.map_err(died)?);
        }
    }
    Ok((verdict, snapshots))
}

/// A moment of the warehouse as people of the office tell it; what is none stays as it is.
fn as_told(context: &Context, at: &str) -> String {
    DateTime::parse_from_rfc3339(at).map_or_else(
        |_| at.to_owned(),
        |at| moment(at.with_timezone(&context.zone()).fixed_offset()),
    )
}

#[cfg(test)]
mod tests {
    use super::super::samples::Desk;
    use super::*;
    use crate::warehouse::load::{HALF, NewRun, NewSnapshot};

    /// Bytes that a packer makes shorter, the same every time.
    fn text(lines: usize) -> String {
        (0..lines)
            .map(|line| format!("{line};школа {};{}\n", line % 7, line * 31 % 97))
            .collect()
    }

    #[tokio::test]
    async fn every_byte_that_changed_in_a_snapshot_is_found_and_its_file_named() {
        let desk = Desk::open("2026-02-02", &[("recipients.toml", "")]).await;
        let context = &desk.context;
        let (warehouse, now) = (&context.warehouse, context.clock.now());
        let folder = context.config.paths.snapshots();
        let mut files = Vec::new();
        for number in 1..=4 {
            let kept = snapshot::keep(&folder, text(number * 200).as_bytes()).expect("kept");
            let new = NewSnapshot {
                hash: kept.hash.clone(),
                size: kept.size,
                source: "vpr".to_owned(),
                connector: "vpr-protocol".to_owned(),
                file: format!("{number}.csv"),
                ..NewSnapshot::default()
            };
            let run = NewRun {
                source: "vpr".to_owned(),
                series: new.file.clone(),
                snapshot: warehouse.record_snapshot(new, now).await.expect("recorded"),
                manifest: "m".to_owned(),
                scope: None,
                least_of_previous: HALF,
                references: Vec::new(),
            };
            let run = warehouse.begin_run(run, now).await.expect("begun");
            warehouse.publish(run, true, now).await.expect("published");
            files.push(kept);
        }
        assert_eq!(
            verify(context, Depth::Full).await.expect("looked"),
            (
                Verdict {
                    loads: 4,
                    ..Verdict::default()
                },
                4
            )
        );
        let mut harmless = 0;
        for flip in 0..200usize {
            let kept = &files[flip % files.len()];
            #[expect(clippy::disallowed_methods, reason = "a file of the test's own, some kilobytes")]
            let whole = std::fs::read(&kept.path).expect("read");
            let mut packed = whole.clone();
            packed[flip * 7919 % whole.len()] ^= 1 << (flip % 8);
            std::fs::write(&kept.path, &packed).expect("written");
            let (verdict, _) = verify(context, Depth::Full).await.expect("looked");
            match verdict.findings.as_slice() {
                // A bit that the format reserves: the bytes that come out are right.
                [] => harmless += 1,
                [one] => {
                    assert!(one.code().starts_with("MSK-SNP-"), "{one}");
                    assert!(one.ru_line().contains(&kept.path.display().to_string()), "{one}");
                    assert_eq!(one.place(), Some(&*format!("vpr/{}.csv", flip % files.len() + 1)));
                }
                several => panic!("one file is damaged: {several:?}"),
            }
            std::fs::write(&kept.path, &whole).expect("written");
        }
        assert!(harmless < 5, "{harmless}");
        std::fs::remove_file(&files[2].path).expect("removed");
        let (verdict, _) = verify(context, Depth::Full).await.expect("looked");
        assert_eq!(verdict.findings[0].code(), "MSK-SNP-02");
        assert_eq!(
            verify(context, Depth::Structure).await.expect("looked").0,
            Verdict::default()
        );
    }

    #[tokio::test]
    async fn a_moment_is_told_as_the_office_counts_it() {
        let desk = Desk::open("2026-02-02", &[("recipients.toml", "")]).await;
        let told = |at| as_told(&desk.context, at);
        assert_eq!(told("2026-02-02T21:01:00.000Z"), "03.02.2026\u{a0}00:01");
        assert_eq!(told("17"), "17", "number of a record");
    }
}
