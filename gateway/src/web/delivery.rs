//! *Aturan pengiriman*: hours of rest, times of digests and who is told of trouble, one document that is applied whole; and how
//! our accounts at providers are.

use axum::extract::State;
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::notifications::v1::{
    ApplyDeliveryRulesRequest, Channel, ChannelAccount, DeliveryRules, GetDeliveryRulesRequest,
    ListChannelAccountsRequest, QuietHours,
};
use tonic::{Code, Status};

use super::{
    WebState, complaints, contacts,
    fields::{Faults, Input},
    form::Sent,
    moment::{self, Zone},
    pages,
    people::Names,
    settings::{self, Form, MESSAGES, Maker, PartPage, Row},
    visit::{Answer, Menu, Viewer, Visit, every},
};
use crate::problem;

const PART: &str = "pengiriman";
/// The zones that the service knows.
const ZONES: [&str; 3] = ["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"];

/// `/pengaturan-aduan/pengiriman`: the rules, as a form that holds them all, and the accounts they work with.
pub(crate) async fn show(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, MESSAGES).await?;
    page(&state, &visit, &viewer, None, StatusCode::OK).await
}

async fn rules(state: &WebState, visit: &Visit, viewer: &Viewer) -> Result<DeliveryRules, Status> {
    let request = visit.call(GetDeliveryRulesRequest {}, Some(viewer));
    let answer = state.notifications.clone().get_delivery_rules(request).await?.into_inner();
    Ok(answer.rules.unwrap_or_default())
}

async fn page(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    refused: Option<(Sent, Faults)>,
    http: StatusCode,
) -> Answer {
    let (rules, accounts) = tokio::join!(
        rules(state, visit, viewer),
        every!(
            visit,
            Some(viewer),
            state.notifications,
            list_channel_accounts(ListChannelAccountsRequest {}).channel_accounts
        )
    );
    let rules: DeliveryRules = rules.map_err(|status| visit.refused(&status))?;
    let accounts: Vec<ChannelAccount> = accounts.map_err(|status| visit.refused(&status))?;
    let names = Names::of(state, visit, viewer, rules.admin_account_ids.iter().map(String::as_str)).await;
    let (t, zone) = (visit.words(), Zone::of(&rules.time_zone));
    let (values, faults) = refused.unwrap_or_else(|| (begin(&rules), Faults::default()));
    let told = rules.admin_account_ids.iter().map(|account| {
        let name = names.name(account);
        Row {
            title: if name.is_empty() { account.clone() } else { name },
            facts: vec![account.clone()],
            chips: vec![(t["delivery_rules.told"].clone(), "info")],
            edit: String::new(),
            presses: Vec::new(),
        }
    });
    let channels = accounts.iter().map(|one| channel_row(one, zone, visit));
    let page = PartPage {
        p: visit.frame(),
        here: "pengaturan",
        menu: Menu::of(viewer),
        tabs: settings::tabs(viewer, PART, t),
        title: t["rules.pengiriman"].clone(),
        lead: t["rules.pengiriman_lead"].clone(),
        action: format!("/pengaturan-aduan/{PART}"),
        rows: told.chain(channels).collect(),
        form: Some(Form::new(t["rules.pengiriman_form"].clone(), values, &faults, inputs, t)),
        saved: visit.parameter("tersimpan").is_some(),
        note: String::new(),
        warning: if rules.admin_account_ids.is_empty() {
            t["delivery_rules.nobody"].clone()
        } else {
            String::new()
        },
        rows_title: t["delivery_rules.now"].clone(),
    };
    Ok(visit.page(http, &page))
}

/// An account of ours at a provider: whether it sends, and how much waits for it.
fn channel_row(one: &ChannelAccount, zone: Zone, visit: &Visit) -> Row {
    let t = visit.words();
    let name = match one.channel() {
        Channel::Whatsapp => "whatsapp",
        Channel::Email => "email",
        Channel::Direct => "direct",
        Channel::InApp => "inbox",
        Channel::Unspecified => "",
    };
    let mut facts = Vec::new();
    if one.circuit_open {
        let until = moment::moment(one.retry_time, zone, visit.language);
        facts.push(t.say("delivery_rules.rests", &[("time", &until), ("reason", &one.problem)]));
    }
    if one.waiting > 0 {
        facts.push(t.say("delivery_rules.waiting", &[("n", &one.waiting)]));
    }
    let (key, tone) = if one.circuit_open { ("open", "bad") } else { ("closed", "good") };
    Row {
        title: format!("{} · {}", complaints::keyed("sentby", name, t), one.key),
        facts,
        chips: vec![(t[&format!("delivery_rules.{key}")].clone(), tone)],
        edit: String::new(),
        presses: Vec::new(),
    }
}

fn begin(rules: &DeliveryRules) -> Sent {
    let mut values = Sent::default();
    let hours: Vec<String> = rules.quiet_hours.iter().map(quiet_line).collect();
    let zone = if rules.time_zone.is_empty() { ZONES[0] } else { rules.time_zone.as_str() };
    for (name, value) in [
        ("zona_kirim", zone.to_owned()),
        ("jam_tenang", hours.join("\n")),
        ("jam_ringkasan", rules.digest_times.join(", ")),
        ("akun_gangguan", rules.admin_account_ids.join("\n")),
        ("versi", rules.version.to_string()),
    ] {
        values.set(name, value);
    }
    values
}

fn inputs(make: &Maker<'_>) -> Vec<Input> {
    let roles = contacts::ROLES.map(|(role, _)| role).join(", ");
    let quiet = make.area("jam_tenang", false, 4_000);
    vec![
        Input { kind: "hidden", ..make.line("versi", false, 0) },
        Input { help: make.t.say("delivery_rules.quiet_help", &[("roles", &roles)]), ..quiet },
        make.line("jam_ringkasan", false, 500),
        make.listed("zona_kirim", "radio", true, "tz", &ZONES),
        make.area("akun_gangguan", false, 9_000),
    ]
}

/// `KEPALA_OPD 21:00-06:00`: a role, and the hours in which it is left alone.
fn quiet_hours(line: &str) -> Option<QuietHours> {
    let (role, hours) = line.trim().rsplit_once(char::is_whitespace)?;
    let (from, to) = hours.split_once(['-', '–'])?;
    let (role, from, to) = (role.trim().to_owned(), from.to_owned(), to.to_owned());
    Some(QuietHours { role, from, to })
}

fn quiet_line(row: &QuietHours) -> String {
    format!("{} {}-{}", row.role, row.from, row.to)
}

/// Words between commas, spaces or lines.
fn listed(written: &str) -> Vec<String> {
    let words = written.split(|letter: char| letter == ',' || letter.is_whitespace());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The input that a field of the request stands for.
fn input_of(field: &str) -> String {
    let field = field.strip_prefix("rules.").unwrap_or(field);
    let name = match field.split(['.', '[']).next().unwrap_or_default() {
        "time_zone" => "zona_kirim",
        "quiet_hours" => "jam_tenang",
        "digest_times" => "jam_ringkasan",
        "admin_account_ids" => "akun_gangguan",
        _ => "",
    };
    name.to_owned()
}

/// The rules, sent.
pub(crate) async fn save(State(state): State<WebState>, visit: Visit, body: Bytes) -> Answer {
    let viewer = pages::staff(&state, &visit, MESSAGES).await?;
    let mut sent = Sent::plain(&body);
    let lines = sent.get("jam_tenang").lines().map(str::trim).filter(|line| !line.is_empty());
    let Some(quiet) = lines.map(quiet_hours).collect::<Option<Vec<QuietHours>>>() else {
        let mut faults = Faults::default();
        faults.note("jam_tenang", visit.words()["delivery_rules.bad_quiet"].clone());
        return page(&state, &visit, &viewer, Some((sent, faults)), StatusCode::BAD_REQUEST).await;
    };
    let request_id = settings::form_key(&sent);
    let request = ApplyDeliveryRulesRequest {
        request_id,
        rules: Some(DeliveryRules {
            time_zone: sent.get("zona_kirim").to_owned(),
            quiet_hours: quiet,
            digest_times: listed(sent.get("jam_ringkasan")),
            admin_account_ids: listed(sent.get("akun_gangguan")),
            version: 0,
        }),
        version: sent.get("versi").parse().unwrap_or_default(),
    };
    match state.notifications.clone().apply_delivery_rules(visit.call(request, Some(&viewer))).await {
        Ok(_) => Ok(visit.redirect(&format!("/pengaturan-aduan/{PART}?tersimpan=1"))),
        Err(status) => {
            settings::renew_key(&mut sent, &status);
            if status.code() == Code::Aborted {
                // Somebody was faster. Who sees that and presses again means it.
                let now = rules(&state, &visit, &viewer).await.map_err(|status| visit.refused(&status))?;
                sent.set("versi", now.version.to_string());
            }
            let faults = Faults::placed(&status, &visit, input_of);
            let http = problem::http_status(status.code());
            page(&state, &visit, &viewer, Some((sent, faults)), http).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n_20_hours_of_rest_are_read_as_they_are_written() {
        let line = "KEPALA_OPD 21:00-06:00";
        assert_eq!(quiet_line(&quiet_hours(line).expect("hours")), line);
        assert_eq!(quiet_hours(" *  12:00-13:00 ").expect("hours").role, "*");
        for wrong in ["21:00-06:00", "KEPALA_OPD", "KEPALA_OPD 21:00", ""] {
            assert_eq!(quiet_hours(wrong), None, "{wrong}");
        }
        assert_eq!(listed("07:30, 16:00\n08:00"), ["07:30", "16:00", "08:00"]);
    }
}
