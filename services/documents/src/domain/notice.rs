//! Who is told what of a letter: the applicant of what concerns him, officials of what waits for them or is late.

use strum::{Display, EnumIter, EnumString};

use super::step::{Level, OfficeLevel, StepRole};
use super::workflow::{Application, Event, Progress, State};

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum NoticeKind {
    /// To the applicant: it arrived, with the code that follows it.
    Received,
    /// To the applicant: something is to be mended.
    Returned,
    /// To the applicant: it was refused.
    Rejected,
    /// To the applicant: its fee is to be paid.
    Payment,
    /// To the applicant: the document is there.
    Issued,
    /// To the applicant: a new document is there in the place of the old one.
    Replaced,
    /// To the applicant: the document holds no more.
    Revoked,
    /// To an official: something waits at a desk of his.
    Waits,
    /// To an official: something waits for his signature.
    WaitsForSignature,
    /// To the superior: a step is late.
    Late,
    /// To the head of an office: the law granted what nobody there decided in time.
    DeemedGranted,
}

/// Whom it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// Who applied.
    Applicant,
    /// Who holds one of these roles of an office: the first pair for which somebody is known.
    Officials(Vec<(OfficeLevel, Vec<StepRole>)>),
    /// Who holds one of the roles of the desk where it waits: heads of RT and RW, whom no office lists.
    Holders,
}

/// A message that follows from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub kind: NoticeKind,
    /// Whom.
    pub to: To,
    /// The place of its cause among the events.
    pub event: usize,
}

/// What follows from events that led to `application`.
#[must_use]
pub fn notices(application: &Application, events: &[Event]) -> Vec<Notice> {
    let mut notices = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let mut tell = |kind, to| notices.push(Notice { kind, to, event: at });
        match event {
            Event::Submitted { .. } => tell(NoticeKind::Received, To::Applicant),
            Event::Returned { .. } => tell(NoticeKind::Returned, To::Applicant),
            Event::Rejected { .. } => tell(NoticeKind::Rejected, To::Applicant),
            Event::PaymentAsked { .. } => tell(NoticeKind::Payment, To::Applicant),
            Event::Issued { .. } => tell(NoticeKind::Issued, To::Applicant),
            Event::StepEntered { step, .. } => {
                let kind = match application.state {
                    State::InReview => NoticeKind::Waits,
                    State::AwaitingSignature => NoticeKind::WaitsForSignature,
                    State::Draft
                    | State::Returned
                    | State::AwaitingPayment
                    | State::Signing
                    | State::AwaitingScan
                    | State::Issued
                    | State::HandedOver
                    | State::Rejected
                    | State::Withdrawn => continue,
                };
                let Some(planned) = application.plan.steps.get(*step) else { continue };
                let level = planned.step.level;
                let to = match level {
                    // An office knows the accounts of its own people, not of each neighbourhood.
                    Level::Rt | Level::Rw => To::Holders,
                    Level::Village | Level::SubDistrict | Level::Agency => {
                        To::Officials(vec![(level.office(), planned.roles.clone())])
                    }
                };
                tell(kind, to);
            }
            // Who may take the step confirms what somebody else has scanned.
            Event::ScanUploaded { .. } => {
                if let Some((_, planned)) = application.current_step() {
                    let office = planned.step.level.office();
                    tell(NoticeKind::Waits, To::Officials(vec![(office, planned.roles.clone())]));
                }
            }
            Event::Escalated { step, .. } => {
                if let Some(planned) = application.plan.steps.get(*step) {
                    tell(NoticeKind::Late, To::Officials(superiors(planned.step.level, &planned.roles)));
                }
            }
            Event::DeemedGranted { .. } => {
                let left = application.plan.steps.iter().zip(&application.steps);
                let left = left.filter(|(_, progress)| **progress == Progress::Deemed);
                let mut offices: Vec<OfficeLevel> =
                    left.map(|(planned, _)| planned.step.level.office()).collect();
                offices.sort_unstable();
                offices.dedup();
                for office in offices {
                    tell(NoticeKind::DeemedGranted, To::Officials(vec![(office, vec![head_of(office)])]));
                }
            }
            Event::CustodyPassed { .. }
            | Event::CustodyAcknowledged { .. }
            | Event::NumberNeeded { .. }
            | Event::NumberAllocated { .. }
            | Event::NumberVoided { .. }
            | Event::BillingCodeGiven { .. }
            | Event::PaymentRecorded { .. }
            | Event::PaymentWaived { .. }
            | Event::Claimed { .. }
            | Event::Released { .. }
            | Event::StepTaken { .. }
            | Event::Resubmitted { .. }
            | Event::Withdrawn { .. }
            | Event::SigningBegan { .. }
            | Event::SigningCompleted { .. }
            | Event::SigningFailed { .. }
            | Event::SheetPrinted { .. }
            | Event::ScanConfirmed { .. }
            | Event::SheetDiscarded { .. }
            | Event::HandedOver { .. }
            | Event::ClockChanged { .. } => {}
        }
    }
    notices
}

/// Who leads an office.
fn head_of(office: OfficeLevel) -> StepRole {
    match office {
        OfficeLevel::Village => StepRole::VillageHead,
        OfficeLevel::SubDistrict => StepRole::SubDistrictHead,
        OfficeLevel::Agency => StepRole::AgencyHead,
    }
}

/// Who is told of a late step, best first: the head of the office, or above him where the step is his own; himself where
/// nobody above him is known here.
fn superiors(level: Level, roles: &[StepRole]) -> Vec<(OfficeLevel, Vec<StepRole>)> {
    let office = level.office();
    let head = head_of(office);
    let mut chain = vec![(office, vec![head])];
    if roles.contains(&head) && office == OfficeLevel::Village {
        // A camat guides and watches over the villages (PP 17/2018 art. 10). Above a camat and an agency is the regent.
        chain.insert(0, (OfficeLevel::SubDistrict, vec![StepRole::SubDistrictHead]));
    }
    chain
}

/// A telephone number as WhatsApp names it: country code and digits alone. Without a country code it is one of Indonesia;
/// `None` for what cannot be one.
#[must_use]
pub fn whatsapp(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let number = match (phone.trim().starts_with('+'), digits.strip_prefix('0')) {
        (true, _) => digits,
        (false, Some(national)) => format!("62{national}"),
        (false, None) if digits.starts_with("62") => digits,
        (false, None) => format!("62{digits}"),
    };
    let sound = (8..=15).contains(&number.len()) && !number.starts_with('0');
    sound.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_get_their_country_code_once() {
        for (typed, number) in [
            ("081234567890", Some("6281234567890")),
            ("0812-3456-7890", Some("6281234567890")),
            ("+6281234567890", Some("6281234567890")),
            ("6281234567890", Some("6281234567890")),
            ("81234567890", Some("6281234567890")),
            ("+60123456789", Some("60123456789")),
            ("", None),
            ("0812", None),
            ("+0812345678", None),
            ("12345678901234567", None),
        ] {
            assert_eq!(whatsapp(typed).as_deref(), number, "{typed}");
        }
    }

    #[test]
    fn a_late_step_is_told_to_whoever_leads_and_not_to_who_is_late() {
        let village = (OfficeLevel::Village, vec![StepRole::VillageHead]);
        let camat = (OfficeLevel::SubDistrict, vec![StepRole::SubDistrictHead]);
        let alone = std::slice::from_ref(&village);
        assert_eq!(superiors(Level::Rt, &[StepRole::RtHead]), alone);
        assert_eq!(superiors(Level::Village, &[StepRole::VillageOfficer]), alone);
        let head = [StepRole::VillageHead, StepRole::VillageSecretary];
        assert_eq!(superiors(Level::Village, &head), [camat.clone(), village]);
        assert_eq!(superiors(Level::SubDistrict, &[StepRole::SubDistrictHead]), [camat]);
        let agency = (OfficeLevel::Agency, vec![StepRole::AgencyHead]);
        assert_eq!(superiors(Level::Agency, &[StepRole::AgencyOfficer]), [agency]);
    }
}
