//! The notifications service, as far as webhooks go to it.

use std::sync::{Arc, Mutex, PoisonError};

use mpp_proto::notifications::v1::{self as notifications, *};
use tonic::Status;

use crate::complaints::ACCOUNT;

type Answer<T> = Result<tonic::Response<T>, Status>;

/// The notifications service.
#[derive(Clone, Default)]
pub(crate) struct Notifications {
    whatsapp: Arc<Mutex<Vec<ReceiveWhatsAppWebhookRequest>>>,
    direct: Arc<Mutex<Vec<ReceiveDirectWebhookRequest>>>,
}

impl Notifications {
    /// Every ReceiveWhatsAppWebhook.
    pub(crate) fn received(&self) -> Vec<ReceiveWhatsAppWebhookRequest> {
        self.whatsapp.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every ReceiveDirectWebhook.
    pub(crate) fn direct(&self) -> Vec<ReceiveDirectWebhookRequest> {
        self.direct.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

macro_rules! notifications_service {
    (unserved: $($name:ident $request:ident $response:ident),* $(,)?; $($served:item)*) => {
        #[tonic::async_trait]
        impl notifications::notifications_service_server::NotificationsService for Notifications {
            $(async fn $name(&self, _: tonic::Request<notifications::$request>) -> Answer<notifications::$response> {
                Err(Status::unimplemented("not served by this fake"))
            })*
            $($served)*
        }
    };
}

notifications_service! {
    unserved:
        create_notification CreateNotificationRequest CreateNotificationResponse,
        get_notification GetNotificationRequest GetNotificationResponse,
        list_notifications ListNotificationsRequest ListNotificationsResponse,
        cancel_notification CancelNotificationRequest CancelNotificationResponse,
        list_message_types ListMessageTypesRequest ListMessageTypesResponse,
        list_variants ListVariantsRequest ListVariantsResponse,
        save_variant SaveVariantRequest SaveVariantResponse,
        submit_variant SubmitVariantRequest SubmitVariantResponse,
        approve_variant ApproveVariantRequest ApproveVariantResponse,
        reject_variant RejectVariantRequest RejectVariantResponse,
        pause_variant PauseVariantRequest PauseVariantResponse,
        apply_contact ApplyContactRequest ApplyContactResponse,
        get_contact GetContactRequest GetContactResponse,
        set_consent SetConsentRequest SetConsentResponse,
        list_inbox ListInboxRequest ListInboxResponse,
        mark_read MarkReadRequest MarkReadResponse,
        get_delivery_rules GetDeliveryRulesRequest GetDeliveryRulesResponse,
        apply_delivery_rules ApplyDeliveryRulesRequest ApplyDeliveryRulesResponse,
        list_channel_accounts ListChannelAccountsRequest ListChannelAccountsResponse,
        redeem_action_link RedeemActionLinkRequest RedeemActionLinkResponse,
        report_bounce ReportBounceRequest ReportBounceResponse,
        unsubscribe UnsubscribeRequest UnsubscribeResponse,
        create_callback CreateCallbackRequest CreateCallbackResponse,
        list_callbacks ListCallbacksRequest ListCallbacksResponse,
        update_callback UpdateCallbackRequest UpdateCallbackResponse,
        rotate_callback_secret RotateCallbackSecretRequest RotateCallbackSecretResponse,
        list_callback_deliveries ListCallbackDeliveriesRequest ListCallbackDeliveriesResponse;

    async fn verify_whats_app_webhook(
        &self,
        _: tonic::Request<VerifyWhatsAppWebhookRequest>,
    ) -> Answer<VerifyWhatsAppWebhookResponse> {
        Err(Status::permission_denied("another token"))
    }

    async fn receive_whats_app_webhook(
        &self,
        request: tonic::Request<ReceiveWhatsAppWebhookRequest>,
    ) -> Answer<ReceiveWhatsAppWebhookResponse> {
        let request = request.into_inner();
        match (request.signature.as_str(), request.channel_account.as_str()) {
            ("", _) => Err(Status::unauthenticated("missing")),
            ("sha256=wrong", _) => Err(Status::permission_denied("wrong")),
            (_, "half") => Err(Status::unavailable("away")),
            (_, ACCOUNT) => {
                self.whatsapp.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                Ok(ReceiveWhatsAppWebhookResponse::default().into())
            }
            _ => Err(Status::not_found("no such account")),
        }
    }

    async fn receive_direct_webhook(
        &self,
        request: tonic::Request<ReceiveDirectWebhookRequest>,
    ) -> Answer<ReceiveDirectWebhookResponse> {
        let request = request.into_inner();
        match (request.network.as_str(), request.signature.as_str(), request.channel_account.as_str()) {
            (_, "sha256=wrong", _) => Err(Status::unauthenticated("wrong")),
            ("facebook" | "instagram", _, ACCOUNT) => {
                self.direct.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                Ok(ReceiveDirectWebhookResponse::default().into())
            }
            _ => Err(Status::not_found("no such account")),
        }
    }
}
