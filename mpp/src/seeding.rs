//! What a program that fills the suite with data is given: signed-in clients, never a service's internals.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context as _;
use mpp_kit::client::{PeerChannel, Peers};
use mpp_kit::clock::Clock;
use mpp_proto::complaints::v1::complaints_service_client::ComplaintsServiceClient;
use mpp_proto::documents::v1::documents_service_client::DocumentsServiceClient;
use mpp_proto::identity::v1::identity_service_client::IdentityServiceClient;
use mpp_proto::queue::v1::queue_service_client::QueueServiceClient;
use tokio::task::JoinSet;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Status};

/// The identity client of a signed-in caller.
pub type IdentityClient = IdentityServiceClient<InterceptedService<PeerChannel, Bearer>>;

/// The queue client of a signed-in caller.
pub type QueueClient = QueueServiceClient<InterceptedService<PeerChannel, Bearer>>;

/// The documents client of a signed-in caller.
pub type DocumentsClient = DocumentsServiceClient<InterceptedService<PeerChannel, Bearer>>;

/// The complaints client of a signed-in caller.
pub type ComplaintsClient = ComplaintsServiceClient<InterceptedService<PeerChannel, Bearer>>;

/// What the demo needs to fill a suite. The clients act as the system, which may do everything; their token lives a
/// minute and is renewed as long as this is there, for on a slow machine seeding takes longer.
pub struct Seeding<'a> {
    /// Accounts and devices are made through it.
    pub identity: IdentityClient,
    /// The hall is applied and its day opened through it.
    pub queue: QueueClient,
    /// Offices are applied through it.
    pub documents: DocumentsClient,
    /// Agencies and categories of complaints are applied through it.
    pub complaints: ComplaintsClient,
    /// The data directory; `demo-accounts.json` is written there.
    pub data: &'a Path,
    /// Where the suite answers, without a slash at the end: `http://localhost:8080`.
    pub base_url: &'a str,
    /// The clock of the queue.
    pub clock: Arc<dyn Clock>,
    /// Renews the token of the clients.
    #[expect(dead_code, reason = "it ends when this is dropped")]
    pub(crate) renewal: JoinSet<()>,
}

/// A client of documents that signs its calls with `bearer`.
#[must_use]
pub fn documents_client(peers: &Peers, bearer: Bearer) -> DocumentsClient {
    DocumentsServiceClient::with_interceptor(peers.channel(mpp_documents::ROLE), bearer)
}

/// A client of complaints that signs its calls with `bearer`.
#[must_use]
pub fn complaints_client(peers: &Peers, bearer: Bearer) -> ComplaintsClient {
    ComplaintsServiceClient::with_interceptor(peers.channel(mpp_complaints::ROLE), bearer)
}

/// A client of identity that signs its calls with `bearer`.
#[must_use]
pub fn identity_client(peers: &Peers, bearer: Bearer) -> IdentityClient {
    IdentityServiceClient::with_interceptor(peers.channel(mpp_identity::ROLE), bearer)
}

/// A client of the queue that signs its calls with `bearer`.
#[must_use]
pub fn queue_client(peers: &Peers, bearer: Bearer) -> QueueClient {
    QueueServiceClient::with_interceptor(peers.channel(mpp_queue::ROLE), bearer)
}

/// Signs each call, and asks for English: who reads its errors is an operator or a program. Clones sign with the same token.
#[derive(Clone)]
pub struct Bearer(Arc<RwLock<MetadataValue<Ascii>>>);

impl Bearer {
    /// Signs calls with `token`, an access token.
    ///
    /// # Errors
    /// When the token holds characters that a header cannot.
    pub fn new(token: &str) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(RwLock::new(header(token)?))))
    }

    /// Signs later calls with another token.
    ///
    /// # Errors
    /// When the token holds characters that a header cannot.
    pub(crate) fn renew(&self, token: &str) -> anyhow::Result<()> {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = header(token)?;
        Ok(())
    }
}

fn header(token: &str) -> anyhow::Result<MetadataValue<Ascii>> {
    let mut value: MetadataValue<Ascii> =
        format!("Bearer {token}").parse().context("the access token cannot be sent as a header")?;
    value.set_sensitive(true);
    Ok(value)
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let token = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        request.metadata_mut().insert("authorization", token);
        request.metadata_mut().insert("accept-language", MetadataValue::from_static("en"));
        Ok(request)
    }
}
