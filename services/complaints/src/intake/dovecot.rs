//! A private Dovecot for tests: a real IMAP server with one mailbox, on free ports, under a folder of its own.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use mpp_kit::clock::{Clock as _, SystemClock};
use mpp_kit::config::Secret;
use tempfile::TempDir;

use super::imap::{ImapConfig, Protection};

const PASSWORD: &str = "sandi-kotak-surat";

/// The server. It ends when this is dropped.
pub(crate) struct Dovecot {
    folder: TempDir,
    plain: u16,
    tls: u16,
    server: Child,
    delivered: AtomicU32,
    owner: Option<u32>,
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // SIGTERM to the master ends all of its processes; a kill would leave them.
        let _ended = Command::new("kill").arg(self.server.id().to_string()).status();
        let _reaped = self.server.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn user() -> (String, String, u32) {
    let told = |flags: &[&str]| {
        let output = Command::new("id").args(flags).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    (told(&["-un"]), told(&["-gn"]), told(&["-u"]).parse().unwrap())
}

impl Dovecot {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
        let (plain, tls) = (free_port(), free_port());
        let (mut name, mut group, uid) = user();
        // Dovecot gives root no mail; its mailbox is nobody's then.
        let owner = (uid == 0).then_some(65_534);
        if owner.is_some() {
            (name, group) = ("nobody".to_owned(), "nogroup".to_owned());
        }
        let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(root.join("cert.pem"), certified.cert.pem()).unwrap();
        fs::write(root.join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
        let mailbox = root.join("Maildir");
        for part in ["new", "cur", "tmp"] {
            fs::create_dir_all(mailbox.join(part)).unwrap();
        }
        give(&mailbox, owner);
        let path = |name: &str| root.join(name).display().to_string();
        let settings = format!(
            "base_dir = {run}\nstate_dir = {run}\nlog_path = {log}\nprotocols = imap\nlisten = 127.0.0.1\n\
             default_internal_user = {name}\ndefault_internal_group = {group}\ndefault_login_user = {name}\n\
             first_valid_uid = 1\nmail_location = maildir:{mailbox}\nssl = yes\nssl_cert = <{cert}\n\
             ssl_key = <{key}\ndisable_plaintext_auth = no\n\
             service anvil {{\n chroot =\n}}\nservice stats {{\n chroot =\n}}\n\
             service imap-login {{\n chroot =\n inet_listener imap {{\n  port = {plain}\n }}\n \
             inet_listener imaps {{\n  port = {tls}\n }}\n}}\n\
             passdb {{\n driver = static\n args = password={PASSWORD}\n}}\n\
             userdb {{\n driver = static\n args = uid={name} gid={group} home={home}\n}}\n",
            run = path("run"),
            log = path("log"),
            cert = path("cert.pem"),
            key = path("key.pem"),
            mailbox = mailbox.display(),
            home = root.display(),
        );
        fs::write(root.join("dovecot.conf"), settings).unwrap();
        let program = ["/usr/sbin/dovecot", "/usr/local/sbin/dovecot", "/opt/homebrew/sbin/dovecot"]
            .into_iter()
            .find(|path| Path::new(path).exists())
            .expect("dovecot is missing: script/setup installs it (Debian: dovecot-imapd)");
        let server = Command::new(program)
            .args(["-F", "-c", &path("dovecot.conf")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut started = Self { folder, plain, tls, server, delivered: AtomicU32::new(0), owner };
        started.wait().await;
        started
    }

    async fn wait(&mut self) {
        let began = Instant::now();
        while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.plain)).await.is_err() {
            let ended = self.server.try_wait().unwrap();
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(ended.is_none() && began.elapsed() < Duration::from_secs(20), "dovecot: {}", log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How the mailbox is reached.
    pub(crate) fn config(&self, protection: Protection) -> ImapConfig {
        ImapConfig {
            host: "localhost".to_owned(),
            port: if protection == Protection::Tls { self.tls } else { self.plain },
            protection,
            roots: self.folder.path().join("cert.pem"),
            username: "aduan".to_owned(),
            password: Secret::from(PASSWORD),
            timeout_seconds: 30,
            ..ImapConfig::default()
        }
    }

    /// Puts a message into the mailbox, as a mail server does.
    pub(crate) fn deliver(&self, message: &str) {
        self.deliver_aged(message, Duration::ZERO);
    }

    /// Puts a message into the mailbox that came there so long ago.
    pub(crate) fn deliver_aged(&self, message: &str, age: Duration) {
        let number = self.delivered.fetch_add(1, Ordering::SeqCst);
        let mailbox = self.mailbox();
        let written = mailbox.join("tmp").join(format!("{:010}.{number:04}.test", 1_757_810_000 + number));
        fs::write(&written, message).unwrap();
        let came = SystemTime::from(SystemClock.now()) - age;
        fs::File::options().write(true).open(&written).unwrap().set_modified(came).unwrap();
        give(&written, self.owner);
        fs::rename(&written, mailbox.join("new").join(written.file_name().unwrap())).unwrap();
    }

    /// How many messages are marked as seen.
    pub(crate) fn seen(&self) -> usize {
        let entries = fs::read_dir(self.mailbox().join("cur")).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.rsplit_once(",").is_some_and(|(_, flags)| flags.contains('S'))).count()
    }

    fn mailbox(&self) -> PathBuf {
        self.folder.path().join("Maildir")
    }
}

fn give(path: &Path, owner: Option<u32>) {
    if let Some(owner) = owner {
        chown(path, Some(owner), Some(owner)).unwrap();
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                give(&entry.unwrap().path(), Some(owner));
            }
        }
    }
}
