//! A reader that stops when one record eats more than it may: an unclosed quote or tag would otherwise pull the
//! whole rest of the file into one buffer.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Bytes that may still be read before the next [`Allowance::renew`].
#[derive(Clone)]
pub(super) struct Allowance {
    left: Rc<Cell<usize>>,
    limit: usize,
}

impl Allowance {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            left: Rc::new(Cell::new(limit)),
            limit,
        }
    }

    /// A record ended: the next one may be as long again.
    pub(super) fn renew(&self) {
        self.left.set(self.limit);
    }

    /// True when reading stopped because of this limit.
    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }
}

pub(super) struct Budgeted<R> {
    inner: R,
    allowance: Allowance,
}

impl<R: Read> Budgeted<R> {
    pub(super) fn new(inner: R, allowance: Allowance) -> Self {
        Self { inner, allowance }
    }
}

impl<R: Read> Read for Budgeted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.allowance.left.get();
        if left == 0 && !buffer.is_empty() {
            return Err(io::Error::other("one record is longer than allowed"));
        }
        let fits = buffer.len().min(left);
        let read = self.inner.read(&mut buffer[..fits])?;
        self.allowance.left.set(left - read);
        Ok(read)
    }
}
