//! How officials are reached, and by which rules: forms whose numbers stand in no address, consent with its source, and what is
//! said when nobody would be told of trouble.

use http::StatusCode;
use mpp_proto::notifications::v1::{Channel, Consent, Contact, DeliveryRules, QuietHours};

use crate::{
    cases::at,
    fake::Gate,
    letters::{by_cookie, get, location, plain, text},
};

/// The account behind the session.
const OWN: &str = "acc_1";

fn contact(account: &str) -> Contact {
    let consent = |channel: Channel, opted_in: bool| Consent {
        channel: channel.into(),
        opted_in,
        source: "SK 800/12/2026".into(),
        time: at(-48),
        ..Consent::default()
    };
    let failing = Consent {
        failing_since_time: at(-3),
        failing_reason: "131026".into(),
        ..consent(Channel::Whatsapp, true)
    };
    Contact {
        account_id: account.into(),
        whatsapp: "6281234567890".into(),
        email: "kadis@contoh.go.id".into(),
        role: "KEPALA_OPD".into(),
        language: "id".into(),
        consents: vec![failing, consent(Channel::Email, false)],
        version: 3,
    }
}

fn part<'p>(page: &'p str, from: &str, to: &str) -> &'p str {
    let rest = page.split_once(from).unwrap_or_else(|| panic!("no {from}: {page}")).1;
    rest.split_once(to).map_or(rest, |(part, _)| part)
}

#[tokio::test]
async fn n_13_everybody_sees_the_own_contact_with_source_and_time_and_changes_it() {
    let gate = Gate::cases().await;
    let page = text(gate.send(by_cookie(get("/kontak"))).await).await;
    assert_eq!(page.matches("Belum diisi").count(), 2, "{page}");
    assert!(!page.contains("action=\"/kontak/persetujuan\"") && !page.contains(" checked> <span>WhatsApp"));

    // A new contact: what was not agreed to is not ended either.
    let body = "kunci_form=0b9f3a52-6d8e-4f57-9a6f-0d6f2d1c7b11&versi=&nomor_wa=0812-3456-7890&surel=&setuju=whatsapp&bahasa_pesan=id";
    let saved = gate.send(by_cookie(plain("/kontak", body))).await;
    assert_eq!(location(&saved), "/kontak?tersimpan=1");
    let applied = gate.cases.applied().remove(0);
    assert_eq!((applied.request_id.as_str(), applied.version), ("0b9f3a52-6d8e-4f57-9a6f-0d6f2d1c7b11", 0));
    let given = applied.contact.expect("a contact");
    assert_eq!(
        (given.account_id.as_str(), given.whatsapp.as_str(), given.consents.len()),
        (OWN, "6281234567890", 1)
    );
    assert_eq!(
        (given.consents[0].channel(), given.consents[0].source.as_str()),
        (Channel::Whatsapp, "Halaman Kontak saya")
    );

    gate.cases.set_contact(contact(OWN));
    let page = text(gate.send(by_cookie(get("/kontak"))).await).await;
    let whatsapp = part(&page, "<strong>WhatsApp</strong>", "</li>");
    for shown in [
        "6281234567890",
        "Disetujui sejak 24 November 2026 pukul 08.00 WIB.",
        "Sumber: SK 800/12/2026.",
        "Pesan tidak sampai",
        "Tidak sampai sejak 26 November 2026",
        "131026",
        "Hentikan",
    ] {
        assert!(whatsapp.contains(shown), "{shown}: {whatsapp}");
    }
    let email = part(&page, "<strong>Surel</strong>", "</li>");
    assert!(email.contains("Tidak disetujui sejak") && email.contains("Setujui<"), "{email}");
    assert!(page.contains("Jam istirahat menurut peran: Kepala instansi."));
    // The end of consent is one press.
    let ended = gate.send(by_cookie(plain("/kontak/persetujuan", "saluran=whatsapp&setuju=tidak"))).await;
    assert_eq!(location(&ended), "/kontak?tersimpan=1");
    let consent = gate.cases.consents().remove(0);
    assert_eq!(
        (consent.account.as_str(), consent.channel(), consent.opted_in),
        (OWN, Channel::Whatsapp, false)
    );
    let unknown = gate.send(by_cookie(plain("/kontak/persetujuan", "saluran=merpati&setuju=ya"))).await;
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
    assert!(text(unknown).await.contains("Pilih salurannya."));
    assert_eq!(location(&gate.send(by_cookie(get("/kontak/persetujuan"))).await), "/kontak");
    assert!(location(&gate.send(get("/kontak")).await).starts_with("/masuk?ke="));
}

#[tokio::test]
async fn n_13_a_form_that_is_refused_keeps_what_was_typed_and_who_was_slower_sees_it() {
    let gate = Gate::cases().await;
    gate.cases.set_contact(contact(OWN));
    // Agreed to without an address; nothing is asked of the service.
    let body = "versi=3&nomor_wa=&surel=kadis%40contoh.go.id&setuju=whatsapp&bahasa_pesan=en";
    let refused = gate.send(by_cookie(plain("/kontak", body))).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let page = text(refused).await;
    assert!(page.contains("<a href=\"#nomor_wa\">") && page.contains("value=\"en\" checked"), "{page}");
    assert!(gate.cases.applied().is_empty());
    let body = "versi=3&nomor_wa=bukan+nomor&surel=&setuju=whatsapp&bahasa_pesan=id";
    let page = text(gate.send(by_cookie(plain("/kontak", body))).await).await;
    assert!(page.contains("Isi hanya angka.") && page.contains("value=\"bukan nomor\""), "{page}");
    // Somebody was faster: the form stays, and is sent over what there is now.
    let body = "versi=2&nomor_wa=081299999999&surel=&setuju=whatsapp&bahasa_pesan=id";
    let refused = gate.send(by_cookie(plain("/kontak", body))).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let page = text(refused).await;
    assert!(page.contains("value=\"081299999999\"") && page.contains("name=\"versi\" value=\"3\""), "{page}");
    let saved = gate.send(by_cookie(plain("/kontak", &body.replace("versi=2", "versi=3")))).await;
    assert_eq!(location(&saved), "/kontak?tersimpan=1");
}

#[tokio::test]
async fn n_11_the_settings_show_which_official_can_be_reached_and_no_number_in_the_list() {
    let gate = Gate::cases().await;
    gate.cases.set_contact(contact("acc_kadis"));
    let page = text(gate.send(by_cookie(get("/pengaturan-aduan/kontak"))).await).await;
    // The head, and who acts for the head.
    assert_eq!(page.matches("<strong>Kepala Dinas Pekerjaan Umum</strong>").count(), 2, "{page}");
    assert!(page.contains("2 pejabat belum dapat dihubungi"), "the one fails, the other has none: {page}");
    assert!(page.contains("WhatsApp: Pesan tidak sampai") && page.contains("Surel: Tidak disetujui"));
    assert!(page.contains("Pelaksana: acc_sekdis") && page.contains("Surel: Belum diisi"));
    for personal in ["6281234567890", "kadis@contoh.go.id"] {
        assert!(!page.contains(personal), "{personal}");
    }
    let mut good = contact("acc_kadis");
    good.consents[0].failing_since_time = None;
    gate.cases.set_contact(good);
    let page = text(gate.send(by_cookie(get("/pengaturan-aduan/kontak"))).await).await;
    assert!(page.contains("1 pejabat belum dapat dihubungi") && page.contains("WhatsApp: Dapat dihubungi"));

    let form = text(gate.send(by_cookie(get("/pengaturan-aduan/kontak?ubah=acc_kadis"))).await).await;
    assert!(
        form.contains("value=\"6281234567890\"")
            && form.contains("type=\"hidden\" name=\"akun\" value=\"acc_kadis\"")
    );
    let form = text(gate.send(by_cookie(get("/pengaturan-aduan/kontak?ubah=acc_sekdis"))).await).await;
    assert!(
        form.contains("<option value=\"KEPALA_OPD\" selected>"),
        "who acts rests as the office does: {form}"
    );
    let form = text(gate.send(by_cookie(get("/pengaturan-aduan/kontak?ubah=baru"))).await).await;
    assert!(form.contains("<input id=\"akun\" name=\"akun\" type=\"text\""), "any other account: {form}");

    // New consent needs its source; what stays keeps the one it has.
    let path = "/pengaturan-aduan/kontak";
    let body = "akun=acc_sekdis&versi=&nomor_wa=0812-1111-2222&surel=&setuju=whatsapp&bahasa_pesan=id&peran=KEPALA_OPD&sumber_setuju=";
    let refused = gate.send(by_cookie(plain(path, body))).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(text(refused).await.contains("<a href=\"#sumber_setuju\">"));
    let saved = gate.send(by_cookie(plain(path, &format!("{body}SK+9")))).await;
    assert_eq!(location(&saved), "/pengaturan-aduan/kontak?tersimpan=1", "no number in an address");
    let given = gate.cases.applied().remove(0).contact.expect("a contact");
    assert_eq!((given.account_id.as_str(), given.role.as_str()), ("acc_sekdis", "KEPALA_OPD"));
    assert_eq!((given.whatsapp.as_str(), given.consents[0].source.as_str()), ("6281211112222", "SK 9"));
    let body = "akun=acc_kadis&versi=3&nomor_wa=6281234567890&surel=baru%40contoh.go.id&setuju=whatsapp&bahasa_pesan=id&peran=KEPALA_OPD&sumber_setuju=SK+10";
    gate.send(by_cookie(plain(path, body))).await;
    let given = gate.cases.applied().remove(1).contact.expect("a contact");
    assert_eq!(given.consents[0].source, "SK 800/12/2026");
    assert!(location(&gate.send(get(path)).await).starts_with("/masuk?ke="));
}

#[tokio::test]
async fn n_20_the_rules_of_delivery_are_one_form_that_says_when_nobody_is_told_of_trouble() {
    const NOBODY: &str = "Aturan ini tidak menyebut siapa pun";
    let path = "/pengaturan-aduan/pengiriman";
    let gate = Gate::cases().await;
    let page = text(gate.send(by_cookie(get(path))).await).await;
    assert!(page.contains(NOBODY) && page.contains("notifications.admin_accounts"), "{page}");
    assert!(page.contains("value=\"Asia/Jakarta\" checked"), "{page}");
    // Our accounts at providers.
    let rests = part(&page, "<strong>WhatsApp · utama</strong>", "</li>");
    for shown in ["Berhenti sementara", "Sebab: 131031.", "7 pesan menunggu.", "09.00 WIB"] {
        assert!(rests.contains(shown), "{shown}: {rests}");
    }
    assert!(part(&page, "<strong>Surel · utama</strong>", "</li>").contains("Mengirim"));

    let rules = DeliveryRules {
        time_zone: "Asia/Makassar".into(),
        quiet_hours: vec![QuietHours { role: "*".into(), from: "21:00".into(), to: "06:00".into() }],
        digest_times: vec!["07:30".into(), "16:00".into()],
        admin_account_ids: vec!["acc_sekdes".into()],
        version: 4,
    };
    gate.cases.set_rules(rules);
    let page = text(gate.send(by_cookie(get(path))).await).await;
    assert!(!page.contains(NOBODY) && page.contains("<strong>Yusuf Effendi</strong>"), "{page}");
    for shown in [
        ">* 21:00-06:00</textarea>",
        "value=\"07:30, 16:00\"",
        ">acc_sekdes</textarea>",
        "value=\"Asia/Makassar\" checked",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let body = "versi=4&zona_kirim=Asia%2FJayapura&jam_tenang=KEPALA_OPD+20%3A00-05%3A00%0D%0A*+21%3A00-06%3A00&jam_ringkasan=08%3A00&akun_gangguan=acc_1%0D%0Aacc_2";
    let unreadable = body.replace("KEPALA_OPD+20%3A00-05%3A00", "malam+hari");
    let wrong = gate.send(by_cookie(plain(path, &unreadable))).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let page = text(wrong).await;
    assert!(page.contains("<a href=\"#jam_tenang\">") && page.contains("malam hari"), "{page}");
    let wrong = gate.send(by_cookie(plain(path, &body.replace("20%3A00", "25%3A00")))).await;
    assert!(text(wrong).await.contains("Isi dengan JJ:MM."));
    let late = gate.send(by_cookie(plain(path, &body.replace("versi=4", "versi=3")))).await;
    assert_eq!(late.status(), StatusCode::CONFLICT);
    assert!(
        text(late).await.contains("name=\"versi\" value=\"4\""),
        "sent again it is over what there is now"
    );
    let saved = gate.send(by_cookie(plain(path, body))).await;
    assert_eq!(location(&saved), "/pengaturan-aduan/pengiriman?tersimpan=1");
    let rules = gate.cases.rules();
    assert_eq!((rules.version, rules.time_zone.as_str(), rules.digest_times.len()), (5, "Asia/Jayapura", 1));
    assert_eq!(
        (rules.quiet_hours[0].role.as_str(), rules.quiet_hours[0].to.as_str()),
        ("KEPALA_OPD", "05:00")
    );
    assert_eq!(rules.admin_account_ids, ["acc_1", "acc_2"]);
    assert!(location(&gate.send(get(path)).await).starts_with("/masuk?ke="));
}
