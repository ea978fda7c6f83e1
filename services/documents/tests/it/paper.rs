//! What other programs see in a PDF.

use std::path::Path;
use std::process::Command;

fn said(program: &str, before: &[&str], pdf: &[u8], after: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("surat.pdf");
    std::fs::write(&path, pdf).expect("a file");
    let output =
        Command::new(program).args(before).arg(Path::new(&path)).args(after).output().unwrap_or_else(
            |error| {
                panic!("{program} does not run ({error}): install poppler-utils, or run script/setup test")
            },
        );
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The words of a PDF, one blank between two.
pub(crate) fn words(pdf: &[u8]) -> String {
    said("pdftotext", &[], pdf, &["-"]).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How many pages it has.
pub(crate) fn pages(pdf: &[u8]) -> usize {
    let table = said("pdfinfo", &[], pdf, &[]);
    let line = table.lines().find_map(|line| line.strip_prefix("Pages:")).expect("a count of pages");
    line.trim().parse().expect("a number")
}

/// Whether PRATINJAU is written across it. It is turned, so that other programs see it letter by letter, from below.
pub(crate) fn is_preview(pdf: &[u8]) -> bool {
    let text = said("pdftotext", &["-raw"], pdf, &["-"]);
    let letters: String = text.split_whitespace().collect();
    letters.contains("PRATINJAU") && letters.contains("Pratinjau:belumdisetujui")
}

/// What poppler says of its signatures. It says nothing of trust: it is given no roots.
pub(crate) fn signatures(pdf: &[u8]) -> String {
    said("pdfsig", &["-nocert"], pdf, &[])
}

/// For each font whether it is embedded.
pub(crate) fn fonts_are_embedded(pdf: &[u8]) -> Vec<bool> {
    let table = said("pdffonts", &[], pdf, &[]);
    let mut lines = table.lines();
    let head = lines.next().expect("a head");
    let column = head.find("emb").expect("a column that says so");
    lines.skip(1).map(|line| line.get(column..column + 3) == Some("yes")).collect()
}

/// Whether its bytes hold this text, such as metadata that is not compressed.
pub(crate) fn holds(pdf: &[u8], needle: &str) -> bool {
    pdf.windows(needle.len()).any(|window| window == needle.as_bytes())
}
