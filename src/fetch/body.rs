//! A body on its way to a sink: counted on the wire and inflated, capped, hashed.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use reqwest::Url;

use crate::message::Problem;

use super::fault::shown;

/// The ratio is judged above this size only: a short table of zeros packs better than any attack needs to.
const RATIO_FROM: u64 = 1 << 20;

/// Bounds of one body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caps {
    pub(super) wire: u64,
    pub(super) inflated: u64,
    pub(super) ratio: u64,
}

/// Why a body was not taken.
#[derive(Debug)]
pub(super) enum Fault {
    TooLarge(u64),
    Bomb(u64),
    Damaged(String),
    Sink(io::Error),
}

impl Fault {
    pub(super) fn problem(self, url: &Url) -> Problem {
        let about = |code| Problem::new(code).arg("url", shown(url));
        match self {
            Self::TooLarge(cap) => about("MSK-FET-19").arg("cap", size(cap)),
            Self::Bomb(ratio) => about("MSK-FET-20").arg("ratio", ratio),
            Self::Damaged(why) => about("MSK-FET-21").because(why),
            Self::Sink(error) => about("MSK-FET-27").because(error),
        }
    }
}

/// A size as the configuration writes it, in the largest unit that holds it whole.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes >= 1 << 30 && bytes.is_multiple_of(1 << 30) => format!("{} GiB", bytes >> 30),
        _ if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes >= 1 << 10 && bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} B"),
    }
}

/// What came through whole.
#[derive(Debug)]
pub(super) struct Whole<W> {
    pub(super) sink: W,
    pub(super) size: u64,
    pub(super) hash: String,
}

/// Takes chunks as they come from the wire.
pub(super) struct Intake<W: Write> {
    stage: Stage<W>,
    wire: u64,
    caps: Caps,
}

enum Stage<W: Write> {
    Plain(Box<Meter<W>>),
    Gzip(Box<MultiGzDecoder<Meter<W>>>),
}

impl<W: Write> Intake<W> {
    pub(super) fn new(sink: W, gzip: bool, caps: Caps) -> Self {
        let meter = Meter {
            sink,
            hasher: blake3::Hasher::new(),
            size: 0,
            wire: 0,
            caps,
            fault: None,
        };
        let stage = if gzip {
            Stage::Gzip(Box::new(MultiGzDecoder::new(meter)))
        } else {
            Stage::Plain(Box::new(meter))
        };
        Self { stage, wire: 0, caps }
    }

    /// Takes one chunk; after a fault nothing more may be given.
    pub(super) fn take(&mut self, chunk: &[u8]) -> Result<(), Fault> {
        self.wire += chunk.len() as u64;
        if self.wire > self.caps.wire {
            return Err(Fault::TooLarge(self.caps.wire));
        }
        let written = match &mut self.stage {
            Stage::Plain(meter) => meter.write_all(chunk),
            Stage::Gzip(decoder) => {
                decoder.get_mut().wire = self.wire;
                decoder.write_all(chunk)
            }
        };
        written.map_err(|error| self.fault(&error))
    }

    /// Closes the body: the packing must have come to its end.
    pub(super) fn finish(mut self) -> Result<Whole<W>, Fault> {
        // An answer without a body may carry the header all the same.
        if let Stage::Gzip(decoder) = &mut self.stage
            && self.wire > 0
            && let Err(error) = decoder.try_finish()
        {
            return Err(self.fault(&error));
        }
        let mut meter = match self.stage {
            Stage::Plain(meter) => *meter,
            Stage::Gzip(decoder) => decoder.finish().map_err(|error| Fault::Damaged(error.to_string()))?,
        };
        meter.sink.flush().map_err(Fault::Sink)?;
        Ok(Whole {
            hash: meter.hasher.finalize().to_hex().to_string(),
            size: meter.size,
            sink: meter.sink,
        })
    }

    fn fault(&mut self, error: &io::Error) -> Fault {
        let meter = match &mut self.stage {
            Stage::Plain(meter) => meter,
            Stage::Gzip(decoder) => decoder.get_mut(),
        };
        meter.fault.take().unwrap_or_else(|| Fault::Damaged(error.to_string()))
    }
}

struct Meter<W: Write> {
    sink: W,
    hasher: blake3::Hasher,
    size: u64,
    wire: u64,
    caps: Caps,
    fault: Option<Fault>,
}

impl<W: Write> Meter<W> {
    fn stop(&mut self, fault: Fault) -> io::Error {
        self.fault = Some(fault);
        io::Error::other("stopped")
    }
}

impl<W: Write> Write for Meter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let size = self.size + bytes.len() as u64;
        if size > self.caps.inflated {
            return Err(self.stop(Fault::TooLarge(self.caps.inflated)));
        }
        if self.wire > 0 && size > RATIO_FROM && size / self.wire > self.caps.ratio {
            return Err(self.stop(Fault::Bomb(self.caps.ratio)));
        }
        if let Err(error) = self.sink.write_all(bytes) {
            return Err(self.stop(Fault::Sink(error)));
        }
        self.hasher.update(bytes);
        self.size = size;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    const CAPS: Caps = Caps {
        wire: 1 << 20,
        inflated: 4 << 20,
        ratio: 100,
    };

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn through(bytes: &[u8], gzip: bool, piece: usize) -> Result<Whole<Vec<u8>>, Fault> {
        let mut intake = Intake::new(Vec::new(), gzip, CAPS);
        for chunk in bytes.chunks(piece) {
            intake.take(chunk)?;
        }
        intake.finish()
    }

    proptest! {
        #[test]
        fn any_body_comes_through_unchanged_packed_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..2000), piece in 1usize..300) {
            let plain = through(&bytes, false, piece).expect("plain");
            let unpacked = through(&packed(&bytes), true, piece).expect("packed");
            prop_assert_eq!(&plain.sink, &bytes);
            prop_assert_eq!(&unpacked.sink, &bytes);
            prop_assert_eq!(plain.hash, unpacked.hash);
        }
    }

    #[test]
    fn a_bomb_is_cut_by_its_ratio_and_by_its_size() {
        let bomb = packed(&vec![0; 3 << 20]);
        assert!(matches!(through(&bomb, true, 512), Err(Fault::Bomb(100))));
        let caps = Caps {
            ratio: u64::MAX,
            inflated: 1 << 20,
            ..CAPS
        };
        let mut intake = Intake::new(io::sink(), true, caps);
        assert!(matches!(intake.take(&bomb), Err(Fault::TooLarge(_))));
    }

    #[test]
    fn a_packed_body_cut_short_or_damaged_is_never_whole() {
        let body = packed(&b"abcdefgh".repeat(100));
        for end in 1..body.len() {
            assert!(through(&body[..end], true, 64).is_err(), "cut at {end}");
        }
        let mut damaged = body;
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0xff;
        assert!(through(&damaged, true, 64).is_err());
    }

    #[test]
    fn a_sink_that_refuses_is_named_as_such() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut intake = Intake::new(Full, false, CAPS);
        assert!(matches!(intake.take(b"x"), Err(Fault::Sink(_))));
    }
}
