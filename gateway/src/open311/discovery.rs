//! `discovery`: where the interface is, and whom to ask for a key.

use super::{Answer, Errors, Node, Open311, config::EndpointType};

const SPECIFICATION: &str = "http://wiki.open311.org/GeoReport_v2";

pub(super) fn get(state: &Open311) -> Result<Answer, Errors> {
    let config = &state.config;
    let kind = match config.endpoint_type {
        EndpointType::Production => "production",
        EndpointType::Test => "test",
    };
    let endpoint = Node::Object(vec![
        ("specification", Node::text(SPECIFICATION)),
        ("url", Node::text(state.endpoint())),
        ("changeset", Node::text(&config.changeset)),
        ("type", Node::text(kind)),
        ("formats", Node::List("format", vec![Node::text("text/xml"), Node::text("application/json")])),
    ]);
    Ok(Answer::ok(
        "discovery",
        Node::Object(vec![
            ("changeset", Node::text(&config.changeset)),
            ("contact", Node::text(&config.contact)),
            ("key_service", Node::text(&config.key_service)),
            ("endpoints", Node::List("endpoint", vec![endpoint])),
        ]),
    ))
}
