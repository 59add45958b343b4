//! Builder of a dictionary column: each distinct text once, and a 16-bit key for each row.
//!
//! Arrow's own builder hashes every text. Most columns have so few distinct values that comparing a text with each of
//! them is faster.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arrow::array::{DictionaryArray, PrimitiveBuilder, StringArray};
use arrow::datatypes::UInt16Type;
use hashbrown::HashTable;

use super::plain::is_equal;

/// Number of distinct texts up to which a text is compared with each of them.
const COMPARED_TEXTS: usize = 8;

/// A dictionary column under construction.
pub(super) struct DictionaryBuilder {
    keys: PrimitiveBuilder<UInt16Type>,
    /// The distinct texts, in the order of their keys.
    texts: Vec<Box<str>>,
    /// The keys by the hash of their text.
    index: HashTable<u16>,
    hasher: RandomState,
}

impl DictionaryBuilder {
    pub(super) fn new() -> Self {
        Self {
            keys: PrimitiveBuilder::with_capacity(0),
            texts: Vec::new(),
            index: HashTable::new(),
            hasher: RandomState::new(),
        }
    }

    /// Number of distinct texts.
    pub(super) fn distinct_texts(&self) -> usize {
        self.texts.len()
    }

    /// Appends a text. Returns whether it is new. A text without a key, because there are 65,536 others, becomes null.
    pub(super) fn append(&mut self, text: &str) -> bool {
        if let Some(key) = self.find(text) {
            self.keys.append_value(key);
            return false;
        }
        let key = u16::try_from(self.texts.len()).ok();
        if let Some(key) = key {
            self.texts.push(text.into());
            let hash = |key: &u16| self.hasher.hash_one(self.texts.get(usize::from(*key)));
            self.index.insert_unique(hash(&key), key, hash);
        }
        self.keys.append_option(key);
        key.is_some()
    }

    fn find(&self, text: &str) -> Option<u16> {
        if self.texts.len() <= COMPARED_TEXTS {
            return (0..).zip(&self.texts).find(|(_, other)| is_equal(other, text)).map(|(key, _)| key);
        }
        let is_it = |key: &u16| self.texts.get(usize::from(*key)).is_some_and(|other| **other == *text);
        self.index.find(self.hasher.hash_one(Some(text)), is_it).copied()
    }

    /// Appends nulls.
    pub(super) fn append_nulls(&mut self, rows: usize) {
        self.keys.append_nulls(rows);
    }

    /// Completes the column.
    pub(super) fn finish(mut self) -> DictionaryArray<UInt16Type> {
        let texts = StringArray::from_iter_values(&self.texts);
        // Panics only if a key is no index of a text; each key was one when it was appended.
        DictionaryArray::new(self.keys.finish(), Arc::new(texts))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;

    #[test]
    fn rows_keep_their_texts_whatever_the_number_of_distinct_ones() {
        for distinct in [0, 1, 2, COMPARED_TEXTS, COMPARED_TEXTS + 1, 1_000, 65_536] {
            let mut builder = DictionaryBuilder::new();
            let text = |number: usize| format!("{}{number}", "x".repeat(number % 12));
            let rows: Vec<_> = (0..3 * distinct).map(|row| (row % 5 != 4).then(|| text(row * 7 % distinct))).collect();
            let mut new = 0;
            for row in &rows {
                match row {
                    Some(text) => new += usize::from(builder.append(text)),
                    None => builder.append_nulls(1),
                }
            }
            assert_eq!(new, builder.distinct_texts());
            let array = builder.finish();
            let texts = array.downcast_dict::<StringArray>().unwrap();
            assert!(texts.into_iter().eq(rows.iter().map(Option::as_deref)), "{distinct} distinct texts");
        }
    }

    #[test]
    fn a_text_without_a_key_is_null() {
        let mut builder = DictionaryBuilder::new();
        let new = (0..65_537).filter(|number| builder.append(&number.to_string())).count();
        assert_eq!((new, builder.distinct_texts()), (65_536, 65_536));
        let array = builder.finish();
        assert_eq!((array.len(), array.null_count()), (65_537, 1));
    }
}
