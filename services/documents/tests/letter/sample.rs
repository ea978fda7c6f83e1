//! A letter and those who sign it.

use std::sync::LazyLock;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};
use mpp_documents::letter::ca::{TestCa, Validity};
use mpp_documents::letter::certificate::{Roots, Subject};
use mpp_documents::letter::pades::{RESERVE, Seal, SignatureFields};
use mpp_documents::letter::render::{Letter, Letterhead, Limits, Mark, Renderer, Signer, Verification};
use serde_json::json;

/// A letter of a village, that the sub-district signs too.
pub(crate) fn letter() -> Letter {
    let signer = |position: &str, name: &str| Signer {
        on_behalf_of: None,
        position: position.to_owned(),
        under_orders: None,
        acting: None,
        name: name.to_owned(),
        rank: None,
        nip: None,
    };
    let fields = json!({
        "nama": "Budi Santoso", "nik": "0017070502850001", "tempat_lahir": "Sukamaju", "tanggal_lahir": "1985-02-05",
        "jenis_kelamin": "Laki-laki", "agama": "Islam", "pekerjaan": "Buruh tani",
        "alamat": "Dusun II RT 005 RW 002, Desa Sukamaju", "penghasilan": 750_000,
    });
    Letter {
        title: "Surat Keterangan Tidak Mampu".to_owned(),
        number: Some("400.12.2.1/007/17.07.05.2003/XI/2026".to_owned()),
        date: NaiveDate::from_ymd_opt(2026, 11, 26).unwrap(),
        valid_until: None,
        sensitivity: None,
        classification: None,
        letterhead: Letterhead {
            lines: ["Pemerintah Kabupaten Contoh", "Kecamatan Melati", "Desa Sukamaju"]
                .map(str::to_owned)
                .to_vec(),
            contact: vec!["Jalan Raya Sukamaju Nomor 1".to_owned()],
            arms: None,
        },
        place: "Sukamaju".to_owned(),
        signer: signer("Kepala Desa Sukamaju", "Siti Aminah, S.IP."),
        endorser: Some(signer("Camat Melati", "Drs. Ahmad Dahlan, M.Si.")),
        verification: Some(Verification {
            code: "7Q3K-9M2X-A1B2-C3D4".to_owned(),
            url: "https://layanan.contohkab.example/s/7Q3K9M2XA1B2C3D4".to_owned(),
        }),
        mark: Mark::Sample,
        by_hand: false,
        fields: fields.as_object().unwrap().clone(),
    }
}

/// The letter as PDF, rendered once.
pub(crate) fn pdf() -> &'static [u8] {
    static PDF: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let limits = Limits { time: Duration::from_secs(120), ..Limits::default() };
        Renderer::new(1).unwrap().render(include_str!("sktm.typ"), &letter(), limits).unwrap().pdf
    });
    &PDF
}

/// A page whose objects lie in an object stream, under a cross-reference stream with a PNG predictor.
pub(crate) fn pdf_with_streams() -> Vec<u8> {
    use std::io::Write as _;
    let deflate = |data: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    };
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Resources<<>>>>",
    ];
    let (mut head, mut body) = (String::new(), String::new());
    for (number, object) in objects.iter().enumerate() {
        head.push_str(&format!("{} {} ", number + 1, body.len()));
        body.push_str(object);
        body.push(' ');
    }
    let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let container = u8::try_from(out.len()).unwrap();
    let packed = deflate(format!("{head}{body}").as_bytes());
    out.extend_from_slice(
        format!(
            "4 0 obj\n<</Type/ObjStm/N 3/First {}/Filter/FlateDecode/Length {}>>\nstream\n",
            head.len(),
            packed.len()
        )
        .as_bytes(),
    );
    out.extend_from_slice(&packed);
    out.extend_from_slice(b"\nendstream\nendobj\n");
    let start = out.len();
    let [high, low] = u16::try_from(start).unwrap().to_be_bytes();
    let rows =
        [[0, 0, 0, 255], [2, 0, 4, 0], [2, 0, 4, 1], [2, 0, 4, 2], [1, 0, container, 0], [1, high, low, 0]];
    let mut above = [0_u8; 4];
    let mut predicted = Vec::new();
    for row in rows {
        predicted.push(2);
        predicted.extend(row.iter().zip(above).map(|(byte, above)| byte.wrapping_sub(above)));
        above = row;
    }
    let packed = deflate(&predicted);
    out.extend_from_slice(
        format!(
            "5 0 obj\n<</Type/XRef/Size 6/W[1 2 1]/Root 1 0 R/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 4>>/Length {}>>\nstream\n",
            packed.len()
        )
        .as_bytes(),
    );
    out.extend_from_slice(&packed);
    out.extend_from_slice(format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n").as_bytes());
    out
}

/// When everything here happens.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-26T08:15:00Z".parse().unwrap()
}

/// Long enough for the programs that judge, which go by the clock of the machine.
pub(crate) fn validity() -> Validity {
    Validity { from: now() - TimeDelta::days(3650), until: now() + TimeDelta::days(3650) }
}

/// A root, what is under it, and its signers.
pub(crate) struct World {
    pub(crate) root: TestCa,
    pub(crate) intermediate: TestCa,
    pub(crate) village: Seal,
    pub(crate) sub_district: Seal,
}

pub(crate) fn subject(name: &str, number: &str) -> Subject {
    Subject {
        common_name: name.to_owned(),
        serial_number: Some(number.to_owned()),
        organization: Some("Pemerintah Kabupaten Contoh".to_owned()),
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let root = TestCa::root("Akar Uji CONTOH", validity()).unwrap();
        let intermediate = root.intermediate("Penerbit Uji CONTOH", validity()).unwrap();
        let village = intermediate.signer(&subject("SITI AMINAH", "0017070101800001"), validity()).unwrap();
        let sub_district =
            intermediate.signer(&subject("AHMAD DAHLAN", "0017070202700002"), validity()).unwrap();
        Self { root, intermediate, village, sub_district }
    }

    pub(crate) fn roots(&self) -> Roots {
        let root = vec![self.root.certificate().clone()];
        Roots { signers: root.clone(), timestamps: root, intermediates: Vec::new() }
    }

    /// The letter with the signature of the village.
    pub(crate) fn signed_once(&self) -> Vec<u8> {
        self.village.sign(pdf(), &fields("TTD1", "Siti Aminah, S.IP."), None).unwrap()
    }

    /// The letter with both signatures.
    pub(crate) fn signed_twice(&self) -> Vec<u8> {
        self.sub_district
            .sign(&self.signed_once(), &fields("TTD2", "Drs. Ahmad Dahlan, M.Si."), None)
            .unwrap()
    }
}

pub(crate) fn fields(field: &str, name: &str) -> SignatureFields {
    SignatureFields {
        field: field.to_owned(),
        page: 1,
        time: now().with_timezone(&FixedOffset::east_opt(7 * 3600).unwrap()),
        name: name.to_owned(),
        // What broke out of a string in other programs.
        reason: Some("Surat SKTM) /X (470\\001".to_owned()),
        location: Some("Sukamaju".to_owned()),
        reserve: RESERVE,
    }
}
