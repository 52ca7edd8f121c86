//! The timestamp extension, type -1, as text.

use jiff::Timestamp;

use super::error::PackError;

/// The type number of timestamps.
pub(super) const TIMESTAMP: i8 = -1;

/// The RFC 3339 text of a timestamp in any of its three lengths, in UTC and with as many digits
/// after the second as it needs.
pub(super) fn text(data: &[u8]) -> Result<String, PackError> {
    let (seconds, nanoseconds) = if let Ok(seconds) = data.try_into() {
        (i64::from(u32::from_be_bytes(seconds)), 0)
    } else if let Ok(both) = data.try_into() {
        let both = u64::from_be_bytes(both);
        ((both & 0x3_ffff_ffff).cast_signed(), both >> 34)
    } else if let Some((nanoseconds, seconds)) = data.split_first_chunk() {
        let seconds = seconds.try_into().map_err(|_| PackError::Timestamp)?;
        let nanoseconds = u32::from_be_bytes(*nanoseconds);
        (i64::from_be_bytes(seconds), nanoseconds.into())
    } else {
        return Err(PackError::Timestamp);
    };
    let nanoseconds = i32::try_from(nanoseconds).map_err(|_| PackError::Timestamp)?;
    Timestamp::new(seconds, nanoseconds)
        .map(|timestamp| timestamp.to_string())
        .map_err(|_| PackError::Timestamp)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn each_length_of_a_timestamp_gives_its_text() {
        let cases: &[(&[u8], &str)] = &[
            (b"\x00\x00\x00\x00", "1970-01-01T00:00:00Z"),
            (b"\xff\xff\xff\xff", "2106-02-07T06:28:15Z"),
            (
                b"\x1d\x53\x53\x00\x65\x53\xf1\x00",
                "2023-11-14T22:13:20.123Z",
            ),
            (
                b"\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff",
                "1969-12-31T23:59:59Z",
            ),
            (
                b"\x00\x00\x00\x01\xff\xff\xff\xf1\x88\x6e\x09\x00",
                "0001-01-01T00:00:00.000000001Z",
            ),
        ];
        for (data, expected) in cases {
            assert_eq!(text(data).unwrap(), *expected);
        }
    }

    #[test]
    fn timestamps_of_other_lengths_or_out_of_range_are_refused() {
        let cases: &[&[u8]] = &[
            b"",
            b"\x00\x00\x00",
            b"\x00\x00\x00\x00\x00",
            b"\xee\x6b\x28\x00\x00\x00\x00\x00",
            b"\x3b\x9a\xca\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            b"\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00",
            b"\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff",
        ];
        for data in cases {
            assert_eq!(text(data), Err(PackError::Timestamp), "{data:02x?}");
        }
    }
}
