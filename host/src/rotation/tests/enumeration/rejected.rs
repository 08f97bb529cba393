//! The same for a rotation whose password the service does not take: whatever stops its attempts, it
//! is given up in the end, and the next one ends well.

use super::faulty::{Line, Point};
use super::scene::{End, Scene, Setup};
use crate::rotation::ports::FailureKind;
use crate::rotation::ports::SecretStore;

async fn survive(setup: Setup, point: Point) -> bool {
    let mut scene = Scene::begin(setup).await;
    let unwilling = |scene: &Scene, kind| {
        scene.world.plugin.database.lock().unwrap().unwilling = kind;
    };
    unwilling(&scene, Some(FailureKind::PasswordRejected));
    let (_, line) = scene.attempt(Some(point)).await;
    let reached = line.reached();
    // Secrets Manager attempts it again with the same token, which finds it given up or does it.
    let (end, _) = scene.attempt(None).await;
    assert!(matches!(end, End::Over(Err(_))), "{setup:?} {point:?}: {end:?}");
    let secret = scene
        .world
        .store
        .describe(&super::super::world::id(super::super::world::SECRET))
        .await
        .expect("described");
    assert_eq!(secret.unfinished(), None, "{setup:?} {point:?}");
    let again = scene.steps(&Line::new(None)).await.expect_err("it is no more").report();
    assert!(again.contains("was abandoned or cancelled"), "{setup:?} {point:?}: {again}");

    unwilling(&scene, None);
    scene.begin_next().await;
    let (end, _) = scene.attempt(None).await;
    assert!(matches!(end, End::Over(Ok(()))), "{setup:?} {point:?}: {end:?}");
    scene.invariants().await;
    reached
}

#[tokio::test]
async fn a_rejected_password_survives_every_point() {
    for setup in Setup::ALL {
        for operation in 1.. {
            let mut reached = false;
            for point in Point::every(operation) {
                reached |= survive(setup, point).await;
            }
            if !reached {
                assert!(operation > 5, "{setup:?}: {operation}");
                break;
            }
        }
    }
}
