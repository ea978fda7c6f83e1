//! What people are called whose ids stand in histories. Identity says so of those whom the viewer has a part with; of others a
//! page says nothing.

use std::collections::{BTreeSet, HashMap};

use mpp_proto::identity::v1::GetAccountNamesRequest;

use super::{
    WebState,
    visit::{Viewer, Visit},
};

/// Accounts that identity names at once.
const AT_ONCE: usize = 100;

/// Names by account.
#[derive(Default)]
pub(crate) struct Names(HashMap<String, String>);

impl Names {
    /// The names of these accounts; what is no account is passed over. A page is useful without them: what cannot be asked
    /// is left out.
    pub(crate) async fn of<'i>(
        state: &WebState,
        visit: &Visit,
        viewer: &Viewer,
        ids: impl Iterator<Item = &'i str>,
    ) -> Self {
        let ids: BTreeSet<&str> = ids.filter(|id| id.starts_with("acc_")).collect();
        let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
        let mut names = HashMap::with_capacity(ids.len());
        for accounts in ids.chunks(AT_ONCE) {
            let request = GetAccountNamesRequest { accounts: accounts.to_vec() };
            match state.identity.clone().get_account_names(visit.call(request, Some(viewer))).await {
                Ok(answer) => {
                    let found = answer.into_inner().names.into_iter();
                    names.extend(found.map(|one| (one.account, one.display_name)));
                }
                Err(status) => {
                    tracing::warn!(code = ?status.code(), "a page goes without the names of people")
                }
            }
        }
        Self(names)
    }

    /// What this account's holder is called; empty if that is not known.
    pub(crate) fn name(&self, account: &str) -> String {
        self.0.get(account).cloned().unwrap_or_default()
    }
}
