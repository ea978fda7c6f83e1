//! `services`: the leaves of the tree of categories, and the questions of one of them.

use std::collections::BTreeSet;

use http::HeaderMap;
use mpp_proto::complaints::v1::{Category, ExtraQuestion, ListCategoriesRequest};

use super::{Answer, Errors, Node, Open311, Params, call};

/// Pages of categories at most: more than any installation has.
const PAGES: usize = 20;

/// The categories that take reports, and the name of what is above each.
pub(super) struct Services(Vec<Category>);

impl Services {
    pub(super) async fn read(state: &Open311, headers: &HeaderMap) -> Result<Self, Errors> {
        let mut categories = Vec::new();
        let mut page_token = String::new();
        for _ in 0..PAGES {
            let request = ListCategoriesRequest { page_size: 200, page_token };
            let page = state.complaints.clone().list_categories(call(request, headers)).await?.into_inner();
            categories.extend(page.categories);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        Ok(Self(categories))
    }

    /// Those that stand for a service: what reports are filed under, not what only groups others.
    fn leaves(&self) -> impl Iterator<Item = &Category> {
        let parents = self.0.iter().map(|it| it.parent.as_str()).collect::<BTreeSet<_>>();
        self.0.iter().filter(move |it| it.active && !parents.contains(it.key.as_str()))
    }

    pub(super) fn find(&self, code: &str) -> Option<&Category> {
        self.leaves().find(|it| it.key == code)
    }

    fn group(&self, category: &Category) -> &str {
        self.0.iter().find(|it| it.key == category.parent).map(|it| it.name.as_str()).unwrap_or_default()
    }
}

pub(super) async fn list(state: &Open311, headers: &HeaderMap, params: &Params) -> Result<Answer, Errors> {
    state.check_jurisdiction(params)?;
    let services = Services::read(state, headers).await?;
    let nodes = services.leaves().map(|category| {
        Node::Object(vec![
            ("service_code", Node::text(&category.key)),
            ("service_name", Node::text(&category.name)),
            ("description", Node::text(&category.description)),
            ("metadata", Node::Bool(!category.questions.is_empty())),
            ("type", Node::text("realtime")),
            ("keywords", Node::text(category.keywords.join(","))),
            ("group", Node::text(services.group(category))),
        ])
    });
    Ok(Answer::ok("services", Node::List("service", nodes.collect())))
}

pub(super) async fn definition(
    state: &Open311,
    headers: &HeaderMap,
    params: &Params,
    code: &str,
) -> Result<Answer, Errors> {
    state.check_jurisdiction(params)?;
    let services = Services::read(state, headers).await?;
    let category = services.find(code).filter(|it| !it.questions.is_empty());
    let Some(category) = category else {
        return Err(Errors::new(404, format!("service_code {code} was not found, or has no definition")));
    };
    let attributes = Node::List("attribute", questions(category).into_iter().map(attribute).collect());
    let fields = vec![("service_code", Node::text(&category.key)), ("attributes", attributes)];
    Ok(Answer::ok("service_definition", Node::Object(fields)))
}

/// The questions in their order.
pub(super) fn questions(category: &Category) -> Vec<&ExtraQuestion> {
    let mut questions = category.questions.iter().collect::<Vec<_>>();
    questions.sort_by_key(|it| (it.order, it.key.clone()));
    questions
}

fn attribute(question: &ExtraQuestion) -> Node {
    let mut values = question.values.iter().collect::<Vec<_>>();
    values.sort();
    let values = values
        .into_iter()
        .map(|(key, name)| Node::Object(vec![("key", Node::text(key)), ("name", Node::text(name))]));
    Node::Object(vec![
        ("variable", Node::Bool(true)),
        ("code", Node::text(&question.key)),
        ("datatype", Node::text(&question.datatype)),
        ("required", Node::Bool(question.required)),
        ("datatype_description", Node::Null),
        ("order", Node::Integer(question.order.into())),
        ("description", Node::text(&question.label)),
        ("values", Node::List("value", values.collect())),
    ])
}
