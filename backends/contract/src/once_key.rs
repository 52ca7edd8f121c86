//! What makes a publication known when it comes again.

use std::fmt;

/// Names a publication, so that the log of its topic takes it once: 16 bytes that its publisher
/// chooses, such as those of a UUID.
///
/// The publisher of two different messages must not give both the same key on one topic: the
/// second would be taken for the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OnceKey([u8; 16]);

impl OnceKey {
    /// The key with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl From<[u8; 16]> for OnceKey {
    fn from(bytes: [u8; 16]) -> Self {
        Self::new(bytes)
    }
}

/// 32 hexadecimal digits in lower case.
impl fmt::Display for OnceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for OnceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OnceKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::OnceKey;

    #[test]
    fn the_text_has_two_digits_for_each_byte() {
        let mut bytes = [0; 16];
        (bytes[0], bytes[15]) = (0x0a, 0xf0);
        let text = OnceKey::new(bytes).to_string();
        assert_eq!(text, "0a0000000000000000000000000000f0");
    }
}
