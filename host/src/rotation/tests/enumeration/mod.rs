//! Crash safety by enumeration: every operation of every attempt, and every pair of them.
//!
//! An operation is a call of the store or of the plugin. Each is stopped before and after it took
//! effect, by a crash of the function and by an error that the function sees; then comes the next
//! attempt, with the same token and with a new one, and is stopped again; the third has to end
//! well. What must hold is in [`scene`] and the same for all. That the points are all there are is
//! seen from an undisturbed run: the one after its last operation is never reached.
//!
//! [`rejected`] does the same for a password that is not taken. In [`twice`] every step runs again, late, and beside another invocation of itself.
//!
//! `tests/suite` does the same with the real function, server and wire, one crash after the other.

mod faulty;
mod rejected;
mod scene;
mod twice;

use std::io::Write as _;

use faulty::{Counts, Point, Way};
use scene::{End, Retry, Scene, Setup, undisturbed};

/// Runs up to three attempts, the first two with a point in their way, and checks what must hold.
/// Whether the last point was reached.
async fn survive(setup: Setup, points: &[Point], retries: &[Retry]) -> bool {
    let mut scene = Scene::begin(setup).await;
    let mut reached = true;
    for (point, retry) in points.iter().zip(retries) {
        let (end, line) = scene.attempt(Some(*point)).await;
        reached = line.reached();
        let crashed = matches!(end, End::Crashed);
        assert_eq!(crashed, reached && point.way == Way::Crash, "{end:?}");
        scene.retry(*retry).await;
    }
    let (end, _) = scene.attempt(None).await;
    assert!(matches!(end, End::Over(Ok(()))), "the last attempt: {end:?}");
    scene.invariants().await;
    reached
}

/// As [`survive`], with what was tried named in a panic.
async fn point_survived(setup: Setup, points: &[Point], retries: &[Retry]) -> bool {
    struct Names<'a>(Setup, &'a [Point], &'a [Retry]);
    impl Drop for Names<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("{:?} with {:?}, then {:?}", self.0, self.1, self.2);
            }
        }
    }
    let _names = Names(setup, points, retries);
    survive(setup, points, retries).await
}

async fn enumerate(setup: Setup) {
    let Counts { store, database } = undisturbed(setup).await;
    let (mut single, mut double) = (0, 0);
    for operation in 1..=store + database + 1 {
        for first in Point::every(operation) {
            for retry in Retry::ALL {
                let reached = point_survived(setup, &[first], &[retry]).await;
                assert_eq!(reached, operation <= store + database, "{first:?}");
                single += 1;
            }
        }
        for first in Point::different(operation) {
            for retry in Retry::ALL {
                double += enumerate_second(setup, first, retry).await;
            }
        }
    }
    // Not `println!`, which would be kept back.
    let _ = writeln!(
        std::io::stderr(),
        "{setup:?}: {store} operations of Secrets Manager, {database} of the database; \
         {single} rotations with one crash or error, {double} with two"
    );
}

/// All points of the second attempt, up to the one that is not reached.
async fn enumerate_second(setup: Setup, first: Point, retry: Retry) -> usize {
    let mut rotations = 0;
    for operation in 1.. {
        let mut reached = false;
        for second in Point::different(operation) {
            for last in Retry::ALL {
                reached |= point_survived(setup, &[first, second], &[retry, last]).await;
                rotations += 1;
            }
        }
        if !reached {
            break;
        }
    }
    rotations
}

#[tokio::test]
async fn single_user_survives_every_point_and_every_pair() {
    enumerate(Setup::SingleUser).await;
}

#[tokio::test]
async fn single_user_with_a_previous_password_survives_every_point_and_every_pair() {
    enumerate(Setup::SingleUserAgain).await;
}

#[tokio::test]
async fn single_user_by_admin_survives_every_point_and_every_pair() {
    enumerate(Setup::SingleUserByAdmin).await;
}

#[tokio::test]
async fn alternating_users_first_turn_survives_every_point_and_every_pair() {
    enumerate(Setup::AlternatingFirst).await;
}

#[tokio::test]
async fn alternating_users_second_turn_survives_every_point_and_every_pair() {
    enumerate(Setup::AlternatingSecond).await;
}

#[tokio::test]
async fn alternating_users_third_turn_survives_every_point_and_every_pair() {
    enumerate(Setup::AlternatingThird).await;
}

#[tokio::test]
async fn dual_passwords_survive_every_point_and_every_pair() {
    enumerate(Setup::DualPassword).await;
}

#[tokio::test]
async fn dual_passwords_by_admin_survive_every_point_and_every_pair() {
    enumerate(Setup::DualPasswordByAdmin).await;
}
