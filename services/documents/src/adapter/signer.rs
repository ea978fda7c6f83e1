//! Who signs: the seal of this installation, or a signing service elsewhere. What comes back is believed only after it was
//! verified against the bytes that were sent.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use mpp_kit::fault::{Fault, Problem};
use secrecy::SecretString;
use thiserror::Error;
use tonic::Code;

use super::{bsre, tsa};
use crate::config::{SigningConfig, SigningService};
use crate::domain::office;
use crate::letter::ca::{TestCa, Validity};
use crate::letter::certificate::{Certificate, Roots, Subject};
use crate::letter::pades::{RESERVE, Seal, SealError, SignatureFields};
use crate::letter::verify::{Expected, Refused, check_returned};
use mpp_kit::files::{Files, FilesError};

/// What is to be signed, and by whom.
pub(crate) struct Order<'a> {
    pub(crate) pdf: Vec<u8>,
    /// The number of the signature, from 1.
    pub(crate) nth: usize,
    /// Where it stands: page from 1, then x, y, width and height in points from below left.
    pub(crate) place: (usize, [f64; 4]),
    pub(crate) signer: &'a office::Signer,
    pub(crate) reason: String,
    pub(crate) location: String,
    pub(crate) at: DateTime<Utc>,
    /// The zone of the office.
    pub(crate) offset: FixedOffset,
}

/// What only the signer knows. Used once: it goes into the request and nowhere else.
#[derive(Default)]
pub(crate) struct Credential {
    pub(crate) passphrase: SecretString,
    pub(crate) totp: SecretString,
}

/// What a signer gives for a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing: the seal signs.
    Nothing,
    /// The passphrase of the certificate.
    Passphrase,
    /// The passphrase, or a one-time code that the service sends.
    PassphraseOrCode,
}

/// Why nothing usable came back. Nothing here repeats what the signer typed.
#[derive(Debug, Error)]
pub(crate) enum SigningError {
    /// The passphrase is wrong. Never tried again by itself: the service may lock the account.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The one-time code is wrong, over, or was used.
    #[error("the one-time code is wrong")]
    WrongCode,
    /// This installation signs by other means than one-time codes.
    #[error("there are no one-time codes here")]
    NoCodes,
    /// The signing service does not know the signer.
    #[error("the signer is not registered")]
    NotRegistered,
    /// The signer's certificate is not active there: expired, suspended, revoked, being renewed.
    #[error("the certificate is {0}")]
    CertificateInactive(String),
    /// The service locked the signer's account, after too many wrong passphrases.
    #[error("the account is locked")]
    AccountLocked,
    /// The office does not say by which number the signing service knows the signer.
    #[error("the signer has no population number in the office's list")]
    NoNumber,
    /// Neither a passphrase nor a code was given.
    #[error("no passphrase was given")]
    NoCredential,
    /// The service refuses for another reason of its own.
    #[error("the signing service refuses with code {0}")]
    RefusedBy(String),
    /// What came back is not our document with the signer's signature on it.
    #[error("what came back is not what was asked for: {0}")]
    NotOurs(#[from] Refused),
    /// The service does not answer. Whether it signed is unknown; the same frozen bytes can be sent again.
    #[error("the signing service does not answer: {0}")]
    Unavailable(anyhow::Error),
    /// The time stamp authority does not answer, and a time stamp is required.
    #[error("the time stamp authority does not answer: {0}")]
    NoTimestamp(anyhow::Error),
    /// The signing service gave a signature without a trusted time stamp, and one is asked for.
    #[error("the signature carries no trusted time stamp")]
    NotStamped,
    /// The time stamp authority answered with something else than the time stamp that was asked for.
    #[error("the answer of the time stamp authority is not the time stamp that was asked for")]
    WrongTimestamp,
    /// The seal failed.
    #[error("the seal failed: {0}")]
    Broken(anyhow::Error),
}

impl SigningError {
    /// The same of another letter of the same call.
    fn again(&self) -> Self {
        match self {
            Self::WrongPassphrase => Self::WrongPassphrase,
            Self::WrongCode => Self::WrongCode,
            Self::NoCodes => Self::NoCodes,
            Self::NotRegistered => Self::NotRegistered,
            Self::CertificateInactive(status) => Self::CertificateInactive(status.clone()),
            Self::AccountLocked => Self::AccountLocked,
            Self::NoNumber => Self::NoNumber,
            Self::NoCredential => Self::NoCredential,
            Self::RefusedBy(code) => Self::RefusedBy(code.clone()),
            Self::NotOurs(refused) => Self::NotOurs(*refused),
            Self::NotStamped => Self::NotStamped,
            Self::WrongTimestamp => Self::WrongTimestamp,
            Self::Unavailable(error) => Self::Unavailable(anyhow::anyhow!("{error:#}")),
            Self::NoTimestamp(error) => Self::NoTimestamp(anyhow::anyhow!("{error:#}")),
            Self::Broken(error) => Self::Broken(anyhow::anyhow!("{error:#}")),
        }
    }

    /// A code for the history of the application.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::WrongPassphrase => "WRONG_PASSPHRASE",
            Self::WrongCode => "WRONG_TOTP",
            Self::NoCodes => "TOTP_NOT_AVAILABLE",
            Self::NotRegistered => "SIGNER_NOT_REGISTERED",
            Self::CertificateInactive(_) => "CERTIFICATE_INACTIVE",
            Self::AccountLocked => "SIGNER_LOCKED",
            Self::NoNumber => "SIGNER_WITHOUT_NIK",
            Self::NoCredential => "PASSPHRASE_REQUIRED",
            Self::RefusedBy(_) => "SIGNING_REFUSED",
            Self::NotOurs(_) => "SIGNATURE_NOT_VALID",
            Self::Unavailable(_) => "SIGNING_UNAVAILABLE",
            Self::NoTimestamp(_) => "TIMESTAMP_UNAVAILABLE",
            Self::NotStamped => "TIMESTAMP_MISSING",
            Self::WrongTimestamp => "TIMESTAMP_NOT_VALID",
            Self::Broken(_) => "SIGNING_FAILED",
        }
    }
}

/// What is to be done about a certificate in a status of BSrE's that cannot sign.
fn inactive(status: &str) -> (&'static str, &'static str) {
    match status {
        "EXPIRED" => (
            "Sertifikat elektronik penanda tangan sudah kedaluwarsa. Surat tetap menunggu; perbarui sertifikat di layanan TTE.",
            "The signer's certificate has expired. The letter still waits; renew it with the signing service.",
        ),
        "RENEW" => (
            "Sertifikat elektronik penanda tangan sedang diperbarui. Surat tetap menunggu; selesaikan pembaruannya di layanan TTE.",
            "The signer's certificate is being renewed. The letter still waits; finish its renewal with the signing service.",
        ),
        "WAITING_FOR_VERIFICATION" | "NEW" => (
            "Pendaftaran sertifikat elektronik penanda tangan belum selesai diverifikasi. Surat tetap menunggu; hubungi admin TTE daerah.",
            "The signer's registration is not verified yet. The letter still waits; ask the administrator of the signing service.",
        ),
        "NO_CERTIFICATE" => (
            "Penanda tangan belum memiliki sertifikat elektronik. Surat tetap menunggu; terbitkan sertifikat di layanan TTE.",
            "The signer has no certificate yet. The letter still waits; have one issued by the signing service.",
        ),
        "SUSPEND" => (
            "Sertifikat elektronik penanda tangan sedang dibekukan. Surat tetap menunggu; hubungi admin TTE daerah.",
            "The signer's certificate is suspended. The letter still waits; ask the administrator of the signing service.",
        ),
        "REVOKE" => (
            "Sertifikat elektronik penanda tangan sudah dicabut. Surat tetap menunggu; ajukan sertifikat baru di layanan TTE.",
            "The signer's certificate was revoked. The letter still waits; apply for a new one with the signing service.",
        ),
        // What the service says of none of these.
        _ => (
            "Sertifikat elektronik penanda tangan tidak aktif. Surat tetap menunggu; periksa dan perbarui di layanan TTE.",
            "The signer's certificate is not active. The letter still waits; look at it and renew it with the signing service.",
        ),
    }
}

impl Fault for SigningError {
    fn problem(self) -> Problem {
        let code = self.code();
        match self {
            Self::WrongPassphrase => Problem::new(
                Code::PermissionDenied,
                code,
                "Passphrase salah. Surat tetap menunggu; periksa passphrase Anda sebelum mencoba lagi, karena percobaan berulang dapat mengunci akun TTE.",
                "The passphrase is wrong. The letter still waits; check it before you try again, for repeated attempts may lock the account.",
            ),
            Self::WrongCode => Problem::new(
                Code::PermissionDenied,
                code,
                "Kode sekali pakai salah, kedaluwarsa, atau sudah dipakai. Surat tetap menunggu; minta kode baru.",
                "The one-time code is wrong, over or used. The letter still waits; ask for a new one.",
            ),
            Self::NoCodes => Problem::precondition(
                code,
                "Layanan TTE di sini tidak memakai kode sekali pakai. Pakai frasa sandi sertifikat Anda.",
                "There are no one-time codes here. Use the passphrase of your certificate.",
            ),
            Self::NotRegistered => Problem::precondition(
                code,
                "Penanda tangan belum terdaftar di layanan TTE. Hubungi admin TTE daerah.",
                "The signer is not registered with the signing service. Ask its administrator.",
            ),
            Self::CertificateInactive(status) => {
                let (id, en) = inactive(&status);
                Problem::precondition(code, id, en).with("status", status)
            }
            Self::AccountLocked => Problem::precondition(
                code,
                "Akun TTE penanda tangan terkunci karena terlalu sering salah memasukkan frasa sandi. Surat tetap menunggu; hubungi admin TTE daerah untuk membukanya.",
                "The signer's account is locked after too many wrong passphrases. The letter still waits; ask the administrator of the signing service to unlock it.",
            ),
            Self::NoNumber => Problem::precondition(
                code,
                "NIK penanda tangan belum diisi pada data kantor. Minta admin melengkapinya.",
                "The office does not know the signer's population number yet. Ask an administrator to add it.",
            ),
            Self::NoCredential => Problem::precondition(
                code,
                "Isi passphrase sertifikat elektronik Anda.",
                "Give the passphrase of your certificate.",
            ),
            Self::RefusedBy(status) => Problem::precondition(
                code,
                "Layanan TTE menolak penandatanganan ini. Surat tetap menunggu; hubungi admin TTE dengan kode yang disebutkan.",
                "The signing service refuses. The letter still waits; ask its administrator with the code given.",
            )
            .with("code", status),
            Self::NotOurs(refused) => Problem::precondition(
                code,
                "Berkas dari layanan TTE tidak lolos pemeriksaan, sehingga tidak dipakai. Surat tetap menunggu.",
                "What came back from the signing service did not pass the check and is not used. The letter still waits.",
            )
            .caused_by(refused),
            Self::Unavailable(error) => Problem::new(
                Code::Unavailable,
                code,
                "Layanan TTE tidak menjawab. Surat tetap menunggu dan dapat ditandatangani nanti tanpa mengisi ulang.",
                "The signing service does not answer. The letter still waits and can be signed later.",
            )
            .caused_by(error),
            Self::NoTimestamp(error) => Problem::new(
                Code::Unavailable,
                code,
                "Layanan penanda waktu tidak menjawab. Surat tetap menunggu dan dapat ditandatangani nanti tanpa mengisi ulang.",
                "The time stamp authority does not answer. The letter still waits and can be signed later.",
            )
            .caused_by(error),
            Self::NotStamped => Problem::precondition(
                code,
                "Tanda tangan dari layanan TTE tidak membawa penanda waktu yang tepercaya, sehingga tidak dipakai. Surat tetap menunggu; hubungi admin TTE daerah.",
                "The signature of the signing service carries no trusted time stamp and is not used. The letter still waits; ask the administrator of the signing service.",
            ),
            Self::WrongTimestamp => Problem::precondition(
                code,
                "Jawaban layanan penanda waktu tidak lolos pemeriksaan, sehingga tidak dipakai. Surat tetap menunggu; hubungi admin sistem.",
                "What the time stamp authority answered did not pass the check and is not used. The letter still waits; ask an administrator.",
            ),
            Self::Broken(error) => Problem::internal(error),
        }
    }
}

/// Signs by what is configured, and knows whom this installation trusts.
pub(crate) struct Signers {
    remote: Option<bsre::Client>,
    seal: Seal,
    /// Who stamps the time of the seal, and whether it signs nothing without.
    authority: Option<(tsa::Client, bool)>,
    roots: Roots,
    /// Whether what comes from elsewhere must carry a trusted time stamp.
    stamped: bool,
    /// Whether letters are samples.
    pub(crate) sample: bool,
}

impl Signers {
    /// The signers that `config` names. The seal's key is made at the first start, unless one is given.
    ///
    /// # Errors
    /// A sentence that names the setting or file.
    pub(crate) async fn open(
        config: &SigningConfig,
        files: &Files,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Self> {
        let (seal, seal_root) = seal(config, files, now).await.context("the seal cannot be used")?;
        let mut roots = Roots::default();
        roots.signers.push(seal_root);
        if !config.roots.as_os_str().is_empty() {
            let given = certificates(&config.roots).context("setting documents.signing.roots")?;
            roots.timestamps.extend(given.iter().cloned());
            roots.signers.extend(given);
        }
        if !config.tsa_roots.as_os_str().is_empty() {
            roots
                .timestamps
                .extend(certificates(&config.tsa_roots).context("setting documents.signing.tsa_roots")?);
        }
        let authority = match config.tsa_url.as_str() {
            "" => None,
            url => Some((tsa::Client::new(url)?, config.tsa_required)),
        };
        let remote = match config.service {
            SigningService::Seal => None,
            SigningService::BsreV1 | SigningService::BsreV2 => Some(bsre::Client::new(config)?),
        };
        let stamped = config.timestamp_required;
        Ok(Self { remote, seal, authority, roots, stamped, sample: config.sample })
    }

    /// Whom this installation trusts.
    pub(crate) fn roots(&self) -> &Roots {
        &self.roots
    }

    /// What a signer gives for a signature.
    pub(crate) fn takes(&self) -> Takes {
        match &self.remote {
            None => Takes::Nothing,
            Some(remote) if remote.takes_codes() => Takes::PassphraseOrCode,
            Some(_) => Takes::Passphrase,
        }
    }

    /// How many of so many letters go into one call. What the service takes one by one is asked for one by one, so that none
    /// waits *signing* for the turn of another.
    pub(crate) fn together(&self, letters: usize) -> usize {
        if self.remote.as_ref().is_some_and(bsre::Client::takes_codes) { letters.max(1) } else { 1 }
    }

    /// Has a one-time code sent to the holder of this number, for so many letters.
    pub(crate) async fn request_code(&self, nik: &str, letters: usize) -> Result<(), SigningError> {
        let remote = self.remote.as_ref().filter(|remote| remote.takes_codes());
        remote.ok_or(SigningError::NoCodes)?.request_code(nik, letters).await
    }

    /// Has files signed and verifies what comes back, each for itself: exactly our bytes, one signature more, over the whole
    /// file, by the expected signer, trusted. Answered in their order.
    pub(crate) async fn sign(
        &self,
        orders: Vec<Order<'_>>,
        credential: &Credential,
    ) -> Vec<Result<Vec<u8>, SigningError>> {
        let Some(remote) = &self.remote else {
            let mut sealed = Vec::with_capacity(orders.len());
            for order in orders {
                sealed.push(self.sealed(order).await);
            }
            return sealed;
        };
        let mut answers: Vec<Option<Result<Vec<u8>, SigningError>>> = orders.iter().map(|_| None).collect();
        // One person may be listed under two numbers by two offices: each number is asked for itself.
        let mut numbers = BTreeMap::<&str, Vec<usize>>::new();
        for (at, order) in orders.iter().enumerate() {
            match &order.signer.nik {
                Some(nik) => numbers.entry(nik.reveal()).or_default().push(at),
                None => answers[at] = Some(Err(SigningError::NoNumber)),
            }
        }
        for (nik, places) in numbers {
            let asked: Vec<_> = places.iter().map(|at| &orders[*at]).collect();
            let found = match remote.sign(&asked, nik, credential).await {
                Ok(found) => found,
                // It is true of each of them; the cause is logged with the first.
                Err(error) => {
                    let others = (1..places.len()).map(|_| Err(error.again())).collect::<Vec<_>>();
                    std::iter::once(Err(error)).chain(others).collect()
                }
            };
            for (at, file) in places.into_iter().zip(found) {
                answers[at] = Some(file.and_then(|signed| self.judged(&orders[at], nik, signed)));
            }
        }
        let missing = || Err(SigningError::Broken(anyhow::anyhow!("a letter was left out of its batch")));
        answers.into_iter().map(|answer| answer.unwrap_or_else(missing)).collect()
    }

    /// What came back from elsewhere, if it is what was asked for.
    fn judged(&self, order: &Order<'_>, nik: &str, signed: Vec<u8>) -> Result<Vec<u8>, SigningError> {
        let expected = Expected {
            common_name: None,
            serial_number: Some(nik.to_owned()),
            timestamp: self.stamped,
            at: order.at,
        };
        match check_returned(&order.pdf, &signed, &expected, &self.roots) {
            Ok(_) => Ok(signed),
            Err(Refused::NoTimestamp) => Err(SigningError::NotStamped),
            Err(refused) => Err(refused.into()),
        }
    }

    /// Signs with the seal of this installation, with a time stamp where an authority is set: B-T, else B-B.
    pub(crate) async fn sealed(&self, order: Order<'_>) -> Result<Vec<u8>, SigningError> {
        let subject = self.seal.certificate().subject();
        let fields = SignatureFields {
            field: format!("TTD{}", order.nth),
            page: order.place.0,
            time: order.at.with_timezone(&order.offset),
            name: order.signer.name.clone(),
            reason: Some(order.reason.clone()),
            location: Some(order.location.clone()),
            reserve: RESERVE,
        };
        let broken = |error: SealError| SigningError::Broken(anyhow::Error::new(error));
        let begun = self.seal.begin(&order.pdf, &fields).map_err(broken)?;
        let response = match &self.authority {
            None => None,
            Some((authority, required)) => match authority.stamp(begun.request().map_err(broken)?).await {
                Ok(response) => Some(response),
                Err(error) if *required => return Err(SigningError::NoTimestamp(error)),
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(
                        error,
                        "a letter is sealed without a time stamp: the authority does not answer"
                    );
                    None
                }
            },
        };
        let timestamp = response.is_some();
        let signed = match response {
            None => begun.finish().map_err(broken)?,
            Some(response) => begun.finish_with(&response).map_err(|error| {
                if error == SealError::WrongTimestamp { SigningError::WrongTimestamp } else { broken(error) }
            })?,
        };
        let expected = Expected {
            common_name: Some(subject.common_name.clone()),
            serial_number: None,
            timestamp,
            at: order.at,
        };
        match check_returned(&order.pdf, &signed, &expected, &self.roots) {
            Ok(_) => Ok(signed),
            // Whoever stamped it is not trusted, or not for that.
            Err(Refused::NoTimestamp) => Err(SigningError::WrongTimestamp),
            Err(refused) => Err(refused.into()),
        }
    }
}

/// The certificates in a PEM file.
fn certificates(path: &Path) -> anyhow::Result<Vec<Certificate>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let found =
        Certificate::from_pem(&text).with_context(|| format!("{} holds no certificates", path.display()))?;
    ensure!(!found.is_empty(), "{} holds no certificates", path.display());
    Ok(found)
}

/// The seal with its root: as configured, else the one that was made at the first start.
async fn seal(
    config: &SigningConfig,
    files: &Files,
    now: DateTime<Utc>,
) -> anyhow::Result<(Seal, Certificate)> {
    if !config.seal_key.as_os_str().is_empty() {
        let read = |path: &Path| {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
        };
        let (key, chain) = (read(&config.seal_key)?, read(&config.seal_chain)?);
        let root =
            Certificate::from_pem(&chain)?.pop().context("setting documents.signing.seal_chain is empty")?;
        return Ok((Seal::from_pem(&key, &chain)?, root));
    }
    let read = async |name: &str| match files.get(name).await {
        Ok(bytes) => Ok(Some(String::from_utf8(bytes)?)),
        Err(FilesError::Missing(_)) => Ok(None),
        Err(error @ (FilesError::Damaged(_) | FilesError::Store(_))) => Err(anyhow::Error::new(error)),
    };
    // One file, so that key and chain can never be of two makers who started at once.
    const NAME: &str = "seal-of-this-installation";
    if read(NAME).await?.is_none() {
        let (key, chain) = made(now)?;
        files.put(NAME, format!("{key}\n{chain}").as_bytes()).await?;
    }
    let both = read(NAME).await?.context("the seal was written and is not there")?;
    let (key, chain) = both.split_once("-----BEGIN CERTIFICATE").context("the seal is damaged")?;
    let chain = format!("-----BEGIN CERTIFICATE{chain}");
    let root = Certificate::from_pem(&chain)?.pop().context("the seal has no chain")?;
    Ok((Seal::from_pem(key.trim(), &chain)?, root))
}

/// A new seal under a root of its own, as PEM: key, then chain with the root last.
fn made(now: DateTime<Utc>) -> anyhow::Result<(String, String)> {
    let from = now - TimeDelta::days(1);
    let root =
        TestCa::root("Sinergi MPP Akar Segel", Validity { from, until: from + TimeDelta::days(7300) })?;
    let subject = Subject {
        common_name: "Segel Elektronik Sinergi MPP".to_owned(),
        serial_number: None,
        organization: Some("Sinergi MPP".to_owned()),
    };
    let seal = root.signer(&subject, Validity { from, until: from + TimeDelta::days(3650) })?;
    Ok(seal.to_pem()?)
}
