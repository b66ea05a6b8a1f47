//! A fingerprint as a word that can be said and means nothing.

const CONSONANTS: [&str; 16] =
    ["b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z"];
const VOWELS: [&str; 8] = ["a", "e", "i", "o", "u", "ai", "eo", "ou"];

/// Seven bits a syllable: nine are all that a fingerprint of 64 bits holds.
const SYLLABLES_MAX: u32 = 9;

/// A word for ink of this shape: a syllable for each height of it in width, as
/// two letters are about as wide as a line is high.
pub(crate) fn word(fingerprint: u64, width: u32, height: u32) -> String {
    let count = (width / height.max(1)).clamp(1, SYLLABLES_MAX);
    let syllable = |at: u32| {
        let bits = (fingerprint >> (at * 7)) as usize;
        [CONSONANTS[bits & 15], VOWELS[bits >> 4 & 7]]
    };
    (0..count).flat_map(syllable).collect()
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn wider_ink_is_a_longer_word() {
        assert_eq!(word(0, 10, 20), "ba");
        assert_eq!(word(0, 60, 20), "bababa");
        assert_eq!(word(u64::MAX, u32::MAX, 0), "zou".repeat(9));
    }

    #[test]
    fn other_ink_is_another_word() {
        assert_ne!(word(1, 40, 20), word(2, 40, 20));
    }
}
