//! Who stands on which rung of the ladder.

use mpp_proto::complaints::v1::{ApplyOfficialRequest, ListOfficialsRequest, Official};
use tonic::Status;

use super::{Apply, Loaded, Look, Part, RUNGS, Refused, inputs::Maker};
use crate::web::{complaints, fields::Input, form::Sent, moment, visit::every};

/// Everybody who stands on a rung.
pub(super) async fn all(look: &Look<'_>) -> Result<Vec<Official>, Status> {
    every!(
        look.visit,
        Some(look.viewer),
        look.state.complaints,
        list_officials(ListOfficialsRequest {}).officials
    )
    .await
}

pub(super) async fn load(look: &Look<'_>) -> Result<Loaded, Status> {
    let all = all(look).await?;
    let t = look.t();
    let mut values = Sent::default();
    if let Some(one) = all.iter().find(|one| one.id == look.asked) {
        for (name, value) in [
            ("jenjang", one.rung.clone()),
            ("instansi", one.agency_id.clone()),
            ("jabatan", one.title.clone()),
            ("akun", one.account_id.clone()),
        ] {
            values.set(name, value);
        }
    }
    let row = |one: &Official| {
        let agency = match one.agency_id.as_str() {
            "" => String::new(),
            id => complaints::agency_name(id, look.agencies, t),
        };
        let facts = vec![complaints::keyed("rung", &one.rung, t), agency, one.account_id.clone()];
        let mut row = look.row(Part::Official, &one.id, one.title.clone(), facts);
        if !one.acting_account_id.is_empty() {
            row.chips.push((t.say("rules.acting", &[("who", &one.acting_account_id)]), "warn"));
        }
        if one.failing_since.is_some() {
            let since = moment::moment(one.failing_since, look.zone, look.visit.language);
            row.chips.push((t.say("rules.failing", &[("time", &since)]), "warn"));
        }
        row
    };
    Ok(Loaded { rows: all.iter().map(row).collect(), values })
}

pub(super) fn inputs(look: &Look<'_>, make: &Maker<'_>) -> Vec<Input> {
    vec![
        make.listed("jenjang", "select", true, "rung", &RUNGS),
        make.choose("instansi", "select", false, look.agency_choices(make)),
        make.line("jabatan", true, 200),
        make.line("akun", true, 60),
    ]
}

/// The input that a field of the request stands for.
pub(super) fn input_of(field: &str) -> &'static str {
    match field {
        "agency_id" => "instansi",
        "rung" => "jenjang",
        "title" => "jabatan",
        "account_id" => "akun",
        _ => "",
    }
}

pub(super) async fn save(apply: &Apply<'_>) -> Result<(), Refused> {
    let official = Official {
        rung: apply.text("jenjang"),
        agency_id: apply.text("instansi"),
        title: apply.text("jabatan"),
        account_id: apply.text("akun"),
        ..Official::default()
    };
    let request = ApplyOfficialRequest { request_id: apply.request_id.clone(), official: Some(official) };
    apply.service().apply_official(apply.call(request)).await?;
    Ok(())
}
