//! The ledger: what both sides have, and where they differ. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use super::{Item, Stage};

/// After this time a push that was not read back is a mismatch.
const CONFIRM_WITHIN: TimeDelta = TimeDelta::hours(24);

/// The way an item came, or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Mode {
    /// The interface of LAPOR!.
    Api,
    /// A file.
    File,
    /// An officer typed it.
    Manual,
}

/// A row: one item of LAPOR! and the case it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The number that LAPOR! gave.
    pub tracking_id: String,
    /// The way it came first.
    pub mode: Mode,
    /// Our case.
    pub case: String,
    /// The stage there as it was seen last.
    pub stage: Option<Stage>,
    /// The digest of the item as it was seen last.
    pub checksum: String,
    /// When it was seen last.
    pub last_seen_at: DateTime<Utc>,
    /// When something was told to LAPOR! last, and not read back yet.
    pub pushed_at: Option<DateTime<Utc>>,
}

/// What an import does with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// A case is made and a row written.
    Create,
    /// The row is there and the item says something else than last time.
    Update,
    /// Nothing to do.
    Unchanged,
}

/// What to do with an item whose row is `known`.
#[must_use]
pub fn plan(known: Option<&Row>, item: &Item) -> Plan {
    match known {
        None => Plan::Create,
        Some(row) if row.checksum == item.checksum() => Plan::Unchanged,
        Some(_) => Plan::Update,
    }
}

/// Why both sides differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Mismatch {
    /// LAPOR! has it and we have no case.
    MissingHere,
    /// We have a row and LAPOR! does not show it.
    MissingThere,
    /// It is over there and open here.
    ClosedThere,
    /// It is over here and open there: LAPOR! will show it late.
    ClosedHere,
    /// It says something else than when we saw it last.
    Changed,
    /// Its stage has a label that we do not know.
    UnknownStage,
    /// We told something and it was not read back within a day.
    NotConfirmed,
}

/// One line of the report of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The number that LAPOR! gave.
    pub tracking_id: String,
    /// Our case, if there is one.
    pub case: Option<String>,
    /// Why it stands here.
    pub reason: Mismatch,
}

/// A row and whether our case is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    /// The row.
    pub row: Row,
    /// Whether our case is in a final state.
    pub closed: bool,
}

/// Compares everything we have with everything LAPOR! shows for the same period, in the order of the tracking ids. Both
/// sides agree exactly when this is empty.
#[must_use]
pub fn reconcile(ours: &[Ours], theirs: &[Item], now: DateTime<Utc>) -> Vec<Difference> {
    let here = ours.iter().map(|it| (it.row.tracking_id.as_str(), it)).collect::<BTreeMap<_, _>>();
    let there = theirs.iter().map(|it| (it.tracking_id.as_str(), it)).collect::<BTreeMap<_, _>>();
    let mut found = Vec::new();
    let mut ids = here.keys().chain(there.keys()).copied().collect::<Vec<_>>();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let case = here.get(id).map(|it| it.row.case.clone());
        let mut tell = |reason| {
            found.push(Difference { tracking_id: id.to_owned(), case: case.clone(), reason });
        };
        match (here.get(id), there.get(id)) {
            (None, _) => tell(Mismatch::MissingHere),
            (Some(_), None) => tell(Mismatch::MissingThere),
            (Some(ours), Some(item)) => {
                match item.stage {
                    None => tell(Mismatch::UnknownStage),
                    Some(Stage::Done | Stage::Archived | Stage::NotOurs) if !ours.closed => {
                        tell(Mismatch::ClosedThere);
                    }
                    Some(Stage::New | Stage::Verified | Stage::Postponed | Stage::InProgress)
                        if ours.closed =>
                    {
                        tell(Mismatch::ClosedHere);
                    }
                    Some(_) => {}
                }
                if ours.row.checksum != item.checksum() {
                    tell(Mismatch::Changed);
                }
                if ours.row.pushed_at.is_some_and(|pushed| now - pushed > CONFIRM_WITHIN) {
                    tell(Mismatch::NotConfirmed);
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::item;
    use super::*;

    fn row(item: &Item) -> Row {
        Row {
            tracking_id: item.tracking_id.clone(),
            mode: Mode::File,
            case: format!("cas_{}", item.tracking_id),
            stage: item.stage,
            checksum: item.checksum(),
            last_seen_at: now(),
            pushed_at: None,
        }
    }

    fn now() -> DateTime<Utc> {
        super::super::moment("2026-09-20 08:00").unwrap()
    }

    #[test]
    fn c_11_importing_twice_changes_nothing() {
        let first = item("1");
        assert_eq!(plan(None, &first), Plan::Create);
        assert_eq!(plan(Some(&row(&first)), &first), Plan::Unchanged);
        let moved = Item { stage: Some(Stage::Done), ..first.clone() };
        assert_eq!(plan(Some(&row(&first)), &moved), Plan::Update);
    }

    #[test]
    fn c_60_each_difference_has_its_reason() {
        let ours = |item: &Item, closed| Ours { row: row(item), closed };
        let with = |id: &str, stage| Item { stage, ..item(id) };
        let (done, running) = (Some(Stage::Done), Some(Stage::InProgress));
        let mut late_push = ours(&with("6", running), false);
        late_push.row.pushed_at = Some(now() - TimeDelta::hours(25));
        let mut fresh_push = ours(&with("7", running), false);
        fresh_push.row.pushed_at = Some(now() - TimeDelta::hours(1));
        let here = [
            ours(&with("1", running), false),
            ours(&with("2", running), false),
            ours(&with("3", done), false),
            ours(&with("4", running), true),
            ours(&with("5", None), false),
            late_push,
            fresh_push,
        ];
        let there = [
            with("1", running),
            with("3", done),
            with("4", running),
            with("5", None),
            with("6", running),
            with("7", running),
            with("8", running),
        ];
        let found = reconcile(&here, &there, now());
        let found = found.iter().map(|it| (it.tracking_id.as_str(), it.reason)).collect::<Vec<_>>();
        assert_eq!(
            found,
            [
                ("2", Mismatch::MissingThere),
                ("3", Mismatch::ClosedThere),
                ("4", Mismatch::ClosedHere),
                ("5", Mismatch::UnknownStage),
                ("6", Mismatch::NotConfirmed),
                ("8", Mismatch::MissingHere),
            ]
        );
        let changed = Item { text: "lain".into(), ..with("1", running) };
        assert_eq!(reconcile(&here[..1], &[changed], now())[0].reason, Mismatch::Changed);
        assert!(reconcile(&here[..1], &there[..1], now()).is_empty());
    }
}
