//! A stand-in for identity: it says who holds a role in an area, and nothing while it is away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mpp_kit::testing::StandIn;
use mpp_proto::identity::v1::identity_service_server::IdentityServiceServer;
use mpp_proto::identity::v1::{GetRoleHoldersRequest, GetRoleHoldersResponse, Role};
use tonic::service::Routes;
use tonic::{Code, Status};

#[derive(Default)]
struct Inside {
    /// Accounts by role and area.
    held: BTreeMap<(i32, String), Vec<String>>,
    asked: usize,
    away: bool,
}

#[derive(Clone, Default)]
pub(crate) struct Holders(Arc<Mutex<Inside>>);

impl Holders {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service that it stands in for.
    pub(crate) fn routes(&self) -> Routes {
        let holders = self.clone();
        let service = StandIn::<IdentityServiceServer<()>>::default()
            .answers("GetRoleHolders", move |request| holders.answer(request));
        Routes::new(service)
    }

    /// Answers nothing from now on, or everything again.
    pub(crate) fn is_away(&self, away: bool) {
        self.lock().away = away;
    }

    /// Who holds a role in an area from now on.
    pub(crate) fn are(&self, role: Role, area: &str, accounts: &[&str]) {
        let accounts = accounts.iter().map(|account| (*account).to_owned()).collect();
        self.lock().held.insert((role.into(), area.to_owned()), accounts);
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.lock().asked
    }

    fn answer(&self, request: GetRoleHoldersRequest) -> Result<GetRoleHoldersResponse, Status> {
        let mut inside = self.lock();
        inside.asked += 1;
        if inside.away {
            return Err(Status::new(Code::Unavailable, "away"));
        }
        let accounts = inside.held.get(&(request.role, request.area)).cloned().unwrap_or_default();
        Ok(GetRoleHoldersResponse { accounts })
    }
}
