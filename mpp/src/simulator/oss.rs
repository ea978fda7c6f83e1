//! A stand-in for OSS-RBA, by its integration guide (PIA 4.3.22): what agencies call (`receiveLicenseStatus`,
//! `receiveLicense`, `updateLicense`, `checkLicenseStatus`), and how OSS calls an agency (`receiveNIB`, `receiveFileDS`).
//!
//! It is stricter than the real one: by the lists of fields of the guide it refuses what is missing, too long, of another kind or
//! not on the list, statuses that cannot follow each other, and a second final licence, and it remembers everything. What it answers next can be set, to see how the other
//! side bears it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};
use tokio::net::TcpListener;

/// What a field may hold.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A text of so many characters at most.
    Text(usize),
    /// A whole number of so many digits at most.
    Number(usize),
    /// True or false.
    Flag,
    /// These fields.
    Fields(&'static [Field]),
}

use Kind::{Fields, Flag, Number, Text};

/// The name of a field, what it may hold, and whether it must be given.
type Field = (&'static str, Kind, bool);

/// `IZINSTATUS`.
const STATUS: &[Field] = &[
    ("nib", Text(13), true),
    ("id_produk", Text(25), false),
    ("id_proyek", Text(25), true),
    ("oss_id", Text(25), true),
    ("id_izin", Text(25), true),
    ("kd_izin", Text(13), true),
    ("kd_instansi", Text(3), true),
    ("kd_status", Text(2), true),
    ("tgl_status", Text(19), true),
    ("nip_status", Text(50), false),
    ("nama_status", Text(50), false),
    ("keterangan", Text(65_535), false),
    ("persetujuan_form", Flag, false),
    ("file_lampiran", Text(65_535), false),
    ("data_pnbp", Fields(PNBP), false),
];

/// `data_pnbp` of `IZINSTATUS`.
const PNBP: &[Field] = &[
    ("kd_akun", Text(20), false),
    ("kd_penerimaan", Text(20), false),
    ("kd_billing", Text(50), true),
    ("tgl_billing", Text(10), true),
    ("tgl_expire", Text(10), true),
    ("nominal", Number(20), true),
    ("url_dokumen", Text(255), false),
];

/// What `IZINFINAL` of `receiveLicense` and that of `updateLicense` have in common.
const LICENCE: [Field; 17] = [
    ("nib", Text(13), true),
    ("id_proyek", Text(25), true),
    ("oss_id", Text(25), true),
    ("id_izin", Text(25), true),
    ("kd_izin", Text(13), true),
    ("kd_daerah", Text(10), true),
    ("nomor_izin", Text(50), true),
    ("tgl_terbit_izin", Text(10), true),
    ("tgl_berlaku_izin", Text(10), false),
    ("nama_ttd", Text(50), true),
    ("nip_ttd", Text(25), false),
    ("jabatan_ttd", Text(150), true),
    ("status_izin", Text(2), true),
    ("file_izin", Text(65_535), true),
    ("keterangan", Text(65_535), false),
    ("file_lampiran", Text(65_535), false),
    ("nomenklatur_nomor_izin", Text(255), false),
];

/// What `receiveLicense` takes beyond [`LICENCE`].
const FINAL: &[Field] = &[
    ("bln_berlaku_izin", Number(5), false),
    ("thn_berlaku_izin", Number(5), false),
    ("jenis_perizinan", Text(3), false),
];

/// What `updateLicense` takes beyond [`LICENCE`].
const UPDATE: &[Field] = &[
    ("kewenangan", Text(2), true),
    ("bln_berlaku_izin", Text(5), false),
    ("thn_berlaku_izin", Text(5), false),
];

/// The codes of Lampiran 10.
const CODES: [&str; 26] = [
    "05", "09", "10", "11", "12", "20", "30", "31", "32", "33", "34", "40", "41", "42", "43", "44", "45",
    "49", "50", "52", "57", "60", "70", "80", "90", "93",
];

/// What the next call is answered, whatever it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whim {
    /// This `kode`: 200, 400, 401, 403, 404, 405, 500 or 504. With anything but 200, nothing is taken.
    Kode(u16),
    /// It is taken, and the answer says 504: the answer that gets lost.
    TakenAndLost,
    /// No answer of OSS itself, but a page of what stands before it, with this HTTP status.
    Gateway(u16),
}

/// A call that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// Such as `receiveLicenseStatus`.
    pub method: String,
    /// What was in the envelope.
    pub content: Value,
}

/// A licence as OSS knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Known {
    nib: String,
    oss_id: String,
    status: String,
    number: String,
    is_final: bool,
}

#[derive(Debug, Default)]
struct Inside {
    known: BTreeMap<String, Known>,
    taken: Vec<Taken>,
    whims: VecDeque<Whim>,
    numbers: u32,
}

/// The stand-in. Clones are one and the same.
#[derive(Debug, Clone)]
pub struct Oss {
    user_key: Arc<str>,
    inside: Arc<Mutex<Inside>>,
}

/// Why something is not taken: `kode` and `keterangan`.
struct Refusal(u16, String);

impl Oss {
    /// A stand-in that accepts this `user_key`.
    #[must_use]
    pub fn new(user_key: &str) -> Self {
        Self { user_key: user_key.into(), inside: Arc::default() }
    }

    /// Serves until the process ends. The base address for agencies is `http://<address>/v1/kl/rba`.
    ///
    /// # Errors
    /// As reported by the listener.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<()> {
        let routes = Router::new().route("/v1/kl/rba/{method}", post(answer)).with_state(self);
        axum::serve(listener, routes).await
    }

    /// What the next calls are answered, in turn.
    pub fn whim(&self, whims: &[Whim]) {
        self.inside().whims.extend(whims);
    }

    /// Everything that was taken, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        self.inside().taken.clone()
    }

    /// The latest status of a licence, and its number.
    #[must_use]
    pub fn status(&self, id_izin: &str) -> Option<(String, String)> {
        self.inside().known.get(id_izin).map(|known| (known.status.clone(), known.number.clone()))
    }

    /// Makes the licences known that a company asks for, as `dataNIB` has them. Their statuses are taken from then on.
    pub fn register(&self, data_nib: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (nib, oss_id) = (text(&data_nib["nib"]), text(&data_nib["oss_id"]));
        let mut inside = self.inside();
        for row in data_nib["data_checklist"].as_array().into_iter().flatten() {
            let known = Known { nib: nib.clone(), oss_id: oss_id.clone(), ..Known::default() };
            inside.known.entry(text(&row["id_izin"])).or_insert(known);
        }
    }

    /// Registers a company and sends it to an agency, as OSS does: `POST <agency>/receiveNIB`. `day` is the present day in
    /// Western Indonesia, `YYYYMMDD`. Answers the HTTP status and the body.
    ///
    /// # Errors
    /// When the agency does not answer.
    pub async fn send_nib(
        &self,
        http: &reqwest::Client,
        (agency, username, password): (&str, &str, &str),
        data_nib: &Value,
        day: &str,
    ) -> reqwest::Result<(u16, String)> {
        self.register(data_nib);
        let nib = data_nib["nib"].as_str().unwrap_or_default();
        let response = http
            .post(format!("{agency}/receiveNIB"))
            .header("Token", token(username, password, nib, day))
            .json(&json!({ "dataNIB": data_nib }))
            .send()
            .await?;
        Ok((response.status().as_u16(), response.text().await?))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides a call.
    fn decide(&self, method: &str, user_key: Option<&str>, body: Option<&Value>) -> Response {
        let mut inside = self.inside();
        let whim = inside.whims.pop_front();
        if let Some(Whim::Gateway(status)) = whim {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            return (status, "upstream").into_response();
        }
        if user_key != Some(&*self.user_key) {
            return envelope(method, 401, "User Akses Tidak Valid", json!({}));
        }
        match whim {
            Some(Whim::Kode(200) | Whim::TakenAndLost) | None => {}
            Some(Whim::Kode(kode)) => return envelope(method, kode, "Permintaan gagal", json!({})),
            Some(Whim::Gateway(_)) => {}
        }
        let decided = match method {
            "receiveLicenseStatus" => {
                content(body, "IZINSTATUS").and_then(|content| inside.status(method, content))
            }
            "receiveLicense" => content(body, "IZINFINAL").and_then(|content| inside.finish(method, content)),
            "updateLicense" => content(body, "IZINFINAL").and_then(|content| inside.update(method, content)),
            "checkLicenseStatus" => {
                content(body, "CHECKLICENSESTATUS").and_then(|content| inside.check(content))
            }
            _ => Err(Refusal(404, "Akses Service Tidak Ditemukan".to_owned())),
        };
        match decided {
            Ok(_) if whim == Some(Whim::TakenAndLost) => {
                envelope(method, 504, "Proses Payload Data Di Sistem OSS Timeout", json!({}))
            }
            Ok(more) => envelope(method, 200, "Sukses", more),
            Err(Refusal(kode, told)) => envelope(method, kode, &told, json!({})),
        }
    }
}

/// `SHA1(USERNAME+PASSWORD+NIB+DATE(Ymd))`, which OSS presents to agencies.
#[must_use]
pub fn token(username: &str, password: &str, nib: &str, day: &str) -> String {
    let digest = Sha1::digest(format!("{username}{password}{nib}{day}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn answer(
    State(oss): State<Oss>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let user_key = headers.get("user_key").and_then(|value| value.to_str().ok());
    oss.decide(&method, user_key, serde_json::from_str(&body).ok().as_ref())
}

/// The object in the envelope, which must be the only thing.
fn content<'a>(body: Option<&'a Value>, name: &str) -> Result<&'a Value, Refusal> {
    body.and_then(Value::as_object)
        .filter(|body| body.len() == 1)
        .and_then(|body| body.get(name))
        .filter(|content| content.is_object())
        .ok_or_else(|| Refusal(400, format!("Data {name} tidak ada")))
}

fn envelope(method: &str, kode: u16, told: &str, more: Value) -> Response {
    let mut content = json!({ "kode": kode, "keterangan": told });
    if let (Some(content), Value::Object(more)) = (content.as_object_mut(), more) {
        content.extend(more);
    }
    // As the guide spells it.
    let name = if method == "checkLicenseStatus" { "checkStatusLicense" } else { method };
    axum::Json(json!({ format!("respon{name}"): content })).into_response()
}

fn text<'a>(content: &'a Value, field: &str) -> &'a str {
    content[field].as_str().unwrap_or_default()
}

/// Refuses fields that are unknown, missing, too long or of another kind.
fn check(content: &Value, fields: &[Field]) -> Result<(), Refusal> {
    for (name, value) in content.as_object().into_iter().flatten() {
        let Some((_, kind, _)) = fields.iter().find(|(known, _, _)| known == name) else {
            return Err(Refusal(400, format!("{name} tidak dikenal")));
        };
        match kind {
            Text(max) => match value.as_str() {
                Some(text) if text.chars().count() <= *max => {}
                Some(_) => return Err(Refusal(400, format!("{name} lebih dari {max} karakter"))),
                None => return Err(Refusal(400, format!("{name} bukan teks"))),
            },
            Number(max) => match value.as_u64() {
                Some(number) if number.to_string().len() <= *max => {}
                Some(_) => return Err(Refusal(400, format!("{name} lebih dari {max} angka"))),
                None => return Err(Refusal(400, format!("{name} bukan angka"))),
            },
            Flag if value.is_boolean() => {}
            Flag => return Err(Refusal(400, format!("{name} bukan benar atau salah"))),
            Fields(fields) if value.is_object() => check(value, fields)?,
            Fields(_) => return Err(Refusal(400, format!("{name} bukan objek"))),
        }
    }
    let is_given = |name: &str| match &content[name] {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
    };
    match fields.iter().find(|(name, _, needed)| *needed && !is_given(name)) {
        Some((name, _, _)) => Err(Refusal(400, format!("{name} kosong"))),
        None => Ok(()),
    }
}

impl Inside {
    /// The licence that a content is about, with the keys it was sent with.
    fn known(&mut self, content: &Value) -> Result<&mut Known, Refusal> {
        let known = self.known.get_mut(text(content, "id_izin"));
        known
            .filter(|known| known.nib == text(content, "nib") && known.oss_id == text(content, "oss_id"))
            .ok_or_else(|| Refusal(400, "Data izin tidak ditemukan".to_owned()))
    }

    fn take(&mut self, method: &str, content: &Value) {
        self.taken.push(Taken { method: method.to_owned(), content: content.clone() });
    }

    fn status(&mut self, method: &str, content: &Value) -> Result<Value, Refusal> {
        check(content, STATUS)?;
        let date = text(content, "tgl_status");
        if date.len() != 19 || date.as_bytes().get(10) != Some(&b' ') {
            return Err(Refusal(400, "tgl_status bukan YYYY-MM-DD HH:II:SS".to_owned()));
        }
        let status = text(content, "kd_status").to_owned();
        let known = self.known(content)?;
        follows(&status, known)?;
        known.status = status;
        self.take(method, content);
        Ok(json!({ "dataNIB": {} }))
    }

    fn finish(&mut self, method: &str, content: &Value) -> Result<Value, Refusal> {
        check(content, &[&LICENCE, FINAL].concat())?;
        let link = text(content, "file_izin");
        if !link.starts_with("http://") && !link.starts_with("https://") {
            return Err(Refusal(400, "file_izin bukan tautan".to_owned()));
        }
        let number = format!("OSS-{:06}", self.numbers + 1);
        let (status, kind) =
            (text(content, "status_izin").to_owned(), text(content, "jenis_perizinan").to_owned());
        let known = self.known(content)?;
        if known.is_final {
            return Err(Refusal(400, "Izin final sudah diterima".to_owned()));
        }
        follows(&status, known)?;
        (known.status, known.is_final) = (status, true);
        known.number.clone_from(&number);
        self.numbers += 1;
        self.take(method, content);
        Ok(json!({ "nomor_izin": number, "jenis_perizinan": kind, "file_lampiran": "" }))
    }

    fn update(&mut self, method: &str, content: &Value) -> Result<Value, Refusal> {
        check(content, &[&LICENCE, UPDATE].concat())?;
        let known = self.known(content)?;
        if !known.is_final {
            return Err(Refusal(400, "Izin belum terbit".to_owned()));
        }
        let number = known.number.clone();
        self.take(method, content);
        Ok(json!({ "keterangan_reset_izin_ds": "Berhasil Reset DS", "nomor_izin": number }))
    }

    fn check(&self, content: &Value) -> Result<Value, Refusal> {
        let id_izin = text(content, "id_izin");
        let known =
            self.known.get(id_izin).ok_or_else(|| Refusal(400, "Data izin tidak ditemukan".to_owned()))?;
        Ok(json!({
            "dataIZIN": { "nib": known.nib, "id_izin": id_izin, "kd_status": known.status, "file_lampiran": "" },
        }))
    }
}

/// Whether a status can come now.
fn follows(status: &str, known: &Known) -> Result<(), Refusal> {
    let refuse = |told: &str| Err(Refusal(400, told.to_owned()));
    if !CODES.contains(&status) {
        return refuse("Kode status tidak dikenal");
    }
    let supervises = matches!(status, "60" | "70" | "80");
    match known.status.as_str() {
        "90" | "93" => refuse("Izin sudah ditolak"),
        "50" | "57" | "60" | "70" | "80" if !supervises && (status != "50" || known.is_final) => {
            refuse("Izin sudah terbit")
        }
        "41" if !matches!(status, "42" | "43" | "50" | "57" | "90" | "93") => {
            refuse("Jangka waktu dihentikan")
        }
        "43" if !matches!(status, "44" | "50" | "57" | "90" | "93") => refuse("Jangka waktu dihentikan"),
        before if (status == "42" && before != "41") || (status == "44" && before != "43") => {
            refuse("Jangka waktu tidak dihentikan")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn company() -> Value {
        json!({ "nib": "1234567890123", "oss_id": "o-1", "data_checklist": [{ "id_izin": "I-1" }] })
    }

    fn status(code: &str) -> Value {
        json!({ "IZINSTATUS": {
            "nib": "1234567890123", "id_produk": "", "id_proyek": "R-1", "oss_id": "o-1", "id_izin": "I-1",
            "kd_izin": "033000000001", "kd_instansi": "033", "kd_status": code,
            "tgl_status": "2026-11-23 08:00:00", "nip_status": "", "nama_status": "", "keterangan": "",
            "persetujuan_form": false, "file_lampiran": "", "data_pnbp": {
                "kd_akun": "", "kd_penerimaan": "", "kd_billing": "123456789015", "tgl_billing": "2026-11-23",
                "tgl_expire": "2026-11-30", "nominal": 25_000, "url_dokumen": "",
            },
        }})
    }

    fn last() -> Value {
        json!({ "IZINFINAL": {
            "nib": "1234567890123", "id_proyek": "R-1", "oss_id": "o-1", "id_izin": "I-1",
            "kd_izin": "033000000001", "kd_daerah": "1707000000", "nomor_izin": "1", "tgl_terbit_izin": "2026-11-23",
            "tgl_berlaku_izin": "", "nama_ttd": "N", "nip_ttd": "", "jabatan_ttd": "J", "status_izin": "50",
            "file_izin": "https://mpp.example/f", "keterangan": "", "file_lampiran": "", "jenis_perizinan": "02",
            "thn_berlaku_izin": 5, "bln_berlaku_izin": 0,
        }})
    }

    /// The same as a change.
    fn changed() -> Value {
        let mut body = last();
        let content = body["IZINFINAL"].as_object_mut().unwrap();
        content.remove("jenis_perizinan");
        content.insert("kewenangan".to_owned(), json!("02"));
        content.insert("thn_berlaku_izin".to_owned(), json!("5"));
        content.insert("bln_berlaku_izin".to_owned(), json!("0"));
        body
    }

    /// Starts a stand-in and answers how to call it: `kode` and `keterangan`.
    async fn start() -> (Oss, impl AsyncFn(&str, &str, &Value) -> (u16, String)) {
        crate::choose_tls();
        let oss = Oss::new("kunci");
        oss.register(&company());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1/kl/rba", listener.local_addr().unwrap());
        tokio::spawn(oss.clone().serve(listener));
        let http = reqwest::Client::new();
        let call = async move |key: &str, method: &str, body: &Value| {
            let request = http.post(format!("{base}/{method}")).header("user_key", key).json(body);
            let response = request.send().await.unwrap();
            if !response.status().is_success() {
                return (response.status().as_u16(), String::new());
            }
            let body: Value = response.json().await.unwrap();
            let content = body.as_object().unwrap().values().next().unwrap().clone();
            let kode = u16::try_from(content["kode"].as_u64().unwrap()).unwrap();
            (kode, content["keterangan"].as_str().unwrap().to_owned())
        };
        (oss, call)
    }

    #[tokio::test]
    async fn it_takes_what_is_right_in_its_order_once() {
        let (oss, call) = start().await;
        for (method, body, kode) in [
            ("receiveLicenseStatus", status("20"), 200),
            ("receiveLicenseStatus", status("42"), 400),
            ("receiveLicenseStatus", status("41"), 200),
            ("receiveLicenseStatus", status("40"), 400),
            ("receiveLicenseStatus", status("42"), 200),
            ("receiveLicenseStatus", status("58"), 400),
            ("updateLicense", changed(), 400),
            ("receiveLicense", changed(), 400),
            ("receiveLicense", last(), 200),
            ("receiveLicense", last(), 400),
            ("updateLicense", last(), 400),
            ("updateLicense", changed(), 200),
            ("receiveLicenseStatus", status("40"), 400),
            ("receiveLicenseStatus", status("60"), 200),
            ("receiveLegal", status("20"), 404),
        ] {
            let (answered, told) = call("kunci", method, &body).await;
            assert_eq!(answered, kode, "{method}: {told}");
        }
        assert_eq!(oss.taken().len(), 6);
        assert_eq!(oss.status("I-1"), Some(("60".to_owned(), "OSS-000001".to_owned())));
    }

    #[tokio::test]
    async fn it_refuses_keys_envelopes_and_fields_that_are_wrong() {
        let (oss, call) = start().await;
        assert_eq!(call("lain", "receiveLicenseStatus", &status("20")).await.0, 401);
        assert_eq!(call("kunci", "receiveLicenseStatus", &last()).await.0, 400);
        for (field, value) in [
            ("id_izin", json!("I-9")),
            ("nib", json!("1".repeat(14))),
            ("kd_instansi", json!("0334")),
            ("kd_izin", json!("")),
            ("tgl_status", json!("2026-11-23")),
            ("nama_status", json!(7)),
            ("nik", json!("x")),
            ("persetujuan_form", json!("true")),
            ("data_pnbp", json!("")),
            ("data_pnbp", json!({ "kd_billing": "1" })),
            (
                "data_pnbp",
                json!({
                    "kd_billing": "1", "tgl_billing": "2026-11-23", "tgl_expire": "2026-11-30", "nominal": "25000",
                }),
            ),
        ] {
            let mut body = status("20");
            body["IZINSTATUS"][field] = value;
            assert_eq!(call("kunci", "receiveLicenseStatus", &body).await.0, 400, "{field}");
        }
        assert!(oss.taken().is_empty());
    }

    #[tokio::test]
    async fn it_fails_as_it_is_told() {
        let (oss, call) = start().await;
        oss.whim(&[Whim::Kode(500), Whim::Gateway(502), Whim::TakenAndLost]);
        for kode in [500, 502, 504] {
            assert_eq!(call("kunci", "receiveLicense", &last()).await.0, kode);
        }
        assert_eq!(oss.taken().len(), 1, "the last one was taken");
        assert_eq!(call("kunci", "receiveLicense", &last()).await.0, 400, "a second final licence");
    }

    #[test]
    fn the_token_is_the_one_of_the_guide() {
        assert_eq!(
            token("OSSUSER", "rahasia", "1234567890123", "20261123"),
            "374e34078ef6a9dbc24ca39b4f7953da609a108a"
        );
    }
}
