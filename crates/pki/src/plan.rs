//! Which certificates an authority needs, and which of them signs: pure functions of dates.
//!
//! An authority is a line of roots, and under each a line of subordinates. Servers send their
//! subordinate, so a new one signs at once; roots must first reach the clients.

use std::fmt;

use pgkeep_model::CaPolicy;
use time::{Duration, OffsetDateTime};

use crate::profile::{Validity, add_years};

/// Years that a root is in the bundles before it signs: how old a client's bundle may be.
///
/// A root signs a subordinate only if it outlives it, so at the latest `subordinate_years` before
/// its own end. It therefore gets a successor `subordinate_years + ROOT_LEAD_YEARS` before that:
///
/// | root of 40 years | is made, and in the bundles | signs, at most | leaves the bundles |
/// |---|---|---|---|
/// | first | year 0 | 0 to 40 − 10 = 30 | 40 |
/// | second | 40 − 10 − 10 = 20 | 30 to 60 − 10 = 50 | 60 |
/// | third | 60 − 10 − 10 = 40 | 50 to 80 − 10 = 70 | 80 |
///
/// A year would do for who downloads the bundle again with each release. Ten is how long a machine
/// or an image lives that nobody touches. More would be wasted: while a root waits, its life runs.
const ROOT_LEAD_YEARS: u16 = 10;

/// How much longer than a new leaf a subordinate lives as long as it signs: far more than the day
/// between two looks, so that no leaf is cut short.
const SUBORDINATE_MARGIN: Duration = Duration::days(30);

/// The lives of what an authority has, in the order of making.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lives {
    pub(crate) roots: Vec<Validity>,
    /// Each with the index of its root.
    pub(crate) subordinates: Vec<(usize, Validity)>,
}

/// What is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Another root.
    Root,
    /// A subordinate by the root of that index.
    Subordinate { root: usize },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "a root",
            Self::Subordinate { .. } => "a subordinate",
        })
    }
}

/// The next thing to make; none while all is there. Nothing is made by a clock that is behind every
/// root.
pub(crate) fn decide_step(lives: &Lives, policy: &CaPolicy, now: OffsetDateTime) -> Option<Step> {
    let begun = lives.roots.iter().filter(|root| root.not_before <= now);
    // A root of a time to come, by a clock that was wrong once, is no successor.
    let last = begun.map(|root| root.not_after).max();
    if last.is_none() && !lives.roots.is_empty() {
        return None;
    }
    let needed = add_years(now, policy.subordinate_years + ROOT_LEAD_YEARS)?;
    if last.is_none_or(|last| last < needed) {
        return Some(Step::Root);
    }
    let leaf_end = add_years(now, policy.leaf_years)? + SUBORDINATE_MARGIN;
    let end = decide_signer(lives, now).map(|index| lives.subordinates[index].1.not_after);
    if end.is_some_and(|end| end >= leaf_end) {
        return None;
    }
    let root = decide_root(lives, policy, leaf_end, now)?;
    let is_better = end.is_none_or(|end| end < lives.roots[root].not_after);
    is_better.then_some(Step::Subordinate { root })
}

/// The subordinate that signs: of those that live, the one that lives longest.
pub(crate) fn decide_signer(lives: &Lives, now: OffsetDateTime) -> Option<usize> {
    let living = lives.subordinates.iter().enumerate().filter(|(_, (_, life))| life.contains(now));
    living.max_by_key(|(_, (_, life))| life.not_after).map(|(index, _)| index)
}

/// The root that signs the next subordinate: the oldest that clients have had for long and that
/// covers a whole one. After a long time in which pgkeep was down there may be none: then rather
/// the oldest that covers a leaf than one that clients cannot have yet, and only then any.
fn decide_root(
    lives: &Lives,
    policy: &CaPolicy,
    leaf_end: OffsetDateTime,
    now: OffsetDateTime,
) -> Option<usize> {
    let whole = add_years(now, policy.subordinate_years)?;
    let is_known = |life: &Validity| {
        add_years(life.not_before, ROOT_LEAD_YEARS).is_some_and(|known| known <= now)
    };
    let living = || lives.roots.iter().enumerate().filter(|(_, life)| life.contains(now));
    let known = living().find(|(_, it)| it.not_after >= whole && is_known(it));
    let chosen = known.or_else(|| living().find(|(_, it)| it.not_after >= leaf_end));
    chosen.or_else(|| living().max_by_key(|(_, it)| it.not_after)).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use pgkeep_model::CA_POLICIES;
    use time::macros::datetime;

    use super::*;
    use crate::profile::plan_validity;

    const START: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn at(years: u16) -> OffsetDateTime {
        add_years(START, years).unwrap()
    }

    /// Makes all that is to be made, and says what.
    fn settle(lives: &mut Lives, policy: &CaPolicy, now: OffsetDateTime) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some(step) = decide_step(lives, policy, now) {
            match step {
                Step::Root => {
                    lives.roots.push(plan_validity(now, policy.root_years, None).unwrap());
                }
                Step::Subordinate { root } => {
                    let issuer = lives.roots[root];
                    let life = plan_validity(now, policy.subordinate_years, Some(&issuer));
                    lives.subordinates.push((root, life.unwrap()));
                }
            }
            steps.push(step);
            assert!(steps.len() < 4, "it goes on and on: {steps:?}");
        }
        steps
    }

    fn settled(policy: &CaPolicy) -> Lives {
        let mut lives = Lives::default();
        let first = [Step::Root, Step::Subordinate { root: 0 }];
        assert_eq!(settle(&mut lives, policy, START), first);
        lives
    }

    #[test]
    fn two_hundred_years_of_days() {
        for policy in &CA_POLICIES {
            let mut lives = settled(policy);
            let (mut now, mut made) = (START, Vec::new());
            while now < at(200) {
                for step in settle(&mut lives, policy, now) {
                    made.push(((now - START).whole_days() / 365, step));
                }
                let signer = decide_signer(&lives, now).unwrap();
                assert_eq!(signer, lives.subordinates.len() - 1, "the newest");
                let (root, life) = lives.subordinates[signer];
                let leaf = plan_validity(now, policy.leaf_years, None).unwrap();
                assert!(leaf.not_after < life.not_after && life.within(&lives.roots[root]));
                let years = (life.not_after - life.not_before).whole_days() / 365;
                assert_eq!(years, i64::from(policy.subordinate_years), "a whole one");
                if root > 0 {
                    let known = add_years(lives.roots[root].not_before, ROOT_LEAD_YEARS);
                    assert!(known.unwrap() <= now, "in the bundles for ten years");
                }
                now += Duration::DAY;
            }
            let roots = made.iter().filter(|(_, step)| *step == Step::Root);
            let roots: Vec<_> = roots.map(|(year, _)| *year).collect();
            if policy.root_years == 40 {
                assert_eq!(roots, [20, 40, 60, 80, 100, 120, 140, 160, 180]);
                let Step::Subordinate { root } = made[4].1 else { panic!("{made:?}") };
                assert_eq!((made[4].0, root), (35, 1), "{made:?}");
            } else {
                assert_eq!(roots, [80, 160]);
            }
        }
    }

    #[test]
    fn after_years_without_pgkeep_clients_are_spared_as_long_as_can_be() {
        let policy = &CA_POLICIES[0];
        let after = |years: u16| {
            let mut lives = settled(policy);
            let now = at(years);
            let steps = settle(&mut lives, policy, now);
            let (_, signer) = lives.subordinates[decide_signer(&lives, now).unwrap()];
            (steps, signer.not_after)
        };
        let end = |years: u16| at(years) - Duration::hours(1);
        assert_eq!(after(8), (vec![], end(10)));
        // The old subordinate has ended.
        assert_eq!(after(11), (vec![Step::Subordinate { root: 0 }], end(21)));
        // The next root is as new as the need for it: the old one goes on, cut short.
        assert_eq!(after(37), (vec![Step::Root, Step::Subordinate { root: 0 }], end(40)));
        // It cannot cover a leaf.
        assert_eq!(after(39), (vec![Step::Root, Step::Subordinate { root: 1 }], end(49)));
        assert_eq!(after(45), (vec![Step::Root, Step::Subordinate { root: 1 }], end(55)));
    }

    #[test]
    fn a_clock_that_was_wrong_does_no_harm() {
        let policy = &CA_POLICIES[0];
        let mut lives = settled(policy);
        assert_eq!(decide_step(&lives, policy, datetime!(1970-01-01 0:00 UTC)), None);
        assert_eq!(decide_signer(&lives, datetime!(1970-01-01 0:00 UTC)), None);
        // For a day it was the year 2226; then all goes as if it had not been.
        assert_eq!(settle(&mut lives, policy, at(200)).len(), 2);
        assert_eq!(settle(&mut lives, policy, START), []);
        assert_eq!(decide_signer(&lives, START), Some(0));
        assert_eq!(settle(&mut lives, policy, at(9)), [Step::Subordinate { root: 0 }]);
        assert_eq!(decide_signer(&lives, at(9)), Some(2));
        assert_eq!(settle(&mut lives, policy, at(20)), [Step::Root, Step::Subordinate { root: 0 }]);
    }
}
