//! `ListInbox`: the caller's own list, newest first.

use mpp_kit::caller::Caller;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::notifications::v1::{InboxAction, InboxItem, ListInboxRequest, ListInboxResponse};

use super::{Core, convert};
use crate::error::Error;
use crate::store::inbox::{self, Item};

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ListInboxRequest,
) -> Result<ListInboxResponse, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("inbox of {}, unread {}", caller.id, request.unread);
    let before = PageToken::decode(&request.page_token, &filter)?;
    let (db, limit) = (&core.db.read, u64::from(size) + 1);
    let of = (caller.id.as_str(), request.unread);
    let mut found = inbox::list(db, &core.cipher, of, before.as_deref(), limit).await?;
    let next_page_token = cut(&mut found, size, &filter, |last| last.id.to_string());
    let unread = inbox::unread(db, &caller.id).await?;
    Ok(ListInboxResponse {
        items: found.iter().map(|item| core.inbox_message(item)).collect(),
        next_page_token,
        unread_count: i64::try_from(unread).unwrap_or(i64::MAX),
    })
}

impl Core {
    /// A message of a list for the wire.
    pub(super) fn inbox_message(&self, item: &Item) -> InboxItem {
        InboxItem {
            id: item.id.to_string(),
            notification_id: item.notification.clone(),
            reference: item.reference.clone(),
            subject: item.text.subject.clone(),
            body: item.text.body.clone(),
            actions: item
                .text
                .actions
                .iter()
                .map(|action| InboxAction {
                    key: action.key.clone(),
                    label: action.label.clone(),
                    token: self.link_token(action.link),
                })
                .collect(),
            create_time: Some(convert::timestamp(item.created_at)),
            read_time: item.read_at.map(convert::timestamp),
        }
    }
}
