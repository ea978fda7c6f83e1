//! From what the service found wrong to the input that it is about.

use std::collections::BTreeMap;

use mpp_proto::documents::v1::{LetterType, Requirement};
use tonic::Status;
use tonic_types::StatusExt as _;

use super::{cell_name, input_name, paper_name};
use crate::web::visit::Visit;

/// What is wrong, by the name of the input; under "" what is about none of them.
#[derive(Debug, Default)]
pub(crate) struct Faults(BTreeMap<String, Vec<String>>);

impl Faults {
    /// Notes a fault of an input.
    pub(crate) fn note(&mut self, name: &str, sentence: impl Into<String>) {
        self.0.entry(name.to_owned()).or_default().push(sentence.into());
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with an input.
    pub(crate) fn of(&self, name: &str) -> String {
        self.0.get(name).map(|found| found.join(" ")).unwrap_or_default()
    }

    /// What a refusal of the documents service is about.
    pub(crate) fn read(status: &Status, kind: &LetterType, visit: &Visit) -> Self {
        Self::placed(status, visit, |field| place(field, kind))
    }

    /// What a refusal is about: `place` answers the input that a field of the request stands for; "" for none of them.
    pub(crate) fn placed(status: &Status, visit: &Visit, place: impl Fn(&str) -> String) -> Self {
        let mut faults = Self::default();
        let details = status.get_error_details();
        for violation in details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default()
        {
            faults.note(&place(&violation.field), sentence(&violation.description));
        }
        if faults.is_empty() {
            faults.note("", visit.sentence(status));
        }
        faults
    }

    /// What stands in the summary: the id of the input, or "", its label and what is wrong. In the order of the page.
    pub(crate) fn summary<S: AsRef<str>>(
        &self,
        inputs: impl IntoIterator<Item = (S, S, S)>,
    ) -> Vec<(String, String, String)> {
        let mut left: BTreeMap<&str, String> =
            self.0.iter().map(|(name, found)| (name.as_str(), found.join(" "))).collect();
        let mut lines = Vec::new();
        for (name, id, label) in inputs {
            if let Some(found) = left.remove(name.as_ref()) {
                lines.push((id.as_ref().to_owned(), label.as_ref().to_owned(), found));
            }
        }
        lines.extend(left.into_values().map(|found| (String::new(), String::new(), found)));
        lines
    }
}

/// What a refusal says is wrong, as sentences.
fn violations(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let found = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
    found.iter().map(|violation| sentence(&violation.description)).collect()
}

/// A refusal in sentences: what is wrong with what was typed in or chosen, else what the service says.
pub(crate) fn refusal(status: &Status, visit: &Visit) -> String {
    let wrong = violations(status);
    if wrong.is_empty() { visit.sentence(status) } else { wrong.join(" ") }
}

/// The first thing that a refusal says is wrong, as a sentence.
pub(crate) fn first_told(status: &Status, visit: &Visit) -> String {
    let details = status.get_error_details();
    let told = details.bad_request().and_then(|bad| bad.field_violations.first());
    told.map_or_else(|| visit.sentence(status), |violation| sentence(&violation.description))
}

/// The input that a field of the request stands for.
fn place(field: &str, kind: &LetterType) -> String {
    let subject = match field.strip_prefix("subject.").unwrap_or(field) {
        "name" => Some("nama"),
        "nik" => Some("nik"),
        "family_card" => Some("kk"),
        "area" => Some("desa"),
        "office_id" if kind.steps.iter().any(|step| step.level == "AGENCY") => Some("kantor"),
        "office_id" => Some("desa"),
        "address" => Some("alamat"),
        "phone" => Some("telepon"),
        "email" => Some("surel"),
        "reason" => Some("alasan"),
        _ => None,
    };
    let is_field = |key: &str| kind.fields.iter().any(|one| one.key == key);
    if field.starts_with("subject.") || (subject.is_some() && !is_field(field)) {
        return subject.unwrap_or_default().to_owned();
    }
    let key = field.strip_prefix("values.").unwrap_or(field);
    if is_field(key) {
        return input_name(key);
    }
    // A cell of a list: heirs[0].name.
    let cell = key.split_once('[').and_then(|(list, rest)| {
        let (row, column) = rest.split_once("].")?;
        Some((list, row.parse::<usize>().ok()?, column))
    });
    if let Some((list, row, column)) = cell.filter(|(list, ..)| is_field(list)) {
        return cell_name(list, row, column);
    }
    if field.starts_with("attachments") || field.starts_with("requirements") {
        let named = |one: &&Requirement| field.split(['.', '[', ']', '"']).any(|part| part == one.key);
        return kind.requirements.iter().find(named).map(|one| paper_name(&one.key)).unwrap_or_default();
    }
    String::new()
}

/// A description of a violation as a sentence: services write it as the rest of one.
fn sentence(description: &str) -> String {
    let mut letters = description.trim().chars();
    let first: String = letters.next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
    let text = first + letters.as_str();
    if text.ends_with(['.', '!', '?']) || text.is_empty() { text } else { text + "." }
}

#[cfg(test)]
mod tests {
    use mpp_proto::documents::v1::{FieldKind, FormField, StepPlan};

    use super::*;
    use crate::web::fields::kind;

    #[test]
    fn a_fault_is_shown_at_the_input_it_is_about() {
        for (field, name) in [
            ("subject.nik", "nik"),
            ("subject.area", "desa"),
            ("values.penghasilan", "isi.penghasilan"),
            ("nama_anak", "isi.nama_anak"),
            ("attachments[ktp]", "lampiran.ktp"),
            ("attachments.ktp.file_id", "lampiran.ktp"),
            ("attachments", ""),
            ("letter_type", ""),
        ] {
            assert_eq!(place(field, &kind()), name, "{field}");
        }
        let list = FormField { key: "saksi".into(), kind: FieldKind::List.into(), ..FormField::default() };
        let with_list = LetterType { fields: vec![list], ..kind() };
        assert_eq!(place("values.saksi[1].nik", &with_list), "isi.saksi.1.nik");
        assert_eq!(place("values.saksi", &with_list), "isi.saksi");
        // The agency is chosen where one takes part; else the village says which office it is.
        let agency = StepPlan { level: "AGENCY".into(), ..StepPlan::default() };
        let chain = LetterType { steps: vec![agency], ..kind() };
        assert_eq!(
            (place("office_id", &chain), place("office_id", &kind())),
            ("kantor".to_owned(), "desa".to_owned())
        );
        assert_eq!(sentence("isi 16 angka"), "Isi 16 angka.");
    }
}
