//! Memory limits for request bodies: one limit for all bodies, and a lower one for bodies whose sender is not
//! authenticated yet.
//!
//! A signature can only be checked once the body is complete, so a client without credentials could occupy memory by
//! sending most of a body and then stalling. When memory runs out, the oldest incomplete body is dropped. An
//! authentic sender completes its body within milliseconds, so its body is not the oldest.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Why a body gets no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BudgetError {
    /// All memory is used by bodies that must not be dropped.
    Full,
    /// The body was dropped to free memory for others.
    Dropped,
}

/// The memory for request bodies.
pub(crate) struct BodyBudget {
    limit: usize,
    unauthenticated_limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Total bytes of all bodies.
    used: usize,
    /// Bytes of incomplete, unauthenticated bodies.
    unauthenticated: usize,
    /// Incomplete, unauthenticated bodies, ordered by age. They are stored here so that other requests can drop them.
    incomplete: BTreeMap<u64, Vec<u8>>,
    next_id: u64,
}

impl State {
    /// Drops the oldest incomplete, unauthenticated body other than `except`. Returns `false` if there is none.
    fn drop_oldest(&mut self, except: u64) -> bool {
        let oldest = self.incomplete.iter().find(|(id, body)| **id != except && !body.is_empty()).map(|(id, _)| *id);
        oldest.is_some_and(|id| self.remove(id).is_some())
    }

    /// Removes an incomplete body and subtracts its bytes from the counts.
    fn remove(&mut self, id: u64) -> Option<Vec<u8>> {
        let body = self.incomplete.remove(&id)?;
        self.used -= body.len();
        self.unauthenticated -= body.len();
        Some(body)
    }
}

impl BodyBudget {
    /// Creates a budget of `limit` bytes for all bodies, of which incomplete, unauthenticated bodies may use
    /// `unauthenticated_limit`.
    pub(crate) fn new(limit: usize, unauthenticated_limit: usize) -> Self {
        Self { limit, unauthenticated_limit, state: Mutex::default() }
    }

    /// Starts receiving a body.
    pub(crate) fn begin(&self, is_authenticated: bool) -> IncompleteBody<'_> {
        let mut state = self.state();
        let id = state.next_id;
        state.next_id += 1;
        if !is_authenticated {
            state.incomplete.insert(id, Vec::new());
        }
        let whole = CompleteBody { budget: self, bytes: Vec::new() };
        IncompleteBody { budget: self, id, is_authenticated, whole }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that is being received. Dropping it frees its memory.
pub(crate) struct IncompleteBody<'b> {
    budget: &'b BodyBudget,
    id: u64,
    is_authenticated: bool,
    /// The bytes of an authenticated body; empty for others.
    whole: CompleteBody<'b>,
}

impl<'b> IncompleteBody<'b> {
    /// Appends bytes. If memory is short, older unauthenticated bodies are dropped.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), BudgetError> {
        let mut state = self.budget.state();
        if !self.is_authenticated && !state.incomplete.contains_key(&self.id) {
            return Err(BudgetError::Dropped);
        }
        loop {
            let fits = state.used + bytes.len() <= self.budget.limit;
            let fits_share = state.unauthenticated + bytes.len() <= self.budget.unauthenticated_limit;
            if fits && (self.is_authenticated || fits_share) {
                break;
            }
            if !state.drop_oldest(self.id) {
                return Err(BudgetError::Full);
            }
        }
        state.used += bytes.len();
        match state.incomplete.get_mut(&self.id) {
            Some(body) => {
                body.extend_from_slice(bytes);
                state.unauthenticated += bytes.len();
            }
            None => self.whole.bytes.extend_from_slice(bytes),
        }
        Ok(())
    }

    /// Number of bytes received so far.
    pub(crate) fn len(&self) -> usize {
        let received = self.budget.state().incomplete.get(&self.id).map(Vec::len);
        received.unwrap_or(self.whole.bytes.len())
    }

    /// Completes the body. It can no longer be dropped, because it will be authenticated immediately.
    pub(crate) fn complete(mut self) -> Result<CompleteBody<'b>, BudgetError> {
        if !self.is_authenticated {
            let mut state = self.budget.state();
            let bytes = state.remove(self.id).ok_or(BudgetError::Dropped)?;
            state.used += bytes.len();
            self.whole.bytes = bytes;
        }
        let empty = CompleteBody { budget: self.budget, bytes: Vec::new() };
        Ok(std::mem::replace(&mut self.whole, empty))
    }
}

impl Drop for IncompleteBody<'_> {
    fn drop(&mut self) {
        self.budget.state().remove(self.id);
    }
}

/// A complete body. Dropping it frees its memory.
pub(crate) struct CompleteBody<'b> {
    budget: &'b BodyBudget,
    bytes: Vec<u8>,
}

impl CompleteBody<'_> {
    /// The bytes of the body.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for CompleteBody<'_> {
    fn drop(&mut self) {
        self.budget.state().used -= self.bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_body_without_authentication_makes_room() {
        let budget = BodyBudget::new(100, 50);
        let mut old = budget.begin(false);
        old.push(&[0; 30]).unwrap();
        let mut young = budget.begin(false);
        young.push(&[0; 30]).unwrap();
        assert_eq!(old.push(&[0; 1]), Err(BudgetError::Dropped));
        assert_eq!(young.len(), 30);
        let mut authentic = budget.begin(true);
        authentic.push(&[1; 100]).unwrap();
        assert_eq!(young.push(&[0; 1]), Err(BudgetError::Dropped));
        assert_eq!(young.complete().err(), Some(BudgetError::Dropped));
        assert_eq!(budget.begin(false).push(&[0; 1]), Err(BudgetError::Full));
        assert_eq!(authentic.complete().unwrap().bytes(), [1; 100]);
    }

    #[test]
    fn all_memory_is_given_back() {
        let budget = BodyBudget::new(100, 100);
        for is_authenticated in [true, false] {
            for completes in [true, false] {
                let mut body = budget.begin(is_authenticated);
                body.push(&[0; 60]).unwrap();
                if completes {
                    let body = body.complete().unwrap();
                    assert_eq!((budget.state().used, body.bytes().len()), (60, 60));
                } else {
                    drop(body);
                }
                let state = budget.state();
                assert_eq!((state.used, state.unauthenticated, state.incomplete.len()), (0, 0, 0));
            }
        }
    }

    #[test]
    fn a_complete_body_is_kept_until_it_is_handled() {
        let budget = BodyBudget::new(100, 100);
        let mut body = budget.begin(false);
        body.push(&[7; 80]).unwrap();
        let body = body.complete().unwrap();
        assert_eq!(budget.begin(true).push(&[0; 40]), Err(BudgetError::Full));
        assert_eq!(body.bytes(), [7; 80]);
    }
}
