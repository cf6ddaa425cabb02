//! The paths in the code of one file, and the modules that they lead to.

use std::collections::BTreeSet;

use super::source::{Code, Token, group_length};

/// A module: the names from the root of its crate; no name is the root.
pub(super) type Module = Vec<String>;

/// Returns the modules of `known` that the code of the module `own` uses.
///
/// A path leads to the deepest module that exists on its way: `crate::a::B::c`
/// leads to `a`. A path into another crate leads nowhere.
pub(super) fn used(code: &Code, own: &Module, known: &BTreeSet<Module>) -> BTreeSet<Module> {
    let mut used = BTreeSet::new();
    for (inline, path) in paths(&code.tokens()) {
        let here = [own.as_slice(), &inline].concat();
        let full = match path[0].as_str() {
            "crate" => path[1..].to_vec(),
            "self" => [&here, &path[1..]].concat(),
            "super" => {
                let levels = path.iter().take_while(|name| *name == "super").count();
                [&here[..here.len() - levels], &path[levels..]].concat()
            }
            _ => {
                let full = [here.as_slice(), &path].concat();
                if !known.contains(&full[..=here.len()]) {
                    continue;
                }
                full
            }
        };
        let depth = (0..=full.len())
            .rev()
            .find(|depth| known.contains(&full[..*depth]));
        used.insert(full[..depth.unwrap()].to_vec());
    }
    used.remove(own);
    used
}

/// Returns each path, with the names of the modules inside the file in which it
/// stands.
fn paths(tokens: &[Token<'_>]) -> Vec<(Vec<String>, Vec<String>)> {
    let texts: Vec<&str> = tokens.iter().map(|token| token.text).collect();
    let mut paths = Vec::new();
    // Names of modules inside the file, with the position of their ends.
    let mut inline: Vec<(String, usize)> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        inline.retain(|(_, end)| at < *end);
        let place = || {
            inline
                .iter()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
        };
        match &texts[at..] {
            // `use<'a>` names lifetimes.
            ["use", next, ..] if *next != "<" => {
                let end = at + texts[at..].iter().position(|text| *text == ";").unwrap();
                let (tree, _) = use_tree(&texts[at + 1..end], &[]);
                paths.extend(tree.into_iter().map(|path| (place(), path)));
                at = end;
            }
            ["mod", name, "{", ..] => {
                let end = at + 2 + group_length(&texts[at + 2..]);
                inline.push(((*name).to_owned(), end));
                at += 3;
            }
            // `pub(in crate::a)` says who may use an item, and uses nothing.
            ["pub", "(", "in", ..] => at += 1 + group_length(&texts[at + 1..]),
            [_, "::", ..] if tokens[at].is_word() => {
                let path: Vec<String> = texts[at..]
                    .chunks(2)
                    .take_while(|pair| pair[0].starts_with(|c: char| c.is_alphabetic() || c == '_'))
                    .scan(true, |goes_on, pair| {
                        let here = *goes_on;
                        *goes_on = pair.get(1) == Some(&"::");
                        here.then(|| pair[0].to_owned())
                    })
                    .collect();
                at += 2 * path.len() - 1;
                paths.push((place(), path));
            }
            _ => at += 1,
        }
    }
    paths
}

/// Reads the part of a `use` declaration that follows `before`, up to a `,` or a
/// `}`; returns its paths and the number of tokens read.
fn use_tree(texts: &[&str], before: &[String]) -> (Vec<Vec<String>>, usize) {
    let mut path = before.to_vec();
    let mut at = 0;
    while at < texts.len() {
        match texts[at] {
            "{" => {
                let mut paths = Vec::new();
                at += 1;
                while texts[at] != "}" {
                    let (inside, length) = use_tree(&texts[at..], &path);
                    paths.extend(inside);
                    at += length + usize::from(texts[at + length] == ",");
                }
                return (paths, at + 1);
            }
            "," | "}" => break,
            // The new name says nothing of where the path leads.
            "as" => at += 2,
            "::" | "*" => at += 1,
            "self" if path.len() > before.len() || !before.is_empty() => at += 1,
            name => {
                path.push(name.to_owned());
                at += 1;
            }
        }
    }
    (vec![path], at)
}

#[cfg(test)]
fn used_by(own: &str, text: &str) -> Vec<String> {
    let module = |path: &str| -> Module {
        path.split("::")
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let known = ["", "a", "a::b", "a::b::c", "d", "d::e"].map(module);
    let used = used(&Code::new(text), &module(own), &known.into());
    used.iter().map(|module| module.join("::")).collect()
}

#[test]
fn use_declarations_lead_to_modules() {
    assert_eq!(used_by("d", "use crate::a::b::c::Type;"), ["a::b::c"]);
    assert_eq!(
        used_by("d", "use crate::a::{self, b::{c as x, Y}, Z};"),
        ["a", "a::b", "a::b::c"]
    );
    assert_eq!(used_by("a::b::c", "pub use super::super::X;"), ["a"]);
    assert_eq!(
        used_by("a", "pub(crate) use self::b::{X, c::*};"),
        ["a::b", "a::b::c"]
    );
    assert_eq!(used_by("a", "use b::X; use other::c;"), ["a::b"]);
    assert_eq!(
        used_by("d::e", "use crate::{Root, a::X}; use super::{self, Y};"),
        ["", "a", "d"]
    );
    assert_eq!(
        used_by("d", "use std::io::{self, Write}; use serde as a;"),
        [""; 0]
    );
}

#[test]
fn paths_in_the_code_lead_to_modules() {
    assert_eq!(used_by("d", "fn f(x: crate::a::b::T) {}"), ["a::b"]);
    assert_eq!(
        used_by("a", "fn f() { b::c::g::<u8>(d::h()) }"),
        ["a::b::c"]
    );
    assert_eq!(
        used_by("a::b", "fn f() { super::g(); self::c::h(); }"),
        ["a", "a::b::c"]
    );
    assert_eq!(used_by("", "fn f() { d::e::T::new(a::X) }"), ["a", "d::e"]);
    assert_eq!(
        used_by(
            "d",
            "pub(in crate::a) fn f() -> impl T + use<'_> { std::a::b() }"
        ),
        [""; 0]
    );
    assert_eq!(
        used_by(
            "d",
            "mod inline { use super::e::X; use super::super::a::Y; }"
        ),
        ["a", "d::e"]
    );
    assert_eq!(used_by("d", "// crate::a::b\nmod e;"), [""; 0]);
}
