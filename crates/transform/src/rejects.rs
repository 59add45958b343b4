//! Collects the rejected lines of one object in groups, until they are stored under `rejected/`.

use bluetick_lake::{Reason, RejectedLine};

/// Size in bytes at which a group is complete, including [`LINE_OVERHEAD`] per line. Groups limit the memory for an
/// object that consists of rejected lines.
const GROUP_BYTES: usize = 4 * 1024 * 1024;

/// Approximate number of bytes that storing adds to a line: reason, object name and overhead.
const LINE_OVERHEAD: usize = 200;

/// Rejected lines in object order, divided into groups. The end of a group depends on the preceding lines only, not on
/// the chunks in which they were read, so a retry produces the same groups.
#[derive(Default)]
pub(crate) struct Rejects {
    /// All lines in one buffer, because a small gzip object can contain millions of lines.
    bytes: Vec<u8>,
    /// Reason of each line, and its end offset in `bytes`.
    ends: Vec<(Reason, usize)>,
    /// Number of lines of each complete group.
    groups: Vec<usize>,
    /// Lines and bytes of the incomplete last group.
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

    /// Completes the last group at the end of the object.
    pub(crate) fn close_group(&mut self) {
        if self.open_lines > 0 {
            self.groups.push(self.open_lines);
            (self.open_lines, self.open_bytes) = (0, 0);
        }
    }

    /// Removes and returns the complete groups, in order.
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

/// Complete groups of rejected lines.
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

    /// Collects `lines` lines and takes out the complete groups after every `step` lines.
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
    fn groups_depend_only_on_the_lines() {
        let whole = groups(2000, usize::MAX);
        assert!(whole.len() > 3, "{} groups", whole.len());
        for step in [1, 7, 300] {
            assert_eq!(groups(2000, step), whole, "taken out after every {step}");
        }
        let lines: Vec<_> = whole.into_iter().flatten().map(|rejected| rejected.line).collect();
        assert_eq!(lines, (0..2000).map(line).collect::<Vec<_>>());
    }

    #[test]
    fn no_lines_give_no_group() {
        let mut rejects = Rejects::default();
        rejects.close_group();
        assert_eq!(rejects.take_groups().count(), 0);
    }
}
