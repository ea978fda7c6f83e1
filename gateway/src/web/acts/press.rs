//! What a form of a case does that was sent: the call that it stands for, and what it says when that is refused.

use http::StatusCode;
use mpp_proto::complaints::v1::{
    AcceptComplaintRequest, AcknowledgeEscalationRequest, AddComplaintNoteRequest, ArchiveComplaintRequest,
    AskCompletionRequest, BounceComplaintRequest, CompleteComplaintRequest, CompleteHelpRequest,
    DisposeComplaintRequest, ForwardComplaintOutsideRequest, GiveAnswerRequest, GiveFirstAnswerRequest,
    Helper, ListComplaintsRequest, MergeComplaintRequest, Publication, RecategoriseComplaintRequest,
    RecordSp4nTrackingRequest, ReopenComplaintRequest, RequestRevealRequest, SetComplaintPublicationRequest,
    TakeBackQuestionRequest, VerifyComplaintRequest,
};
use tonic::{Code, Status};

use super::{PROOF, Pressed};
use crate::{
    problem,
    web::{
        WebState, complaints,
        fields::{self, Faults},
        form::Sent,
        letters::segment,
        moment,
        visit::{Viewer, Visit},
    },
};

/// The input that a field of a request stands for.
fn input_of(field: &str, slug: &str) -> String {
    let name = match (field, slug) {
        ("note", "lengkapi") => "asal_jawaban",
        ("note", _) => "catatan",
        ("agency_id", "bantuan") => "penolong",
        ("agency_id", _) => "instansi",
        ("reason", "teruskan") => "alasan_luar",
        ("reason", "arsip") => "alasan_arsip",
        ("reason", "publikasi") => "sebab",
        ("reason", _) => "alasan",
        ("question", _) => "pertanyaan",
        ("text", "catatan") => "isi_catatan",
        ("text", "sudah-disampaikan") => "cara",
        ("text", "bantuan") => "hasil",
        ("text", "lengkapi") => "kelengkapan",
        ("text", _) => "jawaban",
        ("who", _) => "siapa",
        ("what", _) => "apa",
        ("when", _) => "bilamana",
        ("reason_without_proof", _) => "tanpa_bukti",
        ("into", _) => "ke_nomor",
        ("forwarded_to", _) => "tujuan",
        ("advice", _) => "saran",
        ("category", _) => "kategori",
        ("complaint_class", _) => "jenis",
        ("publication", _) => "tampil",
        ("reporter", _) => "pelapor",
        ("purpose", _) => "tujuan_buka",
        ("tracking_id", _) => "tracking",
        ("stage", _) => "tahap",
        (field, _) if field.starts_with("proof_file_ids") || field.starts_with("file_ids") => {
            "lampiran.bukti1"
        }
        (field, _) if field.starts_with("helpers") => "bantu1",
        (_, _) => "",
    };
    name.to_owned()
}

/// Does what a form asks for; answers where to go, or what to show again. `Err(None)` is a form that does not exist.
///
/// # Errors
/// What was refused, with the status of the page.
pub(crate) async fn press(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    id: &str,
    slug: &str,
    mut sent: Sent,
) -> Result<String, Option<Box<(Pressed, StatusCode)>>> {
    let request_id = fields::settle_key(&mut sent);
    let mut faults = Faults::default();
    let proof = match slug {
        "respon-substantif" | "lengkapi" => {
            complaints::upload(state, visit, Some(viewer), &PROOF, &mut sent, &request_id, &mut faults).await
        }
        _ => Vec::new(),
    };
    let refused =
        |sent, faults, http| Some(Box::new((Pressed { slug: slug.to_owned(), sent, faults }, http)));
    if !faults.is_empty() {
        return Err(refused(sent, faults, StatusCode::BAD_REQUEST));
    }
    let press = Press { state, visit, viewer, id, request_id, proof, sent: &sent };
    match press.call(slug).await {
        Ok(()) => Ok(match slug {
            "identitas" => "/aduan/identitas".to_owned(),
            _ => format!("/aduan/{}?tersimpan=1", segment(id)),
        }),
        Err(Refused::NoSuchForm) => Err(None),
        Err(Refused::Wrong(name, words)) => {
            faults.note(name, visit.words()[words].clone());
            Err(refused(sent, faults, StatusCode::BAD_REQUEST))
        }
        Err(Refused::Service(status)) => {
            fields::renew_key(&mut sent, &status);
            let faults = match status.code() {
                // Somebody else was faster: the page shows the case as it is now, the form what was typed.
                Code::Aborted => {
                    let mut faults = Faults::default();
                    faults.note("", visit.words()["cases.changed"].clone());
                    faults
                }
                Code::Ok
                | Code::Cancelled
                | Code::Unknown
                | Code::InvalidArgument
                | Code::DeadlineExceeded
                | Code::NotFound
                | Code::AlreadyExists
                | Code::PermissionDenied
                | Code::ResourceExhausted
                | Code::FailedPrecondition
                | Code::OutOfRange
                | Code::Unimplemented
                | Code::Internal
                | Code::Unavailable
                | Code::DataLoss
                | Code::Unauthenticated => Faults::placed(&status, visit, |field| input_of(field, slug)),
            };
            Err(refused(sent, faults, problem::http_status(status.code())))
        }
    }
}

enum Refused {
    NoSuchForm,
    /// The name of an input, and the words for what is wrong with it.
    Wrong(&'static str, &'static str),
    Service(Status),
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self::Service(status)
    }
}

/// A form that was sent.
struct Press<'a> {
    state: &'a WebState,
    visit: &'a Visit,
    viewer: &'a Viewer,
    id: &'a str,
    request_id: String,
    proof: Vec<String>,
    sent: &'a Sent,
}

impl Press<'_> {
    fn text(&self, name: &str) -> String {
        self.sent.get(name).to_owned()
    }

    async fn call(&self, slug: &str) -> Result<(), Refused> {
        let mut service = self.state.complaints.clone();
        let request_id = self.request_id.clone();
        let complaint = self.id.to_owned();
        let version: u32 = self.sent.get("versi").parse().unwrap_or_default();
        macro_rules! call {
            ($method:ident, $request:expr) => {{
                service.$method(self.visit.call($request, Some(self.viewer))).await?;
            }};
        }
        match slug {
            "verifikasi" => {
                let note = self.text("catatan");
                call!(verify_complaint, VerifyComplaintRequest { request_id, complaint, version, note });
            }
            "disposisi" => {
                let request = DisposeComplaintRequest {
                    request_id,
                    complaint,
                    version,
                    agency_id: self.text("instansi"),
                    helpers: self.helpers().await?,
                    note: self.text("catatan"),
                };
                call!(dispose_complaint, request);
            }
            "terima" => {
                call!(accept_complaint, AcceptComplaintRequest { request_id, complaint, version });
            }
            "tolak-balik" => {
                let reason = self.text("alasan");
                call!(bounce_complaint, BounceComplaintRequest { request_id, complaint, version, reason });
            }
            "minta-kelengkapan" => {
                let question = self.text("pertanyaan");
                call!(ask_completion, AskCompletionRequest { request_id, complaint, version, question });
            }
            "lengkapi" => {
                let request = CompleteComplaintRequest {
                    request_id,
                    complaint,
                    version,
                    text: self.text("kelengkapan"),
                    note: self.text("asal_jawaban"),
                    reporter: self.text("pelapor"),
                    file_ids: self.proof.clone(),
                };
                call!(complete_complaint, request);
            }
            "tarik-pertanyaan" => {
                let reason = self.text("alasan");
                call!(take_back_question, TakeBackQuestionRequest { request_id, complaint, version, reason });
            }
            "respon-awal" => {
                let text = self.text("jawaban");
                call!(give_first_answer, GiveFirstAnswerRequest { request_id, complaint, version, text });
            }
            "respon-substantif" => {
                let request = GiveAnswerRequest {
                    request_id,
                    complaint,
                    version,
                    text: self.text("jawaban"),
                    who: self.text("siapa"),
                    what: self.text("apa"),
                    when: self.text("bilamana"),
                    proof_file_ids: self.proof.clone(),
                    reason_without_proof: self.text("tanpa_bukti"),
                };
                call!(give_answer, request);
            }
            "buka-kembali" => {
                let reason = self.text("alasan");
                call!(reopen_complaint, ReopenComplaintRequest { request_id, complaint, version, reason });
            }
            "gabung" => {
                let into = self.other_case().await?;
                call!(merge_complaint, MergeComplaintRequest { request_id, complaint, version, into });
            }
            "teruskan" => {
                let request = ForwardComplaintOutsideRequest {
                    request_id,
                    complaint,
                    version,
                    reason: self.text("alasan_luar"),
                    forwarded_to: self.text("tujuan"),
                    advice: self.text("saran"),
                };
                call!(forward_complaint_outside, request);
            }
            "arsip" => {
                let (reason, advice) = (self.text("alasan_arsip"), self.text("saran"));
                let request = ArchiveComplaintRequest { request_id, complaint, version, reason, advice };
                call!(archive_complaint, request);
            }
            "bantuan" => {
                let (agency_id, text) = (self.text("penolong"), self.text("hasil"));
                let request = CompleteHelpRequest { request_id, complaint, version, agency_id, text };
                call!(complete_help, request);
            }
            "catatan" | "sudah-disampaikan" => {
                let answer_told = slug == "sudah-disampaikan";
                let text = self.text(if answer_told { "cara" } else { "isi_catatan" });
                let request = AddComplaintNoteRequest { request_id, complaint, version, text, answer_told };
                call!(add_complaint_note, request);
            }
            "kategori" => {
                let request = RecategoriseComplaintRequest {
                    request_id,
                    complaint,
                    version,
                    category: self.text("kategori"),
                    complaint_class: complaints::class_of(self.sent.get("jenis")).into(),
                    reason: self.text("alasan"),
                };
                call!(recategorise_complaint, request);
            }
            "publikasi" => {
                let publication = match self.sent.get("tampil") {
                    "PUBLIC" => Publication::Public,
                    "WITHHELD" => Publication::Withheld,
                    _ => Publication::Unspecified,
                };
                let request = SetComplaintPublicationRequest {
                    request_id,
                    complaint,
                    version,
                    publication: publication.into(),
                    reason: self.text("sebab"),
                };
                call!(set_complaint_publication, request);
            }
            "identitas" => {
                let (reporter, purpose) = (self.text("pelapor"), self.text("tujuan_buka"));
                call!(request_reveal, RequestRevealRequest { request_id, complaint, reporter, purpose });
            }
            "sp4n" => {
                let (tracking_id, stage) = (self.text("tracking"), self.text("tahap"));
                let request = RecordSp4nTrackingRequest { request_id, complaint, tracking_id, stage };
                call!(record_sp4n_tracking, request);
            }
            "tangani" => {
                let escalation = self.text("langkah");
                call!(acknowledge_escalation, AcknowledgeEscalationRequest { request_id, escalation });
            }
            _ => return Err(Refused::NoSuchForm),
        }
        Ok(())
    }

    /// The agencies that were asked for help.
    async fn helpers(&self) -> Result<Vec<Helper>, Refused> {
        let zone = complaints::Ground::of(self.state, self.visit).await.zone;
        let mut helpers = Vec::new();
        for (agency, task, due) in [("bantu1", "tugas1", "batas1"), ("bantu2", "tugas2", "batas2")] {
            if self.sent.get(agency).is_empty() {
                continue;
            }
            let due_at = moment::read(self.sent.get(due), zone);
            if due_at.is_none() {
                return Err(Refused::Wrong(due, "cases.helper_due"));
            }
            helpers.push(Helper {
                agency_id: self.text(agency),
                task: self.text(task),
                due_at,
                ..Helper::default()
            });
        }
        Ok(helpers)
    }

    /// The case to merge into: one that was offered, or the one with the number that was typed in.
    async fn other_case(&self) -> Result<String, Refused> {
        let number = self.sent.get("ke_nomor").to_uppercase();
        if number.is_empty() {
            let offered = self.text("ke");
            return if offered.is_empty() {
                Err(Refused::Wrong("ke_nomor", "cases.no_other"))
            } else {
                Ok(offered)
            };
        }
        let request = ListComplaintsRequest { number, page_size: 1, ..ListComplaintsRequest::default() };
        let mut service = self.state.complaints.clone();
        let answer = service.list_complaints(self.visit.call(request, Some(self.viewer))).await?;
        let found = answer.into_inner().complaints.into_iter().next();
        found.map(|line| line.id).ok_or(Refused::Wrong("ke_nomor", "cases.no_other"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_shown_in_the_form_it_is_about() {
        for (field, slug, name) in [
            ("reason", "arsip", "alasan_arsip"),
            ("reason", "tolak-balik", "alasan"),
            ("text", "catatan", "isi_catatan"),
            ("proof_file_ids", "respon-substantif", "lampiran.bukti1"),
            ("file_ids[1]", "lengkapi", "lampiran.bukti1"),
            ("note", "lengkapi", "asal_jawaban"),
            ("text", "lengkapi", "kelengkapan"),
            ("reporter", "lengkapi", "pelapor"),
            ("reason", "tarik-pertanyaan", "alasan"),
            ("version", "terima", ""),
        ] {
            assert_eq!(input_of(field, slug), name, "{slug} {field}");
        }
    }
}
