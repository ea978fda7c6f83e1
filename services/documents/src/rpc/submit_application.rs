//! `SubmitApplication`: from here on its content is frozen.

use std::collections::BTreeSet;

use mpp_kit::caller::{Caller, CallerKind};
use mpp_kit::check::Checker;
use mpp_kit::fault::Language;
use mpp_proto::documents::v1::{SubmitApplicationRequest, SubmitApplicationResponse};
use sea_orm::DatabaseTransaction;
use tonic::Response;

use super::access::{Areas, permission_of};
use super::case::{Asking, Loaded};
use super::content::{Sound, Wanted, told};
use super::{Core, convert, status};
use crate::domain::letter_type::LetterType;
use crate::domain::step::{Level, OfficeLevel, Step};
use crate::domain::workflow::decide::{By, Command, Order, decide};
use crate::domain::workflow::{Application, Party, Plan, State};
use crate::domain::{ApplicationId, DocumentId};
use crate::error::{Error, Thing};
use crate::store;
use crate::store::application::{Case, Content, Record};

const METHOD: &str = "mpp.documents.v1.DocumentsService/SubmitApplication";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: SubmitApplicationRequest,
) -> Result<Response<SubmitApplicationResponse>, Error> {
    if !request.validate_only {
        let kept: Option<SubmitApplicationResponse> =
            core.kept(caller, METHOD, (&request, &request.request_id)).await?;
        if let Some(mut answer) = kept {
            answer.status = answer.status.map(|status| status::with_code(core, status)).transpose()?;
            return Ok(Response::new(answer));
        }
    }
    let letter = core.types.published(&core.db.read, &request.letter_type).await?;
    let subject = request.subject.clone().unwrap_or_default();
    let papers_seen_by = papers_seen_by(caller, request.papers_seen, &letter, &subject.area)?;
    let wanted = Wanted {
        letter: &letter,
        office_id: &request.office_id,
        subject: &subject,
        values: convert::values(request.values.as_ref()),
        attachments: &request.attachments,
        papers: true,
        with_optional_steps: request.with_optional_steps,
        papers_seen_by,
    };
    let sound = core.sound(&core.db.read, wanted).await?;
    // What cannot be printed is refused now, not when somebody wants to sign it.
    core.proof(&letter, &sound.content, &sound.offices).await?;
    if request.validate_only {
        return Ok(Response::new(SubmitApplicationResponse::default()));
    }
    let request = &request;
    let mut answer: SubmitApplicationResponse = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let asking = Asking { who: caller.who(), request_id: &request.request_id };
            let filed = Filed {
                account: (caller.kind == CallerKind::Staff).then(|| caller.id.clone()),
                language: caller.language,
                replaces: None,
            };
            let loaded = core.create(&tx, &letter, sound, filed, asking, now).await?;
            Ok(SubmitApplicationResponse { status: Some(status::without_code(&loaded, now)) })
        })
        .await?;
    answer.status = answer.status.map(|status| status::with_code(core, status)).transpose()?;
    Ok(Response::new(answer))
}

/// The official who saw the papers of somebody of this area, where that is said: only who takes a step of such letters there
/// can.
fn papers_seen_by(caller: &Caller, seen: bool, letter: &LetterType, area: &str) -> Result<String, Error> {
    if !seen {
        return Ok(String::new());
    }
    let mut checker = Checker::new();
    let acts = |step: &Step| Areas::of(caller, permission_of(step.role)).reach(area.trim());
    if caller.kind != CallerKind::Staff || !letter.steps.iter().any(acts) {
        checker.violation(
            "papers_seen",
            "NOT_YOUR_AREA",
            "unggah berkasnya; hanya petugas kantor wilayah itu yang dapat menyatakan sudah memeriksanya",
            "upload the papers: only an official of that area can say to have seen them",
        );
    }
    checker.finish()?;
    Ok(caller.id.clone())
}

/// How an application came.
#[derive(Default)]
pub(super) struct Filed {
    /// The account of the official who filed it, signed in: nobody decides on what he filed himself.
    pub(super) account: Option<String>,
    /// The language in which its applicant is told how it goes on.
    pub(super) language: Language,
    /// The document that it is to replace.
    pub(super) replaces: Option<Replaces>,
}

/// The document that an application is to replace.
pub(super) struct Replaces {
    pub(super) document: DocumentId,
    /// What was wrong with it; empty for a renewal.
    pub(super) because: String,
}

impl Core {
    /// Makes an application of what was found sound, submits it, and enters it everywhere.
    pub(super) async fn create(
        &self,
        tx: &DatabaseTransaction,
        letter: &std::sync::Arc<LetterType>,
        sound: Sound,
        filed: Filed,
        asking: Asking<'_>,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Loaded, Error> {
        let id = ApplicationId::generate();
        let Sound { content, area, offices } = sound;
        let Filed { account, language, replaces } = filed;
        let (applicant, subject_key) = self.persons(letter, &content);
        let agency = offices.get(&OfficeLevel::Agency).map(|office| office.id);
        let party = Party { account: account.clone(), person: applicant };
        let mut plan = Plan::of(letter);
        // Nobody pays for a correction.
        if replaces.as_ref().is_some_and(|replaces| !replaces.because.is_empty()) {
            plan.charge = None;
        }
        let draft = Application::draft(id, plan, party, subject_key.clone(), area, agency, now);
        let mut loaded = Loaded {
            record: Record {
                version: 1,
                submitted_at: now,
                updated_at: now,
                case: Case {
                    application: draft,
                    history: Vec::new(),
                    title: letter.title.id.clone(),
                    offices: offices.iter().map(|(level, office)| (*level, office.id)).collect(),
                    subject_key: subject_key.clone(),
                    numbers: Vec::new(),
                    signed: Vec::new(),
                    sheet: None,
                    endorser: None,
                    document: None,
                    replaces: replaces.as_ref().map(|replaces| replaces.document),
                    replaces_because: replaces.map(|replaces| replaces.because).unwrap_or_default(),
                    signing_problem: String::new(),
                    collector: String::new(),
                    language: language.to_string(),
                    content,
                },
            },
            letter: std::sync::Arc::clone(letter),
            offices: offices.into_values().collect(),
        };
        let content = &loaded.record.case.content;
        for attachment in &content.attachments {
            if !store::file::give(tx, attachment.file, id).await? {
                return Err(Error::NotFound(Thing::File));
            }
        }
        let order = Order::Submit { content_hash: content.digest()?, skip: left_out(letter, &loaded) };
        let command = Command { by: By::Applicant { account }, order };
        let decision = decide(loaded.application(), &command, &loaded.calendar(), now)?;
        loaded.record.case.application = decision.next;
        loaded.record.case.application.touched = loaded.record.version;
        let mut events = decision.events;
        self.number(tx, &mut loaded, &mut events, now).await?;
        self.bill(tx, &mut loaded, &mut events, now).await?;
        loaded.record.case.history.clone_from(&events);
        let digest = self.code_digest(&self.receipt_code(id)?).ok_or(Error::NotFound(Thing::Code))?;
        let waiting = loaded.waiting();
        let queues = (waiting.as_ref(), loaded.deemed_at());
        store::application::insert(tx, &self.cipher, &loaded.record, digest, queues).await?;
        if letter.oss.is_some() {
            // Its licence is written after it.
            store::licence::hold(tx).await?;
        }
        self.announce(tx, &loaded, &events, now).await?;
        self.journal(tx, &loaded, ("application.submitted", State::Draft), asking, now).await?;
        self.notify(tx, &loaded, (&events, 0), now).await?;
        self.metrics.submitted(&letter.key);
        Ok(loaded)
    }

    /// Who applies and whom it is about, by digests of their population numbers.
    pub(super) fn persons(&self, letter: &LetterType, content: &Content) -> (Option<String>, Option<String>) {
        let applicant = content.subject.nik.as_ref().map(|nik| self.person_key(nik.reveal()));
        let about = letter.about.nik.as_ref().and_then(|key| content.values.get(key)?.as_str());
        let about = about.map(|nik| self.person_key(nik)).or_else(|| applicant.clone());
        (applicant, about)
    }

    /// Keeps what a person told, for the next form: once it is issued, for only then somebody has looked who he is.
    pub(super) async fn remember(
        &self,
        tx: &DatabaseTransaction,
        letter: &LetterType,
        content: &Content,
        subject_key: Option<&str>,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<(), Error> {
        let Some(key) = subject_key else { return Ok(()) };
        let mut record = store::person::find(tx, &self.cipher, key).await?.unwrap_or_default();
        record.attributes.extend(told(letter, &content.values));
        store::person::save(tx, &self.cipher, key, &record, now).await?;
        Ok(())
    }
}

/// Optional steps that are not taken. RT and RW are asked where the village works with them; what lies beyond the issuing
/// office, such as the signature of the sub-district, only when the applicant wants it and the office is there.
fn left_out(letter: &LetterType, loaded: &Loaded) -> BTreeSet<usize> {
    let wanted = loaded.record.case.content.with_optional_steps;
    let village = loaded.office(OfficeLevel::Village);
    letter
        .steps
        .iter()
        .enumerate()
        .filter(|(_, step)| {
            step.optional
                && match step.level {
                    Level::Rt | Level::Rw => village.is_none_or(|village| village.without_neighbourhoods),
                    Level::Village | Level::SubDistrict | Level::Agency => {
                        !wanted || loaded.office(step.level.office()).is_none()
                    }
                }
        })
        .map(|(at, _)| at)
        .collect()
}
