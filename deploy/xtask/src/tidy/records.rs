//! Decision records are numbered once, titled by their number, and indexed.

use std::path::Path;

use super::{Fault, Page};

const FOLDER: &str = "docs/decisions";

/// Faults of the records and of their index.
pub fn check(pages: &[Page]) -> Vec<Fault> {
    let folder = Path::new(FOLDER);
    let index = pages.iter().find(|page| page.path == folder.join("README.md"));
    let index = index.map_or("", |page| &page.text);
    let mut faults = Vec::new();
    let mut last = "";
    let mut records: Vec<&Page> = pages.iter().filter(|page| page.path.parent() == Some(folder)).collect();
    records.sort_by_key(|page| &page.path);
    for page in records {
        let name = page.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name == "README.md" {
            continue;
        }
        let number = name.get(..4).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(number) = number else {
            faults.push(page.fault(0, "a record's name starts with four digits".into()));
            continue;
        };
        if number == last {
            faults.push(page.fault(0, format!("another record has the number {number}")));
        }
        if !page.text.starts_with(&format!("# {number} ")) {
            faults.push(page.fault(0, format!("the first line is not `# {number} …`")));
        }
        if !index.contains(&format!("]({name})")) {
            faults.push(page.fault(0, format!("{FOLDER}/README.md does not link to it")));
        }
        last = number;
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_numbered_titled_and_indexed() {
        let page = |name: &str, text: &str| Page { path: Path::new(FOLDER).join(name), text: text.into() };
        let pages = [
            page("README.md", "[0001 A](0001-a.md) [0001 B](0001-b.md) [0002 C](0002-c.md)"),
            page("0001-a.md", "# 0001 A\n"),
            page("0001-b.md", "# 0001 B\n"),
            page("0002-c.md", "# 2 C\n"),
            page("0003-d.md", "# 0003 D\n"),
            page("notes.md", "# Notes\n"),
        ];
        let found: Vec<String> = check(&pages).into_iter().map(|fault| fault.what).collect();
        let wanted = [
            "another record has the number 0001",
            "the first line is not `# 0002 …`",
            "docs/decisions/README.md does not link to it",
            "a record's name starts with four digits",
        ];
        assert_eq!(found, wanted);
    }
}
