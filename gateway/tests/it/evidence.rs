//! The page of papers for the Ombudsman: what is there, what is missing, how a paper is entered and withdrawn without a script.

use http::StatusCode;
use mpp_proto::complaints::v1::{EvidenceIndicator, EvidenceKind, WorkList};

use crate::{
    cases::{DECREE, PROCEDURE, TOKEN},
    fake::Gate,
    letters::{by_cookie, get, location, multipart, plain, text},
};

const PDF: &[u8] = b"%PDF-1.4\n";
const KEY: &str = "0b9f3a52-6d8e-4f57-9a6f-0d6f2d1c7b22";

#[tokio::test]
async fn c_45_the_page_shows_papers_per_indicator_and_what_is_missing() {
    let gate = Gate::cases().await;
    for (language, told) in [
        (
            "id",
            [
                "Berakhir dalam 29 hari",
                "Tidak ada SK tim yang berlaku dari 1 November 2026 sampai 9 November 2026.",
                "2 pemegang jabatan tidak cocok dengan SK",
                "Belum ada laporan uji coba",
                "Tidak ada daftar hadir dalam periode ini.",
                "Lengkap untuk periode ini.",
                "Salah unggah: ini SOP tahun lalu.",
                "1 Januari 2026 sampai 31 Desember 2026",
            ],
        ),
        (
            "en",
            [
                "Ends in 29 days",
                "No team decree was valid from 1 November 2026 to 9 November 2026.",
                "2 holders of offices are not those that the decree",
                "There is no trial report",
                "There is no attendance list in this period.",
                "Nothing is missing for this period.",
                "Salah unggah: ini SOP tahun lalu.",
                "1 January 2026 to 31 December 2026",
            ],
        ),
    ] {
        let page = text(gate.send(by_cookie(get(&format!("/meja/eviden?lang={language}")))).await).await;
        for part in told {
            assert!(page.contains(part), "{language}: {part} is not on the page");
        }
        // Stored text is never markup; a hash stands beside each file.
        assert!(page.contains("Tim &#60;b&#62;pengelola&#60;/b&#62;") && page.contains(&"ab".repeat(32)));
        assert!(page.contains("value=\"2026-01-01\"") && page.contains("value=\"2026-11-27\""));
        assert!(
            page.contains("/kendali/aduan/laporan?periode=2026-Q3") || page.contains("periode=2026%2DQ3")
        );
        // What was withdrawn cannot be withdrawn again, and tells nobody that it ends.
        assert!(page.contains(&format!("/meja/eviden/{DECREE}/cabut")));
        assert!(!page.contains(&format!("/meja/eviden/{PROCEDURE}/cabut")));
        assert!(!page.contains("Sudah berakhir") && !page.contains("Has ended"));
        assert!(page.contains("/meja/eviden/tambah?jenis=sk-tim&#38;indikator=PG-01"));
    }
    let wrong = gate.send(by_cookie(get("/meja/eviden?dari=kapan&sampai=2026-11-30"))).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let page = text(wrong).await;
    assert!(
        page.contains("Isi tanggal seperti 2026-12-25.") && page.contains("Tim &#60;b&#62;"),
        "the papers stay"
    );
    assert_eq!(gate.cases.checks().last().map(|it| it.to.clone()).as_deref(), Some("2026-11-30"));
}

#[tokio::test]
async fn c_45_each_kind_of_paper_is_asked_what_it_must_say_and_nothing_else() {
    let gate = Gate::cases().await;
    for (kind, asked) in [
        ("sk-tim", ["mulai", "akhir", "pejabat"].as_slice()),
        ("sop", &["mulai", "akhir"]),
        ("notulen-evaluasi", &["periode", "laporan"]),
        ("daftar-hadir", &["peserta"]),
        ("laporan-uji-coba", &[]),
        ("surat", &["indikator"]),
    ] {
        let page = text(
            gate.send(by_cookie(get(&format!("/meja/eviden/tambah?jenis={kind}&indikator=PG-07")))).await,
        )
        .await;
        for name in ["mulai", "akhir", "pejabat", "periode", "laporan", "peserta", "indikator"] {
            assert_eq!(page.contains(&format!("name=\"{name}\"")), asked.contains(&name), "{kind}: {name}");
        }
        assert!(page.contains("name=\"lampiran.bukti\"") && page.contains("name=\"tanggal\""));
    }
    assert_eq!(location(&gate.send(by_cookie(get("/meja/eviden/tambah?jenis=lain"))).await), "/meja/eviden");
}

#[tokio::test]
async fn c_45_pg_07_a_paper_is_entered_once_with_its_file_and_what_was_typed_stays_when_it_is_wrong() {
    let gate = Gate::cases().await;
    let fields = [
        ("kunci", KEY),
        ("jenis", "notulen-evaluasi"),
        ("judul", "Evaluasi triwulan III"),
        ("nomor", "005/77/2026"),
        ("tanggal", "2026-10-12"),
        ("periode", "2026-Q3"),
        ("laporan", "ya"),
    ];
    let send = async |fields: &[(&str, &str)], files: &[(&str, &[u8])]| {
        gate.send(by_cookie(multipart("/meja/eviden/tambah", fields, files))).await
    };
    // Without a file, and with something else than a file of ours.
    let missing = send(&fields, &[]).await;
    assert_eq!(missing.status(), StatusCode::BAD_REQUEST);
    let page = text(missing).await;
    assert!(
        page.contains("Pilih berkas dokumennya.")
            && page.contains("value=\"2026-Q3\"")
            && page.contains("checked")
    );
    // Without a title: the file has arrived, and is kept for the next try.
    let mut untitled = fields;
    untitled[2].1 = "";
    let page = text(send(&untitled, &[("lampiran.bukti", PDF)]).await).await;
    assert!(page.contains("Isi judulnya.") && page.contains("PDF, 1 KB"), "{page}");
    assert!(page.contains("href=\"#judul\""), "the summary leads to the input");
    assert!(gate.cases.papers().is_empty());
    for _ in 0..2 {
        let response = send(&fields, &[("lampiran.bukti", PDF)]).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(location(&response), "/meja/eviden?simpan=1");
    }
    let papers = gate.cases.papers();
    assert_eq!((papers.len(), &papers[0]), (2, &papers[1]), "one request id and one content");
    assert_eq!(papers[0].request_id, KEY);
    assert_eq!(
        (papers[0].indicator(), papers[0].kind()),
        (EvidenceIndicator::Pg07, EvidenceKind::EvaluationMinutes)
    );
    assert!(papers[0].cites_report && papers[0].period == "2026-Q3");
    assert_eq!(gate.cases.files(), 1, "the same file of the same form is stored once");
    let said = text(gate.send(by_cookie(get("/meja/eviden?simpan=1"))).await).await;
    assert!(said.contains("Dokumen tersimpan."));
}

#[tokio::test]
async fn c_45_pg_01_pg_09_decrees_name_officials_and_attendance_is_counted() {
    let gate = Gate::cases().await;
    let decree = [
        ("kunci", KEY),
        ("jenis", "sk-tim"),
        ("judul", "Tim pengelola"),
        ("nomor", "188/12/2026"),
        ("tanggal", "2025-12-20"),
        ("mulai", "2026-01-01"),
        ("akhir", "2026-12-31"),
        ("pejabat", "ofl_1"),
    ];
    let trained = [
        ("kunci", "0b9f3a52-6d8e-4f57-9a6f-0d6f2d1c7b23"),
        ("jenis", "daftar-hadir"),
        ("judul", "Pelatihan petugas"),
        ("tanggal", "2026-11-05"),
        ("peserta", "1.024"),
    ];
    for fields in [decree.as_slice(), &trained] {
        let response =
            gate.send(by_cookie(multipart("/meja/eviden/tambah", fields, &[("lampiran.bukti", PDF)]))).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
    }
    let papers = gate.cases.papers();
    assert_eq!((papers[0].valid_from.as_str(), papers[0].valid_to.as_str()), ("2026-01-01", "2026-12-31"));
    assert_eq!(papers[0].members.iter().map(|it| it.official_id.as_str()).collect::<Vec<_>>(), ["ofl_1"]);
    assert_eq!((papers[1].indicator(), papers[1].participants), (EvidenceIndicator::Pg09, 1024));
    let mut wrong = trained;
    wrong[4].1 = "banyak";
    let page = text(
        gate.send(by_cookie(multipart("/meja/eviden/tambah", &wrong, &[("lampiran.bukti", PDF)]))).await,
    )
    .await;
    assert!(page.contains("Isi dengan angka.") && gate.cases.papers().len() == 2);
}

#[tokio::test]
async fn c_45_a_paper_is_withdrawn_with_a_reason_and_its_file_opens_by_a_link() {
    let gate = Gate::cases().await;
    let form = |reason: &str| {
        by_cookie(plain(&format!("/meja/eviden/{DECREE}/cabut"), &format!("kunci={KEY}&alasan={reason}")))
    };
    let short = gate.send(form("%3Ci%3Esalah&dari=2026-10-01&sampai=2026-10-31")).await;
    assert_eq!(short.status(), StatusCode::BAD_REQUEST);
    let page = text(short).await;
    // What was typed stays in the form, which is open; what is wrong is marked and led to; the days are those that were chosen.
    let id = format!("alasan-{DECREE}");
    assert!(page.contains(&format!("<a href=\"#{id}\">")), "{page}");
    assert!(
        page.contains("Isi dengan 10 sampai 500 karakter.") && page.contains("<details class=\"more\" open>")
    );
    let marked = format!(
        "id=\"{id}\" name=\"alasan\" rows=\"2\" required minlength=\"10\" maxlength=\"500\" \
         aria-invalid=\"true\" aria-describedby=\"{id}-error\">&#60;i&#62;salah</textarea>"
    );
    assert!(page.contains(&marked), "{page}");
    assert_eq!(page.matches(" open>").count(), 1, "no other form");
    assert!(!page.contains(KEY), "another try is another request");
    let asked = gate.cases.checks().pop().expect("the days");
    assert_eq!((asked.from.as_str(), asked.to.as_str()), ("2026-10-01", "2026-10-31"));
    let days = "Salah+unggah&dari=2026-10-01&sampai=2026-10-31";
    let done = gate.send(form(days)).await;
    assert_eq!(location(&done), "/meja/eviden?simpan=cabut&dari=2026-10-01&sampai=2026-10-31");
    let done = gate.send(form("Salah+unggah+berkas")).await;
    assert_eq!(location(&done), "/meja/eviden?simpan=cabut");
    let withdrawn = gate.cases.withdrawn();
    assert_eq!(
        (withdrawn[1].evidence.as_str(), withdrawn[1].request_id.as_str(), withdrawn[1].reason.as_str()),
        (DECREE, KEY, "Salah unggah berkas")
    );
    let to = gate.send(by_cookie(get(&format!("/meja/eviden/{DECREE}/berkas")))).await;
    assert_eq!(location(&to), format!("/bukti/{TOKEN}"));
    // Who has the link needs no session; nobody in between keeps the file.
    let file = gate.send(get(&format!("/bukti/{TOKEN}"))).await;
    assert_eq!(
        (file.status(), file.headers()["content-type"].to_str().ok()),
        (StatusCode::OK, Some("application/pdf"))
    );
    assert_eq!(file.headers()["cache-control"], "private, no-store");
    assert!(
        file.headers()["content-disposition"]
            .to_str()
            .is_ok_and(|it| it.starts_with("attachment; filename=\"PG-01_sk-tim.pdf\""))
    );
    assert_eq!(gate.send(get("/bukti/lain")).await.status(), StatusCode::NOT_FOUND);
    // One that the scanner holds is said so on the page.
    let held = gate.send(by_cookie(get(&format!("/meja/eviden/{PROCEDURE}/berkas")))).await;
    assert!(text(held).await.contains("Berkas ini belum dinyatakan aman."));
}

#[tokio::test]
async fn c_45_the_page_is_for_officials_alone() {
    let gate = Gate::cases().await;
    for path in ["/meja/eviden", "/meja/eviden/tambah?jenis=sop", "/meja/eviden/evd_1/berkas"] {
        let response = gate.send(get(path)).await;
        assert!(location(&response).starts_with("/masuk?ke="), "{path}");
    }
}

#[tokio::test]
async fn c_67_pages_lead_to_what_the_viewer_may_do_by_grant_or_by_acting_in_an_office() {
    const PAPERS: &str = "href=\"/meja/eviden\"";
    const SP4N: &str = "href=\"/aduan/sp4n\"";
    const TO_COORDINATE: &str = "tab=koordinasi";
    let gate = Gate::cases().await;
    for (who, permissions, coordinates, shown) in [
        // Who acts for the coordinator has no permission of one: the service knows.
        ("acc_plh", ["complaints.read", "complaints.work"], Some(true), [true, true, true]),
        ("acc_dinas", ["complaints.read", "complaints.work"], None, [false, false, false]),
        ("acc_bupati", ["complaints.read", "complaints.audit"], Some(false), [true, false, false]),
        // Given at the inspectorate: whistleblowing is distributed there, and nothing of the regency.
        ("acc_inspektur", ["complaints.read", "complaints.coordinate"], None, [false, false, true]),
        ("acc_koordinator", ["complaints.read", "complaints.coordinate"], Some(true), [true, true, true]),
    ] {
        gate.identity.becomes(who, &permissions);
        gate.cases.set_coordinates(coordinates);
        let page = text(gate.send(by_cookie(get("/aduan"))).await).await;
        let found = [PAPERS, SP4N, TO_COORDINATE].map(|link| page.contains(link));
        assert_eq!(found, shown, "{who}");
        // The list that has its button has its map.
        gate.send(by_cookie(get("/aduan/peta?tab=koordinasi"))).await;
        assert_eq!(gate.cases.mapped().list() == WorkList::ToCoordinate, shown[2], "{who}");
    }
    // Asked once for each, and not again on the next page.
    let asked = gate.cases.checks().len();
    assert_eq!(asked, 5);
    gate.send(by_cookie(get("/aduan"))).await;
    assert_eq!(gate.cases.checks().len(), asked);
}
