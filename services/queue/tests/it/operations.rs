//! Line 40: health and metrics.

use std::collections::BTreeMap;

use mpp_kit::testing::{Engine, meters};
use mpp_proto::queue::v1::WatchBoardRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::house::House;

lines! {
    /// 40. Health, and metrics: queue lengths, oldest wait, script latency, stream lag, device last-seen.
    async fn must_40_health_and_metrics_tell_how_the_hall_is(engine) {
        let code = format!("MPP-UKUR-{engine}").to_uppercase();
        let house = House::with(engine, |hall| hall.code.clone_from(&code)).await;
        let mut health = HealthClient::new(house.channel());
        for service in ["", "mpp.queue.v1.QueueService"] {
            let answer = health.check(HealthCheckRequest { service: service.to_owned() }).await.expect("no sign-in is needed");
            assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
        }
        let appended = |seen: &BTreeMap<String, f64>| seen.get("mpp.queue.append.duration{}").copied().unwrap_or(0.0);
        let before = appended(&meters::read().await);
        for _ in 0..3 {
            house.issue("KTP").await;
        }
        house.wait(90);
        house.issue("STNK").await;
        let called = house.call("1").await.expect("called");
        let seen = meters::read().await;
        let value = |name: &str, attributes: &str| {
            let key = format!("{name}{{{attributes}}}");
            *seen.get(&key).unwrap_or_else(|| panic!("no {key} in {:?}", seen.keys().collect::<Vec<_>>()))
        };
        assert_eq!(value("mpp.queue.waiting", &format!("hall={code},service=KTP")), 2.0);
        assert_eq!(value("mpp.queue.waiting", &format!("hall={code},service=STNK")), 1.0);
        assert_eq!(value("mpp.queue.oldest_wait", &format!("hall={code}")), 90.0);
        assert!(appended(&seen) >= before + 5.0, "each append is timed");
        assert!(value("mpp.queue.flush.duration", "") > 0.0);
        assert!(value("mpp.queue.committed_seq", &format!("hall={code}")) >= 5.0);
        house.serve("2", 5).await;
        house.start("1", &called).await;
        let seen = meters::read().await;
        assert_eq!(seen[&format!("mpp.queue.waiting{{hall={code},service=KTP}}")], 1.0, "it follows");
        // How far committed state is behind the stream, and who watches. When devices were last seen identity tells.
        let named = |part: &str| seen.keys().any(|key| key.starts_with("mpp.queue.") && key.contains(part));
        assert!(named("lag"), "no metric of the stream's lag in {:?}", seen.keys().collect::<Vec<_>>());
        let watchers = format!("mpp.queue.watchers{{hall={code}}}");
        let before = meters::read().await[&watchers];
        let request = WatchBoardRequest { hall: house.hall_id(), ..WatchBoardRequest::default() };
        let mut board = house.board().watch_board(request).await.expect("the stream begins");
        board.next().await;
        assert_eq!(meters::read().await[&watchers], before + 1.0, "a board follows");
        // No personal data in names and attributes.
        assert!(seen.keys().all(|key| !key.contains("acc_") && !key.contains("tkt_")), "{:?}", seen.keys().collect::<Vec<_>>());
    }
}
