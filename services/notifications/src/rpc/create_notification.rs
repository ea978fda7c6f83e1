//! `CreateNotification`: accepted once, with everything that can be wrong said at once; nothing is kept of what is refused.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::notifications::v1::{
    CreateNotificationRequest, CreateNotificationResponse, DirectAddress, Network, Recipient, recipient,
};
use prost::Message as _;

use super::plan::{Draft, DraftAction, To};
use super::{Core, convert, record};
use crate::domain::channel::{is_email, is_number};
use crate::domain::direct;
use crate::domain::message_type::{MessageType, Mismatch, Values};
use crate::domain::rules::is_account;
use crate::error::{Error, Thing};

const METHOD: &str = "mpp.notifications.v1.NotificationsService/CreateNotification";
/// The most characters of a value. More than the longest answer that complaints takes: what a channel cannot carry whole is
/// shortened when it is sent.
const MAX_VALUE: usize = 6000;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: CreateNotificationRequest,
) -> Result<CreateNotificationResponse, Error> {
    let kind = core.catalogue.find(&request.message_type).ok_or(Error::NotFound(Thing::MessageType))?;
    let draft = parse(core, caller, kind, &request)?;
    let fingerprint = fingerprint(&request);
    let (kind, request_id) = (kind.key.as_str(), request.request_id.as_str());
    core.once(caller, METHOD, (&fingerprint, request_id), |tx, now| async move {
        let made = core.create(&tx, draft, now).await?;
        let loaded = made.ok_or_else(|| anyhow::anyhow!("only what has a cause can be told before"))?;
        let id = loaded.notification.id.to_string();
        let detail = serde_json::json!({ "messageType": kind, "reference": loaded.notification.reference });
        let states = (None, Some(loaded.notification.status.to_string()));
        record(&tx, (&caller.id, "notification.created", &id), states, detail, request_id, now).await?;
        let failing = core.is_failing(&*tx, &loaded).await?;
        Ok(CreateNotificationResponse { notification: Some(convert::notification(&loaded, failing, &[])) })
    })
    .await
}

/// What tells two requests apart. A map has no order on the wire, so its entries are put into one first.
fn fingerprint(request: &CreateNotificationRequest) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    let values: Values = request.placeholders.clone().into_iter().collect();
    let rest = CreateNotificationRequest { placeholders: Default::default(), ..request.clone() };
    let mut digest = Sha256::new();
    digest.update(rest.encode_to_vec());
    for (name, value) in values {
        for text in [name, value] {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
    }
    digest.finalize().into()
}

fn parse<'a>(
    core: &Core,
    caller: &'a Caller,
    kind: &'a MessageType,
    request: &CreateNotificationRequest,
) -> Result<Draft<'a>, Error> {
    let mut checker = Checker::new();
    let reference = checker.text("reference", &request.reference, 1, 100);
    let to = to(request.recipient.as_ref(), &mut checker);
    let reply_to = request.reply_to.trim();
    if !reply_to.is_empty() && !is_email(reply_to) {
        checker.violation(
            "reply_to",
            "INVALID_EMAIL",
            "isi dengan alamat seperti nama@contoh.go.id",
            "give an address such as nama@contoh.go.id",
        );
    }
    for mismatch in kind.mismatches(request.placeholders.keys().map(String::as_str)) {
        match mismatch {
            Mismatch::Missing(name) => checker.violation(
                format!("placeholders.{name}"),
                "MISSING",
                format!("isi {name}: jenis pesan ini memerlukannya"),
                format!("give {name}: this type of message needs it"),
            ),
            Mismatch::Surplus(name) => {
                // A name of the caller's own making is not repeated at any length.
                let name: String = name.chars().take(40).collect();
                checker.violation(
                    format!("placeholders.{name}"),
                    "SURPLUS",
                    "hapus: jenis pesan ini tidak mengenalnya",
                    "remove it: this type of message does not know it",
                );
            }
        }
    }
    let mut values = Values::new();
    for (name, value) in &request.placeholders {
        if value.chars().count() > MAX_VALUE || value.trim().is_empty() {
            checker.violation(
                format!("placeholders.{name}"),
                "INVALID_LENGTH",
                format!("isi dengan 1 sampai {MAX_VALUE} karakter"),
                format!("give 1 to {MAX_VALUE} characters"),
            );
        }
        let plain = value.chars().filter(|c| !c.is_control() || *c == '\n').collect();
        values.insert(name.clone(), plain);
    }
    if request.confidential
        && let [first, ..] = kind.personal().as_slice()
    {
        checker.violation(
            format!("placeholders.{first}"),
            "PERSONAL",
            "hal ini rahasia: pakai jenis pesan tanpa data pribadi",
            "the matter is confidential: use a type of message without personal data",
        );
    }
    let urgency = convert::urgency("urgency", request.urgency, &mut checker).unwrap_or(kind.urgency);
    let expires_at = convert::time("expire_time", request.expire_time, &mut checker);
    let scheduled_at = convert::time("scheduled_time", request.scheduled_time, &mut checker);
    if expires_at.is_some_and(|end| end <= scheduled_at.unwrap_or_else(|| core.now())) {
        checker.violation(
            "expire_time",
            "OUT_OF_RANGE",
            "isi dengan waktu setelah pengiriman",
            "give a time after the sending",
        );
    }
    let actions = actions(kind, request, &mut checker);
    let coordinator = &request.coordinator_account_id;
    if !coordinator.is_empty() {
        account("coordinator_account_id", coordinator, &mut checker);
    }
    checker.finish()?;
    Ok(Draft {
        created_by: &caller.id,
        kind,
        reference,
        to: to.ok_or_else(|| anyhow::anyhow!("the checker let a missing recipient pass"))?,
        reply_to: reply_to.to_owned(),
        values,
        urgency,
        expires_at,
        scheduled_at,
        actions,
        coordinator: (!coordinator.is_empty()).then(|| coordinator.clone()),
        cause: None,
    })
}

fn to(recipient: Option<&Recipient>, checker: &mut Checker) -> Option<To> {
    let language = recipient.map(|it| it.language.as_str()).unwrap_or_default();
    let language = convert::language("recipient.language", language, checker);
    match recipient.and_then(|recipient| recipient.kind.as_ref()) {
        Some(recipient::Kind::AccountId(id)) => {
            account("recipient.account_id", id, checker);
            Some(To::Account(id.clone()))
        }
        Some(recipient::Kind::Addresses(addresses)) => {
            let (whatsapp, email) = (addresses.whatsapp.trim(), addresses.email.trim());
            let direct = addresses.direct.as_ref().map(|it| direct_address(it, checker)).unwrap_or_default();
            if whatsapp.is_empty() && email.is_empty() && addresses.direct.is_none() {
                checker.violation(
                    "recipient.addresses",
                    "REQUIRED",
                    "isi nomor WhatsApp, alamat surel, atau alamat pesan langsung",
                    "give a WhatsApp number, an e-mail address or where direct messages go",
                );
            }
            addresses_are_sound("recipient.addresses", (whatsapp, email), checker);
            Some(To::Citizen { whatsapp: whatsapp.to_owned(), email: email.to_owned(), direct, language })
        }
        None => {
            checker.violation(
                "recipient",
                "REQUIRED",
                "isi akun pejabat atau alamat warga",
                "give an official's account or a citizen's addresses",
            );
            None
        }
    }
}

/// Whom a direct message is for. What is none is noted, and never repeated.
fn direct_address(given: &DirectAddress, checker: &mut Checker) -> String {
    let network = match given.network() {
        Network::Facebook => Some(direct::Network::Facebook),
        Network::Instagram => Some(direct::Network::Instagram),
        Network::Unspecified => None,
    };
    let at = convert::time("recipient.addresses.direct.comment_time", given.comment_time, checker);
    let written = network.map(|network| {
        let comment = match at {
            Some(at) if !given.comment.is_empty() => format!("/{}/{}", given.comment, at.timestamp()),
            Some(_) | None => String::new(),
        };
        format!("{network}/{}/{}{comment}", given.account, given.user)
    });
    let sound = written.filter(|it| it.parse::<direct::Direct>().is_ok());
    if sound.is_none() || (at.is_none() && !given.comment.is_empty()) {
        checker.violation(
            "recipient.addresses.direct",
            "INVALID_ADDRESS",
            "isi jaringan, akun, dan pengguna, atau komentar dengan waktunya",
            "give network, account and user, or a comment with its time",
        );
    }
    sound.unwrap_or_default()
}

/// Notes addresses that are none. An address is never repeated in a refusal.
pub(super) fn addresses_are_sound(field: &str, (whatsapp, email): (&str, &str), checker: &mut Checker) {
    if !whatsapp.is_empty() && !is_number(whatsapp) {
        checker.violation(
            format!("{field}.whatsapp"),
            "INVALID_NUMBER",
            "isi dengan kode negara, hanya angka, misalnya 6281234567890",
            "give the country code and digits alone, such as 6281234567890",
        );
    }
    if !email.is_empty() && !is_email(email) {
        checker.violation(
            format!("{field}.email"),
            "INVALID_EMAIL",
            "isi dengan alamat seperti nama@contoh.go.id",
            "give an address such as nama@contoh.go.id",
        );
    }
}

/// Notes an account that is none. Whether there is one is identity's matter.
pub(super) fn account(field: &str, id: &str, checker: &mut Checker) {
    if !is_account(id) {
        checker.violation(
            field,
            "INVALID_ID",
            "isi dengan id seperti acc_01h455vb4pex5vsknk084sn02q",
            "give an id such as acc_01h455vb4pex5vsknk084sn02q",
        );
    }
}

/// The buttons: those of the type, each once, for an account alone.
fn actions(
    kind: &MessageType,
    request: &CreateNotificationRequest,
    checker: &mut Checker,
) -> Vec<DraftAction> {
    let given: Vec<&str> = request.actions.iter().map(|action| action.key.as_str()).collect();
    let mut sorted = given.clone();
    sorted.sort_unstable();
    sorted.dedup();
    let mut expected: Vec<&str> = kind.actions.iter().map(String::as_str).collect();
    expected.sort_unstable();
    if sorted.len() != given.len() || sorted != expected {
        checker.violation(
            "actions",
            "MISMATCH",
            format!("isi tepat dengan tindakan jenis pesan ini: {}", expected.join(", ")),
            format!("give exactly the actions of this type: {}", expected.join(", ")),
        );
    }
    let official = request
        .recipient
        .as_ref()
        .is_some_and(|recipient| matches!(recipient.kind, Some(recipient::Kind::AccountId(_))));
    if !kind.actions.is_empty() && !official {
        checker.violation(
            "recipient.account_id",
            "REQUIRED",
            "jenis pesan ini untuk pejabat: isi akunnya",
            "this type of message is for officials: give the account",
        );
    }
    let mut actions = Vec::new();
    for (index, action) in request.actions.iter().enumerate().take(10) {
        let field = format!("actions[{index}]");
        actions.push(DraftAction {
            key: action.key.clone(),
            permission: checker.text(&format!("{field}.permission"), &action.permission, 0, 60),
            area: checker.text(&format!("{field}.area"), &action.area, 0, 60),
        });
    }
    actions
}
