//! The inputs of a form of settings: what stands in each, and what is wrong with it.

use crate::web::{
    complaints,
    fields::{self, Choice, Faults, Input},
    form::Sent,
    words::Words,
};

/// Makes inputs with what was sent and what is wrong with it.
pub(crate) struct Maker<'a> {
    pub(crate) values: &'a Sent,
    pub(crate) faults: &'a Faults,
    pub(crate) t: &'static Words,
}

impl Maker<'_> {
    fn input(&self, name: &str, shape: &'static str, required: bool, max_length: i32) -> Input {
        Input {
            name: name.to_owned(),
            id: fields::id_of(name),
            shape,
            kind: if shape == "line" { "text" } else { "" },
            autocomplete: if shape == "line" { "off" } else { "" },
            label: self.t.find(&format!("rule.{name}")).unwrap_or_default().to_owned(),
            help: self.t.find(&format!("rule.{name}_help")).unwrap_or_default().to_owned(),
            required,
            max_length,
            value: self.values.get(name).to_owned(),
            error: self.faults.of(name),
            ..Input::default()
        }
    }

    pub(crate) fn line(&self, name: &str, required: bool, max_length: i32) -> Input {
        self.input(name, "line", required, max_length)
    }

    pub(crate) fn area(&self, name: &str, required: bool, max_length: i32) -> Input {
        self.input(name, "area", required, max_length)
    }

    pub(crate) fn choose(
        &self,
        name: &str,
        shape: &'static str,
        required: bool,
        choices: Vec<Choice>,
    ) -> Input {
        Input { choices, ..self.input(name, shape, required, 0) }
    }

    /// Whether a line holds.
    pub(super) fn active(&self) -> Input {
        self.listed("aktif", "radio", true, "yes", &["ya", "tidak"])
    }

    pub(crate) fn listed(
        &self,
        name: &str,
        shape: &'static str,
        required: bool,
        prefix: &str,
        values: &[&str],
    ) -> Input {
        let choices = complaints::choices(values, prefix, self.values.get(name), self.t);
        self.choose(name, shape, required, choices)
    }
}
