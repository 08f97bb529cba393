//! The host's source files, and which of them a file refers to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, ItemMod, ItemUse, UseTree, Visibility};

/// The modules of the crate, each a file.
pub(crate) struct Sources {
    files: BTreeMap<String, File>,
}

struct File {
    /// Names that the file re-exports, with the paths that they are of.
    exports: BTreeMap<String, Vec<String>>,
    /// What it refers to.
    paths: BTreeSet<Vec<String>>,
}

impl Sources {
    /// Reads and parses every file of a crate that is no test. `folder` is the crate's, relative to the
    /// host's.
    pub(crate) fn read(folder: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("src");
        let mut files = BTreeMap::new();
        for path in rust_files(&root) {
            let module = module(path.strip_prefix(&root).expect("it is within"));
            let text = std::fs::read_to_string(&path).expect("a source file");
            let syntax = syn::parse_file(&text).expect("Rust");
            if syntax.attrs.iter().any(is_test) {
                continue;
            }
            let mut reader = Reader::new(&module);
            reader.visit_file(&syntax);
            files.insert(module.join("::"), File { exports: reader.exports, paths: reader.paths });
        }
        Self { files }
    }

    /// Which file refers to which.
    pub(crate) fn arrows(&self) -> BTreeSet<(String, String)> {
        let mut arrows = BTreeSet::new();
        for (from, file) in &self.files {
            for path in &file.paths {
                let to = self.resolved(path, 0);
                if to != *from {
                    arrows.insert((from.clone(), to));
                }
            }
        }
        arrows
    }

    /// The file that defines what a path names.
    fn resolved(&self, path: &[String], depth: u32) -> String {
        let longest = (0..=path.len()).rev();
        let found = longest.map(|length| (length, path[..length].join("::")));
        let Some((length, module)) =
            found.into_iter().find(|(_, module)| self.files.contains_key(module))
        else {
            return String::new();
        };
        let next = path.get(length);
        let exported = next.and_then(|name| self.files[&module].exports.get(name));
        match exported {
            // A re-export that goes round in a circle would not compile.
            Some(target) if depth < 20 => {
                let further = path.get(length + 1..).unwrap_or_default();
                self.resolved(&[target.as_slice(), further].concat(), depth + 1)
            }
            _ => module,
        }
    }
}

/// Every `*.rs` below a folder that belongs to no test.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            found.extend(rust_files(&path));
        } else if name.ends_with(".rs") && name != "tests.rs" {
            found.push(path);
        }
    }
    found
}

/// The path of a file's module within the crate.
fn module(path: &Path) -> Vec<String> {
    let mut parts: Vec<String> =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// Whether an item is compiled for tests alone.
fn is_test(attribute: &Attribute) -> bool {
    let Ok(list) = attribute.meta.require_list() else { return false };
    let tokens = list.tokens.to_string();
    let mut words = tokens.split(|next: char| !next.is_alphanumeric());
    list.path.is_ident("cfg") && words.any(|word| word == "test")
}

/// Collects what one file refers to.
struct Reader {
    /// The module, and those inside of the file.
    at: Vec<String>,
    exports: BTreeMap<String, Vec<String>>,
    paths: BTreeSet<Vec<String>>,
}

impl Reader {
    fn new(module: &[String]) -> Self {
        Self { at: module.to_vec(), exports: BTreeMap::new(), paths: BTreeSet::new() }
    }

    /// The path from the crate's root, of one that names something in this crate.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            // Programs name the library by its own name.
            "crate" | "windlass" => Some(rest.to_vec()),
            "self" => Some([self.at.as_slice(), rest].concat()),
            "super" => {
                let mut at = self.at.clone();
                let mut rest = path;
                while let Some((first, further)) = rest.split_first()
                    && first == "super"
                {
                    at.pop();
                    rest = further;
                }
                Some([at.as_slice(), rest].concat())
            }
            _ => None,
        }
    }

    fn note(&mut self, path: &[String]) {
        if let Some(path) = self.absolute(path) {
            self.paths.insert(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.attrs.iter().any(is_test) {
            return;
        }
        self.at.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.at.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.attrs.iter().any(is_test) {
            return;
        }
        let exported = !matches!(item.vis, Visibility::Inherited);
        for (name, path) in leaves(&item.tree) {
            let own = self.absolute(&path).or_else(|| {
                // As in `pub use child::Item`.
                exported.then(|| [self.at.as_slice(), path.as_slice()].concat())
            });
            match own {
                Some(own) if exported => {
                    self.exports.insert(name, own);
                }
                _ => self.note(&path),
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        self.note(&names);
        visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// The names that a `use` brings in, with their paths.
fn leaves(tree: &UseTree) -> Vec<(String, Vec<String>)> {
    match tree {
        UseTree::Path(path) => {
            let first = path.ident.to_string();
            let below = leaves(&path.tree).into_iter();
            below.map(|(name, rest)| (name, [vec![first.clone()], rest].concat())).collect()
        }
        UseTree::Name(name) if name.ident == "self" => vec![("self".to_owned(), Vec::new())],
        UseTree::Name(name) => vec![(name.ident.to_string(), vec![name.ident.to_string()])],
        UseTree::Rename(rename) => {
            let path = if rename.ident == "self" { vec![] } else { vec![rename.ident.to_string()] };
            vec![(rename.rename.to_string(), path)]
        }
        UseTree::Glob(_) => vec![("*".to_owned(), Vec::new())],
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}
