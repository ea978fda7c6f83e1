//! An application as its applicant follows it: states and dates, no name but initials.

use chrono::{DateTime, Utc};
use mpp_proto::documents::v1 as proto;

use super::case::Loaded;
use super::{Core, convert};
use crate::domain::code;
use crate::domain::person::mask_name;
use crate::domain::workflow::State;
use crate::error::{Error, Thing};

/// The status, without the code that opens it: an answer that is kept for repetition must not hold that.
pub(super) fn without_code(loaded: &Loaded, now: DateTime<Utc>) -> proto::ApplicationStatus {
    let record = &loaded.record;
    let application = loaded.application();
    let office = loaded.issuer().map(|office| office.name.clone()).unwrap_or_default();
    let under_way = matches!(
        application.state,
        State::InReview | State::AwaitingSignature | State::Signing | State::AwaitingScan
    );
    let due =
        application.clock.as_ref().filter(|_| under_way).and_then(|clock| clock.due(&loaded.calendar()));
    let issued = matches!(application.state, State::Issued | State::HandedOver);
    let number = loaded.issuer().ok().and_then(|issuer| loaded.number_of(issuer)).filter(|_| issued);
    let registrations = if issued { loaded.registrations() } else { Vec::new() };
    let returned = application.reason.as_ref().filter(|_| application.state == State::Returned);
    proto::ApplicationStatus {
        code: String::new(),
        letter_type: record.case.content.letter_type.clone(),
        title: record.case.title.clone(),
        office,
        state: convert::application_state(application.state).into(),
        steps: convert::steps(loaded, false, now),
        history: convert::history(&record.case.history, false),
        submit_time: Some(convert::timestamp(record.submitted_at)),
        expected_time: due.map(convert::timestamp),
        verification_code: String::new(),
        subject_masked: mask_name(&loaded.holder()),
        return_reason: returned.map(|reason| reason.text.clone()).unwrap_or_default(),
        application_id: application.id.to_string(),
        letter_type_version: convert::count(record.case.content.letter_type_version),
        payment: convert::payment(loaded, false, now),
        number: number.map(|entry| entry.text.clone()).unwrap_or_default(),
        registrations: convert::registrations(&registrations),
        signature: match (application.signed_by_hand || application.sheet.is_some(), issued) {
            (true, _) => proto::SignatureMethod::ByHand.into(),
            (false, true) => proto::SignatureMethod::Electronic.into(),
            (false, false) => proto::SignatureMethod::Unspecified.into(),
        },
    }
}

/// Adds the codes, derived again from the id.
pub(super) fn with_code(
    core: &Core,
    mut status: proto::ApplicationStatus,
) -> Result<proto::ApplicationStatus, Error> {
    let id = status.application_id.parse().map_err(|_| Error::NotFound(Thing::Application))?;
    status.code = code::grouped(&core.receipt_code(id)?);
    let issued = [proto::ApplicationState::Issued.into(), proto::ApplicationState::HandedOver.into()];
    if issued.contains(&status.state) {
        status.verification_code = code::grouped(&core.verification_code(id)?);
    }
    Ok(status)
}
