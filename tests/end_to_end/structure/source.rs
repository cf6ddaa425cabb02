//! The code of one source file: without comments, literals and tests.

use std::ops::Range;

/// One word, `::`, or one other character of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// The line, counted from 0.
    pub(super) line: usize,
    /// The position in bytes.
    start: usize,
}

impl Token<'_> {
    /// Whether the token is a name or a keyword.
    pub(super) fn is_word(&self) -> bool {
        self.text
            .starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// The code of one file, in which comments, literals and tests are blank.
///
/// The blanks are as long as the text that they replace, so that positions and
/// lines stay those of the file.
pub(super) struct Code {
    text: String,
    /// Lines of the file, less those of tests.
    pub(super) lines: usize,
}

impl Code {
    /// Reads the text of a file.
    pub(super) fn new(text: &str) -> Self {
        let mut bytes = without_literals(text);
        let code = String::from_utf8(bytes.clone()).unwrap();
        let mut lines = text.lines().count();
        for test in tests(&tokens(&code)) {
            lines -= code[test.clone()].matches('\n').count() + 1;
            blank(&mut bytes[test]);
        }
        Self {
            text: String::from_utf8(bytes).unwrap(),
            lines,
        }
    }

    /// Returns the tokens of the code in their order.
    pub(super) fn tokens(&self) -> Vec<Token<'_>> {
        tokens(&self.text)
    }
}

/// Replaces all bytes but line ends by spaces.
fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// Replaces comments, texts and characters by blanks.
fn without_literals(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let length = literal_length(
            &text.as_bytes()[at..],
            at.checked_sub(1).map(|at| bytes[at]),
        );
        blank(&mut bytes[at..at + length]);
        at += length.max(1);
    }
    bytes
}

/// Returns the length of the comment or literal at the start of `text`, which
/// follows the byte `before`; 0 where there is neither.
fn literal_length(text: &[u8], before: Option<u8>) -> usize {
    let in_word = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match text {
        [b'/', b'/', ..] => text
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(text.len()),
        [b'/', b'*', ..] => block_comment_length(text),
        [b'"', ..] => quoted_length(text),
        [b'r', b'"' | b'#', ..] if !in_word => raw_length(text),
        [b'\'', b'\\', rest @ ..] => 3 + rest[1..].iter().position(|byte| *byte == b'\'').unwrap(),
        [b'\'', rest @ ..] => {
            // A character is between two quotes; a lifetime has one quote only.
            let character = String::from_utf8_lossy(&rest[..rest.len().min(4)]);
            let length = character.chars().next().map_or(0, char::len_utf8);
            if rest.get(length) == Some(&b'\'') {
                length + 2
            } else {
                0
            }
        }
        _ => 0,
    }
}

fn block_comment_length(text: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < text.len() {
        match &text[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted_length(text: &[u8]) -> usize {
    let mut at = 1;
    while text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// Returns the length of a raw text such as `r#"…"#`; 0 of a raw name such as
/// `r#type`.
fn raw_length(text: &[u8]) -> usize {
    let hashes = text[1..].iter().take_while(|byte| **byte == b'#').count();
    if text.get(1 + hashes) != Some(&b'"') {
        return 0;
    }
    let end = [&b"\""[..], &b"#".repeat(hashes)].concat();
    let inside = &text[2 + hashes..];
    let length = inside.windows(end.len()).position(|at| at == end).unwrap();
    2 + hashes + length + end.len()
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut tokens, mut line, mut start) = (Vec::new(), 0, 0);
    while let Some(first) = code[start..].chars().next() {
        let rest = &code[start..];
        let length = match first {
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        if !first.is_whitespace() {
            tokens.push(Token {
                text: &rest[..length],
                line,
                start,
            });
        }
        line += usize::from(first == '\n');
        start += length;
    }
    tokens
}

/// Finds what is compiled for tests only: the positions of each attribute
/// `#[cfg(test)]` or `#[cfg(any(test, …))]` with its item.
fn tests(tokens: &[Token<'_>]) -> Vec<Range<usize>> {
    let texts: Vec<&str> = tokens.iter().map(|token| token.text).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let rest = &texts[at..];
        let is_test = rest.starts_with(&["#", "[", "cfg", "(", "test", ")"])
            || rest.starts_with(&["#", "[", "cfg", "(", "any", "(", "test"])
            || rest.starts_with(&["#", "[", "cfg", "(", "all", "(", "test"]);
        if is_test {
            let end = at + item_length(rest);
            found.push(tokens[at].start..tokens[end - 1].start + 1);
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// Returns the number of tokens of an item, field or statement with its
/// attributes.
fn item_length(texts: &[&str]) -> usize {
    const ITEMS: [&str; 13] = [
        "pub", "fn", "mod", "use", "impl", "struct", "enum", "const", "static", "type", "trait",
        "unsafe", "async",
    ];
    let mut at = 0;
    while texts[at..].starts_with(&["#", "["]) {
        at += group_length(&texts[at + 1..]) + 1;
    }
    let is_item = ITEMS.contains(&texts[at]);
    while at < texts.len() {
        match texts[at] {
            "{" => return at + group_length(&texts[at..]),
            "(" | "[" => at += group_length(&texts[at..]),
            ";" => return at + 1,
            "," if !is_item => return at + 1,
            "}" | ")" => return at,
            _ => at += 1,
        }
    }
    at
}

/// Returns the number of tokens from an opening bracket to its closing one.
pub(super) fn group_length(texts: &[&str]) -> usize {
    let mut depth = 0;
    for (at, text) in texts.iter().enumerate() {
        match *text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    texts.len()
}

/// Returns the name of each function of `code`, its first line, counted from 1,
/// and the number of lines of its body.
pub(super) fn functions(code: &Code) -> Vec<(String, usize, usize)> {
    let tokens = code.tokens();
    let texts: Vec<&str> = tokens.iter().map(|token| token.text).collect();
    let mut functions = Vec::new();
    for at in 0..tokens.len().saturating_sub(1) {
        if texts[at] != "fn" || !tokens[at + 1].is_word() {
            continue;
        }
        let length = item_length(&texts[at..]);
        let end = at + length - 1;
        // A function of a trait may have no body.
        if texts[end] == "}" {
            let body = (at..end).find(|at| texts[*at] == "{").unwrap();
            let lines = (tokens[end].line - tokens[body].line).saturating_sub(1);
            functions.push((texts[at + 1].to_owned(), tokens[at].line + 1, lines));
        }
    }
    functions
}

#[test]
fn comments_literals_and_tests_are_not_code() {
    let text = r###"
// use crate::comment;
fn a<'x>(y: &'x str) -> char { /* { /* nested */ } */ '{' }
const B: [&str; 2] = ["crate::b \" {", r#"use "crate::c""#];
const C: [char; 2] = ['\'', '\u{7b}'];
#[cfg(test)]
use crate::only_tests;
struct D {
    #[cfg(any(test, feature = "testing"))]
    field: crate::field::Type,
    other: r#type,
}
#[cfg(test)]
mod tests {
    use crate::in_tests;
}
"###;
    let code = Code::new(text);
    let words: Vec<&str> = code
        .tokens()
        .into_iter()
        .filter(Token::is_word)
        .map(|token| token.text)
        .collect();
    let expected = "fn a x y x str char const B str const C char struct D other r type";
    assert_eq!(words.join(" "), expected);
    assert_eq!(code.lines, text.lines().count() - 8);
    let other = code
        .tokens()
        .into_iter()
        .find(|token| token.text == "other");
    assert_eq!(other.unwrap().line, 10);
}

#[test]
fn functions_are_measured_from_brace_to_brace() {
    let text =
        "trait A {\n  fn a();\n}\nfn b(c: [u8; 3]) -> Vec<u8>\nwhere\n{\n  1\n  2\n}\nfn d() {}\n";
    let expected = [("b".to_owned(), 4, 2), ("d".to_owned(), 10, 0)];
    assert_eq!(functions(&Code::new(text)), expected);
}
