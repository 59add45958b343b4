//! Lines packed into Firehose records, and records into calls, within Firehose's limits.

/// Most bytes of one record: 1,000 KiB before base64 (docs.aws.amazon.com/firehose/latest/APIReference/API_Record.html).
pub const RECORD_BYTES: usize = 1_024_000;
/// Most records of one `PutRecordBatch` (docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html).
pub const CALL_RECORDS: usize = 500;
/// Most bytes of one `PutRecordBatch`: 4 MiB (same page). Kept a little under it, for what surrounds the data.
pub const CALL_BYTES: usize = 4 * 1024 * 1024 - 64 * 1024;

/// The lines of one webhook, packed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Records of whole lines, each within [`RECORD_BYTES`].
    pub records: Vec<Vec<u8>>,
    /// Whole lines that no record can hold: they go to the spill, which knows no limit.
    pub oversized: Vec<u8>,
}

/// Packs newline-terminated lines into as few records as the limit allows: Firehose bills each record as if it were a
/// multiple of 5 KB (docs.aws.amazon.com/firehose/latest/dev/limits.html).
pub fn records(lines: &[u8], record_bytes: usize) -> Packed {
    let mut packed = Packed::default();
    let mut record = Vec::new();
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        if line.len() > record_bytes {
            packed.oversized.extend_from_slice(line);
            continue;
        }
        if record.len() + line.len() > record_bytes {
            packed.records.push(std::mem::take(&mut record));
        }
        record.extend_from_slice(line);
    }
    if !record.is_empty() {
        packed.records.push(record);
    }
    packed
}

/// The records of the next call: how many of `sizes`, from the front, one call may carry. At least one, if there is any.
pub fn next_call(sizes: impl IntoIterator<Item = usize>) -> usize {
    let mut bytes = 0;
    let fitting = sizes
        .into_iter()
        .take(CALL_RECORDS)
        .take_while(|size| {
            bytes += size;
            bytes <= CALL_BYTES
        })
        .count();
    fitting.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_line_is_lost_split_or_moved(lengths in prop::collection::vec(0_usize..40, 0..60), limit in 1_usize..50) {
            let lines: Vec<Vec<u8>> =
                lengths.iter().map(|length| [vec![b'x'; *length], vec![b'\n']].concat()).collect();
            let packed = records(&lines.concat(), limit);
            let (small, large): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.len() <= limit);
            prop_assert_eq!(packed.records.concat(), small.concat());
            prop_assert_eq!(packed.oversized, large.concat());
            for record in &packed.records {
                prop_assert!(record.len() <= limit && record.ends_with(b"\n"));
            }
            // As few as possible: no two neighbours would fit into one.
            for pair in packed.records.windows(2) {
                let first_line = pair[1].split_inclusive(|byte| *byte == b'\n').next().unwrap();
                prop_assert!(pair[0].len() + first_line.len() > limit);
            }
        }
    }

    #[test]
    fn calls_keep_within_both_limits() {
        assert_eq!(next_call(vec![10; 1_200]), CALL_RECORDS);
        assert_eq!(next_call([RECORD_BYTES; 9]), 4);
        assert_eq!(next_call([CALL_BYTES + 1]), 1);
    }
}
