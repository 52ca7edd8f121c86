//! Every target over its seeds and what lies close to them. One test, so that nothing else
//! allocates meanwhile.

use mesahub_fuzz::TARGETS;

#[test]
fn no_seed_or_anything_close_to_one_breaks_its_target() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has seeds", target.name);
        for seed in seeds {
            target.run(&seed);
            // Large ones are only cut, and not at every byte.
            let step = 1 + seed.len() / 200;
            for end in (0..seed.len()).step_by(step) {
                target.run(&seed[..end]);
            }
            for place in (0..seed.len()).step_by(step) {
                let mut changed = seed.clone();
                for byte in [0x00, 0x1e, 0x7f, 0x80, 0xc1, 0xdd, 0xff, seed[place] ^ 1] {
                    changed[place] = byte;
                    target.run(&changed);
                }
            }
        }
    }
}
