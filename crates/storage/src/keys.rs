//! Keys that a [`Path`] cannot represent: with an empty segment, a segment `.` or `..`, a slash at an end, a control
//! character or, in a directory, bytes that are not UTF-8.

use std::collections::BTreeSet;
use std::mem::take;
use std::sync::{Arc, Mutex, PoisonError};

use object_store::path::Path;

/// Maximum number of keys that are kept and reported, so that neither memory nor the log grows without limit.
const MAX_KEPT: usize = 1_000;

/// The path of a key; `None` if no path represents it. `Path::parse` drops slashes at both ends, and `Path::from` would
/// percent-encode the key again.
pub fn path_of(key: &str) -> Option<Path> {
    Path::parse(key).ok().filter(|path| path.as_ref() == key)
}

/// The keys that the listings of a store left out because no path represents them. Clones share the keys.
///
/// Each key is reported by one warning in the log. At most 1,000 keys are kept.
#[derive(Clone, Debug, Default)]
pub struct IgnoredKeys(Arc<Mutex<BTreeSet<String>>>);

impl IgnoredKeys {
    pub(crate) fn add(&self, key: &str) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MAX_KEPT || !keys.insert(key.to_owned()) {
            return;
        }
        tracing::warn!(?key, "an object is ignored, because Bluetick cannot use its key; it is not changed or deleted");
        if keys.len() == MAX_KEPT {
            tracing::warn!("further objects with such keys are ignored, too, and are not named here");
        }
    }

    /// Returns the keys in the order of their bytes and forgets them. A later listing reports them again.
    pub fn take(&self) -> BTreeSet<String> {
        take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stands_for_its_own_key_only() {
        for key in ["data/a b", "data/a%2Fb", "data/.a", "data/gr\u{fc}n", "x"] {
            assert_eq!(path_of(key).unwrap().as_ref(), key);
        }
        for key in ["data//a", "data/../a", "data/.", "/data/a", "data/a/", "data/a\n", "data/\u{7f}", "/", "//"] {
            assert_eq!(path_of(key), None, "{key:?}");
        }
    }

    #[test]
    fn the_number_of_ignored_keys_is_limited() {
        let keys = IgnoredKeys::default();
        for number in 0..3 * MAX_KEPT {
            keys.clone().add(&format!("{:05}//", number / 2));
        }
        let kept = keys.take();
        assert_eq!((kept.len(), kept.last().map(String::as_str)), (MAX_KEPT, Some("00999//")));
        assert!(keys.take().is_empty());
    }
}
