//! Repeats the work of ingest for one body of Meta: verify the signature, flatten to lines. `make bench`
//! measures its CPU time.
//!
//! `ingest_cost BODY SIGNATURE COUNT`; the signature is the value of `X-Hub-Signature-256`, made with
//! `test-meta-app-secret`.

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io::Write as _;

use bluetick_events::signature::{ProviderAuth, Secret, authenticate};
use bluetick_events::{Options, Provider, flatten_lines};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [body, signature, count] = arguments.as_slice() else {
        return Err("usage: ingest_cost BODY SIGNATURE COUNT".into());
    };
    let body = fs::read(body)?;
    let auth = ProviderAuth {
        hmac_secrets: Secret::new("test-meta-app-secret").into_iter().collect(),
        ..ProviderAuth::default()
    };
    let scheme = Provider::Meta.auth_scheme();
    let options = Options::default();
    let header = |name: &str| name.eq_ignore_ascii_case("x-hub-signature-256").then_some(signature.as_bytes());
    let mut lines = 0;
    for _ in 0..count.parse::<u64>()? {
        authenticate(scheme, &header, &body, &auth)?;
        lines += black_box(flatten_lines(Provider::Meta, &body, 1_795_176_000_000, &options)?).lines.len();
    }
    writeln!(std::io::stdout(), "{lines}")?;
    Ok(())
}
