//! The answers and pushes of a Redis server, as they come from the socket (RESP3).
//!
//! The client library hands pushes on without ever waiting. Here the reader waits for room in the
//! inbox, so that the socket itself holds a flood back and Redis, which has a bound of its own,
//! decides what becomes of it.

use bytes::{Buf, Bytes, BytesMut};

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Text, bytes and numbers, as they were written.
    Text(Bytes),
    Error(String),
    Null,
    /// Arrays, sets and maps, the latter flattened.
    List(Vec<Self>),
    Push(Vec<Self>),
}

/// The bytes are no RESP, or more than anything that is expected here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server does not speak the Redis protocol")]
pub(crate) struct NoResp;

/// The longest text: a payload, its position, and room for what a later version adds.
const LONGEST_TEXT: usize = 2 * mesahub_broker::MAX_PAYLOAD;

/// The longest list.
const LONGEST_LIST: usize = 65_536;

/// How deep lists lie in lists.
const DEEPEST: usize = 8;

/// Takes a value from the front of the buffer; `None` when it is not complete yet.
pub(crate) fn take(buffer: &mut BytesMut) -> Result<Option<Value>, NoResp> {
    let mut length = 0;
    if !measure(buffer, &mut length, 0)? {
        return Ok(None);
    }
    let mut whole = buffer.split_to(length).freeze();
    read(&mut whole).map(Some)
}

impl Value {
    /// The bytes of a text.
    pub(crate) fn text(&self) -> Option<&Bytes> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A command as the server reads it.
pub(crate) fn command<'a>(words: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Whether a whole value begins at `at`, which is moved behind it.
fn measure(bytes: &[u8], at: &mut usize, depth: usize) -> Result<bool, NoResp> {
    let Some((kind, line)) = line(&bytes[*at..])? else {
        return Ok(false);
    };
    *at += line.len() + 3;
    let per_item = match kind {
        b'$' | b'=' | b'!' => {
            let Some(length) = count(line, LONGEST_TEXT)? else {
                return Ok(true);
            };
            *at += length + 2;
            return Ok(bytes.len() >= *at);
        }
        b'*' | b'>' | b'~' => 1,
        b'%' | b'|' => 2,
        b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => return Ok(true),
        _ => return Err(NoResp),
    };
    if depth == DEEPEST {
        return Err(NoResp);
    }
    for _ in 0..per_item * count(line, LONGEST_LIST)?.unwrap_or(0) {
        if !measure(bytes, at, depth + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads a value that is known to be whole.
fn read(whole: &mut Bytes) -> Result<Value, NoResp> {
    let (kind, length) = match line(whole)? {
        Some((kind, line)) => (kind, line.len()),
        None => return Err(NoResp),
    };
    let head = whole.split_to(length + 3).slice(1..length + 1);
    let items = |limit| count(&head, limit);
    Ok(match kind {
        b'$' | b'=' | b'!' => match items(LONGEST_TEXT)? {
            None => Value::Null,
            Some(length) => {
                let text = whole.split_to(length);
                whole.advance(2);
                match kind {
                    b'!' => Value::Error(String::from_utf8_lossy(&text).into_owned()),
                    _ => Value::Text(text),
                }
            }
        },
        b'*' | b'~' | b'%' | b'|' | b'>' => {
            let per_item = if matches!(kind, b'%' | b'|') { 2 } else { 1 };
            let Some(count) = items(LONGEST_LIST)? else {
                return Ok(Value::Null);
            };
            let list = (0..per_item * count)
                .map(|_| read(whole))
                .collect::<Result<_, _>>()?;
            match kind {
                b'>' => Value::Push(list),
                _ => Value::List(list),
            }
        }
        b'-' => Value::Error(String::from_utf8_lossy(&head).into_owned()),
        b'_' => Value::Null,
        _ => Value::Text(head),
    })
}

/// The kind and the rest of the first line; `None` when its end has not come.
fn line(bytes: &[u8]) -> Result<Option<(u8, &[u8])>, NoResp> {
    /// No line that matters is longer; an error text may be cut off by a server, not by us.
    const LONGEST: usize = 64 * 1024;
    let Some((kind, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let searched = &rest[..rest.len().min(LONGEST)];
    match searched.windows(2).position(|two| two == b"\r\n") {
        Some(end) => Ok(Some((*kind, &rest[..end]))),
        None if rest.len() >= LONGEST => Err(NoResp),
        None => Ok(None),
    }
}

/// A length; `None` for that of nothing, which is -1.
fn count(line: &[u8], limit: usize) -> Result<Option<usize>, NoResp> {
    if line == b"-1" {
        return Ok(None);
    }
    let text = std::str::from_utf8(line).map_err(|_| NoResp)?;
    let count = text.parse().map_err(|_| NoResp)?;
    if count > limit {
        return Err(NoResp);
    }
    Ok(Some(count))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::{Bytes, BytesMut};
    use proptest::prelude::*;

    use super::{NoResp, Value, command, take};

    fn text(text: &'static str) -> Value {
        Value::Text(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let bytes = b"+OK\r\n:7\r\n$2\r\nhi\r\n$-1\r\n_\r\n-ERR no\r\n*2\r\n:1\r\n$0\r\n\r\n\
            %1\r\n+a\r\n#t\r\n>3\r\n$7\r\nmessage\r\n+c\r\n$3\r\n\r\n!\r\n";
        let mut buffer = BytesMut::from(&bytes[..]);
        let expected = [
            text("OK"),
            text("7"),
            text("hi"),
            Value::Null,
            Value::Null,
            Value::Error("ERR no".to_owned()),
            Value::List(vec![text("1"), text("")]),
            Value::List(vec![text("a"), text("t")]),
            Value::Push(vec![text("message"), text("c"), text("\r\n!")]),
        ];
        for value in expected {
            assert_eq!(take(&mut buffer).unwrap(), Some(value));
        }
        assert!(buffer.is_empty());
    }

    #[test]
    fn what_no_server_says_is_refused_before_room_is_made_for_it() {
        for bytes in [
            "$2147483648\r\n",
            "*2147483648\r\n",
            "HTTP/1.1 400\r\n",
            "$x\r\n",
        ] {
            let mut buffer = BytesMut::from(bytes);
            assert_eq!(take(&mut buffer), Err(NoResp), "{bytes:?}");
        }
        let mut deep = BytesMut::from("*1\r\n".repeat(100).as_str());
        assert_eq!(take(&mut deep), Err(NoResp));
    }

    proptest! {
        #[test]
        fn a_command_reads_back_however_it_is_cut(
            words in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..6),
            cut in any::<proptest::sample::Index>(),
        ) {
            let bytes = command(words.iter().map(Vec::as_slice));
            let cut = cut.index(bytes.len());
            let mut buffer = BytesMut::from(&bytes[..cut]);
            prop_assert_eq!(take(&mut buffer).unwrap(), None);
            buffer.extend_from_slice(&bytes[cut..]);
            let expected = words.into_iter().map(|word| Value::Text(word.into())).collect();
            prop_assert_eq!(take(&mut buffer).unwrap(), Some(Value::List(expected)));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut buffer = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = take(&mut buffer) {}
        }
    }
}
