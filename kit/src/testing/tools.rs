//! Programs of others that `script/setup test` installs into `target/venv`: one reads the codes that are printed on a page.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::temp_dir;

/// Reads every QR code on the pages that it is given as portable graymaps, by [ZXing-C++](https://pypi.org/project/zxing-cpp/).
const READ_CODES: &str = r#"
import sys, zxingcpp
for path in sys.argv[1:]:
    kind, size, most, rows = open(path, "rb").read().split(b"\n", 3)
    assert (kind, most) == (b"P5", b"255"), (kind, most)
    width, height = map(int, size.split())
    page = memoryview(rows).cast("B", (height, width))
    for code in zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormat.QRCode):
        print(code.text)
"#;

/// A program of the virtual environment; where there is none, the one that is found by its name.
fn venv(program: &str) -> PathBuf {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv/bin").join(program);
    if ours.exists() { ours } else { PathBuf::from(program) }
}

fn said(command: &mut Command, remedy: &str) -> Output {
    let output =
        command.output().unwrap_or_else(|error| panic!("{command:?} does not run ({error}): {remedy}"));
    assert!(output.status.success(), "{command:?}: {remedy}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// What a telephone reads in the QR codes of a PDF, in the order of its pages. Each page is drawn at 200 dots per inch, which is
/// less than an office printer prints.
///
/// # Panics
/// When the programs for it are not there, or refuse the file.
#[must_use]
pub fn qr_codes(pdf: &[u8]) -> Vec<String> {
    let folder = temp_dir();
    let file = folder.path().join("surat.pdf");
    std::fs::write(&file, pdf).expect("a file");
    let pages = folder.path().join("halaman");
    let mut draw = Command::new("pdftoppm");
    draw.args(["-r", "200", "-gray"]).arg(&file).arg(&pages);
    said(&mut draw, "install poppler-utils, or run script/setup test");
    let drawn =
        std::fs::read_dir(folder.path()).expect("the folder").map(|entry| entry.expect("an entry").path());
    let mut drawn: Vec<_> = drawn.filter(|path| path.extension().is_some_and(|it| it == "pgm")).collect();
    drawn.sort();
    assert!(!drawn.is_empty(), "pdftoppm drew no page");
    let mut read = Command::new(venv("python3"));
    read.args(["-c", READ_CODES]).args(&drawn);
    let output = said(&mut read, "run script/setup test, which installs zxing-cpp into target/venv");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}
