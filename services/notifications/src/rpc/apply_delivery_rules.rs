//! `ApplyDeliveryRules`: one document, applied whole. What waits already follows the new rules when its turn comes.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::idempotency::fingerprint;
use mpp_proto::notifications::v1::{self as proto, ApplyDeliveryRulesRequest, ApplyDeliveryRulesResponse};

use super::create_notification::account;
use super::{Core, check_version, convert, record};
use crate::domain::rules::{QuietHours, Rules, Zone, time_of_day};
use crate::error::Error;
use crate::store::rules;

const METHOD: &str = "mpp.notifications.v1.NotificationsService/ApplyDeliveryRules";
/// The most rows of each kind.
const MOST: usize = 100;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ApplyDeliveryRulesRequest,
) -> Result<ApplyDeliveryRulesResponse, Error> {
    let next = parse(&request.rules.clone().unwrap_or_default())?;
    let (print, request_id) = (fingerprint(&request), request.request_id.as_str());
    let (request, next) = (&request, &next);
    core.once(caller, METHOD, (&print, request_id), |tx, now| async move {
        let (_, has) = rules::get(&*tx).await?;
        check_version(request.version, has)?;
        if !rules::save(&tx, next, has + 1).await? {
            return Err(Error::Stale { version: has + 1 });
        }
        let what = (caller.id.as_str(), "delivery_rules.applied", "delivery_rules");
        let detail = serde_json::json!({ "version": has + 1 });
        record(&tx, what, (None, None), detail, request_id, now).await?;
        Ok(ApplyDeliveryRulesResponse { rules: Some(convert::rules(next, has + 1)) })
    })
    .await
}

fn parse(given: &proto::DeliveryRules) -> Result<Rules, Error> {
    let mut checker = Checker::new();
    let zone = given.time_zone.parse::<Zone>().unwrap_or_else(|_| {
        checker.violation(
            "rules.time_zone",
            "UNKNOWN_VALUE",
            "isi dengan Asia/Jakarta, Asia/Makassar, atau Asia/Jayapura",
            "give Asia/Jakarta, Asia/Makassar or Asia/Jayapura",
        );
        Zone::default()
    });
    for (field, count) in [
        ("rules.quiet_hours", given.quiet_hours.len()),
        ("rules.digest_times", given.digest_times.len()),
        ("rules.admin_account_ids", given.admin_account_ids.len()),
    ] {
        if count > MOST {
            checker.violation(
                field,
                "TOO_MANY",
                format!("isi paling banyak {MOST}"),
                format!("give at most {MOST}"),
            );
        }
    }
    let time = |field: String, text: &str, checker: &mut Checker| {
        let read = time_of_day(text);
        if read.is_none() {
            checker.violation(field, "INVALID_TIME", "isi dengan JJ:MM", "give HH:MM");
        }
        read.unwrap_or_default()
    };
    let mut quiet: Vec<QuietHours> = Vec::new();
    for (index, row) in given.quiet_hours.iter().enumerate().take(MOST) {
        let field = format!("rules.quiet_hours[{index}]");
        let role = checker.text(&format!("{field}.role"), &row.role, 1, 60);
        if quiet.iter().any(|known| known.role == role) {
            checker.violation(
                format!("{field}.role"),
                "DUPLICATE",
                "sebut setiap peran satu kali",
                "name each role once",
            );
        }
        let from = time(format!("{field}.from"), &row.from, &mut checker);
        let to = time(format!("{field}.to"), &row.to, &mut checker);
        quiet.push(QuietHours { role, from, to });
    }
    let mut digests = Vec::new();
    for (index, text) in given.digest_times.iter().enumerate().take(MOST) {
        digests.push(time(format!("rules.digest_times[{index}]"), text, &mut checker));
    }
    for (index, id) in given.admin_account_ids.iter().enumerate().take(MOST) {
        account(&format!("rules.admin_account_ids[{index}]"), id, &mut checker);
    }
    checker.finish()?;
    Ok(Rules { zone, quiet, digests, admins: given.admin_account_ids.clone() })
}
