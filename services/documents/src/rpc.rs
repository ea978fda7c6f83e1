//! The RPCs, one file each (verbs that differ only in what they ask of the rules share one): parse, load, decide, save.
//! Here is what they share.

mod access;
mod apply_delegation;
mod apply_office;
mod arms;
mod by_hand;
pub(crate) mod case;
pub(crate) mod codes;
mod content;
mod convert;
mod correct_document;
mod create_download_link;
mod download_document;
mod get_application;
mod get_application_by_code;
mod get_attachment;
mod get_document;
mod get_draft;
mod get_letter_report;
mod get_letter_type;
mod get_verification;
mod list_delegations;
mod list_document_journal;
mod list_documents;
mod list_letter_type_drafts;
mod list_letter_type_versions;
mod list_letter_types;
mod list_life_events;
mod list_numbers;
mod list_offices;
mod list_work;
mod notify;
mod open_file_link;
mod prefill_application;
mod preview_letter_type;
mod publish_letter_type;
mod request_signing_code;
mod resubmit_application;
mod retire_letter_type;
mod revoke_document;
mod save_letter_type;
mod sign_applications;
pub(crate) mod signing;
mod status;
mod submit_application;
mod tries;
pub(crate) mod types;
pub(crate) mod underway;
mod upload_file;
mod verbs;
mod verify_file;
mod withdraw_application;

pub(crate) mod integration;

use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::clock::Clock;
use mpp_kit::db::Db;
use mpp_kit::fault::Fault as _;
use mpp_kit::idempotency::{self, Key};
pub(crate) use mpp_kit::journal::record;
use mpp_proto::documents::v1::{self as proto, documents_service_server::DocumentsService};
use prost::Message;
use sea_orm::DatabaseTransaction;
use tonic::{Request, Response, Status};

use crate::adapter::signer::Signers;
use crate::config::Config;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::press::Press;
use mpp_kit::cipher::Cipher;
use mpp_kit::files::Files;
use types::Types;

/// What every RPC works with.
pub(crate) struct Core {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Config,
    /// Where people reach the gateway, without a slash at the end.
    pub(crate) base_url: String,
    pub(crate) cipher: Cipher,
    pub(crate) files: Files,
    pub(crate) types: Types,
    pub(crate) press: Press,
    pub(crate) signers: Signers,
    pub(crate) metrics: Metrics,
    pub(crate) owners: integration::owners::Owners,
    /// One-time codes that were asked for.
    pub(crate) codes: underway::Underway<proto::RequestSigningCodeResponse>,
}

impl Core {
    /// The present time, as exact as both databases can keep it.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(6)
    }

    /// Does something once for this request id of this caller, in one transaction, or answers what was answered then.
    /// What is in `request` must not be secret: its fingerprint is kept. The answer is kept too, encrypted, for it names people.
    pub(crate) async fn once<T, R>(
        &self,
        caller: &Caller,
        method: &'static str,
        (request, request_id): (&impl Message, &str),
        run: impl FnOnce(Arc<DatabaseTransaction>, DateTime<Utc>) -> R,
    ) -> Result<T, Error>
    where
        T: Message + Default,
        R: Future<Output = Result<T, Error>>,
    {
        let now = self.now();
        let key = Key::of(caller, method, request_id)?;
        let fingerprint = idempotency::fingerprint(request);
        idempotency::sealed(&self.db, &self.cipher, key, &fingerprint, now, |tx| run(tx, now)).await
    }
}

impl Core {
    /// What was answered to this request before, if it was. A repetition is asked for it before its content is judged: the type
    /// may be another by now, or the document replaced, by the first.
    pub(crate) async fn kept<T: Message + Default>(
        &self,
        caller: &Caller,
        method: &'static str,
        (request, request_id): (&impl Message, &str),
    ) -> Result<Option<T>, Error> {
        let key = Key::of(caller, method, request_id)?;
        idempotency::kept(&self.db, &self.cipher, key, &idempotency::fingerprint(request)).await
    }
}

impl Core {
    /// Forgets what was answered to a request, for what it names is gone.
    pub(crate) async fn forget_answer(
        &self,
        caller: &Caller,
        method: &'static str,
        request_id: &str,
    ) -> Result<(), Error> {
        Ok(idempotency::forget(&self.db.write, Key::of(caller, method, request_id)?).await?)
    }
}

/// The service as tonic sees it.
pub(crate) struct Service(pub(crate) Arc<Core>);

/// Writes one method per RPC: it finds the caller, hands over to the file of the RPC, and says what went wrong in the
/// caller's language.
macro_rules! rpcs {
    ($($name:ident($request:ident) -> $response:ident: $handler:path;)*) => {
        #[tonic::async_trait]
        impl DocumentsService for Service {
            $(async fn $name(&self, request: Request<proto::$request>) -> Result<Response<proto::$response>, Status> {
                let caller = Caller::shared(&request);
                self.0.seen(&caller).await;
                let outcome = $handler(&self.0, &caller, request.into_inner()).await;
                outcome.map_err(|error| error.problem().into_status(caller.language))
            })*
        }
    };
}

rpcs! {
    list_life_events(ListLifeEventsRequest) -> ListLifeEventsResponse: list_life_events::handle;
    list_letter_types(ListLetterTypesRequest) -> ListLetterTypesResponse: list_letter_types::handle;
    get_letter_type(GetLetterTypeRequest) -> GetLetterTypeResponse: get_letter_type::handle;
    list_letter_type_versions(ListLetterTypeVersionsRequest) -> ListLetterTypeVersionsResponse: list_letter_type_versions::handle;
    list_letter_type_drafts(ListLetterTypeDraftsRequest) -> ListLetterTypeDraftsResponse: list_letter_type_drafts::handle;
    save_letter_type(SaveLetterTypeRequest) -> SaveLetterTypeResponse: save_letter_type::handle;
    preview_letter_type(PreviewLetterTypeRequest) -> PreviewLetterTypeResponse: preview_letter_type::handle;
    publish_letter_type(PublishLetterTypeRequest) -> PublishLetterTypeResponse: publish_letter_type::handle;
    retire_letter_type(RetireLetterTypeRequest) -> RetireLetterTypeResponse: retire_letter_type::handle;
    list_offices(ListOfficesRequest) -> ListOfficesResponse: list_offices::handle;
    apply_office(ApplyOfficeRequest) -> ApplyOfficeResponse: apply_office::handle;
    apply_coat_of_arms(ApplyCoatOfArmsRequest) -> ApplyCoatOfArmsResponse: arms::apply;
    get_coat_of_arms(GetCoatOfArmsRequest) -> GetCoatOfArmsResponse: arms::get;
    apply_delegation(ApplyDelegationRequest) -> ApplyDelegationResponse: apply_delegation::handle;
    list_delegations(ListDelegationsRequest) -> ListDelegationsResponse: list_delegations::handle;
    upload_file(UploadFileRequest) -> UploadFileResponse: upload_file::handle;
    submit_application(SubmitApplicationRequest) -> SubmitApplicationResponse: submit_application::handle;
    get_application_by_code(GetApplicationByCodeRequest) -> GetApplicationByCodeResponse: get_application_by_code::handle;
    resubmit_application(ResubmitApplicationRequest) -> ResubmitApplicationResponse: resubmit_application::handle;
    withdraw_application(WithdrawApplicationRequest) -> WithdrawApplicationResponse: withdraw_application::handle;
    prefill_application(PrefillApplicationRequest) -> PrefillApplicationResponse: prefill_application::handle;
    create_download_link(CreateDownloadLinkRequest) -> CreateDownloadLinkResponse: create_download_link::handle;
    open_file_link(OpenFileLinkRequest) -> OpenFileLinkResponse: open_file_link::handle;
    list_work(ListWorkRequest) -> ListWorkResponse: list_work::handle;
    get_application(GetApplicationRequest) -> GetApplicationResponse: get_application::handle;
    get_draft(GetDraftRequest) -> GetDraftResponse: get_draft::handle;
    get_attachment(GetAttachmentRequest) -> GetAttachmentResponse: get_attachment::handle;
    claim_application(ClaimApplicationRequest) -> ClaimApplicationResponse: verbs::claim_application;
    release_application(ReleaseApplicationRequest) -> ReleaseApplicationResponse: verbs::release_application;
    approve_application(ApproveApplicationRequest) -> ApproveApplicationResponse: verbs::approve_application;
    return_application(ReturnApplicationRequest) -> ReturnApplicationResponse: verbs::return_application;
    reject_application(RejectApplicationRequest) -> RejectApplicationResponse: verbs::reject_application;
    pause_clock(PauseClockRequest) -> PauseClockResponse: verbs::pause_clock;
    resume_clock(ResumeClockRequest) -> ResumeClockResponse: verbs::resume_clock;
    reset_clock(ResetClockRequest) -> ResetClockResponse: verbs::reset_clock;
    record_payment(RecordPaymentRequest) -> RecordPaymentResponse: verbs::record_payment;
    waive_payment(WaivePaymentRequest) -> WaivePaymentResponse: verbs::waive_payment;
    hand_over_application(HandOverApplicationRequest) -> HandOverApplicationResponse: verbs::hand_over_application;
    sign_applications(SignApplicationsRequest) -> SignApplicationsResponse: sign_applications::handle;
    sign_by_hand(SignByHandRequest) -> SignByHandResponse: by_hand::sign;
    upload_scan(UploadScanRequest) -> UploadScanResponse: by_hand::upload;
    confirm_scan(ConfirmScanRequest) -> ConfirmScanResponse: by_hand::confirm;
    discard_sheet(DiscardSheetRequest) -> DiscardSheetResponse: by_hand::discard;
    request_signing_code(RequestSigningCodeRequest) -> RequestSigningCodeResponse: request_signing_code::handle;
    get_signing(GetSigningRequest) -> GetSigningResponse: signing::get;
    get_letter_report(GetLetterReportRequest) -> GetLetterReportResponse: get_letter_report::handle;
    list_documents(ListDocumentsRequest) -> ListDocumentsResponse: list_documents::handle;
    get_document(GetDocumentRequest) -> GetDocumentResponse: get_document::handle;
    download_document(DownloadDocumentRequest) -> DownloadDocumentResponse: download_document::handle;
    revoke_document(RevokeDocumentRequest) -> RevokeDocumentResponse: revoke_document::handle;
    correct_document(CorrectDocumentRequest) -> CorrectDocumentResponse: correct_document::correct;
    renew_document(RenewDocumentRequest) -> RenewDocumentResponse: correct_document::renew;
    list_numbers(ListNumbersRequest) -> ListNumbersResponse: list_numbers::handle;
    get_verification(GetVerificationRequest) -> GetVerificationResponse: get_verification::handle;
    verify_file(VerifyFileRequest) -> VerifyFileResponse: verify_file::handle;
    list_document_journal(ListDocumentJournalRequest) -> ListDocumentJournalResponse: list_document_journal::handle;
    create_webhook(CreateWebhookRequest) -> CreateWebhookResponse: integration::create_webhook::handle;
    list_webhooks(ListWebhooksRequest) -> ListWebhooksResponse: integration::list_webhooks::handle;
    update_webhook(UpdateWebhookRequest) -> UpdateWebhookResponse: integration::update_webhook::handle;
    delete_webhook(DeleteWebhookRequest) -> DeleteWebhookResponse: integration::delete_webhook::handle;
    rotate_webhook_secret(RotateWebhookSecretRequest) -> RotateWebhookSecretResponse: integration::rotate_webhook_secret::handle;
    list_webhook_deliveries(ListWebhookDeliveriesRequest) -> ListWebhookDeliveriesResponse: integration::list_webhook_deliveries::handle;
    replay_webhook_deliveries(ReplayWebhookDeliveriesRequest) -> ReplayWebhookDeliveriesResponse: integration::replay_webhook_deliveries::handle;
    replay_webhook_delivery(ReplayWebhookDeliveryRequest) -> ReplayWebhookDeliveryResponse: integration::replay_webhook_delivery::handle;
    list_document_events(ListDocumentEventsRequest) -> ListDocumentEventsResponse: integration::list_document_events::handle;
    list_licences(ListLicencesRequest) -> ListLicencesResponse: integration::list_licences::handle;
    get_licence(GetLicenceRequest) -> GetLicenceResponse: integration::get_licence::handle;
    update_licence_status(UpdateLicenceStatusRequest) -> UpdateLicenceStatusResponse: integration::update_licence_status::handle;
    create_licence_application(CreateLicenceApplicationRequest) -> CreateLicenceApplicationResponse: integration::create_licence_application::handle;
    resend_licence_message(ResendLicenceMessageRequest) -> ResendLicenceMessageResponse: integration::resend_licence_message::handle;
    receive_oss_call(ReceiveOssCallRequest) -> ReceiveOssCallResponse: integration::receive_oss_call::handle;
}

/// Refuses a decision on another version than there is; 0 decides on whatever there is.
fn check_version(asked: u32, has: u32) -> Result<(), Error> {
    check_touched(asked, has, has)
}

/// Refuses a decision on a version before the one that somebody `touched` last; 0 decides on whatever there is. What time alone did
/// since, such as a clock that is late or a last day that is over, outdates no decision.
fn check_touched(asked: u32, touched: u32, has: u32) -> Result<(), Error> {
    if asked == 0 || (touched..=has).contains(&asked) { Ok(()) } else { Err(Error::Stale { version: has }) }
}

impl Core {
    /// Enters into the journal that somebody read a page of a list: which one, by what it was asked for and how many it named,
    /// never whom. A page that names nobody tells nothing of anybody, so that a program that polls leaves no trace of waiting.
    pub(crate) async fn listed(
        &self,
        (who, list): (&str, &str),
        mut asked: serde_json::Value,
        count: usize,
    ) -> Result<(), Error> {
        if count == 0 {
            return Ok(());
        }
        asked["count"] = count.into();
        self.looked((who, "list.viewed", list), asked).await
    }

    /// Enters into the journal that somebody looked at something, in a transaction of its own: what is told comes after.
    pub(crate) async fn looked(
        &self,
        who_what_subject: (&str, &str, &str),
        detail: serde_json::Value,
    ) -> Result<(), Error> {
        let tx = self.db.begin().await?;
        record(&tx, who_what_subject, (None, None), detail, "", self.now()).await?;
        tx.commit().await?;
        Ok(())
    }
}
