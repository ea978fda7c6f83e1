//! The pages of complaints: reports without a script, number and PIN in no address, presses with one effect, and who may
//! see what.

use axum::body::Body;
use http::{Request, StatusCode};
use mpp_proto::complaints::v1::{Channel, ComplaintClass, FileComplaintRequest, Secrecy, Sp4nTelling};
use prost::Message as _;

use crate::{
    cases::{self, ASKED, CASE, FORWARDED, NEAR, NUMBER, OTHER, PIN, REVEAL, STEP, TEXT, TOKEN, VERSION},
    documents::VILLAGE,
    fake::{Gate, Reader, with},
    letters::{PNG, by_cookie, get, location, multipart, plain, text},
};

/// What somebody types in who does everything right.
const GOOD: [(&str, &str); 9] = [
    ("kunci", "0b9f3a52-6d8e-4f57-9a6f-0d6f2d1c7b11"),
    ("jenis", "pengaduan"),
    ("uraian", TEXT),
    ("kategori", "JALAN-LUBANG"),
    ("tanya.JALAN-LUBANG.dalam", "d"),
    ("alamat", "Depan SD 4"),
    ("kapan", "2026-11-25T07:30"),
    ("telepon", "081234567890"),
    ("kerahasiaan", "anonim"),
];

const PHOTO: [(&str, &[u8]); 1] = [("lampiran.foto1", PNG)];

#[tokio::test]
async fn c01_a_report_that_is_sent_twice_is_one_and_answers_number_pin_and_both_deadlines() {
    let gate = Gate::cases().await;
    let mut pages = Vec::new();
    for _ in 0..2 {
        let mut fields = GOOD.to_vec();
        fields.extend([
            ("tanya.JALAN-LUBANG.dampak", "macet"),
            ("tanya.JALAN-LUBANG.dampak", "jatuh"),
            // Of another category: not asked for, not sent.
            ("tanya.AIR.debit", "1"),
        ]);
        let response =
            gate.send(with(multipart("/lapor", &fields, &PHOTO), "host", "aduan.contoh.go.id")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert!(!response.headers().contains_key("location"), "a PIN stands in no address");
        pages.push(text(response).await);
    }
    assert_eq!(gate.cases.files(), 1, "the same file of the same form is stored once");
    let filed = gate.cases.filed();
    assert_eq!(filed[0], filed[1], "one request id and one content");
    let request = &filed[0];
    assert_eq!(request.request_id, GOOD[0].1);
    assert_eq!(
        (request.complaint_class(), request.secrecy(), request.channel()),
        (ComplaintClass::Complaint, Secrecy::Anonymous, Channel::Web)
    );
    assert_eq!(request.text, TEXT);
    assert_eq!(request.extra["dampak"], "macet,jatuh");
    assert_eq!(request.extra.len(), 2);
    assert_eq!(request.occurred_at.map(|time| time.seconds), Some(1_795_566_600), "07.30 in the west");
    assert_eq!(request.contact.as_ref().map(|contact| contact.phone.as_str()), Some("081234567890"));
    assert_eq!(request.file_ids, ["fil_0"]);
    for part in ["ADU-2026-000200-3", "ZX81QL", "16 Desember 2026", "pukul 12.00 WIB", "data:image/svg+xml,"]
    {
        assert!(pages[0].contains(part), "{part} is not on the receipt");
    }
    assert!(pages[0].contains("href=\"/lacak#ADU-2026-000200-3\""), "what follows a # reaches no server");
    assert!(!pages[0].contains("081234567890"));
}

#[tokio::test]
async fn c_65_a_reporter_chooses_the_language_of_messages_and_begins_with_that_of_the_page() {
    let gate = Gate::cases().await;
    for (path, chosen) in [("/lapor", "id"), ("/lapor?lang=en", "en")] {
        let page = text(gate.send(get(path)).await).await;
        assert!(page.contains("<select id=\"bahasa\" name=\"bahasa\""));
        for (code, name) in [("id", "Bahasa Indonesia"), ("en", "English"), ("bjn", "Bahasa Banjar")] {
            let selected = if code == chosen { " selected" } else { "" };
            let choice = format!("<option value=\"{code}\"{selected}>{name}</option>");
            assert!(page.contains(&choice), "{path}: {choice}");
        }
        assert!(!page.contains("Basa Jawa"), "a language that is off");
    }
    let mut fields = GOOD.to_vec();
    fields.push(("bahasa", "bjn"));
    assert_eq!(gate.send(multipart("/lapor", &fields, &[])).await.status(), StatusCode::OK);
    assert_eq!(gate.cases.filed()[0].language, "bjn");
    assert_eq!(gate.send(multipart("/lapor", &GOOD, &[])).await.status(), StatusCode::OK);
    assert_eq!(gate.cases.filed()[1].language, "", "who says nothing is answered in Indonesian");
}

#[tokio::test]
async fn c16_complaints_hears_from_which_network_a_report_comes_whatever_the_client_says() {
    let gate =
        Gate::cases_with(|config| config.trusted_proxy_header = Some("x-forwarded-for".to_owned())).await;
    let message = FileComplaintRequest { text: TEXT.to_owned(), ..FileComplaintRequest::default() };
    let by_rest = || {
        let body = serde_json::json!({"text": TEXT, "category": "LAIN"}).to_string();
        let request = Request::post("/v1/complaints").header("content-type", "application/json");
        request.body(Body::from(body)).expect("a request")
    };
    // Three ways to hand in; the address of IPv6 is one of a whole network.
    let mut framed = vec![0];
    framed.extend(u32::try_from(message.encoded_len()).expect("a short message").to_be_bytes());
    framed.extend(message.encode_to_vec());
    let by_grpc = Request::post("/mpp.complaints.v1.ComplaintsService/FileComplaint")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::from(framed))
        .expect("a request");
    for (request, address) in [
        (multipart("/lapor", &GOOD, &[]), "203.0.113.7"),
        (by_rest(), "2001:db8:1:2:3:4:5:6"),
        (by_grpc, "203.0.113.9"),
    ] {
        let request = with(with(request, "x-forwarded-for", address), "mpp-network", "198.51.100.1");
        assert_eq!(gate.send(request).await.status(), StatusCode::OK, "{address}");
    }
    assert_eq!(gate.cases.networks(), ["203.0.113.7", "2001:db8:1:2::", "203.0.113.9"]);
    // Nobody knows from where: nothing is said, least of all what the client says.
    let unknown = Gate::cases().await;
    unknown.send(with(by_rest(), "mpp-network", "198.51.100.1")).await;
    assert_eq!(unknown.cases.networks(), [""]);
}

#[tokio::test]
async fn what_is_wrong_is_marked_and_nothing_that_was_typed_or_uploaded_is_lost() {
    let gate = Gate::cases().await;
    let fields = [
        ("kunci", GOOD[0].1),
        ("jenis", "pengaduan"),
        ("kategori", "JALAN-LUBANG"),
        ("uraian", "<b>ok"),
        ("alamat", "Depan \"SD\" 4"),
        ("kerahasiaan", "rahasia"),
    ];
    let response = gate.send(multipart("/lapor", &fields, &PHOTO)).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let page = text(response).await;
    for part in [
        "id=\"galat\"",
        "<a href=\"#uraian\">",
        "Tulis paling sedikit 10 huruf.",
        "name=\"sudah.foto1\" value=\"fil_0|image/png|7\"",
        "value=\"rahasia\" checked",
        "value=\"JALAN-LUBANG\" selected",
    ] {
        assert!(page.contains(part), "{part} is not on the page");
    }
    assert!(
        !page.contains("<b>") && !page.contains(GOOD[0].1),
        "text stays text; another try is another request"
    );
    let mut fields = GOOD.to_vec();
    fields.retain(|(name, _)| !name.starts_with("tanya"));
    fields.push(("titik", "di sana"));
    let response = gate.send(multipart("/lapor", &fields, &[])).await;
    let page = text(response).await;
    assert!(page.contains("<a href=\"#titik\">") && page.contains("value=\"di sana\""));
    fields.pop();
    let page = text(gate.send(multipart("/lapor", &fields, &[])).await).await;
    assert!(page.contains("<a href=\"#tanya-JALAN-LUBANG-dalam\">"), "a question of the category");
    assert!(gate.cases.filed().is_empty());
}

#[tokio::test]
async fn c27_whose_report_was_forwarded_reads_why_where_and_what_to_do() {
    let gate = Gate::cases().await;
    for (language, why) in [("id", "Pemerintah provinsi"), ("en", "Province")] {
        let page = text(
            gate.send(plain(&format!("/lacak?lang={language}"), &format!("nomor={FORWARDED}&pin={PIN}")))
                .await,
        )
        .await;
        for told in [why, "Dinas PUPR Provinsi", "Hubungi Dinas PUPR Provinsi dengan nomor ini."] {
            assert!(page.contains(told), "{told}");
        }
    }
    let other = text(gate.send(plain("/lacak", &format!("nomor={NUMBER}&pin={PIN}"))).await).await;
    assert!(!other.contains("Alasannya"), "nothing is closed there");
}

#[tokio::test]
async fn c50_a_similar_report_is_asked_about_first_and_can_be_followed() {
    let gate = Gate::cases().await;
    let mut fields = GOOD.to_vec();
    fields.push(("desa", VILLAGE));
    let page = text(gate.send(multipart("/lapor", &fields, &[])).await).await;
    assert!(page.contains("Mungkin sudah dilaporkan") && page.contains(NEAR) && page.contains("42 m"));
    assert!(gate.cases.filed().is_empty());
    // The answer comes with what was typed.
    fields.extend([("dilihat", "1"), ("ikut", NEAR)]);
    let page = text(gate.send(multipart("/lapor", &fields, &[])).await).await;
    assert!(page.contains("Anda ikut memantau"));
    assert_eq!(gate.cases.filed()[0].follow_number, NEAR);
    fields.pop();
    fields.push(("ikut", "baru"));
    let page = text(gate.send(multipart("/lapor", &fields, &[])).await).await;
    assert!(page.contains("Laporan diterima"));
    assert_eq!(gate.cases.filed()[1].follow_number, "");
}

#[tokio::test]
async fn wrongdoing_is_compared_with_nothing_and_names_whom_it_is_about_only_then() {
    let gate = Gate::cases().await;
    let mut fields = GOOD.to_vec();
    fields.extend([("desa", VILLAGE), ("terlapor", "17.07/dinkes")]);
    for (jenis, about) in [("pelanggaran", "17.07/dinkes"), ("pengaduan", "")] {
        fields[1] = ("jenis", jenis);
        let mut fields = fields.clone();
        if jenis == "pengaduan" {
            fields.push(("dilihat", "1"));
        }
        let page = text(gate.send(multipart("/lapor", &fields, &[])).await).await;
        assert!(page.contains("Laporan diterima"), "{jenis}");
        assert_eq!(gate.cases.filed().last().expect("a report").about_agency_id, about);
    }
}

#[tokio::test]
async fn c02_a_wrong_pin_and_a_number_that_was_never_given_look_alike() {
    let gate = Gate::cases().await;
    let mut pages = Vec::new();
    for (number, pin) in [(NUMBER, "AAAAAA"), ("ADU-2026-999999-0", PIN), ("ADU", "<b>")] {
        let body = format!("nomor={number}&pin={}", pin.replace('<', "%3C"));
        let response = gate.send(plain("/lacak", &body)).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let page = text(response).await;
        assert!(page.contains("tidak cocok") && !page.contains("<b>") && !page.contains(pin));
        pages.push(page.replace(&format!("value=\"{number}\""), "value=\"\""));
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
    // Every form of the page answers so.
    for path in ["/lacak/jawab", "/lacak/cabut"] {
        let response = match path {
            "/lacak/jawab" => {
                let fields = [("nomor", NUMBER), ("pin", "AAAAAA"), ("bagian", "tambah"), ("pesan", "halo")];
                gate.send(multipart(path, &fields, &[("lampiran.berkas1", PNG)])).await
            }
            _ => gate.send(plain(path, &format!("nomor={NUMBER}&pin=AAAAAA"))).await,
        };
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        // Only the link that switches the language names the address.
        let page = text(response).await.replace(&format!("{path}?"), "/lacak?");
        assert!(page.replace(&format!("value=\"{NUMBER}\""), "value=\"\"") == pages[0], "{path}");
    }
    assert_eq!(gate.cases.files(), 0, "whoever does not know the PIN stores nothing");
    let missing = gate.send(plain("/lacak", "nomor=&pin=")).await;
    assert_eq!(missing.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn c43_number_and_pin_show_stage_office_deadlines_and_answers_and_no_officer() {
    let gate = Gate::cases().await;
    let response =
        gate.send(plain("/lacak", &format!("nomor=+{}+&pin={}", NUMBER.to_lowercase(), PIN))).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    let page = text(response).await;
    for part in [
        "Sudah dijawab",
        "Dinas Pekerjaan Umum",
        "Tenggat menurut peraturan",
        "8 Desember 2026",
        "Janji reaksi pertama",
        "Lubang sudah ditambal oleh UPTD Jalan",
        "Identitas Anda dibuka kepada seorang petugas",
        "Apakah masalahnya sudah selesai?",
        "Terlambat.",
        "&#60;b&#62;besar&#60;/b&#62;",
    ] {
        assert!(page.contains(part), "{part} is not on the page");
    }
    assert!(!page.contains("acc_rahasia") && !page.contains("<b>besar"));
}

#[tokio::test]
async fn c31_the_reporter_says_done_or_not_with_a_rating_more_text_and_another_secrecy() {
    let gate = Gate::cases().await;
    let form = |fields: &[(&'static str, &'static str)]| {
        let mut all = vec![("kunci", GOOD[0].1), ("nomor", NUMBER), ("pin", PIN)];
        all.extend_from_slice(fields);
        multipart("/lacak/jawab", &all, &[])
    };
    let nothing = gate.send(form(&[("bagian", "selesai")])).await;
    assert_eq!(nothing.status(), StatusCode::BAD_REQUEST);
    assert!(text(nothing).await.contains("Pilih sudah atau belum."));
    let why = gate.send(form(&[("bagian", "selesai"), ("sudah", "belum")])).await;
    assert_eq!(why.status(), StatusCode::BAD_REQUEST);
    assert!(text(why).await.contains("Tulis apa yang belum."));
    let open = text(
        gate.send(form(&[
            ("bagian", "selesai"),
            ("sudah", "belum"),
            ("nilai", "5"),
            ("pesan", "Masih dalam."),
        ]))
        .await,
    )
    .await;
    assert!(open.contains("Laporan dibuka kembali."));
    let done = text(gate.send(form(&[("bagian", "selesai"), ("sudah", "ya"), ("nilai", "4")])).await).await;
    assert!(done.contains("Terima kasih. Laporan ditutup."));
    let secret = text(gate.send(form(&[("bagian", "rahasia"), ("kerahasiaan", "rahasia")])).await).await;
    assert!(secret.contains("Kerahasiaan diubah."));
    let contact = text(gate.send(form(&[("bagian", "kontak"), ("telepon", "0811")])).await).await;
    assert!(contact.contains("Kontak disimpan."));
    let answers = gate.cases.answers();
    let said: Vec<_> =
        answers.iter().map(|one| (one.done, one.rating, one.secrecy(), one.contact.is_some())).collect();
    assert_eq!(
        said,
        [
            // A rating belongs to sudah only.
            (Some(false), 0, Secrecy::Unspecified, false),
            (Some(true), 4, Secrecy::Unspecified, false),
            (None, 0, Secrecy::Secret, false),
            (None, 0, Secrecy::Unspecified, true),
        ]
    );
    let fields = [("nomor", NUMBER), ("pin", PIN), ("bagian", "tambah"), ("pesan", "Foto terbaru")];
    let added = gate.send(multipart("/lacak/jawab", &fields, &[("lampiran.berkas1", PNG)])).await;
    assert!(text(added).await.contains("Keterangan terkirim."));
    assert_eq!(gate.cases.answers().last().expect("an answer").file_ids, ["fil_0"]);
    let withdrawn = gate.send(plain("/lacak/cabut", &format!("nomor={NUMBER}&pin={PIN}"))).await;
    assert!(text(withdrawn).await.contains("Laporan dicabut."));
}

#[tokio::test]
async fn c10_the_desk_files_for_somebody_with_a_name_a_number_or_neither() {
    let gate = Gate::cases().await;
    let nobody = gate.send(get("/meja-pengaduan")).await;
    assert_eq!(location(&nobody), "/masuk?ke=%2Fmeja%2Dpengaduan");
    assert!(text(gate.send(by_cookie(get("/meja-pengaduan"))).await).await.contains("Nomor tiket antrean"));
    for contact in [Some(("nama", "Siti Rahmawati")), Some(("telepon", "0812")), None] {
        let mut fields = GOOD.to_vec();
        fields.retain(|(name, _)| *name != "telepon");
        fields.extend([("diterima", "2026-11-26T09:00"), ("tiket", "A012")]);
        fields.extend(contact);
        let response = gate.send(by_cookie(multipart("/meja-pengaduan", &fields, &[]))).await;
        let page = text(response).await;
        assert!(page.contains("ZX81QL") && page.contains("slip-page roll"), "a slip of 80 mm with the PIN");
        assert!(page.contains(&format!("/aduan/{CASE}")));
        let filed = gate.cases.filed();
        let request = filed.last().expect("a report");
        assert_eq!((request.channel(), request.queue_ticket.as_str()), (Channel::Counter, "A012"));
        assert_eq!(request.contact.is_some(), contact.is_some());
        assert!(request.sent_at.is_some());
    }
    // A citizen cannot say so.
    let mut fields = GOOD.to_vec();
    fields.extend([("diterima", "2020-01-01T09:00"), ("tiket", "A012")]);
    gate.send(multipart("/lapor", &fields, &[])).await;
    let filed = gate.cases.filed();
    let request = filed.last().expect("a report");
    assert_eq!((request.sent_at, request.queue_ticket.as_str()), (None, ""));
}

#[tokio::test]
async fn c42_work_lists_are_for_officers_and_a_number_leads_to_its_case() {
    let gate = Gate::cases().await;
    assert_eq!(
        location(&gate.send(get("/aduan?tab=terlambat")).await),
        "/masuk?ke=%2Faduan%3Ftab%3Dterlambat"
    );
    let all = text(gate.send(by_cookie(get("/aduan"))).await).await;
    assert!(all.contains(NUMBER) && all.contains("ADU-2026-000124-5") && all.contains("Perlu saya tangani"));
    assert!(all.contains("Dinas Pekerjaan Umum") && all.contains("Jalan berlubang"));
    let late = text(gate.send(by_cookie(get("/aduan?tab=terlambat"))).await).await;
    assert!(late.contains(NUMBER) && !late.contains("ADU-2026-000124-5"));
    let found = gate.send(by_cookie(get("/aduan?nomor=adu-2026-000123-7"))).await;
    assert_eq!(location(&found), format!("/aduan/{CASE}"));
    let none = text(gate.send(by_cookie(get("/aduan?nomor=ADU-1"))).await).await;
    assert!(none.contains("Tidak ada aduan dengan nomor ini"));
    assert_eq!(gate.send(by_cookie(get("/aduan/cmp_lain"))).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_case_shows_what_is_needed_to_decide_and_only_the_permitted_verbs() {
    let gate = Gate::cases().await;
    let page = text(gate.send(by_cookie(get(&format!("/aduan/{CASE}")))).await).await;
    let help = page.split("Bersihkan saluran di tepi jalan").nth(1).expect("the help that was asked for");
    let help: String = help.chars().take(400).collect();
    assert!(help.contains("Terlambat sejak "), "help that is late is marked: {help}");
    for part in [
        "&#60;b&#62;besar",
        "Pelapor-7Q2M",
        "Seberapa dalam?",
        "Terlambat sejak",
        "Pernah berhenti 3 jam 20 menit",
        "Menjadi terlambat di sini:",
        "8 jam 20 menit jam kerja",
        "Material datang hari Senin.",
        "id=\"tindakan-respon-substantif\"",
        "id=\"tindakan-arsip\"",
        "id=\"tindakan-bantuan\"",
        "Sudah {what} oleh {who}",
        "Menunggu Anda.",
        "sedang diperiksa virus",
        "Dalam",
    ] {
        assert!(page.contains(part), "{part} is not on the page");
    }
    assert!(!page.contains("id=\"tindakan-verifikasi\"") && !page.contains("id=\"tindakan-buka-kembali\""));
    assert!(page.contains(&format!("/aduan/{CASE}/berkas/fil_1")));
    assert!(!page.contains("/berkas/fil_2\""), "a file that the scanner keeps is not opened");
    assert!(!page.contains("acc_rahasia") && !page.contains("<b>besar"));
    let file = gate.send(by_cookie(get(&format!("/aduan/{CASE}/berkas/fil_1")))).await;
    assert_eq!(file.headers()["content-type"], "image/jpeg");
    assert_eq!(file.headers()["cache-control"], "private, no-store");
}

#[tokio::test]
async fn a_press_goes_out_with_the_version_that_was_seen_and_a_conflict_keeps_what_was_typed() {
    let gate = Gate::cases().await;
    let path = format!("/aduan/{CASE}/respon-substantif");
    let seen = VERSION.to_string();
    let mut fields = vec![
        ("kunci", GOOD[0].1),
        ("versi", seen.as_str()),
        ("jawaban", "Lubang sudah ditambal dengan aspal panas."),
        ("siapa", ""),
        ("apa", "Penambalan"),
        ("bilamana", "25 November 2026"),
    ];
    let files: [(&str, &[u8]); 1] = [("lampiran.bukti1", PNG)];
    let refused = gate.send(by_cookie(multipart(&path, &fields, &files))).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let page = text(refused).await;
    assert!(
        page.contains("Isi siapa yang bertindak.") && page.contains("id=\"respon-substantif-siapa-error\"")
    );
    assert!(page.contains("Lubang sudah ditambal dengan aspal panas.") && page.contains("fil_0|image/png|7"));
    fields[3] = ("siapa", "UPTD Jalan");
    fields[1] = ("versi", "3");
    let conflict = gate.send(by_cookie(multipart(&path, &fields, &files))).await;
    assert_eq!(conflict.status(), StatusCode::CONFLICT);
    let page = text(conflict).await;
    assert!(
        page.contains("Aduan ini berubah sejak Anda membukanya") && page.contains("value=\"UPTD Jalan\"")
    );
    assert!(
        page.contains(&format!("name=\"versi\" value=\"{seen}\"")),
        "the next try is about the case as it is now"
    );
    fields[1] = ("versi", seen.as_str());
    let done = gate.send(by_cookie(multipart(&path, &fields, &files))).await;
    assert_eq!(location(&done), format!("/aduan/{CASE}?tersimpan=1"));
    let given = &gate.cases.given()[0];
    assert_eq!(
        (given.who.as_str(), given.when.as_str(), given.version),
        ("UPTD Jalan", "25 November 2026", VERSION)
    );
    assert_eq!(given.proof_file_ids, ["fil_0"], "the file that had arrived, once");
    // From another site nothing is pressed.
    let mut foreign = by_cookie(multipart(&path, &fields, &[]));
    foreign.headers_mut().insert("sec-fetch-site", "cross-site".parse().expect("a value"));
    assert_eq!(gate.send(foreign).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(gate.cases.given().len(), 1);
}

#[tokio::test]
async fn c28_what_was_said_elsewhere_is_entered_with_how_it_was_learnt_or_the_question_is_taken_back() {
    let gate = Gate::cases().await;
    let page = text(gate.send(by_cookie(get(&format!("/aduan/{ASKED}")))).await).await;
    for part in [
        "Catat kelengkapan dari pelapor",
        "Tarik pertanyaan",
        "id=\"lengkapi-pelapor\"",
        "id=\"lengkapi-kelengkapan\"",
        "id=\"lengkapi-asal_jawaban\"",
        "name=\"lampiran.bukti1\"",
        "Laporan · dicatat petugas",
    ] {
        assert!(page.contains(part), "{part} is not on the page");
    }
    // Nobody can be reached: to enter it is what comes next.
    assert!(page.contains("class=\"act primary\" name=\"tindakan\" id=\"tindakan-lengkapi\""));
    assert!(!page.contains("acc_rahasia"));
    let path = format!("/aduan/{ASKED}/lengkapi");
    let seen = VERSION.to_string();
    let mut fields = vec![
        ("kunci", GOOD[0].1),
        ("versi", seen.as_str()),
        ("pelapor", "Pelapor-3K8D"),
        ("kelengkapan", "Di sebelah utara jembatan."),
        ("asal_jawaban", ""),
    ];
    let files: [(&str, &[u8]); 1] = [("lampiran.bukti1", PNG)];
    let refused = gate.send(by_cookie(multipart(&path, &fields, &files))).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let page = text(refused).await;
    assert!(page.contains("Isi bagaimana diketahui.") && page.contains("id=\"lengkapi-asal_jawaban-error\""));
    assert!(page.contains("Di sebelah utara jembatan.") && page.contains("fil_0|image/png|7"));
    assert!(page.contains("value=\"Pelapor-3K8D\" selected"), "who said it stays chosen");
    fields[4] = ("asal_jawaban", "Telepon, diterima petugas meja pagi ini.");
    let done = gate.send(by_cookie(multipart(&path, &fields, &files))).await;
    assert_eq!(location(&done), format!("/aduan/{ASKED}?tersimpan=1"));
    let entered = &gate.cases.completions()[0];
    assert_eq!((entered.version, entered.reporter.as_str()), (VERSION, "Pelapor-3K8D"));
    assert_eq!(entered.text, "Di sebelah utara jembatan.");
    assert_eq!(entered.note, "Telepon, diterima petugas meja pagi ini.");
    assert_eq!(entered.file_ids, ["fil_0"], "the file that had arrived, once");
    let fields =
        [("kunci", GOOD[0].1), ("versi", seen.as_str()), ("alasan", "Titiknya sudah ditemukan petugas.")];
    let path = format!("/aduan/{ASKED}/tarik-pertanyaan");
    let done = gate.send(by_cookie(multipart(&path, &fields, &[]))).await;
    assert_eq!(location(&done), format!("/aduan/{ASKED}?tersimpan=1"));
    let back = &gate.cases.taken_back()[0];
    assert_eq!((back.version, back.reason.as_str()), (VERSION, "Titiknya sudah ditemukan petugas."));
}

#[tokio::test]
async fn a_case_is_passed_on_with_helpers_and_merged_by_number_or_choice() {
    let gate = Gate::cases().await;
    let fields = [
        ("instansi", "17.07/pupr"),
        ("bantu1", "17.07/dlh"),
        ("tugas1", "Bersihkan saluran"),
        ("batas1", "2026-12-01T12:00"),
        ("bantu2", ""),
    ];
    let path = format!("/aduan/{CASE}/disposisi");
    let done = gate.send(by_cookie(multipart(&path, &fields, &[]))).await;
    assert_eq!(done.status(), StatusCode::SEE_OTHER);
    let disposal = &gate.cases.disposals()[0];
    assert_eq!((disposal.agency_id.as_str(), disposal.helpers.len()), ("17.07/pupr", 1));
    assert_eq!(disposal.helpers[0].due_at.map(|time| time.seconds), Some(1_796_101_200));
    let fields = [("instansi", "17.07/pupr"), ("bantu1", "17.07/dlh"), ("batas1", "")];
    let refused = text(gate.send(by_cookie(multipart(&path, &fields, &[]))).await).await;
    assert!(refused.contains("Isi batas waktu untuk instansi pembantu."));
    let path = format!("/aduan/{CASE}/gabung");
    for fields in [[("ke", OTHER)], [("ke_nomor", "adu-2026-000124-5")]] {
        assert_eq!(
            gate.send(by_cookie(multipart(&path, &fields, &[]))).await.status(),
            StatusCode::SEE_OTHER
        );
    }
    assert!(gate.cases.merges().iter().all(|merge| merge.into == OTHER));
    let unknown = text(gate.send(by_cookie(multipart(&path, &[("ke_nomor", "ADU-9")], &[]))).await).await;
    assert!(unknown.contains("Pilih atau isi nomor aduan lain yang ada."));
    let none = gate.send(by_cookie(multipart(&format!("/aduan/{CASE}/hapus"), &[], &[]))).await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_reported_is_shown_to_whoever_asked_after_another_approved_and_on_no_other_page() {
    let gate = Gate::cases().await;
    let fields = [("pelapor", "Pelapor-7Q2M"), ("tujuan_buka", "Menjemput keterangan saksi di lokasi.")];
    let asked = gate.send(by_cookie(multipart(&format!("/aduan/{CASE}/identitas"), &fields, &[]))).await;
    assert_eq!(location(&asked), "/aduan/identitas");
    let list = text(gate.send(by_cookie(get("/aduan/identitas"))).await).await;
    assert!(list.contains(&format!("action=\"/aduan/identitas/{REVEAL}\"")), "a request of somebody else");
    assert!(list.contains("href=\"/aduan/identitas/rvl_2\"") && !list.contains("Siti"));
    let approved = gate.send(by_cookie(plain(&format!("/aduan/identitas/{REVEAL}"), ""))).await;
    assert_eq!(location(&approved), "/aduan/identitas");
    let page = text(gate.send(by_cookie(get("/aduan/identitas/rvl_2"))).await).await;
    assert!(page.contains("Siti Rahmawati") && page.contains("Hasan Basri"), "with who looks");
    assert_eq!(gate.cases.reveals(), ["asked Pelapor-7Q2M", &format!("approved {REVEAL}"), "looked rvl_2"]);
    let case = text(gate.send(by_cookie(get(&format!("/aduan/{CASE}")))).await).await;
    assert!(!case.contains("Siti"));
}

#[tokio::test]
async fn c38_a_link_of_a_message_does_nothing_until_its_button_is_pressed() {
    let gate = Gate::cases().await;
    let path = format!("/aksi/{TOKEN}");
    assert!(location(&gate.send(get(&path)).await).starts_with("/masuk?ke="));
    let page = text(gate.send(by_cookie(get(&path))).await).await;
    assert!(page.contains("Saya tangani") && gate.cases.acknowledged().is_empty());
    let pressed = gate.send(by_cookie(plain(&path, &format!("kunci={}", GOOD[0].1)))).await;
    assert_eq!(location(&pressed), format!("/aduan/{CASE}?tersimpan=1"));
    assert_eq!(gate.cases.acknowledged(), [STEP]);
    let used = gate.send(by_cookie(plain("/aksi/lain", ""))).await;
    assert!(text(used).await.contains("Tautan ini sudah dipakai"));
    let fields = [("langkah", STEP)];
    let own = gate.send(by_cookie(multipart(&format!("/aduan/{CASE}/tangani"), &fields, &[]))).await;
    assert_eq!(own.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn c41_each_number_of_the_board_opens_its_list_and_the_stream_brings_the_next() {
    let gate = Gate::cases().await;
    let page = text(gate.send(by_cookie(get("/kendali/aduan"))).await).await;
    for part in [
        "href=\"/kendali/aduan/17.07~pupr/terlambat\"",
        "data-measure=\"BOARD_MEASURE_LATE_REACTION\"",
        "Lewat tenggat peraturan",
        "Lewat janji",
        "87,5 %",
        "12,5 %",
        "24 November 2026 pukul 06.00 WIB",
        "Koordinator",
        "baru ditulis sampai 31 Desember 2026",
        "jatuh sampai 19 Februari 2027",
    ] {
        assert!(page.contains(part), "{part} is not on the board");
    }
    let list = text(gate.send(by_cookie(get("/kendali/aduan/17.07~pupr/terlambat"))).await).await;
    assert!(
        list.contains(NUMBER) && !list.contains("ADU-2026-000124-5") && list.contains("Dinas Pekerjaan Umum")
    );
    for path in ["/kendali/aduan/17.07~pupr/lain", "/kendali/aduan/17.08~pupr/terlambat"] {
        assert_eq!(gate.send(by_cookie(get(path))).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let mut events = Reader::new(gate.send(by_cookie(get("/v1/complaintBoard:watch"))).await);
    gate.cases.board(cases::board(4)).await;
    let event = events.next_update().await.expect("an update");
    assert_eq!(event.data["board"]["rows"][0]["numbers"][2]["count"], "4");
    let report = text(gate.send(by_cookie(get("/kendali/aduan/laporan?periode=2026-11"))).await).await;
    assert!(report.contains("Dinas Pekerjaan Umum") && report.contains("1 November 2026"));
    let calendars = text(gate.send(by_cookie(get("/pengaturan-aduan/kalender"))).await).await;
    assert!(calendars.contains("Hari libur habis") && calendars.contains("jatuh sampai 19 Februari 2027"));
    // 3 of 8 answered, 13 / 3 on average, and 25 + (13 / 3 − 1) × 18.75.
    for part in ["37,5 %", "4,33", "87,50", "× 18,75"] {
        assert!(report.contains(part), "{part} is not in the report");
    }
    let wrong = gate.send(by_cookie(get("/kendali/aduan/laporan?periode=nanti"))).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    assert!(text(wrong).await.contains("Isi seperti 2026-11."));
}

#[tokio::test]
async fn every_part_of_the_settings_shows_what_there_is_and_its_form() {
    let gate = Gate::cases().await;
    assert_eq!(location(&gate.send(by_cookie(get("/pengaturan-aduan"))).await), "/pengaturan-aduan/kategori");
    for (part, edit, shown) in [
        (
            "kategori",
            "JALAN-LUBANG",
            "dalam | Seberapa dalam? | singlevaluelist | wajib | d=Dalam; s=Dangkal",
        ),
        ("instansi", "17.07%2Fpupr", "value=\"17.07/pupr\""),
        ("tenggat", "dln_1", "50 ADMIN\n100 REGENT"),
        ("kalender", "17.07", "1 08:00-12:00 13:00-16:00\n5 08:00-11:30"),
        ("pejabat", "ofl_1", "value=\"acc_kadis\""),
        ("plt", "act_1", "value=\"2026-11-25T08:00\""),
        ("jawaban", "rst_1", "Sudah {what} oleh {who}"),
        ("bahasa", "jv", "wis rampung"),
    ] {
        let page = text(gate.send(by_cookie(get(&format!("/pengaturan-aduan/{part}")))).await).await;
        assert!(page.contains(&format!("/pengaturan-aduan/{part}?ubah=")), "{part} has no line");
        let page =
            text(gate.send(by_cookie(get(&format!("/pengaturan-aduan/{part}?ubah={edit}")))).await).await;
        assert!(page.contains(shown), "{part} does not show {shown}");
    }
    let offices = text(gate.send(by_cookie(get("/pengaturan-aduan/pejabat"))).await).await;
    assert!(offices.contains("Pesan tidak sampai sejak "), "whose contact fails is marked");
    assert_eq!(gate.send(by_cookie(get("/pengaturan-aduan/lain"))).await.status(), StatusCode::NOT_FOUND);
    assert!(location(&gate.send(get("/pengaturan-aduan/kategori")).await).starts_with("/masuk"));
}

#[tokio::test]
async fn c_11_what_is_to_be_told_at_lapor_is_pasted_marked_and_confirmed_on_one_page() {
    let gate = Gate::cases().await;
    assert!(text(gate.send(by_cookie(get("/aduan"))).await).await.contains("href=\"/aduan/sp4n\""));
    let page = text(gate.send(by_cookie(get("/aduan/sp4n"))).await).await;
    // As text to copy, and nothing of it markup; what was pasted before stands by itself.
    let (copy, rest) = page.split_once("Sudah ditempel, belum dipastikan tampak").expect("what waits");
    assert!(
        copy.contains("LAPOR! #7001")
            && copy.contains("readonly>Sudah &#60;b&#62;ditambal&#60;/b&#62;.</textarea>")
            && !copy.contains("Petugas ke sana."),
        "{copy}"
    );
    assert!(rest.contains("Jawaban awal") && rest.contains("Petugas ke sana."), "{rest}");
    assert!(rest.contains("Selesai di LAPOR!, masih terbuka di sini"), "why they disagree, in words");
    // Page by page, each list by itself.
    assert!(page.contains("href=\"/aduan/sp4n?halaman=lain\"") && page.contains("beda=beda-lain#beda"));
    let next = text(gate.send(by_cookie(get("/aduan/sp4n?halaman=lain"))).await).await;
    assert!(next.contains("Tidak ada yang perlu disalin.") && !next.contains("LAPOR! #7001"), "{next}");
    let next = text(gate.send(by_cookie(get("/aduan/sp4n?beda=beda-lain"))).await).await;
    assert!(next.contains("Ada di sini, tidak tampak di LAPOR!") && !next.contains("LAPOR! #7002"), "{next}");

    let about = |part: &str| {
        let value = part.split("name=\"laporan\" value=\"").nth(1).expect("a button");
        value.split('"').next().expect("its value").to_owned()
    };
    assert_ne!(about(copy), about(rest), "each until its own last text");
    for (part, news, telling) in [
        (copy, "ditempel", Sp4nTelling::Pasted),
        (rest, "tampak", Sp4nTelling::Shown),
        (rest, "tidak-tampak", Sp4nTelling::NotShown),
    ] {
        assert!(part.contains(&format!("name=\"kabar\" value=\"{news}\"")), "{news}");
        let body = format!("kabar={news}&laporan={}", about(part).replace('@', "%40"));
        let done = gate.send(by_cookie(plain("/aduan/sp4n/kabar", &body))).await;
        assert_eq!(location(&done), "/aduan/sp4n?tersimpan=1");
        assert!(text(gate.send(by_cookie(get(location(&done)))).await).await.contains("Sudah dicatat."));
        let recorded = gate.cases.told().pop().expect("it was recorded");
        assert_eq!((recorded.telling(), recorded.told[0].entry.as_str()), (telling, "lpr_7001"));
        assert!(recorded.told[0].until.is_some() && !recorded.request_id.is_empty());
    }
    let file = gate.send(by_cookie(get("/aduan/sp4n/berkas"))).await;
    let disposition = file.headers()["content-disposition"].to_str().expect("ASCII").to_owned();
    assert!(
        disposition.starts_with("attachment; filename=\"jawaban-lapor-2026-11-25.csv\""),
        "{disposition}"
    );
    assert!(location(&gate.send(get("/aduan/sp4n")).await).starts_with("/masuk"));
}

#[tokio::test]
async fn c_11_a_file_of_lapor_or_one_report_comes_in_and_the_page_says_what_became_of_it() {
    let gate = Gate::cases().await;
    let send = async |fields: &[(&str, &str)], files: &[(&str, &[u8])]| {
        let answer = gate.send(by_cookie(multipart("/aduan/sp4n/impor", fields, files))).await;
        (answer.status(), text(answer).await)
    };
    let (_, page) = send(&[("lengkap", "ya")], &[("berkas", b"Tracking ID;Isi")]).await;
    assert!(page.contains("1 laporan baru, 0 diperbarui, 0 tetap, 1 tidak masuk. 2 tidak cocok."), "{page}");
    assert!(page.contains("<li>Baris 3 · LAPOR! #7009: Tanggal &#60;tidak&#62; terbaca.</li>"), "{page}");
    assert!(page.contains("Baris 2 · LAPOR! #7001") && page.contains("Aduan baru"), "{page}");
    let (status, page) = send(&[], &[("berkas", b"bukan")]).await;
    assert!(status == StatusCode::BAD_REQUEST && page.contains("Pilih berkas CSV atau XLSX"), "{page}");
    assert!(send(&[], &[]).await.1.contains("Pilih berkas ekspor dulu."));

    let form = "judul=Lampu&uraian=Mati&klasifikasi=Aspirasi&tahap=Baru&pelapor=Warga&rahasia=ya";
    let wrong = gate.send(by_cookie(plain("/aduan/sp4n/satu", form))).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let page = text(wrong).await;
    // What was typed stays, and what is wrong is marked and led to.
    assert!(page.contains("href=\"#nomor\"") && page.contains("Isi nomor laporan."), "{page}");
    assert!(page.contains("value=\"Lampu\"") && page.contains("value=\"Aspirasi\" selected"), "{page}");
    assert!(
        page.contains("name=\"rahasia\" value=\"ya\" checked") && page.contains("id=\"ketik\" open"),
        "{page}"
    );
    let late =
        gate.send(by_cookie(plain("/aduan/sp4n/satu", &format!("{form}&nomor=7010&ditulis=kemarin")))).await;
    assert_eq!(late.status(), StatusCode::BAD_REQUEST);
    assert!(gate.cases.typed().is_empty(), "nothing was brought in");
    let form = format!("{form}&nomor=7010&ditulis=2026-11-24T08%3A30");
    let done = gate.send(by_cookie(plain("/aduan/sp4n/satu", &form))).await;
    assert!(text(done).await.contains("LAPOR! #7010: Aduan baru · ADU-2026-000123-7"));
    let typed = gate.cases.typed().remove(0);
    assert_eq!((typed.title.as_str(), typed.text.as_str(), typed.stage.as_str()), ("Lampu", "Mati", "Baru"));
    assert_eq!((typed.classification.as_str(), typed.secret, typed.anonymous), ("Aspirasi", true, false));
    assert!(typed.written_at.is_some_and(|at| at.seconds == 1_795_483_800), "{:?}", typed.written_at);
}

#[tokio::test]
async fn settings_are_saved_by_their_own_forms_and_what_is_wrong_is_marked() {
    let gate = Gate::cases().await;
    let body = "kunci=AIR-KERUH&nama=&pertanyaan=sejak+%7C+Sejak+kapan%3F&aktif=ya&jarak=200";
    let refused = gate.send(by_cookie(plain("/pengaturan-aduan/kategori", body))).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let page = text(refused).await;
    assert!(page.contains("<a href=\"#nama\">") && page.contains("value=\"AIR-KERUH\""));
    let saved = gate
        .send(by_cookie(plain("/pengaturan-aduan/kategori", &body.replace("nama=", "nama=Air+keruh"))))
        .await;
    assert_eq!(location(&saved), "/pengaturan-aduan/kategori?tersimpan=1");
    let category = &gate.cases.categories()[0];
    assert_eq!((category.questions[0].key.as_str(), category.questions[0].order), ("sejak", 1));
    let hours =
        "kode=17.07&zona=WIB&jam_kerja=1+08%3A00-12%3A00%0A2+08%3A00-12%3A00&hari_libur=2026-12-25+Natal";
    let saved = gate.send(by_cookie(plain("/pengaturan-aduan/kalender", hours))).await;
    assert_eq!(location(&saved), "/pengaturan-aduan/kalender?tersimpan=1&dihitung=17");
    let page = text(gate.send(by_cookie(get(location(&saved)))).await).await;
    assert!(page.contains("Jam yang berjalan sedang dihitung ulang: 17 aduan terbuka."));
    assert_eq!(gate.cases.calendars()[0].periods.len(), 2);
    let wrong =
        gate.send(by_cookie(plain("/pengaturan-aduan/kalender", &hours.replace("1+08", "Senin+08")))).await;
    assert!(text(wrong).await.contains("Satu baris satu hari, misalnya 1 08:00-12:00"));
    // A language: an input for each phrase, called as it reads in Indonesian; what is left empty is not sent.
    let page = text(gate.send(by_cookie(get("/pengaturan-aduan/bahasa?ubah=jv"))).await).await;
    assert!(page.contains("Dalam bahasa Indonesia: selesai") && page.contains("value=\"wis, wis mari\""));
    let body = "kode_bahasa=jv&nama_bahasa=Basa+Jawa&aktif=ya&keyakinan=B&sumber_bahasa=Balai+Bahasa\
                &ucapan.status.SETTLED=wis+rampung&kata.DONE=wis%2C+wis+mari&kata.YES=";
    let refused = body.replace("Balai+Bahasa", "");
    let refused = gate.send(by_cookie(plain("/pengaturan-aduan/bahasa", &refused))).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(text(refused).await.contains("<a href=\"#ucapan-status-SETTLED\">"));
    let saved = gate.send(by_cookie(plain("/pengaturan-aduan/bahasa", body))).await;
    assert_eq!(location(&saved), "/pengaturan-aduan/bahasa?tersimpan=1");
    let applied = gate.cases.languages().remove(0);
    assert_eq!(
        (applied.code.as_str(), applied.active, applied.phrases["status.SETTLED"].as_str()),
        ("jv", true, "wis rampung")
    );
    assert_eq!(
        (applied.words.len(), applied.words[0].words.as_slice()),
        (1, ["wis".to_owned(), "wis mari".to_owned()].as_slice())
    );
    let vouched = gate.send(by_cookie(plain("/pengaturan-aduan/tenggat/dln_1/sahkan", ""))).await;
    assert_eq!(location(&vouched), "/pengaturan-aduan/tenggat?tersimpan=1");
}

#[tokio::test]
async fn c_40_a_deadline_for_who_holds_the_case_is_read_and_written_on_its_page() {
    let gate = Gate::cases().await;
    for (language, told, label, every) in [
        ("id", "Untuk: Setiap kecamatan (camat)", "Untuk pemegang aduan", "Setiap kecamatan (camat)"),
        (
            "en",
            "For: Every sub-district (camat)",
            "For who holds the complaint",
            "Every sub-district (camat)",
        ),
    ] {
        let list = format!("/pengaturan-aduan/tenggat?lang={language}");
        assert!(text(gate.send(by_cookie(get(&list))).await).await.contains(told), "{language}");
        let page = text(gate.send(by_cookie(get(&format!("{list}&ubah=dln_2")))).await).await;
        assert!(page.contains(&format!("<label for=\"pemegang\">{label}")), "{page}");
        assert!(page.contains("<select id=\"pemegang\" name=\"pemegang\""), "{page}");
        assert!(
            page.contains(&format!("<option value=\"SUB_DISTRICT\" selected>{every}</option>")),
            "{page}"
        );
        assert!(page.contains("<option value=\"17.07/pupr\">"), "an agency may be chosen: {page}");
        // One for everybody.
        let page = text(gate.send(by_cookie(get(&format!("{list}&ubah=dln_1")))).await).await;
        assert!(page.contains("<option value=\"SUB_DISTRICT\">"), "{page}");
    }
    let body = "kunci=D12P&jam=reaction&nilai=3&satuan=HOURS&sumber=SK+Bupati&keyakinan=A&berlaku=2027-01-01";
    for holder in ["", "SUB_DISTRICT", "17.07/pupr"] {
        let sent = format!("{body}&pemegang={}", holder.replace('/', "%2F"));
        let saved = gate.send(by_cookie(plain("/pengaturan-aduan/tenggat", &sent))).await;
        assert_eq!(location(&saved), "/pengaturan-aduan/tenggat?tersimpan=1");
        assert_eq!(gate.cases.deadlines().pop().expect("a row").holder, holder);
    }
    // Rows of one key stay for the same holder: the field is marked, and keeps what was chosen.
    let sent = format!("{}&pemegang=17.07%2Fpupr", body.replace("D12P", "D12C"));
    let refused = gate.send(by_cookie(plain("/pengaturan-aduan/tenggat", &sent))).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let page = text(refused).await;
    assert!(page.contains("<a href=\"#pemegang\">") && page.contains("Pakai kunci lain."), "{page}");
    assert!(page.contains("<option value=\"17.07/pupr\" selected>") && page.contains("value=\"SK Bupati\""));
    assert_eq!(gate.cases.deadlines().len(), 3);
}

#[tokio::test]
async fn texts_of_messages_are_written_and_refusals_are_told() {
    let gate = Gate::cases().await;
    let list = text(gate.send(by_cookie(get("/pengaturan-aduan/pesan"))).await).await;
    assert!(list.contains("Eskalasi kepada pejabat") && list.contains("/pengaturan-aduan/pesan/eskalasi"));
    assert!(list.contains("1 teks ditolak atau dijeda"));
    let path = "/pengaturan-aduan/pesan/eskalasi";
    let page = text(gate.send(by_cookie(get(path))).await).await;
    assert!(
        page.contains("Ditolak") && page.contains("Alasan: 100: Variables can&#39;t be at the end"),
        "{page}"
    );
    assert!(page.contains("Aduan {nomor} melewati tenggat.") && page.contains("{nomor}"));
    let body =
        "saluran=email&bahasa=id&subjek=Aduan&isi_pesan=Aduan+%7Bnomor%7D&tombol=LINK+tangani+Saya+tangani";
    let saved = gate.send(by_cookie(plain(path, body))).await;
    assert_eq!(location(&saved), "/pengaturan-aduan/pesan/eskalasi?tersimpan=1");
    assert_eq!(gate.cases.variants()[0].buttons[0].label, "Saya tangani");
    let wrong =
        gate.send(by_cookie(plain(path, &body.replace("LINK+tangani+Saya+tangani", "tangani")))).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    assert!(text(wrong).await.contains("LINK atau REPLY"));
    let own =
        gate.send(by_cookie(plain(&format!("{path}/setujui"), "saluran=email&bahasa=id&versi=2"))).await;
    assert!(text(own).await.contains("Penulis tidak dapat menyetujui teksnya sendiri."));
}

#[tokio::test]
async fn only_the_form_of_a_report_may_ask_where_its_visitor_is_and_every_page_speaks_english_too() {
    let gate = Gate::cases().await;
    let form = gate.send(get("/lapor?lang=en")).await;
    assert!(form.headers()["permissions-policy"].to_str().expect("text").contains("geolocation=(self)"));
    let policy = form.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(!policy.contains("unsafe-inline"));
    let page = text(form).await;
    assert!(page.contains("What do you want to report?") && page.contains("telepon 112"));
    let track = gate.send(get("/lacak?lang=en")).await;
    assert!(track.headers()["permissions-policy"].to_str().expect("text").contains("geolocation=()"));
    assert!(text(track).await.contains("Report number"));
    for path in [
        "/aduan",
        "/kendali/aduan",
        "/pengaturan-aduan/tenggat",
        "/meja-pengaduan",
        "/aduan/identitas",
        "/aduan/sp4n",
    ] {
        let page = text(gate.send(by_cookie(get(&format!("{path}?lang=en")))).await).await;
        assert!(page.contains("<html lang=\"en\""), "{path}");
    }
    let home = text(gate.send(get("/")).await).await;
    assert!(home.contains("href=\"/lapor\"") && home.contains("href=\"/lacak\""));
}
