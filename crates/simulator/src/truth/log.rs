//! Queries with parameters: the status of given messages, and the message log. The parameters of each case are chosen
//! so that it has a result, except for the case of an unknown registration.

use std::cmp::Reverse;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::known::{Knowledge, KnownRecord, Message};
use super::table::{Answer, time};

/// Answers all cases of `message_status`, `message_log` and `latest_message_of_registration`.
pub(super) fn answers(knowledge: &Knowledge<'_>) -> Vec<Answer> {
    let cohort: Vec<&Message> = knowledge.present.iter().collect();
    let in_window = |message: &Message| message.sent_at.is_some_and(|sent_at| knowledge.in_window(sent_at));
    let of_window = rows(&cohort, &in_window, 50);
    let mut answers =
        vec![status(&cohort), Answer::new("message_log", LOG_COLUMNS.to_vec(), of_window).case("window", &[])];
    let record = |pick: fn(&KnownRecord) -> Option<String>| {
        cohort.iter().filter_map(|message| message.record.as_ref()).find_map(pick)
    };
    let of_record =
        |message: &Message, matches: &dyn Fn(&KnownRecord) -> bool| message.record.as_ref().is_some_and(matches);
    answers.push(log(&cohort, "everything", &[], &|_| true));
    if let Some(event) = record(|record| record.event.clone()) {
        let matches = |message: &Message| of_record(message, &|record| record.event.as_ref() == Some(&event));
        answers.push(log(&cohort, "event", &[("event_id", event.clone())], &matches));
    }
    if let Some(guest) = record(|record| record.guest.clone()) {
        let matches = |message: &Message| of_record(message, &|record| record.guest.as_ref() == Some(&guest));
        answers.push(log(&cohort, "guest", &[("guest_id", guest.clone())], &matches));
    }
    if let Some(registration) = record(|record| record.registration.clone()) {
        let matches =
            |message: &Message| of_record(message, &|record| record.registration.as_ref() == Some(&registration));
        let parameters = [("registration_id", registration.clone())];
        answers.push(log(&cohort, "registration", &parameters, &matches));
        let latest = rows(&cohort, &matches, 1);
        answers.push(
            Answer::new("latest_message_of_registration", LOG_COLUMNS.to_vec(), latest)
                .case("registration", &at_any_time(&parameters)),
        );
        let unknown = [("registration_id", "nobody".to_owned())];
        answers.push(
            Answer::new("latest_message_of_registration", LOG_COLUMNS.to_vec(), Vec::new())
                .case("nobody", &at_any_time(&unknown)),
        );
    }
    if let Some(number) = cohort.iter().find_map(|message| message.recipient.clone()) {
        let matches = |message: &Message| message.recipient.as_ref() == Some(&number);
        answers.push(log(&cohort, "recipient", &[("recipient_id", number.clone())], &matches));
    }
    if let Some(template) = cohort.iter().find_map(|message| message.template.clone()) {
        let matches = |message: &Message| {
            message.template.as_ref() == Some(&template) && !of_record(message, &|record| record.standalone)
        };
        let parameters = [("template_name", template.clone()), ("standalone", "false".to_owned())];
        answers.push(log(&cohort, "template_of_events", &parameters, &matches));
    }
    let standalone = |message: &Message| of_record(message, &|record| record.standalone);
    answers.push(log(&cohort, "standalone", &[("standalone", "true".to_owned())], &standalone));
    answers
}

/// The status of two messages in each state, of two messages that were both delivered and failed, and of an unknown
/// message.
fn status(cohort: &[&Message]) -> Answer {
    let mut chosen: Vec<&Message> = Vec::new();
    for state in ["sent", "delivered", "read", "failed", "deleted"] {
        chosen.extend(cohort.iter().copied().filter(|message| message.state() == state).take(2));
    }
    chosen.extend(cohort.iter().copied().filter(|message| message.failed_at.is_some() && !message.is_failed()).take(2));
    chosen.extend(cohort.iter().copied().filter(|message| message.sent_at.is_none()).take(2));
    chosen.sort_by(|left, right| left.id.cmp(&right.id));
    chosen.dedup_by(|left, right| left.id == right.id);
    let ids: Vec<&str> = chosen.iter().map(|message| message.id.as_str()).chain(["unheard-of"]).collect();
    let rows = chosen.iter().map(|message| {
        vec![
            json!(message.id),
            json!(message.state()),
            time(message.sent_at),
            time(message.delivered_at),
            time(message.read_at),
            time(message.failed_at),
            json!(message.error_code),
            json!(message.error_title.as_ref().or(message.error_message.as_ref())),
            json!(message.error_title),
            json!(message.error_message),
        ]
    });
    let columns = vec![
        "message_id",
        "status",
        "sent_at",
        "delivered_at",
        "read_at",
        "failed_at",
        "error_code",
        "error",
        "error_title",
        "error_message",
    ];
    Answer::new("message_status", columns, rows.collect())
        .case("each_state", &at_any_time(&[("message_ids", ids.join(","))]))
}

const LOG_COLUMNS: [&str; 17] = [
    "id",
    "message_id",
    "recipient_id",
    "status",
    "message_type",
    "template_name",
    "event_id",
    "registration_id",
    "guest_id",
    "guest_name",
    "sent_at",
    "delivered_at",
    "read_at",
    "failed_at",
    "error_code",
    "error_message",
    "error_title",
];

fn log(
    cohort: &[&Message],
    case: &'static str,
    parameters: &[(&str, String)],
    matches: &dyn Fn(&Message) -> bool,
) -> Answer {
    Answer::new("message_log", LOG_COLUMNS.to_vec(), rows(cohort, matches, 50)).case(case, &at_any_time(parameters))
}

fn rows(cohort: &[&Message], matches: &dyn Fn(&Message) -> bool, limit: usize) -> Vec<Vec<Value>> {
    let mut found: Vec<&Message> = cohort.iter().copied().filter(|message| matches(message)).collect();
    found.sort_by_key(|message| (message.sent_at.is_none(), Reverse(message.sent_at), message.id.clone()));
    let row = |message: &Message| {
        let record = message.record.as_ref();
        vec![
            json!(log_id(&message.id)),
            json!(message.id),
            json!(message.recipient),
            json!(message.state()),
            json!(record.map(|record| &record.message_type)),
            json!(message.template),
            json!(record.and_then(|record| record.event.as_ref())),
            json!(record.and_then(|record| record.registration.as_ref())),
            json!(record.and_then(|record| record.guest.as_ref())),
            json!(record.and_then(|record| record.guest_name.as_ref())),
            time(message.sent_at),
            time(message.delivered_at),
            time(message.read_at),
            time(message.failed_at),
            json!(message.error_code),
            json!(message.error_message.as_ref().or(message.error_title.as_ref())),
            json!(message.error_title),
        ]
    };
    found.into_iter().take(limit).map(row).collect()
}

/// The id of a log entry: the first 30 digits of a SHA-256 of a name and the message id, each preceded by its length
/// as 64 bits, with the version and variant of a UUID inserted.
fn log_id(message_id: &str) -> String {
    let mut hasher = Sha256::new();
    for text in ["bluetick send", message_id] {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text);
    }
    let digest: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut id = String::new();
    for (place, digit) in digest.chars().take(30).enumerate() {
        match place {
            8 => id.push('-'),
            12 | 15 => id.push_str("-8"),
            18 => id.push('-'),
            _ => {}
        }
        id.push(digit);
    }
    id
}

/// Parameters of a case without a window.
fn at_any_time<'a>(parameters: &[(&'a str, String)]) -> Vec<(&'a str, String)> {
    [("from", String::new()), ("to", String::new())].into_iter().chain(parameters.iter().cloned()).collect()
}
