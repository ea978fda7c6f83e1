//! The RPCs, one file each (verbs that differ only in what they ask of the rules share one): parse, load, decide, save. Here is
//! what they share.

mod access;
mod apply_contact;
mod apply_delivery_rules;
mod callbacks;
mod cancel_notification;
mod convert;
mod create_notification;
mod get_contact;
mod get_delivery_rules;
mod get_notification;
mod list_channel_accounts;
mod list_inbox;
mod list_message_types;
mod list_notifications;
mod list_variants;
mod mark_read;
pub(crate) mod plan;
mod receive_direct_webhook;
mod receive_whatsapp_webhook;
mod redeem_action_link;
mod report_bounce;
mod save_variant;
mod set_consent;
pub(crate) mod tokens;
mod unsubscribe;
pub(crate) mod variant_verbs;
mod verify_whatsapp_webhook;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::cipher::Cipher;
use mpp_kit::clock::Clock;
use mpp_kit::db::Db;
use mpp_kit::fault::Fault as _;
use mpp_kit::idempotency::{self, Key};
pub(crate) use mpp_kit::journal::record;
use mpp_proto::notifications::v1::{self as proto, notifications_service_server::NotificationsService};
use prost::Message;
use sea_orm::DatabaseTransaction;
use tonic::{Request, Response, Status};

use crate::catalogue::Catalogue;
use crate::channel::Channels;
use crate::channel::templates::Templates;
use crate::config::Config;
use crate::error::Error;
use crate::metrics::Metrics;

/// What every RPC and worker works with.
pub(crate) struct Core {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Config,
    /// Whom an installation that is not in production may write to; `None` for everybody.
    pub(crate) allowed: Option<BTreeSet<String>>,
    /// Where people reach the gateway, without a slash at the end.
    pub(crate) base_url: String,
    pub(crate) cipher: Cipher,
    pub(crate) catalogue: Catalogue,
    pub(crate) channels: Channels,
    /// By the key of the WhatsApp account.
    pub(crate) templates: BTreeMap<String, Templates>,
    pub(crate) metrics: Metrics,
}

impl Core {
    /// The present time, as exact as both databases can keep it.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(6)
    }

    /// Does something once for this request id of this caller, in one transaction, or answers what was answered then. The
    /// answer is kept encrypted, for it may hold addresses.
    pub(crate) async fn once<T, R>(
        &self,
        caller: &Caller,
        method: &'static str,
        (fingerprint, request_id): (&[u8], &str),
        run: impl FnOnce(Arc<DatabaseTransaction>, DateTime<Utc>) -> R,
    ) -> Result<T, Error>
    where
        T: Message + Default,
        R: Future<Output = Result<T, Error>>,
    {
        let now = self.now();
        let key = Key::of(caller, method, request_id)?;
        idempotency::sealed(&self.db, &self.cipher, key, fingerprint, now, |tx| run(tx, now)).await
    }
}

/// The service as tonic sees it.
pub(crate) struct Service(pub(crate) Arc<Core>);

/// Writes one method per RPC: it finds the caller, hands over to the file of the RPC, and says what went wrong in the
/// caller's language.
macro_rules! rpcs {
    ($($name:ident($request:ident) -> $response:ident: $handler:path;)*) => {
        #[tonic::async_trait]
        impl NotificationsService for Service {
            $(async fn $name(&self, request: Request<proto::$request>) -> Result<Response<proto::$response>, Status> {
                let caller = Caller::shared(&request);
                let outcome = $handler(&self.0, &caller, request.into_inner()).await;
                outcome.map(Response::new).map_err(|error| error.problem().into_status(caller.language))
            })*
        }
    };
}

rpcs! {
    create_notification(CreateNotificationRequest) -> CreateNotificationResponse: create_notification::handle;
    get_notification(GetNotificationRequest) -> GetNotificationResponse: get_notification::handle;
    list_notifications(ListNotificationsRequest) -> ListNotificationsResponse: list_notifications::handle;
    cancel_notification(CancelNotificationRequest) -> CancelNotificationResponse: cancel_notification::handle;
    list_message_types(ListMessageTypesRequest) -> ListMessageTypesResponse: list_message_types::handle;
    list_variants(ListVariantsRequest) -> ListVariantsResponse: list_variants::handle;
    save_variant(SaveVariantRequest) -> SaveVariantResponse: save_variant::handle;
    submit_variant(SubmitVariantRequest) -> SubmitVariantResponse: variant_verbs::submit;
    approve_variant(ApproveVariantRequest) -> ApproveVariantResponse: variant_verbs::approve;
    reject_variant(RejectVariantRequest) -> RejectVariantResponse: variant_verbs::reject;
    pause_variant(PauseVariantRequest) -> PauseVariantResponse: variant_verbs::pause;
    apply_contact(ApplyContactRequest) -> ApplyContactResponse: apply_contact::handle;
    get_contact(GetContactRequest) -> GetContactResponse: get_contact::handle;
    set_consent(SetConsentRequest) -> SetConsentResponse: set_consent::handle;
    list_inbox(ListInboxRequest) -> ListInboxResponse: list_inbox::handle;
    mark_read(MarkReadRequest) -> MarkReadResponse: mark_read::handle;
    get_delivery_rules(GetDeliveryRulesRequest) -> GetDeliveryRulesResponse: get_delivery_rules::handle;
    apply_delivery_rules(ApplyDeliveryRulesRequest) -> ApplyDeliveryRulesResponse: apply_delivery_rules::handle;
    list_channel_accounts(ListChannelAccountsRequest) -> ListChannelAccountsResponse: list_channel_accounts::handle;
    redeem_action_link(RedeemActionLinkRequest) -> RedeemActionLinkResponse: redeem_action_link::handle;
    report_bounce(ReportBounceRequest) -> ReportBounceResponse: report_bounce::handle;
    unsubscribe(UnsubscribeRequest) -> UnsubscribeResponse: unsubscribe::handle;
    verify_whats_app_webhook(VerifyWhatsAppWebhookRequest) -> VerifyWhatsAppWebhookResponse: verify_whatsapp_webhook::handle;
    receive_whats_app_webhook(ReceiveWhatsAppWebhookRequest) -> ReceiveWhatsAppWebhookResponse: receive_whatsapp_webhook::handle;
    receive_direct_webhook(ReceiveDirectWebhookRequest) -> ReceiveDirectWebhookResponse: receive_direct_webhook::handle;
    create_callback(CreateCallbackRequest) -> CreateCallbackResponse: callbacks::create;
    list_callbacks(ListCallbacksRequest) -> ListCallbacksResponse: callbacks::list;
    update_callback(UpdateCallbackRequest) -> UpdateCallbackResponse: callbacks::update;
    rotate_callback_secret(RotateCallbackSecretRequest) -> RotateCallbackSecretResponse: callbacks::rotate;
    list_callback_deliveries(ListCallbackDeliveriesRequest) -> ListCallbackDeliveriesResponse: callbacks::deliveries;
}

/// Refuses a decision on another version than there is; 0 decides on whatever there is.
fn check_version(asked: u32, has: u32) -> Result<(), Error> {
    if asked == 0 || asked == has { Ok(()) } else { Err(Error::Stale { version: has }) }
}
