//! The NATS protocol, as far as a client needs it.

use bytes::{Buf, Bytes, BytesMut};
use mesahub_broker::MAX_PAYLOAD;

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// What it is, as JSON.
    Info(Bytes),
    Message(Message),
    Ping,
    Pong,
    Ok,
    Error(String),
}

/// A message of a subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// The number that we gave to the subscription.
    pub(crate) sid: u64,
    pub(crate) subject: Bytes,
    pub(crate) reply: Option<Bytes>,
    /// The headers with their first line, or nothing.
    pub(crate) headers: Bytes,
    pub(crate) payload: Bytes,
}

/// The bytes are none of the protocol, or more than anything that is expected here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server does not speak the NATS protocol")]
pub(crate) struct NoNats;

/// The longest line: what a server of a large cluster says of itself.
const LONGEST_LINE: usize = 256 * 1024;

/// The longest message: a payload in Base64 with what is told about it.
const LONGEST_MESSAGE: usize = 2 * MAX_PAYLOAD;

pub(crate) const PING: &[u8] = b"PING\r\n";
pub(crate) const PONG: &[u8] = b"PONG\r\n";

/// Takes a word from the front of the buffer; `None` when it is not complete yet.
pub(crate) fn take(buffer: &mut BytesMut) -> Result<Option<Word>, NoNats> {
    let searched = &buffer[..buffer.len().min(LONGEST_LINE)];
    let Some(end) = memchr::memchr(b'\n', searched) else {
        return match buffer.len() >= LONGEST_LINE {
            true => Err(NoNats),
            false => Ok(None),
        };
    };
    let line = buffer[..end].strip_suffix(b"\r").ok_or(NoNats)?;
    let (name, rest) = match line.iter().position(u8::is_ascii_whitespace) {
        Some(at) => (&line[..at], &line[at + 1..]),
        None => (line, &[][..]),
    };
    let word = match name {
        b"MSG" | b"HMSG" => {
            let head = Head::read(name == b"HMSG", rest)?;
            return Ok(take_message(buffer, end + 1, &head));
        }
        b"PING" => Word::Ping,
        b"PONG" => Word::Pong,
        b"+OK" => Word::Ok,
        b"INFO" => Word::Info(Bytes::copy_from_slice(rest)),
        b"-ERR" => {
            let text = String::from_utf8_lossy(rest);
            Word::Error(text.trim().trim_matches('\'').to_owned())
        }
        _ => return Err(NoNats),
    };
    buffer.advance(end + 1);
    Ok(Some(word))
}

/// What stands in the first line of a message. Parts of the line are ranges in it.
struct Head {
    sid: u64,
    /// How long the first line's subject is, and where it begins.
    subject: (usize, usize),
    reply: Option<(usize, usize)>,
    headers: usize,
    total: usize,
}

impl Head {
    /// Reads what follows the name: `subject sid [reply] [headers] total`.
    fn read(has_headers: bool, rest: &[u8]) -> Result<Self, NoNats> {
        let name = if has_headers { "HMSG " } else { "MSG " }.len();
        let mut parts = [(0, 0); 5];
        let mut count = 0;
        let mut at = 0;
        for part in rest.split(u8::is_ascii_whitespace) {
            if !part.is_empty() {
                *parts.get_mut(count).ok_or(NoNats)? = (at, at + part.len());
                count += 1;
            }
            at += part.len() + 1;
        }
        let numbers = if has_headers { 2 } else { 1 };
        if count < 2 + numbers || count > 3 + numbers {
            return Err(NoNats);
        }
        let number = |(from, to): (usize, usize)| -> Result<u64, NoNats> {
            let text = std::str::from_utf8(&rest[from..to]).map_err(|_| NoNats)?;
            text.parse().map_err(|_| NoNats)
        };
        let size = |part| -> Result<usize, NoNats> {
            let size = usize::try_from(number(part)?).map_err(|_| NoNats)?;
            (size <= LONGEST_MESSAGE).then_some(size).ok_or(NoNats)
        };
        let total = size(parts[count - 1])?;
        let headers = if has_headers {
            size(parts[count - 2])?
        } else {
            0
        };
        if headers > total {
            return Err(NoNats);
        }
        let in_line = |(from, to): (usize, usize)| (name + from, name + to);
        Ok(Self {
            sid: number(parts[1])?,
            subject: in_line(parts[0]),
            reply: (count == 3 + numbers).then(|| in_line(parts[2])),
            headers,
            total,
        })
    }
}

fn take_message(buffer: &mut BytesMut, line: usize, head: &Head) -> Option<Word> {
    let whole = line + head.total + 2;
    if buffer.len() < whole {
        buffer.reserve(whole - buffer.len());
        return None;
    }
    let bytes = buffer.split_to(whole).freeze();
    let body = bytes.slice(line..line + head.total);
    Some(Word::Message(Message {
        sid: head.sid,
        subject: bytes.slice(head.subject.0..head.subject.1),
        reply: head.reply.map(|(from, to)| bytes.slice(from..to)),
        headers: body.slice(..head.headers),
        payload: body.slice(head.headers..),
    }))
}

impl Message {
    /// The status in the first line of the headers, such as 503 where nobody listens.
    pub(crate) fn status(&self) -> Option<u16> {
        let line = self.headers.strip_prefix(b"NATS/1.0 ")?;
        std::str::from_utf8(line.get(..3)?).ok()?.parse().ok()
    }

    /// The value of a header. Its name is looked for as the server writes it.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let text = std::str::from_utf8(&self.headers).ok()?;
        text.split("\r\n").find_map(|line| {
            let value = line.strip_prefix(name)?.strip_prefix(':')?;
            Some(value.trim())
        })
    }
}

/// Writes a publication. Headers are whole, as [`headers`] makes them, or empty for none.
pub(crate) fn publish(
    out: &mut Vec<u8>,
    subject: &str,
    reply: Option<&str>,
    headers: &str,
    payload: &[u8],
) {
    let has_headers = !headers.is_empty();
    out.extend_from_slice(if has_headers { b"HPUB " } else { b"PUB " });
    out.extend_from_slice(subject.as_bytes());
    if let Some(reply) = reply {
        out.push(b' ');
        out.extend_from_slice(reply.as_bytes());
    }
    if has_headers {
        out.extend_from_slice(format!(" {}", headers.len()).as_bytes());
    }
    let total = headers.len() + payload.len();
    out.extend_from_slice(format!(" {total}\r\n").as_bytes());
    out.extend_from_slice(headers.as_bytes());
    out.extend_from_slice(payload);
    out.extend_from_slice(b"\r\n");
}

/// Headers with one value, which must hold no end of a line.
pub(crate) fn headers(name: &str, value: &str) -> String {
    format!("NATS/1.0\r\n{name}: {value}\r\n\r\n")
}

/// Writes a subscription under a number of ours.
pub(crate) fn subscribe(out: &mut Vec<u8>, subject: &str, sid: u64) {
    out.extend_from_slice(format!("SUB {subject} {sid}\r\n").as_bytes());
}

/// Writes the end of a subscription.
pub(crate) fn unsubscribe(out: &mut Vec<u8>, sid: u64) {
    out.extend_from_slice(format!("UNSUB {sid}\r\n").as_bytes());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::{Bytes, BytesMut};
    use proptest::prelude::*;

    use super::{Message, NoNats, Word, headers, publish, take};

    fn message(
        sid: u64,
        reply: Option<&'static str>,
        headers: &'static str,
        payload: &'static str,
    ) -> Word {
        Word::Message(Message {
            sid,
            subject: Bytes::from_static(b"a.b"),
            reply: reply.map(|reply| Bytes::from_static(reply.as_bytes())),
            headers: Bytes::from_static(headers.as_bytes()),
            payload: Bytes::from_static(payload.as_bytes()),
        })
    }

    const SAID: &str = "INFO {\"a\":1} \r\nPING\r\nMSG a.b 7 2\r\n\r\n\r\nMSG a.b 7 r 0\r\n\r\n\
        HMSG a.b 8  12 14\r\nNATS/1.0\r\n\r\nhi\r\nHMSG a.b 9 r 16 16\r\nNATS/1.0 503\r\n\r\n\r\n\
        -ERR 'no'\r\n+OK\r\nPONG\r\n";

    fn words() -> Vec<Word> {
        vec![
            Word::Info(Bytes::from_static(b"{\"a\":1} ")),
            Word::Ping,
            message(7, None, "", "\r\n"),
            message(7, Some("r"), "", ""),
            message(8, None, "NATS/1.0\r\n\r\n", "hi"),
            message(9, Some("r"), "NATS/1.0 503\r\n\r\n", ""),
            Word::Error("no".to_owned()),
            Word::Ok,
            Word::Pong,
        ]
    }

    #[test]
    fn what_no_server_says_is_refused_before_room_is_made_for_it() {
        for bytes in [
            "MSG a 1 99999999999\r\n",
            "MSG a x 1\r\n",
            "MSG a 1\r\n",
            "MSG a 1 b c 1\r\n",
            "HMSG a 1 9 3\r\n",
            "HTTP/1.1 400\r\n",
            "PING\n",
        ] {
            let mut buffer = BytesMut::from(bytes);
            assert_eq!(take(&mut buffer), Err(NoNats), "{bytes:?}");
        }
        let mut endless = BytesMut::from(&vec![b'A'; super::LONGEST_LINE][..]);
        assert_eq!(take(&mut endless), Err(NoNats));
    }

    #[test]
    fn a_publication_counts_its_headers_in_both_lengths() {
        let mut out = Vec::new();
        publish(&mut out, "a.b", None, "", b"hi");
        let kept = headers("Nats-Msg-Id", "x");
        publish(&mut out, "a.b", Some("r"), &kept, b"hi");
        let expected = "PUB a.b 2\r\nhi\r\n\
            HPUB a.b r 28 30\r\nNATS/1.0\r\nNats-Msg-Id: x\r\n\r\nhi\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn headers_tell_a_status_and_values() {
        let Word::Message(nobody) = message(1, None, "NATS/1.0 503\r\n\r\n", "") else {
            unreachable!()
        };
        assert_eq!(nobody.status(), Some(503));
        let headers = "NATS/1.0\r\nNats-Sequence: 12\r\nNats-Last-Sequence: 7\r\n\r\n";
        let Word::Message(kept) = message(1, None, headers, "") else {
            unreachable!()
        };
        assert_eq!(kept.status(), None);
        assert_eq!(kept.header("Nats-Sequence"), Some("12"));
        assert_eq!(kept.header("Nats-Stream"), None);
    }

    proptest! {
        #[test]
        fn words_are_read_however_they_are_cut(cuts in proptest::collection::vec(1_usize..40, 0..20)) {
            let (mut buffer, mut read, mut rest) = (BytesMut::new(), Vec::new(), SAID.as_bytes());
            for cut in cuts.into_iter().chain([SAID.len()]) {
                let (part, later) = rest.split_at(cut.min(rest.len()));
                buffer.extend_from_slice(part);
                rest = later;
                while let Some(word) = take(&mut buffer).unwrap() {
                    read.push(word);
                }
            }
            prop_assert_eq!(read, words());
            prop_assert!(buffer.is_empty());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut buffer = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = take(&mut buffer) {}
        }
    }
}
