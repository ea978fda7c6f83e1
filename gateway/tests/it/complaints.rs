//! The complaints service, with a handful of categories and published cases of a fictional regency.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::Stream;
use mpp_kit::{
    caller::Caller,
    fault::{Problem, Text, Violation},
};
use mpp_proto::complaints::v1::{self as complaints, *};
use prost_types::Timestamp;
use tonic::{Code, Status};

type Answer<T> = Result<tonic::Response<T>, Status>;

/// The key that may file.
pub(crate) const API_KEY: &str = "kunci-demo-open311";
/// The key of an agency's system.
pub(crate) const PARTNER_KEY: &str = "kunci-mitra-pupr";
/// What a WhatsApp account of the tests is called.
pub(crate) const ACCOUNT: &str = "utama";

/// The complaints service.
#[derive(Clone, Default)]
pub(crate) struct Complaints(Arc<State>);

#[derive(Default)]
struct State {
    filed: Mutex<Vec<FileComplaintRequest>>,
    listed: Mutex<Vec<ListPublishedComplaintsRequest>>,
    received: Mutex<Vec<ReceiveChannelWebhookRequest>>,
    updates: Mutex<Vec<ListPublishedUpdatesRequest>>,
    pushed: Mutex<Vec<ReceivePartnerUpdateRequest>>,
    /// How many published cases there are besides those that have names.
    more: Mutex<usize>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Complaints {
    /// Every FileComplaint that was accepted.
    pub(crate) fn filed(&self) -> Vec<FileComplaintRequest> {
        lock(&self.0.filed).clone()
    }

    /// The last ListPublishedComplaints.
    pub(crate) fn listed(&self) -> ListPublishedComplaintsRequest {
        lock(&self.0.listed).last().cloned().unwrap_or_default()
    }

    /// Every ReceiveChannelWebhook.
    pub(crate) fn received(&self) -> Vec<ReceiveChannelWebhookRequest> {
        lock(&self.0.received).clone()
    }

    /// The last ListPublishedUpdates.
    pub(crate) fn updates_listed(&self) -> ListPublishedUpdatesRequest {
        lock(&self.0.updates).last().cloned().unwrap_or_default()
    }

    /// Every ReceivePartnerUpdate with the right key.
    pub(crate) fn pushed(&self) -> Vec<ReceivePartnerUpdateRequest> {
        lock(&self.0.pushed).clone()
    }

    /// Publishes so many more cases.
    pub(crate) fn publish(&self, more: usize) {
        *lock(&self.0.more) = more;
    }
}

fn category(key: &str, parent: &str, name: &str) -> Category {
    Category {
        key: key.into(),
        parent: parent.into(),
        name: name.into(),
        description: format!("{name} di kabupaten"),
        keywords: vec!["jalan".into(), "lubang".into()],
        active: true,
        ..Default::default()
    }
}

fn question(key: &str, datatype: &str, required: bool, order: u32, values: &[&str]) -> ExtraQuestion {
    ExtraQuestion {
        key: key.into(),
        label: format!("Pertanyaan {key}"),
        datatype: datatype.into(),
        required,
        order,
        values: values
            .iter()
            .map(|it| ((*it).to_owned(), format!("Nilai < {it}")))
            .collect::<HashMap<_, _>>(),
    }
}

fn categories() -> Vec<Category> {
    let mut holes = category("JLN-01", "JLN", "Jalan berlubang");
    holes.questions = vec![
        question("HARI", "multivaluelist", false, 2, &["senin", "rabu"]),
        question("UKURAN", "singlevaluelist", true, 1, &["kecil", "besar"]),
        question("LEBAR", "number", false, 3, &[]),
        question("SEJAK", "datetime", false, 4, &[]),
    ];
    let mut retired = category("LAMA-01", "JLN", "Tidak dipakai lagi");
    retired.active = false;
    vec![category("JLN", "", "Infrastruktur"), holes, category("LMP-01", "JLN", "Lampu jalan"), retired]
}

fn moment(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

fn published(number: &str, closed: bool) -> PublishedComplaint {
    PublishedComplaint {
        number: number.into(),
        state: if closed { CaseState::Settled } else { CaseState::InProgress }.into(),
        category: "JLN-01".into(),
        category_name: "Jalan berlubang".into(),
        place: Some(Place { latitude: Some(-3.5), longitude: Some(114.75), ..Default::default() }),
        received_at: moment(1_757_809_800),
        updated_at: moment(1_757_896_200),
        text: "Lubang <besar> & dalam".into(),
        answer: if closed { "Sudah ditambal".into() } else { String::new() },
        agency_name: "Dinas Pekerjaan Umum".into(),
        settle_due_at: moment(1_759_000_000),
        closed,
        ..Default::default()
    }
}

macro_rules! complaints_service {
    (unserved: $($name:ident $request:ident $response:ident),* $(,)?; $($served:item)*) => {
        #[tonic::async_trait]
        impl complaints::complaints_service_server::ComplaintsService for Complaints {
            $(async fn $name(&self, _: tonic::Request<complaints::$request>) -> Answer<complaints::$response> {
                Err(Status::unimplemented("not served by this fake"))
            })*
            $($served)*
        }
    };
}

complaints_service! {
    unserved:
        upload_complaint_file UploadComplaintFileRequest UploadComplaintFileResponse,
        get_public_complaint GetPublicComplaintRequest GetPublicComplaintResponse,
        answer_complaint AnswerComplaintRequest AnswerComplaintResponse,
        withdraw_complaint WithdrawComplaintRequest WithdrawComplaintResponse,
        get_published_map GetPublishedMapRequest GetPublishedMapResponse,
        get_complaint_map GetComplaintMapRequest GetComplaintMapResponse,
        list_similar_complaints ListSimilarComplaintsRequest ListSimilarComplaintsResponse,
        list_agencies ListAgenciesRequest ListAgenciesResponse,
        list_complaints ListComplaintsRequest ListComplaintsResponse,
        get_complaint GetComplaintRequest GetComplaintResponse,
        get_complaint_file GetComplaintFileRequest GetComplaintFileResponse,
        list_complaint_journal ListComplaintJournalRequest ListComplaintJournalResponse,
        verify_complaint VerifyComplaintRequest VerifyComplaintResponse,
        dispose_complaint DisposeComplaintRequest DisposeComplaintResponse,
        accept_complaint AcceptComplaintRequest AcceptComplaintResponse,
        bounce_complaint BounceComplaintRequest BounceComplaintResponse,
        ask_completion AskCompletionRequest AskCompletionResponse,
        complete_complaint CompleteComplaintRequest CompleteComplaintResponse,
        take_back_question TakeBackQuestionRequest TakeBackQuestionResponse,
        give_first_answer GiveFirstAnswerRequest GiveFirstAnswerResponse,
        give_answer GiveAnswerRequest GiveAnswerResponse,
        complete_help CompleteHelpRequest CompleteHelpResponse,
        merge_complaint MergeComplaintRequest MergeComplaintResponse,
        forward_complaint_outside ForwardComplaintOutsideRequest ForwardComplaintOutsideResponse,
        archive_complaint ArchiveComplaintRequest ArchiveComplaintResponse,
        recategorise_complaint RecategoriseComplaintRequest RecategoriseComplaintResponse,
        reopen_complaint ReopenComplaintRequest ReopenComplaintResponse,
        add_complaint_note AddComplaintNoteRequest AddComplaintNoteResponse,
        set_complaint_publication SetComplaintPublicationRequest SetComplaintPublicationResponse,
        request_reveal RequestRevealRequest RequestRevealResponse,
        approve_reveal ApproveRevealRequest ApproveRevealResponse,
        get_reveal GetRevealRequest GetRevealResponse,
        list_reveals ListRevealsRequest ListRevealsResponse,
        list_escalations ListEscalationsRequest ListEscalationsResponse,
        acknowledge_escalation AcknowledgeEscalationRequest AcknowledgeEscalationResponse,
        get_board GetBoardRequest GetBoardResponse,
        list_board_cases ListBoardCasesRequest ListBoardCasesResponse,
        get_report GetReportRequest GetReportResponse,
        export_evidence ExportEvidenceRequest ExportEvidenceResponse,
        create_evidence_document CreateEvidenceDocumentRequest CreateEvidenceDocumentResponse,
        list_evidence_documents ListEvidenceDocumentsRequest ListEvidenceDocumentsResponse,
        withdraw_evidence_document WithdrawEvidenceDocumentRequest WithdrawEvidenceDocumentResponse,
        create_evidence_link CreateEvidenceLinkRequest CreateEvidenceLinkResponse,
        open_evidence_link OpenEvidenceLinkRequest OpenEvidenceLinkResponse,
        check_evidence CheckEvidenceRequest CheckEvidenceResponse,
        apply_agency ApplyAgencyRequest ApplyAgencyResponse,
        apply_category ApplyCategoryRequest ApplyCategoryResponse,
        list_officials ListOfficialsRequest ListOfficialsResponse,
        apply_official ApplyOfficialRequest ApplyOfficialResponse,
        apply_acting ApplyActingRequest ApplyActingResponse,
        list_actings ListActingsRequest ListActingsResponse,
        list_calendars ListCalendarsRequest ListCalendarsResponse,
        apply_calendar ApplyCalendarRequest ApplyCalendarResponse,
        list_deadlines ListDeadlinesRequest ListDeadlinesResponse,
        apply_deadline ApplyDeadlineRequest ApplyDeadlineResponse,
        sign_off_deadline SignOffDeadlineRequest SignOffDeadlineResponse,
        list_response_templates ListResponseTemplatesRequest ListResponseTemplatesResponse,
        apply_response_template ApplyResponseTemplateRequest ApplyResponseTemplateResponse,
        list_languages ListLanguagesRequest ListLanguagesResponse,
        apply_language ApplyLanguageRequest ApplyLanguageResponse,
        import_sp4n_file ImportSp4nFileRequest ImportSp4nFileResponse,
        list_sp4n_entries ListSp4nEntriesRequest ListSp4nEntriesResponse,
        record_sp4n_item RecordSp4nItemRequest RecordSp4nItemResponse,
        list_sp4n_tasks ListSp4nTasksRequest ListSp4nTasksResponse,
        export_sp4n_tasks ExportSp4nTasksRequest ExportSp4nTasksResponse,
        record_sp4n_told RecordSp4nToldRequest RecordSp4nToldResponse,
        record_sp4n_tracking RecordSp4nTrackingRequest RecordSp4nTrackingResponse;

    type WatchBoardStream = Pin<Box<dyn Stream<Item = Result<WatchBoardResponse, Status>> + Send>>;

    async fn watch_board(&self, _: tonic::Request<WatchBoardRequest>) -> Answer<Self::WatchBoardStream> {
        Err(Status::unimplemented("not served by this fake"))
    }

    async fn list_categories(&self, request: tonic::Request<ListCategoriesRequest>) -> Answer<ListCategoriesResponse> {
        // Two to a page, to see that all pages are read.
        let at = request.into_inner().page_token.parse::<usize>().unwrap_or_default();
        let all = categories();
        let next_page_token = if at + 2 < all.len() { (at + 2).to_string() } else { String::new() };
        let categories = all.into_iter().skip(at).take(2).collect();
        Ok(ListCategoriesResponse { categories, next_page_token }.into())
    }

    async fn list_published_complaints(
        &self,
        request: tonic::Request<ListPublishedComplaintsRequest>,
    ) -> Answer<ListPublishedComplaintsResponse> {
        let asked = request.into_inner();
        lock(&self.0.listed).push(asked.clone());
        let mut all = vec![published("ADU-2026-000123-7", false), published("ADU-2026-000124-5", true)];
        all.extend((0..*lock(&self.0.more)).map(|it| published(&format!("ADU-2026-{:06}-0", 1000 + it), false)));
        let numbers = asked.numbers.split(',').filter(|it| !it.is_empty()).collect::<Vec<_>>();
        all.retain(|it| {
            if numbers.is_empty() {
                asked.closed.is_none_or(|closed| closed == it.closed)
                    && (asked.category.is_empty() || asked.category.split(',').any(|key| key == it.category))
            } else {
                numbers.contains(&it.number.as_str())
            }
        });
        let at = asked.page_token.parse::<usize>().unwrap_or_default();
        let size = usize::try_from(asked.page_size).unwrap_or_default();
        let next_page_token = if at + size < all.len() { (at + size).to_string() } else { String::new() };
        let complaints = all.into_iter().skip(at).take(size).collect();
        Ok(ListPublishedComplaintsResponse { complaints, next_page_token }.into())
    }

    async fn list_published_updates(
        &self,
        request: tonic::Request<ListPublishedUpdatesRequest>,
    ) -> Answer<ListPublishedUpdatesResponse> {
        let asked = request.into_inner();
        lock(&self.0.updates).push(asked.clone());
        let update = |version: u32, state: CaseState, text: &str| PublishedUpdate {
            id: format!("ADU-2026-000123-7.{version}"),
            number: "ADU-2026-000123-7".into(),
            state: state.into(),
            at: moment(1_757_809_800 + i64::from(version)),
            text: text.into(),
        };
        // One to a page, and an empty page between them: pages are read until there is no next one.
        let pages = [
            vec![update(1, CaseState::New, "")],
            vec![],
            vec![update(5, CaseState::InProgress, "Tim < 2 hari > ke lokasi & mengukur")],
            vec![update(7, CaseState::AwaitingConfirmation, "Sudah ditambal"), update(8, CaseState::Settled, "")],
        ];
        let at = asked.page_token.parse::<usize>().unwrap_or_default();
        let next_page_token = if at + 1 < pages.len() { (at + 1).to_string() } else { String::new() };
        let updates = pages.into_iter().nth(at).unwrap_or_default();
        Ok(ListPublishedUpdatesResponse { updates, next_page_token }.into())
    }

    async fn receive_partner_update(
        &self,
        request: tonic::Request<ReceivePartnerUpdateRequest>,
    ) -> Answer<ReceivePartnerUpdateResponse> {
        let language = Caller::of(&request).language;
        let request = request.into_inner();
        if request.api_key != PARTNER_KEY {
            return Err(Problem::denied().into_status(language));
        }
        let wrong = |field: &str| {
            let text = Text::new("periksa isinya", "look at it again");
            Problem::invalid(vec![Violation { field: field.into(), reason: "X", text }]).into_status(language)
        };
        if request.updated_at.is_none() {
            return Err(wrong("updated_at"));
        }
        match request.number.as_str() {
            "" => Err(wrong("number")),
            "ADU-2026-000123-7" => {
                lock(&self.0.pushed).push(request);
                Ok(ReceivePartnerUpdateResponse { id: "ADU-2026-000123-7.9".into() }.into())
            }
            "ADU-2026-000124-5" => {
                Err(Problem::precondition("IS_CLOSED", "ditutup", "closed").into_status(language))
            }
            "ADU-2026-000125-3" => {
                Err(Problem::precondition("REQUEST_ID_REUSED", "lain", "other").into_status(language))
            }
            _ => Err(Problem::not_found("aduan", "complaint").into_status(language)),
        }
    }

    async fn file_complaint(&self, request: tonic::Request<FileComplaintRequest>) -> Answer<FileComplaintResponse> {
        let language = Caller::of(&request).language;
        let request = request.into_inner();
        let phone = request.contact.as_ref().map(|it| it.phone.clone()).unwrap_or_default();
        if phone == "x" {
            let text = Text::new("isi nomor telepon seperti +62812", "give a telephone number such as +62812");
            let wrong = Violation { field: "contact.phone".into(), reason: "INVALID_PHONE", text };
            return Err(Problem::invalid(vec![wrong]).into_status(language));
        }
        lock(&self.0.filed).push(request);
        Ok(FileComplaintResponse {
            number: "ADU-2026-000125-3".into(),
            pin: "482913".into(),
            verify_due_at: moment(1_758_000_000),
            ..Default::default()
        }
        .into())
    }

    async fn get_channel_challenge(
        &self,
        request: tonic::Request<GetChannelChallengeRequest>,
    ) -> Answer<GetChannelChallengeResponse> {
        let request = request.into_inner();
        if request.mode != "subscribe" || request.verify_token != "token" {
            return Err(Status::permission_denied("no"));
        }
        Ok(GetChannelChallengeResponse { challenge: request.challenge }.into())
    }

    async fn receive_channel_webhook(
        &self,
        request: tonic::Request<ReceiveChannelWebhookRequest>,
    ) -> Answer<ReceiveChannelWebhookResponse> {
        let request = request.into_inner();
        match (request.signature.as_str(), request.account.as_str()) {
            ("", _) => Err(Status::new(Code::Unauthenticated, "missing")),
            ("sha256=wrong", _) => Err(Status::new(Code::PermissionDenied, "wrong")),
            (_, "away") => Err(Status::new(Code::Unavailable, "away")),
            (_, ACCOUNT | "half" | "ours") => {
                lock(&self.0.received).push(request);
                Ok(ReceiveChannelWebhookResponse { stored: 1, repeated_messages: 0 }.into())
            }
            _ => Err(Status::new(Code::NotFound, "no such account")),
        }
    }
}
