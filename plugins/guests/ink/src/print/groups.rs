//! Joins what belongs together.

/// Disjoint sets of `0..n`.
pub(crate) struct Groups {
    parents: Vec<u32>,
}

impl Groups {
    pub(crate) fn of(count: usize) -> Self {
        Self { parents: (0..count as u32).collect() }
    }

    pub(crate) fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        let (low, high) = (a.min(b), a.max(b));
        self.parents[high] = low as u32;
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.parents[at] as usize != at {
            let parent = self.parents[at] as usize;
            self.parents[at] = self.parents[parent];
            at = parent;
        }
        at
    }

    /// The sets, in the order of their first members.
    pub(crate) fn all(mut self) -> Vec<Vec<usize>> {
        let mut numbers = vec![usize::MAX; self.parents.len()];
        let mut all: Vec<Vec<usize>> = Vec::new();
        for at in 0..self.parents.len() {
            let root = self.root(at);
            if numbers[root] == usize::MAX {
                numbers[root] = all.len();
                all.push(Vec::new());
            }
            all[numbers[root]].push(at);
        }
        all
    }
}
