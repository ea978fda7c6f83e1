//! Fills a suite with the demo: at every start, changing nothing that is there already.
//!
//! `demo-accounts.json` is written before the accounts it names, so that a start which was cut short is completed by
//! the next one with the same passwords. Only digests of passwords and device keys are kept by the suite: a lost file
//! cannot be made again, and [`seed`] says so.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use mpp_proto::identity::v1 as identity;
use mpp_proto::queue::v1 as queue;
use mpp_proto::queue::v1::{Calendar, DayState, Hall};

use super::accounts::{self, Account, DemoAccounts, Device, HallRef};
use super::{complaints, letters};
use crate::seeding::{IdentityClient, QueueClient, Seeding};

/// Kiosks of a demo hall.
const KIOSKS: usize = 2;

/// Agencies that get a supervisor: those with the most counters.
const SUPERVISED: usize = 2;

/// Applies the demo hall, makes accounts and devices, opens the day, and answers what was written to
/// `demo-accounts.json`. Run again, it keeps everything and refreshes the base URL.
///
/// # Errors
/// When the suite refuses or the file cannot be used; the sentence names the remedy.
pub async fn seed(seeding: Seeding<'_>) -> anyhow::Result<DemoAccounts> {
    seed_hall(seeding, super::hall()?).await
}

/// The same with a hall of the caller's. The day is opened only in a demo calendar: a real date is the manager's.
///
/// # Errors
/// As [`seed`].
pub async fn seed_hall(mut seeding: Seeding<'_>, wanted: Hall) -> anyhow::Result<DemoAccounts> {
    let hall = known_or_applied(&mut seeding.queue, wanted).await?;
    let path = accounts::path_in(seeding.data);
    let known = usernames(&mut seeding.identity).await?;
    let before = DemoAccounts::read(&path)?;
    let mut file = match &before {
        Some(file) => {
            DemoAccounts { base_url: seeding.base_url.to_owned(), ..belonging(file, &hall, &path)?.clone() }
        }
        None => fresh(&hall, seeding.base_url, &known, &path)?,
    };
    letters::add_people(&mut file);
    complaints::add_people(&mut file);
    file.open311_api_key = accounts::open311_key(seeding.data)?;
    if before.as_ref() != Some(&file) {
        file.write(&path)?;
    }
    for account in file.accounts.iter().filter(|account| !known.contains_key(&account.username)) {
        create(&mut seeding.identity, account, &hall).await?;
    }
    enrol_missing(&mut seeding.identity, &mut file, &hall, &path).await?;
    letters::apply_offices(&mut seeding, &file).await?;
    complaints::apply(&mut seeding).await?;
    complaints::enter_papers(&mut seeding).await?;
    open_day(&mut seeding.queue, &hall).await?;
    Ok(file)
}

async fn known_or_applied(queue: &mut QueueClient, wanted: Hall) -> anyhow::Result<Hall> {
    let mut page_token = String::new();
    loop {
        let page = queue
            .list_halls(queue::ListHallsRequest { page_size: 200, page_token })
            .await
            .context("cannot list the halls")?
            .into_inner();
        if let Some(found) = page.halls.into_iter().find(|hall| hall.code == wanted.code) {
            let answer = queue
                .get_hall(queue::GetHallRequest { hall: found.id })
                .await
                .context("cannot read the demo hall")?;
            return answer.into_inner().hall.context("the suite answered no hall");
        }
        if page.next_page_token.is_empty() {
            break;
        }
        page_token = page.next_page_token;
    }
    let request = queue::ApplyHallRequest { request_id: String::new(), hall: Some(wanted) };
    let answer = queue.apply_hall(request).await.context("cannot apply the demo hall")?;
    answer.into_inner().hall.context("the suite answered no hall")
}

/// Every username with whether it is disabled.
async fn usernames(identity: &mut IdentityClient) -> anyhow::Result<BTreeMap<String, bool>> {
    let mut names = BTreeMap::new();
    let mut page_token = String::new();
    loop {
        let page = identity
            .list_accounts(identity::ListAccountsRequest { page_size: 200, page_token })
            .await
            .context("cannot list the accounts")?
            .into_inner();
        names.extend(page.accounts.into_iter().map(|account| (account.username, account.disabled)));
        if page.next_page_token.is_empty() {
            return Ok(names);
        }
        page_token = page.next_page_token;
    }
}

fn belonging<'f>(file: &'f DemoAccounts, hall: &Hall, path: &Path) -> anyhow::Result<&'f DemoAccounts> {
    if file.halls.iter().any(|known| known.id == hall.id) {
        return Ok(file);
    }
    bail!(
        "{} belongs to another installation (it does not name hall {}): move the file away, or start with the data \
         directory it came from",
        path.display(),
        hall.id
    )
}

fn fresh(
    hall: &Hall,
    base_url: &str,
    known: &BTreeMap<String, bool>,
    path: &Path,
) -> anyhow::Result<DemoAccounts> {
    let file = planned(hall, base_url);
    if file.accounts.iter().any(|account| known.contains_key(&account.username)) {
        bail!(
            "{} is missing but the demo accounts exist and their passwords cannot be read back: put the file back, \
             start with an empty data directory (--data), or start without the demo (--no-demo)",
            path.display()
        );
    }
    Ok(file)
}

/// The people of a hall: one account per counter, and one for each other role.
fn planned(hall: &Hall, base_url: &str) -> DemoAccounts {
    let account =
        |username: String, role: &str, hall_id: &str, agency: &str, counters: Vec<String>| Account {
            username,
            password: accounts::password(),
            role: role.to_owned(),
            hall: hall_id.to_owned(),
            agency: agency.to_owned(),
            counters,
            area: String::new(),
            passphrase: String::new(),
        };
    let mut all = vec![
        account("admin".into(), "admin", "", "", Vec::new()),
        account("manajer".into(), "hall_manager", &hall.id, "", Vec::new()),
    ];
    let mut by_size: Vec<&queue::Agency> = hall.agencies.iter().collect();
    let counters_of = |agency: &queue::Agency| {
        hall.counters.iter().filter(|counter| counter.agency_code == agency.code).count()
    };
    by_size.sort_by_key(|agency| std::cmp::Reverse(counters_of(agency)));
    for agency in by_size.into_iter().take(SUPERVISED) {
        let username = format!("{}.supervisor", agency.code.to_lowercase());
        all.push(account(username, "agency_supervisor", &hall.id, &agency.id, Vec::new()));
    }
    for (username, role) in [("resepsi", "reception"), ("analis", "analyst"), ("auditor", "auditor")] {
        all.push(account(username.into(), role, &hall.id, "", Vec::new()));
    }
    for agency in &hall.agencies {
        let counters = hall.counters.iter().filter(|counter| counter.agency_code == agency.code);
        for (nth, counter) in counters.enumerate() {
            let username = format!("{}.{}", agency.code.to_lowercase(), nth + 1);
            all.push(account(username, "counter", &hall.id, &agency.id, vec![counter.id.clone()]));
        }
    }
    DemoAccounts {
        base_url: base_url.to_owned(),
        halls: vec![HallRef { id: hall.id.clone(), code: hall.code.clone() }],
        accounts: all,
        devices: Vec::new(),
        open311_api_key: String::new(),
    }
}

/// Makes these people alone, without a hall, and answers who they are.
pub(super) async fn people(
    seeding: &mut Seeding<'_>,
    add: impl Fn(&mut DemoAccounts),
) -> anyhow::Result<DemoAccounts> {
    let mut file = DemoAccounts {
        base_url: seeding.base_url.to_owned(),
        halls: Vec::new(),
        accounts: Vec::new(),
        devices: Vec::new(),
        open311_api_key: String::new(),
    };
    add(&mut file);
    for account in &file.accounts {
        create(&mut seeding.identity, account, &Hall::default()).await?;
    }
    Ok(file)
}

pub(super) async fn create(
    identity: &mut IdentityClient,
    account: &Account,
    hall: &Hall,
) -> anyhow::Result<()> {
    let role = identity::Role::from_str_name(&format!("ROLE_{}", account.role.to_uppercase()))
        .with_context(|| format!("{} has the unknown role {}", account.username, account.role))?;
    let request = identity::CreateAccountRequest {
        request_id: format!("demo-account-{}", account.username),
        username: account.username.clone(),
        display_name: display_name(account, hall),
        password: account.password.clone(),
        grants: vec![identity::Grant {
            role: role.into(),
            hall_id: account.hall.clone(),
            agency_id: account.agency.clone(),
            counter_ids: account.counters.clone(),
            area: account.area.clone(),
            valid_from: None,
            valid_to: None,
        }],
    };
    identity
        .create_account(request)
        .await
        .with_context(|| format!("cannot create the account {}", account.username))?;
    Ok(())
}

/// What colleagues read; nobody's real name.
fn display_name(account: &Account, hall: &Hall) -> String {
    let agency = hall.agencies.iter().find(|agency| agency.id == account.agency);
    let counter = hall.counters.iter().find(|counter| account.counters.contains(&counter.id));
    match (account.role.as_str(), counter, agency) {
        ("counter", Some(counter), _) => format!("Petugas Loket {}", counter.number),
        ("agency_supervisor", _, Some(agency)) => format!("Supervisor {}", agency.code),
        ("admin", _, _) => "Administrator".to_owned(),
        ("hall_manager", _, _) => "Manajer MPP".to_owned(),
        ("reception", _, _) => "Petugas Resepsionis".to_owned(),
        ("analyst", _, _) => "Analis Data".to_owned(),
        ("auditor", _, _) => "Auditor".to_owned(),
        _ => letters::display_name(&account.username)
            .or_else(|| complaints::display_name(&account.username))
            .unwrap_or(&account.username)
            .to_owned(),
    }
}

/// Enrols what the file does not name yet, writing each key down before the next is asked for.
async fn enrol_missing(
    identity: &mut IdentityClient,
    file: &mut DemoAccounts,
    hall: &Hall,
    path: &Path,
) -> anyhow::Result<()> {
    for (kind, label) in wanted_devices(hall, &file.devices) {
        let (name, device_kind) = match kind {
            Kind::Kiosk => ("kiosk", identity::DeviceKind::Kiosk),
            Kind::Board => ("board", identity::DeviceKind::Board),
        };
        let request = identity::EnrolDeviceRequest {
            request_id: String::new(),
            kind: device_kind.into(),
            hall_id: hall.id.clone(),
            label: label.clone(),
        };
        let answer = identity
            .enrol_device(request)
            .await
            .with_context(|| format!("cannot enrol the device {label}"))?;
        let key = answer.into_inner().device_key;
        file.devices.push(Device { kind: name.to_owned(), hall: hall.id.clone(), key });
        file.write(path)?;
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Kiosk,
    Board,
}

/// Devices of the demo that are not among `known`: kiosks at the doors, one board per zone, one for the hall.
fn wanted_devices(hall: &Hall, known: &[Device]) -> Vec<(Kind, String)> {
    let count =
        |kind: &str| known.iter().filter(|device| device.kind == kind && device.hall == hall.id).count();
    let kiosks = (1..=KIOSKS).map(|nth| (Kind::Kiosk, format!("Kiosk pintu {nth}"))).skip(count("kiosk"));
    let zones = hall.zones.iter().map(|zone| (Kind::Board, format!("Papan zona {}", zone.code)));
    let boards = zones.chain([(Kind::Board, "Papan utama".to_owned())]).skip(count("board"));
    kiosks.chain(boards).collect()
}

async fn open_day(queue: &mut QueueClient, hall: &Hall) -> anyhow::Result<()> {
    let open = hall.day.as_ref().is_some_and(|day| day.state() == DayState::Open);
    if hall.calendar() == Calendar::Demo && !open {
        let request = queue::OpenDayRequest { request_id: String::new(), hall: hall.id.clone() };
        queue.open_day(request).await.context("cannot open the day of the demo hall")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The demo hall as the suite would answer it, with ids.
    fn hall() -> Hall {
        let mut hall = crate::demo::hall().unwrap();
        hall.id = "hal_demo".into();
        for agency in &mut hall.agencies {
            agency.id = format!("agc_{}", agency.code);
        }
        for counter in &mut hall.counters {
            counter.id = format!("ctr_{}", counter.number);
        }
        hall
    }

    #[test]
    fn the_people_of_the_hall() {
        let file = planned(&hall(), "http://localhost:8080");
        let count = |role: &str| file.accounts.iter().filter(|account| account.role == role).count();
        assert_eq!((count("admin"), count("hall_manager"), count("agency_supervisor")), (1, 1, 2));
        assert_eq!((count("reception"), count("analyst"), count("auditor")), (1, 1, 1));
        assert!(count("counter") >= 20);
        let agencies: BTreeSet<&str> = file
            .accounts
            .iter()
            .filter(|account| account.role == "counter")
            .map(|account| account.agency.as_str())
            .collect();
        assert!(agencies.len() >= 4);
        let names: BTreeSet<&str> = file.accounts.iter().map(|account| account.username.as_str()).collect();
        assert_eq!(names.len(), file.accounts.len());
        assert!(
            names.contains("dukcapil.1") && names.contains("dukcapil.supervisor") && names.contains("admin")
        );
        for account in &file.accounts {
            assert!(
                identity::Role::from_str_name(&format!("ROLE_{}", account.role.to_uppercase())).is_some()
            );
            assert!(account.role != "counter" || account.counters.len() == 1);
        }
    }

    #[test]
    fn only_missing_devices_are_enrolled() {
        let hall = hall();
        assert_eq!(wanted_devices(&hall, &[]).len(), KIOSKS + hall.zones.len() + 1);
        let kiosk = Device { kind: "kiosk".into(), hall: hall.id.clone(), key: "k".into() };
        let left = wanted_devices(&hall, &[kiosk.clone(), kiosk]);
        assert!(left.iter().all(|(kind, _)| *kind == Kind::Board));
        assert_eq!(left.len(), hall.zones.len() + 1);
    }

    #[test]
    fn a_lost_or_foreign_file_is_named_with_the_remedy() {
        let hall = hall();
        let path = Path::new("data/demo-accounts.json");
        let known = BTreeMap::from([("dukcapil.1".to_owned(), false)]);
        let lost = fresh(&hall, "http://localhost:8080", &known, path).unwrap_err().to_string();
        assert!(lost.contains("data/demo-accounts.json") && lost.contains("--data"), "{lost}");
        let mut foreign = planned(&hall, "http://localhost:8080");
        assert!(belonging(&foreign, &hall, path).is_ok());
        foreign.halls[0].id = "hal_other".into();
        assert!(belonging(&foreign, &hall, path).unwrap_err().to_string().contains("move the file away"));
    }
}
