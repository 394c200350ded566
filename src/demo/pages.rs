//! Pages of the invented official sites.

use super::district::{SCHOOLS, School, SiteKind};

/// One page: address path and HTML.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// Path on the site.
    pub(super) path: &'static str,
    /// The document.
    pub(super) html: String,
}

/// All pages of a site, the home page first.
pub(super) fn pages(school: &School) -> Vec<Page> {
    let number = SCHOOLS.iter().position(|other| other.id == school.id).unwrap_or(0);
    let marked = school.site != SiteKind::Plain;
    let page = |path, title: &str, body: String| Page {
        path,
        html: frame(school, title, &body),
    };
    vec![
        page("/", "Главная", home()),
        page(
            "/sveden/common",
            "Основные сведения",
            if marked {
                common(school, number)
            } else {
                common_plain(school, number)
            },
        ),
        page(
            "/sveden/document",
            "Документы",
            if marked {
                documents(number)
            } else {
                documents_plain(number)
            },
        ),
        page("/sveden/education", "Образование", education(school, marked)),
        page("/sveden/employees", "Педагогический состав", employees(school, marked)),
        page(
            "/sveden/vacant",
            "Вакантные места для приема (перевода) обучающихся",
            vacant(school, marked),
        ),
    ]
}

/// The page that says «не найдено» and answers 200.
pub(super) fn soft_not_found(school: &School) -> String {
    frame(
        school,
        "Страница не найдена",
        "<h1>Ошибка 404</h1><p>Страница не найдена. Возможно, она была перемещена.</p>",
    )
}

fn frame(school: &School, title: &str, body: &str) -> String {
    let charset = if school.site == SiteKind::Cp1251 {
        "windows-1251"
    } else {
        "utf-8"
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"ru\"><head><meta charset=\"{charset}\"><title>{title} — {}</title></head>\n\
         <body><header><a href=\"/\">{}</a></header>\n<main><h1>{title}</h1>\n{body}\n</main>\n\
         <footer>Официальный сайт. {}</footer></body></html>\n",
        school.short, school.short, school.short,
    )
}

fn home() -> String {
    "<nav><a href=\"/sveden/common\">Сведения об образовательной организации</a></nav>\n<ul>\
     <li><a href=\"/sveden/common\">Основные сведения</a></li>\
     <li><a href=\"/sveden/document\">Документы</a></li>\
     <li><a href=\"/sveden/education\">Образование</a></li>\
     <li><a href=\"/sveden/employees\">Педагогический состав</a></li>\
     <li><a href=\"/sveden/vacant\">Вакантные места для приема (перевода) обучающихся</a></li></ul>\
     <p>Добро пожаловать на официальный сайт образовательной организации. Здесь размещены сведения о её работе, \
     документы, расписание и новости.</p>"
        .to_owned()
}

fn common(school: &School, number: usize) -> String {
    format!(
        "<table>\
         <tr><td>Полное наименование</td><td itemprop=\"fullName\">{}</td></tr>\
         <tr><td>Краткое наименование</td><td itemprop=\"shortName\">{}</td></tr>\
         <tr><td>Дата создания</td><td itemprop=\"regDate\">{:02}.09.{}</td></tr>\
         <tr><td>Адрес</td><td itemprop=\"address\">{}</td></tr>\
         <tr><td>Режим работы</td><td itemprop=\"workTime\">понедельник – пятница, 08:00–17:00</td></tr>\
         <tr><td>Телефон</td><td itemprop=\"telephone\">8 (999) 555-01-{:02}</td></tr>\
         <tr><td>Электронная почта</td><td itemprop=\"email\">{}@vg.example</td></tr>\
         <tr itemprop=\"uchredLaw\"><td>Учредитель</td><td itemprop=\"nameUchred\">Администрация Верхнегорского района</td>\
         <td itemprop=\"telUchred\">8 (999) 555-00-00</td></tr>\
         <tr itemprop=\"filInfo\"><td>Филиалы</td><td itemprop=\"nameFil\">отсутствуют</td></tr>\
         <tr><td>Лицензия</td><td itemprop=\"licenseDocLink\"><a href=\"/files/license.pdf\">Выписка из реестра лицензий</a></td></tr>\
         </table><p>ИНН {} ОГРН {}</p>",
        school.title,
        school.short,
        number % 28 + 1,
        1961 + number * 3,
        address(number),
        number + 1,
        school.id,
        school.inn(),
        school.ogrn(),
    )
}

fn common_plain(school: &School, number: usize) -> String {
    format!(
        "<p><b>Полное наименование:</b> {}</p><p><b>Год создания учреждения:</b> {} год</p>\
         <p><b>Адрес:</b> {}</p><p><b>Тел./факс:</b> 8 (999) 555-01-{:02}</p>\
         <p><b>Электронная почта:</b> {}@vg.example</p>\
         <p><b>Учредитель образовательного учреждения:</b> Администрация Верхнегорского района</p>\
         <p>ИНН {} ОГРН {}</p>",
        school.title,
        1961 + number * 3,
        address(number),
        number + 1,
        school.id,
        school.inn(),
        school.ogrn(),
    )
}

fn address(number: usize) -> String {
    format!(
        "999{:03}, Приозёрный край, Верхнегорский район, ул. Школьная, д. {}",
        100 + number,
        number * 2 + 1
    )
}

fn documents(number: usize) -> String {
    let report_year = if number % 4 == 3 { 2023 } else { 2024 };
    let collective = if number % 3 == 2 {
        "<p itemprop=\"localActCollec\">Коллективный договор не заключен</p>".to_owned()
    } else {
        "<p itemprop=\"localActCollec\"><a href=\"/files/kd.pdf\">Коллективный договор на 2024–2027 годы</a></p>"
            .to_owned()
    };
    let vsoko = if number.is_multiple_of(2) {
        "<p><a href=\"/files/vsoko.pdf\">Положение о внутренней системе оценки качества образования</a></p>"
    } else {
        ""
    };
    format!(
        "<p itemprop=\"ustavDocLink\"><a href=\"/files/ustav.pdf\">Устав</a></p>\
         <p itemprop=\"localActStud\"><a href=\"/files/pvr.pdf\">Правила внутреннего распорядка обучающихся</a></p>\
         <p itemprop=\"localActOrder\"><a href=\"/files/pvtr.pdf\">Правила внутреннего трудового распорядка</a></p>{collective}\
         <p itemprop=\"reportEduDocLink\"><a href=\"/files/otchet-{report_year}.pdf\">Отчёт о результатах самообследования за {report_year} год</a></p>\
         <p itemprop=\"prescriptionDocLink\">Предписаний нет</p>\
         <p itemprop=\"priemDocLink\"><a href=\"/files/priem.pdf\">Правила приёма обучающихся</a></p>\
         <p itemprop=\"modeDocLink\"><a href=\"/files/rezhim.pdf\">Режим занятий обучающихся</a></p>\
         <p itemprop=\"tekKontrolDocLink\"><a href=\"/files/kontrol.pdf\">Положение о текущем контроле успеваемости и промежуточной аттестации</a></p>\
         <p itemprop=\"perevodDocLink\"><a href=\"/files/perevod.pdf\">Порядок перевода, отчисления и восстановления</a></p>\
         <p itemprop=\"vozDocLink\"><a href=\"/files/voz.pdf\">Порядок возникновения, приостановления и прекращения отношений</a></p>{vsoko}"
    )
}

fn documents_plain(number: usize) -> String {
    format!(
        "<h2>Учредительные документы</h2><ul><li><a href=\"/files/ustav.pdf\">Устав школы</a></li></ul>\
         <h2>Отчёты</h2><ul><li><a href=\"/files/samoobsledovanie_2024.pdf\">Отчёт о самообследовании за 2024 год</a></li></ul>\
         <h2>Планы</h2><ul><li><a href=\"/files/plan_{number}.docx\">План работы школы на 2025-2026 учебный год</a></li></ul>"
    )
}

fn education(school: &School, marked: bool) -> String {
    if school.kind == "preschool" {
        return format!(
            "<table><tr><th>Программа</th><th>Уровень</th><th>Форма</th><th>Срок</th></tr>\
             <tr itemprop=\"eduAccred\"><td itemprop=\"eduName\">Основная образовательная программа дошкольного образования</td>\
             <td itemprop=\"eduLevel\">дошкольное образование</td><td itemprop=\"eduForm\">очная</td>\
             <td itemprop=\"learningTerm\">4 года</td></tr></table>\
             <table><tr><th>Уровень</th><th>За счёт местных бюджетов</th></tr><tr itemprop=\"eduChislen\">\
             <td itemprop=\"eduLevel\">дошкольное образование</td><td itemprop=\"numberBM\">{}</td></tr></table>",
            school.size
        );
    }
    let levels: Vec<(&str, &str, u32)> = [
        ("начальное общее образование", "4 года", 4u8, school.size * 4),
        ("основное общее образование", "5 лет", 9, school.size * 5 - 3),
        ("среднее общее образование", "2 года", 11, school.size),
    ]
    .into_iter()
    .filter(|(_, _, last, _)| school.teaches(*last))
    .map(|(level, term, _, pupils)| (level, term, pupils))
    .collect();
    let mark = |name: &str| {
        if marked {
            format!(" itemprop=\"{name}\"")
        } else {
            String::new()
        }
    };
    let mut html = String::from("<table><tr><th>Программа</th><th>Уровень</th><th>Форма</th><th>Срок</th></tr>");
    for (level, term, _) in &levels {
        html.push_str(&format!(
            "<tr{}><td{}>Основная образовательная программа: {level}</td><td{}>{level}</td><td{}>очная</td><td{}>{term}</td></tr>",
            mark("eduAccred"),
            mark("eduName"),
            mark("eduLevel"),
            mark("eduForm"),
            mark("learningTerm"),
        ));
    }
    html.push_str("</table><h2>Численность обучающихся по состоянию на 01.02.2026</h2><table><tr><th>Уровень</th><th>За счёт местного бюджета</th></tr>");
    for (level, _, pupils) in &levels {
        html.push_str(&format!(
            "<tr{}><td{}>{level}</td><td{}>{pupils}</td></tr>",
            mark("eduChislen"),
            mark("eduLevel"),
            mark("numberBM"),
        ));
    }
    html.push_str("</table>");
    html
}

fn employees(school: &School, marked: bool) -> String {
    let teachers = school.size / 4 + 4;
    if !marked {
        return format!(
            "<p>В школе преподают {teachers} учителей, из них 2 совместителя. Средний педагогический стаж – 21 год.</p>"
        );
    }
    let mut html = String::from(
        "<table><tr><th>Педагог</th><th>Должность</th><th>Предметы</th><th>Уровень образования</th>\
         <th>Повышение квалификации</th><th>Стаж</th></tr>",
    );
    for number in 1..=teachers {
        let level = if number % 5 == 0 {
            "среднее профессиональное"
        } else {
            "высшее"
        };
        let trained = if number % 7 == 0 {
            "нет"
        } else {
            "2024 год, 72 часа"
        };
        html.push_str(&format!(
            "<tr itemprop=\"teachingStaff\"><td itemprop=\"fio\">Педагог № {number}</td><td itemprop=\"post\">учитель</td>\
             <td itemprop=\"teachingDiscipline\">предмет {}</td><td itemprop=\"teachingLevel\">{level}</td>\
             <td itemprop=\"qualification\">{trained}</td><td itemprop=\"specExperience\">{} лет</td></tr>",
            number % 6 + 1,
            number % 30 + 5,
        ));
    }
    html.push_str("</table>");
    html
}

fn vacant(school: &School, marked: bool) -> String {
    let mark = |name: &str| {
        if marked {
            format!(" itemprop=\"{name}\"")
        } else {
            String::new()
        }
    };
    let mut html = String::from(
        "<h2>Вакантные места по состоянию на 01.02.2026</h2><table><tr><th>Программа</th><th>Класс</th><th>Форма обучения</th><th>Федеральный бюджет</th>\
         <th>Региональный бюджет</th><th>Местный бюджет</th><th>По договорам</th></tr>",
    );
    let classes = if school.kind == "preschool" { 0 } else { 11 };
    for class in (1..=classes).filter(|class| school.teaches(*class)) {
        let free = (u32::from(class) * 7 + school.size) % 6;
        let (level, form) = match class {
            1..=4 => ("начальное общее образование", "очная"),
            5..=9 => ("основное общее образование", "очная"),
            _ => ("среднее общее образование", "очная"),
        };
        html.push_str(&format!(
            "<tr{}><td{}>{level}</td><td{}>{class} класс</td><td{}>{form}</td><td{}>0</td><td{}>0</td><td{}>{free}</td><td{}>0</td></tr>",
            mark("vacant"),
            mark("eduLevel"),
            mark("eduCourse"),
            mark("eduForm"),
            mark("numberBFVacant"),
            mark("numberBRVacant"),
            mark("numberBMVacant"),
            mark("numberPVacant"),
        ));
    }
    html.push_str("</table>");
    if classes == 0 {
        return "<p>По состоянию на 01.02.2026 свободных мест нет.</p>".to_owned();
    }
    html
}
