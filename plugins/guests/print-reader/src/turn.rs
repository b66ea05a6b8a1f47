//! Which way up a page is.

use ink::print::{Grey, Ink, Print, Stretch, Turn};

use crate::Reader;
use crate::line::Cut;

/// Lines that are read both ways to tell which is right.
const SAMPLE: usize = 4;

/// Letters of a line that are enough for that.
const SAMPLE_GLYPHS_MAX: usize = 60;

/// Letters of print that stands upright are this likely right, and those of print
/// that stands on its head hardly ever.
const SURE: f32 = 0.9;

/// How much sharper the profile of one direction is where the other need not be
/// looked at.
const CLEAR: f64 = 2.5;

/// The page as it is to be read: turned, with its lines.
pub(crate) struct Upright {
    pub(crate) turn: Turn,
    /// None: the page as it was given.
    pub(crate) page: Option<Grey>,
    pub(crate) print: Print,
}

/// Turns the page so that its text stands upright. Pages without text stay as they are.
pub(crate) fn upright(reader: &Reader, page: &Grey) -> Result<Upright, String> {
    let ink = Ink::of(page);
    let uprightness = ink.uprightness();
    let given = Side::of(reader, page, ink.print())?;
    if given.print.regions.is_empty() || (uprightness >= 1.0 && given.upright >= SURE) {
        return Ok(Upright { turn: Turn::None, page: None, print: given.print });
    }
    let turned = page.turned(Turn::Right);
    let sideways =
        (uprightness < CLEAR).then(|| Side::of(reader, &turned, Ink::of(&turned).print())).transpose()?;
    let mut best = (Turn::None, given.upright);
    let mut consider = |turn: Turn, sure: f32| {
        // On a page that reads badly every way, the way it was given counts.
        if sure > best.1 + 0.02 {
            best = (turn, sure);
        }
    };
    if uprightness > 1.0 / CLEAR {
        consider(Turn::Half, given.on_its_head(reader, page)?);
    }
    if let Some(side) = &sideways {
        consider(Turn::Right, side.upright);
        consider(Turn::Left, side.on_its_head(reader, &turned)?);
    }
    Ok(match (best.0, sideways) {
        (Turn::None, _) => Upright { turn: Turn::None, page: None, print: given.print },
        (Turn::Right, Some(side)) => Upright { turn: Turn::Right, page: Some(turned), print: side.print },
        (turn, _) => {
            let page = page.turned(turn);
            Upright { turn, print: Ink::of(&page).print(), page: Some(page) }
        }
    })
}

/// A page one way or the other way up.
struct Side {
    print: Print,
    sample: Vec<Stretch>,
    /// How sure the network is of the sample.
    upright: f32,
}

impl Side {
    fn of(reader: &Reader, page: &Grey, print: Print) -> Result<Self, String> {
        let mut sample: Vec<Stretch> = print.regions.iter().flatten().flatten().copied().collect();
        sample.sort_by_key(|stretch| std::cmp::Reverse(stretch.glyphs.min(SAMPLE_GLYPHS_MAX)));
        sample.truncate(SAMPLE);
        let upright = sure(reader, &sample, |stretch| Cut::of(reader, page, print.slope, &stretch.line))?;
        Ok(Self { print, sample, upright })
    }

    fn on_its_head(&self, reader: &Reader, page: &Grey) -> Result<f32, String> {
        let cut = |stretch: &Stretch| Cut::of(reader, page, self.print.slope, &stretch.line).on_its_head();
        sure(reader, &self.sample, cut)
    }
}

/// How sure the network is of these lines, from 0 to 1.
fn sure(reader: &Reader, sample: &[Stretch], cut: impl Fn(&Stretch) -> Cut) -> Result<f32, String> {
    let mut sum = 0.0;
    for stretch in sample {
        sum += reader.read(&cut(stretch))?.likely;
    }
    Ok(sum / sample.len().max(1) as f32)
}
