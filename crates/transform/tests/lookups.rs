//! A law: whatever the order, the repeats, the outages of the store and the erasures of a history, after the transform
//! has moved every raw object the look-up store equals the lake for every message.
//!
//! The store is a map in memory with faults: it denies, applies and then fails, applies a half, or never answers. Time
//! is the test's. What the histories leave out: statements of one event that contradict each other, of which the lake's
//! key decides how many it keeps.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bluetick_lake::{Environment, Lake, LakeOptions, Person, SystemEnvironment};
use bluetick_lookups::{Entry, Filter, Item, LookupStore, Lookups, Merge, Position, StoreError, Update};
use bluetick_transform::batch::Transform;
use bluetick_transform::lookups;
use bluetick_transform::raw::Source;
use futures::future::BoxFuture;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use proptest::prelude::*;

/// 10 October 2026.
const BEGIN: i64 = 1_791_590_400_000;
const MINUTE: i64 = 60_000;

/// What becomes of one call to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Refused: throttled, or not allowed.
    Denied,
    /// Done, but the answer is lost.
    AnswerLost,
    /// A half is done.
    Half,
    /// No answer, ever. Some of it may be done.
    Hangs,
}

/// A store in memory whose calls fail as planned; calls beyond the plan succeed.
#[derive(Default)]
struct PlannedStore {
    items: Mutex<BTreeMap<String, Item>>,
    plan: Mutex<VecDeque<Fault>>,
}

impl PlannedStore {
    fn items(&self) -> BTreeMap<String, Item> {
        self.items.lock().unwrap().clone()
    }

    fn merge(&self, updates: Vec<Update>) -> Vec<Entry> {
        let mut items = self.items.lock().unwrap();
        let merge = |update: Update| {
            let item = items.entry(update.message_id.clone()).or_default();
            item.merge(update.item);
            (update.message_id, item.clone())
        };
        updates.into_iter().map(merge).collect()
    }

    async fn outcome<T>(&self, fault: Fault, value: T) -> Result<T, StoreError> {
        match fault {
            Fault::None => Ok(value),
            Fault::Hangs => std::future::pending().await,
            _ => Err(StoreError::unavailable("planned")),
        }
    }

    fn next_fault(&self) -> Fault {
        self.plan.lock().unwrap().pop_front().unwrap_or(Fault::None)
    }
}

#[async_trait]
impl LookupStore for PlannedStore {
    async fn apply(&self, mut updates: Vec<Update>) -> Result<Vec<Entry>, StoreError> {
        let fault = self.next_fault();
        match fault {
            Fault::Denied => updates.clear(),
            Fault::Half | Fault::Hangs => updates.truncate(updates.len() / 2),
            Fault::None | Fault::AnswerLost => {}
        }
        let entries = self.merge(updates);
        self.outcome(fault, entries).await
    }

    async fn get(&self, message_ids: &[String]) -> Result<Vec<Entry>, StoreError> {
        let items = self.items();
        Ok(message_ids.iter().filter_map(|id| Some((id.clone(), items.get(id)?.clone()))).collect())
    }

    async fn list(&self, filter: &Filter, after: Option<&Position>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let rank = |position: &Position| (std::cmp::Reverse(position.sent_at), position.message_id.clone());
        let mut found: Vec<Entry> = self.items().into_iter().filter(|(_, item)| filter.matches(item)).collect();
        found.sort_by_key(|(id, item)| rank(&Position::of(id, item)));
        found.retain(|(id, item)| after.is_none_or(|after| rank(&Position::of(id, item)) > rank(after)));
        found.truncate(limit);
        Ok(found)
    }

    async fn remove(&self, message_ids: &[String]) -> Result<(), StoreError> {
        let fault = self.next_fault();
        if fault != Fault::Denied {
            self.items.lock().unwrap().retain(|id, _| !message_ids.contains(id));
        }
        self.outcome(fault, ()).await
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.items.lock().unwrap().clear();
        Ok(())
    }
}

/// A step of a history.
#[derive(Clone, Debug)]
enum Step {
    /// A webhook with these records, which reaches the store within the budget or not.
    Webhook(Vec<(u8, Told)>),
    /// An earlier webhook again.
    Repeat(usize),
    /// The transform moves every object that is not done; with a fault it crashes before, or after, some are.
    Transform,
    /// A person is erased from lake and store.
    Erase(u8),
}

/// What is told of a message: of what kind, and how many minutes after it happened.
#[derive(Clone, Debug)]
struct Told {
    kind: u8,
    minute: i64,
}

const STATUSES: [&str; 5] = ["sent", "delivered", "read", "played", "deleted"];

/// The line of a record. Its content follows from message, kind and time: no two statements contradict each other.
fn line(message: u8, told: &Told, received_at: i64) -> String {
    let event_ts = match told.kind {
        // One send a message: which of two the lake keeps is a matter of its key.
        0 => BEGIN - 60 * MINUTE,
        kind => received_at - told.minute * MINUTE + i64::from(kind),
    };
    let wa_id = format!("49170{}", message % 3);
    let id = format!("wamid.{message}");
    let common =
        serde_json::json!({"event_ts": event_ts, "received_at": received_at, "provider": "meta", "wa_id": wa_id});
    let own = match told.kind {
        0 => serde_json::json!({
            "table": "sends", "message_id": id, "template_name": format!("template{}", message % 2), "standalone": message.is_multiple_of(2),
            "event_id": (message % 2 == 1).then_some("event"), "guest_id": format!("guest{message}"),
        }),
        1..=5 => serde_json::json!({
            "table": "statuses", "message_id": id, "status": STATUSES[usize::from(told.kind) - 1],
        }),
        6 => serde_json::json!({
            "table": "statuses", "message_id": id, "status": "failed", "error_code": event_ts / MINUTE % 100, "error_title": "why",
        }),
        // A group's status that names another person.
        7 => serde_json::json!({
            "table": "statuses", "message_id": id, "status": "delivered", "group_id": "group", "participant": "491700",
            "wa_id": null,
        }),
        8 => serde_json::json!({
            "table": "clicks", "click_id": format!("{message}-{event_ts}"), "message_id": id, "kind": "quick_reply",
        }),
        _ => serde_json::json!({
            "table": "messages", "message_id": format!("in-{message}-{event_ts}"), "context_message_id": id, "type": "text",
        }),
    };
    let mut line = common.as_object().unwrap().clone();
    line.extend(own.as_object().unwrap().clone());
    line.retain(|_, value| !value.is_null());
    format!("{}\n", serde_json::Value::Object(line))
}

fn told() -> impl Strategy<Value = Told> {
    (0_u8..10, 0_i64..600).prop_map(|(kind, minute)| Told { kind, minute })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec((0_u8..6, told()), 1..4).prop_map(Step::Webhook),
        2 => (0_usize..50).prop_map(Step::Repeat),
        2 => Just(Step::Transform),
        1 => (0_u8..3).prop_map(Step::Erase),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(vec![Fault::None, Fault::None, Fault::Denied, Fault::AnswerLost, Fault::Half, Fault::Hangs])
}

/// The clock of a history: milliseconds since 1970.
#[derive(Default)]
struct Clock(AtomicI64);

impl Environment for Clock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn random(&self) -> u128 {
        SystemEnvironment.random()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemEnvironment.sleep(duration)
    }
}

/// A lake, a store, and the raw objects between them.
struct World {
    lookups: Lookups,
    store: Arc<PlannedStore>,
    transform: Transform,
    raw: Arc<dyn ObjectStore>,
    webhooks: Vec<String>,
    done: BTreeSet<usize>,
    clock: Arc<Clock>,
}

impl World {
    fn new(plan: &[Fault]) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let store =
            Arc::new(PlannedStore { plan: Mutex::new(plan.iter().copied().collect()), ..PlannedStore::default() });
        let url = format!("memory://lookups-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let clock = Arc::new(Clock(AtomicI64::new(BEGIN)));
        let lake = Lake::open(&url, LakeOptions::default()).unwrap().with_environment(clock.clone());
        let transform = Transform::new(lake, 1 << 20).with_lookups(Some(store.clone()));
        let raw = Arc::new(InMemory::new());
        let lookups = Lookups::new(store.clone());
        Self { lookups, store, transform, raw, webhooks: Vec::new(), done: BTreeSet::new(), clock }
    }

    /// The records are safe first; then the store is told.
    async fn webhook(&mut self, lines: String) {
        let path = Path::from(format!("{}", self.webhooks.len()));
        self.raw.put(&path, lines.clone().into_bytes().into()).await.unwrap();
        self.lookups.feed(lines.as_bytes()).await;
        self.webhooks.push(lines);
    }

    async fn move_all(&mut self) {
        let numbers: Vec<usize> = (0..self.webhooks.len()).filter(|number| !self.done.contains(number)).collect();
        let source =
            |number: &usize| Source { store: Arc::clone(&self.raw), path: Path::from(number.to_string()), size: 0 };
        let sources: Vec<Source> = numbers.iter().map(source).collect();
        // A store that hangs takes the function's whole time.
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        let report = self.transform.run(&sources, Some(deadline), |_| {}).await;
        let done = numbers.iter().enumerate().filter(|(index, _)| !report.failed.contains(index));
        self.done.extend(done.map(|(_, number)| *number));
    }

    async fn step(&mut self, step: &Step) {
        let now = self.clock.0.fetch_add(MINUTE, Ordering::Relaxed) + MINUTE;
        match step {
            Step::Webhook(told) => {
                let lines = told.iter().map(|(message, told)| line(*message, told, now)).collect();
                self.webhook(lines).await;
            }
            Step::Repeat(number) => {
                if let Some(lines) = self.webhooks.get(*number).cloned() {
                    self.webhook(lines).await;
                }
            }
            Step::Transform => self.move_all().await,
            Step::Erase(person) => self.erase(*person).await,
        }
    }

    /// As `bluetick erase` does; after a fault the operator repeats it.
    async fn erase(&self, person: u8) {
        let (lake, person) = (self.transform.lake(), Person::WaId(format!("49170{person}")));
        let named = lookups::messages_naming(lake, &person).await.unwrap();
        lake.erase(&person).await.unwrap();
        loop {
            let erasing = lookups::erase(lake, &*self.store, &person, named.clone());
            if let Ok(Ok(_)) = tokio::time::timeout(Duration::from_secs(10), erasing).await {
                return;
            }
        }
    }

    /// What the lake alone says.
    async fn items_of_lake(&self) -> BTreeMap<String, Item> {
        let fresh = PlannedStore::default();
        lookups::rebuild(self.transform.lake(), &fresh).await.unwrap();
        fresh.items()
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(future)
}

/// Runs a history; gives the store and the lake after it, the store before the repair, too.
async fn run(steps: &[Step], plan: &[Fault]) -> [BTreeMap<String, Item>; 3] {
    let mut world = World::new(plan);
    for step in steps {
        world.step(step).await;
    }
    let before = world.store.items();
    world.store.plan.lock().unwrap().clear();
    world.move_all().await;
    assert_eq!(world.done.len(), world.webhooks.len(), "without faults every object is done");
    [before, world.store.items(), world.items_of_lake().await]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("LOOKUPS_HISTORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(48)
    ))]

    #[test]
    fn after_the_repair_the_store_equals_the_lake(
        steps in prop::collection::vec(step(), 1..25),
        plan in prop::collection::vec(fault(), 0..30),
    ) {
        let [_, store, lake] = block_on(run(&steps, &plan));
        prop_assert_eq!(store, lake);
    }
}

fn one_webhook() -> Vec<Step> {
    vec![Step::Webhook(vec![(1, Told { kind: 0, minute: 5 }), (1, Told { kind: 3, minute: 9 })])]
}

/// A control: without the repair an outage leaves the store behind the lake.
#[test]
fn without_the_repair_an_outage_would_show() {
    for fault in [Fault::Denied, Fault::Hangs] {
        let [before, store, lake] = block_on(run(&one_webhook(), &[fault]));
        assert_ne!(before, lake, "{fault:?}");
        assert_eq!(store, lake, "{fault:?}");
    }
}

#[test]
fn without_faults_the_store_is_ahead_of_the_lake() {
    let [before, _, lake] = block_on(run(&one_webhook(), &[]));
    assert_eq!(before, lake);
    assert_eq!(lake.len(), 1);
}

/// A control: an erased person whose webhook waits in a raw object would come back without the transform's care.
#[test]
fn an_erased_person_does_not_come_back() {
    let steps = [one_webhook(), vec![Step::Erase(1), Step::Repeat(0), Step::Transform]].concat();
    let [_, store, lake] = block_on(run(&steps, &[]));
    assert_eq!((store.len(), lake.len()), (0, 0));
}
