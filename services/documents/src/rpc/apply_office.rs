//! `ApplyOffice`: an office, new or in place of the one with the same area.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::Problem;
use mpp_proto::documents::v1::{self as proto, ApplyOfficeRequest, ApplyOfficeResponse};
use serde_json::json;
use tonic::Response;

use super::access::Areas;
use super::{Core, convert, record};
use crate::domain::OfficeId;
use crate::domain::calendar::WorkCalendar;
use crate::domain::office::{MAX_SIGNERS, Office, OfficeArea, Signer};
use crate::domain::text::is_deceptive;
use crate::error::Error;
use crate::store;

const METHOD: &str = "mpp.documents.v1.DocumentsService/ApplyOffice";

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
            if let Some(before) = before {
                office.id = before.id;
                keep_numbers(&mut office, &before);
            }
            store::office::save(&*tx, &core.cipher, &office, now).await?;
            let id = office.id.to_string();
            let who = (caller.id.as_str(), "office.applied", id.as_str());
            let detail = json!({"area": office.area.as_str(), "signers": office.signers.len()});
            record(&tx, who, (None, None), detail, &request.request_id, now).await?;
            Ok(ApplyOfficeResponse { office: Some(convert::office(&office)) })
        })
        .await?;
    Ok(Response::new(answer))
}

/// A population number is written and never read back; who leaves it out keeps the one that is there.
fn keep_numbers(office: &mut Office, before: &Office) {
    for signer in office.signers.iter_mut().filter(|signer| signer.nik.is_none()) {
        signer.nik = before.signer(&signer.account, signer.role).and_then(|before| before.nik.clone());
    }
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
    checker.finish()?;
    let (Some(area), Some(zone)) = (area, zone) else {
        return Err(anyhow::anyhow!("the checker let an empty field pass").into());
    };
    let calendar = WorkCalendar::five_days(zone);
    Ok(Office {
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
    })
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
