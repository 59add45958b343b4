//! Provider adapters, signatures, records: bytes in, records out. Pure: no I/O, no clock of its own.

pub mod record;
