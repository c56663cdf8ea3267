//! The rules of imports that no compiler checks: within a package files import in one direction, and no
//! package compiles what it does not use.
//!
//! A file imports another where a path in it leads to something that the other defines; what a module
//! re-exports counts as the file's that defines it. Modules stand in the scope of those around them: that
//! they name what these define is no import of theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use syn::visit::{self, Visit};

use crate::cargo;

/// Packages, and what none of their dependencies may be: web clients, readers of images and of archives,
/// networks.
const FOREIGN: &[(&str, &[&str])] = &[
    ("exact-core", &["arrow-array", "burn", "clap", "image", "parquet", "safetensors", "tar", "ureq", "zip"]),
    ("exact-data", &["burn", "clap", "image", "rustls", "tar", "ureq"]),
    ("exact-linear", &["burn", "clap", "image", "parquet", "rustls", "tar", "ureq", "zip", "zstd"]),
    ("exact-python", &["burn", "clap", "image", "rustls", "tar", "ureq"]),
    ("exact-report", &["arrow-array", "burn", "clap", "parquet", "ureq"]),
];

/// Checks the packages of the workspace.
///
/// # Errors
/// If a file cannot be read, or a rule is broken: the message lists every place.
pub fn check(root: &Path) -> Result<()> {
    let mut findings = Vec::new();
    for directory in packages(root)? {
        let sources = Sources::read(&directory.join("src"))?;
        for circle in sources.circles() {
            let files: Vec<_> = circle
                .iter()
                .map(|file| file.strip_prefix(root).unwrap_or(file).display().to_string())
                .collect();
            findings.push(format!("{}: a circle of imports", files.join(", ")));
        }
        findings.extend(unused_dependencies(&directory, &sources)?);
    }
    for (package, foreign) in FOREIGN {
        let compiled = dependencies(package)?;
        findings.extend(foreign.iter().filter(|name| compiled.contains(**name)).map(|name| {
            format!(
                "{package}: compiles {name}: put what needs it behind a feature or into a crate of its own"
            )
        }));
    }
    if !findings.is_empty() {
        bail!("{} places break the rules of imports:\n{}", findings.len(), findings.join("\n"));
    }
    Ok(())
}

/// The directories of the packages, in the order of their names.
fn packages(root: &Path) -> Result<Vec<PathBuf>> {
    let crates = root.join("crates");
    let entries = fs::read_dir(&crates).with_context(|| format!("cannot list {}", crates.display()))?;
    let mut packages = vec![root.join("fuzz"), root.join("xtask")];
    for entry in entries {
        packages.push(entry?.path());
    }
    packages.sort();
    Ok(packages)
}

/// The names of the packages that a package compiles without its dev-dependencies.
fn dependencies(package: &str) -> Result<BTreeSet<String>> {
    let mut tree =
        cargo::cargo(&["tree", "--locked", "--edges", "normal", "--prefix", "none", "--package", package]);
    let output = tree.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "`cargo tree --package {package}` ended with {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

/// Dependencies that no file of the package names.
fn unused_dependencies(directory: &Path, sources: &Sources) -> Result<Vec<String>> {
    let manifest = directory.join("Cargo.toml");
    let text =
        fs::read_to_string(&manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let section = text.split("\n[").find_map(|section| section.strip_prefix("dependencies]"));
    let names = section.unwrap_or("").lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    let targets = fuzz_targets(directory);
    let is_used = |name: &str| {
        let mark = format!("{}::", name.replace('-', "_"));
        sources.texts.iter().chain(&targets).any(|text| text.contains(&mark))
    };
    let unused = names.filter(|name| !name.is_empty() && !name.starts_with('#') && !is_used(name));
    let package = directory.file_name().unwrap_or_default().to_string_lossy();
    Ok(unused.map(|name| format!("{package}: {name} is a dependency that is not used")).collect())
}

/// The programs of a package outside of its `src`.
fn fuzz_targets(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory.join("fuzz_targets")) else { return Vec::new() };
    entries.flatten().filter_map(|entry| fs::read_to_string(entry.path()).ok()).collect()
}

/// The path of a module within its crate.
type ModulePath = Vec<String>;

/// The files of a package: what each defines, and which paths it names.
#[derive(Default)]
struct Sources {
    texts: Vec<String>,
    modules: BTreeMap<ModulePath, Module>,
}

struct Module {
    file: PathBuf,
    /// What is defined here.
    items: BTreeSet<String>,
    /// What names that are imported or re-exported here stand for: their paths from the root of the crate.
    aliases: BTreeMap<String, ModulePath>,
    /// Modules of which everything is imported here.
    globs: Vec<ModulePath>,
    /// The paths that are named here, from the root of the crate, without those that are re-exported.
    named: BTreeSet<ModulePath>,
}

impl Sources {
    fn read(directory: &Path) -> Result<Self> {
        let mut sources = Self::default();
        for name in ["lib.rs", "main.rs"] {
            let root = directory.join(name);
            if root.exists() {
                sources.read_module(&root, directory, &Vec::new())?;
            }
        }
        Ok(sources)
    }

    /// Reads the file of a module, whose children are in `directory`.
    fn read_module(&mut self, file: &Path, directory: &Path, path: &ModulePath) -> Result<()> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let syntax = syn::parse_file(&text).with_context(|| format!("cannot parse {}", file.display()))?;
        self.texts.push(text);
        let mut children = Vec::new();
        let mut reader = Reader { path: path.clone(), module: Module::new(file), children: &mut children };
        reader.visit_file(&syntax);
        let module = reader.module;
        self.modules.insert(path.clone(), module);
        for child in children {
            let inside = directory.join(&child);
            let candidates = [directory.join(format!("{child}.rs")), inside.join("mod.rs")];
            let Some(found) = candidates.iter().find(|candidate| candidate.exists()) else { continue };
            let mut below = path.clone();
            below.push(child);
            self.read_module(found, &inside, &below)?;
        }
        Ok(())
    }

    /// The module in whose file the end of a path is defined.
    fn owner(&self, path: &[String], depth: usize) -> Option<&ModulePath> {
        if depth == 0 {
            return None;
        }
        // The longest beginning that is a module; what follows is an item of it.
        let (length, (module_path, module)) = (0..=path.len())
            .rev()
            .find_map(|length| self.modules.get_key_value(&path[..length]).map(|found| (length, found)))?;
        let Some(name) = path.get(length) else { return Some(module_path) };
        if module.items.contains(name) {
            return Some(module_path);
        }
        if let Some(target) = module.aliases.get(name) {
            return self.owner(target, depth - 1);
        }
        let through = |glob: &ModulePath| {
            let target = [&glob[..], &path[length..]].concat();
            self.owner(&target, depth - 1).filter(|owner| *owner != module_path)
        };
        // What is nowhere to be seen is made by a macro of the module.
        module.globs.iter().find_map(through).or(Some(module_path))
    }

    /// Groups of files that import each other, directly or through others.
    fn circles(&self) -> Vec<Vec<PathBuf>> {
        const RE_EXPORTS: usize = 8;
        let mut imports: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
        for (path, module) in &self.modules {
            let owners = module.named.iter().filter_map(|named| self.owner(named, RE_EXPORTS));
            let owners = owners.filter(|owner| !path.starts_with(owner));
            let files = owners.map(|owner| self.modules[owner].file.as_path());
            imports.entry(&module.file).or_default().extend(files);
        }
        let reached: BTreeMap<&Path, BTreeSet<&Path>> =
            imports.keys().map(|file| (*file, reachable(file, &imports))).collect();
        let mut circles = BTreeSet::new();
        for (file, others) in &reached {
            if others.contains(file) {
                let both = others.iter().filter(|other| reached[**other].contains(file));
                circles.insert(both.map(|other| other.to_path_buf()).collect::<Vec<_>>());
            }
        }
        circles.into_iter().collect()
    }
}

/// All files that a file imports, directly or through others.
fn reachable<'a>(file: &Path, imports: &BTreeMap<&'a Path, BTreeSet<&'a Path>>) -> BTreeSet<&'a Path> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<&Path> = imports[file].iter().copied().collect();
    while let Some(next) = waiting.pop() {
        if reached.insert(next) {
            waiting.extend(&imports[next]);
        }
    }
    reached
}

impl Module {
    fn new(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            items: BTreeSet::new(),
            aliases: BTreeMap::new(),
            globs: Vec::new(),
            named: BTreeSet::new(),
        }
    }
}

/// Collects a module from its syntax.
struct Reader<'a> {
    path: ModulePath,
    module: Module,
    children: &'a mut Vec<String>,
}

impl Reader<'_> {
    /// The path from the root of the crate; `None` if it leads out of it.
    fn absolute(&self, segments: &[String]) -> Option<ModulePath> {
        let (first, rest) = segments.split_first()?;
        let mut path = match first.as_str() {
            "crate" => Vec::new(),
            "self" => self.path.clone(),
            "super" => self.path[..self.path.len().checked_sub(1)?].to_vec(),
            _ if self.children.contains(first) => [&self.path[..], std::slice::from_ref(first)].concat(),
            // A name that has been imported here, or of another crate.
            _ => self.module.aliases.get(first)?.clone(),
        };
        for segment in rest {
            if segment == "super" {
                path.pop()?;
            } else {
                path.push(segment.clone());
            }
        }
        Some(path)
    }

    fn read_use(&mut self, tree: &syn::UseTree, prefix: &mut ModulePath, re_exports: bool) {
        let (last, name) = match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.read_use(&path.tree, prefix, re_exports);
                prefix.pop();
                return;
            }
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.read_use(item, prefix, re_exports));
                return;
            }
            syn::UseTree::Glob(_) => {
                self.module.globs.extend(self.absolute(prefix));
                return;
            }
            syn::UseTree::Name(name) => (name.ident.to_string(), name.ident.to_string()),
            syn::UseTree::Rename(rename) => (rename.ident.to_string(), rename.rename.to_string()),
        };
        let mut segments = prefix.clone();
        let name = if last == "self" { prefix.last().cloned().unwrap_or(name) } else { name };
        if last != "self" {
            segments.push(last);
        }
        if let Some(path) = self.absolute(&segments) {
            if !re_exports {
                self.module.named.insert(path.clone());
            }
            self.module.aliases.insert(name, path);
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    let mark: syn::Meta = syn::parse_quote!(cfg(test));
    attributes.iter().any(|attribute| attribute.meta == mark)
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_file(&mut self, file: &'ast syn::File) {
        // Modules and definitions first: paths may name what stands below them.
        for item in &file.items {
            let name = match item {
                syn::Item::Mod(module) if module.content.is_none() => {
                    if !is_test(&module.attrs) {
                        self.children.push(module.ident.to_string());
                    }
                    continue;
                }
                syn::Item::Const(item) => Some(&item.ident),
                syn::Item::Enum(item) => Some(&item.ident),
                syn::Item::Fn(item) => Some(&item.sig.ident),
                syn::Item::Macro(item) => item.ident.as_ref(),
                syn::Item::Mod(item) => Some(&item.ident),
                syn::Item::Static(item) => Some(&item.ident),
                syn::Item::Struct(item) => Some(&item.ident),
                syn::Item::Trait(item) => Some(&item.ident),
                syn::Item::Type(item) => Some(&item.ident),
                _ => None,
            };
            self.module.items.extend(name.map(ToString::to_string));
        }
        for item in &file.items {
            if let syn::Item::Use(item) = item {
                let re_exports = !matches!(item.vis, syn::Visibility::Inherited);
                self.read_use(&item.tree, &mut Vec::new(), re_exports);
            }
        }
        visit::visit_file(self, file);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        // Tests may import whatever they test.
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, _: &'ast syn::ItemUse) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: ModulePath = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1
            && let Some(path) = self.absolute(&segments)
        {
            self.module.named.insert(path);
        }
        visit::visit_path(self, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles of a package of files with these contents.
    fn circles(name: &str, files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let root = std::env::temp_dir().join(format!("exact-learn-imports-{name}-{}", std::process::id()));
        for (file, text) in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let circles = Sources::read(&root).unwrap().circles();
        fs::remove_dir_all(&root).unwrap();
        let name = |file: &PathBuf| file.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        circles.iter().map(|circle| circle.iter().map(name).collect()).collect()
    }

    #[test]
    fn two_files_that_import_each_other_are_a_circle() {
        let a = ("a.rs", "use crate::b::B; pub struct A(B);");
        let lib = ("lib.rs", "mod a; mod b; pub use a::A;");
        let one_way = [lib, a, ("b.rs", "pub struct B;")];
        assert!(circles("one-way", &one_way).is_empty());
        for (at, b) in [
            "use super::a::A; pub struct B(A);",
            // Through what the root re-exports, and without a `use`.
            "use crate::A; pub struct B(A);",
            "pub struct B; fn f() { crate::a::g() }",
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(circles(&format!("both-{at}"), &[lib, a, ("b.rs", b)]), [["a.rs", "b.rs"]], "{b}");
        }
    }

    #[test]
    fn a_longer_circle_is_found_once() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod inner; pub use inner::A;"),
            ("a/inner.rs", "use crate::b::{self, B}; pub struct A(B); fn f() { b::g() }"),
            ("b.rs", "mod below; use below::C; pub struct B(C);"),
            ("b/below.rs", "use crate::a::A; pub struct C(A);"),
        ];
        assert_eq!(circles("longer", &files), [["a/inner.rs", "b/below.rs", "b.rs"]]);
    }

    #[test]
    fn re_exports_and_tests_are_no_imports() {
        let files = [
            ("lib.rs", "mod a; pub use a::A; pub trait T {}"),
            ("a.rs", "pub struct A; impl crate::T for A {} #[cfg(test)] mod tests { use crate::b::B; }"),
        ];
        assert!(circles("re-exports", &files).is_empty());
    }
}
