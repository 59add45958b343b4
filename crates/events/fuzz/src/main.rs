//! Coverage-guided fuzzing of `flatten`. The first byte of an input selects provider and options; the rest is the
//! body.
#![no_main]

use bluetick_events::{Flattened, Options, Provider, PseudonymKey, flatten};
use libfuzzer_sys::fuzz_target;

/// 2026-11-20T12:00:00Z.
const RECEIVED_AT: i64 = 1_795_176_000_000;

fuzz_target!(|input: &[u8]| {
    let Some((choice, body)) = input.split_first() else { return };
    let choice = usize::from(*choice);
    let provider = Provider::ALL[choice % Provider::ALL.len()];
    let options = Options {
        pseudonym_key: PseudonymKey::new(b"a key").filter(|_| choice & 64 != 0),
        keep_response_json: choice & 128 != 0,
    };
    if let Ok(Flattened { records, .. }) = flatten(provider, body, RECEIVED_AT, &options) {
        assert!(!records.is_empty() || body.len() < 3, "a body without a record");
        for record in records {
            let mut line = Vec::new();
            record.write_line(&mut line);
            assert!(line.len() < 1000 * 1024, "a line of {} bytes", line.len());
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "not one line");
        }
    }
});
