//! Groups lines into Firehose records and records into `PutRecordBatch` calls, within Firehose's limits.

/// Maximum bytes of one record: 1,000 KiB before base64
/// (docs.aws.amazon.com/firehose/latest/APIReference/API_Record.html).
pub const RECORD_BYTES: usize = 1_024_000;
/// Maximum records of one `PutRecordBatch` (docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html).
pub const CALL_RECORDS: usize = 500;
/// Maximum bytes of one `PutRecordBatch`: 4 MiB (same page), less a reserve for request overhead.
pub const CALL_BYTES: usize = 4 * 1024 * 1024 - 64 * 1024;

/// The lines of one webhook, grouped into records.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Batches {
    /// Records of whole lines, each within [`RECORD_BYTES`].
    pub records: Vec<Vec<u8>>,
    /// Lines that are larger than a record may be. They go to the spill, which has no limit.
    pub oversized: Vec<u8>,
}

/// Groups newline-terminated lines into as few records as the limit allows, because Firehose bills each record
/// rounded up to a multiple of 5 KB (docs.aws.amazon.com/firehose/latest/dev/limits.html).
pub fn records(lines: &[u8], record_bytes: usize) -> Batches {
    let mut batches = Batches::default();
    let mut record = Vec::new();
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        if line.len() > record_bytes {
            batches.oversized.extend_from_slice(line);
            continue;
        }
        if record.len() + line.len() > record_bytes {
            batches.records.push(std::mem::take(&mut record));
        }
        record.extend_from_slice(line);
    }
    if !record.is_empty() {
        batches.records.push(record);
    }
    batches
}

/// Returns how many records from the front of `sizes` fit into the next call; at least one.
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
            let batches = records(&lines.concat(), limit);
            let (small, large): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.len() <= limit);
            prop_assert_eq!(batches.records.concat(), small.concat());
            prop_assert_eq!(batches.oversized, large.concat());
            for record in &batches.records {
                prop_assert!(record.len() <= limit && record.ends_with(b"\n"));
            }
            // The number of records is minimal: the first line of each would not fit into the previous record.
            for pair in batches.records.windows(2) {
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
