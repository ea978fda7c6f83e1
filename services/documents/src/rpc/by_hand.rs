//! Signing by hand, for officials without an electronic certificate: `SignByHand` prints the frozen letter with its number and
//! QR, `UploadScan` keeps the scan of the signed and stamped sheet, `ConfirmScan` is the second look that issues it, and
//! `DiscardSheet` gives it up with its number. Nothing here is an electronic signature, and nothing says so.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::{Problem, Text, Violation, chain};
use mpp_proto::documents::v1::{self as proto};
use sea_orm::DatabaseTransaction;
use sha2::{Digest as _, Sha256};
use tonic::Response;

use super::case::{Asking, Loaded};
use super::codes::PDF;
use super::sign_applications::Acting;
use super::upload_file::judge;
use super::{Core, check_touched, get_application};
use crate::domain::workflow::State;
use crate::domain::workflow::decide::{By, Command, Order, decide};
use crate::domain::{ApplicationId, DocumentId, FileId};
use crate::error::Error;
use crate::store;
use crate::store::application::{Case, Scan, Scanned, Sheet, SignedFile};
use crate::store::file::StoredFile;

const SIGN: &str = "mpp.documents.v1.DocumentsService/SignByHand";
const UPLOAD: &str = "mpp.documents.v1.DocumentsService/UploadScan";
const CONFIRM: &str = "mpp.documents.v1.DocumentsService/ConfirmScan";
const DISCARD: &str = "mpp.documents.v1.DocumentsService/DiscardSheet";
/// Applications with one and the same file that are read at a time.
const PAGE: u64 = 100;

pub(super) async fn sign(
    core: &Core,
    caller: &Caller,
    request: proto::SignByHandRequest,
) -> Result<Response<proto::SignByHandResponse>, Error> {
    let mut checker = Checker::new();
    let reason = checker.text("reason", &request.reason, 10, 500);
    checker.finish()?;
    let id = get_application::read_id(&request.application)?;
    if let Some(kept) = core.kept(caller, SIGN, (&request, &request.request_id)).await? {
        return Ok(Response::new(kept));
    }
    let (loaded, actor) = core.application_of(&core.db.read, caller, id).await?;
    check_touched(request.version, loaded.record.touched(), loaded.record.version)?;
    let order = Order::SignByHand { seen: request.content_hash.clone(), reason: reason.clone() };
    // Nothing is printed for whoever may not.
    let command = Command { by: By::Official(actor), order: order.clone() };
    decide(loaded.application(), &command, &loaded.calendar(), core.now())?;
    core.may_replace(&loaded).await?;
    let acting = core.signer_of(&core.db.read, &loaded, &caller.id).await?;
    let draft = core.sheet(&loaded, acting, (&caller.id, &reason)).await?;
    let request = &request;
    let (printed, asked) = (loaded.record.version, &draft);
    let answer: Result<proto::SignByHandResponse, Error> = core
        .once(caller, SIGN, (request, &request.request_id), |tx, now| async move {
            let (mut loaded, actor) = core.application_of(&*tx, caller, id).await?;
            // What was printed is of the application as it was then.
            check_touched(printed, loaded.record.touched(), loaded.record.version)?;
            if asked.is_new {
                store::file::insert_of(&*tx, &asked.row(), id, now).await?;
            }
            loaded.record.case.sheet = Some(Sheet { printed_at: now, ..asked.sheet.clone() });
            loaded.record.case.endorser.clone_from(&asked.endorser);
            loaded.record.case.signing_problem.clear();
            let asking = Asking { who: &caller.id, request_id: &request.request_id };
            let loaded = core.act(&tx, loaded, (By::Official(actor.clone()), order), asking, now).await?;
            let application = core.shown(&*tx, &loaded, &actor).await?;
            Ok(proto::SignByHandResponse { application: Some(application) })
        })
        .await;
    if draft.is_new {
        let named = answer.as_ref().map(|answer| sheet_of(answer.application.as_ref()));
        core.keep_if_named(draft.sheet.file, named).await;
    }
    Ok(Response::new(answer?))
}

/// The file that an answer names as the sheet.
fn sheet_of(application: Option<&proto::Application>) -> &str {
    let sheet = application.and_then(|it| it.by_hand.as_ref()).and_then(|it| it.sheet.as_ref());
    sheet.map_or("", |sheet| &sheet.file_id)
}

/// The file that an answer names as the scan.
fn scan_of(application: Option<&proto::Application>) -> &str {
    let scan = application.and_then(|it| it.by_hand.as_ref()).and_then(|it| it.scan.as_ref());
    scan.map_or("", |scan| &scan.file_id)
}

/// A sheet that is ready to be signed.
struct Draft {
    sheet: Sheet,
    endorser: Option<String>,
    /// Whether it was printed now; the second signature is made on the sheet of the first.
    is_new: bool,
}

impl Draft {
    /// The row that names its file.
    fn row(&self) -> StoredFile {
        StoredFile {
            id: self.sheet.file,
            media_type: PDF.to_owned(),
            size: self.sheet.size,
            sha256: self.sheet.sha256.clone(),
            application: None,
        }
    }
}

impl Core {
    /// Prints the sheet and stores it, or takes that of the first signature.
    async fn sheet(
        &self,
        loaded: &Loaded,
        acting: Acting,
        (account, reason): (&str, &str),
    ) -> Result<Draft, Error> {
        let now = self.now();
        let case = &loaded.record.case;
        let sheet = |file: FileId, size: i64, sha256: String| Sheet {
            file,
            size,
            sha256,
            signer: acting.named(),
            by: acting.signed_by(),
            reason: reason.to_owned(),
            chosen_by: account.to_owned(),
            printed_at: now,
            scan: None,
        };
        if let Some(first) = loaded.sheet() {
            loaded.is_named(&acting)?;
            let sheet = sheet(first.file, first.size, first.sha256.clone());
            return Ok(Draft { sheet, endorser: case.endorser.clone(), is_new: false });
        }
        let printed = self.printed(loaded, &acting, true, now).await?;
        let file = FileId::generate();
        // First the file, then what names it.
        self.files.put(&file.to_string(), &printed.pdf).await?;
        let sheet = sheet(file, size_of(&printed.pdf), hex::encode(Sha256::digest(&printed.pdf)));
        Ok(Draft { sheet, endorser: printed.endorser, is_new: true })
    }

    /// Deletes a file that was stored for a request and that nothing names after it.
    async fn keep_if_named(&self, file: FileId, named: Result<&str, &Error>) {
        let name = file.to_string();
        let keep = match named {
            // A repetition is answered with the first file; this one is nobody's.
            Ok(named) => named == name,
            // Where it may have been committed: a name without a file would be worse than a file without a name.
            Err(error) => !error.is_undone(),
        };
        if !keep && let Err(error) = self.files.delete(&name).await {
            // What the request came to is decided; a file that nobody names harms nobody.
            tracing::warn!(file = %name, error = chain(&error), "a file that nobody names stays");
        }
    }
}

fn size_of(content: &[u8]) -> i64 {
    i64::try_from(content.len()).unwrap_or(i64::MAX)
}

pub(super) async fn upload(
    core: &Core,
    caller: &Caller,
    request: proto::UploadScanRequest,
) -> Result<Response<proto::UploadScanResponse>, Error> {
    let id = get_application::read_id(&request.application)?;
    if let Some(kept) = core.kept(caller, UPLOAD, (&request, &request.request_id)).await? {
        return Ok(Response::new(kept));
    }
    let (loaded, actor) = core.application_of(&core.db.read, caller, id).await?;
    let media_type = judge(&request.content)?;
    check_touched(request.version, loaded.record.touched(), loaded.record.version)?;
    let sha256 = hex::encode(Sha256::digest(&request.content));
    let order = Order::UploadScan { file_hash: sha256.clone() };
    // Nothing is stored for whoever may not.
    let command = Command { by: By::Official(actor), order: order.clone() };
    decide(loaded.application(), &command, &loaded.calendar(), core.now())?;
    core.is_a_scan(&core.db.read, &loaded, &sha256).await?;
    core.scan(&request.content).await?;
    let file = StoredFile {
        id: FileId::generate(),
        media_type: media_type.to_owned(),
        size: size_of(&request.content),
        sha256,
        application: None,
    };
    // First the file, then the row.
    core.files.put(&file.id.to_string(), &request.content).await?;
    let (request, stored) = (&request, &file);
    let answer: Result<proto::UploadScanResponse, Error> = core
        .once(caller, UPLOAD, (request, &request.request_id), |tx, now| async move {
            let (mut loaded, actor) = core.application_of(&*tx, caller, id).await?;
            check_touched(request.version, loaded.record.touched(), loaded.record.version)?;
            store::file::insert_of(&*tx, stored, id, now).await?;
            let uploader = loaded.uploader(&caller.id);
            if let Some(sheet) = &mut loaded.record.case.sheet {
                sheet.scan = Some(Scan {
                    file: stored.id,
                    size: stored.size,
                    sha256: stored.sha256.clone(),
                    account: caller.id.clone(),
                    from: Scanned { media_type: stored.media_type.clone(), uploader, at: now },
                });
            }
            let asking = Asking { who: &caller.id, request_id: &request.request_id };
            let loaded = core.act(&tx, loaded, (By::Official(actor.clone()), order), asking, now).await?;
            let application = core.shown(&*tx, &loaded, &actor).await?;
            Ok(proto::UploadScanResponse { application: Some(application) })
        })
        .await;
    let named = answer.as_ref().map(|answer| scan_of(answer.application.as_ref()));
    core.keep_if_named(file.id, named).await;
    Ok(Response::new(answer?))
}

impl Loaded {
    /// What everybody is told of who uploaded a scan: as the office at hand lists him, else the office.
    fn uploader(&self, account: &str) -> String {
        let office = self.application().current_step();
        let office = office.and_then(|(_, planned)| self.office(planned.step.level.office()));
        let listed = office.and_then(|office| office.signers.iter().find(|it| it.account == account));
        match (listed, office) {
            (Some(signer), _) => format!("{}, {}", signer.title, signer.name),
            (None, Some(office)) => office.name.clone(),
            (None, None) => String::new(),
        }
    }
}

impl Core {
    /// Refuses as a scan what is the sheet as it was printed, or was before this signature, or the file of another document, or the
    /// scan of another letter that is on its way: it would be found when that one is issued, where no other scan helps.
    async fn is_a_scan(
        &self,
        db: &impl sea_orm::ConnectionTrait,
        loaded: &Loaded,
        sha256: &str,
    ) -> Result<(), Error> {
        let sheet = loaded.record.case.sheet.as_ref();
        let (reason, text) = if sheet.is_some_and(|sheet| sheet.sha256 == sha256) {
            let text = Text::new(
                "ini lembar yang belum ditandatangani; cetak, tanda tangani dan cap, lalu unggah hasil pindainya",
                "this is the sheet before it was signed; print, sign and stamp it, then upload the scan",
            );
            ("UNSIGNED_SHEET", text)
        } else if loaded.record.case.signed.iter().any(|signed| signed.sha256 == sha256) {
            let text = Text::new(
                "ini hasil pindai sebelum tanda tangan Anda; pindai lagi lembar yang sudah lengkap",
                "this is the scan from before this signature; scan the sheet again",
            );
            ("SCANNED_BEFORE", text)
        } else if store::document::by_sha256(db, sha256).await?.is_some() {
            return Err(another_document("content"));
        } else if self.is_of_another(db, loaded.application().id, sha256).await? {
            let text = Text::new(
                "berkas ini sudah diunggah sebagai hasil pindai surat lain; pindai lembar surat ini",
                "this file was uploaded as the scan of another letter; scan the sheet of this letter",
            );
            ("ANOTHER_LETTER", text)
        } else {
            return Ok(());
        };
        Err(Problem::invalid(vec![Violation { field: "content".to_owned(), reason, text }]).into())
    }
}

impl Core {
    /// Whether this file is the scan of another letter that is on its way. One that was given up, or was replaced by a better one, is
    /// nobody's.
    async fn is_of_another(
        &self,
        db: &impl sea_orm::ConnectionTrait,
        id: ApplicationId,
        sha256: &str,
    ) -> Result<bool, Error> {
        let mut after = None;
        loop {
            let page = store::file::applications_with(db, sha256, after, PAGE).await?;
            let records = store::application::several(db, &self.cipher, &page).await?;
            let mut others = records.iter().map(|it| &it.case).filter(|case| case.application.id != id);
            if others.any(|case| is_its_scan(case, sha256)) {
                return Ok(true);
            }
            after = page.last().copied().filter(|_| page.len() as u64 >= PAGE);
            if after.is_none() {
                return Ok(false);
            }
        }
    }
}

/// Whether this file is the scan of a letter that was not given up.
fn is_its_scan(case: &Case, sha256: &str) -> bool {
    let ended = matches!(case.application.state, State::Rejected | State::Withdrawn);
    let scan = case.sheet.as_ref().and_then(|sheet| sheet.scan.as_ref());
    let is_its = scan.is_some_and(|scan| scan.sha256 == sha256)
        || case.signed.iter().any(|signed| signed.sha256 == sha256);
    is_its && !ended
}

/// What was scanned is the file of a document that was issued.
fn another_document(field: &str) -> Error {
    let text = Text::new(
        "berkas ini sudah menjadi dokumen lain; pindai lembar surat ini",
        "this file is a document already; scan the sheet of this letter",
    );
    Problem::invalid(vec![Violation { field: field.to_owned(), reason: "ANOTHER_DOCUMENT", text }]).into()
}

pub(super) async fn confirm(
    core: &Core,
    caller: &Caller,
    request: proto::ConfirmScanRequest,
) -> Result<Response<proto::ConfirmScanResponse>, Error> {
    let id = get_application::read_id(&request.application)?;
    let request = &request;
    let answer: proto::ConfirmScanResponse = core
        .once(caller, CONFIRM, (request, &request.request_id), |tx, now| async move {
            let (loaded, actor) = core.application_of(&*tx, caller, id).await?;
            check_touched(request.version, loaded.record.touched(), loaded.record.version)?;
            let (seen, number) = (request.sha256.clone(), request.number.clone());
            let (by, order) = (By::Official(actor.clone()), Order::ConfirmScan { seen, number });
            core.may_replace(&loaded).await?;
            let asking = Asking { who: &caller.id, request_id: &request.request_id };
            let loaded = core.signed_by_hand(&tx, loaded, (by, order), asking, now).await?;
            let application = core.shown(&*tx, &loaded, &actor).await?;
            Ok(proto::ConfirmScanResponse { application: Some(application) })
        })
        .await?;
    Ok(Response::new(answer))
}

impl Core {
    /// Enters the scan as what was signed, and issues the document after the last signature.
    async fn signed_by_hand(
        &self,
        tx: &DatabaseTransaction,
        mut loaded: Loaded,
        command: (By, Order),
        asking: Asking<'_>,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Loaded, Error> {
        let case = &mut loaded.record.case;
        // The rules refuse a confirmation without a scan.
        let signed = case.sheet.take().and_then(|sheet| {
            let (file, sha256) = sheet.scan.as_ref().map(|scan| (scan.file, scan.sha256.clone()))?;
            let (signer, by) = (sheet.signer.clone(), Some(sheet.by.clone()));
            Some(SignedFile { file, sha256, at: now, signer, by, endorsement: None, sheet: Some(sheet) })
        });
        if let Some(signed) = signed {
            case.signed.push(signed);
            // The document is named by the application that is written in the same transaction.
            case.document.get_or_insert_with(DocumentId::generate);
        }
        let loaded = self.act(tx, loaded, command, asking, now).await?;
        if loaded.application().state == State::Issued {
            // From here documents are entered one after the other: another may have been issued with this file meanwhile. The file
            // that bears the last signature is the letter, and another one can be brought for it.
            if let Some(last) = loaded.record.case.signed.last()
                && store::document::by_sha256(tx, &last.sha256).await?.is_some()
            {
                return Err(another_document("sha256"));
            }
            self.issue(tx, &loaded, asking, now).await?;
        }
        self.metrics.signed_by_hand();
        Ok(loaded)
    }
}

pub(super) async fn discard(
    core: &Core,
    caller: &Caller,
    request: proto::DiscardSheetRequest,
) -> Result<Response<proto::DiscardSheetResponse>, Error> {
    let mut checker = Checker::new();
    let reason = checker.text("reason", &request.reason, 10, 500);
    checker.finish()?;
    let id: ApplicationId = get_application::read_id(&request.application)?;
    let request = &request;
    let answer: proto::DiscardSheetResponse = core
        .once(caller, DISCARD, (request, &request.request_id), |tx, now| async move {
            let (mut loaded, actor) = core.application_of(&*tx, caller, id).await?;
            check_touched(request.version, loaded.record.touched(), loaded.record.version)?;
            loaded.record.case.sheet = None;
            let asking = Asking { who: &caller.id, request_id: &request.request_id };
            let order = Order::DiscardSheet { reason };
            let loaded = core.act(&tx, loaded, (By::Official(actor.clone()), order), asking, now).await?;
            let application = core.shown(&*tx, &loaded, &actor).await?;
            Ok(proto::DiscardSheetResponse { application: Some(application) })
        })
        .await?;
    Ok(Response::new(answer))
}
