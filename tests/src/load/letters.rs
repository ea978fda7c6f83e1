//! What documents does: letters from the signature to the file, the check of an uploaded file, the worklist of an official
//! before whom ever more applications wait, and what letters leave in memory.
//!
//! A village of its own (`99.99.99.2999`), a letter that one signature finishes, people who are new in each run. The seal of
//! the installation signs: a signing service elsewhere would be measured instead of the suite.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use chrono::TimeDelta;
use futures::{StreamExt as _, TryStreamExt as _};
use mpp::demo::accounts::{self, DemoAccounts};
use mpp::demo::rest::{Credentials, Rest, Session};
use mpp::seeding::Bearer;
use mpp_kit::clock::{Clock as _, SystemClock};
use mpp_kit::db::Db;
use mpp_proto::documents::v1 as documents;
use mpp_proto::documents::v1::FileVerdict;
use mpp_proto::documents::v1::documents_service_client::DocumentsServiceClient;
use mpp_proto::identity::v1::{CreateAccountResponse, DisableAccountResponse};
use sea_orm::{ConnectionTrait as _, Statement, TransactionTrait as _};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

use super::database::{Database, number};
use super::fixture::key;
use super::measure::{Sample, Samples, closed_loop};
use super::typesetting;

/// Applications that wait while the worklist is read; the last is `--applications`.
pub const SHALLOW: usize = 1_000;

/// Letters of a round.
const LETTERS: usize = 200;

/// Letters that are made while memory is watched.
const MEMORABLE: usize = 2_000;

/// Letters of a call of SignApplications, as the desk sends them.
const TOGETHER: usize = 25;

/// Reads of a worklist, and checks of a file, in a round.
const READS: usize = 300;

/// Requests at once while preparing: a thread of the renderer for each core, and one on the way.
const BUSY: usize = 4;

/// Rows of a statement that fills the table.
const ROWS: usize = 500;

const VILLAGE: &str = "99.99.99.2999";
const SUB_DISTRICT: &str = "99.99.99";
const REGENCY: &str = "99.99";
const TYPE: &str = "beban_sktm";

/// What the reads of worklists are called, with so many waiting: of a village, and of a regency.
pub fn worklists(depth: impl std::fmt::Display) -> [String; 2] {
    [format!("worklist with {depth} waiting"), format!("worklist of a regency with {depth} waiting")]
}

type Client = DocumentsServiceClient<InterceptedService<Channel, Bearer>>;

mpp_kit::ids! {
    /// An application, as documents numbers them.
    ApplicationId = "app";
}

/// The village that is loaded, and who works there.
pub struct Village {
    admin: Session,
    citizen: Session,
    head: Session,
    /// Holds the same role in the whole regency.
    over_all: Session,
    editor: Session,
    names: Vec<String>,
    channel: Channel,
    db: Db,
    /// Applications that are handed in and wait for the signature, next last.
    waiting: Mutex<Vec<String>>,
    typeset: std::sync::atomic::AtomicU32,
}

impl Village {
    /// Makes people, office and letter type, and opens the database of documents.
    ///
    /// # Errors
    /// When the suite does not answer or refuses.
    pub async fn prepare(
        base_url: &str,
        accounts: &DemoAccounts,
        database: &Database,
    ) -> anyhow::Result<Self> {
        let rest = Rest::new(base_url)?;
        let admin = accounts.with_role("admin").context("the file of accounts names no admin")?;
        let admin = rest.session(Credentials::Staff {
            username: admin.username.clone(),
            password: admin.password.clone(),
        });
        admin.sign_in().await.with_context(|| format!("is the suite running at {base_url}?"))?;
        let channel = Endpoint::from_shared(base_url.to_owned())?.tcp_nodelay(true).connect_lazy();

        let run = format!("{:08x}", rand::random::<u32>());
        let mut names = Vec::new();
        let mut person = async |who: &str, grant: Value| {
            let (username, password) = (format!("beban.{run}.{who}"), accounts::password());
            let body = json!({
                "username": username, "displayName": format!("Uji beban {who}"), "password": password,
                "grants": [grant],
            });
            let made: CreateAccountResponse =
                admin.post("/v1/accounts", &key(), body).await.required("creating a load account")?;
            let session = rest.session(Credentials::Staff { username: username.clone(), password });
            session.sign_in().await?;
            names.push(username);
            anyhow::Ok((session, made.account.unwrap_or_default().id))
        };
        let (head, head_id) =
            person("kades", json!({ "role": "ROLE_VILLAGE_HEAD", "area": VILLAGE })).await?;
        let (over_all, _) =
            person("kabupaten", json!({ "role": "ROLE_VILLAGE_HEAD", "area": REGENCY })).await?;
        let (editor, _) = person("editor", json!({ "role": "ROLE_LETTER_EDITOR" })).await?;
        let (publisher, _) = person("penerbit", json!({ "role": "ROLE_LETTER_EDITOR" })).await?;

        let village = Self {
            citizen: rest.session(Credentials::Nobody),
            admin,
            head,
            over_all,
            editor,
            names,
            channel,
            db: database.open("documents").await?,
            waiting: Mutex::default(),
            typeset: std::sync::atomic::AtomicU32::new(1),
        };
        let mut client = village.client(&village.admin).await?;
        for office in [sub_district(), office(&head_id)] {
            let request = documents::ApplyOfficeRequest { request_id: key(), office: Some(office) };
            client.apply_office(request).await.context("applying an office")?;
        }
        village.publish(&publisher).await?;
        Ok(village)
    }

    async fn client(&self, session: &Session) -> anyhow::Result<Client> {
        let bearer = Bearer::new(&session.access_token().await?)?;
        Ok(DocumentsServiceClient::with_interceptor(self.channel.clone(), bearer)
            .max_decoding_message_size(64 << 20))
    }

    /// Publishes the letter type, by another editor than who wrote it.
    async fn publish(&self, publisher: &Session) -> anyhow::Result<()> {
        let request = documents::SaveLetterTypeRequest {
            request_id: key(),
            definition: include_str!("letter.toml").to_owned(),
            template: typesetting::TEMPLATE.to_owned(),
        };
        let draft = self.client(&self.editor).await?.save_letter_type(request).await.context("the letter")?;
        let draft = draft.into_inner().version.unwrap_or_default();
        ensure!(draft.defects.is_empty(), "the letter has defects: {:?}", draft.defects);
        let request = documents::PublishLetterTypeRequest {
            request_id: key(),
            letter_type: TYPE.to_owned(),
            draft_version: draft.version,
        };
        self.client(publisher).await?.publish_letter_type(request).await.context("publishing the letter")?;
        Ok(())
    }

    /// Hands in applications until so many wait for a signature.
    ///
    /// # Errors
    /// When one is refused.
    pub async fn hand_in(&self, wanted: usize) -> anyhow::Result<()> {
        let have = self.waiting.lock().await.len();
        let made: Vec<String> = futures::stream::iter(have..wanted)
            .map(|nth| self.submit(nth))
            .buffer_unordered(BUSY)
            .try_collect()
            .await?;
        self.waiting.lock().await.extend(made);
        Ok(())
    }

    async fn submit(&self, nth: usize) -> anyhow::Result<String> {
        // Each of another person: one person's second application for the same letter is a question, not a load.
        let nik = nik(rand::random());
        let form = json!({
            "letterType": TYPE,
            "subject": {
                "name": format!("Warga Uji Beban {}", letters_of(nth)),
                "nik": nik,
                "familyCard": "1707021203189998",
                "area": format!("{VILLAGE}/001/002"),
                "address": "Dusun II, RT 002 RW 001, Desa Uji Beban",
                "phone": "081200000000",
            },
            "values": typesetting::values(),
        });
        let answer =
            self.citizen.post::<documents::SubmitApplicationResponse>("/v1/applications", &key(), form).await;
        let status = answer.required("handing a form in")?.status.unwrap_or_default();
        Ok(status.application_id)
    }

    /// Bare renders, and letters signed one by one and by two callers at once, in turn.
    ///
    /// # Errors
    /// When one is not signed, or its file is not valid.
    pub async fn letters(&self, samples: &mut Samples) -> anyhow::Result<()> {
        self.hand_in(LETTERS / 2 + LETTERS).await?;
        let first = self.typeset.fetch_add(400, std::sync::atomic::Ordering::Relaxed);
        let bare = tokio::task::spawn_blocking(move || typesetting::measure(first, 200)).await??;
        samples.push("bare render@1", bare);

        let mut one = Sample::default();
        let mut client = self.client(&self.head).await?;
        for application in self.take(LETTERS / 2).await? {
            let began = Instant::now();
            sign(&mut client, &[application]).await?;
            one.latencies.push(began.elapsed());
        }
        one.elapsed = one.latencies.iter().sum();
        samples.push("letter@1", one);

        let (mut left, mut right) = (self.client(&self.head).await?, self.client(&self.head).await?);
        let bundles = self.take(LETTERS).await?;
        let (mine, theirs) = bundles.split_at(LETTERS / 2);
        let began = Instant::now();
        let run = async |client: &mut Client, applications: &[Seen]| {
            for bundle in applications.chunks(TOGETHER) {
                sign(client, bundle).await?;
            }
            anyhow::Ok(())
        };
        let (one, two) = tokio::join!(run(&mut left, mine), run(&mut right, theirs));
        one.and(two)?;
        let elapsed = began.elapsed();
        let each = elapsed / u32::try_from(LETTERS)?;
        samples.push("letters signed in bundles@2", Sample { latencies: vec![each; LETTERS], elapsed });
        Ok(())
    }

    /// Makes [`MEMORABLE`] letters and reads the memory of the suite after the first tenth and after the last.
    ///
    /// # Errors
    /// When one is not signed, or there is no such process.
    pub async fn memory(&self, pid: u32, tell: &dyn Fn(usize, usize)) -> anyhow::Result<Memory> {
        let mut before = 0;
        for done in (0..MEMORABLE).step_by(LETTERS) {
            self.hand_in(LETTERS).await?;
            let mut client = self.client(&self.head).await?;
            for bundle in self.take(LETTERS).await?.chunks(TOGETHER) {
                sign(&mut client, bundle).await?;
            }
            if done == 0 {
                before = resident(pid)?;
            }
            tell(done + LETTERS, MEMORABLE);
        }
        Ok(Memory { letters: MEMORABLE - LETTERS, before, after: resident(pid)? })
    }

    /// Takes so many of those that wait, as their signer sees them.
    async fn take(&self, count: usize) -> anyhow::Result<Vec<Seen>> {
        let taken = {
            let mut waiting = self.waiting.lock().await;
            ensure!(waiting.len() >= count, "{} applications wait, {count} are needed", waiting.len());
            let at = waiting.len() - count;
            waiting.split_off(at)
        };
        let mut client = self.client(&self.head).await?;
        let mut seen = Vec::with_capacity(count);
        for application in taken {
            let request = documents::GetApplicationRequest { application };
            let shown = client.get_application(request).await.context("reading an application")?.into_inner();
            let shown = shown.application.context("no application was answered")?;
            seen.push((shown.id, shown.content_hash));
        }
        Ok(seen)
    }

    /// Checks an uploaded file again and again.
    ///
    /// # Errors
    /// When it is not said to be valid.
    pub async fn verify(&self, samples: &mut Samples) -> anyhow::Result<()> {
        let pdf = self.one_file().await?;
        let client = DocumentsServiceClient::new(self.channel.clone());
        let sample = closed_loop(1, READS, |_| {
            let (client, pdf) = (client.clone(), pdf.clone());
            move |_| {
                let (mut client, request) =
                    (client.clone(), documents::VerifyFileRequest { content: pdf.clone() });
                async move {
                    let answer = client.verify_file(request).await.context("checking a file")?.into_inner();
                    ensure!(answer.verdict() == FileVerdict::Valid, "a letter is {:?}", answer.verdict());
                    Ok(())
                }
            }
        })
        .await?;
        samples.push("check of an uploaded PDF", sample);
        Ok(())
    }

    /// A letter that was just signed.
    async fn one_file(&self) -> anyhow::Result<Vec<u8>> {
        self.hand_in(1).await?;
        let mut client = self.client(&self.head).await?;
        let signed = sign(&mut client, &self.take(1).await?).await?;
        let document = signed.into_iter().next().context("nothing was signed")?.document_id;
        let request = documents::DownloadDocumentRequest { document, ..Default::default() };
        Ok(client.download_document(request).await.context("the letter")?.into_inner().content)
    }

    /// Reads the first page of the worklist, while so many applications wait: by who holds the village alone, and by whose grant
    /// lies above it.
    ///
    /// # Errors
    /// When another number waits, or a page is not full.
    pub async fn worklist(&self, depth: usize, samples: &mut Samples) -> anyhow::Result<()> {
        self.hand_in(SHALLOW).await?;
        self.fill(depth).await?;
        for (name, reader) in worklists(depth).into_iter().zip([&self.head, &self.over_all]) {
            samples.push(name, self.reads(reader).await?);
        }
        Ok(())
    }

    async fn reads(&self, reader: &Session) -> anyhow::Result<Sample> {
        let mut client = self.client(reader).await?;
        let mut sample = Sample::default();
        for _ in 0..READS {
            let began = Instant::now();
            let page = client.list_work(documents::ListWorkRequest { page_size: 50, ..Default::default() });
            let page = page.await.context("the worklist")?.into_inner();
            sample.latencies.push(began.elapsed());
            ensure!(
                page.items.len() == 50 && !page.next_page_token.is_empty(),
                "a page of {}",
                page.items.len()
            );
        }
        sample.elapsed = sample.latencies.iter().sum();
        Ok(sample)
    }

    /// Adds rows of applications that wait, due after those that were handed in, until there are so many. They are copies
    /// of a real one: handing in a hundred thousand would typeset as many drafts.
    async fn fill(&self, wanted: usize) -> anyhow::Result<()> {
        let waiting = "SELECT COUNT(*) FROM work_item WHERE area = $1";
        let count = async || number(&self.db, waiting, vec![VILLAGE.into()]).await;
        let have = count().await?;
        let model = self.waiting.lock().await.first().cloned().context("no application waits")?;
        let due = SystemClock.now() + TimeDelta::days(3_650);
        let mut left = wanted.saturating_sub(have);
        while left > 0 {
            let ids: Vec<String> =
                (0..left.min(ROWS)).map(|_| ApplicationId::generate().to_string()).collect();
            left -= ids.len();
            self.copy(&model, &ids, due).await.context("copying applications")?;
        }
        let there = count().await?;
        ensure!(there == wanted.max(have), "{there} applications wait where {wanted} should");
        Ok(())
    }

    async fn copy(
        &self,
        model: &str,
        ids: &[String],
        due: chrono::DateTime<chrono::Utc>,
    ) -> anyhow::Result<()> {
        let backend = self.db.write.get_database_backend();
        let places: Vec<String> = (1..=ids.len()).map(|nth| format!("(${nth})")).collect();
        let (model_at, due_at) = (ids.len() + 1, ids.len() + 2);
        let copies = format!("WITH copy(id) AS (VALUES {})", places.join(", "));
        let applications = format!(
            "{copies} INSERT INTO application (id, code_digest, letter_type, letter_type_version, office_id, state, \
             version, subject_key, body, deemed_at, submitted_at, updated_at) \
             SELECT copy.id, 'beban ' || copy.id, letter_type, letter_type_version, office_id, state, version, NULL, \
             body, NULL, submitted_at, updated_at FROM application, copy WHERE application.id = ${model_at}"
        );
        let work = format!(
            "{copies} INSERT INTO work_item (application_id, role, area, kind, claimed_by, due_at, escalated) \
             SELECT copy.id, role, area, kind, NULL, ${due_at}, escalated FROM work_item, copy \
             WHERE work_item.application_id = ${model_at}"
        );
        let mut values: Vec<sea_orm::Value> = ids.iter().map(|id| id.clone().into()).collect();
        values.push(model.into());
        let tx = self.db.write.begin().await?;
        tx.execute_raw(Statement::from_sql_and_values(backend, &applications, values.clone())).await?;
        values.push(due.into());
        tx.execute_raw(Statement::from_sql_and_values(backend, &work, values)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes the copies, withdraws nothing else: what was handed in stays in the village of the load. Retires the type
    /// and disables the accounts of this run.
    ///
    /// # Errors
    /// The first thing that could not be done; the rest is tried nevertheless.
    pub async fn clear(&self) -> anyhow::Result<()> {
        let backend = self.db.write.get_database_backend();
        let mut first = Ok(());
        for sql in [
            "DELETE FROM work_item WHERE application_id IN (SELECT id FROM application WHERE code_digest LIKE 'beban %')",
            "DELETE FROM application WHERE code_digest LIKE 'beban %'",
        ] {
            let done = self.db.write.execute_raw(Statement::from_string(backend, sql)).await;
            first = first.and(done.map(|_| ()).context("removing the copies"));
        }
        let retire = async {
            let request = documents::RetireLetterTypeRequest {
                request_id: key(),
                letter_type: TYPE.to_owned(),
                reason: "Uji beban selesai".to_owned(),
            };
            self.client(&self.editor).await?.retire_letter_type(request).await.context("retiring the letter")
        };
        first = first.and(retire.await.map(|_| ()));
        for name in &self.names {
            let path = format!("/v1/accounts/{name}:disable");
            let done = self.admin.post::<DisableAccountResponse>(&path, &key(), json!({})).await;
            first = first.and(done.required("disabling an account").map(|_| ()));
        }
        first.and(self.db.clone().close().await.map_err(anyhow::Error::from))
    }
}

/// An application, and the hash of what its signer saw.
type Seen = (String, String);

/// Signs applications; all of them must be signed.
async fn sign(client: &mut Client, seen: &[Seen]) -> anyhow::Result<Vec<documents::Application>> {
    let wanted = seen.len();
    let (applications, content_hashes) = seen.iter().cloned().unzip();
    let request = documents::SignApplicationsRequest {
        request_id: key(),
        applications,
        content_hashes,
        ..Default::default()
    };
    let results = client.sign_applications(request).await.context("signing")?.into_inner().results;
    let mut signed = Vec::new();
    for result in results {
        if !result.signed {
            bail!("an application was not signed: {} ({})", result.reason, result.message);
        }
        signed.push(result.application.unwrap_or_default());
    }
    let numbers: BTreeSet<&str> =
        signed.iter().flat_map(|it| it.numbers.last()).map(|number| number.text.as_str()).collect();
    ensure!(numbers.len() == wanted, "{wanted} letters have {} numbers", numbers.len());
    Ok(signed)
}

/// What the memory of the suite did while letters were made, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// Letters that were made between the two.
    pub letters: usize,
    /// Resident after the first tenth of them.
    pub before: u64,
    /// Resident after the last.
    pub after: u64,
}

/// How much memory a process holds resident, in bytes.
///
/// # Errors
/// When there is no such process.
pub fn resident(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|kib| kib.parse::<u64>().ok())
        .with_context(|| format!("{path} says nothing of VmRSS"))?;
    Ok(kib * 1024)
}

/// A population number of the village of the load, of somebody born when [`typesetting::values`] says.
fn nik(random: u64) -> String {
    format!("170702660292{:04}", random % 9_999 + 1)
}

/// A number in letters, for a name: names hold no digits.
fn letters_of(mut nth: usize) -> String {
    let mut text = String::new();
    loop {
        text.push(char::from(b'a' + u8::try_from(nth % 26).unwrap_or_default()));
        nth /= 26;
        if nth == 0 {
            return text;
        }
    }
}

/// The sub-district, which the letter names.
fn sub_district() -> documents::Office {
    documents::Office {
        area: SUB_DISTRICT.to_owned(),
        name: "Kecamatan Uji Beban".to_owned(),
        letterhead: ["Pemerintah Kabupaten Uji Beban", "Kecamatan Uji Beban"].map(str::to_owned).to_vec(),
        code: "BEBAN-KEC".to_owned(),
        signatories: Vec::new(),
        ..office("")
    }
}

fn office(head: &str) -> documents::Office {
    let lines = ["Pemerintah Kabupaten Uji Beban", "Kecamatan Uji Beban", "Desa Uji Beban"];
    documents::Office {
        area: VILLAGE.to_owned(),
        name: "Desa Uji Beban".to_owned(),
        letterhead: lines.map(str::to_owned).to_vec(),
        code: "BEBAN".to_owned(),
        time_zone: "Asia/Jakarta".to_owned(),
        address: "Jalan Raya Uji Beban".to_owned(),
        place: "Uji Beban".to_owned(),
        without_neighbourhoods: true,
        signatories: vec![documents::Signatory {
            account_id: head.to_owned(),
            role: "VILLAGE_HEAD".to_owned(),
            name: "Uji Beban".to_owned(),
            title: "Kepala Desa Uji Beban".to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    }
}
