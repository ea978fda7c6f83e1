//! The editor of letter and licence types: definition and template of each version, a preview on sample data, what keeps a
//! draft from being published, and what changed since the version before.

use askama::Template;
use axum::extract::{Path, State};
use bytes::Bytes;
use http::StatusCode;
use mpp_proto::documents::v1::{
    LetterTypeDraft, LetterTypeState, LetterTypeVersion, ListLetterTypeDraftsRequest,
    ListLetterTypeVersionsRequest, PreviewLetterTypeRequest, PublishLetterTypeRequest,
    RetireLetterTypeRequest, SaveLetterTypeRequest,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::{
    WebState, fields,
    form::Sent,
    letters::{self, segment, told},
    moment::{self, Zone},
    pages,
    people::Names,
    visit::{Answer, Frame, Menu, Viewer, Visit, every},
    words::Words,
};
use crate::problem;

/// The permission of editors.
const EDIT: &str = "documents.catalogue";
/// Versions that are shown.
const VERSIONS: i32 = 200;
/// Lines that stay around a change.
const CONTEXT: usize = 3;
/// Lines of a text that are compared; a longer one is told apart by its lines alone.
const COMPARED: usize = 3_000;

#[derive(Template)]
#[template(path = "jenis_surat.html")]
struct ListPage {
    p: Frame,
    drafts: Vec<DraftRow>,
    menu: Menu,
    types: Vec<TypeRow>,
}

struct DraftRow {
    key: String,
    title: String,
    version: i32,
    is_new: bool,
    author: String,
    created: String,
}

struct TypeRow {
    key: String,
    title: String,
    version: i32,
    facts: String,
}

/// `/jenis-surat`: every type in force.
pub(crate) async fn list(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, EDIT).await?;
    // A type that is no longer offered stands in no list: its key leads to it.
    if let Some(key) = visit.parameter("kunci").map(str::trim).filter(|key| !key.is_empty()) {
        return Ok(visit.redirect(&format!("/jenis-surat/{}", segment(key))));
    }
    let found = tokio::try_join!(letters::types(&state, &visit), drafts(&state, &visit, &viewer));
    let (types, drafts) = found.map_err(|status| visit.refused(&status))?;
    let names = Names::of(&state, &visit, &viewer, drafts.iter().map(|draft| draft.author.as_str())).await;
    let t = visit.words();
    let page = ListPage {
        p: visit.frame(),
        drafts: drafts
            .into_iter()
            .map(|draft| DraftRow {
                title: told(draft.title.as_ref(), visit.language),
                version: draft.version,
                is_new: draft.is_new,
                author: author(&draft.author, &names, t),
                created: moment::moment(draft.create_time, Zone::Wib, visit.language),
                key: draft.key,
            })
            .collect(),
        menu: Menu::of(&viewer),
        types: types
            .iter()
            .map(|one| TypeRow {
                key: one.key.clone(),
                title: told(one.title.as_ref(), visit.language),
                version: one.version,
                facts: t.say(
                    "types.facts",
                    &[
                        ("fields", &one.fields.len()),
                        ("steps", &one.steps.len()),
                        ("papers", &one.requirements.len()),
                    ],
                ),
            })
            .collect(),
    };
    Ok(visit.page(StatusCode::OK, &page))
}

/// Every draft that waits to be published.
async fn drafts(state: &WebState, visit: &Visit, viewer: &Viewer) -> Result<Vec<LetterTypeDraft>, Status> {
    every!(
        visit,
        Some(viewer),
        state.documents,
        list_letter_type_drafts(ListLetterTypeDraftsRequest {}).drafts
    )
    .await
}

/// Who wrote or published a version: what ships with the suite, somebody by name, or a colleague whose name is not known here.
fn author(account: &str, names: &Names, t: &Words) -> String {
    match (account, names.name(account)) {
        ("", _) => String::new(),
        ("catalogue", _) => t["types.shipped"].clone(),
        (_, name) if name.is_empty() => t["types.somebody"].clone(),
        (_, name) => name,
    }
}

#[derive(Template)]
#[template(path = "penyunting.html")]
struct EditorPage {
    p: Frame,
    menu: Menu,
    key: String,
    is_new: bool,
    saved: bool,
    published: bool,
    error: Vec<String>,
    request_id: String,
    definition: String,
    template: String,
    draft: Option<VersionRow>,
    current: Option<VersionRow>,
    versions: Vec<VersionRow>,
}

struct VersionRow {
    version: i32,
    state: String,
    tone: &'static str,
    author: String,
    publisher: String,
    created: String,
    published: String,
    defects: Vec<String>,
    before: Option<i32>,
}

fn version_row(version: &LetterTypeVersion, before: Option<i32>, names: &Names, visit: &Visit) -> VersionRow {
    let t = visit.words();
    let (word, tone) = match version.state() {
        LetterTypeState::Unspecified | LetterTypeState::Draft => ("draft", "warn"),
        LetterTypeState::Published => ("published", "good"),
        LetterTypeState::Retired => ("retired", "off"),
    };
    VersionRow {
        version: version.version,
        state: t[&format!("draft.state.{word}")].clone(),
        tone,
        author: author(&version.author, names, t),
        publisher: author(&version.publisher, names, t),
        created: moment::moment(version.create_time, Zone::Wib, visit.language),
        published: moment::moment(version.publish_time, Zone::Wib, visit.language),
        defects: version.defects.clone(),
        before,
    }
}

async fn versions(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    key: &str,
) -> Result<Vec<LetterTypeVersion>, Status> {
    let request = ListLetterTypeVersionsRequest {
        letter_type: key.to_owned(),
        page_size: VERSIONS,
        page_token: String::new(),
    };
    match state.documents.clone().list_letter_type_versions(visit.call(request, Some(viewer))).await {
        Ok(answer) => Ok(answer.into_inner().versions),
        Err(status) => Err(status),
    }
}

/// What the editor says besides the versions.
#[derive(Default)]
struct Said {
    error: Vec<String>,
    /// Definition and template as they were sent, instead of the latest version's.
    sent: Option<(String, String)>,
    request_id: Option<String>,
}

/// `/jenis-surat/{key}`: the editor. `baru` is a type that does not exist yet.
pub(crate) async fn editor(State(state): State<WebState>, Path(key): Path<String>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, EDIT).await?;
    editor_page(&state, &visit, viewer, &key, Said::default(), StatusCode::OK).await
}

async fn editor_page(
    state: &WebState,
    visit: &Visit,
    viewer: Viewer,
    key: &str,
    said: Said,
    http: StatusCode,
) -> Answer {
    let is_new = key == NEW;
    let versions = if is_new { Ok(Vec::new()) } else { versions(state, visit, &viewer, key).await };
    let versions = match versions {
        Ok(versions) if versions.is_empty() && !is_new => return Err(visit.missing("error.letter")),
        Ok(versions) => versions,
        Err(status) if status.code() == Code::NotFound => return Err(visit.missing("error.letter")),
        Err(status) => return Err(visit.refused(&status)),
    };
    let people = versions.iter().flat_map(|one| [one.author.as_str(), one.publisher.as_str()]);
    let names = Names::of(state, visit, &viewer, people).await;
    let latest = versions.first();
    let (definition, template) = said.sent.unwrap_or_else(|| {
        latest.map(|one| (one.definition.clone(), one.template.clone())).unwrap_or_default()
    });
    let row = |state: LetterTypeState| {
        let at = versions.iter().position(|one| one.state() == state)?;
        Some(version_row(&versions[at], versions.get(at + 1).map(|one| one.version), &names, visit))
    };
    let page = EditorPage {
        p: visit.frame(),
        menu: Menu::of(&viewer),
        key: key.to_owned(),
        is_new,
        saved: visit.parameter("simpan").is_some(),
        published: visit.parameter("terbit").is_some(),
        error: said.error,
        request_id: said.request_id.unwrap_or_else(|| Uuid::new_v4().to_string()),
        definition,
        template,
        draft: row(LetterTypeState::Draft),
        current: row(LetterTypeState::Published),
        versions: versions
            .iter()
            .enumerate()
            .map(|(at, one)| {
                version_row(one, versions.get(at + 1).map(|before| before.version), &names, visit)
            })
            .collect(),
    };
    Ok(visit.page(http, &page))
}

/// The key that stands for a type that does not exist yet.
const NEW: &str = "baru";

/// What a refusal says: the sentence, and what is wrong line by line.
fn told_all(status: &Status, visit: &Visit) -> Vec<String> {
    let mut lines = vec![visit.sentence(status)];
    let details = status.get_error_details();
    for violation in details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default() {
        lines.push(format!("{}: {}", violation.field, violation.description));
    }
    lines
}

/// The editor, sent: saves a draft.
pub(crate) async fn save(
    State(state): State<WebState>,
    Path(key): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, EDIT).await?;
    let sent = Sent::plain(&body);
    let request_id = fields::form_key(&sent);
    let (definition, template) = (sent.get("definisi").to_owned(), sent.get("templat").to_owned());
    let request = SaveLetterTypeRequest {
        request_id: request_id.clone(),
        definition: definition.clone(),
        template: template.clone(),
    };
    match state.documents.clone().save_letter_type(visit.call(request, Some(&viewer))).await {
        Ok(answer) => {
            let saved = answer.into_inner().version.map(|version| version.key).unwrap_or(key);
            Ok(visit.redirect(&format!("/jenis-surat/{}?simpan=1", segment(&saved))))
        }
        Err(status) => {
            let said = Said {
                error: told_all(&status, &visit),
                sent: Some((definition, template)),
                request_id: fields::is_unclear(&status).then_some(request_id),
            };
            let http = problem::http_status(status.code());
            editor_page(&state, &visit, viewer, &key, said, http).await
        }
    }
}

/// Publishes the draft that was read.
pub(crate) async fn publish(
    State(state): State<WebState>,
    Path(key): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, EDIT).await?;
    let sent = Sent::plain(&body);
    let request = PublishLetterTypeRequest {
        request_id: fields::form_key(&sent),
        letter_type: key.clone(),
        draft_version: sent.get("versi").parse().unwrap_or_default(),
    };
    match state.documents.clone().publish_letter_type(visit.call(request, Some(&viewer))).await {
        Ok(_) => Ok(visit.redirect(&format!("/jenis-surat/{}?terbit=1", segment(&key)))),
        Err(status) => {
            let said = Said { error: told_all(&status, &visit), ..Said::default() };
            editor_page(&state, &visit, viewer, &key, said, problem::http_status(status.code())).await
        }
    }
}

/// Takes a type out of the offer.
pub(crate) async fn retire(
    State(state): State<WebState>,
    Path(key): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = pages::staff(&state, &visit, EDIT).await?;
    let sent = Sent::plain(&body);
    let request = RetireLetterTypeRequest {
        request_id: fields::form_key(&sent),
        letter_type: key.clone(),
        reason: sent.get("alasan").to_owned(),
    };
    match state.documents.clone().retire_letter_type(visit.call(request, Some(&viewer))).await {
        Ok(_) => Ok(visit.redirect(&format!("/jenis-surat/{}", segment(&key)))),
        Err(status) => {
            let said = Said { error: told_all(&status, &visit), ..Said::default() };
            editor_page(&state, &visit, viewer, &key, said, problem::http_status(status.code())).await
        }
    }
}

#[derive(Template)]
#[template(path = "pratinjau.html")]
struct PreviewProblem {
    p: Frame,
    lines: Vec<String>,
}

/// The draft as a PDF on its sample values, or what keeps it from being rendered. Opened in a window of its own.
pub(crate) async fn preview(State(state): State<WebState>, visit: Visit, body: Bytes) -> Answer {
    let viewer = pages::staff(&state, &visit, EDIT).await?;
    let sent = Sent::plain(&body);
    let request = PreviewLetterTypeRequest {
        definition: sent.get("definisi").to_owned(),
        template: sent.get("templat").to_owned(),
    };
    match state.documents.clone().preview_letter_type(visit.call(request, Some(&viewer))).await {
        Ok(answer) => Ok(visit.file(answer.into_inner().pdf, "application/pdf", None)),
        Err(status) => {
            let page = PreviewProblem { p: visit.frame(), lines: told_all(&status, &visit) };
            Ok(visit.page(problem::http_status(status.code()), &page))
        }
    }
}

#[derive(Template)]
#[template(path = "beda.html")]
struct DiffPage {
    p: Frame,
    menu: Menu,
    key: String,
    from: i32,
    to: i32,
    parts: Vec<DiffPart>,
}

struct DiffPart {
    title: String,
    lines: Vec<DiffLine>,
}

/// A line of a comparison.
#[derive(Debug, PartialEq, Eq)]
struct DiffLine {
    /// `same`, `added`, `removed` or `skipped`.
    kind: &'static str,
    mark: &'static str,
    /// Its number in the version it stands in; 0 for a line that stands for many.
    number: usize,
    text: String,
}

/// `/jenis-surat/{key}/beda?dari=1&ke=2`: what changed from one version to another.
pub(crate) async fn diff(State(state): State<WebState>, Path(key): Path<String>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, EDIT).await?;
    let versions = versions(&state, &visit, &viewer, &key).await.map_err(|status| visit.refused(&status))?;
    let asked = |name: &str| visit.parameter(name).and_then(|number| number.parse::<i32>().ok());
    let find = |number: Option<i32>| versions.iter().find(|one| Some(one.version) == number);
    let (Some(from), Some(to)) = (find(asked("dari")), find(asked("ke"))) else {
        return Err(visit.missing("error.404"));
    };
    let t = visit.words();
    let page = DiffPage {
        p: visit.frame(),
        menu: Menu::of(&viewer),
        key,
        from: from.version,
        to: to.version,
        parts: vec![
            part("types.definition", &from.definition, &to.definition, t),
            part("types.template", &from.template, &to.template, t),
        ],
    };
    Ok(visit.page(StatusCode::OK, &page))
}

fn part(title: &str, from: &str, to: &str, t: &Words) -> DiffPart {
    let lines = compare(&from.lines().collect::<Vec<_>>(), &to.lines().collect::<Vec<_>>());
    let lines = shorten(lines, |n| t.say("types.same_lines", &[("n", &n)]));
    DiffPart { title: t[title].clone(), lines }
}

/// The lines of two texts with what was removed and added, by their longest common subsequence.
fn compare(from: &[&str], to: &[&str]) -> Vec<DiffLine> {
    let line = |kind, mark, number: usize, text: &str| DiffLine { kind, mark, number, text: text.to_owned() };
    let start = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    let end = from[start..].iter().rev().zip(to[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, new) = (&from[start..from.len() - end], &to[start..to.len() - end]);
    let mut lines: Vec<DiffLine> =
        to[..start].iter().enumerate().map(|(at, text)| line("same", " ", at + 1, text)).collect();
    // common[i][j]: lines that the rests of both from i and j on have in common.
    let is_small = old.len().saturating_mul(new.len()) <= COMPARED * COMPARED;
    let width = new.len() + 1;
    let mut common = vec![0_u32; if is_small { (old.len() + 1) * width } else { 0 }];
    if is_small {
        for i in (0..old.len()).rev() {
            for j in (0..new.len()).rev() {
                common[i * width + j] = if old[i] == new[j] {
                    common[(i + 1) * width + j + 1] + 1
                } else {
                    common[(i + 1) * width + j].max(common[i * width + j + 1])
                };
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        let both = i < old.len() && j < new.len();
        if both && is_small && old[i] == new[j] {
            lines.push(line("same", " ", start + j + 1, new[j]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || (both && (!is_small || common[(i + 1) * width + j] >= common[i * width + j + 1]))
        {
            lines.push(line("removed", "−", start + i + 1, old[i]));
            i += 1;
        } else {
            lines.push(line("added", "+", start + j + 1, new[j]));
            j += 1;
        }
    }
    let rest = to.len() - end;
    lines.extend(to[rest..].iter().enumerate().map(|(at, text)| line("same", " ", rest + at + 1, text)));
    lines
}

/// Leaves a few lines around each change, and says how many were left out.
fn shorten(lines: Vec<DiffLine>, say: impl Fn(usize) -> String) -> Vec<DiffLine> {
    let changes: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| line.kind != "same").map(|(at, _)| at).collect();
    let near = |at: usize| changes.iter().any(|change| change.abs_diff(at) <= CONTEXT);
    let (mut kept, mut skipped) = (Vec::new(), 0);
    let gap = |skipped: usize| DiffLine { kind: "skipped", mark: "", number: 0, text: say(skipped) };
    for (at, line) in lines.into_iter().enumerate() {
        if near(at) {
            if skipped > 0 {
                kept.push(gap(std::mem::take(&mut skipped)));
            }
            kept.push(line);
        } else {
            skipped += 1;
        }
    }
    if skipped > 0 {
        kept.push(gap(skipped));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(from: &str, to: &str) -> String {
        let lines = compare(&from.lines().collect::<Vec<_>>(), &to.lines().collect::<Vec<_>>());
        lines.iter().map(|line| format!("{}{}{}\n", line.mark, line.number, line.text)).collect()
    }

    #[test]
    fn a_comparison_shows_what_was_removed_and_added_in_order() {
        assert_eq!(marks("a\nb\nc", "a\nc\nd"), " 1a\n−2b\n 2c\n+3d\n");
        assert_eq!(marks("", "x"), "+1x\n");
        assert_eq!(marks("x", "x"), " 1x\n");
        assert_eq!(marks("a\nb", "c"), "−1a\n−2b\n+1c\n");
    }

    #[test]
    fn lines_far_from_a_change_are_counted_not_shown() {
        let from: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let mut to = from.clone();
        to[10] = "changed".to_owned();
        let as_str = |lines: &[String]| lines.join("\n");
        let (from, to) = (as_str(&from), as_str(&to));
        let lines = compare(&from.lines().collect::<Vec<_>>(), &to.lines().collect::<Vec<_>>());
        let kinds: Vec<&str> = shorten(lines, |n| n.to_string()).iter().map(|line| line.kind).collect();
        assert_eq!(
            kinds,
            ["skipped", "same", "same", "same", "removed", "added", "same", "same", "same", "skipped"]
        );
    }
}
