//! Columns, rows and the order in which they are read.

use super::frame::Frame;

/// Rows that a column has at least; what has fewer is a table's, a letterhead's.
const COLUMN_ROWS_MIN: usize = 4;

/// Columns within columns within columns: no print goes deeper.
const DEPTH_MAX: usize = 4;

/// A stretch of a line, and which one it is.
#[derive(Clone, Copy)]
struct Chain {
    frame: Frame,
    at: usize,
}

/// Chains that stand beside each other, from left to right.
type Row = Vec<Chain>;

/// Rows of stretches of lines in reading order, in groups that are not read across.
/// Stretches are named by their places in `frames`, which are straight; each is in one row.
pub fn reading_order(frames: &[Frame], page_width: f32) -> Vec<Vec<Vec<usize>>> {
    let mut regions = Vec::new();
    let chains = frames.iter().enumerate().map(|(at, &frame)| Chain { frame, at });
    part(chains.collect(), page_width, 0, &mut regions);
    let places = |row: &Row| row.iter().map(|chain| chain.at).collect();
    regions.iter().map(|rows| rows.iter().map(places).collect()).collect()
}

fn part(chains: Vec<Chain>, page_width: f32, depth: usize, out: &mut Vec<Vec<Row>>) {
    let mut plain: Vec<Chain> = Vec::new();
    let mut bands = bands(chains).into_iter().peekable();
    while let Some(band) = bands.next() {
        // As many bands as have a gutter in common.
        let mut gaps = self::gaps(&band, page_width);
        let mut together = band;
        while let Some(next) = bands.peek() {
            let common = common(&gaps, &self::gaps(next, page_width), page_width);
            let both = together.iter().chain(next);
            if is_apart(&together, next) || !common.iter().any(|gap| parts(*gap, both.clone())) {
                break;
            }
            gaps = common;
            together.extend(bands.next().unwrap_or_default());
        }
        gaps.retain(|gap| parts(*gap, together.iter()));
        match columns(&together, &gaps, page_width).filter(|_| depth < DEPTH_MAX) {
            Some(columns) => {
                flush(&mut plain, out);
                for column in columns {
                    part(column, page_width, depth + 1, out);
                }
            }
            None => plain.extend(together),
        }
    }
    flush(&mut plain, out);
}

/// Whether more than three lines' height of paper is between the two: what follows is
/// no more of the columns above, but the foot of the page.
fn is_apart(above: &[Chain], below: &[Chain]) -> bool {
    let height = middle(above.iter().map(|chain| chain.frame.height()));
    frame(below).top - frame(above).bottom > 3.0 * height
}

/// Whether chains stand on both sides.
fn parts<'a>((left, right): (f32, f32), mut chains: impl Iterator<Item = &'a Chain> + Clone) -> bool {
    let middle = (left + right) / 2.0;
    chains.clone().any(|chain| chain.frame.right < middle) && chains.any(|chain| chain.frame.left > middle)
}

fn flush(plain: &mut Vec<Chain>, out: &mut Vec<Vec<Row>>) {
    if !plain.is_empty() {
        out.push(rows(std::mem::take(plain)));
    }
}

/// Groups that no white row parts, from top to bottom.
fn bands(mut chains: Vec<Chain>) -> Vec<Vec<Chain>> {
    chains.sort_by(|a, b| a.frame.top.total_cmp(&b.frame.top));
    let mut bands: Vec<Vec<Chain>> = Vec::new();
    let mut bottom = f32::NEG_INFINITY;
    for chain in chains {
        // Accents and tails may reach into the next line.
        let slack = 0.15 * chain.frame.height();
        match bands.last_mut() {
            Some(band) if chain.frame.top + slack < bottom => band.push(chain),
            _ => bands.push(vec![chain]),
        }
        bottom = bottom.max(chain.frame.bottom);
    }
    bands
}

/// White stretches over all rows of a band that are wide enough for a gutter:
/// the page's edges count as well, as a column's last lines leave one side empty.
fn gaps(band: &[Chain], page_width: f32) -> Vec<(f32, f32)> {
    let mut spans: Vec<(f32, f32)> = band.iter().map(|chain| (chain.frame.left, chain.frame.right)).collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut gaps = Vec::new();
    let mut right = -page_width;
    for (left, end) in spans {
        if left - right >= gutter_min(page_width) {
            gaps.push((right, left));
        }
        right = right.max(end);
    }
    gaps.push((right, 2.0 * page_width));
    gaps
}

/// A hundredth of the page: 2 mm on A4, less than the gutter of any print.
fn gutter_min(page_width: f32) -> f32 {
    page_width / 100.0
}

fn common(gaps: &[(f32, f32)], others: &[(f32, f32)], page_width: f32) -> Vec<(f32, f32)> {
    let pairs = gaps.iter().flat_map(|a| others.iter().map(move |b| (a.0.max(b.0), a.1.min(b.1))));
    pairs.filter(|(left, right)| right - left >= gutter_min(page_width)).collect()
}

/// The chains parted at the gutters, where these part columns of text and not the
/// cells of a table.
fn columns(chains: &[Chain], gutters: &[(f32, f32)], page_width: f32) -> Option<Vec<Vec<Chain>>> {
    let mut columns = parted(chains, gutters);
    columns.retain(|column| !column.is_empty());
    // A list's numbers, a margin's notes: narrow ones belong to the row beside.
    let are_columns = columns.len() >= 2 && columns.iter().all(|column| is_column(column, page_width));
    are_columns.then_some(columns)
}

fn parted(chains: &[Chain], gutters: &[(f32, f32)]) -> Vec<Vec<Chain>> {
    let mut parted: Vec<Vec<Chain>> = vec![Vec::new(); gutters.len() + 1];
    for chain in chains {
        let (x, _) = chain.frame.center();
        let at = gutters.iter().filter(|(left, right)| x > (left + right) / 2.0).count();
        parted[at].push(*chain);
    }
    parted
}

/// Text fills its column from left to right and from top to bottom; the cells of a
/// table leave most of theirs empty.
fn is_column(chains: &[Chain], page_width: f32) -> bool {
    let rows = rows(chains.to_vec());
    let frame = frame(chains);
    let inked = |row: &Row| row.iter().map(|chain| chain.frame.width()).sum::<f32>();
    let high = |row: &Row| self::frame(row).height();
    rows.len() >= COLUMN_ROWS_MIN
        && frame.width() >= page_width / 7.0
        && middle(rows.iter().map(inked)) >= 0.7 * frame.width()
        && middle(rows.iter().map(high)) * rows.len() as f32 >= 0.35 * frame.height()
}

fn middle(values: impl Iterator<Item = f32>) -> f32 {
    let mut sorted: Vec<f32> = values.collect();
    sorted.sort_by(f32::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// The box around all.
fn frame(chains: &[Chain]) -> Frame {
    let all = chains.iter().map(|chain| chain.frame).reduce(|all, one| all.union(&one));
    all.unwrap_or(Frame { left: 0.0, top: 0.0, right: 0.0, bottom: 0.0 })
}

/// Chains side by side are a row.
fn rows(mut chains: Vec<Chain>) -> Vec<Row> {
    let middle = |chain: &Chain| chain.frame.center().1;
    chains.sort_by(|a, b| middle(a).total_cmp(&middle(b)));
    let mut rows: Vec<Row> = Vec::new();
    for chain in chains {
        let beside = |row: &Row| row.iter().any(|other| in_one_row(&other.frame, &chain.frame));
        // A row's chains follow each other by their middles, give or take one.
        match rows.iter_mut().rev().take(3).find(|row| beside(row) && !overlaps(row, &chain)) {
            Some(row) => row.push(chain),
            None => rows.push(vec![chain]),
        }
    }
    rows.iter_mut().for_each(|row| row.sort_by(|a, b| a.frame.left.total_cmp(&b.frame.left)));
    rows
}

/// Whether one shares most of its rows with the other.
fn in_one_row(a: &Frame, b: &Frame) -> bool {
    a.rows_shared(b) >= 0.55 * a.height().min(b.height())
}

/// Whether a chain stands above or below one of the row.
fn overlaps(row: &Row, chain: &Chain) -> bool {
    let shared =
        |other: &Chain| other.frame.right.min(chain.frame.right) - other.frame.left.max(chain.frame.left);
    row.iter().any(|other| shared(other) > 0.3 * other.frame.width().min(chain.frame.width()))
}
