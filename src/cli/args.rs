//! The command line as a type. Help is Russian; names of verbs and exit codes are stable (DESIGN 4).

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand, ValueEnum};

/// МСОКО: данные процедур и сайтов, сроки дорожных карт, письма и справки.
#[derive(Debug, Parser)]
#[command(
    name = "msoko",
    version,
    disable_help_subcommand = true,
    disable_help_flag = true,
    disable_version_flag = true,
    max_term_width = 100
)]
pub(super) struct Args {
    /// Файл настройки; без ключа /etc/msoko/msoko.toml, затем ./config/msoko.toml
    #[arg(long, global = true, value_name = "ФАЙЛ")]
    pub(super) config: Option<PathBuf>,

    /// Вид вывода: text (для человека), json, jsonl (по объекту на строку)
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, value_name = "ВИД")]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    pub(super) format: Format,

    /// Подробность журнала: off, warn, info, debug; обычно warn, у службы info
    #[arg(long, global = true, value_name = "УРОВЕНЬ", hide_possible_values = true)]
    #[arg(value_parser = ["off", "error", "warn", "info", "debug", "trace"])]
    pub(super) log: Option<String>,

    /// Вид строк журнала: text, json
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "ВИД")]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    pub(super) log_format: LogFormat,

    /// Эта справка
    #[arg(short = 'h', long, global = true, action = ArgAction::Help)]
    help: Option<bool>,

    /// Версия программы
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,

    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// Form of the output of reading verbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Для человека
    Text,
    /// Одно значение JSON
    Json,
    /// По объекту JSON на строку
    Jsonl,
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Текст
    Text,
    /// JSON
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Вся работа на демонстрационном районе: источники, база, письма, справка
    Demo(Demo),
    /// Служба на переднем плане (её запускает systemd)
    Run,
    /// Проверить настройку, соединители, календарь и дорожные карты
    Check {
        /// Не обращаться к источникам и почтовому серверу
        #[arg(long)]
        offline: bool,
    },
    /// Создать папку с настройкой, в которой всё подписано
    Init {
        /// Папка
        #[arg(value_name = "ПАПКА")]
        dir: PathBuf,
    },
    /// Забрать источники сейчас
    Pull(Pull),
    /// Соединители: что значит какой файл
    #[command(subcommand)]
    Connector(Connector),
    /// Карантин: строки, которые не приняты
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Реестр организаций и территорий
    #[command(subcommand)]
    Units(Units),
    /// Дорожные карты
    #[command(subcommand)]
    Roadmap(Roadmap),
    /// Сроки
    #[command(subcommand)]
    Deadlines(Deadlines),
    /// Справки и отчёты
    #[command(subcommand)]
    Report(Report),
    /// Письма
    #[command(subcommand)]
    Mail(Mail),
    /// От числа или вывода назад к ячейке файла; от кода — к причине и действию
    Explain {
        /// Код (MSK-DEC-03); документ, таблица и ячейка (R-VPR/2025-26/1 "Таблица 2" G2); вывод (R-VPR/2025-26/1 вывод 4);
        /// ключ числа или описание соединителя, как их печатает explain
        #[arg(required_unless_present = "diff", num_args = 1.., value_name = "ЧТО")]
        what: Vec<String>,
        /// Что исправлено: старое и новое число, файлы и места, документы со старым числом; ЧТО — источник, номер
        /// загрузки, документ, его ячейка или ключ числа, без него — все исправления
        #[arg(long)]
        diff: bool,
    },
    /// Состояние источников, сроков и очереди писем
    Status,
    /// Применить изменённую настройку или оставить прежнюю
    Reload {
        /// Сколько секунд ждать ответа службы; обычно 30
        #[arg(long, default_value_t = 30, value_name = "СЕКУНД", hide_default_value = true)]
        wait: u64,
    },
    /// База данных
    #[command(subcommand)]
    Db(Db),
    /// Журнал учёта: что загружено, составлено, отправлено, изменено и удалено
    #[command(subcommand)]
    Audit(Audit),
}

#[derive(Debug, ClapArgs)]
pub(super) struct Demo {
    /// Куда положить всё, что получится; обычно msoko-demo
    #[arg(long, default_value = "msoko-demo", value_name = "ПАПКА", hide_default_value = true)]
    pub(super) dir: PathBuf,
    /// Адрес базы вместо встроенной
    #[arg(long, value_name = "АДРЕС")]
    pub(super) database: Option<String>,
    /// Какой день считать сегодняшним; обычно 2026-02-16
    #[arg(long, value_name = "ДАТА")]
    pub(super) today: Option<NaiveDate>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Pull {
    /// Источники; без имён — все включённые
    #[arg(value_name = "ИСТОЧНИК")]
    pub(super) sources: Vec<String>,
    /// Прочитать и показать, ничего не записывая
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Принять выгрузку, даже если в ней меньше половины строк прошлой
    #[arg(long)]
    pub(super) confirm: bool,
    /// Взять этот файл вместо адреса или папки источника (источник нужен один)
    #[arg(long, value_name = "ФАЙЛ")]
    pub(super) file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Connector {
    /// Все соединители
    List,
    /// Описание одного
    Show {
        /// Имя соединителя
        #[arg(value_name = "ИМЯ")]
        id: String,
    },
    /// Показать, что загрузится и что будет отклонено; ничего не записывает
    Preview(Preview),
    /// Проверить соединитель на его же образцах
    Test {
        /// Имя соединителя или папка; без имени — все
        #[arg(value_name = "СОЕДИНИТЕЛЬ")]
        target: Option<String>,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct Preview {
    /// Имя соединителя
    #[arg(value_name = "ИМЯ")]
    pub(super) id: String,
    /// Файл
    #[arg(long, value_name = "ФАЙЛ")]
    pub(super) file: PathBuf,
    /// Раздел сайта: common, document, education, employees, vacant, budget…
    #[arg(long, value_name = "РАЗДЕЛ")]
    pub(super) section: Option<String>,
    /// Заголовки ответа HTTP, по строке «Имя: значение»
    #[arg(long, value_name = "ФАЙЛ")]
    pub(super) headers: Option<PathBuf>,
    /// Адрес страницы
    #[arg(long, value_name = "АДРЕС")]
    pub(super) url: Option<String>,
    /// Чего нет в файле: subject=ma, grade=4, school_year=2024-25, season=spring
    #[arg(long = "set", value_name = "ИМЯ=ЗНАЧЕНИЕ")]
    pub(super) context: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Quarantine {
    /// Открытые записи
    List,
    /// Одна запись
    Show {
        /// Номер записи
        #[arg(value_name = "НОМЕР")]
        id: i64,
    },
    /// Загрузить снова из снимков то, что было отклонено
    Replay {
        /// Источник; без имени — все
        #[arg(value_name = "ИСТОЧНИК")]
        source: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Units {
    /// Весь реестр
    List,
    /// Загрузить реестр из таблицы CSV
    Import {
        /// Файл
        #[arg(value_name = "ФАЙЛ")]
        file: PathBuf,
    },
    /// Имена в чужих системах
    #[command(subcommand)]
    Alias(Alias),
    /// Имена, которых никто не узнал
    Unknown,
    /// Суммы по территории: сколько участников, отметок, баллов у её организаций вместе
    Sums(Sums),
}

#[derive(Debug, ClapArgs)]
pub(super) struct Sums {
    /// Код территории в реестре
    #[arg(value_name = "КОД")]
    pub(super) territory: String,
    /// Проведение: vpr/2024-25/spring; можно несколько раз
    #[arg(long = "round", required = true, value_name = "ПРОВЕДЕНИЕ")]
    pub(super) rounds: Vec<String>,
    #[arg(long = "measure", value_name = "МЕРА")]
    #[arg(help = "Мера: participants, mark_count…; можно несколько раз, без ключа все")]
    pub(super) measures: Vec<String>,
    /// Предмет: ma, ru…; можно несколько раз, без ключа все
    #[arg(long = "subject", value_name = "ПРЕДМЕТ")]
    pub(super) subjects: Vec<String>,
    /// Не сама территория, а территории уровнем ниже
    #[arg(long)]
    pub(super) children: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Alias {
    /// Добавить имя
    Add {
        /// Код организации в реестре
        #[arg(value_name = "КОД")]
        unit: String,
        #[arg(value_name = "СИСТЕМА")]
        #[arg(help = "Система: fis_oko, ogrn, inn, kpp, rcoi_oge, rcoi_ege, bus_gov, site, title")]
        system: String,
        /// Имя или код
        #[arg(value_name = "ИМЯ")]
        value: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Roadmap {
    /// Разобрать документ (DOCX или текст) в строки
    Import {
        /// Файл
        #[arg(value_name = "ФАЙЛ")]
        file: PathBuf,
        /// Папка для файлов TOML; без ключа ничего не записывается
        #[arg(long, value_name = "ПАПКА")]
        out: Option<PathBuf>,
    },
    /// Действующие дорожные карты
    List,
    /// Превратить одну фразу срока в даты
    Due {
        /// Фраза
        #[arg(long, value_name = "ФРАЗА")]
        phrase: String,
        /// Начало периода
        #[arg(long, value_name = "ДАТА")]
        from: NaiveDate,
        /// Конец периода
        #[arg(long, value_name = "ДАТА")]
        to: NaiveDate,
        /// Планы и события (TOML)
        #[arg(long, value_name = "ФАЙЛ")]
        context: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Deadlines {
    /// Все сроки
    List,
    /// Ближайшие
    Next {
        /// Сколько показать; обычно 10
        #[arg(long, default_value_t = 10, value_name = "СКОЛЬКО", hide_default_value = true)]
        count: usize,
    },
    /// Отметить выполненным
    Done {
        /// Срок, как его показывает список: 1/20@2026-03-01
        #[arg(value_name = "СРОК")]
        id: String,
        /// Подтверждающий документ
        #[arg(long, value_name = "ДОКУМЕНТ")]
        evidence: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Report {
    /// Готовые документы
    List,
    /// Подготовить документ
    Render {
        /// Вид документа: R-VPR
        #[arg(value_name = "ВИД")]
        code: String,
        /// Учебный год: 2024-25
        #[arg(long, value_name = "ПЕРИОД")]
        period: String,
        /// Куда положить файлы
        #[arg(long, value_name = "ПАПКА")]
        out: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Mail {
    /// Очередь писем
    Outbox,
    /// Показать текст письма
    Preview {
        /// Номер письма в очереди
        #[arg(value_name = "НОМЕР")]
        id: i64,
    },
    /// Отправить пробное письмо
    Test {
        /// Адрес
        #[arg(value_name = "АДРЕС")]
        address: String,
    },
    /// Отправить отложенные и неудавшиеся письма снова
    Retry {
        /// Номер письма; без номера — все неудавшиеся
        #[arg(value_name = "НОМЕР")]
        id: Option<i64>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Записи за период, по порядку времени
    Period {
        /// Первый день
        #[arg(long, value_name = "ДАТА")]
        from: NaiveDate,
        /// Последний день
        #[arg(long, value_name = "ДАТА")]
        to: NaiveDate,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Db {
    /// Привести схему базы к этой версии программы
    Migrate,
    /// Проверить базу: страницы, ссылки, журнал учёта; найденное названо, код выхода 65
    Verify {
        /// Только то, что база знает сама, и остатки загрузок
        #[arg(long, conflicts_with = "full")]
        quick: bool,
        /// Ещё и строки каждой загрузки и байты каждого снимка
        #[arg(long)]
        full: bool,
    },
    /// Удалить то, чей срок хранения вышел; служба делает это сама каждую ночь
    Retain {
        /// Только сосчитать, ничего не удаляя
        #[arg(long)]
        dry_run: bool,
    },
    /// Копия базы на ходу
    Backup {
        /// Файл копии; существующий не перезаписывается
        #[arg(value_name = "ФАЙЛ")]
        file: PathBuf,
    },
    /// Вернуть базу из копии; служба должна быть остановлена
    Restore {
        /// Файл копии
        #[arg(value_name = "ФАЙЛ")]
        file: PathBuf,
        /// Заменить базу, которая есть; прежняя останется рядом
        #[arg(long)]
        force: bool,
    },
    /// Выгрузить результаты и сведения сайтов в файлы для анализа, со словарём столбцов
    Export(Export),
}

#[derive(Debug, ClapArgs)]
pub(super) struct Export {
    /// Что выгрузить: observations (результаты), facts (сведения сайтов); без слова — всё
    #[arg(value_enum, value_name = "ЧТО", hide_possible_values = true)]
    pub(super) what: Vec<What>,
    /// Папка для файлов
    #[arg(long, value_name = "ПАПКА")]
    pub(super) out: PathBuf,
    /// Вид файлов: csv, jsonl, xlsx; обычно csv
    #[arg(long = "as", value_enum, default_value_t = FileForm::Csv, value_name = "ВИД_ФАЙЛОВ")]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    pub(super) form: FileForm,
    /// Программа, которая откроет CSV: excel (точка с запятой, десятичная запятая, русские заголовки)
    #[arg(long = "for", value_enum, value_name = "ПРОГРАММА", hide_possible_values = true)]
    pub(super) program: Option<Program>,
    /// Только это проведение: vpr/2024-25/spring; можно повторять
    #[arg(long = "round", value_name = "ПРОВЕДЕНИЕ")]
    pub(super) rounds: Vec<String>,
    /// Только эта организация или территория (её собственные числа, не числа её школ), код из реестра; можно повторять
    #[arg(long = "unit", value_name = "КОД")]
    pub(super) units: Vec<String>,
    /// Кто будет читать: office (управление), region (регион, другая школа), public (все); обычно office
    #[arg(long, value_enum, default_value_t = Reader::Office, value_name = "КТО")]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    pub(super) audience: Reader,
    /// Добавить заменённые значения: когда и какой загрузкой заменены
    #[arg(long)]
    pub(super) history: bool,
    /// Заменить файлы, которые уже есть
    #[arg(long)]
    pub(super) force: bool,
}

/// Tables of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum What {
    /// Результаты
    Observations,
    /// Сведения сайтов
    Facts,
}

/// Files of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FileForm {
    /// CSV
    Csv,
    /// JSON Lines
    Jsonl,
    /// Книга
    Xlsx,
}

/// The program that opens a CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Program {
    /// Excel и другие табличные программы
    Excel,
}

/// Who reads an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Reader {
    /// Управление образования
    Office,
    /// Регион или другая организация
    Region,
    /// Все
    Public,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }
}
