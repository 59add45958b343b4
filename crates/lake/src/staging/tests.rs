use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int64Type, TimestampMillisecondType};

use proptest::prelude::*;

use super::line::Cell;
use super::*;
use crate::tables::ColumnType;

const RECEIVED: i64 = 1_795_132_800_000;

fn reason(line: &str) -> Reason {
    let mut staging = Staging::new();
    let rejection = staging.push_line(line.as_bytes()).unwrap_err();
    assert_eq!((staging.rows(), staging.memory_bytes()), (0, 0), "nothing of a rejected line is taken");
    rejection.reason
}

fn click(event_ts: i64) -> String {
    format!(
        r#"{{"table":"clicks","event_ts":{event_ts},"provider":"meta","received_at":{RECEIVED},"click_id":"c","kind":"k"}}"#
    )
}

#[test]
fn every_type_of_column_is_read() {
    let mut staging = Staging::new();
    let line = format!(
        r#"{{"buttons":["a",null,"b\n"],"standalone":true,"message_id":"m\u00e9","provider":"tracker","event_ts":{RECEIVED},
            "received_at":{RECEIVED},"wa_id":null,"later":{{"x":[1]}},"table":"sends"}}"#
    );
    staging.push_line(line.as_bytes()).unwrap();
    let status = format!(
        r#"{{"table":"statuses","event_ts":{RECEIVED},"provider":"meta","received_at":{RECEIVED},"message_id":"m","status":"failed","error_code":131049,"conversation_expires_at":5}}"#
    );
    staging.push_line(status.as_bytes()).unwrap();
    staging.push_line(b"  \r").unwrap();
    assert_eq!((staging.rows(), staging.unknown_columns()), (2, 1));
    let batches = staging.drain().unwrap();
    assert_eq!((staging.rows(), staging.memory_bytes()), (0, 0));
    let rows = |table: Table| {
        let batch = batches.iter().find(|batch| batch.partition().table == table).unwrap();
        batch.sorted_batches().next().unwrap().unwrap()
    };
    let sends = rows(Table::Sends);
    let text = |name: &str| sends.column_by_name(name).unwrap().as_string::<i32>().clone();
    assert_eq!(text("message_id").value(0), "mé");
    assert!(text("wa_id").is_null(0) && text("template_name").is_null(0));
    assert!(sends.column_by_name("standalone").unwrap().as_boolean().value(0));
    let buttons = sends.column_by_name("buttons").unwrap().as_list::<i32>().value(0);
    assert_eq!(buttons.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("a"), None, Some("b\n")]);
    let statuses = rows(Table::Statuses);
    assert_eq!(statuses.column_by_name("error_code").unwrap().as_primitive::<Int64Type>().value(0), 131_049);
    let expires = statuses.column_by_name("conversation_expires_at").unwrap();
    assert_eq!(expires.as_primitive::<TimestampMillisecondType>().value(0), 5);
}

#[test]
fn each_fault_has_its_reason() {
    assert_eq!(reason("{"), Reason::NotJson);
    assert_eq!(reason("[]"), Reason::NotJson);
    assert_eq!(reason("\u{feff}{}"), Reason::NotJson);
    assert_eq!(reason(&format!("{}x", click(RECEIVED))), Reason::NotJson);
    assert_eq!(reason("{}"), Reason::UnknownTable);
    assert_eq!(reason(r#"{"table":"x"}"#), Reason::UnknownTable);
    assert_eq!(reason(r#"{"table":7}"#), Reason::UnknownTable);
    assert_eq!(reason(r#"{"table":"clicks"}"#), Reason::MissingColumn);
    assert_eq!(reason(&click(RECEIVED).replace(r#""k""#, "null")), Reason::MissingColumn);
    assert_eq!(reason(&click(RECEIVED).replace(r#""k""#, "7")), Reason::WrongType);
    assert_eq!(reason(&click(RECEIVED).replace(r#""k""#, "[{}]")), Reason::WrongType);
    // Of two faults, the one of the first column.
    let provider_is_wrong = click(RECEIVED).replace(r#""meta""#, "7");
    assert_eq!(reason(&provider_is_wrong.replace(r#""k""#, "null")), Reason::WrongType);
    assert_eq!(reason(&provider_is_wrong.replace(r#","kind":"k""#, "")), Reason::WrongType);
    let event_ts_is_missing = click(RECEIVED).replace(&format!(r#""event_ts":{RECEIVED},"#), "");
    assert_eq!(reason(&event_ts_is_missing.replace(r#""meta""#, "7")), Reason::MissingColumn);
    assert_eq!(reason(&click(RECEIVED).replace(&RECEIVED.to_string(), "1.5")), Reason::WrongType);
    assert_eq!(reason(&click(RECEIVED).replace(&RECEIVED.to_string(), "99999999999999999999")), Reason::WrongType);
    assert_eq!(reason(&click(RECEIVED).replace("meta", &"x".repeat(MAX_LINE_BYTES))), Reason::LineTooLong);
    let mut staging = Staging::new();
    let latin1 = [b"{\"table\":\"".as_slice(), &[0xe9], b"\"}"].concat();
    assert_eq!(staging.push_line(&latin1).unwrap_err().reason, Reason::NotJson);
}

#[test]
fn event_times_have_limits() {
    assert_eq!(reason(&click(EARLIEST_EVENT_MS - 1)), Reason::EventTimeTooEarly);
    assert_eq!(reason(&click(i64::MIN)), Reason::EventTimeTooEarly);
    assert_eq!(reason(&click(RECEIVED + FUTURE_TOLERANCE_MS + 1)), Reason::EventTimeInFuture);
    assert_eq!(
        reason(&click(i64::MAX).replace(&RECEIVED.to_string(), &(YEAR_10000_MS - 1).to_string())),
        Reason::EventTimeInFuture
    );
    for received in [i64::MAX, YEAR_10000_MS, EARLIEST_EVENT_MS - 1, i64::MIN] {
        let line = click(RECEIVED).replace(&format!("received_at\":{RECEIVED}"), &format!("received_at\":{received}"));
        assert_eq!(reason(&line), Reason::ReceiptTimeImpossible, "{received}");
    }
    let mut staging = Staging::new();
    staging.push_line(click(EARLIEST_EVENT_MS).as_bytes()).unwrap();
    staging.push_line(click(RECEIVED + FUTURE_TOLERANCE_MS).as_bytes()).unwrap();
    let dates: Vec<_> = staging.drain().unwrap().iter().map(|batch| batch.partition().to_string()).collect();
    assert_eq!(dates, ["clicks/dt=2009-01-01", "clicks/dt=2026-11-21"]);
}

#[test]
fn events_before_the_first_day_are_rejected() {
    let first_day: FirstDay = "2024-01-01".parse().unwrap();
    let mut staging = Staging::since(first_day);
    let rejection = staging.push_line(click(first_day.start_ms() - 1).as_bytes()).unwrap_err();
    assert_eq!(rejection.reason, Reason::EventTimeTooEarly);
    staging.push_line(click(first_day.start_ms()).as_bytes()).unwrap();
    assert_eq!(staging.rows(), 1);
}

#[test]
fn the_duplicate_received_first_is_kept() {
    for table in [Table::Clicks, Table::Sends] {
        let mut staging = Staging::new();
        for (id, received) in [("b", 3), ("a", 2), ("b", 1), ("b", 2), ("a", 1)] {
            let line = format!(
                r#"{{"table":"{table}","event_ts":{RECEIVED},"provider":"p","received_at":{},"click_id":"{id}","message_id":"{id}","kind":"k"}}"#,
                RECEIVED + received
            );
            staging.push_line(line.as_bytes()).unwrap();
        }
        let batches = staging.drain().unwrap();
        let [batch] = batches.as_slice() else { panic!("one partition") };
        assert_eq!((batch.rows(), batch.rows_received()), (2, 5));
        let rows = batch.sorted_batches().next().unwrap().unwrap();
        let received = rows.column_by_name("received_at").unwrap().as_primitive::<TimestampMillisecondType>();
        assert_eq!(received.values(), &[RECEIVED + 1, RECEIVED + 1]);
    }
}

#[test]
fn columns_are_read_in_any_order() {
    let mut staging = Staging::new();
    for table in Table::ALL {
        let mut columns: Vec<String> = table
            .columns()
            .iter()
            .map(|column| {
                let value = match column.kind {
                    ColumnType::String => "\"x\"".to_owned(),
                    ColumnType::Timestamp | ColumnType::BigInt => RECEIVED.to_string(),
                    ColumnType::Boolean => "false".to_owned(),
                    ColumnType::StringList => "[]".to_owned(),
                    ColumnType::StringMap => "{}".to_owned(),
                };
                format!("\"{}\":{value}", column.name)
            })
            .collect();
        columns.reverse();
        staging.push_line(format!("{{{},\"table\":\"{table}\"}}", columns.join(",")).as_bytes()).unwrap();
    }
    let batches = staging.drain().unwrap();
    assert_eq!(batches.len(), Table::ALL.len());
    for batch in batches {
        let rows = batch.sorted_batches().next().unwrap().unwrap();
        assert!(rows.columns().iter().all(|column| column.null_count() == 0), "{}", batch.partition());
    }
}

/// Ingest's clock was two days slow. The row is accepted as soon as the event time is at most a day after the
/// transform's clock. The mark that ingest adds is not a column.
#[test]
fn a_doubtful_receipt_loses_no_row() {
    let event_ts = RECEIVED + 2 * FUTURE_TOLERANCE_MS;
    let line = click(event_ts).replace("}", r#","received_at_doubtful":true}"#);
    let mut staging = Staging::new();
    let early = staging.push_line_at(line.as_bytes(), event_ts - FUTURE_TOLERANCE_MS - 1).unwrap_err();
    assert_eq!(early.reason, Reason::EventTimeInFuture);
    staging.push_line_at(line.as_bytes(), event_ts).unwrap();
    assert_eq!((staging.rows(), staging.unknown_columns()), (1, 0));
    let batches = staging.drain().unwrap();
    assert_eq!(batches[0].partition().to_string(), "clicks/dt=2026-11-22");
}

#[test]
fn an_impossible_time_is_null() {
    let mut staging = Staging::new();
    let status = format!(
        r#"{{"table":"statuses","event_ts":{RECEIVED},"provider":"meta","received_at":{RECEIVED},"message_id":"m","status":"sent","conversation_expires_at":{}}}"#,
        i64::MAX
    );
    staging.push_line(status.as_bytes()).unwrap();
    let rows = staging.drain().unwrap()[0].sorted_batches().next().unwrap().unwrap();
    assert!(rows.column_by_name("conversation_expires_at").unwrap().is_null(0));
}

/// Random JSON values, many of which do not have their column's type.
fn json_value() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z0-9_=é 👍]{0,12}".prop_map(|text| format!("\"{text}\"")),
        1 => r#"[a"\\nu0-9]{0,6}"#.prop_map(|text| format!("\"{text}\"")),
        4 => any::<i64>().prop_map(|number| number.to_string()),
        2 => (RECEIVED - 1_000_000..RECEIVED).prop_map(|number| number.to_string()),
        2 => prop::sample::select(vec![
            "null", "true", "false", "0", "-0", "00", "-1", "1.5", "1e3", "12345678901234567890", "999999999999999999",
            "[]", "[\"a\"]", "[\"a\",\"b\"]", "[\"a\",null]", "[1]", "[\"a\",]", "[,]", "{}",
            "{\"a\":\"b\"}", "{\"b\":\"2\",\"a\":\"1\",\"b\":\"3\"}", "{\"a\":null}", "{\"a\":[1]}", "{\"a\"}", "{\"a\":\"b\",}", "tru", "",
        ]).prop_map(str::to_owned),
    ]
}

/// Lines like those of ingest; some have columns out of order, unknown or repeated, some a changed byte.
fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let table = prop::sample::select(Table::ALL.to_vec());
    let values = prop::collection::vec(prop::option::weighted(0.4, json_value()), 40);
    let change = prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()));
    (table, values, any::<u8>(), change).prop_map(|(table, values, disorder, change)| {
        let columns = table.columns().iter().zip(values);
        let mut fields: Vec<String> =
            columns.filter_map(|(column, value)| Some(format!("\"{}\":{}", column.name, value?))).collect();
        match disorder {
            0..=20 => fields.reverse(),
            21..=40 => fields.push("\"later\":1".to_owned()),
            41..=60 => fields.extend(fields.first().cloned()),
            _ => {}
        }
        fields.insert(if disorder < 240 { 0 } else { fields.len() }, format!("\"table\":\"{table}\""));
        let mut line = format!("{{{}}}", fields.join(",")).into_bytes();
        if let Some((index, byte)) = change {
            *index.get_mut(&mut line) = byte;
        }
        line
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// The fast reader accepts only lines that the general reader accepts, and returns the same row.
    #[test]
    fn both_readers_agree(line in any_line()) {
        let readers: Vec<_> = Table::ALL.into_iter().map(TableReader::new).collect();
        if let Some((reader, row)) = plain::read(&line, &readers) {
            let general = read_any(&line, &readers).map(|(reader, row, unknown)| (reader.table, row, unknown));
            // The fast reader keeps a null that the line states.
            let row = row.into_iter().filter(|(_, cell)| *cell != Cell::Null).collect();
            prop_assert_eq!(general, Ok((reader.table, row, 0)));
        }
    }
}

proptest! {
    #[test]
    fn short_texts_are_compared_as_texts_are(a in "[ab]{0,20}", b in "[ab]{0,20}", change in 0_usize..20) {
        prop_assert_eq!(plain::is_equal(&a, &b), a == b);
        prop_assert!(plain::is_equal(&a, &a.clone()));
        let mut changed = a.clone().into_bytes();
        if let Some(byte) = changed.get_mut(change) {
            *byte = b'c';
            prop_assert!(!plain::is_equal(&a, std::str::from_utf8(&changed).unwrap()));
        }
    }
}

/// A control: lines as ingest writes them are handled by the fast reader.
#[test]
fn the_fast_reader_reads_lines_of_ingest() {
    let readers: Vec<_> = Table::ALL.into_iter().map(TableReader::new).collect();
    let line = click(RECEIVED);
    let (reader, row) = plain::read(line.as_bytes(), &readers).unwrap();
    assert_eq!(reader.table, Table::Clicks);
    assert_eq!(row[1], (1, Cell::Text("meta".into())));
    for (from, to) in [("meta", "me\\u0074a"), (",", ", "), ("provider", "later"), ("{", "["), ("}", "}}")] {
        assert!(plain::read(line.replace(from, to).as_bytes(), &readers).is_none(), "{from} -> {to}");
    }
}

/// Statement hashes are stored in files, so they must never change.
#[test]
fn the_hash_of_a_statement_is_stable() {
    let hash = |line: &str| {
        let mut staging = Staging::new();
        staging.push_line(line.as_bytes()).unwrap();
        let rows = staging.drain().unwrap()[0].sorted_batches().next().unwrap().unwrap();
        rows.column_by_name("statement_hash").unwrap().as_primitive::<Int64Type>().value(0)
    };
    assert_eq!(hash(&click(RECEIVED)), 1_054_284_609_971_755_229);
    assert_eq!(hash(&click(RECEIVED - 1)), hash(&click(RECEIVED)), "the event's time is part of the key");
    let send = format!(
        r#"{{"table":"sends","event_ts":{RECEIVED},"provider":"tracker","received_at":{RECEIVED},"message_id":"m","standalone":true,"buttons":["a",null],"sent_at":{RECEIVED}}}"#
    );
    assert_eq!(hash(&send), -8_201_656_439_445_862_754);
    assert_ne!(hash(&send), hash(&send.replace("null", "\"\"")));
}

/// A column may be without values in one chunk and have values in another.
#[test]
fn chunks_without_values_are_merged_with_others() {
    let line = |number: i64, more: &str| {
        format!(
            r#"{{"table":"sends","event_ts":{},"provider":"meta","received_at":{RECEIVED},"message_id":"m{number}"{more}}}"#,
            RECEIVED + number
        )
    };
    let lines = [
        line(0, ""),
        line(1, r#","template_name":"offer","buttons":["a",null],"standalone":true,"attributes":{"a":"b"}"#),
        line(2, ""),
        line(3, r#","template_name":"reminder","buttons":[]"#),
    ];
    let mut chunks = Vec::new();
    let mut partition = None;
    for line in &lines {
        let mut staging = Staging::new();
        staging.push_line(line.as_bytes()).unwrap();
        for mut staged in staging.partitions.drain().map(|(_, staged)| staged) {
            staged.close_chunk();
            partition = Some(staged.partition);
            chunks.extend(
                staged
                    .chunks
                    .into_iter()
                    .map(|columns| RecordBatch::try_new(chunk_schema(Table::Sends, &columns), columns).unwrap()),
            );
        }
    }
    let batch = PartitionBatch::new(partition.unwrap(), chunks).unwrap();
    let rows = batch.sorted_batches().next().unwrap().unwrap();
    let mut staging = Staging::new();
    lines.iter().for_each(|line| staging.push_line(line.as_bytes()).unwrap());
    let together = staging.drain().unwrap()[0].sorted_batches().next().unwrap().unwrap();
    assert_eq!(rows, together);
    let templates = rows.column_by_name("template_name").unwrap().as_string::<i32>();
    assert!(templates.iter().eq([None, Some("offer"), None, Some("reminder")]));
}

/// A chunk ends when a dictionary has 60,000 values, and another chunk begins.
#[test]
fn many_distinct_values_end_a_dictionary_but_lose_no_row() {
    let mut staging = Staging::new();
    let rows = 140_000;
    for number in 0..rows {
        let line = format!(
            r#"{{"table":"clicks","event_ts":{},"provider":"meta","received_at":{RECEIVED},"click_id":"c{number}","kind":"k","button_id":"b{number}"}}"#,
            RECEIVED + number % 1_000
        );
        staging.push_line(line.as_bytes()).unwrap();
    }
    let batches = staging.drain().unwrap();
    let mut seen = 0;
    for rows in batches[0].sorted_batches() {
        let rows = rows.unwrap();
        let column = |name: &str| rows.column_by_name(name).unwrap().as_string::<i32>().clone();
        let (clicks, buttons) = (column("click_id"), column("button_id"));
        for (click, button) in clicks.iter().zip(&buttons) {
            assert_eq!(click.unwrap()[1..], button.unwrap()[1..]);
        }
        seen += rows.num_rows() as i64;
    }
    assert_eq!(seen, rows);
}

/// The key of a send does not contain the event time, so a duplicate may have another one. The row received first is
/// kept with its own event time, even if that is the later one.
#[test]
fn a_send_with_two_event_times_keeps_the_one_received_first() {
    for (first, second) in [(RECEIVED - 5_000, RECEIVED - 9_000), (RECEIVED - 9_000, RECEIVED - 5_000)] {
        let line = |event_ts: i64, received_at: i64| {
            format!(
                r#"{{"table":"sends","event_ts":{event_ts},"provider":"tracker","received_at":{received_at},"message_id":"m"}}"#
            )
        };
        let lines = [line(first, RECEIVED), line(second, RECEIVED + 1)];
        for order in [[0, 1], [1, 0]] {
            let mut staging = Staging::new();
            for index in order {
                staging.push_line(lines[index].as_bytes()).unwrap();
            }
            let batches = staging.drain().unwrap();
            assert_eq!((batches[0].rows(), batches[0].rows_received()), (1, 2));
            assert_eq!(batches[0].event_time_range(), (first, first));
        }
    }
}
