//! The contracts themselves: what buf checks where it is installed, checked everywhere, and a snapshot of the whole
//! surface, so that a breaking change is a diff that somebody has to look at.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use prost_reflect::prost::Message as _;
use prost_reflect::prost_types::FileDescriptorSet;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind,
    MessageDescriptor, MethodDescriptor, Value,
};

/// Permissions that a policy may name: the words of identity's role table, and the two reserved ones.
const PERMISSIONS: [&str; 36] = [
    "public",
    "authenticated",
    "identity.manage",
    "queue.read",
    "queue.configure",
    "queue.issue",
    "queue.sitecode",
    "queue.ticket.read",
    "queue.call",
    "queue.call.specific",
    "queue.restore",
    "queue.cancel",
    "queue.supervise",
    "queue.manage",
    "queue.statistics",
    "queue.audit",
    "documents.audit",
    "documents.catalogue",
    "documents.integrate",
    "documents.office",
    "documents.read",
    "documents.revoke",
    "documents.work",
    "complaints.audit",
    "complaints.board",
    "complaints.configure",
    "complaints.coordinate",
    "complaints.file",
    "complaints.inspect",
    "complaints.read",
    "complaints.reveal",
    "complaints.work",
    "notifications.configure",
    "notifications.integrate",
    "notifications.read",
    "notifications.send",
];

/// Calls by POST that need no request id, and why.
const WITHOUT_REQUEST_ID: [&str; 15] = [
    // Signing in twice is two sessions; the answer holds a secret that must not be kept for a replay.
    "CreateSession",
    "CreateDeviceSession",
    // Reads: a fresh token for a live session. POST only to keep the secret out of the address.
    "RefreshSession",
    // Reads too: what is asked with is too large, or too personal, for an address.
    "PreviewLetterType",
    "PrefillApplication",
    "CreateDownloadLink",
    "CreateEvidenceLink",
    "VerifyFile",
    // OSS knows no request id; what it repeats is recognised by its own keys.
    "ReceiveOssCall",
    // A read whose PIN must not stand in an address.
    "GetPublicComplaint",
    // A read of the whole period, recorded in the journal.
    "ExportEvidence",
    // Channels know no request id; each message in a call has a key of its own.
    "ReceiveChannelWebhook",
    // Neither does Meta, nor who unsubscribes by a header of a mail.
    "ReceiveWhatsAppWebhook",
    "ReceiveDirectWebhook",
    "Unsubscribe",
];

fn pool() -> DescriptorPool {
    DescriptorPool::decode(mpp_proto::DESCRIPTORS).expect("the descriptor set of the contracts")
}

/// Our files, without the imported ones.
fn files(pool: &DescriptorPool) -> impl Iterator<Item = FileDescriptor> {
    pool.files().filter(|file| file.package_name().starts_with("mpp."))
}

fn messages(pool: &DescriptorPool) -> impl Iterator<Item = MessageDescriptor> {
    pool.all_messages().filter(|it| it.package_name().starts_with("mpp.") && !it.is_map_entry())
}

fn enums(pool: &DescriptorPool) -> impl Iterator<Item = EnumDescriptor> {
    pool.all_enums().filter(|it| it.package_name().starts_with("mpp."))
}

fn methods(pool: &DescriptorPool) -> impl Iterator<Item = MethodDescriptor> {
    pool.services()
        .filter(|service| service.package_name().starts_with("mpp."))
        .flat_map(|service| service.methods().collect::<Vec<_>>())
}

/// An extension of the options of a method or field, if it is set.
fn extension(options: &DynamicMessage, pool: &DescriptorPool, name: &str) -> Option<Value> {
    let extension = pool.get_extension_by_name(name)?;
    options.has_extension(&extension).then(|| options.get_extension(&extension).into_owned())
}

/// What a method's `mpp.options.v1.policy` says.
#[derive(Default)]
struct Policy {
    permission: String,
    audited: bool,
    idempotent: bool,
}

fn policy(method: &MethodDescriptor, pool: &DescriptorPool) -> Option<Policy> {
    let value = extension(&method.options(), pool, "mpp.options.v1.policy")?;
    let message = value.as_message()?;
    let flag = |name: &str| message.get_field_by_name(name).and_then(|it| it.as_bool()).unwrap_or_default();
    let permission =
        message.get_field_by_name("permission").and_then(|it| it.as_str().map(ToOwned::to_owned));
    Some(Policy {
        permission: permission.unwrap_or_default(),
        audited: flag("audited"),
        idempotent: flag("idempotent"),
    })
}

/// What a method's `google.api.http` says: verb, path, body.
fn http(method: &MethodDescriptor, pool: &DescriptorPool) -> Option<(String, String, String)> {
    let value = extension(&method.options(), pool, "google.api.http")?;
    let rule = value.as_message()?;
    let text = |name: &str| {
        rule.get_field_by_name(name).and_then(|it| it.as_str().map(ToOwned::to_owned)).unwrap_or_default()
    };
    let (verb, path) = ["get", "put", "post", "delete", "patch"]
        .into_iter()
        .map(|verb| (verb, text(verb)))
        .find(|(_, path)| !path.is_empty())?;
    Some((verb.to_uppercase(), path, text("body")))
}

/// The names between braces in a path.
fn variables(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
}

/// Whether a leading comment stands at `path` in `file`.
fn commented(file: &FileDescriptor, path: &[i32]) -> bool {
    file.file_descriptor_proto().source_code_info.as_ref().is_some_and(|info| {
        info.location.iter().any(|it| it.path == path && !it.leading_comments().trim().is_empty())
    })
}

fn has_string(message: &MessageDescriptor, name: &str) -> bool {
    message.get_field_by_name(name).is_some_and(|field| field.kind() == Kind::String && !field.is_list())
}

/// What is wrong with the RPCs.
fn wrong_methods(pool: &DescriptorPool) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut addresses = BTreeSet::new();
    for method in methods(pool) {
        let name = method.name();
        let (input, output) = (method.input(), method.output());
        let mut say = |what: &str| wrong.push(format!("{}: {what}", method.full_name()));
        if !commented(&method.parent_file(), method.path()) {
            say("has no comment");
        }
        if input.name() != format!("{name}Request") || output.name() != format!("{name}Response") {
            say("does not take its own Request and answer its own Response");
        }
        let Some(policy) = policy(&method, pool) else {
            say("has no policy");
            continue;
        };
        if !PERMISSIONS.contains(&policy.permission.as_str()) {
            say("names an unknown permission");
        }
        let Some((verb, path, body)) = http(&method, pool) else {
            say("has no HTTP rule");
            continue;
        };
        if !addresses.insert((verb.clone(), path.clone())) {
            say("shares its address with another");
        }
        if !(path.starts_with("/v1/") || path.starts_with("/.well-known/")) {
            say("lies outside /v1");
        }
        if variables(&path).iter().any(|variable| !has_string(&input, variable)) {
            say("has a path variable that is no string field of the request");
        }
        if (verb == "POST") != (body == "*") {
            say("a POST, and only a POST, takes its body whole");
        }
        if policy.idempotent != has_string(&input, "request_id") {
            say("is idempotent without a request_id, or carries one that nobody reads");
        }
        let reads = verb == "GET" || WITHOUT_REQUEST_ID.contains(&name);
        if reads == policy.idempotent {
            say(if reads {
                "reads, so it needs no request_id"
            } else {
                "changes something without a request_id"
            });
        }
        if policy.idempotent && !policy.audited {
            say("changes something and is not audited");
        }
        if name.starts_with("List") {
            let sized = input.get_field_by_name("page_size").is_some_and(|field| field.kind() == Kind::Int32);
            if !sized || !has_string(&input, "page_token") || !has_string(&output, "next_page_token") {
                say("lists without pages");
            }
        }
        if name.starts_with("Watch") != method.is_server_streaming() || method.is_client_streaming() {
            say("a Watch, and only a Watch, streams its answers");
        }
    }
    wrong
}

/// What is wrong with enums, messages and comments.
fn wrong_types(pool: &DescriptorPool) -> Vec<String> {
    let mut wrong = Vec::new();
    for it in enums(pool) {
        let prefix = screaming(it.name());
        let zero = it.get_value(0).map(|value| value.name().to_owned()).unwrap_or_default();
        if zero != format!("{prefix}_UNSPECIFIED") {
            wrong.push(format!("{}: zero is {zero:?}, not {prefix}_UNSPECIFIED", it.full_name()));
        }
        for value in it.values() {
            if !value.name().starts_with(&format!("{prefix}_")) {
                wrong.push(format!("{}: {} lacks the prefix", it.full_name(), value.name()));
            }
            if !commented(&value.parent_enum().parent_file(), value.path()) {
                wrong.push(format!("{}.{}: has no comment", it.full_name(), value.name()));
            }
        }
    }
    for message in messages(pool) {
        if !commented(&message.parent_file(), message.path()) {
            wrong.push(format!("{}: has no comment", message.full_name()));
        }
        for field in message.fields() {
            if !commented(&message.parent_file(), field.path()) {
                wrong.push(format!("{}: has no comment", field.full_name()));
            }
            let secret = ["password", "device_key", "access_token", "session_token"].contains(&field.name());
            if secret && personal(&field, pool).as_deref() != Some("PERSONAL_DATA_CREDENTIAL") {
                wrong.push(format!("{}: is a secret and does not say so", field.full_name()));
            }
        }
    }
    wrong
}

/// The personal data class of a field, if it has one.
fn personal(field: &FieldDescriptor, pool: &DescriptorPool) -> Option<String> {
    let number = extension(&field.options(), pool, "mpp.options.v1.personal_data")?.as_enum_number()?;
    let class = pool.get_enum_by_name("mpp.options.v1.PersonalData")?.get_value(number)?;
    Some(class.name().to_owned())
}

/// `TicketState` → `TICKET_STATE`.
fn screaming(name: &str) -> String {
    let mut out = String::new();
    for (index, letter) in name.chars().enumerate() {
        if index > 0 && letter.is_uppercase() {
            out.push('_');
        }
        out.extend(letter.to_uppercase());
    }
    out
}

/// The type of a field, as a `.proto` file writes it.
fn type_of(field: &FieldDescriptor) -> String {
    let kind = field.kind();
    let kind = if let Some(message) = kind.as_message() {
        message.full_name().to_owned()
    } else if let Some(it) = kind.as_enum() {
        it.full_name().to_owned()
    } else {
        format!("{kind:?}").to_lowercase()
    };
    let label = if field.cardinality() == Cardinality::Repeated {
        "repeated "
    } else if field.field_descriptor_proto().proto3_optional() {
        "optional "
    } else {
        ""
    };
    format!("{label}{kind}")
}

/// The whole surface as text: what a client depends on, and nothing else.
fn surface(pool: &DescriptorPool) -> String {
    let mut out = String::new();
    let mut line = |text: String| writeln!(out, "{text}").expect("writing to a string");
    for service in pool.services().filter(|service| service.package_name().starts_with("mpp.")) {
        line(format!("service {}", service.full_name()));
        for method in service.methods() {
            let (verb, path, _) = http(&method, pool).unwrap_or_default();
            let policy = policy(&method, pool).unwrap_or_default();
            let stream = if method.is_server_streaming() { " stream" } else { "" };
            let audited = if policy.audited { " audited" } else { "" };
            let idempotent = if policy.idempotent { " idempotent" } else { "" };
            line(format!(
                "  {}{stream}: {verb} {path} [{}{audited}{idempotent}]",
                method.name(),
                policy.permission
            ));
        }
    }
    for file in files(pool) {
        for message in messages(pool).filter(|it| it.parent_file() == file) {
            line(format!("message {}", message.full_name()));
            for field in message.fields() {
                let oneof = field
                    .containing_oneof()
                    .filter(|_| !field.field_descriptor_proto().proto3_optional())
                    .map(|it| format!(" in {}", it.name()))
                    .unwrap_or_default();
                let personal = personal(&field, pool).map(|class| format!(" [{class}]")).unwrap_or_default();
                line(format!("  {} {} = {}{oneof}{personal}", type_of(&field), field.name(), field.number()));
            }
        }
        for it in enums(pool).filter(|it| it.parent_file() == file) {
            line(format!("enum {}", it.full_name()));
            for value in it.values() {
                line(format!("  {} = {}", value.name(), value.number()));
            }
        }
    }
    out
}

#[test]
fn every_rpc_says_what_it_is() {
    let pool = pool();
    assert!(methods(&pool).count() >= 50, "the contracts were not read");
    let wrong = wrong_methods(&pool);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_type_says_what_it_is() {
    let wrong = wrong_types(&pool());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_surface_changes_only_on_purpose() {
    insta::assert_snapshot!(surface(&pool()));
}

/// The set with `change` applied to it. Decoding it as plain messages also drops every custom option, so policies and
/// HTTP rules are gone as well.
fn planted(change: impl Fn(&mut FileDescriptorSet)) -> DescriptorPool {
    let mut set = FileDescriptorSet::decode(mpp_proto::DESCRIPTORS).expect("the descriptor set");
    change(&mut set);
    DescriptorPool::from_file_descriptor_set(set).expect("still a sound set")
}

#[test]
fn planted_errors_are_found() {
    let count = methods(&pool()).count();
    let bare = planted(|_| {});
    assert_eq!(wrong_methods(&bare).iter().filter(|it| it.ends_with("has no policy")).count(), count);
    assert!(wrong_types(&bare).iter().any(|it| it.contains("CreateSessionRequest.password: is a secret")));
    let silent = planted(|set| set.file.iter_mut().for_each(|file| file.source_code_info = None));
    assert_eq!(wrong_methods(&silent).iter().filter(|it| it.ends_with("has no comment")).count(), count);
    let renamed = planted(|set| {
        for file in &mut set.file {
            for it in file.enum_type.iter_mut().filter(|it| it.name() == "TicketState") {
                it.value[0].name = Some("TICKET_STATE_NONE".to_owned());
            }
        }
    });
    assert!(wrong_types(&renamed).iter().any(|it| it.contains("TicketState: zero is")));

    // The rest needs the options, so it is shown on the real pool: a verb in the path must be a field, and a page
    // token must be there.
    assert_eq!(variables("/v1/halls/{hall}/tickets/{ticket}:call"), ["hall", "ticket"]);
    let pool = pool();
    let request = pool.get_message_by_name("mpp.queue.v1.ListHallsRequest").expect("a request");
    assert!(
        has_string(&request, "page_token")
            && !has_string(&request, "page_size")
            && !has_string(&request, "absent")
    );
    assert_ne!(surface(&renamed), surface(&bare), "the snapshot does not see a renamed value");
}
