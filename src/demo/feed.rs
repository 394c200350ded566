//! The invented feed of the regional system, in the layout of `connectors/rsoko-feed`.

use super::dice::Dice;
use super::district::SCHOOLS;
use super::results::{WORKS, territory_marks};

/// Comparison rows of the region and the country for ВПР, a regional diagnostic work by school, and one row about an
/// organisation nobody knows.
pub(super) fn feed(springs: &[i32]) -> String {
    let mut xml =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rsoko version=\"1\" generated=\"2026-02-10\">\n");
    for spring in springs {
        let year = school_year(*spring);
        for work in WORKS {
            for territory in ["ru-99", "ru"] {
                let marks = territory_marks(work, *spring, territory);
                let head = format!(
                    "territory=\"{territory}\" procedure=\"vpr\" year=\"{year}\" season=\"spring\" subject=\"{}\" grade=\"{}\"",
                    work.subject, work.grade
                );
                row(
                    &mut xml,
                    &format!(
                        "{head} measure=\"participants\" value=\"{}\"",
                        marks.iter().sum::<u32>()
                    ),
                );
                for (mark, count) in (2..=5).zip(marks) {
                    row(
                        &mut xml,
                        &format!("{head} measure=\"mark_count\" mark=\"{mark}\" value=\"{count}\""),
                    );
                }
            }
        }
    }
    let year = springs.last().map_or_else(String::new, |spring| school_year(*spring));
    for school in SCHOOLS.iter().filter(|school| school.teaches(8)) {
        let mut dice = Dice::new(&[school.id, "rop"]);
        let low = dice.below(school.size / 4 + 1);
        let high = dice.below(school.size / 3 + 1);
        let head = format!(
            "ogrn=\"{}\" procedure=\"rop\" year=\"{year}\" season=\"autumn\" subject=\"math\" grade=\"8\"",
            school.ogrn()
        );
        row(
            &mut xml,
            &format!("{head} measure=\"participants\" value=\"{}\"", school.size),
        );
        row(&mut xml, &format!("{head} measure=\"below_minimum\" value=\"{low}\""));
        row(
            &mut xml,
            &format!("{head} measure=\"band_count\" band=\"high\" value=\"{high}\""),
        );
    }
    row(
        &mut xml,
        &format!(
            "ogrn=\"1029909999998\" name=\"МКОУ «Закрытая СОШ»\" procedure=\"rop\" year=\"{year}\" season=\"autumn\" \
             subject=\"math\" grade=\"8\" measure=\"participants\" value=\"12\""
        ),
    );
    xml.push_str("</rsoko>\n");
    xml
}

fn row(xml: &mut String, attributes: &str) {
    xml.push_str("  <observation ");
    xml.push_str(attributes);
    xml.push_str("/>\n");
}

fn school_year(spring: i32) -> String {
    format!("{}-{:02}", spring - 1, spring % 100)
}
