//! A report of SiCantik from a small server, on both engines.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Poller, Reading};
use crate::adapter::testing::{Reply, Server, World, on_both};
use crate::config::Config;
use crate::store::licence::{self as store, Licence};
use mpp_kit::event;

/// A report whose rows a test changes, in pages of two.
struct Report {
    server: Server,
    rows: Arc<Mutex<Vec<Value>>>,
}

impl Report {
    async fn start() -> Self {
        let rows = Arc::new(Mutex::new(Vec::new()));
        let has = Arc::clone(&rows);
        let server = Server::start(move |asked| {
            let number = |name: &str| {
                let query = asked.path.split(['?', '&']);
                query
                    .filter_map(|pair| pair.strip_prefix(name))
                    .next()
                    .map_or(1, |value| value.parse().unwrap())
            };
            let (page, size): (usize, usize) = (number("page="), number("per_page="));
            let rows = has.lock().unwrap();
            let rows = rows.iter().skip((page - 1) * size).take(size).cloned().collect::<Vec<_>>();
            Reply::json(&json!({ "data": { "data": rows, "count": [{ "data": 3 }] } }))
        })
        .await;
        Self { server, rows }
    }

    fn set(&self, rows: &[Value]) {
        *self.rows.lock().unwrap() = rows.to_vec();
    }

    fn settings(&self) -> impl Fn(&mut Config) {
        let url = format!("{}/api/TemplateData/keluaran/7.json?key1=a", self.server.url);
        move |config: &mut Config| {
            config.sicantik.url.clone_from(&url);
            config.sicantik.page_size = 2;
            config.sicantik.area = "17.07".to_owned();
            config.sicantik.since_parameter = "date1".to_owned();
        }
    }
}

fn row(number: &str, status: &str, changed: &str) -> Value {
    json!({
        "no_permohonan": number,
        "jenis_izin": "Izin Trayek",
        "nama": "Angkutan Contoh",
        "no_hp": "081200000000",
        "jenis_proses": status,
        "tgl_penetapan": changed,
        "file_signed_report": "",
    })
}

async fn all(world: &World) -> Vec<Licence> {
    store::list(&world.core.db.read, &world.core.cipher, None, None, 0, 100).await.unwrap()
}

#[tokio::test]
async fn line_50_a_report_is_read_page_by_page_and_again_without_effect() {
    let report = Report::start().await;
    on_both(report.settings(), async |world| {
        report.set(&[
            row("P-1", "Verifikasi", "2026-11-20"),
            row("P-2", "Terbit", "2026-11-22"),
            row("P-3", "Verifikasi", "2026-11-21"),
            row("", "Rusak", "2026-11-19"),
        ]);
        let before = report.server.asked().len();
        let poller = Poller::new(Arc::clone(&world.core)).unwrap();
        let reading = poller.tick(world.now()).await.unwrap();
        assert_eq!(reading, Reading { rows: 4, changed: 3, unusable: 1 });
        let found = all(&world).await;
        assert_eq!(found.iter().map(|it| it.source_key.as_str()).collect::<Vec<_>>(), ["P-1", "P-2", "P-3"]);
        assert_eq!((found[0].area.as_str(), found[0].body.foreign_status.as_str()), ("17.07", "Verifikasi"));
        assert!(
            !serde_json::to_string(&found[0].body).unwrap().contains("0812"),
            "only what is mapped is kept"
        );

        let again = poller.tick(world.after(TimeDelta::minutes(15))).await.unwrap();
        assert_eq!((again.rows, again.changed), (4, 0));
        let asked = report.server.asked().split_off(before);
        assert!(asked[0].path.contains("key1=a") && !asked[0].path.contains("date1="), "{}", asked[0].path);
        assert!(asked.last().unwrap().path.contains("date1=2026-11-22"), "{}", asked.last().unwrap().path);

        report.set(&[row("P-1", "Terbit", "2026-11-23")]);
        assert_eq!(poller.tick(world.now()).await.unwrap(), Reading { rows: 1, changed: 1, unusable: 0 });
        let events = event::list(&world.core.db.read, None, 0, 100).await.unwrap();
        let kinds = events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>();
        assert_eq!(kinds, ["izin.diterima", "izin.diterima", "izin.diterima", "izin.status"]);
    })
    .await;
}

#[tokio::test]
async fn line_50_a_broken_answer_moves_no_cursor_and_says_nothing_of_what_it_held() {
    let server = Server::start(|asked| {
        if asked.path.contains("page=1&") {
            let rows = [row("P-1", "a", "2026-11-20"), row("P-2", "a", "2026-11-20")];
            Reply::json(&json!({ "data": { "data": rows } }))
        } else {
            Reply(200, Vec::new(), "rahasia orang".to_owned())
        }
    })
    .await;
    let url = server.url.clone();
    let settings = move |config: &mut Config| {
        config.sicantik.url.clone_from(&url);
        config.sicantik.page_size = 2;
        config.sicantik.area = "17.07".to_owned();
    };
    on_both(settings, async |world| {
        let poller = Poller::new(Arc::clone(&world.core)).unwrap();
        let told = format!("{:#}", poller.tick(world.now()).await.unwrap_err());
        assert!(told.contains("page 2") && !told.contains("rahasia"), "{told}");
        assert_eq!(store::cursor(&world.core.db.read, super::CURSOR).await.unwrap(), None);
        assert_eq!(all(&world).await.len(), 2, "what was read is kept; it is read again without effect");
    })
    .await;
}
