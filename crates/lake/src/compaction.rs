//! Decides which parts of a partition a commit rewrites together with its new rows.
//!
//! Each part costs its readers time, and each rewritten byte costs its writers time. The rules:
//!
//! 1. Growth: parts are compacted into a part with at least [`crate::LakeOptions::growth_factor`] times the rows of the
//!    largest of them. The number of times that a row is rewritten is therefore logarithmic in the number of commits.
//! 2. Number of parts: a partition never has more than [`MAX_PARTS`] parts. If the first rule leaves more parts, it is
//!    applied again with smaller factors until at most that many are left. (If only the smallest parts were compacted
//!    instead, every commit would rewrite the same rows, because the other parts would never be compacted.)
//! 3. Small parts: parts below [`crate::LakeOptions::small_part_bytes`] are always compacted. A partition therefore has
//!    at most one of them.
//!
//! No part becomes larger than [`crate::LakeOptions::target_part_bytes`], or than a quarter of the partition if that is
//! larger, unless the second rule needs it.
//!
//! The sweep applies the first rule to days that have ended, with smaller factors ([`choose_ended`]).

use std::sync::Arc;

use crate::options::LakeOptions;
use crate::part::{Part, PartSize};
use crate::tables::Table;

/// Maximum number of parts in a partition after a commit.
pub(crate) const MAX_PARTS: usize = 8;

/// Growth factors that are tried; the last one is a few hundredths above 1.
const FACTORS: usize = 7;

/// Factor of [`choose_ended`] while late events of the day still arrive: the other parts that are merged must have at
/// least an eighth of the rows of the largest of them.
pub(crate) const ENDED_FACTOR: f64 = 1.125;

/// The parts that can be compacted, smallest first: all but those with columns of a newer version.
pub(crate) fn by_size(table: Table, parts: &[Arc<Part>]) -> Vec<Arc<Part>> {
    let mut parts: Vec<_> = parts.iter().filter(|part| part.unknown_columns(table).is_empty()).cloned().collect();
    parts.sort_by_key(|part| part.size());
    parts
}

/// Returns how many of the smallest parts are compacted with `new_rows` rows. `parts` must be sorted by size. `others` is
/// the number of further parts, which cannot be compacted.
pub(crate) fn choose(new_rows: u64, parts: &[PartSize], others: usize, options: &LakeOptions) -> usize {
    if options.growth_factor.is_infinite() {
        return 0;
    }
    let target_bytes = target_bytes(parts, options);
    let small = parts.iter().rposition(|part| part.bytes < options.small_part_bytes).map_or(0, |index| index + 1);
    let excess = (parts.len() + others + 1).saturating_sub(MAX_PARTS).min(parts.len());
    let chosen = by_growth(new_rows, parts, excess, options.growth_factor, target_bytes)
        .or_else(|| by_growth(new_rows, parts, excess, options.growth_factor, u64::MAX))
        .unwrap_or(parts.len());
    chosen.max(small)
}

/// Returns how many of the smallest parts of a day that has ended are compacted. The new part has at least `factor` times
/// the rows of the largest of them. 0 if fewer than two of them have rows: to rewrite one part would change nothing for
/// readers.
pub(crate) fn choose_ended(parts: &[PartSize], factor: f64, options: &LakeOptions) -> usize {
    if options.growth_factor.is_infinite() {
        return 0;
    }
    let chosen = most_growing(0, parts, factor, target_bytes(parts, options));
    let with_rows = parts.iter().take(chosen).filter(|part| part.rows > 0).count();
    if with_rows > 1 { chosen } else { 0 }
}

/// Maximum size of a new part in bytes.
fn target_bytes(parts: &[PartSize], options: &LakeOptions) -> u64 {
    let partition_bytes: u64 = parts.iter().map(|part| part.bytes).sum();
    options.target_part_bytes.max(partition_bytes / 4)
}

/// The largest number of smallest parts that [`most_growing`] allows. If it is below `excess`, smaller factors are tried,
/// down to about 1. `None` if no factor allows `excess` parts.
fn by_growth(new_rows: u64, parts: &[PartSize], excess: usize, growth_factor: f64, target_bytes: u64) -> Option<usize> {
    let surplus_of_factor = std::iter::successors(Some(growth_factor - 1.0), |surplus| Some(surplus / 2.0));
    let factors = surplus_of_factor.take(FACTORS).map(|surplus| 1.0 + surplus);
    factors.map(|factor| most_growing(new_rows, parts, factor, target_bytes)).find(|chosen| *chosen >= excess)
}

/// The largest number of smallest parts that together with the new rows have at least `factor` times the rows of the
/// largest of them, and at most `target_bytes`.
fn most_growing(new_rows: u64, parts: &[PartSize], factor: f64, target_bytes: u64) -> usize {
    let (mut rows, mut bytes, mut chosen) = (new_rows, 0_u64, 0);
    for (part, number) in parts.iter().zip(1..) {
        rows += part.rows;
        bytes = bytes.saturating_add(part.bytes);
        if bytes > target_bytes {
            break;
        }
        if rows as f64 >= factor * part.rows as f64 {
            chosen = number;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    use super::*;

    /// Approximate size of an empty part and of a row in bytes.
    const FILE_BYTES: u64 = 2_000;
    const ROW_BYTES: u64 = 30;

    /// Returns how many of the smallest parts are compacted with the new rows.
    type Rule = fn(u64, &[PartSize]) -> usize;

    fn all_rules(new_rows: u64, parts: &[PartSize]) -> usize {
        choose(new_rows, parts, 0, &LakeOptions::default())
    }

    fn without_limit_of_parts(new_rows: u64, parts: &[PartSize]) -> usize {
        let options = LakeOptions::default();
        let small = parts.iter().rposition(|part| part.bytes < options.small_part_bytes).map_or(0, |index| index + 1);
        most_growing(new_rows, parts, options.growth_factor, options.target_part_bytes).max(small)
    }

    fn without_small_parts(new_rows: u64, parts: &[PartSize]) -> usize {
        choose(new_rows, parts, 0, &LakeOptions { small_part_bytes: 0, ..LakeOptions::default() })
    }

    /// A partition, and the bytes written to it.
    #[derive(Debug, Default)]
    struct History {
        parts: Vec<PartSize>,
        bytes_written: u64,
    }

    impl History {
        /// Commits `rows` rows of `row_bytes` bytes each.
        fn commit(&mut self, rows: u64, row_bytes: u64, rule: Rule) {
            self.parts.sort_unstable();
            let chosen = rule(rows, &self.parts);
            let mut part = PartSize { rows, bytes: FILE_BYTES + rows * row_bytes };
            for compacted in self.parts.drain(..chosen) {
                part.rows += compacted.rows;
                part.bytes += compacted.bytes - FILE_BYTES;
            }
            self.bytes_written += part.bytes;
            self.parts.push(part);
        }

        /// The laws: at most [`MAX_PARTS`] parts, and at most one below the size of small parts.
        fn check(&self) -> Result<(), TestCaseError> {
            let small_bytes = LakeOptions::default().small_part_bytes;
            let small = self.parts.iter().filter(|part| part.bytes < small_bytes).count();
            prop_assert!(self.parts.len() <= MAX_PARTS, "{} parts: {self:?}", self.parts.len());
            prop_assert!(small <= 1, "{small} small parts: {self:?}");
            Ok(())
        }
    }

    /// Applies a rule to 1,000 random histories. Returns the shortest history that breaks a law.
    fn break_laws(rule: Rule) -> Option<String> {
        let rows = prop_oneof![1..50_u64, 1..20_000_u64, 1..10_000_000_u64];
        let histories = prop::collection::vec((rows, 1..400_u64), 0..150);
        let config = Config { cases: 1_000, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let result = runner.run(&histories, |commits| {
            let mut history = History::default();
            commits.into_iter().try_for_each(|(rows, row_bytes)| {
                history.commit(rows, row_bytes, rule);
                history.check()
            })
        });
        result.err().map(|error| error.to_string())
    }

    #[test]
    fn few_parts_and_at_most_one_small_one() {
        assert_eq!(break_laws(all_rules), None);
    }

    /// The controls: each law needs its rule.
    #[test]
    fn without_a_rule_a_law_is_broken() {
        let broken = break_laws(without_limit_of_parts).unwrap();
        assert!(broken.contains("9 parts"), "{broken}");
        let broken = break_laws(without_small_parts).unwrap();
        assert!(broken.contains("2 small parts"), "{broken}");
    }

    /// Bytes written for each byte that is left, after `commits` commits of `rows` rows.
    fn write_amplification(rows: u64, commits: u64) -> f64 {
        let mut history = History::default();
        (0..commits).for_each(|_| history.commit(rows, ROW_BYTES, all_rules));
        history.bytes_written as f64 / history.parts.iter().map(|part| part.bytes).sum::<u64>() as f64
    }

    #[test]
    fn a_day_of_equal_commits_is_written_a_few_times() {
        for (rows, commits, most) in [(3_500, 288, 4.5), (3_500, 3_000, 7.0), (1_000_000, 288, 5.0)] {
            let measured = write_amplification(rows, commits);
            assert!(measured < most, "{commits} commits of {rows} rows: {measured} times");
        }
    }

    /// Compacts an ended day until nothing changes. Returns the rows of its parts, and how often it was compacted.
    fn end_day(rows: &[u64], factor: f64) -> (Vec<u64>, usize) {
        let options = LakeOptions { target_part_bytes: 100_000 * ROW_BYTES, ..LakeOptions::default() };
        let size = |rows: u64| PartSize { rows, bytes: rows * ROW_BYTES };
        let (mut parts, mut compactions): (Vec<_>, _) = (rows.iter().copied().map(size).collect(), 0);
        loop {
            parts.sort_unstable();
            let chosen = choose_ended(&parts, factor, &options);
            if chosen == 0 {
                return (parts.iter().map(|part| part.rows).collect(), compactions);
            }
            let merged = parts.drain(..chosen).map(|part| part.rows).sum();
            parts.push(size(merged));
            compactions += 1;
        }
    }

    #[test]
    fn an_ended_day_is_compacted_once() {
        assert_eq!(end_day(&[0, 10, 500, 40_000], 1.0), (vec![40_510], 1));
        assert_eq!(end_day(&[0, 40_510], 1.0), (vec![0, 40_510], 0));
        assert_eq!(end_day(&[0, 0], 1.0), (vec![0, 0], 0));
        // Too few rows to rewrite the largest part.
        assert_eq!(end_day(&[10, 500, 40_000], ENDED_FACTOR), (vec![10, 500, 40_000], 0));
        assert_eq!(end_day(&[400, 500, 40_000], ENDED_FACTOR), (vec![900, 40_000], 1));
        assert_eq!(end_day(&[400, 5_000, 40_000], ENDED_FACTOR), (vec![45_400], 1));
        // No part becomes larger than the limit.
        assert_eq!(end_day(&[40_000; 5], 1.0), (vec![40_000, 80_000, 80_000], 2));
    }
}
