//! What a program that fills the suite with data is given: signed-in clients, never a service's internals.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use mpp_kit::client::{PeerChannel, Peers};
use mpp_kit::clock::Clock;
use mpp_proto::complaints::v1::complaints_service_client::ComplaintsServiceClient;
use mpp_proto::documents::v1::documents_service_client::DocumentsServiceClient;
use mpp_proto::identity::v1::identity_service_client::IdentityServiceClient;
use mpp_proto::queue::v1::queue_service_client::QueueServiceClient;
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

/// What the demo needs to fill a suite. The clients act as the system, which may do everything; their token lives
/// ten minutes, which is far longer than seeding takes.
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
}

/// A client of documents that acts as the holder of `token`.
///
/// # Errors
/// When the token holds characters that a header cannot.
pub fn documents_client(peers: &Peers, token: &str) -> anyhow::Result<DocumentsClient> {
    Ok(DocumentsServiceClient::with_interceptor(peers.channel(mpp_documents::ROLE), Bearer::new(token)?))
}

/// A client of complaints that acts as the holder of `token`.
///
/// # Errors
/// When the token holds characters that a header cannot.
pub fn complaints_client(peers: &Peers, token: &str) -> anyhow::Result<ComplaintsClient> {
    Ok(ComplaintsServiceClient::with_interceptor(peers.channel(mpp_complaints::ROLE), Bearer::new(token)?))
}

/// A client of identity that acts as the holder of `token`.
///
/// # Errors
/// When the token holds characters that a header cannot.
pub fn identity_client(peers: &Peers, token: &str) -> anyhow::Result<IdentityClient> {
    Ok(IdentityServiceClient::with_interceptor(peers.channel(mpp_identity::ROLE), Bearer::new(token)?))
}

/// A client of the queue that acts as the holder of `token`.
///
/// # Errors
/// When the token holds characters that a header cannot.
pub fn queue_client(peers: &Peers, token: &str) -> anyhow::Result<QueueClient> {
    Ok(QueueServiceClient::with_interceptor(peers.channel(mpp_queue::ROLE), Bearer::new(token)?))
}

/// Signs each call, and asks for English: who reads its errors is an operator or a program.
#[derive(Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Bearer {
    /// Signs calls with `token`, an access token.
    ///
    /// # Errors
    /// When the token holds characters that a header cannot.
    pub fn new(token: &str) -> anyhow::Result<Self> {
        let mut value: MetadataValue<Ascii> =
            format!("Bearer {token}").parse().context("the access token cannot be sent as a header")?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        request.metadata_mut().insert("accept-language", MetadataValue::from_static("en"));
        Ok(request)
    }
}
