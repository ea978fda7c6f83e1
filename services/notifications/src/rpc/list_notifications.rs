//! `ListNotifications`: of a reference or an account, newest first.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::notifications::v1::{ListNotificationsRequest, ListNotificationsResponse};

use super::plan::Loaded;
use super::{Core, convert};
use crate::error::Error;
use crate::store::{notification, step};

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: ListNotificationsRequest,
) -> Result<ListNotificationsResponse, Error> {
    let mut checker = Checker::new();
    if request.reference.is_empty() && request.account.is_empty() {
        checker.violation("reference", "REQUIRED", "isi rujukan atau akun", "give a reference or an account");
    }
    checker.finish()?;
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("notifications about {} to {}", request.reference, request.account);
    let before = PageToken::decode(&request.page_token, &filter)?;
    let db = &core.db.read;
    let of = (request.reference.as_str(), request.account.as_str());
    let limit = u64::from(size) + 1;
    let mut found = notification::list(db, &core.cipher, of, before.as_deref(), limit).await?;
    let next_page_token = cut(&mut found, size, &filter, |last| last.id.to_string());
    let mut notifications = Vec::new();
    for notification in found {
        let loaded = Loaded { steps: step::of(db, notification.id).await?, notification };
        let failing = core.is_failing(db, &loaded).await?;
        notifications.push(convert::notification(&loaded, failing, &[]));
    }
    Ok(ListNotificationsResponse { notifications, next_page_token })
}
