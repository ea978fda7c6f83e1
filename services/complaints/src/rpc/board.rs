//! The board of lateness, its lists, and reports. Numbers and lists are made of the same marks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::Fault as _;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::complaints::v1::{
    Board, BoardMeasure, BoardNumber, BoardRow, GetBoardRequest, GetBoardResponse, GetReportRequest,
    GetReportResponse, ListBoardCasesRequest, ListBoardCasesResponse, Report, WatchBoardResponse,
};
use strum::IntoEnumIterator as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{Core, convert};
use crate::domain::board::Measure;
use crate::domain::report::{Figures, period};
use crate::domain::rules::Rules;
use crate::domain::{ABOUT_INSPECTORATE, COORDINATOR, WHISTLEBLOWING};
use crate::error::{Error, Thing};
use crate::store::board::Day;
use crate::store::complaint::Desks;
use crate::store::{self, place, read_place};

/// The frames of a board.
pub(super) type Frames = BoxStream<'static, Result<WatchBoardResponse, Status>>;

/// Between two looks: a case that became late is seen within this and the sweep.
const LOOK: Duration = Duration::from_secs(1);
/// After which time a frame is sent although nothing changed: silence would look like a broken line.
const REFRESH: u32 = 10;
/// Spans of the share settled in time, in days.
const SPANS: [u64; 3] = [7, 30, 90];

pub(super) async fn get(
    core: &Core,
    caller: &Caller,
    _request: GetBoardRequest,
) -> Result<GetBoardResponse, Error> {
    Ok(GetBoardResponse { board: Some(core.board(caller).await?) })
}

/// The board again and again, as long as the client listens and the token holds.
pub(super) fn watch(core: Arc<Core>, caller: Arc<Caller>) -> Frames {
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        let mut last: Option<Vec<BoardRow>> = None;
        let mut quiet = 0;
        loop {
            if caller.expires_at.is_some_and(|until| until <= core.now()) {
                return;
            }
            match core.board(&caller).await {
                Ok(board) => {
                    quiet += 1;
                    if last.as_ref() != Some(&board.rows) || quiet >= REFRESH {
                        quiet = 0;
                        last = Some(board.rows.clone());
                        if sender.send(Ok(WatchBoardResponse { board: Some(board) })).await.is_err() {
                            return;
                        }
                    }
                }
                Err(error) => {
                    // A client that has left need not be told.
                    let _left = sender.send(Err(error.problem().into_status(caller.language))).await;
                    return;
                }
            }
            tokio::select! {
                () = sender.closed() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    });
    ReceiverStream::new(receiver).boxed()
}

pub(super) async fn list(
    core: &Core,
    caller: &Caller,
    request: ListBoardCasesRequest,
) -> Result<ListBoardCasesResponse, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let db = &core.db.read;
    let rules = core.rules().await?;
    let desk = request.agency.replace('~', "/");
    let desks = core.desks(caller, &rules, "complaints.board");
    if !reaches(&desks, &desk) || !core.rows(&desks, &rules).contains(&desk) {
        return Err(Error::NotFound(Thing::Agency));
    }
    let mut check = Checker::new();
    let measure = convert::read_measure(request.measure);
    if measure.is_none() {
        check.violation("measure", "REQUIRED", "pilih angka papan", "choose a number of the board");
    }
    check.finish()?;
    let Some((measure, due_today)) = measure else { return Err(Error::NotFound(Thing::Agency)) };
    let now = core.now();
    let token = format!("board {desk} {}", request.measure);
    let after = PageToken::decode(&request.page_token, &token)?.and_then(|it| read_place(&it));
    let due = due_today.then(|| (now, rules.end_of_today(now)));
    let limit = u64::from(size) + 1;
    let mut marks = store::board::listed(db, (&desk, measure), due, after.as_ref(), limit).await?;
    let next_page_token = cut(&mut marks, size, &token, |(at, id)| place(*at, id));
    let mut lines: BTreeMap<String, _> =
        store::complaint::of_ids(db, marks.iter().map(|(_, id)| id.clone()).collect())
            .await?
            .into_iter()
            .map(|it| (it.id.clone(), it))
            .collect();
    let complaints = marks.iter().filter_map(|(_, id)| lines.remove(id)).map(convert::line).collect();
    Ok(ListBoardCasesResponse { complaints, next_page_token })
}

pub(super) async fn report(
    core: &Core,
    caller: &Caller,
    request: GetReportRequest,
) -> Result<GetReportResponse, Error> {
    let rules = core.rules().await?;
    let zone = rules.calendar(&rules.home).2.zone();
    let mut check = Checker::new();
    let span = period(&request.period, zone);
    if span.is_err() {
        check.violation(
            "period",
            "INVALID_PERIOD",
            "isi bulan, triwulan, atau tahun: 2026-11, 2026-Q4, 2026",
            "give a month, quarter or year: 2026-11, 2026-Q4, 2026",
        );
    }
    check.finish()?;
    let Ok((from, to)) = span else { return Err(Error::NotFound(Thing::Agency)) };
    let desks = core.desks(caller, &rules, "complaints.board");
    Ok(GetReportResponse { report: Some(core.report(&desks, (from, to), &request.agency_id).await?) })
}

fn reaches(desks: &Desks, desk: &str) -> bool {
    match desk {
        WHISTLEBLOWING => desks.whistleblowing,
        ABOUT_INSPECTORATE => desks.apart,
        COORDINATOR => desks.coordinator,
        agency => desks.areas.reach(agency),
    }
}

impl Core {
    /// The report of a span for these desks.
    pub(super) async fn report(
        &self,
        desks: &Desks,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        agency: &str,
    ) -> Result<Report, Error> {
        let inspects = desks.whistleblowing || desks.apart;
        let figures = store::report::figures(&self.db.read, (from, to), inspects).await?;
        let mut total = Figures::default();
        let mut lines = Vec::new();
        for ((desk, class, channel, category), it) in figures {
            if reaches(desks, &desk) && (agency.is_empty() || agency == desk) {
                total = total.plus(it);
                lines.push(convert::figures((&desk, &class, &channel, &category), it));
            }
        }
        Ok(Report {
            from: Some(convert::timestamp(from)),
            to: Some(convert::timestamp(to)),
            lines,
            total: Some(convert::figures(("", "", "", ""), total)),
        })
    }

    /// The board for a caller.
    async fn board(&self, caller: &Caller) -> Result<Board, Error> {
        let db = &self.db.read;
        let now = self.now();
        let rules = self.rules().await?;
        let desks = self.desks(caller, &rules, "complaints.board");
        let counts = store::board::counts(db).await?;
        let since = rules.date(now).checked_sub_days(Days::new(90)).unwrap_or_else(|| rules.date(now));
        let days = store::board::days_since(db, since).await?;
        let today = rules.date(now);
        let since_last = |span| today.checked_sub_days(Days::new(span)).unwrap_or(today);
        let mut rows = Vec::new();
        for desk in self.rows(&desks, &rules) {
            let none = BTreeMap::new();
            let own = counts.get(&desk).unwrap_or(&none);
            let mut numbers: Vec<BoardNumber> = Measure::iter()
                .map(|it| BoardNumber {
                    measure: convert::measure(it).into(),
                    count: own.get(&it).copied().unwrap_or(0),
                })
                .collect();
            let count = if own.get(&Measure::Open).copied().unwrap_or(0) > 0 {
                store::board::due_count(db, &desk, (now, rules.end_of_today(now))).await?
            } else {
                0
            };
            numbers.push(BoardNumber { measure: BoardMeasure::DueToday.into(), count });
            let late = own.get(&Measure::Late).copied().unwrap_or(0) > 0;
            let oldest = if late { store::board::oldest_late(db, &desk).await? } else { None };
            rows.push(BoardRow {
                agency_name: name(&desk, &rules),
                numbers,
                oldest_late_at: oldest.map(convert::timestamp),
                on_time_permille: SPANS
                    .map(|span| share(&days, (&desk, since_last(span)), |it| it.in_time))
                    .to_vec(),
                reopened_permille: SPANS
                    .map(|span| share(&days, (&desk, since_last(span)), |it| it.reopened))
                    .to_vec(),
                agency_id: desk,
            });
        }
        let calendar_gaps = rules.unwritten(now).into_iter().map(convert::unwritten).collect();
        Ok(Board { at: Some(convert::timestamp(now)), rows, calendar_gaps })
    }

    /// The rows within reach: the coordinator, each agency, whistleblowing.
    fn rows(&self, desks: &Desks, rules: &Rules) -> Vec<String> {
        let mut rows = Vec::new();
        if desks.coordinator {
            rows.push(COORDINATOR.to_owned());
        }
        rows.extend(rules.agencies.keys().filter(|it| desks.areas.reach(it)).cloned());
        if desks.whistleblowing {
            rows.push(WHISTLEBLOWING.to_owned());
        }
        if desks.apart {
            rows.push(ABOUT_INSPECTORATE.to_owned());
        }
        rows
    }
}

fn name(desk: &str, rules: &Rules) -> String {
    match desk {
        WHISTLEBLOWING => "Pengaduan berkadar pengawasan".to_owned(),
        ABOUT_INSPECTORATE => "Pengaduan tentang inspektorat".to_owned(),
        agency => rules.name_of(agency),
    }
}

/// The share of something in what was settled at a desk since a day, per 1000; -1 when nothing was.
fn share(days: &[Day], (desk, since): (&str, NaiveDate), of: fn(&Day) -> i64) -> i32 {
    let (all, part) = days
        .iter()
        .filter(|it| it.desk == desk && it.day > since)
        .fold((0_i64, 0_i64), |sum, it| (sum.0 + it.settled, sum.1 + of(it)));
    if all == 0 { -1 } else { i32::try_from(part * 1000 / all).unwrap_or(i32::MAX) }
}
