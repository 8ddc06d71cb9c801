//! Programs that tests run besides what cargo builds: looked for, and installed where that can be done without asking.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::shell::{self, Failure, Result};

/// A program, how to see that it is there, and the Debian package that brings it.
struct Tool {
    see: &'static [&'static str],
    package: &'static str,
    needed: &'static str,
}

const TOOLS: [Tool; 3] = [
    Tool {
        see: &["python3", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"],
        package: "python3",
        needed: "Python 3.11 or newer, for the audit of a run",
    },
    Tool { see: &["strace", "-V"], package: "strace", needed: "strace, to see that an answer follows its sync" },
    Tool { see: &["git", "--version"], package: "git", needed: "git, to list the files of the repository" },
];

/// What the clients need, besides.
const CLIENTS: [Tool; 4] = [
    Tool {
        see: &["node", "-e", "process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)"],
        package: "nodejs",
        needed: "Node 18 or newer",
    },
    Tool { see: &["npm", "--version"], package: "npm", needed: "npm" },
    Tool { see: &["python3", "-c", "import venv, ensurepip"], package: "python3-venv", needed: "Python's venv" },
    Tool { see: &["chromium", "--version"], package: "chromium", needed: "Chromium, to look at GraphiQL" },
];

/// Sees to it that every program is there: root on a machine with `apt-get` gets what is missing, others are told what to
/// install.
pub fn get(root: &Path) -> Result<()> {
    get_all(root, &TOOLS)
}

/// The same for the clients.
pub fn get_for_clients(root: &Path) -> Result<()> {
    get_all(root, &CLIENTS)
}

fn get_all(root: &Path, tools: &[Tool]) -> Result<()> {
    let missing: Vec<&Tool> = tools.iter().filter(|tool| !tool.is_there()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    if succeeds(&["apt-get", "--version"]) && is_root() {
        shell::step("package lists", shell::command(root, "apt-get", &["update"]))?;
        let install = ["install", "--yes", "--no-install-recommends"];
        shell::step("packages", shell::command(root, "apt-get", &[&install, &packages[..]].concat()))?;
    }
    match missing.iter().find(|tool| !tool.is_there()) {
        None => Ok(()),
        Some(tool) => Err(Failure(format!(
            "the tests need {}, which is not there; on Debian and Ubuntu: sudo apt-get install {}",
            tool.needed,
            packages.join(" ")
        ))),
    }
}

impl Tool {
    fn is_there(&self) -> bool {
        succeeds(self.see)
    }
}

/// Whether a program is there and says yes.
fn succeeds(words: &[&str]) -> bool {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether packages can be installed without a password.
fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}
