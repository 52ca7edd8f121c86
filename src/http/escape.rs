//! Percent-encoding in addresses, read strictly.

/// Decodes a segment of a path, or with `is_query` a part of a query, where `+` is a space.
/// `None` for a broken escape and for what is no UTF-8.
pub(super) fn decode(text: &str, is_query: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => digit(rest.next()?)? << 4 | digit(rest.next()?)?,
            b'+' if is_query => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    let value = char::from(byte).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_what_they_stand_for() {
        let segment = |text| decode(text, false);
        assert_eq!(
            segment("ann%40example.org").as_deref(),
            Some("ann@example.org")
        );
        assert_eq!(segment("a%2fb%2F%C3%A9+").as_deref(), Some("a/b/é+"));
        assert_eq!(decode("a+b%2B", true).as_deref(), Some("a b+"));
    }

    #[test]
    fn broken_escapes_are_refused() {
        for broken in ["%", "a%4", "%zz", "%+1", "%FF"] {
            assert_eq!(decode(broken, false), None, "{broken}");
        }
    }
}
