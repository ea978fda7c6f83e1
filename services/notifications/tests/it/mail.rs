//! A real SMTP server that takes mails, refuses them as it is told, or does not answer; with STARTTLS, if it has a certificate.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use mailin::{Action, Handler, Response, Session, SessionBuilder, response};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A mail as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mail {
    /// The envelope sender.
    pub(crate) from: String,
    /// The envelope recipients.
    pub(crate) to: Vec<String>,
    /// Headers and body.
    pub(crate) text: String,
    /// Whether it came under TLS.
    pub(crate) encrypted: bool,
}

impl Mail {
    /// The value of a header, unfolded.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let head = self.text.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    }
}

#[derive(Default)]
struct Inside {
    taken: Vec<Mail>,
    whims: VecDeque<(u16, String)>,
    /// Parts of addresses that are not answered for now.
    held: Vec<String>,
    /// Addresses that wait for an answer.
    waiting: Vec<String>,
    /// How many connections there were.
    sessions: usize,
}

/// The server. Ends with the process.
#[derive(Clone, Default)]
pub(crate) struct MailServer {
    inside: Arc<(Mutex<Inside>, Condvar)>,
    present: Mail,
    encrypted: bool,
}

/// A certificate for `localhost` that it signed itself, as PEM, and what a server needs to use it.
pub(crate) fn certified() -> (String, Arc<ServerConfig>) {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .expect("a key");
    (certified.cert.pem(), Arc::new(config))
}

impl MailServer {
    /// Starts on any free port, and answers it.
    pub(crate) fn start() -> (Self, u16) {
        Self::with(None)
    }

    /// Starts with STARTTLS, if there is something to do it with.
    pub(crate) fn with(tls: Option<Arc<ServerConfig>>) -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let mail = Self::default();
        let handler = mail.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let (handler, tls) = (handler.clone(), tls.clone());
                // A client that goes away ends its session, no more.
                std::thread::spawn(move || serve(stream, handler, tls));
            }
        });
        (mail, port)
    }

    /// What the next recipients are answered, in turn: code and text.
    pub(crate) fn whim(&self, whims: &[(u16, &str)]) {
        let mut inside = self.inside.0.lock().unwrap();
        inside.whims.extend(whims.iter().map(|(code, text)| (*code, (*text).to_owned())));
    }

    /// Recipients with this in their address are not answered until [`MailServer::release`].
    pub(crate) fn hold(&self, part: &str) {
        self.inside.0.lock().unwrap().held.push(part.to_owned());
    }

    /// They are answered now.
    pub(crate) fn release(&self, part: &str) {
        self.inside.0.lock().unwrap().held.retain(|held| held != part);
        self.inside.1.notify_all();
    }

    /// The addresses that wait for an answer, once for each attempt.
    pub(crate) fn waiting(&self) -> Vec<String> {
        self.inside.0.lock().unwrap().waiting.clone()
    }

    /// How many connections there were.
    pub(crate) fn sessions(&self) -> usize {
        self.inside.0.lock().unwrap().sessions
    }

    /// Every mail that was taken.
    pub(crate) fn taken(&self) -> Vec<Mail> {
        self.inside.0.lock().unwrap().taken.clone()
    }
}

/// One connection.
fn serve(stream: TcpStream, mut handler: MailServer, tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
    handler.inside.0.lock().unwrap().sessions += 1;
    let mut builder = SessionBuilder::new("surat.test");
    if tls.is_some() {
        builder.enable_start_tls();
    }
    let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut session = builder.build(from, handler.clone());
    session.greeting().write_to(&mut &stream)?;
    let upgrade = talk(&mut session, &stream)?;
    let (true, Some(tls)) = (upgrade, tls) else { return Ok(()) };
    // What was said before does not count any more (RFC 3207): it begins anew, and has to be greeted anew.
    handler.encrypted = true;
    let mut session = builder.build(from, handler);
    session.tls_active();
    let connection = ServerConnection::new(tls).map_err(io::Error::other)?;
    talk(&mut session, StreamOwned::new(connection, stream)).map(|_| ())
}

/// Line by line. Answers whether the client asks for TLS.
fn talk(session: &mut Session<MailServer>, stream: impl Read + Write) -> io::Result<bool> {
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let answer = session.process(&line);
        line.clear();
        let out = lines.get_mut();
        match answer.action {
            Action::Reply => answer.write_to(out)?,
            Action::Close => return answer.write_to(out).map(|()| false),
            Action::UpgradeTls => return answer.write_to(out).map(|()| true),
            Action::NoReply => {}
        }
        out.flush()?;
    }
    Ok(false)
}

impl Handler for MailServer {
    fn mail(&mut self, _: IpAddr, _: &str, from: &str) -> Response {
        self.present = Mail { from: from.to_owned(), encrypted: self.encrypted, ..Mail::default() };
        response::OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        let (inside, released) = &*self.inside;
        let mut inside = inside.lock().unwrap();
        if let Some((code, text)) = inside.whims.pop_front() {
            return Response::custom(code, text);
        }
        if inside.held.iter().any(|part| to.contains(part)) {
            inside.waiting.push(to.to_owned());
            inside = released.wait_while(inside, |it| it.held.iter().any(|part| to.contains(part))).unwrap();
            let place = inside.waiting.iter().position(|waits| waits == to).unwrap();
            inside.waiting.swap_remove(place);
        }
        drop(inside);
        self.present.to.push(to.to_owned());
        response::OK
    }

    fn data(&mut self, line: &[u8]) -> io::Result<()> {
        self.present.text.push_str(&String::from_utf8_lossy(line));
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let taken = std::mem::take(&mut self.present);
        self.inside.0.lock().unwrap().taken.push(taken);
        response::OK
    }
}
