//! A case: what is known of it. Who reported is not: that lies in a vault of its own.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::clock::{Clock, ClockState};
use super::number::Number;
use super::rules::Rules;
use super::words::{Channel, Class, ClockKind, MessageKind, Part, Publication, Scan, Secrecy, State};
use super::{ABOUT_INSPECTORATE, COORDINATOR, CaseId, FileId, WHISTLEBLOWING};

/// What stands between what is said of a place by different messages.
const BETWEEN: &str = ", ";
/// Characters that the words of a place have at most.
pub const LONGEST_ADDRESS: usize = 500;

/// A location that somebody shared: its point, what it is called, and its address.
pub type Shared<'a> = ((f64, f64), [&'a str; 2]);

/// Where it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The village, `17.07.05.2003`.
    pub village: String,
    /// Latitude and longitude in degrees, WGS 84.
    pub point: Option<(f64, f64)>,
    /// In words.
    pub address: String,
}

impl Place {
    /// The place with its precision lowered to about a kilometre, for reporters who do not want to be found by it.
    #[must_use]
    pub fn coarse(&self) -> Self {
        let round = |degrees: f64| f64::from(hundredths(degrees)) / 100.0;
        Self {
            village: self.village.clone(),
            point: self.point.map(|(latitude, longitude)| (round(latitude), round(longitude))),
            address: String::new(),
        }
    }

    /// Adds a point and what is said of it. The first point stays: what is said of further ones stands beside it in words, as
    /// far as [`LONGEST_ADDRESS`] goes.
    pub fn describe(&mut self, point: Option<(f64, f64)>, words: &[&str]) {
        self.point = self.point.or(point);
        for words in words.iter().filter(|it| !it.is_empty()) {
            if !self.address.contains(words) {
                let between = if self.address.is_empty() { "" } else { BETWEEN };
                let joined = format!("{}{between}{words}", self.address);
                self.address = joined.chars().take(LONGEST_ADDRESS).collect();
            }
        }
    }

    /// Takes a point and what was said of it away again, as far as none of the places that are `left` says so too. Words go as they
    /// were added, whole and once: not out of the middle of what somebody wrote.
    pub fn forget(&mut self, point: (f64, f64), words: &[&str], left: &[Shared<'_>]) {
        if self.point == Some(point) && left.iter().all(|(it, _)| *it != point) {
            self.point = left.first().map(|(it, _)| *it);
        }
        let said = |words: &str| left.iter().any(|(_, it)| it.contains(&words));
        for words in words.iter().filter(|it| !it.is_empty() && !said(it)) {
            let end = |from: usize| from + words.len();
            let stands_alone = |from: usize| {
                (from == 0 || self.address[..from].ends_with(BETWEEN))
                    && (end(from) == self.address.len() || self.address[end(from)..].starts_with(BETWEEN))
            };
            let found = self.address.match_indices(words).map(|it| it.0).find(|from| stands_alone(*from));
            if let Some(from) = found {
                let parts = [&self.address[..from], &self.address[end(from)..]];
                let parts = parts.map(|it| it.trim_start_matches(BETWEEN).trim_end_matches(BETWEEN));
                let parts: Vec<&str> = parts.into_iter().filter(|it| !it.is_empty()).collect();
                self.address = parts.join(BETWEEN);
            }
        }
    }

    /// Metres to a point, if this place has one (haversine on a sphere of 6371 km).
    #[must_use]
    pub fn metres_to(&self, (latitude, longitude): (f64, f64)) -> Option<f64> {
        let (own_latitude, own_longitude) = self.point?;
        let (a, b) = (own_latitude.to_radians(), latitude.to_radians());
        let (north, east) = ((b - a) / 2.0, (longitude - own_longitude).to_radians() / 2.0);
        let h = north.sin().powi(2) + a.cos() * b.cos() * east.sin().powi(2);
        Some(2.0 * 6_371_000.0 * h.sqrt().min(1.0).asin())
    }
}

/// Degrees in whole hundredths, a half going away from zero.
#[must_use]
pub(super) fn hundredths(degrees: f64) -> i32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "degrees of the Earth are at most 180, and what is none is cut"
    )]
    let whole = (degrees * 100.0).round() as i32;
    whole
}

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its id.
    pub id: FileId,
    /// What it is, by its content.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of its content as it came.
    pub sha256: String,
    /// Whether it is proof of an answer.
    pub proof: bool,
    /// What the scanner said when it was attached; the row of the file has the latest word.
    pub scan: Scan,
}

/// Something said about a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// When.
    pub at: DateTime<Utc>,
    /// In which part.
    pub by: Part,
    /// The account; empty for reporters.
    pub account: String,
    /// The agency it speaks for; empty for none.
    pub agency: String,
    /// What it is.
    pub kind: MessageKind,
    /// The text, as it was typed.
    pub text: String,
    /// Its files.
    pub files: Vec<File>,
    /// The pseudonym of the reporter it came from, or for whom alone it is; empty for all.
    pub reporter: String,
    /// The key of the provider's message, for edits and removals; empty for none.
    #[serde(default)]
    pub external: String,
}

/// One reporter, as officers know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reporter {
    /// How they are called.
    pub pseudonym: String,
    /// The number they follow.
    pub number: Number,
    /// What they ask to be kept secret.
    pub secrecy: Secrecy,
    /// Their channel.
    pub channel: Channel,
    /// Whether there is a way to reach them.
    pub reachable: bool,
    /// Whether their channel is public by origin and they have not chosen yet.
    #[serde(default)]
    pub undecided: bool,
    /// Whether they joined a published case of somebody else: they cannot hide it.
    #[serde(default)]
    pub joined: bool,
    /// Whether they said sudah since the last answer.
    pub content: bool,
    /// Whether the last answer was sent to them and has not arrived (yet).
    #[serde(default)]
    pub unheard: bool,
    /// Whether they took their report back while others' stayed: they are told nothing more.
    #[serde(default)]
    pub left: bool,
    /// When they sent what chose how secret it is; `None` while they have not chosen.
    #[serde(default)]
    pub chosen_at: Option<DateTime<Utc>>,
    /// When their identity was revealed.
    pub revealed: Vec<DateTime<Utc>>,
    /// How they rate how it was settled, 1 to 5; 0 for not yet.
    #[serde(default)]
    pub rating: u8,
}

/// An agency that helps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Helper {
    /// The agency.
    pub agency: String,
    /// What it is asked for.
    pub task: String,
    /// Until when.
    pub due_at: DateTime<Utc>,
    /// When it was done.
    pub done_at: Option<DateTime<Utc>>,
    /// When it became late: for ever, also when it is done afterwards.
    #[serde(default)]
    pub late_at: Option<DateTime<Utc>>,
}

impl Helper {
    /// Whether it is awaited and not marked late yet.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        self.done_at.is_none() && self.late_at.is_none()
    }

    /// Marks what time alone has done. `true` if it was marked now.
    pub(super) fn mark(&mut self, now: DateTime<Utc>) -> bool {
        let newly = self.is_timed() && self.due_at <= now;
        if newly {
            self.late_at = Some(self.due_at);
        }
        newly
    }
}

/// A span in which somebody held it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The agency, or [`COORDINATOR`].
    pub agency: String,
    /// From.
    pub from: DateTime<Utc>,
    /// Until.
    pub to: Option<DateTime<Utc>>,
}

/// A case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Its id.
    pub id: CaseId,
    /// Its number: that of its first reporter.
    pub number: Number,
    /// What kind of report it is.
    pub class: Class,
    /// Where it stands.
    pub state: State,
    /// Where it goes on when the reporter has completed it.
    pub resume: Option<State>,
    /// The key of its category.
    pub category: String,
    /// Where it is.
    pub place: Place,
    /// When it happened.
    pub occurred_at: Option<DateTime<Utc>>,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// When it arrived here.
    pub arrived_at: DateTime<Utc>,
    /// The channel of the first report.
    pub channel: Channel,
    /// The agency that has the lead.
    pub lead: Option<String>,
    /// The agency it is about: never told of whistleblowing.
    pub about: Option<String>,
    /// Whether it is whistleblowing about the inspectorate: the agency that has the lead inspects it, nobody else.
    #[serde(default)]
    pub apart: bool,
    /// Agencies that help.
    pub helpers: Vec<Helper>,
    /// What was said.
    pub messages: Vec<Message>,
    /// Its clocks, all cycles.
    pub clocks: Vec<Clock>,
    /// Who held it.
    pub holders: Vec<Holder>,
    /// What the public sees.
    pub publication: Publication,
    /// Why it is withheld.
    pub publication_reason: String,
    /// Its reporters.
    pub reporters: Vec<Reporter>,
    /// How often agencies sent it back.
    pub bounces: u32,
    /// How often it was opened again.
    pub reopenings: u32,
    /// The case it was merged into.
    pub merged_into: Option<CaseId>,
    /// Why it was archived or forwarded.
    pub closing_reason: String,
    /// To whom it was forwarded.
    pub forwarded_to: String,
    /// What the reporter can do next.
    pub advice: String,
    /// Why it is settled without proof; empty with proof.
    pub no_proof: String,
    /// Until when the reporter may answer.
    pub reporter_until: Option<DateTime<Utc>>,
    /// Whether a question waits for its delivery before the clocks stand still.
    pub question_open: bool,
    /// How its reporters rate how it was settled, 1 to 5: the mean, rounded; 0 for none. Of this settling: opened again it is
    /// rated anew.
    pub rating: u8,
    /// Answers to the questions of the category.
    pub extra: BTreeMap<String, String>,
    /// When it ended.
    pub closed_at: Option<DateTime<Utc>>,
    /// The ticket of the hall the citizen came with.
    pub queue_ticket: String,
    /// The latest version that somebody made, and not time alone: who saw that one or a later one saw what he decides on.
    /// 0 where it was not kept.
    #[serde(default)]
    pub touched: u32,
}

/// A span of holding with what it is charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Who held it.
    pub agency: String,
    /// From.
    pub from: DateTime<Utc>,
    /// Until.
    pub to: Option<DateTime<Utc>>,
    /// Working minutes, by the holder's own calendar.
    pub minutes: i64,
    /// Clocks that became late in its hands.
    pub late: Vec<ClockKind>,
}

impl Case {
    /// Who has it now: the agency that has the lead, or the coordinator.
    #[must_use]
    pub fn holder(&self) -> &str {
        self.lead.as_deref().unwrap_or(COORDINATOR)
    }

    /// On which row of the board it stands.
    #[must_use]
    pub fn desk(&self) -> &str {
        match (self.class, self.apart) {
            (Class::Whistleblowing, true) => ABOUT_INSPECTORATE,
            (Class::Whistleblowing, false) => WHISTLEBLOWING,
            (Class::Complaint | Class::Aspiration | Class::InformationRequest, _) => self.holder(),
        }
    }

    /// The clocks that are still awaited.
    pub fn open_clocks(&self) -> impl Iterator<Item = &Clock> {
        self.clocks.iter().filter(|clock| clock.is_open())
    }

    /// The latest clock of a kind.
    #[must_use]
    pub fn clock(&self, kind: ClockKind) -> Option<&Clock> {
        self.clocks.iter().rev().find(|clock| clock.kind == kind)
    }

    /// Whether a clock that is still awaited is late.
    #[must_use]
    pub fn is_late(&self, now: DateTime<Utc>) -> bool {
        self.open_clocks().any(|clock| clock.is_late(now))
    }

    /// The moment at which the next of its running clocks falls due.
    #[must_use]
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        self.open_clocks().filter(|it| it.state == ClockState::Running).map(|it| it.due_at).min()
    }

    /// The moment at which time alone does something to it.
    #[must_use]
    pub fn next_moment(&self, rules: &Rules) -> Option<DateTime<Utc>> {
        let clocks = self.open_clocks().filter_map(|clock| clock.next_moment(rules.of_clock(clock)));
        let window = match self.state {
            State::AwaitingCompletion => self.reporter_until,
            // Until the answer has arrived there is no silence that could mean anything.
            State::AwaitingConfirmation => self.reporter_until.filter(|_| self.is_heard()),
            State::New
            | State::Verified
            | State::Disposed
            | State::InProgress
            | State::Reopened
            | State::Settled
            | State::Merged
            | State::ForwardedOutside
            | State::Archived
            | State::DeemedWithdrawn
            | State::Withdrawn => None,
        };
        let helpers = self.helpers.iter().filter(|it| it.is_timed() && !self.state.is_closed());
        clocks.chain(window).chain(helpers.map(|it| it.due_at)).min()
    }

    /// Whether the public may see it: published, and no reporter asks for secrecy. Not once it is merged: what its reporters
    /// ask for is known of the case that survives, and is asked there.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.publication == Publication::Public
            && self.state != State::Merged
            && self.class != Class::Whistleblowing
            && self.reporters.iter().all(|it| it.secrecy != Secrecy::Secret)
    }

    /// The strictest secrecy of its reporters: what shows of their place depends on it.
    #[must_use]
    pub fn secrecy(&self) -> Secrecy {
        self.reporters.iter().map(|it| it.secrecy).max().unwrap_or(Secrecy::Secret)
    }

    /// Whether the last answer arrived at every reporter that it was sent to and who has not spoken since. Who cannot be reached
    /// follows the case with number and PIN.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.reporters.iter().all(|it| !it.unheard || !it.reachable || it.content)
    }

    /// Whether a reporter may still say *belum*: within the window, and as long as the answer has not arrived.
    #[must_use]
    pub fn may_say_not_done(&self, now: DateTime<Utc>) -> bool {
        let within = self.reporter_until.is_some_and(|until| now < until);
        within || (self.state == State::AwaitingConfirmation && !self.is_heard())
    }

    /// How one reporter rated it; 0 for not yet. Before each was asked there was one rating for all.
    #[must_use]
    pub fn rating_of(&self, reporter: &Reporter) -> u8 {
        if self.reporters.iter().all(|it| it.rating == 0) { self.rating } else { reporter.rating }
    }

    /// The reporter with this number.
    #[must_use]
    pub fn reporter(&self, number: Number) -> Option<&Reporter> {
        self.reporters.iter().find(|it| it.number == number)
    }

    /// Whether its substantive answer came in time by law: its legal clocks were never late.
    #[must_use]
    pub fn in_time(&self) -> bool {
        self.clocks.iter().filter(|it| it.kind == ClockKind::Settle).all(|it| it.late_at.is_none())
    }

    /// Who held it how long, by the own calendar of each, with the clocks that became late in its hands: a holder that
    /// sends it back at four o'clock passes on the case, not the minutes.
    #[must_use]
    pub fn charges(&self, rules: &Rules, now: DateTime<Utc>) -> Vec<Charge> {
        self.holders
            .iter()
            .map(|holder| {
                let until = holder.to.unwrap_or(now);
                let calendar = rules.calendar_of(Some(&holder.agency)).2;
                let late = self
                    .clocks
                    .iter()
                    .filter(|it| it.late_at.is_some_and(|at| holder.from <= at && at < until))
                    .map(|it| it.kind)
                    .collect();
                Charge {
                    agency: holder.agency.clone(),
                    from: holder.from,
                    to: holder.to,
                    minutes: calendar.working_time_between(holder.from, until).num_minutes(),
                    late,
                }
            })
            .collect()
    }

    /// Gives it to another holder at a moment.
    pub(super) fn hand_to(&mut self, agency: &str, now: DateTime<Utc>) {
        if self.holders.last().is_some_and(|it| it.to.is_none() && it.agency == agency) {
            return;
        }
        self.let_go(now);
        self.holders.push(Holder { agency: agency.to_owned(), from: now, to: None });
    }

    /// Nobody holds it any more.
    pub(super) fn let_go(&mut self, now: DateTime<Utc>) {
        if let Some(last) = self.holders.last_mut() {
            last.to.get_or_insert(now);
        }
    }
}

/// The oldest channel time that is believed.
const OLDEST: TimeDelta = TimeDelta::hours(48);

/// When a report counts as received: the channel's time when it is plausible (not in the future, at most 48 hours old),
/// else its arrival.
#[must_use]
pub fn received_at(sent_at: Option<DateTime<Utc>>, arrived_at: DateTime<Utc>) -> DateTime<Utc> {
    sent_at.filter(|sent| *sent <= arrived_at && *sent >= arrived_at - OLDEST).unwrap_or(arrived_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: (f64, f64) = (-3.79, 102.26);
    const THERE: (f64, f64) = (-3.8, 102.27);

    fn place(address: &str) -> Place {
        Place { point: Some(HERE), address: address.to_owned(), ..Place::default() }
    }

    #[test]
    fn c_18_what_is_taken_back_of_a_place_goes_whole_and_eats_no_words_of_somebody_else() {
        let after = |address: &str, words: &[&str]| {
            let mut place = place(address);
            place.forget(HERE, words, &[]);
            place.address
        };
        assert_eq!(after("Pasar, Jl. Merdeka", &["Pasar", "Jl. Merdeka"]), "");
        assert_eq!(after("Jembatan, Pasar, Jl. Merdeka", &["Pasar"]), "Jembatan, Jl. Merdeka");
        assert_eq!(after("Jembatan, Gang 7, RT 2, Pasar", &["Gang 7, RT 2"]), "Jembatan, Pasar");
        // Nothing was added where the reporter's own words said it: there is nothing of it to take away.
        let own = "Jl. Merdeka 12, depan pasar";
        assert_eq!(after(own, &["Jl. Merdeka", "pasar"]), own);
        assert_eq!(after("Pasar Baru, Pasar", &["Pasar"]), "Pasar Baru");
        assert_eq!(after("Pasar, Pasar", &["Pasar"]), "Pasar", "once");
    }

    #[test]
    fn c_18_what_another_message_says_too_stays_and_its_point_with_it() {
        let mut both = place("Pasar, Gang 7");
        both.forget(HERE, &["Pasar", "Gang 7"], &[(THERE, ["Pasar", ""]), (HERE, ["", ""])]);
        assert_eq!((both.point, both.address.as_str()), (Some(HERE), "Pasar"));
        both.forget(HERE, &["", ""], &[(THERE, ["Pasar", ""])]);
        assert_eq!((both.point, both.address.as_str()), (Some(THERE), "Pasar"), "the next one is on the map");
        both.forget(HERE, &["Pasar"], &[]);
        assert_eq!((both.point, both.address.as_str()), (Some(THERE), ""), "its point is another one's");
        both.forget(THERE, &[], &[]);
        assert_eq!(both.point, None);
    }
}
