//! Which bodies and which records belong to erased persons.

use bluetick_events::{ArchivedBody, FlattenError, Options, flatten_lines};
use bluetick_ingest::raw_lines::raw_lines;
use bluetick_lake::{Erasures, Lake, LakeError};

/// How a body relates to the erased persons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// It names none of them.
    Nobody,
    /// It names one, and was received after the request: some of its records may still be covered.
    Later,
    /// It names one, and was received before the request.
    Covered,
}

/// How `body` relates to the erased persons.
pub(crate) fn naming(erasures: &Erasures, body: &ArchivedBody<'_>) -> Naming {
    match erasures.until_of_body(&String::from_utf8_lossy(&body.body)) {
        None => Naming::Nobody,
        Some(until) if body.received_at <= until => Naming::Covered,
        Some(_) => Naming::Later,
    }
}

/// The lines of `text` that are no rows of erased persons, and the number of the others. A line that is no row counts
/// as a row of an erased person, because it would be kept under `rejected/`.
///
/// # Errors
/// Never caused by the lines.
pub(crate) fn without_erased(lake: &Lake, erasures: &Erasures, text: &[u8]) -> Result<(Vec<u8>, u64), LakeError> {
    let (mut kept, mut left_out) = (Vec::new(), 0);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match is_erased(lake, erasures, line)? {
            true => left_out += 1,
            false => kept.extend_from_slice(line),
        }
    }
    Ok((kept, left_out))
}

fn is_erased(lake: &Lake, erasures: &Erasures, line: &[u8]) -> Result<bool, LakeError> {
    let mut staging = lake.staging();
    if staging.push_line_at(line, lake.now_ms()).is_err() {
        return Ok(true);
    }
    for batch in staging.drain()? {
        for rows in batch.sorted_batches() {
            if erasures.matches(batch.partition().table, &rows?)?.contains(&true) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether a line of the archive must be deleted: its body names an erased person, and it was received before the
/// request or yields a row that the erasure covers.
///
/// # Errors
/// Never caused by the line.
pub(crate) fn must_go(lake: &Lake, erasures: &Erasures, line: &[u8]) -> Result<bool, LakeError> {
    let Ok(body) = ArchivedBody::parse(line) else {
        // Nothing says when it was received.
        return Ok(erasures.until_of_body(&String::from_utf8_lossy(line)).is_some());
    };
    match naming(erasures, &body) {
        Naming::Nobody => Ok(false),
        Naming::Covered => Ok(true),
        Naming::Later => {
            let options = Options { keep_response_json: true, ..Options::default() };
            match flatten_lines(body.route, &body.body, body.received_at, &options) {
                Ok(flattened) => {
                    let lines = raw_lines(flattened.lines, body.received_at);
                    Ok(without_erased(lake, erasures, &lines.text)?.1 > 0)
                }
                Err(FlattenError::Unreadable(_) | FlattenError::Request(_)) => Ok(false),
            }
        }
    }
}
