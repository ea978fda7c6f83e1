//! Deadlines with their sources, and who vouched for each.

use axum::extract::{Path, State};
use bytes::Bytes;
use mpp_proto::complaints::v1::{
    ApplyDeadlineRequest, ClockKind, Deadline, ListDeadlinesRequest, SignOffDeadlineRequest,
};
use tonic::Status;
use uuid::Uuid;

use super::{Apply, CONFIGURE, Loaded, Look, Part, Press, RUNGS, Refused, inputs::Maker};
use crate::web::{
    WebState, complaints,
    fields::{self, Choice, Input},
    form::Sent,
    letters::segment,
    pages,
    visit::{Answer, Visit, every},
    words,
};

/// Clocks that a deadline can set, with what forms call them.
const CLOCKS: [(ClockKind, &str); 5] = [
    (ClockKind::Verify, "verify"),
    (ClockKind::Accept, "accept"),
    (ClockKind::FirstAnswer, "first_answer"),
    (ClockKind::Settle, "settle"),
    (ClockKind::Reaction, "reaction"),
];
/// Every kecamatan as who holds a case.
const SUB_DISTRICT: &str = "SUB_DISTRICT";
const UNITS: [&str; 4] = ["WORKING_DAYS", "WORKING_HOURS", "DAYS", "HOURS"];

pub(super) async fn load(look: &Look<'_>) -> Result<Loaded, Status> {
    let mut all = every!(
        look.visit,
        Some(look.viewer),
        look.state.complaints,
        list_deadlines(ListDeadlinesRequest { in_force_only: false }).deadlines
    )
    .await?;
    all.sort_by_cached_key(|one| counted(&one.key));
    let t = look.t();
    let mut values = Sent::default();
    values.set("keyakinan", "B");
    if let Some(one) = all.iter().find(|one| one.id == look.asked) {
        let clock = CLOCKS.iter().find(|(clock, _)| *clock == one.clock()).map_or("", |(_, name)| name);
        let mut ladder: Vec<(u32, String)> = one
            .ladder
            .iter()
            .map(|(percent, rung)| (percent.parse().unwrap_or_default(), format!("{percent} {rung}")))
            .collect();
        ladder.sort();
        for (name, value) in [
            ("kunci", one.key.clone()),
            ("jam", clock.to_owned()),
            ("jenis", complaints::class_name(one.complaint_class()).to_owned()),
            ("jenis_tenggat", one.deadline_kind.clone()),
            ("pemegang", one.holder.clone()),
            ("nilai", one.value.to_string()),
            ("satuan", one.unit.clone()),
            ("sumber", one.source.clone()),
            ("keyakinan", one.confidence.clone()),
            ("keterangan", one.note.clone()),
            ("tangga", ladder.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n")),
        ] {
            values.set(name, value);
        }
    }
    let row = |one: &Deadline| {
        let amount = format!("{} {}", one.value, complaints::keyed("unit", &one.unit, t));
        let class = complaints::class_words(one.complaint_class(), t);
        let span = match one.valid_to.as_str() {
            "" => t.say("since", &[("time", &words::date(&one.valid_from, look.visit.language))]),
            to => format!(
                "{} – {}",
                words::date(&one.valid_from, look.visit.language),
                words::date(to, look.visit.language)
            ),
        };
        let clock = complaints::clock_words(one.clock(), t);
        let holder = holder_words(&one.holder, look);
        let (kind, source) = (one.deadline_kind.clone(), one.source.clone());
        let facts = vec![class, kind, holder, span, source, one.note.clone()];
        let mut title = vec![one.key.clone(), clock, amount];
        // Some set no clock of a case: the notice of a breach, the report of a quarter.
        title.retain(|part| !part.is_empty());
        let mut row = look.row(Part::Deadline, &one.id, title.join(" · "), facts);
        let sure = t.say("rules.confidence", &[("level", &one.confidence)]);
        row.chips.push((sure, if one.confidence == "A" { "good" } else { "warn" }));
        if one.signed_off_by.is_empty() {
            row.presses.push(Press {
                action: format!("/pengaturan-aduan/tenggat/{}/sahkan", segment(&one.id)),
                words: t["rules.sign_off"].clone(),
                hidden: vec![("kunci", Uuid::new_v4().to_string())],
                reason: false,
            });
        } else {
            row.chips.push((t["rules.signed_off"].clone(), "good"));
        }
        row
    };
    Ok(Loaded { rows: all.iter().map(row).collect(), values })
}

/// A key as people count: D2 before D10, D12C behind D12.
fn counted(key: &str) -> (String, u32, String) {
    let digits = key.find(|letter: char| letter.is_ascii_digit()).unwrap_or(key.len());
    let (before, rest) = key.split_at(digits);
    let behind = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let number = rest[..rest.len() - behind.len()].parse().unwrap_or_default();
    (before.to_owned(), number, behind.to_owned())
}

/// For who holds the case a row is; empty for anybody.
fn holder_words(holder: &str, look: &Look<'_>) -> String {
    let t = look.t();
    let who = match holder {
        "" => return String::new(),
        SUB_DISTRICT => t["rules.every_sub_district"].clone(),
        agency => complaints::agency_name(agency, look.agencies, t),
    };
    t.say("rules.for_holder", &[("who", &who)])
}

/// Whom a row may be for: every kecamatan, or an agency that takes cases; and the one it is for, whatever became of that.
fn holders(look: &Look<'_>, make: &Maker<'_>) -> Vec<Choice> {
    let chosen = make.values.get("pemegang");
    let every = Choice {
        value: SUB_DISTRICT.to_owned(),
        label: make.t["rules.every_sub_district"].clone(),
        chosen: chosen == SUB_DISTRICT,
        ..Choice::default()
    };
    let mut choices = vec![every];
    choices.extend(complaints::agency_choices(look.agencies, chosen));
    if !chosen.is_empty() && !choices.iter().any(|it| it.chosen) {
        choices.push(Choice {
            value: chosen.to_owned(),
            label: complaints::agency_name(chosen, look.agencies, make.t),
            chosen: true,
            ..Choice::default()
        });
    }
    choices
}

pub(super) fn inputs(look: &Look<'_>, make: &Maker<'_>) -> Vec<Input> {
    vec![
        make.line("kunci", true, 20),
        make.listed("jam", "select", false, "clock", &CLOCKS.map(|(_, name)| name)),
        make.choose("jenis", "select", false, classes(make)),
        make.line("jenis_tenggat", false, 40),
        make.choose("pemegang", "select", false, holders(look, make)),
        make.line("nilai", true, 6),
        make.listed("satuan", "select", true, "unit", &UNITS),
        make.line("sumber", true, 300),
        make.listed("keyakinan", "select", true, "confidence", &["A", "B", "C"]),
        make.area("keterangan", false, 1_000),
        Input { kind: "date", ..make.line("berlaku", true, 10) },
        make.area("tangga", false, 500),
    ]
}

/// The input that a field of the request stands for.
pub(super) fn input_of(field: &str) -> &'static str {
    match field {
        "key" => "kunci",
        "deadline_kind" => "jenis_tenggat",
        "holder" => "pemegang",
        "clock" => "jam",
        "complaint_class" => "jenis",
        "value" => "nilai",
        "unit" => "satuan",
        "source" => "sumber",
        "confidence" => "keyakinan",
        "note" => "keterangan",
        "valid_from" => "berlaku",
        "ladder" => "tangga",
        _ => "",
    }
}

pub(super) async fn save(apply: &Apply<'_>) -> Result<(), Refused> {
    let clock = CLOCKS.iter().find(|(_, name)| *name == apply.sent.get("jam"));
    let ladder = apply.lines("tangga", "rules.bad_ladder", rung)?;
    let deadline = Deadline {
        key: apply.text("kunci"),
        clock: clock.map_or(ClockKind::Unspecified, |(clock, _)| *clock).into(),
        complaint_class: complaints::class_of(apply.sent.get("jenis")).into(),
        deadline_kind: apply.text("jenis_tenggat"),
        holder: apply.text("pemegang"),
        value: apply.number("nilai")?,
        unit: apply.text("satuan"),
        source: apply.text("sumber"),
        confidence: apply.text("keyakinan"),
        note: apply.text("keterangan"),
        valid_from: apply.text("berlaku"),
        ladder: ladder.into_iter().collect(),
        ..Deadline::default()
    };
    let request = ApplyDeadlineRequest { request_id: apply.request_id.clone(), deadline: Some(deadline) };
    apply.service().apply_deadline(apply.call(request)).await?;
    Ok(())
}

/// Vouches for a row of the deadlines table.
pub(crate) async fn sign_off(
    State(state): State<WebState>,
    Path(id): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, CONFIGURE).await?;
    let request = SignOffDeadlineRequest { request_id: fields::form_key(&Sent::plain(&body)), deadline: id };
    let answer = state.complaints.clone().sign_off_deadline(visit.call(request, Some(&viewer))).await;
    answer.map_err(|status| visit.refused(&status))?;
    Ok(visit.redirect("/pengaturan-aduan/tenggat?tersimpan=1"))
}

fn classes(make: &Maker<'_>) -> Vec<Choice> {
    let classes = complaints::CLASSES.iter().map(|(class, name)| Choice {
        value: (*name).to_owned(),
        label: complaints::class_words(*class, make.t),
        chosen: *name == make.values.get("jenis"),
        ..Choice::default()
    });
    classes.collect()
}

/// `50 ADMIN`.
fn rung(line: &str) -> Option<(String, String)> {
    let (percent, rung) = line.split_once(char::is_whitespace)?;
    let percent: u32 = percent.trim_end_matches('%').parse().ok()?;
    let rung = rung.trim().to_uppercase();
    RUNGS.contains(&rung.as_str()).then(|| (percent.to_string(), rung))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_are_read_as_they_are_written() {
        assert_eq!(rung("75% regent"), Some(("75".into(), "REGENT".into())));
        assert_eq!(rung("75 CAMAT"), None);
    }
}
