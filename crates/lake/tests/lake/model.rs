//! The model test. Writers, readers, sweeps and erasures of the real lake run on one in-memory store; a seed
//! determines the interleaving and the injected faults. The lake's invariants are checked after each step.
//!
//! `MODEL_SCHEDULES` is the number of schedules (400 by default; `make model` runs 100,000), `MODEL_SEED` the seed of
//! the first one (0 by default). Each control disables one rule, and the test must detect the violation: no If-Match,
//! a sweep without grace period, a sweep without the fence of rule R8, an erasure confirmed without that fence, a
//! stalled writer without the publish deadline of rule R4.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::support::rows::{self, BASE, DAY, Event, PERSONS, Snapshots};
use crate::support::store::{Faults, FaultyStore, Happened};
use crate::support::{Break, Broken, Virtual, finish, step, yield_now};
use bluetick_lake::{Environment, Fault, Invariant, Lake, LakeError, LakeOptions, Person};
use object_store::{ObjectStore, ObjectStoreExt};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Times of the model in milliseconds, with the proportions of the defaults: the publish deadline is far below the
/// grace period, and a query is shorter than the grace period.
const DEADLINE: i64 = 100_000;
const GRACE: i64 = 2_000_000;
const QUERY: i64 = 1_000_000;

const EVENTS: u32 = 60;

/// Which rule is disabled.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Protocol {
    Whole,
    NoIfMatch,
    NoGrace,
    NoDeadline,
    NoFence,
    NoErasureFence,
}

/// Frequencies of the actions in a schedule, per thousand steps.
#[derive(Clone, Copy, Debug)]
struct Tempo {
    steps: u32,
    writers: u32,
    sweeps: u32,
    erasures: u32,
    /// Persons with a number below this may be erased.
    erasable: u32,
    /// Machines may also be suspended between the last clock check and a write, for longer than the grace period.
    sleeps_in_writes: bool,
    /// Maximum number of steps for which a machine is suspended.
    longest_sleep: u32,
}

impl Tempo {
    const ORDINARY: Tempo = Tempo {
        steps: 360,
        writers: 60,
        sweeps: 15,
        erasures: 4,
        erasable: 2,
        sleeps_in_writes: false,
        longest_sleep: 150,
    };
    /// With fewer writers, partitions stay unchanged for longer. More sweeps increase the chance that a rare mistake
    /// shows.
    const SLEEPY: Tempo = Tempo { writers: 20, sweeps: 60, sleeps_in_writes: true, ..Tempo::ORDINARY };
    /// A writer is suspended while a person is erased for the first time, until a sweep has confirmed the erasure.
    const SLEEPY_ERASING: Tempo =
        Tempo { steps: 900, writers: 12, sweeps: 20, erasures: 6, erasable: 4, longest_sleep: 700, ..Tempo::SLEEPY };

    /// The tempo of a schedule. Half of the schedules with all rules enabled are ordinary.
    fn of(protocol: Protocol, seed: u64) -> Self {
        match (protocol, seed % 4) {
            (Protocol::NoErasureFence, _) | (Protocol::Whole, 3) => Tempo::SLEEPY_ERASING,
            // Erasures are disabled here: a sweep's lost write would also restore an erased person.
            (Protocol::NoFence, _) => Tempo { erasures: 0, ..Tempo::SLEEPY },
            (Protocol::Whole, 1) => Tempo::SLEEPY,
            // Erasures are disabled here, too: without deadlines the sweep would confirm them too early.
            (Protocol::NoGrace, _) => Tempo { sweeps: 60, erasures: 0, ..Tempo::ORDINARY },
            (Protocol::NoDeadline, _) => Tempo { sweeps: 60, ..Tempo::ORDINARY },
            _ => Tempo::ORDINARY,
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    happened: Happened,
    crashes: u64,
    reads: u64,
    sweeps: u64,
    /// Parts of ended days that sweeps compacted.
    compacted_parts: u64,
    erasures: u64,
    steps: u64,
}

enum Outcome {
    Written(usize),
    Read,
    /// The number of parts that the sweep compacted.
    Swept(u64),
    Erased,
}

type Task<'a> = Pin<Box<dyn Future<Output = Result<Outcome, Broken>> + 'a>>;

struct Running<'a> {
    task: Task<'a>,
    /// The task does not continue before this step, because its machine is suspended or its request hangs.
    frozen_until: u32,
    /// Whether the schedule may crash the task. Readers never crash, because they change nothing.
    may_crash: bool,
}

/// Which events readers must see, and which they must not see.
#[derive(Default)]
struct Known {
    acknowledged: BTreeSet<Event>,
    erased: BTreeSet<u32>,
    confirmed: BTreeSet<u32>,
}

/// Retriable errors are a normal part of a schedule. Any other error means that an invariant is violated.
fn alarm(error: &LakeError) -> Result<(), Broken> {
    if error.fault() == Fault::Retriable {
        return Ok(());
    }
    let invariant = match error {
        LakeError::MissingPart { .. } => Invariant::ReferencedPartsExist,
        LakeError::Damaged { .. } => Invariant::ManifestsAreSound,
        _ => Invariant::RowsAddUp,
    };
    invariant.broken(error.to_string())
}

async fn write(lake: Arc<Lake>, number: usize, events: Vec<Event>) -> Result<Option<usize>, Broken> {
    for batch in rows::batches(&events) {
        match lake.commit(&batch).await {
            Ok(report) if report.rows_in == report.new + report.duplicates + report.erased => {}
            Ok(report) => return Invariant::RowsAddUp.broken(format!("{report:?}")),
            Err(error) => return alarm(&error).map(|()| None),
        }
    }
    Ok(Some(number))
}

/// A query. It reads each manifest once and then the parts, with any number of steps of other tasks in between.
async fn query(
    store: FaultyStore,
    clock: Arc<Virtual>,
    known: Arc<Mutex<Known>>,
    snapshots: Arc<Mutex<Snapshots>>,
) -> Result<(), Broken> {
    let started = clock.now_ms();
    for folder in rows::FOLDERS {
        let (expected, gone) = {
            let known = known.lock().unwrap();
            let visible =
                |event: &&Event| rows::folder(**event) == folder && !known.erased.contains(&(**event % PERSONS));
            let expected: BTreeSet<Event> = known.acknowledged.iter().filter(visible).copied().collect();
            (expected, known.confirmed.clone())
        };
        yield_now().await;
        let Ok(got) = store.inner().get(&rows::manifest_path(folder)).await else {
            if expected.is_empty() {
                continue;
            }
            return Invariant::RowsAreKept.broken(format!("{folder} has no manifest"));
        };
        let text = got.bytes().await.unwrap();
        let mut seen = BTreeSet::new();
        for path in rows::referenced(std::str::from_utf8(&text).unwrap()) {
            yield_now().await;
            if clock.now_ms() - started > QUERY {
                return Ok(());
            }
            if store.inner().head(&path).await.is_err() {
                return Invariant::ReferencedPartsExist.broken("a part of a query is missing");
            }
            for event in snapshots.lock().unwrap().events(store.inner(), &path) {
                if !seen.insert(*event) {
                    return Invariant::RowsAreUnique.broken(format!("a query sees event {event} twice"));
                }
            }
        }
        // Rows of persons whose erasure began during the query may be visible or not.
        let erased = known.lock().unwrap().erased.clone();
        if let Some(event) = expected.difference(&seen).find(|event| !erased.contains(&(**event % PERSONS))) {
            return Invariant::RowsAreKept.broken(format!("a query misses event {event}"));
        }
        if let Some(event) = seen.iter().find(|event| gone.contains(&(**event % PERSONS))) {
            return Invariant::ErasedRowsAreAbsent.broken(format!("a query sees event {event}"));
        }
    }
    Ok(())
}

async fn sweep(lake: Arc<Lake>) -> Result<Outcome, Broken> {
    match lake.sweep(false).await {
        Ok(report) => Ok(Outcome::Swept(report.compacted_parts)),
        Err(error) => alarm(&error).map(|()| Outcome::Swept(0)),
    }
}

async fn erase(lake: Arc<Lake>, person: u32) -> Result<Outcome, Broken> {
    match lake.erase(&Person::WaId(rows::person(person))).await {
        Ok(_) => Ok(Outcome::Erased),
        Err(error) => alarm(&error).map(|()| Outcome::Erased),
    }
}

/// Runs one schedule. Returns an error if an invariant is violated.
fn run(seed: u64, protocol: Protocol, zstd_level: i32) -> Result<Figures, Broken> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let faults = Faults { fail_before: 10, fail_after: 30, false_conflict: 30, late_write: 20, delay: 50 };
    let store = FaultyStore::new(random.random(), faults, protocol != Protocol::NoIfMatch);
    let clock = Virtual::new(DAY + 10 * 86_400_000, random.random());
    let options = LakeOptions {
        row_group_rows: [2, 8, 1000][random.random_range(0..3)],
        publish_deadline: Duration::from_millis(DEADLINE as u64),
        grace: Duration::from_millis(GRACE as u64),
        zstd_level,
        erasure_key: Some("secret of the test".to_owned()),
        // All parts of the model are small. If commits always compacted small parts, no partition would have two.
        small_part_bytes: if (seed / 8).is_multiple_of(4) { LakeOptions::default().small_part_bytes } else { 0 },
        ..LakeOptions::default()
    };
    let sweeping_lake = |store: FaultyStore, options: LakeOptions| {
        Arc::new(Lake::with_store(Arc::new(store), BASE, options).with_environment(clock.clone()))
    };
    let lake = |options: LakeOptions| sweeping_lake(store.clone(), options);
    // Two writer processes, each with its own memory; the sweeper is a third process.
    let far = Duration::from_secs(1_000_000_000);
    let deadline = if protocol == Protocol::NoDeadline { far } else { options.publish_deadline };
    let writer_options = LakeOptions { publish_deadline: deadline, ..options.clone() };
    let writers = [lake(writer_options.clone()), lake(writer_options)];
    let grace = if protocol == Protocol::NoGrace { Duration::ZERO } else { options.grace };
    let settling = if protocol == Protocol::NoGrace { Duration::ZERO } else { options.publish_deadline };
    // This lake reads the store without faults.
    let unfailing: Arc<dyn ObjectStore> = Arc::new(store.inner().clone());
    let onlooker = Lake::with_store(unfailing, BASE, options.clone()).with_environment(clock.clone());
    let tempo = Tempo::of(protocol, seed);
    let sweeper_store = match protocol {
        Protocol::NoFence => store.without_manifest_writes(),
        Protocol::NoErasureFence => store.without_fences_and_deletions(),
        _ => store.clone(),
    };
    // The days have ended, so the sweeper compacts them, but only in half of the schedules, and not in the controls.
    let compacts = protocol == Protocol::Whole && (seed / 4).is_multiple_of(2);
    let growth_factor = if compacts { options.growth_factor } else { f64::INFINITY };
    let sweeper =
        sweeping_lake(sweeper_store, LakeOptions { grace, publish_deadline: settling, growth_factor, ..options });

    let known = Arc::new(Mutex::new(Known::default()));
    let mut inputs: Vec<(Vec<Event>, bool)> = Vec::new();
    let mut running: Vec<Running<'_>> = Vec::new();
    let snapshots = Arc::new(Mutex::new(Snapshots::default()));
    let mut figures = Figures::default();

    let record = |outcome: Outcome, inputs: &mut Vec<(Vec<Event>, bool)>, figures: &mut Figures| match outcome {
        Outcome::Written(number) => {
            inputs[number].1 = true;
            known.lock().unwrap().acknowledged.extend(&inputs[number].0);
        }
        Outcome::Read => figures.reads += 1,
        Outcome::Swept(compacted_parts) => {
            figures.sweeps += 1;
            figures.compacted_parts += compacted_parts;
            let mut known = known.lock().unwrap();
            let asked: Vec<u32> = known.erased.difference(&known.confirmed).copied().collect();
            let state = |person| finish(onlooker.erasure(&Person::WaId(rows::person(person))));
            let is_confirmed = |person: &u32| state(*person).unwrap().is_some_and(|state| state.confirmed);
            known.confirmed.extend(asked.into_iter().filter(is_confirmed));
        }
        Outcome::Erased => figures.erasures += 1,
    };

    let mut current = 0;
    for now in 0..tempo.steps {
        figures.steps += 1;
        let may_pass = tempo.sleeps_in_writes || !store.is_writing();
        if may_pass {
            clock.advance(1000);
        }
        match random.random_range(0..1000) {
            draw if draw < tempo.writers && running.len() < 6 => {
                let open: Vec<usize> = (0..inputs.len()).filter(|number| !inputs[*number].1).collect();
                let number = if !open.is_empty() && random.random_bool(0.5) {
                    open[random.random_range(0..open.len())]
                } else {
                    let size = random.random_range(1..=6);
                    inputs.push(((0..size).map(|_| random.random_range(0..EVENTS)).collect(), false));
                    inputs.len() - 1
                };
                let (lake, events) = (Arc::clone(&writers[random.random_range(0..2)]), inputs[number].0.clone());
                let task = async move {
                    let written = write(lake, number, events).await?;
                    Ok(written.map_or(Outcome::Swept(0), Outcome::Written))
                };
                running.push(Running { task: Box::pin(task), frozen_until: 0, may_crash: true });
            }
            60..=79 if running.len() < 8 => {
                let task = query(store.clone(), Arc::clone(&clock), Arc::clone(&known), Arc::clone(&snapshots));
                let task = async move { task.await.map(|()| Outcome::Read) };
                running.push(Running { task: Box::pin(task), frozen_until: 0, may_crash: false });
            }
            draw if (200..200 + tempo.sweeps).contains(&draw) && running.len() < 8 => {
                let task = sweep(Arc::clone(&sweeper));
                running.push(Running { task: Box::pin(task), frozen_until: 0, may_crash: true });
            }
            draw if (300..300 + tempo.erasures).contains(&draw) && running.len() < 8 => {
                let person = random.random_range(0..tempo.erasable);
                known.lock().unwrap().erased.insert(person);
                let task = erase(Arc::clone(&writers[0]), person);
                running.push(Running { task: Box::pin(task), frozen_until: 0, may_crash: true });
            }
            99..=118 if may_pass => {
                // All machines are suspended, some for longer than the grace period.
                clock.advance([DEADLINE / 2, DEADLINE * 3, GRACE + 1000][random.random_range(0..3)]);
            }
            119..=170 => store.apply_late_write(),
            _ => {}
        }
        // Usually the same task continues, so that whole operations fit between two steps of another task.
        if current >= running.len() || running[current].frozen_until > now || random.random_bool(0.25) {
            let awake: Vec<usize> = (0..running.len()).filter(|index| running[*index].frozen_until <= now).collect();
            if awake.is_empty() {
                continue;
            }
            current = awake[random.random_range(0..awake.len())];
        }
        let index = current;
        if random.random_bool(0.02) {
            running[index].frozen_until = now + random.random_range(20..tempo.longest_sleep);
        }
        let writes = store.writes_in_flight();
        if running[index].may_crash && random.random_bool(0.004) {
            figures.crashes += 1;
            drop(running.swap_remove(index));
        } else if let Some(outcome) = step(&mut running[index].task) {
            drop(running.swap_remove(index));
            record(outcome?, &mut inputs, &mut figures);
        } else if tempo.sleeps_in_writes && store.writes_in_flight() > writes && random.random_bool(0.3) {
            // A machine is often suspended right before its write.
            running[index].frozen_until = now + random.random_range(20..tempo.longest_sleep);
        }
        check(&store, &snapshots, &known, &inputs)?;
    }

    // At the end, running tasks finish, unfinished inputs are delivered again, and the clock passes every deadline.
    store.heal();
    while store.is_writing() && running.is_empty() {
        store.apply_late_write();
    }
    while let Some(Running { task, .. }) = running.pop() {
        record(finish(task)?, &mut inputs, &mut figures);
        store.apply_late_write();
        check(&store, &snapshots, &known, &inputs)?;
    }
    while store.is_writing() {
        store.apply_late_write();
    }
    for number in 0..inputs.len() {
        if !inputs[number].1 {
            let written = finish(write(Arc::clone(&writers[0]), number, inputs[number].0.clone()))?;
            record(Outcome::Written(written.expect("a store without faults works")), &mut inputs, &mut figures);
        }
    }
    let erased = known.lock().unwrap().erased.clone();
    for person in &erased {
        record(finish(erase(Arc::clone(&writers[0]), *person))?, &mut inputs, &mut figures);
    }
    for _ in 0..3 {
        clock.advance(GRACE + 1000);
        // An operator repairs what the sweep reports: a partition whose first writer crashed and whose rows were
        // erased.
        finish(writers[0].repair(false)).unwrap();
        record(finish(sweep(Arc::clone(&sweeper)))?, &mut inputs, &mut figures);
    }
    check(&store, &snapshots, &known, &inputs)?;
    let all = inputs.iter().flat_map(|(events, _)| events);
    let expected: BTreeSet<Event> = all.filter(|event| !erased.contains(&(**event % PERSONS))).copied().collect();
    let state = snapshots.lock().unwrap().read(store.inner())?;
    let shown: BTreeSet<Event> = state.into_values().flatten().collect();
    if shown != expected {
        return Invariant::RowsAreKept.broken(format!("at the end {shown:?} instead of {expected:?}"));
    }
    let report = finish(sweeper.verify()).unwrap();
    if let Some(problem) = report.problems.first() {
        return problem.invariant.broken(format!("verify disagrees: {}", problem.detail));
    }
    if report.rows != expected.len() as u64 {
        return Invariant::RowsAddUp.broken(format!("verify disagrees: {report:?}"));
    }
    let stored = rows::parts_stored(store.inner()) as u64;
    if stored != report.parts && protocol == Protocol::Whole {
        panic!("seed {seed}: the sweeps left {stored} parts, of which {} are referenced", report.parts);
    }
    figures.happened = store.happened();
    Ok(figures)
}

/// Checks the state between two steps if it changed: no part is missing, and no row is duplicated, lost or invented.
fn check(
    store: &FaultyStore,
    snapshots: &Mutex<Snapshots>,
    known: &Mutex<Known>,
    inputs: &[(Vec<Event>, bool)],
) -> Result<(), Broken> {
    if !store.take_changed() {
        return Ok(());
    }
    let state: BTreeMap<_, _> = snapshots.lock().unwrap().read(store.inner())?;
    let shown: BTreeSet<Event> = state.into_values().flatten().collect();
    let known = known.lock().unwrap();
    let kept = known.acknowledged.iter().filter(|event| !known.erased.contains(&(**event % PERSONS)));
    if let Some(event) = kept.clone().find(|event| !shown.contains(event)) {
        return Invariant::RowsAreKept.broken(format!("event {event} was acknowledged and is gone"));
    }
    if let Some(event) = shown.iter().find(|event| known.confirmed.contains(&(**event % PERSONS))) {
        return Invariant::ErasedRowsAreAbsent
            .broken(format!("event {event} is of a person whose erasure was confirmed"));
    }
    let given: BTreeSet<Event> = inputs.iter().flat_map(|(events, _)| events).copied().collect();
    match shown.iter().find(|event| !given.contains(event)) {
        Some(event) => Invariant::RowsAddUp.broken(format!("event {event} is in no input")),
        None => Ok(()),
    }
}

impl Figures {
    fn add(&mut self, other: &Figures) {
        let (mine, theirs) = (&mut self.happened, &other.happened);
        mine.manifest_writes += theirs.manifest_writes;
        mine.conflicts += theirs.conflicts;
        mine.false_conflicts += theirs.false_conflicts;
        mine.lost_responses += theirs.lost_responses;
        mine.failed_before += theirs.failed_before;
        mine.late_writes += theirs.late_writes;
        mine.deletes += theirs.deletes;
        self.crashes += other.crashes;
        self.reads += other.reads;
        self.sweeps += other.sweeps;
        self.compacted_parts += other.compacted_parts;
        self.erasures += other.erasures;
        self.steps += other.steps;
    }
}

/// Runs the schedules of these seeds on all cores. Returns the violations by seed, and the figures of the other
/// schedules.
fn run_all(seeds: Range<u64>, protocol: Protocol, zstd_level: i32) -> (BTreeMap<u64, Broken>, Figures) {
    let next = AtomicU64::new(seeds.start);
    let broken = Mutex::new(BTreeMap::new());
    let figures = Mutex::new(Figures::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    match run(seed, protocol, zstd_level) {
                        Ok(ran) => figures.lock().unwrap().add(&ran),
                        Err(problem) => _ = broken.lock().unwrap().insert(seed, problem),
                    }
                }
            });
        }
    });
    (broken.into_inner().unwrap_or_else(PoisonError::into_inner), figures.into_inner().unwrap())
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

#[test]
fn no_schedule_breaks_an_invariant() {
    let schedules = setting("MODEL_SCHEDULES", 400);
    let first = setting("MODEL_SEED", 0);
    let (broken, figures) = run_all(first..first + schedules, Protocol::Whole, 0);
    let Happened {
        manifest_writes,
        conflicts,
        false_conflicts,
        lost_responses,
        failed_before,
        late_writes,
        deletes,
        ..
    } = figures.happened;
    eprintln!(
        "{schedules} schedules from seed {first} on, {} steps: {manifest_writes} commits, {conflicts} conflicts, {false_conflicts} false \
         conflicts, {} crashes, {lost_responses} lost responses, {late_writes} late writes, {failed_before} failed \
         calls, {} reads, {} sweeps that compacted {} parts, {deletes} deletes, {} erasures",
        figures.steps, figures.crashes, figures.reads, figures.sweeps, figures.compacted_parts, figures.erasures
    );
    assert!(
        broken.is_empty(),
        "{} of {schedules} schedules broke: {:#?}",
        broken.len(),
        broken.iter().take(5).collect::<Vec<_>>()
    );
    let (crashes, compacted) = (figures.crashes, figures.compacted_parts);
    let counts =
        [manifest_writes, conflicts, false_conflicts, lost_responses, late_writes, deletes, crashes, compacted];
    assert!(counts.iter().all(|count| *count > 0), "every kind of fault occurred: {figures:?}");
}

#[test]
fn compression_changes_nothing() {
    let (broken, _) = run_all(0..100, Protocol::Whole, 3);
    assert!(broken.is_empty(), "{broken:#?}");
}

/// A control: without the rule, one of the first thousand schedules must violate an invariant that the rule protects.
fn is_caught(protocol: Protocol, invariants: &[Invariant]) {
    let caught = (0..1000).find_map(|seed| Some((seed, run(seed, protocol, 0).err()?)));
    let (seed, broken) = caught.unwrap_or_else(|| panic!("{protocol:?} was not caught in 1000 schedules"));
    eprintln!("{protocol:?} was caught by schedule {seed}: {}: {}", broken.invariant, broken.detail);
    assert!(invariants.contains(&broken.invariant), "{protocol:?}: {broken:?}");
}

#[test]
fn writing_without_if_match_is_caught() {
    is_caught(Protocol::NoIfMatch, &[Invariant::RowsAreKept]);
}

#[test]
fn sweeping_without_grace_is_caught() {
    is_caught(Protocol::NoGrace, &[Invariant::ReferencedPartsExist]);
}

/// A writer is suspended for longer than the grace period right before its write, and the sweep does not change the
/// manifest.
#[test]
fn sweeping_without_a_fence_is_caught() {
    is_caught(Protocol::NoFence, &[Invariant::ReferencedPartsExist]);
}

/// As above, and an erasure is confirmed without changing the manifests that such a writer has read.
#[test]
fn confirming_an_erasure_without_a_fence_is_caught() {
    is_caught(Protocol::NoErasureFence, &[Invariant::ErasedRowsAreAbsent]);
}

#[test]
fn a_stalled_writer_without_deadline_is_caught() {
    is_caught(Protocol::NoDeadline, &[Invariant::ReferencedPartsExist, Invariant::ErasedRowsAreAbsent]);
}
