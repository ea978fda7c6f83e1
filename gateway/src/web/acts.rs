//! What an officer can do with a case: a form for each verb that the service permits. What a press of it
//! does has a room of its own.

use mpp_proto::complaints::v1::{CaseVerb, Complaint, ComplaintLine, Publication, ResponseTemplate};
use uuid::Uuid;

use super::{
    cases::{self, Names},
    complaints,
    fields::{Choice, Faults, Input, Paper},
    form::Sent,
    visit::{Viewer, Visit},
    words::Words,
};

mod press;

pub(crate) use press::press;

/// Places for proof in a substantive answer, and for what a reporter brought.
const PROOF: [&str; 3] = ["bukti1", "bukti2", "bukti3"];
/// Agencies that can be asked for help at once.
const HELPERS: [&str; 2] = ["1", "2"];
/// Reasons that stand in the place of proof.
const WITHOUT_PROOF: [&str; 4] =
    ["INFORMATION_GIVEN", "NOT_FOUND_ON_SITE", "NO_BUDGET_THIS_YEAR", "PRIVATE_MATTER"];
/// Why a case is not the regency's to decide.
const OUTSIDE: [&str; 6] =
    ["CENTRAL_GOVERNMENT", "PROVINCE", "OTHER_REGENCY", "STATE_COMPANY", "COURT", "POLICE"];
/// Why a case cannot be worked on.
const ARCHIVE: [&str; 6] = ["UNCLEAR", "NOT_A_REPORT", "DUPLICATE_OF_SETTLED", "ABUSIVE", "TEST", "IN_COURT"];

/// A form of the case page.
pub(crate) struct Act {
    /// The end of its address, and its place on the page.
    pub(crate) slug: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) title: String,
    pub(crate) lead: String,
    /// `primary` for what usually comes next, `danger` for what ends a case, or neither.
    pub(crate) tone: &'static str,
    pub(crate) inputs: Vec<Input>,
    pub(crate) papers: Vec<Paper>,
    /// Texts to start from, and the input they go into.
    pub(crate) examples: Vec<(String, String)>,
    pub(crate) fills: String,
    pub(crate) open: bool,
    pub(crate) error: String,
    pub(crate) key: String,
    /// Whether it is the first of those that change no state.
    pub(crate) begins_others: bool,
}

/// What forms are made of.
pub(crate) struct Desk<'a> {
    pub(crate) one: &'a Complaint,
    pub(crate) names: &'a Names,
    pub(crate) templates: &'a [ResponseTemplate],
    pub(crate) alike: &'a [ComplaintLine],
    pub(crate) viewer: &'a Viewer,
    pub(crate) visit: &'a Visit,
}

/// A press that was refused: its form is shown again, open, with what was typed and what is wrong with it.
#[derive(Default)]
pub(crate) struct Pressed {
    slug: String,
    sent: Sent,
    faults: Faults,
}

/// Makes one form.
struct Maker<'a> {
    desk: &'a Desk<'a>,
    pressed: &'a Pressed,
    slug: &'static str,
}

impl Maker<'_> {
    fn is_pressed(&self) -> bool {
        self.pressed.slug == self.slug
    }

    fn t(&self) -> &'static Words {
        self.desk.visit.words()
    }

    fn sent(&self, name: &str) -> &str {
        if self.is_pressed() { self.pressed.sent.get(name) } else { "" }
    }

    fn input(&self, name: &str, shape: &'static str, required: bool, max_length: i32) -> Input {
        let t = self.t();
        // `batas1` and `batas2` are asked with the same words.
        let word = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        Input {
            name: name.to_owned(),
            id: format!("{}-{name}", self.slug),
            shape,
            kind: if shape == "line" { "text" } else { "" },
            autocomplete: if shape == "line" || shape == "area" { "off" } else { "" },
            label: self.t()[&format!("field.{word}")].clone(),
            help: t.find(&format!("field.{word}_help")).unwrap_or_default().to_owned(),
            required,
            max_length,
            value: self.sent(name).to_owned(),
            error: if self.is_pressed() { self.pressed.faults.of(name) } else { String::new() },
            ..Input::default()
        }
    }

    fn line(&self, name: &str, required: bool, max_length: i32) -> Input {
        self.input(name, "line", required, max_length)
    }

    fn area(&self, name: &str, required: bool, max_length: i32) -> Input {
        self.input(name, "area", required, max_length)
    }

    fn choose(&self, name: &str, shape: &'static str, required: bool, choices: Vec<Choice>) -> Input {
        Input { choices, ..self.input(name, shape, required, 0) }
    }

    fn listed(&self, name: &str, shape: &'static str, required: bool, values: &[&str]) -> Input {
        let choices = complaints::choices(values, "why", self.sent(name), self.t());
        self.choose(name, shape, required, choices)
    }

    fn moment(&self, name: &str) -> Input {
        Input { kind: "datetime-local", ..self.line(name, false, 0) }
    }

    fn agencies(&self, name: &str, required: bool, usual: &str) -> Input {
        let chosen = if self.is_pressed() { self.sent(name) } else { usual };
        let choices = complaints::agency_choices(&self.desk.names.agencies, chosen);
        self.choose(name, "select", required, choices)
    }

    /// Which of the reporters it is about.
    fn reporter(&self) -> Input {
        let reporters = &self.desk.one.reporters;
        let (alone, sent) = (reporters.len() == 1, self.sent("pelapor"));
        let choices = reporters.iter().map(|reporter| Choice {
            value: reporter.pseudonym.clone(),
            label: reporter.pseudonym.clone(),
            chosen: alone || sent == reporter.pseudonym,
            ..Choice::default()
        });
        self.choose("pelapor", "select", true, choices.collect())
    }

    /// Places for files.
    fn papers(&self, label: &str) -> Vec<Paper> {
        let (nothing, none) = (Sent::default(), Faults::default());
        let (sent, faults) = match self.is_pressed() {
            true => (&self.pressed.sent, &self.pressed.faults),
            false => (&nothing, &none),
        };
        complaints::papers(&PROOF, &self.t()[label], sent, faults, self.desk.visit)
    }

    fn examples(&self, kind: &str) -> Vec<(String, String)> {
        self.desk
            .templates
            .iter()
            .filter(|text| text.active && text.kind == kind)
            .map(|text| (text.name.clone(), text.text.clone()))
            .collect()
    }

    fn form(&self, icon: &'static str, tone: &'static str, inputs: Vec<Input>) -> Act {
        let t = self.t();
        let key = if self.is_pressed() { self.sent("kunci").to_owned() } else { Uuid::new_v4().to_string() };
        let error = match self.is_pressed() {
            true => {
                let order = inputs.iter().map(|input| (input.name.as_str(), "", ""));
                let lines = self.pressed.faults.summary(order);
                lines.into_iter().map(|(_, _, told)| told).collect::<Vec<_>>().join(" ")
            }
            false => String::new(),
        };
        Act {
            slug: self.slug,
            icon,
            title: t[&format!("act.{}", self.slug)].clone(),
            lead: t.find(&format!("act.{}_lead", self.slug)).unwrap_or_default().to_owned(),
            tone,
            inputs,
            papers: Vec::new(),
            examples: Vec::new(),
            fills: String::new(),
            open: self.is_pressed(),
            error,
            key,
            begins_others: false,
        }
    }

    /// A form whose text can start from one that was prepared.
    fn written(
        &self,
        icon: &'static str,
        tone: &'static str,
        inputs: Vec<Input>,
        kind: &str,
        into: &str,
    ) -> Act {
        Act {
            examples: self.examples(kind),
            fills: format!("{}-{into}", self.slug),
            ..self.form(icon, tone, inputs)
        }
    }
}

/// The forms of the verbs that are permitted now, in the order in which a case usually goes, and of what can be done at any
/// time.
pub(crate) fn offered(desk: &Desk<'_>, pressed: &Pressed) -> Vec<Act> {
    let mut acts: Vec<Act> = ORDER
        .iter()
        .filter(|(verb, ..)| desk.one.allowed().any(|allowed| allowed == *verb))
        .filter_map(|(_, slug)| state_act(&Maker { desk, pressed, slug }))
        .collect();
    // What usually comes next is the first that ends nothing.
    if let Some(next) = acts.iter_mut().find(|act| act.tone.is_empty()) {
        next.tone = "primary";
    }
    let first = acts.len();
    acts.extend(OTHERS.iter().filter_map(|slug| other_act(&Maker { desk, pressed, slug })));
    if let Some(other) = acts.get_mut(first) {
        other.begins_others = true;
    }
    acts
}

/// Verbs of officers with the end of their address.
const ORDER: [(CaseVerb, &str); 13] = [
    (CaseVerb::Accept, "terima"),
    (CaseVerb::Dispose, "disposisi"),
    (CaseVerb::Verify, "verifikasi"),
    (CaseVerb::Answer, "respon-substantif"),
    (CaseVerb::FirstAnswer, "respon-awal"),
    (CaseVerb::AskCompletion, "minta-kelengkapan"),
    (CaseVerb::Complete, "lengkapi"),
    (CaseVerb::TakeBackQuestion, "tarik-pertanyaan"),
    (CaseVerb::Bounce, "tolak-balik"),
    (CaseVerb::Reopen, "buka-kembali"),
    (CaseVerb::Merge, "gabung"),
    (CaseVerb::ForwardOutside, "teruskan"),
    (CaseVerb::Archive, "arsip"),
];

/// What changes no state.
const OTHERS: [&str; 7] =
    ["sudah-disampaikan", "bantuan", "catatan", "kategori", "publikasi", "identitas", "sp4n"];

fn state_act(make: &Maker<'_>) -> Option<Act> {
    let desk = make.desk;
    Some(match make.slug {
        "terima" => make.form("check", "", Vec::new()),
        "verifikasi" => make.form("check", "", vec![make.area("catatan", false, 4_000)]),
        "disposisi" => {
            let usual = desk.names.categories.iter().find(|one| one.key == desk.one.category);
            let usual = usual.map(|one| one.agency_id.as_str()).unwrap_or_default();
            let mut inputs = vec![make.agencies("instansi", true, usual), make.area("catatan", false, 4_000)];
            for at in HELPERS {
                inputs.push(make.agencies(&format!("bantu{at}"), false, ""));
                inputs.push(make.line(&format!("tugas{at}"), false, 500));
                inputs.push(make.moment(&format!("batas{at}")));
            }
            make.form("transfer", "", inputs)
        }
        "tolak-balik" => make.form("undo", "quiet", vec![make.area("alasan", true, 1_000)]),
        "minta-kelengkapan" => make.written(
            "bell",
            "quiet",
            vec![make.area("pertanyaan", true, 2_000)],
            "QUESTION",
            "pertanyaan",
        ),
        "lengkapi" => {
            let mut inputs = Vec::new();
            if desk.one.reporters.len() > 1 {
                inputs.push(make.reporter());
            }
            inputs.extend([make.area("kelengkapan", true, 4_000), make.area("asal_jawaban", true, 1_000)]);
            // Whoever can be reached is waited for; for everybody else this is what comes next.
            let waited_for = desk.one.reporters.iter().any(|reporter| reporter.reachable);
            let tone = if waited_for { "quiet" } else { "" };
            Act { papers: make.papers("field.berkas"), ..make.form("pen", tone, inputs) }
        }
        "tarik-pertanyaan" => make.form("undo", "quiet", vec![make.area("alasan", true, 1_000)]),
        "respon-awal" => {
            make.written("pen", "", vec![make.area("jawaban", true, 4_000)], "FIRST_ANSWER", "jawaban")
        }
        "respon-substantif" => {
            let inputs = vec![
                make.area("jawaban", true, 4_000),
                make.line("siapa", true, 200),
                make.line("apa", true, 500),
                make.line("bilamana", true, 200),
                make.listed("tanpa_bukti", "select", false, &WITHOUT_PROOF),
            ];
            Act {
                papers: make.papers("field.bukti"),
                ..make.written("check", "", inputs, "ANSWER", "jawaban")
            }
        }
        "buka-kembali" => make.form("undo", "quiet", vec![make.area("alasan", true, 1_000)]),
        "gabung" => {
            let candidates = desk.alike.iter().map(|line| Choice {
                chosen: make.sent("ke") == line.id,
                value: line.id.clone(),
                label: line.number.clone(),
                ..Choice::default()
            });
            let candidates: Vec<Choice> = candidates.collect();
            let mut inputs = Vec::new();
            if !candidates.is_empty() {
                inputs.push(make.choose("ke", "radio", false, candidates));
            }
            inputs.push(make.line("ke_nomor", false, 40));
            make.form("group", "quiet", inputs)
        }
        "teruskan" => {
            let inputs = vec![
                make.listed("alasan_luar", "select", true, &OUTSIDE),
                make.line("tujuan", true, 200),
                make.area("saran", true, 2_000),
            ];
            make.written("exit", "danger", inputs, "FORWARD", "saran")
        }
        "arsip" => {
            let inputs =
                vec![make.listed("alasan_arsip", "select", true, &ARCHIVE), make.area("saran", true, 2_000)];
            make.written("stop", "danger", inputs, "ARCHIVE", "saran")
        }
        _ => return None,
    })
}

fn other_act(make: &Maker<'_>) -> Option<Act> {
    let Desk { one, names, viewer, .. } = make.desk;
    let t = make.t();
    let open = cases::is_open(one.state());
    // By grant, or by acting in an office, which no token tells.
    let is = |part: &str| one.parts.iter().any(|it| it == part);
    let works = viewer.may(cases::WORK) || is("AGENCY") || is("INSPECTOR");
    let coordinates = viewer.may(cases::COORDINATE) || is("COORDINATOR") || is("INSPECTOR");
    match make.slug {
        "bantuan" => {
            let waiting: Vec<Choice> = one
                .helpers
                .iter()
                .filter(|helper| helper.done_at.is_none())
                .map(|helper| Choice {
                    value: helper.agency_id.clone(),
                    label: complaints::agency_name(&helper.agency_id, &names.agencies, t),
                    ..Choice::default()
                })
                .collect();
            (works && open && !waiting.is_empty()).then(|| {
                let inputs =
                    vec![make.choose("penolong", "select", true, waiting), make.area("hasil", true, 2_000)];
                make.form("hands", "quiet", inputs)
            })
        }
        // Nobody is taken for silent who was not told.
        "sudah-disampaikan" => {
            let unheard = one.reporters.iter().any(|reporter| reporter.unheard && reporter.reachable);
            (unheard && (works || coordinates))
                .then(|| make.form("bell", "", vec![make.area("cara", true, 4_000)]))
        }
        "catatan" => (works || coordinates)
            .then(|| make.form("pen", "quiet", vec![make.area("isi_catatan", true, 4_000)])),
        "kategori" => (coordinates && open).then(|| {
            let flat = |(_, found): (String, Vec<Choice>)| found;
            let groups = complaints::category_groups(&names.categories, &one.category);
            let classes = complaints::CLASSES.iter().map(|(class, name)| Choice {
                value: (*name).to_owned(),
                label: complaints::class_words(*class, t),
                chosen: *class == one.complaint_class(),
                ..Choice::default()
            });
            let inputs = vec![
                make.choose("kategori", "select", true, groups.into_iter().flat_map(flat).collect()),
                make.choose("jenis", "select", false, classes.collect()),
                make.area("alasan", true, 1_000),
            ];
            make.form("transfer", "quiet", inputs)
        }),
        "publikasi" => (coordinates && one.publication() != Publication::Secret).then(|| {
            let shown = if one.publication() == Publication::Public { "WITHHELD" } else { "PUBLIC" };
            let choices = complaints::choices(&["PUBLIC", "WITHHELD"], "publication", shown, t);
            let inputs = vec![make.choose("tampil", "radio", true, choices), make.line("sebab", false, 500)];
            make.form("globe", "quiet", inputs)
        }),
        "identitas" => {
            ((viewer.may(cases::REVEAL) || one.may_reveal) && !one.reporters.is_empty()).then(|| {
                let inputs = vec![make.reporter(), make.area("tujuan_buka", true, 1_000)];
                make.form("shield", "quiet", inputs)
            })
        }
        "sp4n" => coordinates.then(|| {
            let inputs = vec![make.line("tracking", true, 60), make.line("tahap", false, 60)];
            make.form("link", "quiet", inputs)
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use mpp_kit::fault::Language;

    use super::*;

    #[test]
    fn every_form_and_every_listed_reason_has_its_words() {
        for language in [Language::Id, Language::En] {
            let t = Words::of(language);
            for slug in ORDER.iter().map(|(_, slug)| slug).chain(&OTHERS) {
                assert!(!t[&format!("act.{slug}")].is_empty());
            }
            for reason in WITHOUT_PROOF.iter().chain(&OUTSIDE).chain(&ARCHIVE) {
                assert_ne!(complaints::keyed("why", reason, t), *reason);
            }
        }
    }
}
