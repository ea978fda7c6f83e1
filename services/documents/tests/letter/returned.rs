//! What a signer elsewhere gives back, with pyHanko in the place of BSrE: RSA keys, its own way of writing files.

use std::path::PathBuf;

use chrono::TimeDelta;
use mpp_documents::letter::certificate::{Certificate, Roots};
use mpp_documents::letter::pades::{SignError, prepare};
use mpp_documents::letter::verify::{Expected, Refused, Verdict, check_returned, inspect};
use mpp_kit::clock::{Clock as _, SystemClock};

use crate::sample::{World, fields, now, pdf, pdf_with_streams};
use crate::tools::{Desk, openssl, pdfsig, pyhanko_sign};

fn expected() -> Expected {
    Expected {
        common_name: Some("Siti  Aminah".to_owned()),
        serial_number: Some("0017070101800001".to_owned()),
        timestamp: false,
        at: now(),
    }
}

/// A signer with a key of this kind, certified through OpenSSL.
struct Remote {
    desk: Desk,
}

const P384: &[&str] = &["ec", "-pkeyopt", "ec_paramgen_curve:P-384"];

impl Remote {
    /// Under the intermediate of the world, with an RSA key.
    fn new(world: &World) -> Self {
        let desk = Desk::new();
        let (chain, key) = world.intermediate.to_pem().unwrap();
        desk.put("chain.pem", chain);
        desk.put("authority.key", key);
        Self::certified(desk, &["rsa:2048"])
    }

    /// Under a root of its own, both with keys of this kind.
    fn with_root(kind: &[&str]) -> Self {
        let desk = Desk::new();
        let subject = [
            "-keyout",
            "authority.key",
            "-out",
            "chain.pem",
            "-subj",
            "/CN=Akar Lain CONTOH",
            "-days",
            "3650",
        ];
        let uses = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        Self::openssl(&desk, &[&["req", "-x509", "-nodes", "-newkey"], kind, &subject, &uses].concat());
        Self::certified(desk, kind)
    }

    fn certified(desk: Desk, kind: &[&str]) -> Self {
        desk.put("usage", "keyUsage=critical,digitalSignature,nonRepudiation\n");
        let subject = "/C=ID/O=Pemerintah Kabupaten Contoh/serialNumber=0017070101800001/CN=SITI AMINAH";
        let files = ["-keyout", "signer.key", "-out", "request", "-utf8", "-subj", subject];
        Self::openssl(&desk, &[&["req", "-new", "-nodes", "-newkey"], kind, &files].concat());
        Self::openssl(
            &desk,
            &[
                "x509",
                "-req",
                "-in",
                "request",
                "-CA",
                "chain.pem",
                "-CAkey",
                "authority.key",
                "-CAcreateserial",
                "-days",
                "3650",
                "-sha384",
                "-extfile",
                "usage",
                "-out",
                "signer.pem",
            ],
        );
        Self { desk }
    }

    fn openssl(desk: &Desk, arguments: &[&str]) {
        let arguments = arguments.iter().map(|it| it as &dyn AsRef<std::ffi::OsStr>).collect::<Vec<_>>();
        openssl(desk, &arguments);
    }

    /// The authority that certified the signer, as root.
    fn roots(&self) -> Roots {
        let chain = String::from_utf8(self.desk.get("chain.pem")).unwrap();
        Roots { signers: Certificate::from_pem(&chain).unwrap(), ..Roots::default() }
    }

    /// Signs a file; `options` go to `pyhanko sign addsig`.
    fn sign(&self, file: &[u8], options: &[&'static str]) -> Vec<u8> {
        self.desk.put("in.pdf", file);
        let _ = std::fs::remove_file(self.desk.path("out.pdf"));
        let mut arguments: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"sign", &"addsig"];
        arguments.extend(options.iter().map(|it| it as &dyn AsRef<std::ffi::OsStr>));
        let rest: [&dyn AsRef<std::ffi::OsStr>; 10] = [
            &"pemder",
            &"--key",
            &"signer.key",
            &"--cert",
            &"signer.pem",
            &"--chain",
            &"chain.pem",
            &"--no-pass",
            &"in.pdf",
            &"out.pdf",
        ];
        arguments.extend(rest);
        pyhanko_sign(&self.desk, &arguments);
        self.desk.get("out.pdf")
    }

    fn file(&self) -> PathBuf {
        self.desk.path("out.pdf")
    }
}

/// pyHanko signs at the time of the machine's clock, and OpenSSL certifies from then on, whatever the day of this letter is.
fn lately(expected: Expected) -> Expected {
    Expected { at: SystemClock.now() + TimeDelta::days(1), ..expected }
}

#[test]
fn a_signature_from_elsewhere_with_rsa_is_accepted() {
    let world = World::new();
    let remote = Remote::new(&world);
    for options in [
        &["--field", "BSRE", "--use-pades"][..],
        &["--field", "BSRE", "--use-pades", "--prefer-pss"],
        &["--field", "BSRE"],
    ] {
        let returned = remote.sign(pdf(), options);
        let signature = check_returned(pdf(), &returned, &lately(expected()), &world.roots());
        assert!(signature.is_ok(), "{options:?}: {signature:?}");
        assert!(pdfsig(&remote.file()).contains("Total document signed"));
        // The sub-district then signs here, on top.
        let both = world.sub_district.sign(&returned, &fields("TTD2", "Ahmad"), None).unwrap();
        assert_eq!(inspect(&both, &world.roots()).unwrap().verdict, Verdict::Valid, "{options:?}");
    }
    // And the other way round.
    let ours = world.signed_once();
    let both = remote.sign(&ours, &["--field", "BSRE", "--use-pades"]);
    let signature = check_returned(&ours, &both, &lately(expected()), &world.roots()).unwrap();
    assert_eq!(signature.field, "BSRE");
    assert_eq!(inspect(&both, &world.roots()).unwrap().verdict, Verdict::Valid);
}

#[test]
fn roots_and_signers_with_rsa_and_p384_are_accepted() {
    for kind in [&["rsa:3072"], P384] {
        let remote = Remote::with_root(kind);
        let returned = remote.sign(pdf(), &["--field", "BSRE", "--use-pades"]);
        let signature = check_returned(pdf(), &returned, &lately(expected()), &remote.roots());
        assert_eq!(signature.unwrap().trust.as_deref(), Ok("Akar Lain CONTOH"), "{kind:?}");
    }
}

#[test]
fn a_signature_that_is_drawn_on_the_page_is_refused() {
    let world = World::new();
    let remote = Remote::new(&world);
    let returned = remote.sign(pdf(), &["--field", "1/100,100,300,200/BSRE", "--use-pades"]);
    let refused = check_returned(pdf(), &returned, &lately(expected()), &world.roots());
    assert_eq!(refused, Err(Refused::Changed));
}

#[test]
fn files_with_streams_for_tables_are_read_but_not_signed() {
    let world = World::new();
    let file = pdf_with_streams();
    assert_eq!(inspect(&file, &world.roots()).unwrap().verdict, Verdict::Unsigned);
    assert_eq!(prepare(&file, &fields("TTD1", "Siti")), Err(SignError::XrefStream));
    // Signed by a program that appends a stream of its own.
    let remote = Remote::new(&world);
    let once = remote.sign(&file, &["--field", "BSRE", "--use-pades"]);
    assert_eq!(inspect(&once, &world.roots()).unwrap().verdict, Verdict::Valid);
    let signature = check_returned(&file, &once, &lately(expected()), &world.roots());
    assert!(signature.is_ok(), "{signature:?}");
    let twice = remote.sign(&once, &["--field", "BSRE2", "--use-pades"]);
    let report = inspect(&twice, &world.roots()).unwrap();
    assert_eq!((report.verdict, report.signatures.len()), (Verdict::Valid, 2), "{report:?}");
    // Cut where the first signature ends it is the file that was signed once.
    for length in (0..twice.len()).step_by(97).filter(|&length| length != once.len()) {
        let report = inspect(&twice[..length], &world.roots());
        assert!(report.is_err() || report.unwrap().verdict != Verdict::Valid, "{length}");
    }
}

#[test]
fn what_is_not_what_was_asked_for_is_refused() {
    let world = World::new();
    let (ours, roots) = (pdf(), world.roots());
    let returned = world.signed_once();
    let check =
        |returned: &[u8], expected: &Expected| check_returned(ours, returned, expected, &roots).map(|_| ());
    assert_eq!(check(&returned, &expected()), Ok(()));

    assert_eq!(check(ours, &expected()), Err(Refused::NotWhatWasSent));
    assert_eq!(check(&returned[..returned.len() / 2], &expected()), Err(Refused::NotWhatWasSent));
    let mut other = returned.clone();
    other[200] ^= 1;
    assert_eq!(check(&other, &expected()), Err(Refused::NotWhatWasSent));
    assert!(matches!(check(&[ours, b"\nerror"].concat(), &expected()), Err(Refused::NotOneSignature)));
    assert_eq!(check(&world.signed_twice(), &expected()), Err(Refused::NotOneSignature));
    assert_eq!(check(&[returned.as_slice(), b"\n"].concat(), &expected()), Err(Refused::NotWhole));

    for (change, refused) in [
        (Expected { common_name: Some("Ahmad Dahlan".into()), ..expected() }, Refused::OtherSigner),
        (Expected { serial_number: Some("1".into()), ..expected() }, Refused::OtherSigner),
        (Expected { common_name: None, serial_number: None, ..expected() }, Refused::OtherSigner),
        (Expected { timestamp: true, ..expected() }, Refused::NoTimestamp),
    ] {
        assert_eq!(check(&returned, &change), Err(refused));
    }
    let late = Expected { at: now() + TimeDelta::days(9000), ..expected() };
    assert!(matches!(check(&returned, &late), Err(Refused::Untrusted(_))));
    let stranger = World::new();
    let theirs = check_returned(ours, &stranger.signed_once(), &expected(), &roots);
    assert!(matches!(theirs, Err(Refused::Untrusted(_))), "{theirs:?}");

    // Signed, but the file was changed within the new revision.
    let mut altered = returned.clone();
    let place = altered.windows(9).rposition(|window| window == b"/Location").unwrap() + 14;
    altered[place] = if altered[place] == b'0' { b'1' } else { b'0' };
    assert_eq!(check(&altered, &expected()), Err(Refused::Digest));
}
