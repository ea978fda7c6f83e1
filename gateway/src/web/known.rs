//! What pages show of whoever looks beside what they are about, such as how many messages wait to be read: asked of another
//! service, kept for a while, and left out when that does not answer at once. Pages are not to wait for it.

use std::{
    collections::HashMap,
    fmt::{self, Debug, Formatter},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tonic::{Code, Status};

/// How long a page waits for it.
const WAIT: Duration = Duration::from_millis(250);
/// How long nobody asks again after no answer came, and how long it is not asked again for somebody for whom it was refused.
const REST: Duration = Duration::from_secs(10);
/// People of whom it is kept; beyond it what is old is dropped.
const PEOPLE: usize = 4096;

/// What is known of people, as it was a moment ago.
pub(super) struct Known<T> {
    /// What it is, for the log.
    what: &'static str,
    /// How long an answer is shown.
    keep: Duration,
    /// See [`REST`].
    rest: Duration,
    kept: Mutex<Kept<T>>,
}

struct Kept<T> {
    /// When it was asked, and what was answered; nothing where it was refused.
    by_account: HashMap<String, (Instant, Option<T>)>,
    /// While the service does not answer, it is asked for nobody.
    rests_until: Option<Instant>,
}

impl<T> Debug for Known<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("what", &self.what).finish_non_exhaustive()
    }
}

/// Whether a service does not answer, as opposed to: answers one caller that it will not.
fn is_away(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::DeadlineExceeded)
}

impl<T: Clone> Known<T> {
    /// Nothing is known yet. `what` names it in the log; an answer is kept for so long.
    pub(super) fn new(what: &'static str, keep: Duration) -> Self {
        let kept = Kept { by_account: HashMap::new(), rests_until: None };
        Self { what, keep, rest: REST, kept: Mutex::new(kept) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of somebody; asked where nothing is. `None` when it is not known. What is refused to one is asked for
    /// everybody else all the same.
    pub(super) async fn of(&self, account: &str, ask: impl Future<Output = Result<T, Status>>) -> Option<T> {
        {
            let kept = self.kept();
            if let Some((asked_at, known)) = kept.by_account.get(account)
                && asked_at.elapsed() < if known.is_some() { self.keep } else { self.rest }
            {
                return known.clone();
            }
            if kept.rests_until.is_some_and(|until| Instant::now() < until) {
                return None;
            }
        }
        let why = match tokio::time::timeout(WAIT, ask).await {
            Ok(Ok(found)) => {
                self.note(account, Some(found.clone()));
                return Some(found);
            }
            Ok(Err(status)) => status.code(),
            Err(_) => Code::DeadlineExceeded,
        };
        if is_away(why) {
            tracing::warn!(what = self.what, code = ?why, "pages go without it for a while");
            self.kept().rests_until = Some(Instant::now() + self.rest);
        } else {
            tracing::warn!(what = self.what, code = ?why, "the pages of one person go without it for a while");
            self.note(account, None);
        }
        None
    }

    fn note(&self, account: &str, known: Option<T>) {
        let mut kept = self.kept();
        if kept.by_account.len() >= PEOPLE {
            kept.by_account.retain(|_, (asked_at, _)| asked_at.elapsed() < self.keep.min(self.rest));
        }
        kept.by_account.insert(account.to_owned(), (Instant::now(), known));
    }

    /// It was learnt in another way.
    pub(super) fn keep(&self, account: &str, known: T) {
        self.note(account, Some(known));
    }

    /// It has changed: it is asked for again.
    pub(super) fn forget(&self, account: &str) {
        self.kept().by_account.remove(account);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn what_is_refused_to_one_is_asked_for_the_others_and_who_is_away_is_left_alone() {
        let rest = Duration::from_millis(200);
        let fresh: Known<i64> = Known::new("a number", Duration::from_secs(60));
        let known = Known { rest, ..fresh };
        let asked = Cell::new(0);
        let ask = async |account: &'static str, answer: Result<i64, Code>| {
            let asks = async {
                asked.set(asked.get() + 1);
                answer.map_err(|code| Status::new(code, ""))
            };
            (known.of(account, asks).await, asked.get())
        };
        assert_eq!(ask("a", Err(Code::PermissionDenied)).await, (None, 1));
        assert_eq!(ask("b", Err(Code::Internal)).await, (None, 2));
        assert_eq!(ask("c", Ok(3)).await, (Some(3), 3), "nobody else goes without it");
        assert_eq!(ask("a", Ok(1)).await, (None, 3), "who was refused is not asked for at once");
        assert_eq!(ask("c", Ok(4)).await, (Some(3), 3), "and what is known is kept");
        tokio::time::sleep(rest).await;
        assert_eq!(ask("a", Ok(1)).await, (Some(1), 4));
        assert_eq!(ask("d", Err(Code::Unavailable)).await, (None, 5));
        assert_eq!(ask("e", Ok(5)).await, (None, 5), "nobody asks who does not answer");
        assert_eq!(ask("c", Ok(4)).await, (Some(3), 5), "what is known is shown all the same");
        tokio::time::sleep(rest).await;
        assert_eq!(ask("e", Ok(5)).await, (Some(5), 6));
        known.forget("e");
        assert_eq!(ask("e", Ok(6)).await, (Some(6), 7));
        assert_eq!(known.of("f", std::future::pending()).await, None, "no page waits for it");
    }
}
