//! Connected stretches of a map.

use crate::quad::Point;

/// Regions of one map that are looked at; a full page of small print has 200 lines.
/// The largest are kept.
const REGIONS_MAX: usize = 2_000;

/// Places of `mask`, `width` columns wide, that hang together over sides and corners: for
/// each region the first and the last place of each row. The holes in them are not told.
pub(crate) fn regions(mask: &[bool], width: usize) -> Vec<Vec<Point>> {
    let mut parents: Vec<u32> = Vec::new();
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    let mut above = 0..0;
    for (y, row) in mask.chunks_exact(width).enumerate() {
        let start = runs.len();
        let mut x = 0;
        while let Some(from) = row[x..].iter().position(|set| *set).map(|at| x + at) {
            x = row[from..].iter().position(|set| !*set).map_or(width, |at| from + at);
            let this = runs.len();
            parents.push(this as u32);
            // Runs of a row follow each other, so those left of this one are left of the next.
            while above.start < above.end && runs[above.start].2 < from {
                above.start += 1;
            }
            for other in above.clone().take_while(|&other: &usize| runs[other].1 <= x) {
                join(&mut parents, other, this);
            }
            runs.push((y, from, x));
        }
        above = start..runs.len();
    }
    let mut regions: Vec<Vec<Point>> = vec![Vec::new(); runs.len()];
    for (at, (y, from, to)) in runs.into_iter().enumerate() {
        let region = &mut regions[root(&mut parents, at)];
        region.extend([(from as f32, y as f32), ((to - 1) as f32, y as f32)]);
    }
    regions.retain(|region| !region.is_empty());
    regions.sort_by_key(|region| std::cmp::Reverse(region.len()));
    regions.truncate(REGIONS_MAX);
    regions
}

fn join(parents: &mut [u32], a: usize, b: usize) {
    let (a, b) = (root(parents, a), root(parents, b));
    parents[a.max(b)] = a.min(b) as u32;
}

fn root(parents: &mut [u32], mut at: usize) -> usize {
    while parents[at] as usize != at {
        parents[at] = parents[parents[at] as usize];
        at = parents[at] as usize;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: &[&str]) -> (Vec<bool>, usize) {
        (rows.concat().chars().map(|sign| sign == '#').collect(), rows[0].len())
    }

    #[test]
    fn what_touches_hangs_together() {
        let (mask, width) = mask(&["##...#", "..#..#", "#.##..", "#....."]);
        let mut found = regions(&mask, width);
        found.sort_by_key(|region| region[0].0 as i32);
        let ends = |region: &Vec<Point>| (region[0], region[region.len() - 1], region.len());
        assert_eq!(
            found.iter().map(ends).collect::<Vec<_>>(),
            [((0.0, 0.0), (3.0, 2.0), 6), ((0.0, 2.0), (0.0, 3.0), 4), ((5.0, 0.0), (5.0, 1.0), 4)]
        );
    }

    #[test]
    fn of_too_many_the_largest_are_kept() {
        let width = 2 * REGIONS_MAX + 20;
        let mut mask: Vec<bool> = (0..width).map(|x| x % 2 == 0).chain(vec![false; width]).collect();
        mask[2 * width - 2] = true;
        mask[2 * width - 1] = true;
        let found = regions(&mask, width);
        assert_eq!(found.len(), REGIONS_MAX);
        assert_eq!(found[0].len(), 4);
        assert!(regions(&[], 5).is_empty());
    }
}
