//! Coats of arms: what may stand at the head of a letter. A drawing (SVG) or a picture (PNG), judged by its content.
//!
//! A drawing is a program of sorts, and everybody who reads a letter or the page of the office is shown it. So it is made of
//! shapes alone: no scripts, no events, no texts (whose fonts we may not have), no pictures within it, nothing that leads
//! out of it, and no more than can be drawn at once, for a few references in a drawing can stand for millions of shapes.

use std::collections::HashMap;

use roxmltree::{Document, Node, NodeId, ParsingOptions};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most bytes. A whole letter has about 60,000.
pub const LARGEST: usize = 256 * 1024;
/// The sides of a picture, in pixels: printed 2.35 cm high, 150 are not blurred and 800 are finer than any printer.
pub const SIDES: std::ops::RangeInclusive<u32> = 150..=800;
/// Elements of a drawing, as it is written.
const MOST_NODES: u32 = 20_000;
/// Shapes of a drawing, as it is drawn: each reference counts as what it stands for.
const MOST_SHAPES: u64 = 50_000;
/// How deep elements and references may lie within each other.
const DEEPEST: usize = 100;

const SVG: &str = "http://www.w3.org/2000/svg";
const XLINK: &str = "http://www.w3.org/1999/xlink";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// What a document type could declare.
const DECLARATIONS: [&str; 4] = ["entity", "attlist", "element", "notation"];

/// The elements that a drawing is made of.
const ELEMENTS: [&str; 21] = [
    "svg",
    "g",
    "defs",
    "symbol",
    "use",
    "title",
    "desc",
    "metadata",
    "style",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
    "mask",
];

/// Those of them that are seen.
const SHAPES: [&str; 7] = ["path", "rect", "circle", "ellipse", "line", "polyline", "polygon"];

/// How a coat of arms is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Of shapes.
    Svg,
    /// Of pixels.
    Png,
}

impl Format {
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
        }
    }

    /// How the name of such a file ends, and what a template calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }
}

/// A coat of arms, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arms {
    /// How it is drawn.
    pub format: Format,
    /// The file.
    pub content: Vec<u8>,
}

/// Why a file is no coat of arms. Names of elements are told, nothing else of what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ArmsError {
    /// Nothing, or too much.
    #[error("empty, or larger than {LARGEST} bytes")]
    Size,
    /// Neither SVG nor PNG.
    #[error("neither SVG nor PNG")]
    Type,
    /// A picture that is too small or too large.
    #[error("{width} × {height} pixels")]
    Pixels {
        /// The width.
        width: u32,
        /// The height.
        height: u32,
    },
    /// A drawing that cannot be read.
    #[error("not a sound SVG file")]
    Broken,
    /// A drawing with a part that it must not have.
    #[error("{0} is not permitted in it")]
    Part(String),
    /// A drawing with more shapes than are drawn.
    #[error("too many shapes")]
    TooManyShapes,
}

/// What a file is, by its content.
///
/// # Errors
/// [`ArmsError`].
pub fn judge(content: &[u8]) -> Result<Format, ArmsError> {
    if content.is_empty() || content.len() > LARGEST {
        return Err(ArmsError::Size);
    }
    if content.starts_with(b"\x89PNG\r\n\x1a\n") {
        return picture(content).map(|()| Format::Png);
    }
    let text = std::str::from_utf8(content).map_err(|_| ArmsError::Type)?;
    if !text.trim_start_matches('\u{feff}').trim_start().starts_with('<') || !text.contains("<svg") {
        return Err(ArmsError::Type);
    }
    drawing(text).map(|()| Format::Svg)
}

/// The sides of a PNG stand at its beginning.
fn picture(content: &[u8]) -> Result<(), ArmsError> {
    let side = |at: usize| {
        let bytes = content.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    if content.get(12..16) != Some(b"IHDR") {
        return Err(ArmsError::Type);
    }
    let (Some(width), Some(height)) = (side(16), side(20)) else { return Err(ArmsError::Type) };
    if SIDES.contains(&width) && SIDES.contains(&height) {
        Ok(())
    } else {
        Err(ArmsError::Pixels { width, height })
    }
}

fn part(name: &str) -> ArmsError {
    ArmsError::Part(name.chars().filter(|it| it.is_ascii_alphanumeric() || *it == '-').take(40).collect())
}

fn drawing(text: &str) -> Result<(), ArmsError> {
    declares_nothing(text)?;
    let options = ParsingOptions { allow_dtd: true, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| {
        let many = matches!(error, roxmltree::Error::NodesLimitReached);
        if many { ArmsError::TooManyShapes } else { ArmsError::Broken }
    })?;
    let root = document.root_element();
    if !root.has_tag_name((SVG, "svg")) {
        return Err(ArmsError::Broken);
    }
    let mut ids = HashMap::new();
    for node in document.descendants() {
        if node.is_pi() {
            return Err(part("xml-stylesheet"));
        }
        if node.is_element() {
            if node.ancestors().count() > DEEPEST {
                return Err(ArmsError::TooManyShapes);
            }
            element(node)?;
            if let Some(id) = node.attribute("id")
                && ids.insert(id, node).is_some()
            {
                return Err(part("id"));
            }
        }
    }
    let shows = |node: Node<'_, '_>| SHAPES.iter().any(|shape| node.has_tag_name((SVG, *shape)));
    if !document.descendants().any(shows) {
        return Err(ArmsError::Broken);
    }
    for style in document.descendants().filter(|node| node.has_tag_name((SVG, "style"))) {
        rules(style, &ids)?;
    }
    let mut cost = Cost { ids, known: HashMap::new() };
    if cost.of(root, 0)? > MOST_SHAPES { Err(ArmsError::TooManyShapes) } else { Ok(()) }
}

/// A document type may name the one of SVG, as drawing programs write it. What it could declare itself, our parser leaves out
/// and a browser puts in: entities, and attributes such as events.
fn declares_nothing(text: &str) -> Result<(), ArmsError> {
    // Anywhere, also where it would declare nothing: so nothing can hide it.
    let lower = text.to_ascii_lowercase();
    for declaration in DECLARATIONS {
        if lower.contains(&format!("<!{declaration}")) {
            return Err(part(&declaration.to_ascii_uppercase()));
        }
    }
    // The type stands before the drawing, among comments and instructions.
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let ended = if let Some(comment) = rest.strip_prefix("<!--") {
            comment.split_once("-->")
        } else if let Some(instruction) = rest.strip_prefix("<?") {
            instruction.split_once("?>")
        } else {
            break;
        };
        rest = ended.ok_or(ArmsError::Broken)?.1.trim_start();
    }
    let Some(declared) = rest.strip_prefix("<!DOCTYPE") else { return Ok(()) };
    let mut quoted = None;
    for it in declared.chars() {
        if let Some(mark) = quoted {
            quoted = Some(mark).filter(|mark| it != *mark);
        } else if matches!(it, '"' | '\'') {
            quoted = Some(it);
        } else if it == '[' {
            return Err(part("DOCTYPE"));
        } else if it == '>' {
            return Ok(());
        }
    }
    Err(ArmsError::Broken)
}

/// One element, with its attributes. What drawing programs note for themselves, in namespaces of their own, is never drawn.
fn element(node: Node<'_, '_>) -> Result<(), ArmsError> {
    let name = node.tag_name().name();
    match node.tag_name().namespace() {
        Some(SVG) if ELEMENTS.contains(&name) => {}
        Some(SVG | XHTML) | None => return Err(part(name)),
        Some(_) => return Ok(()),
    }
    for attribute in node.attributes() {
        let (name, value) = (attribute.name(), attribute.value());
        match attribute.namespace() {
            Some(XLINK) | None => {}
            Some(XML) if name == "base" => return Err(part("base")),
            Some(_) => continue,
        }
        if name.get(..2).is_some_and(|on| on.eq_ignore_ascii_case("on")) {
            return Err(part(name));
        }
        if matches!(name, "href" | "src") && !value.trim_start().starts_with('#') {
            return Err(part(name));
        }
        leads_nowhere(value).map_err(|()| part(name))?;
    }
    Ok(())
}

/// Whether a value or a rule leads only to what is in the drawing itself. An escape could hide where it leads.
fn leads_nowhere(text: &str) -> Result<(), ()> {
    let text = text.to_ascii_lowercase();
    let inward = references(&text).all(|reference| reference.is_some());
    let plain = !["\\", "@", "expression(", "javascript:", "image(", "image-set("]
        .iter()
        .any(|hidden| text.contains(hidden));
    if inward && plain { Ok(()) } else { Err(()) }
}

/// What `url(…)` names in a text, however it is written: the id of an element of the drawing, or `None` for something outside.
fn references(text: &str) -> impl Iterator<Item = Option<&str>> {
    let begins = |at: &usize| text.get(*at..*at + 3).is_some_and(|it| it.eq_ignore_ascii_case("url"));
    (0..text.len()).filter(begins).filter_map(|at| {
        let inside = text[at + 3..].trim_start().strip_prefix('(')?.split(')').next()?;
        Some(inside.trim().trim_matches(['"', '\'']).trim().strip_prefix('#'))
    })
}

/// The rules of a style sheet within the drawing. They may paint any element with a gradient; whatever else they refer to
/// could be drawn again for each of them.
fn rules(style: Node<'_, '_>, ids: &HashMap<&str, Node<'_, '_>>) -> Result<(), ArmsError> {
    for text in style.children() {
        let text = text.text().unwrap_or_default();
        leads_nowhere(text).map_err(|()| part("style"))?;
        for reference in references(text) {
            let target = reference.and_then(|id| ids.get(id));
            let paints = target.is_some_and(|it| {
                it.has_tag_name((SVG, "linearGradient")) || it.has_tag_name((SVG, "radialGradient"))
            });
            if !paints {
                return Err(part("style"));
            }
        }
    }
    Ok(())
}

/// How many shapes are drawn.
struct Cost<'i> {
    ids: HashMap<&'i str, Node<'i, 'i>>,
    /// `None` while it is counted: who comes back there goes in a circle.
    known: HashMap<NodeId, Option<u64>>,
}

impl<'i> Cost<'i> {
    fn of(&mut self, node: Node<'i, 'i>, depth: usize) -> Result<u64, ArmsError> {
        match self.known.get(&node.id()) {
            Some(Some(known)) => return Ok(*known),
            Some(None) => return Err(part("use")),
            None if depth > DEEPEST => return Err(ArmsError::TooManyShapes),
            None => {}
        }
        self.known.insert(node.id(), None);
        let mut sum = 1_u64;
        for child in node.children().filter(Node::is_element) {
            sum = sum.saturating_add(self.of(child, depth + 1)?);
        }
        for attribute in node.attributes() {
            let value = attribute.value();
            let named = references(value).flatten();
            let href = value.trim().strip_prefix('#').filter(|_| attribute.name() == "href");
            let targets: Vec<_> = named.chain(href).filter_map(|id| self.ids.get(id).copied()).collect();
            for target in targets {
                sum = sum.saturating_add(self.of(target, depth + 1)?);
            }
        }
        self.known.insert(node.id(), Some(sum));
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(inside: &str) -> String {
        format!(
            "<svg xmlns='{SVG}' xmlns:xlink='{XLINK}' xmlns:inkscape='http://www.inkscape.org/namespaces/inkscape' \
             viewBox='0 0 9 9'><path d='M0 0h9v9z'/>{inside}</svg>"
        )
    }

    fn verdict(inside: &str) -> Result<Format, ArmsError> {
        judge(svg(inside).as_bytes())
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend(width.to_be_bytes());
        png.extend(height.to_be_bytes());
        png
    }

    #[test]
    fn line_15_a_coat_of_arms_is_what_its_content_says() {
        assert_eq!(verdict(""), Ok(Format::Svg));
        assert_eq!(judge(&png(600, 800)), Ok(Format::Png));
        for (content, expected) in [
            (b"".to_vec(), ArmsError::Size),
            (vec![b' '; LARGEST + 1], ArmsError::Size),
            (b"%PDF-1.7".to_vec(), ArmsError::Type),
            (vec![0xff, 0xd8, 0xff, 0xe0], ArmsError::Type),
            (b"<html><body/></html>".to_vec(), ArmsError::Type),
            (b"\x1f\x8b\x08<svg".to_vec(), ArmsError::Type),
            (b"\x89PNG\r\n\x1a\n".to_vec(), ArmsError::Type),
            (b"<svg".to_vec(), ArmsError::Broken),
            (b"<svg/>".to_vec(), ArmsError::Broken),
            (svg("<g>").into_bytes(), ArmsError::Broken),
            (format!("<svg xmlns='{SVG}'><g/></svg>").into_bytes(), ArmsError::Broken),
            (b"<x xmlns='http://x.example'><svg/></x>".to_vec(), ArmsError::Broken),
            (png(149, 600), ArmsError::Pixels { width: 149, height: 600 }),
            (png(600, 801), ArmsError::Pixels { width: 600, height: 801 }),
            (png(u32::MAX, u32::MAX), ArmsError::Pixels { width: u32::MAX, height: u32::MAX }),
        ] {
            assert_eq!(
                judge(&content),
                Err(expected),
                "{:?}",
                String::from_utf8_lossy(&content[..content.len().min(40)])
            );
        }
    }

    #[test]
    fn line_15_what_drawing_programs_write_is_taken() {
        for inside in [
            "<defs><linearGradient id='a'><stop offset='0'/></linearGradient></defs><style>.k{fill:url(#a)}</style>\
             <path class='k curl' d='M0 0h9'/>",
            "<defs><g id='s'><circle r='1'/></g></defs><use href='#s'/><use xlink:href='#s' x='2'/>",
            "<clipPath id='c'><rect width='4' height='4'/></clipPath><g clip-path='url(#c)' style='fill:#123456'/>",
            "<title>Lambang</title><metadata><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/></metadata>",
            "<g inkscape:label='C:\\gambar' xml:space='preserve'/><inkscape:page/>",
        ] {
            assert_eq!(verdict(inside), Ok(Format::Svg), "{inside}");
        }
        let typed = format!(
            "<?xml version='1.0'?><!-- Generator --><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' \
             'http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd'>{}",
            svg("<path d='M0 0h9'/>")
        );
        assert_eq!(judge(typed.as_bytes()), Ok(Format::Svg));
    }

    #[test]
    fn line_15_a_drawing_is_of_shapes_alone() {
        for (inside, named) in [
            ("<script>alert(1)</script>", "script"),
            ("<g><script href='#x'/></g>", "script"),
            ("<inkscape:g><script/></inkscape:g>", "script"),
            ("<b:script xmlns:b='http://www.w3.org/1999/xhtml'/>", "script"),
            ("<foreignObject/>", "foreignObject"),
            ("<text>Kabupaten</text>", "text"),
            ("<image href='#a'/>", "image"),
            ("<filter id='f'/>", "filter"),
            ("<pattern id='p'/>", "pattern"),
            ("<animate/>", "animate"),
            ("<set/>", "set"),
            ("<a href='#a'/>", "a"),
            ("<g onload='x()'/>", "onload"),
            ("<g ONCLICK='x()'/>", "ONCLICK"),
            ("<use href='https://x.example/#a'/>", "href"),
            ("<use xlink:href='data:image/svg+xml,x'/>", "href"),
            ("<use href='javascript:x'/>", "href"),
            ("<g fill='url(https://x.example/#a)'/>", "fill"),
            ("<g style='fill:URL( \"//x.example\" )'/>", "style"),
            ("<g style='fill:u\\72l(//x.example)'/>", "style"),
            ("<style>@import '//x.example';</style>", "style"),
            ("<style>g{fill:url(//x.example)}</style>", "style"),
            ("<clipPath id='c'/><style>g{clip-path:url(#c)}</style>", "style"),
            ("<g xml:base='https://x.example/'/>", "base"),
            ("<?xml-stylesheet href='//x.example'?>", "xml-stylesheet"),
            ("<g id='a'/><g id='a'/>", "id"),
            ("<g id='a'><use href='#a'/></g>", "use"),
            ("<clipPath id='a' clip-path='url(#a)'/>", "use"),
        ] {
            assert_eq!(verdict(inside), Err(ArmsError::Part(named.to_owned())), "{inside}");
        }
        for (before, named) in [
            ("<!DOCTYPE svg [<!ENTITY a 'b'>]>", "ENTITY"),
            // Where the type ends is not where the first > stands, nor is it the first that is written.
            ("<!DOCTYPE svg SYSTEM \">\" [<!ATTLIST svg onload CDATA \"x()\">]>", "ATTLIST"),
            ("<!-- <!DOCTYPE x> --><!DOCTYPE svg [<!ATTLIST svg onload CDATA 'x()'>]>", "ATTLIST"),
            ("<!DOCTYPE svg [<!Element svg ANY>]>", "ELEMENT"),
            ("<!-- <!NOTATION n SYSTEM 'x'> -->", "NOTATION"),
            ("<!DOCTYPE svg SYSTEM \">\" []>", "DOCTYPE"),
            (
                "\u{feff} <?xml version='1.0'?><!-- <!DOCTYPE x> --> <!DOCTYPE svg SYSTEM '\">' [%a;]>",
                "DOCTYPE",
            ),
        ] {
            let typed = format!("{before}{}", svg(""));
            assert_eq!(judge(typed.as_bytes()), Err(ArmsError::Part(named.to_owned())), "{before}");
        }
        for before in ["<!DOCTYPE svg SYSTEM '>", "<!-- <!DOCTYPE svg>", "<?a "] {
            assert_eq!(judge(format!("{before}{}", svg("")).as_bytes()), Err(ArmsError::Broken), "{before}");
        }
    }

    /// Ten elements that each stand for ten of the one before are ten thousand million shapes.
    #[test]
    fn line_15_a_few_references_do_not_stand_for_millions_of_shapes() {
        for reference in
            ["<use href='#b{}'/>", "<g clip-path='URL(#b{})'/>", "<g style='mask: url( \"#b{}\" )'/>"]
        {
            let mut inside = "<g id='b0'><circle r='1'/></g>".to_owned();
            for level in 1..=10 {
                let uses = reference.replace("{}", &(level - 1).to_string()).repeat(10);
                inside.push_str(&format!("<g id='b{level}'>{uses}</g>"));
            }
            assert_eq!(verdict(&inside), Err(ArmsError::TooManyShapes), "{reference}");
        }
        let deep = format!("{}{}", "<g>".repeat(DEEPEST), "</g>".repeat(DEEPEST));
        assert_eq!(verdict(&deep), Err(ArmsError::TooManyShapes));
        assert_eq!(verdict(&"<g/>".repeat(MOST_NODES as usize)), Err(ArmsError::TooManyShapes));
    }
}
