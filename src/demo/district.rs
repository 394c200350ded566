//! Twelve invented organisations of an invented district, with valid check digits.

/// An organisation of the demonstration.
#[derive(Debug, Clone)]
pub(super) struct School {
    /// Own id in the register.
    pub(super) id: &'static str,
    /// `general` or `preschool`.
    pub(super) kind: &'static str,
    /// Full title.
    pub(super) title: &'static str,
    /// Short title.
    pub(super) short: &'static str,
    /// Six digits of the login.
    pub(super) login: u32,
    /// Pupils in one parallel; children of the senior group for a kindergarten.
    pub(super) size: u32,
    /// How well the school does: percent added to the chance of a point.
    pub(super) strength: i32,
    /// How its site behaves.
    pub(super) site: SiteKind,
}

/// How a site of the demonstration behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SiteKind {
    /// Regular pages with marks.
    Marked,
    /// The same pages in windows-1251, declared in the page only.
    Cp1251,
    /// Answers after a pause.
    Slow,
    /// A certificate that has expired.
    BadCertificate,
    /// Answers 200 with «Страница не найдена» for every address.
    SoftNotFound,
    /// No marks: headings and labels only.
    Plain,
}

pub(super) const MUNICIPALITY: &str = "Верхнегорский район";
pub(super) const REGION: &str = "Приозёрный край";

pub(super) const SCHOOLS: &[School] = &[
    school(
        "vg-01",
        "МБОУ «Верхнегорская СОШ № 1»",
        "Муниципальное бюджетное общеобразовательное учреждение «Верхнегорская средняя общеобразовательная школа № 1»",
        990_101,
        58,
        6,
        SiteKind::Marked,
    ),
    school(
        "vg-02",
        "МБОУ «Верхнегорская СОШ № 2 им. Г. Г. Горного»",
        "Муниципальное бюджетное общеобразовательное учреждение «Верхнегорская средняя общеобразовательная школа № 2 имени Г. Г. Горного»",
        990_102,
        46,
        1,
        SiteKind::Cp1251,
    ),
    school(
        "vg-03",
        "МКОУ «Ореховская СОШ»",
        "Муниципальное казённое общеобразовательное учреждение «Ореховская средняя общеобразовательная школа»",
        990_103,
        31,
        -2,
        SiteKind::Slow,
    ),
    school(
        "vg-04",
        "МКОУ «Родниковская СОШ»",
        "Муниципальное казённое общеобразовательное учреждение «Родниковская средняя общеобразовательная школа»",
        990_104,
        24,
        3,
        SiteKind::BadCertificate,
    ),
    school(
        "vg-05",
        "МКОУ «Ключевская СОШ»",
        "Муниципальное казённое общеобразовательное учреждение «Ключевская средняя общеобразовательная школа»",
        990_105,
        22,
        -18,
        SiteKind::SoftNotFound,
    ),
    school(
        "vg-06",
        "МКОУ «Дубравская СОШ»",
        "Муниципальное казённое общеобразовательное учреждение «Дубравская средняя общеобразовательная школа»",
        990_106,
        18,
        2,
        SiteKind::Plain,
    ),
    school(
        "vg-07",
        "МКОУ «Каменская ООШ»",
        "Муниципальное казённое общеобразовательное учреждение «Каменская основная общеобразовательная школа»",
        990_107,
        14,
        -4,
        SiteKind::Marked,
    ),
    school(
        "vg-08",
        "МКОУ «Луговская ООШ»",
        "Муниципальное казённое общеобразовательное учреждение «Луговская основная общеобразовательная школа»",
        990_108,
        11,
        0,
        SiteKind::Marked,
    ),
    school(
        "vg-09",
        "МКОУ «Заречная ООШ»",
        "Муниципальное казённое общеобразовательное учреждение «Заречная основная общеобразовательная школа»",
        990_109,
        7,
        -1,
        SiteKind::Marked,
    ),
    school(
        "vg-10",
        "МКОУ «Высокинская НОШ»",
        "Муниципальное казённое общеобразовательное учреждение «Высокинская начальная общеобразовательная школа»",
        990_110,
        3,
        0,
        SiteKind::Marked,
    ),
    kindergarten(
        "vg-11",
        "МБДОУ «Детский сад „Родничок“»",
        "Муниципальное бюджетное дошкольное образовательное учреждение «Детский сад „Родничок“»",
        990_111,
        60,
    ),
    kindergarten(
        "vg-12",
        "МБДОУ «Детский сад „Орешек“»",
        "Муниципальное бюджетное дошкольное образовательное учреждение «Детский сад „Орешек“»",
        990_112,
        35,
    ),
];

const fn school(
    id: &'static str,
    short: &'static str,
    title: &'static str,
    login: u32,
    size: u32,
    strength: i32,
    site: SiteKind,
) -> School {
    School {
        id,
        kind: "general",
        title,
        short,
        login,
        size,
        strength,
        site,
    }
}

const fn kindergarten(id: &'static str, short: &'static str, title: &'static str, login: u32, size: u32) -> School {
    School {
        id,
        kind: "preschool",
        title,
        short,
        login,
        size,
        strength: 0,
        site: SiteKind::Marked,
    }
}

impl School {
    /// Takes part in works of this grade.
    pub(super) fn teaches(&self, grade: u8) -> bool {
        let last = match self.id {
            "vg-10" => 4,
            "vg-07" | "vg-08" | "vg-09" => 9,
            _ => 11,
        };
        self.kind == "general" && grade <= last
    }

    /// ОГРН: 13 digits, the last one checks the first twelve.
    pub(super) fn ogrn(&self) -> String {
        let body = 102_990_000_000u64 + u64::from(self.login % 1000);
        format!("{body}{}", body % 11 % 10)
    }

    /// ИНН of a legal entity: 10 digits, the last one checks the first nine.
    pub(super) fn inn(&self) -> String {
        let body = format!("{}", 990_100_000 + self.login % 1000);
        let weights = [2u32, 4, 10, 3, 5, 9, 4, 6, 8];
        let sum: u32 = body
            .chars()
            .filter_map(|digit| digit.to_digit(10))
            .zip(weights)
            .map(|(digit, weight)| digit * weight)
            .sum();
        format!("{body}{}", sum % 11 % 10)
    }

    /// Code of the РЦОИ.
    pub(super) fn rcoi(&self) -> String {
        format!("{}", self.login % 1000 + 1000)
    }
}

/// The register as `units import` reads it. `site` gives the address of an organisation's site.
pub(super) fn register_csv(site: impl Fn(&School) -> String) -> String {
    let mut text = String::from(
        "id;kind;title;short_title;parent;branch;email;ogrn;inn;kpp;fis_oko;rcoi_oge;rcoi_ege;site\n\
         ru;country;Российская Федерация;РФ;;;;;;;;;;\n",
    );
    text.push_str(&format!("ru-99;region;{REGION};{REGION};ru;;;;;;;;;\n"));
    text.push_str(&format!(
        "vg;municipality;{MUNICIPALITY};{MUNICIPALITY};ru-99;;uo@vg.example;;;;;;;\n"
    ));
    for school in SCHOOLS {
        let rcoi = if school.teaches(9) {
            school.rcoi()
        } else {
            String::new()
        };
        let rcoi_ege = if school.teaches(11) {
            school.rcoi()
        } else {
            String::new()
        };
        text.push_str(&format!(
            "{};{};{};{};vg;;{}@vg.example;{};{};990101001;edu{};{rcoi};{rcoi_ege};{}\n",
            school.id,
            school.kind,
            school.title,
            school.short,
            school.id,
            school.ogrn(),
            school.inn(),
            school.login,
            site(school),
        ));
    }
    text
}
