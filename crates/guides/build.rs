//! Makes a test of every Rust block of the pages in `docs/guides/sdk`, and of the project's first page.
//!
//! A block is the body of an async function that finds an org of its own. What it prints has to be what the page
//! shows in a `text` block right below it, or below the Python block that says the same. Blocks marked `no_run`
//! are compiled only.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const PAGES: &str = "../../docs/guides/sdk";
const FIRST_PAGE: &str = "../../README.md";
/// Snippets show one thing at a time: they leave values and imports unused, and are no style guide for the rest.
const ALLOWED: &str = "#[allow(unused, clippy::all, clippy::pedantic, clippy::unwrap_used, clippy::allow_attributes)]";

/// A fenced block.
struct Block<'a> {
    /// The section that it stands in, as a name.
    section: String,
    language: &'a str,
    text: String,
    /// Whether another block begins on the line after it.
    joined: bool,
}

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={PAGES}");
    let mut pages: Vec<PathBuf> =
        fs::read_dir(PAGES)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.push(FIRST_PAGE.into());
    pages.sort();
    let mut tests = String::new();
    for page in pages {
        println!("cargo::rerun-if-changed={}", page.display());
        let name = name(&page.file_stem().unwrap_or_default().to_string_lossy());
        let functions = functions(&blocks(&fs::read_to_string(&page)?));
        if !functions.is_empty() {
            let _ = writeln!(tests, "{ALLOWED}\nmod {name} {{\n{functions}}}");
        }
    }
    let folder = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(Path::new(&folder).join("pages.rs"), tests)
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut section = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            section = name(line.trim_start_matches(['#', ' ']));
        }
        let Some(language) = line.strip_prefix("```") else { continue };
        let text: String = lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
        let joined = lines.peek().is_some_and(|line| line.starts_with("```"));
        blocks.push(Block { section: section.clone(), language, text, joined });
    }
    blocks
}

/// A page or a heading as the name of a module or function.
fn name(text: &str) -> String {
    let words = text.to_lowercase().replace(['-', ' '], "_");
    words.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// What the page shows as the output of the block before `following`.
fn shown<'a>(block: &Block<'_>, following: &'a [Block<'_>]) -> Option<&'a str> {
    let mut joined = block.joined;
    for next in following {
        if !joined {
            return None;
        }
        if next.language == "text" {
            return Some(&next.text);
        }
        joined = next.joined;
    }
    None
}

/// A function per Rust block, named after its section; further ones of a section are numbered.
fn functions(blocks: &[Block<'_>]) -> String {
    let mut functions = String::new();
    let mut counts = BTreeMap::<&str, usize>::new();
    for (index, block) in blocks.iter().enumerate() {
        let attribute = match block.language {
            "rust" => "#[tokio::test]",
            "rust,no_run" => "",
            _ => continue,
        };
        let count = counts.entry(&block.section).or_default();
        *count += 1;
        let number = if *count > 1 { format!("_{count}") } else { String::new() };
        let shown = shown(block, &blocks[index + 1..]);
        let check = shown.map(|text| format!("assert_eq!(printed(), {text:?});")).unwrap_or_default();
        let _ = writeln!(
            functions,
            "    {attribute}\n    async fn {}{number}() -> Result<(), Box<dyn std::error::Error>> {{\n\
             use crate::world::*;\nlet World {{ sandbox, okta, org_url, token }} = World::start().await;\n{{\n{}}}\n{check}\nOk(())\n    }}",
            block.section, block.text
        );
    }
    functions
}
