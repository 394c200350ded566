//! Bar charts as PNG: SVG written here, drawn by resvg with the embedded font.
//!
//! charts-rs was tried: it prints a decimal point, knows no hatching and needs its own font registry, so that neither
//! the comma nor the look on a black-and-white printer could be had.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

use super::plain;
use crate::domain::document::{BarChart, Figure};
use crate::domain::number::{Ratio, percent_bare};
use crate::message::Problem;

const REGULAR: &[u8] = include_bytes!("fonts/PTSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("fonts/PTSans-Bold.ttf");
const FAMILY: &str = "PT Sans";

/// 16 cm at 200 dpi.
pub(super) const WIDTH: u32 = 1260;
pub(super) const HEIGHT: u32 = 660;
const LEFT: f64 = 110.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 90.0;
const BOTTOM: f64 = 70.0;
/// 10 pt at 200 dpi.
const TEXT: u32 = 28;
/// More bars are unreadable: use a table (reports.md 1.10).
const MOST_CATEGORIES: usize = 12;
const MOST_SERIES: usize = 4;
/// Differ in brightness and in hatching, so that a black-and-white print tells them apart.
const FILLS: [&str; MOST_SERIES] = ["url(#light)", "url(#middle)", "#1f4e79", "#ffffff"];

/// Draws a figure.
///
/// # Errors
/// `MSK-DOC-05` when the chart has nothing to draw or too much of it, `MSK-DOC-04` when the library refuses.
pub fn png(figure: &Figure) -> Result<Vec<u8>, Problem> {
    let chart = &figure.chart;
    let unfit = match (chart.categories.len(), chart.series.len()) {
        (0, _) | (_, 0) => "нет данных для столбцов",
        (categories, _) if categories > MOST_CATEGORIES => "более 12 категорий, нужна таблица",
        (_, series) if series > MOST_SERIES => "более 4 рядов, нужна таблица",
        _ => return draw(&svg(chart), fonts(), figure.number),
    };
    Err(Problem::new("MSK-DOC-05")
        .arg("number", figure.number)
        .arg("reason", unfit))
}

fn fonts() -> Arc<Database> {
    static FONTS: OnceLock<Arc<Database>> = OnceLock::new();
    Arc::clone(FONTS.get_or_init(|| {
        let mut fonts = Database::new();
        fonts.load_font_data(REGULAR.to_vec());
        fonts.load_font_data(BOLD.to_vec());
        Arc::new(fonts)
    }))
}

fn draw(svg: &str, fontdb: Arc<Database>, number: u32) -> Result<Vec<u8>, Problem> {
    let failed = |error: &dyn std::fmt::Display| {
        Problem::new("MSK-DOC-04")
            .arg("what", format!("рисунка {number}"))
            .because(error)
    };
    let options = Options {
        font_family: FAMILY.to_owned(),
        fontdb,
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options).map_err(|error| failed(&error))?;
    let mut pixmap = Pixmap::new(WIDTH, HEIGHT).ok_or_else(|| failed(&"no memory for the picture"))?;
    resvg::render(&tree, Transform::default(), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| failed(&error))
}

/// Highest value of the axis and its step, in percent: 5, 10, 20 or 25 a step, at most five steps.
fn scale(chart: &BarChart) -> (f64, f64) {
    let highest = values(chart).map(|share| share.to_f64() * 100.0).fold(0.0, f64::max);
    let step = [5.0, 10.0, 20.0]
        .into_iter()
        .find(|step| highest <= step * 5.0)
        .unwrap_or(25.0);
    ((highest / step).ceil().max(1.0) * step, step)
}

fn values(chart: &BarChart) -> impl Iterator<Item = Ratio> {
    chart
        .series
        .iter()
        .flat_map(|(_, values)| values.iter().flatten().copied())
}

#[expect(clippy::cast_precision_loss, reason = "a dozen bars")]
fn svg(chart: &BarChart) -> String {
    let (width, height) = (f64::from(WIDTH), f64::from(HEIGHT));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"{FAMILY}\" font-size=\"{TEXT}\">{PATTERNS}<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>"
    );
    let (highest, step) = scale(chart);
    let floor = height - BOTTOM;
    let to_y = |percent: f64| floor - percent / highest * (floor - TOP);
    axis(&mut svg, chart, highest, step, &to_y);
    let band = (width - LEFT - RIGHT) / chart.categories.len() as f64;
    let bar = (band * 0.8) / chart.series.len() as f64;
    for (category, title) in chart.categories.iter().enumerate() {
        let start = LEFT + band * category as f64;
        text(&mut svg, start + band / 2.0, floor + 44.0, "middle", TEXT, title);
        for (series, (_, values)) in chart.series.iter().enumerate() {
            let Some(Some(share)) = values.get(category) else {
                continue;
            };
            let x = start + band * 0.1 + bar * series as f64;
            let y = to_y(share.to_f64() * 100.0);
            let fill = FILLS[series % MOST_SERIES];
            let _ = write!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{fill}\" stroke=\"#1f2d3d\" stroke-width=\"2\"/>",
                bar - 6.0,
                floor - y
            );
            let size = if bar < 70.0 { 20 } else { TEXT - 2 };
            text(
                &mut svg,
                x + (bar - 6.0) / 2.0,
                y - 10.0,
                "middle",
                size,
                &percent_bare(*share),
            );
        }
    }
    legend(&mut svg, chart);
    svg.push_str("</svg>");
    svg
}

const PATTERNS: &str = "<defs>\
<pattern id=\"light\" width=\"14\" height=\"14\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<rect width=\"14\" height=\"14\" fill=\"#f2f6fa\"/><rect width=\"4\" height=\"14\" fill=\"#8aa6c1\"/></pattern>\
<pattern id=\"middle\" width=\"12\" height=\"12\" patternUnits=\"userSpaceOnUse\">\
<rect width=\"12\" height=\"12\" fill=\"#8fb2d3\"/></pattern></defs>";

fn axis(svg: &mut String, chart: &BarChart, highest: f64, step: f64, to_y: &impl Fn(f64) -> f64) {
    let right = f64::from(WIDTH) - RIGHT;
    let mut value = 0.0;
    while value <= highest + 0.01 {
        let y = to_y(value);
        let stroke = if value == 0.0 { "#1f2d3d" } else { "#c9d1d9" };
        let _ = write!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"{stroke}\" stroke-width=\"2\"/>"
        );
        text(svg, LEFT - 14.0, y + 10.0, "end", TEXT - 2, &format!("{value:.0}"));
        value += step;
    }
    let middle = (to_y(0.0) + to_y(highest)) / 2.0;
    let _ = write!(svg, "<g transform=\"translate(34 {middle:.1}) rotate(-90)\">");
    text(svg, 0.0, 0.0, "middle", TEXT - 2, &chart.axis);
    svg.push_str("</g>");
}

#[expect(clippy::cast_precision_loss, reason = "at most four series")]
fn legend(svg: &mut String, chart: &BarChart) {
    let room = (f64::from(WIDTH) - LEFT - RIGHT) / chart.series.len() as f64;
    for (series, (name, _)) in chart.series.iter().enumerate() {
        let x = LEFT + room * series as f64;
        let fill = FILLS[series % MOST_SERIES];
        let _ = write!(
            svg,
            "<rect x=\"{x:.1}\" y=\"18\" width=\"40\" height=\"28\" fill=\"{fill}\" stroke=\"#1f2d3d\" stroke-width=\"2\"/>"
        );
        text(svg, x + 52.0, 42.0, "start", TEXT, name);
    }
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, size: u32, words: &str) {
    let words = plain(words)
        .replace('\u{202f}', "\u{a0}")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let _ = write!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"#1f2d3d\">{words}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(categories: usize) -> Figure {
        let share = |k| Ratio::of(k, 100);
        Figure {
            number: 1,
            caption: String::new(),
            alt: String::new(),
            chart: BarChart {
                axis: "доля участников, %".to_owned(),
                categories: (0..categories).map(|mark| format!("«{mark}»")).collect(),
                series: vec![
                    ("2023/24".to_owned(), (0..categories).map(|_| share(35)).collect()),
                    (
                        "<b>2024/25 & далее".to_owned(),
                        (0..categories).map(|_| share(20)).collect(),
                    ),
                    ("2025/26".to_owned(), (0..categories).map(|_| None).collect()),
                ],
            },
        }
    }

    fn pixels(png: &[u8]) -> Pixmap {
        Pixmap::decode_png(png).expect("a picture")
    }

    fn different(one: &Pixmap, other: &Pixmap) -> usize {
        one.pixels().iter().zip(other.pixels()).filter(|(a, b)| a != b).count()
    }

    #[test]
    fn the_text_of_a_chart_is_drawn_by_the_embedded_font() {
        let with = pixels(&png(&figure(4)).expect("a picture"));
        let svg = svg(&figure(4).chart);
        let without = draw(&svg, Arc::new(Database::new()), 1).expect("a picture without text");
        let inked = different(&with, &pixels(&without));
        assert!(inked > 8000, "the text vanished: {inked} pixels");
        assert!(svg.contains("35,0") && svg.contains("&lt;b&gt;2024/25 &amp; далее"));
    }

    #[test]
    fn the_picture_is_opaque_and_sixteen_centimetres_wide() {
        let picture = pixels(&png(&figure(4)).expect("a picture"));
        assert_eq!((picture.width(), picture.height()), (WIDTH, HEIGHT));
        assert!(picture.pixels().iter().all(|pixel| pixel.alpha() == 255));
    }

    #[test]
    fn too_many_bars_are_refused_with_the_remedy() {
        let problem = png(&figure(13)).expect_err("thirteen categories");
        assert!(problem.ru().contains("нужна таблица"));
        assert!(png(&figure(0)).is_err());
    }

    #[test]
    fn the_axis_starts_at_nought_and_covers_the_highest_bar() {
        assert_eq!(scale(&figure(2).chart), (40.0, 10.0));
        let mut full = figure(1);
        full.chart.series[0].1 = vec![Ratio::of(1, 1)];
        assert_eq!(scale(&full.chart), (100.0, 20.0));
    }
}
