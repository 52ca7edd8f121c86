//! Whether a text is UTF-8, told as soon as it is known.

/// Looks at a text that comes in pieces, cut anywhere.
#[derive(Debug, Default)]
pub(crate) struct Text {
    /// The beginning of a character that the next piece has to finish.
    begun: [u8; 4],
    length: u8,
}

/// It is not UTF-8, whatever may follow.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotUtf8;

impl Text {
    /// Takes the next piece.
    pub(crate) fn take(&mut self, mut piece: &[u8]) -> Result<(), NotUtf8> {
        while self.length > 0 {
            let [first, rest @ ..] = piece else {
                return Ok(());
            };
            piece = rest;
            self.begun[usize::from(self.length)] = *first;
            self.length += 1;
            match std::str::from_utf8(&self.begun[..usize::from(self.length)]) {
                Ok(_) => self.length = 0,
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(NotUtf8),
            }
        }
        let Err(error) = std::str::from_utf8(piece) else {
            return Ok(());
        };
        if error.error_len().is_some() {
            return Err(NotUtf8);
        }
        for byte in &piece[error.valid_up_to()..] {
            self.begun[usize::from(self.length)] = *byte;
            self.length += 1;
        }
        Ok(())
    }

    /// Ends the text; the next piece begins another one.
    pub(crate) fn end(&mut self) -> Result<(), NotUtf8> {
        let is_whole = self.length == 0;
        self.length = 0;
        if is_whole { Ok(()) } else { Err(NotUtf8) }
    }
}

#[cfg(test)]
mod tests {
    use super::{NotUtf8, Text};

    #[test]
    fn a_text_may_be_cut_anywhere() {
        let text = "Hello-µ@ßöäüàá-UTF-8!! κόσμε 🍕".as_bytes();
        for first in 0..text.len() {
            for second in first..text.len() {
                let mut pieces = Text::default();
                for piece in [&text[..first], &text[first..second], &text[second..]] {
                    assert_eq!(pieces.take(piece), Ok(()));
                }
                assert_eq!(pieces.end(), Ok(()));
            }
        }
    }

    #[test]
    fn it_fails_with_the_first_byte_that_cannot_be_mended() {
        // How many bytes may be taken before the one that fails.
        for (bytes, good) in [
            (&b"\xff"[..], 0),
            (b"a\x80", 1),
            (b"\xc0\xaf", 0),
            (b"\xe0\x80\x80", 1),
            (b"\xed\xa0\x80", 1),
            (b"\xf4\x90\x80\x80", 1),
            (b"\xf0\x9f\x8d(", 3),
        ] {
            let mut text = Text::default();
            for byte in &bytes[..good] {
                assert_eq!(text.take(&[*byte]), Ok(()), "{bytes:x?}");
            }
            assert_eq!(text.take(&bytes[good..=good]), Err(NotUtf8), "{bytes:x?}");
        }
    }

    #[test]
    fn a_text_that_ends_inside_a_character_is_none() {
        let mut text = Text::default();
        assert_eq!(text.take("🍕".as_bytes().split_at(3).0), Ok(()));
        assert_eq!(text.end(), Err(NotUtf8));
        assert_eq!(text.take(b"next"), Ok(()));
        assert_eq!(text.end(), Ok(()));
    }
}
