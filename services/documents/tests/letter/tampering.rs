//! Files that are not what they were, told apart.

use chrono::TimeDelta;
use mpp_documents::letter::ca::Validity;
use mpp_documents::letter::certificate::{Certificate, Roots, Untrusted};
use mpp_documents::letter::verify::{Appended, Coverage, Verdict, inspect};
use proptest::prelude::*;

use crate::sample::{World, fields, now, pdf, subject};
use crate::tools::{Desk, pdfsig, pyhanko_validate};

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).unwrap()
}

fn find_last(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).rposition(|window| window == what).unwrap()
}

/// Appends a revision with these objects.
fn revise(pdf: &[u8], objects: &[(u32, String)]) -> Vec<u8> {
    let start = |bytes: &[u8]| {
        let at = find_last(bytes, b"startxref");
        String::from_utf8_lossy(&bytes[at + 9..]).split_whitespace().next().unwrap().to_owned()
    };
    let trailer = find_last(pdf, b"trailer");
    let root = find(&pdf[trailer..], b"/Root ") + trailer + 6;
    let root = String::from_utf8_lossy(&pdf[root..root + 12]).split(" R").next().unwrap().to_owned();
    let mut out = pdf.to_vec();
    let mut table = String::from("xref\n");
    for (number, text) in objects {
        table.push_str(&format!("{number} 1\n{:010} 00000 n \n", out.len()));
        out.extend_from_slice(format!("{number} 0 obj\n{text}\nendobj\n").as_bytes());
    }
    let here = out.len();
    out.extend_from_slice(table.as_bytes());
    out.extend_from_slice(
        format!("trailer\n<</Size 9999/Root {root} R/Prev {}>>\nstartxref\n{here}\n%%EOF\n", start(pdf))
            .as_bytes(),
    );
    out
}

/// The number and the text of the newest object that holds `what`.
fn object_with(pdf: &[u8], what: &str) -> (u32, String) {
    let at = find_last(pdf, what.as_bytes());
    let begin = find_last(&pdf[..at], b" 0 obj") + 6;
    let end = find(&pdf[at..], b"endobj") + at;
    let number = String::from_utf8_lossy(&pdf[begin - 16..begin - 6])
        .split_whitespace()
        .next_back()
        .unwrap()
        .parse()
        .unwrap();
    (number, String::from_utf8_lossy(&pdf[begin..end]).into_owned())
}

#[test]
fn one_byte_makes_it_altered() {
    let (world, desk) = (World::new(), Desk::new());
    let signed = world.signed_twice();
    let mut altered = signed.clone();
    // Within the data of a stream of the letter.
    let place = find(&altered, b"stream\n") + 40;
    altered[place] ^= 1;
    let report = inspect(&altered, &world.roots()).unwrap();
    assert_eq!(report.verdict, Verdict::Altered, "{report:?}");
    assert!(report.signatures.iter().all(|it| !it.digest && it.cms && it.trust.is_ok()), "{report:?}");
    let file = desk.put("altered.pdf", &altered);
    assert!(pdfsig(&file).contains("Digest Mismatch"));
    let root = desk.put("root.pem", world.root.certificate().to_pem());
    assert!(!pyhanko_validate(&file, &root).0);
}

#[test]
fn bytes_after_the_signature_extend_it() {
    let (world, desk) = (World::new(), Desk::new());
    for tail in ["\n", "% a remark\n", "%%EOF\n"] {
        let extended = [world.signed_once().as_slice(), tail.as_bytes()].concat();
        let report = inspect(&extended, &world.roots());
        let report = report.unwrap();
        assert_eq!(report.verdict, Verdict::ExtendedAfterSigning, "{tail:?} {report:?}");
        assert_eq!(report.signatures[0].appended, Appended::Other);
        // A reader that looks at the signature alone calls this valid.
        assert!(pdfsig(&desk.put("extended.pdf", &extended)).contains("Signature is Valid"));
    }
}

#[test]
fn a_revision_that_changes_the_page_extends_it_even_under_a_second_signature() {
    let world = World::new();
    let signed = world.signed_once();
    let (page, text) = object_with(&signed, "/Type /Page\n");
    let changes: [(&str, Vec<(u32, String)>); 5] = [
        (
            "other contents",
            vec![
                (page, text.replace("/Contents", "/Contents 900 0 R/Old")),
                (900, "<</Length 3>>\nstream\n0 g\nendstream".into()),
            ],
        ),
        (
            "a note",
            vec![
                (page, text.replace("/Annots [", "/Annots [901 0 R ")),
                (901, "<</Type/Annot/Subtype/Text/Rect[0 0 9 9]>>".into()),
            ],
        ),
        ("other size", vec![(page, text.replace("/MediaBox", "/MediaBox[0 0 9 9]/Old"))]),
        ("nothing behind the catalog", vec![(1, "<</Type/Catalog>>".into())]),
        ("only new objects", vec![(902, "<<>>".into())]),
    ];
    for (what, objects) in changes {
        let revised = revise(&signed, &objects);
        let report = inspect(&revised, &world.roots()).unwrap();
        assert!(
            matches!(report.verdict, Verdict::ExtendedAfterSigning | Verdict::Unsigned),
            "{what}: {report:?}"
        );
        let Ok(again) = world.sub_district.sign(&revised, &fields("TTD2", "Ahmad"), None) else { continue };
        let report = inspect(&again, &world.roots()).unwrap();
        assert_eq!(report.verdict, Verdict::ExtendedAfterSigning, "{what}: {report:?}");
        let (first, second) = (&report.signatures[0], &report.signatures[1]);
        assert!(first.is_sound() && second.is_sound(), "{what}: {report:?}");
        assert_eq!((first.appended, second.appended), (Appended::Other, Appended::Nothing), "{what}");
    }
}

#[test]
fn a_signature_that_covers_less_proves_nothing() {
    let world = World::new();
    let signed = world.signed_once();
    let range = find(&signed, b"/ByteRange [0 ") + 14;
    let numbers = String::from_utf8(signed[range..range + 32].to_vec()).unwrap();
    let parts = numbers.split_whitespace().map(|it| it.parse::<usize>().unwrap()).collect::<Vec<_>>();
    let (before, after, length) = (parts[0], parts[1], parts[2]);
    for changed in [
        [before - 1, after, length],
        [before + 1, after, length],
        [before, after + 1, length - 1],
        [before, after - 1, length + 1],
        [before, after, length - 1],
        [before, after, length + 1],
        [before, after, usize::MAX / 2],
        [before, after, 0],
        [after, before, length],
    ] {
        let mut wrong = signed.clone();
        let text = format!("{:<32}", changed.map(|it| it.to_string()).join(" "));
        wrong[range..range + 32].copy_from_slice(&text.as_bytes()[..32]);
        let Ok(report) = inspect(&wrong, &world.roots()) else { continue };
        assert_eq!(report.verdict, Verdict::Altered, "{changed:?} {report:?}");
        assert!(
            !report.signatures[0].digest && report.signatures[0].coverage != Coverage::WholeFile,
            "{changed:?}"
        );
    }
}

#[test]
fn strangers_and_ourselves_are_told_apart() {
    let (ours, theirs) = (World::new(), World::new());
    let roots = ours.roots();
    let verdict = |file: &[u8]| inspect(file, &roots).unwrap().verdict;
    assert_eq!(verdict(pdf()), Verdict::Unsigned);
    assert_eq!(verdict(&theirs.signed_twice()), Verdict::NotOurs);
    // A stranger on top of us, and we on top of a stranger.
    let mixed = theirs.sub_district.sign(&ours.signed_once(), &fields("TTD2", "Orang lain"), None).unwrap();
    assert_eq!(verdict(&mixed), Verdict::ExtendedAfterSigning);
    let mixed = ours.sub_district.sign(&theirs.signed_once(), &fields("TTD2", "Ahmad"), None).unwrap();
    assert_eq!(verdict(&mixed), Verdict::ExtendedAfterSigning);
    assert_eq!(inspect(&ours.signed_once(), &Roots::default()).unwrap().verdict, Verdict::NotOurs);
    let desk = Desk::new();
    let root = desk.put("root.pem", ours.root.certificate().to_pem());
    assert!(!pyhanko_validate(&desk.put("theirs.pdf", theirs.signed_once()), &root).0);
}

#[test]
fn a_path_must_hold_at_the_time_and_be_one_of_authorities() {
    let world = World::new();
    let short = Validity { from: now() - TimeDelta::days(1), until: now() + TimeDelta::days(1) };
    let old = Validity { from: now() - TimeDelta::days(9), until: now() - TimeDelta::days(2) };
    let trust = |seal: &mpp_documents::letter::pades::Seal, roots: &Roots| {
        let signed = seal.sign(pdf(), &fields("TTD1", "Siti"), None).unwrap();
        inspect(&signed, roots).unwrap().signatures.remove(0).trust
    };
    let signer = world.intermediate.signer(&subject("SITI", "1"), short).unwrap();
    assert!(trust(&signer, &world.roots()).is_ok());
    // The authority above the signer no longer held.
    let expired = world.root.intermediate("Penerbit Lama", old).unwrap();
    let signer = expired.signer(&subject("SITI", "1"), short).unwrap();
    assert_eq!(trust(&signer, &world.roots()), Err(Untrusted::NotThen));
    // The intermediate may have no authority beneath it.
    let deep = world.intermediate.intermediate("Terlalu Dalam", short).unwrap();
    let signer = deep.signer(&subject("SITI", "1"), short).unwrap();
    assert_eq!(trust(&signer, &world.roots()), Err(Untrusted::NoPath));
    // A certificate that is trusted as it is, and an intermediate as root.
    let roots = Roots { signers: vec![world.village.certificate().clone()], ..Roots::default() };
    assert!(trust(&world.village, &roots).is_ok());
    let roots = Roots { signers: vec![world.intermediate.certificate().clone()], ..Roots::default() };
    assert!(trust(&world.village, &roots).is_ok());
    assert!(world.village.sign(pdf(), &fields("TTD1", "Siti"), None).is_ok());
    let signer = world.intermediate.signer(&subject("SITI", "1"), old).unwrap();
    assert!(signer.sign(pdf(), &fields("TTD1", "Siti"), None).is_err());
}

fn twice() -> &'static (Vec<u8>, Roots) {
    static FILE: std::sync::LazyLock<(Vec<u8>, Roots)> = std::sync::LazyLock::new(|| {
        let world = World::new();
        (world.signed_twice(), world.roots())
    });
    &FILE
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_flipped_bit_leaves_it_valid(place in any::<prop::sample::Index>(), bit in 0..8_u8, near_end in any::<bool>()) {
        let (file, roots) = twice();
        let mut flipped = file.clone();
        // Half of them where the signatures are.
        let begin = if near_end { pdf().len() } else { 0 };
        let place = begin + place.index(file.len() - begin);
        flipped[place] ^= 1 << bit;
        if let Ok(report) = inspect(&flipped, roots) {
            // The room of the last signature is the only part that nobody signs; a digit there may be of either case.
            let room = find_last(file, b"/Contents <")..find_last(file, b">\n>>\nendobj");
            let same = room.contains(&place) && flipped[place].eq_ignore_ascii_case(&file[place]);
            prop_assert!(same || report.verdict != Verdict::Valid, "bit {bit} of byte {place}: {report:?}");
        }
    }

    #[test]
    fn no_part_of_it_is_valid(length in any::<prop::sample::Index>()) {
        let (file, roots) = twice();
        let length = length.index(file.len());
        if let Ok(report) = inspect(&file[..length], roots) {
            // The revision of the first signature is a file of its own.
            let whole = report.signatures.last().is_some_and(|it| it.field == "TTD1" && it.coverage == Coverage::WholeFile);
            prop_assert!(whole || report.verdict != Verdict::Valid, "{length}: {report:?}");
        }
    }

    #[test]
    fn rubbish_in_the_place_of_a_signature_is_survived(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let (file, roots) = twice();
        let mut broken = file.clone();
        let begin = find_last(file, b"/Contents <") + 11;
        for (place, byte) in edits {
            let place = begin + place.index(1100) * 2;
            broken[place..place + 2].copy_from_slice(format!("{byte:02x}").as_bytes());
        }
        if let Ok(report) = inspect(&broken, roots) {
            prop_assert!(broken == *file || report.verdict != Verdict::Valid || report.signatures[1].is_sound(), "{report:?}");
        }
    }

    #[test]
    fn rubbish_certificates_are_survived(place in any::<prop::sample::Index>(), byte in any::<u8>(), length in any::<prop::sample::Index>()) {
        let (_, roots) = twice();
        let mut der = roots.signers[0].der().to_vec();
        let place = place.index(der.len());
        der[place] = byte;
        let _ = Certificate::from_der(&der);
        let _ = Certificate::from_der(&der[..length.index(der.len())]);
    }
}
