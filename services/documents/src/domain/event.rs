//! What other systems are told of.

/// The types of events that other systems are told of.
pub const EVENT_TYPES: [&str; 14] = [
    "surat.diajukan",
    "surat.dikembalikan",
    "surat.disetujui",
    "surat.ditolak",
    "surat.menunggu_pembayaran",
    "surat.dibayar",
    "surat.dibebaskan",
    "surat.terbit",
    "surat.dicabut",
    "surat.kedaluwarsa",
    "izin.diterima",
    "izin.status",
    "izin.terbit",
    "izin.dicabut",
];
