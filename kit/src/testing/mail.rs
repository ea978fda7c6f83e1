//! A real SMTP server that takes mails, refuses them as it is told, or does not answer; with STARTTLS, if it has a certificate.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use mailin::{Action, Handler, Response, Session, SessionBuilder, response};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A mail as it came.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    /// The envelope sender.
    pub from: String,
    /// The envelope recipients.
    pub to: Vec<String>,
    /// Headers and body.
    pub text: String,
    /// Whether it came under TLS.
    pub encrypted: bool,
}

impl Mail {
    /// The value of a header, unfolded.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
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
pub struct MailServer {
    inside: Arc<(Mutex<Inside>, Condvar)>,
    present: Mail,
    encrypted: bool,
}

impl MailServer {
    /// Starts on any free port, and answers it.
    ///
    /// # Panics
    /// When no port can be had.
    #[must_use]
    pub fn start() -> (Self, u16) {
        Self::with(None)
    }

    /// Starts with STARTTLS, if there is something to do it with.
    ///
    /// # Panics
    /// When no port can be had.
    #[must_use]
    pub fn with(tls: Option<Arc<ServerConfig>>) -> (Self, u16) {
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
    pub fn whim(&self, whims: &[(u16, &str)]) {
        self.inside().whims.extend(whims.iter().map(|(code, text)| (*code, (*text).to_owned())));
    }

    /// Recipients with this in their address are not answered until [`MailServer::release`].
    pub fn hold(&self, part: &str) {
        self.inside().held.push(part.to_owned());
    }

    /// They are answered now.
    pub fn release(&self, part: &str) {
        self.inside().held.retain(|held| held != part);
        self.inside.1.notify_all();
    }

    /// The addresses that wait for an answer, once for each attempt.
    #[must_use]
    pub fn waiting(&self) -> Vec<String> {
        self.inside().waiting.clone()
    }

    /// How many connections there were.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.inside().sessions
    }

    /// Every mail that was taken.
    #[must_use]
    pub fn taken(&self) -> Vec<Mail> {
        self.inside().taken.clone()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection.
fn serve(stream: TcpStream, mut handler: MailServer, tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
    handler.inside().sessions += 1;
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
        let mut inside = self.inside();
        if let Some((code, text)) = inside.whims.pop_front() {
            return Response::custom(code, text);
        }
        if inside.held.iter().any(|part| to.contains(part)) {
            inside.waiting.push(to.to_owned());
            inside = self
                .inside
                .1
                .wait_while(inside, |it| it.held.iter().any(|part| to.contains(part)))
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = inside.waiting.iter().position(|waits| waits == to) {
                inside.waiting.swap_remove(place);
            }
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
        self.inside().taken.push(taken);
        response::OK
    }
}
