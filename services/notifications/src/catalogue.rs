//! The types of messages, shipped as data: one file each in `catalogue/`, with the first version of every text.

use serde::Deserialize;

use crate::domain::channel::Channel;
use crate::domain::message_type::MessageType;
use crate::domain::template;
use crate::domain::variant::Button;

/// The files. What an installation changes are versions of texts, not these.
const FILES: [&str; 32] = [
    include_str!("../catalogue/aduan_selesai.toml"),
    include_str!("../catalogue/bukti_akan_berakhir.toml"),
    include_str!("../catalogue/bukti_berakhir.toml"),
    include_str!("../catalogue/eskalasi.toml"),
    include_str!("../catalogue/eskalasi_darurat.toml"),
    include_str!("../catalogue/gangguan_pengiriman.toml"),
    include_str!("../catalogue/jawaban_akhir.toml"),
    include_str!("../catalogue/jawaban_akhir_tersedia.toml"),
    include_str!("../catalogue/jawaban_awal.toml"),
    include_str!("../catalogue/jawaban_tersedia.toml"),
    include_str!("../catalogue/kelengkapan_diminta.toml"),
    include_str!("../catalogue/kontak_tidak_sampai.toml"),
    include_str!("../catalogue/minta_kelengkapan.toml"),
    include_str!("../catalogue/pengungkapan_identitas.toml"),
    include_str!("../catalogue/penugasan.toml"),
    include_str!("../catalogue/peringatan_tenggat.toml"),
    include_str!("../catalogue/perubahan_status.toml"),
    include_str!("../catalogue/ringkasan.toml"),
    include_str!("../catalogue/surat_dianggap_dikabulkan.toml"),
    include_str!("../catalogue/surat_dicabut.toml"),
    include_str!("../catalogue/surat_digantikan.toml"),
    include_str!("../catalogue/surat_dikembalikan.toml"),
    include_str!("../catalogue/surat_diterima.toml"),
    include_str!("../catalogue/surat_ditolak.toml"),
    include_str!("../catalogue/surat_menunggu_anda.toml"),
    include_str!("../catalogue/surat_menunggu_pembayaran.toml"),
    include_str!("../catalogue/surat_menunggu_tanda_tangan.toml"),
    include_str!("../catalogue/surat_terbit.toml"),
    include_str!("../catalogue/surat_terbit_basah.toml"),
    include_str!("../catalogue/surat_terlambat.toml"),
    include_str!("../catalogue/tanda_terima.toml"),
    include_str!("../catalogue/webhook_nonaktif.toml"),
];

/// The type that tells a coordinator of an official who cannot be reached.
pub(crate) const CONTACT_LOST: &str = "kontak_tidak_sampai";
/// The type that tells the owner of a callback that it gets nothing any more.
pub(crate) const CALLBACK_DISABLED: &str = "webhook_nonaktif";
/// The type that tells administrators of trouble.
pub(crate) const TROUBLE: &str = "gangguan_pengiriman";

/// The first version of a text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirstText {
    pub(crate) channel: Channel,
    pub(crate) language: String,
    #[serde(default)]
    pub(crate) subject: String,
    pub(crate) body: String,
    #[serde(default)]
    pub(crate) buttons: Vec<Button>,
    #[serde(default)]
    pub(crate) template_name: String,
    /// Whether nobody has vouched for it yet: it waits as a draft, for somebody who speaks the language.
    #[serde(default)]
    pub(crate) draft: bool,
}

/// A type with its first texts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Shipped {
    #[serde(flatten)]
    pub(crate) kind: MessageType,
    pub(crate) variants: Vec<FirstText>,
}

/// The types, by key.
#[derive(Debug, Clone)]
pub(crate) struct Catalogue(Vec<Shipped>);

impl Catalogue {
    /// Reads the files.
    ///
    /// # Errors
    /// Which file is damaged, and why.
    pub(crate) fn load() -> anyhow::Result<Self> {
        let mut types = Vec::new();
        for file in FILES {
            let shipped: Shipped = toml::from_str(file)?;
            for text in &shipped.variants {
                for part in [&text.subject, &text.body] {
                    let parts = template::parse(part)?;
                    for gap in template::gaps(&parts) {
                        anyhow::ensure!(shipped.kind.has_gap(gap), "{}: no gap {gap}", shipped.kind.key);
                    }
                }
            }
            types.push(shipped);
        }
        types.sort_by(|a, b| a.kind.key.cmp(&b.kind.key));
        Ok(Self(types))
    }

    /// The type with this key.
    pub(crate) fn find(&self, key: &str) -> Option<&MessageType> {
        self.0.iter().map(|shipped| &shipped.kind).find(|kind| kind.key == key)
    }

    /// Every type, by key.
    pub(crate) fn all(&self) -> &[Shipped] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::variant::ButtonKind;

    #[test]
    fn c_65_texts_in_banjar_wait_as_drafts_with_every_gap_of_the_indonesian_one() {
        let catalogue = Catalogue::load().unwrap();
        let mut found = 0;
        for shipped in catalogue.all() {
            for text in shipped.variants.iter().filter(|text| text.language == "bjn") {
                let key = &shipped.kind.key;
                assert!(text.draft, "{key}: a native speaker has to read it first");
                assert!(text.template_name.is_empty(), "{key}: Meta has no templates in Banjar");
                let parts = template::parse(&text.body).unwrap();
                for gap in &shipped.kind.placeholders {
                    assert!(template::gaps(&parts).contains(&gap.name.as_str()), "{key}: {}", gap.name);
                }
                let indonesian = shipped.variants.iter();
                let indonesian = indonesian
                    .filter(|it| it.language == "id")
                    .find(|it| it.channel == text.channel)
                    .unwrap();
                let keys =
                    |text: &FirstText| text.buttons.iter().map(|it| it.key.clone()).collect::<Vec<_>>();
                assert_eq!(keys(text), keys(indonesian), "{key}");
                found += 1;
            }
            assert!(
                shipped.variants.iter().all(|it| !it.draft || it.language == "bjn"),
                "{}",
                shipped.kind.key
            );
        }
        assert_eq!(found, 10);
    }

    #[test]
    fn every_type_has_a_text_in_both_languages_for_each_step_of_its_plan() {
        let catalogue = Catalogue::load().unwrap();
        assert_eq!(catalogue.all().len(), FILES.len());
        for shipped in catalogue.all() {
            let key = &shipped.kind.key;
            for step in &shipped.kind.plan {
                for language in ["id", "en"] {
                    let text = shipped
                        .variants
                        .iter()
                        .find(|text| text.channel == step.channel && text.language == language)
                        .unwrap_or_else(|| panic!("{key} {} {language}", step.channel));
                    assert_eq!(text.template_name.is_empty(), step.channel != Channel::Whatsapp, "{key}");
                    assert!(text.body.chars().count() <= 1024, "{key}");
                    let parts = template::parse(&text.body).unwrap();
                    // Every gap is said somewhere: a value that is asked for and never shown is a mistake.
                    for gap in &shipped.kind.placeholders {
                        assert!(template::gaps(&parts).contains(&gap.name.as_str()), "{key}: {}", gap.name);
                    }
                    for button in text.buttons.iter().filter(|button| button.kind == ButtonKind::Link) {
                        assert!(shipped.kind.actions.contains(&button.key), "{key}: {}", button.key);
                        assert!(button.label.chars().count() <= 20, "{key}");
                    }
                }
            }
        }
    }
}
