//! Signing and verifying, judged by others.

use std::path::PathBuf;

use mpp_documents::letter::certificate::Untrusted;
use mpp_documents::letter::pades::{Seal, SealError, SignError, Timestamper, complete, prepare};
use mpp_documents::letter::verify::{Appended, Coverage, Verdict, inspect};

use crate::sample::{World, fields, pdf, validity};
use crate::tools::{Desk, pdfsig, pyhanko_validate, try_openssl};

#[test]
fn one_signature_is_valid_to_everybody() {
    let (world, desk) = (World::new(), Desk::new());
    let signed = world.signed_once();
    assert!(signed.starts_with(pdf()), "the letter's bytes stay as they are");
    let report = inspect(&signed, &world.roots()).unwrap();
    assert_eq!(report.verdict, Verdict::Valid, "{report:?}");
    let [signature] = report.signatures.as_slice() else { panic!("{report:?}") };
    assert_eq!(signature.field, "TTD1");
    assert_eq!(signature.coverage, Coverage::WholeFile);
    assert_eq!(signature.appended, Appended::Nothing);
    assert_eq!(signature.trust.as_deref(), Ok("Akar Uji CONTOH"));
    assert_eq!(signature.claimed_time, Some(fields("", "").time));
    let signer = signature.signer.as_ref().unwrap();
    assert_eq!(
        (signer.common_name.as_str(), signer.serial_number.as_deref()),
        ("SITI AMINAH", Some("0017070101800001"))
    );

    let file = desk.put("signed.pdf", &signed);
    let said = pdfsig(&file);
    assert!(said.contains("Signature is Valid"), "{said}");
    assert!(said.contains("Total document signed"), "{said}");
    let root = desk.put("root.pem", world.root.certificate().to_pem());
    let (accepted, said) = pyhanko_validate(&file, &root);
    assert!(accepted, "{said}");
    assert!(said.contains("The signature is judged VALID"), "{said}");
}

#[test]
fn a_second_signature_leaves_the_first_valid() {
    let (world, desk) = (World::new(), Desk::new());
    let signed = world.signed_twice();
    let report = inspect(&signed, &world.roots()).unwrap();
    assert_eq!(report.verdict, Verdict::Valid, "{report:?}");
    let [first, second] = report.signatures.as_slice() else { panic!("{report:?}") };
    assert_eq!((first.coverage, first.appended), (Coverage::WholeRevision, Appended::Signatures));
    assert_eq!((second.coverage, second.appended), (Coverage::WholeFile, Appended::Nothing));

    let file = desk.put("signed.pdf", &signed);
    let said = pdfsig(&file);
    assert_eq!(said.matches("Signature is Valid").count(), 2, "{said}");
    assert_eq!(said.matches("Total document signed").count(), 1, "{said}");
    let root = desk.put("root.pem", world.root.certificate().to_pem());
    let (accepted, said) = pyhanko_validate(&file, &root);
    assert!(accepted, "{said}");
    assert_eq!(said.matches("The signature is judged VALID").count(), 2, "{said}");
}

#[test]
fn a_seal_may_come_without_the_root() {
    let world = World::new();
    let (key, chain) = world.village.to_pem().unwrap();
    let (own, _root) = chain.split_at(chain.rfind("-----BEGIN").unwrap());
    let seal = Seal::from_pem(&key, own).unwrap();
    let signed = seal.sign(pdf(), &fields("TTD1", "Siti Aminah, S.IP."), None).unwrap();
    assert_eq!(inspect(&signed, &world.roots()).unwrap().verdict, Verdict::Valid);
    assert_eq!(signed, world.signed_once(), "the root is sent by neither");
}

#[test]
fn signing_is_repeatable() {
    let world = World::new();
    assert_eq!(world.signed_twice(), world.signed_twice());
}

/// OpenSSL as a time stamp authority.
struct Authority {
    desk: Desk,
    config: PathBuf,
}

impl Authority {
    fn new(world: &World) -> Self {
        let desk = Desk::new();
        let (key, certificate) =
            world.intermediate.timestamper("Penanda Waktu Uji CONTOH", validity()).unwrap();
        let (chain, _) = world.intermediate.to_pem().unwrap();
        let (key, certificate) = (desk.put("key.pem", key), desk.put("tsa.pem", certificate));
        let (chain, serial) = (desk.put("chain.pem", chain), desk.put("serial", "01\n"));
        let config = format!(
            "[tsa]\ndefault_tsa = it\n[it]\nserial = {}\nsigner_cert = {}\ncerts = {}\nsigner_key = {}\n\
             signer_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256\ness_cert_id_alg = sha256\n",
            serial.display(),
            certificate.display(),
            chain.display(),
            key.display(),
        );
        let config = desk.put("tsa.cnf", config);
        Self { desk, config }
    }
}

impl Timestamper for Authority {
    fn stamp(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let query = self.desk.put("query", request);
        // It refuses to answer with a certificate that is not for time stamps.
        try_openssl(
            &self.desk,
            &[&"ts", &"-reply", &"-config", &self.config, &"-queryfile", &query, &"-out", &"reply"],
        )?;
        Ok(self.desk.get("reply"))
    }
}

#[test]
fn a_time_stamp_is_valid_to_everybody() {
    let (world, desk) = (World::new(), Desk::new());
    let authority = Authority::new(&world);
    let once = world.village.sign(pdf(), &fields("TTD1", "Siti Aminah"), Some(&authority)).unwrap();
    let signed = world.sub_district.sign(&once, &fields("TTD2", "Ahmad Dahlan"), Some(&authority)).unwrap();
    let report = inspect(&signed, &world.roots()).unwrap();
    assert_eq!(report.verdict, Verdict::Valid, "{report:?}");
    for signature in &report.signatures {
        let stamp = signature.timestamp.as_ref().unwrap();
        assert_eq!(stamp.trust.as_deref(), Ok("Akar Uji CONTOH"));
    }
    let file = desk.put("signed.pdf", &signed);
    let said = pdfsig(&file);
    assert_eq!(said.matches("Signature is Valid").count(), 2, "{said}");
    let root = desk.put("root.pem", world.root.certificate().to_pem());
    let (accepted, said) = pyhanko_validate(&file, &root);
    assert!(accepted, "{said}");
    assert_eq!(said.matches("The timestamp token is cryptographically sound").count(), 2, "{said}");
}

#[test]
fn a_time_stamp_of_the_simulators_authority_is_valid_to_everybody() {
    let (world, desk) = (World::new(), Desk::new());
    let stamper = world.intermediate.stamper("Penanda Waktu Uji CONTOH", validity()).unwrap();
    let fields = fields("TTD1", "Siti Aminah");
    let at = fields.time.to_utc() + chrono::TimeDelta::seconds(3);
    let signed = world.village.sign(pdf(), &fields, Some(&stamper.at(at))).unwrap();
    let report = inspect(&signed, &world.roots()).unwrap();
    let stamp = report.signatures[0].timestamp.as_ref().unwrap();
    assert_eq!((stamp.time, stamp.trust.as_deref()), (at, Ok("Akar Uji CONTOH")));
    let file = desk.put("signed.pdf", &signed);
    let said = pdfsig(&file);
    assert_eq!(said.matches("Signature is Valid").count(), 1, "{said}");
    let root = desk.put("root.pem", world.root.certificate().to_pem());
    let (accepted, said) = pyhanko_validate(&file, &root);
    assert!(accepted && said.contains("The timestamp token is cryptographically sound"), "{said}");
    // It answers requests alone.
    let refused = stamper.at(at).stamp(b"<html>").unwrap_err();
    assert!(refused.contains("not the structure"), "{refused}");
}

/// Gives every request the same answer.
struct Fixed(Result<Vec<u8>, String>);

impl Timestamper for Fixed {
    fn stamp(&self, _: &[u8]) -> Result<Vec<u8>, String> {
        self.0.clone()
    }
}

#[test]
fn time_stamps_that_were_not_asked_for_are_refused() {
    let world = World::new();
    let authority = Authority::new(&world);
    let sign =
        |timestamper: &dyn Timestamper| world.village.sign(pdf(), &fields("TTD1", "Siti"), Some(timestamper));
    sign(&authority).unwrap();
    // The reply to the request before: the same signature value, since signing is repeatable, but another nonce.
    let replay = Fixed(Ok(authority.desk.get("reply")));
    assert_eq!(sign(&replay), Err(SealError::WrongTimestamp));
    // Status 2, rejected (RFC 3161, section 2.4.2).
    assert_eq!(sign(&Fixed(Ok(vec![0x30, 5, 0x30, 3, 2, 1, 2]))), Err(SealError::WrongTimestamp));
    assert_eq!(sign(&Fixed(Ok(b"<html>".to_vec()))), Err(SealError::WrongTimestamp));
    assert_eq!(
        sign(&Fixed(Err("connection refused".into()))),
        Err(SealError::NoTimestamp("connection refused".into()))
    );
}

#[test]
fn a_time_stamp_of_a_stranger_is_no_time_stamp() {
    let world = World::new();
    let stamped =
        world.village.sign(pdf(), &fields("TTD1", "Siti"), Some(&Authority::new(&World::new()))).unwrap();
    let report = inspect(&stamped, &world.roots()).unwrap();
    assert_eq!(report.signatures[0].timestamp.as_ref().unwrap().trust, Err(Untrusted::NoPath));
    // The signer's own word about the time remains.
    assert_eq!(report.verdict, Verdict::Valid);
    // Signers do not stamp times, even under the same root: the village's own certificate and key as authority.
    let authority = Authority::new(&world);
    let (key, chain) = world.village.to_pem().unwrap();
    authority.desk.put("key.pem", key);
    authority.desk.put("tsa.pem", chain);
    let refused = world.village.sign(pdf(), &fields("TTD1", "Siti"), Some(&authority));
    assert!(matches!(refused, Err(SealError::NoTimestamp(_))), "{refused:?}");
}

#[test]
fn what_cannot_be_signed_is_said_before_anything_is_asked() {
    let world = World::new();
    let once = world.signed_once();
    let sign = |fields| world.village.sign(&once, &fields, Some(&Fixed(Err("was asked".into()))));
    let base = || fields("TTD2", "Siti");
    let with = |change: &dyn Fn(&mut mpp_documents::letter::pades::SignatureFields)| {
        let mut fields = base();
        change(&mut fields);
        sign(fields).unwrap_err()
    };
    assert_eq!(with(&|it| it.field = "TTD1".into()), SignError::FieldExists.into());
    assert_eq!(with(&|it| it.page = 2), SignError::NoPage(2).into());
    assert_eq!(with(&|it| it.page = 0), SignError::NoPage(0).into());
    assert!(matches!(
        with(&|it| it.reserve = 4096),
        SealError::Sign(SignError::TooLarge { reserved: 4096, .. })
    ));
    assert_eq!(with(&|it| it.reserve = usize::MAX), SignError::Reserve.into());
    let late = chrono::TimeDelta::days(9999);
    assert_eq!(with(&|it| it.time += late), SealError::NotThen);
    assert_eq!(with(&|_| {}), SealError::NoTimestamp("was asked".into()));

    let prepared = prepare(pdf(), &base()).unwrap();
    let size = prepared.reserved() + 1;
    assert_eq!(complete(prepared, &vec![0; size]), Err(SignError::TooLarge { size, reserved: size - 1 }));
    assert!(matches!(prepare(b"%PDF-1.7\nno", &base()), Err(SignError::Unreadable(_))));
    assert!(matches!(prepare(&pdf()[..pdf().len() / 2], &base()), Err(SignError::Unreadable(_))));
}
