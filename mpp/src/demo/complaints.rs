//! The agencies, categories and people of complaints in the demo. Places are real codes of the Ministry of Home Affairs;
//! people are not.

use std::collections::HashMap;

use anyhow::Context as _;
use chrono::Datelike as _;
use mpp_proto::complaints::v1 as complaints;
use mpp_proto::identity::v1 as identity;

use super::accounts::{self, Account, DemoAccounts};
use crate::seeding::Seeding;

/// The regency of the demo.
pub const REGENCY: &str = "17.07";
/// Where cases stand that no agency has yet.
const COORDINATOR: &str = "coordinator";

/// Somebody who works on complaints: username, role, area, name.
const PEOPLE: [(&str, &str, &str, &str); 11] = [
    ("aduan.meja", "complaint_desk", REGENCY, "Petugas Meja Pengaduan"),
    ("aduan.koordinator", "complaint_coordinator", REGENCY, "Koordinator Pengaduan"),
    ("dinkes.aduan", "complaint_admin", "17.07/dinkes", "Admin Pengaduan Dinas Kesehatan"),
    ("dpmptsp.aduan", "complaint_admin", "17.07/dpmptsp", "Admin Pengaduan DPMPTSP"),
    ("dukcapil.aduan", "complaint_admin", "17.07/dukcapil", "Admin Pengaduan Disdukcapil"),
    ("pupr.aduan", "complaint_admin", "17.07/pupr", "Admin Pengaduan Dinas PUPR"),
    ("pupr.kepala", "agency_head", "17.07/pupr", "Kepala Dinas PUPR"),
    ("sekda", "regional_secretary", REGENCY, "Sekretaris Daerah"),
    ("bupati", "regional_head", REGENCY, "Bupati"),
    ("inspektorat.aduan", "inspector", "17.07/inspektorat", "Auditor Inspektorat"),
    ("inspektur", "inspector", "17.07/inspektorat", "Inspektur Daerah"),
];

/// Agencies: area, name, whether it is the inspectorate.
const AGENCIES: [(&str, &str, bool); 5] = [
    ("17.07/dinkes", "Dinas Kesehatan", false),
    ("17.07/dpmptsp", "Dinas Penanaman Modal dan Pelayanan Terpadu Satu Pintu", false),
    ("17.07/dukcapil", "Dinas Kependudukan dan Pencatatan Sipil", false),
    ("17.07/pupr", "Dinas Pekerjaan Umum dan Penataan Ruang", false),
    ("17.07/inspektorat", "Inspektorat Daerah", true),
];

/// Offices of the ladder: rung, agency, title, who holds it.
const OFFICIALS: [(&str, &str, &str, &str); 11] = [
    ("ADMIN", COORDINATOR, "Koordinator Pengaduan Kabupaten", "aduan.koordinator"),
    ("ADMIN", "17.07/dinkes", "Admin Pengaduan Dinas Kesehatan", "dinkes.aduan"),
    ("AGENCY_HEAD", "17.07/dinkes", "Kepala Dinas Kesehatan", "dinkes.kepala"),
    ("ADMIN", "17.07/dpmptsp", "Admin Pengaduan DPMPTSP", "dpmptsp.aduan"),
    ("AGENCY_HEAD", "17.07/dpmptsp", "Kepala DPMPTSP", "dpmptsp.kepala"),
    ("ADMIN", "17.07/dukcapil", "Admin Pengaduan Disdukcapil", "dukcapil.aduan"),
    ("ADMIN", "17.07/pupr", "Admin Pengaduan Dinas PUPR", "pupr.aduan"),
    ("AGENCY_HEAD", "17.07/pupr", "Kepala Dinas PUPR", "pupr.kepala"),
    ("SECRETARY", "", "Sekretaris Daerah", "sekda"),
    ("REGENT", "", "Bupati", "bupati"),
    ("INSPECTORATE", "", "Inspektur Daerah", "inspektur"),
];

/// Categories: key, parent, name, agency, keywords, metres of a duplicate.
const CATEGORIES: [(&str, &str, &str, &str, &str, u32); 12] = [
    ("UMUM", "", "Lain-lain", "", "lain, umum", 50),
    ("INFRASTRUKTUR", "", "Infrastruktur", "17.07/pupr", "jalan, jembatan, drainase", 100),
    ("JALAN", "INFRASTRUKTUR", "Jalan rusak", "17.07/pupr", "jalan, lubang, aspal", 100),
    ("DRAINASE", "INFRASTRUKTUR", "Drainase dan banjir", "17.07/pupr", "selokan, banjir, gorong-gorong", 150),
    ("LAMPU", "INFRASTRUKTUR", "Lampu jalan mati", "17.07/pupr", "lampu, penerangan, gelap", 60),
    ("KESEHATAN", "", "Kesehatan", "17.07/dinkes", "puskesmas, obat, dokter", 50),
    ("PUSKESMAS", "KESEHATAN", "Layanan puskesmas", "17.07/dinkes", "antrean, dokter, obat", 50),
    ("KEPENDUDUKAN", "", "Kependudukan", "17.07/dukcapil", "ktp, kk, akta", 10),
    ("KTP", "KEPENDUDUKAN", "KTP dan KK", "17.07/dukcapil", "ktp, kartu keluarga", 10),
    ("PERIZINAN", "", "Perizinan", "17.07/dpmptsp", "izin, oss, nib", 10),
    ("MPP", "PERIZINAN", "Layanan Mal Pelayanan Publik", "17.07/dpmptsp", "mpp, loket, antrean", 10),
    ("APARATUR", "", "Perilaku aparatur", "", "pungli, suap, disiplin", 10),
];

/// Papers for the Ombudsman: kind, beginning of the number, title, file.
const PAPERS: [(complaints::EvidenceKind, &str, &str, &[u8]); 2] = [
    (
        complaints::EvidenceKind::TeamDecree,
        "188/1/",
        "Tim pengelola pengaduan kabupaten",
        include_bytes!("../../demo/sk-tim.pdf"),
    ),
    (
        complaints::EvidenceKind::Procedure,
        "SOP/1/",
        "Pengelolaan pengaduan masyarakat",
        include_bytes!("../../demo/sop.pdf"),
    ),
];

/// What colleagues read.
pub(super) fn display_name(username: &str) -> Option<&'static str> {
    PEOPLE.iter().find(|person| person.0 == username).map(|person| person.3)
}

/// Adds those who are not in the file yet: a file of an earlier start keeps everybody it names.
pub(super) fn add_people(file: &mut DemoAccounts) {
    for (username, role, area, _) in PEOPLE {
        if file.accounts.iter().any(|account| account.username == username) {
            continue;
        }
        file.accounts.push(Account {
            username: username.to_owned(),
            password: accounts::password(),
            role: role.to_owned(),
            hall: String::new(),
            agency: String::new(),
            counters: Vec::new(),
            area: area.to_owned(),
            passphrase: String::new(),
        });
    }
}

/// Makes the people, agencies, categories and ladder of complaints alone, without a hall, and answers who they are: what
/// tests need. Heads of agencies that work on letters too hold their offices if [`super::letters::seed`] came first.
///
/// # Errors
/// When the suite refuses.
pub async fn seed(seeding: &mut Seeding<'_>) -> anyhow::Result<DemoAccounts> {
    let file = super::seed::people(seeding, add_people).await?;
    apply(seeding).await?;
    Ok(file)
}

/// Applies agencies, categories and the ladder; applying them again changes nothing.
pub(super) async fn apply(seeding: &mut Seeding<'_>) -> anyhow::Result<()> {
    let ids = account_ids(seeding).await?;
    for (id, name, inspectorate) in AGENCIES {
        let agency = complaints::Agency {
            id: id.to_owned(),
            name: name.to_owned(),
            calendar_id: REGENCY.to_owned(),
            inspectorate,
            active: true,
            bounce_limit: 2,
        };
        let request = complaints::ApplyAgencyRequest { request_id: String::new(), agency: Some(agency) };
        seeding.complaints.apply_agency(request).await.with_context(|| format!("cannot apply {id}"))?;
    }
    for (key, parent, name, agency, keywords, metres) in CATEGORIES {
        let category = complaints::Category {
            key: key.to_owned(),
            parent: parent.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            keywords: keywords.split(", ").map(ToOwned::to_owned).collect(),
            agency_id: agency.to_owned(),
            deadline_kind: "GENERAL".to_owned(),
            questions: Vec::new(),
            duplicate_metres: metres,
            active: true,
            emergency_advice: String::new(),
        };
        let request =
            complaints::ApplyCategoryRequest { request_id: String::new(), category: Some(category) };
        seeding.complaints.apply_category(request).await.with_context(|| format!("cannot apply {key}"))?;
    }
    for (rung, agency, title, username) in OFFICIALS {
        let official = complaints::Official {
            rung: rung.to_owned(),
            agency_id: agency.to_owned(),
            title: title.to_owned(),
            account_id: ids.get(username).cloned().unwrap_or_default(),
            ..complaints::Official::default()
        };
        let request =
            complaints::ApplyOfficialRequest { request_id: String::new(), official: Some(official) };
        seeding.complaints.apply_official(request).await.with_context(|| format!("cannot apply {title}"))?;
    }
    Ok(())
}

/// A decree of the team that names who holds every office, and a procedure, both valid since last year and to the end of the
/// next: what the Ombudsman asks for first. Where papers are kept already, nothing is entered.
///
/// # Errors
/// When the suite refuses.
pub(super) async fn enter_papers(seeding: &mut Seeding<'_>) -> anyhow::Result<()> {
    let list = complaints::ListEvidenceDocumentsRequest {
        withdrawn: true,
        page_size: 1,
        ..complaints::ListEvidenceDocumentsRequest::default()
    };
    let kept = seeding.complaints.list_evidence_documents(list).await.context("cannot list the papers")?;
    if !kept.into_inner().documents.is_empty() {
        return Ok(());
    }
    let officials = seeding
        .complaints
        .list_officials(complaints::ListOfficialsRequest::default())
        .await
        .context("cannot list the offices")?
        .into_inner()
        .officials;
    let year = seeding.clock.now().year();
    let since = format!("{}-01-01", year - 1);
    for (kind, number, title, content) in PAPERS {
        let upload =
            complaints::UploadComplaintFileRequest { request_id: String::new(), content: content.to_vec() };
        let file = seeding.complaints.upload_complaint_file(upload).await.context("cannot store a paper")?;
        let named = officials.iter().filter(|_| kind == complaints::EvidenceKind::TeamDecree);
        let held = named.filter(|it| !it.account_id.is_empty());
        let paper = complaints::CreateEvidenceDocumentRequest {
            kind: kind.into(),
            title: title.to_owned(),
            number: format!("{number}{}", year - 1),
            date: since.clone(),
            valid_from: since.clone(),
            valid_to: format!("{}-12-31", year + 1),
            members: held
                .map(|it| complaints::DecreeMember {
                    official_id: it.id.clone(),
                    ..complaints::DecreeMember::default()
                })
                .collect(),
            file_id: file.into_inner().file.unwrap_or_default().file_id,
            ..complaints::CreateEvidenceDocumentRequest::default()
        };
        seeding
            .complaints
            .create_evidence_document(paper)
            .await
            .with_context(|| format!("cannot enter {title}"))?;
    }
    Ok(())
}

/// Ids by username.
async fn account_ids(seeding: &mut Seeding<'_>) -> anyhow::Result<HashMap<String, String>> {
    let mut ids = HashMap::new();
    let mut page_token = String::new();
    loop {
        let request = identity::ListAccountsRequest { page_size: 200, page_token };
        let page =
            seeding.identity.list_accounts(request).await.context("cannot list the accounts")?.into_inner();
        ids.extend(page.accounts.into_iter().map(|account| (account.username, account.id)));
        if page.next_page_token.is_empty() {
            return Ok(ids);
        }
        page_token = page.next_page_token;
    }
}
