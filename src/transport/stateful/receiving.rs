//! The receiving side: the client's messages are counted, and those that come again are dropped.

use mesahub_protocol::framing::SEPARATOR;
use mesahub_protocol::{FrameReader, HandshakeRequest, HubMessage, Protocol};

/// Counts what a client sends over one socket after the other.
pub(crate) struct Receiving {
    limit: Option<usize>,
    frames: FrameReader,
    phase: Phase,
    /// The number of the next tracked message to arrive.
    next: u64,
    /// The highest number that has been passed on.
    highest: u64,
    /// The highest number that the client was told of.
    told: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Handshake,
    /// The client does not want it: everything is passed on as it is.
    Plain,
    Tracking(Protocol),
}

/// What the link has to do beside passing on the bytes.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The bytes for the life of the connection.
    pub(crate) passed: Vec<u8>,
    /// Version 2 begins.
    pub(crate) begun: Option<Protocol>,
    /// The client acknowledges up to here.
    pub(crate) acknowledged: Option<u64>,
    /// The client is to be told that everything up to here has been taken.
    pub(crate) to_tell: Option<u64>,
    /// The client says goodbye, or does not want stateful reconnects.
    pub(crate) is_closing: bool,
}

impl Receiving {
    pub(crate) fn new(limit: Option<usize>) -> Self {
        Self {
            limit,
            frames: FrameReader::new(limit),
            phase: Phase::Handshake,
            next: 1,
            highest: 0,
            told: 0,
        }
    }

    /// Another socket begins: what was left of a message is sent again from its start.
    pub(crate) fn restart(&mut self) {
        if let Phase::Tracking(protocol) = self.phase {
            self.frames = FrameReader::after_handshake(protocol, self.limit);
        }
        // The client may not know what it was told last.
        self.told = 0;
    }

    /// Takes a chunk.
    ///
    /// # Errors
    /// What ends the connection as a breach of the protocol.
    pub(crate) fn take(&mut self, chunk: &[u8]) -> Result<Outcome, String> {
        let mut outcome = Outcome::default();
        if self.phase == Phase::Plain {
            outcome.passed = chunk.to_vec();
            return Ok(outcome);
        }
        let mut bodies = self.frames.feed(chunk);
        while let Some(body) = bodies.next() {
            let body = body.map_err(|error| error.to_string())?;
            let Phase::Tracking(protocol) = self.phase else {
                outcome.passed.extend_from_slice(body);
                outcome.passed.push(SEPARATOR);
                let Some(protocol) = wanted(body) else {
                    self.phase = Phase::Plain;
                    outcome.is_closing = true;
                    outcome.passed.extend_from_slice(bodies.rest());
                    return Ok(outcome);
                };
                bodies.switch(protocol);
                self.phase = Phase::Tracking(protocol);
                outcome.begun = Some(protocol);
                continue;
            };
            let message = HubMessage::decode(protocol, body).map_err(|error| error.to_string())?;
            match message {
                HubMessage::Ack { sequence_id } => outcome.acknowledged = Some(sequence_id),
                HubMessage::Sequence { sequence_id } if sequence_id > self.next => {
                    return Err(
                        "Sequence ID greater than amount of messages we've received.".to_owned(),
                    );
                }
                HubMessage::Sequence { sequence_id } => self.next = sequence_id,
                HubMessage::Unknown { .. } => {}
                message => {
                    if message.is_tracked() {
                        let number = self.next;
                        self.next += 1;
                        if number <= self.highest {
                            continue;
                        }
                        self.highest = number;
                    }
                    outcome.is_closing |= matches!(message, HubMessage::Close { .. });
                    // What was just read in this protocol can be written in it.
                    let _ = message.encode(protocol, &mut outcome.passed);
                }
            }
        }
        if self.highest > self.told {
            self.told = self.highest;
            outcome.to_tell = Some(self.highest);
        }
        Ok(outcome)
    }
}

/// The protocol of a handshake that asks for version 2.
fn wanted(handshake: &[u8]) -> Option<Protocol> {
    let request = HandshakeRequest::parse(handshake).ok()?;
    Protocol::parse_name(&request.protocol).filter(|_| request.version == 2)
}

#[cfg(test)]
mod tests {
    use mesahub_protocol::Protocol;

    use super::Receiving;

    const HELLO: &str = "{\"protocol\":\"json\",\"version\":2}\u{1e}";
    const CALL: &str = "{\"type\":1,\"target\":\"Add\",\"arguments\":[]}\u{1e}";

    fn begun() -> Receiving {
        let mut receiving = Receiving::new(None);
        let outcome = receiving.take(HELLO.as_bytes()).unwrap();
        assert_eq!(outcome.begun, Some(Protocol::Json));
        assert_eq!(outcome.passed, HELLO.as_bytes());
        receiving
    }

    #[test]
    fn what_comes_again_over_the_next_socket_is_dropped() {
        let mut receiving = begun();
        let first = receiving.take([CALL, CALL].concat().as_bytes()).unwrap();
        assert_eq!(first.passed, [CALL, CALL].concat().as_bytes());
        assert_eq!(first.to_tell, Some(2));
        receiving.restart();
        let again = ["{\"type\":9,\"sequenceId\":2}\u{1e}", CALL, CALL].concat();
        let second = receiving.take(again.as_bytes()).unwrap();
        assert_eq!(
            second.passed,
            CALL.as_bytes(),
            "number 2 is old, number 3 is new"
        );
        assert_eq!(second.to_tell, Some(3));
    }

    #[test]
    fn messages_that_are_missing_end_the_connection() {
        let mut receiving = begun();
        receiving.restart();
        let text = receiving
            .take(b"{\"type\":9,\"sequenceId\":5}\x1e")
            .unwrap_err();
        assert_eq!(
            text,
            "Sequence ID greater than amount of messages we've received."
        );
    }

    #[test]
    fn a_message_cut_by_the_loss_of_its_socket_is_read_from_its_start() {
        let mut receiving = begun();
        assert!(
            receiving
                .take(&CALL.as_bytes()[..10])
                .unwrap()
                .passed
                .is_empty()
        );
        receiving.restart();
        let again = ["{\"type\":9,\"sequenceId\":1}\u{1e}", CALL].concat();
        assert_eq!(
            receiving.take(again.as_bytes()).unwrap().passed,
            CALL.as_bytes()
        );
    }

    #[test]
    fn a_client_of_version_1_is_left_alone() {
        let mut receiving = Receiving::new(None);
        let hello = HELLO.replace('2', "1") + CALL;
        let outcome = receiving.take(hello.as_bytes()).unwrap();
        assert_eq!(outcome.passed, hello.as_bytes());
        assert!(outcome.is_closing && outcome.begun.is_none());
        let ack = "{\"type\":8,\"sequenceId\":1}\u{1e}";
        assert_eq!(
            receiving.take(ack.as_bytes()).unwrap().passed,
            ack.as_bytes()
        );
    }
}
