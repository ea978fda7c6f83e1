//! An application at work: loaded with its type and offices, decided by the rules, saved with its numbers, history, journal
//! entry and events in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use mpp_kit::caller::{Caller, CallerKind};
use mpp_kit::fault::{Problem, Text, Violation};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::json;

use super::access::{Areas, permission_of};
use super::{Core, record};
use crate::adapter::oss::outbox::{self, Note};
use crate::domain::calendar::WorkCalendar;
use crate::domain::document::Signature;
use crate::domain::letter_type::LetterType;
use crate::domain::licence::OssStatus;
use crate::domain::number::Codes;
use crate::domain::office::Office;
use crate::domain::payment::{Payment, Settlement, billing_code, cashiers};
use crate::domain::sla::ClockVerb;
use crate::domain::step::{Level, OfficeLevel, StepKind, StepRole};
use crate::domain::workflow::decide::{By, Command, Order, decide, deemed_at};
use crate::domain::workflow::{Actor, Application, Delegation, DelegationKind, Event, Scope, State};
use crate::domain::{ApplicationId, EventId};
use crate::error::{Error, Thing};
use crate::store;
use crate::store::application::{Record, RegisterEntry, Sheet, Waiting};
use crate::store::document::Registration;
use crate::store::number::Entry;

/// An application with what its rules need.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) record: Record,
    pub(crate) letter: Arc<LetterType>,
    /// The offices that work on it, one per level at most.
    pub(crate) offices: Vec<Office>,
}

/// The type of the message that a document is there.
const ISSUED: &str = "surat.terbit";
/// What the journal calls an application that was handed in again.
const RESUBMITTED: &str = "application.resubmitted";

/// Who asks, for the journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) who: &'a str,
    pub(crate) request_id: &'a str,
}

impl Core {
    /// The application with this id.
    pub(crate) async fn application(
        &self,
        db: &impl ConnectionTrait,
        id: ApplicationId,
    ) -> Result<Loaded, Error> {
        let record = store::application::find(db, &self.cipher, id).await?;
        self.loaded(db, record.ok_or(Error::NotFound(Thing::Application))?).await
    }

    /// The application with this id, if a step or the office of it lies within the caller's reach.
    pub(crate) async fn application_of(
        &self,
        db: &impl ConnectionTrait,
        caller: &Caller,
        id: ApplicationId,
    ) -> Result<(Loaded, Actor), Error> {
        let loaded = self.application(db, id).await?;
        let actor = self.actor(db, &loaded, caller).await?;
        let reads = || {
            let areas = Areas::of(caller, "documents.read");
            loaded.offices.iter().any(|office| areas.reach(office.area.as_str()))
        };
        if actor.roles.is_empty() && actor.delegations.is_empty() && !reads() {
            return Err(Error::NotFound(Thing::Application));
        }
        Ok((loaded, actor))
    }

    /// The application that this code follows.
    pub(crate) async fn application_by_code(
        &self,
        db: &impl ConnectionTrait,
        code: &str,
    ) -> Result<Loaded, Error> {
        let digest = self.code_digest(code).ok_or(Error::NotFound(Thing::Code))?;
        let record = store::application::by_code(db, &self.cipher, &digest).await?;
        self.loaded(db, record.ok_or(Error::NotFound(Thing::Code))?).await
    }

    /// What a record needs beside it.
    pub(crate) async fn loaded(&self, db: &impl ConnectionTrait, record: Record) -> Result<Loaded, Error> {
        let content = &record.case.content;
        let letter = self.types.version(db, &content.letter_type, content.letter_type_version).await?;
        let mut offices = Vec::new();
        for id in record.case.offices.values() {
            let office = store::office::find(db, &self.cipher, *id).await?;
            offices.push(office.ok_or_else(|| anyhow::anyhow!("office {id} of an application is gone"))?);
        }
        Ok(Loaded { record, letter, offices })
    }

    /// What the caller is for this application: own roles, and roles held for others.
    pub(crate) async fn actor(
        &self,
        db: &impl ConnectionTrait,
        loaded: &Loaded,
        caller: &Caller,
    ) -> Result<Actor, Error> {
        let application = loaded.application();
        let mut actor = Actor { id: caller.id.clone(), ..Actor::default() };
        // The system acts by itself, never as an official.
        if caller.kind == CallerKind::System {
            return Ok(actor);
        }
        for role in loaded.roles() {
            let level = role.level();
            if let (Some(scope), Some(place)) = (application.scope_of(level), loaded.place_of(level))
                && Areas::of(caller, permission_of(role)).reach(&place)
            {
                actor.roles.push((role, scope));
            }
        }
        for held in store::delegation::of_account(db, &caller.id, self.now()).await? {
            let level = held.role.level();
            let here = loaded.office(level.office()).is_some_and(|office| office.id == held.office);
            if let Some(scope) = application.scope_of(level).filter(|_| here) {
                actor.delegations.push(Delegation {
                    kind: if held.title == "Plh." { DelegationKind::Plh } else { DelegationKind::Plt },
                    role: held.role,
                    scope,
                    decree: held.decree,
                    from: held.from,
                    until: held.to,
                });
            }
        }
        // Whoever an office lists with a number, in whatever role, is known for the person he is.
        let mut own = loaded
            .offices
            .iter()
            .flat_map(|office| &office.signers)
            .filter(|signer| signer.account == caller.id);
        actor.person = own.find_map(|signer| signer.nik.as_ref()).map(|nik| self.person_key(nik.reveal()));
        Ok(actor)
    }

    /// Decides a command and saves what it does. Answers the application as it is then.
    pub(crate) async fn act(
        &self,
        tx: &DatabaseTransaction,
        mut loaded: Loaded,
        (by, order): (By, Order),
        asking: Asking<'_>,
        now: DateTime<Utc>,
    ) -> Result<Loaded, Error> {
        let before = loaded.application().state;
        let what = what_of(&order);
        let decision = decide(loaded.application(), &Command { by, order }, &loaded.calendar(), now)?;
        if decision.events.is_empty() {
            return Ok(loaded);
        }
        loaded.record.case.application = decision.next;
        let mut events = decision.events;
        self.number(tx, &mut loaded, &mut events, now).await?;
        self.bill(tx, &mut loaded, &mut events, now).await?;
        loaded.forget_signatures(&events);
        let first = loaded.record.case.history.len();
        loaded.record.case.history.extend(events.iter().cloned());
        let seen = loaded.record.touched();
        loaded.record.version += 1;
        // That a clock is late outdates nobody's decision.
        let by_time = events.iter().all(|event| matches!(event, Event::Escalated { .. }));
        loaded.record.case.application.touched = if by_time { seen } else { loaded.record.version };
        loaded.record.updated_at = now;
        let waiting = loaded.waiting();
        let queues = (waiting.as_ref(), loaded.deemed_at());
        if !store::application::update(tx, &self.cipher, &loaded.record, queues).await? {
            let current = store::application::find(tx, &self.cipher, loaded.application().id).await?;
            return Err(Error::Stale { version: current.map_or(0, |current| current.version) });
        }
        self.hold(tx, &loaded, &events).await?;
        self.announce(tx, &loaded, &events, now).await?;
        self.tell_oss(tx, &loaded, &events, asking, now).await?;
        self.journal(tx, &loaded, (what, before), asking, now).await?;
        self.notify(tx, &loaded, (&events, first), now).await?;
        Ok(loaded)
    }

    /// Keeps what these events will need, in the order of locks ([`crate::store`]), before the first later one is taken.
    async fn hold(&self, tx: &DatabaseTransaction, loaded: &Loaded, events: &[Event]) -> Result<(), Error> {
        if events.iter().any(|event| matches!(event, Event::Issued { .. })) {
            store::document::hold(tx).await?;
        }
        // A document that replaces one of OSS is told to it too.
        if loaded.letter.oss.is_some() || loaded.record.case.replaces.is_some() {
            store::licence::hold(tx).await?;
        }
        Ok(())
    }

    /// Tells OSS of a licence that it asked for, what was done to its clock and how it was decided.
    async fn tell_oss(
        &self,
        tx: &DatabaseTransaction,
        loaded: &Loaded,
        events: &[Event],
        asking: Asking<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        if loaded.letter.oss.is_none() {
            return Ok(());
        }
        let mut listed = loaded.offices.iter().flat_map(|office| &office.signers);
        let official = listed.find(|signer| signer.account == asking.who);
        let note = |text: &str| Note {
            text: text.to_owned(),
            official_name: official.map(|official| official.name.clone()).unwrap_or_default(),
            official_nip: official.map(|official| official.nip.clone()).unwrap_or_default(),
            fee: None,
        };
        let fee = || loaded.application().payment.clone();
        let asked = events.iter().any(|event| matches!(event, Event::PaymentAsked { .. }));
        let id = loaded.application().id;
        let cause = loaded.record.version.to_string();
        let mut paid = false;
        for event in events {
            if let Event::ClockChanged { verb, reason, .. } = event {
                let waits = asked && *verb == ClockVerb::Pause;
                let note = Note { fee: fee().filter(|_| waits), ..note(reason) };
                outbox::on_clock(tx, self, id, (*verb, &cause), &note, now).await?;
            } else if let Event::Rejected { reason, .. } = event {
                let status = (OssStatus::Rejected, cause.as_str());
                outbox::on_status(tx, self, id, status, &note(&reason.text), now).await?;
            } else if let Event::DeemedGranted { .. } = event {
                let status = (OssStatus::DeemedApproved, cause.as_str());
                outbox::on_status(tx, self, id, status, &note(""), now).await?;
            }
            paid |= matches!(event, Event::PaymentRecorded { .. });
        }
        // After 42: while its clock stands still OSS takes nothing else; and after 57 there is nothing more to accept.
        if paid && !loaded.application().deemed {
            let status = (OssStatus::PaymentAccepted, cause.as_str());
            outbox::on_status(tx, self, id, status, &Note { fee: fee(), ..note("") }, now).await?;
        }
        Ok(())
    }

    /// Gives the billing code that an event asks for, and enters how a fee was settled.
    pub(crate) async fn bill(
        &self,
        tx: &DatabaseTransaction,
        loaded: &mut Loaded,
        events: &mut Vec<Event>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let id = loaded.application().id;
        for event in events.iter() {
            let receipt = if let Event::PaymentRecorded { receipt, .. } = event {
                Some(receipt)
            } else if let Event::PaymentWaived { .. } = event {
                None
            } else {
                continue;
            };
            if !store::payment::settle(tx, id, receipt, now).await? {
                return Err(receipt_used());
            }
        }
        if !loaded.application().needs_billing_code() {
            return Ok(());
        }
        let level = loaded.application().current_step().map(|(_, planned)| planned.step.level.office());
        let office = level.and_then(|level| loaded.office(level)).map(|office| office.id);
        let office =
            office.ok_or_else(|| anyhow::anyhow!("a fee is asked for by an office that is not there"))?;
        // Ninety thousand million codes: two that meet are drawn again, and the index has the last word.
        let mut code = billing_code(rand::random());
        while store::payment::is_taken(tx, &code).await? {
            code = billing_code(rand::random());
        }
        store::payment::ask(tx, id, office, &code, now).await?;
        let event = Event::BillingCodeGiven { code };
        loaded.record.case.application = loaded.record.case.application.clone().after(&event);
        events.push(event);
        Ok(())
    }

    /// Gives the numbers that the events ask for, and marks those that are void.
    pub(crate) async fn number(
        &self,
        tx: &DatabaseTransaction,
        loaded: &mut Loaded,
        events: &mut Vec<Event>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let id = loaded.application().id;
        let discarded = events.iter().any(|event| matches!(event, Event::SheetDiscarded { .. }));
        let why = if discarded { "SHEET_DISCARDED" } else { what_ended(loaded.application().state) };
        for event in events.iter() {
            if let Event::NumberVoided { text, .. } = event {
                store::number::void(tx, id, text, why).await?;
                for entry in loaded.record.case.numbers.iter_mut().filter(|entry| entry.text == *text) {
                    entry.void_reason = Some(why.to_owned());
                }
            }
        }
        for level in loaded.application().needs_number().collect::<Vec<_>>() {
            let office = loaded.office(level).ok_or_else(|| {
                anyhow::anyhow!("an application needs the number of an office that it has not")
            })?;
            let numbering = &loaded.letter.numbering;
            let format = match (level, &numbering.sub_district_format) {
                (OfficeLevel::SubDistrict, Some(own)) if loaded.letter.issuer != OfficeLevel::SubDistrict => {
                    own
                }
                (OfficeLevel::SubDistrict | OfficeLevel::Village | OfficeLevel::Agency, _) => {
                    &numbering.format
                }
            };
            let format: crate::domain::number::Format = format
                .parse()
                .map_err(|error| anyhow::anyhow!("a published number format is unsound: {error}"))?;
            let date = office.zone().local(now).date();
            let year = chrono::Datelike::year(&date);
            let series = numbering.series.series(&loaded.letter.key);
            let codes = codes(&loaded.letter, &loaded.by_level(), office);
            store::number::hold(tx, office.id).await?;
            // Two series of an office may print alike, after a type changed its series or where two share a code: a printed
            // number names one letter, so the next one is taken, and what is passed over stands in the register.
            let (seq, text) = loop {
                let before = office.given_before(&series, year);
                let seq = store::number::next(tx, office.id, (&series, year), before).await?;
                let text = format.render(seq, date, &codes);
                let given = store::number::is_given(tx, office.id, &text).await?;
                let entry = Entry {
                    office: office.id,
                    series: series.clone(),
                    year,
                    seq,
                    text: text.clone(),
                    application: id,
                    void_reason: given.then(|| "GIVEN_BEFORE".to_owned()),
                };
                store::number::enter(tx, &entry, now).await?;
                if !given {
                    break (seq, text);
                }
            };
            let office = office.id;
            loaded.record.case.numbers.push(RegisterEntry {
                office,
                level,
                series,
                year,
                seq,
                text: text.clone(),
                date: Some(date),
                void_reason: None,
            });
            let event = Event::NumberAllocated { office: level, text, year };
            let application = loaded.record.case.application.clone().after(&event);
            loaded.record.case.application = application;
            events.push(event);
        }
        Ok(())
    }

    pub(crate) async fn journal(
        &self,
        tx: &DatabaseTransaction,
        loaded: &Loaded,
        (what, before): (&str, State),
        asking: Asking<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let application = loaded.application();
        let id = application.id.to_string();
        let states = (Some(before.to_string()), Some(application.state.to_string()));
        let mut detail = json!({
            "step": application.current,
            "contentHash": application.content_hash,
            "version": loaded.record.version,
        });
        if let Some(payment) = &application.payment {
            detail["payment"] = payment_detail(payment);
        }
        if application.sheet.is_some() || application.signed_by_hand {
            let sheet = loaded.sheet();
            detail["signature"] = Signature::ByHand.to_string().into();
            detail["sheet"] = sheet.map(|sheet| sheet.sha256.as_str()).into();
            detail["scan"] = sheet.and_then(|it| it.scan.as_ref()).map(|scan| scan.sha256.as_str()).into();
        }
        if let Some(Event::Resubmitted { person_changed: true, .. }) = resubmitted(loaded, what) {
            detail["personChanged"] = true.into();
        }
        Ok(record(tx, (asking.who, what, &id), states, detail, asking.request_id, now).await?)
    }

    /// Tells other systems what happened: ids and states, never personal data.
    pub(crate) async fn announce(
        &self,
        tx: &DatabaseTransaction,
        loaded: &Loaded,
        events: &[Event],
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let application = loaded.application();
        let Some(issuer) =
            loaded.offices.iter().find(|office| office.id == loaded.record.case.content.office)
        else {
            return Ok(());
        };
        for kind in events.iter().filter_map(kind_of) {
            let mut data = json!({
                "application": application.id.to_string(),
                "letterType": application.plan.type_key,
                "office": issuer.area.as_str(),
                "state": application.state.to_string(),
                "step": application.current,
                "version": loaded.record.version,
                "document": loaded.record.case.document.map(|id| id.to_string()),
            });
            if kind == ISSUED {
                data["signature"] = loaded.signature().to_string().into();
            }
            let event = mpp_kit::event::Event {
                id: EventId::generate().to_string(),
                kind,
                subject: application.id.to_string(),
                area: issuer.area.to_string(),
                data,
                at: now,
            };
            mpp_kit::event::append(tx, &event).await?;
        }
        Ok(())
    }

    /// A digest of a population number under the key of the installation.
    pub(crate) fn person_key(&self, nik: &str) -> String {
        self.cipher.digest("person", nik)
    }
}

impl Loaded {
    pub(crate) fn application(&self) -> &Application {
        &self.record.case.application
    }

    /// The name of whom the document is about: the applicant, unless the type asks for somebody else.
    pub(crate) fn holder(&self) -> String {
        let content = &self.record.case.content;
        let named = content.values.get(&self.letter.about.name).and_then(serde_json::Value::as_str);
        named.unwrap_or(&content.subject.name).to_owned()
    }

    /// How it is signed.
    pub(crate) fn signature(&self) -> Signature {
        if self.application().signed_by_hand { Signature::ByHand } else { Signature::Electronic }
    }

    /// The sheet that is being signed by hand, else the one that was last.
    pub(crate) fn sheet(&self) -> Option<&Sheet> {
        let (application, case) = (self.application(), &self.record.case);
        match (application.sheet.is_some(), application.signed_by_hand) {
            (true, _) => case.sheet.as_ref(),
            (false, true) => case.signed.last().and_then(|signed| signed.sheet.as_ref()),
            (false, false) => None,
        }
    }

    /// What was signed before is of another text, where it is signed again from the first on.
    fn forget_signatures(&mut self, events: &[Event]) {
        let case = &mut self.record.case;
        let signs = |step: &usize| case.application.plan.steps[*step].step.kind == StepKind::Sign;
        let again = events
            .iter()
            .any(|event| matches!(event, Event::Resubmitted { reopened, .. } if reopened.iter().any(signs)));
        if again {
            case.signed.clear();
            case.endorser = None;
            case.sheet = None;
        }
    }

    /// The number that an office gave it and that holds.
    pub(crate) fn number_of(&self, office: &Office) -> Option<&RegisterEntry> {
        let numbers = self.record.case.numbers.iter().rev();
        numbers.into_iter().find(|entry| entry.office == office.id && entry.void_reason.is_none())
    }

    /// The numbers that hold and were given by other offices than the one that issues.
    pub(crate) fn registrations(&self) -> Vec<Registration> {
        let case = &self.record.case;
        let others =
            case.numbers.iter().filter(|it| it.void_reason.is_none() && it.office != case.content.office);
        let told = |entry: &RegisterEntry| {
            let office = self.offices.iter().find(|office| office.id == entry.office)?;
            let name = case.content.name_of(office).to_owned();
            Some(Registration { office: name, number: entry.text.clone() })
        };
        others.filter_map(told).collect()
    }

    /// The date of the letter of an office: the day its number was given, however long the signature takes after.
    pub(crate) fn letter_date(&self, office: &Office) -> Option<NaiveDate> {
        self.number_of(office).and_then(|entry| entry.date)
    }

    /// The office of a level, if one works on it.
    pub(crate) fn office(&self, level: OfficeLevel) -> Option<&Office> {
        let id = self.record.case.offices.get(&level)?;
        self.offices.iter().find(|office| office.id == *id)
    }

    /// The offices that work on it, by level.
    pub(crate) fn by_level(&self) -> BTreeMap<OfficeLevel, Office> {
        self.offices.iter().map(|office| (office.level(), office.clone())).collect()
    }

    /// The id of the agency that takes part, or empty where none does.
    pub(crate) fn agency(&self) -> String {
        let agency = self.record.case.offices.get(&OfficeLevel::Agency);
        agency.map(ToString::to_string).unwrap_or_default()
    }

    /// The office that issues.
    pub(crate) fn issuer(&self) -> Result<&Office, Error> {
        let id = self.record.case.content.office;
        let office = self.offices.iter().find(|office| office.id == id);
        office.ok_or_else(|| anyhow::anyhow!("an application has not the office that issues it").into())
    }

    /// The working time that counts now: of the office at whose step it is, else of the one that issues.
    pub(crate) fn calendar(&self) -> WorkCalendar {
        let at_hand =
            self.application().current_step().and_then(|(_, step)| self.office(step.step.level.office()));
        let office = at_hand.or_else(|| self.issuer().ok());
        office.map_or_else(
            || WorkCalendar::five_days(crate::domain::calendar::TimeZone::Wib),
            |it| it.calendar.clone(),
        )
    }

    /// The area in which a role of a level must be held, as grants name it.
    pub(crate) fn place_of(&self, level: Level) -> Option<String> {
        match self.application().scope_of(level)? {
            Scope::Area(area) => Some(area.to_string()),
            Scope::Office(id) => {
                self.offices.iter().find(|office| office.id == id).map(|office| office.area.to_string())
            }
        }
    }

    /// Every role that has to do with it: those of its steps, those that lead there, and those that take its fee.
    fn roles(&self) -> Vec<StepRole> {
        let plan = &self.application().plan;
        let mut roles: Vec<StepRole> = Vec::new();
        for planned in &plan.steps {
            let step = &planned.step;
            let takes_fee: &[StepRole] = match plan.charge {
                Some(_) => cashiers(step.level.office()),
                None => &[],
            };
            let these = planned.roles.iter().chain(takes_fee).copied();
            for role in these.chain([step.role, step.level.head()]) {
                if !roles.contains(&role) {
                    roles.push(role);
                }
            }
        }
        // Whoever works in the office scans what was signed there by hand.
        let scanning = self.application().desk().filter(|_| self.application().state == State::AwaitingScan);
        for role in scanning.into_iter().flat_map(|desk| desk.roles) {
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        roles
    }

    /// Where it waits, for worklists.
    pub(crate) fn waiting(&self) -> Option<Waiting> {
        let application = self.application();
        let desk = application.desk()?;
        let (_, planned) = application.current_step()?;
        let calendar = self.calendar();
        Some(Waiting {
            area: self.place_of(desk.level)?,
            roles: desk.roles,
            kind: work_kind(application, planned.step.kind),
            claimed_by: application.claim.as_ref().map(|claim| claim.by.clone()),
            due: application.step_clock.as_ref().and_then(|clock| clock.due(&calendar)),
            escalated: application.step_clock.as_ref().is_some_and(|clock| clock.escalated),
        })
    }

    /// When the law grants it, while that can still be.
    pub(crate) fn deemed_at(&self) -> Option<DateTime<Utc>> {
        let application = self.application();
        match application.state {
            State::InReview | State::AwaitingSignature | State::AwaitingScan if !application.deemed => {
                deemed_at(application, &self.calendar())
            }
            // Granted, and the seal has not signed yet: at once.
            State::InReview | State::AwaitingSignature | State::AwaitingScan => Some(application.changed),
            State::Draft
            | State::Returned
            | State::AwaitingPayment
            | State::Signing
            | State::Issued
            | State::HandedOver
            | State::Rejected
            | State::Withdrawn => None,
        }
    }
}

/// What stands in the place of tokens in a number of `office`, one of those that work on a letter.
pub(crate) fn codes(letter: &LetterType, offices: &BTreeMap<OfficeLevel, Office>, office: &Office) -> Codes {
    let region = |level: OfficeLevel| {
        let found = offices.get(&level).and_then(|office| office.area.region());
        found.map(|region| region.as_str().to_owned()).unwrap_or_default()
    };
    Codes {
        letter: letter.code.clone(),
        village: region(OfficeLevel::Village),
        sub_district: region(OfficeLevel::SubDistrict),
        unit: office.code.clone(),
        classification: letter.classification.clone(),
    }
}

/// What a worklist says is to be done: the kind of the step at hand, `PAY` while its fee comes first, or `SCAN` while it is
/// signed by hand.
pub(crate) fn work_kind(application: &Application, step: StepKind) -> String {
    match application.state {
        State::AwaitingPayment => "PAY".to_owned(),
        State::AwaitingScan => "SCAN".to_owned(),
        State::Draft
        | State::InReview
        | State::Returned
        | State::AwaitingSignature
        | State::Signing
        | State::Issued
        | State::HandedOver
        | State::Rejected
        | State::Withdrawn => step.to_string(),
    }
}

/// How it was handed in again, if that is what an entry of the journal is about.
fn resubmitted<'a>(loaded: &'a Loaded, what: &str) -> Option<&'a Event> {
    let mut history = loaded.record.case.history.iter().rev();
    history.find(|event| matches!(event, Event::Resubmitted { .. })).filter(|_| what == RESUBMITTED)
}

fn receipt_used() -> Error {
    let text = Text::new(
        "nomor bukti ini sudah dicatat untuk pembayaran lain; periksa kembali nomornya",
        "this receipt was recorded for another payment; check its number",
    );
    let violation = Violation { field: "reference".to_owned(), reason: "RECEIPT_USED", text };
    Problem::invalid(vec![violation]).into()
}

/// A fee as the journal keeps it. A waiver's reason stays in the history, for it may be about the applicant.
fn payment_detail(payment: &Payment) -> serde_json::Value {
    let (outcome, receipt) = match &payment.settled {
        None => ("DUE", None),
        Some((Settlement::Paid(receipt), _)) => ("PAID", Some(receipt)),
        Some((Settlement::Waived(_), _)) => ("WAIVED", None),
    };
    json!({
        "state": outcome,
        "amount": payment.amount,
        "billingCode": payment.billing_code,
        "method": receipt.map(|receipt| receipt.method.to_string()),
        "reference": receipt.map(|receipt| receipt.reference.as_str()),
    })
}

/// The name of a command in the journal.
fn what_of(order: &Order) -> &'static str {
    match order {
        Order::Submit { .. } => "application.submitted",
        Order::Acknowledge => "application.acknowledged",
        Order::Claim => "application.claimed",
        Order::Release => "application.released",
        Order::Approve { .. } => "application.approved",
        Order::Return { .. } => "application.returned",
        Order::Resubmit { .. } => RESUBMITTED,
        Order::Reject { .. } => "application.rejected",
        Order::Withdraw { .. } => "application.withdrawn",
        Order::RecordPayment { .. } => "application.payment_recorded",
        Order::WaivePayment { .. } => "application.payment_waived",
        Order::BeginSigning { .. } => "application.signing_began",
        Order::CompleteSigning { .. } => "application.signed",
        Order::FailSigning { .. } => "application.signing_failed",
        Order::SignByHand { .. } => "application.sheet_printed",
        Order::UploadScan { .. } => "application.scan_uploaded",
        Order::ConfirmScan { .. } => "application.scan_confirmed",
        Order::DiscardSheet { .. } => "application.sheet_discarded",
        Order::HandOver { .. } => "application.handed_over",
        Order::Clock { .. } => "application.clock_changed",
        Order::Escalate => "application.escalated",
        Order::DeemGranted => "application.deemed_granted",
    }
}

/// The type of message that other systems get of an event; none for what is of no concern to them.
fn kind_of(event: &Event) -> Option<&'static str> {
    match event {
        Event::Submitted { .. } | Event::Resubmitted { .. } => Some("surat.diajukan"),
        Event::StepTaken { .. } => Some("surat.disetujui"),
        Event::Returned { .. } => Some("surat.dikembalikan"),
        Event::Rejected { .. } => Some("surat.ditolak"),
        Event::Withdrawn { .. } => Some("surat.dibatalkan"),
        Event::PaymentAsked { .. } => Some("surat.menunggu_pembayaran"),
        Event::PaymentRecorded { .. } => Some("surat.dibayar"),
        Event::PaymentWaived { .. } => Some("surat.dibebaskan"),
        Event::Issued { .. } => Some(ISSUED),
        Event::HandedOver { .. } => Some("surat.diserahkan"),
        Event::Escalated { .. } => Some("surat.terlambat"),
        Event::DeemedGranted { .. } => Some("surat.dianggap_dikabulkan"),
        Event::StepEntered { .. }
        | Event::CustodyPassed { .. }
        | Event::CustodyAcknowledged { .. }
        | Event::NumberNeeded { .. }
        | Event::NumberAllocated { .. }
        | Event::NumberVoided { .. }
        | Event::BillingCodeGiven { .. }
        | Event::Claimed { .. }
        | Event::Released { .. }
        | Event::SigningBegan { .. }
        | Event::SigningCompleted { .. }
        | Event::SigningFailed { .. }
        | Event::SheetPrinted { .. }
        | Event::ScanUploaded { .. }
        | Event::ScanConfirmed { .. }
        | Event::SheetDiscarded { .. }
        | Event::ClockChanged { .. } => None,
    }
}

/// Why a number became void.
fn what_ended(state: State) -> &'static str {
    match state {
        State::Rejected => "REJECTED",
        State::Withdrawn => "WITHDRAWN",
        State::Draft
        | State::InReview
        | State::Returned
        | State::AwaitingPayment
        | State::AwaitingSignature
        | State::Signing
        | State::AwaitingScan
        | State::Issued
        | State::HandedOver => "CORRECTED",
    }
}
