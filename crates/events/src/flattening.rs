//! Flattening turns one body into records. This module keeps the state: the values that all events of the body share,
//! and the records so far.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::digest::hash;
use crate::extracted::{Extracted, ExtractedText};
use crate::json::{Arena, Items, Json, Unreadable};
use crate::limits::{MAX_ID_BYTES, MAX_PAYLOAD_LINE_BYTES, MAX_RECORDS_BYTES, PAYLOAD_PART_BYTES, truncate};
use crate::lines::Lines;
use crate::options::Options;
use crate::payload::{self, Keep};
use crate::person::Person;
use crate::record::{AccountEvent, Columns, Common, Record, remove_numbers};

/// A record, and the source of each of its columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The record.
    pub record: Record,
    /// Name and source of each filled column. A source is a JSON path such as `$.entry[0].id`, or a sentence if no path
    /// applies.
    pub sources: Vec<(&'static str, String)>,
}

/// A record under construction.
#[derive(Debug, Default)]
pub(crate) struct Draft<R> {
    pub(crate) columns: R,
    sources: Vec<(&'static str, String)>,
}

/// Sets nullable columns and records their sources. A column whose value is `None` stays null.
macro_rules! fill {
    ($flattening:expr, $draft:expr, { $($column:ident: $extracted:expr,)* }) => {
        $(if let Some(extracted) = $extracted {
            $flattening.note(&mut $draft, stringify!($column), &extracted);
            $draft.columns.$column = Some(extracted.value);
        })*
    };
}
pub(crate) use fill;

/// Columns that all events in one part of a body share, such as the account of an entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope<'j> {
    pub(crate) account_id: ExtractedText<'j>,
    pub(crate) phone_number_id: ExtractedText<'j>,
}

/// The content of an account event.
pub(crate) struct AccountEventParts<'p, 'j> {
    /// The provider's name for the event: the column `type`.
    pub(crate) kind: &'p str,
    /// The event's own time. `None` means the time of receipt.
    pub(crate) time: Option<Extracted<'j, i64>>,
    /// The part of the body that becomes the payload.
    pub(crate) content: &'j Json<'j>,
    /// Name of the JSON member that holds the content, in lower case, if that name decides what is kept; otherwise empty.
    pub(crate) name: &'static str,
    /// Which part of the content is kept.
    pub(crate) keep: Keep,
    /// The person that the event concerns.
    pub(crate) person: Person<'j>,
}

impl<'p, 'j> AccountEventParts<'p, 'j> {
    pub(crate) fn new(kind: &'p str, content: &'j Json<'j>, keep: Keep) -> Self {
        AccountEventParts { kind, time: None, content, name: "", keep, person: Person::default() }
    }
}

/// The result of the flattening of one body.
pub(crate) struct Finished {
    pub(crate) records: Vec<Explained>,
    pub(crate) lines: Lines,
}

/// State of the flattening of one body.
pub(crate) struct Flattening<'o> {
    /// The provider's name, for the column `provider`.
    provider: &'static str,
    /// Time of receipt in milliseconds since 1970, UTC.
    received_at: i64,
    pub(crate) options: &'o Options,
    records: Vec<Explained>,
    /// The lines of the records, if lines were requested instead of records.
    lines: Option<Lines>,
    /// Number of bytes of memory left for further records.
    bytes_left: usize,
    /// The path of each node, by the node's address. `None` unless sources were requested.
    paths: Option<HashMap<usize, String>>,
    /// Whether the records exceed the memory limit.
    over_limit: bool,
}

impl<'o> Flattening<'o> {
    pub(crate) fn new(provider: &'static str, received_at: i64, options: &'o Options) -> Self {
        Flattening {
            provider,
            received_at,
            options,
            records: Vec::new(),
            lines: None,
            bytes_left: MAX_RECORDS_BYTES,
            paths: None,
            over_limit: false,
        }
    }

    /// Requests lines instead of records. `body_bytes` is the length of the body.
    pub(crate) fn write_lines(&mut self, body_bytes: usize) {
        // The lines of a webhook with many statuses are 1.4 times as long as the webhook.
        self.lines = Some(Lines::with_capacity(body_bytes + body_bytes / 2 + 256));
    }

    /// Enables recording the source of each column. Must be called before the body is parsed.
    pub(crate) fn explain(&mut self) {
        self.paths = Some(HashMap::new());
    }

    /// Records the path of each node of a document: the body (`$`), or JSON inside one of its strings.
    pub(crate) fn learn_paths(&mut self, document: &Json<'_>, root: &str) {
        if let Some(paths) = &mut self.paths {
            collect_paths(document, root.to_owned(), paths);
        }
    }

    /// Parses JSON inside a string of the body. Returns null if the node is not a string with JSON.
    pub(crate) fn nested<'t>(&self, arena: &'t Arena, node: &Json<'t>) -> Json<'t> {
        let Json::String(text) = *node else { return Json::Null };
        if !text.trim_start().starts_with(['{', '[']) {
            return Json::Null;
        }
        Json::parse_nested(arena, text).unwrap_or(Json::Null)
    }

    /// Records the paths of a document that [`Self::nested`] returned for `node`.
    pub(crate) fn learn_nested_paths(&mut self, node: &Json<'_>, nested: &Json<'_>) {
        if self.paths.is_some() {
            let root = format!("{} as JSON, $", self.path(node));
            self.learn_paths(nested, &root);
        }
    }

    fn path(&self, node: &Json<'_>) -> String {
        let path = self.paths.as_ref().and_then(|paths| paths.get(&address(node)));
        path.cloned().unwrap_or_else(|| "an unknown place".to_owned())
    }

    /// Records the source of a column, if sources were requested.
    #[inline]
    pub(crate) fn note<R, T>(&self, draft: &mut Draft<R>, column: &'static str, extracted: &Extracted<'_, T>) {
        if self.paths.is_some() {
            self.note_source(draft, column, extracted);
        }
    }

    fn note_source<R, T>(&self, draft: &mut Draft<R>, column: &'static str, extracted: &Extracted<'_, T>) {
        let nodes: Vec<_> = extracted.nodes.iter().flatten().map(|node| self.path(node)).collect();
        let source = [extracted.how.to_owned(), nodes.join(" and ")];
        draft.sources.push((column, source.join(" ").trim().to_owned()));
    }

    /// Creates a record with its time and the shared columns.
    pub(crate) fn draft<'j, R: Columns<'j>>(&self, time: &Extracted<'_, i64>, scope: &Scope<'j>) -> Draft<R> {
        let mut draft = Draft { columns: R::default(), sources: Vec::new() };
        self.note(&mut draft, "event_ts", time);
        self.note(&mut draft, "provider", &Extracted::computed((), "the route"));
        for (column, extracted) in [("account_id", &scope.account_id), ("phone_number_id", &scope.phone_number_id)] {
            if let Some(extracted) = extracted {
                self.note(&mut draft, column, extracted);
            }
        }
        self.note(&mut draft, "received_at", &Extracted::computed((), "the clock at receipt"));
        *draft.columns.common() = Common {
            event_ts: time.value,
            provider: self.provider,
            account_id: scope.account_id.as_ref().map(|id| id.value.clone()),
            phone_number_id: scope.phone_number_id.as_ref().map(|id| id.value.clone()),
            received_at: self.received_at,
        };
        draft
    }

    /// Adds a completed record.
    pub(crate) fn push<'j, R: Columns<'j>>(&mut self, draft: Draft<R>) {
        if self.over_limit {
            return;
        }
        let Draft { mut columns, sources } = draft;
        if let Some(key) = &self.options.pseudonym_key {
            remove_numbers(&mut columns, key);
        }
        let taken = match &mut self.lines {
            Some(lines) => lines.push(&mut columns, self.bytes_left),
            None => {
                let bytes = columns.memory();
                (bytes <= self.bytes_left).then(|| {
                    self.records.push(Explained { record: columns.into_record(), sources });
                    bytes
                })
            }
        };
        match taken {
            Some(bytes) => self.bytes_left -= bytes,
            None => self.over_limit = true,
        }
    }

    /// Calls `read` for each element. Stops once the records exceed their memory limit.
    pub(crate) fn each<'j>(&mut self, list: Items<'j, 'j>, mut read: impl FnMut(&mut Self, &'j Json<'j>)) {
        for element in list {
            if self.over_limit {
                return;
            }
            read(self, element);
        }
    }

    /// The time of receipt, for events without their own time.
    pub(crate) fn receipt<'j>(&self) -> Extracted<'j, i64> {
        Extracted::computed(self.received_at, "time of receipt, as the body states no time")
    }

    /// Adds an account event. Its id is a hash of account, type, own time and content, so the same event has the same
    /// id from each provider and in each delivery.
    pub(crate) fn account_event<'j>(&mut self, scope: &Scope<'j>, parts: AccountEventParts<'_, 'j>) {
        self.account_event_with(scope, parts, |_, _| ());
    }

    /// As [`Self::account_event`]; `finish` sets further columns.
    pub(crate) fn account_event_with<'j>(
        &mut self,
        scope: &Scope<'j>,
        parts: AccountEventParts<'_, 'j>,
        finish: impl Fn(&Self, &mut Draft<AccountEvent<'j>>),
    ) {
        if self.over_limit {
            return;
        }
        let AccountEventParts { kind, time, content, name, keep, person } = parts;
        let kind = truncate(kind, MAX_ID_BYTES);
        let account_id = scope.account_id.as_ref().map(|id| id.value.as_ref()).unwrap_or_default();
        let own_time = time.as_ref().map(|time| time.value.to_string()).unwrap_or_default();
        let digest = payload::digest(self.options, content);
        let event_id = hash(&[account_id, kind, &own_time, &digest]);
        let payload = payload::write(self.options, content, name, keep);
        let time = time.unwrap_or_else(|| self.receipt());
        for (index, piece) in pieces(payload).into_iter().enumerate() {
            let mut draft: Draft<AccountEvent<'_>> = self.draft(&time, scope);
            let id = if index == 0 { event_id.clone() } else { hash(&[&event_id, &index.to_string()]) };
            draft.columns.event_id = id.into();
            draft.columns.r#type = Some(Cow::Owned(kind.to_owned()));
            self.note(&mut draft, "event_id", &Extracted::computed((), "hash of account, type, time and content"));
            self.note(
                &mut draft,
                "type",
                &Extracted::computed((), "the event's name in the body, or why it fits no other table"),
            );
            let source = Extracted::derived(Cow::Owned(piece), "without secrets and message texts:", content);
            fill!(self, draft, { payload: Some(source), wa_id: person.wa_id.clone(), user_id: person.user_id.clone(), });
            finish(self, &mut draft);
            self.push(draft);
        }
    }

    /// Returns the records, or their lines if lines were requested.
    ///
    /// # Errors
    /// The records exceed [`MAX_RECORDS_BYTES`].
    pub(crate) fn finish(self) -> Result<Finished, Unreadable> {
        let finished = Finished { records: self.records, lines: self.lines.unwrap_or_default() };
        if self.over_limit { Err(Unreadable::TooManyEvents) } else { Ok(finished) }
    }
}

/// Returns the payload unchanged, or split into several parts if its line would exceed [`MAX_PAYLOAD_LINE_BYTES`].
fn pieces(payload: String) -> Vec<String> {
    if payload::line_bytes(&payload) <= MAX_PAYLOAD_LINE_BYTES {
        return vec![payload];
    }
    let mut rest = payload.as_str();
    let mut texts = Vec::new();
    while !rest.is_empty() {
        let piece = truncate(rest, PAYLOAD_PART_BYTES);
        texts.push(piece);
        rest = rest.get(piece.len()..).unwrap_or_default();
    }
    let parts = texts.len();
    let piece = |(index, text)| serde_json::json!({ "part": index + 1, "parts": parts, "json": text }).to_string();
    texts.into_iter().enumerate().map(piece).collect()
}

fn address(node: &Json<'_>) -> usize {
    std::ptr::from_ref(node).addr()
}

fn collect_paths(node: &Json<'_>, path: String, paths: &mut HashMap<usize, String>) {
    match node {
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect_paths(item, format!("{path}[{index}]"), paths);
            }
        }
        Json::Object(members) => {
            for (key, value) in *members {
                let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                let step = if plain { format!("{path}.{key}") } else { format!("{path}[{key:?}]") };
                collect_paths(value, step, paths);
            }
        }
        _ => {}
    }
    paths.insert(address(node), path);
}
