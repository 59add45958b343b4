//! The only source of randomness: ChaCha8 with a seed. It yields integers only, so that a seed gives the same
//! simulation on every machine.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// A seeded random generator.
pub(crate) struct SeededRng(ChaCha8Rng);

impl SeededRng {
    /// Creates the generator for one purpose. Equal seed and purpose give the same sequence; different purposes give
    /// independent ones.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut key = [0; 32];
        for (place, byte) in key.iter_mut().zip(seed.to_le_bytes().into_iter().chain(purpose.to_le_bytes())) {
            *place = byte;
        }
        SeededRng(ChaCha8Rng::from_seed(key))
    }

    /// The next 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 to `bound - 1`; 0 if `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // Modulo bias is below 2^-40 for every bound used in this crate.
        self.bits().checked_rem(bound).unwrap_or(0)
    }

    /// True with a probability of `percent` per cent.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A number from `low` to `high`, both inclusive.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.saturating_sub(low).saturating_add(1);
        low + self.below(u64::try_from(span).unwrap_or(0)) as i64
    }

    /// A number from `low` to `high`, both inclusive and above 0, distributed evenly on a logarithmic scale: most
    /// delays are short, some are long.
    pub(crate) fn skewed(&mut self, low: i64, high: i64) -> i64 {
        let bits = |number: i64| i64::from(number.max(1).ilog2());
        let exponent = self.between(bits(low), bits(high));
        self.between(low.max(1 << exponent), high.min((2 << exponent) - 1))
    }

    /// A random item.
    ///
    /// # Panics
    /// If `items` is empty.
    #[expect(clippy::indexing_slicing, reason = "the index is below the length")]
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// A text of `length` lower-case hexadecimal digits.
    pub(crate) fn hex(&mut self, length: usize) -> String {
        let mut digits = String::new();
        while digits.len() < length {
            digits.push_str(&format!("{:016x}", self.bits()));
        }
        digits.truncate(length);
        digits
    }

    /// A random UUID, version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let high = self.bits();
        let low = self.bits();
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }

    /// Shuffles the items (Fisher-Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seed_and_purpose_repeat_and_others_differ() {
        let roll = |seed, purpose| SeededRng::new(seed, purpose).hex(32);
        assert_eq!(roll(1, 2), roll(1, 2));
        assert_ne!(roll(1, 2), roll(2, 1));
        assert_ne!(roll(1, 2), roll(1, 3));
    }

    #[test]
    fn numbers_stay_within_and_reach_their_limits() {
        let mut rng = SeededRng::new(7, 7);
        let rolls: Vec<_> = (0..2_000).map(|_| rng.between(-3, 3)).collect();
        assert_eq!(rolls.iter().min(), Some(&-3));
        assert_eq!(rolls.iter().max(), Some(&3));
        assert!((0..2_000).map(|_| rng.skewed(5, 900)).all(|wait| (5..=900).contains(&wait)));
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn a_uuid_has_the_shape_of_version_4() {
        let uuid = SeededRng::new(3, 3).uuid();
        let lengths: Vec<_> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert!(matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }
}
