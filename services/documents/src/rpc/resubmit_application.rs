//! `ResubmitApplication`: a returned application, corrected.

use std::collections::BTreeSet;

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1::{self as proto, ResubmitApplicationRequest, ResubmitApplicationResponse};
use tonic::Response;

use super::case::{Asking, Loaded};
use super::content::Wanted;
use super::{Core, convert, status};
use crate::domain::field::{self, Field, FieldType, Values};
use crate::domain::letter_type::LetterType;
use crate::domain::text;
use crate::domain::workflow::decide::{By, Order};
use crate::error::{Error, Thing};
use crate::store;

const METHOD: &str = "mpp.documents.v1.DocumentsService/ResubmitApplication";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ResubmitApplicationRequest,
) -> Result<Response<ResubmitApplicationResponse>, Error> {
    let kept: Option<ResubmitApplicationResponse> =
        core.kept(caller, METHOD, (&request, &request.request_id)).await?;
    if let Some(mut answer) = kept {
        answer.status = answer.status.map(|status| status::with_code(core, status)).transpose()?;
        return Ok(Response::new(answer));
    }
    let before = core.application_by_code(&core.db.read, &request.code).await?;
    let was = convert::subject(&before);
    let had_nik = !was.nik.is_empty();
    let subject = match &request.subject {
        // All of it is what the caller says now: who holds the code alone learns nothing of what was told before.
        Some(subject) => proto::Subject { area: was.area, non_resident: was.non_resident, ..subject.clone() },
        None => was,
    };
    let mut check = Checker::new();
    if had_nik && subject.nik.trim().is_empty() {
        // Whose letter it is decides who may act on it and who may download it.
        check.violation(
            "subject.nik",
            "REQUIRED",
            "isi NIK; yang sudah ada dapat diperbaiki, tidak dihapus",
            "give the population number: the one that was given can be corrected, not removed",
        );
    }
    check.finish()?;
    let values = convert::values(request.values.as_ref());
    let office = before.agency();
    let wanted = Wanted {
        letter: &before.letter,
        office_id: &office,
        subject: &subject,
        papers_seen_by: papers_still_seen(&before, &subject, &values),
        values,
        attachments: &request.attachments,
        papers: true,
        with_optional_steps: before.record.case.content.with_optional_steps,
    };
    let mut sound = core.sound(&core.db.read, wanted).await?;
    // It keeps the arms and the letterhead that it was first handed in with: other ones would make unchanged content another
    // one, and its approvals void. An office that takes part from now on is in the letter too.
    let first = &before.record.case.content;
    sound.content.arms.clone_from(&first.arms);
    let now = sound.content.head.take();
    sound.content.head = first.head.clone().zip(now).map(|(first, now)| first.with_newcomers(&now));
    core.proof(&before.letter, &sound.content, &sound.offices).await?;
    let request = &request;
    let mut answer: ResubmitApplicationResponse = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let mut loaded = core.application_by_code(&*tx, &request.code).await?;
            let id = loaded.application().id;
            for attachment in &sound.content.attachments {
                if !store::file::give(&*tx, attachment.file, id).await? {
                    return Err(Error::NotFound(Thing::File));
                }
            }
            let (applicant, about) = core.persons(&loaded.letter, &sound.content);
            let case = &mut loaded.record.case;
            let person_changed = case.application.applicant.person != applicant || case.subject_key != about;
            case.application.applicant.person = applicant;
            case.application.subject_person.clone_from(&about);
            case.subject_key = about;
            case.content = sound.content;
            // An office that was registered meanwhile takes part from now on.
            for (level, office) in sound.offices {
                if let std::collections::btree_map::Entry::Vacant(place) =
                    loaded.record.case.offices.entry(level)
                {
                    place.insert(office.id);
                    loaded.offices.push(office);
                }
            }
            let content_hash = loaded.record.case.content.digest()?;
            let by = By::Applicant { account: None };
            let asking = Asking { who: caller.who(), request_id: &request.request_id };
            let loaded = core
                .act(&tx, loaded, (by, Order::Resubmit { content_hash, person_changed }), asking, now)
                .await?;
            Ok(ResubmitApplicationResponse { status: Some(status::without_code(&loaded, now)) })
        })
        .await?;
    answer.status = answer.status.map(|status| status::with_code(core, status)).transpose()?;
    Ok(Response::new(answer))
}

/// Who saw the papers, as long as they are of the same persons: the receipt's code alone lets nobody have an official vouch for
/// somebody else.
fn papers_still_seen(before: &Loaded, subject: &proto::Subject, values: &Values) -> String {
    let content = &before.record.case.content;
    let was = convert::subject(before);
    let is_same = match was.nik.trim() {
        "" => text::clean(&was.name) == text::clean(&subject.name) && subject.nik.trim().is_empty(),
        nik => nik == subject.nik.trim(),
    };
    let letter = &before.letter;
    // As they would be kept: a number may be typed with spaces.
    let values = field::normalise(&letter.fields, values);
    match is_same && others(letter, &content.values) == others(letter, &values) {
        true => content.papers_seen_by.clone(),
        false => String::new(),
    }
}

/// The persons that a form names beside its applicant, each with the field that names him: by his population number, or by his name
/// where that is not told and he stands in a list or is whom the document is about. In no order: heirs change places.
fn others<'a>(letter: &'a LetterType, values: &'a Values) -> BTreeSet<(&'a str, Vec<&'a str>)> {
    let mut found = BTreeSet::new();
    let about = &letter.about;
    let is_numbered = about.nik.as_ref().is_some_and(|key| values.contains_key(key));
    for field in letter.fields.iter().filter(|field| !convert::comes_from_subject(field)) {
        let value = values.get(&field.key);
        let key = field.key.as_str();
        if field.kind == FieldType::List {
            let rows = value.and_then(serde_json::Value::as_array).into_iter().flatten();
            let rows = rows.filter_map(serde_json::Value::as_object).map(|row| who(&field.columns, row));
            found.extend(rows.filter(|who| !who.is_empty()).map(|who| (key, who)));
        } else if field.kind == FieldType::Nik || (about.name == key && !is_numbered) {
            found.extend(value.and_then(serde_json::Value::as_str).map(|it| (key, vec![it])));
        }
    }
    found
}

/// Who stands in a row of a list: by his numbers, or by his names where there are none.
fn who<'a>(columns: &[Field], row: &'a Values) -> Vec<&'a str> {
    let said = |kind: FieldType| -> Vec<&'a str> {
        let of_kind = columns.iter().filter(|column| column.kind == kind);
        of_kind.filter_map(|column| row.get(&column.key)?.as_str()).collect()
    };
    let numbers = said(FieldType::Nik);
    if numbers.is_empty() { said(FieldType::PersonName) } else { numbers }
}
