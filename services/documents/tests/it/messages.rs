//! A stand-in for notifications: it keeps what it is asked to send, each request id once, and refuses everything while it is
//! away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mpp_kit::testing::StandIn;
use mpp_proto::notifications::v1::notifications_service_server::NotificationsServiceServer;
use mpp_proto::notifications::v1::{
    Addresses, CreateNotificationRequest, CreateNotificationResponse, Notification, recipient,
};
use tonic::service::Routes;
use tonic::{Code, Status};

#[derive(Default)]
struct Inside {
    /// In the order in which they came, by request id.
    sent: Vec<CreateNotificationRequest>,
    /// How often each request id came, also in vain.
    asked: BTreeMap<String, usize>,
    away: bool,
}

#[derive(Clone, Default)]
pub(crate) struct Messages(Arc<Mutex<Inside>>);

impl Messages {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service that it stands in for.
    pub(crate) fn routes(&self) -> Routes {
        let messages = self.clone();
        let service = StandIn::<NotificationsServiceServer<()>>::default()
            .answers("CreateNotification", move |request| messages.take(request));
        Routes::new(service)
    }

    /// Takes nothing from now on, or everything again.
    pub(crate) fn is_away(&self, away: bool) {
        self.lock().away = away;
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.lock().asked.values().sum()
    }

    /// Everything it took, oldest first.
    pub(crate) fn all(&self) -> Vec<CreateNotificationRequest> {
        self.lock().sent.clone()
    }

    /// What it took of one type, oldest first.
    pub(crate) fn of_type(&self, message_type: &str) -> Vec<CreateNotificationRequest> {
        self.all().into_iter().filter(|it| it.message_type == message_type).collect()
    }

    fn take(&self, request: CreateNotificationRequest) -> Result<CreateNotificationResponse, Status> {
        let mut inside = self.lock();
        let id = request.request_id.clone();
        *inside.asked.entry(id.clone()).or_default() += 1;
        if inside.away {
            return Err(Status::new(Code::Unavailable, "away"));
        }
        if !inside.sent.iter().any(|it| it.request_id == id) {
            inside.sent.push(request);
        }
        let id = format!("ntf_{id}");
        Ok(CreateNotificationResponse { notification: Some(Notification { id, ..Notification::default() }) })
    }
}

/// The account a message is for; empty for an applicant.
pub(crate) fn account_of(message: &CreateNotificationRequest) -> &str {
    match message.recipient.as_ref().and_then(|it| it.kind.as_ref()) {
        Some(recipient::Kind::AccountId(account)) => account,
        Some(recipient::Kind::Addresses(_)) | None => "",
    }
}

/// The addresses of an applicant.
pub(crate) fn addresses_of(message: &CreateNotificationRequest) -> Addresses {
    match message.recipient.as_ref().and_then(|it| it.kind.clone()) {
        Some(recipient::Kind::Addresses(addresses)) => addresses,
        Some(recipient::Kind::AccountId(_)) | None => Addresses::default(),
    }
}
