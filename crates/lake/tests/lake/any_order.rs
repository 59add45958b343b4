//! Property: events in any order, with any duplicates, split into any objects, and committed by one to four
//! concurrent workers yield the same rows.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::support::rows::{self, BASE, DAY, Event};
use crate::support::store::{Faults, FaultyStore};
use crate::support::{Virtual, finish, step};
use arrow::array::RecordBatch;
use arrow::row::{RowConverter, SortField};
use bluetick_lake::{Lake, LakeOptions, Table};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

fn lake(store: &FaultyStore, seed: u64) -> Lake {
    let options = LakeOptions { row_group_rows: 8, zstd_level: 0, ..LakeOptions::default() };
    Lake::with_store(Arc::new(store.clone()), BASE, options).with_environment(Virtual::new(DAY + 86_400_000, seed))
}

/// All columns of all rows as comparable bytes, sorted.
fn contents(batches: &[RecordBatch]) -> Vec<Vec<u8>> {
    let Some(first) = batches.first() else { return Vec::new() };
    let fields = first.schema().fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
    let converter = RowConverter::new(fields).unwrap();
    let encoded = batches.iter().map(|batch| converter.convert_columns(batch.columns()).unwrap());
    let mut rows: Vec<Vec<u8>> =
        encoded.flat_map(|rows| rows.iter().map(|row| row.data().to_vec()).collect::<Vec<_>>()).collect();
    rows.sort_unstable();
    rows
}

fn all_contents(store: &FaultyStore) -> Vec<Vec<Vec<u8>>> {
    let lake = lake(store, 99);
    Table::ALL.map(|table| contents(&finish(lake.read_table(table)).unwrap())).to_vec()
}

/// Commits the objects with several workers, interleaved one step at a time.
fn transform(objects: &[Vec<Event>], workers: usize, seed: u64) -> FaultyStore {
    let store = FaultyStore::new(seed, Faults::default(), true);
    let mut tasks: Vec<Pin<Box<dyn Future<Output = ()> + '_>>> = Vec::new();
    for worker in 0..workers {
        let lake = lake(&store, seed.wrapping_add(worker as u64));
        tasks.push(Box::pin(async move {
            for object in objects.iter().skip(worker).step_by(workers) {
                for batch in rows::batches(object) {
                    lake.commit(&batch).await.unwrap();
                }
            }
        }));
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    while !tasks.is_empty() {
        let index = random.random_range(0..tasks.len());
        if step(&mut tasks[index]).is_some() {
            drop(tasks.swap_remove(index));
        }
    }
    store
}

#[test]
fn the_same_events_give_the_same_rows() {
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let objects = prop::collection::vec(prop::collection::vec(0u32..40, 1..12), 1..10);
    let property = |(objects, workers, seed): (Vec<Vec<Event>>, usize, u64)| {
        let mut events: Vec<Event> = objects.concat();
        events.sort_unstable();
        events.dedup();
        let expected = all_contents(&transform(&[events.clone()], 1, 0));
        prop_assert_eq!(expected.iter().map(Vec::len).sum::<usize>(), events.len());
        let store = transform(&objects, workers, seed);
        prop_assert!(all_contents(&store) == expected, "{} workers differ", workers);
        Ok(())
    };
    runner.run(&(objects, 1usize..=4, any::<u64>()), property).unwrap();
}
