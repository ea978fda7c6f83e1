//! A stand-in for notifications: it keeps what it is asked to send, each request id once, and says of each what the test
//! wants it to say.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use mpp_proto::notifications::v1::{
    CreateNotificationRequest, CreateNotificationResponse, DeliveryStatus, GetNotificationRequest,
    GetNotificationResponse, Notification, recipient,
};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Code, Response, Status};
use tonic_prost::ProstCodec;

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

impl NamedService for Messages {
    const NAME: &'static str = "mpp.notifications.v1.NotificationsService";
}

struct Create(Messages);

impl UnaryService<CreateNotificationRequest> for Create {
    type Response = CreateNotificationResponse;
    type Future = std::future::Ready<Result<Response<Self::Response>, Status>>;

    fn call(&mut self, request: tonic::Request<CreateNotificationRequest>) -> Self::Future {
        std::future::ready(self.0.create(request.into_inner()).map(Response::new))
    }
}

struct Get(Messages);

impl UnaryService<GetNotificationRequest> for Get {
    type Response = GetNotificationResponse;
    type Future = std::future::Ready<Result<Response<Self::Response>, Status>>;

    fn call(&mut self, request: tonic::Request<GetNotificationRequest>) -> Self::Future {
        std::future::ready(self.0.get(&request.into_inner()).map(Response::new))
    }
}

impl tower::Service<http::Request<Body>> for Messages {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let messages = self.clone();
        Box::pin(async move {
            if request.uri().path().ends_with("/CreateNotification") {
                let codec: ProstCodec<CreateNotificationResponse, CreateNotificationRequest> =
                    ProstCodec::default();
                Ok(Grpc::new(codec).unary(Create(messages), request).await)
            } else if request.uri().path().ends_with("/GetNotification") {
                let codec: ProstCodec<GetNotificationResponse, GetNotificationRequest> =
                    ProstCodec::default();
                Ok(Grpc::new(codec).unary(Get(messages), request).await)
            } else {
                Ok(Status::new(Code::Unimplemented, "not part of the stand-in").into_http())
            }
        })
    }
}
