//! Lines 1, 2, 4, 5: types are data; what is shipped; what cannot be published; previews. And two persons to publish.

use mpp_kit::testing::Engine;
use mpp_proto::documents::v1::*;
use serde_json::json;
use tonic::Code;

use super::paper::{is_preview, pages, words};
use super::town::{PLAIN, Refusal, Resident, Town, VILLAGE, put, structure, values_of};

const DEFINITION: &str = include_str!("../../catalogue/sktm.toml");
const TEMPLATE: &str = include_str!("../../catalogue/sktm.typ");

/// The shipped definition under another key and code.
pub(crate) fn definition(key: &str) -> String {
    DEFINITION
        .replace("key = \"sktm\"", &format!("key = \"{key}\""))
        .replace("code = \"SKTM\"", "code = \"UJI\"")
}

/// The shipped template with a sentence more.
pub(crate) fn template(sentence: &str) -> String {
    TEMPLATE.replace("#closing()", &format!("{sentence}\n\n#closing()"))
}

impl Town {
    pub(crate) async fn save(
        &self,
        editor: &str,
        definition: &str,
        template: &str,
    ) -> Result<LetterTypeVersion, Refusal> {
        let request = SaveLetterTypeRequest {
            request_id: String::new(),
            definition: definition.to_owned(),
            template: template.to_owned(),
        };
        self.editor(editor).save_letter_type(request).await.map(|answer| answer.version.expect("a version"))
    }

    pub(crate) async fn publish(
        &self,
        editor: &str,
        draft: &LetterTypeVersion,
    ) -> Result<LetterTypeVersion, Refusal> {
        let request = PublishLetterTypeRequest {
            request_id: String::new(),
            letter_type: draft.key.clone(),
            draft_version: draft.version,
        };
        self.editor(editor)
            .publish_letter_type(request)
            .await
            .map(|answer| answer.version.expect("a version"))
    }

    async fn letter_type(&self, key: &str) -> Result<LetterType, Refusal> {
        let request = GetLetterTypeRequest { letter_type: key.to_owned(), version: 0 };
        self.nobody().get_letter_type(request).await.map(|answer| answer.letter_type.expect("a type"))
    }

    async fn offered(&self) -> Vec<LetterType> {
        let request = ListLetterTypesRequest { page_size: 200, page_token: String::new() };
        self.nobody().list_letter_types(request).await.expect("the types").letter_types
    }
}

lines! {
    /// 1. Letter types are data: schema of inputs, requirements, steps, series, validity, template version; adding one needs
    /// no code.
    async fn line_01_a_new_type_is_data_and_runs_to_the_signature(engine) {
        let town = Town::new(engine).await;
        assert_eq!(town.letter_type("uji").await.expect_err("not there").code, Code::NotFound);
        let draft = town.save("ani", &definition("uji"), &template("Kalimat versi satu.")).await.expect("saved");
        assert_eq!((draft.version, draft.state(), draft.defects.clone()), (1, LetterTypeState::Draft, vec![]));
        // Editors find it, and one that cannot be published yet; nobody else does.
        town.save("ani", &definition("coba"), "rusak #").await.expect("saved");
        let listed = town.editor("budi").list_letter_type_drafts(ListLetterTypeDraftsRequest::default()).await.expect("a list").drafts;
        let listed: Vec<_> = listed.iter().map(|it| (it.key.as_str(), it.version, it.author.as_str(), it.is_new)).collect();
        assert_eq!(listed, [("coba", 1, "acc_ani", true), ("uji", 1, "acc_ani", true)]);
        let refusal = town.officer(PLAIN).list_letter_type_drafts(ListLetterTypeDraftsRequest::default()).await;
        assert_eq!(refusal.expect_err("not an editor").code, Code::PermissionDenied);
        assert_eq!(town.letter_type("uji").await.expect_err("a draft is not offered").code, Code::NotFound);
        town.publish("budi", &draft).await.expect("published");
        let letter = town.letter_type("uji").await.expect("offered");
        assert_eq!((letter.version, letter.validity.as_str(), letter.requirements.len()), (1, "3 bulan", 4));
        assert!(letter.fields.iter().any(|field| field.key == "penghasilan" && field.required));
        // What the subject answers is asked for once, and has the form's words all the same.
        let subject: Vec<_> = letter.subject_fields.iter().map(|field| (field.key.as_str(), field.attribute.as_str())).collect();
        assert_eq!(subject, [("nik", "NIK"), ("kk", "KK"), ("nama", "NAME"), ("alamat", "ADDRESS"), ("telepon", "PHONE")]);
        assert!(letter.subject_fields.iter().all(|it| it.label.is_some() && letter.fields.iter().all(|other| other.key != it.key)));
        assert!(letter.fields.iter().any(|field| field.key == "tanggal_lahir" && field.attribute == "BIRTH_DATE"));

        let resident = Resident::new(1, PLAIN);
        let mut wish = town.wish("sktm", &resident).await;
        wish.letter_type = "uji".to_owned();
        let first = town.submit(wish.clone()).await;
        let draft = town.save("ani", &definition("uji"), &template("Kalimat versi dua.")).await.expect("saved");
        assert_eq!(draft.version, 2);
        let page = ListLetterTypeDraftsRequest { page_size: 1, ..ListLetterTypeDraftsRequest::default() };
        let first_page = town.editor("ani").list_letter_type_drafts(page.clone()).await.expect("a page");
        let page = ListLetterTypeDraftsRequest { page_token: first_page.next_page_token, ..page };
        let second_page = town.editor("ani").list_letter_type_drafts(page).await.expect("a page");
        assert_eq!((first_page.drafts[0].key.as_str(), second_page.drafts[0].key.as_str()), ("coba", "uji"));
        assert!(!second_page.drafts[0].is_new && second_page.next_page_token.is_empty());
        town.publish("budi", &draft).await.expect("published");
        assert_eq!(town.letter_type("uji").await.expect("offered").version, 2);
        // What is under way follows the version it began with; what comes now follows the new one.
        let mut again = town.wish("sktm", &Resident::new(2, PLAIN)).await;
        again.letter_type = "uji".to_owned();
        let second = town.submit(again).await;
        for (status, version, says, not) in [(first, 1, "versi satu", "versi dua"), (second, 2, "versi dua", "versi satu")] {
            let application = town.finish(&status.application_id).await;
            assert_eq!(application.letter_type_version, version);
            let text = words(&town.bytes(&application.document_id, 0).await);
            assert!(text.contains(says) && !text.contains(not), "{text}");
        }
        let request = ListLetterTypeVersionsRequest { letter_type: "uji".to_owned(), ..ListLetterTypeVersionsRequest::default() };
        let versions = town.editor("ani").list_letter_type_versions(request).await.expect("versions").versions;
        // What an application follows can be read by its applicant; what is still being written cannot.
        let of_version = async |version| {
            let request = GetLetterTypeRequest { letter_type: "uji".to_owned(), version };
            town.nobody().get_letter_type(request).await.map(|answer| answer.letter_type.expect("a type").version)
        };
        assert_eq!((of_version(1).await, of_version(2).await), (Ok(1), Ok(2)));
        town.save("ani", &definition("uji"), &template("Kalimat versi tiga.")).await.expect("saved");
        for version in [3, 4, -1] {
            assert_eq!(of_version(version).await.expect_err("none").code, Code::NotFound, "{version}");
        }
        let states: Vec<_> = versions.iter().map(|it| (it.version, it.state(), it.author.as_str(), it.publisher.as_str())).collect();
        assert_eq!(states, [
            (2, LetterTypeState::Published, "acc_ani", "acc_budi"),
            (1, LetterTypeState::Retired, "acc_ani", "acc_budi"),
        ]);
    }

    /// 1. What is in force stays what it was published as, whatever a later release ships beside definitions: what its citizens fill
    /// in, what is checked and promised, and what is under way.
    async fn line_01_a_version_in_force_is_frozen_against_releases(engine) {
        let mut town = Town::new(engine).await;
        let draft = town.save("ani", &definition("uji"), TEMPLATE).await.expect("saved");
        town.publish("budi", &draft).await.expect("published");
        let before = town.letter_type("uji").await.expect("offered");
        let mut wish = town.wish("sktm", &Resident::new(1, PLAIN)).await;
        wish.letter_type = "uji".to_owned();
        let under_way = town.submit(wish).await;
        town.save("ani", &definition("uji"), TEMPLATE).await.expect("a draft of the next version");
        // As in a release whose shared files call a field and a standard otherwise: nothing has the names that definitions have.
        let renamed = "REPLACE(REPLACE(definition, '\"nik\"', '\"nik_penduduk\"'), 'standard_from = \"village\"', 'standard_from = \"desa\"')";
        let release = format!("UPDATE letter_type SET definition = {renamed} WHERE letter_type.key IN ('uji', 'sktm', 'sku')");
        town.execute(&release).await;
        // One of them was published by a release that froze nothing.
        town.execute("UPDATE letter_type SET frozen = NULL WHERE letter_type.key = 'sku'").await;
        town.restart(town.config.signing.clone()).await;
        assert_eq!(town.letter_type("sku").await.expect_err("nobody can read it").code, Code::Internal);
        let drafts = town.editor("ani").list_letter_type_drafts(ListLetterTypeDraftsRequest::default()).await.expect("a list").drafts;
        assert_eq!(drafts.iter().map(|it| (it.key.as_str(), it.version)).collect::<Vec<_>>(), [("uji", 2)]);
        let refusal = town.publish("budi", &LetterTypeVersion { version: 2, ..draft.clone() }).await.expect_err("a draft follows the release");
        assert_eq!(refusal.what(), (Code::FailedPrecondition, "NOT_PUBLISHABLE"));

        assert_eq!(town.letter_type("uji").await.expect("offered"), before);
        let issued = town.finish(&under_way.application_id).await;
        assert_eq!((issued.state(), issued.letter_type_version), (ApplicationState::Issued, 1));
        for key in ["uji", "sktm"] {
            let mut wish = town.wish("sktm", &Resident::new(2, PLAIN)).await;
            wish.letter_type = key.to_owned();
            let status = town.submit(wish).await;
            assert_eq!(town.finish(&status.application_id).await.state(), ApplicationState::Issued, "{key}");
        }
    }

    /// 1. What a later release put in force is refused by an instance that is not updated yet, by its name and for a while, and never
    /// read without what that instance does not know. What else is in force goes on there.
    async fn line_01_what_a_later_release_put_in_force_is_refused_by_name(engine) {
        let mut town = Town::new(engine).await;
        let wish = town.wish("sktm", &Resident::new(1, PLAIN)).await;
        let status = town.submit(wish.clone()).await;
        let offered = town.offered().await.len();
        let rule = |from: &str, to: &str| format!(
            "UPDATE letter_type SET frozen = REPLACE(frozen, '{from}', '{to}') WHERE letter_type.key = 'sktm'"
        );
        let (known, later) = ("{\"key\":\"sktm\",", "{\"aturan_rilis_berikut\":true,\"key\":\"sktm\",");
        town.execute(&rule(known, later)).await;
        town.restart(town.config.signing.clone()).await;
        for refused in [
            town.letter_type("sktm").await.map(|_| ()).expect_err("it is not understood"),
            town.nobody().submit_application(wish.clone()).await.map(|_| ()).expect_err("nor applied for"),
            town.officer(PLAIN).send_back(&status.application_id, "berkas belum lengkap").await.map(|_| ()).expect_err("nor decided on"),
        ] {
            assert_eq!(refused.what(), (Code::Unavailable, "LATER_RELEASE"));
        }
        let here = town.offered().await;
        assert!(here.len() == offered - 1 && here.iter().all(|letter| letter.key != "sktm"), "the others are offered");
        assert_eq!(town.officer(PLAIN).inbox().await, std::slice::from_ref(&status.application_id), "it is on his list");
        let (_, document) = town.issued("kehilangan", &Resident::new(2, PLAIN)).await;
        assert_eq!(document.state(), DocumentState::Valid);
        // Updated, the instance goes on.
        town.execute(&rule(later, known)).await;
        town.restart(town.config.signing.clone()).await;
        assert_eq!(town.finish(&status.application_id).await.state(), ApplicationState::Issued);
    }

    /// 1. What was published by a release that froze nothing is read as it was written, and frozen when the service starts.
    async fn line_01_what_was_published_before_is_frozen_at_the_start(engine) {
        let mut town = Town::new(engine).await;
        let before = town.offered().await;
        town.execute("UPDATE letter_type SET frozen = NULL").await;
        town.restart(town.config.signing.clone()).await;
        assert_eq!(town.offered().await, before);
        town.execute("UPDATE letter_type SET definition = 'apa saja'").await;
        town.restart(town.config.signing.clone()).await;
        assert_eq!(town.offered().await, before);
    }

    /// 2. Ship the common set: published when the service first starts, and never again over what an installation decided.
    async fn line_02_the_common_set_is_offered_from_the_first_start(engine) {
        let mut town = Town::new(engine).await;
        let offered = town.offered().await;
        for key in [
            "domisili", "domisili_usaha", "sktm", "sku", "pengantar", "pengantar_skck", "kelahiran", "kematian", "pindah",
            "belum_menikah", "beda_identitas", "penghasilan", "kehilangan", "izin_keramaian", "ahli_waris",
        ] {
            let letter = offered.iter().find(|letter| letter.key == key).unwrap_or_else(|| panic!("{key} is offered"));
            assert_eq!((letter.version, letter.state()), (1, LetterTypeState::Published), "{key}");
            assert_eq!(letter.standard.len(), 14, "{key}");
            let said = letter.standard.iter().all(|component| !component.text.trim().is_empty());
            assert!(said && !letter.fields.is_empty() && !letter.steps.is_empty(), "{key}");
        }
        assert!(offered.iter().any(|letter| letter.kind() == LetterKind::Licence));
        let request = RetireLetterTypeRequest {
            request_id: String::new(),
            letter_type: "sku".to_owned(),
            reason: "diganti NIB dari OSS".to_owned(),
        };
        town.editor("ani").retire_letter_type(request).await.expect("retired");
        town.restart(town.config.signing.clone()).await;
        let after = town.offered().await;
        assert_eq!(after.len(), offered.len() - 1);
        assert_eq!(town.letter_type("sku").await.expect_err("retired").code, Code::NotFound);
        let mut wish = town.wish("sktm", &Resident::new(1, PLAIN)).await;
        wish.letter_type = "sku".to_owned();
        assert_eq!(town.nobody().submit_application(wish).await.expect_err("retired").code, Code::NotFound);
    }

    /// 3. Pages are counted when a letter is handed in, as it will be signed: with its number, its end and its code. What takes more
    /// than its type permits is refused then, and the longest that is taken is signed on as many pages as were promised.
    async fn line_03_pages_are_counted_when_a_letter_is_handed_in(engine) {
        let town = Town::new(engine).await;
        let shipped = definition("panjang");
        let unbounded = shipped.lines().filter(|line| !line.starts_with("pages")).map(|line| format!("{line}\n"));
        let long = unbounded
            .collect::<String>()
            .replace("version = 1\n", "version = 1\npages = 1\n")
            .replace("key = \"tujuan\"\ntype = \"TEXT\"", "key = \"tujuan\"\ntype = \"LONG_TEXT\"")
            .replace("max_length = 120", "max_length = 2000");
        let text = template("#data.fields.tujuan");
        let draft = town.save("ani", &long, &text).await.expect("saved");
        assert_eq!(draft.defects, Vec::<String>::new());
        town.publish("budi", &draft).await.expect("published");
        let mut wish = town.wish("sktm", &Resident::new(1, PLAIN)).await;
        wish.letter_type = "panjang".to_owned();
        let hand_in = async |words: usize| {
            let mut wish = wish.clone();
            wish.attachments = town.wish("sktm", &Resident::new(1, PLAIN)).await.attachments;
            put(&mut wish, "tujuan", json!(vec!["kata"; words].join(" ")));
            town.nobody().submit_application(wish).await.map(|answer| answer.status.expect("a status"))
        };
        let (mut fits, mut too_long) = (1, 400);
        let mut taken = hand_in(fits).await.expect("a word fits");
        assert_eq!(hand_in(too_long).await.expect_err("two pages").named(), [("values", "TOO_LONG")]);
        while too_long - fits > 1 {
            let words = (fits + too_long) / 2;
            match hand_in(words).await {
                Ok(status) => (fits, taken) = (words, status),
                Err(refusal) => {
                    assert_eq!(refusal.named(), [("values", "TOO_LONG")]);
                    too_long = words;
                }
            }
        }
        let issued = town.finish(&taken.application_id).await;
        assert_eq!(pages(&town.bytes(&issued.document_id, 0).await), 1, "{fits} words");
        // A type says how many, within reason; its sample fits.
        for (many, defect) in [("pages = 0\n", true), ("pages = 21\n", true), ("pages = 20\n", false)] {
            let draft = town.save("ani", &long.replace("pages = 1\n", many), &text).await.expect("saved");
            assert_eq!(draft.defects.iter().any(|it| it.contains("halaman") || it.contains("pages")), defect, "{:?}", draft.defects);
        }
        let sample = template(&"Kalimat yang panjang sekali. ".repeat(300));
        let draft = town.save("ani", &long, &sample).await.expect("saved");
        assert_eq!(town.publish("budi", &draft).await.expect_err("its sample takes more").named(), [("values", "TOO_LONG")]);
    }

    /// 4. A template with an unresolved field refuses to publish and refuses to render.
    async fn line_04_an_unresolved_field_is_neither_published_nor_rendered(engine) {
        let town = Town::new(engine).await;
        let wrong = template("Nomor rumah #data.fields.nomor_rumah.");
        let draft = town.save("ani", &definition("uji"), &wrong).await.expect("a draft may be unfinished");
        assert!(draft.defects.iter().any(|defect| defect.contains("nomor_rumah")), "{:?}", draft.defects);
        let refusal = town.publish("budi", &draft).await.expect_err("refused");
        assert_eq!(refusal.what(), (Code::FailedPrecondition, "NOT_PUBLISHABLE"));
        assert!(refusal.remedies.iter().any(|defect| defect.contains("nomor_rumah")), "{refusal:?}");
        let preview = PreviewLetterTypeRequest { definition: definition("uji"), template: wrong };
        let refusal = town.editor("ani").preview_letter_type(preview).await.expect_err("refused");
        assert_eq!(refusal.code, Code::InvalidArgument);
        assert!(format!("{refusal:?}").contains("nomor_rumah"), "{refusal:?}");
        // A field that may stay empty, without `given`.
        let draft = town.save("ani", &definition("uji"), &template("#data.fields.telepon")).await.expect("saved");
        assert!(draft.defects.iter().any(|defect| defect.contains("telepon")), "{:?}", draft.defects);
        // A component of the service standard that is missing is named too.
        let bare = definition("uji").replace("standard_from = \"village\"\n", "");
        let draft = town.save("ani", &bare, TEMPLATE).await.expect("saved");
        let refusal = town.publish("budi", &draft).await.expect_err("refused");
        assert!(refusal.remedies.iter().any(|defect| defect.contains("Pasal 21")), "{refusal:?}");
        assert_eq!(town.letter_type("uji").await.expect_err("nothing is offered").code, Code::NotFound);
        // What cannot be read at all says where.
        let refusal = town.save("ani", "key = ", TEMPLATE).await.expect_err("refused");
        assert_eq!(refusal.named(), [("definition", "INVALID_DEFINITION")]);
    }

    /// 5. Preview renders with sample data and a "PRATINJAU" watermark, no number, no QR.
    async fn line_05_a_preview_is_marked_and_has_neither_number_nor_code(engine) {
        let town = Town::new(engine).await;
        let preview = PreviewLetterTypeRequest { definition: definition("uji"), template: TEMPLATE.to_owned() };
        let answer = town.editor("ani").preview_letter_type(preview.clone()).await.expect("a preview");
        assert_eq!(answer.pages, 1);
        let text = words(&answer.pdf);
        assert!(is_preview(&answer.pdf) && text.contains("Siti Aminah Contoh"), "{text}");
        assert!(!text.contains("400.9/") && !text.contains("/s/") && !text.contains("Kode verifikasi"), "{text}");
        // The draft that an official reads is such a preview of the real content.
        let status = town.applied("sktm", &Resident::new(1, VILLAGE)).await;
        let draft = GetDraftRequest { application: status.application_id.clone() };
        let draft = town.reader().get_draft(draft).await.expect("a draft");
        let text = words(&draft.pdf);
        assert!(is_preview(&draft.pdf) && text.contains("Rohana Zulaikha"), "{text}");
        assert!(!text.contains("/s/") && !text.contains("Kode verifikasi"), "{text}");
        let refusal = town.officer(VILLAGE).preview_letter_type(preview).await.expect_err("not an editor");
        assert_eq!(refusal.code, Code::PermissionDenied);
    }

    /// 40. Two persons publish: nobody puts in force what only he has read.
    async fn should_40_the_author_of_a_draft_does_not_publish_it(engine) {
        let town = Town::new(engine).await;
        let draft = town.save("ani", &definition("uji"), TEMPLATE).await.expect("saved");
        assert_eq!(town.publish("ani", &draft).await.expect_err("her own").what(), (Code::PermissionDenied, "OWN_DRAFT"));
        // Whoever writes over it is its author then.
        let changed = town.save("budi", &definition("uji"), &template("Diubah.")).await.expect("saved");
        assert_eq!((changed.version, changed.author.as_str()), (1, "acc_budi"));
        assert_eq!(town.publish("budi", &changed).await.expect_err("his own").reason, "OWN_DRAFT");
        let other = LetterTypeVersion { version: 2, ..changed.clone() };
        assert_eq!(town.publish("ani", &other).await.expect_err("not what was read").what(), (Code::Aborted, "VERSION_MISMATCH"));
        town.publish("ani", &changed).await.expect("published");
        assert_eq!(town.publish("ani", &changed).await.expect_err("no draft any more").code, Code::NotFound);
        assert!(town.journal().await.iter().any(|it| it.what == "letter_type.published" && it.who == "acc_ani"));
        // An applicant sees the form and nothing of the template.
        let letter = town.letter_type("uji").await.expect("offered");
        assert!(values_of("sktm").keys().all(|key| letter.fields.iter().any(|field| field.key == *key)));
        assert!(!structure(&values_of("sktm")).fields.is_empty());
    }
}
