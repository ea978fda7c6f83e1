//! The pages of letters and licences: forms that keep what was typed, one effect for one form, nothing personal in an
//! address, and who may see what.

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use mpp_gateway::Rate;

use crate::{
    documents::{
        APPLICATION, BY_HAND, DOCUMENT, HAND_APPLICATION, HAND_DOCUMENT, HAND_NUMBER, IN_REVIEW, ISSUED,
        LICENCE, LICENCE_APPLICATION, NIK, RETURNED, UNPAID, UNPAID_APPLICATION, VALID, VILLAGE, pdf,
    },
    fake::{Gate, SECRET, json},
};

const BOUNDARY: &str = "batas";
/// What a photo begins with.
pub(crate) const PNG: &[u8] = &[0x89, b'P', b'N', b'G', 1, 2, 3];

/// A form with files, as a browser sends it.
pub(crate) fn multipart(path: &str, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Request<Body> {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend_from_slice(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                .as_bytes(),
        );
    }
    for (name, content) in files {
        body.extend_from_slice(
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"berkas.png\"\r\n\
                 Content-Type: image/png\r\n\r\n"
            )
            .as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    Request::post(path)
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(Body::from_stream(futures::stream::iter(pieces(&body))))
        .expect("a request")
}

/// A body in pieces, as it comes over a network.
fn pieces(body: &[u8]) -> Vec<Result<Bytes, std::io::Error>> {
    body.chunks(1_024).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect()
}

pub(crate) fn plain(path: &str, body: &str) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body.to_owned()))
        .expect("a request")
}

pub(crate) fn get(path: &str) -> Request<Body> {
    Request::get(path).header("accept", "text/html").body(Body::empty()).expect("a request")
}

/// As the browser of somebody who signed in.
pub(crate) fn by_cookie(mut request: Request<Body>) -> Request<Body> {
    let headers = request.headers_mut();
    headers.insert("cookie", format!("mpp_session={SECRET}").parse().expect("a cookie"));
    headers.insert("sec-fetch-site", "same-origin".parse().expect("a value"));
    request
}

pub(crate) async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

pub(crate) fn location(response: &Response<Body>) -> &str {
    response.headers()["location"].to_str().expect("text")
}

/// What somebody types in who does everything right.
const GOOD: [(&str, &str); 12] = [
    ("kunci", "0b9f3a52-6d8e-4f57-9a6f-0d6f2d1c7b11"),
    ("nama", "Siti Rahmawati"),
    ("nik", "1707 0541 0790 0002"),
    ("desa", VILLAGE),
    ("rt", "5"),
    ("rw", "2"),
    ("isi.keperluan", "Keringanan biaya kuliah"),
    ("isi.pekerjaan", "petani"),
    ("isi.penghasilan", "1.250.000"),
    ("isi.tanggungan", "4"),
    ("isi.punya_anak", "false"),
    ("isi.lahir", "1990-07-01"),
];

const PAPERS: [(&str, &[u8]); 2] = [("lampiran.ktp", PNG), ("lampiran.kk", PNG)];

#[tokio::test]
async fn a_form_that_is_sent_twice_is_one_application_and_leads_to_its_receipt() {
    let gate = Gate::start().await;
    let mut places = Vec::new();
    for _ in 0..2 {
        let mut fields = GOOD.to_vec();
        // Of a field that does not apply.
        fields.push(("isi.nama_anak", "Tidak Ditanya"));
        fields.push(("surel", "siti@contoh.id"));
        fields.push(("telepon", "0812-3456.78 90"));
        let response = gate.send(multipart("/surat/sktm/ajukan", &fields, &PAPERS)).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        places.push(location(&response).to_owned());
    }
    assert_eq!(places[0], places[1]);
    assert_eq!(gate.documents.files(), 2, "the same files of the same form are stored once");
    let sent = gate.documents.submissions();
    assert_eq!(sent[0], sent[1], "one request id and one content");
    let request = &sent[0];
    assert_eq!(request.request_id, GOOD[0].1);
    let subject = request.subject.as_ref().expect("a subject");
    assert_eq!((subject.nik.as_str(), subject.area.as_str()), (NIK, "17.07.05.2003/002/005"));
    assert_eq!(subject.email, "siti@contoh.id");
    assert_eq!(subject.phone, "081234567890", "as services take it, however it was typed");
    // An official who has signed in files under his own name.
    let fields: Vec<_> = GOOD
        .iter()
        .copied()
        .map(
            |(key, value)| {
                if key == "kunci" { (key, "6f1c1a52-0000-4000-8000-000000000001") } else { (key, value) }
            },
        )
        .collect();
    gate.send(by_cookie(multipart("/surat/sktm/ajukan", &fields, &PAPERS))).await;
    assert_eq!(gate.documents.filed_signed_in(), [false, false, true]);
    let values = &request.values.as_ref().expect("values").fields;
    assert!(!values.contains_key("nama_anak"), "{values:?}");
    assert_eq!(values["penghasilan"].kind, Some(prost_types::value::Kind::NumberValue(1_250_000.0)));
    assert_eq!(values["punya_anak"].kind, Some(prost_types::value::Kind::BoolValue(false)));
    assert_eq!(request.attachments.len(), 2);
    assert!(!places[0].contains("Siti") && !places[0].contains("1707"), "{}", places[0]);
    let receipt = gate.send(get(&places[0])).await;
    assert_eq!(
        (receipt.status(), &receipt.headers()["cache-control"]),
        (StatusCode::OK, &"no-store".parse().expect("a value"))
    );
    let code = places[0].split('/').nth(2).expect("a code").to_owned();
    let receipt = text(receipt).await;
    assert!(receipt.contains(&code) && receipt.contains(&format!("/permohonan/{code}/qr.svg")));
    assert!(!receipt.contains("Siti Rahmawati") && !receipt.contains(NIK));
}

#[tokio::test]
async fn what_is_wrong_is_marked_and_nothing_that_was_typed_or_uploaded_is_lost() {
    let gate = Gate::start().await;
    let fields = [
        ("kunci", GOOD[0].1),
        ("nama", "Siti \"<b>\" Rahma"),
        ("nik", "123"),
        ("isi.penghasilan", "1.250.000"),
        ("isi.keterangan", "baris satu\r\nbaris dua"),
    ];
    let response = gate.send(multipart("/surat/sktm/ajukan", &fields, &[("lampiran.ktp", PNG)])).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let page = text(response).await;
    for part in [
        "id=\"galat\"",
        "<a href=\"#nik\">",
        "<a href=\"#desa\">",
        "<a href=\"#isi-keperluan\">",
        "<a href=\"#lampiran-kk\">",
        "id=\"nik-error\"",
        "value=\"123\"",
        "value=\"1.250.000\"",
        "baris satu\nbaris dua",
        "Isi dengan 16 angka.",
        "name=\"sudah.ktp\" value=\"fil_0|image/png|7\"",
    ] {
        assert!(page.contains(part), "{part} is not on the page");
    }
    assert!(!page.contains("<b>"), "what was typed is text");
    assert!(!page.contains("#lampiran-ktp\""), "what has arrived is not asked for again");
    assert!(!page.contains(GOOD[0].1), "a refusal is an answer: the next try is another request");
    // The next try brings the file's id instead of the file.
    let mut fields = GOOD.to_vec();
    fields.push(("sudah.ktp", "fil_0|image/png|7"));
    let response = gate.send(multipart("/surat/sktm/ajukan", &fields, &[("lampiran.kk", PNG)])).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let files = &gate.documents.submissions()[0].attachments;
    let files: Vec<_> = files.iter().map(|file| (file.requirement.as_str(), file.file_id.as_str())).collect();
    assert_eq!(files, [("ktp", "fil_0"), ("kk", "fil_1")]);
}

#[tokio::test]
async fn a_file_that_is_too_large_or_no_picture_is_named_and_the_rest_is_kept() {
    let gate = Gate::with(|config| config.file_limit_bytes = 1 << 20).await;
    let large = vec![0x89; (1 << 20) + 1];
    let files: [(&str, &[u8]); 2] = [("lampiran.ktp", &large), ("lampiran.kk", b"GIF89a")];
    let response = gate.send(multipart("/surat/sktm/ajukan", &GOOD, &files)).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let page = text(response).await;
    assert!(page.contains("lebih besar dari 1 MB") && page.contains("Unggah PDF, JPEG, atau PNG."));
    assert!(page.contains("value=\"Siti Rahmawati\""));
    assert!(gate.documents.submissions().is_empty());
    let tight = Gate::with(|config| config.form_limit_bytes = 4_000).await;
    let response = tight.send(multipart("/surat/sktm/ajukan", &GOOD, &[("lampiran.ktp", &large)])).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let page = text(response).await;
    assert!(page.contains("bersama-sama terlalu besar") && page.contains("value=\"Siti Rahmawati\""));
}

#[tokio::test]
async fn an_old_code_with_its_population_number_fills_the_form_and_neither_is_in_an_address() {
    let gate = Gate::start().await;
    let response = gate.send(plain("/surat/sktm/isi", &format!("kode={ISSUED}&nik={NIK}"))).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.headers().contains_key("location"));
    let page = text(response).await;
    for part in [
        "value=\"Siti Rahmawati\"",
        "value=\"1250000\"",
        "name=\"rt\"",
        "value=\"005\"",
        "value=\"petani\" selected",
    ] {
        assert!(page.contains(part), "{part} is not on the page");
    }
    let response = gate.send(plain("/surat/sktm/isi", &format!("kode={ISSUED}&nik=1707054107900009"))).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let page = text(response).await;
    assert!(page.contains("tidak cocok") && !page.contains("Siti") && !page.contains(ISSUED));
    assert_eq!(gate.documents.prefills().len(), 2);
}

#[tokio::test]
async fn a_code_is_typed_in_by_post_and_an_unknown_one_is_told_in_words() {
    let gate = Gate::start().await;
    let response = gate.send(plain("/permohonan", "kode=+tb9c-6j4w-8rxa+")).await;
    assert_eq!(
        (response.status(), location(&response)),
        (StatusCode::SEE_OTHER, "/permohonan/TB9C-6J4W-8RXA")
    );
    let page = gate.send(get("/permohonan/TB9C-6J4W-8RXA")).await;
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    assert!(text(page).await.contains("Surat sudah terbit"));
    let unknown = gate.send(get("/permohonan/RAHASIA-1")).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert!(text(unknown).await.contains("Kode ini tidak ditemukan"));
}

#[tokio::test]
async fn the_file_is_had_with_the_last_digits_only_and_is_kept_by_nobody_in_between() {
    let gate = Gate::start().await;
    let path = format!("/permohonan/{ISSUED}/unduh");
    let wrong = gate.send(plain(&path, "nik4=9999")).await;
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    assert!(text(wrong).await.contains("Angka ini tidak cocok"));
    let right = gate.send(plain(&path, "nik4=0002")).await;
    assert_eq!((right.status(), location(&right)), (StatusCode::SEE_OTHER, "/berkas/tok-EN_1"));
    let file = gate.send(get("/berkas/tok-EN_1")).await;
    assert_eq!(file.status(), StatusCode::OK);
    assert_eq!(file.headers()["content-type"], "application/pdf");
    assert_eq!(file.headers()["cache-control"], "private, no-store");
    assert_eq!(
        file.headers()["content-disposition"],
        "attachment; filename=\"SKTM-470_017--Siti-.pdf\"; filename*=UTF-8''SKTM%20470%5F017%20%22Siti%22%2Epdf"
    );
    assert_eq!(gate.send(get("/berkas/lain")).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_returned_application_is_corrected_and_one_that_runs_is_withdrawn() {
    let gate = Gate::start().await;
    let path = format!("/permohonan/{RETURNED}/perbaiki");
    let form = text(gate.send(get(&path)).await).await;
    assert!(form.contains("Foto KTP tidak terbaca") && !form.contains("Keringanan biaya kuliah"));
    let wrong = gate.send(plain(&format!("{path}/isi"), "nik=1707054107900003")).await;
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    let wrong = text(wrong).await;
    assert!(!wrong.contains("Keringanan biaya kuliah") && !wrong.contains("fil_ktp"));
    let filled = gate.send(plain(&format!("{path}/isi"), &format!("nik={NIK}"))).await;
    let filled = text(filled).await;
    assert!(filled.contains("Keringanan biaya kuliah") && filled.contains("Sudah diterima:"), "{filled}");
    // What the page keeps is sent with it: one file is exchanged, the other is the one from before.
    let kept = "fil_kk|application/pdf|402000";
    assert!(filled.contains(&format!("name=\"sudah.kk\" value=\"{kept}\"")), "{filled}");
    let mut fields = GOOD.to_vec();
    fields.extend([("sudah.ktp", "fil_ktp|image/png|1310720"), ("sudah.kk", kept)]);
    let response = gate.send(multipart(&path, &fields, &PAPERS[..1])).await;
    assert_eq!(location(&response), format!("/permohonan/{RETURNED}"));
    let sent = &gate.documents.resubmissions()[0];
    let files: Vec<_> =
        sent.attachments.iter().map(|file| (file.requirement.as_str(), file.file_id.as_str())).collect();
    assert_eq!((sent.request_id.as_str(), files), (GOOD[0].1, vec![("ktp", "fil_0"), ("kk", "fil_kk")]));
    // The person is corrected with the rest; what was told of him is on the page for who knows the number, and for nobody else.
    assert!(!form.contains("Siti Rahmawati") && filled.contains("value=\"Siti Rahmawati\""), "{filled}");
    let subject = sent.subject.as_ref().expect("a subject");
    assert_eq!((subject.name.as_str(), subject.nik.as_str()), ("Siti Rahmawati", "1707054107900002"));
    let again = gate.send(get(&path)).await;
    assert_eq!(again.status(), StatusCode::SEE_OTHER, "there is nothing to correct any more");

    let path = format!("/permohonan/{RETURNED}/tarik");
    assert!(text(gate.send(get(&path)).await).await.contains("Tarik permohonan ini?"));
    let response = gate.send(plain(&path, "alasan=")).await;
    assert_eq!(location(&response), format!("/permohonan/{RETURNED}"));
    assert!(text(gate.send(get(&format!("/permohonan/{RETURNED}"))).await).await.contains("Ditarik"));
}

#[tokio::test]
async fn a_correction_that_says_nothing_of_the_person_leaves_him_as_he_was() {
    let gate = Gate::start().await;
    let path = format!("/permohonan/{RETURNED}/perbaiki");
    let form = text(gate.send(get(&path)).await).await;
    assert!(form.contains("Kosongkan semuanya bila data pemohon sudah benar"), "{form}");
    let fields: Vec<_> = GOOD.into_iter().filter(|(name, _)| !matches!(*name, "nama" | "nik")).collect();
    let response = gate.send(multipart(&path, &fields, &PAPERS)).await;
    assert_eq!(location(&response), format!("/permohonan/{RETURNED}"));
    assert_eq!(gate.documents.resubmissions()[0].subject, None);
}

#[tokio::test]
async fn a_document_is_verified_by_code_and_unknown_and_malformed_codes_look_alike() {
    let gate = Gate::start().await;
    let page = text(gate.send(get(&format!("/s/{VALID}"))).await).await;
    assert!(page.contains("BERLAKU") && page.contains("S*** R**********") && !page.contains("CONTOH."));
    for (code, word) in
        [("KDLW-1", "KEDALUWARSA"), ("DCBT-1", "DICABUT"), ("DGNT-1", "DIGANTIKAN"), ("CNTH-1", "CONTOH.")]
    {
        assert!(text(gate.send(get(&format!("/s/{code}"))).await).await.contains(word), "{code}");
    }
    let mut pages = Vec::new();
    for code in ["AAAA-BBBB-CCCC-DDDD", "QZQ", "%3Cscript%3E"] {
        let response = gate.send(get(&format!("/s/{code}"))).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        let page = text(response).await;
        // Only the links that switch the language name the address.
        pages.push(page.replace(code, "CODE"));
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
    let response = gate.send(plain("/periksa", "kode=https%3A%2F%2Fx.go.id%2Fs%2F7q3k-9m2x-4tbw-5h8v")).await;
    assert_eq!(location(&response), format!("/s/{VALID}"));
}

#[tokio::test]
async fn a_file_is_told_to_be_whole_extended_altered_or_not_ours() {
    let gate = Gate::start().await;
    for (line, word) in [
        ("UTUH", "SAH"),
        ("TAMBAH", "DITAMBAH SETELAH TANDA TANGAN"),
        ("DIUBAH", "DIUBAH"),
        ("LAIN", "BUKAN DARI KAMI"),
    ] {
        let response = gate.send(multipart("/periksa/berkas", &[], &[("berkas", &pdf(line))])).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(text(response).await.contains(&format!("<h1>{word}</h1>")), "{line}");
    }
    let none = gate.send(multipart("/periksa/berkas", &[], &[])).await;
    assert_eq!(none.status(), StatusCode::BAD_REQUEST);
    assert_eq!(gate.send(get("/periksa/berkas")).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_desk_is_for_officials_and_may_show_a_draft_within_itself() {
    let gate = Gate::start().await;
    for path in ["/meja", "/meja/tanda-tangan", "/meja/dokumen", "/jenis-surat", "/jenis-surat/sktm"] {
        let response = gate.send(get(path)).await;
        assert!(location(&response).starts_with("/masuk?ke="), "{path}");
    }
    let list = text(gate.send(by_cookie(get("/meja"))).await).await;
    let first = list.find("Siti Rahmawati").expect("the late one");
    assert!(first < list.find("Budi Santoso").expect("another") && list.contains("Terlambat"));
    let page = gate.send(by_cookie(get(&format!("/meja/{APPLICATION}")))).await;
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.contains("frame-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    let page = text(page).await;
    for part in [
        "data-version=\"4\"",
        "5f2b1c9e8a7d</code>",
        "data-verb=\"return\"",
        "data-verb=\"resetClock\"",
        "Yusuf Effendi",
        "id=\"dlg-sign\"",
        "Petani",
        "1 Juli 1990",
    ] {
        assert!(page.contains(part), "{part} is not on the page");
    }
    assert!(
        !page.contains("data-verb=\"approve\"") && !page.contains("data-verb=\"release\""),
        "what is not offered"
    );
    assert!(!page.contains("acc_asing") && !page.contains("acc_sekdes"), "ids say nothing to people");
    for path in ["draf.pdf", "berkas/fil_kk"] {
        let file = gate.send(by_cookie(get(&format!("/meja/{APPLICATION}/{path}")))).await;
        assert_eq!(file.headers()["content-type"], "application/pdf");
        assert_eq!(file.headers()["content-disposition"], "inline");
        let policy = file.headers()["content-security-policy"].to_str().expect("text");
        assert!(policy.contains("frame-ancestors 'self'") && !policy.contains("script-src"), "{policy}");
    }
    let stranger = gate.send(get(&format!("/meja/{APPLICATION}/draf.pdf"))).await;
    assert_eq!(stranger.status(), StatusCode::SEE_OTHER);
}

/// The facts of a panel: labels and texts, in their order.
fn facts(page: &str, panel: &str) -> Vec<(String, String)> {
    let (_, from) = page.split_once(&format!("aria-labelledby=\"{panel}\"")).expect("the panel");
    let (panel, _) = from.split_once("</section>").expect("its end");
    let facts = panel.split("<dt>").skip(1).map(|fact| {
        let (label, rest) = fact.split_once("</dt><dd>").expect("a label");
        let (text, _) = rest.split_once("</dd>").expect("a text");
        (label.to_owned(), text.to_owned())
    });
    facts.collect()
}

#[tokio::test]
async fn the_desk_shows_every_answer_once_under_the_label_of_its_field_and_the_person_together() {
    let gate = Gate::start().await;
    let page = text(gate.send(by_cookie(get(&format!("/meja/{APPLICATION}")))).await).await;
    let (person, values) = (facts(&page, "orang"), facts(&page, "isian"));
    let shown = |facts: &[(String, String)]| {
        facts.iter().map(|(label, text)| format!("{label}: {text}")).collect::<Vec<_>>()
    };
    assert_eq!(
        shown(&person),
        [
            "Nama sesuai ijazah: Siti Rahmawati",
            &format!("NIK pemohon: {NIK}"),
            "Nomor KK pemohon: 1707050101100003",
            "Tanggal lahir: 1 Juli 1990",
            "Desa atau kelurahan: Desa Ujung Tanjung, RW 002 RT 005",
            "Alamat domisili: Jalan Sungai Ketahun 12",
            "Nomor yang dapat dihubungi: 0812 3456 7890",
        ]
    );
    assert_eq!(
        shown(&values),
        [
            "Untuk keperluan apa: Keringanan biaya kuliah di Universitas Bengkulu",
            "Pekerjaan: Petani",
            "Penghasilan sebulan: Rp1.250.000",
            "Jumlah tanggungan: 4",
            "Untuk anak?: Ya",
            "Nama anak: Rizky Pratama",
            "Anggota serumah: 1. Rizky Pratama, Anak kandung, 9 Februari 2014",
        ]
    );
}

#[tokio::test]
async fn a_fee_is_told_to_who_pays_and_to_who_records_it() {
    let gate = Gate::start().await;
    let page = text(gate.send(get(&format!("/permohonan/{UNPAID}"))).await).await;
    for part in
        ["data-state=\"awaiting_payment\"", "Lewat jatuh tempo", "Bayar di loket kas &#60;lantai 1&#62;."]
    {
        assert!(page.contains(part), "{part} is not on the page");
    }
    assert!(page.contains("/tarik"), "it can be given up");
    let due = [
        "Jumlah: Rp150.000",
        "Kode bayar: 1000 0000 0008",
        "Bayar paling lambat: 26 Desember 2026",
        "Dasar hukum: Perda Nomor 1 Tahun 2024",
    ];
    let shown = |page: &str| {
        facts(page, "biaya").iter().map(|(label, text)| format!("{label}: {text}")).collect::<Vec<_>>()
    };
    assert_eq!(shown(&page), due);
    let page = text(gate.send(by_cookie(get(&format!("/meja/{UNPAID_APPLICATION}")))).await).await;
    assert_eq!(shown(&page), due);
    for part in [
        "data-verb=\"recordPayment\"",
        "data-verb=\"waivePayment\"",
        "id=\"dlg-payment\"",
        "data-utc=\"+07:00\"",
        "min=\"150000\" max=\"150000\"",
    ] {
        assert!(page.contains(part), "{part} is not on the page");
    }
    let page = text(gate.send(by_cookie(get(&format!("/meja/{APPLICATION}")))).await).await;
    assert!(!page.contains("dlg-payment") && !page.contains("id=\"biaya\""), "it costs nothing");
}

#[tokio::test]
async fn what_oss_refused_is_sent_again_from_the_page_of_the_application() {
    let gate = Gate::start().await;
    let path = format!("/meja/{LICENCE_APPLICATION}");
    let page = text(gate.send(by_cookie(get(&path))).await).await;
    for part in
        ["Kiriman ke OSS", "Status 20", "Izin final", "Ditolak OSS", "400 nip_ttd kosong", "value=\"lmg_2\""]
    {
        assert!(page.contains(part), "{part} is not on {page}");
    }
    assert!(!page.contains("value=\"lmg_1\""), "what OSS took is not sent again");
    let form = format!("kunci=6f1c1a52-0000-4000-8000-000000000002&izin={LICENCE}&kiriman=lmg_2");
    let send = async |version: &str| {
        gate.send(by_cookie(plain(&format!("{path}/oss"), &format!("{form}&versi={version}")))).await
    };
    let response = send("4").await;
    assert_eq!((response.status(), location(&response)), (StatusCode::SEE_OTHER, &*path));
    let sent = gate.documents.resent().remove(0);
    assert_eq!((sent.licence.as_str(), sent.message.as_str(), sent.version), (LICENCE, "lmg_2", 4));
    let refused = text(send("3").await).await;
    assert!(
        refused.contains("Kiriman ini tidak ditolak OSS") && refused.contains("role=\"alert\""),
        "{refused}"
    );
    assert!(
        !text(gate.send(by_cookie(get(&format!("/meja/{APPLICATION}")))).await)
            .await
            .contains("Kiriman ke OSS")
    );
    let stranger = gate.send(plain(&format!("{path}/oss"), &form)).await;
    assert_ne!(stranger.status(), StatusCode::OK);
    assert_eq!(gate.documents.resent().len(), 1);
}

/// Who signs by hand is led through it without a script, types the number again, and reads everywhere that it is no TTE.
#[tokio::test]
async fn should_45_a_letter_is_signed_by_hand_on_pages_without_a_script() {
    let gate = Gate::start().await;
    let path = format!("/meja/{HAND_APPLICATION}/basah");
    let page = async || text(gate.send(by_cookie(get(&path))).await).await;
    let desk = text(gate.send(by_cookie(get(&format!("/meja/{HAND_APPLICATION}")))).await).await;
    assert!(desk.contains(&format!("href=\"{path}\"")) && desk.contains("buka-tanda-tangan"), "{desk}");
    let first = page().await;
    for part in [
        "BUKAN TANDA TANGAN ELEKTRONIK (TTE)",
        "Pejabat belum memiliki sertifikat elektronik",
        "name=\"sidik\"",
    ] {
        assert!(first.contains(part), "{part} is not on {first}");
    }
    assert!(!first.contains("/basah/sahkan") && !first.contains("type=\"file\""), "{first}");

    // What is wrong stands where it was typed.
    let key = "kunci=6f1c1a52-0000-4000-8000-000000000003&versi=4&sidik=5f2b";
    let refused = gate.send(by_cookie(plain(&path, &format!("{key}&alasan=tidak")))).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let refused = text(refused).await;
    assert!(
        refused.contains("Isi dengan 10 sampai 500 karakter.") && refused.contains(">tidak</textarea>"),
        "{refused}"
    );
    let chosen = gate.send(by_cookie(plain(&path, &format!("{key}&alasan=belum+punya+sertifikat")))).await;
    assert_eq!(location(&chosen), format!("{path}?tersimpan=lembar"));
    let sent = gate.documents.sheets().remove(0);
    assert_eq!(
        (sent.version, sent.content_hash.as_str(), sent.reason.as_str(), sent.request_id.as_str()),
        (4, "5f2b", "belum punya sertifikat", "6f1c1a52-0000-4000-8000-000000000003")
    );

    // Printed: the sheet, and where its scan goes.
    let printed = page().await;
    for part in [
        &format!("/meja/{HAND_APPLICATION}/berkas/fil_lembar"),
        "type=\"file\"",
        "Yusuf Effendi",
        "/basah/lepas",
    ] {
        assert!(printed.contains(part), "{part} is not on {printed}");
    }
    assert!(!printed.contains("/basah/sahkan"), "{printed}");
    let to = format!("{path}/pindaian");
    let fields = [("kunci", "6f1c1a52-0000-4000-8000-000000000004"), ("versi", "5")];
    for (files, words) in [
        (vec![], "Pilih berkas hasil pindai lebih dahulu."),
        (vec![("berkas", &b"GIF89a"[..])], "Pilih berkas PDF, JPEG, atau PNG."),
        (vec![("berkas", &[b'%'; (3 << 20) + 1][..])], "lebih besar dari 3 MB"),
    ] {
        let refused = gate.send(by_cookie(multipart(&to, &fields, &files))).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{words}");
        let told = text(refused).await;
        assert!(told.contains(words) && told.contains("aria-invalid=\"true\""), "{words} is not on {told}");
    }
    for _ in 0..2 {
        let stored = gate.send(by_cookie(multipart(&to, &fields, &[("berkas", PNG)]))).await;
        assert_eq!(location(&stored), format!("{path}?tersimpan=pindaian"));
    }
    let scans = gate.documents.scans();
    assert_eq!((scans[0].version, scans[0].content.as_slice()), (5, PNG));
    assert_eq!(
        scans[0].request_id, scans[1].request_id,
        "the same file of the same press is the same request"
    );

    // Looked at a second time: the number is not told, it is read.
    let look = page().await;
    assert!(look.contains("<img class=\"scan\"") && look.contains("value=\"f00d\""), "{look}");
    assert!(!look.contains(HAND_NUMBER), "{look}");
    let picture = gate.send(by_cookie(get(&format!("/meja/{HAND_APPLICATION}/berkas/fil_pindaian")))).await;
    assert_eq!(picture.headers()["content-type"], "image/png");
    let to = format!("{path}/sahkan");
    let wrong = gate.send(by_cookie(plain(&to, "versi=6&sidik=f00d&nomor=470%2F017"))).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let wrong = text(wrong).await;
    assert!(wrong.contains("Bukan nomor surat ini.") && wrong.contains("value=\"470/017\""), "{wrong}");
    let right = gate.send(by_cookie(plain(&to, "versi=6&sidik=f00d&nomor=470%2F018%2FUT%2FXI%2F2026"))).await;
    assert_eq!(location(&right), format!("{path}?tersimpan=sah"));
    let sent = gate.documents.confirmed().remove(0);
    assert_eq!((sent.version, sent.sha256.as_str(), sent.number.as_str()), (6, "f00d", HAND_NUMBER));
    let over = page().await;
    assert!(
        over.contains(&format!("/meja/dokumen/{HAND_DOCUMENT}")) && !over.contains("<textarea"),
        "{over}"
    );
    let desk = text(gate.send(by_cookie(get(&format!("/meja/{HAND_APPLICATION}")))).await).await;
    assert!(desk.contains("BUKAN TANDA TANGAN ELEKTRONIK (TTE)"), "{desk}");

    // Nobody does so from another site, or without having signed in; and an address that takes a form alone is a page.
    let mut forged = by_cookie(plain(&to, "nomor=1"));
    forged.headers_mut().insert("sec-fetch-site", "cross-site".parse().expect("a value"));
    assert_eq!(gate.send(forged).await.status(), StatusCode::FORBIDDEN);
    for to in ["", "/sahkan", "/lepas"] {
        let stranger = gate.send(plain(&format!("{path}{to}"), "alasan=lembarnya+rusak")).await;
        assert!(location(&stranger).starts_with("/masuk?ke="), "{to}");
        assert_eq!(gate.send(by_cookie(get(&format!("{path}{to}")))).await.status(), StatusCode::OK, "{to}");
    }
    let stranger = gate.send(multipart(&format!("{path}/pindaian"), &fields, &[("berkas", PNG)])).await;
    assert!(location(&stranger).starts_with("/masuk?ke="));
    assert_eq!((gate.documents.confirmed().len(), gate.documents.discarded().len()), (1, 0));
    let english = text(gate.send(by_cookie(get(&format!("{path}?lang=en")))).await).await;
    assert!(english.contains("NOT AN ELECTRONIC SIGNATURE (BUKAN TTE)"), "{english}");
}

/// A sheet is given up with a reason, and its page begins anew.
#[tokio::test]
async fn should_45_a_sheet_is_given_up_on_its_page() {
    let gate = Gate::start().await;
    let path = format!("/meja/{HAND_APPLICATION}/basah");
    gate.send(by_cookie(plain(&path, "versi=4&sidik=5f2b&alasan=belum+punya+sertifikat"))).await;
    let given_up =
        gate.send(by_cookie(plain(&format!("{path}/lepas"), "versi=5&alasan=lembarnya+rusak"))).await;
    assert_eq!(location(&given_up), format!("{path}?tersimpan=lepas"));
    assert_eq!(gate.documents.discarded()[0].reason, "lembarnya rusak");
    let page = text(gate.send(by_cookie(get(&format!("{path}?tersimpan=lepas")))).await).await;
    assert!(page.contains("Nomornya batal") && page.contains("name=\"alasan\""), "{page}");
}

/// Every list and page of such a letter says that it is no TTE; no other one does.
#[tokio::test]
async fn should_45_every_page_of_a_letter_signed_by_hand_says_so() {
    let gate = Gate::start().await;
    const NO_TTE: &str = "BUKAN TANDA TANGAN ELEKTRONIK (TTE)";
    let public = text(gate.send(get("/s/BSAH-9M2X-4TBW-5H8V")).await).await;
    for part in [
        "BERLAKU",
        NO_TTE,
        "Surat ini ditandatangani basah; hasil pindainya diunggah oleh Sekretaris Desa, Yusuf Effendi pada 26 November 2026",
        "Surat dengan nomor ini tercatat dan masih berlaku.",
    ] {
        assert!(public.contains(part), "{part} is not on {public}");
    }
    assert!(!public.contains("asli"), "what nothing proves is not called genuine: {public}");
    let revoked = text(gate.send(get("/s/BSCB-9M2X-4TBW-5H8V")).await).await;
    assert!(revoked.contains("DICABUT") && revoked.contains(NO_TTE), "{revoked}");
    let other = text(gate.send(get(&format!("/s/{VALID}"))).await).await;
    assert!(!other.contains("TTE"), "{other}");

    let scan = gate.send(multipart("/periksa/berkas", &[], &[("berkas", &pdf("BASAH"))])).await;
    let scan = text(scan).await;
    for part in ["<h1>SAMA DENGAN YANG TERCATAT</h1>", NO_TTE, "data-verdict=\"scan_on_record\"", HAND_NUMBER]
    {
        assert!(scan.contains(part), "{part} is not on {scan}");
    }
    assert!(!scan.contains("Tanda tangan dalam berkas") && !scan.contains(">SAH<"), "{scan}");

    let follow = text(gate.send(get(&format!("/permohonan/{BY_HAND}"))).await).await;
    assert!(follow.contains(NO_TTE) && follow.contains("Surat sudah ditandatangani basah"), "{follow}");
    let follow = text(gate.send(get(&format!("/permohonan/{ISSUED}"))).await).await;
    assert!(!follow.contains(NO_TTE), "{follow}");

    let list = text(gate.send(by_cookie(get("/meja/dokumen"))).await).await;
    assert_eq!(list.matches(">bukan TTE<").count(), 1, "{list}");
    let one = text(gate.send(by_cookie(get(&format!("/meja/dokumen/{HAND_DOCUMENT}")))).await).await;
    assert!(one.contains(NO_TTE) && one.contains("Buka hasil pindai"), "{one}");
    let file = gate.send(by_cookie(get(&format!("/meja/dokumen/{HAND_DOCUMENT}/berkas.pdf")))).await;
    assert_eq!(file.headers()["content-type"], "image/jpeg");

    let report = text(gate.send(by_cookie(get("/meja/laporan"))).await).await;
    assert!(report.contains("data-head=\"Terbit, basah (bukan TTE)\">3</td>"), "{report}");
    let csv = text(gate.send(by_cookie(get("/meja/laporan.csv"))).await).await;
    let mut lines = csv.lines();
    let column = lines.next().and_then(|heads| heads.split(';').position(|head| head.contains("bukan TTE")));
    let cell = lines.next().and_then(|line| line.split(';').nth(column.expect("a column")));
    assert_eq!(cell, Some("\"3\""));
}

#[tokio::test]
async fn a_document_is_found_revoked_corrected_and_renewed_on_pages_without_a_script() {
    let gate = Gate::start().await;
    let list = text(gate.send(by_cookie(get("/meja/dokumen"))).await).await;
    assert!(list.contains("470/017/UT/XI/2026") && list.contains("DICABUT"), "{list}");
    let found = text(gate.send(by_cookie(get("/meja/dokumen?cari=470%2F017%2FUT%2FXI%2F2026"))).await).await;
    assert!(found.contains(DOCUMENT) && !found.contains("doc_2"), "{found}");
    let none = text(gate.send(by_cookie(get("/meja/dokumen?cari=1"))).await).await;
    assert!(none.contains("Tidak ada surat yang cocok"), "{none}");
    let path = format!("/meja/dokumen/{DOCUMENT}");
    let page = text(gate.send(by_cookie(get(&path))).await).await;
    for part in ["25 November 2026", "/perpanjang", "/perbaiki", "/cabut", "name=\"versi\" value=\"3\""] {
        assert!(page.contains(part), "{part} is not on {page}");
    }
    let file = gate.send(by_cookie(get(&format!("{path}/berkas.pdf")))).await;
    assert_eq!(file.headers()["content-type"], "application/pdf");
    // Renewed: to the desk with what was begun.
    let response = gate.send(by_cookie(plain(&format!("{path}/perpanjang"), "kunci=&versi=3"))).await;
    assert_eq!(
        (location(&response), gate.documents.renewed()[0].version),
        (&*format!("/meja/{APPLICATION}"), 3)
    );
    // Corrected: what it says is filled in; what is wrong is marked, and nothing that was typed is lost.
    let form = text(gate.send(by_cookie(get(&format!("{path}/perbaiki")))).await).await;
    assert!(form.contains("Siti Rahmawati") && form.contains("Keringanan biaya kuliah"), "{form}");
    let fields = "versi=3&nama=Siti+Rahmawaty&isi.keperluan=Beasiswa&alasan=";
    let response =
        gate.send(by_cookie(plain(&format!("{path}/perbaiki"), &format!("{fields}salah&nik=1")))).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let form = text(response).await;
    assert!(form.contains("Siti Rahmawaty") && form.contains("Isi dengan 16 angka."), "{form}");
    assert!(form.contains("href=\"#alasan\"") && gate.documents.corrected().is_empty());
    let good = format!("{fields}nama+keliru+ditulis&nik={NIK}");
    let response = gate.send(by_cookie(plain(&format!("{path}/perbaiki"), &good))).await;
    assert_eq!(location(&response), format!("/meja/{APPLICATION}"));
    let sent = &gate.documents.corrected()[0];
    let subject = sent.subject.as_ref().expect("a subject");
    assert_eq!((subject.name.as_str(), subject.area.as_str()), ("Siti Rahmawaty", "17.07.05.2003/002/005"));
    assert_eq!((sent.version, sent.reason.as_str()), (3, "nama keliru ditulis"));
    // Revoked: a reason that says nothing is refused where it was typed.
    let response = gate.send(by_cookie(plain(&format!("{path}/cabut"), "versi=3&alasan=salah"))).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let refused = text(response).await;
    assert!(
        refused.contains("Isi dengan 10 sampai 500 karakter.") && refused.contains(">salah</textarea>"),
        "{refused}"
    );
    let reason = "versi=3&alasan=terbit+karena+data+keliru";
    let response = gate.send(by_cookie(plain(&format!("{path}/cabut"), reason))).await;
    assert_eq!(
        (location(&response), gate.documents.revoked()[0].reason.as_str()),
        (&*path, "terbit karena data keliru")
    );
    let page = text(gate.send(by_cookie(get(&path))).await).await;
    assert!(
        page.contains("DICABUT") && !page.contains("/cabut\"") && page.contains("Tidak ada tindakan"),
        "{page}"
    );
    // Nobody does so from another site, or without having signed in.
    let mut forged = by_cookie(plain(&format!("{path}/cabut"), reason));
    forged.headers_mut().insert("sec-fetch-site", "cross-site".parse().expect("a value"));
    assert_eq!(gate.send(forged).await.status(), StatusCode::FORBIDDEN);
    let stranger = gate.send(plain(&format!("{path}/cabut"), reason)).await;
    assert!(location(&stranger).starts_with("/masuk?ke="));
    assert_eq!(gate.documents.revoked().len(), 1);
}

#[tokio::test]
async fn editors_find_drafts_that_were_never_published_and_who_wrote_them() {
    let gate = Gate::start().await;
    let list = text(gate.send(by_cookie(get("/jenis-surat"))).await).await;
    for part in [
        "Izin panggung terbuka",
        "Belum pernah terbit",
        "Yusuf Effendi",
        "rekan lain",
        "/jenis-surat/izin_panggung",
    ] {
        assert!(list.contains(part), "{part} is not on {list}");
    }
    let editor = text(gate.send(by_cookie(get("/jenis-surat/sktm"))).await).await;
    assert!(
        editor.contains("Yusuf Effendi") && editor.contains("bawaan") && !editor.contains("acc_"),
        "{editor}"
    );
}

#[tokio::test]
async fn line_15_a_coat_of_arms_is_uploaded_shown_inherited_and_taken_away() {
    let gate = Gate::start().await;
    for path in ["/kantor", "/kantor/lambang?wilayah=17.07", "/kantor/lambang/gambar?wilayah=17.07"] {
        assert!(location(&gate.send(get(path)).await).starts_with("/masuk?ke="), "{path}");
    }
    let stranger = gate.send(multipart("/kantor/lambang", &[], &[("berkas", b"<svg/>")])).await;
    assert!(location(&stranger).starts_with("/masuk?ke="));
    let list = text(gate.send(by_cookie(get("/kantor"))).await).await;
    for part in ["Desa Ujung Tanjung", "Dinas Kesehatan", "/kantor/lambang?wilayah=17.07\"", "Tanpa lambang"]
    {
        assert!(list.contains(part), "{part} is not on {list}");
    }
    let village = format!("/kantor/lambang?wilayah={VILLAGE}");
    let page = text(gate.send(by_cookie(get(&village))).await).await;
    assert!(page.contains("Tanpa lambang") && !page.contains("<img") && !page.contains("/lepas"), "{page}");

    let fields = [("wilayah", "17.07"), ("kunci", "5b0d6d4e-6a55-4d7b-9d6f-0c3a2f1e4b11")];
    let drawing = b"<svg xmlns='http://www.w3.org/2000/svg'/>";
    for (files, words) in [
        (vec![], "Pilih berkas SVG atau PNG"),
        (vec![("berkas", &b"GIF89a"[..])], "pilih berkas SVG atau PNG"),
        (vec![("berkas", &[b'<'; (256 << 10) + 1][..])], "lebih besar dari 256 KB"),
    ] {
        let refused = gate.send(by_cookie(multipart("/kantor/lambang", &fields, &files))).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{words}");
        let page = text(refused).await;
        let told = page.to_lowercase().contains(&words.to_lowercase());
        assert!(told && page.contains("aria-invalid=\"true\""), "{words} is not on {page}");
    }
    let saved = gate.send(by_cookie(multipart("/kantor/lambang", &fields, &[("berkas", drawing)]))).await;
    assert_eq!(location(&saved), "/kantor/lambang?wilayah=17.07&simpan=1");
    let applied = gate.documents.arms();
    assert_eq!(
        (applied.len(), applied[0].area.as_str(), applied[0].request_id.as_str()),
        (1, "17.07", fields[1].1)
    );
    let page = text(gate.send(by_cookie(get("/kantor/lambang?wilayah=17.07&simpan=1"))).await).await;
    assert!(
        page.contains("Tersimpan") && page.contains("Lambang sendiri") && page.contains("/lepas"),
        "{page}"
    );
    // What lies below shows it, and has none of its own to take away.
    let page = text(gate.send(by_cookie(get(&village))).await).await;
    let image = format!("/kantor/lambang/gambar?wilayah={VILLAGE}&amp;id=arm%5F1").replace("%5F", "_");
    assert!(page.contains("Lambang dari 17.07") && !page.contains("/lepas"), "{page}");
    assert!(page.contains(&image) || page.contains(&image.replace("&amp;", "&#38;")), "{page}");
    let picture = gate.send(by_cookie(get(&format!("/kantor/lambang/gambar?wilayah={VILLAGE}")))).await;
    assert_eq!(picture.headers()["content-type"], "image/svg+xml");
    let policy = picture.headers()["content-security-policy"].to_str().expect("text");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src"), "{policy}");
    assert_eq!(picture.headers()["x-content-type-options"], "nosniff");

    let away = gate.send(by_cookie(plain("/kantor/lambang/lepas", "wilayah=17.07"))).await;
    assert_eq!(location(&away), "/kantor/lambang?wilayah=17.07&simpan=1");
    assert!(gate.documents.arms()[1].content.is_empty());
    let mut forged = by_cookie(plain("/kantor/lambang/lepas", "wilayah=17.07"));
    forged.headers_mut().insert("sec-fetch-site", "cross-site".parse().expect("a value"));
    assert_eq!(gate.send(forged).await.status(), StatusCode::FORBIDDEN);
    let english = text(gate.send(by_cookie(get("/kantor?lang=en"))).await).await;
    assert!(english.contains("No coat of arms"), "{english}");
}

#[tokio::test]
async fn line_27_the_number_of_the_second_office_is_on_the_check_and_where_the_applicant_looks() {
    let gate = Gate::start().await;
    for path in [format!("/s/{VALID}"), format!("/permohonan/{ISSUED}")] {
        let page = text(gate.send(get(&path)).await).await;
        for part in ["470/017/UT/XI/2026", "Nomor Kecamatan Lebong Sakti", "470/031/LS/XI/2026"] {
            assert!(page.contains(part), "{part} is not on {page}");
        }
    }
    let page = text(gate.send(get(&format!("/permohonan/{IN_REVIEW}"))).await).await;
    assert!(!page.contains("470/017/UT"), "{page}");
}

#[tokio::test]
async fn an_approval_says_what_was_seen() {
    let gate = Gate::start().await;
    let request = Request::post(format!("/v1/applications/{APPLICATION}:approve"))
        .header("content-type", "application/json")
        .header("idempotency-key", "press-1")
        .header("if-match", "\"4\"")
        .body(Body::from(r#"{"contentHash":"5f2b"}"#))
        .expect("a request");
    assert_eq!(gate.send(by_cookie(request)).await.status(), StatusCode::OK);
    let seen = &gate.documents.approvals()[0];
    assert_eq!((seen.request_id.as_str(), seen.version, seen.content_hash.as_str()), ("press-1", 4, "5f2b"));
}

#[tokio::test]
async fn a_draft_of_a_type_keeps_its_text_when_it_is_refused_and_is_shown_as_a_pdf() {
    let gate = Gate::start().await;
    let page = text(gate.send(by_cookie(get("/jenis-surat/sktm"))).await).await;
    assert!(page.contains("Evaluasi kinerja belum diisi") && page.contains("max_length = 200"));
    let saved = gate.send(by_cookie(plain("/jenis-surat/sktm", "definisi=a%3D1&templat=x"))).await;
    assert_eq!(location(&saved), "/jenis-surat/sktm?simpan=1");
    let preview = gate.send(by_cookie(plain("/jenis-surat/pratinjau", "definisi=a&templat=b"))).await;
    assert_eq!(preview.headers()["content-type"], "application/pdf");
    let refused =
        gate.send(by_cookie(plain("/jenis-surat/pratinjau", "definisi=a&templat=f(nama_wali)"))).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(text(refused).await.contains("baris 5"));
    let published = gate.send(by_cookie(plain("/jenis-surat/sktm/terbitkan", "versi=4"))).await;
    assert_eq!(published.status(), StatusCode::CONFLICT);
    assert!(text(published).await.contains("orang lain dari penulisnya"));
    let diff = text(gate.send(by_cookie(get("/jenis-surat/sktm/beda?dari=3&ke=4"))).await).await;
    assert!(diff.contains("max_length = 150") && diff.contains("max_length = 200"));
    let forged = plain("/jenis-surat/sktm", "definisi=a&templat=b");
    let mut forged = by_cookie(forged);
    forged.headers_mut().insert("sec-fetch-site", "cross-site".parse().expect("a value"));
    assert_eq!(gate.send(forged).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn files_in_json_may_be_larger_than_other_bodies() {
    let gate = Gate::with(|config| config.body_limit_bytes = 64 << 10).await;
    let body = |bytes: usize| {
        use base64::Engine as _;
        let mut content = PNG.to_vec();
        content.resize(bytes, 1);
        format!(r#"{{"content":"{}"}}"#, base64::engine::general_purpose::STANDARD.encode(content))
    };
    let post = |path: &str, body: String| {
        Request::post(path.to_owned())
            .header("content-type", "application/json")
            .body(Body::from(body))
            .expect("a request")
    };
    let stored = gate.send(post("/v1/files", body(3 << 20))).await;
    assert_eq!(stored.status(), StatusCode::OK);
    assert_eq!(json(stored).await["file"]["mediaType"], "image/png");
    assert_eq!(gate.send(post("/v1/verifications:file", body(3 << 20))).await.status(), StatusCode::OK);
    assert_eq!(gate.send(post("/v1/files", body(4 << 20))).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let other = gate.send(post("/v1/applications", body(1 << 20))).await;
    assert_eq!(other.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn submissions_have_a_stricter_limit_than_lookups_by_page_and_by_api() {
    let gate = Gate::with(|config| config.rate.submission = Rate { per_second: 1, burst: 2 }).await;
    let submit = || {
        let request = Request::post("/v1/applications").header("content-type", "application/json");
        request.body(Body::from("{}")).expect("a request")
    };
    assert_eq!(gate.send(submit()).await.status(), StatusCode::BAD_REQUEST);
    let by_page = async || gate.send(multipart("/surat/sktm/ajukan", &GOOD, &PAPERS)).await.status();
    assert_eq!(by_page().await, StatusCode::SEE_OTHER);
    assert_eq!(gate.send(submit()).await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(by_page().await, StatusCode::TOO_MANY_REQUESTS);
    for _ in 0..10 {
        // Looking something up by a form hands nothing in.
        assert_eq!(gate.send(plain("/periksa", "kode=")).await.status(), StatusCode::BAD_REQUEST);
        assert_eq!(gate.send(plain("/permohonan", "kode=")).await.status(), StatusCode::BAD_REQUEST);
        assert_eq!(gate.send(get(&format!("/s/{VALID}"))).await.status(), StatusCode::OK);
        assert_eq!(gate.send(get(&format!("/v1/verifications/{VALID}"))).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_number_that_proves_who_somebody_is_has_the_limit_of_a_sign_in() {
    let gate = Gate::with(|config| config.rate.sign_in = Rate { per_second: 1, burst: 3 }).await;
    let guesses = [
        ("/surat/sktm/isi".to_owned(), "kode=AAAA&nik=1"),
        (format!("/permohonan/{RETURNED}/perbaiki/isi"), "nik=1"),
        (format!("/permohonan/{ISSUED}/unduh"), "nik4=0001"),
    ];
    for (path, body) in &guesses {
        assert_ne!(gate.send(plain(path, body)).await.status(), StatusCode::TOO_MANY_REQUESTS, "{path}");
    }
    for (path, body) in &guesses {
        assert_eq!(gate.send(plain(path, body)).await.status(), StatusCode::TOO_MANY_REQUESTS, "{path}");
    }
    assert_eq!(gate.send(get(&format!("/permohonan/{ISSUED}"))).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn oss_is_answered_in_its_envelope_whatever_happens() {
    let gate = Gate::with(|config| {
        config.rate.submission = Rate { per_second: 1, burst: 1 };
        config.rate.anonymous = Rate { per_second: 1, burst: 3 };
    })
    .await;
    let call = || gate.send(plain("/oss/v1/receiveNIB", "{}"));
    for _ in 0..3 {
        // The documents service of this test does not know the call: OSS shall come again.
        let response = call().await;
        assert_eq!(
            response.status(),
            StatusCode::SERVICE_UNAVAILABLE,
            "its calls are no submissions of citizens"
        );
        let told = json(response).await;
        assert_eq!(told["responreceiveNIB"]["status"], "2", "{told}");
    }
    let limited = call().await;
    assert_eq!(limited.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(limited.headers()["content-type"], "application/json");
    assert!(limited.headers().contains_key("retry-after"));
    let told = json(limited).await;
    assert_eq!(told["responreceiveNIB"]["status"], "2", "{told}");
    let strange = json(gate.send(plain("/oss/v1/%22%7D", "{}")).await).await;
    assert!(strange.get("respon").is_some(), "{strange}");
}
