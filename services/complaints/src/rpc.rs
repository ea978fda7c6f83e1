//! The RPCs (those that differ only in what they ask of the rules share a file): parse, load, decide, save. Here is what
//! they share.

mod access;
pub(crate) mod answer;
mod board;
pub(crate) mod case;
mod channel;
mod configure;
pub(crate) mod convert;
mod escalation;
mod evidence;
pub(crate) mod file_complaint;
mod list;
mod map;
pub(crate) mod published;
mod reveal;
mod sp4n;
mod updates;
mod upload;
mod verbs;
mod view;

use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, Utc};
use mpp_kit::caller::{Caller, NETWORK};
use mpp_kit::cipher::Cipher;
use mpp_kit::clock::Clock;
use mpp_kit::db::{Db, has_lost_a_race};
use mpp_kit::fault::{Fault as _, chain};
use mpp_kit::files::Files;
use mpp_kit::idempotency::{self, Key};
use mpp_kit::journal;
use mpp_kit::telemetry;
use mpp_proto::complaints::v1::{self as proto, complaints_service_server::ComplaintsService};
use prost::Message;
use sea_orm::DatabaseTransaction;
use tokio::sync::RwLock;
use tonic::{Request, Response, Status};

use crate::config::Config;
use crate::domain::number::{Number, pin, plain_pin, pseudonym};
use crate::domain::rules::Rules;
use crate::error::Error;
use crate::metrics::Metrics;

/// What every RPC works with.
pub(crate) struct Core {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Config,
    /// Where people reach the gateway, without a slash at the end.
    pub(crate) base_url: String,
    /// For cases, files and answers kept for repetition.
    pub(crate) cipher: Cipher,
    /// For who reported.
    pub(crate) vault: Cipher,
    pub(crate) files: Files,
    pub(crate) metrics: Metrics,
    /// What the rules read, with how often it has changed.
    pub(crate) rules: RwLock<Option<(i64, Arc<Rules>)>>,
}

impl Core {
    /// The present time, as exact as both databases can keep it.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(6)
    }

    /// The PIN of a report. It follows from the number and the key of the installation, so it is stored nowhere.
    pub(crate) fn pin(&self, number: Number) -> String {
        pin(bytes(&self.cipher.digest("pin", &number.to_string())))
    }

    /// Whether a PIN is that of a number, in the same time for every answer.
    pub(crate) fn pin_fits(&self, number: Number, typed: &str) -> bool {
        use subtle::ConstantTimeEq as _;
        let expected = plain_pin(&self.pin(number));
        bool::from(expected.as_bytes().ct_eq(plain_pin(typed).as_bytes()))
    }

    /// How officers call a reporter: follows from the number and the key of the vault.
    pub(crate) fn pseudonym(&self, number: Number) -> String {
        pseudonym(bytes(&self.vault.digest("pseudonym", &number.to_string())))
    }

    /// Does something once for this request id of this caller, in one transaction, or answers what was answered then.
    /// A keyed fingerprint of `request` is kept, and the answer, encrypted. What PostgreSQL takes back for the sake of another
    /// transaction is done once more: nothing of it was kept.
    pub(crate) async fn once<T, R>(
        &self,
        caller: &Caller,
        method: &'static str,
        (request, request_id): (&impl Message, &str),
        run: impl Fn(Arc<DatabaseTransaction>, DateTime<Utc>) -> R,
    ) -> Result<T, Error>
    where
        T: Message + Default,
        R: Future<Output = Result<T, Error>>,
    {
        let now = self.now();
        let key = Key::of(caller, method, request_id)?;
        // Keyed, because a request may hold a PIN, which a plain digest would give away to who tries them all.
        let plain = hex::encode(idempotency::fingerprint(request));
        let fingerprint = self.cipher.digest("fingerprint", &plain).into_bytes();
        let run = &run;
        let attempt =
            || idempotency::sealed(&self.db, &self.cipher, key, &fingerprint, now, move |tx| run(tx, now));
        match attempt().await {
            Err(Error::Database(error)) if has_lost_a_race(&error) => {
                tracing::info!(
                    method,
                    error = chain(&error),
                    "a transaction lost a race, and is done once more"
                );
                attempt().await
            }
            done => done,
        }
    }

    /// Forgets what was answered to a request, for what it names is gone.
    pub(crate) async fn forget_answer(
        &self,
        caller: &Caller,
        method: &'static str,
        request_id: &str,
    ) -> Result<(), Error> {
        Ok(idempotency::forget(&self.db.write, Key::of(caller, method, request_id)?).await?)
    }

    /// Enters into the journal that somebody looked at something, in a transaction of its own: what is told comes after.
    pub(crate) async fn looked(
        &self,
        who_what_subject: (&str, &str, &str),
        detail: serde_json::Value,
    ) -> Result<(), Error> {
        let tx = self.db.begin().await?;
        record(&tx, who_what_subject, detail, "", self.now()).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn bytes(digest: &str) -> [u8; 5] {
    let mut out = [0; 5];
    // A digest is 64 hexadecimal digits.
    if let Ok(decoded) = hex::decode(digest.get(..10).unwrap_or_default()) {
        out.copy_from_slice(&decoded);
    }
    out
}

/// The service as tonic sees it.
pub(crate) struct Service(pub(crate) Arc<Core>);

/// Writes one method per RPC: it finds the caller, hands over to the file of the RPC, and says what went wrong in the
/// caller's language.
macro_rules! rpcs {
    ($($name:ident($request:ident) -> $response:ident: $handler:path;)*) => {
        #[tonic::async_trait]
        impl ComplaintsService for Service {
            type WatchBoardStream = board::Frames;

            async fn watch_board(
                &self,
                request: Request<proto::WatchBoardRequest>,
            ) -> Result<Response<Self::WatchBoardStream>, Status> {
                let caller = Caller::shared(&request);
                Ok(Response::new(board::watch(Arc::clone(&self.0), caller)))
            }

            /// By hand: beside the message it hears from which network it comes.
            async fn file_complaint(
                &self,
                request: Request<proto::FileComplaintRequest>,
            ) -> Result<Response<proto::FileComplaintResponse>, Status> {
                let caller = Caller::shared(&request);
                let network = request.metadata().get(NETWORK).and_then(|it| it.to_str().ok()).map(str::to_owned);
                let outcome = file_complaint::handle(&self.0, &caller, request.into_inner(), network).await;
                outcome.map(Response::new).map_err(|error| error.problem().into_status(caller.language))
            }

            $(async fn $name(&self, request: Request<proto::$request>) -> Result<Response<proto::$response>, Status> {
                let caller = Caller::shared(&request);
                let outcome = $handler(&self.0, &caller, request.into_inner()).await;
                outcome.map(Response::new).map_err(|error| error.problem().into_status(caller.language))
            })*
        }
    };
}

rpcs! {
    upload_complaint_file(UploadComplaintFileRequest) -> UploadComplaintFileResponse: upload::upload;
    get_complaint_file(GetComplaintFileRequest) -> GetComplaintFileResponse: upload::get;
    get_public_complaint(GetPublicComplaintRequest) -> GetPublicComplaintResponse: answer::track;
    answer_complaint(AnswerComplaintRequest) -> AnswerComplaintResponse: answer::answer;
    withdraw_complaint(WithdrawComplaintRequest) -> WithdrawComplaintResponse: answer::withdraw;
    list_published_complaints(ListPublishedComplaintsRequest) -> ListPublishedComplaintsResponse: published::list;
    list_published_updates(ListPublishedUpdatesRequest) -> ListPublishedUpdatesResponse: updates::list;
    receive_partner_update(ReceivePartnerUpdateRequest) -> ReceivePartnerUpdateResponse: updates::receive;
    get_published_map(GetPublishedMapRequest) -> GetPublishedMapResponse: map::published;
    list_similar_complaints(ListSimilarComplaintsRequest) -> ListSimilarComplaintsResponse: published::similar;
    list_categories(ListCategoriesRequest) -> ListCategoriesResponse: configure::list_categories;
    list_agencies(ListAgenciesRequest) -> ListAgenciesResponse: configure::list_agencies;
    list_complaints(ListComplaintsRequest) -> ListComplaintsResponse: list::handle;
    get_complaint_map(GetComplaintMapRequest) -> GetComplaintMapResponse: map::officers;
    get_complaint(GetComplaintRequest) -> GetComplaintResponse: view::get;
    list_complaint_journal(ListComplaintJournalRequest) -> ListComplaintJournalResponse: view::journal;
    verify_complaint(VerifyComplaintRequest) -> VerifyComplaintResponse: verbs::verify_complaint;
    dispose_complaint(DisposeComplaintRequest) -> DisposeComplaintResponse: verbs::dispose_complaint;
    accept_complaint(AcceptComplaintRequest) -> AcceptComplaintResponse: verbs::accept_complaint;
    bounce_complaint(BounceComplaintRequest) -> BounceComplaintResponse: verbs::bounce_complaint;
    ask_completion(AskCompletionRequest) -> AskCompletionResponse: verbs::ask_completion;
    complete_complaint(CompleteComplaintRequest) -> CompleteComplaintResponse: verbs::complete_complaint;
    take_back_question(TakeBackQuestionRequest) -> TakeBackQuestionResponse: verbs::take_back_question;
    give_first_answer(GiveFirstAnswerRequest) -> GiveFirstAnswerResponse: verbs::give_first_answer;
    give_answer(GiveAnswerRequest) -> GiveAnswerResponse: verbs::give_answer;
    complete_help(CompleteHelpRequest) -> CompleteHelpResponse: verbs::complete_help;
    merge_complaint(MergeComplaintRequest) -> MergeComplaintResponse: verbs::merge_complaint;
    forward_complaint_outside(ForwardComplaintOutsideRequest) -> ForwardComplaintOutsideResponse: verbs::forward_complaint_outside;
    archive_complaint(ArchiveComplaintRequest) -> ArchiveComplaintResponse: verbs::archive_complaint;
    recategorise_complaint(RecategoriseComplaintRequest) -> RecategoriseComplaintResponse: verbs::recategorise_complaint;
    reopen_complaint(ReopenComplaintRequest) -> ReopenComplaintResponse: verbs::reopen_complaint;
    add_complaint_note(AddComplaintNoteRequest) -> AddComplaintNoteResponse: verbs::add_complaint_note;
    set_complaint_publication(SetComplaintPublicationRequest) -> SetComplaintPublicationResponse: verbs::set_complaint_publication;
    request_reveal(RequestRevealRequest) -> RequestRevealResponse: reveal::request;
    approve_reveal(ApproveRevealRequest) -> ApproveRevealResponse: reveal::approve;
    get_reveal(GetRevealRequest) -> GetRevealResponse: reveal::get;
    list_reveals(ListRevealsRequest) -> ListRevealsResponse: reveal::list;
    list_escalations(ListEscalationsRequest) -> ListEscalationsResponse: escalation::list;
    acknowledge_escalation(AcknowledgeEscalationRequest) -> AcknowledgeEscalationResponse: escalation::acknowledge;
    get_board(GetBoardRequest) -> GetBoardResponse: board::get;
    list_board_cases(ListBoardCasesRequest) -> ListBoardCasesResponse: board::list;
    get_report(GetReportRequest) -> GetReportResponse: board::report;
    export_evidence(ExportEvidenceRequest) -> ExportEvidenceResponse: evidence::export;
    create_evidence_document(CreateEvidenceDocumentRequest) -> CreateEvidenceDocumentResponse: evidence::register::create;
    list_evidence_documents(ListEvidenceDocumentsRequest) -> ListEvidenceDocumentsResponse: evidence::register::list;
    withdraw_evidence_document(WithdrawEvidenceDocumentRequest) -> WithdrawEvidenceDocumentResponse: evidence::register::withdraw;
    create_evidence_link(CreateEvidenceLinkRequest) -> CreateEvidenceLinkResponse: evidence::register::link;
    open_evidence_link(OpenEvidenceLinkRequest) -> OpenEvidenceLinkResponse: evidence::register::open;
    check_evidence(CheckEvidenceRequest) -> CheckEvidenceResponse: evidence::register::check;
    apply_agency(ApplyAgencyRequest) -> ApplyAgencyResponse: configure::apply_agency;
    apply_category(ApplyCategoryRequest) -> ApplyCategoryResponse: configure::apply_category;
    list_officials(ListOfficialsRequest) -> ListOfficialsResponse: configure::list_officials;
    apply_official(ApplyOfficialRequest) -> ApplyOfficialResponse: configure::apply_official;
    apply_acting(ApplyActingRequest) -> ApplyActingResponse: configure::apply_acting;
    list_actings(ListActingsRequest) -> ListActingsResponse: configure::list_actings;
    list_calendars(ListCalendarsRequest) -> ListCalendarsResponse: configure::list_calendars;
    apply_calendar(ApplyCalendarRequest) -> ApplyCalendarResponse: configure::apply_calendar;
    list_deadlines(ListDeadlinesRequest) -> ListDeadlinesResponse: configure::list_deadlines;
    apply_deadline(ApplyDeadlineRequest) -> ApplyDeadlineResponse: configure::apply_deadline;
    sign_off_deadline(SignOffDeadlineRequest) -> SignOffDeadlineResponse: configure::sign_off_deadline;
    list_response_templates(ListResponseTemplatesRequest) -> ListResponseTemplatesResponse: configure::list_response_templates;
    apply_response_template(ApplyResponseTemplateRequest) -> ApplyResponseTemplateResponse: configure::apply_response_template;
    list_languages(ListLanguagesRequest) -> ListLanguagesResponse: configure::list_languages;
    apply_language(ApplyLanguageRequest) -> ApplyLanguageResponse: configure::apply_language;
    get_channel_challenge(GetChannelChallengeRequest) -> GetChannelChallengeResponse: channel::challenge;
    receive_channel_webhook(ReceiveChannelWebhookRequest) -> ReceiveChannelWebhookResponse: channel::receive;
    import_sp4n_file(ImportSp4nFileRequest) -> ImportSp4nFileResponse: sp4n::import;
    list_sp4n_entries(ListSp4nEntriesRequest) -> ListSp4nEntriesResponse: sp4n::list;
    record_sp4n_item(RecordSp4nItemRequest) -> RecordSp4nItemResponse: sp4n::record_item;
    list_sp4n_tasks(ListSp4nTasksRequest) -> ListSp4nTasksResponse: sp4n::tasks;
    export_sp4n_tasks(ExportSp4nTasksRequest) -> ExportSp4nTasksResponse: sp4n::export;
    record_sp4n_told(RecordSp4nToldRequest) -> RecordSp4nToldResponse: sp4n::record_told;
    record_sp4n_tracking(RecordSp4nTrackingRequest) -> RecordSp4nTrackingResponse: sp4n::record_tracking;
}

/// Enters something into the journal that changes no state of a case.
pub(crate) async fn record(
    tx: &DatabaseTransaction,
    who_what_subject: (&str, &str, &str),
    detail: serde_json::Value,
    request_id: &str,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    journal::append(tx, &noted(who_what_subject, detail, request_id, at)).await?;
    Ok(())
}

/// As [`record`] enters it, to be appended with others.
pub(crate) fn noted(
    (who, what, subject): (&str, &str, &str),
    detail: serde_json::Value,
    request_id: &str,
    at: DateTime<Utc>,
) -> journal::Entry {
    journal::Entry {
        at,
        who: who.to_owned(),
        what: what.to_owned(),
        subject: subject.to_owned(),
        from: None,
        to: None,
        detail: detail.to_string(),
        request_id: request_id.to_owned(),
        trace_id: telemetry::trace_id(),
    }
}
