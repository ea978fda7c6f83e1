//! The web pages: server-rendered shells for the counter console, kiosk, board and control room, whose small scripts
//! talk to the REST API like any other client; and the pages a citizen meets, which work without a script.
//!
//! Nothing here decides anything: a page shows what the services answer to the caller's own token. Words live in
//! `gateway/web/i18n`, looks in `gateway/web/css`, behaviour in `gateway/web/js`.

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    response::Response,
    routing::{get, post},
};
use http::HeaderMap;
use mpp_kit::client::PeerChannel;
use mpp_proto::{
    complaints::v1::complaints_service_client::ComplaintsServiceClient,
    documents::v1::documents_service_client::DocumentsServiceClient,
    identity::v1::identity_service_client::IdentityServiceClient,
    notifications::v1::notifications_service_client::NotificationsServiceClient,
    queue::v1::queue_service_client::QueueServiceClient,
};

mod acts;
mod apply;
mod archive;
mod assets;
mod bulk;
mod by_hand;
pub(crate) mod cases;
mod catalogue;
mod citizen;
mod complaints;
mod contacts;
mod counts;
mod delivery;
mod evidence;
mod fields;
mod follow;
mod form;
mod hooks;
pub(crate) mod inbox;
mod known;
mod lateness;
mod letters;
mod map;
mod messages;
mod moment;
mod offices;
pub(crate) mod oss;
mod pages;
mod people;
mod qr;
mod report;
mod reveal;
mod settings;
mod sp4n;
pub(crate) mod today;
mod track;
mod verify;
mod visit;
mod words;
mod work;

use visit::Visit;

/// What the pages need.
#[derive(Debug, Clone)]
pub struct WebState {
    /// The queue service.
    pub queue: QueueServiceClient<PeerChannel>,
    /// The identity service.
    pub identity: IdentityServiceClient<PeerChannel>,
    /// The documents service.
    pub documents: DocumentsServiceClient<PeerChannel>,
    /// The complaints service.
    pub complaints: ComplaintsServiceClient<PeerChannel>,
    /// The notifications service.
    pub notifications: NotificationsServiceClient<PeerChannel>,
    /// How many messages people have not read.
    pub(crate) unread: std::sync::Arc<inbox::Unread>,
    /// Who distributes complaints.
    pub(crate) coordinators: std::sync::Arc<cases::Coordinators>,
    /// The address people use, if it is configured.
    pub public_url: Option<String>,
    /// What citizens may know of the halls.
    pub(crate) halls: std::sync::Arc<today::Halls>,
    /// How large an uploaded file may be, in bytes.
    pub file_limit: usize,
    /// How large a form with its files may be, in bytes.
    pub form_limit: usize,
}

/// The routes of the pages. They expect an `Extension<Arc<Sessions>>`, to know whose browser asks.
pub fn router(state: WebState) -> Router {
    // Forms with files may be larger than anything else that is sent here; they are bounded where they are read.
    let with_files = Router::new()
        .route("/surat/{key}/ajukan", get(apply::form).post(apply::submit))
        .route("/permohonan/{code}/perbaiki", get(follow::correct_form).post(follow::correct))
        .route("/lapor", get(report::form).post(report::submit))
        .route("/lacak/jawab", get(track::back).post(track::answer))
        .route("/meja-pengaduan", get(report::desk).post(report::desk_submit))
        .route("/aduan/sp4n/impor", get(sp4n::page).post(sp4n::import))
        .route("/aduan/{complaint}/{verb}", get(cases::back).post(cases::press))
        .route("/kantor/lambang", get(offices::one).post(offices::upload))
        .route("/periksa/berkas", get(verify::back).post(verify::file))
        .route("/meja/{application}/basah/pindaian", get(by_hand::one).post(by_hand::upload))
        .route("/meja/massal/{key}", get(bulk::form).post(bulk::submit))
        .route("/meja/eviden/tambah", get(evidence::form).post(evidence::submit))
        .layer(DefaultBodyLimit::disable());
    Router::new()
        .merge(with_files)
        .merge(Router::new().route(oss::PATH, post(oss::receive)).layer(DefaultBodyLimit::max(oss::LARGEST)))
        .route("/berhenti/{token}", post(hooks::unsubscribe))
        .route("/", get(pages::landing))
        // A form that is sent before its script has loaded must not put a password into the address.
        .route("/masuk", get(pages::sign_in).post(pages::sign_in))
        .route("/mulai", get(pages::start))
        .route("/pesan", get(inbox::list))
        .route("/pesan/{verb}", get(inbox::back).post(inbox::press))
        .route("/kontak", get(contacts::own).post(contacts::save_own))
        .route("/kontak/persetujuan", get(contacts::back).post(contacts::consent))
        .route("/loket", get(pages::desk))
        .route("/kendali", get(pages::control_room))
        .route("/antrean", get(today::page))
        .route("/resepsi", get(pages::reception))
        .route("/kiosk", get(pages::kiosk).post(pages::kiosk))
        .route("/kiosk/qr/{file}", get(qr::ticket))
        .route("/papan", get(pages::board).post(pages::board))
        .route("/papan/qr.svg", get(qr::site))
        .route("/t/{token}", get(citizen::ticket))
        .route("/h/{hall}", get(citizen::onsite_form).post(citizen::onsite_issue))
        .route("/surat", get(letters::finder))
        .route("/surat/{key}", get(letters::one))
        .route("/surat/{key}/isi", get(apply::form).post(apply::prefill))
        .route("/permohonan", get(follow::enter).post(follow::find))
        .route("/permohonan/{code}", get(follow::follow))
        .route("/permohonan/{code}/tanda-terima", get(follow::receipt))
        .route("/permohonan/{code}/qr.svg", get(follow::code_image))
        .route("/permohonan/{code}/perbaiki/isi", get(follow::correct_form).post(follow::correct_prefill))
        .route("/permohonan/{code}/tarik", get(follow::withdraw_form).post(follow::withdraw))
        .route("/permohonan/{code}/unduh", get(follow::back).post(follow::download))
        .route("/berkas/{token}", get(follow::file))
        .route("/s/{code}", get(verify::code))
        .route("/periksa", get(verify::check).post(verify::find))
        .route("/meja", get(work::list))
        .route("/meja/tanda-tangan", get(work::sign))
        .route("/meja/massal", get(bulk::list))
        .route("/meja/massal/{key}/tabel.csv", get(bulk::empty))
        .route("/meja/laporan", get(counts::page))
        .route("/meja/laporan.csv", get(counts::csv))
        .route("/meja/dokumen", get(archive::list))
        .route("/meja/dokumen/{document}", get(archive::one))
        .route("/meja/dokumen/{document}/berkas.pdf", get(archive::file))
        .route("/meja/dokumen/{document}/cabut", get(archive::one).post(archive::revoke))
        .route("/meja/dokumen/{document}/perpanjang", get(archive::one).post(archive::renew))
        .route("/meja/dokumen/{document}/perbaiki", get(archive::correct_form).post(archive::correct))
        .route("/meja/eviden", get(evidence::list))
        .route("/meja/eviden/{evidence}/berkas", get(evidence::file))
        .route("/meja/eviden/{evidence}/cabut", get(evidence::back).post(evidence::withdraw))
        .route("/bukti/{token}", get(evidence::open))
        .route("/meja/{application}", get(work::one))
        .route("/meja/{application}/draf.pdf", get(work::draft))
        .route("/meja/{application}/berkas/{file}", get(work::attachment))
        .route("/meja/{application}/oss", get(work::one).post(work::resend))
        .route("/meja/{application}/basah", get(by_hand::one).post(by_hand::choose))
        .route("/meja/{application}/basah/sahkan", get(by_hand::one).post(by_hand::confirm))
        .route("/meja/{application}/basah/lepas", get(by_hand::one).post(by_hand::discard))
        .route("/jenis-surat", get(catalogue::list))
        .route("/jenis-surat/pratinjau", post(catalogue::preview))
        .route("/jenis-surat/{key}", get(catalogue::editor).post(catalogue::save))
        .route("/jenis-surat/{key}/terbitkan", post(catalogue::publish))
        .route("/jenis-surat/{key}/tarik", post(catalogue::retire))
        .route("/jenis-surat/{key}/beda", get(catalogue::diff))
        .route("/kantor", get(offices::list))
        .route("/kantor/lambang/gambar", get(offices::image))
        .route("/kantor/lambang/lepas", get(offices::back).post(offices::take_away))
        .route("/peta", get(map::public))
        .route("/lacak", get(track::enter).post(track::find))
        .route("/lacak/cabut", get(track::back).post(track::withdraw))
        .route("/aduan", get(cases::list))
        .route("/aduan/identitas", get(reveal::list))
        .route("/aduan/peta", get(map::officers))
        .route("/aduan/sp4n", get(sp4n::page))
        .route("/aduan/sp4n/berkas", get(sp4n::export))
        .route("/aduan/sp4n/kabar", get(sp4n::page).post(sp4n::record))
        .route("/aduan/sp4n/satu", get(sp4n::page).post(sp4n::add))
        .route("/aduan/identitas/{reveal}", get(reveal::one).post(reveal::approve))
        .route("/aduan/{complaint}", get(cases::one))
        .route("/aduan/{complaint}/berkas/{file}", get(cases::file))
        .route("/aksi/{token}", get(reveal::link).post(reveal::use_link))
        .route("/kendali/aduan", get(lateness::board))
        .route("/kendali/aduan/laporan", get(lateness::report))
        .route("/kendali/aduan/{agency}/{measure}", get(lateness::list))
        .route("/pengaturan-aduan", get(settings::first))
        .route("/pengaturan-aduan/pesan", get(messages::list))
        .route("/pengaturan-aduan/pesan/{type}", get(messages::one).post(messages::save))
        .route("/pengaturan-aduan/pesan/{type}/{verb}", post(messages::decide))
        .route("/pengaturan-aduan/kontak", get(contacts::officials).post(contacts::save_official))
        .route("/pengaturan-aduan/pengiriman", get(delivery::show).post(delivery::save))
        .route("/pengaturan-aduan/tenggat/{deadline}/sahkan", post(settings::sign_off))
        .route("/pengaturan-aduan/{part}", get(settings::show).post(settings::save))
        // What a browser asks for by itself where a file, such as a PDF, names no icon.
        .route("/favicon.ico", get(assets::icon))
        .route("/assets/{*path}", get(assets::serve))
        .fallback(not_found)
        .with_state(state)
}

/// A page for people; programs get the bare status, which the gateway turns into a problem.
async fn not_found(State(_): State<WebState>, headers: HeaderMap, visit: Visit) -> Response {
    let accepts = headers.get(http::header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") {
        visit.missing("error.404")
    } else {
        let mut bare = Response::new(axum::body::Body::empty());
        *bare.status_mut() = http::StatusCode::NOT_FOUND;
        bare
    }
}
