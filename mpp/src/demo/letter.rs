//! `mpp demo letter`: a certificate of indigence (SKTM) through the public API of a running suite, from the citizen's form
//! to signatures that anybody can verify.
//!
//! 1. A citizen without an account uploads papers, hands the form in, and follows it by its code.
//! 2. RT, RW and the village officer find it in their work, read the draft, approve. The village head signs. With the
//!    sub-district, its officer verifies and the camat adds the second signature.
//! 3. The citizen downloads the letter by the code and the last digits of the NIK.
//! 4. Anybody checks it: by the code in its QR, and by uploading the file.
//!
//! Whatever does not hold on the way ends it with a sentence that says so. People, numbers and papers are made up.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args;
use mpp_proto::documents::v1::{
    Application, ApplicationState, ApplicationStatus, ApproveApplicationResponse, CreateDownloadLinkResponse,
    DocumentState, GetApplicationByCodeResponse, GetApplicationResponse, GetDraftResponse,
    GetVerificationResponse, ListWorkResponse, OpenFileLinkResponse, PublicDocument,
    SignApplicationsResponse, SubmitApplicationResponse, UploadFileResponse,
};
use serde_json::{Value, json};

use super::accounts::{self, Account, DemoAccounts};
use super::letters::HOME;
use super::play::request_id;
use super::rest::{Credentials, Rest, Session};
use crate::verdict::{self, Verdict};

/// What the command line takes.
#[derive(Debug, Clone, Args)]
pub struct LetterArgs {
    /// Where the signed letter is written.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Has the sub-district sign it as well: two signatures on one document.
    #[arg(long)]
    sub_district: bool,
    /// Where the suite answers [default: what demo-accounts.json in the data directory says].
    #[arg(long)]
    url: Option<String>,
}

/// How a letter is played.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether the sub-district signs too.
    pub sub_district: bool,
    /// Where the suite answers.
    pub base_url: String,
    /// Who works on letters.
    pub accounts: DemoAccounts,
}

/// A letter that was issued and checked.
#[derive(Debug, Clone)]
pub struct PlayedLetter {
    /// The signed file.
    pub pdf: Vec<u8>,
    /// The code that the citizen follows it by.
    pub code: String,
    /// The code in its QR.
    pub verification_code: String,
    /// Its number.
    pub number: String,
}

/// An official whom the letter passes, and what he does with it.
struct Desk {
    username: &'static str,
    who: &'static str,
    signs: bool,
}

const fn desk(username: &'static str, who: &'static str, signs: bool) -> Desk {
    Desk { username, who, signs }
}

const VILLAGE: [Desk; 4] = [
    desk("rt.002", "Head of RT 002", false),
    desk("rw.001", "Head of RW 001", false),
    desk("desa.staf", "Village officer", false),
    desk("desa.kades", "Village head", true),
];

const SUB_DISTRICT: [Desk; 2] =
    [desk("kecamatan.staf", "Sub-district officer", false), desk("camat", "Camat", true)];

/// The resident, who does not exist.
const NIK: &str = "1707026602929998";

/// Papers that the type asks for.
const PAPERS: [&str; 3] = ["ktp", "kk", "pernyataan"];

/// The smallest picture there is: a paper that nobody reads.
const PICTURE: [u8; 67] = [
    0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0,
    0, 1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 10, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63, 0x60,
    0, 0, 0, 2, 0, 1, 0x48, 0xaf, 0xa4, 0x71, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

/// Plays a letter as the command line asks, writes it, and prints a line for each step.
///
/// # Errors
/// A sentence that says what does not hold.
pub async fn run(args: LetterArgs, data: &Path) -> anyhow::Result<()> {
    let file = accounts::path_in(data);
    let accounts = DemoAccounts::read(&file)?.with_context(|| {
        format!(
            "there is no {}: start the suite with its demo (script/server), or say --data",
            file.display()
        )
    })?;
    let options = Options {
        sub_district: args.sub_district,
        base_url: args.url.unwrap_or_else(|| accounts.base_url.clone()),
        accounts,
    };
    let mut out = std::io::stdout();
    let mut told = |line: &str| writeln!(out, "{line}").context("cannot write to standard output");
    let letter = play(&options, &mut told).await?;
    fs::write(&args.out, &letter.pdf).with_context(|| format!("cannot write {}", args.out.display()))?;
    told(&format!("{} holds the letter; look at it, or ask: mpp verify {0}", args.out.display()))
}

/// Plays a letter; `tell` is given a line for each step.
///
/// # Errors
/// As [`run`].
pub async fn play(
    options: &Options,
    tell: &mut dyn FnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<PlayedLetter> {
    let rest = Rest::new(&options.base_url)?;
    rest.ready().await.with_context(|| format!("the suite does not answer at {}", options.base_url))?;
    let desks: Vec<&Desk> = if options.sub_district {
        VILLAGE.iter().chain(&SUB_DISTRICT).collect()
    } else {
        VILLAGE.iter().collect()
    };
    let total = desks.len() + 6;
    let mut step = 0;
    let mut tell = |text: &str| {
        step += 1;
        tell(&format!("[{step:>2}/{total}] {text}"))
    };

    let citizen = Citizen { session: rest.session(Credentials::Nobody), code: String::new() };
    let papers = citizen.upload().await?;
    tell(&format!("Citizen: {} papers uploaded, without an account", papers.len()))?;
    let (citizen, submitted) = citizen.submit(&papers, options.sub_district).await?;
    tell(&format!("Citizen: {} handed in at {}, code {}", submitted.title, submitted.office, citizen.code))?;
    let application = submitted.application_id;
    let followed = citizen.follow().await?;
    ensure!(
        followed.state() == ApplicationState::InReview,
        "the code shows {} right after the form was handed in",
        followed.state().as_str_name()
    );
    ensure!(followed.verification_code.is_empty(), "the code of the QR is told before anything was signed");
    tell(&format!("Citizen: followed by its code alone, for {}", followed.subject_masked))?;

    let mut hash = String::new();
    for desk in &desks {
        let official = Official::sign_in(&rest, &options.accounts, desk).await?;
        let seen = official.look(&application).await?;
        // What is signed is what was handed in: the same digest at every desk.
        ensure!(
            hash.is_empty() || hash == seen.content_hash,
            "{} was shown other content than the desk before",
            desk.who
        );
        hash.clone_from(&seen.content_hash);
        let after = if desk.signs { official.sign(&seen).await? } else { official.approve(&seen).await? };
        let number = after.numbers.last().map(|number| number.text.clone()).unwrap_or_default();
        let done = if desk.signs { "signed, and what came back was verified" } else { "read and approved" };
        let number = if desk.signs { format!(", number {number}") } else { String::new() };
        tell(&format!("{}: {done}{number}", desk.who))?;
    }

    let signatures = desks.iter().filter(|desk| desk.signs).count();
    let issued = citizen.follow().await?;
    ensure!(
        issued.state() == ApplicationState::Issued,
        "after the last signature the code shows {}",
        issued.state().as_str_name()
    );
    let pdf = citizen.download().await?;
    ensure!(pdf.starts_with(b"%PDF-"), "what was downloaded is no PDF");
    tell(&format!("Citizen: downloaded by code and the last digits of the NIK, {} kB", pdf.len() / 1024))?;
    let document = citizen.ask(&issued.verification_code).await?;
    check_public(&document, signatures)?;
    tell(&format!(
        "Anybody, by the QR code {}: {}, holder {}, signed by {}",
        issued.verification_code,
        verdict::word(document.state()),
        document.holder_masked,
        document.signers.join(" and ")
    ))?;
    let judged = citizen.check(&pdf).await?;
    ensure!(judged.is_good(), "the upload check says that it is {}", judged.complaint());
    ensure!(
        judged.bears(signatures),
        "the upload check does not find {signatures} sound signatures: {judged}"
    );
    tell(&format!("Anybody, by uploading the file: {judged}"))?;
    Ok(PlayedLetter {
        pdf,
        code: citizen.code,
        verification_code: issued.verification_code,
        number: document.number,
    })
}

/// What the public page must say.
fn check_public(document: &PublicDocument, signatures: usize) -> anyhow::Result<()> {
    ensure!(
        document.state() == DocumentState::Valid,
        "the page of the document says {}",
        verdict::word(document.state())
    );
    ensure!(
        document.signers.len() == signatures,
        "the page names {} signers instead of {signatures}",
        document.signers.len()
    );
    ensure!(
        !document.holder_masked.contains("Aminah") && document.holder_masked.contains('*'),
        "the page shows the holder's name"
    );
    Ok(())
}

/// Somebody without an account.
struct Citizen {
    session: Session,
    code: String,
}

impl Citizen {
    /// Uploads a paper for each requirement.
    async fn upload(&self) -> anyhow::Result<Vec<Value>> {
        let mut papers = Vec::new();
        for requirement in PAPERS {
            let body = json!({ "content": STANDARD.encode(PICTURE) });
            let answer = self.session.post::<UploadFileResponse>("/v1/files", &request_id(), body).await;
            let file = answer.required("uploading a paper")?.file.context("the suite named no file")?;
            papers.push(json!({ "fileId": file.file_id, "requirement": requirement }));
        }
        Ok(papers)
    }

    async fn submit(self, papers: &[Value], sub_district: bool) -> anyhow::Result<(Self, ApplicationStatus)> {
        let form = json!({
            "letterType": "sktm",
            "subject": {
                "name": "Siti Aminah Contoh",
                "nik": NIK,
                "familyCard": "1707021203189998",
                "area": HOME,
                "address": "Dusun II, RT 002 RW 001, Desa Sukau Kayo",
                "phone": "081200000000",
            },
            "values": {
                "tempat_lahir": "Curup",
                "tanggal_lahir": "1992-02-26",
                "jenis_kelamin": "Perempuan",
                "agama": "Islam",
                "pekerjaan": "Petani/pekebun",
                "penghasilan": 900_000,
                "tanggungan": 3,
                "peruntukan": "Pendidikan",
                "untuk_orang_lain": true,
                "nama_penerima": "Budi Contoh",
                "hubungan_penerima": "anak",
                "tujuan": "SMP Negeri 1 Rimbo Pengadang",
            },
            "attachments": papers,
            "withOptionalSteps": sub_district,
        });
        let answer =
            self.session.post::<SubmitApplicationResponse>("/v1/applications", &request_id(), form).await;
        let status =
            answer.required("handing the form in")?.status.context("the suite answered no status")?;
        Ok((Self { code: status.code.clone(), ..self }, status))
    }

    async fn follow(&self) -> anyhow::Result<ApplicationStatus> {
        let path = format!("/v1/applicationCodes/{}", self.code);
        let answer = self.session.get::<GetApplicationByCodeResponse>(&path, &[]).await;
        answer.required("following the application")?.status.context("the suite answered no status")
    }

    async fn download(&self) -> anyhow::Result<Vec<u8>> {
        let path = format!("/v1/applicationCodes/{}:download", self.code);
        let body = json!({ "nikLast4": &NIK[12..] });
        let answer = self.session.post::<CreateDownloadLinkResponse>(&path, &request_id(), body).await;
        let link = answer.required("asking for the download link")?.path;
        let token = link.rsplit('/').next().unwrap_or_default();
        let file = self.session.get::<OpenFileLinkResponse>(&format!("/v1/fileLinks/{token}"), &[]).await;
        Ok(file.required("downloading the letter")?.content)
    }

    async fn ask(&self, verification_code: &str) -> anyhow::Result<PublicDocument> {
        let path = format!("/v1/verifications/{verification_code}");
        let answer = self.session.get::<GetVerificationResponse>(&path, &[]).await;
        answer.required("verifying by the code")?.document.context("the suite answered no document")
    }

    async fn check(&self, pdf: &[u8]) -> anyhow::Result<Verdict> {
        verdict::ask(&self.session, pdf).await.required("checking the file")
    }
}

/// Somebody at a desk, signed in.
struct Official<'a> {
    session: Session,
    account: &'a Account,
    desk: &'a Desk,
}

impl<'a> Official<'a> {
    async fn sign_in(rest: &Rest, accounts: &'a DemoAccounts, desk: &'a Desk) -> anyhow::Result<Self> {
        let found = accounts.accounts.iter().find(|account| account.username == desk.username);
        let account = found.with_context(|| {
            format!("demo-accounts.json names no {}: start the suite with its demo once more", desk.username)
        })?;
        let session = rest.session(Credentials::Staff {
            username: account.username.clone(),
            password: account.password.clone(),
        });
        session.sign_in().await?;
        Ok(Self { session, account, desk })
    }

    /// Finds the application among what waits here, and reads it with its draft.
    async fn look(&self, application: &str) -> anyhow::Result<Application> {
        let who = self.desk.who;
        let mut page_token = String::new();
        loop {
            let query = [("pageSize", "200"), ("pageToken", page_token.as_str())];
            let work: ListWorkResponse =
                self.session.get("/v1/work", &query).await.required("reading the work")?;
            if work.items.iter().any(|item| item.application_id == application) {
                break;
            }
            if work.next_page_token.is_empty() {
                bail!("the application does not wait for {who}");
            }
            page_token = work.next_page_token;
        }
        let path = format!("/v1/applications/{application}");
        let shown: GetApplicationResponse =
            self.session.get(&path, &[]).await.required("reading the application")?;
        let shown = shown.application.context("the suite answered no application")?;
        let draft: GetDraftResponse =
            self.session.get(&format!("{path}/draft"), &[]).await.required("reading the draft")?;
        ensure!(draft.pdf.starts_with(b"%PDF-"), "the draft that {who} reads is no PDF");
        ensure!(draft.content_hash == shown.content_hash, "the draft of {who} is of other content");
        Ok(shown)
    }

    async fn approve(&self, seen: &Application) -> anyhow::Result<Application> {
        let path = format!("/v1/applications/{}:approve", seen.id);
        let body = json!({ "version": seen.version, "contentHash": seen.content_hash });
        let answer = self.session.post::<ApproveApplicationResponse>(&path, &request_id(), body).await;
        let what = format!("the approval of {}", self.desk.who);
        answer.required(&what)?.application.context("the suite answered no application")
    }

    async fn sign(&self, seen: &Application) -> anyhow::Result<Application> {
        let body = json!({
            "applications": [seen.id],
            "contentHashes": [seen.content_hash],
            "passphrase": self.account.passphrase,
        });
        let answer =
            self.session.post::<SignApplicationsResponse>("/v1/applications:sign", &request_id(), body).await;
        let results = answer.required(&format!("the signature of {}", self.desk.who))?.results;
        let result = results.into_iter().next().context("the suite answered no result")?;
        ensure!(result.signed, "{} could not sign: {} ({})", self.desk.who, result.reason, result.message);
        result.application.context("the suite answered no application")
    }
}
