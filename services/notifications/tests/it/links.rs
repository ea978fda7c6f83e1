//! N-15: the buttons of an official.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_proto::notifications::v1::*;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::office::{BASE_URL, HEAD, NUMBER, Office, escalation};

async fn redeem(
    office: &Office,
    who: (&str, &[&str], &[&str]),
    token: &str,
    request_id: &str,
) -> Result<RedeemActionLinkResponse, Status> {
    let request = RedeemActionLinkRequest { request_id: request_id.to_owned(), token: token.to_owned() };
    let (id, permissions, areas) = who;
    let request = office.by(id, permissions, areas, request);
    Ok(office.client.clone().redeem_action_link(request).await?.into_inner())
}

/// The tokens of the two buttons of the latest message, as the template carries them.
async fn tokens(office: &Office, count: usize) -> Vec<String> {
    let taken = office
        .until("it was taken", async || {
            let taken = office.taken(NUMBER);
            (taken.len() == count).then(|| taken[count - 1].clone())
        })
        .await;
    let components = taken.body["template"]["components"].as_array().unwrap().clone();
    let token = |place: usize| components[place]["parameters"][0]["text"].as_str().unwrap().to_owned();
    vec![token(1), token(2)]
}

lines! {
    async fn n_15_links_open_once_within_a_day_for_who_holds_the_role(engine) {
        let office = Office::open(engine).await;
        let worker: (&str, &[&str], &[&str]) = (HEAD, &["complaints.work"], &["17.07/pupr"]);
        let sent = office.send(escalation(HEAD)).await;
        let tokens_of_first = tokens(&office, 1).await;
        let take = tokens_of_first[0].as_str();
        // Not for somebody else, not for who lost the role, not where another area is meant, not without signing in.
        let refused = |who| redeem(&office, who, take, "");
        for who in [
            ("acc_lain", worker.1, worker.2),
            (HEAD, &["queue.read"][..], worker.2),
            (HEAD, worker.1, &["17.07/dinkes"][..]),
        ] {
            let status = refused(who).await.unwrap_err();
            assert_eq!(status.code(), Code::PermissionDenied, "{who:?}");
            assert_eq!(status.get_details_error_info().unwrap().reason, "LINK_NOT_YOURS");
        }
        let anonymous = RedeemActionLinkRequest { token: take.to_owned(), ..Default::default() };
        let anonymous = office.client.clone().redeem_action_link(tonic::Request::new(anonymous)).await;
        assert_eq!(anonymous.unwrap_err().code(), Code::Unauthenticated);
        // A token that was made up or changed is none.
        let mut changed = take.to_owned();
        let last = changed.pop().unwrap();
        changed.push(if last == '0' { '1' } else { '0' });
        for wrong in [changed.as_str(), "", "x", &take[..26]] {
            assert_eq!(redeem(&office, worker, wrong, "").await.unwrap_err().code(), Code::NotFound, "{wrong}");
        }
        let used = redeem(&office, worker, take, "satu").await.unwrap();
        assert_eq!((used.action.as_str(), used.reference.as_str()), ("tangani", "adu_1"));
        assert_eq!((used.notification_id.as_str(), used.account_id.as_str()), (sent.id.as_str(), HEAD));
        // The same request again is answered alike; another one finds the link used.
        assert_eq!(redeem(&office, worker, take, "satu").await.unwrap(), used);
        let again = redeem(&office, worker, take, "dua").await.unwrap_err();
        assert_eq!(again.get_details_error_info().unwrap().reason, "LINK_USED");
        // The other button is another link, and whoever holds a wider area holds this one.
        let wide = (HEAD, worker.1, &["17.07"][..]);
        assert_eq!(redeem(&office, wide, &tokens_of_first[1], "").await.unwrap().action, "buka");

        // Eight at once: one of them.
        office.after(TimeDelta::minutes(1));
        office.send(escalation(HEAD)).await;
        let second = tokens(&office, 2).await;
        let attempts = (0..8).map(|_| redeem(&office, worker, &second[0], ""));
        let opened = futures::future::join_all(attempts).await.into_iter().filter(Result::is_ok).count();
        assert_eq!(opened, 1);
        // After a day it opens no more.
        office.after(TimeDelta::hours(24));
        assert_eq!(redeem(&office, worker, &second[1], "").await.unwrap_err().code(), Code::NotFound);
        // A mail has the same links, written out.
        office.whatsapp.without_whatsapp(NUMBER);
        office.send(escalation(HEAD)).await;
        let mail = office.until("a mail", async || office.mail.taken().pop()).await;
        let text = mail.text.replace("=\r\n", "");
        assert!(text.contains(&format!("Saya tangani: {BASE_URL}/aksi/")), "{text}");
    }
}
