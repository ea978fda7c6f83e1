//! One answer, written as XML or as JSON. Root and list element collapse in JSON: `<services><service/>…` is `[{…}]`, and
//! an empty element is `null`.

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};
use serde_json::Value;

/// The two formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Xml,
    Json,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// Nothing: an empty element, `null`.
    Null,
    Text(String),
    Integer(i64),
    Number(f64),
    Bool(bool),
    /// Fields, in their order.
    Object(Vec<(&'static str, Node)>),
    /// The name of an element, and each of them.
    List(&'static str, Vec<Node>),
}

impl Node {
    /// A text; empty is nothing.
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        if text.is_empty() { Self::Null } else { Self::Text(text.to_owned()) }
    }

    /// A number, if there is one.
    pub(crate) fn number(number: Option<f64>) -> Self {
        number.filter(|it| it.is_finite()).map_or(Self::Null, Self::Number)
    }
}

/// The JSON of an answer.
pub(crate) fn json(node: &Node) -> Vec<u8> {
    value(node).to_string().into_bytes()
}

fn value(node: &Node) -> Value {
    match node {
        Node::Null => Value::Null,
        Node::Text(text) => text.as_str().into(),
        Node::Integer(number) => (*number).into(),
        Node::Number(number) => (*number).into(),
        Node::Bool(flag) => (*flag).into(),
        Node::Object(fields) => {
            Value::Object(fields.iter().map(|(name, node)| ((*name).to_owned(), value(node))).collect())
        }
        Node::List(_, nodes) => nodes.iter().map(value).collect(),
    }
}

/// The XML of an answer, with its declaration.
pub(crate) fn xml(root: &str, node: &Node) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    let written = writer
        .write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))
        .and_then(|()| element(&mut writer, root, node));
    debug_assert!(written.is_ok(), "memory takes every byte");
    writer.into_inner()
}

fn element(writer: &mut Writer<Vec<u8>>, name: &str, node: &Node) -> std::io::Result<()> {
    let text = match node {
        Node::Null => return writer.write_event(Event::Empty(BytesStart::new(name))),
        Node::Text(text) => permitted(text),
        Node::Integer(number) => number.to_string(),
        Node::Number(number) => number.to_string(),
        Node::Bool(flag) => flag.to_string(),
        Node::Object(fields) => {
            writer.write_event(Event::Start(BytesStart::new(name)))?;
            for (name, node) in fields {
                element(writer, name, node)?;
            }
            return writer.write_event(Event::End(BytesEnd::new(name)));
        }
        Node::List(item, nodes) => {
            writer.write_event(Event::Start(BytesStart::new(name)))?;
            for node in nodes {
                element(writer, item, node)?;
            }
            return writer.write_event(Event::End(BytesEnd::new(name)));
        }
    };
    writer.write_event(Event::Start(BytesStart::new(name)))?;
    writer.write_event(Event::Text(BytesText::new(&text)))?;
    writer.write_event(Event::End(BytesEnd::new(name)))
}

/// A text without the characters that XML 1.0 has no way to write: a document with one of them is no document.
fn permitted(text: &str) -> String {
    text.chars()
        .filter(|c| {
            matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o_03_root_and_list_element_collapse_and_nothing_is_null() {
        let node = Node::List(
            "request",
            vec![Node::Object(vec![
                ("id", Node::text("ADU-1")),
                ("notes", Node::text("")),
                ("lat", Node::number(Some(-3.5))),
                ("long", Node::number(None)),
                ("metadata", Node::Bool(true)),
            ])],
        );
        assert_eq!(
            String::from_utf8(json(&node)).unwrap(),
            r#"[{"id":"ADU-1","notes":null,"lat":-3.5,"long":null,"metadata":true}]"#
        );
        assert_eq!(
            String::from_utf8(xml("service_requests", &node)).unwrap(),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><service_requests><request><id>ADU-1</id><notes/>\
             <lat>-3.5</lat><long/><metadata>true</metadata></request></service_requests>"
        );
        let none = Node::List("request", vec![]);
        assert_eq!(json(&none), b"[]");
        assert!(xml("service_requests", &none).ends_with(b"<service_requests></service_requests>"));
    }

    #[test]
    fn o_03_text_is_never_markup_and_never_breaks_the_document() {
        let node = Node::Object(vec![("d", Node::text("<b>\u{0}a\u{1b} & \"é\"\u{FFFE}"))]);
        let text = String::from_utf8(xml("r", &node)).unwrap();
        assert!(text.contains("<d>&lt;b&gt;a &amp; &quot;é&quot;</d>"), "{text}");
    }
}
