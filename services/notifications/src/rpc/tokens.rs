//! What stands in links. A token names its row and is followed by a digest that only who has the key of the installation can
//! make: nothing is stored that opens something.

use subtle::ConstantTimeEq as _;

use super::Core;
use crate::domain::LinkId;
use crate::domain::channel::Channel;
use crate::domain::direct::Direct;

/// What digests of comments are made for.
pub(crate) const COMMENTS: &str = "comments";
/// How much of a digest stands in a token: 128 bits, in hexadecimal.
const DIGEST: usize = 32;
/// The length of an id without its prefix.
const ID: usize = 26;

impl Core {
    /// By what an address is known in the tables.
    pub(crate) fn address_digest(&self, channel: Channel, address: &str) -> String {
        // One person is one address, whatever else is known of how to write to them.
        let direct = address.parse::<Direct>().ok().filter(|_| channel == Channel::Direct);
        let address = direct.map_or_else(|| address.to_owned(), |it| it.who());
        self.cipher.digest(&format!("address {channel}"), &address.to_lowercase())
    }

    /// By what a message of somebody is known in the tables.
    pub(crate) fn message_digest(&self, id: &str) -> String {
        self.mac("message", id)
    }

    /// By what an address is known that wants no digests.
    pub(crate) fn digests_digest(&self, address: &str) -> String {
        self.cipher.digest("digests", &address.to_lowercase())
    }

    /// The end of the address of a link.
    pub(crate) fn link_token(&self, id: LinkId) -> String {
        let name = id.to_string();
        let bare = name.split_once('_').map_or("", |(_, bare)| bare);
        format!("{bare}{}", self.mac("action link", &name))
    }

    /// The link that a token names, if it is one of ours.
    pub(crate) fn link_of(&self, token: &str) -> Option<LinkId> {
        let (bare, _) = token.split_at_checked(ID)?;
        let id: LinkId = format!("{}_{bare}", LinkId::PREFIX).parse().ok()?;
        bool::from(self.link_token(id).as_bytes().ct_eq(token.as_bytes())).then_some(id)
    }

    /// The end of the address that ends digests: the digest of the address, and a proof that it is ours.
    pub(crate) fn unsubscribe_token(&self, address: &str) -> String {
        let digest = self.digests_digest(address);
        format!("{digest}{}", self.mac("unsubscribe", &digest))
    }

    /// The digest of the address that a token names, if it is one of ours.
    pub(crate) fn unsubscribed(&self, token: &str) -> Option<String> {
        let (digest, proof) = token.split_at_checked(64)?;
        bool::from(self.mac("unsubscribe", digest).as_bytes().ct_eq(proof.as_bytes()))
            .then(|| digest.to_owned())
    }

    fn mac(&self, purpose: &str, text: &str) -> String {
        let mut digest = self.cipher.digest(purpose, text);
        digest.truncate(DIGEST);
        digest
    }
}
