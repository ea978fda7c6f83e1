//! What other systems are told of.

/// The types of events that other systems are told of.
pub const EVENT_TYPES: [&str; 20] = [
    "surat.diajukan",
    "surat.dikembalikan",
    "surat.disetujui",
    "surat.ditolak",
    "surat.dibatalkan",
    "surat.diserahkan",
    "surat.terlambat",
    "surat.dianggap_dikabulkan",
    "surat.menunggu_pembayaran",
    "surat.dibayar",
    "surat.dibebaskan",
    "surat.terbit",
    "surat.dicabut",
    "surat.digantikan",
    "surat.kedaluwarsa",
    "surat.berlaku",
    "izin.diterima",
    "izin.status",
    "izin.terbit",
    "izin.dicabut",
];

#[cfg(test)]
mod tests {
    use super::EVENT_TYPES;

    #[test]
    fn whatever_is_sent_can_be_asked_for() {
        let sources = [include_str!("../rpc/case.rs"), include_str!("../rpc/revoke_document.rs")];
        let sent: Vec<&str> = sources
            .iter()
            .flat_map(|source| source.split('"'))
            .filter(|text| text.strip_prefix("surat.").is_some_and(|rest| !rest.contains(' ')))
            .collect();
        assert!(sent.len() >= 12, "{sent:?}");
        for kind in sent {
            assert!(EVENT_TYPES.contains(&kind), "{kind}");
        }
    }
}
