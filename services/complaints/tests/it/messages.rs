//! A stand-in for notifications: it keeps what it is asked to send, each request id once, and says of each what the test
//! wants it to say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mpp_kit::testing::StandIn;
use mpp_proto::notifications::v1::notifications_service_server::NotificationsServiceServer;
use mpp_proto::notifications::v1::{
    CreateNotificationRequest, CreateNotificationResponse, DeliveryStatus, GetNotificationRequest,
    GetNotificationResponse, Notification, recipient,
};
use tonic::service::Routes;
use tonic::{Code, Status};

/// What was asked for, by request id, and what became of it.
type Sent = BTreeMap<String, (CreateNotificationRequest, DeliveryStatus)>;

#[derive(Clone)]
pub(crate) struct Messages {
    sent: Arc<Mutex<Sent>>,
    /// What becomes of what is sent from now on.
    outcome: Arc<Mutex<DeliveryStatus>>,
    /// By which id the author of an answered comment is known; empty while that is not told.
    author: Arc<Mutex<String>>,
    /// While it is away: what it was asked for then.
    away: Arc<Mutex<Option<BTreeSet<String>>>>,
}

impl Messages {
    pub(crate) fn new() -> Self {
        Self {
            sent: Arc::default(),
            outcome: Arc::new(Mutex::new(DeliveryStatus::Delivered)),
            author: Arc::default(),
            away: Arc::default(),
        }
    }

    /// The service that it stands in for.
    pub(crate) fn routes(&self) -> Routes {
        let (creating, getting) = (self.clone(), self.clone());
        let service = StandIn::<NotificationsServiceServer<()>>::default()
            .answers("CreateNotification", move |request| creating.create(request))
            .answers("GetNotification", move |request| getting.get(&request));
        Routes::new(service)
    }

    /// By which id the author of each comment that is answered from now on is known.
    pub(crate) fn author_is(&self, user: &str) {
        user.clone_into(&mut self.author.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes nothing from now on.
    pub(crate) fn go_away(&self) {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = Some(BTreeSet::new());
    }

    /// The request ids that it was asked for in vain.
    pub(crate) fn asked_in_vain(&self) -> BTreeSet<String> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    /// Takes everything again.
    pub(crate) fn come_back(&self) {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn lock(&self) -> MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn become_of_next(&self, status: DeliveryStatus) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }

    /// Everything now waiting arrives.
    pub(crate) fn deliver_all(&self) {
        self.become_of_next(DeliveryStatus::Delivered);
        self.lock().values_mut().for_each(|it| it.1 = DeliveryStatus::Delivered);
    }

    /// One of those that were asked for arrives.
    pub(crate) fn deliver(&self, request_id: &str) {
        if let Some(sent) = self.lock().get_mut(request_id) {
            sent.1 = DeliveryStatus::Delivered;
        }
    }

    /// What was asked for, of one type.
    pub(crate) fn of_type(&self, message_type: &str) -> Vec<CreateNotificationRequest> {
        self.lock().values().map(|it| it.0.clone()).filter(|it| it.message_type == message_type).collect()
    }

    /// Everything that was asked for, as text: what must hold no name.
    pub(crate) fn all(&self) -> Vec<CreateNotificationRequest> {
        self.lock().values().map(|it| it.0.clone()).collect()
    }

    fn create(&self, request: CreateNotificationRequest) -> Result<CreateNotificationResponse, Status> {
        if let Some(asked) = self.away.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            asked.insert(request.request_id);
            return Err(Status::new(Code::Unavailable, "away"));
        }
        let status = *self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        let id = format!("ntf_{}", request.request_id);
        self.lock().entry(request.request_id.clone()).or_insert((request, status));
        Ok(CreateNotificationResponse { notification: Some(Notification { id, ..Notification::default() }) })
    }

    fn get(&self, request: &GetNotificationRequest) -> Result<GetNotificationResponse, Status> {
        let id = request.notification.trim_start_matches("ntf_");
        let sent = self.lock().get(id).cloned();
        let (sent, status) = sent.ok_or_else(|| Status::new(Code::NotFound, "no such notification"))?;
        let comment = match sent.recipient.and_then(|it| it.kind) {
            Some(recipient::Kind::Addresses(it)) => it.direct.is_some_and(|it| !it.comment.is_empty()),
            Some(recipient::Kind::AccountId(_)) | None => false,
        };
        let author = self.author.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let notification = Notification {
            id: request.notification.clone(),
            status: status.into(),
            direct_user: if comment { author } else { String::new() },
            ..Notification::default()
        };
        Ok(GetNotificationResponse { notification: Some(notification) })
    }
}
