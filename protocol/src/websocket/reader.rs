//! Reads frames from bytes that come in pieces, cut anywhere.

use std::ops::Range;

use crate::websocket::mask::unmask;
use crate::websocket::status::CloseStatus;
use crate::websocket::utf8::Text;
use crate::websocket::violation::Violation;

/// The longest header of a masked frame, in bytes.
const LONGEST_HEADER: usize = 14;

/// The largest payload of a control frame, in bytes.
const LARGEST_CONTROL: u64 = 125;

/// The reading side of a server's WebSocket. It keeps the header of the frame under way, and no
/// payload but that of an unfinished control frame.
#[derive(Debug, Default)]
pub struct Reader {
    header: [u8; LONGEST_HEADER],
    gathered: u8,
    frame: Option<Frame>,
    /// The message whose frames are coming.
    message: Option<Kind>,
    text: Text,
    control: Vec<u8>,
    /// Nothing more is read.
    is_over: bool,
}

/// How far one call has come.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// The bytes of the input that are done with.
    pub taken: usize,
    /// What they brought; none if they are all of the input and more is needed.
    pub event: Option<Event>,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Payload of a text or binary message. It lies unmasked at this place of the input, and is
    /// never empty.
    Data(Range<usize>),
    /// A ping, which is owed a pong with the same payload.
    Ping(Vec<u8>),
    /// The peer closes, with a status or without. Whatever follows is thrown away.
    Close(Option<CloseStatus>),
}

/// A frame whose header has been read.
#[derive(Clone, Copy, Debug)]
struct Frame {
    opcode: Opcode,
    is_last: bool,
    mask: [u8; 4],
    length: u64,
    done: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opcode {
    Data,
    Close,
    Ping,
    Pong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
}

impl Reader {
    /// A reader for the first bytes behind the upgrade.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads up to the next event, changing the input where payload has to be unmasked. What is
    /// left of the input belongs into the next call.
    ///
    /// # Errors
    ///
    /// The peer broke the rules, which is told with the first byte that shows it. What had been
    /// given before stays good; from then on everything is thrown away.
    pub fn read(&mut self, input: &mut [u8]) -> Result<Step, Violation> {
        let step = if self.is_over {
            Ok(Step::last(input.len()))
        } else {
            self.step(input)
        };
        self.is_over |= match &step {
            Ok(step) => matches!(step.event, Some(Event::Close(_))),
            Err(_) => true,
        };
        step
    }

    fn step(&mut self, input: &mut [u8]) -> Result<Step, Violation> {
        let mut at = 0;
        loop {
            let Some(mut frame) = self.begin_frame(input, &mut at)? else {
                return Ok(Step::last(at));
            };
            let place = at..at + frame.within(input.len() - at);
            at = place.end;
            let piece = &mut input[place.clone()];
            unmask(frame.mask, frame.done, piece);
            frame.done += piece.len() as u64;
            let is_done = frame.done == frame.length;
            self.frame = (!is_done).then_some(frame);
            let event = if frame.opcode == Opcode::Data {
                self.data(piece, is_done && frame.is_last)?;
                (!place.is_empty()).then_some(Event::Data(place))
            } else {
                self.control.extend_from_slice(piece);
                if is_done {
                    self.act(frame.opcode)?
                } else {
                    None
                }
            };
            if event.is_some() {
                return Ok(Step { taken: at, event });
            }
            if at == input.len() {
                return Ok(Step::last(at));
            }
        }
    }

    /// The frame under way, or the next one as soon as its header is complete.
    fn begin_frame(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Frame>, Violation> {
        if let Some(frame) = self.frame {
            return Ok(Some(frame));
        }
        loop {
            let gathered = usize::from(self.gathered);
            if gathered >= 2 && gathered == header_length(self.header[1]) {
                break;
            }
            let Some(byte) = input.get(*at) else {
                return Ok(None);
            };
            *at += 1;
            self.header[gathered] = *byte;
            self.gathered += 1;
            match gathered {
                0 => self.check_first(*byte)?,
                1 => self.check_second(*byte)?,
                _ => {}
            }
        }
        self.gathered = 0;
        self.frame = Some(self.whole_header()?);
        Ok(self.frame)
    }

    fn check_first(&mut self, byte: u8) -> Result<(), Violation> {
        if byte & 0x70 != 0 {
            return Err(Violation::ReservedBits);
        }
        let is_last = byte & 0x80 != 0;
        match byte & 0x0f {
            0 if self.message.is_none() => Err(Violation::NothingToContinue),
            1 | 2 if self.message.is_some() => Err(Violation::Interrupted),
            0..=2 => Ok(()),
            8..=10 if is_last => Ok(()),
            8..=10 => Err(Violation::FragmentedControl),
            reserved => Err(Violation::Opcode(reserved)),
        }
    }

    fn check_second(&self, byte: u8) -> Result<(), Violation> {
        if byte & 0x80 == 0 {
            return Err(Violation::Unmasked);
        }
        let is_control = self.header[0] & 0x08 != 0;
        if is_control && u64::from(byte & 0x7f) > LARGEST_CONTROL {
            return Err(Violation::LongControl);
        }
        Ok(())
    }

    /// The frame that a complete header announces, whose first two bytes have been checked.
    fn whole_header(&mut self) -> Result<Frame, Violation> {
        let end = header_length(self.header[1]);
        let extended = &self.header[2..end - 4];
        let length = extended
            .iter()
            .fold(0, |length: u64, byte| length << 8 | u64::from(*byte));
        let (length, is_short) = match extended.len() {
            0 => (u64::from(self.header[1] & 0x7f), true),
            2 => (length, length > LARGEST_CONTROL),
            _ => (length, length > u64::from(u16::MAX) && length >> 63 == 0),
        };
        if !is_short {
            return Err(Violation::Length);
        }
        let opcode = match self.header[0] & 0x0f {
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            data => {
                match data {
                    1 => self.message = Some(Kind::Text),
                    2 => self.message = Some(Kind::Binary),
                    _ => {}
                }
                Opcode::Data
            }
        };
        let mask = self.header[end - 4..end].try_into();
        Ok(Frame {
            opcode,
            is_last: self.header[0] & 0x80 != 0,
            mask: mask.expect("a mask has four bytes"),
            length,
            done: 0,
        })
    }

    fn data(&mut self, piece: &[u8], is_end: bool) -> Result<(), Violation> {
        if self.message == Some(Kind::Text) {
            let text = self.text.take(piece);
            let text = text.and_then(|()| if is_end { self.text.end() } else { Ok(()) });
            text.map_err(|_| Violation::NotUtf8)?;
        }
        if is_end {
            self.message = None;
        }
        Ok(())
    }

    /// Acts on a control frame that is complete.
    fn act(&mut self, opcode: Opcode) -> Result<Option<Event>, Violation> {
        let payload = std::mem::take(&mut self.control);
        Ok(match opcode {
            Opcode::Ping => Some(Event::Ping(payload)),
            Opcode::Close => Some(Event::Close(closing(&payload)?)),
            Opcode::Pong | Opcode::Data => None,
        })
    }
}

impl Step {
    const fn last(taken: usize) -> Self {
        Self { taken, event: None }
    }
}

impl Frame {
    /// How many of `available` bytes belong to it.
    fn within(&self, available: usize) -> usize {
        usize::try_from(self.length - self.done).map_or(available, |left| left.min(available))
    }
}

/// The bytes of a header with this second byte, mask included.
const fn header_length(second: u8) -> usize {
    match second & 0x7f {
        126 => 8,
        127 => 14,
        _ => 6,
    }
}

/// The status in the body of a Close frame.
fn closing(body: &[u8]) -> Result<Option<CloseStatus>, Violation> {
    match body {
        [] => Ok(None),
        [_] => Err(Violation::HalfStatus),
        [high, low, reason @ ..] => {
            let number = u16::from_be_bytes([*high, *low]);
            let status = CloseStatus::new(number).ok_or(Violation::Status(number))?;
            match std::str::from_utf8(reason) {
                Ok(_) => Ok(Some(status)),
                Err(_) => Err(Violation::NotUtf8),
            }
        }
    }
}
