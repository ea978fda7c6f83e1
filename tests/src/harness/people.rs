//! The people and devices of a test hall: one account or key per persona.

use std::collections::BTreeMap;

use anyhow::Context as _;
use mpp::seeding::IdentityClient;
use mpp_proto::identity::v1::{CreateAccountRequest, DeviceKind, EnrolDeviceRequest, Grant, Role};
use mpp_proto::queue::v1::Hall;

use super::hall;
use super::rest::Api;

/// Password of every test account.
pub const PASSWORD: &str = "kata-sandi-uji-yang-panjang";

/// Whom a test acts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Persona {
    /// Not signed in.
    Anonymous,
    /// Administrator of the installation.
    Admin,
    /// Manager of the hall.
    Manager,
    /// Supervisor of agency ALFA.
    SupervisorAlfa,
    /// Supervisor of agency BETA.
    SupervisorBeta,
    /// Staff of counter 1, agency ALFA.
    Counter1,
    /// Staff of counter 2, agency ALFA.
    Counter2,
    /// Staff of counter 3, agency BETA.
    Counter3,
    /// Staff of counter 4, agency BETA.
    Counter4,
    /// The reception desk.
    Reception,
    /// Reads statistics.
    Analyst,
    /// Reads statistics and the event log.
    Auditor,
    /// A kiosk.
    Kiosk,
    /// A board.
    Board,
}

impl Persona {
    /// Everybody who signs in with a password.
    pub const STAFF: [Self; 11] = [
        Self::Admin,
        Self::Manager,
        Self::SupervisorAlfa,
        Self::SupervisorBeta,
        Self::Counter1,
        Self::Counter2,
        Self::Counter3,
        Self::Counter4,
        Self::Reception,
        Self::Analyst,
        Self::Auditor,
    ];

    /// Username of the account; empty for who has none.
    #[must_use]
    pub const fn username(self) -> &'static str {
        match self {
            Self::Anonymous | Self::Kiosk | Self::Board => "",
            Self::Admin => "admin",
            Self::Manager => "manajer",
            Self::SupervisorAlfa => "penyelia-alfa",
            Self::SupervisorBeta => "penyelia-beta",
            Self::Counter1 => "loket-1",
            Self::Counter2 => "loket-2",
            Self::Counter3 => "loket-3",
            Self::Counter4 => "loket-4",
            Self::Reception => "resepsionis",
            Self::Analyst => "analis",
            Self::Auditor => "auditor",
        }
    }

    /// The one grant of the persona in `hall`; `None` for who has no account.
    #[must_use]
    pub fn grant(self, hall: &Hall) -> Option<Grant> {
        let bound = |role: Role, agency: &str, counter: &str| Grant {
            role: role.into(),
            hall_id: hall.id.clone(),
            agency_id: if agency.is_empty() {
                String::new()
            } else {
                hall::agency_id(hall, agency).to_owned()
            },
            counter_ids: if counter.is_empty() {
                vec![]
            } else {
                vec![hall::counter_id(hall, counter).to_owned()]
            },
            ..Grant::default()
        };
        match self {
            Self::Anonymous | Self::Kiosk | Self::Board => None,
            Self::Admin => Some(Grant { role: Role::Admin.into(), ..Grant::default() }),
            Self::Manager => Some(bound(Role::HallManager, "", "")),
            Self::SupervisorAlfa => Some(bound(Role::AgencySupervisor, "ALFA", "")),
            Self::SupervisorBeta => Some(bound(Role::AgencySupervisor, "BETA", "")),
            Self::Counter1 => Some(bound(Role::Counter, "ALFA", "1")),
            Self::Counter2 => Some(bound(Role::Counter, "ALFA", "2")),
            Self::Counter3 => Some(bound(Role::Counter, "BETA", "3")),
            Self::Counter4 => Some(bound(Role::Counter, "BETA", "4")),
            Self::Reception => Some(bound(Role::Reception, "", "")),
            Self::Analyst => Some(bound(Role::Analyst, "", "")),
            Self::Auditor => Some(bound(Role::Auditor, "", "")),
        }
    }
}

/// The accounts and devices of a hall, and who is signed in already.
#[derive(Debug, Default)]
pub struct People {
    /// Key of the kiosk.
    pub kiosk_key: String,
    /// Key of the board.
    pub board_key: String,
    tokens: tokio::sync::Mutex<BTreeMap<Persona, String>>,
}

impl People {
    /// Makes every account and both devices.
    ///
    /// # Errors
    /// When identity refuses.
    pub async fn create(mut identity: IdentityClient, hall: &Hall) -> anyhow::Result<Self> {
        for persona in Persona::STAFF {
            let request = CreateAccountRequest {
                request_id: format!("harness-{}", persona.username()),
                username: persona.username().to_owned(),
                display_name: format!("Uji {persona:?}"),
                password: PASSWORD.to_owned(),
                grants: persona.grant(hall).into_iter().collect(),
            };
            identity.create_account(request).await.with_context(|| format!("{persona:?}"))?;
        }
        let mut keys = Vec::new();
        for kind in [DeviceKind::Kiosk, DeviceKind::Board] {
            let request = EnrolDeviceRequest {
                request_id: format!("harness-{}", kind.as_str_name()),
                kind: kind.into(),
                hall_id: hall.id.clone(),
                label: "Perangkat uji".to_owned(),
            };
            keys.push(identity.enrol_device(request).await?.into_inner().device_key);
        }
        let [kiosk_key, board_key] =
            <[String; 2]>::try_from(keys).map_err(|_| anyhow::anyhow!("two devices"))?;
        Ok(Self { kiosk_key, board_key, tokens: tokio::sync::Mutex::default() })
    }

    /// A client that acts as `persona`. Signs in once; later clients reuse the token, which outlives a test.
    pub async fn api(&self, anonymous: &Api, persona: Persona) -> Api {
        let mut tokens = self.tokens.lock().await;
        if let Some(token) = tokens.get(&persona) {
            return anonymous.with_token(token);
        }
        let api = if Persona::STAFF.contains(&persona) {
            anonymous.sign_in(persona.username(), PASSWORD).await
        } else if persona == Persona::Anonymous {
            return anonymous.clone();
        } else {
            let key = if persona == Persona::Kiosk { &self.kiosk_key } else { &self.board_key };
            anonymous.sign_in_device(key).await
        };
        if let Some(token) = api.token() {
            tokens.insert(persona, token.to_owned());
        }
        api
    }
}
