//! The offices that issue letters, and what stands at the head of their letters. A coat of arms is set for a region or an
//! office; what has none of its own shows that of what it is part of. The forms work without a script.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::documents::v1::{
    ApplyCoatOfArmsRequest, CoatOfArms, GetCoatOfArmsRequest, GetCoatOfArmsResponse, Office,
};
use tonic::{Code, Status};
use uuid::Uuid;

use super::{
    WebState, fields,
    form::Sent,
    letters::{self, segment},
    moment::{self, Zone},
    pages,
    visit::{Answer, Frame, Menu, Viewer, Visit},
};
use crate::problem;

/// The permission of who sets up offices.
const SET_UP: &str = "documents.office";
/// The most bytes of a coat of arms that the service takes.
const LARGEST: usize = 256 << 10;
/// Characters of the code of a regency.
const REGENCY: usize = 5;

#[derive(Template)]
#[template(path = "kantor.html")]
struct ListPage {
    p: Frame,
    menu: Menu,
    regions: Vec<Row>,
    offices: Vec<Row>,
}

/// One region or office.
struct Row {
    name: String,
    area: String,
    address: String,
    arms: String,
    tone: &'static str,
}

/// What is said of the arms of an area: its own, those of what it is part of, or none; with the tone.
fn arms_words(
    area: &str,
    arms: Option<&CoatOfArms>,
    offices: &[Office],
    visit: &Visit,
) -> (String, &'static str) {
    let t = visit.words();
    match arms {
        None => (t["offices.none"].clone(), "warn"),
        Some(arms) if arms.area == area => (t["offices.own"].clone(), "good"),
        Some(arms) => (t.say("offices.inherited", &[("area", &name_of(&arms.area, offices))]), "off"),
    }
}

/// What people call an area: its office, or the regency as it stands on letters without its "Pemerintah"; else its code.
fn name_of(area: &str, offices: &[Office]) -> String {
    if let Some(office) = offices.iter().find(|office| office.area == area) {
        return office.name.clone();
    }
    match regions(offices).remove(area).filter(|name| !name.is_empty()) {
        Some(name) => name.strip_prefix("Pemerintah ").unwrap_or(&name).to_owned(),
        None => area.to_owned(),
    }
}

/// Where the page of an area is.
fn address(area: &str) -> String {
    format!("/kantor/lambang?wilayah={}", segment(area))
}

/// The regencies that offices lie in, each with the name that its offices have on their letters.
fn regions(offices: &[Office]) -> BTreeMap<&str, String> {
    let mut found: BTreeMap<&str, String> = BTreeMap::new();
    for office in offices {
        let is_code = |code: &&str| code.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let Some(code) = office.area.get(..REGENCY).filter(is_code) else { continue };
        let name = found.entry(code).or_default();
        if name.is_empty() && office.letterhead.len() > 1 {
            name.clone_from(&office.letterhead[0]);
        }
    }
    found
}

/// `/kantor`: every office, and the regencies that they lie in.
pub(crate) async fn list(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, SET_UP).await?;
    let offices = letters::offices(&state, &visit).await.map_err(|status| visit.refused(&status))?;
    let mut regencies = Vec::new();
    for (area, name) in regions(&offices) {
        match arms(&state, &visit, &viewer, area).await {
            Ok(found) => regencies.push((area, name, found.coat_of_arms)),
            // Who sets up offices in a part of it does not set its arms.
            Err(status) if status.code() == Code::PermissionDenied => {}
            Err(status) => return Err(visit.refused(&status)),
        }
    }
    let row = |area: &str, name: &str, place: &str, arms: Option<&CoatOfArms>| {
        let (arms, tone) = arms_words(area, arms, &offices, &visit);
        let name = if name.is_empty() { area } else { name };
        Row { name: name.to_owned(), area: area.to_owned(), address: place.to_owned(), arms, tone }
    };
    let page = ListPage {
        p: visit.frame(),
        menu: Menu::of(&viewer),
        regions: regencies.iter().map(|(area, name, arms)| row(area, name, "", arms.as_ref())).collect(),
        offices: offices
            .iter()
            .map(|one| row(&one.area, &one.name, &one.address, one.coat_of_arms.as_ref()))
            .collect(),
    };
    Ok(visit.page(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "kantor_lambang.html")]
struct ArmsPage {
    p: Frame,
    menu: Menu,
    area: String,
    name: String,
    /// The lines of a letterhead, the last of which is set larger.
    lines: Vec<String>,
    contact: String,
    image: String,
    arms: String,
    tone: &'static str,
    since: String,
    own: bool,
    saved: bool,
    request_id: String,
    error: String,
}

/// What the page says besides what there is.
#[derive(Default)]
struct Said {
    error: String,
    request_id: Option<String>,
}

async fn arms(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    area: &str,
) -> Result<GetCoatOfArmsResponse, Status> {
    let request = GetCoatOfArmsRequest { area: area.to_owned() };
    Ok(state.documents.clone().get_coat_of_arms(visit.call(request, Some(viewer))).await?.into_inner())
}

/// `/kantor/lambang?wilayah=…`: what stands at the head of the letters of a region or an office.
pub(crate) async fn one(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, SET_UP).await?;
    let area = visit.parameter("wilayah").unwrap_or_default().trim().to_owned();
    page(&state, &visit, viewer, &area, Said::default(), StatusCode::OK).await
}

async fn page(
    state: &WebState,
    visit: &Visit,
    viewer: Viewer,
    area: &str,
    said: Said,
    http: StatusCode,
) -> Answer {
    let (found, offices) = tokio::join!(arms(state, visit, &viewer, area), letters::offices(state, visit));
    let found = found.map_err(|status| visit.refused(&status))?;
    let offices = offices.map_err(|status| visit.refused(&status))?;
    let office = offices.iter().find(|office| office.area == area);
    let region = regions(&offices).remove(area).unwrap_or_default();
    let (name, lines, contact) = match office {
        Some(office) => (office.name.clone(), office.letterhead.clone(), office.address.clone()),
        None if region.is_empty() => (area.to_owned(), vec![area.to_owned()], String::new()),
        None => (region.clone(), vec![region], String::new()),
    };
    let arms = found.coat_of_arms.as_ref();
    let (words, tone) = arms_words(area, arms, &offices, visit);
    let page = ArmsPage {
        p: visit.frame(),
        menu: Menu::of(&viewer),
        name,
        lines,
        contact,
        // Named by what it is: a browser that has one picture does not show it for another.
        image: arms
            .map(|arms| format!("/kantor/lambang/gambar?wilayah={}&id={}", segment(area), segment(&arms.id)))
            .unwrap_or_default(),
        arms: words,
        tone,
        since: arms
            .map(|arms| moment::moment(arms.create_time, Zone::Wib, visit.language))
            .unwrap_or_default(),
        own: arms.is_some_and(|arms| arms.area == area),
        saved: visit.parameter("simpan").is_some(),
        request_id: said.request_id.unwrap_or_else(|| Uuid::new_v4().to_string()),
        error: said.error,
        area: area.to_owned(),
    };
    Ok(visit.page(http, &page))
}

/// `/kantor/lambang/gambar?wilayah=…`: the picture.
pub(crate) async fn image(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, SET_UP).await?;
    let area = visit.parameter("wilayah").unwrap_or_default().to_owned();
    match arms(&state, &visit, &viewer, &area).await {
        Ok(GetCoatOfArmsResponse { coat_of_arms: Some(arms), content }) => {
            Ok(visit.file(content, &arms.media_type, None))
        }
        Ok(_) => Err(visit.missing("error.404")),
        Err(status) => Err(visit.refused(&status)),
    }
}

/// A coat of arms, uploaded.
pub(crate) async fn upload(State(state): State<WebState>, visit: Visit, request: Request) -> Answer {
    let viewer = pages::staff(&state, &visit, SET_UP).await?;
    let sent = Sent::with_files(request, state.form_limit, LARGEST).await;
    let area = sent.get("wilayah").to_owned();
    let content = match sent.file("berkas") {
        Some(file) if !file.too_large => Ok(file.content.clone()),
        Some(_) => Err("offices.too_large"),
        None => Err("offices.no_file"),
    };
    let content = match content {
        Ok(content) => content,
        Err(words) => {
            let said = Said { error: visit.words()[words].clone(), request_id: None };
            return page(&state, &visit, viewer, &area, said, StatusCode::BAD_REQUEST).await;
        }
    };
    apply(&state, &visit, viewer, &sent, &area, content).await
}

/// The arms of an area, taken away.
pub(crate) async fn take_away(State(state): State<WebState>, visit: Visit, body: Bytes) -> Answer {
    let viewer = pages::staff(&state, &visit, SET_UP).await?;
    let sent = Sent::plain(&body);
    let area = sent.get("wilayah").to_owned();
    apply(&state, &visit, viewer, &sent, &area, Vec::new()).await
}

async fn apply(
    state: &WebState,
    visit: &Visit,
    viewer: Viewer,
    sent: &Sent,
    area: &str,
    content: Vec<u8>,
) -> Answer {
    let request_id = fields::form_key(sent);
    let request = ApplyCoatOfArmsRequest { request_id: request_id.clone(), area: area.to_owned(), content };
    match state.documents.clone().apply_coat_of_arms(visit.call(request, Some(&viewer))).await {
        Ok(_) => Ok(visit.redirect(&format!("{}&simpan=1", address(area)))),
        Err(status) => {
            let error = fields::refusal(&status, visit);
            let said = Said { error, request_id: fields::is_unclear(&status).then_some(request_id) };
            page(state, visit, viewer, area, said, problem::http_status(status.code())).await
        }
    }
}

/// To the list of offices, from an address that only takes a form.
pub(crate) async fn back(visit: Visit) -> Response {
    visit.redirect("/kantor")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn office(area: &str, letterhead: &[&str]) -> Office {
        Office {
            area: area.to_owned(),
            letterhead: letterhead.iter().map(|line| (*line).to_owned()).collect(),
            ..Office::default()
        }
    }

    #[test]
    fn a_regency_is_known_by_its_offices() {
        let offices = [
            office("17.07.05.2003", &["Pemerintah Kabupaten Lebong", "Desa Satu"]),
            office("17.07/dinkes", &["Dinas Kesehatan"]),
            office("17.08.01", &["Kecamatan Dua"]),
            office("17/biro-organisasi", &["Pemerintah Provinsi", "Biro Organisasi"]),
        ];
        let found: Vec<_> = regions(&offices).into_iter().collect();
        assert_eq!(found, [("17.07", "Pemerintah Kabupaten Lebong".to_owned()), ("17.08", String::new())]);
        assert_eq!(address("17.07/dinkes"), "/kantor/lambang?wilayah=17.07%2Fdinkes");
        let named = [Office { name: "Kecamatan Dua".to_owned(), ..office("17.08.01", &[]) }];
        assert_eq!(name_of("17.07", &offices), "Kabupaten Lebong");
        assert_eq!(name_of("17.08.01", &named), "Kecamatan Dua");
        assert_eq!(name_of("17.08", &named), "17.08", "nobody says what it is called");
    }
}
