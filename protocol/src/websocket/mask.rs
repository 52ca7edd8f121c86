//! The mask over what clients send.

/// Takes the mask off bytes that begin `turned` bytes behind the first of their frame.
pub(crate) fn unmask(mask: [u8; 4], turned: u64, bytes: &mut [u8]) {
    let begin = usize::try_from(turned % 4).expect("below 4");
    let key: [u8; 8] = std::array::from_fn(|index| mask[(begin + index) % 4]);
    let word = u64::from_ne_bytes(key);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::unmask;

    #[test]
    fn a_payload_in_pieces_is_unmasked_as_if_it_were_whole() {
        let mask = [1, 2, 4, 8];
        let masked: Vec<u8> = (0..64_u8)
            .map(|index| index ^ mask[index as usize % 4])
            .collect();
        for cut in 0..64 {
            let mut bytes = masked.clone();
            let (begin, end) = bytes.split_at_mut(cut);
            unmask(mask, 0, begin);
            unmask(mask, cut as u64, end);
            assert!(bytes.iter().copied().eq(0..64), "cut at {cut}");
        }
    }
}
