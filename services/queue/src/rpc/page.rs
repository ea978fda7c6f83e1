//! Paging by key. A token belongs to one list, one filter and one principal.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::Problem;
use mpp_kit::page::{self, PageToken, page_size};

/// The page that is asked for.
#[derive(Debug)]
pub(super) struct Page {
    after: Option<String>,
    size: u32,
    filter: String,
}

/// How many rows a list gives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// When nothing is asked for.
    pub(super) default: u32,
    /// At most.
    pub(super) max: u32,
}

impl Page {
    /// Reads page size and token. `filter` is the list and everything its rows depend on besides the caller.
    pub(super) fn read(
        check: &mut Checker,
        caller: &Caller,
        filter: &str,
        sizes: Sizes,
        size: i32,
        token: &str,
    ) -> Self {
        let filter = format!("{}\n{filter}", caller.id);
        let size =
            page_size(size, sizes.default, sizes.max).map_err(|problem| note(check, "pageSize", problem));
        let after = PageToken::decode(token, &filter).map_err(|problem| note(check, "pageToken", problem));
        Self { after: after.unwrap_or_default(), size: size.unwrap_or(1), filter }
    }

    /// The key of the last row of the page before; none on the first page.
    pub(super) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// As [`Page::after`], for keys that are positions; zero on the first page.
    pub(super) fn after_position(&self) -> u64 {
        // The token was made here, from a position.
        self.after.as_deref().and_then(|key| key.parse().ok()).unwrap_or(0)
    }

    /// Rows to fetch: one more than the page holds, to know whether another page follows.
    pub(super) fn limit(&self) -> usize {
        self.size as usize + 1
    }

    /// Cuts the rows after [`Page::after`], at most [`Page::limit`] of them, to the page, with the token of the next one.
    pub(super) fn cut<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> String) -> (Vec<T>, String) {
        let next = page::cut(&mut rows, self.size, &self.filter, key);
        (rows, next)
    }
}

/// Notes what the kit found, under the name that JSON gives the field.
fn note(check: &mut Checker, field: &str, problem: Problem) {
    for violation in problem.violations {
        check.violation(field, violation.reason, violation.text.id, violation.text.en);
    }
}

#[cfg(test)]
mod tests {
    use mpp_kit::fault::Language;

    use super::*;

    const SIZES: Sizes = Sizes { default: 2, max: 3 };

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let caller = Caller::anonymous(Language::Id);
        let all: Vec<u64> = (1..=5).collect();
        let (mut token, mut seen, mut pages) = (String::new(), Vec::new(), 0);
        loop {
            let mut check = Checker::new();
            let page = Page::read(&mut check, &caller, "numbers", SIZES, 0, &token);
            check.finish().unwrap();
            let rows =
                all.iter().copied().filter(|row| *row > page.after_position()).take(page.limit()).collect();
            let (rows, next) = page.cut(rows, u64::to_string);
            seen.extend(rows);
            pages += 1;
            token = next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!((seen, pages), (all, 3));
    }

    #[test]
    fn a_token_of_another_list_or_caller_is_refused_together_with_a_bad_size() {
        let caller = Caller::anonymous(Language::Id);
        let mut check = Checker::new();
        let page = Page::read(&mut check, &caller, "numbers", SIZES, 1, "");
        let (_, token) = page.cut(vec![1_u64, 2], u64::to_string);
        for (other, filter) in [(caller.clone(), "letters"), (Caller::system(), "numbers")] {
            let mut check = Checker::new();
            Page::read(&mut check, &other, filter, SIZES, -1, &token);
            let problem = check.finish().unwrap_err();
            let fields: Vec<&str> =
                problem.violations.iter().map(|violation| violation.field.as_str()).collect();
            assert_eq!(fields, ["pageSize", "pageToken"]);
        }
    }
}
