//! Where something belongs in a trace of several systems.

use std::{fmt, str::FromStr};

use http::HeaderMap;

/// The header that carries it.
const HEADER: &str = "traceparent";

/// A W3C trace parent, such as `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`: the trace,
/// the span in it that asked, and whether the trace is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace: u128,
    span: u64,
    flags: u8,
}

/// The text is no trace parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a W3C trace parent such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
)]
pub struct InvalidTraceParent;

/// The id of a trace, as logs have it: 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(u128);

impl TraceParent {
    /// The one in the headers of a request. A malformed one, or more than one, counts as none.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(HEADER).iter();
        let (value, others) = (values.next()?, values.next());
        if others.is_some() {
            return None;
        }
        value.to_str().ok()?.parse().ok()
    }

    /// The trace.
    #[must_use]
    pub fn trace_id(self) -> TraceId {
        TraceId(self.trace)
    }
}

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    /// Of a version that is newer than this one, what it shares with this one is read.
    fn from_str(text: &str) -> Result<Self, InvalidTraceParent> {
        let (known, rest) = text.split_at_checked(55).ok_or(InvalidTraceParent)?;
        let mut parts = known.split('-');
        let mut next = |length| parts.next().filter(|part| is_hexadecimal(part, length));
        let (Some(version), Some(trace), Some(span), Some(flags)) =
            (next(2), next(32), next(16), next(2))
        else {
            return Err(InvalidTraceParent);
        };
        let is_whole = match version {
            "ff" => false,
            "00" => rest.is_empty(),
            _ => rest.is_empty() || rest.starts_with('-'),
        };
        let parent = Self {
            trace: u128::from_str_radix(trace, 16).map_err(|_| InvalidTraceParent)?,
            span: u64::from_str_radix(span, 16).map_err(|_| InvalidTraceParent)?,
            flags: u8::from_str_radix(flags, 16).map_err(|_| InvalidTraceParent)?,
        };
        if is_whole && parent.trace != 0 && parent.span != 0 {
            Ok(parent)
        } else {
            Err(InvalidTraceParent)
        }
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, span, flags } = self;
        write!(f, "00-{trace:032x}-{span:016x}-{flags:02x}")
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

fn is_hexadecimal(text: &str, length: usize) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == length && text.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http::HeaderValue;

    use super::*;

    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_parent_reads_back_from_its_text() {
        let parent: TraceParent = TEXT.parse().unwrap();
        assert_eq!(parent.to_string(), TEXT);
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(parent.trace_id().to_string(), trace);
    }

    #[test]
    fn a_newer_version_is_read_as_far_as_it_is_known() {
        let newer = format!("01{}-more", &TEXT[2..]);
        assert_eq!(newer.parse::<TraceParent>().unwrap().to_string(), TEXT);
    }

    #[test]
    fn what_is_no_trace_parent_is_none() {
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        for text in [
            "",
            "00",
            &TEXT[1..],
            &TEXT.to_uppercase(),
            &format!("{TEXT}-more"),
            &format!("ff{}", &TEXT[2..]),
            &format!("01{}more", &TEXT[2..]),
            zero_trace,
            zero_span,
            &"é".repeat(40),
        ] {
            assert_eq!(
                text.parse::<TraceParent>(),
                Err(InvalidTraceParent),
                "{text}"
            );
        }
    }

    #[test]
    fn two_headers_count_as_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(TraceParent::of(&headers), None);
        headers.append(HEADER, HeaderValue::from_static(TEXT));
        assert_eq!(TraceParent::of(&headers), TEXT.parse().ok());
        headers.append(HEADER, HeaderValue::from_static(TEXT));
        assert_eq!(TraceParent::of(&headers), None);
    }
}
