//! Crash safety by enumeration, with the real function, server and wire.
//!
//! Each call of Secrets Manager is stopped before and after it takes effect, by killing the
//! function, and its answer is lost; each connection to the database is cut before each message
//! of either side. Then comes the next attempt: with the same token, with a new one, and once more
//! stopped at the same point. What must hold is the same each time (`windlass_suite::enumeration`). That the
//! points are all there are is seen from an undisturbed rotation: those after its last are not met.
//!
//! All pairs of points are enumerated in the host's own tests, against a store and a database in
//! memory.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use windlass_suite::enumeration::{Point, Retry, Scene, Setup};

/// So many messages of either side are TLS's own: request, hello, change of cipher, and the first
/// encrypted one of the handshake.
const TLS_MESSAGES: u32 = 4;

/// So many messages of a connection are its end, and nobody waits for them: PostgreSQL's Terminate,
/// and TLS's goodbye of either side.
const GOODBYE: usize = 3;

async fn enumerate(setup: Setup, prefix: &str) -> Result<()> {
    let mut scene = Scene::set(setup, prefix).await?;
    let counts = scene.undisturbed().await?;
    let mut rotations = 0;
    let mut harmless = BTreeSet::new();
    for point in counts.beyond() {
        let attempt = scene.survive(&[point], Retry::SameToken).await;
        let attempt = attempt.with_context(|| format!("{setup}: {point:?}"))?;
        ensure!(!attempt.met, "{setup}: met {point:?}");
    }
    let (calls, messages): (Vec<_>, Vec<_>) =
        (counts.at_secrets_manager().collect(), counts.at_the_database().collect());
    for (number, point) in calls.iter().chain(&messages).enumerate() {
        for (points, retry) in passes(number, *point) {
            let attempt = scene.survive(&points, retry).await;
            let attempt = attempt.with_context(|| format!("{setup}: {points:?}, {retry:?}"))?;
            ensure!(attempt.met, "{setup}: {point:?} was not met");
            if attempt.error.is_none() && matches!(point, Point::Cut { .. }) {
                harmless.insert(format!("{point:?}"));
            }
            rotations += 1;
        }
    }
    let goodbyes = GOODBYE * counts.records.len();
    ensure!(harmless.len() <= goodbyes, "{setup}: no error at any of {harmless:?}");
    scene.administrator_untouched().await?;
    let (calls, messages) = (calls.len(), messages.len());
    windlass_suite::tell(&format!(
        "{setup}: {calls} points at Secrets Manager, {messages} at the database, 3 passes, \
         {rotations} rotations"
    ));
    Ok(())
}

/// What happens at a point: it is met once, then the same token ends well; once, then a new token
/// does; twice, then the one or the other.
fn passes(number: usize, point: Point) -> Vec<(Vec<Point>, Retry)> {
    let once = (vec![point], Retry::SameToken);
    match point {
        // The function asks again by itself: nothing is left for another token to do.
        Point::LostAnswer { .. } => return vec![once],
        // Nothing of PostgreSQL's has been said: it is as if the connection had been refused.
        Point::Cut { record, .. } if record <= TLS_MESSAGES => return vec![once],
        Point::Call { .. } | Point::Cut { .. } => {}
    }
    let twice = if number.is_multiple_of(2) { Retry::SameToken } else { Retry::NewToken };
    vec![once, (vec![point], Retry::NewToken), (vec![point, point], twice)]
}

#[tokio::test]
async fn single_user_survives_every_point() -> Result<()> {
    enumerate(Setup::SingleUser, "enum_single").await
}

#[tokio::test]
async fn single_user_by_admin_survives_every_point() -> Result<()> {
    enumerate(Setup::SingleUserByAdmin, "enum_admin").await
}

#[tokio::test]
async fn alternating_users_survive_every_point_when_the_clone_is_new() -> Result<()> {
    enumerate(Setup::CloneIsNew, "enum_new").await
}

#[tokio::test]
async fn alternating_users_survive_every_point_back_to_the_base() -> Result<()> {
    enumerate(Setup::BackToBase, "enum_base").await
}

#[tokio::test]
async fn alternating_users_survive_every_point_when_the_clone_exists() -> Result<()> {
    enumerate(Setup::CloneExists, "enum_exists").await
}
