//! The texts of messages: their types, and the versions of each text per channel and language. Nothing that was written is
//! sent before it is approved: by Meta for WhatsApp, by a second person otherwise.

use axum::extract::{Path, State};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::notifications::v1::{
    ApproveVariantRequest, Button, ButtonKind, Channel, ListMessageTypesRequest, ListVariantsRequest,
    MessageType, PauseVariantRequest, RejectVariantRequest, SaveVariantRequest, SubmitVariantRequest,
    Variant, VariantState,
};
use tonic::Status;
use uuid::Uuid;

use super::{
    WebState, complaints,
    fields::{self, Faults, Input},
    form::Sent,
    letters::segment,
    pages,
    settings::{self, Form, MESSAGES, Maker, PartPage, Press, Row},
    visit::{Answer, Menu, Viewer, Visit, every},
    words::Words,
};
use crate::problem;

/// Channels with what forms call them.
const CHANNELS: [(Channel, &str); 4] = [
    (Channel::Email, "email"),
    (Channel::Whatsapp, "whatsapp"),
    (Channel::Direct, "direct"),
    (Channel::InApp, "inbox"),
];

fn channel_name(channel: Channel) -> &'static str {
    CHANNELS.iter().find(|(one, _)| *one == channel).map_or("", |(_, name)| name)
}

fn channel_of(name: &str) -> Channel {
    CHANNELS.iter().find(|(_, one)| *one == name).map_or(Channel::Unspecified, |(channel, _)| *channel)
}

async fn types(state: &WebState, visit: &Visit, viewer: &Viewer) -> Result<Vec<MessageType>, Status> {
    every!(
        visit,
        Some(viewer),
        state.notifications,
        list_message_types(ListMessageTypesRequest {}).message_types
    )
    .await
}

fn gaps(one: &MessageType) -> String {
    one.placeholders.iter().map(|gap| format!("{{{}}}", gap.name)).collect::<Vec<_>>().join(" ")
}

/// `/pengaturan-aduan/pesan`: every type of message.
pub(crate) async fn list(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, MESSAGES).await?;
    let types = types(&state, &visit, &viewer).await.map_err(|status| visit.refused(&status))?;
    let t = visit.words();
    let row = |one: &MessageType| Row {
        title: format!("{} · {}", one.title, one.key),
        facts: vec![
            one.plan
                .iter()
                .map(|step| complaints::keyed("sentby", channel_name(step.channel()), t))
                .collect::<Vec<_>>()
                .join(" → "),
            gaps(one),
        ],
        chips: [
            one.emergency.then(|| (t["rules.emergency"].clone(), "bad")),
            (one.stopped_text_count > 0)
                .then(|| (t.say("rules.stopped", &[("count", &one.stopped_text_count)]), "bad")),
        ]
        .into_iter()
        .flatten()
        .collect(),
        edit: format!("/pengaturan-aduan/pesan/{}", segment(&one.key)),
        presses: Vec::new(),
    };
    let page = PartPage {
        p: visit.frame(),
        here: "pengaturan",
        menu: Menu::of(&viewer),
        tabs: settings::tabs(&viewer, "pesan", t),
        title: t["rules.pesan"].clone(),
        lead: t["rules.pesan_lead"].clone(),
        action: String::new(),
        rows: types.iter().map(row).collect(),
        form: None,
        saved: false,
        note: String::new(),
        warning: String::new(),
        rows_title: String::new(),
    };
    Ok(visit.page(StatusCode::OK, &page))
}

/// `/pengaturan-aduan/pesan/{type}`: the versions of its texts, and the form of another one.
pub(crate) async fn one(State(state): State<WebState>, Path(key): Path<String>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, MESSAGES).await?;
    page(&state, &visit, &viewer, &key, None, StatusCode::OK).await
}

async fn page(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    key: &str,
    refused: Option<(Sent, Faults)>,
    http: StatusCode,
) -> Answer {
    let types = types(state, visit, viewer).await.map_err(|status| visit.refused(&status))?;
    let Some(kind) = types.into_iter().find(|one| one.key == key) else {
        return Err(visit.missing("error.404"));
    };
    let variants = every!(
        visit,
        Some(viewer),
        state.notifications,
        list_variants(ListVariantsRequest {
            message_type: key.to_owned(),
            channel: Channel::Unspecified.into()
        })
        .variants
    );
    let variants: Vec<Variant> = variants.await.map_err(|status| visit.refused(&status))?;
    let t = visit.words();
    let (values, faults) = refused.unwrap_or_else(|| (begin(&variants, visit), Faults::default()));
    // Those that reporters are answered in, and those that somebody has written in already.
    let languages = complaints::languages(state, visit).await.unwrap_or_default();
    let known =
        languages.iter().map(|one| one.code.as_str()).chain(variants.iter().map(|one| one.language.as_str()));
    let mut codes: Vec<&str> = ["id", "en"].into_iter().collect();
    for code in known {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    let title = t["rules.pesan_form"].clone();
    let form = Form::new(title, values, &faults, |make| inputs(make, &codes), t);
    let page = PartPage {
        p: visit.frame(),
        here: "pengaturan",
        menu: Menu::of(viewer),
        tabs: settings::tabs(viewer, "pesan", t),
        title: kind.title.clone(),
        lead: t.say("rules.gaps", &[("gaps", &gaps(&kind))]),
        action: format!("/pengaturan-aduan/pesan/{}", segment(key)),
        rows: variants.iter().map(|one| row(one, t)).collect(),
        form: Some(form),
        saved: visit.parameter("tersimpan").is_some(),
        note: String::new(),
        warning: String::new(),
        rows_title: String::new(),
    };
    Ok(visit.page(http, &page))
}

/// What the form begins with: the version that was asked for, else the newest of e-mail.
fn begin(variants: &[Variant], visit: &Visit) -> Sent {
    let channel = visit.parameter("saluran").map_or(Channel::Email, channel_of);
    let language = visit.parameter("bahasa").unwrap_or("id");
    let mut values = Sent::default();
    values.set("saluran", channel_name(channel));
    values.set("bahasa", language);
    let newest = variants.iter().filter(|one| one.channel() == channel && one.language == language);
    if let Some(one) = newest.max_by_key(|one| one.version) {
        let buttons: Vec<String> = one.buttons.iter().map(button_line).collect();
        for (name, value) in [
            ("subjek", one.subject.clone()),
            ("isi_pesan", one.body.clone()),
            ("tombol", buttons.join("\n")),
            ("templat_meta", template_name(one)),
        ] {
            values.set(name, value);
        }
    }
    values
}

/// The name of a template for what is written next: a draft keeps its own; whatever was offered has used its name up, because
/// at Meta it stands for that text.
fn template_name(newest: &Variant) -> String {
    let name = newest.template_name.as_str();
    if name.is_empty() || matches!(newest.state(), VariantState::Unspecified | VariantState::Draft) {
        return name.to_owned();
    }
    let stem = match name.rsplit_once("_v") {
        Some((stem, number)) if !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit()) => stem,
        Some(_) | None => name,
    };
    format!("{stem}_v{}", newest.version + 1)
}

fn inputs(make: &Maker<'_>, languages: &[&str]) -> Vec<Input> {
    vec![
        make.listed("saluran", "select", true, "sentby", &CHANNELS.map(|(_, name)| name)),
        make.listed("bahasa", "radio", true, "language", languages),
        make.line("subjek", false, 150),
        make.area("isi_pesan", true, 4_000),
        make.area("tombol", false, 500),
        make.line("templat_meta", false, 100),
    ]
}

fn row(one: &Variant, t: &Words) -> Row {
    let (state, tone) = match one.state() {
        VariantState::Unspecified | VariantState::Draft => ("draft", "off"),
        VariantState::Submitted => ("submitted", "warn"),
        VariantState::Approved => ("approved", "good"),
        VariantState::Paused => ("paused", "warn"),
        VariantState::Rejected => ("rejected", "bad"),
    };
    let hidden = || {
        vec![
            ("kunci", Uuid::new_v4().to_string()),
            ("saluran", channel_name(one.channel()).to_owned()),
            ("bahasa", one.language.clone()),
            ("versi", one.version.to_string()),
        ]
    };
    let press = |verb: &str, reason: bool| Press {
        action: format!("/pengaturan-aduan/pesan/{}/{verb}", segment(&one.message_type)),
        words: t[&format!("rules.{verb}")].clone(),
        hidden: hidden(),
        reason,
    };
    let presses = match one.state() {
        VariantState::Unspecified | VariantState::Draft => vec![press("ajukan", false)],
        VariantState::Submitted => vec![press("setujui", false), press("tolak", true)],
        VariantState::Approved => vec![press("jeda", true)],
        VariantState::Paused => vec![press("setujui", false)],
        VariantState::Rejected => Vec::new(),
    };
    let channel = channel_name(one.channel());
    Row {
        title: format!(
            "{} · {} · {} {}",
            complaints::keyed("sentby", channel, t),
            complaints::keyed("language", &one.language, t),
            t["types.version"],
            one.version
        ),
        facts: [one.subject.clone(), one.body.clone(), reason(one, t)]
            .into_iter()
            .filter(|fact| !fact.is_empty())
            .collect(),
        chips: vec![(t[&format!("variant.{state}")].clone(), tone)],
        edit: format!(
            "/pengaturan-aduan/pesan/{}?saluran={channel}&bahasa={}",
            segment(&one.message_type),
            one.language
        ),
        presses,
    }
}

/// Why a version is refused or paused, in the words of Meta or of who judged it.
fn reason(one: &Variant, t: &Words) -> String {
    if one.reason.is_empty() { String::new() } else { t.say("rules.because", &[("reason", &one.reason)]) }
}

/// `LINK tangani Saya tangani`: what it is, its key, and what it says.
fn button(line: &str) -> Option<Button> {
    let mut parts = line.trim().splitn(3, char::is_whitespace);
    let kind = match parts.next()?.to_uppercase().as_str() {
        "LINK" => ButtonKind::Link,
        "REPLY" => ButtonKind::Reply,
        _ => return None,
    };
    let (key, label) = (parts.next()?.to_owned(), parts.next()?.trim().to_owned());
    Some(Button { key, label, kind: kind.into() })
}

fn button_line(button: &Button) -> String {
    let kind = match button.kind() {
        ButtonKind::Unspecified | ButtonKind::Link => "LINK",
        ButtonKind::Reply => "REPLY",
    };
    format!("{kind} {} {}", button.key, button.label)
}

/// The input that a field of the request stands for.
fn input_of(field: &str) -> String {
    let name = match field.split(['.', '[']).next().unwrap_or_default() {
        "channel" => "saluran",
        "language" => "bahasa",
        "subject" => "subjek",
        "body" => "isi_pesan",
        "buttons" => "tombol",
        "template_name" => "templat_meta",
        _ => "",
    };
    name.to_owned()
}

/// Saves a draft.
pub(crate) async fn save(
    State(state): State<WebState>,
    Path(key): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, MESSAGES).await?;
    let mut sent = Sent::plain(&body);
    let written = sent.get("tombol").lines().map(str::trim).filter(|line| !line.is_empty());
    let buttons: Option<Vec<Button>> = written.map(button).collect();
    let Some(buttons) = buttons else {
        let mut faults = Faults::default();
        faults.note("tombol", visit.words()["rules.bad_button"].clone());
        return page(&state, &visit, &viewer, &key, Some((sent, faults)), StatusCode::BAD_REQUEST).await;
    };
    let request = SaveVariantRequest {
        request_id: settings::form_key(&sent),
        message_type: key.clone(),
        channel: channel_of(sent.get("saluran")).into(),
        language: sent.get("bahasa").to_owned(),
        subject: sent.get("subjek").to_owned(),
        body: sent.get("isi_pesan").to_owned(),
        buttons,
        template_name: sent.get("templat_meta").to_owned(),
    };
    match state.notifications.clone().save_variant(visit.call(request, Some(&viewer))).await {
        Ok(_) => Ok(visit.redirect(&format!("/pengaturan-aduan/pesan/{}?tersimpan=1", segment(&key)))),
        Err(status) => {
            settings::renew_key(&mut sent, &status);
            let faults = Faults::placed(&status, &visit, input_of);
            let http = problem::http_status(status.code());
            page(&state, &visit, &viewer, &key, Some((sent, faults)), http).await
        }
    }
}

/// Offers, approves, rejects or pauses a version: `/pengaturan-aduan/pesan/{type}/{verb}`.
pub(crate) async fn decide(
    State(state): State<WebState>,
    Path((key, verb)): Path<(String, String)>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, MESSAGES).await?;
    let sent = Sent::plain(&body);
    let mut service = state.notifications.clone();
    let request_id = fields::form_key(&sent);
    let message_type = key.clone();
    let channel = channel_of(sent.get("saluran")).into();
    let language = sent.get("bahasa").to_owned();
    let version: u32 = sent.get("versi").parse().unwrap_or_default();
    let reason = sent.get("alasan").to_owned();
    let caller = Some(&viewer);
    let answer = match verb.as_str() {
        "ajukan" => {
            let request = SubmitVariantRequest { request_id, message_type, channel, language, version };
            service.submit_variant(visit.call(request, caller)).await.map(drop)
        }
        "setujui" => {
            let request = ApproveVariantRequest { request_id, message_type, channel, language, version };
            service.approve_variant(visit.call(request, caller)).await.map(drop)
        }
        "tolak" => {
            let request =
                RejectVariantRequest { request_id, message_type, channel, language, version, reason };
            service.reject_variant(visit.call(request, caller)).await.map(drop)
        }
        "jeda" => {
            let request =
                PauseVariantRequest { request_id, message_type, channel, language, version, reason };
            service.pause_variant(visit.call(request, caller)).await.map(drop)
        }
        _ => return Err(visit.missing("error.404")),
    };
    match answer {
        Ok(()) => Ok(visit.redirect(&format!("/pengaturan-aduan/pesan/{}?tersimpan=1", segment(&key)))),
        Err(status) => {
            let mut faults = Faults::default();
            faults.note("", fields::first_told(&status, &visit));
            let http = problem::http_status(status.code());
            page(&state, &visit, &viewer, &key, Some((Sent::default(), faults)), http).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n_22_a_new_version_gets_a_new_name_at_meta() {
        let text = |name: &str, version: u32, state: VariantState| {
            let name = name.to_owned();
            template_name(&Variant {
                template_name: name,
                version,
                state: state.into(),
                ..Variant::default()
            })
        };
        assert_eq!(text("jawaban_akhir_v1", 1, VariantState::Approved), "jawaban_akhir_v2");
        assert_eq!(text("jawaban_akhir_v2", 9, VariantState::Rejected), "jawaban_akhir_v10");
        assert_eq!(text("jawaban_vip", 1, VariantState::Paused), "jawaban_vip_v2");
        assert_eq!(text("jawaban_akhir_v1", 1, VariantState::Draft), "jawaban_akhir_v1", "still its own");
        assert_eq!(text("", 3, VariantState::Approved), "");
    }

    #[test]
    fn buttons_are_read_as_they_are_written() {
        let line = "LINK tangani Saya tangani";
        assert_eq!(button_line(&button(line).expect("a button")), line);
        for wrong in ["tangani Saya", "LINK tangani", ""] {
            assert_eq!(button(wrong), None, "{wrong}");
        }
    }
}
