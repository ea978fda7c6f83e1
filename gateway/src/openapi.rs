//! OpenAPI 3.1 from the same descriptors that serve the calls, so that it cannot say anything else.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value as Json, json};

use crate::catalog::{Binding, Catalog, type_name};

/// How deep query parameters reach into messages.
const PARAMETER_DEPTH: usize = 3;

/// The whole document. `cookie` is the name of the session cookie.
pub(crate) fn document(catalog: &Catalog, cookie: &str) -> Json {
    let mut schemas = Schemas { catalog, done: BTreeMap::new(), wanted: Vec::new() };
    let mut paths: Map<String, Json> = Map::new();
    let mut tags = BTreeSet::new();
    for binding in &catalog.bindings {
        tags.insert(tag(binding).to_owned());
        let path = paths.entry(binding.template.clone()).or_insert_with(|| Json::Object(Map::new()));
        if let Json::Object(path) = path {
            path.insert(binding.method.as_str().to_lowercase(), operation(binding, &mut schemas));
        }
    }
    schemas.done.insert("Problem".to_owned(), problem());
    let tags: Vec<_> = tags
        .into_iter()
        .map(|name| json!({"description": service_comment(catalog, &name), "name": name}))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sinergi MPP",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The public contract of the suite. JSON is proto3 JSON: lowerCamelCase, enums by name, 64-bit \
                            integers as strings, defaults printed, absent messages left out. Errors are RFC 9457 problems; \
                            Accept-Language chooses Indonesian (default) or English. The same calls are served as gRPC and gRPC-web.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas.finish(),
            "responses": {"Problem": {
                "description": "The request was refused or failed. The reason is for programs, the detail for people.",
                "headers": {"Retry-After": {
                    "description": "Seconds after which another try makes sense.",
                    "schema": {"type": "integer"},
                }},
                "content": {"application/problem+json": {"schema": reference("Problem")}},
            }},
            "securitySchemes": {
                "bearer": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "The accessToken of POST /v1/sessions or POST /v1/deviceSessions.",
                },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": cookie,
                    "description": "The HttpOnly cookie of a browser session. Requests that change something must come from a page of the same origin.",
                },
            },
        },
    })
}

/// The service of a binding, as a tag.
fn tag(binding: &Binding) -> &str {
    binding
        .rpc
        .path
        .as_str()
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default()
        .rsplit('.')
        .next()
        .unwrap_or_default()
}

fn service_comment(catalog: &Catalog, name: &str) -> String {
    let service = catalog.pool.services().find(|service| service.name() == name);
    service
        .map(|service| catalog.comments.of(service.parent_file().name(), service.path()))
        .unwrap_or_default()
}

fn operation(binding: &Binding, schemas: &mut Schemas<'_>) -> Json {
    let rpc = &*binding.rpc;
    let security = if rpc.is_public() { json!([]) } else { json!([{"bearer": []}, {"session": []}]) };
    let media_type = if rpc.streaming { "text/event-stream" } else { "application/json" };
    let description = if rpc.streaming {
        "Server-sent events: `update` with one message of this schema as a line of JSON, `heartbeat` while the data is \
         fresh, `error` with a Problem before the end."
    } else {
        "The answer."
    };
    let mut answer = json!({
        "description": description,
        "content": {media_type: {"schema": schemas.message(&rpc.output)}},
    });
    if rpc.etag.is_some() && binding.method == http::Method::GET {
        answer["headers"] = json!({"ETag": {"description": "The version of the ticket, for If-Match.", "schema": {"type": "string"}}});
    }
    if rpc.idempotent {
        answer["headers"] = json!({"Idempotent-Replayed": {
            "description": "`true` on an answer that was given before to the same Idempotency-Key: nothing was done now.",
            "schema": {"type": "string", "enum": ["true"]},
        }});
    }
    let mut operation = json!({
        "operationId": format!("{}_{}", tag(binding), rpc.name),
        "tags": [tag(binding)],
        "summary": summary(&rpc.comment),
        "description": rpc.comment,
        "x-permission": rpc.permission,
        "security": security,
        "parameters": parameters(binding, schemas),
        "responses": {
            "200": answer,
            "4XX": {"$ref": "#/components/responses/Problem"},
            "5XX": {"$ref": "#/components/responses/Problem"},
        },
    });
    if binding.has_body {
        operation["requestBody"] =
            json!({"required": false, "content": {"application/json": {"schema": schemas.body(binding)}}});
    }
    operation
}

/// The first sentence of a comment.
pub(crate) fn summary(comment: &str) -> &str {
    comment.split_inclusive(['.', ':', ';']).next().unwrap_or(comment).trim_end_matches(['.', ':', ';'])
}

fn parameters(binding: &Binding, schemas: &mut Schemas<'_>) -> Vec<Json> {
    let rpc = &*binding.rpc;
    let mut parameters: Vec<_> = binding
        .variables
        .iter()
        .map(|field| {
            json!({
                "name": field.name(), "in": "path", "required": true,
                "description": schemas.comment(field), "schema": {"type": "string"},
            })
        })
        .collect();
    if !binding.has_body {
        query(binding, &rpc.input, "", PARAMETER_DEPTH, schemas, &mut parameters);
    }
    let mut header = |name: &str, description: &str, schema: Json| {
        parameters.push(json!({"name": name, "in": "header", "description": description, "schema": schema}));
    };
    if rpc.idempotent && rpc.request_id.is_some() {
        let schema = json!({"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"});
        header(
            "Idempotency-Key",
            "Makes a retry safe; the same as requestId in the body. Service accounts must give one.",
            schema,
        );
    }
    if rpc.if_match.is_some() {
        header("If-Match", "The ETag seen; the same as version in the body.", json!({"type": "string"}));
    }
    if rpc.after_seq.is_some() {
        header("Last-Event-ID", "The last event seen; the same as afterSeq.", json!({"type": "string"}));
    }
    parameters
}

fn query(
    binding: &Binding,
    message: &MessageDescriptor,
    prefix: &str,
    depth: usize,
    schemas: &mut Schemas<'_>,
    out: &mut Vec<Json>,
) {
    for field in message.fields().filter(|field| !field.is_map() && !binding.variables.contains(field)) {
        let name = format!("{prefix}{}", field.json_name());
        let kind = field.kind();
        if let Some(below) = kind.as_message().filter(|below| !is_well_known(below)) {
            if depth > 0 && !field.is_list() {
                query(binding, below, &format!("{name}."), depth - 1, schemas, out);
            }
        } else {
            let (description, schema) = (schemas.comment(&field), schemas.field(&field));
            out.push(json!({"name": name, "in": "query", "description": description, "schema": schema}));
        }
    }
}

fn is_well_known(message: &MessageDescriptor) -> bool {
    message.full_name().starts_with("google.protobuf.")
}

fn reference(name: &str) -> Json {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// The schemas that operations refer to.
struct Schemas<'c> {
    catalog: &'c Catalog,
    done: BTreeMap<String, Json>,
    wanted: Vec<Wanted>,
}

enum Wanted {
    Message(MessageDescriptor),
    Enum(EnumDescriptor),
}

impl Schemas<'_> {
    fn comment(&self, field: &FieldDescriptor) -> String {
        self.catalog.comments.of(field.parent_message().parent_file().name(), field.path())
    }

    fn message(&mut self, message: &MessageDescriptor) -> Json {
        self.wanted.push(Wanted::Message(message.clone()));
        reference(&type_name(&self.catalog.pool, message.package_name(), message.name()))
    }

    /// The request message without what the path says already.
    fn body(&mut self, binding: &Binding) -> Json {
        let fields = binding.rpc.input.fields().filter(|field| !binding.variables.contains(field));
        let properties: Map<_, _> =
            fields.map(|field| (field.json_name().to_owned(), self.described(&field))).collect();
        json!({"type": "object", "additionalProperties": false, "properties": properties})
    }

    /// The schema of a field with its comment.
    fn described(&mut self, field: &FieldDescriptor) -> Json {
        let mut schema = self.field(field);
        let comment = self.comment(field);
        if let Json::Object(schema) = &mut schema
            && !comment.is_empty()
        {
            schema.insert("description".to_owned(), Json::String(comment));
        }
        schema
    }

    fn field(&mut self, field: &FieldDescriptor) -> Json {
        if let Kind::Message(entry) = field.kind()
            && field.is_map()
        {
            let value = self.kind(&entry.map_entry_value_field().kind());
            return json!({"type": "object", "additionalProperties": value});
        }
        let schema = self.kind(&field.kind());
        if field.is_list() { json!({"type": "array", "items": schema}) } else { schema }
    }

    fn kind(&mut self, kind: &Kind) -> Json {
        match kind {
            Kind::Bool => json!({"type": "boolean"}),
            Kind::String => json!({"type": "string"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Double | Kind::Float => json!({"type": "number"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({"type": "integer", "format": "int32"}),
            Kind::Uint32 | Kind::Fixed32 => json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => json!({"type": "string", "format": "int64"}),
            Kind::Uint64 | Kind::Fixed64 => json!({"type": "string", "format": "uint64"}),
            Kind::Enum(descriptor) => {
                self.wanted.push(Wanted::Enum(descriptor.clone()));
                reference(&type_name(&self.catalog.pool, descriptor.package_name(), descriptor.name()))
            }
            Kind::Message(message) => match message.full_name() {
                "google.protobuf.Timestamp" => json!({"type": "string", "format": "date-time"}),
                "google.protobuf.Duration" => {
                    json!({"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?s$"})
                }
                _ if is_well_known(message) => json!({}),
                _ => self.message(message),
            },
        }
    }

    /// Every schema that was referred to, and those they refer to.
    fn finish(mut self) -> BTreeMap<String, Json> {
        while let Some(wanted) = self.wanted.pop() {
            let name = match &wanted {
                Wanted::Message(message) => {
                    type_name(&self.catalog.pool, message.package_name(), message.name())
                }
                Wanted::Enum(descriptor) => {
                    type_name(&self.catalog.pool, descriptor.package_name(), descriptor.name())
                }
            };
            if self.done.contains_key(&name) {
                continue;
            }
            let schema = match wanted {
                Wanted::Message(message) => {
                    let properties: Map<_, _> = message
                        .fields()
                        .map(|field| (field.json_name().to_owned(), self.described(&field)))
                        .collect();
                    let comment = self.catalog.comments.of(message.parent_file().name(), message.path());
                    json!({"type": "object", "description": comment, "properties": properties})
                }
                Wanted::Enum(descriptor) => self.enumeration(&descriptor),
            };
            self.done.insert(name, schema);
        }
        self.done
    }

    fn enumeration(&self, descriptor: &EnumDescriptor) -> Json {
        let comments = &self.catalog.comments;
        let (file, comment) =
            (descriptor.parent_file(), comments.of(descriptor.parent_file().name(), descriptor.path()));
        let values: Vec<_> = descriptor.values().map(|value| value.name().to_owned()).collect();
        let meanings = descriptor
            .values()
            .map(|value| format!("\n- `{}`: {}", value.name(), comments.of(file.name(), value.path())))
            .collect::<String>();
        json!({"type": "string", "description": format!("{comment}\n{meanings}"), "enum": values})
    }
}

fn problem() -> Json {
    json!({
        "type": "object",
        "description": "An error (RFC 9457).",
        "required": ["type", "title", "status", "detail", "instance", "reason", "metadata", "violations"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference", "description": "Where the reason is explained."},
            "title": {"type": "string", "description": "What kind of error it is."},
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": {"type": "string", "description": "What happened and what helps, in the language of the caller."},
            "instance": {"type": "string", "description": "The id of the request, for support."},
            "reason": {"type": "string", "description": "Why, for programs: UPPER_SNAKE_CASE."},
            "metadata": {"type": "object", "additionalProperties": {"type": "string"}, "description": "More for programs."},
            "violations": {
                "type": "array",
                "description": "The fields that are wrong.",
                "items": {
                    "type": "object",
                    "required": ["field", "reason", "description"],
                    "properties": {
                        "field": {"type": "string", "description": "The field, as a path in JSON names."},
                        "reason": {"type": "string", "description": "Why, for programs."},
                        "description": {"type": "string", "description": "The remedy, in the language of the caller."},
                    },
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(json: &Json, out: &mut BTreeSet<String>) {
        match json {
            Json::Object(object) => {
                for (key, value) in object {
                    if let (true, Some(target)) = (key == "$ref", value.as_str()) {
                        out.insert(target.to_owned());
                    }
                    references(value, out);
                }
            }
            Json::Array(items) => items.iter().for_each(|item| references(item, out)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_rpc_is_there() {
        let catalog = Catalog::new(mpp_proto::DESCRIPTORS).expect("the contracts");
        let document = document(&catalog, "mpp_session");
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 40, "{}", found.len());
        for target in found {
            assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target} leads nowhere");
        }
        let operations: usize = document["paths"]
            .as_object()
            .expect("paths")
            .values()
            .map(|path| path.as_object().map_or(0, Map::len))
            .sum();
        assert_eq!(operations, catalog.bindings.len());
        // Two messages or enums with one name would share a schema.
        let mut names = BTreeSet::new();
        for name in catalog
            .pool
            .all_messages()
            .filter(|m| m.package_name().starts_with("mpp.") && !m.is_map_entry())
            .map(|m| type_name(&catalog.pool, m.package_name(), m.name()))
        {
            assert!(names.insert(name.clone()), "{name} is there twice");
        }
    }

    #[test]
    fn an_operation_says_what_it_takes_and_who_may() {
        let catalog = Catalog::new(mpp_proto::DESCRIPTORS).expect("the contracts");
        let document = document(&catalog, "mpp_session");
        let call = &document["paths"]["/v1/counters/{counter}:callNext"]["post"];
        assert_eq!(call["x-permission"], "queue.call");
        assert_eq!(call["security"], json!([{"bearer": []}, {"session": []}]));
        assert_eq!(call["parameters"][0]["in"], "path");
        assert_eq!(call["parameters"][1]["name"], "Idempotency-Key");
        assert!(call["responses"]["200"]["headers"]["Idempotent-Replayed"].is_object());
        let body = &call["requestBody"]["content"]["application/json"]["schema"]["properties"];
        assert!(body.get("counter").is_none() && body.get("expectedCurrent").is_some(), "{body}");
        assert_eq!(document["paths"]["/v1/sessions"]["post"]["security"], json!([]));
        let list = &document["paths"]["/v1/halls/{hall}/tickets"]["get"]["parameters"];
        assert_eq!(
            list[1],
            json!({
                "name": "states", "in": "query", "description": "Only tickets in one of these states; empty for all.",
                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/TicketState"}},
            })
        );
        let watch = &document["paths"]["/v1/halls/{hall}/board:watch"]["get"]["responses"]["200"]["content"];
        assert!(watch.get("text/event-stream").is_some());
        let seq = &document["components"]["schemas"]["QueueWatchBoardResponse"]["properties"]["seq"];
        assert_eq!((&seq["type"], &seq["format"]), (&json!("string"), &json!("int64")));
    }
}
