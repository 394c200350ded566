//! What docx-rs cannot write: repeated header rows, alternative texts, the language, section properties in the order
//! of the schema, properties of the document without a clock.

use docx_rs::XMLDocx;

use super::clean;
use crate::domain::document::Document;
use crate::message::Problem;

/// Twentieths of a point: margins of 20 and 10 mm, running heads 10 mm from the edge.
const MARGINS: &str =
    r#"<w:pgMar w:top="1134" w:right="567" w:bottom="1134" w:left="1134" w:header="567" w:footer="567" w:gutter="0"/>"#;

/// The parts of the package in the order they are packed. `sections` says for each section whether it is landscape;
/// `alts` has one text per figure.
pub(super) fn finish(
    built: XMLDocx,
    document: &Document,
    sections: &[bool],
    alts: &[String],
) -> Result<Vec<(String, Vec<u8>)>, Problem> {
    let body = text(&built.document)?;
    let body = without_paragraph_ids(&body);
    let body = sectioned(&body, sections)?;
    let body = described(&body, alts);
    let body = body
        .replace("<w:trPr />", "<w:trPr><w:cantSplit /><w:tblHeader /></w:trPr>")
        .replace('\u{ad}', "</w:t><w:softHyphen /><w:t xml:space=\"preserve\">");
    let styles = text(&built.styles)?.replacen(
        "</w:rPr></w:rPrDefault>",
        "<w:lang w:val=\"ru-RU\" w:eastAsia=\"ru-RU\" w:bidi=\"ar-SA\" /></w:rPr></w:rPrDefault>",
        1,
    );
    let mut parts: Vec<(String, Vec<u8>)> = Vec::new();
    let mut push = |name: &str, bytes: Vec<u8>| parts.push((name.to_owned(), bytes));
    push("[Content_Types].xml", built.content_type);
    push("_rels/.rels", built.rels);
    push("docProps/app.xml", built.doc_props.app);
    push("docProps/core.xml", properties(document).into_bytes());
    push("docProps/custom.xml", built.doc_props.custom);
    push("word/_rels/document.xml.rels", built.document_rels);
    push("word/document.xml", body.into_bytes());
    push("word/styles.xml", styles.into_bytes());
    push("word/settings.xml", built.settings);
    push("word/fontTable.xml", built.font_table);
    push("word/comments.xml", built.comments);
    push("word/commentsExtended.xml", built.comments_extended);
    push("word/numbering.xml", built.numberings);
    push("word/footnotes.xml", built.footnotes);
    for (kind, bodies, rels) in [
        ("header", built.headers, built.header_rels),
        ("footer", built.footers, built.footer_rels),
    ] {
        for (number, bytes) in (1..).zip(bodies) {
            let bytes = without_paragraph_ids(&text(&bytes)?).into_bytes();
            push(&format!("word/{kind}{number}.xml"), bytes);
        }
        for (number, bytes) in (1..).zip(rels) {
            push(&format!("word/_rels/{kind}{number}.xml.rels"), bytes);
        }
    }
    for (name, bytes) in built.media {
        push(&format!("word/media/{name}.png"), bytes);
    }
    Ok(parts)
}

fn text(bytes: &[u8]) -> Result<String, Problem> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|error| Problem::new("MSK-DOC-04").arg("what", "DOCX").because(error))
}

/// The library counts paragraphs over the life of the process; the ids serve comments only and we write none.
fn without_paragraph_ids(xml: &str) -> String {
    const MARK: &str = " w14:paraId=\"";
    let mut out = String::with_capacity(xml.len());
    let mut rest = xml;
    while let Some(start) = rest.find(MARK) {
        out.push_str(&rest[..start]);
        let value = &rest[start + MARK.len()..];
        rest = value.find('"').map_or("", |end| &value[end + 1..]);
    }
    out.push_str(rest);
    out
}

/// Replaces each section's properties by our own. References to running heads stand in the first section; the others
/// inherit them. The library puts them into the last one only, behind the margins, where the schema has them first.
fn sectioned(xml: &str, sections: &[bool]) -> Result<String, Problem> {
    let references = references(xml);
    let mut out = String::with_capacity(xml.len());
    let mut rest = xml;
    for (number, is_landscape) in sections.iter().enumerate() {
        let found = rest
            .find("<w:sectPr")
            .and_then(|start| Some((start, start + rest[start..].find("</w:sectPr>")? + "</w:sectPr>".len())));
        let Some((start, end)) = found else {
            let detail = format!("section {} of {} is not in the body", number + 1, sections.len());
            return Err(Problem::new("MSK-DOC-04").arg("what", "DOCX").because(detail));
        };
        let (size, first) = (
            if *is_landscape {
                r#"<w:pgSz w:w="16838" w:h="11906" w:orient="landscape"/>"#
            } else {
                r#"<w:pgSz w:w="11906" w:h="16838"/>"#
            },
            number == 0,
        );
        out.push_str(&rest[..start]);
        out.push_str("<w:sectPr>");
        out.push_str(if first { &references } else { "" });
        out.push_str(size);
        out.push_str(MARGINS);
        out.push_str(r#"<w:cols w:space="708"/>"#);
        out.push_str(if first { "<w:titlePg/>" } else { "" });
        out.push_str("</w:sectPr>");
        rest = &rest[end..];
    }
    out.push_str(rest);
    Ok(out)
}

fn references(xml: &str) -> String {
    let mut found = String::new();
    for tag in ["<w:headerReference ", "<w:footerReference "] {
        let mut rest = xml;
        while let Some(start) = rest.find(tag) {
            let Some(end) = rest[start..].find("/>") else { break };
            found.push_str(&rest[start..=start + end + 1]);
            rest = &rest[start + end + 2..];
        }
    }
    found
}

/// Gives each picture its own number, name and alternative text.
fn described(xml: &str, alts: &[String]) -> String {
    const BARE: &str = r#"<wp:docPr id="1" name="Figure" />"#;
    let mut out = xml.to_owned();
    for (number, alt) in (1..).zip(alts) {
        let with = format!(
            r#"<wp:docPr id="{number}" name="Рисунок {number}" descr="{}"></wp:docPr>"#,
            escape(alt)
        );
        out = out.replacen(BARE, &with, 1);
    }
    out
}

fn properties(document: &Document) -> String {
    let date = document.requisites.date.format("%Y-%m-%dT00:00:00Z");
    let title = format!("{} {}", document.requisites.kind, document.requisites.title);
    format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>{}</dc:title><dc:subject>{}</dc:subject><dc:creator>{}</dc:creator><dc:language>ru-RU</dc:language><dcterms:created xsi:type="dcterms:W3CDTF">{date}</dcterms:created><dcterms:modified xsi:type="dcterms:W3CDTF">{date}</dcterms:modified></cp:coreProperties>"#,
        escape(&title),
        escape(&document.id),
        escape(&document.requisites.authority),
    )
}

fn escape(text: &str) -> String {
    clean(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_keep_the_order_of_the_schema_and_the_first_names_the_running_heads() {
        let xml = "<w:p><w:sectPr><a/></w:sectPr></w:p><w:sectPr w:x=\"1\"><w:pgSz /><w:headerReference w:type=\"default\" r:id=\"h1\" /></w:sectPr>";
        let out = sectioned(xml, &[false, true]).expect("two sections");
        assert!(
            out.starts_with("<w:p><w:sectPr><w:headerReference w:type=\"default\" r:id=\"h1\" /><w:pgSz w:w=\"11906\"")
        );
        assert_eq!(out.matches("headerReference").count(), 1);
        assert!(out.contains("landscape"));
        assert!(sectioned(xml, &[false, true, false]).is_err());
    }

    #[test]
    fn paragraph_ids_go_and_alternative_texts_come() {
        assert_eq!(
            without_paragraph_ids("<w:p w14:paraId=\"00000001\"><w:p />"),
            "<w:p><w:p />"
        );
        let xml = r#"<wp:docPr id="1" name="Figure" /><wp:docPr id="1" name="Figure" />"#;
        let out = described(xml, &["a < b".to_owned(), "«\"»".to_owned()]);
        assert!(out.contains("descr=\"a &lt; b\"") && out.contains("id=\"2\"") && out.contains("«&quot;»"));
    }
}
