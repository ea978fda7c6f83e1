//! Finds the binding of a method and path. Paths are those of `google.api.http`: literal segments, `{variables}` of one
//! segment, and a verb after a colon at the end (`/v1/counters/{counter}:callNext`), which axum's router cannot hold.
//!
//! A tree over segments: the cost of a look-up grows with the length of the path, not with the number of routes. A raw
//! colon in the last segment always begins a verb; one that belongs to a value is written `%3A`.

use std::{borrow::Cow, collections::HashMap};

use anyhow::{Context as _, bail, ensure};
use http::Method;
use percent_encoding::percent_decode_str;

/// A parsed path template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template {
    segments: Vec<Segment>,
    verb: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Variable(String),
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// If it does not begin with a slash, has an empty segment, or uses a form that the suite does not use (`*`, `**`,
    /// `{name=…}`).
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let path = text.strip_prefix('/').with_context(|| format!("{text} does not begin with /"))?;
        let (path, verb) = match path.rsplit_once(':') {
            Some((path, verb)) => (path, Some(verb.to_owned())),
            None => (path, None),
        };
        ensure!(verb.as_ref().is_none_or(|verb| is_name(verb)), "{text}: the verb is not a name");
        let segments = path.split('/').map(|segment| match segment.strip_prefix('{') {
            Some(variable) => match variable.strip_suffix('}') {
                Some(name) if is_name(name) => Ok(Segment::Variable(name.to_owned())),
                Some(_) | None => bail!("{text}: {segment} is not a plain variable"),
            },
            None if segment.is_empty() || segment.contains(['*', '{', '}', '%']) => {
                bail!("{text}: {segment:?} is not a literal")
            }
            None => Ok(Segment::Literal(segment.to_owned())),
        });
        Ok(Self { segments: segments.collect::<anyhow::Result<_>>()?, verb })
    }

    /// The names of its variables, in order.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Variable(name) => Some(name.as_str()),
            Segment::Literal(_) => None,
        })
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// All templates as a tree.
#[derive(Debug, Default)]
pub(crate) struct Matcher {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<String, Node>,
    variable: Option<Box<Node>>,
    ends: Vec<End>,
}

/// Where templates end: one verb, or none, with its methods.
#[derive(Debug)]
struct End {
    verb: Option<String>,
    methods: Vec<(Method, usize)>,
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'p> {
    /// The index given to [`Matcher::insert`], and the raw segments of the variables.
    Binding(usize, Vec<&'p str>),
    /// The path exists, with these methods only.
    OtherMethods(Vec<Method>),
    /// No template has this path.
    Nothing,
}

impl Matcher {
    /// Adds a template.
    ///
    /// # Errors
    /// If the same method and path are there already.
    pub(crate) fn insert(
        &mut self,
        template: &Template,
        method: &Method,
        index: usize,
    ) -> anyhow::Result<()> {
        let node = template.segments.iter().fold(&mut self.root, |node, segment| match segment {
            Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
            Segment::Variable(_) => node.variable.get_or_insert_default(),
        });
        let end = match node.ends.iter().position(|end| end.verb == template.verb) {
            Some(position) => &mut node.ends[position],
            None => {
                node.ends.push(End { verb: template.verb.clone(), methods: Vec::new() });
                let last = node.ends.len() - 1;
                &mut node.ends[last]
            }
        };
        ensure!(
            end.methods.iter().all(|(known, _)| known != method),
            "two bindings of {method} {template:?}"
        );
        end.methods.push((method.clone(), index));
        Ok(())
    }

    /// Finds the binding of a method and a raw path. `HEAD` finds `GET`.
    pub(crate) fn find<'p>(&self, method: &Method, path: &'p str) -> Found<'p> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let Some(path) = path.strip_prefix('/') else { return Found::Nothing };
        let (front, last) = path.rsplit_once('/').map_or((None, path), |(front, last)| (Some(front), last));
        let (last, verb) = last.rsplit_once(':').map_or((last, None), |(last, verb)| (last, Some(verb)));
        let segments: Vec<&str> =
            front.into_iter().flat_map(|front| front.split('/')).chain([last]).collect();
        let mut captures = Vec::with_capacity(2);
        let mut others = Vec::new();
        match self.root.walk(&segments, verb, method, &mut captures, &mut others) {
            Some(index) => Found::Binding(index, captures),
            None if others.is_empty() => Found::Nothing,
            None => Found::OtherMethods(others),
        }
    }
}

impl Node {
    /// Goes down the tree, literals first. Leaves the captures of the way that was found.
    fn walk<'p>(
        &self,
        segments: &[&'p str],
        verb: Option<&str>,
        method: &Method,
        captures: &mut Vec<&'p str>,
        others: &mut Vec<Method>,
    ) -> Option<usize> {
        let Some((first, rest)) = segments.split_first() else {
            let end = self.ends.iter().find(|end| end.verb.as_deref() == verb)?;
            let found = end.methods.iter().find(|(known, _)| known == method).map(|(_, index)| *index);
            if found.is_none() {
                others.extend(end.methods.iter().map(|(known, _)| known.clone()));
            }
            return found;
        };
        if let Some(found) =
            self.literals.get(*first).and_then(|next| next.walk(rest, verb, method, captures, others))
        {
            return Some(found);
        }
        let next = self.variable.as_ref().filter(|_| !first.is_empty())?;
        captures.push(first);
        let found = next.walk(rest, verb, method, captures, others);
        if found.is_none() {
            captures.pop();
        }
        found
    }
}

/// The text of a raw path segment; `None` if it is not percent-encoded UTF-8.
pub(crate) fn decoded(segment: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(segment).decode_utf8().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher() -> anyhow::Result<Matcher> {
        let mut matcher = Matcher::default();
        let routes = [
            (Method::GET, "/v1/halls"),
            (Method::POST, "/v1/halls:apply"),
            (Method::GET, "/v1/halls/{hall}"),
            (Method::POST, "/v1/halls/{hall}:openDay"),
            (Method::GET, "/v1/halls/{hall}/tickets"),
            (Method::POST, "/v1/halls/{hall}/tickets"),
            (Method::POST, "/v1/halls/{hall}/tickets:onsite"),
            (Method::GET, "/v1/halls/{hall}/board:watch"),
            (Method::POST, "/v1/counters/{counter}:callNext"),
            (Method::GET, "/.well-known/jwks.json"),
            (Method::DELETE, "/v1/sessions/current"),
            (Method::PATCH, "/v1/sessions/{session}"),
        ];
        for (index, (method, template)) in routes.iter().enumerate() {
            matcher.insert(&Template::parse(template)?, method, index)?;
        }
        Ok(matcher)
    }

    #[test]
    fn finds_literals_variables_and_verbs() -> anyhow::Result<()> {
        let matcher = matcher()?;
        let cases = [
            (Method::GET, "/v1/halls", Found::Binding(0, vec![])),
            (Method::HEAD, "/v1/halls", Found::Binding(0, vec![])),
            (Method::POST, "/v1/halls:apply", Found::Binding(1, vec![])),
            (Method::GET, "/v1/halls/hal_1", Found::Binding(2, vec!["hal_1"])),
            (Method::POST, "/v1/halls/hal_1:openDay", Found::Binding(3, vec!["hal_1"])),
            (Method::POST, "/v1/halls/hal_1/tickets", Found::Binding(5, vec!["hal_1"])),
            (Method::POST, "/v1/halls/hal_1/tickets:onsite", Found::Binding(6, vec!["hal_1"])),
            (Method::GET, "/v1/halls/hal_1/board:watch", Found::Binding(7, vec!["hal_1"])),
            (Method::POST, "/v1/counters/ctr_9:callNext", Found::Binding(8, vec!["ctr_9"])),
            (Method::POST, "/v1/counters/a%3Ab:callNext", Found::Binding(8, vec!["a%3Ab"])),
            (Method::GET, "/.well-known/jwks.json", Found::Binding(9, vec![])),
            (Method::DELETE, "/v1/sessions/current", Found::Binding(10, vec![])),
            (Method::PATCH, "/v1/sessions/current", Found::Binding(11, vec!["current"])),
            (Method::PUT, "/v1/halls/hal_1/tickets", Found::OtherMethods(vec![Method::GET, Method::POST])),
            (Method::GET, "/v1/counters/ctr_9:callNext", Found::OtherMethods(vec![Method::POST])),
            (Method::GET, "/v1/counters/ctr_9:dance", Found::Nothing),
            (Method::POST, "/v1/counters/ctr_9", Found::Nothing),
            (Method::POST, "/v1/counters/:callNext", Found::Nothing),
            (Method::GET, "/v1/halls/", Found::Nothing),
            (Method::GET, "/v1//tickets", Found::Nothing),
            (Method::GET, "/v1/halls/hal_1/tickets/more", Found::Nothing),
            (Method::GET, "/", Found::Nothing),
            (Method::GET, "*", Found::Nothing),
        ];
        for (method, path, expected) in cases {
            assert_eq!(matcher.find(&method, path), expected, "{method} {path}");
        }
        Ok(())
    }

    #[test]
    fn refuses_templates_it_could_not_serve() -> anyhow::Result<()> {
        for template in
            ["v1/halls", "/v1//halls", "/v1/{name=halls/*}", "/v1/*", "/v1/{hall", "/v1/halls:", "/v1/{}"]
        {
            assert!(Template::parse(template).is_err(), "{template}");
        }
        let mut matcher = matcher()?;
        assert!(
            matcher.insert(&Template::parse("/v1/halls/{other}")?, &Method::GET, 99).is_err(),
            "the same path twice"
        );
        Ok(())
    }

    #[test]
    fn decodes_segments() {
        assert_eq!(decoded("a%3Ab%2Fc").as_deref(), Some("a:b/c"));
        assert_eq!(decoded("plain").as_deref(), Some("plain"));
        assert_eq!(decoded("%ff"), None);
    }
}
