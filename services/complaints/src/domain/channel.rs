//! What authors do to what they wrote on a channel: edit it, and take it back.

use super::FileId;
use super::case::{Case, Message};

/// What stands where a message was taken back by its author.
pub const TAKEN_BACK: &str = "(Pesan ini dihapus oleh penulisnya.)";

/// What stands in the words of a case where a location was shared.
pub const LOCATION: &str = "(Lokasi)";

/// The words of a message for who may not know where its author was. Of a shared location name and address stood in them once,
/// and nothing else: WhatsApp sends no words with one.
#[must_use]
pub fn without_place(message: &Message) -> &str {
    let called = message.text.strip_suffix(LOCATION).is_some_and(|it| it.ends_with('\n'));
    if called && message.external.starts_with("whatsapp/") { LOCATION } else { &message.text }
}

/// The case with the words of a message replaced. `None` if no message has this key: nothing is to be done then.
#[must_use]
pub fn edit(case: &Case, external: &str, text: &str) -> Option<Case> {
    changed(case, external, |message| text.clone_into(&mut message.text))
}

/// The case without the words and files of a message. That there was one stays: officers may have acted on it.
#[must_use]
pub fn take_back(case: &Case, external: &str) -> Option<Case> {
    changed(case, external, |message| {
        TAKEN_BACK.clone_into(&mut message.text);
        message.files.clear();
    })
}

/// The files of a message.
#[must_use]
pub fn files(case: &Case, external: &str) -> Vec<FileId> {
    let found = case.messages.iter().find(|it| !external.is_empty() && it.external == external);
    found.map(|it| it.files.iter().map(|it| it.id).collect()).unwrap_or_default()
}

fn changed(case: &Case, external: &str, change: impl Fn(&mut Message)) -> Option<Case> {
    if external.is_empty() {
        return None;
    }
    let mut next = case.clone();
    let message = next.messages.iter_mut().find(|it| it.external == external)?;
    change(message);
    Some(next)
}
