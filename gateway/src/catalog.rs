//! What the contracts say about the REST surface: every RPC with its binding, policy and the fields the gateway treats
//! specially. Built once at start from the descriptor set; a request only looks things up.

use std::{collections::HashMap, sync::Arc};

use anyhow::{Context as _, bail, ensure};
use http::{Method, uri::PathAndQuery};
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, Value,
};

use crate::matcher::{Matcher, Template};

/// One RPC, with everything about it that does not depend on a request.
#[derive(Debug)]
pub(crate) struct Rpc {
    /// Name without package and service, such as `CallNext`.
    pub(crate) name: String,
    /// The name in documents about the contracts: [`Self::name`], with the role where another service has the same.
    pub(crate) title: String,
    /// The gRPC path, `/mpp.queue.v1.QueueService/CallNext`.
    pub(crate) path: PathAndQuery,
    /// Name of the role that serves it: the second segment of its package.
    pub(crate) role: String,
    /// The permission its contract asks for.
    pub(crate) permission: String,
    /// Whether a request id makes it idempotent.
    pub(crate) idempotent: bool,
    /// Request message.
    pub(crate) input: MessageDescriptor,
    /// Response message, or one message of the stream.
    pub(crate) output: MessageDescriptor,
    /// Whether it answers with a stream.
    pub(crate) streaming: bool,
    /// Whether its request carries a credential without sign-in and acts on it: it gets the limits of a sign-in.
    pub(crate) sign_in: bool,
    /// Whether anybody may hand something in with it: it gets the limits of a submission.
    pub(crate) submission: bool,
    /// Whether its request carries a file: its body may be larger.
    pub(crate) carries_file: bool,
    /// The `request_id` field, filled from `Idempotency-Key`.
    pub(crate) request_id: Option<FieldDescriptor>,
    /// The `version` field of the request, filled from `If-Match`.
    pub(crate) if_match: Option<FieldDescriptor>,
    /// `ticket` and its `version` in the response, printed as `ETag`.
    pub(crate) etag: Option<[FieldDescriptor; 2]>,
    /// The `after_seq` field of the request, filled from `Last-Event-ID`.
    pub(crate) after_seq: Option<FieldDescriptor>,
    /// The way to `seq` in a message of the stream, printed as the event id.
    pub(crate) seq: Vec<FieldDescriptor>,
    /// The comment of the RPC.
    pub(crate) comment: String,
}

impl Rpc {
    /// Whether anybody may call it without signing in.
    pub(crate) fn is_public(&self) -> bool {
        self.permission == "public"
    }
}

/// One HTTP binding of an RPC.
#[derive(Debug)]
pub(crate) struct Binding {
    /// The RPC it calls.
    pub(crate) rpc: Arc<Rpc>,
    /// Its HTTP method.
    pub(crate) method: Method,
    /// Its path as the contract writes it, `/v1/counters/{counter}:callNext`.
    pub(crate) template: String,
    /// Whether the whole request message is the body (`body: "*"`); otherwise its fields are query parameters.
    pub(crate) has_body: bool,
    /// The fields of the path variables, in the order of the template.
    pub(crate) variables: Vec<FieldDescriptor>,
}

/// Every RPC and binding of the suite.
#[derive(Debug)]
pub(crate) struct Catalog {
    /// The pool all descriptors belong to.
    pub(crate) pool: DescriptorPool,
    /// Every binding, in the order of the contracts.
    pub(crate) bindings: Vec<Binding>,
    /// Finds a binding by method and path.
    pub(crate) matcher: Matcher,
    /// Every RPC by its gRPC path.
    pub(crate) rpcs: HashMap<String, Arc<Rpc>>,
    /// Comments of the contracts.
    pub(crate) comments: Comments,
}

impl Catalog {
    /// Reads an encoded `FileDescriptorSet` that kept its options and comments.
    ///
    /// # Errors
    /// If the set cannot be read, or a binding is one that this gateway could not serve: better no start than a route
    /// that silently is not there.
    pub(crate) fn new(descriptors: &[u8]) -> anyhow::Result<Self> {
        let pool = DescriptorPool::decode(descriptors)
            .context("the descriptor set of the contracts cannot be read")?;
        let comments = Comments::new(&pool);
        let http =
            pool.get_extension_by_name("google.api.http").context("the contracts lack google.api.http")?;
        let policy = pool
            .get_extension_by_name("mpp.options.v1.policy")
            .context("the contracts lack mpp.options.v1.policy")?;
        let mut bindings = Vec::new();
        let mut matcher = Matcher::default();
        let mut rpcs = HashMap::new();
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            let options = method.options();
            // Without a binding it is called over gRPC only, and nothing says that it merely reads.
            let reads =
                options.get_extension(&http).as_message().is_some_and(|rule| !text(rule, "get").is_empty());
            let rpc = Arc::new(rpc(&method, reads, options.get_extension(&policy).as_message(), &comments)?);
            rpcs.insert(rpc.path.as_str().to_owned(), rpc.clone());
            if !options.has_extension(&http) {
                continue;
            }
            let value = options.get_extension(&http);
            let rule = value.as_message().context("google.api.http is not a message")?;
            let binding =
                binding(rpc, rule).with_context(|| format!("the HTTP binding of {}", method.full_name()))?;
            let template = Template::parse(&binding.template)?;
            matcher.insert(&template, &binding.method, bindings.len())?;
            bindings.push(binding);
        }
        Ok(Self { pool, bindings, matcher, rpcs, comments })
    }
}

/// Reads what the gateway must know about one RPC.
fn rpc(
    method: &MethodDescriptor,
    reads: bool,
    policy: Option<&DynamicMessage>,
    comments: &Comments,
) -> anyhow::Result<Rpc> {
    let policy = policy.with_context(|| format!("{} has no policy", method.full_name()))?;
    let service = method.parent_service();
    let package = service.parent_file().package_name().to_owned();
    let role =
        package.split('.').nth(1).with_context(|| format!("package {package} names no role"))?.to_owned();
    let (input, output) = (method.input(), method.output());
    ensure!(
        !method.is_client_streaming(),
        "{} streams from the client, which has no REST form",
        method.full_name()
    );
    let permission = text(policy, "permission");
    // A code that is only looked up by is like a ticket's token: nobody guesses it, and its page is opened all day.
    let acts = permission == "public" && !reads;
    let carries_file = input.fields().any(|field| is_single(&field, &Kind::Bytes));
    let sign_in = acts && input.fields().any(|field| is_credential(&field));
    Ok(Rpc {
        name: method.name().to_owned(),
        title: apart(service.parent_pool(), service.package_name(), method.name(), |package, name| {
            let others = service.parent_pool().services().filter(|other| other.package_name() == package);
            others.flat_map(|other| other.methods().collect::<Vec<_>>()).any(|method| method.name() == name)
        }),
        path: format!("/{}/{}", service.full_name(), method.name()).parse()?,
        role,
        idempotent: flag(policy, "idempotent"),
        streaming: method.is_server_streaming(),
        sign_in,
        submission: acts && !sign_in,
        carries_file,
        request_id: input.get_field_by_name("request_id").filter(|field| is_single(field, &Kind::String)),
        if_match: input.get_field_by_name("version").filter(|field| is_single(field, &Kind::Uint32)),
        etag: etag(&output),
        after_seq: input.get_field_by_name("after_seq").filter(|field| is_single(field, &Kind::Int64)),
        seq: seq(&output),
        comment: comments.of(method.parent_file().name(), method.path()),
        permission,
        input,
        output,
    })
}

fn binding(rpc: Arc<Rpc>, rule: &DynamicMessage) -> anyhow::Result<Binding> {
    let (method, template) = [
        ("get", Method::GET),
        ("put", Method::PUT),
        ("post", Method::POST),
        ("delete", Method::DELETE),
        ("patch", Method::PATCH),
    ]
    .into_iter()
    .find(|(name, _)| rule.has_field_by_name(name))
    .map(|(name, method)| (method, text(rule, name)))
    .context("it has no method")?;
    let has_body = match text(rule, "body").as_str() {
        "" => false,
        "*" => true,
        other => bail!("body {other:?} is not supported: use \"*\" or none"),
    };
    let extra = rule
        .get_field_by_name("additional_bindings")
        .is_some_and(|list| list.as_list().is_some_and(|list| !list.is_empty()));
    ensure!(!extra, "additional_bindings are not supported");
    let variables = Template::parse(&template)?
        .variables()
        .map(|name| {
            rpc.input
                .get_field_by_name(name)
                .with_context(|| format!("{template}: the request has no field {name}"))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Binding { rpc, method, template, has_body, variables })
}

/// `ticket.version` of a response that holds a ticket.
fn etag(output: &MessageDescriptor) -> Option<[FieldDescriptor; 2]> {
    let ticket = output.get_field_by_name("ticket").filter(|field| !field.is_list())?;
    let Kind::Message(message) = ticket.kind() else { return None };
    let version = message.get_field_by_name("version").filter(|field| is_single(field, &Kind::Uint32))?;
    Some([ticket, version])
}

/// The way to a `seq` at the top of a message or one level below.
fn seq(output: &MessageDescriptor) -> Vec<FieldDescriptor> {
    let own = |message: &MessageDescriptor| {
        message.get_field_by_name("seq").filter(|field| is_single(field, &Kind::Int64))
    };
    if let Some(field) = own(output) {
        return vec![field];
    }
    let below = output.fields().filter(|field| !field.is_list() && !field.is_map()).find_map(|field| {
        let kind = field.kind();
        kind.as_message().and_then(own).map(|seq| vec![field.clone(), seq])
    });
    below.unwrap_or_default()
}

fn is_single(field: &FieldDescriptor, kind: &Kind) -> bool {
    !field.is_list() && field.kind() == *kind
}

fn is_credential(field: &FieldDescriptor) -> bool {
    field
        .parent_pool()
        .get_extension_by_name("mpp.options.v1.personal_data")
        .is_some_and(|class| field.options().get_extension(&class).as_enum_number() == Some(CREDENTIAL))
}

/// `PERSONAL_DATA_CREDENTIAL` of mpp.options.v1.
const CREDENTIAL: i32 = 3;

/// The name of a message or enum in documents about the contracts: with its role in front where another package has a
/// message or enum of that name, such as `ComplaintsBoard` beside `QueueBoard`.
pub(crate) fn type_name(pool: &DescriptorPool, package: &str, name: &str) -> String {
    apart(pool, package, name, |package, name| {
        let full = format!("{package}.{name}");
        pool.get_message_by_name(&full).is_some() || pool.get_enum_by_name(&full).is_some()
    })
}

/// A name, with the role of its package in front if `is_there` finds it in another package of ours too.
fn apart(pool: &DescriptorPool, package: &str, name: &str, is_there: impl Fn(&str, &str) -> bool) -> String {
    let others = pool.files().map(|file| file.package_name().to_owned());
    let clashes = package.starts_with("mpp.")
        && others
            .filter(|other| other.starts_with("mpp.") && other != package)
            .any(|other| is_there(&other, name));
    let role = package.split('.').nth(1).filter(|_| clashes).unwrap_or_default();
    let mut letters = role.chars();
    let first: String = letters.next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}{name}", letters.as_str())
}

fn text(message: &DynamicMessage, name: &str) -> String {
    message.get_field_by_name(name).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn flag(message: &DynamicMessage, name: &str) -> bool {
    message.get_field_by_name(name).as_deref().and_then(Value::as_bool).unwrap_or_default()
}

/// The comments of the contracts, by file and position.
#[derive(Debug, Default)]
pub(crate) struct Comments(HashMap<(String, Vec<i32>), String>);

impl Comments {
    fn new(pool: &DescriptorPool) -> Self {
        let mut comments = HashMap::new();
        for file in pool.file_descriptor_protos() {
            for location in file.source_code_info.iter().flat_map(|info| &info.location) {
                if let Some(comment) = &location.leading_comments {
                    let lines: Vec<_> = comment.lines().map(str::trim).collect();
                    comments.insert(
                        (file.name().to_owned(), location.path.clone()),
                        lines.join(" ").trim().to_owned(),
                    );
                }
            }
        }
        Self(comments)
    }

    /// The comment at a position of a file; empty if there is none.
    pub(crate) fn of(&self, file: &str, path: &[i32]) -> String {
        self.0.get(&(file.to_owned(), path.to_vec())).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_rpc_of_the_contracts() -> anyhow::Result<()> {
        let catalog = Catalog::new(mpp_proto::DESCRIPTORS)?;
        let rpc = |path: &str| catalog.rpcs.get(path).with_context(|| path.to_owned());
        let call_next = rpc("/mpp.queue.v1.QueueService/CallNext")?;
        assert_eq!((call_next.role.as_str(), call_next.permission.as_str()), ("queue", "queue.call"));
        assert!(call_next.idempotent && call_next.request_id.is_some() && call_next.if_match.is_none());
        assert!(rpc("/mpp.queue.v1.QueueService/StartTicket")?.if_match.is_some());
        assert!(rpc("/mpp.queue.v1.QueueService/GetTicket")?.etag.is_some());
        assert!(
            rpc("/mpp.queue.v1.QueueService/GetTicketByToken")?.etag.is_none(),
            "a public ticket has no version"
        );
        let watch = rpc("/mpp.queue.v1.QueueService/WatchBoard")?;
        assert!(watch.streaming && watch.after_seq.is_some());
        assert_eq!(watch.seq.len(), 1);
        assert_eq!(rpc("/mpp.queue.v1.QueueService/WatchCounter")?.seq.len(), 2);
        assert!(rpc("/mpp.identity.v1.IdentityService/CreateSession")?.sign_in);
        assert!(!rpc("/mpp.identity.v1.IdentityService/CreateAccount")?.sign_in);
        let documents = |name: &str| rpc(&format!("/mpp.documents.v1.DocumentsService/{name}"));
        for (name, sign_in, submission, carries_file) in [
            ("GetApplicationByCode", false, false, false),
            ("GetVerification", false, false, false),
            ("CreateDownloadLink", true, false, false),
            ("PrefillApplication", true, false, false),
            ("SubmitApplication", false, true, false),
            ("UploadFile", false, true, true),
            ("VerifyFile", false, true, true),
            ("ApproveApplication", false, false, false),
        ] {
            let rpc = documents(name)?;
            assert_eq!(
                (rpc.sign_in, rpc.submission, rpc.carries_file),
                (sign_in, submission, carries_file),
                "{name}"
            );
        }
        assert!(call_next.comment.starts_with("Calls the next ticket"), "{}", call_next.comment);
        assert_eq!(catalog.bindings.len(), catalog.rpcs.len(), "every RPC has a binding");
        Ok(())
    }
}
