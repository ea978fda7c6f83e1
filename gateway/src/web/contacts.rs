//! How officials are reached: *Kontak saya* for everybody who is signed in, and *Kontak pejabat* for those who set up. A number
//! or an address stands in forms alone, never in an address of a page; consent has its source and its time beside it.

use std::collections::{BTreeSet, HashMap};

use askama::Template;
use axum::{extract::State, response::Response};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::StatusCode;
use mpp_proto::{
    complaints::v1::{ListOfficialsRequest, Official},
    notifications::v1::{
        ApplyContactRequest, Channel, Consent, Contact, GetContactRequest, SetConsentRequest,
    },
};
use prost_types::Timestamp;
use tonic::{Code, Status};
use uuid::Uuid;

use super::{
    WebState,
    complaints::{self, Ground},
    fields::{self, Choice, Faults, Input},
    form::Sent,
    inbox,
    letters::segment,
    moment::{self, Zone},
    pages,
    people::Names,
    settings::{self, Form, MESSAGES, Maker, PartPage, Press, Row},
    visit::{Answer, Frame, Menu, Viewer, Visit, every},
    words::Words,
};
use crate::problem;

/// Channels that ask for consent, with what forms call them and the input of their address.
const CHANNELS: [(Channel, &str, &str); 2] =
    [(Channel::Whatsapp, "whatsapp", "nomor_wa"), (Channel::Email, "email", "surel")];

/// Contacts that are asked for at once.
const AT_ONCE: usize = 8;

/// Where consent is known from that somebody gives on the own page. Kept as it is, in whatever language the page is read.
const OWN_SOURCE: &str = "Halaman Kontak saya";

/// Roles of contacts, which decide about hours of rest, and the rung of the ladder that each belongs to.
pub(crate) const ROLES: [(&str, &str); 6] = [
    ("ADMIN_OPD", "ADMIN"),
    ("KEPALA_OPD", "AGENCY_HEAD"),
    ("SEKDA", "SECRETARY"),
    ("BUPATI", "REGENT"),
    ("INSPEKTORAT", "INSPECTORATE"),
    ("PEJABAT", ""),
];

fn address_of(contact: &Contact, channel: Channel) -> &str {
    match channel {
        Channel::Whatsapp => &contact.whatsapp,
        Channel::Email => &contact.email,
        Channel::Unspecified | Channel::InApp | Channel::Direct => "",
    }
}

fn consent_of(contact: &Contact, channel: Channel) -> Consent {
    contact.consents.iter().find(|one| one.channel() == channel).cloned().unwrap_or_default()
}

/// The contact of an account; none when nobody entered one yet.
async fn contact(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    account: &str,
) -> Result<Option<Contact>, Status> {
    let request = visit.call(GetContactRequest { account: account.to_owned() }, Some(viewer));
    match state.notifications.clone().get_contact(request).await {
        Ok(answer) => Ok(answer.into_inner().contact),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status),
    }
}

/// A number as WhatsApp takes it: with the country code and digits alone, whatever way it was typed. What is no number stays as
/// it is, so that the service says what is wrong with it.
fn number(written: &str) -> String {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let is_number = written.chars().all(|letter| letter.is_ascii_digit() || " +-.()".contains(letter));
    if !is_number {
        return written.to_owned();
    }
    match digits.strip_prefix('0') {
        Some(national) if !written.starts_with('+') => format!("62{national}"),
        Some(_) | None => digits,
    }
}

/// Whether somebody can be reached on a channel: words and a tone.
fn standing(contact: &Contact, channel: Channel, t: &Words) -> (String, &'static str) {
    let consent = consent_of(contact, channel);
    let (key, tone) = if address_of(contact, channel).is_empty() {
        ("contact.no_address", "off")
    } else if !consent.opted_in && consent.time.is_none() {
        ("contact.not_asked", "warn")
    } else if !consent.opted_in {
        ("contact.ended", "warn")
    } else if consent.failing_since_time.is_some() {
        ("contact.fails", "bad")
    } else {
        ("contact.reached", "good")
    };
    (t[key].clone(), tone)
}

/// Where consent is known from and since when, and since when messages fail.
fn proof(consent: &Consent, zone: Zone, visit: &Visit) -> Vec<String> {
    let t = visit.words();
    let at = |time: Option<Timestamp>| moment::moment(time, zone, visit.language);
    let key = if consent.opted_in { "contact.agreed" } else { "contact.stopped" };
    let mut lines = Vec::new();
    if consent.time.is_some() {
        lines.push(t.say(key, &[("time", &at(consent.time))]));
    }
    if !consent.source.is_empty() {
        lines.push(t.say("contact.source", &[("source", &consent.source)]));
    }
    if consent.failing_since_time.is_some() {
        let since = at(consent.failing_since_time);
        lines.push(t.say("contact.failing_since", &[("time", &since), ("reason", &consent.failing_reason)]));
    }
    lines
}

/// What a form begins with.
fn begin(contact: Option<&Contact>) -> Sent {
    let mut values = Sent::default();
    values.set("bahasa_pesan", "id");
    let Some(contact) = contact else { return values };
    for (name, value) in [
        ("nomor_wa", contact.whatsapp.clone()),
        ("surel", contact.email.clone()),
        ("bahasa_pesan", contact.language.clone()),
        ("peran", contact.role.clone()),
        ("versi", contact.version.to_string()),
    ] {
        values.set(name, value);
    }
    for (channel, name, _) in CHANNELS {
        if consent_of(contact, channel).opted_in {
            values.add("setuju", name);
        }
    }
    values
}

/// The inputs that every contact has: number, address, language, and what was agreed to.
fn inputs(make: &Maker<'_>) -> Vec<Input> {
    let agreed = CHANNELS.map(|(_, name, _)| Choice {
        value: name.to_owned(),
        label: complaints::keyed("sentby", name, make.t),
        chosen: make.values.all("setuju").any(|one| one == name),
        ..Choice::default()
    });
    vec![
        Input { kind: "hidden", ..make.line("versi", false, 0) },
        Input { kind: "tel", mode: "tel", autocomplete: "tel", ..make.line("nomor_wa", false, 30) },
        Input { kind: "email", autocomplete: "email", ..make.line("surel", false, 254) },
        make.choose("setuju", "checks", false, agreed.into()),
        make.listed("bahasa_pesan", "radio", true, "language", &["id", "en"]),
    ]
}

/// The contact that a form says, over the one before it: consent that stays as it was keeps its source.
fn written(sent: &Sent, account: &str, before: Option<&Contact>, source: &str) -> Contact {
    let mut contact = Contact {
        account_id: account.to_owned(),
        whatsapp: number(sent.get("nomor_wa")),
        email: sent.get("surel").to_owned(),
        role: sent.get("peran").to_owned(),
        language: sent.get("bahasa_pesan").to_owned(),
        ..Contact::default()
    };
    contact.consents = CHANNELS
        .iter()
        .filter_map(|(channel, name, _)| {
            let opted_in = sent.all("setuju").any(|one| one == *name);
            let known = before.map(|before| consent_of(before, *channel)).unwrap_or_default();
            // Who was never asked, and says nothing now, has ended nothing.
            if !opted_in && known.time.is_none() {
                return None;
            }
            let same_address =
                before.is_some_and(|before| address_of(before, *channel) == address_of(&contact, *channel));
            let stays = known.opted_in == opted_in && same_address;
            let source = if stays { known.source } else { source.to_owned() };
            Some(Consent { channel: (*channel).into(), opted_in, source, ..Consent::default() })
        })
        .collect();
    contact
}

/// The channels that were agreed to without an address for them.
fn without_address(contact: &Contact, t: &Words) -> Faults {
    let mut faults = Faults::default();
    for (channel, _, input) in CHANNELS {
        if consent_of(contact, channel).opted_in && address_of(contact, channel).is_empty() {
            faults.note(input, t["contact.needs_address"].clone());
        }
    }
    faults
}

/// The input that a field of the request stands for.
fn input_of(field: &str) -> String {
    let name = match field.strip_prefix("contact.").unwrap_or(field) {
        "account_id" => "akun",
        "whatsapp" => "nomor_wa",
        "email" => "surel",
        "role" => "peran",
        "language" => "bahasa_pesan",
        // Consent without a source.
        field if field.starts_with("consents") => "sumber_setuju",
        _ => "",
    };
    name.to_owned()
}

/// A form that was refused: what was typed stays, and it is sent over what there is now.
struct Again {
    sent: Sent,
    faults: Faults,
    http: StatusCode,
}

impl Again {
    fn wrong(sent: Sent, faults: Faults) -> Self {
        Self { sent, faults, http: StatusCode::BAD_REQUEST }
    }

    fn refused(mut sent: Sent, status: &Status, visit: &Visit, now: Option<&Contact>) -> Self {
        settings::renew_key(&mut sent, status);
        if status.code() == Code::Aborted {
            // Somebody was faster. Who sees that and presses again means it.
            sent.set("versi", now.map_or(0, |now| now.version).to_string());
        }
        let faults = Faults::placed(status, visit, input_of);
        Self { sent, faults, http: problem::http_status(status.code()) }
    }
}

/// Applies a contact that a form says; answers what to show instead of going on.
async fn apply(
    (state, visit, viewer): (&WebState, &Visit, &Viewer),
    sent: Sent,
    account: &str,
    source: &str,
) -> Result<(), Again> {
    let before = match contact(state, visit, viewer, account).await {
        Ok(before) => before,
        Err(status) => return Err(Again::refused(sent, &status, visit, None)),
    };
    let next = written(&sent, account, before.as_ref(), source);
    let faults = without_address(&next, visit.words());
    if !faults.is_empty() {
        return Err(Again::wrong(sent, faults));
    }
    let request_id = settings::form_key(&sent);
    let version = sent.get("versi").parse().unwrap_or_default();
    let request = ApplyContactRequest { request_id, contact: Some(next), version };
    match state.notifications.clone().apply_contact(visit.call(request, Some(viewer))).await {
        Ok(_) => Ok(()),
        Err(status) => Err(Again::refused(sent, &status, visit, before.as_ref())),
    }
}

#[derive(Template)]
#[template(path = "kontak.html")]
struct OwnPage {
    p: Frame,
    here: &'static str,
    menu: Menu,
    role: String,
    rows: Vec<Row>,
    form: Form,
    saved: bool,
    error: String,
}

/// `/kontak`: how the person who looks is reached.
pub(crate) async fn own(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = inbox::person(&state, &visit).await?;
    own_page(&state, &visit, &viewer, None, String::new()).await
}

async fn own_page(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    again: Option<Again>,
    error: String,
) -> Answer {
    let (found, ground) = tokio::join!(contact(state, visit, viewer, &viewer.id), Ground::of(state, visit));
    let found = found.map_err(|status| visit.refused(&status))?;
    let t = visit.words();
    let again = again.unwrap_or_else(|| Again {
        sent: begin(found.as_ref()),
        faults: Faults::default(),
        http: StatusCode::OK,
    });
    let known = found.unwrap_or_default();
    let row = |(channel, name, _): &(Channel, &'static str, &str)| {
        let (consent, address) = (consent_of(&known, *channel), address_of(&known, *channel));
        let press = |words: &str, agree: &str| Press {
            action: "/kontak/persetujuan".to_owned(),
            words: t[words].clone(),
            hidden: vec![
                ("kunci", Uuid::new_v4().to_string()),
                ("saluran", (*name).to_owned()),
                ("setuju", agree.to_owned()),
            ],
            reason: false,
        };
        let presses = match (address.is_empty(), consent.opted_in) {
            (true, _) => Vec::new(),
            (false, true) => vec![press("contact.stop", "tidak")],
            (false, false) => vec![press("contact.agree", "ya")],
        };
        let facts = [address.to_owned()].into_iter().filter(|fact| !fact.is_empty());
        Row {
            title: complaints::keyed("sentby", name, t),
            facts: facts.chain(proof(&consent, ground.zone, visit)).collect(),
            chips: vec![standing(&known, *channel, t)],
            edit: String::new(),
            presses,
        }
    };
    let page = OwnPage {
        p: visit.frame(),
        here: "kontak",
        menu: Menu::of(viewer),
        role: match known.role.as_str() {
            "" => String::new(),
            role => t.say("contact.role", &[("role", &complaints::keyed("quietrole", role, t))]),
        },
        rows: CHANNELS.iter().map(row).collect(),
        form: Form::new(t["contact.form"].clone(), again.sent, &again.faults, inputs, t),
        saved: visit.parameter("tersimpan").is_some(),
        error,
    };
    let http = if page.error.is_empty() { again.http } else { StatusCode::BAD_REQUEST };
    Ok(visit.page(http, &page))
}

/// The form of the own contact, sent.
pub(crate) async fn save_own(State(state): State<WebState>, visit: Visit, body: Bytes) -> Answer {
    let viewer = inbox::person(&state, &visit).await?;
    match apply((&state, &visit, &viewer), Sent::plain(&body), &viewer.id, OWN_SOURCE).await {
        Ok(()) => Ok(visit.redirect("/kontak?tersimpan=1")),
        Err(again) => own_page(&state, &visit, &viewer, Some(again), String::new()).await,
    }
}

/// Agrees to a channel, or ends it at once.
pub(crate) async fn consent(State(state): State<WebState>, visit: Visit, body: Bytes) -> Answer {
    let viewer = inbox::person(&state, &visit).await?;
    let sent = Sent::plain(&body);
    let channel = CHANNELS.iter().find(|(_, name, _)| *name == sent.get("saluran"));
    let request = SetConsentRequest {
        request_id: fields::form_key(&sent),
        account: viewer.id.clone(),
        channel: channel.map_or(Channel::Unspecified, |(channel, ..)| *channel).into(),
        opted_in: sent.get("setuju") == "ya",
        source: OWN_SOURCE.to_owned(),
    };
    match state.notifications.clone().set_consent(visit.call(request, Some(&viewer))).await {
        Ok(_) => Ok(visit.redirect("/kontak?tersimpan=1")),
        Err(status) => own_page(&state, &visit, &viewer, None, fields::refusal(&status, &visit)).await,
    }
}

/// A form that was sent to an address which only takes forms, and is opened again: to the page.
pub(crate) async fn back(visit: Visit) -> Response {
    visit.redirect("/kontak")
}

/// The contacts of accounts, of those that have one.
async fn contacts(
    (state, visit, viewer): (&WebState, &Visit, &Viewer),
    accounts: BTreeSet<String>,
) -> Result<HashMap<String, Contact>, Status> {
    let asked = stream::iter(accounts).map(|account| async move {
        let found = contact(state, visit, viewer, &account).await?;
        Ok::<_, Status>(found.map(|found| (account, found)))
    });
    let found: Vec<Option<(String, Contact)>> = asked.buffered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// Who stands on the ladder: office, account, and whether the account acts in the office.
fn holders(officials: &[Official]) -> Vec<(&Official, &str, bool)> {
    let both = officials
        .iter()
        .flat_map(|one| [(one, one.account_id.as_str(), false), (one, one.acting_account_id.as_str(), true)]);
    both.filter(|(_, account, _)| !account.is_empty()).collect()
}

/// The role that who stands on a rung has in hours of rest.
fn role_of(rung: &str) -> &'static str {
    ROLES.iter().find(|(_, one)| *one == rung && !rung.is_empty()).map_or("PEJABAT", |(role, _)| role)
}

const PART: &str = "kontak";

/// `/pengaturan-aduan/kontak?ubah=acc_…`: whether each official of the ladder can be reached, and the form of one of them.
pub(crate) async fn officials(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, MESSAGES).await?;
    officials_page(&state, &visit, &viewer, None).await
}

async fn officials_page(state: &WebState, visit: &Visit, viewer: &Viewer, again: Option<Again>) -> Answer {
    let (ladder, agencies, ground) = tokio::join!(
        every!(visit, Some(viewer), state.complaints, list_officials(ListOfficialsRequest {}).officials),
        complaints::agencies(state, visit),
        Ground::of(state, visit)
    );
    let ladder: Vec<Official> = ladder.map_err(|status| visit.refused(&status))?;
    let agencies = agencies.unwrap_or_default();
    let holders = holders(&ladder);
    let asked = visit.parameter("ubah").unwrap_or_default();
    let mut accounts: BTreeSet<String> =
        holders.iter().map(|(_, account, _)| (*account).to_owned()).collect();
    if !matches!(asked, "" | "baru") {
        accounts.insert(asked.to_owned());
    }
    let (known, names) = tokio::join!(
        contacts((state, visit, viewer), accounts.clone()),
        Names::of(state, visit, viewer, accounts.iter().map(String::as_str))
    );
    let known = known.map_err(|status| visit.refused(&status))?;
    let t = visit.words();
    let name = |account: &str| match names.name(account) {
        found if found.is_empty() => account.to_owned(),
        found => found,
    };
    let row = |(office, account, acting): &(&Official, &str, bool)| {
        let none = Contact::default();
        let contact = known.get(*account).unwrap_or(&none);
        let agency = match office.agency_id.as_str() {
            "" => String::new(),
            id => complaints::agency_name(id, &agencies, t),
        };
        let who = if *acting { t.say("rules.acting", &[("who", &name(account))]) } else { name(account) };
        let mut facts: Vec<String> = [who, agency].into_iter().filter(|fact| !fact.is_empty()).collect();
        for (channel, name, _) in CHANNELS {
            let lines = proof(&consent_of(contact, channel), ground.zone, visit);
            if !lines.is_empty() {
                facts.push(format!("{}: {}", complaints::keyed("sentby", name, t), lines.join(" ")));
            }
        }
        let chip = |(channel, name, _): (Channel, &str, &str)| {
            let (words, tone) = standing(contact, channel, t);
            (format!("{}: {words}", complaints::keyed("sentby", name, t)), tone)
        };
        Row {
            title: office.title.clone(),
            facts,
            chips: CHANNELS.map(chip).into(),
            edit: format!("/pengaturan-aduan/{PART}?ubah={}", segment(account)),
            presses: Vec::new(),
        }
    };
    let unreached = holders.iter().filter(|(_, account, _)| {
        known.get(*account).is_none_or(|contact| {
            !CHANNELS.iter().any(|(channel, ..)| standing(contact, *channel, t).1 == "good")
        })
    });
    let unreached = unreached.count();
    let (has_form, http) =
        (again.is_some() || !asked.is_empty(), again.as_ref().map_or(StatusCode::OK, |it| it.http));
    let again = again.unwrap_or_else(|| {
        let contact = known.get(asked);
        let mut values = begin(contact);
        if asked != "baru" {
            values.set("akun", asked);
        }
        if contact.is_none() {
            let rung = holders.iter().find(|(_, account, _)| *account == asked);
            values.set("peran", role_of(rung.map_or("", |(office, ..)| office.rung.as_str())));
        }
        Again::wrong(values, Faults::default())
    });
    let account = again.sent.get("akun").to_owned();
    let is_known = accounts.contains(&account);
    let title = if is_known {
        t.say("contact.form_of", &[("who", &name(&account))])
    } else {
        t["rules.kontak_form"].clone()
    };
    let role = again.sent.get("peran").to_owned();
    let page = PartPage {
        p: visit.frame(),
        here: "pengaturan",
        menu: Menu::of(viewer),
        tabs: settings::tabs(viewer, PART, t),
        title: t["rules.kontak"].clone(),
        lead: t["rules.kontak_lead"].clone(),
        action: format!("/pengaturan-aduan/{PART}"),
        rows: holders.iter().map(row).collect(),
        form: has_form.then(|| {
            Form::new(title, again.sent, &again.faults, |make| official_inputs(make, &role, is_known), t)
        }),
        saved: visit.parameter("tersimpan").is_some(),
        note: String::new(),
        warning: match unreached {
            0 => String::new(),
            n => t.say("contact.unreached", &[("n", &n)]),
        },
        rows_title: String::new(),
    };
    Ok(visit.page(http, &page))
}

fn official_inputs(make: &Maker<'_>, role: &str, is_known: bool) -> Vec<Input> {
    let mut roles: Vec<&str> = ROLES.iter().map(|(role, _)| *role).collect();
    if !role.is_empty() && !roles.contains(&role) {
        roles.push(role);
    }
    let account = make.line("akun", true, 60);
    let mut all = vec![Input { kind: if is_known { "hidden" } else { account.kind }, ..account }];
    all.extend(inputs(make));
    all.push(make.line("sumber_setuju", false, 200));
    all.push(make.listed("peran", "select", true, "quietrole", &roles));
    all
}

/// The form of an official's contact, sent.
pub(crate) async fn save_official(State(state): State<WebState>, visit: Visit, body: Bytes) -> Answer {
    let viewer = pages::staff(&state, &visit, MESSAGES).await?;
    let sent = Sent::plain(&body);
    let (account, source) = (sent.get("akun").to_owned(), sent.get("sumber_setuju").to_owned());
    match apply((&state, &visit, &viewer), sent, &account, &source).await {
        Ok(()) => Ok(visit.redirect(&format!("/pengaturan-aduan/{PART}?tersimpan=1"))),
        Err(again) => officials_page(&state, &visit, &viewer, Some(again)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_whatever_way_it_is_typed() {
        for typed in
            ["081234567890", "0812-3456-7890", "+62 812 3456 7890", "6281234567890", "(0812) 3456.7890"]
        {
            assert_eq!(number(typed), "6281234567890", "{typed}");
        }
        assert_eq!(number("+6731234567"), "6731234567");
        for none in ["", "nomor saya", "0812x"] {
            assert_eq!(number(none), none);
        }
    }

    #[test]
    fn n_13_consent_keeps_its_source_until_it_or_its_address_changes() {
        let agreed = |channel: Channel, opted_in: bool, source: &str| Consent {
            channel: channel.into(),
            opted_in,
            source: source.into(),
            time: Some(Timestamp::default()),
            ..Consent::default()
        };
        let before = Contact {
            whatsapp: "6281234567890".into(),
            email: "kadis@contoh.go.id".into(),
            consents: vec![agreed(Channel::Whatsapp, true, "SK 1"), agreed(Channel::Email, true, "SK 1")],
            ..Contact::default()
        };
        let sources = |body: &str| {
            let contact = written(&Sent::plain(body.as_bytes()), "acc_1", Some(&before), "Formulir");
            contact.consents.into_iter().map(|one| (one.opted_in, one.source)).collect::<Vec<_>>()
        };
        let said = |opted_in: bool, source: &str| (opted_in, source.to_owned());
        assert_eq!(
            sources("nomor_wa=0812-3456-7890&surel=kadis%40contoh.go.id&setuju=whatsapp&setuju=email"),
            [said(true, "SK 1"), said(true, "SK 1")]
        );
        assert_eq!(
            sources("nomor_wa=081299999999&surel=kadis%40contoh.go.id&setuju=whatsapp"),
            [said(true, "Formulir"), said(false, "Formulir")],
            "another number, and an end"
        );
        let never = written(&Sent::plain(b"nomor_wa=0812&setuju=whatsapp"), "acc_1", None, "Formulir");
        assert_eq!(never.consents.len(), 1, "what was never agreed to is not ended");
    }

    #[test]
    fn who_stands_on_a_rung_rests_by_its_hours() {
        let roles = ["AGENCY_HEAD", "REGENT", "", "LAIN"].map(role_of);
        assert_eq!(roles, ["KEPALA_OPD", "BUPATI", "PEJABAT", "PEJABAT"]);
    }
}
