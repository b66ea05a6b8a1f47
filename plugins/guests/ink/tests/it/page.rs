//! A page to draw on.

use ink::{Area, Ink, Page};

pub(crate) struct Sheet {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) luma: Vec<u8>,
}

impl Sheet {
    pub(crate) fn blank(width: u32, height: u32) -> Self {
        Self { width, height, luma: vec![255; (width * height) as usize] }
    }

    pub(crate) fn rect(&mut self, area: Area) {
        for y in area.y..area.bottom() {
            let at = (y * self.width + area.x) as usize;
            self.luma[at..at + area.width as usize].fill(0);
        }
    }

    /// Words of `letters` strokes: 6 wide, 2 apart; words 12 apart; 20 high.
    pub(crate) fn print(&mut self, x: u32, y: u32, words: &[u32]) {
        let mut x = x;
        for letters in words {
            for _ in 0..*letters {
                self.rect(Area { x, y, width: 6, height: 20 });
                x += 8;
            }
            x += 10;
        }
    }

    pub(crate) fn inverted(mut self) -> Self {
        self.luma.iter_mut().for_each(|level| *level = 255 - *level);
        self
    }

    pub(crate) fn measured(&self) -> Option<Page> {
        Ink::of(self.width, self.height, &self.luma).map(|ink| Page::of(&ink))
    }
}

/// Words in each line of each paragraph.
pub(crate) fn shape(page: &Page) -> Vec<Vec<usize>> {
    let lines = |lines: &Vec<ink::Line>| lines.iter().map(|line| line.words.len()).collect();
    page.paragraphs.iter().map(lines).collect()
}
