//! The public surface as `/openapi.json` tells it, and addresses that reach all of it: what is added to the contracts is in
//! it by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::rest::Api;

/// Addresses of one operation at most.
const MOST: usize = 40;

/// An operation of the contracts.
#[derive(Debug)]
pub struct Operation {
    /// `get`, `post` or `delete`.
    pub method: String,
    /// With its variables in braces.
    pub path: String,
    /// Whether it answers with a stream of events.
    pub streams: bool,
    parameters: Vec<Parameter>,
    body: Option<Value>,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    in_path: bool,
    /// What its ids begin with, such as `cmp_`.
    prefix: Option<String>,
    choices: Vec<String>,
    schema: Value,
}

/// What fills variables: by name, or by what ids begin with.
#[derive(Debug, Clone, Default)]
pub struct Known(BTreeMap<String, BTreeSet<String>>);

impl Known {
    /// Adds values of a variable.
    pub fn add<V: Into<String>>(&mut self, name: &str, values: impl IntoIterator<Item = V>) {
        self.0.entry(name.to_owned()).or_default().extend(values.into_iter().map(Into::into));
    }

    /// Takes every id out of an answer.
    pub fn learn(&mut self, answer: &Value) {
        match answer {
            Value::String(text) => {
                let prefix = text.get(..4).filter(|it| it.ends_with('_') && text.len() > 20);
                let is_id = text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
                if let Some(prefix) = prefix.filter(|_| is_id) {
                    self.add(prefix, [text.as_str()]);
                }
            }
            Value::Array(items) => items.iter().for_each(|it| self.learn(it)),
            Value::Object(fields) => fields.values().for_each(|it| self.learn(it)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn of(&self, name: &str) -> Option<Vec<String>> {
        self.0.get(name).map(|it| it.iter().cloned().collect())
    }
}

/// Reads the surface.
///
/// # Panics
/// When it is no description of one.
pub async fn operations(api: &Api) -> Vec<Operation> {
    let document = api.get("/openapi.json").await.ok();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, told) in methods.as_object().expect("methods") {
            let answer = &told["responses"]["200"]["content"];
            operations.push(Operation {
                method: method.clone(),
                path: path.clone(),
                streams: answer.get("text/event-stream").is_some(),
                parameters: parameters(told, &document),
                body: told["requestBody"]["content"]["application/json"].get("schema").map(|it| {
                    let schema = resolved(it, &document);
                    schema["properties"].clone()
                }),
            });
        }
    }
    operations
}

fn resolved<'d>(schema: &'d Value, document: &'d Value) -> &'d Value {
    let name = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next());
    name.map_or(schema, |name| &document["components"]["schemas"][name])
}

fn parameters(told: &Value, document: &Value) -> Vec<Parameter> {
    let all = told["parameters"].as_array().into_iter().flatten();
    all.filter(|it| it["in"] != "header" && it["name"].is_string())
        .map(|it| {
            let schema = resolved(&it["schema"], document);
            let schema =
                if schema["type"] == "array" { resolved(&schema["items"], document) } else { schema };
            let choices = schema["enum"].as_array().into_iter().flatten();
            Parameter {
                name: it["name"].as_str().unwrap_or_default().to_owned(),
                in_path: it["in"] == "path",
                prefix: prefix(it["description"].as_str().unwrap_or_default()),
                choices: choices.filter_map(|it| it.as_str().map(ToOwned::to_owned)).collect(),
                schema: schema.clone(),
            }
        })
        .collect()
}

/// What ids begin with: `cmp_` in "The case, cmp_….".
fn prefix(description: &str) -> Option<String> {
    let (before, _) = description.split_once("_…")?;
    let word = before.rsplit(|it: char| !it.is_ascii_lowercase()).next()?;
    (word.len() == 3).then(|| format!("{word}_"))
}

impl Parameter {
    /// What is known of it: ids by what they begin with, everything else by its name.
    fn values(&self, known: &Known) -> Option<Vec<String>> {
        match &self.prefix {
            Some(prefix) => known.of(prefix),
            None => known.of(&self.name),
        }
    }
}

impl Operation {
    /// Addresses that read everything that is known: each id, each choice, each value.
    ///
    /// # Panics
    /// When nothing fills a variable of its path: say in the test what does.
    #[must_use]
    pub fn addresses(&self, known: &Known) -> Vec<String> {
        let mut paths = vec![self.path.clone()];
        for parameter in self.parameters.iter().filter(|it| it.in_path) {
            // Where there is none of these yet, what is not there must be refused without a word too.
            let missing = || Some(vec![format!("{}01jg8q3v5efz2sb0kq4w7r9tdm", parameter.prefix.as_ref()?)]);
            let values = parameter.values(known).or_else(missing);
            let values = values.unwrap_or_else(|| panic!("what fills {} of {}?", parameter.name, self.path));
            let braces = format!("{{{}}}", parameter.name);
            paths = values
                .iter()
                .flat_map(|value| paths.iter().map(|path| path.replace(&braces, value)).collect::<Vec<_>>())
                .take(MOST)
                .collect();
        }
        let has_page = self.parameters.iter().any(|it| it.name == "pageSize");
        let page = if has_page { "pageSize=200" } else { "" };
        let mut queries = vec![page.to_owned()];
        for parameter in self.parameters.iter().filter(|it| !it.in_path) {
            let values = match parameter.values(known) {
                Some(values) => values,
                None if parameter.schema["type"] == "boolean" => vec!["true".to_owned()],
                None => parameter.choices.clone(),
            };
            let others = self.others(&parameter.name, known);
            let values = values.iter().take(MOST);
            queries.extend(values.map(|value| format!("{page}&{others}&{}={value}", parameter.name)));
        }
        let all = paths.iter().flat_map(|path| queries.iter().map(move |query| format!("{path}?{query}")));
        all.collect()
    }

    /// One value of each other number that is known, so that what needs two of them, such as a point, is reached.
    fn others(&self, name: &str, known: &Known) -> String {
        let is_number = |it: &&Parameter| it.schema["type"] == "number";
        let all = self.parameters.iter().filter(|it| !it.in_path && it.name != name).filter(is_number);
        let one = all.filter_map(|it| Some(format!("{}={}", it.name, it.values(known)?.first()?)));
        one.collect::<Vec<_>>().join("&")
    }

    /// Bodies that are wrong: every field holds `value`, first where texts belong, then everywhere, beside a field that is
    /// not known.
    #[must_use]
    pub fn wrong_bodies(&self, value: &str) -> Vec<Value> {
        let Some(properties) = self.body.as_ref().and_then(Value::as_object) else { return Vec::new() };
        let texts: Map<String, Value> = properties
            .iter()
            .filter(|(_, schema)| schema["type"] == "string" && schema.get("format").is_none())
            .map(|(name, _)| (name.clone(), json!(value)))
            .collect();
        let mut everywhere: Map<String, Value> =
            properties.keys().map(|name| (name.clone(), json!({"isi": value}))).collect();
        everywhere.insert("tidakDikenal".to_owned(), json!(value));
        vec![texts.into(), everywhere.into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_known_by_what_they_begin_with() {
        assert_eq!(prefix("The case, cmp_…."), Some("cmp_".to_owned()));
        assert_eq!(prefix("Only those to this account, acc_…."), Some("acc_".to_owned()));
        assert_eq!(prefix("Id of the hall."), None);
        let mut known = Known::default();
        known.learn(&json!({"cases": [{"id": "cmp_01jg8q3v5efz2sb0kq4w7r9tdm", "state": "x_y"}]}));
        assert_eq!(known.of("cmp_"), Some(vec!["cmp_01jg8q3v5efz2sb0kq4w7r9tdm".to_owned()]));
        assert_eq!(known.0.len(), 1);
    }
}
