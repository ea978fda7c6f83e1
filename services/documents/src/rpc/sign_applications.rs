//! `SignApplications`: each of a batch is answered for itself. It is done in a task of its own ([`super::signing`]), which ends
//! its work whoever hangs up meanwhile.
//!
//! For each: the rules agree and the state says *signing*; the letter is printed from the frozen content, or taken as the
//! first signer left it; it is signed and verified; the file is stored; only then the state says *signed*. Whatever ends in
//! between leaves the letter waiting, with the same content and number. What the signing service takes in one call goes to
//! it in one call, for a one-time code holds for one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::db::is_unavailable;
use mpp_kit::fault::{Fault as _, Problem, chain};
use mpp_proto::documents::v1::{SignApplicationsRequest, SignApplicationsResponse};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use tonic::Response;

use super::Core;
use super::case::{Asking, Loaded};
use super::codes::{Linked, file_name};
use super::signing::{self, Asked, Progress};
use crate::adapter::oss::outbox::{self, Issued};
use crate::adapter::signer::{Credential, Order as Signing, SigningError};
use crate::domain::code;
use crate::domain::document::{DocumentState, DocumentVerb, TRANSITIONS};
use crate::domain::office::{Delegation, Office, Signer};
use crate::domain::workflow::decide::{By, Order};
use crate::domain::workflow::{Actor, Event, State};
use crate::domain::{ApplicationId, DocumentId, FileId, SigningId};
use crate::error::Error;
use crate::press::{self, Final};
use crate::store;
use crate::store::application::{SignedBy, SignedFile};
use crate::store::document::{Body, Document, Revision};

/// Who asks when nobody does.
const SYSTEM: Asking<'_> = Asking { who: "system", request_id: "" };
/// Letters of one batch at most: a signer reads what he signs.
const MOST: usize = 50;
/// Characters of a one-time code at most.
const LONGEST_CODE: usize = 16;

/// Waits between attempts to write down how a signature ended: it was made, and is worth more than a busy database.
const AGAIN_AFTER: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(8),
];

pub(super) async fn handle(
    core: &Arc<Core>,
    caller: &Caller,
    request: SignApplicationsRequest,
) -> Result<Response<SignApplicationsResponse>, Error> {
    let mut checker = Checker::new();
    let asked = read_letters(&mut checker, &request.applications, &request.content_hashes);
    if !request.passphrase.is_empty() && !request.totp.is_empty() {
        checker.violation(
            "totp",
            "ONE_OF",
            "isi frasa sandi atau kode sekali pakai, tidak keduanya",
            "give the passphrase or the one-time code, not both",
        );
    }
    // What it looks like is the service's own; whatever is longer is no code.
    if request.totp.len() > LONGEST_CODE || !request.totp.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        checker.violation(
            "totp",
            "INVALID_CODE",
            "kode hanya huruf dan angka",
            "a code has letters and digits",
        );
    }
    checker.finish()?;
    let credential = Credential {
        passphrase: SecretString::from(request.passphrase),
        totp: SecretString::from(request.totp),
    };
    let request_id = match request.request_id {
        id if id.is_empty() => SigningId::generate().to_string(),
        id => id,
    };
    let batch = Batch {
        core: Arc::clone(core),
        caller: caller.clone(),
        asked: asked.clone(),
        credential,
        request_id: request_id.clone(),
    };
    signing::once(core, caller, (&asked, &request_id), |progress| batch.sign(progress)).await
}

/// The applications of a batch.
pub(super) fn read_batch(checker: &mut Checker, applications: &[String]) -> Vec<ApplicationId> {
    if applications.is_empty() || applications.len() > MOST {
        checker.violation(
            "applications",
            "INVALID_LENGTH",
            format!("pilih 1 sampai {MOST} surat"),
            format!("choose 1 to {MOST} letters"),
        );
    }
    let read = |(at, id): (usize, &String)| checker.id(&format!("applications[{at}]"), id);
    applications.iter().enumerate().filter_map(read).collect()
}

/// The letters of a batch, each with the hash of what was seen.
fn read_letters(checker: &mut Checker, applications: &[String], hashes: &[String]) -> Vec<Asked> {
    let ids = read_batch(checker, applications);
    if hashes.len() != applications.len() {
        checker.violation(
            "content_hashes",
            "INVALID_LENGTH",
            "sertakan contentHash setiap surat seperti yang dilihat penanda tangan",
            "give the contentHash of each letter as its signer saw it",
        );
    }
    ids.into_iter().zip(hashes).map(|(application, seen)| Asked { application, seen: seen.clone() }).collect()
}

/// A batch at work.
struct Batch {
    core: Arc<Core>,
    caller: Caller,
    asked: Vec<Asked>,
    credential: Credential,
    request_id: String,
}

impl Batch {
    async fn sign(self, mut progress: Progress) {
        // Named twice, it is signed once.
        let once: BTreeMap<_, _> = self.asked.iter().rev().map(|it| (it.application, it)).collect();
        let once: Vec<Asked> = once.into_values().cloned().collect();
        let mut hopeless: Option<fn() -> SigningError> = None;
        for lot in once.chunks(self.core.signers.together(once.len())) {
            let outcomes = match hopeless {
                // A wrong passphrase is wrong for the rest too, and trying again may lock the account.
                Some(why) => lot.iter().map(|_| Err(why().problem().into())).collect(),
                None => self.core.sign_lot(&self.caller, lot, &self.credential, &self.request_id).await,
            };
            for (letter, outcome) in lot.iter().zip(outcomes) {
                let problem = outcome.err().map(Error::problem);
                match problem.as_ref().map(|problem| problem.reason) {
                    Some("WRONG_PASSPHRASE") => hopeless = Some(|| SigningError::WrongPassphrase),
                    Some("WRONG_TOTP") => hopeless = Some(|| SigningError::WrongCode),
                    Some(_) | None => {}
                }
                progress.note(letter.application, problem.as_ref()).await;
            }
        }
    }
}

/// A letter that is being signed.
struct Begun {
    loaded: Loaded,
    acting: Acting,
    at: DateTime<Utc>,
}

impl Core {
    /// Signs what goes into one call, for this official. What is signed already is signed.
    async fn sign_lot(
        &self,
        caller: &Caller,
        lot: &[Asked],
        credential: &Credential,
        request_id: &str,
    ) -> Vec<Result<(), Error>> {
        let asking = Asking { who: &caller.id, request_id };
        let mut outcomes: Vec<Option<Result<(), Error>>> = lot.iter().map(|_| None).collect();
        let mut begun = Vec::new();
        for (at, letter) in lot.iter().enumerate() {
            match self.begin_signing(caller, letter, asking).await {
                Ok(Some(letter)) => begun.push((at, letter)),
                Ok(None) => outcomes[at] = Some(Ok(())),
                Err(error) => outcomes[at] = Some(Err(error)),
            }
        }
        let mut ready = Vec::with_capacity(begun.len());
        for (at, letter) in begun {
            match self.printed(&letter.loaded, &letter.acting, false, letter.at).await {
                Ok(printed) => ready.push((at, letter, printed)),
                Err(error) => outcomes[at] = Some(self.settle(letter.loaded, Err(error), asking).await),
            }
        }
        let orders = ready.iter().map(|(_, letter, printed)| letter.order(printed)).collect();
        let signed = self.signers.sign(orders, credential).await;
        for ((at, letter, printed), signed) in ready.into_iter().zip(signed) {
            let signed = match signed {
                Ok(pdf) => self.stored(&letter.acting, printed, pdf, letter.at).await,
                Err(error) => Err(error.problem().into()),
            };
            outcomes[at] = Some(self.settle(letter.loaded, signed, asking).await);
        }
        let missing = || Err(anyhow::anyhow!("a letter was left out of its batch").into());
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect()
    }

    /// Sends one application to be signed by this official, if its content is what he saw; `None` if he has signed it.
    async fn begin_signing(
        &self,
        caller: &Caller,
        Asked { application: id, seen }: &Asked,
        asking: Asking<'_>,
    ) -> Result<Option<Begun>, Error> {
        let (id, seen) = (*id, seen.clone());
        let (loaded, actor) = self.application_of(&self.db.read, caller, id).await?;
        if signed_by(&loaded, &actor) {
            return Ok(None);
        }
        self.may_replace(&loaded).await?;
        let acting = self.signer_of(&self.db.read, &loaded, &caller.id).await?;
        let tx = self.db.begin().await?;
        let (loaded, _) = self.application_of(&tx, caller, id).await?;
        let at = self.now();
        let order = Order::BeginSigning { seen };
        let loaded = self.act(&tx, loaded, (By::Official(actor), order), asking, at).await?;
        tx.commit().await?;
        Ok(Some(Begun { loaded, acting, at }))
    }

    /// Refuses to sign what is to replace a document that has ended meanwhile, before anybody signs it in vain.
    pub(super) async fn may_replace(&self, loaded: &Loaded) -> Result<(), Error> {
        let Some(replaced) = loaded.record.case.replaces else { return Ok(()) };
        let old = store::document::find(&self.db.read, &self.cipher, replaced).await?;
        match old.filter(|old| TRANSITIONS.next(old.state, DocumentVerb::Replace).is_none()) {
            Some(old) => Err(Problem::precondition(
                "NOT_PERMITTED_IN_STATE",
                format!(
                    "Dokumen yang digantikan sudah {}. Tolak permohonan ini; bila perlu, mulai yang baru.",
                    old.state.label()
                ),
                format!(
                    "The document to be replaced is {}. Reject this application; begin another if needed.",
                    old.state
                ),
            )
            .with("state", old.state)
            .into()),
            None => Ok(()),
        }
    }

    /// Signs what is granted by law with the seal of the installation, which has just begun; or notes that nobody seals now, where
    /// that was found out before.
    pub(crate) async fn sign_by_law(&self, loaded: Loaded, away: Option<Problem>) -> Result<(), Error> {
        let signed = match away {
            Some(problem) => Err(problem.into()),
            None => self.signed_by_law(&loaded).await,
        };
        self.settle(loaded, signed, SYSTEM).await
    }

    /// Tries again to seal what was granted by law and could not be sealed then. It happens in the history once it succeeds:
    /// a seal that is away for a night would fill it otherwise.
    pub(crate) async fn seal_by_law(&self, loaded: Loaded, now: DateTime<Utc>) -> Result<(), Error> {
        let signed = self.signed_by_law(&loaded).await?;
        let tx = self.db.begin().await?;
        match self.act(&tx, loaded, (By::System, Order::DeemGranted), SYSTEM, now).await {
            Ok(loaded) => {
                tx.commit().await?;
                self.settle(loaded, Ok(signed), SYSTEM).await
            }
            Err(error) => {
                // Another instance was first: nothing names this file.
                self.files.delete(&signed.file.file.to_string()).await?;
                Err(error)
            }
        }
    }

    async fn signed_by_law(&self, loaded: &Loaded) -> Result<Signed, Error> {
        let issuer = loaded.issuer()?.clone();
        let head = issuer.signers.iter().find(|signer| signer.role == signer.role.level().head());
        let head =
            head.or_else(|| issuer.signers.first()).cloned().context("an office has nobody who signs")?;
        let acting = Acting { signer: head, office: issuer, title: None };
        let letter = Begun { loaded: loaded.clone(), acting, at: self.now() };
        let printed = self.printed(loaded, &letter.acting, false, letter.at).await?;
        let sealed = self.signers.sealed(letter.order(&printed)).await;
        let sealed = sealed.map_err(|error| Error::from(error.problem()))?;
        self.stored(&letter.acting, printed, sealed, letter.at).await
    }

    /// Whether this account can sign what waits for it: listed for the step, and the one whom the paper names.
    pub(super) async fn may_sign(
        &self,
        db: &impl ConnectionTrait,
        loaded: &Loaded,
        account: &str,
    ) -> Result<bool, Error> {
        let case = &loaded.record.case;
        let named = case.endorser.as_deref().filter(|_| !case.signed.is_empty());
        match self.signer_of(db, loaded, account).await {
            Ok(acting) => Ok(named.is_none_or(|named| named == acting.signer.account)),
            Err(Error::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Who this account is when this application is signed.
    pub(super) async fn signer_of(
        &self,
        db: &impl ConnectionTrait,
        loaded: &Loaded,
        account: &str,
    ) -> Result<Acting, Error> {
        let Some((_, planned)) = loaded.application().current_step() else { return Err(not_listed()) };
        let office = loaded.office(planned.step.level.office()).ok_or_else(not_listed)?.clone();
        let own = planned.roles.iter().find_map(|role| office.signer(account, *role));
        if let Some(signer) = own {
            let signer = signer.clone();
            return Ok(Acting { signer, office, title: None });
        }
        let held = store::delegation::of_account(db, account, self.now()).await?;
        held.into_iter()
            .filter(|held| held.office == office.id && planned.roles.contains(&held.role))
            .find_map(|held| filling_in(loaded, &office, held))
            .ok_or_else(not_listed)
    }

    /// Whom the letter names as its second signer: who fills in there now, else who holds the post.
    async fn endorser(&self, loaded: &Loaded, now: DateTime<Utc>) -> Result<Option<Acting>, Error> {
        let offices = loaded.by_level();
        let found = press::endorser(&loaded.letter, &loaded.record.case.content, &offices);
        let Some((office, signer)) = found else { return Ok(None) };
        let held = store::delegation::of_role(&self.db.read, office.id, signer.role, now).await?;
        let filling_in = held.into_iter().find_map(|held| filling_in(loaded, office, held));
        Ok(Some(filling_in.unwrap_or_else(|| Acting {
            signer: signer.clone(),
            office: office.clone(),
            title: None,
        })))
    }

    /// Prints the letter, or takes it as the signer before left it.
    pub(super) async fn printed(
        &self,
        loaded: &Loaded,
        acting: &Acting,
        by_hand: bool,
        now: DateTime<Utc>,
    ) -> Result<Printed, Error> {
        let case = &loaded.record.case;
        let mut endorser = case.endorser.clone();
        let id = case.application.id;
        let offices = loaded.by_level();
        let (pdf, place, endorsement) = match case.signed.last() {
            Some(before) => {
                loaded.is_named(acting)?;
                let place = before.endorsement.unwrap_or((1, [0.0; 4]));
                (self.files.get(&before.file.to_string()).await?, place, None)
            }
            None => {
                let number = loaded.number_of(&acting.office);
                let number = number.context("a letter is to be signed without a number")?.text.clone();
                let date = loaded
                    .letter_date(&acting.office)
                    .unwrap_or_else(|| acting.office.zone().local(now).date());
                let second = self.endorser(loaded, now).await?;
                endorser = second.as_ref().map(|second| second.signer.account.clone());
                let code = code::grouped(&self.verification_code(id)?);
                let arms = self.arms_of(&case.content).await?;
                let with = Final {
                    arms,
                    number,
                    date,
                    valid_until: loaded.letter.validity.last_day(date),
                    signer: &acting.signer,
                    acting: acting.title.clone(),
                    endorser: second
                        .as_ref()
                        .map(|second| (&second.office, &second.signer, second.title.as_deref())),
                    url: format!("{}/s/{code}", self.base_url),
                    code,
                    sample: self.signers.sample,
                    by_hand,
                };
                let printed = self.press.last(&loaded.letter, &case.content, &offices, with).await?;
                let place = boxed(&printed.signature);
                (printed.pdf, place, printed.endorsement.as_ref().map(boxed))
            }
        };
        Ok(Printed { pdf, place, endorsement, endorser })
    }

    /// Keeps a signed file.
    async fn stored(
        &self,
        acting: &Acting,
        printed: Printed,
        signed: Vec<u8>,
        now: DateTime<Utc>,
    ) -> Result<Signed, Error> {
        let file = FileId::generate();
        // First the file, then the state that says it is signed.
        self.files.put(&file.to_string(), &signed).await?;
        let file = SignedFile {
            file,
            sha256: hex::encode(Sha256::digest(&signed)),
            at: now,
            signer: acting.named(),
            by: Some(acting.signed_by()),
            endorsement: printed.endorsement,
            sheet: None,
        };
        Ok(Signed { file, endorser: printed.endorser })
    }

    /// Notes how a signature ended. A failure leaves the letter waiting for one. A database that is busy, or another change
    /// that was faster, is met by trying again: the signature is made by now.
    async fn settle(
        &self,
        loaded: Loaded,
        signed: Result<Signed, Error>,
        asking: Asking<'_>,
    ) -> Result<(), Error> {
        let signed = signed.map_err(Error::problem);
        let mut waits = AGAIN_AFTER.into_iter();
        loop {
            match self.settled(&loaded, signed.as_ref(), asking).await {
                Ok(()) => break,
                Err(error) => match waits.next().filter(|_| may_pass(&error)) {
                    Some(wait) => {
                        let id = loaded.application().id;
                        tracing::warn!(application = %id, error = chain(&error), "how a signature ended is noted again");
                        tokio::time::sleep(wait).await;
                    }
                    None => return Err(error),
                },
            }
        }
        match signed {
            Ok(_) => {
                self.metrics.signed();
                Ok(())
            }
            Err(problem) => {
                self.metrics.not_signed(problem.reason);
                Err(problem.into())
            }
        }
    }

    async fn settled(
        &self,
        begun: &Loaded,
        signed: Result<&Signed, &Problem>,
        asking: Asking<'_>,
    ) -> Result<(), Error> {
        let id = begun.application().id;
        let tx = self.db.begin().await?;
        let mut loaded = self.application(&tx, id).await?;
        if attempts(&loaded) != attempts(begun) || loaded.application().state != State::Signing {
            drop(tx);
            let Ok(signed) = signed else { return Ok(()) };
            // Noted before: only the answer of the database was lost.
            if loaded.record.case.signed.iter().any(|it| it.file == signed.file.file) {
                return Ok(());
            }
            // It was given up, and perhaps begun anew: this file is of no attempt that is still open.
            self.files.delete(&signed.file.file.to_string()).await?;
            return Err(given_up());
        }
        let now = self.now();
        match signed {
            Ok(Signed { file: signed, endorser }) => {
                loaded.record.case.endorser.clone_from(endorser);
                let file_hash = signed.sha256.clone();
                loaded.record.case.signed.push(signed.clone());
                loaded.record.case.signing_problem.clear();
                // The document is named by the application that is written in the same transaction.
                loaded.record.case.document.get_or_insert_with(DocumentId::generate);
                let order = Order::CompleteSigning { file_hash };
                let loaded = self.act(&tx, loaded, (By::System, order), asking, now).await?;
                if loaded.application().state == State::Issued {
                    self.issue(&tx, &loaded, asking, now).await?;
                }
            }
            Err(problem) => {
                loaded.record.case.signing_problem.clone_from(&problem.text.id);
                let order = Order::FailSigning { reason: problem.reason.to_owned() };
                self.act(&tx, loaded, (By::System, order), asking, now).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// Enters the document that was issued, and ends the one that it replaces.
    pub(super) async fn issue(
        &self,
        tx: &DatabaseTransaction,
        loaded: &Loaded,
        asking: Asking<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let case = &loaded.record.case;
        let issuer = loaded.issuer()?;
        let first = case.signed.first().context("an issued letter has no signed file")?;
        let id = case.document.context("an issued letter has no document")?;
        let date = loaded.letter_date(issuer).unwrap_or_else(|| issuer.zone().local(first.at).date());
        let number = loaded.number_of(issuer);
        let document = Document {
            id,
            application: case.application.id,
            code: self.verification_code(case.application.id)?,
            letter_type: case.content.letter_type.clone(),
            office: issuer.id,
            state: DocumentState::Valid,
            version: 1,
            valid_until: loaded.letter.validity.last_day(date),
            changed: 0,
            issued_at: now,
            signature: loaded.signature(),
            body: Body {
                title: case.title.clone(),
                number: number.map(|entry| entry.text.clone()).unwrap_or_default(),
                office_name: case.content.name_of(issuer).to_owned(),
                holder: loaded.holder(),
                signers: case.signed.iter().map(|signed| signed.signer.clone()).collect(),
                sample: self.signers.sample,
                replaces: case.replaces,
                replaced_by: None,
                end_reason: String::new(),
                date: Some(date),
                ended_at: None,
                registrations: Some(loaded.registrations()),
                scan: case.signed.last().and_then(|signed| signed.scanned().cloned()),
            },
        };
        store::document::insert(tx, &self.cipher, &document).await?;
        for (revision, signed) in (1..).zip(&case.signed) {
            let row = Revision {
                document: id,
                revision,
                file: signed.file,
                sha256: signed.sha256.clone(),
                signed_at: signed.at,
                media_type: signed.media_type().to_owned(),
            };
            store::document::add_revision(tx, &row).await?;
        }
        if loaded.letter.oss.is_some() || case.replaces.is_some() {
            self.tell_oss_of(tx, loaded, &document, now).await?;
        }
        if let Some(replaced) = case.replaces
            && let Some(mut old) = store::document::find(tx, &self.cipher, replaced).await?
            // It ended while this one was being signed: a signed file is never lost for that.
            && TRANSITIONS.next(old.state, DocumentVerb::Replace).is_some()
        {
            old.body.replaced_by = Some(id);
            old.body.end_reason.clone_from(&case.replaces_because);
            self.end(tx, &mut old, DocumentVerb::Replace, issuer.area.as_str(), asking, now).await?;
        }
        let person = case.application.applicant.person.as_deref();
        self.remember(tx, &loaded.letter, &case.content, person, now).await?;
        Ok(())
    }
}

impl Core {
    /// Sends the final licence to OSS, if it asked for it.
    async fn tell_oss_of(
        &self,
        tx: &DatabaseTransaction,
        loaded: &Loaded,
        document: &Document,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let issuer = loaded.issuer()?;
        let replaced = match document.body.replaces {
            Some(replaced) => store::document::find(tx, &self.cipher, replaced).await?,
            None => None,
        };
        let last = loaded.record.case.signed.last().context("an issued licence has no signed file")?;
        let file = Linked {
            file: last.file,
            file_name: file_name(&document.letter_type, &last.sha256, last.media_type()),
            media_type: last.media_type().to_owned(),
            subject: document.id.to_string(),
        };
        // What was signed before who signed was kept: by the name at the end.
        let listed = || issuer.signers.iter().find(|signer| last.signer.ends_with(&signer.name));
        let signer = last.by.clone().or_else(|| {
            listed().map(|it| SignedBy {
                name: it.name.clone(),
                nip: it.nip.clone(),
                title: it.title.clone(),
            })
        });
        let SignedBy { name, nip, title } = signer.unwrap_or_default();
        let issued = Issued {
            application: document.application,
            document: document.id,
            number: document.body.number.clone(),
            issued_on: loaded.letter_date(issuer).unwrap_or_else(|| issuer.zone().local(now).date()),
            valid_until: document.valid_until,
            signer_name: name,
            signer_nip: nip,
            signer_title: title,
            file,
            replaced: replaced.map(|replaced| replaced.application),
        };
        outbox::on_issued(tx, self, &issued, now).await?;
        Ok(())
    }
}

/// A letter that is ready to be signed.
pub(super) struct Printed {
    pub(super) pdf: Vec<u8>,
    /// Where the signature stands: page from 1, then x, y, width and height in points.
    place: (usize, [f64; 4]),
    /// Where the second one will stand.
    endorsement: Option<(usize, [f64; 4])>,
    /// Whom it names as its second signer.
    pub(super) endorser: Option<String>,
}

impl Begun {
    /// What the signer is asked to sign.
    fn order(&self, printed: &Printed) -> Signing<'_> {
        let case = &self.loaded.record.case;
        Signing {
            pdf: printed.pdf.clone(),
            nth: case.signed.len() + 1,
            place: printed.place,
            signer: &self.acting.signer,
            reason: case.title.clone(),
            location: self.acting.office.place.clone(),
            at: self.at,
            offset: self.acting.office.zone().fixed(),
        }
    }
}

/// A signed file that is stored, and whom it names as its second signer.
pub(crate) struct Signed {
    file: SignedFile,
    endorser: Option<String>,
}

/// Who fills in for the holder of a post: listed in a role of his own, here or elsewhere, under the title of the post.
fn filling_in(loaded: &Loaded, office: &Office, held: Delegation) -> Option<Acting> {
    let mut listed = loaded.offices.iter().flat_map(|office| &office.signers);
    let person = listed.find(|it| it.account == held.account)?;
    let post = office.signers.iter().find(|signer| signer.role == held.role)?;
    let signer = Signer {
        role: held.role,
        title: post.title.clone(),
        on_behalf_of: post.on_behalf_of.clone(),
        between: post.between.clone(),
        ..person.clone()
    };
    Some(Acting { signer, office: office.clone(), title: Some(held.title) })
}

/// Somebody who signs for an office.
pub(super) struct Acting {
    pub(super) signer: Signer,
    pub(super) office: Office,
    /// "Plt." or "Plh.".
    title: Option<String>,
}

impl Acting {
    /// What he is, with "Plt." or "Plh." where he fills in.
    fn post(&self) -> String {
        let acting_as = self.title.as_ref().map(|title| format!("{title} ")).unwrap_or_default();
        format!("{acting_as}{}", self.signer.title)
    }

    /// "Kepala Desa Ujung Tanjung, Budi Santoso".
    pub(super) fn named(&self) -> String {
        format!("{}, {}", self.post(), self.signer.name)
    }

    /// The same for other systems.
    pub(super) fn signed_by(&self) -> SignedBy {
        SignedBy { name: self.signer.name.clone(), nip: self.signer.nip.clone(), title: self.post() }
    }
}

impl Loaded {
    /// Refuses whoever is not the second signer that the letter names, once it is printed.
    pub(super) fn is_named(&self, acting: &Acting) -> Result<(), Error> {
        let case = &self.record.case;
        match case.endorser.as_ref().filter(|named| **named != acting.signer.account) {
            Some(named) => {
                tracing::debug!(application = %case.application.id, %named, "another than the printed signer");
                Err(another_was_printed())
            }
            None => Ok(()),
        }
    }
}

/// How often it was sent to be signed.
fn attempts(loaded: &Loaded) -> usize {
    let began = |event: &&Event| matches!(event, Event::SigningBegan { .. });
    loaded.record.case.history.iter().filter(began).count()
}

/// Whether an error may be gone with the next attempt.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Stale { .. } => true,
        Error::Database(error) => is_unavailable(error),
        Error::NotFound(_)
        | Error::Rejected(_)
        | Error::Refused(_)
        | Error::LaterRelease { .. }
        | Error::Files(_)
        | Error::Unavailable(_)
        | Error::Broken(_) => false,
    }
}

/// The answer came after its letter was taken for lost.
fn given_up() -> Error {
    Problem::precondition(
        "SIGNING_INTERRUPTED",
        "Tanda tangan datang terlambat, sehingga tidak dipakai. Surat tetap menunggu; tanda tangani lagi.",
        "The signature came too late and is not used. The letter still waits; sign it again.",
    )
    .into()
}

/// Whether this official has signed it already, and it went on.
pub(super) fn signed_by(loaded: &Loaded, actor: &Actor) -> bool {
    use crate::domain::step::StepKind;
    use crate::domain::workflow::Progress;
    let application = loaded.application();
    let signed = application.plan.steps.iter().zip(&application.steps).any(|(planned, progress)| {
        planned.step.kind == StepKind::Sign
            && matches!(progress, Progress::Done(taken) if taken.actor == actor.id)
    });
    signed && !matches!(application.state, State::AwaitingSignature | State::Signing)
}

fn boxed(place: &crate::letter::render::SignatureBox) -> (usize, [f64; 4]) {
    (place.page, [place.x, place.y, place.width, place.height])
}

fn not_listed() -> Error {
    Problem::precondition(
        "NOT_A_SIGNATORY",
        "Anda belum tercatat sebagai penanda tangan kantor ini untuk tahap tersebut. Minta admin melengkapi data kantor.",
        "The office does not list you as a signatory for this step yet. Ask an administrator to add you.",
    )
    .into()
}

fn another_was_printed() -> Error {
    Problem::precondition(
        "ANOTHER_SIGNER_PRINTED",
        "Surat ini sudah dicetak dengan nama penanda tangan kedua yang lain. Kembalikan surat agar diterbitkan ulang dengan nama yang benar.",
        "The letter names another second signer. Return it, so that it is issued anew with the right name.",
    )
    .into()
}
