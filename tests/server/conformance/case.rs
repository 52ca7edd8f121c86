//! One case, and how a table of them is run.

use mesahub::hub::Ending;

use crate::honest::Honest;
use crate::support::{CLOSE, PONG, Raw, Sent, Server, masked};

/// A hub call, and what proves that it has arrived whole.
pub(super) const CALL: &str =
    "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Add\",\"arguments\":[40,2]}\u{1e}";
pub(super) const ANSWER: &str = "{\"type\":3,\"invocationId\":\"1\",\"result\":42}";

/// The longest input that is also written byte by byte.
const SHORT: usize = 2048;

/// Something that a client sends, and what must come of it.
pub(super) struct Case {
    name: String,
    bytes: Vec<u8>,
    answers: Vec<Sent>,
    end: End,
}

#[derive(Clone, Copy)]
enum End {
    /// The connection lives on.
    Lives,
    /// The client's Close frame is answered with this status.
    Parts(u16),
    /// The client is told this status, because it broke the rules.
    Fails(u16),
}

impl Case {
    /// These bytes are fine, and the server sends `answers`.
    pub(super) fn lives(
        name: impl Into<String>,
        bytes: impl Into<Vec<u8>>,
        answers: Vec<Sent>,
    ) -> Self {
        Self::ending(name, bytes, answers, End::Lives)
    }

    /// These bytes bring [`CALL`].
    pub(super) fn calls(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self::lives(name, bytes, vec![Sent::text(ANSWER)])
    }

    /// These bytes end in a Close frame, to be answered with this status.
    pub(super) fn parts(name: impl Into<String>, bytes: impl Into<Vec<u8>>, status: u16) -> Self {
        Self::ending(name, bytes, Vec::new(), End::Parts(status))
    }

    /// These bytes are forbidden, which this status says.
    pub(super) fn fails(name: impl Into<String>, bytes: impl Into<Vec<u8>>, status: u16) -> Self {
        Self::ending(name, bytes, Vec::new(), End::Fails(status))
    }

    /// The server sends these before the end.
    pub(super) fn after(mut self, answers: Vec<Sent>) -> Self {
        self.answers = answers;
        self
    }

    fn ending(
        name: impl Into<String>,
        bytes: impl Into<Vec<u8>>,
        answers: Vec<Sent>,
        end: End,
    ) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
            answers,
            end,
        }
    }

    async fn run(&self, server: &Server, how: &str, piece: usize) {
        let name = format!("{}, {how}", self.name);
        let mut raw = Raw::connect(server).await;
        for piece in self.bytes.chunks(piece) {
            raw.write(piece).await;
        }
        for answer in &self.answers {
            assert_eq!(raw.receive().await, *answer, "{name}");
        }
        let status = match self.end {
            End::Lives => {
                raw.write(&masked(9, b"alive")).await;
                let alive = Sent::Frame(PONG, b"alive".to_vec());
                assert_eq!(raw.receive().await, alive, "{name}");
                return;
            }
            End::Parts(status) | End::Fails(status) => status,
        };
        let close = Sent::Frame(CLOSE, status.to_be_bytes().to_vec());
        assert_eq!(raw.receive().await, close, "{name}");
        assert_eq!(raw.receive().await, Sent::End, "{name}");
        let id = raw.id;
        drop(raw);
        let ending = server.stage.ending_of(id).await;
        match self.end {
            End::Parts(_) => assert_eq!(ending, Ending::TransportClosed, "{name}"),
            _ => assert!(
                matches!(ending, Ending::TransportViolation(_)),
                "{name}: {ending}"
            ),
        }
    }
}

/// Runs every case, written at once and, where that does not take long, byte by byte. Nobody else
/// notices any of it.
pub(super) async fn run(cases: &[Case]) {
    let server = Server::start().await;
    let mut honest = Honest::connect(&server).await;
    for case in cases {
        case.run(&server, "at once", usize::MAX).await;
        if case.bytes.len() <= SHORT {
            case.run(&server, "byte by byte", 1).await;
        }
        honest.are_untouched(&server, &case.name).await;
    }
    server.counts(2).await;
}
