//! The documents service, with sample data of a fictional village.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mpp_kit::{
    caller::Caller,
    fault::{Problem, Text, Violation},
};
use mpp_proto::documents::v1::{self as documents, documents_service_server::DocumentsService, *};
use prost_types::{ListValue, Struct, Timestamp, Value, value::Kind};
use tonic::{Code, Status};

type Answer<T> = Result<tonic::Response<T>, Status>;

/// The village that everybody lives in.
pub(crate) const VILLAGE: &str = "17.07.05.2003";
/// An application that is being checked.
pub(crate) const IN_REVIEW: &str = "PM4K-7Q2X-9TBW";
/// One that was returned.
pub(crate) const RETURNED: &str = "RT5N-3H8V-2KDM";
/// One that waits for its fee.
pub(crate) const UNPAID: &str = "BY7R-2K9D-4MWX";
/// The same on the desk.
pub(crate) const UNPAID_APPLICATION: &str = "app_unpaid";
/// One that is issued.
pub(crate) const ISSUED: &str = "TB9C-6J4W-8RXA";
/// The population number behind all of them.
pub(crate) const NIK: &str = "1707054107900002";
/// The code in the QR of a valid document; others begin with what they are.
pub(crate) const VALID: &str = "7Q3K-9M2X-4TBW-5H8V";
/// An application on the desk.
pub(crate) const APPLICATION: &str = "app_01h455vb4pex5vsknk084sn02q";
/// One for a licence of OSS, which refused a message about it.
pub(crate) const LICENCE_APPLICATION: &str = "app_licence";
/// That licence.
pub(crate) const LICENCE: &str = "lic_01h455vb4pex5vsknk084sn02q";
/// One whose official has no certificate yet.
pub(crate) const HAND_APPLICATION: &str = "app_basah";
/// The same as its applicant follows it.
pub(crate) const BY_HAND: &str = "BS4H-7Q2X-9TBW";
/// What came of it.
pub(crate) const HAND_DOCUMENT: &str = "doc_basah";
/// The number that stands in its scan.
pub(crate) const HAND_NUMBER: &str = "470/018/UT/XI/2026";
/// A document that is valid.
pub(crate) const DOCUMENT: &str = "doc_01h455vb4pex5vsknk084sn02q";
/// The passphrase of every certificate.
pub(crate) const PASSPHRASE: &str = "benar";

/// The documents service.
#[derive(Clone, Default)]
pub(crate) struct Documents(Arc<State>);

#[derive(Default)]
struct State {
    arms: Mutex<Vec<ApplyCoatOfArmsRequest>>,
    uploads: Mutex<BTreeMap<String, Attachment>>,
    submissions: Mutex<Vec<SubmitApplicationRequest>>,
    codes: Mutex<BTreeMap<String, String>>,
    resubmissions: Mutex<Vec<ResubmitApplicationRequest>>,
    prefills: Mutex<Vec<PrefillApplicationRequest>>,
    withdrawn: Mutex<Vec<String>>,
    saved: Mutex<Vec<SaveLetterTypeRequest>>,
    approvals: Mutex<Vec<ApproveApplicationRequest>>,
    revoked: Mutex<Vec<RevokeDocumentRequest>>,
    corrected: Mutex<Vec<CorrectDocumentRequest>>,
    renewed: Mutex<Vec<RenewDocumentRequest>>,
    filed_signed_in: Mutex<Vec<bool>>,
    resent: Mutex<Vec<ResendLicenceMessageRequest>>,
    sheets: Mutex<Vec<SignByHandRequest>>,
    scans: Mutex<Vec<UploadScanRequest>>,
    confirmed: Mutex<Vec<ConfirmScanRequest>>,
    discarded: Mutex<Vec<DiscardSheetRequest>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Documents {
    /// Every SubmitApplication that was accepted, repeats too.
    pub(crate) fn submissions(&self) -> Vec<SubmitApplicationRequest> {
        lock(&self.0.submissions).clone()
    }

    /// How many files are stored.
    pub(crate) fn files(&self) -> usize {
        lock(&self.0.uploads).len()
    }

    /// Every ResubmitApplication.
    pub(crate) fn resubmissions(&self) -> Vec<ResubmitApplicationRequest> {
        lock(&self.0.resubmissions).clone()
    }

    /// Every PrefillApplication.
    pub(crate) fn prefills(&self) -> Vec<PrefillApplicationRequest> {
        lock(&self.0.prefills).clone()
    }

    /// Every ApplyCoatOfArms that was accepted.
    pub(crate) fn arms(&self) -> Vec<ApplyCoatOfArmsRequest> {
        lock(&self.0.arms).clone()
    }

    /// Every RevokeDocument that was accepted.
    pub(crate) fn revoked(&self) -> Vec<RevokeDocumentRequest> {
        lock(&self.0.revoked).clone()
    }

    /// Every CorrectDocument that was accepted.
    pub(crate) fn corrected(&self) -> Vec<CorrectDocumentRequest> {
        lock(&self.0.corrected).clone()
    }

    /// Every RenewDocument.
    /// Whether each application was filed by somebody who had signed in.
    pub(crate) fn filed_signed_in(&self) -> Vec<bool> {
        lock(&self.0.filed_signed_in).clone()
    }

    /// Every SignByHand that was accepted.
    pub(crate) fn sheets(&self) -> Vec<SignByHandRequest> {
        lock(&self.0.sheets).clone()
    }

    /// Every UploadScan that was accepted.
    pub(crate) fn scans(&self) -> Vec<UploadScanRequest> {
        lock(&self.0.scans).clone()
    }

    /// Every ConfirmScan that was accepted.
    pub(crate) fn confirmed(&self) -> Vec<ConfirmScanRequest> {
        lock(&self.0.confirmed).clone()
    }

    /// Every DiscardSheet that was accepted.
    pub(crate) fn discarded(&self) -> Vec<DiscardSheetRequest> {
        lock(&self.0.discarded).clone()
    }

    /// The application that is signed by hand, as far as it is.
    fn by_hand(&self) -> Application {
        let (sheets, scans) = (self.sheets(), self.scans());
        let printed = sheets.len() > self.discarded().len();
        let confirmed = !self.confirmed().is_empty();
        let file = |id: &str, media_type: &str| Attachment {
            file_id: id.into(),
            media_type: media_type.into(),
            size: 180 << 10,
            sha256: "f00d".into(),
            ..Attachment::default()
        };
        let hand = HandSigning {
            reason: sheets.last().map(|it| it.reason.clone()).unwrap_or_default(),
            chosen_by: "acc_sekdes".into(),
            print_time: at(6),
            sheet: Some(file("fil_lembar", "application/pdf")),
            scan: scans.last().map(|_| file("fil_pindaian", "image/png")),
            uploaded_by: if scans.is_empty() { String::new() } else { "acc_sekdes".into() },
            upload_time: if scans.is_empty() { None } else { at(7) },
            confirmed,
        };
        let (state, verbs): (_, &[&str]) = match (printed, scans.is_empty(), confirmed) {
            (_, _, true) => (ApplicationState::Issued, &["HAND_OVER"]),
            (false, ..) => (ApplicationState::AwaitingSignature, &["BEGIN_SIGNING", "SIGN_BY_HAND"]),
            (true, true, false) => (ApplicationState::AwaitingScan, &["UPLOAD_SCAN", "DISCARD_SHEET"]),
            (true, false, false) => {
                (ApplicationState::AwaitingScan, &["UPLOAD_SCAN", "CONFIRM_SCAN", "DISCARD_SHEET"])
            }
        };
        Application {
            id: HAND_APPLICATION.into(),
            state: state.into(),
            allowed_verbs: verbs.iter().map(ToString::to_string).collect(),
            by_hand: printed.then_some(hand),
            document_id: if confirmed { HAND_DOCUMENT.into() } else { String::new() },
            ..application()
        }
    }

    pub(crate) fn resent(&self) -> Vec<ResendLicenceMessageRequest> {
        lock(&self.0.resent).clone()
    }

    pub(crate) fn renewed(&self) -> Vec<RenewDocumentRequest> {
        lock(&self.0.renewed).clone()
    }

    /// Every ApproveApplication.
    pub(crate) fn approvals(&self) -> Vec<ApproveApplicationRequest> {
        lock(&self.0.approvals).clone()
    }
}

fn text(id: &str, en: &str) -> Option<LocalizedText> {
    Some(LocalizedText { id: id.into(), en: en.into() })
}

/// The 26th of November 2026, so many hours after eight o'clock in the west.
fn at(hours: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: 1_795_654_800 + hours * 3600, nanos: 0 })
}

fn step_plan(level: &str, role: &str, kind: &str, optional: bool, sla_minutes: i32) -> StepPlan {
    StepPlan { level: level.into(), role: role.into(), kind: kind.into(), optional, sla_minutes }
}

fn field(key: &str, kind: FieldKind, id: &str, en: &str, required: bool) -> FormField {
    FormField { key: key.into(), kind: kind.into(), label: text(id, en), required, ..FormField::default() }
}

fn choices(field: FormField, values: &[(&str, &str, &str)]) -> FormField {
    let choices = values
        .iter()
        .map(|(value, id, en)| FieldChoice { value: (*value).into(), label: text(id, en) })
        .collect();
    FormField { choices, ..field }
}

fn requirement(key: &str, id: &str, en: &str, required: bool) -> Requirement {
    Requirement { key: key.into(), label: text(id, en), required }
}

const COMPONENTS: [(&str, &str); 14] = [
    ("Dasar hukum", "UU 25/2009; Perbup 14/2024 tentang pelayanan administrasi desa."),
    ("Persyaratan", "KTP, Kartu Keluarga, pengantar RT."),
    ("Sistem, mekanisme, dan prosedur", "RT, RW, desa; camat bila diminta."),
    ("Jangka waktu penyelesaian", "Paling lama 2 hari kerja sejak permohonan lengkap."),
    ("Biaya/tarif", "Tidak dipungut biaya."),
    ("Produk pelayanan", "Surat keterangan tidak mampu."),
    ("Sarana, prasarana, dan/atau fasilitas", "Meja layanan, ruang tunggu, jalur kursi roda."),
    ("Kompetensi pelaksana", "Memahami administrasi kependudukan."),
    ("Pengawasan internal", "Sekretaris desa memeriksa setiap minggu."),
    ("Penanganan pengaduan, saran, dan masukan", "Melalui SP4N-LAPOR! dan meja layanan."),
    ("Jumlah pelaksana", "2 orang."),
    ("Jaminan pelayanan", "Selesai sesuai janji, atau diberi tahu sebabnya."),
    ("Jaminan keamanan dan keselamatan", "Data pribadi dilindungi sesuai UU 27/2022."),
    ("Evaluasi kinerja", "Survei kepuasan setiap triwulan."),
];

/// A letter of the village with a field of every kind.
fn sktm() -> LetterType {
    let anak = FormField {
        only_when_key: "punya_anak".into(),
        only_when_equals: "true".into(),
        ..field("nama_anak", FieldKind::PersonName, "Nama anak", "Name of the child", true)
    };
    LetterType {
        key: "sktm".into(),
        kind: LetterKind::Letter.into(),
        title: text("Surat keterangan tidak mampu", "Certificate of low income"),
        summary: text(
            "Untuk keringanan biaya sekolah, berobat, atau bantuan sosial.",
            "For reduced school fees, treatment or social aid.",
        ),
        version: 3,
        state: LetterTypeState::Published.into(),
        fields: vec![
            FormField {
                help: text("Misalnya keringanan biaya kuliah", "Such as reduced tuition"),
                max_length: 200,
                ..field("keperluan", FieldKind::Text, "Untuk keperluan apa", "What it is needed for", true)
            },
            choices(
                field("pekerjaan", FieldKind::Choice, "Pekerjaan", "Occupation", true),
                &[
                    ("petani", "Petani", "Farmer"),
                    ("buruh", "Buruh harian", "Day labourer"),
                    ("nelayan", "Nelayan", "Fisher"),
                    ("pedagang", "Pedagang kecil", "Small trader"),
                    ("irt", "Mengurus rumah tangga", "Homemaker"),
                    ("lain", "Lainnya", "Other"),
                ],
            ),
            field("penghasilan", FieldKind::Money, "Penghasilan sebulan", "Income per month", true),
            field("tanggungan", FieldKind::Number, "Jumlah tanggungan", "Dependants", true),
            field("punya_anak", FieldKind::Boolean, "Untuk anak?", "For a child?", true),
            anak,
            choices(
                field("tinggal", FieldKind::Choice, "Tempat tinggal", "Home", false),
                &[
                    ("milik", "Milik sendiri", "Own"),
                    ("sewa", "Sewa", "Rented"),
                    ("tumpang", "Menumpang", "With others"),
                ],
            ),
            FormField {
                attribute: "BIRTH_DATE".into(),
                ..field("lahir", FieldKind::Date, "Tanggal lahir", "Date of birth", true)
            },
            FormField {
                columns: vec![
                    field("nama", FieldKind::PersonName, "Nama", "Name", true),
                    choices(
                        field("hubungan", FieldKind::Choice, "Hubungan", "Relation", true),
                        &[("anak", "Anak kandung", "Child"), ("istri", "Istri", "Wife")],
                    ),
                    field("lahir", FieldKind::Date, "Lahir", "Born", false),
                ],
                min_rows: 1,
                max_rows: 5,
                ..field("serumah", FieldKind::List, "Anggota serumah", "Members of the household", false)
            },
            field("keterangan", FieldKind::LongText, "Keterangan lain", "Remarks", false),
        ],
        requirements: vec![
            requirement("ktp", "Foto KTP", "Photo of the identity card", true),
            requirement("kk", "Foto Kartu Keluarga", "Photo of the family card", true),
            requirement("rumah", "Foto rumah", "Photo of the home", false),
        ],
        steps: vec![
            step_plan("RT", "RT_HEAD", "VERIFY", false, 240),
            step_plan("RW", "RW_HEAD", "VERIFY", false, 240),
            step_plan("VILLAGE", "VILLAGE_OFFICER", "VERIFY", false, 120),
            step_plan("VILLAGE", "VILLAGE_HEAD", "SIGN", false, 480),
            step_plan("SUB_DISTRICT", "SUB_DISTRICT_HEAD", "SIGN", true, 480),
        ],
        fee: 0,
        promised_days: 2,
        validity: "6 bulan sejak tanggal terbit".into(),
        standard: COMPONENTS
            .iter()
            .map(|(name, text)| ServiceStandardComponent { name: (*name).into(), text: (*text).into() })
            .collect(),
        subject_fields: [
            ("nama", FieldKind::PersonName, "Nama sesuai ijazah", "NAME"),
            ("nik", FieldKind::Nik, "NIK pemohon", "NIK"),
            ("kk", FieldKind::Kk, "Nomor KK pemohon", "KK"),
            ("alamat", FieldKind::Address, "Alamat domisili", "ADDRESS"),
            ("telepon", FieldKind::Phone, "Nomor yang dapat dihubungi", "PHONE"),
        ]
        .into_iter()
        .map(|(key, kind, label, attribute)| FormField {
            attribute: attribute.into(),
            ..field(key, kind, label, label, false)
        })
        .collect(),
        may_be_signed_by_hand: true,
    }
}

fn simple(
    key: &str,
    kind: LetterKind,
    title: (&str, &str),
    summary: (&str, &str),
    fee: i64,
    days: i32,
) -> LetterType {
    LetterType {
        key: key.into(),
        kind: kind.into(),
        title: text(title.0, title.1),
        summary: text(summary.0, summary.1),
        fee,
        promised_days: days,
        steps: match kind {
            LetterKind::Licence => vec![
                step_plan("AGENCY", "AGENCY_OFFICER", "VERIFY", false, 960),
                step_plan("AGENCY", "AGENCY_HEAD", "SIGN", false, 480),
            ],
            LetterKind::Unspecified | LetterKind::Letter => {
                vec![step_plan("VILLAGE", "VILLAGE_HEAD", "SIGN", false, 480)]
            }
        },
        fields: vec![field(
            "keperluan",
            FieldKind::Text,
            "Untuk keperluan apa",
            "What it is needed for",
            true,
        )],
        version: 1,
        state: LetterTypeState::Published.into(),
        ..LetterType::default()
    }
}

fn types() -> Vec<LetterType> {
    let (letter, licence) = (LetterKind::Letter, LetterKind::Licence);
    vec![
        simple(
            "domisili",
            letter,
            ("Surat keterangan domisili", "Certificate of domicile"),
            ("Menerangkan tempat tinggal sekarang.", "States where somebody lives now."),
            0,
            1,
        ),
        simple(
            "kehilangan",
            letter,
            ("Surat keterangan kehilangan", "Certificate of loss"),
            (
                "Pengantar ke kepolisian untuk barang atau surat yang hilang.",
                "For the police, about lost things or papers.",
            ),
            0,
            0,
        ),
        simple(
            "kelahiran",
            letter,
            ("Surat keterangan kelahiran", "Certificate of birth"),
            ("Untuk mengurus akta kelahiran di Dukcapil.", "To obtain a birth certificate."),
            0,
            1,
        ),
        simple(
            "nikah",
            letter,
            ("Surat pengantar nikah (N1)", "Letter for marriage (N1)"),
            (
                "Pengantar ke KUA bagi yang akan menikah.",
                "For the office of religious affairs, before a marriage.",
            ),
            0,
            1,
        ),
        simple(
            "reklame",
            licence,
            ("Izin penyelenggaraan reklame", "Advertising licence"),
            ("Untuk papan nama, baliho, dan spanduk usaha.", "For signs, billboards and banners."),
            150_000,
            7,
        ),
        simple(
            "sipa",
            licence,
            ("Surat izin praktik apoteker", "Licence to practise as a pharmacist"),
            ("Bagi apoteker yang memiliki STR.", "For registered pharmacists."),
            0,
            5,
        ),
        sktm(),
        simple(
            "sku",
            letter,
            ("Surat keterangan usaha", "Certificate of business"),
            ("Untuk kredit usaha atau perizinan.", "For a loan or a licence."),
            0,
            1,
        ),
    ]
}

fn life_events() -> Vec<LifeEvent> {
    let choice =
        |key: &str, id: &str, en: &str, letters: &[&str], elsewhere: &[(&str, &str)]| LifeEventChoice {
            key: key.into(),
            title: text(id, en),
            letter_types: letters.iter().map(ToString::to_string).collect(),
            elsewhere: elsewhere.iter().filter_map(|(id, en)| text(id, en)).collect(),
        };
    let event =
        |key: &str, id: &str, en: &str, choices| LifeEvent { key: key.into(), title: text(id, en), choices };
    vec![
        event(
            "kelahiran",
            "Anak saya lahir",
            "My child was born",
            vec![
                choice(
                    "fasilitas",
                    "Di rumah sakit, puskesmas, atau bidan",
                    "In a hospital, clinic or with a midwife",
                    &[],
                    &[(
                        "Akta kelahiran: Dukcapil, dengan surat lahir dari fasilitas kesehatan, KK, dan KTP orang tua.",
                        "Birth certificate: civil registry, with the facility's note, family card and parents' cards.",
                    )],
                ),
                choice(
                    "rumah",
                    "Di rumah",
                    "At home",
                    &["kelahiran"],
                    &[(
                        "Akta kelahiran: Dukcapil, dengan surat keterangan kelahiran dari desa, KK, dan KTP orang tua.",
                        "Birth certificate: civil registry, with the village's letter, family card and parents' cards.",
                    )],
                ),
            ],
        ),
        event(
            "pernikahan",
            "Saya akan menikah",
            "I am getting married",
            vec![choice(
                "nikah",
                "Saya akan menikah",
                "I am getting married",
                &["nikah", "domisili"],
                &[(
                    "Pendaftaran nikah: KUA, paling lambat 10 hari kerja sebelumnya.",
                    "Registration: office of religious affairs, at least 10 working days before.",
                )],
            )],
        ),
        event(
            "pindah",
            "Saya pindah rumah",
            "I am moving",
            vec![
                choice("dalam", "Masih di kabupaten ini", "Within this regency", &["domisili"], &[]),
                choice(
                    "luar",
                    "Ke kabupaten lain",
                    "To another regency",
                    &[],
                    &[("Surat pindah: Dukcapil.", "Notice of removal: civil registry.")],
                ),
            ],
        ),
        event(
            "usaha",
            "Saya membuka usaha",
            "I am opening a business",
            vec![
                choice("kecil", "Usaha kecil", "A small business", &["sku"], &[]),
                choice("reklame", "Memasang papan nama", "Putting up a sign", &["reklame"], &[]),
            ],
        ),
        event(
            "bantuan",
            "Saya perlu keringanan biaya",
            "I need reduced fees",
            vec![choice(
                "sktm",
                "Untuk sekolah, berobat, atau bantuan",
                "For school, treatment or aid",
                &["sktm"],
                &[],
            )],
        ),
        event(
            "kehilangan",
            "Ada yang hilang",
            "I have lost something",
            vec![choice("hilang", "Barang atau surat", "A thing or a paper", &["kehilangan"], &[])],
        ),
        event(
            "kematian",
            "Keluarga saya meninggal",
            "A relative has died",
            vec![choice("rumah", "Di rumah", "At home", &["domisili"], &[])],
        ),
        event(
            "kesehatan",
            "Saya tenaga kesehatan",
            "I am a health worker",
            vec![choice("apoteker", "Apoteker", "Pharmacist", &["sipa"], &[])],
        ),
    ]
}

fn office(id: &str, kind: OfficeKind, area: &str, name: &str) -> Office {
    Office {
        id: id.into(),
        kind: kind.into(),
        area: area.into(),
        name: name.into(),
        time_zone: "Asia/Jakarta".into(),
        ..Office::default()
    }
}

fn offices() -> Vec<Office> {
    vec![
        office("ofc_camat", OfficeKind::SubDistrict, "17.07.05", "Kecamatan Lebong Sakti"),
        office("ofc_ujung", OfficeKind::Village, VILLAGE, "Desa Ujung Tanjung"),
        office("ofc_muning", OfficeKind::Village, "17.07.05.2004", "Desa Muning Agung"),
        office("ofc_dinkes", OfficeKind::Agency, "17.07/dinkes", "Dinas Kesehatan"),
    ]
}

fn step(index: i32, plan: (&str, &str, &str), state: StepState) -> Step {
    let (level, role, kind) = plan;
    Step {
        index,
        level: level.into(),
        role: role.into(),
        kind: kind.into(),
        area: format!("{VILLAGE}/002/005"),
        state: state.into(),
        done_time: (state == StepState::Done).then(|| at(i64::from(index) * 3)).flatten(),
        due_time: (state == StepState::Active).then(|| at(30)).flatten(),
        ..Step::default()
    }
}

/// The way of an application of which so many steps are done.
fn steps(done: usize) -> Vec<Step> {
    let plans = [
        ("RT", "RT_HEAD", "VERIFY"),
        ("RW", "RW_HEAD", "VERIFY"),
        ("VILLAGE", "VILLAGE_OFFICER", "VERIFY"),
        ("VILLAGE", "VILLAGE_HEAD", "SIGN"),
        ("SUB_DISTRICT", "SUB_DISTRICT_HEAD", "SIGN"),
    ];
    let state = |at: usize| match at {
        4 => StepState::Skipped,
        at if at < done => StepState::Done,
        at if at == done => StepState::Active,
        _ => StepState::Pending,
    };
    plans
        .iter()
        .enumerate()
        .map(|(at, plan)| step(i32::try_from(at).unwrap_or_default(), *plan, state(at)))
        .collect()
}

fn happened(hours: i64, what: &str, reason: &str) -> HistoryEntry {
    HistoryEntry {
        time: at(hours),
        what: what.into(),
        reason: reason.into(),
        step: -1,
        ..HistoryEntry::default()
    }
}

fn status(code: &str, state: ApplicationState) -> ApplicationStatus {
    let is_issued = state == ApplicationState::Issued;
    let is_returned = state == ApplicationState::Returned;
    let done = if is_issued {
        4
    } else if is_returned {
        1
    } else {
        2
    };
    ApplicationStatus {
        letter_type_version: 3,
        application_id: APPLICATION.into(),
        code: code.into(),
        letter_type: "sktm".into(),
        title: "Surat keterangan tidak mampu".into(),
        office: "Desa Ujung Tanjung".into(),
        state: state.into(),
        steps: steps(done),
        history: vec![happened(0, "SUBMIT", ""), happened(2, "APPROVE", ""), happened(5, "APPROVE", "")],
        submit_time: at(0),
        expected_time: (state != ApplicationState::Issued).then(|| at(48)).flatten(),
        verification_code: if state == ApplicationState::Issued { VALID.into() } else { String::new() },
        subject_masked: "S*** R****".into(),
        return_reason: if is_returned {
            "Foto KTP tidak terbaca. Unggah foto yang lebih terang, dan tulis keperluan dengan lengkap."
                .into()
        } else {
            String::new()
        },
        payment: (state == ApplicationState::AwaitingPayment).then(payment),
        number: if is_issued { "470/017/UT/XI/2026".into() } else { String::new() },
        registrations: if is_issued { vec![registration()] } else { Vec::new() },
        signature: match (code, is_issued) {
            (BY_HAND, _) => SignatureMethod::ByHand.into(),
            (_, true) => SignatureMethod::Electronic.into(),
            (_, false) => SignatureMethod::Unspecified.into(),
        },
    }
}

fn payment() -> Payment {
    Payment {
        state: PaymentState::Due.into(),
        amount: 150_000,
        billing_code: "100000000008".into(),
        due_date: "2026-12-26".into(),
        overdue: true,
        legal_basis: "Perda Nomor 1 Tahun 2024".into(),
        instructions: text("Bayar di loket kas <lantai 1>.", "Pay at the cash desk."),
        ..Payment::default()
    }
}

fn item(id: &str, hours: i64, name: &str, title: &str, kind: &str, late: bool) -> WorkItem {
    WorkItem {
        application_id: id.into(),
        letter_type: "sktm".into(),
        title: title.into(),
        subject_name: name.into(),
        area: format!("{VILLAGE}/002/005"),
        kind: kind.into(),
        role: "VILLAGE_HEAD".into(),
        due_time: at(hours),
        late,
        submit_time: at(0),
        version: 4,
        state: ApplicationState::AwaitingSignature.into(),
        content_hash: format!("hash-of-{id}"),
        ..WorkItem::default()
    }
}

fn work() -> Vec<WorkItem> {
    let (sign, verify) = ("SIGN", "VERIFY");
    vec![
        item(APPLICATION, -3, "Siti Rahmawati", "Surat keterangan tidak mampu", sign, true),
        item("app_2", 4, "Budi Santoso", "Surat keterangan usaha", verify, false),
        item(
            "app_3",
            8,
            "Nurhayati binti Abdullah Al-Fatih Rahmatullah",
            "Surat pengantar nikah (N1)",
            sign,
            false,
        ),
        item("app_4", 28, "Yohanes Karel", "Surat keterangan domisili", sign, false),
    ]
}

fn application() -> Application {
    let value = |kind: Kind| Value { kind: Some(kind) };
    let values = [
        ("keperluan", Kind::StringValue("Keringanan biaya kuliah di Universitas Bengkulu".into())),
        ("pekerjaan", Kind::StringValue("petani".into())),
        ("penghasilan", Kind::NumberValue(1_250_000.0)),
        ("tanggungan", Kind::NumberValue(4.0)),
        ("punya_anak", Kind::BoolValue(true)),
        ("nama_anak", Kind::StringValue("Rizky Pratama".into())),
        ("lahir", Kind::StringValue("1990-07-01".into())),
        ("nama", Kind::StringValue(subject().name)),
        ("nik", Kind::StringValue(subject().nik)),
        ("kk", Kind::StringValue(subject().family_card)),
        ("alamat", Kind::StringValue(subject().address)),
        ("telepon", Kind::StringValue(subject().phone)),
        ("serumah", Kind::ListValue(ListValue { values: vec![household("Rizky Pratama", "anak")] })),
    ];
    let file = |id: &str, requirement: &str, media_type: &str, size| Attachment {
        file_id: id.into(),
        requirement: requirement.into(),
        media_type: media_type.into(),
        size,
        sha256: "9f86d081".into(),
    };
    Application {
        id: APPLICATION.into(),
        letter_type: "sktm".into(),
        letter_type_version: 3,
        title: "Surat keterangan tidak mampu".into(),
        office_id: "ofc_ujung".into(),
        state: ApplicationState::AwaitingSignature.into(),
        version: 4,
        subject: Some(subject()),
        values: Some(Struct {
            fields: values.into_iter().map(|(key, kind)| (key.to_owned(), value(kind))).collect(),
        }),
        content_hash: "5f2b1c9e8a7d6054e3f1a2b4c6d8e0f19283746556473829a1b2c3d4e5f60718".into(),
        steps: steps(3),
        attachments: vec![
            file("fil_ktp", "ktp", "image/png", 1_310_720),
            file("fil_kk", "kk", "application/pdf", 402_000),
        ],
        history: vec![
            happened(0, "SUBMIT", ""),
            HistoryEntry { who: "acc_sekdes".into(), ..happened(2, "APPROVE", "") },
            HistoryEntry { who: "acc_asing".into(), ..happened(5, "APPROVE", "") },
        ],
        numbers: vec![RegisterNumber {
            office_id: "ofc_ujung".into(),
            text: "470/017/UT/XI/2026".into(),
            ..RegisterNumber::default()
        }],
        submit_time: at(0),
        allowed_verbs: ["BEGIN_SIGNING", "RETURN", "REJECT", "CLAIM", "RESET_CLOCK"].map(String::from).into(),
        possible_duplicates: vec!["app_9".into()],
        ..Application::default()
    }
}

fn household(name: &str, relation: &str) -> Value {
    let cell = |text: &str| Value { kind: Some(Kind::StringValue(text.into())) };
    let cells = [("nama", cell(name)), ("hubungan", cell(relation)), ("lahir", cell("2014-02-09"))];
    let fields = cells.map(|(key, value)| (key.to_owned(), value)).into();
    Value { kind: Some(Kind::StructValue(Struct { fields })) }
}

fn subject() -> Subject {
    Subject {
        name: "Siti Rahmawati".into(),
        nik: NIK.into(),
        family_card: "1707050101100003".into(),
        area: format!("{VILLAGE}/002/005"),
        address: "Jalan Sungai Ketahun 12".into(),
        phone: "0812 3456 7890".into(),
        ..Subject::default()
    }
}

fn document(id: &str, state: DocumentState) -> Document {
    let verbs: &[&str] = if state == DocumentState::Valid { &["REVOKE", "CORRECT", "RENEW"] } else { &[] };
    Document {
        id: id.into(),
        application_id: APPLICATION.into(),
        letter_type: "sktm".into(),
        title: "Surat keterangan tidak mampu".into(),
        office_id: "ofc_ujung".into(),
        number: if state == DocumentState::Valid { "470/017/UT/XI/2026" } else { "470/016/UT/XI/2026" }
            .into(),
        verification_code: VALID.into(),
        state: state.into(),
        issue_time: at(12),
        valid_until: "2027-05-25".into(),
        signatures: 2,
        version: 3,
        date: "2026-11-25".into(),
        allowed_verbs: verbs.iter().map(ToString::to_string).collect(),
        ..Document::default()
    }
}

fn public(state: DocumentState, sample: bool) -> PublicDocument {
    PublicDocument {
        title: "Surat keterangan tidak mampu".into(),
        number: "470/017/UT/XI/2026".into(),
        office: "Desa Ujung Tanjung".into(),
        signers: vec![
            "Hasan Basri, Kepala Desa Ujung Tanjung".into(),
            "Dra. Ratna Dewi, Camat Lebong Sakti".into(),
        ],
        holder_masked: "S*** R**********".into(),
        state: state.into(),
        issue_time: at(12),
        valid_until: "2027-05-25".into(),
        sample,
        end_time: (state != DocumentState::Valid).then(|| at(200)).flatten(),
        date: "2026-11-25".into(),
        registrations: vec![registration()],
        signature: SignatureMethod::Electronic.into(),
        ..PublicDocument::default()
    }
}

/// The same of what was signed by hand.
fn public_by_hand(state: DocumentState) -> PublicDocument {
    PublicDocument {
        number: HAND_NUMBER.into(),
        signature: SignatureMethod::ByHand.into(),
        scan_uploaded_by: "Sekretaris Desa, Yusuf Effendi".into(),
        scan_upload_time: at(7),
        ..public(state, false)
    }
}

/// What was signed by hand.
fn document_by_hand() -> Document {
    Document {
        number: HAND_NUMBER.into(),
        verification_code: "BSAH-9M2X-4TBW-5H8V".into(),
        signatures: 0,
        signature: SignatureMethod::ByHand.into(),
        media_type: "image/jpeg".into(),
        ..document(HAND_DOCUMENT, DocumentState::Valid)
    }
}

/// What the sub-district called a letter of the village.
fn registration() -> Registration {
    Registration { office: "Kecamatan Lebong Sakti".into(), number: "470/031/LS/XI/2026".into() }
}

fn finding(whole_file: bool, intact: bool) -> SignatureFinding {
    SignatureFinding {
        signer: "Hasan Basri".into(),
        time: at(12),
        timestamped: true,
        intact,
        whole_file,
        trusted: true,
    }
}

fn version(version: i32, state: LetterTypeState, defects: &[&str]) -> LetterTypeVersion {
    let definition = format!(
        "key = \"sktm\"\nkind = \"LETTER\"\nversion = {version}\n\n[title]\nid = \"Surat keterangan tidak mampu\"\nen = \"Certificate of low income\"\n\n[[fields]]\nkey = \"keperluan\"\ntype = \"TEXT\"\nmax_length = {}\n",
        version * 50
    );
    LetterTypeVersion {
        key: "sktm".into(),
        version,
        state: state.into(),
        definition,
        template: "#import \"base.typ\": *\n\n#show: surat\n\nYang bertanda tangan di bawah ini menerangkan bahwa #f(\"nama\") ...\n".into(),
        author: if version == 1 { "catalogue".into() } else { "acc_sekdes".into() },
        publisher: if state == LetterTypeState::Draft { String::new() } else { "acc_manajer".into() },
        create_time: at(i64::from(version) * 24 - 200),
        publish_time: (state != LetterTypeState::Draft).then(|| at(i64::from(version) * 24 - 190)).flatten(),
        defects: defects.iter().map(ToString::to_string).collect(),
    }
}

/// A page of a PDF, large enough to be looked at.
pub(crate) fn pdf(line: &str) -> Vec<u8> {
    let stream = format!("BT /F1 22 Tf 70 760 Td (PEMERINTAH DESA UJUNG TANJUNG) Tj 0 -60 Td ({line}) Tj ET");
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
            .to_owned(),
        format!("<</Length {}>>stream\n{stream}\nendstream", stream.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>".to_owned(),
    ];
    let mut out = "%PDF-1.4\n".to_owned();
    let mut offsets = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out += &format!("{} 0 obj{object}endobj\n", at + 1);
    }
    let start = out.len();
    out += "xref\n0 6\n0000000000 65535 f \n";
    for offset in offsets {
        out += &format!("{offset:010} 00000 n \n");
    }
    out += &format!("trailer<</Size 6/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n");
    out.into_bytes()
}

fn violation(field: &str, reason: &'static str, id: &str, en: &str) -> Violation {
    Violation { field: field.into(), reason, text: Text::new(id, en) }
}

/// What is wrong with an application.
fn violations(request: &SubmitApplicationRequest) -> Vec<Violation> {
    let mut found = Vec::new();
    let subject = request.subject.clone().unwrap_or_default();
    if subject.name.is_empty() {
        found.push(violation("subject.name", "REQUIRED", "isi nama lengkap", "give the full name"));
    }
    if subject.nik.len() != 16 {
        found.push(violation("subject.nik", "INVALID_NIK", "isi dengan 16 angka", "give 16 digits"));
    }
    if subject.area.is_empty() {
        found.push(violation("subject.area", "REQUIRED", "pilih desa atau kelurahan", "choose a village"));
    }
    let Some(kind) = types().into_iter().find(|kind| kind.key == request.letter_type) else { return found };
    let values = request.values.clone().unwrap_or_default();
    for field in kind.fields.iter().filter(|field| field.required && field.only_when_key.is_empty()) {
        if !values.fields.contains_key(&field.key) {
            let name = format!("values.{}", field.key);
            found.push(violation(&name, "REQUIRED", "isian ini wajib", "this must be given"));
        }
    }
    for one in kind.requirements.iter().filter(|one| one.required) {
        if !request.attachments.iter().any(|file| file.requirement == one.key) {
            let name = format!("attachments.{}", one.key);
            found.push(violation(&name, "REQUIRED", "unggah berkas ini", "upload this file"));
        }
    }
    found
}

macro_rules! documents_service {
    (unserved: $($name:ident $request:ident $response:ident),* $(,)?; $($served:item)*) => {
        #[tonic::async_trait]
        impl DocumentsService for Documents {
            $(async fn $name(&self, _: tonic::Request<documents::$request>) -> Answer<documents::$response> {
                Err(Status::unimplemented("not served by this fake"))
            })*
            $($served)*
        }
    };
}

documents_service! {
    unserved:
        create_webhook CreateWebhookRequest CreateWebhookResponse,
        list_webhooks ListWebhooksRequest ListWebhooksResponse,
        update_webhook UpdateWebhookRequest UpdateWebhookResponse,
        delete_webhook DeleteWebhookRequest DeleteWebhookResponse,
        rotate_webhook_secret RotateWebhookSecretRequest RotateWebhookSecretResponse,
        list_webhook_deliveries ListWebhookDeliveriesRequest ListWebhookDeliveriesResponse,
        replay_webhook_deliveries ReplayWebhookDeliveriesRequest ReplayWebhookDeliveriesResponse,
        replay_webhook_delivery ReplayWebhookDeliveryRequest ReplayWebhookDeliveryResponse,
        list_document_events ListDocumentEventsRequest ListDocumentEventsResponse,
        list_licences ListLicencesRequest ListLicencesResponse,
        get_licence GetLicenceRequest GetLicenceResponse,
        update_licence_status UpdateLicenceStatusRequest UpdateLicenceStatusResponse,
        create_licence_application CreateLicenceApplicationRequest CreateLicenceApplicationResponse,
        receive_oss_call ReceiveOssCallRequest ReceiveOssCallResponse,
        retire_letter_type RetireLetterTypeRequest RetireLetterTypeResponse,
        apply_office ApplyOfficeRequest ApplyOfficeResponse,
        apply_delegation ApplyDelegationRequest ApplyDelegationResponse,
        list_delegations ListDelegationsRequest ListDelegationsResponse,
        claim_application ClaimApplicationRequest ClaimApplicationResponse,
        release_application ReleaseApplicationRequest ReleaseApplicationResponse,
        return_application ReturnApplicationRequest ReturnApplicationResponse,
        reject_application RejectApplicationRequest RejectApplicationResponse,
        pause_clock PauseClockRequest PauseClockResponse,
        resume_clock ResumeClockRequest ResumeClockResponse,
        reset_clock ResetClockRequest ResetClockResponse,
        record_payment RecordPaymentRequest RecordPaymentResponse,
        waive_payment WaivePaymentRequest WaivePaymentResponse,
        request_signing_code RequestSigningCodeRequest RequestSigningCodeResponse,
        hand_over_application HandOverApplicationRequest HandOverApplicationResponse,
        get_signing GetSigningRequest GetSigningResponse,
        list_numbers ListNumbersRequest ListNumbersResponse,
        list_document_journal ListDocumentJournalRequest ListDocumentJournalResponse;

    async fn list_life_events(&self, _: tonic::Request<ListLifeEventsRequest>) -> Answer<ListLifeEventsResponse> {
        Ok(ListLifeEventsResponse { life_events: life_events(), ..Default::default() }.into())
    }

    async fn list_letter_types(&self, _: tonic::Request<ListLetterTypesRequest>) -> Answer<ListLetterTypesResponse> {
        Ok(ListLetterTypesResponse { letter_types: types(), ..Default::default() }.into())
    }

    async fn get_letter_type(&self, request: tonic::Request<GetLetterTypeRequest>) -> Answer<GetLetterTypeResponse> {
        let language = Caller::of(&request).language;
        let key = request.into_inner().letter_type;
        let found = types().into_iter().find(|kind| kind.key == key);
        found.map_or_else(
            || Err(Problem::not_found("jenis surat", "letter type").into_status(language)),
            |kind| Ok(GetLetterTypeResponse { letter_type: Some(kind) }.into()),
        )
    }

    async fn list_offices(&self, _: tonic::Request<ListOfficesRequest>) -> Answer<ListOfficesResponse> {
        Ok(ListOfficesResponse { offices: offices(), ..Default::default() }.into())
    }

    async fn apply_coat_of_arms(
        &self,
        request: tonic::Request<ApplyCoatOfArmsRequest>,
    ) -> Answer<ApplyCoatOfArmsResponse> {
        let language = Caller::of(&request).language;
        let message = request.into_inner();
        if !message.content.is_empty() && !message.content.starts_with(b"<svg") {
            let wrong = violation("content", "INVALID_TYPE", "pilih berkas SVG atau PNG", "choose an SVG or PNG file");
            return Err(Problem::invalid(vec![wrong]).into_status(language));
        }
        lock(&self.0.arms).push(message);
        Ok(ApplyCoatOfArmsResponse::default().into())
    }

    async fn get_coat_of_arms(
        &self,
        request: tonic::Request<GetCoatOfArmsRequest>,
    ) -> Answer<GetCoatOfArmsResponse> {
        let area = request.into_inner().area;
        let last = lock(&self.0.arms).iter().rfind(|one| area.starts_with(&one.area)).cloned();
        let Some(last) = last.filter(|one| !one.content.is_empty()) else { return Ok(GetCoatOfArmsResponse::default().into()) };
        let arms = CoatOfArms {
            id: "arm_1".into(), area: last.area, media_type: "image/svg+xml".into(), create_time: at(1), ..CoatOfArms::default()
        };
        Ok(GetCoatOfArmsResponse { coat_of_arms: Some(arms), content: last.content }.into())
    }

    async fn upload_file(&self, request: tonic::Request<UploadFileRequest>) -> Answer<UploadFileResponse> {
        let language = Caller::of(&request).language;
        let UploadFileRequest { request_id, content } = request.into_inner();
        let media_type = match content.as_slice() {
            [b'%', b'P', b'D', b'F', ..] => "application/pdf",
            [0xff, 0xd8, ..] => "image/jpeg",
            [0x89, b'P', b'N', b'G', ..] => "image/png",
            _ => {
                let wrong = violation("content", "INVALID_FILE", "unggah PDF, JPEG, atau PNG", "upload a PDF, JPEG or PNG");
                return Err(Problem::invalid(vec![wrong]).into_status(language));
            }
        };
        let mut uploads = lock(&self.0.uploads);
        let number = uploads.len();
        let file = uploads.entry(request_id).or_insert_with(|| Attachment {
            file_id: format!("fil_{number}"),
            media_type: media_type.into(),
            size: i64::try_from(content.len()).unwrap_or_default(),
            ..Attachment::default()
        });
        Ok(UploadFileResponse { file: Some(file.clone()) }.into())
    }

    async fn submit_application(
        &self,
        request: tonic::Request<SubmitApplicationRequest>,
    ) -> Answer<SubmitApplicationResponse> {
        let language = Caller::of(&request).language;
        let signed_in = request.metadata().contains_key("authorization");
        let message = request.into_inner();
        let wrong = violations(&message);
        if !wrong.is_empty() {
            return Err(Problem::invalid(wrong).into_status(language));
        }
        lock(&self.0.filed_signed_in).push(signed_in);
        let mut codes = lock(&self.0.codes);
        let number = codes.len();
        let code = codes.entry(message.request_id.clone()).or_insert_with(|| format!("BR7{number}-4KQX-9T2M")).clone();
        lock(&self.0.submissions).push(message);
        Ok(SubmitApplicationResponse { status: Some(status(&code, ApplicationState::InReview)) }.into())
    }

    async fn get_application_by_code(
        &self,
        request: tonic::Request<GetApplicationByCodeRequest>,
    ) -> Answer<GetApplicationByCodeResponse> {
        let language = Caller::of(&request).language;
        let code = request.into_inner().code;
        let is_withdrawn = lock(&self.0.withdrawn).contains(&code);
        let is_resubmitted = lock(&self.0.resubmissions).iter().any(|one| one.code == code);
        let state = match code.as_str() {
            _ if is_withdrawn => ApplicationState::Withdrawn,
            _ if is_resubmitted => ApplicationState::InReview,
            IN_REVIEW => ApplicationState::InReview,
            RETURNED => ApplicationState::Returned,
            UNPAID => ApplicationState::AwaitingPayment,
            ISSUED | BY_HAND => ApplicationState::Issued,
            code if lock(&self.0.codes).values().any(|one| one == code) => ApplicationState::InReview,
            _ => return Err(Problem::not_found("permohonan", "application").into_status(language)),
        };
        Ok(GetApplicationByCodeResponse { status: Some(status(&code, state)) }.into())
    }

    async fn resubmit_application(
        &self,
        request: tonic::Request<ResubmitApplicationRequest>,
    ) -> Answer<ResubmitApplicationResponse> {
        let message = request.into_inner();
        let status = status(&message.code, ApplicationState::InReview);
        lock(&self.0.resubmissions).push(message);
        Ok(ResubmitApplicationResponse { status: Some(status) }.into())
    }

    async fn withdraw_application(
        &self,
        request: tonic::Request<WithdrawApplicationRequest>,
    ) -> Answer<WithdrawApplicationResponse> {
        let code = request.into_inner().code;
        lock(&self.0.withdrawn).push(code.clone());
        Ok(WithdrawApplicationResponse { status: Some(status(&code, ApplicationState::Withdrawn)) }.into())
    }

    async fn prefill_application(
        &self,
        request: tonic::Request<PrefillApplicationRequest>,
    ) -> Answer<PrefillApplicationResponse> {
        let language = Caller::of(&request).language;
        let message = request.into_inner();
        lock(&self.0.prefills).push(message.clone());
        if message.nik != NIK {
            return Err(Problem::not_found("permohonan", "application").into_status(language));
        }
        let corrects = message.code == RETURNED;
        let attachments = if corrects { application().attachments } else { Vec::new() };
        Ok(PrefillApplicationResponse { subject: Some(subject()), values: application().values, attachments }.into())
    }

    async fn create_download_link(
        &self,
        request: tonic::Request<CreateDownloadLinkRequest>,
    ) -> Answer<CreateDownloadLinkResponse> {
        let language = Caller::of(&request).language;
        if request.into_inner().nik_last4 != NIK[12..] {
            let wrong = Problem::new(Code::PermissionDenied, "WRONG_DIGITS", "Angka tidak cocok.", "The digits do not match.");
            return Err(wrong.into_status(language));
        }
        Ok(CreateDownloadLinkResponse { path: "/berkas/tok-EN_1".into(), expire_time: at(1) }.into())
    }

    async fn open_file_link(&self, request: tonic::Request<OpenFileLinkRequest>) -> Answer<OpenFileLinkResponse> {
        let language = Caller::of(&request).language;
        if request.into_inner().token != "tok-EN_1" {
            return Err(Problem::not_found("tautan", "link").into_status(language));
        }
        let file_name = "SKTM 470_017 \"Siti\".pdf".into();
        Ok(OpenFileLinkResponse { content: pdf("SKTM"), media_type: "application/pdf".into(), file_name }.into())
    }

    async fn list_work(&self, request: tonic::Request<ListWorkRequest>) -> Answer<ListWorkResponse> {
        let ListWorkRequest { signing_only, late_only, .. } = request.into_inner();
        let wanted = |item: &WorkItem| (!signing_only || item.kind == "SIGN") && (!late_only || item.late);
        let items = work().into_iter().filter(wanted).collect();
        let signing_credential = SigningCredential::PassphraseOrCode.into();
        Ok(ListWorkResponse { items, late: 1, signing_credential, ..Default::default() }.into())
    }

    async fn get_application(&self, request: tonic::Request<GetApplicationRequest>) -> Answer<GetApplicationResponse> {
        let language = Caller::of(&request).language;
        let id = request.into_inner().application;
        if !id.starts_with("app_") {
            return Err(Problem::not_found("permohonan", "application").into_status(language));
        }
        if id == HAND_APPLICATION {
            return Ok(GetApplicationResponse { application: Some(self.by_hand()), ..Default::default() }.into());
        }
        if id == UNPAID_APPLICATION {
            let unpaid = Application {
                id,
                state: ApplicationState::AwaitingPayment.into(),
                allowed_verbs: ["RECORD_PAYMENT", "WAIVE_PAYMENT"].map(String::from).into(),
                payment: Some(payment()),
                ..application()
            };
            return Ok(GetApplicationResponse { application: Some(unpaid), ..Default::default() }.into());
        }
        let message = |id: &str, number, kind: &str, status_code: &str, state: LicenceMessageState| LicenceMessage {
            id: id.into(),
            number,
            kind: kind.into(),
            status_code: status_code.into(),
            state: state.into(),
            may_resend: state == LicenceMessageState::Refused,
            answer: "400 nip_ttd kosong".into(),
            ..Default::default()
        };
        let licence = (id == LICENCE_APPLICATION).then(|| Licence {
            id: LICENCE.into(),
            version: 4,
            messages: vec![
                message("lmg_1", 1, "IZINSTATUS", "20", LicenceMessageState::Sent),
                message("lmg_2", 2, "IZINFINAL", "50", LicenceMessageState::Refused),
            ],
            ..Default::default()
        });
        Ok(GetApplicationResponse { application: Some(application()), licence, ..Default::default() }.into())
    }

    async fn resend_licence_message(
        &self,
        request: tonic::Request<ResendLicenceMessageRequest>,
    ) -> Answer<ResendLicenceMessageResponse> {
        let language = Caller::of(&request).language;
        let request = request.into_inner();
        if request.version != 4 {
            let problem = Problem::precondition("NOT_REFUSED", "Kiriman ini tidak ditolak OSS.", "OSS did not refuse this.");
            return Err(problem.into_status(language));
        }
        lock(&self.0.resent).push(request);
        Ok(ResendLicenceMessageResponse::default().into())
    }

    async fn get_draft(&self, _: tonic::Request<GetDraftRequest>) -> Answer<GetDraftResponse> {
        let pdf = pdf("SURAT KETERANGAN TIDAK MAMPU");
        Ok(GetDraftResponse { pdf, content_hash: application().content_hash }.into())
    }

    async fn get_attachment(&self, request: tonic::Request<GetAttachmentRequest>) -> Answer<GetAttachmentResponse> {
        if let (Some(scan), "fil_pindaian") = (self.scans().pop(), request.into_inner().file.as_str()) {
            return Ok(GetAttachmentResponse { content: scan.content, media_type: "image/png".into() }.into());
        }
        Ok(GetAttachmentResponse { content: pdf("KARTU KELUARGA"), media_type: "application/pdf".into() }.into())
    }

    async fn approve_application(
        &self,
        request: tonic::Request<ApproveApplicationRequest>,
    ) -> Answer<ApproveApplicationResponse> {
        lock(&self.0.approvals).push(request.into_inner());
        Ok(ApproveApplicationResponse { application: Some(application()) }.into())
    }

    async fn sign_applications(
        &self,
        request: tonic::Request<SignApplicationsRequest>,
    ) -> Answer<SignApplicationsResponse> {
        let SignApplicationsRequest { applications, passphrase, .. } = request.into_inner();
        let result = |id: String| {
            let (reason, message) = match (passphrase.as_str(), id.as_str()) {
                (PASSPHRASE, "app_3") => ("SIGNER_CERTIFICATE_EXPIRED", "Sertifikat Anda sudah kedaluwarsa."),
                (PASSPHRASE, _) => ("", ""),
                _ => ("WRONG_PASSPHRASE", "Frasa sandi salah."),
            };
            SigningResult {
                application_id: id,
                signed: reason.is_empty(),
                reason: reason.into(),
                message: message.into(),
                ..SigningResult::default()
            }
        };
        let results = applications.into_iter().map(result).collect();
        Ok(SignApplicationsResponse { results, ..SignApplicationsResponse::default() }.into())
    }

    async fn sign_by_hand(&self, request: tonic::Request<SignByHandRequest>) -> Answer<SignByHandResponse> {
        let language = Caller::of(&request).language;
        let message = request.into_inner();
        if message.reason.chars().count() < 10 {
            let wrong = violation("reason", "INVALID_LENGTH", "isi dengan 10 sampai 500 karakter", "give 10 to 500 characters");
            return Err(Problem::invalid(vec![wrong]).into_status(language));
        }
        lock(&self.0.sheets).push(message);
        Ok(SignByHandResponse { application: Some(self.by_hand()) }.into())
    }

    async fn upload_scan(&self, request: tonic::Request<UploadScanRequest>) -> Answer<UploadScanResponse> {
        let language = Caller::of(&request).language;
        let message = request.into_inner();
        if !message.content.starts_with(&[0x89, b'P', b'N', b'G']) {
            let wrong = violation("content", "INVALID_TYPE", "pilih berkas PDF, JPEG, atau PNG", "choose a PDF, JPEG or PNG file");
            return Err(Problem::invalid(vec![wrong]).into_status(language));
        }
        lock(&self.0.scans).push(message);
        Ok(UploadScanResponse { application: Some(self.by_hand()) }.into())
    }

    async fn confirm_scan(&self, request: tonic::Request<ConfirmScanRequest>) -> Answer<ConfirmScanResponse> {
        let language = Caller::of(&request).language;
        let message = request.into_inner();
        if message.number != HAND_NUMBER {
            let wrong = violation("number", "ANOTHER_NUMBER", "bukan nomor surat ini", "not the number of this letter");
            return Err(Problem::invalid(vec![wrong]).into_status(language));
        }
        lock(&self.0.confirmed).push(message);
        Ok(ConfirmScanResponse { application: Some(self.by_hand()) }.into())
    }

    async fn discard_sheet(&self, request: tonic::Request<DiscardSheetRequest>) -> Answer<DiscardSheetResponse> {
        lock(&self.0.discarded).push(request.into_inner());
        Ok(DiscardSheetResponse { application: Some(self.by_hand()) }.into())
    }

    async fn get_verification(&self, request: tonic::Request<GetVerificationRequest>) -> Answer<GetVerificationResponse> {
        let language = Caller::of(&request).language;
        let code = request.into_inner().verification_code;
        let document = match code.split('-').next().unwrap_or_default() {
            "7Q3K" => public(DocumentState::Valid, false),
            "BSAH" => public_by_hand(DocumentState::Valid),
            "BSCB" => public_by_hand(DocumentState::Revoked),
            "CNTH" => public(DocumentState::Valid, true),
            "KDLW" => public(DocumentState::Expired, false),
            "DCBT" => public(DocumentState::Revoked, false),
            "DGNT" => public(DocumentState::Replaced, false),
            _ => return Err(Problem::not_found("dokumen", "document").into_status(language)),
        };
        Ok(GetVerificationResponse { document: Some(document) }.into())
    }

    async fn verify_file(&self, request: tonic::Request<VerifyFileRequest>) -> Answer<VerifyFileResponse> {
        let content = request.into_inner().content;
        let says = |word: &str| content.windows(word.len()).any(|part| part == word.as_bytes());
        let (verdict, signatures) = match () {
            () if says("UTUH") => (FileVerdict::Valid, vec![finding(true, true)]),
            () if says("TAMBAH") => (FileVerdict::Extended, vec![finding(false, true)]),
            () if says("UBAH") => (FileVerdict::Altered, vec![finding(true, false)]),
            () if says("BASAH") => (FileVerdict::ScanOnRecord, Vec::new()),
            () => (FileVerdict::NotOurs, Vec::new()),
        };
        let document = match verdict {
            FileVerdict::NotOurs | FileVerdict::Unspecified => None,
            FileVerdict::ScanOnRecord => Some(public_by_hand(DocumentState::Valid)),
            FileVerdict::Valid | FileVerdict::Extended | FileVerdict::Altered => Some(public(DocumentState::Valid, false)),
        };
        Ok(VerifyFileResponse { verdict: verdict.into(), document, signatures }.into())
    }

    async fn list_letter_type_versions(
        &self,
        _: tonic::Request<ListLetterTypeVersionsRequest>,
    ) -> Answer<ListLetterTypeVersionsResponse> {
        let versions = vec![
            version(4, LetterTypeState::Draft, &["standard: Evaluasi kinerja belum diisi", "template: f(\"nama_wali\") tidak dikenal"]),
            version(3, LetterTypeState::Published, &[]),
            version(1, LetterTypeState::Retired, &[]),
        ];
        Ok(ListLetterTypeVersionsResponse { versions, ..Default::default() }.into())
    }

    async fn list_letter_type_drafts(
        &self,
        _: tonic::Request<ListLetterTypeDraftsRequest>,
    ) -> Answer<ListLetterTypeDraftsResponse> {
        let draft = |key: &str, version, title: &str, author: &str| LetterTypeDraft {
            key: key.into(),
            version,
            title: text(title, title),
            author: author.into(),
            create_time: at(0),
            is_new: version == 1,
        };
        let drafts = vec![
            draft("izin_panggung", 1, "Izin panggung terbuka", "acc_sekdes"),
            draft("sktm", 4, "Surat keterangan tidak mampu", "acc_asing"),
        ];
        Ok(ListLetterTypeDraftsResponse { drafts, ..Default::default() }.into())
    }

    async fn get_letter_report(&self, _: tonic::Request<GetLetterReportRequest>) -> Answer<GetLetterReportResponse> {
        let row = LetterReportRow {
            letter_type: "sktm".into(),
            title: text("Surat keterangan tidak mampu", "Certificate of low income"),
            office_id: "ofc_ujung".into(),
            office_name: "Desa Ujung Tanjung".into(),
            received: 9,
            issued: 7,
            issued_by_hand: 3,
            median_minutes: -1,
            ..LetterReportRow::default()
        };
        Ok(GetLetterReportResponse { rows: vec![row], start_date: "2026-11-01".into(), end_date: "2026-11-26".into(), time: at(1) }.into())
    }

    async fn list_documents(&self, request: tonic::Request<ListDocumentsRequest>) -> Answer<ListDocumentsResponse> {
        let request = request.into_inner();
        let found = [
            document(DOCUMENT, DocumentState::Valid),
            document("doc_2", DocumentState::Revoked),
            document_by_hand(),
        ];
        let wanted = |one: &Document| {
            request.newest_first && (request.find.is_empty() || request.find == one.number || request.find == one.verification_code)
        };
        let documents = found.into_iter().filter(wanted).collect();
        Ok(ListDocumentsResponse { documents, ..Default::default() }.into())
    }

    async fn get_document(&self, request: tonic::Request<GetDocumentRequest>) -> Answer<GetDocumentResponse> {
        let language = Caller::of(&request).language;
        let id = request.into_inner().document;
        if !id.starts_with("doc_") {
            return Err(Problem::not_found("dokumen", "document").into_status(language));
        }
        if id == HAND_DOCUMENT {
            return Ok(GetDocumentResponse { document: Some(document_by_hand()) }.into());
        }
        let is_revoked = id != DOCUMENT || !lock(&self.0.revoked).is_empty();
        let state = if is_revoked { DocumentState::Revoked } else { DocumentState::Valid };
        Ok(GetDocumentResponse { document: Some(document(&id, state)) }.into())
    }

    async fn download_document(
        &self,
        request: tonic::Request<DownloadDocumentRequest>,
    ) -> Answer<DownloadDocumentResponse> {
        if request.into_inner().document == HAND_DOCUMENT {
            let (content, media_type) = (vec![0xFF, 0xD8, 0xFF, 0xE0], "image/jpeg".to_owned());
            return Ok(DownloadDocumentResponse { content, media_type, ..Default::default() }.into());
        }
        Ok(DownloadDocumentResponse { content: pdf("SKTM"), ..Default::default() }.into())
    }

    async fn revoke_document(&self, request: tonic::Request<RevokeDocumentRequest>) -> Answer<RevokeDocumentResponse> {
        let language = Caller::of(&request).language;
        let message = request.into_inner();
        if message.reason.chars().count() < 10 {
            let wrong = violation("reason", "INVALID_LENGTH", "isi dengan 10 sampai 500 karakter", "give 10 to 500 characters");
            return Err(Problem::invalid(vec![wrong]).into_status(language));
        }
        lock(&self.0.revoked).push(message);
        Ok(RevokeDocumentResponse { document: Some(document(DOCUMENT, DocumentState::Revoked)) }.into())
    }

    async fn correct_document(
        &self,
        request: tonic::Request<CorrectDocumentRequest>,
    ) -> Answer<CorrectDocumentResponse> {
        let language = Caller::of(&request).language;
        let message = request.into_inner();
        let mut wrong = Vec::new();
        if message.reason.chars().count() < 10 {
            wrong.push(violation("reason", "INVALID_LENGTH", "isi dengan 10 sampai 500 karakter", "give 10 to 500 characters"));
        }
        if message.subject.as_ref().is_none_or(|subject| subject.nik.len() != 16) {
            wrong.push(violation("subject.nik", "INVALID_NIK", "isi dengan 16 angka", "give 16 digits"));
        }
        if !wrong.is_empty() {
            return Err(Problem::invalid(wrong).into_status(language));
        }
        lock(&self.0.corrected).push(message);
        Ok(CorrectDocumentResponse { application: Some(application()) }.into())
    }

    async fn renew_document(&self, request: tonic::Request<RenewDocumentRequest>) -> Answer<RenewDocumentResponse> {
        lock(&self.0.renewed).push(request.into_inner());
        Ok(RenewDocumentResponse { application: Some(application()) }.into())
    }

    async fn save_letter_type(&self, request: tonic::Request<SaveLetterTypeRequest>) -> Answer<SaveLetterTypeResponse> {
        lock(&self.0.saved).push(request.into_inner());
        Ok(SaveLetterTypeResponse { version: Some(version(4, LetterTypeState::Draft, &[])) }.into())
    }

    async fn preview_letter_type(
        &self,
        request: tonic::Request<PreviewLetterTypeRequest>,
    ) -> Answer<PreviewLetterTypeResponse> {
        let language = Caller::of(&request).language;
        if request.into_inner().template.contains("nama_wali") {
            let wrong = violation("template", "UNKNOWN_FIELD", "baris 5: f(\"nama_wali\") tidak dikenal", "line 5: f(\"nama_wali\") is not known");
            return Err(Problem::invalid(vec![wrong]).into_status(language));
        }
        Ok(PreviewLetterTypeResponse { pdf: pdf("PRATINJAU"), pages: 1 }.into())
    }

    async fn publish_letter_type(
        &self,
        request: tonic::Request<PublishLetterTypeRequest>,
    ) -> Answer<PublishLetterTypeResponse> {
        let language = Caller::of(&request).language;
        let own = Problem::new(
            Code::FailedPrecondition,
            "SAME_PERSON",
            "Draf diterbitkan orang lain dari penulisnya.",
            "A draft is published by another person than its author.",
        );
        Err(own.into_status(language))
    }
}
