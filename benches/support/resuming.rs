//! A client that was away: it asks for what it missed, and goes on asking while there is more.

use std::io;

use mesahub_protocol::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::speech::masked;

/// The channel that is resumed.
pub(crate) const CHANNEL: &str = "tenant:mesa-centro:admins";

/// What stands once in every notification, and nowhere else.
const MARK: &[u8] = b"\"metadata\":";

/// Resumes behind a place until nothing more is there. Returns the notifications and the frames of
/// the answers.
pub(crate) async fn resume(socket: &mut TcpStream, place: &str) -> io::Result<(u64, Vec<Vec<u8>>)> {
    let (mut place, mut count, mut answers) = (place.to_owned(), 0, Vec::new());
    loop {
        socket.write_all(&question(&place)).await?;
        let answer = completion(socket).await?;
        count += occurrences(&answer, MARK);
        let text = String::from_utf8_lossy(&answer);
        let more = text.contains("\"more\":true");
        if let Some(position) = after(&text, "\"position\":\"") {
            position.clone_into(&mut place);
        }
        assert!(text.contains("\"lost\":null"), "the log has everything");
        answers.push(answer);
        if !more {
            return Ok((count, answers));
        }
    }
}

/// The question, in a frame.
fn question(place: &str) -> Vec<u8> {
    let call = format!(
        "{{\"type\":1,\"invocationId\":\"1\",\"target\":\"Resume\",\
         \"arguments\":[{{\"{CHANNEL}\":\"{place}\"}}]}}\x1e"
    );
    masked(Protocol::Json, call.as_bytes())
}

/// The next frame that answers a call. What else comes is for nobody here.
async fn completion(socket: &mut TcpStream) -> io::Result<Vec<u8>> {
    loop {
        let frame = frame(socket).await?;
        if occurrences(&frame, b"{\"type\":3,") > 0 {
            return Ok(frame);
        }
    }
}

/// One frame of the server's, with its head.
async fn frame(socket: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 2];
    socket.read_exact(&mut frame).await?;
    let more = match frame[1] {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    frame.resize(2 + more, 0);
    socket.read_exact(&mut frame[2..]).await?;
    let length = match more {
        0 => usize::from(frame[1]),
        _ => frame[2..]
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte)),
    };
    let head = frame.len();
    frame.resize(head + length, 0);
    socket.read_exact(&mut frame[head..]).await?;
    Ok(frame)
}

fn occurrences(bytes: &[u8], part: &[u8]) -> u64 {
    let mut count = 0;
    let mut rest = bytes;
    while let Some(place) = rest.iter().position(|byte| *byte == part[0]) {
        rest = &rest[place..];
        if rest.starts_with(part) {
            count += 1;
            rest = &rest[part.len()..];
        } else {
            rest = &rest[1..];
        }
    }
    count
}

fn after<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split('"').next()
}
