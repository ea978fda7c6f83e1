//! Who acts for an official, until when.

use mpp_proto::complaints::v1::{Acting, ApplyActingRequest, ListActingsRequest};
use tonic::Status;

use super::{Apply, Loaded, Look, Part, Refused, inputs::Maker, official};
use crate::web::{complaints, fields::Input, form::Sent, moment, visit::every};

pub(super) async fn load(look: &Look<'_>) -> Result<Loaded, Status> {
    let (officials, all) = tokio::join!(
        official::all(look),
        every!(
            look.visit,
            Some(look.viewer),
            look.state.complaints,
            list_actings(ListActingsRequest {}).actings
        )
    );
    let (officials, all) = (officials?, all?);
    let t = look.t();
    let mut values = Sent::default();
    values.set("sebutan", "PLH");
    if let Some(one) = all.iter().find(|one| one.id == look.asked) {
        for (name, value) in [
            ("jabatan_id", one.official_id.clone()),
            ("akun", one.account_id.clone()),
            ("sebutan", one.title.clone()),
            ("sk", one.decree.clone()),
            ("dari", moment::written(one.from, look.zone)),
            ("sampai", moment::written(one.to, look.zone)),
        ] {
            values.set(name, value);
        }
    }
    let row = |one: &Acting| {
        let office = officials.iter().find(|office| office.id == one.official_id);
        let office = office.map_or(one.official_id.as_str(), |office| office.title.as_str());
        let span = format!(
            "{} – {}",
            moment::moment(one.from, look.zone, look.visit.language),
            moment::moment(one.to, look.zone, look.visit.language)
        );
        let title = format!("{} {office}", complaints::keyed("acting", &one.title, t));
        look.row(Part::Acting, &one.id, title, vec![one.account_id.clone(), one.decree.clone(), span])
    };
    Ok(Loaded { rows: all.iter().map(row).collect(), values })
}

pub(super) fn inputs(make: &Maker<'_>) -> Vec<Input> {
    vec![
        make.line("jabatan_id", true, 60),
        make.listed("sebutan", "radio", true, "acting", &["PLT", "PLH"]),
        make.line("akun", true, 60),
        make.line("sk", true, 200),
        Input { kind: "datetime-local", ..make.line("dari", true, 0) },
        Input { kind: "datetime-local", ..make.line("sampai", true, 0) },
    ]
}

/// The input that a field of the request stands for.
pub(super) fn input_of(field: &str) -> &'static str {
    match field {
        "account_id" => "akun",
        "official_id" => "jabatan_id",
        "title" => "sebutan",
        "decree" => "sk",
        "from" => "dari",
        "to" => "sampai",
        _ => "",
    }
}

pub(super) async fn save(apply: &Apply<'_>) -> Result<(), Refused> {
    let from = moment::read(apply.sent.get("dari"), apply.zone);
    let to = moment::read(apply.sent.get("sampai"), apply.zone);
    let acting = Acting {
        official_id: apply.text("jabatan_id"),
        account_id: apply.text("akun"),
        title: apply.text("sebutan"),
        decree: apply.text("sk"),
        from: Some(from.ok_or(Refused::Wrong("dari", "report.bad_time"))?),
        to: Some(to.ok_or(Refused::Wrong("sampai", "report.bad_time"))?),
        ..Acting::default()
    };
    let request = ApplyActingRequest { request_id: apply.request_id.clone(), acting: Some(acting) };
    apply.service().apply_acting(apply.call(request)).await?;
    Ok(())
}
