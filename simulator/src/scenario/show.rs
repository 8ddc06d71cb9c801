//! A scenario as TOML text with every key, which reads back to the same scenario.

use std::fmt::Write as _;

use super::form::Form;
use super::keys::{self, Keys};
use super::model::Scenario;

impl Scenario {
    /// Every key and its value: what `scenario show` prints and what a run keeps beside its results.
    pub fn show(&self) -> String {
        let mut writer = Writer::default();
        keys::scenario(&mut writer, &mut self.clone());
        writer.text
    }

    /// The keys of its market alone, which read back to the same market.
    pub fn show_market(&self) -> String {
        let mut writer = Writer::default();
        keys::market(&mut writer, &mut self.clone());
        writer.text
    }
}

/// Prints what it walks over. Headers of tables wait for the first key below them.
#[derive(Default)]
struct Writer {
    text: String,
    sections: Vec<&'static str>,
    header: Option<String>,
}

impl Writer {
    fn open(&mut self, name: &'static str, brackets: (&str, &str)) {
        self.sections.push(name);
        self.header = Some(format!("{}{}{}", brackets.0, self.sections.join("."), brackets.1));
    }

    fn close(&mut self) {
        self.sections.pop();
        self.header = None;
    }
}

impl Keys for Writer {
    fn key<F: Form>(&mut self, name: &'static str, value: &mut F::Value, form: &F) {
        let Some(value) = form.write(value) else { return };
        if let Some(header) = self.header.take() {
            let _infallible = write!(self.text, "\n{header}\n");
        }
        let _infallible = writeln!(self.text, "{name} = {value}");
    }

    fn need<F: Form>(&mut self, name: &'static str, value: &mut F::Value, form: &F, _example: &'static str) {
        self.key(name, value, form);
    }

    fn section(&mut self, name: &'static str, inner: impl FnOnce(&mut Self)) {
        self.open(name, ("[", "]"));
        inner(self);
        self.close();
    }

    fn list<T: Default>(&mut self, name: &'static str, items: &mut Vec<T>, inner: impl Fn(&mut Self, &mut T)) {
        for item in items {
            self.open(name, ("[[", "]]"));
            inner(self, item);
            self.close();
        }
    }
}
