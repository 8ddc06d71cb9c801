//! What is left behind by accident: paths of somebody's machine, and notes to oneself.

use super::{Fault, Page};

/// Folders that are on one machine only. Written in halves, so that this file has none of them.
const FOLDERS: [[&str; 2]; 5] = [["/ro", "ot/"], ["/wo", "rk/"], ["/ho", "me/"], ["/Us", "ers/"], ["C:\\Us", "ers\\"]];

/// Notes that nobody reads. Written in halves as well.
const NOTES: [[&str; 2]; 2] = [["TO", "DO"], ["FIX", "ME"]];

/// Lines that name a folder of one machine, or hold a note to oneself.
pub fn check(pages: &[Page]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for page in pages {
        for (index, line) in page.text.lines().enumerate() {
            let folder = FOLDERS.map(|halves| halves.concat()).into_iter().find(|folder| names(line, folder));
            faults.extend(folder.map(|folder| page.fault(index, format!("{folder}… is on one machine only"))));
            let note = NOTES.map(|halves| halves.concat()).into_iter().find(|note| line.contains(note.as_str()));
            faults.extend(note.map(|note| page.fault(index, format!("{note}: do it, or file it where it is read"))));
        }
    }
    faults
}

/// Whether `folder` stands in `line` at the start of a path: `a/root/b` and `https://b.c/work/d` do not count.
fn names(line: &str, folder: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || "._-~})*".contains(c);
    line.match_indices(folder).any(|(at, _)| !line[..at].ends_with(inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_one_machine_and_notes_are_found() {
        let lines = [
            format!("see {}root/x", "/"),
            format!("a{}work/y https://b.c/work/d $HOME/work/z", "/"),
            format!("({}home/somebody/run)", "/"),
            format!("// {}O: later", "TOD"),
        ];
        let page = Page { path: "a.rs".into(), text: lines.join("\n") };
        let found: Vec<usize> = check(&[page]).into_iter().map(|fault| fault.line).collect();
        assert_eq!(found, [1, 3, 4]);
    }
}
