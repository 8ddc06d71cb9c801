//! Runs the binary in a folder of its own and keeps what came out.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A town on a quiet morning.
pub const TOWN: &str = r#"# A town on a quiet morning.
# Shows: that few cars are enough.
seed = 3
period = { start = "2026-03-05T08:00:00+01:00", end = "2026-03-05T09:00:00+01:00" }
network = { synthetic = "small-town" }
demand = { rate_per_h = 60 }
supply = { vehicles = 8 }
"#;

/// A folder to run in, gone at the end.
pub struct Desk {
    folder: TempDir,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Desk {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A desk with `town.toml`, a scenario of a few seconds' work.
    pub fn with_town() -> Self {
        let desk = Self::new();
        desk.write("town.toml", TOWN);
        desk
    }

    /// `text` without the name of this folder.
    pub fn masked(&self, text: &str) -> String {
        let folder = self.folder.path().canonicalize().expect("the folder is there");
        text.replace(&*folder.to_string_lossy(), "DESK").replace(&*self.folder.path().to_string_lossy(), "DESK")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("writing into the temporary folder");
    }

    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The binary with these arguments, blank-separated, in this folder.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hansom"));
        command.args(arguments.split_whitespace()).current_dir(self.folder.path()).env_remove("COLUMNS");
        for variable in ["HANSOM_AUTH_SECRET", "HANSOM_TOKEN", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER"] {
            command.env_remove(variable);
        }
        command
    }

    /// What several commands say, one after the other, without the name of this folder.
    pub fn transcript(&self, commands: &[&str]) -> String {
        let said = |command: &&str| format!("$ hansom {command}\n{}\n", self.hansom(command).whole());
        self.masked(&commands.iter().map(said).collect::<Vec<_>>().concat())
    }

    /// Runs it.
    pub fn hansom(&self, arguments: &str) -> Said {
        let Output { status, stdout, stderr } = self.command(arguments).output().expect("the binary starts");
        Said {
            code: status.code().expect("the binary ends by itself"),
            out: String::from_utf8(stdout).expect("stdout is UTF-8"),
            err: String::from_utf8(stderr).expect("stderr is UTF-8"),
        }
    }
}

impl Said {
    /// Code, stdout and stderr in one text, for a snapshot.
    pub fn whole(&self) -> String {
        format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.out, self.err)
    }
}

/// A text without its figures: each digit run is `#`, each run of blanks one. What is left is how it reads.
pub fn shape(text: &str) -> String {
    let mut shape = String::new();
    for c in text.chars() {
        let c = if c.is_ascii_digit() { '#' } else { c };
        let repeats = matches!(c, '#' | ' ') && shape.ends_with(c);
        if !repeats {
            shape.push(c);
        }
    }
    // A hash of hexadecimal digits is one figure, and so is a number with commas and a point.
    while let Some(at) = shape.find("#,#").or_else(|| shape.find("#.#")) {
        shape.replace_range(at..at + 3, "#");
    }
    shape.lines().map(|line| line.split(' ').map(unhashed).collect::<Vec<_>>().join(" ") + "\n").collect()
}

fn unhashed(word: &str) -> &str {
    let hex = word.len() > 4 && word.chars().all(|c| c == '#' || matches!(c, 'a'..='f'));
    if hex && word.contains('#') { "HASH" } else { word }
}

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
