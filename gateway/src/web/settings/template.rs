//! Texts of answers that handlers begin with.

use mpp_proto::complaints::v1::{ApplyResponseTemplateRequest, ResponseTemplate};
use tonic::Status;

use super::{Apply, Loaded, Look, Part, Refused, inputs::Maker, yes};
use crate::web::{complaints, fields::Input, form::Sent};

const KINDS: [&str; 5] = ["FIRST_ANSWER", "ANSWER", "QUESTION", "ARCHIVE", "FORWARD"];

pub(super) async fn load(look: &Look<'_>) -> Result<Loaded, Status> {
    let all = complaints::templates(look.state, look.visit, look.viewer).await?;
    let t = look.t();
    let mut values = Sent::default();
    values.set("aktif", "ya");
    if let Some(one) = all.iter().find(|one| one.id == look.asked) {
        for (name, value) in [
            ("id", one.id.clone()),
            ("macam", one.kind.clone()),
            ("nama", one.name.clone()),
            ("teks", one.text.clone()),
            ("aktif", yes(one.active).to_owned()),
        ] {
            values.set(name, value);
        }
    }
    let row = |one: &ResponseTemplate| {
        let facts = vec![complaints::keyed("kind", &one.kind, t), one.text.clone()];
        let mut row = look.row(Part::Template, &one.id, one.name.clone(), facts);
        if !one.active {
            row.chips.push((t["rules.inactive"].clone(), "off"));
        }
        row
    };
    Ok(Loaded { rows: all.iter().map(row).collect(), values })
}

pub(super) fn inputs(make: &Maker<'_>) -> Vec<Input> {
    vec![
        Input { kind: "hidden", ..make.line("id", true, 60) },
        make.listed("macam", "select", true, "kind", &KINDS),
        make.line("nama", true, 100),
        make.area("teks", true, 4_000),
        make.active(),
    ]
}

/// The input that a field of the request stands for.
pub(super) fn input_of(field: &str) -> &'static str {
    match field {
        "name" => "nama",
        "kind" => "macam",
        "text" => "teks",
        _ => "",
    }
}

pub(super) async fn save(apply: &Apply<'_>) -> Result<(), Refused> {
    let template = ResponseTemplate {
        id: apply.text("id"),
        kind: apply.text("macam"),
        name: apply.text("nama"),
        text: apply.text("teks"),
        active: apply.is("aktif"),
    };
    let request =
        ApplyResponseTemplateRequest { request_id: apply.request_id.clone(), template: Some(template) };
    apply.service().apply_response_template(apply.call(request)).await?;
    Ok(())
}
