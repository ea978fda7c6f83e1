//! What all pages of staff have in common.

use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    fake::Gate,
    letters::{get, location, plain},
};

/// Every page that asks who somebody is.
const PAGES: [&str; 57] = [
    "/loket",
    "/kendali",
    "/resepsi",
    "/pesan",
    "/kontak",
    "/meja",
    "/meja/tanda-tangan",
    "/meja/massal",
    "/meja/massal/sktm",
    "/meja/massal/sktm/tabel.csv",
    "/meja/laporan",
    "/meja/laporan.csv",
    "/meja/dokumen",
    "/meja/dokumen/doc_1",
    "/meja/dokumen/doc_1/berkas.pdf",
    "/meja/dokumen/doc_1/cabut",
    "/meja/dokumen/doc_1/perpanjang",
    "/meja/dokumen/doc_1/perbaiki",
    "/meja/eviden",
    "/meja/eviden/tambah",
    "/meja/eviden/evd_1/berkas",
    "/meja/app_1",
    "/meja/app_1/draf.pdf",
    "/meja/app_1/berkas/fil_1",
    "/meja/app_1/oss",
    "/meja/app_1/basah",
    "/meja/app_1/basah/pindaian",
    "/meja/app_1/basah/sahkan",
    "/meja/app_1/basah/lepas",
    "/jenis-surat",
    "/jenis-surat/sktm",
    "/jenis-surat/sktm/beda",
    "/kantor",
    "/kantor/lambang",
    "/kantor/lambang/gambar",
    "/meja-pengaduan",
    "/aduan",
    "/aduan/identitas",
    "/aduan/identitas/rev_1",
    "/aduan/peta",
    "/aduan/sp4n",
    "/aduan/sp4n/impor",
    "/aduan/sp4n/berkas",
    "/aduan/sp4n/kabar",
    "/aduan/sp4n/satu",
    "/aduan/cmp_1",
    "/aduan/cmp_1/berkas/fil_1",
    "/aksi/token",
    "/kendali/aduan",
    "/kendali/aduan/laporan",
    "/kendali/aduan/agc_1/terlambat",
    "/pengaturan-aduan",
    "/pengaturan-aduan/kategori",
    "/pengaturan-aduan/pesan",
    "/pengaturan-aduan/pesan/COMPLAINT_RECEIVED",
    "/pengaturan-aduan/kontak",
    "/pengaturan-aduan/pengiriman",
];

/// Every press that asks the same.
const PRESSES: [&str; 34] = [
    "/pesan/semua",
    "/kontak",
    "/kontak/persetujuan",
    "/meja/massal/sktm",
    "/meja/dokumen/doc_1/cabut",
    "/meja/dokumen/doc_1/perpanjang",
    "/meja/dokumen/doc_1/perbaiki",
    "/meja/eviden/tambah",
    "/meja/eviden/evd_1/cabut",
    "/meja/app_1/oss",
    "/meja/app_1/basah",
    "/meja/app_1/basah/pindaian",
    "/meja/app_1/basah/sahkan",
    "/meja/app_1/basah/lepas",
    "/jenis-surat/pratinjau",
    "/jenis-surat/sktm",
    "/jenis-surat/sktm/terbitkan",
    "/jenis-surat/sktm/tarik",
    "/kantor/lambang",
    "/kantor/lambang/lepas",
    "/meja-pengaduan",
    "/aduan/sp4n/impor",
    "/aduan/sp4n/kabar",
    "/aduan/sp4n/satu",
    "/aduan/identitas/rev_1",
    "/aduan/cmp_1/terima",
    "/aksi/token",
    "/pengaturan-aduan/kategori",
    "/pengaturan-aduan/pesan/COMPLAINT_RECEIVED",
    "/pengaturan-aduan/pesan/COMPLAINT_RECEIVED/setujui",
    "/pengaturan-aduan/kontak",
    "/pengaturan-aduan/pengiriman",
    "/pengaturan-aduan/tenggat/ddl_1/sahkan",
    "/pengaturan-aduan/bahasa",
];

#[tokio::test]
async fn who_is_not_signed_in_is_asked_to_and_comes_back_to_where_he_was() {
    let gate = Gate::start().await;
    let pages = PAGES.map(|path| (path, get(path)));
    let presses = PRESSES.map(|path| (path, plain(path, "")));
    for (path, request) in pages.into_iter().chain(presses) {
        let method = request.method().clone();
        let answer = gate.send(request).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{method} {path}");
        let back = utf8_percent_encode(path, NON_ALPHANUMERIC);
        assert_eq!(location(&answer), format!("/masuk?ke={back}"), "{method} {path}");
    }
}
