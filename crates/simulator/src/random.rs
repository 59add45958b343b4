//! The only source of chance: a seeded generator of a fixed algorithm (ChaCha8), used with integers alone, so that a seed
//! gives the same simulation on every machine.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// Seeded dice.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// Dice for one purpose: the same seed and purpose always roll the same.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut key = [0; 32];
        for (place, byte) in key.iter_mut().zip(seed.to_le_bytes().into_iter().chain(purpose.to_le_bytes())) {
            *place = byte;
        }
        Dice(ChaCha8Rng::from_seed(key))
    }

    /// The next 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`; 0 if there is none.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The bias of the remainder is below 2^-40 for every bound used here.
        self.bits().checked_rem(bound).unwrap_or(0)
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.saturating_sub(low).saturating_add(1);
        low + self.below(u64::try_from(span).unwrap_or(0)) as i64
    }

    /// A number from `low` to `high` (both above 0), small ones as likely as ones of twice the size: most waits are short,
    /// some are long.
    pub(crate) fn skewed(&mut self, low: i64, high: i64) -> i64 {
        let bits = |number: i64| i64::from(number.max(1).ilog2());
        let exponent = self.between(bits(low), bits(high));
        self.between(low.max(1 << exponent), high.min((2 << exponent) - 1))
    }

    /// One of the items.
    ///
    /// # Panics
    /// If there are none.
    #[expect(clippy::indexing_slicing, reason = "the index is below the length")]
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// `length` hexadecimal digits.
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

    /// Puts the items in a random order.
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
    fn purposes_and_seeds_roll_apart_and_repeat() {
        let roll = |seed, purpose| Dice::new(seed, purpose).hex(32);
        assert_eq!(roll(1, 2), roll(1, 2));
        assert_ne!(roll(1, 2), roll(2, 1));
        assert_ne!(roll(1, 2), roll(1, 3));
    }

    #[test]
    fn bounds_are_kept_and_reached() {
        let mut dice = Dice::new(7, 7);
        let rolls: Vec<_> = (0..2_000).map(|_| dice.between(-3, 3)).collect();
        assert_eq!(rolls.iter().min(), Some(&-3));
        assert_eq!(rolls.iter().max(), Some(&3));
        assert!((0..2_000).map(|_| dice.skewed(5, 900)).all(|wait| (5..=900).contains(&wait)));
        assert_eq!(dice.below(0), 0);
    }

    #[test]
    fn a_uuid_has_the_shape_of_version_4() {
        let uuid = Dice::new(3, 3).uuid();
        let lengths: Vec<_> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert!(matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }
}
