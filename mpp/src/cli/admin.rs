//! `mpp user` and `mpp device`: the first administrator, and what is easier from a terminal than from a page. They work
//! on the database directly, with or without a running server, through the same client and checks as everybody.

use std::io::BufRead as _;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use mpp_proto::identity::v1::{
    CreateAccountRequest, DeviceKind, DisableAccountRequest, EnrolDeviceRequest, Grant, RevokeDeviceRequest,
    Role,
};
use rand::seq::IndexedRandom as _;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::print;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::office::Office;

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Adds a staff account. Prints its password once, unless it is given on standard input.
    Add(Box<NewUser>),
    /// Disables a staff account and ends its sessions.
    Disable {
        /// Its username or id.
        username: String,
    },
}

#[derive(Args)]
pub(super) struct NewUser {
    /// Name for signing in: lower-case letters, digits, ".", "-", "_". Never a NIK.
    #[arg(long)]
    username: String,
    /// What the account may do.
    #[arg(long, value_enum)]
    role: RoleChoice,
    /// The name colleagues know the person by [default: the username].
    #[arg(long)]
    display_name: Option<String>,
    /// Id of the hall it holds in; none for every hall.
    #[arg(long, default_value = "")]
    hall: String,
    /// Id of the agency it holds for; none for every agency.
    #[arg(long, default_value = "")]
    agency: String,
    /// Id of a counter it holds at; may be repeated; none for every counter of the agency.
    #[arg(long)]
    counter: Vec<String>,
    /// Area it holds in, for those who work on letters: a region code such as 17.07.05.2003, with RW and RT as in
    /// 17.07.05.2003/002/005, or an agency such as 17.07/dinkes.
    #[arg(long, default_value = "")]
    area: String,
    /// First moment it no longer holds, such as 2026-12-31T17:00:00Z; none for never.
    #[arg(long, value_name = "TIME")]
    valid_to: Option<DateTime<Utc>>,
    /// Reads the password from the first line of standard input.
    #[arg(long)]
    password_stdin: bool,
}

/// Roles of people and of systems.
#[derive(Clone, Copy, ValueEnum)]
enum RoleChoice {
    Reception,
    Counter,
    AgencySupervisor,
    HallManager,
    Analyst,
    Auditor,
    Admin,
    RtHead,
    RwHead,
    VillageOfficer,
    VillageSecretary,
    VillageHead,
    SubDistrictOfficer,
    SubDistrictHead,
    AgencyOfficer,
    AgencyHead,
    LetterEditor,
    Integrator,
    ComplaintDesk,
    ComplaintCoordinator,
    ComplaintAdmin,
    RegionalSecretary,
    RegionalHead,
    Inspector,
    NotificationSender,
}

impl From<RoleChoice> for Role {
    fn from(choice: RoleChoice) -> Self {
        match choice {
            RoleChoice::Reception => Self::Reception,
            RoleChoice::Counter => Self::Counter,
            RoleChoice::AgencySupervisor => Self::AgencySupervisor,
            RoleChoice::HallManager => Self::HallManager,
            RoleChoice::Analyst => Self::Analyst,
            RoleChoice::Auditor => Self::Auditor,
            RoleChoice::Admin => Self::Admin,
            RoleChoice::RtHead => Self::RtHead,
            RoleChoice::RwHead => Self::RwHead,
            RoleChoice::VillageOfficer => Self::VillageOfficer,
            RoleChoice::VillageSecretary => Self::VillageSecretary,
            RoleChoice::VillageHead => Self::VillageHead,
            RoleChoice::SubDistrictOfficer => Self::SubDistrictOfficer,
            RoleChoice::SubDistrictHead => Self::SubDistrictHead,
            RoleChoice::AgencyOfficer => Self::AgencyOfficer,
            RoleChoice::AgencyHead => Self::AgencyHead,
            RoleChoice::LetterEditor => Self::LetterEditor,
            RoleChoice::Integrator => Self::Integrator,
            RoleChoice::ComplaintDesk => Self::ComplaintDesk,
            RoleChoice::ComplaintCoordinator => Self::ComplaintCoordinator,
            RoleChoice::ComplaintAdmin => Self::ComplaintAdmin,
            RoleChoice::RegionalSecretary => Self::RegionalSecretary,
            RoleChoice::RegionalHead => Self::RegionalHead,
            RoleChoice::Inspector => Self::Inspector,
            RoleChoice::NotificationSender => Self::NotificationSender,
        }
    }
}

#[derive(Subcommand)]
pub(super) enum DeviceCommand {
    /// Enrols a kiosk or board and prints its key, which cannot be shown again.
    Enrol {
        /// What it is.
        #[arg(long, value_enum)]
        kind: KindChoice,
        /// Id of the hall where it stands.
        #[arg(long)]
        hall: String,
        /// Where it stands, for people: "Kiosk pintu utara".
        #[arg(long)]
        label: String,
    },
    /// Revokes a device: its key and its sessions end.
    Revoke {
        /// Its id.
        device: String,
    },
}

/// Kinds of devices.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum KindChoice {
    Kiosk,
    Board,
}

pub(super) async fn user(config: &Config, command: UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::Add(new) => add_user(config, *new).await,
        UserCommand::Disable { username } => {
            let mut office = Office::open(config).await?;
            let request = DisableAccountRequest { request_id: request_id(), account: username };
            let account = office
                .identity
                .disable_account(request)
                .await
                .map_err(|status| refused(&status))?
                .into_inner()
                .account;
            print(&format!("{} is disabled", account.unwrap_or_default().username))
        }
    }
}

async fn add_user(config: &Config, new: NewUser) -> Result<(), Failure> {
    let (password, generated) =
        if new.password_stdin { (read_password()?, false) } else { (generate_password(), true) };
    let mut office = Office::open(config).await?;
    let grant = Grant {
        role: Role::from(new.role).into(),
        hall_id: new.hall,
        agency_id: new.agency,
        counter_ids: new.counter,
        area: new.area,
        valid_from: None,
        valid_to: new.valid_to.map(|time| prost_types::Timestamp { seconds: time.timestamp(), nanos: 0 }),
    };
    let request = CreateAccountRequest {
        request_id: request_id(),
        display_name: new.display_name.unwrap_or_else(|| new.username.clone()),
        username: new.username,
        password: password.clone(),
        grants: vec![grant],
    };
    let account = office
        .identity
        .create_account(request)
        .await
        .map_err(|status| refused(&status))?
        .into_inner()
        .account;
    let account = account.unwrap_or_default();
    print(&format!("{} ({}) is added", account.username, account.id))?;
    if generated { print(&format!("password: {password}\nIt is shown only this once.")) } else { Ok(()) }
}

pub(super) async fn device(config: &Config, command: DeviceCommand) -> Result<(), Failure> {
    let mut office = Office::open(config).await?;
    match command {
        DeviceCommand::Enrol { kind, hall, label } => {
            let kind = match kind {
                KindChoice::Kiosk => DeviceKind::Kiosk,
                KindChoice::Board => DeviceKind::Board,
            };
            let request =
                EnrolDeviceRequest { request_id: request_id(), kind: kind.into(), hall_id: hall, label };
            let answer =
                office.identity.enrol_device(request).await.map_err(|status| refused(&status))?.into_inner();
            let id = answer.device.unwrap_or_default().id;
            print(&format!("{id} is enrolled\nkey: {}\nIt is shown only this once.", answer.device_key))
        }
        DeviceCommand::Revoke { device } => {
            let request = RevokeDeviceRequest { request_id: request_id(), device };
            let answer =
                office.identity.revoke_device(request).await.map_err(|status| refused(&status))?.into_inner();
            print(&format!("{} is revoked", answer.device.unwrap_or_default().id))
        }
    }
}

/// A fresh request id: each run of a command is a request of its own.
pub(super) fn request_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A refusal as a sentence: the message and every field that is wrong.
pub(super) fn refused(status: &Status) -> Failure {
    let details = status.get_error_details();
    let mut sentence =
        details.localized_message().map_or_else(|| status.message().to_owned(), |it| it.message.clone());
    for violation in details.bad_request().map(|it| it.field_violations.as_slice()).unwrap_or_default() {
        sentence.push_str(&format!(" {}: {};", violation.field, violation.description));
    }
    let exit = match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted => Exit::Unavailable,
        Code::Internal | Code::Unknown | Code::DataLoss | Code::Unimplemented => Exit::Software,
        Code::Ok
        | Code::Cancelled
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unauthenticated => Exit::Data,
    };
    Failure::new(exit, sentence.trim_end_matches(';'))
}

fn read_password() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::new(Exit::Usage, format!("no password on standard input: {error}")))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            "no password on standard input: give it as the first line, or leave out --password-stdin",
        ));
    }
    Ok(password.to_owned())
}

/// Twenty characters that are not mistaken for each other when read aloud: about 98 bits.
fn generate_password() -> String {
    const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let mut random = rand::rng();
    (0..20).filter_map(|_| ALPHABET.choose(&mut random)).map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_passwords_are_long_and_differ() {
        let (one, two) = (generate_password(), generate_password());
        assert_eq!(one.len(), 20);
        assert_ne!(one, two);
    }
}
