//! What makes two failures the same one.

use sha2::{Digest, Sha256};

/// 16 hexadecimal digits that are the same for failures of one cause: the first
/// half of 64 bits of SHA-256 over workflow, step, code and the message without
/// its variable parts. Taken out are quoted names (between `` ` ``, `'` or `"`),
/// and every word that has a digit or is eight or more hexadecimal letters:
/// numbers, sizes, UUIDs, hashes, addresses. What is left is what the program
/// says about every such failure.
#[must_use]
pub fn fingerprint(workflow: &str, step: &str, code: &str, message: &str) -> String {
    // NUL stands in none of the names, so that no two lists run together.
    let text = [workflow, step, code, &constant_part(message)].join("\0");
    let hash = Sha256::digest(text);
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// `message` with a `*` for each variable part.
fn constant_part(message: &str) -> String {
    let mut left = message;
    let mut constant = String::with_capacity(message.len());
    while let Some(first) = left.chars().next() {
        let inside_word = constant.chars().next_back().is_some_and(char::is_alphanumeric);
        if let Some(rest) = quoted(left, first).filter(|_| !inside_word) {
            push_variable(&mut constant);
            left = rest;
        } else if is_word(first) {
            let (word, rest) = left.split_at(left.find(|c| !is_word(c)).unwrap_or(left.len()));
            match is_variable(word) {
                true => push_variable(&mut constant),
                false => constant.push_str(word),
            }
            left = rest;
        } else {
            constant.push(first);
            left = &left[first.len_utf8()..];
        }
    }
    constant
}

/// What comes after the quotation that `text` begins with, if it does.
fn quoted(text: &str, first: char) -> Option<&str> {
    let body = text.strip_prefix(first).filter(|_| matches!(first, '`' | '\'' | '"'))?;
    body.split_once(first).map(|(_, rest)| rest)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_')
}

fn is_variable(word: &str) -> bool {
    let hexadecimal = word.len() >= 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal || word.chars().any(|c| c.is_ascii_digit())
}

/// A variable part; `1.5` and `10.0.0.1:80` are one.
fn push_variable(constant: &mut String) {
    let joined = constant.strip_suffix(['.', ',', ':', '/']).is_some_and(|before| before.ends_with('*'));
    if joined {
        constant.pop();
    } else if !constant.ends_with('*') {
        constant.push('*');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_parts_are_taken_out() {
        for (message, constant) in [
            ("page 12 of `a b.pdf` took 1.5 s", "page * of * took * s"),
            (
                "object uploads/6f9619ff-8b86-d011-b42d-00cf4fc964ff/x is 0xdeadbeef",
                "object uploads/*/x is *",
            ),
            ("hash deadbeefcafe, not decaf", "hash *, not decaf"),
            ("can't reach 10.0.0.1:5432, don't ask \"me\"", "can't reach *, don't ask *"),
            ("größer als '12", "größer als '*"),
            ("", ""),
        ] {
            assert_eq!(constant_part(message), constant);
        }
    }

    #[test]
    fn one_cause_has_one_fingerprint_and_another_has_another() {
        let of = |code, message| fingerprint("ocr", "download", code, message);
        assert_eq!(of("A", "page 1 is torn"), of("A", "page 377 is torn"));
        assert_ne!(of("A", "page 1 is torn"), of("B", "page 1 is torn"));
        assert_ne!(of("A", "page 1 is torn"), of("A", "page 1 is gone"));
        assert_eq!(of("A", "x").len(), 16);
    }
}
