//! The memory of a tree: where its lists, objects and decoded strings are, and how much of it a text may use.

use bumpalo::Bump;

use super::{Json, Member};

/// Bytes of arena for each byte of text. Webhooks with many updates need 1.8.
const ARENA_BYTES_PER_BYTE: usize = 2;

/// Bytes that an element of a list takes, for the memory limit.
const ITEM_BYTES: usize = 32;

/// Bytes that a member of an object takes, for the memory limit.
const MEMBER_BYTES: usize = 56;

/// The allocator's overhead for a small block, in bytes, for the memory limit.
const BLOCK_BYTES: usize = 16;

/// The memory of one or several trees. All of it is freed when the arena is dropped.
#[derive(Debug, Default)]
pub(crate) struct Arena(Bump);

impl Arena {
    /// An arena in which the tree of most bodies of this length needs no further allocation.
    pub(crate) fn for_body(body: &[u8]) -> Self {
        Arena(Bump::with_capacity(body.len() * ARENA_BYTES_PER_BYTE))
    }

    /// Copies a text into the arena.
    pub(super) fn text(&self, text: &str) -> &str {
        self.0.alloc_str(text)
    }

    /// Copies the elements from `begin` on into the arena, and takes them off the stack.
    fn take_from<T: Copy>(&self, stack: &mut Vec<T>, begin: usize) -> &[T] {
        let moved = self.0.alloc_slice_copy(stack.get(begin..).unwrap_or_default());
        stack.truncate(begin);
        moved
    }
}

/// The memory limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spent;

/// Builds a tree. Values of lists and objects that are not complete are on two stacks, so that each list and object is
/// allocated once, with its final length.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    arena: &'a Arena,
    items: Vec<Json<'a>>,
    members: Vec<Member<'a>>,
    /// Bytes that further nodes may take.
    left: usize,
}

impl<'a> Builder<'a> {
    /// A builder of a tree that takes at most `bytes`.
    pub(super) fn new(arena: &'a Arena, bytes: usize) -> Self {
        Builder { arena, items: Vec::with_capacity(8), members: Vec::with_capacity(32), left: bytes }
    }

    fn take(&mut self, bytes: usize) -> Result<(), Spent> {
        self.left = self.left.checked_sub(bytes).ok_or(Spent)?;
        Ok(())
    }

    /// Takes memory for the element after `length` others. The limit assumes a list that doubles while it grows.
    fn grow(&mut self, length: usize, element_bytes: usize) -> Result<(), Spent> {
        match length {
            0 => self.take(2 * element_bytes + BLOCK_BYTES),
            1 => Ok(()),
            _ if length.is_power_of_two() => self.take(length * element_bytes + BLOCK_BYTES),
            _ => Ok(()),
        }
    }

    /// Gives back what a complete list of this length took and does not need.
    fn shrink(&mut self, length: usize, element_bytes: usize) {
        let reserved = if length == 0 { 0 } else { length.next_power_of_two().max(2) };
        self.left += (reserved - length) * element_bytes;
    }

    /// Begins a list. The result identifies it to [`Self::item`] and [`Self::list`].
    pub(super) fn begin_list(&self) -> usize {
        self.items.len()
    }

    /// Appends an element to the list that was begun last.
    #[inline]
    pub(super) fn item(&mut self, begin: usize, item: Json<'a>) -> Result<(), Spent> {
        self.grow(self.items.len() - begin, ITEM_BYTES)?;
        self.items.push(item);
        Ok(())
    }

    /// Completes the list that was begun last.
    pub(super) fn list(&mut self, begin: usize) -> &'a [Json<'a>] {
        self.shrink(self.items.len() - begin, ITEM_BYTES);
        self.arena.take_from(&mut self.items, begin)
    }

    /// Begins an object. The result identifies it to [`Self::member`] and [`Self::object`].
    pub(super) fn begin_object(&self) -> usize {
        self.members.len()
    }

    /// Appends a member to the object that was begun last.
    #[inline]
    pub(super) fn member(&mut self, begin: usize, name: &'a str, value: Json<'a>) -> Result<(), Spent> {
        self.grow(self.members.len() - begin, MEMBER_BYTES)?;
        self.members.push((name, value));
        Ok(())
    }

    /// Completes the object that was begun last.
    pub(super) fn object(&mut self, begin: usize) -> &'a [Member<'a>] {
        self.shrink(self.members.len() - begin, MEMBER_BYTES);
        self.arena.take_from(&mut self.members, begin)
    }

    /// Copies a decoded string into the tree.
    pub(super) fn text(&mut self, text: &str) -> Result<&'a str, Spent> {
        self.take(text.len() + BLOCK_BYTES)?;
        Ok(self.arena.text(text))
    }
}
