//! A real SMTP server that takes mails, or refuses them as it is told.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mailin::{Action, Handler, Response, SessionBuilder, response};

/// A mail as it came.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    /// The envelope sender.
    pub from: String,
    /// The envelope recipients.
    pub to: Vec<String>,
    /// Headers and body.
    pub text: String,
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
}

/// The server. Ends with the process.
#[derive(Clone, Default)]
pub struct MailServer {
    inside: Arc<Mutex<Inside>>,
    present: Mail,
}

impl MailServer {
    /// Starts on any free port, and answers it.
    ///
    /// # Panics
    /// When no port can be had.
    #[must_use]
    pub fn start() -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let mail = Self::default();
        let handler = mail.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let handler = handler.clone();
                // A client that goes away ends its session, no more.
                std::thread::spawn(move || talk(&stream, handler));
            }
        });
        (mail, port)
    }

    /// What the next recipients are answered, in turn: code and text.
    pub fn whim(&self, whims: &[(u16, &str)]) {
        self.inside().whims.extend(whims.iter().map(|(code, text)| (*code, (*text).to_owned())));
    }

    /// Every mail that was taken.
    #[must_use]
    pub fn taken(&self) -> Vec<Mail> {
        self.inside().taken.clone()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One session, line by line.
fn talk(stream: &TcpStream, handler: MailServer) -> io::Result<()> {
    let mut session = SessionBuilder::new("surat.test").build(IpAddr::V4(Ipv4Addr::LOCALHOST), handler);
    let (mut lines, mut out) = (BufReader::new(stream), stream);
    session.greeting().write_to(&mut out)?;
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let answer = session.process(&line);
        line.clear();
        match answer.action {
            Action::Reply => answer.write_to(&mut out)?,
            Action::Close | Action::UpgradeTls => return answer.write_to(&mut out),
            Action::NoReply => {}
        }
    }
    Ok(())
}

impl Handler for MailServer {
    fn mail(&mut self, _: IpAddr, _: &str, from: &str) -> Response {
        self.present = Mail { from: from.to_owned(), ..Mail::default() };
        response::OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        if let Some((code, text)) = self.inside().whims.pop_front() {
            return Response::custom(code, text);
        }
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
