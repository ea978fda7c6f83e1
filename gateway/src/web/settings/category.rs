//! Categories of complaints, with the questions that a report of each asks.

use std::collections::HashMap;

use mpp_proto::complaints::v1::{ApplyCategoryRequest, Category, ExtraQuestion};
use tonic::Status;

use super::{Apply, Loaded, Look, Part, Refused, inputs::Maker, listed, yes};
use crate::web::{complaints, fields::Input, form::Sent};

pub(super) async fn load(look: &Look<'_>) -> Result<Loaded, Status> {
    let all = complaints::categories(look.state, look.visit).await?;
    let t = look.t();
    let mut values = Sent::default();
    values.set("aktif", "ya");
    values.set("jarak", "200");
    if let Some(one) = all.iter().find(|one| one.key == look.asked) {
        for (name, value) in [
            ("kunci", one.key.clone()),
            ("induk", one.parent.clone()),
            ("nama", one.name.clone()),
            ("uraian", one.description.clone()),
            ("kata_kunci", one.keywords.join(", ")),
            ("instansi", one.agency_id.clone()),
            ("jenis_tenggat", one.deadline_kind.clone()),
            ("pertanyaan", one.questions.iter().map(question_line).collect::<Vec<_>>().join("\n")),
            ("jarak", one.duplicate_metres.to_string()),
            ("aktif", yes(one.active).to_owned()),
            ("darurat", one.emergency_advice.clone()),
        ] {
            values.set(name, value);
        }
    }
    let row = |one: &Category| {
        let facts = vec![
            complaints::agency_name(&one.agency_id, look.agencies, t),
            one.deadline_kind.clone(),
            one.description.clone(),
        ];
        let mut row = look.row(Part::Category, &one.key, format!("{} · {}", one.name, one.key), facts);
        if !one.active {
            row.chips.push((t["rules.inactive"].clone(), "off"));
        }
        row
    };
    Ok(Loaded { rows: all.iter().map(row).collect(), values })
}

pub(super) fn inputs(look: &Look<'_>, make: &Maker<'_>) -> Vec<Input> {
    vec![
        make.line("kunci", true, 40),
        make.line("nama", true, 100),
        make.line("induk", false, 40),
        make.area("uraian", false, 500),
        make.line("kata_kunci", false, 500),
        make.choose("instansi", "select", false, look.agency_choices(make)),
        make.line("jenis_tenggat", false, 40),
        make.line("jarak", false, 6),
        make.area("pertanyaan", false, 4_000),
        make.area("darurat", false, 500),
        make.active(),
    ]
}

/// The input that a field of the request stands for.
pub(super) fn input_of(field: &str) -> &'static str {
    match field {
        "key" => "kunci",
        "parent" => "induk",
        "description" => "uraian",
        "keywords" => "kata_kunci",
        "questions" => "pertanyaan",
        "duplicate_metres" => "jarak",
        "emergency_advice" => "darurat",
        "deadline_kind" => "jenis_tenggat",
        "agency_id" => "instansi",
        "name" => "nama",
        _ => "",
    }
}

pub(super) async fn save(apply: &Apply<'_>) -> Result<(), Refused> {
    let category = Category {
        key: apply.text("kunci"),
        parent: apply.text("induk"),
        name: apply.text("nama"),
        description: apply.text("uraian"),
        keywords: listed(apply.sent.get("kata_kunci")),
        agency_id: apply.text("instansi"),
        deadline_kind: apply.text("jenis_tenggat"),
        questions: numbered(apply.lines("pertanyaan", "rules.bad_question", question)?),
        duplicate_metres: apply.number("jarak")?,
        active: apply.is("aktif"),
        emergency_advice: apply.text("darurat"),
    };
    let request = ApplyCategoryRequest { request_id: apply.request_id.clone(), category: Some(category) };
    apply.service().apply_category(apply.call(request)).await?;
    Ok(())
}

/// Questions in the order in which they were written.
fn numbered(questions: Vec<ExtraQuestion>) -> Vec<ExtraQuestion> {
    (1..).zip(questions).map(|(order, question)| ExtraQuestion { order, ..question }).collect()
}

/// `kunci | pertanyaan | tipe | wajib | nilai=label; nilai=label`.
fn question(line: &str) -> Option<ExtraQuestion> {
    let mut parts = line.split('|').map(str::trim);
    let (key, label) = (parts.next()?, parts.next()?);
    let (datatype, required) = (parts.next().unwrap_or("string"), parts.next().unwrap_or_default());
    let values: Option<HashMap<String, String>> = parts
        .next()
        .unwrap_or_default()
        .split(';')
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .map(|value| value.split_once('=').map(|(key, name)| (key.trim().to_owned(), name.trim().to_owned())))
        .collect();
    (!key.is_empty() && !label.is_empty()).then_some(ExtraQuestion {
        key: key.to_owned(),
        label: label.to_owned(),
        datatype: datatype.to_owned(),
        required: required == "wajib",
        values: values?,
        order: 0,
    })
}

fn question_line(question: &ExtraQuestion) -> String {
    let mut values: Vec<String> = question.values.iter().map(|(key, name)| format!("{key}={name}")).collect();
    values.sort();
    let required = if question.required { "wajib" } else { "" };
    let line = format!(
        "{} | {} | {} | {required} | {}",
        question.key,
        question.label,
        question.datatype,
        values.join("; ")
    );
    line.trim_end_matches([' ', '|']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_read_as_they_are_written() {
        let line = "ukuran | Seberapa besar? | singlevaluelist | wajib | b=Besar; k=Kecil";
        let read = question(line).expect("a question");
        assert!(read.required && read.values["b"] == "Besar");
        assert_eq!(question_line(&read), line);
        assert_eq!(
            question_line(&question("jalan | Nama jalan").expect("a question")),
            "jalan | Nama jalan | string"
        );
        assert_eq!(question("tanpa"), None);
    }
}
