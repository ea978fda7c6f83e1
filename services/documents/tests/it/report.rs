//! Line 46: what offices had to do, by type and office, within the reach of who asks.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_proto::documents::v1::*;
use tonic::Code;

use super::town::{Client, EASTERN, PLAIN, Refusal, Resident, Town, VILLAGE};

impl Client {
    async fn report(&self, first: &str, last: &str) -> Result<Vec<LetterReportRow>, Refusal> {
        let request = GetLetterReportRequest { start_date: first.to_owned(), end_date: last.to_owned() };
        self.get_letter_report(request).await.map(|answer| answer.rows)
    }
}

/// Type and office of a row, and its numbers in their order.
fn numbers(row: &LetterReportRow) -> (&str, &str, [i32; 7]) {
    let counts = [
        row.received,
        row.issued,
        row.issued_late,
        row.rejected,
        row.withdrawn,
        row.waiting,
        row.median_minutes,
    ];
    (row.letter_type.as_str(), row.office_name.as_str(), counts)
}

lines! {
    /// 46. Per type and per village: received, issued, late, rejected, withdrawn, waiting, and how long half of it took.
    async fn should_46_a_report_counts_what_came_and_how_it_ended(engine) {
        let mut town = Town::new(engine).await;
        let chief = |town: &Town| town.person("acc_kepala", &["documents.read"], &["17.07"]);
        assert_eq!(chief(&town).report("2026-11-01", "2026-11-30").await.expect("a report"), []);
        // Two are issued, one of them late; one is rejected, one withdrawn, one waits.
        let quick = town.applied("sktm", &Resident::new(1, PLAIN)).await.application_id;
        town.wait(TimeDelta::minutes(30));
        town.finish(&quick).await;
        let slow = town.applied("sktm", &Resident::new(2, PLAIN)).await.application_id;
        let refused = town.applied("sktm", &Resident::new(3, PLAIN)).await.application_id;
        let given_up = town.applied("sktm", &Resident::new(4, PLAIN)).await;
        town.applied("kehilangan", &Resident::new(5, VILLAGE)).await;
        town.officer(PLAIN).reject(&refused, "alamatnya bukan di desa ini").await.expect("rejected");
        let request = WithdrawApplicationRequest { code: given_up.code.clone(), ..WithdrawApplicationRequest::default() };
        town.nobody().withdraw_application(request).await.expect("withdrawn");
        town.set("2026-11-26T01:30:00Z");
        town.sweep().await;
        town.finish(&slow).await;
        let rows = chief(&town).report("2026-11-01", "2026-11-30").await.expect("a report");
        assert_eq!(rows.iter().map(numbers).collect::<Vec<_>>(), [
            ("kehilangan", "Desa Ujung Tanjung", [1, 0, 0, 0, 0, 1, -1]),
            ("sktm", "Desa Air Dingin", [4, 2, 1, 1, 1, 0, 30]),
        ]);
        let title = rows[1].title.clone().expect("a title");
        assert_eq!((title.id.as_str(), rows[1].office_id.as_str()), ("Surat Keterangan Tidak Mampu", town.office(PLAIN).id.as_str()));
        // Each by its own day: what was issued on another day than it came.
        let rows = chief(&town).report("2026-11-26", "2026-11-26").await.expect("a report");
        assert_eq!(rows.iter().map(numbers).collect::<Vec<_>>(), [
            ("kehilangan", "Desa Ujung Tanjung", [0, 0, 0, 0, 0, 1, -1]),
            ("sktm", "Desa Air Dingin", [0, 1, 1, 0, 0, 0, 4320]),
        ]);
        // After a restart it is what it was: nothing is kept in memory.
        let config = town.config.signing.clone();
        town.restart(config).await;
        assert_eq!(chief(&town).report("2026-11-26", "2026-11-26").await.expect("a report"), rows);
    }

    /// 46. Days are those of the office, and nobody counts beyond his reach.
    async fn should_46_a_report_ends_at_the_day_of_the_office_and_at_the_reach_of_who_asks(engine) {
        let town = Town::new(engine).await;
        // 23:30 in Jakarta is tomorrow in Jayapura.
        town.set("2026-11-23T16:30:00Z");
        town.applied("sktm", &Resident::new(1, PLAIN)).await;
        town.applied("sktm", &Resident::new(2, EASTERN)).await;
        let chief = town.person("acc_kepala", &["documents.read"], &["17.07"]);
        let received = async |day: &str| {
            let rows = chief.report(day, day).await.expect("a report");
            let came = rows.iter().filter(|row| row.received > 0).map(|row| row.office_name.clone());
            came.collect::<Vec<_>>()
        };
        assert_eq!(received("2026-11-22").await, Vec::<String>::new());
        assert_eq!(received("2026-11-23").await, ["Desa Air Dingin"]);
        assert_eq!(received("2026-11-24").await, ["Desa Matahari"]);

        let own = town.person("acc_arsip", &["documents.read"], &[PLAIN]);
        let rows = own.report("2026-11-23", "2026-11-24").await.expect("a report");
        assert_eq!(rows.iter().map(|row| row.office_name.as_str()).collect::<Vec<_>>(), ["Desa Air Dingin"]);
        let elsewhere = town.person("acc_lain", &["documents.read"], &["17.08"]);
        assert_eq!(elsewhere.report("2026-11-23", "2026-11-24").await.expect("a report"), []);
        let worker = town.person("acc_kerja", &["documents.work"], &["17.07"]);
        assert_eq!(worker.report("2026-11-23", "2026-11-24").await.expect_err("may not read").code, Code::PermissionDenied);
        assert_eq!(town.nobody().report("2026-11-23", "2026-11-24").await.expect_err("nobody").code, Code::Unauthenticated);

        for (first, last, named) in [
            ("2026-11-31", "2026-11-24", vec![("start_date", "INVALID_DATE")]),
            ("24-11-2026", "kemarin", vec![("end_date", "INVALID_DATE"), ("start_date", "INVALID_DATE")]),
            ("-2026-11-24", "+12026-11-24", vec![("end_date", "INVALID_DATE"), ("start_date", "INVALID_DATE")]),
            ("1999-12-31", "2101-01-01", vec![("end_date", "INVALID_DATE"), ("start_date", "INVALID_DATE")]),
            ("2026-11-1", " 2026-11-24", vec![("end_date", "INVALID_DATE"), ("start_date", "INVALID_DATE")]),
            ("2026-11-24", "2026-11-23", vec![("end_date", "INVALID_SPAN")]),
            ("2026-01-01", "2027-01-02", vec![("end_date", "INVALID_SPAN")]),
        ] {
            assert_eq!(chief.report(first, last).await.expect_err("refused").named(), named, "{first} {last}");
        }
        chief.report("2026-01-01", "2027-01-01").await.expect("a whole year");
        // What nobody says is this month so far.
        let month = chief.get_letter_report(GetLetterReportRequest::default()).await.expect("a report");
        assert_eq!((month.start_date.as_str(), month.end_date.as_str(), month.rows.len()), ("2026-11-01", "2026-11-23", 2));
    }
}
