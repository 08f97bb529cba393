//! Steps that run more than once: again, late, and at the same time.
//!
//! Lambda delivers an event at least once, and a function that was given up may still be at work.

use std::future::Future;
use std::io::Write as _;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use super::super::super::Step;
use super::faulty::Line;
use super::scene::{End, Retry, Scene, Setup};
use crate::rotation::error::Error;
use crate::rotation::ports::VersionId;

async fn step(scene: &Scene, step: Step) -> Result<(), Error> {
    scene.step(&Line::new(None), step, &scene.version).await
}

/// A step of another rotation, which must change nothing and sign in as nobody.
async fn late_in_vain(scene: &Scene, late: Step, version: &VersionId) -> Result<(), Error> {
    let (state, sign_ins) = (scene.state().await, scene.world.sign_ins());
    let answer = scene.step(&Line::new(None), late, version).await;
    let what = format!("{:?}: {late} late: {answer:?}", scene.setup);
    assert_eq!(scene.state().await, state, "{what}");
    assert_eq!(scene.world.sign_ins(), sign_ins, "{what}");
    answer
}

#[tokio::test]
async fn every_step_runs_twice_and_every_earlier_one_late() {
    for setup in Setup::ALL {
        let mut scene = Scene::begin(setup).await;
        for later in Step::ALL {
            step(&scene, later).await.unwrap();
            let state = scene.state().await;
            for earlier in Step::ALL {
                step(&scene, earlier).await.unwrap();
                assert_eq!(scene.state().await, state, "{setup:?}: {earlier} after {later}");
                if earlier == later {
                    break;
                }
            }
        }
        scene.invariants().await;
    }
}

#[tokio::test]
async fn a_step_of_the_last_rotation_does_nothing_in_the_next() {
    for setup in Setup::ALL {
        let mut scene = Scene::begin(setup).await;
        let last = scene.version.clone();
        let (end, _) = scene.attempt(None).await;
        assert!(matches!(end, End::Over(Ok(()))), "{end:?}");
        scene.begin_next().await;
        for done in 0..=Step::ALL.len() {
            for late in Step::ALL {
                let answer = late_in_vain(&scene, late, &last).await;
                let what =
                    format!("{setup:?}: {late} late, {done} steps into the next: {answer:?}");
                // Once the next one is current, the last is not even pending.
                assert_eq!(answer.is_err(), done == Step::ALL.len(), "{what}");
            }
            if let Some(next) = Step::ALL.get(done) {
                step(&scene, *next).await.unwrap();
            }
        }
        scene.invariants().await;
    }
}

#[tokio::test]
async fn a_step_of_a_rotation_that_was_given_up_does_nothing_in_the_next() {
    for setup in Setup::ALL {
        for got in 0..Step::ALL.len() {
            let mut scene = Scene::begin(setup).await;
            let last = scene.version.clone();
            for earlier in &Step::ALL[..got] {
                step(&scene, *earlier).await.unwrap();
            }
            scene.retry(Retry::NewToken).await;
            for done in 0..=Step::ALL.len() {
                let late = Step::ALL[done.min(got)];
                let answer = late_in_vain(&scene, late, &last).await;
                let what = format!("{setup:?}: {late} late, {got} and {done} steps: {answer:?}");
                assert!(matches!(answer, Err(Error::Refused(_))), "{what}");
                if let Some(next) = Step::ALL.get(done) {
                    step(&scene, *next).await.unwrap();
                }
            }
            scene.invariants().await;
        }
    }
}

/// The one thing that no order of reading and writing prevents: a step is given up while it is at
/// work, and goes on when the next rotation has ended. An administrator then gives the account in
/// force a password that is not AWSCURRENT's; the rotation after that finds it.
#[tokio::test]
async fn a_step_that_goes_on_after_its_rotation_was_given_up_blocks_no_later_one() {
    let mut harmful = 0;
    for setup in Setup::ALL {
        for operations in 0..operations_of(setup, Step::Set).await {
            let mut scene = Scene::begin(setup).await;
            step(&scene, Step::Create).await.unwrap();
            let last = scene.version.clone();
            let line = Line::gated();
            let mut at_work = Box::pin(scene.on_its_own(&line, Step::Set, &last));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..operations {
                line.let_one();
                assert!(at_work.as_mut().poll(&mut context).is_pending());
            }
            scene.retry(Retry::NewToken).await;
            scene.steps(&Line::new(None)).await.unwrap();
            line.let_all();
            harmful += usize::from(at_work.await.is_ok());
            // The one that finds it, and an ordinary one.
            for _ in 0..2 {
                scene.begin_next().await;
                scene.steps(&Line::new(None)).await.unwrap();
            }
            scene.invariants().await;
        }
    }
    assert!(harmful > 0, "the step never went on");
}

/// In which order two invocations come to their operations: every order of so many each.
fn orders(each: usize) -> Vec<Vec<usize>> {
    fn go_on(order: &[usize], left: [usize; 2], all: &mut Vec<Vec<usize>>) {
        if left == [0, 0] {
            all.push(order.to_vec());
        }
        for one in [0, 1] {
            let mut left = left;
            if let Some(fewer) = left[one].checked_sub(1) {
                left[one] = fewer;
                go_on(&[order, &[one]].concat(), left, all);
            }
        }
    }
    let mut all = Vec::new();
    go_on(&[], [each, each], &mut all);
    all
}

/// Runs two futures, whose operations wait on these lines, in this order, and then to their ends.
async fn interleave<T>(
    order: &[usize],
    lines: [&Line; 2],
    both: [impl Future<Output = T>; 2],
) -> [T; 2] {
    let [first, second] = both;
    let (mut first, mut second) = (pin!(first), pin!(second));
    let mut context = Context::from_waker(Waker::noop());
    let mut ended = [None, None];
    for &one in order {
        lines[one].let_one();
        // The operations here are done when they are begun: one poll does one.
        let polled = if ended[one].is_some() {
            continue;
        } else if one == 0 {
            first.as_mut().poll(&mut context)
        } else {
            second.as_mut().poll(&mut context)
        };
        if let std::task::Poll::Ready(end) = polled {
            ended[one] = Some(end);
        }
    }
    lines.iter().for_each(|line| line.let_all());
    let [first_ended, second_ended] = ended;
    let rest = async {
        match first_ended {
            Some(end) => end,
            None => first.await,
        }
    };
    let other_rest = async {
        match second_ended {
            Some(end) => end,
            None => second.await,
        }
    };
    let (first, second) = tokio::join!(rest, other_rest);
    [first, second]
}

#[tokio::test]
async fn two_invocations_of_a_step_end_well_in_every_order_of_their_operations() {
    for setup in Setup::ALL {
        let mut tried = 0;
        for (done, raced) in Step::ALL.into_iter().enumerate() {
            let alone = operations_of(setup, raced).await;
            for order in orders(alone) {
                let mut scene = Scene::begin(setup).await;
                for earlier in &Step::ALL[..done] {
                    step(&scene, *earlier).await.unwrap();
                }
                let lines = [Line::gated(), Line::gated()];
                let both = [0, 1].map(|one| scene.step(&lines[one], raced, &scene.version));
                let ends = interleave(&order, [&lines[0], &lines[1]], both).await;
                let what = format!("{setup:?}: {raced} twice at once, {order:?}: {ends:?}");
                assert!(ends.iter().all(Result::is_ok), "{what}");
                // The slower one finds the current password refused.
                let allowed = usize::from(raced == Step::Set && !setup.alternates());
                assert!(scene.world.failed_sign_ins() <= allowed, "{what}");
                for later in &Step::ALL[done + 1..] {
                    step(&scene, *later).await.unwrap();
                }
                scene.invariants().await;
                tried += 1;
            }
        }
        let _ =
            writeln!(std::io::stderr(), "{setup:?}: {tried} orders of two invocations of a step");
    }
}

/// How many operations the step has when nothing disturbs it.
async fn operations_of(setup: Setup, wanted: Step) -> usize {
    let scene = Scene::begin(setup).await;
    for one in Step::ALL {
        let line = Line::new(None);
        scene.step(&line, one, &scene.version).await.unwrap();
        if one == wanted {
            return line.counts().all();
        }
    }
    unreachable!("every step is one of them")
}

/// How many orders of two whole rotations are tried: there are more than 100 million of them.
const RACES: u64 = 500;

#[tokio::test]
async fn two_whole_rotations_with_one_token_end_well() {
    for setup in Setup::ALL {
        for seed in 1..=RACES {
            let mut scene = Scene::begin(setup).await;
            let lines = [Line::gated(), Line::gated()];
            let order = shuffled(seed, 40);
            let both = lines.each_ref().map(|line: &Arc<Line>| scene.steps(line));
            let ends = interleave(&order, [&lines[0], &lines[1]], both).await;
            let what = format!("{setup:?}: {order:?}: {ends:?}");
            // Also the one that reads labels and values while the other finishes.
            assert!(ends.iter().all(Result::is_ok), "{what}");
            scene.steps(&Line::new(None)).await.unwrap();
            let allowed = usize::from(!setup.alternates());
            assert!(scene.world.failed_sign_ins() <= allowed, "{what}");
            scene.invariants().await;
        }
    }
}

/// Zeros and ones, the same for the same seed (xorshift; the seed is not 0).
fn shuffled(seed: u64, length: usize) -> Vec<usize> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::from(state & (1 << 40) != 0)
    };
    std::iter::repeat_with(next).take(length).collect()
}
