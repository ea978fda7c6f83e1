//! `ApplyOffice`: an office, new or in place of the one with the same area.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::Problem;
use mpp_proto::documents::v1::{self as proto, ApplyOfficeRequest, ApplyOfficeResponse};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::json;
use tonic::Response;

use super::access::Areas;
use super::case::Loaded;
use super::{Core, convert, record};
use crate::domain::OfficeId;
use crate::domain::calendar::{Period, Plan, SpecialHours, TimeZone, WorkCalendar};
use crate::domain::field;
use crate::domain::number::SeriesPolicy;
use crate::domain::office::{MAX_SIGNERS, NumbersBefore, Office, OfficeArea, Signer};
use crate::domain::text::is_deceptive;
use crate::error::Error;
use crate::store;

const METHOD: &str = "mpp.documents.v1.DocumentsService/ApplyOffice";
/// Periods of a week.
const MOST_PERIODS: usize = 50;
/// Some years of them.
const MOST_FREE_DAYS: usize = 400;
const MOST_SPECIAL: usize = 20;
/// Registers on paper: as many as types, for some years.
const MOST_REGISTERS: usize = 200;
/// More than an office gives in a year.
const MOST_NUMBERS: i32 = 999_999;
/// Applications that are counted again at a time.
const RECOUNTED: u64 = 200;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ApplyOfficeRequest,
) -> Result<Response<ApplyOfficeResponse>, Error> {
    let given = request.office.clone().unwrap_or_default();
    let office = parse(&given)?;
    if !Areas::of(caller, "documents.office").reach(office.area.as_str()) {
        return Err(Problem::denied().into());
    }
    let request = &request;
    let answer: ApplyOfficeResponse = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let before = store::office::of_area(&*tx, &core.cipher, &office.area).await?;
            let mut office = office;
            let standing = before.as_ref().map(|it| it.numbers_before.as_slice()).unwrap_or_default();
            core.check_registers(&*tx, &office.numbers_before, standing).await?;
            if let Some(before) = before {
                office.id = before.id;
                keep_numbers(&mut office, &before);
                office.numbers_before = merged(before.numbers_before, office.numbers_before);
            }
            store::office::save(&*tx, &core.cipher, &office, now).await?;
            core.recount(&tx, office.id).await?;
            let id = office.id.to_string();
            let who = (caller.id.as_str(), "office.applied", id.as_str());
            let detail = json!({
                "area": office.area.as_str(),
                "signers": office.signers.len(),
                "numbersBefore": office.numbers_before,
            });
            record(&tx, who, (None, None), detail, &request.request_id, now).await?;
            let arms = store::arms::of(&*tx, office.area.as_str()).await?;
            let told = proto::Office {
                coat_of_arms: arms.as_ref().map(convert::coat_of_arms),
                ..convert::office(&office)
            };
            Ok(ApplyOfficeResponse { office: Some(told) })
        })
        .await?;
    Ok(Response::new(answer))
}

impl Core {
    /// Refuses a register under a series by which no type in force counts: no number would go on behind it. One that stands as it
    /// is given is let be, though its type has ended since: who changes an office gives back all of it.
    async fn check_registers(
        &self,
        db: &impl ConnectionTrait,
        given: &[NumbersBefore],
        standing: &[NumbersBefore],
    ) -> Result<(), Error> {
        if given.iter().all(|it| standing.contains(it)) {
            return Ok(());
        }
        let (mut counted, mut unread) = (BTreeSet::new(), None);
        for (key, version) in store::letter_type::in_force(db).await? {
            match self.types.version(db, &key, version).await {
                Ok(letter) => {
                    counted.insert(letter.numbering.series.series(&letter.key));
                }
                Err(error @ Error::LaterRelease { .. }) => unread = Some(error),
                Err(error) => return Err(error),
            }
        }
        let unknown: Vec<usize> = (0..)
            .zip(given)
            .filter(|(_, it)| !counted.contains(&it.series) && !standing.contains(it))
            .map(|(at, _)| at)
            .collect();
        // A type that cannot be read here may be the one that counts by it.
        if let Some(error) = unread.filter(|_| !unknown.is_empty()) {
            return Err(error);
        }
        let counted = counted.into_iter().collect::<Vec<String>>().join(", ");
        let mut checker = Checker::new();
        for at in unknown {
            checker.violation(
                format!("office.numbers_before[{at}].series"),
                "UNKNOWN_SERIES",
                format!("isi register yang dipakai jenis surat yang berlaku: {counted}"),
                format!("give a series by which a type in force counts: {counted}"),
            );
        }
        Ok(checker.finish()?)
    }

    /// Counts again when what an office works on is due, and when the law grants it: its working time may be another.
    async fn recount(&self, tx: &DatabaseTransaction, office: OfficeId) -> Result<(), Error> {
        let mut after = None;
        loop {
            let ids = store::application::open_of(tx, office, after, RECOUNTED).await?;
            for id in &ids {
                let loaded = self.application(tx, *id).await?;
                self.requeue(tx, &loaded).await?;
            }
            match ids.last() {
                Some(last) if ids.len() as u64 == RECOUNTED => after = Some(*last),
                Some(_) | None => return Ok(()),
            }
        }
    }

    /// Writes anew when an application is due and when the law grants it, by the calendars of now.
    pub(crate) async fn requeue(&self, tx: &DatabaseTransaction, loaded: &Loaded) -> Result<(), Error> {
        let waiting = loaded.waiting();
        let queues = (waiting.as_ref(), loaded.deemed_at());
        Ok(store::application::requeue(tx, &loaded.record, queues).await?)
    }
}

/// A population number is written and never read back; who leaves it out keeps the one that is there.
fn keep_numbers(office: &mut Office, before: &Office) {
    for signer in office.signers.iter_mut().filter(|signer| signer.nik.is_none()) {
        signer.nik = before.signer(&signer.account, signer.role).and_then(|before| before.nik.clone());
    }
}

/// The registers that stand, each with what is given for its series and year in its place: who names one loses no other.
fn merged(mut standing: Vec<NumbersBefore>, given: Vec<NumbersBefore>) -> Vec<NumbersBefore> {
    for register in given {
        let same = standing.iter().position(|it| it.series == register.series && it.year == register.year);
        match same.and_then(|at| standing.get_mut(at)) {
            Some(place) => *place = register,
            None => standing.push(register),
        }
    }
    standing
}

fn parse(given: &proto::Office) -> Result<Office, Error> {
    let mut checker = Checker::new();
    let area: Option<OfficeArea> = given.area.parse().ok();
    if area.is_none() {
        checker.violation(
            "office.area",
            "INVALID_AREA",
            "isi dengan kode desa (17.07.05.2003), kecamatan (17.07.05), atau OPD (17.07/dinkes)",
            "give the code of a village (17.07.05.2003), a sub-district (17.07.05) or an agency (17.07/dinkes)",
        );
    }
    let zone = convert::time_zone(&given.time_zone);
    if zone.is_none() {
        checker.violation(
            "office.time_zone",
            "INVALID_TIME_ZONE",
            "isi Asia/Jakarta, Asia/Makassar, atau Asia/Jayapura",
            "give Asia/Jakarta, Asia/Makassar or Asia/Jayapura",
        );
    }
    let name = printed(&mut checker, "office.name", &given.name, 3, 120);
    let code = printed(&mut checker, "office.code", &given.code, 1, 20);
    let address = printed(&mut checker, "office.address", &given.address, 3, 200);
    let place = printed(&mut checker, "office.place", &given.place, 2, 80);
    if given.letterhead.is_empty() || given.letterhead.len() > 5 {
        checker.violation("office.letterhead", "INVALID_LENGTH", "isi 1 sampai 5 baris", "give 1 to 5 lines");
    }
    let letterhead = (0..)
        .zip(&given.letterhead)
        .map(|(at, line): (usize, _)| {
            printed(&mut checker, &format!("office.letterhead[{at}]"), line, 2, 100)
        })
        .collect();
    if given.signatories.len() > MAX_SIGNERS {
        checker.violation(
            "office.signatories",
            "TOO_MANY",
            format!("sebutkan paling banyak {MAX_SIGNERS} penanda tangan"),
            format!("name at most {MAX_SIGNERS} signatories"),
        );
    }
    let signers = (0..)
        .zip(&given.signatories)
        .filter_map(|(at, it): (usize, _)| signer(at, it, &mut checker))
        .collect();
    let own_calendar =
        !(given.working_periods.is_empty() && given.free_days.is_empty() && given.special_hours.is_empty());
    let calendar = zone.and_then(|zone| calendar(zone, given, &mut checker));
    let numbers_before = numbers_before(&given.numbers_before, &mut checker);
    checker.finish()?;
    let (Some(area), Some(calendar)) = (area, calendar) else {
        return Err(anyhow::anyhow!("the checker let an empty field pass").into());
    };
    let office = Office {
        id: OfficeId::generate(),
        area,
        name,
        letterhead,
        code,
        address,
        place,
        signers,
        without_neighbourhoods: given.without_neighbourhoods,
        calendar,
        own_calendar,
        numbers_before,
    };
    named(&office)?;
    Ok(office)
}

/// That the letterhead names what letters of the office name: told to who keeps its data, not to who applies for a letter.
fn named(office: &Office) -> Result<(), Error> {
    let mut checker = Checker::new();
    if office.is_in_regency() && office.regency().is_none() {
        checker.violation(
            "office.letterhead",
            "NO_REGENCY",
            "sebut kabupaten atau kota dalam salah satu baris kop, misalnya Pemerintah Kabupaten …",
            "name the regency or city in one of the lines, such as Pemerintah Kabupaten …",
        );
    }
    Ok(checker.finish()?)
}

/// The working time of an office: what it gives, on top of the usual week where it gives none.
fn calendar(zone: TimeZone, given: &proto::Office, checker: &mut Checker) -> Option<WorkCalendar> {
    for (field, count, most) in [
        ("office.working_periods", given.working_periods.len(), MOST_PERIODS),
        ("office.free_days", given.free_days.len(), MOST_FREE_DAYS),
        ("office.special_hours", given.special_hours.len(), MOST_SPECIAL),
    ] {
        if count > most {
            checker.violation(
                field,
                "TOO_MANY",
                format!("sebutkan paling banyak {most}"),
                format!("name at most {most}"),
            );
            return None;
        }
    }
    let mut holidays = BTreeMap::new();
    for (at, free) in given.free_days.iter().enumerate() {
        let name = checker.text(&format!("office.free_days[{at}].name"), &free.name, 1, 100);
        if let Some(date) = date(&format!("office.free_days[{at}].date"), &free.date, checker) {
            holidays.insert(date, name);
        }
    }
    let mut special = Vec::new();
    for (at, hours) in given.special_hours.iter().enumerate() {
        let field = |name: &str| format!("office.special_hours[{at}].{name}");
        let name = checker.text(&field("name"), &hours.name, 1, 100);
        let week = week(&field("periods"), &hours.periods, checker);
        let (from, to) = (date(&field("from"), &hours.from, checker), date(&field("to"), &hours.to, checker));
        if let (Some(from), Some(to)) = (from, to) {
            special.push(SpecialHours { from, to, name, week });
        }
    }
    let week = match given.working_periods.as_slice() {
        [] => Plan::from(WorkCalendar::five_days(zone)).week,
        periods => week("office.working_periods", periods, checker),
    };
    match WorkCalendar::try_from(Plan { zone, week, holidays, special }) {
        Ok(calendar) => Some(calendar),
        Err(error) => {
            checker.violation(
                "office.working_periods",
                "INVALID_CALENDAR",
                "perbaiki jam kerja: setiap hari berurutan tanpa tumpang tindih, dan sedikitnya satu hari kerja",
                format!("correct the working time: {error}"),
            );
            None
        }
    }
}

/// Where the registers on paper ended.
fn numbers_before(given: &[proto::NumbersBefore], checker: &mut Checker) -> Vec<NumbersBefore> {
    if given.len() > MOST_REGISTERS {
        checker.violation(
            "office.numbers_before",
            "TOO_MANY",
            format!("sebutkan paling banyak {MOST_REGISTERS}"),
            format!("name at most {MOST_REGISTERS}"),
        );
        return Vec::new();
    }
    let mut found: Vec<NumbersBefore> = Vec::new();
    for (at, it) in given.iter().enumerate() {
        let field = |name: &str| format!("office.numbers_before[{at}].{name}");
        if !is_series(&it.series) {
            checker.violation(
                field("series"),
                "INVALID_SERIES",
                "isi office atau all untuk register bersama, atau type: dengan kunci jenis surat",
                "give office or all for a common register, or type: with the key of a type",
            );
        }
        let year = checker.range(&field("year"), it.year, 2000, 2100);
        let last = checker.range(&field("last"), it.last, 1, MOST_NUMBERS);
        if found.iter().any(|other| other.series == it.series && other.year == year) {
            checker.violation(
                field("series"),
                "TWICE",
                "register tahun ini sudah disebut di atasnya",
                "the register of this year stands above already",
            );
        }
        found.push(NumbersBefore { series: it.series.clone(), year, last: last.unsigned_abs() });
    }
    found
}

/// Whether a series can have this name.
fn is_series(name: &str) -> bool {
    [SeriesPolicy::Office, SeriesPolicy::All].iter().any(|policy| policy.series("") == name)
        || name.strip_prefix(&SeriesPolicy::OfficeAndType.series("")).is_some_and(field::is_key)
}

fn date(field: &str, text: &str, checker: &mut Checker) -> Option<NaiveDate> {
    let date = text.parse().ok();
    if date.is_none() {
        checker.violation(
            field,
            "INVALID_DATE",
            "isi tanggal seperti 2027-03-10",
            "give a date such as 2027-03-10",
        );
    }
    date
}

fn week(field: &str, periods: &[proto::OfficeHours], checker: &mut Checker) -> BTreeMap<u8, Vec<Period>> {
    let mut week: BTreeMap<u8, Vec<Period>> = BTreeMap::new();
    for (at, it) in periods.iter().enumerate() {
        match u8::try_from(it.weekday).ok().zip(Period::read(&it.from, &it.to)) {
            Some((day, period)) => week.entry(day).or_default().push(period),
            None => checker.violation(
                format!("{field}[{at}]"),
                "INVALID_PERIOD",
                "isi hari 1 sampai 7 dan jam seperti 07:30",
                "give a weekday from 1 to 7 and times such as 07:30",
            ),
        }
    }
    week
}

fn signer(at: usize, given: &proto::Signatory, checker: &mut Checker) -> Option<Signer> {
    let field = |name: &str| format!("office.signatories[{at}].{name}");
    let role = given.role.parse().ok();
    if role.is_none() {
        checker.violation(
            field("role"),
            "INVALID_ROLE",
            "isi peran seperti VILLAGE_HEAD",
            "give a role such as VILLAGE_HEAD",
        );
    }
    let nik = if given.nik.is_empty() { None } else { given.nik.parse().ok() };
    if nik.is_none() && !given.nik.is_empty() {
        checker.violation(
            field("nik"),
            "INVALID_NIK",
            "isi 16 angka NIK",
            "give the 16 digits of the population number",
        );
    }
    Some(Signer {
        account: checker.text(&field("account_id"), &given.account_id, 3, 64),
        role: role?,
        name: printed(checker, &field("name"), &given.name, 2, 120),
        title: printed(checker, &field("title"), &given.title, 2, 160),
        rank: printed(checker, &field("rank"), &given.rank, 0, 80),
        nip: printed(checker, &field("nip"), &given.nip, 0, 30),
        nik,
        on_behalf_of: printed(checker, &field("on_behalf_of"), &given.on_behalf_of, 0, 160),
        between: printed(checker, &field("between"), &given.between, 0, 160),
    })
}

/// A text that stands in letters: what deceives there is refused here, not when a citizen applies.
fn printed(checker: &mut Checker, field: &str, text: &str, min: usize, max: usize) -> String {
    let text = checker.text(field, text, min, max);
    if text.chars().any(|character| !character.is_control() && is_deceptive(character, false)) {
        checker.violation(
            field,
            "INVALID_CHARACTER",
            "hapus karakter yang tidak terlihat, lalu ketik ulang",
            "remove invisible characters and type it again",
        );
    }
    text
}
