//! `ListNotifications`: of a reference or an account, newest first; to a service that sends, its own.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::notifications::v1::{ListNotificationsRequest, ListNotificationsResponse};

use super::plan::Loaded;
use super::{Core, access, convert};
use crate::error::Error;
use crate::store::{address, notification, step};

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ListNotificationsRequest,
) -> Result<ListNotificationsResponse, Error> {
    let mut checker = Checker::new();
    if request.reference.is_empty() && request.account.is_empty() {
        checker.violation("reference", "REQUIRED", "isi rujukan atau akun", "give a reference or an account");
    }
    checker.finish()?;
    let size = page_size(request.page_size, 50, 200)?;
    let by = access::sender(caller);
    let filter = format!("notifications about {} to {} by {by:?}", request.reference, request.account);
    let before = PageToken::decode(&request.page_token, &filter)?;
    let db = &core.db.read;
    let of = (request.reference.as_str(), request.account.as_str(), by);
    let limit = u64::from(size) + 1;
    let mut found = notification::list(db, &core.cipher, of, before.as_deref(), limit).await?;
    let next_page_token = cut(&mut found, size, &filter, |last| last.id.to_string());
    let ids: Vec<_> = found.iter().map(|notification| notification.id).collect();
    let mut steps = step::of_all(db, &ids).await?;
    let failing = address::failing(db, steps.values().flatten().map(|step| step.address.as_str())).await?;
    let notifications = found.into_iter().map(|notification| {
        let loaded = Loaded { steps: steps.remove(&notification.id).unwrap_or_default(), notification };
        let failing = loaded.steps.iter().any(|step| failing.contains(&step.address));
        convert::notification(&loaded, failing, &[])
    });
    let notifications = notifications.collect();
    Ok(ListNotificationsResponse { notifications, next_page_token })
}
