//! Messages that follow from what happened, put into the outbox in the same transaction.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::DatabaseTransaction;

use super::Core;
use super::case::Loaded;
use crate::domain::NoticeId;
use crate::domain::field::Attribute;
use crate::domain::notice::{self, NoticeKind, To};
use crate::domain::step::{OfficeLevel, StepRole};
use crate::domain::workflow::Event;
use crate::error::Error;
use crate::store;
use crate::store::notice::{Body, Message, NoticeState, Recipient};

/// Between two calls of one account to one desk: whoever signs fifty letters a day is not called fifty times. What comes
/// meanwhile is covered by the next call.
const BETWEEN_CALLS: TimeDelta = TimeDelta::minutes(30);

/// How an applicant is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contact {
    /// Country code and digits alone; empty for none.
    pub(crate) whatsapp: String,
    /// Empty for none.
    pub(crate) email: String,
}

impl Core {
    /// Puts what these events make worth telling into the outbox. The first of them is at `first` in the history.
    pub(super) async fn notify(
        &self,
        tx: &DatabaseTransaction,
        loaded: &Loaded,
        (events, first): (&[Event], usize),
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let mut messages = Vec::new();
        for notice in notice::notices(loaded.application(), events) {
            let event = Some(first + notice.event);
            match notice.to {
                To::Applicant => {
                    let body = Body { event, ..Body::default() };
                    messages.extend(to_applicant(loaded, applicant_is_told(loaded, notice.kind), body, now));
                }
                To::Holders => messages.extend(to_holders(tx, loaded, (notice.kind, event), now).await?),
                To::Officials(choices) => {
                    let mut accounts = self.known(tx, loaded, &choices, now).await?;
                    // Nobody is called to what he brought himself.
                    if let Some(Event::ScanUploaded { by, .. }) = events.get(notice.event) {
                        accounts.retain(|account| account != by);
                    }
                    let desk = match notice.kind {
                        NoticeKind::Waits | NoticeKind::WaitsForSignature => loaded.waiting(),
                        NoticeKind::Received
                        | NoticeKind::Returned
                        | NoticeKind::Rejected
                        | NoticeKind::Payment
                        | NoticeKind::Issued
                        | NoticeKind::Replaced
                        | NoticeKind::Revoked
                        | NoticeKind::Late
                        | NoticeKind::DeemedGranted => None,
                    };
                    for account in accounts {
                        let body = match &desk {
                            Some(desk) => Body { event, roles: desk.roles.clone(), area: desk.area.clone() },
                            None => Body { event, ..Body::default() },
                        };
                        let next_at = match &desk {
                            Some(_) => match self.next_call(tx, &account, &body, now).await? {
                                Some(next_at) => next_at,
                                None => continue,
                            },
                            None => now,
                        };
                        let message = queued(loaded, notice.kind, Recipient::Account(account), body, now);
                        messages.push(Message { next_at, ..message });
                    }
                }
            }
        }
        Ok(store::notice::insert(tx, &messages).await?)
    }

    /// Tells whoever applied that the document holds no more.
    pub(super) async fn notify_of_revocation(
        &self,
        tx: &DatabaseTransaction,
        loaded: &Loaded,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let message = to_applicant(loaded, NoticeKind::Revoked, Body::default(), now);
        Ok(store::notice::insert(tx, message.as_slice()).await?)
    }

    /// The accounts that hold one of these roles, of the first choice for which somebody is known: whom the office lists, and
    /// who is appointed to act.
    async fn known(
        &self,
        tx: &DatabaseTransaction,
        loaded: &Loaded,
        choices: &[(OfficeLevel, Vec<StepRole>)],
        now: DateTime<Utc>,
    ) -> Result<Vec<String>, Error> {
        for (level, roles) in choices {
            let Some(office) = loaded.office(*level) else { continue };
            let listed = office.signers.iter().filter(|signer| roles.contains(&signer.role));
            let mut accounts: Vec<String> = listed.map(|signer| signer.account.clone()).collect();
            for role in roles {
                let held = store::delegation::of_role(tx, office.id, *role, now).await?;
                accounts.extend(held.into_iter().map(|held| held.account));
            }
            accounts.retain(|account| !account.is_empty());
            accounts.sort_unstable();
            accounts.dedup();
            if !accounts.is_empty() {
                return Ok(accounts);
            }
        }
        Ok(Vec::new())
    }

    /// Calls these accounts to the desk that a message is for, in its place, unless another instance was first.
    pub(crate) async fn call_holders(
        &self,
        desk: &Message,
        accounts: BTreeSet<String>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let tx = self.db.begin().await?;
        if !store::notice::moved(&tx, desk, NoticeState::Sent, now, now).await? {
            return Ok(());
        }
        let mut messages = Vec::new();
        for account in accounts {
            if let Some(next_at) = self.next_call(&tx, &account, &desk.body, now).await? {
                messages.push(Message {
                    id: NoticeId::generate(),
                    recipient: Recipient::Account(account),
                    attempts: 0,
                    next_at,
                    created_at: now,
                    ..desk.clone()
                });
            }
        }
        store::notice::insert(&tx, &messages).await?;
        tx.commit().await?;
        Ok(())
    }

    /// When an account is called to a desk; `None` if a call that covers it waits to go out, which from here to the end of the
    /// transaction nobody can settle.
    async fn next_call(
        &self,
        tx: &DatabaseTransaction,
        account: &str,
        body: &Body,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        loop {
            let called = Recipient::Account(account.to_owned());
            let Some((id, state, since)) = store::notice::last_call(tx, &called, body).await? else {
                return Ok(Some(now));
            };
            if state != NoticeState::Queued {
                return Ok(Some(now.max(since + BETWEEN_CALLS)));
            }
            // Else it was settled since it was read: it is no longer the one that waits.
            if store::notice::cover(tx, id).await? {
                return Ok(None);
            }
        }
    }
}

/// A message to whoever holds the desk where it waits, who is asked for when it goes out; none if one that is yet to go out
/// covers it.
async fn to_holders(
    tx: &DatabaseTransaction,
    loaded: &Loaded,
    (kind, event): (NoticeKind, Option<usize>),
    now: DateTime<Utc>,
) -> Result<Option<Message>, Error> {
    let Some(desk) = loaded.waiting() else { return Ok(None) };
    let body = Body { event, roles: desk.roles, area: desk.area };
    let last = store::notice::last_call(tx, &Recipient::Holders, &body).await?;
    if let Some((id, NoticeState::Queued, _)) = last
        && store::notice::cover(tx, id).await?
    {
        return Ok(None);
    }
    Ok(Some(queued(loaded, kind, Recipient::Holders, body, now)))
}

/// What an applicant is told: of a document in the place of another one, that it is one.
fn applicant_is_told(loaded: &Loaded, kind: NoticeKind) -> NoticeKind {
    let replaces = loaded.record.case.replaces.is_some();
    if kind == NoticeKind::Issued && replaces { NoticeKind::Replaced } else { kind }
}

/// A message to whoever applied, unless there is no way to reach him: he follows it by his code.
fn to_applicant(loaded: &Loaded, kind: NoticeKind, body: Body, now: DateTime<Utc>) -> Option<Message> {
    // Nobody applied for a correction: it is told of when it is there.
    if kind == NoticeKind::Received && !loaded.record.case.replaces_because.is_empty() {
        return None;
    }
    loaded.contact().map(|_| queued(loaded, kind, Recipient::Applicant, body, now))
}

fn queued(
    loaded: &Loaded,
    kind: NoticeKind,
    recipient: Recipient,
    body: Body,
    now: DateTime<Utc>,
) -> Message {
    Message {
        id: NoticeId::generate(),
        application: loaded.application().id,
        kind,
        recipient,
        body,
        state: NoticeState::Queued,
        attempts: 0,
        next_at: now,
        created_at: now,
    }
}

impl Loaded {
    /// How the applicant is reached: as he said beside the form, else in it; none if he gave nothing that can be.
    pub(crate) fn contact(&self) -> Option<Contact> {
        let content = &self.record.case.content;
        let told = |attribute: Attribute| {
            let field = self.letter.fields.iter().find(|field| field.prefill == Some(attribute))?;
            content.values.get(&field.key)?.as_str()
        };
        let said = |beside: &str, attribute| match beside {
            "" => told(attribute).unwrap_or_default().trim().to_owned(),
            beside => beside.to_owned(),
        };
        let contact = Contact {
            whatsapp: notice::whatsapp(&said(&content.phone, Attribute::Phone)).unwrap_or_default(),
            email: said(&content.email, Attribute::Email),
        };
        (contact != Contact::default()).then_some(contact)
    }
}
