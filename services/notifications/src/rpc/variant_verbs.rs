//! `SubmitVariant`, `ApproveVariant`, `RejectVariant`, `PauseVariant`: the life of a text. For WhatsApp the verdict is Meta's:
//! it comes by webhook or is asked for, and an administrator may note it by hand.

use chrono::{DateTime, Utc};
use mpp_kit::caller::{Caller, CallerKind};
use mpp_kit::check::Checker;
use mpp_kit::idempotency::fingerprint;
use mpp_proto::notifications::v1::{
    ApproveVariantRequest, ApproveVariantResponse, PauseVariantRequest, PauseVariantResponse,
    RejectVariantRequest, RejectVariantResponse, SubmitVariantRequest, SubmitVariantResponse,
};
use sea_orm::DatabaseTransaction;

use super::save_variant::subject;
use super::{Core, convert, record};
use crate::channel::webhook::TemplateNews;
use crate::domain::variant::{Kept, TRANSITIONS, VariantVerb};
use crate::error::{Error, Thing};
use crate::store::variant::{self, Key, Variant};

macro_rules! verbs {
    ($($name:ident($request:ident) -> $response:ident: $verb:ident, $method:literal, $reason:expr;)*) => {$(
        pub(super) async fn $name(
            core: &Core,
            caller: &Caller,
            request: $request,
        ) -> Result<$response, Error> {
            const METHOD: &str = concat!("mpp.notifications.v1.NotificationsService/", $method);
            let kind = core.catalogue.find(&request.message_type).ok_or(Error::NotFound(Thing::MessageType))?;
            let mut checker = Checker::new();
            let channel = convert::channel("channel", request.channel, &mut checker);
            let language = convert::language("language", &request.language, &mut checker);
            let reason: fn(&$request, &mut Checker) -> String = $reason;
            let reason = reason(&request, &mut checker);
            checker.finish()?;
            let channel = channel.ok_or(Error::NotFound(Thing::Variant))?;
            let key = Key { message_type: kind.key.clone(), channel, language };
            let (print, request_id) = (fingerprint(&request), request.request_id.as_str());
            let (key, version, reason) = (&key, request.version, reason.as_str());
            core.once(caller, METHOD, (&print, request_id), |tx, now| async move {
                let found = variant::find(&*tx, key, version).await?.ok_or(Error::NotFound(Thing::Variant))?;
                if VariantVerb::$verb == VariantVerb::Approve {
                    check_author(caller, &found)?;
                }
                if matches!(VariantVerb::$verb, VariantVerb::Submit | VariantVerb::Approve) {
                    core.check_template_name(&tx, &found).await?;
                }
                let moved = core.judge(&tx, &found, (VariantVerb::$verb, reason), (&caller.id, request_id), now).await?;
                Ok($response { variant: Some(convert::variant(&moved)) })
            })
            .await
        }
    )*};
}

verbs! {
    submit(SubmitVariantRequest) -> SubmitVariantResponse: Submit, "SubmitVariant", |_, _| String::new();
    approve(ApproveVariantRequest) -> ApproveVariantResponse: Approve, "ApproveVariant", |_, _| String::new();
    reject(RejectVariantRequest) -> RejectVariantResponse: Reject, "RejectVariant",
        |request, checker| checker.text("reason", &request.reason, 1, 500);
    pause(PauseVariantRequest) -> PauseVariantResponse: Pause, "PauseVariant",
        |request, checker| checker.text("reason", &request.reason, 1, 500);
}

/// Meta approves its templates; other texts are approved by somebody else than who wrote them.
fn check_author(caller: &Caller, found: &Variant) -> Result<(), Error> {
    let own = found.author == caller.id && caller.kind != CallerKind::System;
    if own && found.kept() != Kept::AtMeta { Err(Error::OwnVariant) } else { Ok(()) }
}

impl Core {
    /// Moves a version by `verb`.
    pub(crate) async fn judge(
        &self,
        tx: &DatabaseTransaction,
        found: &Variant,
        (verb, reason): (VariantVerb, &str),
        (who, request_id): (&str, &str),
        now: DateTime<Utc>,
    ) -> Result<Variant, Error> {
        let from = found.state;
        let to = TRANSITIONS.next(from, verb).ok_or(Error::VariantState { verb, state: from })?;
        let place = (&found.key, found.version);
        if !variant::set_state(tx, place, (from, to), reason, now).await? {
            return Err(Error::Stale { version: found.version });
        }
        let subject = subject(&found.key, found.version);
        let states = (Some(from.to_string()), Some(to.to_string()));
        let detail = serde_json::json!({ "reason": reason });
        record(tx, (who, "variant.judged", &subject), states, detail, request_id, now).await?;
        Ok(Variant { state: to, reason: reason.to_owned(), updated_at: now, ..found.clone() })
    }

    /// Notes that Meta did not take a template as it was offered. It is not offered again: another version has to be written.
    pub(crate) async fn template_refused(&self, offered: &Variant, reason: &str) -> Result<(), Error> {
        let now = self.now();
        let tx = self.db.begin().await?;
        match self.judge(&tx, offered, (VariantVerb::Reject, reason), ("meta", ""), now).await {
            Ok(_) => {}
            // Another instance was first, or somebody said something else about it meanwhile.
            Err(Error::Stale { .. }) => return Ok(()),
            Err(error) => return Err(error),
        }
        let title = format!("Templat WhatsApp {}", offered.template_name);
        self.alert(&tx, (&title, reason), now).await?;
        tx.commit().await?;
        self.metrics.judged(VariantVerb::Reject);
        Ok(())
    }

    /// Refuses a text under the name of another: what Meta approved under it is that other text.
    pub(super) async fn check_template_name(
        &self,
        tx: &DatabaseTransaction,
        text: &Variant,
    ) -> Result<(), Error> {
        if text.template_name.is_empty() {
            return Ok(());
        }
        let named = variant::of_template(tx, &text.template_name, &text.key.language).await?;
        let others = named.iter().filter(|it| it.key != text.key || it.version != text.version);
        let mut checker = Checker::new();
        if variant::known_as(others).is_some_and(|known| !known.reads_like(text)) {
            checker.violation(
                "template_name",
                "TEMPLATE_NAME_TAKEN",
                "pakai nama baru: nama ini sudah dipakai teks lain di Meta",
                "give a new name: at Meta this one stands for another text",
            );
        }
        Ok(checker.finish()?)
    }

    /// Notes what Meta says of a template. What changes nothing, and words that are not known, are left alone.
    pub(crate) async fn template_news(&self, news: &TemplateNews) -> Result<(), Error> {
        let verb = match news.event.as_str() {
            "APPROVED" | "REINSTATED" => VariantVerb::Approve,
            "REJECTED" => VariantVerb::Reject,
            "PAUSED" | "DISABLED" => VariantVerb::Pause,
            _ => return Ok(()),
        };
        let changes = |found: &Variant| TRANSITIONS.next(found.state, verb).is_some();
        // Almost always it is known already, and needs no transaction.
        let known = variant::of_template(&self.db.read, &news.name, &news.language).await?;
        if !known.iter().any(changes) {
            return Ok(());
        }
        // It is of one text. Another one under the same name has not been judged.
        let Some(meant) = variant::known_as(&known) else { return Ok(()) };
        let now = self.now();
        let tx = self.db.begin().await?;
        for found in variant::of_template(&tx, &news.name, &news.language).await? {
            if !changes(&found) || !found.reads_like(meant) {
                continue;
            }
            let reason = if news.reason.is_empty() { &news.event } else { &news.reason };
            let reason = if verb == VariantVerb::Approve { "" } else { reason };
            self.judge(&tx, &found, (verb, reason), ("meta", ""), now).await?;
            self.metrics.judged(verb);
            if verb != VariantVerb::Approve {
                let title = format!("Templat WhatsApp {}", found.template_name);
                self.alert(&tx, (&title, reason), now).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}
