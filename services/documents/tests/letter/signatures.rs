//! Signing and verifying, judged by others.

use mpp_documents::letter::verify::{Appended, Coverage, Verdict, inspect};

use crate::sample::World;
use crate::tools::{Desk, pdfsig, pyhanko_validate};

#[test]
fn one_signature_is_valid_to_everybody() {
    let (world, desk) = (World::new(), Desk::new());
    let signed = world.signed_once();
    let report = inspect(&signed, &world.roots()).unwrap();
    assert_eq!(report.verdict, Verdict::Valid, "{report:?}");
    let [signature] = report.signatures.as_slice() else { panic!("{report:?}") };
    assert_eq!(signature.field, "TTD1");
    assert_eq!(signature.coverage, Coverage::WholeFile);
    assert_eq!(signature.appended, Appended::Nothing);
    assert_eq!(signature.trust.as_deref(), Ok("Akar Uji CONTOH"));
    assert_eq!(signature.signer.as_ref().unwrap().common_name, "SITI AMINAH");

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
