//! Chance that can be had again: the same seed chooses the same.

/// SplitMix64: small, and every seed is a good one, zero as well.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Another generator, for one of several who choose at once.
    pub(super) fn branch(&mut self) -> Self {
        Self::new(self.next())
    }

    /// Below `bound`; 0 if that is 0.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        // The bias of a remainder does not matter for bounds as small as these.
        let drawn = self.next() % u64::from(bound.max(1));
        u32::try_from(drawn).unwrap_or_default()
    }

    /// True in about `percent` of 100 cases.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of these, by their weights.
    pub(super) fn weighted<T: Copy>(&mut self, choices: &[(u32, T)]) -> Option<T> {
        let mut left = self.below(choices.iter().map(|(weight, _)| weight).sum());
        choices.iter().find_map(|(weight, choice)| {
            let chosen = left < *weight;
            left = left.saturating_sub(*weight);
            chosen.then_some(*choice)
        })
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_chooses_the_same_and_weights_count() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            let mut branch = random.branch();
            (0..1000).map(|_| branch.weighted(&[(1, 'a'), (3, 'b')])).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let heavy = draw(7).iter().filter(|choice| **choice == Some('b')).count();
        assert!((700..800).contains(&heavy), "{heavy}");
    }
}
