//! What is said to the mail server is said under TLS, to the server that it should be.

use std::path::PathBuf;
use std::sync::Arc;

use mpp_kit::testing::mail::MailServer;
use mpp_kit::testing::{Engine, temp_dir};
use mpp_notifications::Security;
use mpp_notifications::simulator::Account;
use mpp_proto::notifications::v1::*;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::office::{Office, receipt};

/// A certificate for `localhost` that it signed itself, as PEM, and what a server needs to use it.
fn certified() -> (String, Arc<ServerConfig>) {
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

/// An office whose mail server is reached by STARTTLS under this name and, besides what every system trusts, with these roots.
async fn office(engine: Engine, server: (MailServer, u16), host: &str, roots: PathBuf) -> Office {
    Office::behind(engine, Account::default(), server, |config| {
        config.email.host = host.to_owned();
        config.email.security = Security::Starttls;
        config.email.roots = roots;
    })
    .await
}

/// What came of the first attempt of a mail that must not go out.
async fn refused(office: &Office) -> String {
    let sent = office.send(receipt("", "warga@contoh.example")).await;
    let found = office
        .when(&sent.id, "the attempt ended", |found| {
            found.steps[1].attempts.first().is_some_and(|it| it.outcome != "UNCLEAR")
        })
        .await;
    assert!(office.mail.sessions() > 0, "the server was asked");
    assert!(office.mail.taken().is_empty(), "and was told nothing");
    let first = &found.steps[1].attempts[0];
    format!("{} {}", first.outcome, first.provider_code)
}

lines! {
    async fn a_mail_goes_out_under_tls_to_a_server_that_is_trusted(engine) {
        let (root, tls) = certified();
        let folder = temp_dir();
        let roots = folder.path().join("roots.pem");
        std::fs::write(&roots, root).unwrap();
        let encrypted = MailServer::with(Some(tls.clone()));
        let trusting = office(engine, encrypted, "localhost", roots.clone()).await;
        let sent = trusting.send(receipt("", "warga@contoh.example")).await;
        trusting.when_step(&sent.id, 1, DeliveryStatus::Sent).await;
        let mail = trusting.mail.taken().remove(0);
        assert!(mail.encrypted && mail.to == ["warga@contoh.example"]);

        // A certificate that is trusted, for another name.
        let elsewhere = office(engine, MailServer::with(Some(tls)), "127.0.0.1", roots).await;
        assert_eq!(refused(&elsewhere).await, "PROVIDER_FAILED CONNECTION");
    }

    async fn a_mail_does_not_go_out_to_a_server_that_nobody_vouches_for(engine) {
        let (_, tls) = certified();
        let office = office(engine, MailServer::with(Some(tls)), "localhost", PathBuf::new()).await;
        assert_eq!(refused(&office).await, "PROVIDER_FAILED CONNECTION");
    }

    async fn a_mail_does_not_go_out_to_a_server_without_starttls(engine) {
        let office = office(engine, MailServer::with(None), "localhost", PathBuf::new()).await;
        assert_eq!(refused(&office).await, "PROVIDER_FAILED NOT_OFFERED");
    }
}
