//! The state of one flattening: what is common to all events of a body, and the records so far.

use std::collections::HashMap;

use crate::bounds::{MAX_PAYLOAD_LINE_BYTES, MAX_RECORDS_BYTES, PAYLOAD_PART_BYTES, cut};
use crate::found::{Found, FoundText};
use crate::json::{Items, Json, Unreadable};
use crate::options::{Options, Provider, hash};
use crate::payload::{self, Keep};
use crate::person::Person;
use crate::record::{AccountEvent, Click, Common, Message, Record, Send, Status};

/// A record, and where each of its columns comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The record.
    pub record: Record,
    /// Column and source: a JSON path such as `$.entry[0].id`, or what the value was made of.
    pub sources: Vec<(&'static str, String)>,
}

/// Columns of a record that is being filled.
#[derive(Debug, Default)]
pub(crate) struct Draft<R> {
    pub(crate) columns: R,
    sources: Vec<(&'static str, String)>,
}

/// Fills columns with what was found for them, and notes the sources.
macro_rules! fill {
    ($flattening:expr, $draft:expr, { $($column:ident: $found:expr,)* }) => {
        $(if let Some(found) = $found {
            $flattening.note(&mut $draft, stringify!($column), &found);
            $draft.columns.$column = Some(found.value);
        })*
    };
}
pub(crate) use fill;

/// Columns of a table.
pub(crate) trait Columns: Default {
    fn common(&mut self) -> &mut Common;
    fn into_record(self) -> Record;
}

macro_rules! columns {
    ($($name:ident,)*) => {
        $(impl Columns for $name {
            fn common(&mut self) -> &mut Common {
                &mut self.common
            }

            fn into_record(self) -> Record {
                Record::$name(Box::new(self))
            }
        })*
    };
}

columns! { Click, Status, Send, Message, AccountEvent, }

/// What the events below one part of a body share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope<'j> {
    pub(crate) account_id: FoundText<'j>,
    pub(crate) phone_number_id: FoundText<'j>,
}

/// An account event before its time and content are known.
pub(crate) struct AccountEventParts<'p, 'j> {
    /// The provider's name of the event.
    pub(crate) kind: &'p str,
    /// Its own time, if it has one.
    pub(crate) time: Option<Found<'j, i64>>,
    /// What it says.
    pub(crate) content: &'j Json<'j>,
    /// The member that it stands under, in lower case, if that says what it is.
    pub(crate) name: &'static str,
    /// How much of it may be kept.
    pub(crate) keep: Keep,
    /// The person it is about.
    pub(crate) person: Person<'j>,
}

impl<'p, 'j> AccountEventParts<'p, 'j> {
    pub(crate) fn new(kind: &'p str, content: &'j Json<'j>, keep: Keep) -> Self {
        AccountEventParts { kind, time: None, content, name: "", keep, person: Person::default() }
    }
}

/// The state of one flattening.
pub(crate) struct Flattening<'o> {
    pub(crate) provider: Provider,
    pub(crate) received_at: i64,
    pub(crate) options: &'o Options,
    records: Vec<Explained>,
    /// Bytes of memory that the records may still take.
    bytes_left: usize,
    /// Path of each node of the body by its address, if sources are asked for.
    paths: Option<HashMap<usize, String>>,
    overflown: bool,
}

impl<'o> Flattening<'o> {
    pub(crate) fn new(provider: Provider, received_at: i64, options: &'o Options) -> Self {
        Flattening {
            provider,
            received_at,
            options,
            records: Vec::new(),
            bytes_left: MAX_RECORDS_BYTES,
            paths: None,
            overflown: false,
        }
    }

    /// Asks for sources; call it before anything is read of the body.
    pub(crate) fn explain(&mut self) {
        self.paths = Some(HashMap::new());
    }

    /// Makes the paths of a document known: the body (`$`), or JSON that stands in one of its strings.
    pub(crate) fn learn_paths(&mut self, document: &Json<'_>, root: &str) {
        if let Some(paths) = &mut self.paths {
            collect_paths(document, root.to_owned(), paths);
        }
    }

    /// Reads JSON that stands in a string of the body. Null if it is none.
    pub(crate) fn nested<'t>(&self, node: &'t Json<'_>) -> Json<'t> {
        let Json::String(text) = node else { return Json::Null };
        if !text.trim_start().starts_with(['{', '[']) {
            return Json::Null;
        }
        Json::parse_nested(text).unwrap_or(Json::Null)
    }

    /// Makes the paths of a nested document known, see [`Self::nested`].
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

    /// Notes where a column comes from.
    pub(crate) fn note<R, T>(&self, draft: &mut Draft<R>, column: &'static str, found: &Found<'_, T>) {
        if self.paths.is_none() {
            return;
        }
        let nodes: Vec<_> = found.nodes.iter().flatten().map(|node| self.path(node)).collect();
        let source = [found.how.to_owned(), nodes.join(" and ")];
        draft.sources.push((column, source.join(" ").trim().to_owned()));
    }

    /// A record with its time and the columns that all share.
    pub(crate) fn draft<R: Columns>(&self, time: &Found<'_, i64>, scope: &Scope<'_>) -> Draft<R> {
        let mut draft = Draft { columns: R::default(), sources: Vec::new() };
        self.note(&mut draft, "event_ts", time);
        self.note(&mut draft, "provider", &Found::made((), "the route"));
        for (column, found) in [("account_id", &scope.account_id), ("phone_number_id", &scope.phone_number_id)] {
            if let Some(found) = found {
                self.note(&mut draft, column, found);
            }
        }
        self.note(&mut draft, "received_at", &Found::made((), "the clock at receipt"));
        *draft.columns.common() = Common {
            event_ts: time.value,
            provider: self.provider.name(),
            account_id: scope.account_id.as_ref().map(|found| found.value.clone()),
            phone_number_id: scope.phone_number_id.as_ref().map(|found| found.value.clone()),
            received_at: self.received_at,
        };
        draft
    }

    pub(crate) fn push<R: Columns>(&mut self, draft: Draft<R>) {
        let record = draft.columns.into_record();
        match self.bytes_left.checked_sub(record.memory()) {
            Some(left) if !self.overflown => {
                self.bytes_left = left;
                self.records.push(Explained { record, sources: draft.sources });
            }
            _ => self.overflown = true,
        }
    }

    /// Reads each element, but stops once there are more events than a body may hold.
    pub(crate) fn each<'j>(&mut self, list: Items<'j, 'j>, mut read: impl FnMut(&mut Self, &'j Json<'j>)) {
        for element in list {
            if self.overflown {
                return;
            }
            read(self, element);
        }
    }

    /// The time of receipt, for events whose provider names none.
    pub(crate) fn receipt<'j>(&self) -> Found<'j, i64> {
        Found::made(self.received_at, "time of receipt, as the body names no time")
    }

    /// Adds an account event. Its id is a hash of account, type, own time and content: the same event told twice has one id,
    /// whoever told it and whenever it came.
    pub(crate) fn account_event(&mut self, scope: &Scope<'_>, parts: AccountEventParts<'_, '_>) {
        self.account_event_with(scope, parts, |_, _| ());
    }

    pub(crate) fn account_event_with(
        &mut self,
        scope: &Scope<'_>,
        parts: AccountEventParts<'_, '_>,
        finish: impl Fn(&Self, &mut Draft<AccountEvent>),
    ) {
        if self.overflown {
            return;
        }
        let AccountEventParts { kind, time, content, name, keep, person } = parts;
        let kind = cut(kind, crate::bounds::MAX_ID_BYTES);
        let account_id = scope.account_id.as_ref().map(|found| found.value.as_str()).unwrap_or_default();
        let own_time = time.as_ref().map(|time| time.value.to_string()).unwrap_or_default();
        let digest = payload::digest(self.options, content);
        let event_id = hash(&[account_id, kind, &own_time, &digest]);
        let payload = payload::write(self.options, content, name, keep);
        let time = time.unwrap_or_else(|| self.receipt());
        let pieces = pieces(&payload);
        for (index, piece) in pieces.iter().enumerate() {
            let mut draft: Draft<AccountEvent> = self.draft(&time, scope);
            draft.columns.event_id = if index == 0 { event_id.clone() } else { hash(&[&event_id, &index.to_string()]) };
            draft.columns.r#type = kind.to_owned();
            self.note(&mut draft, "event_id", &Found::made((), "hash of account, type, time and content"));
            self.note(&mut draft, "type", &Found::made((), "the event's name in the body, or what is wrong with it"));
            let source = Found::read(piece.clone(), "without secrets and texts of people:", content);
            fill!(self, draft, { payload: Some(source), wa_id: person.wa_id.clone(), user_id: person.user_id.clone(), });
            finish(self, &mut draft);
            self.push(draft);
        }
    }

    /// The records, unless the body held too many events.
    pub(crate) fn finish(self) -> Result<Vec<Explained>, Unreadable> {
        if self.overflown { Err(Unreadable::TooManyEvents) } else { Ok(self.records) }
    }
}

/// The payload as it is, or spread over numbered parts if its line would be longer than a line may be.
fn pieces(payload: &str) -> Vec<String> {
    if payload::line_bytes(payload) <= MAX_PAYLOAD_LINE_BYTES {
        return vec![payload.to_owned()];
    }
    let mut rest = payload;
    let mut texts = Vec::new();
    while !rest.is_empty() {
        let piece = cut(rest, PAYLOAD_PART_BYTES);
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
            for (key, value) in members {
                let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                let step = if plain { format!("{path}.{key}") } else { format!("{path}[{key:?}]") };
                collect_paths(value, step, paths);
            }
        }
        _ => {}
    }
    paths.insert(address(node), path);
}
