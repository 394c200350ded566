//! What cannot be is refused with its place and rule, or loaded with a warning where the manifest says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::read::{Reading, read};
use crate::decode::Input;
use crate::domain::unit::{Alias, Register, Unit, UnitId};
use crate::domain::vocabulary::{AliasSystem, UnitKind};
use crate::manifest::{Connector, parse, shipped_subjects};
use crate::privacy::detect::Exempt;
use crate::scales;

const HEAD: &str = "manifest = 1\n[connector]\nid = 'x'\ntitle = 'Итоги'\nprocedures = ['vpr']\n[decode.csv]\n";

fn connector(rest: &str) -> Connector {
    parse("x.toml", &format!("{HEAD}{rest}")).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn school(id: &str, code: &str, inn: &str) -> Unit {
    let alias = |system, value: &str| Alias {
        system,
        value: value.to_owned(),
        from: None,
        to: None,
    };
    Unit {
        id: UnitId(id.to_owned()),
        kind: UnitKind::General,
        title: format!("Школа {id}"),
        short_title: format!("Школа {id}"),
        parent: None,
        branch: false,
        email: None,
        aliases: vec![alias(AliasSystem::RcoiOge, code), alias(AliasSystem::Inn, inn)],
    }
}

/// Numbers with their units, refused rows with their rules, warnings, the refusal of the file.
fn lines(connector: &Connector, text: &str) -> Vec<String> {
    let register = Register::new(vec![
        school("a", "058001", "0599000005"),
        school("b", "158002", "0599000012"),
    ]);
    let reading = Reading {
        connector,
        subjects: &shipped_subjects(),
        scales: &scales::parse("scales.toml", scales::SHIPPED).0,
        options: &BTreeMap::new(),
        register: Some(&register),
        exempt: &Arc::new(Exempt::default()),
        today: NaiveDate::from_ymd_opt(2026, 8, 31).expect("a date"),
        batch: 1,
    };
    let mut lines = Vec::new();
    let mut take = |batch: crate::domain::observation::Batch| {
        for number in batch.observations {
            let unit = number.unit.id.as_ref().map_or("?", |id| &id.0);
            lines.push(format!(
                "{unit} {} {} {}",
                number.round,
                number.measure.as_str(),
                number.value
            ));
        }
        for row in batch.quarantined {
            let unit = row
                .unit
                .and_then(|unit| unit.id.clone())
                .map_or("?".to_owned(), |id| id.0);
            let rule = row.rule.unwrap_or_default();
            lines.push(format!("{unit} refused {rule}: {}", row.problem.ru_line()));
        }
        Ok(())
    };
    let input = Input::memory("итоги.csv", text.as_bytes());
    let summary = read(input, &reading, &mut |_, _, _| Ok(()), &mut take).expect("the sink takes everything");
    lines.extend(
        summary
            .warnings
            .iter()
            .map(|problem| format!("warning {}", problem.ru_line())),
    );
    lines.extend(
        summary
            .refused
            .map(|problem| format!("file refused {}", problem.ru_line())),
    );
    lines
}

/// Columns of a table by school, all numbers of a row.
const BY_SCHOOL: &str = "\
[[column]]\nname = 'code'\nat = 'Код'\nclass = 'key'\n\
[[column]]\nname = 'school_year'\nat = 'Год'\nclass = 'key'\ntype = 'school_year'\n\
[[column]]\nname = 'n'\nat = 'Участников'\nclass = 'measure'\ntype = 'decimal'\n\
[[column]]\nname = 'low'\nat = 'Доля 2'\nclass = 'measure'\ntype = 'decimal'\n\
[[column]]\nname = 'high'\nat = 'Доля 3-5'\nclass = 'measure'\ntype = 'decimal'\n\
[unit]\ncode = 'code'\n\
[[observation]]\nmeasure = 'participants'\nvalue = 'n'\n\
[[observation]]\nmeasure = 'share'\nvalue = 'low'\n\
[contract]\nmax_quarantined = '100%'\n";

#[test]
fn numbers_that_cannot_be_are_put_aside_one_by_one_and_shares_add_up_to_a_hundred() {
    let sums = "[[check]]\nrule = 'sum_equals'\ncolumns = ['low', 'high']\ntotal = 100\ntolerance = 0.5\n\
                severity = 'warning'\n";
    let text = "Код;Год;Участников;Доля 2;Доля 3-5\n058001;2024-25;20;10;90\n158002;2024-25;-3;10;90\n\
                158002;2024-25;12,5;101;0\n058001;2024-25;21;10,2;89,6\n058001;2024-25;22;10;80\n";
    insta::assert_snapshot!(lines(&connector(&format!("{BY_SCHOOL}{sums}")), text).join("\n"), @r"
    a vpr/2024-25 participants 20
    a vpr/2024-25 share 10
    b vpr/2024-25 share 10
    b refused impossible: MSK-VAL-10: строка 3, столбец «Участников»: participants = -3: такого числа быть не может, допустимы целые числа от 0
    b refused impossible: MSK-VAL-10: строка 4, столбец «Участников»: participants = 12.5: такого числа быть не может, допустимы целые числа от 0
    b refused impossible: MSK-VAL-10: строка 4, столбец «Доля 2»: share = 101: такого числа быть не может, допустимы числа от 0 до 100
    a vpr/2024-25 participants 21
    a vpr/2024-25 share 10.2
    a vpr/2024-25 participants 22
    a vpr/2024-25 share 10
    warning MSK-VAL-01: строка 6, столбец «Доля 2»: сумма «low + high» равна 90, а «всего» — 100
    ");
}

/// 0.1 + 64.1 + 35.8 is 99.99999999999999 in binary.
#[test]
fn decimals_that_add_up_are_not_refused_for_their_binary_form() {
    let sums = "[[check]]\nrule = 'sum_equals'\ncolumns = ['n', 'low', 'high']\ntotal = 100\n";
    let manifest = BY_SCHOOL.replace("measure = 'participants'\nvalue = 'n'", "measure = 'mean'\nvalue = 'n'");
    let text = "Код;Год;Участников;Доля 2;Доля 3-5\n058001;2024-25;0,1;64,1;35,8\n";
    let lines = lines(&connector(&format!("{manifest}{sums}")), text);
    assert_eq!(lines, ["a vpr/2024-25 mean 0.1", "a vpr/2024-25 share 64.1"]);
}

#[test]
fn values_of_a_column_that_is_only_context_are_not_repeated() {
    let manifest = BY_SCHOOL.replacen("class = 'key'", "class = 'context'\ndigits = 6", 1);
    let rule = "[[check]]\nrule = 'one_of'\ncolumns = ['code']\nvalues = ['158002']\n";
    let text = "Код;Год;Участников;Доля 2;Доля 3-5\n58001;2024-25;1;64;36\n";
    let lines = lines(&connector(&format!("{manifest}{rule}")), text).join("\n");
    assert_eq!(lines.matches("значение не показано").count(), 3, "{lines}");
    assert!(!lines.contains("58001"), "{lines}");
}

#[test]
fn a_year_that_has_not_begun_is_refused_or_told() {
    let text = "Код;Год;Участников;Доля 2;Доля 3-5\n058001;2025-26;20;10;90\n058001;2026-27;20;10;90\n\
                158002;2026-27;20;10;90\n";
    insta::assert_snapshot!(lines(&connector(BY_SCHOOL), text).join("\n"), @r"
    a vpr/2025-26 participants 20
    a vpr/2025-26 share 10
    ? refused : MSK-NRM-18: строка 3: учебный год 2026/27 ещё не начался, последний начавшийся — 2025/26
    ? refused : MSK-NRM-18: строка 4: учебный год 2026/27 ещё не начался, последний начавшийся — 2025/26
    ");
    let warns = connector(&format!("{BY_SCHOOL}future_year = 'warn'\n"));
    insta::assert_snapshot!(lines(&warns, text).join("\n"), @r"
    a vpr/2025-26 participants 20
    a vpr/2025-26 share 10
    a vpr/2026-27 participants 20
    a vpr/2026-27 share 10
    b vpr/2026-27 participants 20
    b vpr/2026-27 share 10
    warning MSK-NRM-18: строка 3: учебный год 2026/27 ещё не начался, последний начавшийся — 2025/26
    ");
}

#[test]
fn a_code_that_a_spreadsheet_damaged_is_refused_or_mended() {
    let text = "Код;Год;Участников;Доля 2;Доля 3-5\n58001;2024-25;20;10;90\n1,02E+12;2024-25;20;10;90\n\
                58001;2024-25;21;10;90\n777;2024-25;20;10;90\n";
    insta::assert_snapshot!(lines(&connector(BY_SCHOOL), text).join("\n"), @r"
    ? refused : MSK-NRM-19: строка 2, столбец «Участников»: организация не найдена в реестре: код 58001; код «058001» — у организации «Школа a»
    ? refused : MSK-NRM-17: строка 3, столбец «Код»: столбец «code»: «1,02E+12» — код, испорченный табличным редактором: цифры потеряны
    ? refused : MSK-NRM-19: строка 4, столбец «Участников»: организация не найдена в реестре: код 58001; код «058001» — у организации «Школа a»
    ? refused : MSK-NRM-04: строка 5, столбец «Участников»: организация не найдена в реестре: код 777
    ");
    let knows = BY_SCHOOL.replacen("at = 'Код'\n", "at = 'Код'\ndigits = 6\n", 1);
    insta::assert_snapshot!(lines(&connector(&knows), text).join("\n"), @r"
    a vpr/2024-25 participants 20
    a vpr/2024-25 share 10
    ? refused : MSK-NRM-17: строка 3, столбец «Код»: столбец «code»: «1,02E+12» — код, испорченный табличным редактором: цифры потеряны
    a vpr/2024-25 participants 21
    a vpr/2024-25 share 10
    ? refused : MSK-NRM-04: строка 5, столбец «Участников»: организация не найдена в реестре: код 000777
    warning MSK-NRM-16: строка 2, столбец «Код»: столбец «code»: у кода «58001» потеряны ведущие нули, прочитан как «058001»
    warning MSK-NRM-16: строка 5, столбец «Код»: столбец «code»: у кода «777» потеряны ведущие нули, прочитан как «000777»
    ");
    let inn = BY_SCHOOL.replacen("[unit]\ncode", "[unit]\ninn", 1);
    let inn = format!("{inn}[[check]]\nrule = 'check_digits'\ncolumns = ['code']\n");
    let text = "Код;Год;Участников;Доля 2;Доля 3-5\n599000005;2024-25;20;10;90\n0599000013;2024-25;20;10;90\n\
                0599000012;2024-25;20;10;90\n";
    insta::assert_snapshot!(lines(&connector(&inn), text).join("\n"), @r"
    ? refused check_digits: MSK-VAL-12: строка 2, столбец «Код»: «code» = «599000005»: потерян ведущий ноль, верен номер «0599000005»
    ? refused check_digits: MSK-VAL-07: строка 3, столбец «Код»: «code» = «0599000013»: контрольные цифры не сходятся
    b vpr/2024-25 participants 20
    b vpr/2024-25 share 10
    ");
}

/// A feed: a number a row.
const FEED: &str = "\
[[context]]\nname = 'school_year'\nvalue = '2020-21'\n\
[[context]]\nname = 'season'\nvalue = 'spring'\n\
[[column]]\nname = 'code'\nat = 'Код'\nclass = 'key'\n\
[[column]]\nname = 'subject'\nat = 'Предмет'\nclass = 'key'\ntype = 'subject'\n\
[[column]]\nname = 'grade'\nat = 'Класс'\nclass = 'key'\ntype = 'grade'\n\
[[column]]\nname = 'measure'\nat = 'Мера'\nclass = 'key'\ntype = 'measure'\n\
[[column]]\nname = 'mark'\nat = 'Отметка'\nclass = 'key'\n\
[[column]]\nname = 'sex'\nat = 'Пол'\nclass = 'key'\n\
[[column]]\nname = 'value'\nat = 'Число'\nclass = 'measure'\ntype = 'decimal'\n\
[[column]]\nname = 'n'\nat = 'Из'\nclass = 'measure'\ntype = 'integer'\n\
[unit]\ncode = 'code'\n\
[[observation]]\nmeasure_column = 'measure'\nvalue = 'value'\nn = 'n'\nkeys = ['mark', 'sex']\n\
[contract]\nmax_quarantined = '100%'\n\
[[check]]\nrule = 'sum_at_most'\nname = 'отметок не больше, чем участников'\ncolumns = ['mark_count']\n\
total = 'participants'\n\
[[check]]\nrule = 'between'\ncolumns = ['mean']\nmax = 5\n";

#[test]
fn marks_in_rows_of_their_own_are_no_more_than_the_participants() {
    let text = "Код;Предмет;Класс;Мера;Отметка;Пол;Число;Из\n\
                058001;math;5;participants;;;10;\n058001;math;5;mark_count;2;;4;\n058001;math;5;mark_count;3;;6;\n\
                058001;math;5;participants;;м;4;\n058001;math;5;mark_count;2;м;4;\n\
                158002;math;5;participants;;;10;\n158002;math;5;mark_count;2;;4;\n158002;math;5;mark_count;3;;7;\n\
                158002;rus;5;participants;;;10;\n158002;rus;5;mark_count;2;;12;10\n158002;rus;5;mark_count;3;;9;\n\
                158002;rus;6;mean;;;7;\n";
    insta::assert_snapshot!(lines(&connector(FEED), text).join("\n"), @r"
    a vpr/2020-21/spring participants 10
    a vpr/2020-21/spring mark_count 4
    a vpr/2020-21/spring mark_count 6
    a vpr/2020-21/spring participants 4
    a vpr/2020-21/spring mark_count 4
    b refused отметок не больше, чем участников: MSK-VAL-02: строка 7, столбец «Число»: сумма «mark_count» равна 11, это больше, чем «participants» — 10
    b vpr/2020-21/spring participants 10
    b refused impossible: MSK-VAL-11: строка 11, столбец «Число»: mark_count = 12, а число участников — 10: часть не бывает больше целого
    b vpr/2020-21/spring mark_count 9
    b refused between: MSK-VAL-03: строка 13, столбец «Число»: «mean» = 7, допустимо от … до 5
    ");
}

#[test]
fn a_series_longer_than_the_bound_is_handed_on_and_the_next_one_is_judged() {
    let mut text = "Код;Предмет;Класс;Мера;Отметка;Пол;Число;Из\n058001;math;5;participants;;;1;\n".to_owned();
    for mark in 0..2500 {
        text.push_str(&format!("058001;math;5;mark_count;{mark};;1;\n"));
    }
    text.push_str("158002;math;5;participants;;;1;\n158002;math;5;mark_count;2;;2;\n");
    let lines = lines(&connector(FEED), &text);
    assert_eq!(
        lines.len(),
        2502,
        "2501 numbers of the long series, one refusal of the short one"
    );
    assert!(
        lines[2501].starts_with("b refused отметок не больше"),
        "{}",
        lines[2501]
    );
}

#[test]
fn a_score_above_the_scale_and_a_date_of_another_round_are_found() {
    let pupils = "personal = 'folded'\n";
    let rest = "[[context]]\nname = 'school_year'\nvalue = '2020-21'\n\
                [[context]]\nname = 'season'\nvalue = 'spring'\n\
                [[context]]\nname = 'subject'\nvalue = 'geography'\n\
                [[context]]\nname = 'grade'\nvalue = '6'\n\
                [[column]]\nname = 'code'\nat = 'Код'\nclass = 'key'\n\
                [[column]]\nname = 'total'\nat = 'Балл'\nclass = 'measure'\n\
                [[column]]\nname = 'day'\nat = 'Дата'\nclass = 'context'\ntype = 'date'\n\
                [unit]\ncode = 'code'\n\
                [participant]\ntasks = '^(?<task>\\d+) \\((?<max>\\d+)б\\)$'\ntotal = 'total'\n\
                [contract]\nmax_quarantined = '100%'\n\
                [[check]]\nrule = 'at_most_reference'\nreference = 'tasks'\ncolumns = ['total']\n\
                [[check]]\nrule = 'at_most_reference'\nreference = 'scale'\ncolumns = ['score_sum']\nseverity = 'warning'\n\
                [[check]]\nrule = 'date_in_round'\ncolumns = ['day']\n";
    let connector = parse(
        "x.toml",
        &HEAD
            .replacen("[decode", &format!("{pupils}[decode"), 1)
            .replace("[decode.csv]\n", &format!("[decode.csv]\n{rest}")),
    );
    let connector = connector.unwrap_or_else(|problems| panic!("{problems:#?}"));
    let text = "Код;1 (30б);2 (10б);Балл;Дата\n058001;1;2;3;17.03.2021\n058001;1;2;41;17.03.2021\n\
                058001;30;8;38;17.03.2021\n058001;1;2;3;17.10.2021\n058001;1;2;3;17.10.2020\n";
    insta::assert_snapshot!(lines(&connector, text).join("\n"), @r"
    a refused at_most_reference: MSK-VAL-13: строка 3, столбец «Балл»: «total» = 41, а сумма наибольших баллов заданий — 40
    a refused date_in_round: MSK-VAL-14: строка 5, столбец «Дата»: «day» = значение не показано: эта дата не относится к проведению vpr/2020-21/spring
    a refused date_in_round: MSK-VAL-14: строка 6, столбец «Дата»: «day» = значение не показано: эта дата не относится к проведению vpr/2020-21/spring
    a vpr/2020-21/spring participants 2
    a vpr/2020-21/spring absent 0
    a vpr/2020-21/spring mark_count 1
    a vpr/2020-21/spring mark_count 0
    a vpr/2020-21/spring mark_count 0
    a vpr/2020-21/spring mark_count 0
    a vpr/2020-21/spring score_sum 41
    a vpr/2020-21/spring score_count 1
    a vpr/2020-21/spring score_count 1
    a vpr/2020-21/spring task_points 31
    a vpr/2020-21/spring task_answered 2
    a vpr/2020-21/spring task_skipped 0
    a vpr/2020-21/spring task_not_taught 0
    a vpr/2020-21/spring task_max 30
    a vpr/2020-21/spring task_points 10
    a vpr/2020-21/spring task_answered 2
    a vpr/2020-21/spring task_skipped 0
    a vpr/2020-21/spring task_not_taught 0
    a vpr/2020-21/spring task_max 10
    warning MSK-VAL-13: строка 4: «score_sum» = 38, а наибольший балл по шкале — 37
    ");
}
