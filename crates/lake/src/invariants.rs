//! The lake's invariants. The running program, `verify` and the model test report violations with the same enum.

use std::fmt;
use std::sync::Arc;

use crate::error::LakeError;
use crate::part::Part;
use crate::partition::Partition;

/// A condition that holds at every moment, whichever processes write, read, sweep, erase or crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Invariant {
    /// Every part that a manifest references exists.
    ReferencedPartsExist,
    /// No two rows of a partition have the same key.
    RowsAreUnique,
    /// Rows of a part are sorted by event time, then key.
    RowsAreSorted,
    /// Every row lies in the partition of its event time (R1).
    RowsFitTheirDate,
    /// A committed row stays in the lake until it is erased.
    RowsAreKept,
    /// No referenced part holds a row of a person whose erasure is confirmed.
    ErasedRowsAreAbsent,
    /// Rows in = new + duplicates + erased; rows after a commit = rows before + new (R6).
    RowsAddUp,
    /// Every manifest is well-formed and references each part once.
    ManifestsAreSound,
    /// Every partition that has parts has a manifest.
    ManifestsExist,
    /// Every part can be read, and its bytes match the digest in its footer.
    PartsAreIntact,
}

impl Invariant {
    /// The name of the invariant in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Invariant::ReferencedPartsExist => "referenced_parts_exist",
            Invariant::RowsAreUnique => "rows_are_unique",
            Invariant::RowsAreSorted => "rows_are_sorted",
            Invariant::RowsFitTheirDate => "rows_fit_their_date",
            Invariant::RowsAreKept => "rows_are_kept",
            Invariant::ErasedRowsAreAbsent => "erased_rows_are_absent",
            Invariant::RowsAddUp => "rows_add_up",
            Invariant::ManifestsAreSound => "manifests_are_sound",
            Invariant::ManifestsExist => "manifests_exist",
            Invariant::PartsAreIntact => "parts_are_intact",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Checks rule R6 before publishing: rows of the new parts = rows before + new rows. The counts are read from the
/// footers of the files, independently of the code that wrote them.
pub(crate) fn check_conservation(
    partition: Partition,
    parts: &[Arc<Part>],
    written: &Part,
    replaced: &[String],
    new_rows: u64,
) -> Result<(), LakeError> {
    let old: u64 = parts.iter().map(|part| part.rows).sum();
    let kept: u64 = parts.iter().filter(|part| !replaced.contains(&part.name)).map(|part| part.rows).sum();
    if kept + written.rows == old + new_rows {
        return Ok(());
    }
    let detail = format!("{kept} rows kept and {} written, from {old} old and {new_rows} new", written.rows);
    Err(LakeError::Conservation { partition, detail })
}
