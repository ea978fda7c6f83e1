//! The offices and people of letters and licences in the demo: a village, its sub-district and two agencies, with everybody
//! whom a letter passes. Places are real codes of the Ministry of Home Affairs; people, numbers and signatures are not.

use std::collections::BTreeSet;

use anyhow::Context as _;
use mpp_proto::documents::v1 as documents;
use mpp_proto::identity::v1 as identity;

use super::accounts::{self, Account, DemoAccounts};
use crate::seeding::Seeding;
use crate::simulator::bsre::{self, Bsre};

/// The village of the demo.
pub const VILLAGE: &str = "17.07.02.2001";
/// Its sub-district.
pub const SUB_DISTRICT: &str = "17.07.02";
/// Where the demo's resident lives: RW 001, RT 002.
pub const HOME: &str = "17.07.02.2001/001/002";
/// The health agency.
pub const HEALTH: &str = "17.07/dinkes";
/// The agency for investment and one-stop services.
pub const ONE_STOP: &str = "17.07/dpmptsp";
/// Where all of them lie.
const REGENCY: &str = "17.07";
/// Drawn for the demo; the arms of no regency.
const ARMS: &[u8] = include_bytes!("../../demo/lambang.svg");

/// Somebody who works on letters.
struct Person {
    username: &'static str,
    role: &'static str,
    area: &'static str,
    name: &'static str,
    /// Whoever signs: title in letters, NIP, synthetic population number.
    signs: Option<(&'static str, &'static str, &'static str)>,
}

const fn person(
    username: &'static str,
    role: &'static str,
    area: &'static str,
    name: &'static str,
) -> Person {
    Person { username, role, area, name, signs: None }
}

const PEOPLE: [Person; 16] = [
    person("rt.002", "rt_head", HOME, "Saiful Anwar"),
    person("rw.001", "rw_head", "17.07.02.2001/001", "Hj. Rohani"),
    person("desa.staf", "village_officer", VILLAGE, "Yuniarti, A.Md."),
    Person {
        signs: Some(("Sekretaris Desa Sukau Kayo", "", "1707021503800002")),
        ..person("desa.sekdes", "village_secretary", VILLAGE, "Irwan Effendi, S.IP.")
    },
    Person {
        signs: Some(("Kepala Desa Sukau Kayo", "", "1707020101750001")),
        ..person("desa.kades", "village_head", VILLAGE, "H. Zulkarnain, S.Pd.")
    },
    person("kecamatan.staf", "sub_district_officer", SUB_DISTRICT, "Dedi Kurniawan, S.E."),
    Person {
        signs: Some(("Camat Lebong Atas", "197805122003121004", "1707021205780003")),
        ..person("camat", "sub_district_head", SUB_DISTRICT, "Drs. Ahmad Fauzi, M.Si.")
    },
    person("dinkes.verifikator", "agency_officer", HEALTH, "dr. Lestari Handayani"),
    // Two steps of a licence are for officers, and nobody takes both.
    person("dinkes.kabid", "agency_officer", HEALTH, "Ns. Ratna Dewi, S.Kep."),
    Person {
        signs: Some(("Kepala Dinas Kesehatan", "197203081999032005", "1707024803720004")),
        ..person("dinkes.kepala", "agency_head", HEALTH, "dr. Nurhayati, M.Kes.")
    },
    person("dpmptsp.verifikator", "agency_officer", ONE_STOP, "Rizky Pratama, S.T."),
    person("dpmptsp.kabid", "agency_officer", ONE_STOP, "Hendra Gunawan, S.H."),
    Person {
        signs: Some(("Kepala DPMPTSP", "196911201994031006", "1707022011690005")),
        ..person("dpmptsp.kepala", "agency_head", ONE_STOP, "Ir. Bambang Hermanto, M.M.")
    },
    person("surat.editor", "letter_editor", "", "Editor Surat"),
    person("surat.penerbit", "letter_editor", "", "Penerbit Surat"),
    person("sistem.perizinan", "integrator", "17.07", "Sistem Perizinan Daerah"),
];

/// What colleagues read.
pub(super) fn display_name(username: &str) -> Option<&'static str> {
    PEOPLE.iter().find(|person| person.username == username).map(|person| person.name)
}

/// Adds those who are not in the file yet: a file of an earlier start keeps everybody it names.
pub(super) fn add_people(file: &mut DemoAccounts) {
    for person in &PEOPLE {
        if file.accounts.iter().any(|account| account.username == person.username) {
            continue;
        }
        file.accounts.push(Account {
            username: person.username.to_owned(),
            password: accounts::password(),
            role: person.role.to_owned(),
            hall: String::new(),
            agency: String::new(),
            counters: Vec::new(),
            area: person.area.to_owned(),
            passphrase: if person.signs.is_some() { accounts::password() } else { String::new() },
        });
    }
}

/// Makes the people and offices of letters alone, without a hall, and answers who they are: what tests need.
///
/// # Errors
/// When the suite refuses.
pub async fn seed(seeding: &mut Seeding<'_>) -> anyhow::Result<DemoAccounts> {
    let file = super::seed::people(seeding, add_people).await?;
    apply_offices(seeding, &file).await?;
    Ok(file)
}

/// Registers everybody who signs at the signing simulator.
pub fn register_signers(simulator: &Bsre, file: &DemoAccounts) {
    for person in &PEOPLE {
        let account = file.accounts.iter().find(|account| account.username == person.username);
        if let (Some((_, _, nik)), Some(account)) = (person.signs, account) {
            simulator.register(bsre::Account {
                nik: nik.to_owned(),
                name: person.name.to_owned(),
                passphrase: account.passphrase.clone(),
                status: "ISSUE".to_owned(),
            });
        }
    }
}

/// Applies the offices that are missing, with their signatories. One that is there stays as somebody may have made it.
pub(super) async fn apply_offices(seeding: &mut Seeding<'_>, file: &DemoAccounts) -> anyhow::Result<()> {
    let known = areas(seeding).await?;
    let missing: Vec<_> = offices().into_iter().filter(|office| !known.contains(&office.area)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let ids = account_ids(seeding, file).await?;
    for mut office in missing {
        office.signatories = PEOPLE
            .iter()
            .filter(|person| person.area == office.area)
            .filter_map(|person| {
                let (title, nip, nik) = person.signs?;
                let (_, id) = ids.iter().find(|(username, _)| username == person.username)?;
                Some(documents::Signatory {
                    account_id: id.clone(),
                    role: person.role.to_uppercase(),
                    name: person.name.to_owned(),
                    title: title.to_owned(),
                    rank: String::new(),
                    nip: nip.to_owned(),
                    nik: nik.to_owned(),
                    on_behalf_of: String::new(),
                    between: String::new(),
                })
            })
            .collect();
        let area = office.area.clone();
        let request = documents::ApplyOfficeRequest { request_id: String::new(), office: Some(office) };
        seeding
            .documents
            .apply_office(request)
            .await
            .with_context(|| format!("cannot apply the office {area}"))?;
    }
    apply_arms(seeding).await
}

/// Gives the regency of the demo a coat of arms, if it has none: its offices inherit it.
async fn apply_arms(seeding: &mut Seeding<'_>) -> anyhow::Result<()> {
    let request = documents::GetCoatOfArmsRequest { area: REGENCY.to_owned() };
    let there = seeding.documents.get_coat_of_arms(request).await.context("cannot read the coat of arms")?;
    if there.into_inner().coat_of_arms.is_some() {
        return Ok(());
    }
    let request = documents::ApplyCoatOfArmsRequest {
        request_id: String::new(),
        area: REGENCY.to_owned(),
        content: ARMS.to_vec(),
    };
    seeding.documents.apply_coat_of_arms(request).await.context("cannot apply the coat of arms")?;
    Ok(())
}

/// The areas that have an office.
async fn areas(seeding: &mut Seeding<'_>) -> anyhow::Result<BTreeSet<String>> {
    let (mut areas, mut page_token) = (BTreeSet::new(), String::new());
    loop {
        let request = documents::ListOfficesRequest { page_size: 200, page_token };
        let page =
            seeding.documents.list_offices(request).await.context("cannot list the offices")?.into_inner();
        areas.extend(page.offices.into_iter().map(|office| office.area));
        if page.next_page_token.is_empty() {
            return Ok(areas);
        }
        page_token = page.next_page_token;
    }
}

/// Usernames with ids.
async fn account_ids(
    seeding: &mut Seeding<'_>,
    file: &DemoAccounts,
) -> anyhow::Result<Vec<(String, String)>> {
    let mut ids = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = identity::ListAccountsRequest { page_size: 200, page_token };
        let page =
            seeding.identity.list_accounts(request).await.context("cannot list the accounts")?.into_inner();
        ids.extend(
            page.accounts
                .into_iter()
                .filter(|account| file.accounts.iter().any(|known| known.username == account.username))
                .map(|account| (account.username, account.id)),
        );
        if page.next_page_token.is_empty() {
            return Ok(ids);
        }
        page_token = page.next_page_token;
    }
}

fn offices() -> [documents::Office; 4] {
    let office = |area: &str, name: &str, letterhead: &[&str], code: &str, address: &str, place: &str| {
        documents::Office {
            area: area.to_owned(),
            name: name.to_owned(),
            letterhead: letterhead.iter().map(|line| (*line).to_owned()).collect(),
            code: code.to_owned(),
            time_zone: "Asia/Jakarta".to_owned(),
            address: address.to_owned(),
            place: place.to_owned(),
            ..documents::Office::default()
        }
    };
    let regency = "Pemerintah Kabupaten Lebong";
    [
        office(
            VILLAGE,
            "Desa Sukau Kayo",
            &[regency, "Kecamatan Lebong Atas", "Desa Sukau Kayo"],
            "DS-SKY",
            "Jalan Raya Sukau Kayo, Kecamatan Lebong Atas, Kabupaten Lebong",
            "Sukau Kayo",
        ),
        office(
            SUB_DISTRICT,
            "Kecamatan Lebong Atas",
            &[regency, "Kecamatan Lebong Atas"],
            "LBA",
            "Jalan Raya Atas Tebing, Kecamatan Lebong Atas, Kabupaten Lebong",
            "Lebong Atas",
        ),
        office(
            HEALTH,
            "Dinas Kesehatan",
            &[regency, "Dinas Kesehatan"],
            "DINKES",
            "Komplek Perkantoran, Tubei, Kabupaten Lebong",
            "Tubei",
        ),
        office(
            ONE_STOP,
            "Dinas Penanaman Modal dan Pelayanan Terpadu Satu Pintu",
            &[regency, "Dinas Penanaman Modal dan Pelayanan Terpadu Satu Pintu"],
            "DPMPTSP",
            "Mal Pelayanan Publik, Tubei, Kabupaten Lebong",
            "Tubei",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_role_and_a_place_and_an_earlier_file_is_completed() {
        let mut file = DemoAccounts {
            base_url: String::new(),
            halls: Vec::new(),
            accounts: Vec::new(),
            devices: Vec::new(),
            open311_api_key: String::new(),
        };
        add_people(&mut file);
        let before = file.clone();
        add_people(&mut file);
        assert_eq!(file, before, "nobody is added twice");
        for account in &file.accounts {
            assert!(
                identity::Role::from_str_name(&format!("ROLE_{}", account.role.to_uppercase())).is_some()
            );
        }
        assert_eq!(mpp_documents::letter::arms::judge(ARMS), Ok(mpp_documents::letter::arms::Format::Svg));
        for office in offices() {
            let signers = PEOPLE.iter().filter(|person| person.area == office.area && person.signs.is_some());
            assert!(signers.count() >= 1, "{} has nobody who signs", office.area);
        }
    }
}
