//! The items of a list, by the signs and numbers that its lines begin with.

use crate::documents::model::{Block, Line};

/// Signs that stand before items.
const BULLETS: &str = "•◦‣▪●○■□·–—-*";

/// A number of more digits is a year or a sum.
const DIGITS_MAX: usize = 3;

/// A list, whose items have lost their signs; numbers only where they count up.
pub(super) struct List {
    /// Number of the first item, if they are numbered.
    pub(super) first: Option<u32>,
    /// Lines of each item.
    pub(super) items: Vec<Vec<String>>,
}

impl List {
    /// Lines without a sign go on with the item above; where none has one each line
    /// is an item.
    pub(super) fn of(block: &Block) -> Self {
        let lines: Vec<String> = block.lines.iter().map(Line::text).collect();
        let first = first_number(&lines);
        let text = |line: &str| match (mark(line), first) {
            (Some(Mark { number: Some(_), .. }), None) | (None, _) => line.to_owned(),
            (Some(Mark { rest, .. }), _) => rest.to_owned(),
        };
        let is_marked = lines.iter().any(|line| mark(line).is_some());
        let mut items: Vec<Vec<String>> = Vec::new();
        for line in &lines {
            match items.last_mut().filter(|_| is_marked && mark(line).is_none()) {
                Some(item) => item.push(line.clone()),
                None => items.push(vec![text(line)]),
            }
        }
        Self { first, items }
    }
}

/// What a line begins with, and what follows.
struct Mark<'a> {
    number: Option<u32>,
    rest: &'a str,
}

fn mark(line: &str) -> Option<Mark<'_>> {
    let (sign, rest) = line.trim().split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let mut characters = sign.chars();
    if let (Some(bullet), None) = (characters.next(), characters.next())
        && BULLETS.contains(bullet)
    {
        return Some(Mark { number: None, rest });
    }
    let digits = sign.strip_suffix(['.', ')'])?;
    let is_number = digits.len() <= DIGITS_MAX && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten().map(|number| Mark { number: Some(number), rest })
}

/// The first number, if all items have one and they count up: formats of lists
/// count by themselves.
fn first_number(lines: &[String]) -> Option<u32> {
    mark(lines.first()?)?;
    let numbers: Vec<u32> =
        lines.iter().filter_map(|line| mark(line)).map(|mark| mark.number).collect::<Option<_>>()?;
    let first = *numbers.first()?;
    (first..).zip(&numbers).all(|(expected, number)| expected == *number).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::model::Word;

    fn list(lines: &[&str]) -> (Option<u32>, Vec<String>) {
        let line = |text: &&str| {
            let word = |text: &str| Word { text: text.to_owned(), ..Word::default() };
            Line { words: text.split(' ').map(word).collect(), ..Line::default() }
        };
        let lines = lines.iter().map(line).collect();
        let list = List::of(&Block { role: "list".to_owned(), lines, ..Block::default() });
        (list.first, list.items.into_iter().map(|lines| lines.join("/")).collect())
    }

    #[test]
    fn items_begin_with_signs_or_numbers_that_count_up() {
        let of = |first, items: &[&str]| (first, items.iter().map(|item| (*item).to_owned()).collect());
        assert_eq!(list(&["• red", "wine", "• bread"]), of(None, &["red/wine", "bread"]));
        assert_eq!(list(&["3. red", "wine", "4) bread"]), of(Some(3), &["red/wine", "bread"]));
        assert_eq!(list(&["1. red", "3. bread"]), of(None, &["1. red", "3. bread"]));
        assert_eq!(list(&["1. red", "- bread"]), of(None, &["1. red", "bread"]));
        assert_eq!(list(&["To buy", "- bread"]), of(None, &["To buy", "bread"]));
        assert_eq!(
            list(&["red", "-5 degrees", "2026. A year"]),
            of(None, &["red", "-5 degrees", "2026. A year"])
        );
        assert_eq!(list(&[]), of(None, &[]));
    }
}
