//! `SaveVariant`: a draft, checked against the gaps and actions of its type.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::idempotency::fingerprint;
use mpp_proto::notifications::v1::{SaveVariantRequest, SaveVariantResponse};

use strum::IntoEnumIterator as _;

use super::{Core, convert, record};
use crate::domain::channel::Channel;
use crate::domain::message_type::MessageType;
use crate::domain::template;
use crate::domain::variant::{Button, ButtonKind, INDONESIAN, VariantState};
use crate::error::{Error, Thing};
use crate::store::variant::{self, Key, Variant};

const METHOD: &str = "mpp.notifications.v1.NotificationsService/SaveVariant";
/// The most characters of a text for direct messages, which carry 1,000 bytes with what fills the gaps.
const LONGEST_DIRECT: usize = 800;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: SaveVariantRequest,
) -> Result<SaveVariantResponse, Error> {
    let kind = core.catalogue.find(&request.message_type).ok_or(Error::NotFound(Thing::MessageType))?;
    let (key, text) = parse(kind, &request)?;
    let (print, request_id) = (fingerprint(&request), request.request_id.as_str());
    let (key, text) = (&key, &text);
    core.once(caller, METHOD, (&print, request_id), |tx, now| async move {
        let newest = variant::newest(&*tx, key, &VariantState::iter().collect::<Vec<_>>()).await?;
        let (version, created_at) = match &newest {
            Some(draft) if draft.state == VariantState::Draft => (draft.version, draft.created_at),
            Some(other) => (other.version + 1, now),
            None => (1, now),
        };
        let saved = Variant {
            key: key.clone(),
            version,
            author: caller.id.clone(),
            created_at,
            updated_at: now,
            ..text.clone()
        };
        core.check_template_name(&tx, &saved).await?;
        if !variant::save_draft(&tx, &saved).await? {
            return Err(Error::Stale { version });
        }
        let subject = subject(key, version);
        let what = (caller.id.as_str(), "variant.saved", subject.as_str());
        let states = (None, Some(VariantState::Draft.to_string()));
        record(&tx, what, states, serde_json::json!({}), request_id, now).await?;
        Ok(SaveVariantResponse { variant: Some(convert::variant(&saved)) })
    })
    .await
}

/// What a version is called in the journal.
pub(super) fn subject(key: &Key, version: u32) -> String {
    format!("{}/{}/{}/{version}", key.message_type, key.channel, key.language)
}

fn parse(kind: &MessageType, request: &SaveVariantRequest) -> Result<(Key, Variant), Error> {
    let mut checker = Checker::new();
    let channel = convert::channel("channel", request.channel, &mut checker);
    let language = convert::language("language", &request.language, &mut checker);
    let whatsapp = channel == Some(Channel::Whatsapp);
    // Neither has subjects, both have buttons that answer.
    let chat = whatsapp || channel == Some(Channel::Direct);
    let longest = match channel {
        Some(Channel::Whatsapp) => 1024,
        Some(Channel::Direct) => LONGEST_DIRECT,
        Some(Channel::Email | Channel::InApp) | None => 4000,
    };
    for (field, text, min, max) in [
        ("subject", &request.subject, usize::from(!chat), if chat { 0 } else { 150 }),
        ("body", &request.body, 1, longest),
    ] {
        if !(min..=max).contains(&text.chars().count()) {
            checker.violation(
                field,
                "INVALID_LENGTH",
                format!("isi dengan {min} sampai {max} karakter"),
                format!("give {min} to {max} characters"),
            );
        }
        check_gaps(kind, field, text, &mut checker);
    }
    if request.buttons.len() > 3 {
        checker.violation("buttons", "TOO_MANY", "isi paling banyak 3", "give at most 3");
    }
    let mut buttons = Vec::new();
    for (index, button) in request.buttons.iter().enumerate().take(3) {
        let field = format!("buttons[{index}]");
        let Some(button) = convert::button(&field, button, &mut checker) else { continue };
        check_button(kind, &field, &button, chat, &mut checker);
        buttons.push(button);
    }
    let is_template = |name: &str| template::is_name(name) || (name.len() <= 512 && !name.is_empty());
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let name = request.template_name.as_str();
    // Meta has no templates in many languages of the country: a text in one of those may do without.
    let needed = whatsapp && [INDONESIAN, "en"].contains(&language.as_str());
    let sound = is_template(name) && name.chars().all(lower);
    if if name.is_empty() { needed } else { !whatsapp || !sound } {
        checker.violation(
            "template_name",
            "INVALID_NAME",
            "isi untuk WhatsApp saja, dengan huruf kecil, angka, dan _; boleh kosong untuk bahasa selain id dan en",
            "give it for WhatsApp alone: lower-case letters, digits and _; it may be empty for languages but id and en",
        );
    }
    checker.finish()?;
    let channel = channel.ok_or(Error::NotFound(Thing::Variant))?;
    let key = Key { message_type: kind.key.clone(), channel, language };
    let text = Variant {
        key: key.clone(),
        version: 0,
        state: VariantState::Draft,
        reason: String::new(),
        subject: request.subject.clone(),
        body: request.body.clone(),
        buttons,
        template_name: request.template_name.clone(),
        author: String::new(),
        created_at: Default::default(),
        updated_at: Default::default(),
    };
    Ok((key, text))
}

fn check_gaps(kind: &MessageType, field: &str, text: &str, checker: &mut Checker) {
    match template::parse(text) {
        Ok(parts) => {
            for gap in template::gaps(&parts) {
                if !kind.has_gap(gap) {
                    checker.violation(
                        field,
                        "UNKNOWN_PLACEHOLDER",
                        format!("jenis pesan ini tidak mengenal {{{gap}}}"),
                        format!("this type of message does not know {{{gap}}}"),
                    );
                }
            }
        }
        Err(error) => checker.violation(
            field,
            "INVALID_TEMPLATE",
            "periksa kurung kurawal: tulis {nama} dengan huruf kecil",
            error.to_string(),
        ),
    }
}

fn check_button(kind: &MessageType, field: &str, button: &Button, chat: bool, checker: &mut Checker) {
    match button.kind {
        ButtonKind::Link if !kind.actions.contains(&button.key) => checker.violation(
            format!("{field}.key"),
            "UNKNOWN_ACTION",
            "pilih tindakan jenis pesan ini",
            "give an action of this type of message",
        ),
        ButtonKind::Reply if !chat => checker.violation(
            format!("{field}.kind"),
            "NOT_ON_THIS_CHANNEL",
            "tombol jawaban hanya untuk WhatsApp, Messenger, dan Instagram",
            "only WhatsApp, Messenger and Instagram have buttons that answer",
        ),
        ButtonKind::Link | ButtonKind::Reply => {}
    }
}
