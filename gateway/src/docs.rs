//! The page at `/docs`: the contracts as a person reads them, from the same descriptors that serve the calls.

use std::collections::BTreeSet;

use askama::Template;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::{
    catalog::{Binding, Catalog, type_name},
    errors::{self, Explained},
};

/// The page. Needs no script.
#[derive(Template)]
#[template(path = "docs.html")]
struct Page {
    base_url: String,
    assets: String,
    services: Vec<Service>,
    messages: Vec<Message>,
    errors: Vec<Explained>,
}

struct Service {
    name: String,
    comment: String,
    operations: Vec<Operation>,
}

struct Operation {
    anchor: String,
    method: String,
    path: String,
    comment: String,
    permission: String,
    is_public: bool,
    idempotent: bool,
    streaming: bool,
    /// Where the fields of the request are: `Isi (JSON)` or `Parameter`.
    request: Vec<Field>,
    response: Vec<Field>,
    curl: String,
}

struct Message {
    name: String,
    comment: String,
    fields: Vec<Field>,
    values: Vec<Field>,
}

struct Field {
    name: String,
    kind: String,
    /// The message or enum that explains the kind; empty for a plain one.
    anchor: String,
    comment: String,
}

/// Renders the page. `base_url` is where the examples call, `assets` where the stylesheet is.
///
/// # Errors
/// If the template cannot be rendered, which no input can cause.
pub(crate) fn page(catalog: &Catalog, base_url: &str, assets: &str) -> anyhow::Result<String> {
    let mut reader = Reader { catalog, seen: BTreeSet::new(), messages: Vec::new() };
    let mut services: Vec<Service> = Vec::new();
    for binding in &catalog.bindings {
        let operation = reader.operation(binding, base_url);
        let name = binding.rpc.path.as_str().trim_start_matches('/').split('/').next().unwrap_or_default();
        match services.last_mut().filter(|service| service.name == name) {
            Some(service) => service.operations.push(operation),
            None => {
                let service = catalog.pool.get_service_by_name(name);
                let comment =
                    service.map(|service| catalog.comments.of(service.parent_file().name(), service.path()));
                let comment = comment.unwrap_or_default();
                services.push(Service { name: name.to_owned(), comment, operations: vec![operation] });
            }
        }
    }
    let mut messages = reader.messages;
    messages.sort_by(|a, b| a.name.cmp(&b.name));
    let (base_url, assets) = (base_url.to_owned(), assets.to_owned());
    Ok(Page { base_url, assets, services, messages, errors: errors::all() }.render()?)
}

struct Reader<'c> {
    catalog: &'c Catalog,
    seen: BTreeSet<String>,
    messages: Vec<Message>,
}

impl Reader<'_> {
    fn operation(&mut self, binding: &Binding, base_url: &str) -> Operation {
        let rpc = &*binding.rpc;
        Operation {
            anchor: rpc.title.clone(),
            method: binding.method.to_string(),
            path: binding.template.clone(),
            comment: rpc.comment.clone(),
            permission: rpc.permission.clone(),
            is_public: rpc.is_public(),
            idempotent: rpc.idempotent,
            streaming: rpc.streaming,
            request: self.fields(&rpc.input),
            response: self.fields(&rpc.output),
            curl: curl(binding, base_url),
        }
    }

    fn fields(&mut self, message: &MessageDescriptor) -> Vec<Field> {
        message.fields().map(|field| self.field(&field)).collect()
    }

    fn field(&mut self, field: &FieldDescriptor) -> Field {
        let (kind, anchor) = self.kind(&field.kind());
        Field {
            name: field.json_name().to_owned(),
            kind: if field.is_list() { format!("{kind}[]") } else { kind },
            anchor,
            comment: self.catalog.comments.of(field.parent_message().parent_file().name(), field.path()),
        }
    }

    /// What a kind is called, and where it is explained.
    fn kind(&mut self, kind: &Kind) -> (String, String) {
        let plain = |name: &str| (name.to_owned(), String::new());
        match kind {
            Kind::Bool => plain("boolean"),
            Kind::String => plain("string"),
            Kind::Bytes => plain("string (base64)"),
            Kind::Double | Kind::Float => plain("number"),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Uint32 | Kind::Fixed32 => plain("integer"),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64 => {
                plain("string (int64)")
            }
            Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => {
                plain("string (date-time)")
            }
            Kind::Message(message) => {
                let name = type_name(&self.catalog.pool, message.package_name(), message.name());
                if self.seen.insert(name.clone()) {
                    let comment = self.catalog.comments.of(message.parent_file().name(), message.path());
                    let fields = self.fields(message);
                    self.messages.push(Message { name: name.clone(), comment, fields, values: Vec::new() });
                }
                (name.clone(), name)
            }
            Kind::Enum(descriptor) => {
                let name = type_name(&self.catalog.pool, descriptor.package_name(), descriptor.name());
                if self.seen.insert(name.clone()) {
                    let (file, comments) = (descriptor.parent_file(), &self.catalog.comments);
                    let values = descriptor.values().map(|value| Field {
                        name: value.name().to_owned(),
                        kind: String::new(),
                        anchor: String::new(),
                        comment: comments.of(file.name(), value.path()),
                    });
                    let comment = comments.of(file.name(), descriptor.path());
                    self.messages.push(Message {
                        name: name.clone(),
                        comment,
                        fields: Vec::new(),
                        values: values.collect(),
                    });
                }
                (name.clone(), name)
            }
        }
    }
}

/// A command that makes the call, with `$NAMES` for what the reader fills in.
fn curl(binding: &Binding, base_url: &str) -> String {
    let rpc = &*binding.rpc;
    let path = binding.template.replace('{', "$").replace('}', "").to_string();
    let path = binding.variables.iter().fold(path, |path, field| {
        path.replacen(&format!("${}", field.name()), &format!("${}", field.name().to_uppercase()), 1)
    });
    let mut parts = vec![if rpc.streaming { "curl -N".to_owned() } else { "curl".to_owned() }];
    if binding.method != http::Method::GET {
        parts.push(format!("-X {}", binding.method));
    }
    parts.push(format!("\"{base_url}{path}\""));
    if !rpc.is_public() {
        parts.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
    }
    if rpc.idempotent {
        parts.push("-H \"Idempotency-Key: $(uuidgen)\"".to_owned());
    }
    if binding.has_body {
        let fields = rpc.input.fields().filter(|field| {
            !binding.variables.contains(field) && field.name() != "request_id" && field.name() != "version"
        });
        let body: serde_json::Map<_, _> =
            fields.map(|field| (field.json_name().to_owned(), example(&field))).collect();
        parts.push("-H \"Content-Type: application/json\"".to_owned());
        parts.push(format!("-d '{}'", serde_json::Value::Object(body)));
    }
    parts.join(" \\\n  ")
}

/// A value that shows the form of a field.
fn example(field: &FieldDescriptor) -> serde_json::Value {
    let value = match field.kind() {
        Kind::Bool => false.into(),
        Kind::String | Kind::Bytes => "…".into(),
        Kind::Enum(names) => {
            names.values().nth(1).map_or_else(|| "…".into(), |value| value.name().to_owned().into())
        }
        Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => {
            "2026-11-20T08:00:00+07:00".into()
        }
        Kind::Message(_) => serde_json::json!({}),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64 => "1".into(),
        Kind::Double
        | Kind::Float
        | Kind::Int32
        | Kind::Sint32
        | Kind::Sfixed32
        | Kind::Uint32
        | Kind::Fixed32 => 1.into(),
    };
    if field.is_list() { serde_json::Value::Array(vec![value]) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_and_error_is_on_the_page_once() {
        let catalog = Catalog::new(mpp_proto::DESCRIPTORS).expect("the contracts");
        let page = page(&catalog, "http://localhost:8080", "/assets").expect("a page");
        for binding in &catalog.bindings {
            let anchor = format!("id=\"{}\"", binding.rpc.title);
            assert_eq!(page.matches(&anchor).count(), 1, "{anchor}");
        }
        for error in errors::all() {
            assert_eq!(page.matches(&format!("id=\"{}\"", error.reason)).count(), 1, "{}", error.reason);
        }
        let links: Vec<_> =
            page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(links.len() > 100);
        for link in links {
            assert!(page.contains(&format!("id=\"{link}\"")), "#{link} leads nowhere");
        }
        assert!(!page.contains("<script") && !page.contains("style="), "the policy permits neither");
    }

    #[test]
    fn an_example_can_be_typed() {
        let catalog = Catalog::new(mpp_proto::DESCRIPTORS).expect("the contracts");
        let of = |name: &str| {
            let binding =
                catalog.bindings.iter().find(|binding| binding.rpc.name == name).expect("a binding");
            curl(binding, "http://localhost:8080").replace(" \\\n  ", " ")
        };
        assert_eq!(
            of("CallNext"),
            "curl -X POST \"http://localhost:8080/v1/counters/$COUNTER:callNext\" -H \"Authorization: Bearer $TOKEN\" \
             -H \"Idempotency-Key: $(uuidgen)\" -H \"Content-Type: application/json\" -d '{\"expectedCurrent\":\"…\"}'"
        );
        assert_eq!(of("WatchTicket"), "curl -N \"http://localhost:8080/v1/ticketTokens/$TOKEN:watch\"");
    }
}
