//! State machines as data: a table of (from, verb, to, why).
//!
//! From one table come the transition function, the verbs a refusal offers, the soundness check, and the diagram in the
//! documentation. Nothing is written twice.

use std::fmt::Display;

/// One permitted transition.
#[derive(Debug, Clone, Copy)]
pub struct Row<S, V> {
    /// The state before.
    pub from: S,
    /// What is done.
    pub verb: V,
    /// The state after.
    pub to: S,
    /// Why it is permitted, in a few words.
    pub why: &'static str,
}

/// A table of permitted transitions. A (from, verb) pair may lead to several states; which one is then a rule of the
/// domain.
#[derive(Debug)]
pub struct Table<S: 'static, V: 'static>(pub &'static [Row<S, V>]);

impl<S: Copy + Eq + Display + 'static, V: Copy + Eq + Display + 'static> Table<S, V> {
    /// The first state that `verb` leads to from `from`, or `None` if it is not permitted.
    #[must_use]
    pub fn next(&self, from: S, verb: V) -> Option<S> {
        self.0.iter().find(|row| row.from == from && row.verb == verb).map(|row| row.to)
    }

    /// Whether `verb` may lead from `from` to `to`.
    #[must_use]
    pub fn permits(&self, from: S, verb: V, to: S) -> bool {
        self.0.iter().any(|row| row.from == from && row.verb == verb && row.to == to)
    }

    /// The verbs permitted in a state, in the order of the table, each once.
    #[must_use]
    pub fn allowed(&self, from: S) -> Vec<V> {
        let mut verbs = Vec::new();
        for row in self.0.iter().filter(|row| row.from == from) {
            if !verbs.contains(&row.verb) {
                verbs.push(row.verb);
            }
        }
        verbs
    }

    /// What is wrong with the table, if anything: a state that cannot be reached from `start`, or a row that stands
    /// twice.
    #[must_use]
    pub fn defects(&self, start: S, all: &[S]) -> Vec<String> {
        let mut reached = vec![start];
        let mut grew = true;
        while grew {
            grew = false;
            for row in self.0 {
                if reached.contains(&row.from) && !reached.contains(&row.to) {
                    reached.push(row.to);
                    grew = true;
                }
            }
        }
        let mut defects: Vec<String> = all
            .iter()
            .filter(|state| !reached.contains(state))
            .map(|state| format!("{state} cannot be reached"))
            .collect();
        for (index, row) in self.0.iter().enumerate() {
            if self.0[..index]
                .iter()
                .any(|other| other.from == row.from && other.verb == row.verb && other.to == row.to)
            {
                defects.push(format!("{} --{}--> {} stands twice", row.from, row.verb, row.to));
            }
        }
        defects
    }

    /// The table as a Mermaid state diagram.
    #[must_use]
    pub fn mermaid(&self, start: S) -> String {
        let mut out = format!("stateDiagram-v2\n    [*] --> {start}\n");
        for row in self.0 {
            out.push_str(&format!("    {} --> {}: {}\n", row.from, row.to, row.verb));
        }
        out
    }
}
