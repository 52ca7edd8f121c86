//! A notification as the journal keeps it.
//!
//! ```text
//!   1 │ kind, as text │ how many │ for each: flags │ key, if it has one │ topic, as text │ payload
//! ```
//!
//! Lengths are four bytes, the lowest first. The first byte is the version: what another version has
//! written is not guessed at.

use bytes::Bytes;
use mesahub_broker::{OnceKey, Publication, Topic};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};
use thiserror::Error;

use crate::notification::{id::NotificationId, kind::NotificationKind, outgoing::Outgoing};

const VERSION: u8 = 1;

/// It goes into the log of its topic.
const LOGGED: u8 = 1;

/// It has a key, of sixteen bytes.
const KEYED: u8 = 2;

/// The bytes are no notification that this version has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("what the journal has kept is no notification that this version can read")]
pub(crate) struct Unreadable;

/// Writes what remains to be published.
pub(crate) fn write(outgoing: &Outgoing) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    let mut part = |part: &[u8]| {
        bytes.extend_from_slice(&length(part.len()));
        bytes.extend_from_slice(part);
    };
    part(outgoing.kind.name().as_bytes());
    bytes.extend_from_slice(&length(outgoing.publications.len()));
    for publication in &outgoing.publications {
        let logged = if publication.log { LOGGED } else { 0 };
        match &publication.once {
            Some(key) => {
                bytes.push(logged | KEYED);
                bytes.extend_from_slice(key.as_bytes());
            }
            None => bytes.push(logged),
        }
        for part in [publication.topic.as_str().as_bytes(), &publication.payload] {
            bytes.extend_from_slice(&length(part.len()));
            bytes.extend_from_slice(part);
        }
    }
    bytes
}

/// Reads what was written of the notification with this id.
pub(crate) fn read(id: NotificationId, bytes: Vec<u8>) -> Result<Outgoing, Unreadable> {
    let mut rest = Reader(Bytes::from(bytes));
    if rest.byte()? != VERSION {
        return Err(Unreadable);
    }
    let kind = kind(&rest.text()?)?;
    let mut publications = Vec::new();
    for _ in 0..rest.length()? {
        let flags = rest.byte()?;
        let key = match flags & KEYED {
            0 => None,
            _ => Some(rest.key()?),
        };
        let topic = Topic::new(rest.text()?).map_err(|_| Unreadable)?;
        publications.push(Publication {
            log: flags & LOGGED != 0,
            once: key,
            ..Publication::new(topic, rest.part()?)
        });
    }
    match rest.0.is_empty() {
        true => Ok(Outgoing {
            id,
            kind,
            tenant: None,
            session: None,
            publications,
        }),
        false => Err(Unreadable),
    }
}

fn kind(name: &str) -> Result<NotificationKind, Unreadable> {
    let name: StrDeserializer<'_, ValueError> = name.into_deserializer();
    NotificationKind::deserialize(name).map_err(|_| Unreadable)
}

/// No part is larger than a payload may be.
fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

struct Reader(Bytes);

impl Reader {
    fn take(&mut self, count: usize) -> Result<Bytes, Unreadable> {
        match self.0.len() >= count {
            true => Ok(self.0.split_to(count)),
            false => Err(Unreadable),
        }
    }

    fn byte(&mut self) -> Result<u8, Unreadable> {
        Ok(self.take(1)?[0])
    }

    fn length(&mut self) -> Result<usize, Unreadable> {
        let bytes = self.take(4)?;
        let bytes = <[u8; 4]>::try_from(&*bytes).map_err(|_| Unreadable)?;
        usize::try_from(u32::from_le_bytes(bytes)).map_err(|_| Unreadable)
    }

    fn key(&mut self) -> Result<OnceKey, Unreadable> {
        let bytes = <[u8; 16]>::try_from(&*self.take(16)?).map_err(|_| Unreadable)?;
        Ok(OnceKey::new(bytes))
    }

    fn part(&mut self) -> Result<Bytes, Unreadable> {
        let length = self.length()?;
        self.take(length)
    }

    fn text(&mut self) -> Result<String, Unreadable> {
        let part = self.part()?;
        String::from_utf8(part.into()).map_err(|_| Unreadable)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn publication() -> impl Strategy<Value = Publication> {
        let payload = proptest::collection::vec(any::<u8>(), 0..80);
        let key = proptest::option::of(any::<[u8; 16]>());
        ("[a-zé:]{1,40}", payload, any::<bool>(), key).prop_map(|(topic, payload, log, key)| {
            Publication {
                log,
                once: key.map(OnceKey::new),
                ..Publication::new(Topic::new(topic).unwrap(), payload)
            }
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_no_part_of_it(
            publications in proptest::collection::vec(publication(), 0..4),
        ) {
            let (id, kind) = (NotificationId::now(), NotificationKind::NewOrder);
            let outgoing = Outgoing {
                id,
                kind,
                tenant: None,
                session: None,
                publications,
            };
            let written = write(&outgoing);
            for end in 0..written.len() {
                prop_assert_eq!(read(id, written[..end].to_vec()), Err(Unreadable));
            }
            prop_assert_eq!(read(id, written), Ok(outgoing));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(NotificationId::now(), bytes.clone());
            let _ = read(NotificationId::now(), [&[VERSION], &*bytes].concat());
        }
    }
}
