//! The rejected lines of one object, until they are kept.

use bluetick_lake::{Reason, RejectedLine};

/// What the lines of a group may take at most, counted with [`LINE_OVERHEAD`] each. An object of [`crate::lines`] may hold
/// nothing but broken lines; they are kept group by group.
const GROUP_BYTES: usize = 4 * 1024 * 1024;

/// About what keeping a line adds to it: its reason, its object's name, and its own entry in memory.
const LINE_OVERHEAD: usize = 200;

/// Lines in the order of the object, cut into groups. Where a group ends depends on the lines before it alone, never on the
/// pieces in which they came: so a retry makes the same groups again.
#[derive(Default)]
pub(crate) struct Rejects {
    /// All waiting lines, one behind the other: gzip may turn a few bytes into millions of lines.
    bytes: Vec<u8>,
    /// Reason of each, and where it ends in `bytes`.
    ends: Vec<(Reason, usize)>,
    /// How many lines each whole group has.
    groups: Vec<usize>,
    /// Lines and bytes of the last group, which may still grow.
    open_lines: usize,
    open_bytes: usize,
}

impl Rejects {
    pub(crate) fn push(&mut self, reason: Reason, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push((reason, self.bytes.len()));
        self.open_lines += 1;
        self.open_bytes += line.len() + LINE_OVERHEAD;
        if self.open_bytes >= GROUP_BYTES {
            self.close_group();
        }
    }

    /// The last group is whole: the object has no more lines.
    pub(crate) fn close_group(&mut self) {
        if self.open_lines > 0 {
            self.groups.push(self.open_lines);
            (self.open_lines, self.open_bytes) = (0, 0);
        }
    }

    /// Takes the whole groups out, in their order.
    pub(crate) fn take_groups(&mut self) -> Groups {
        if self.groups.is_empty() {
            return Groups::default();
        }
        let groups = std::mem::take(&mut self.groups);
        let lines = groups.iter().sum::<usize>().min(self.ends.len());
        let rest = self.ends.split_off(lines);
        let end = self.ends.last().map_or(0, |(_, end)| *end);
        let rest_bytes = self.bytes.split_off(end);
        let ends = std::mem::replace(&mut self.ends, rest);
        self.ends.iter_mut().for_each(|(_, start)| *start -= end);
        let bytes = std::mem::replace(&mut self.bytes, rest_bytes);
        Groups { bytes, ends: ends.into_iter(), groups: groups.into_iter(), start: 0 }
    }
}

/// Whole groups of rejected lines.
#[derive(Default)]
pub(crate) struct Groups {
    bytes: Vec<u8>,
    ends: std::vec::IntoIter<(Reason, usize)>,
    groups: std::vec::IntoIter<usize>,
    start: usize,
}

impl Iterator for Groups {
    type Item = Vec<RejectedLine>;

    fn next(&mut self) -> Option<Self::Item> {
        let count = self.groups.next()?;
        let mut group = Vec::with_capacity(count);
        for (reason, end) in self.ends.by_ref().take(count) {
            let line = self.bytes.get(self.start..end).unwrap_or_default().to_vec();
            self.start = end;
            group.push(RejectedLine { reason, line });
        }
        Some(group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize) -> Vec<u8> {
        format!("{number} {}", "x".repeat(number * 37 % 20_000)).into_bytes()
    }

    /// The groups of these lines, taken out after every `step` of them.
    fn groups(lines: usize, step: usize) -> Vec<Vec<RejectedLine>> {
        let mut rejects = Rejects::default();
        let mut groups = Vec::new();
        for number in 0..lines {
            rejects.push(Reason::NotJson, &line(number));
            if number % step == 0 {
                groups.extend(rejects.take_groups());
            }
        }
        rejects.close_group();
        groups.extend(rejects.take_groups());
        assert_eq!(rejects.take_groups().count(), 0);
        groups
    }

    #[test]
    fn groups_depend_on_the_lines_alone() {
        let whole = groups(2000, usize::MAX);
        assert!(whole.len() > 3, "{} groups", whole.len());
        for step in [1, 7, 300] {
            assert_eq!(groups(2000, step), whole, "taken out after every {step}");
        }
        let lines: Vec<_> = whole.into_iter().flatten().map(|rejected| rejected.line).collect();
        assert_eq!(lines, (0..2000).map(line).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_is_no_group() {
        let mut rejects = Rejects::default();
        rejects.close_group();
        assert_eq!(rejects.take_groups().count(), 0);
    }
}
