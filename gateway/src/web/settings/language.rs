//! Languages that reporters are answered in: what each says, and which words it understands.

use mpp_proto::complaints::v1::{ApplyLanguageRequest, Language, LanguageWords};

use super::{Apply, Loaded, Look, Part, Refused, inputs::Maker, listed, yes};
use crate::web::{complaints, fields::Input, form::Sent};

/// What words of a language can mean, in the order of the form.
const MEANINGS: [&str; 9] =
    ["CHOOSE", "YES", "NEW", "DONE", "NOT_DONE", "OPEN", "ANONYMOUS", "SECRET", "TYPICAL"];

pub(super) fn load(look: &Look<'_>) -> Loaded {
    let t = look.t();
    let mut values = Sent::default();
    for (name, value) in [("aktif", "tidak"), ("keyakinan", "C")] {
        values.set(name, value);
    }
    if let Some(one) = look.languages.iter().find(|one| one.code == look.asked) {
        for (name, value) in [
            ("kode_bahasa", one.code.clone()),
            ("nama_bahasa", one.name.clone()),
            ("aktif", yes(one.active).to_owned()),
            ("keyakinan", one.confidence.clone()),
            ("sumber_bahasa", one.source.clone()),
        ] {
            values.set(name, value);
        }
        for (key, phrase) in &one.phrases {
            values.set(&format!("ucapan.{key}"), phrase);
        }
        for words in &one.words {
            values.set(&format!("kata.{}", words.meaning), words.words.join(", "));
        }
    }
    let row = |one: &Language| {
        let version = format!("{} {}", t["types.version"], one.version);
        let facts = vec![version, one.source.clone()];
        let mut row = look.row(Part::Language, &one.code, format!("{} · {}", one.name, one.code), facts);
        let sure = complaints::keyed("confidence", &one.confidence, t);
        row.chips.push((sure, if one.confidence == "C" { "warn" } else { "good" }));
        if !one.active {
            row.chips.push((t["rules.inactive"].clone(), "off"));
        }
        row
    };
    Loaded { rows: look.languages.iter().map(row).collect(), values }
}

/// An input for each phrase, called as it reads in Indonesian, and for each meaning.
pub(super) fn inputs(look: &Look<'_>, make: &Maker<'_>) -> Vec<Input> {
    let mut inputs = vec![
        make.line("kode_bahasa", true, 3),
        make.line("nama_bahasa", true, 60),
        make.active(),
        make.listed("keyakinan", "select", true, "confidence", &["A", "B", "C"]),
        make.line("sumber_bahasa", true, 300),
    ];
    for (key, phrase) in phrases(look.languages) {
        let label = look.t().say("rules.phrase", &[("phrase", &phrase)]);
        inputs.push(Input { label, ..make.area(&format!("ucapan.{key}"), false, 500) });
    }
    inputs.extend(MEANINGS.map(|meaning| {
        let name = format!("kata.{meaning}");
        Input { label: complaints::keyed("meaning", meaning, look.t()), ..make.line(&name, false, 2_000) }
    }));
    inputs
}

/// The input that a field of the request stands for.
pub(super) fn input_of(field: &str) -> &'static str {
    match field {
        "code" => "kode_bahasa",
        "name" => "nama_bahasa",
        "active" => "aktif",
        "confidence" => "keyakinan",
        "source" => "sumber_bahasa",
        "words" => "kata.CHOOSE",
        _ => "",
    }
}

pub(super) async fn save(apply: &Apply<'_>) -> Result<(), Refused> {
    let known = complaints::languages(apply.state, apply.visit).await?;
    let request =
        ApplyLanguageRequest { request_id: apply.request_id.clone(), language: Some(typed(apply, &known)) };
    apply.service().apply_language(apply.call(request)).await?;
    Ok(())
}

/// What was typed in of a language. What is left empty, or as it ships, is said as it ships in that language, and in
/// Indonesian where nothing does; complaints keeps only what differs.
fn typed(apply: &Apply<'_>, known: &[Language]) -> Language {
    let said = phrases(known).into_iter().map(|(key, _)| {
        let phrase = apply.text(&format!("ucapan.{key}"));
        (key, phrase.trim().to_owned())
    });
    let words = MEANINGS.map(|meaning| LanguageWords {
        meaning: meaning.to_owned(),
        words: listed(apply.sent.get(&format!("kata.{meaning}"))),
    });
    Language {
        code: apply.text("kode_bahasa"),
        name: apply.text("nama_bahasa"),
        active: apply.is("aktif"),
        confidence: apply.text("keyakinan"),
        source: apply.text("sumber_bahasa"),
        phrases: said.filter(|(_, phrase)| !phrase.is_empty()).collect(),
        words: words.into_iter().filter(|it| !it.words.is_empty()).collect(),
        ..Language::default()
    }
}

/// All there is to say, by its key, as it reads in Indonesian.
fn phrases(languages: &[Language]) -> Vec<(String, String)> {
    let indonesian = languages.iter().find(|one| one.code == "id");
    let mut all: Vec<_> = indonesian.into_iter().flat_map(|one| one.phrases.clone()).collect();
    all.sort();
    all
}
