//! Damaged objects are reported; foreign objects are not touched.

use std::sync::Arc;

use crate::support::Virtual;
use crate::support::rows::{self, DAY};
use bluetick_lake::{Column, ColumnType, Environment, Invariant, Lake, LakeOptions, Staging, SystemEnvironment, Table};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

const HOUR_MS: i64 = 3_600_000;

/// Creates a lake with some rows. Returns the path of one of its parts, too.
async fn world() -> (Arc<InMemory>, Arc<Virtual>, Lake, Path) {
    let store = Arc::new(InMemory::new());
    let clock = Virtual::new(DAY, 7);
    let shared: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(&store);
    let lake = Lake::with_store(shared, rows::BASE, LakeOptions::default()).with_environment(clock.clone());
    for batch in rows::batches(&(0..40).collect::<Vec<_>>()) {
        lake.commit(&batch).await.unwrap();
    }
    let parts: Vec<_> = store.list(Some(&Path::from("data"))).try_collect().await.unwrap();
    let path = parts[0].location.clone();
    (store, clock, lake, path)
}

/// Verifies with a new [`Lake`] over the same objects, so that no footer is cached.
async fn problems(store: &Arc<InMemory>) -> Vec<Invariant> {
    let shared: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(store);
    let lake = Lake::with_store(shared, rows::BASE, LakeOptions::default());
    lake.verify().await.unwrap().problems.iter().map(|problem| problem.invariant).collect()
}

/// A line of a table with a value in every column.
fn full_line(table: Table, row: usize) -> String {
    let value = |column: &Column| match column.kind {
        ColumnType::Timestamp if column.required => (DAY + row as i64).to_string(),
        ColumnType::Timestamp | ColumnType::BigInt => (1_000_000 * row).to_string(),
        ColumnType::Boolean => row.is_multiple_of(2).to_string(),
        ColumnType::StringList => format!(r#"["{row}","b"]"#),
        ColumnType::StringMap => format!(r#"{{"{row}":"b"}}"#),
        ColumnType::String => format!(r#""{} {row}""#, column.name),
    };
    let columns: Vec<_> =
        table.columns().iter().map(|column| format!(r#""{}":{}"#, column.name, value(column))).collect();
    format!(r#"{{"table":"{table}",{}}}"#, columns.join(","))
}

/// Flips single bits in a part of each table, spread evenly over the file. The verification must detect each of them.
/// `FLIPS` sets the number of flips (600 by default).
#[tokio::test]
async fn no_flipped_bit_passes() {
    let flips = std::env::var("FLIPS").map_or(600, |text| text.parse::<usize>().unwrap());
    for table in Table::ALL {
        let store = Arc::new(InMemory::new());
        let shared: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(&store);
        let lake = Lake::with_store(shared, rows::BASE, LakeOptions::default());
        let mut staging = Staging::new();
        (0..20).for_each(|row| staging.push_line(full_line(table, row).as_bytes()).unwrap());
        lake.commit(&staging.drain().unwrap()[0]).await.unwrap();
        let parts: Vec<_> = store.list(Some(&Path::from("data"))).try_collect().await.unwrap();
        let path = &parts[0].location;
        let whole = store.get(path).await.unwrap().bytes().await.unwrap();
        let (bits, count) = (whole.len() * 8, flips / Table::ALL.len());
        for flip in 0..count {
            // The odd step size covers every bit position of a byte.
            let bit = (flip * bits / count + flip) % bits;
            let mut damaged = whole.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            store.put(path, damaged.into()).await.unwrap();
            assert_ne!(problems(&store).await, [], "{table}: bit {bit} of {bits}");
        }
        store.put(path, whole.into()).await.unwrap();
        assert_eq!(problems(&store).await, []);
    }
}

/// A part that is too large for one request is read in several requests.
#[tokio::test]
async fn a_flipped_bit_in_a_large_part_is_reported() {
    let store = Arc::new(InMemory::new());
    let shared: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(&store);
    let lake = Lake::with_store(shared, rows::BASE, LakeOptions { zstd_level: 0, ..LakeOptions::default() });
    let mut staging = Staging::new();
    (0..3000).for_each(|row| staging.push_line(full_line(Table::Clicks, row).as_bytes()).unwrap());
    lake.commit(&staging.drain().unwrap()[0]).await.unwrap();
    let parts: Vec<_> = store.list(Some(&Path::from("data"))).try_collect().await.unwrap();
    let path = &parts[0].location;
    let whole = store.get(path).await.unwrap().bytes().await.unwrap();
    assert!(whole.len() > 200_000, "{} bytes", whole.len());
    assert_eq!(problems(&store).await, []);
    for position in [4, 1000, whole.len() / 2, whole.len() - 70_000, whole.len() - 100] {
        let mut damaged = whole.to_vec();
        damaged[position] ^= 0x10;
        store.put(path, damaged.into()).await.unwrap();
        assert_ne!(problems(&store).await, [], "byte {position}");
    }
}

#[tokio::test]
async fn a_truncated_part_is_reported() {
    let (store, _, _, path) = world().await;
    let whole = store.get(&path).await.unwrap().bytes().await.unwrap();
    for len in [0, 1, 4, 8, 12, 100, whole.len() - 8, whole.len() - 1] {
        store.put(&path, whole.slice(..len).into()).await.unwrap();
        assert_eq!(problems(&store).await, [Invariant::PartsAreIntact], "{len} bytes");
    }
}

/// Athena reads every file in a manifest's folder.
#[tokio::test]
async fn a_second_file_among_the_manifests_is_reported() {
    let (store, _, _, _) = world().await;
    let manifests: Vec<_> = store.list(Some(&Path::from("manifest"))).try_collect().await.unwrap();
    let manifest = &manifests[0].location;
    store.copy(manifest, &Path::from(format!("{manifest}.before"))).await.unwrap();
    assert_eq!(problems(&store).await, [Invariant::ManifestsAreSound]);
}

/// Raw objects may be in a folder `data` of the same bucket or directory.
#[tokio::test]
async fn the_sweep_deletes_parts_only() {
    let (store, clock, lake, part) = world().await;
    let foreign = [
        "data/2026/11/20/13/raw-1.gz",
        "data/clicks/dt=2026-11-20/notes.parquet",
        "data/clicks/01987654-0000-7000-8000-000000000000.parquet",
        "data/others/dt=2026-11-20/01987654-0000-7000-8000-000000000000.parquet",
    ];
    let abandoned = "data/messages/dt=2026-11-20/01987654-0000-7000-8000-000000000000.parquet";
    for path in foreign.into_iter().chain([abandoned]) {
        store.put(&Path::from(path), "x".into()).await.unwrap();
    }
    let mut deleted = Vec::new();
    for _ in 0..60 {
        clock.advance(HOUR_MS);
        deleted.extend(lake.sweep(false).await.unwrap().deleted);
    }
    assert_eq!(deleted, [abandoned]);
    for path in foreign {
        assert!(store.head(&Path::from(path)).await.is_ok(), "{path}");
    }
    assert!(store.head(&part).await.is_ok());
}

/// Files that the lake never writes, among them names that no path of the store represents.
#[tokio::test]
async fn odd_names_in_a_directory_stop_nothing_and_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Virtual::new(SystemEnvironment.now_ms(), 7);
    let lake = Lake::open(&format!("file://{}", directory.path().display()), LakeOptions::default()).unwrap();
    let lake = lake.with_environment(clock.clone());
    let harmless = [
        "data/clicks/dt=2026-11-20/line\nend.parquet",
        "data/clicks/dt=2026-11-20\t/01987654-0000-7000-8000-000000000000.parquet",
        "data/\u{7f}",
    ];
    let kept = [
        "data/.hidden",
        "data/clicks/dt=2026-11-20/.parquet",
        "data/clicks/dt=2026-11-20/.parquet#",
        "data/clicks/dt=2026-11-20/upload.parquet#1",
        "data/clicks/dt=2026-11-20/01987654-0000-7000-8000-00000000000A.parquet",
        "data/clicks/dt=2026-11-20/01987654000070008000000000000000.parquet",
        "data/clicks/dt=2026-11-20/{01987654-0000-7000-8000-000000000000}.parquet",
        "data/clicks/dt=2026-11-20/01987654-0000-7000-8000-000000000000.parquet/inside",
    ];
    let manifest = "manifest/clicks/dt=2026-11-20/line\nend.txt";
    let put = |name: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    };
    harmless.into_iter().chain(kept).for_each(put);
    for batch in rows::batches(&(0..40).collect::<Vec<_>>()) {
        lake.commit(&batch).await.unwrap();
    }
    let report = lake.verify().await.unwrap();
    assert_eq!((report.problems, report.rows), (vec![], 40));
    let mut expected = harmless;
    expected.sort_unstable();
    assert_eq!(report.ignored, expected);

    put(manifest);
    let mut deleted = Vec::new();
    for _ in 0..60 {
        clock.advance(HOUR_MS);
        deleted.extend(lake.sweep(false).await.unwrap().deleted);
    }
    assert!(deleted.iter().all(|path| !harmless.contains(&path.as_str()) && !kept.contains(&path.as_str())));
    for name in harmless.into_iter().chain(kept).chain([manifest]) {
        assert_eq!(std::fs::read(directory.path().join(name)).unwrap(), b"x", "{name:?}");
    }
    let report = lake.verify().await.unwrap();
    let problems: Vec<_> = report.problems.iter().map(|problem| (problem.invariant, &*problem.object)).collect();
    assert_eq!(problems, [(Invariant::ManifestsAreSound, manifest)]);
    assert_eq!((report.rows, report.ignored), (40, expected.map(str::to_owned).to_vec()));
}

/// A process that is killed while it writes a part to a local directory leaves an incomplete file that no listing
/// shows.
#[tokio::test]
async fn incomplete_files_in_a_directory_are_swept() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Virtual::new(SystemEnvironment.now_ms(), 7);
    let lake = Lake::open(&format!("file://{}", directory.path().display()), LakeOptions::default()).unwrap();
    let lake = lake.with_environment(clock.clone());
    for batch in rows::batches(&[1, 2, 3]) {
        lake.commit(&batch).await.unwrap();
    }
    let folder = directory.path().join("data/clicks/dt=2026-11-20");
    let incomplete = folder.join("01987654-0000-7000-8000-000000000000.parquet#1");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(&incomplete, "half").unwrap();
    clock.advance(HOUR_MS);
    assert_eq!(lake.sweep(false).await.unwrap().deleted, Vec::<String>::new());
    assert!(incomplete.exists(), "its writer may still be running");
    clock.advance(24 * HOUR_MS);
    assert_eq!(lake.sweep(true).await.unwrap().deleted, Vec::<String>::new());
    let deleted = lake.sweep(false).await.unwrap().deleted;
    assert_eq!(deleted, ["data/clicks/dt=2026-11-20/01987654-0000-7000-8000-000000000000.parquet#1"]);
    assert!(!incomplete.exists());
    assert_eq!(lake.verify().await.unwrap().rows, 3);
}
