//! `ListDocumentJournal`: who did what to one thing, oldest first.

use mpp_kit::caller::Caller;
use mpp_kit::fault::Problem;
use mpp_kit::journal;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::documents::v1::{
    DocumentJournalEntry, ListDocumentJournalRequest, ListDocumentJournalResponse,
};
use tonic::Response;

use super::access::Areas;
use super::{Core, convert};
use crate::error::Error;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ListDocumentJournalRequest,
) -> Result<Response<ListDocumentJournalResponse>, Error> {
    // The journal is of the whole installation: who audits one area only asks its offices.
    if Areas::of(caller, "documents.audit") != Areas::Everywhere {
        return Err(Problem::denied().into());
    }
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("journal of {}", request.subject);
    let after =
        PageToken::decode(&request.page_token, &filter)?.and_then(|seq| seq.parse().ok()).unwrap_or(0);
    let subject = Some(request.subject.as_str()).filter(|subject| !subject.is_empty());
    let mut found = journal::read(&core.db.read, subject, after, u64::from(size) + 1).await?;
    let next_page_token = cut(&mut found, size, &filter, |last| last.seq.to_string());
    Ok(Response::new(ListDocumentJournalResponse {
        next_page_token,
        entries: found
            .into_iter()
            .map(|recorded| DocumentJournalEntry {
                number: recorded.seq,
                time: Some(convert::timestamp(recorded.entry.at)),
                who: recorded.entry.who,
                what: recorded.entry.what,
                subject: recorded.entry.subject,
                from_state: recorded.entry.from.unwrap_or_default(),
                to_state: recorded.entry.to.unwrap_or_default(),
                detail: recorded.entry.detail,
            })
            .collect(),
    }))
}
