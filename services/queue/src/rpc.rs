//! The RPCs, one file each: parse, load, decide, answer. Verbs that differ only in what they ask of the rules share one.
//!
//! A handler says nothing about who may call it: the contract's permission was checked before. What it checks is the
//! scope of the thing it loads ([`access`]).

mod access;
mod apply_hall;
mod call_next;
mod call_ticket;
pub(crate) mod convert;
mod counter_verbs;
mod day_verbs;
mod get_board;
mod get_control_room;
mod get_counter;
mod get_hall;
mod get_site_code;
mod get_statistics;
mod get_ticket;
mod get_ticket_by_token;
mod input;
mod intake_verbs;
mod issue_onsite_ticket;
mod issue_ticket;
mod list_events;
mod list_halls;
mod list_onsite_services;
mod list_services;
mod list_tickets;
mod page;
mod phone;
mod preview_next;
mod site_code;
mod ticket_verbs;
mod views;
mod watch;
mod watch_board;
mod watch_control_room;
mod watch_counter;
mod watch_ticket;

#[cfg(test)]
mod samples;
#[cfg(test)]
pub(crate) mod tests;

use mpp_kit::caller::Caller;
use mpp_kit::fault::Fault as _;
use mpp_proto::queue::v1 as proto;
use mpp_proto::queue::v1::queue_service_server::{QueueService, QueueServiceServer};
use tonic::{Request, Response, Status};

use crate::hall::Halls;

/// The queue service as tonic serves it.
#[must_use]
pub fn service(halls: Halls) -> QueueServiceServer<impl QueueService> {
    QueueServiceServer::new(Rpcs(halls))
}

struct Rpcs(Halls);

/// Writes one method per RPC: it finds the caller, hands over to the file of the RPC, and says what went wrong in the
/// caller's language.
macro_rules! rpcs {
    (
        answers { $($name:ident($request:ident) -> $response:ident: $handler:path;)* }
        streams { $($watch:ident($asked:ident) -> $stream:ident of $frame:ident: $watcher:path;)* }
    ) => {
        #[tonic::async_trait]
        impl QueueService for Rpcs {
            $(async fn $name(&self, request: Request<proto::$request>) -> Result<Response<proto::$response>, Status> {
                let caller = Caller::shared(&request);
                let outcome = $handler(&self.0, &caller, request.into_inner()).await;
                outcome.map(Response::new).map_err(|error| error.problem().into_status(caller.language))
            })*
            $(type $stream = watch::Frames<proto::$frame>;

            async fn $watch(&self, request: Request<proto::$asked>) -> Result<Response<Self::$stream>, Status> {
                let caller = Caller::shared(&request);
                let outcome = $watcher(&self.0, &caller, request.into_inner()).await;
                outcome.map(Response::new).map_err(|error| error.problem().into_status(caller.language))
            })*
        }
    };
}

rpcs! {
    answers {
        list_halls(ListHallsRequest) -> ListHallsResponse: list_halls::handle;
        get_hall(GetHallRequest) -> GetHallResponse: get_hall::handle;
        apply_hall(ApplyHallRequest) -> ApplyHallResponse: apply_hall::handle;
        list_services(ListServicesRequest) -> ListServicesResponse: list_services::handle;
        issue_ticket(IssueTicketRequest) -> IssueTicketResponse: issue_ticket::handle;
        get_site_code(GetSiteCodeRequest) -> GetSiteCodeResponse: get_site_code::handle;
        list_onsite_services(ListOnsiteServicesRequest) -> ListOnsiteServicesResponse: list_onsite_services::handle;
        issue_onsite_ticket(IssueOnsiteTicketRequest) -> IssueOnsiteTicketResponse: issue_onsite_ticket::handle;
        list_tickets(ListTicketsRequest) -> ListTicketsResponse: list_tickets::handle;
        get_ticket(GetTicketRequest) -> GetTicketResponse: get_ticket::handle;
        get_ticket_by_token(GetTicketByTokenRequest) -> GetTicketByTokenResponse: get_ticket_by_token::handle;
        get_counter(GetCounterRequest) -> GetCounterResponse: get_counter::handle;
        open_counter(OpenCounterRequest) -> OpenCounterResponse: counter_verbs::open;
        pause_counter(PauseCounterRequest) -> PauseCounterResponse: counter_verbs::pause;
        resume_counter(ResumeCounterRequest) -> ResumeCounterResponse: counter_verbs::resume;
        close_counter(CloseCounterRequest) -> CloseCounterResponse: counter_verbs::close;
        call_next(CallNextRequest) -> CallNextResponse: call_next::handle;
        call_ticket(CallTicketRequest) -> CallTicketResponse: call_ticket::handle;
        preview_next(PreviewNextRequest) -> PreviewNextResponse: preview_next::handle;
        recall_ticket(RecallTicketRequest) -> RecallTicketResponse: ticket_verbs::recall;
        start_ticket(StartTicketRequest) -> StartTicketResponse: ticket_verbs::start;
        finish_ticket(FinishTicketRequest) -> FinishTicketResponse: ticket_verbs::finish;
        no_show_ticket(NoShowTicketRequest) -> NoShowTicketResponse: ticket_verbs::no_show;
        restore_ticket(RestoreTicketRequest) -> RestoreTicketResponse: ticket_verbs::restore;
        park_ticket(ParkTicketRequest) -> ParkTicketResponse: ticket_verbs::park;
        resume_ticket(ResumeTicketRequest) -> ResumeTicketResponse: ticket_verbs::resume;
        transfer_ticket(TransferTicketRequest) -> TransferTicketResponse: ticket_verbs::transfer;
        cancel_ticket(CancelTicketRequest) -> CancelTicketResponse: ticket_verbs::cancel;
        void_ticket(VoidTicketRequest) -> VoidTicketResponse: ticket_verbs::void;
        undo_call(UndoCallRequest) -> UndoCallResponse: ticket_verbs::undo_call;
        release_ticket(ReleaseTicketRequest) -> ReleaseTicketResponse: ticket_verbs::release;
        get_board(GetBoardRequest) -> GetBoardResponse: get_board::handle;
        get_control_room(GetControlRoomRequest) -> GetControlRoomResponse: get_control_room::handle;
        open_day(OpenDayRequest) -> OpenDayResponse: day_verbs::open;
        close_day(CloseDayRequest) -> CloseDayResponse: day_verbs::close;
        stop_intake(StopIntakeRequest) -> StopIntakeResponse: intake_verbs::stop;
        resume_intake(ResumeIntakeRequest) -> ResumeIntakeResponse: intake_verbs::resume;
        get_statistics(GetStatisticsRequest) -> GetStatisticsResponse: get_statistics::handle;
        list_events(ListEventsRequest) -> ListEventsResponse: list_events::handle;
    }
    streams {
        watch_ticket(WatchTicketRequest) -> WatchTicketStream of WatchTicketResponse: watch_ticket::handle;
        watch_counter(WatchCounterRequest) -> WatchCounterStream of WatchCounterResponse: watch_counter::handle;
        watch_board(WatchBoardRequest) -> WatchBoardStream of WatchBoardResponse: watch_board::handle;
        watch_control_room(WatchControlRoomRequest) -> WatchControlRoomStream of WatchControlRoomResponse: watch_control_room::handle;
    }
}
