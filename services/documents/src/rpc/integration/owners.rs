//! What owners of webhooks reach. A grant lies in a token, and a webhook outlives tokens: so every call of an owner, whatever it
//! asks, tells what he reaches now, and a webhook is told of nothing beyond that. An owner who is not seen for long gets
//! nothing until he comes back.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::caller::{Caller, CallerKind};
use mpp_kit::fault::chain;
use mpp_kit::webhook::dispatch::Watch;
use mpp_kit::webhook::rules::DisableReason;
use mpp_kit::webhook::store::{self as webhook, Endpoint};
use sea_orm::{DatabaseTransaction, DbErr};

use super::super::Core;
use super::super::access::Areas;
use super::INTEGRATE;
use crate::domain::NoticeId;
use crate::error::Error;
use crate::store::webhook_notice::{self, WebhookNotice};

/// How often it is written that an owner was seen whose reach is the same.
const NOTED: TimeDelta = TimeDelta::hours(1);
/// Webhooks of one owner.
const MOST: u64 = 1_000;

/// What is known of an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    reach: Option<Vec<String>>,
    seen_at: DateTime<Utc>,
}

/// The owners of enabled webhooks, as they were when webhooks were last looked at. A call of anybody else costs a look here.
#[derive(Default)]
pub(crate) struct Owners(Mutex<HashMap<String, Known>>);

impl Owners {
    /// Says who owns the webhooks that are enabled now.
    pub(crate) fn are(&self, endpoints: &[Endpoint]) {
        let mut owners: HashMap<String, Known> = HashMap::new();
        for endpoint in endpoints {
            let known = Known { reach: endpoint.body.reach.clone(), seen_at: endpoint.seen_at() };
            owners
                .entry(endpoint.owner.clone())
                // Of several, the one that knows least.
                .and_modify(|other| {
                    if other.reach != known.reach {
                        other.seen_at = DateTime::UNIX_EPOCH;
                    }
                    other.seen_at = other.seen_at.min(known.seen_at);
                })
                .or_insert(known);
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = owners;
    }

    /// Whether this tells something new of an owner.
    fn is_news(&self, owner: &str, reach: Option<&[String]>, now: DateTime<Utc>) -> bool {
        let owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        owners.get(owner).is_some_and(|known| known.reach.as_deref() != reach || now - known.seen_at >= NOTED)
    }
}

/// What a caller reaches as an integrator; `None` for everywhere.
pub(super) fn reach_of(caller: &Caller) -> Option<Vec<String>> {
    Areas::of(caller, INTEGRATE).bounds().map(<[String]>::to_vec)
}

impl Core {
    /// Notes what an owner of webhooks reaches, by the token of any of his calls.
    pub(crate) async fn seen(&self, caller: &Caller) {
        let reach = reach_of(caller);
        if caller.kind != CallerKind::Staff || !self.owners.is_news(&caller.id, reach.as_deref(), self.now())
        {
            return;
        }
        // The call itself has nothing to do with it; the next one tries again.
        if let Err(error) = self.note_reach(&caller.id, reach).await {
            tracing::warn!(error = chain(&error), "what an owner of webhooks reaches could not be written");
        }
    }

    async fn note_reach(&self, owner: &str, reach: Option<Vec<String>>) -> Result<(), Error> {
        let now = self.now();
        for mut endpoint in webhook::list(&self.db.write, &self.cipher, Some(owner), None, MOST).await? {
            endpoint.body.reach.clone_from(&reach);
            endpoint.body.seen_at = Some(now);
            webhook::set_reach(&self.db.write, &self.cipher, &endpoint).await?;
        }
        self.owners.are(&webhook::enabled(&self.db.write, &self.cipher).await?);
        Ok(())
    }
}

#[async_trait::async_trait]
impl Watch for Core {
    fn enabled(&self, endpoints: &[Endpoint]) {
        self.owners.are(endpoints);
    }

    fn attempted(&self, told: &'static str, took: Duration) {
        self.metrics.delivered(told, took);
    }

    fn withheld(&self) {
        self.metrics.withheld();
    }

    async fn disabled(
        &self,
        tx: &DatabaseTransaction,
        endpoint: &Endpoint,
        reason: DisableReason,
        now: DateTime<Utc>,
    ) -> Result<(), DbErr> {
        // The installation itself has no list that somebody reads.
        if endpoint.owner == Caller::system().id {
            return Ok(());
        }
        let notice = WebhookNotice {
            id: NoticeId::generate(),
            webhook: endpoint.id,
            owner: endpoint.owner.clone(),
            reason,
            attempts: 0,
        };
        webhook_notice::insert(tx, &notice, now).await
    }
}
