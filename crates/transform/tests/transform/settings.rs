//! Settings of the transform function.

use bluetick_lake::{Lake, Reason};
use bluetick_transform::lambda::{StartError, open_lake};

/// The first millisecond of 2024.
const MIDNIGHT: i64 = 1_704_067_200_000;

async fn lake_since(first_day: &str) -> Result<Lake, StartError> {
    open_lake(|name| match name {
        "LAKE_URL" => Some("memory://lake".to_owned()),
        "FIRST_DAY" => Some(first_day.to_owned()),
        _ => None,
    })
    .await
}

/// The reason for which the lake rejects a click at this time, if any.
fn rejected(lake: &Lake, event_ts: i64) -> Option<Reason> {
    let line = format!(
        r#"{{"table":"clicks","event_ts":{event_ts},"provider":"meta","received_at":{MIDNIGHT},"click_id":"c","kind":"k"}}"#
    );
    lake.staging().push_line(line.as_bytes()).err().map(|rejection| rejection.reason)
}

#[tokio::test]
async fn the_first_day_bounds_what_is_taken() {
    let lake = lake_since("2024-01-01").await.unwrap();
    assert_eq!(rejected(&lake, MIDNIGHT - 1), Some(Reason::EventTimeTooEarly));
    assert_eq!(rejected(&lake, MIDNIGHT), None);
    assert_eq!(rejected(&lake_since(" ").await.unwrap(), MIDNIGHT - 1), None, "empty: any possible day");
}

#[tokio::test]
async fn a_first_day_that_cannot_be_stops_the_function() {
    let error = lake_since("soon").await.map(drop).unwrap_err().to_string();
    assert_eq!(error, "the first day is \"soon\": give a date from 2009-01-01 on, such as 2024-01-01");
}
