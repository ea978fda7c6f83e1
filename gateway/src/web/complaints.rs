//! What the pages of complaints share: lists to choose from, the words of the contract, places and files.

use mpp_proto::{
    complaints::v1::{
        self, Agency, CaseState, Category, Channel, ClockKind, ClockState, ComplaintClass, ComplaintFile,
        ListAgenciesRequest, ListCategoriesRequest, ListLanguagesRequest, ListResponseTemplatesRequest,
        Place, Publication, ResponseTemplate, Secrecy, UploadComplaintFileRequest,
    },
    documents::v1::{Office, OfficeKind},
};
use tonic::{Code, Status};

use super::{
    WebState,
    fields::{self, Choice, Faults, Paper},
    form::Sent,
    letters,
    moment::Zone,
    visit::{Viewer, Visit, every},
    words::Words,
};

/// Lines of a list on one page.
pub(crate) const LINES: i32 = 50;

/// Kinds of report with what forms call them.
pub(crate) const CLASSES: [(ComplaintClass, &str); 4] = [
    (ComplaintClass::Complaint, "pengaduan"),
    (ComplaintClass::Aspiration, "aspirasi"),
    (ComplaintClass::InformationRequest, "informasi"),
    (ComplaintClass::Whistleblowing, "pelanggaran"),
];

/// Kinds of secrecy with what forms call them.
pub(crate) const SECRECIES: [(Secrecy, &str); 3] =
    [(Secrecy::Open, "biasa"), (Secrecy::Anonymous, "anonim"), (Secrecy::Secret, "rahasia")];

/// What a form calls a value; empty for one it does not offer.
fn called<T: PartialEq>(of: &[(T, &'static str)], value: &T) -> &'static str {
    of.iter().find(|(one, _)| one == value).map_or("", |(_, name)| name)
}

/// The value that a form calls so.
fn meant<T: Copy + Default>(of: &[(T, &'static str)], name: &str) -> T {
    of.iter().find(|(_, one)| *one == name).map_or_else(T::default, |(value, _)| *value)
}

/// The kind of report that a form calls so; not said for any other text.
pub(crate) fn class_of(name: &str) -> ComplaintClass {
    meant(&CLASSES, name)
}

/// What a form calls a kind of report.
pub(crate) fn class_name(class: ComplaintClass) -> &'static str {
    called(&CLASSES, &class)
}

/// A kind of report in words.
pub(crate) fn class_words(class: ComplaintClass, t: &Words) -> String {
    t.find(&format!("class.{}", class_name(class))).unwrap_or_default().to_owned()
}

/// The secrecy that a form calls so; not said for any other text.
pub(crate) fn secrecy_of(name: &str) -> Secrecy {
    meant(&SECRECIES, name)
}

/// What a form calls a secrecy.
pub(crate) fn secrecy_name(secrecy: Secrecy) -> &'static str {
    called(&SECRECIES, &secrecy)
}

/// A secrecy in words.
pub(crate) fn secrecy_words(secrecy: Secrecy, t: &Words) -> String {
    t.find(&format!("secrecy.{}", secrecy_name(secrecy))).unwrap_or_default().to_owned()
}

/// Choices with a sentence each, of words under a prefix.
pub(crate) fn explained<T: Copy + PartialEq>(
    of: &[(T, &'static str)],
    prefix: &str,
    chosen: &str,
    t: &Words,
) -> Vec<Choice> {
    of.iter()
        .map(|(_, name)| Choice {
            value: (*name).to_owned(),
            label: t[&format!("{prefix}.{name}")].clone(),
            detail: t[&format!("{prefix}.{name}_detail")].clone(),
            chosen: *name == chosen,
        })
        .collect()
}

/// Choices of words under a prefix.
pub(crate) fn choices(values: &[&str], prefix: &str, chosen: &str, t: &Words) -> Vec<Choice> {
    values
        .iter()
        .map(|value| Choice {
            label: keyed(prefix, value, t),
            value: (*value).to_owned(),
            chosen: *value == chosen,
            ..Choice::default()
        })
        .collect()
}

/// The words for a name of the contract, such as `OFFICE` under `rung`; the name itself where there are none.
pub(crate) fn keyed(prefix: &str, name: &str, t: &Words) -> String {
    t.find(&format!("{prefix}.{}", name.to_lowercase())).unwrap_or(name).to_owned()
}

/// Where a case stands: the key of its words, a tone and an icon.
pub(crate) fn state_word(state: CaseState) -> (&'static str, &'static str, &'static str) {
    match state {
        CaseState::Unspecified | CaseState::New => ("new", "info", "clock"),
        CaseState::Verified => ("verified", "info", "check"),
        CaseState::Disposed => ("disposed", "info", "transfer"),
        CaseState::InProgress => ("in_progress", "info", "clock"),
        CaseState::AwaitingCompletion => ("awaiting_completion", "warn", "alert"),
        CaseState::AwaitingConfirmation => ("awaiting_confirmation", "warn", "bell"),
        CaseState::Reopened => ("reopened", "warn", "undo"),
        CaseState::Settled => ("settled", "good", "check"),
        CaseState::Merged => ("merged", "off", "group"),
        CaseState::ForwardedOutside => ("forwarded_outside", "off", "exit"),
        CaseState::Archived => ("archived", "off", "stop"),
        CaseState::DeemedWithdrawn => ("deemed_withdrawn", "off", "undo"),
        CaseState::Withdrawn => ("withdrawn", "off", "undo"),
    }
}

/// Where a case stands in words, with a tone.
pub(crate) fn state_words(state: CaseState, t: &Words) -> (String, &'static str) {
    let (word, tone, _) = state_word(state);
    (t[&format!("case.{word}")].clone(), tone)
}

/// What a clock waits for, in words.
pub(crate) fn clock_words(kind: ClockKind, t: &Words) -> String {
    let word = match kind {
        ClockKind::Unspecified => return String::new(),
        ClockKind::Verify => "clock.verify",
        ClockKind::Accept => "clock.accept",
        ClockKind::FirstAnswer => "clock.first_answer",
        ClockKind::Settle => "clock.settle",
        ClockKind::Reaction => "clock.reaction",
    };
    t[word].clone()
}

/// What a clock does, in words.
pub(crate) fn clock_state_words(state: ClockState, t: &Words) -> String {
    let word = match state {
        ClockState::Unspecified => return String::new(),
        ClockState::Running => "clock.state.running",
        ClockState::Paused => "clock.state.paused",
        ClockState::Met => "clock.state.met",
        ClockState::Stopped => "clock.state.stopped",
    };
    t[word].clone()
}

/// A channel in words.
pub(crate) fn channel_words(channel: Channel, t: &Words) -> String {
    match channel {
        Channel::Unspecified => String::new(),
        Channel::Web => t["channel.web"].clone(),
        Channel::Counter => t["channel.counter"].clone(),
        Channel::Whatsapp => "WhatsApp".to_owned(),
        Channel::Facebook => "Facebook".to_owned(),
        Channel::Instagram => "Instagram".to_owned(),
        Channel::Email => t["channel.email"].clone(),
        Channel::Sp4n => "SP4N-LAPOR!".to_owned(),
        Channel::Open311 => "Open311".to_owned(),
        Channel::Api => t["channel.api"].clone(),
    }
}

/// What the public sees, in words.
pub(crate) fn publication_words(publication: Publication, t: &Words) -> String {
    let word = match publication {
        Publication::Unspecified | Publication::Pending => "publication.pending",
        Publication::Public => "publication.public",
        Publication::Withheld => "publication.withheld",
        Publication::Secret => "publication.secret",
    };
    t[word].clone()
}

/// The villages with the time they live by. The pages are useful without them: places can be said in words.
pub(crate) struct Ground {
    pub(crate) offices: Vec<Office>,
    /// The time of the regency.
    pub(crate) zone: Zone,
}

impl Ground {
    /// As the documents service knows them.
    pub(crate) async fn of(state: &WebState, visit: &Visit) -> Self {
        let offices = letters::offices(state, visit).await.unwrap_or_default();
        let village = offices.iter().find(|office| office.kind() == OfficeKind::Village);
        let zone = Zone::of(village.map(|office| office.time_zone.as_str()).unwrap_or_default());
        Self { offices, zone }
    }

    /// The name of a village; its code where there is no name.
    pub(crate) fn village(&self, code: &str) -> String {
        let found = self.offices.iter().find(|office| office.area == code);
        found.map_or(code, |office| office.name.as_str()).to_owned()
    }

    /// A place in words: address and village; empty for none.
    pub(crate) fn place(&self, place: Option<&Place>) -> String {
        let Some(place) = place else { return String::new() };
        let village = self.village(&place.village_code);
        [place.address.as_str(), &village]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// A point as people copy it from a map: latitude and longitude in degrees, with a comma or space between them.
///
/// # Errors
/// If it is no point on Earth.
pub(crate) fn point(written: &str) -> Result<Option<(f64, f64)>, ()> {
    if written.is_empty() {
        return Ok(None);
    }
    let parts: Vec<&str> =
        written.split([',', ';', ' ']).map(str::trim).filter(|part| !part.is_empty()).collect();
    let [latitude, longitude] = parts.as_slice() else { return Err(()) };
    let (Ok(latitude), Ok(longitude)) = (latitude.parse::<f64>(), longitude.parse::<f64>()) else {
        return Err(());
    };
    match (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude) {
        true => Ok(Some((latitude, longitude))),
        false => Err(()),
    }
}

/// Every category.
///
/// # Errors
/// The status of the complaints service.
pub(crate) async fn categories(state: &WebState, visit: &Visit) -> Result<Vec<Category>, Status> {
    every!(visit, None, state.complaints, list_categories(ListCategoriesRequest {}).categories).await
}

/// Every agency that answers complaints.
///
/// # Errors
/// The status of the complaints service.
pub(crate) async fn agencies(state: &WebState, visit: &Visit) -> Result<Vec<Agency>, Status> {
    every!(visit, None, state.complaints, list_agencies(ListAgenciesRequest {}).agencies).await
}

/// The languages of messages, by code.
///
/// # Errors
/// The status of the complaints service.
pub(crate) async fn languages(state: &WebState, visit: &Visit) -> Result<Vec<v1::Language>, Status> {
    every!(visit, None, state.complaints, list_languages(ListLanguagesRequest {}).languages).await
}

/// Every text that officers start an answer from.
///
/// # Errors
/// The status of the complaints service.
pub(crate) async fn templates(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
) -> Result<Vec<ResponseTemplate>, Status> {
    every!(
        visit,
        Some(viewer),
        state.complaints,
        list_response_templates(ListResponseTemplatesRequest {}).templates
    )
    .await
}

/// The name of an agency; of the coordinator and the inspectors where one of them holds a case.
pub(crate) fn agency_name(id: &str, agencies: &[Agency], t: &Words) -> String {
    match id {
        "" | "coordinator" => t["cases.coordinator"].clone(),
        "whistleblowing" => t["cases.inspectors"].clone(),
        id => agencies.iter().find(|one| one.id == id).map_or(id, |one| one.name.as_str()).to_owned(),
    }
}

/// Agencies that take cases, to choose from.
pub(crate) fn agency_choices(agencies: &[Agency], chosen: &str) -> Vec<Choice> {
    agencies
        .iter()
        .filter(|one| one.active)
        .map(|one| Choice {
            chosen: one.id == chosen,
            value: one.id.clone(),
            label: one.name.clone(),
            ..Choice::default()
        })
        .collect()
}

/// Categories that take reports, under the name of the one above them.
pub(crate) fn category_groups(categories: &[Category], chosen: &str) -> Vec<(String, Vec<Choice>)> {
    let is_branch = |key: &str| categories.iter().any(|one| one.active && one.parent == key);
    let choice = |one: &Category| Choice {
        chosen: one.key == chosen,
        value: one.key.clone(),
        label: one.name.clone(),
        ..Choice::default()
    };
    let mut groups: Vec<(String, Vec<Choice>)> = Vec::new();
    for one in categories.iter().filter(|one| one.active && !is_branch(&one.key)) {
        let above = categories.iter().find(|above| above.key == one.parent);
        let name = above.map_or("", |above| above.name.as_str());
        match groups.iter_mut().find(|(group, _)| group == name) {
            Some((_, found)) => found.push(choice(one)),
            None => groups.push((name.to_owned(), vec![choice(one)])),
        }
    }
    groups
}

/// Inputs for files: as many as a form has places for.
pub(crate) fn papers(keys: &[&str], label: &str, sent: &Sent, faults: &Faults, visit: &Visit) -> Vec<Paper> {
    keys.iter()
        .enumerate()
        .map(|(at, key)| {
            let (name, kept_name) = (fields::paper_name(key), fields::kept_name(key));
            let kept = sent.get(&kept_name).to_owned();
            Paper {
                id: fields::id_of(&name),
                error: faults.of(&name),
                kept_words: fields::kept_attachment(key, &kept)
                    .map(|file| fields::file_words(&file.media_type, file.size, visit.language))
                    .unwrap_or_default(),
                kept_name,
                kept,
                label: if keys.len() == 1 { label.to_owned() } else { format!("{label} {}", at + 1) },
                required: false,
                name,
            }
        })
        .collect()
}

/// Stores the files of a form, remembers them in it, and answers their ids. What cannot be stored is noted.
pub(crate) async fn upload(
    state: &WebState,
    visit: &Visit,
    viewer: Option<&Viewer>,
    keys: &[&str],
    sent: &mut Sent,
    form: &str,
    faults: &mut Faults,
) -> Vec<String> {
    let t = visit.words();
    if sent.cut {
        faults.note("", t["apply.too_much"].clone());
    }
    let mut ids = Vec::new();
    for key in keys {
        let name = fields::paper_name(key);
        let Some(file) = sent.file(&name) else {
            let kept = fields::kept_attachment(key, sent.get(&fields::kept_name(key)));
            ids.extend(kept.map(|file| file.file_id));
            continue;
        };
        if file.too_large {
            faults.note(&name, fields::too_large(state, t));
            continue;
        }
        let request = UploadComplaintFileRequest {
            request_id: fields::upload_key(form, key, &file.content),
            content: file.content.clone(),
        };
        match state.complaints.clone().upload_complaint_file(visit.call(request, viewer)).await {
            Ok(answer) => {
                let Some(stored) = answer.into_inner().file else { continue };
                let kept = format!("{}|{}|{}", stored.file_id, stored.media_type, stored.size);
                sent.set(&fields::kept_name(key), kept);
                ids.push(stored.file_id);
            }
            Err(status) => faults.note(&name, fields::first_told(&status, visit)),
        }
    }
    ids
}

/// A span of minutes in words, such as "3 jam 20 menit".
pub(crate) fn span(minutes: i64, t: &Words) -> String {
    let minutes = minutes.max(0);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => t.say("minutes", &[("n", &minutes)]),
        (hours, 0) => t.say("span.hours", &[("h", &hours)]),
        (hours, minutes) => t.say("span.both", &[("h", &hours), ("m", &minutes)]),
    }
}

/// A file in words, with what the virus scanner has said while that keeps it from being opened.
pub(crate) fn file_words(file: &ComplaintFile, visit: &Visit) -> String {
    let facts = fields::file_words(&file.media_type, file.size, visit.language);
    match visit.words().find(&format!("scan.{}", file.scan.to_lowercase())) {
        Some(scan) => format!("{facts} · {scan}"),
        None => facts,
    }
}

/// Malformed, unknown and wrong are told alike.
pub(crate) fn is_unknown(status: &Status) -> bool {
    matches!(status.code(), Code::NotFound | Code::InvalidArgument | Code::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use mpp_kit::fault::Language;

    use super::*;

    #[test]
    fn every_state_class_secrecy_and_clock_has_its_words() {
        for language in [Language::Id, Language::En] {
            let t = Words::of(language);
            for number in 1..=13 {
                let state = CaseState::try_from(number).expect("a state");
                let (word, ..) = state_word(state);
                assert!(!state_words(state, t).0.is_empty());
                assert!(!t[&format!("case.{word}_detail")].is_empty());
            }
            for (class, name) in CLASSES {
                assert!(!class_words(class, t).is_empty() && class_of(name) == class);
            }
            for (secrecy, name) in SECRECIES {
                assert!(!secrecy_words(secrecy, t).is_empty() && secrecy_of(name) == secrecy);
            }
            for number in 1..=5 {
                assert!(!clock_words(ClockKind::try_from(number).expect("a clock"), t).is_empty());
            }
            for number in 1..=9 {
                assert!(!channel_words(Channel::try_from(number).expect("a channel"), t).is_empty());
            }
        }
        assert_eq!(class_of("lain"), ComplaintClass::Unspecified);
    }

    #[test]
    fn a_point_is_read_as_maps_write_it_and_what_is_none_is_refused() {
        assert_eq!(point(""), Ok(None));
        for written in ["-3.5912, 102.2581", "-3.5912 102.2581", "-3.5912;102.2581"] {
            assert_eq!(point(written), Ok(Some((-3.5912, 102.2581))), "{written}");
        }
        for wrong in ["-3.5912", "a, b", "-93.5, 102.2", "1,2,3", "NaN 1"] {
            assert_eq!(point(wrong), Err(()), "{wrong}");
        }
    }

    #[test]
    fn categories_are_offered_under_the_name_above_them_and_retired_ones_are_not() {
        let category = |key: &str, parent: &str, active| Category {
            key: key.into(),
            parent: parent.into(),
            name: format!("nama {key}"),
            active,
            ..Category::default()
        };
        let all = [
            category("JALAN", "", true),
            category("JALAN-LUBANG", "JALAN", true),
            category("JALAN-LAMA", "JALAN", false),
            category("LAIN", "", true),
        ];
        let groups = category_groups(&all, "LAIN");
        let shown: Vec<(&str, Vec<(&str, bool)>)> = groups
            .iter()
            .map(|(name, found)| {
                (name.as_str(), found.iter().map(|one| (one.value.as_str(), one.chosen)).collect())
            })
            .collect();
        assert_eq!(shown, [("nama JALAN", vec![("JALAN-LUBANG", false)]), ("", vec![("LAIN", true)])]);
    }
}
