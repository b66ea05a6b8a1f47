//! The cells of a table: those that the engine found; else words that stand close are
//! one, and cells that stand below each other are a column.

use crate::documents::model::{self, Block, Line, Page, Rect, Word};

/// A gap wider than so many line heights divides cells; words stand closer.
const GAP_HEIGHTS: f32 = 1.2;

/// From left to right, in parts of the page.
#[derive(Clone, Copy)]
struct Span {
    left: f32,
    right: f32,
}

struct Cell {
    text: String,
    span: Option<Span>,
}

/// A cell with its text, as HTML has it.
pub(super) struct Placed {
    pub(super) text: String,
    pub(super) row_span: u32,
    pub(super) column_span: u32,
    pub(super) header: bool,
}

/// The cells of a table that stands on `page`, row by row; a row lacks the places that
/// a cell before them takes up.
pub(super) fn placed_rows(table: &Block, page: &Page) -> Vec<Vec<Placed>> {
    let simple = |text| Placed { text, row_span: 1, column_span: 1, header: false };
    let Some(grid) = Grid::of(table) else {
        let rows = guessed(table, page).into_iter();
        return rows.map(|row| row.into_iter().map(simple).collect()).collect();
    };
    let placed = |place: &Place<'_>| match place {
        Place::Empty => Some(simple(String::new())),
        Place::Taken => None,
        Place::Cell(cell, text) => Some(Placed {
            text: text.clone(),
            row_span: cell.row_span,
            column_span: cell.column_span,
            header: cell.header,
        }),
    };
    let rows = grid.rows.iter().map(|row| row.iter().filter_map(placed).collect());
    rows.chain(grid.loose.into_iter().map(|text| vec![simple(text)])).collect()
}

/// The texts of the cells of a table that stands on `page`, row by row, one for each
/// column: a cell that takes up several places has its text in the first.
pub(super) fn rows(table: &Block, page: &Page) -> Vec<Vec<String>> {
    let Some(grid) = Grid::of(table) else { return guessed(table, page) };
    let text = |place: &Place<'_>| match place {
        Place::Cell(_, text) => text.clone(),
        Place::Empty | Place::Taken => String::new(),
    };
    let rows = grid.rows.iter().map(|row| row.iter().map(text).collect());
    rows.chain(grid.loose.into_iter().map(|text| vec![text])).collect()
}

/// The cells that the engine found.
struct Grid<'a> {
    rows: Vec<Vec<Place<'a>>>,
    /// Lines in no cell.
    loose: Vec<String>,
}

#[derive(Clone)]
enum Place<'a> {
    Empty,
    Cell(&'a model::Cell, String),
    /// By a cell that begins above or to the left.
    Taken,
}

impl<'a> Grid<'a> {
    fn of(block: &'a Block) -> Option<Self> {
        let table = block.table.as_ref()?;
        let mut rows = vec![vec![Place::Empty; table.columns as usize]; table.rows as usize];
        let mut loose = Vec::new();
        for part in block.parts() {
            let Some(cell) = part.cell else {
                loose.extend(part.lines.iter().map(|(_, line)| line.text()));
                continue;
            };
            let across = cell.column as usize..(cell.column + cell.column_span) as usize;
            for row in rows.iter_mut().skip(cell.row as usize).take(cell.row_span as usize) {
                row.get_mut(across.clone()).into_iter().flatten().for_each(|place| *place = Place::Taken);
            }
            let first = rows.get_mut(cell.row as usize).and_then(|row| row.get_mut(across.start));
            first.into_iter().for_each(|place| *place = Place::Cell(cell, part.text(" ")));
        }
        Some(Self { rows, loose })
    }
}

/// The texts of the cells, a list a line. A cell stands in the column that it stands
/// below, with empty ones before it; where that can't be told the cells follow each
/// other.
fn guessed(table: &Block, page: &Page) -> Vec<Vec<String>> {
    let rows: Vec<Vec<Cell>> = table.lines.iter().map(|line| cells(line, page)).collect();
    let columns = columns(&rows);
    let texts = |row: Vec<Cell>| match columns.as_deref().and_then(|columns| placed(&row, columns)) {
        Some(texts) => texts,
        None => row.into_iter().map(|cell| cell.text).collect(),
    };
    rows.into_iter().map(texts).collect()
}

/// The columns that the longest rows show; none if theirs don't stand apart.
fn columns(rows: &[Vec<Cell>]) -> Option<Vec<Span>> {
    let count = rows.iter().map(Vec::len).max()?;
    let longest = || rows.iter().filter(|row| row.len() == count);
    let column = |index: usize| longest().map(|row| row[index].span).reduce(|a, b| Some(a?.with(b?)))?;
    let columns: Vec<Span> = (0..count).map(column).collect::<Option<_>>()?;
    let others = |index: usize| columns[index + 1..].iter();
    let are_apart = (0..count).all(|index| others(index).all(|other| columns[index].shared(*other) <= 0.0));
    are_apart.then_some(columns)
}

/// The row with a text for each column; none where two cells want the same.
fn placed(row: &[Cell], columns: &[Span]) -> Option<Vec<String>> {
    let mut texts = vec![String::new(); columns.len()];
    for cell in row {
        let span = cell.span?;
        let shared = |index: &usize| span.shared(columns[*index]);
        let best = (0..columns.len()).max_by(|a, b| shared(a).total_cmp(&shared(b)))?;
        if !texts[best].is_empty() {
            return None;
        }
        texts[best].clone_from(&cell.text);
    }
    Some(texts)
}

/// Words without places are cells of their own.
fn cells(line: &Line, page: &Page) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::new();
    let mut before: Option<&Word> = None;
    for word in &line.words {
        let span = word.bounds.map(|Rect { x, width, .. }| Span { left: x, right: x + width });
        match (cells.last_mut(), before) {
            (Some(cell), Some(before)) if !is_divided(before, word, page) => {
                cell.text.push(' ');
                cell.text.push_str(&word.text);
                cell.span = cell.span.zip(span).map(|(a, b)| a.with(b));
            }
            _ => cells.push(Cell { text: word.text.clone(), span }),
        }
        before = Some(word);
    }
    cells
}

#[expect(clippy::cast_precision_loss, reason = "sides are far below 2^24 pixels")]
fn is_divided(left: &Word, right: &Word, page: &Page) -> bool {
    let (Some(left), Some(right)) = (left.bounds, right.bounds) else { return true };
    let Rect { x, width, height, .. } = left;
    let gap = (right.x - (x + width)) * page.width as f32;
    gap > GAP_HEIGHTS * height.max(right.height) * page.height as f32
}

impl Span {
    fn with(self, other: Self) -> Self {
        Self { left: self.left.min(other.left), right: self.right.max(other.right) }
    }

    /// What both have of the page; of two that stand apart the distance, below 0.
    fn shared(self, other: Self) -> f32 {
        self.right.min(other.right) - self.left.max(other.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of lines of words with their left edges.
    fn table(lines: &[&[(&str, f32)]]) -> Vec<Vec<String>> {
        let line = |words: &&[(&str, f32)]| {
            let words = words.iter().map(|(text, x)| Word {
                text: (*text).to_owned(),
                bounds: (*x >= 0.0).then_some(Rect { x: *x, y: 0.1, width: 0.08, height: 0.01 }),
                ..Word::default()
            });
            Line { words: words.collect(), ..Line::default() }
        };
        let lines = lines.iter().map(line).collect();
        let page = Page { width: 1000, height: 1000, ..Page::default() };
        rows(&Block { role: "table".to_owned(), lines, ..Block::default() }, &page)
    }

    #[test]
    fn a_cell_stands_in_the_column_it_stands_below() {
        let rows = table(&[
            &[("Item", 0.1), ("Count", 0.4), ("Price", 0.7)],
            &[("Screws", 0.1), ("12", 0.42), ("3.40", 0.72)],
            &[("Nails", 0.1), ("2.10", 0.71)],
            &[("Total", 0.1), ("paid", 0.185), ("5.50", 0.69)],
        ]);
        let expected: [&[&str]; 4] = [
            &["Item", "Count", "Price"],
            &["Screws", "12", "3.40"],
            &["Nails", "", "2.10"],
            &["Total paid", "", "5.50"],
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn cells_of_the_engine_keep_their_places_and_spans() {
        let line = |text: &str| Line {
            words: text.split(' ').map(|text| Word { text: text.to_owned(), ..Word::default() }).collect(),
            ..Line::default()
        };
        let cell = |row, column, row_span, column_span, lines: &[usize]| model::Cell {
            row,
            column,
            row_span,
            column_span,
            header: row == 0,
            bounds: None,
            lines: lines.to_vec(),
        };
        let cells = vec![cell(0, 0, 1, 2, &[1]), cell(0, 2, 2, 1, &[2, 3]), cell(1, 0, 1, 1, &[4])];
        let block = Block {
            lines: ["a note", "Item", "Price", "in EUR", "Nails"].map(line).into(),
            table: Some(model::Table { rows: 2, columns: 3, cells }),
            ..Block::default()
        };
        let expected: [&[&str]; 3] = [&["Item", "", "Price in EUR"], &["Nails", "", ""], &["a note"]];
        assert_eq!(rows(&block, &Page::default()), expected);
        let placed: Vec<Vec<_>> = placed_rows(&block, &Page::default())
            .iter()
            .map(|row| {
                let cell = |cell: &Placed| (cell.text.clone(), cell.row_span, cell.column_span, cell.header);
                row.iter().map(cell).collect()
            })
            .collect();
        let is = |text: &str, rows, columns, header| (text.to_owned(), rows, columns, header);
        assert_eq!(placed[0], [is("Item", 1, 2, true), is("Price in EUR", 2, 1, true)]);
        assert_eq!(placed[1], [is("Nails", 1, 1, false), is("", 1, 1, false)]);
        assert_eq!(placed[2], [is("a note", 1, 1, false)]);
    }

    #[test]
    fn cells_follow_each_other_where_columns_cannot_be_told() {
        let crossed = table(&[&[("a", 0.1), ("b", 0.4)], &[("c", 0.35), ("d", 0.6)], &[("e", 0.6)]]);
        assert_eq!(crossed, [&["a", "b"][..], &["c", "d"], &["e"]]);
        let placeless = table(&[&[("a", -1.0), ("b", -1.0)], &[("c", -1.0)]]);
        assert_eq!(placeless, [&["a", "b"][..], &["c"]]);
        assert_eq!(table(&[]), [[""; 0]; 0]);
    }
}
