//! Which version the server is, by what it says of itself before anybody logs in.
//!
//! The client library keeps this to itself, so a second connection reads the first frame:
//!
//! ```text
//!   1  channel:2  size:4  class:2 = 10  method:2 = 10  0 9  properties: a table of names and values
//! ```

use mesahub_broker::Finding;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::AmqpConfig;

const VERSION: &str = "version";
const UPGRADE: &str = "upgrade to RabbitMQ 3.10 or later";

/// The oldest whose streams can be used like this.
const OLDEST: (u32, u32) = (3, 10);

/// The longest first frame that is read.
const LONGEST: u32 = 64 * 1024;

/// Asks the server at an address which it is. Not over TLS.
pub(super) async fn examine(config: &AmqpConfig, at: &str) -> Finding {
    if config.tls.is_some() {
        return Finding::unknown(VERSION, "it is asked only without TLS");
    }
    match timeout(config.connect_timeout, properties(at)).await {
        Ok(Some(properties)) => judge(&properties),
        _ => Finding::unknown(VERSION, "the server does not tell its version"),
    }
}

async fn properties(at: &str) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(at).await.ok()?;
    stream.write_all(b"AMQP\0\0\x09\x01").await.ok()?;
    let mut head = [0; 7];
    stream.read_exact(&mut head).await.ok()?;
    let size = u32::from_be_bytes(head[3..].try_into().ok()?);
    if head[0] != 1 || size > LONGEST {
        return None;
    }
    let mut frame = vec![0; size as usize];
    stream.read_exact(&mut frame).await.ok()?;
    let table = frame.strip_prefix(&[0, 10, 0, 10, 0, 9])?;
    let (size, rest) = table.split_first_chunk::<4>()?;
    let size = u32::from_be_bytes(*size) as usize;
    Some(rest.get(..size)?.to_vec())
}

fn judge(properties: &[u8]) -> Finding {
    let text = |name| text(properties, name);
    let (Some(product), Some(version)) = (text("product"), text("version")) else {
        return Finding::unknown(VERSION, "the server does not tell its version");
    };
    let name = format!("{product} {version}");
    if product != "RabbitMQ" {
        return Finding::failed(VERSION, format!("the server is {name}"), UPGRADE);
    }
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) if (major, minor) >= OLDEST => Finding::good(VERSION, name),
        (Some(_), Some(_)) => Finding::failed(VERSION, format!("{name} is too old"), UPGRADE),
        _ => Finding::unknown(VERSION, format!("{name} has a version that says little")),
    }
}

/// The text of this name in a table: a name behind its length in a byte, the letter of a kind, the
/// value.
fn text(table: &[u8], wanted: &str) -> Option<String> {
    let mut rest = table;
    loop {
        let (length, after) = rest.split_first()?;
        let (name, after) = after.split_at_checked(usize::from(*length))?;
        let (kind, after) = after.split_first()?;
        let (value, after) = match kind {
            b't' | b'b' | b'B' => after.split_at_checked(1)?,
            b's' | b'u' => after.split_at_checked(2)?,
            b'I' | b'i' | b'f' => after.split_at_checked(4)?,
            b'D' => after.split_at_checked(5)?,
            b'L' | b'l' | b'd' | b'T' => after.split_at_checked(8)?,
            b'V' => after.split_at_checked(0)?,
            b'S' | b'A' | b'F' | b'x' => {
                let (size, after) = after.split_first_chunk::<4>()?;
                after.split_at_checked(u32::from_be_bytes(*size) as usize)?
            }
            _ => return None,
        };
        if *kind == b'S' && name == wanted.as_bytes() {
            return Some(String::from_utf8_lossy(value).into_owned());
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use mesahub_broker::Verdict;
    use proptest::prelude::{any, proptest};

    use super::{judge, text};

    fn table(product: &str, version: &str) -> Vec<u8> {
        let mut out = b"\x0ccapabilitiesF\0\0\0\x04\x01at\x01".to_vec();
        for (name, value) in [("product", product), ("version", version)] {
            out.push(name.len() as u8);
            out.extend_from_slice(name.as_bytes());
            out.push(b'S');
            out.extend_from_slice(&(value.len() as u32).to_be_bytes());
            out.extend_from_slice(value.as_bytes());
        }
        out
    }

    #[test]
    fn versions_are_compared_by_number_and_others_are_named() {
        let of = |version| judge(&table("RabbitMQ", version));
        assert_eq!(of("3.10.8").seen, "RabbitMQ 3.10.8");
        for good in ["3.10.0", "3.13.7", "4.0.1"] {
            assert_eq!(of(good).verdict, Verdict::Good, "{good}");
        }
        assert!(of("3.9.29").is_failure() && of("2.8.0").is_failure());
        let other = judge(&table("Qpid", "9.1"));
        assert!(other.is_failure() && other.seen.contains("Qpid 9.1"));
        assert_eq!(of("unknown").verdict, Verdict::Unknown);
        assert_eq!(judge(b"").verdict, Verdict::Unknown);
    }

    proptest! {
        #[test]
        fn no_table_makes_the_reader_panic(bytes: Vec<u8>, cut in any::<proptest::sample::Index>()) {
            text(&bytes, "version");
            let whole = table("RabbitMQ", "3.10.8");
            text(&whole[..cut.index(whole.len())], "version");
        }
    }
}
