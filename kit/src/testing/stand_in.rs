//! A stand-in for a neighbour that a service calls.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::{self, Debug, Formatter};
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use prost::Message;
use tonic::Status;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService};
use tonic_prost::ProstCodec;

type Answers = Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// Answers the unary calls that a test gave it an answer for, and refuses every other. `S` is the generated server of the
/// contract, for its name: `StandIn::<NotificationsServiceServer<()>>::default()`.
pub struct StandIn<S> {
    /// By the name of the call.
    answers: HashMap<&'static str, Answers>,
    of: PhantomData<fn() -> S>,
}

impl<S: NamedService> StandIn<S> {
    /// Answers a call such as `CreateNotification`.
    #[must_use]
    pub fn answers<Q, A>(
        mut self,
        call: &'static str,
        answer: impl Fn(Q) -> Result<A, Status> + Send + Sync + 'static,
    ) -> Self
    where
        Q: Message + Default + 'static,
        A: Message + 'static,
    {
        let answer = Arc::new(answer);
        let unary = move |request: Request<Body>| -> BoxFuture<'static, Response<Body>> {
            let answer = Arc::clone(&answer);
            let answer = move |request: tonic::Request<Q>| -> Ready<Result<tonic::Response<A>, Status>> {
                ready(answer(request.into_inner()).map(tonic::Response::new))
            };
            let service = tower::service_fn(answer);
            Box::pin(async move { Grpc::new(ProstCodec::<A, Q>::default()).unary(service, request).await })
        };
        self.answers.insert(call, Arc::new(unary));
        self
    }
}

impl<S: NamedService> NamedService for StandIn<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> tower::Service<Request<Body>> for StandIn<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let name = request.uri().path().rsplit('/').next().unwrap_or_default();
        let Some(answer) = self.answers.get(name) else {
            let refused = Status::unimplemented("not part of the stand-in").into_http();
            return Box::pin(ready(Ok(refused)));
        };
        let answered = answer(request);
        Box::pin(async move { Ok(answered.await) })
    }
}

impl<S> Default for StandIn<S> {
    fn default() -> Self {
        Self { answers: HashMap::new(), of: PhantomData }
    }
}

impl<S> Clone for StandIn<S> {
    fn clone(&self) -> Self {
        Self { answers: self.answers.clone(), of: PhantomData }
    }
}

impl<S> Debug for StandIn<S> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.answers.keys()).finish()
    }
}
