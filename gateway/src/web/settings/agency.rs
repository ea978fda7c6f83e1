//! Agencies that cases go to.

use mpp_proto::complaints::v1::{Agency, ApplyAgencyRequest};

use super::{Apply, Loaded, Look, Part, Refused, inputs::Maker, yes};
use crate::web::{fields::Input, form::Sent};

pub(super) fn load(look: &Look<'_>) -> Loaded {
    let t = look.t();
    let mut values = Sent::default();
    values.set("aktif", "ya");
    values.set("inspektorat", "tidak");
    values.set("batas_tolak", "3");
    if let Some(one) = look.agencies.iter().find(|one| one.id == look.asked) {
        for (name, value) in [
            ("kode", one.id.clone()),
            ("nama", one.name.clone()),
            ("kalender", one.calendar_id.clone()),
            ("inspektorat", yes(one.inspectorate).to_owned()),
            ("aktif", yes(one.active).to_owned()),
            ("batas_tolak", one.bounce_limit.to_string()),
        ] {
            values.set(name, value);
        }
    }
    let row = |one: &Agency| {
        let facts = vec![one.calendar_id.clone(), t.say("rules.bounces", &[("n", &one.bounce_limit)])];
        let mut row = look.row(Part::Agency, &one.id, format!("{} · {}", one.name, one.id), facts);
        if one.inspectorate {
            row.chips.push((t["rules.inspectorate"].clone(), "help"));
        }
        if !one.active {
            row.chips.push((t["rules.inactive"].clone(), "off"));
        }
        row
    };
    Loaded { rows: look.agencies.iter().map(row).collect(), values }
}

pub(super) fn inputs(make: &Maker<'_>) -> Vec<Input> {
    vec![
        make.line("kode", true, 60),
        make.line("nama", true, 200),
        make.line("kalender", false, 60),
        make.line("batas_tolak", false, 3),
        make.listed("inspektorat", "radio", true, "yes", &["ya", "tidak"]),
        make.active(),
    ]
}

/// The input that a field of the request stands for.
pub(super) fn input_of(field: &str) -> &'static str {
    match field {
        "name" => "nama",
        "id" => "kode",
        "calendar_id" => "kalender",
        "bounce_limit" => "batas_tolak",
        _ => "",
    }
}

pub(super) async fn save(apply: &Apply<'_>) -> Result<(), Refused> {
    let agency = Agency {
        id: apply.text("kode"),
        name: apply.text("nama"),
        calendar_id: apply.text("kalender"),
        inspectorate: apply.is("inspektorat"),
        active: apply.is("aktif"),
        bounce_limit: apply.number("batas_tolak")?,
    };
    let request = ApplyAgencyRequest { request_id: apply.request_id.clone(), agency: Some(agency) };
    apply.service().apply_agency(apply.call(request)).await?;
    Ok(())
}
