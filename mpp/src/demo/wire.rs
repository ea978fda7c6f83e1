//! proto3 JSON of the generated messages, by their descriptors: what the REST API speaks.

use std::sync::LazyLock;

use anyhow::{Context as _, anyhow};
use mpp_proto::{documents, identity, queue};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(mpp_proto::DESCRIPTORS)
        .expect("the build wrote this descriptor set from the contracts")
});

/// A message with the full name of its contract.
pub trait Named: Message + Default {
    /// Such as `mpp.queue.v1.Hall`.
    const NAME: &'static str;
}

macro_rules! named {
    ($package:literal: $($module:ident :: $($name:ident),+;)+) => {$($(
        impl Named for $module::v1::$name {
            const NAME: &'static str = concat!("mpp.", stringify!($module), $package, stringify!($name));
        }
    )+)+};
}

named! { ".v1.":
    queue::Hall, Ticket, Statistics, Event;
    queue::ApplyHallResponse, GetHallResponse;
    queue::IssueTicketResponse, CallNextResponse, CallTicketResponse, RecallTicketResponse, StartTicketResponse,
        FinishTicketResponse, NoShowTicketResponse, RestoreTicketResponse, ParkTicketResponse, ResumeTicketResponse,
        TransferTicketResponse, CancelTicketResponse, UndoCallResponse, ReleaseTicketResponse;
    queue::OpenCounterResponse, PauseCounterResponse, ResumeCounterResponse, CloseCounterResponse, GetCounterResponse;
    queue::OpenDayResponse, CloseDayResponse, StopIntakeResponse, ResumeIntakeResponse;
    queue::GetStatisticsResponse, ListEventsResponse;
    identity::CreateSessionResponse, CreateDeviceSessionResponse, CreateAccountResponse, DisableAccountResponse,
        EnrolDeviceResponse, RevokeDeviceResponse;
    documents::UploadFileResponse, SubmitApplicationResponse, GetApplicationByCodeResponse, CreateDownloadLinkResponse,
        OpenFileLinkResponse;
    documents::ListWorkResponse, GetApplicationResponse, GetDraftResponse, ApproveApplicationResponse,
        SignApplicationsResponse;
    documents::GetVerificationResponse, VerifyFileResponse;
}

/// Reads proto3 JSON; a field that the contract does not know is an error.
///
/// # Errors
/// When the text is no JSON or not of this message; the error names the message and the place.
pub fn from_text<T: Named>(text: &str) -> anyhow::Result<T> {
    let mut json = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(descriptor::<T>()?, &mut json)
        .with_context(|| format!("not the JSON of {}", T::NAME))?;
    json.end().with_context(|| format!("more than the JSON of {}", T::NAME))?;
    message.transcode_to().with_context(|| format!("{} as JSON", T::NAME))
}

/// Writes proto3 JSON; fields with default values are left out.
///
/// # Errors
/// When the message does not fit its contract.
pub fn to_json<T: Named>(message: &T) -> anyhow::Result<serde_json::Value> {
    let mut dynamic = DynamicMessage::new(descriptor::<T>()?);
    dynamic.transcode_from(message).with_context(|| format!("{} as JSON", T::NAME))?;
    Ok(dynamic.serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new())?)
}

fn descriptor<T: Named>() -> anyhow::Result<MessageDescriptor> {
    POOL.get_message_by_name(T::NAME).ok_or_else(|| anyhow!("the contracts hold no {}", T::NAME))
}

#[cfg(test)]
mod tests {
    use mpp_proto::queue::v1::{Ticket, TicketState};

    use super::*;

    #[test]
    fn reads_what_it_writes_and_refuses_what_the_contract_does_not_know() {
        let ticket =
            Ticket { id: "tkt_x".into(), state: TicketState::Called.into(), version: 3, ..Ticket::default() };
        let json = to_json(&ticket).unwrap();
        assert_eq!(json["state"], "TICKET_STATE_CALLED");
        assert_eq!(from_text::<Ticket>(&json.to_string()).unwrap(), ticket);
        assert!(
            from_text::<Ticket>(r#"{"colour": 1}"#).unwrap_err().to_string().contains("mpp.queue.v1.Ticket")
        );
    }
}
