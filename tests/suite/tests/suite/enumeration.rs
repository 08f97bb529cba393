//! Crash safety by enumeration, with the real function, server and wire, for every engine.
//!
//! Each call of Secrets Manager is stopped before and after it takes effect, by killing the
//! function, and its answer is lost; each connection to the database is cut before each message
//! of either side. Then comes the next attempt: with the same token, with a new one, and once more
//! stopped at the same point. What must hold is the same each time (`windlass_suite::enumeration`). That the
//! points are all there are is seen from an undisturbed rotation: those after its last are not met.
//!
//! What happens at Secrets Manager is the host's business, and the same for every engine: it is
//! enumerated with PostgreSQL, as are all passes. The other engines have each message cut once, and
//! every fourth one a second time; those of TLS itself with a single user alone, and of later turns
//! those of the administrator ([`Depth`]). It would take minutes more otherwise.
//!
//! All pairs of points are enumerated in the host's own tests, against a store and a database in
//! memory.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use windlass_suite::enumeration::{Point, Retry, Scene, Setup};
use windlass_suite::{Depth, Engine, for_each_engine, for_each_version};

/// So many messages of either side are TLS's own: what is said before it, hello, change of cipher,
/// and the first encrypted one of the handshake.
const TLS_MESSAGES: u32 = 4;

/// So many messages of a connection are its end, and nobody waits for them: the client's goodbye,
/// and TLS's of either side.
const GOODBYE: usize = 3;

/// The connection on which the administrator changes the password: before it the current password
/// is verified, after it the new one.
const BY_ADMIN: usize = 2;

/// Which points and passes belong to an engine's [`Depth`].
trait Extent: Copy {
    /// Whether a point is enumerated in this set-up.
    fn has(self, setup: Setup, point: Point) -> bool;

    /// What happens at a point: it is met once, then the same token ends well; once, then a new
    /// token does; twice, then the one or the other.
    fn passes(self, number: usize, point: Point) -> Vec<(Vec<Point>, Retry)>;
}

impl Extent for Depth {
    fn has(self, setup: Setup, point: Point) -> bool {
        match setup {
            _ if self == Self::Full => true,
            Setup::SingleUser => true,
            // The other connections are as in the first turn.
            Setup::BackToBase | Setup::CloneExists => {
                !is_tls(point) && matches!(point, Point::Cut { number: BY_ADMIN, .. })
            }
            _ => !is_tls(point),
        }
    }

    fn passes(self, number: usize, point: Point) -> Vec<(Vec<Point>, Retry)> {
        let once = (vec![point], Retry::SameToken);
        let anew = (vec![point], Retry::NewToken);
        match (self, point) {
            // The function asks again by itself: nothing is left for another token to do.
            (_, Point::LostAnswer { .. }) => vec![once],
            // Nothing has been said within TLS: it is as if the connection had been refused.
            _ if is_tls(point) => vec![once],
            (Self::Messages, _) if number.is_multiple_of(4) => vec![once, anew],
            (Self::Messages, _) => vec![once],
            (Self::Full, _) => {
                let end = if number.is_multiple_of(2) { Retry::SameToken } else { Retry::NewToken };
                vec![once, anew, (vec![point, point], end)]
            }
        }
    }
}

fn is_tls(point: Point) -> bool {
    matches!(point, Point::Cut { record, .. } if record <= TLS_MESSAGES)
}

async fn enumerate(engine: Engine, setup: Setup, prefix: &str) -> Result<()> {
    let Some(server) = engine.server().await? else { return Ok(()) };
    let (name, depth) = (format!("{}, {setup}", engine.key), engine.extent());
    let mut scene = Scene::set(&server, setup, prefix).await?;
    let counts = scene.undisturbed().await.with_context(|| name.clone())?;
    let mut rotations = 0;
    let mut harmless = BTreeSet::new();
    for point in counts.beyond() {
        let attempt = scene.survive(&[point], Retry::SameToken).await;
        let attempt = attempt.with_context(|| format!("{name}: {point:?}"))?;
        ensure!(!attempt.met, "{name}: met {point:?}");
    }
    let calls: Vec<_> = match depth {
        Depth::Full => counts.at_secrets_manager().collect(),
        Depth::Messages => Vec::new(),
    };
    let messages: Vec<_> =
        counts.at_the_database().filter(|point| depth.has(setup, *point)).collect();
    for (number, point) in calls.iter().chain(&messages).enumerate() {
        for (points, retry) in depth.passes(number, *point) {
            let attempt = scene.survive(&points, retry).await;
            let attempt = attempt.with_context(|| format!("{name}: {points:?}, {retry:?}"))?;
            ensure!(attempt.met, "{name}: {point:?} was not met");
            if attempt.error.is_none() && matches!(point, Point::Cut { .. }) {
                harmless.insert(format!("{point:?}"));
            }
            rotations += 1;
        }
    }
    let goodbyes = GOODBYE * counts.records.len();
    ensure!(harmless.len() <= goodbyes, "{name}: no error at any of {harmless:?}");
    scene.administrator_untouched().await?;
    let (calls, messages) = (calls.len(), messages.len());
    windlass_suite::tell(&format!(
        "{name}: {calls} points at Secrets Manager, {messages} at the database, {rotations} rotations"
    ));
    Ok(())
}

macro_rules! enumerations {
    ($($module:ident: $engine:ident = $spec:path,)*) => { $(
        mod $module {
            use super::*;

            #[tokio::test]
            async fn single_user_survives_every_point() -> Result<()> {
                enumerate(Engine::$engine, Setup::SingleUser, "enum_single").await
            }

            #[tokio::test]
            async fn single_user_by_admin_survives_every_point() -> Result<()> {
                enumerate(Engine::$engine, Setup::SingleUserByAdmin, "enum_admin").await
            }

            #[tokio::test]
            async fn alternating_users_survive_every_point_when_the_clone_is_new() -> Result<()> {
                enumerate(Engine::$engine, Setup::CloneIsNew, "enum_new").await
            }

            #[tokio::test]
            async fn alternating_users_survive_every_point_back_to_the_base() -> Result<()> {
                enumerate(Engine::$engine, Setup::BackToBase, "enum_base").await
            }

            #[tokio::test]
            async fn alternating_users_survive_every_point_when_the_clone_exists() -> Result<()> {
                enumerate(Engine::$engine, Setup::CloneExists, "enum_exists").await
            }
        }
    )* };
}

for_each_engine!(enumerations);
for_each_version!(enumerations);

/// MySQL is the one engine that has them.
mod dual_passwords {
    use super::*;

    #[tokio::test]
    async fn survive_every_point() -> Result<()> {
        enumerate(Engine::MYSQL, Setup::DualPassword, "enum_dual").await
    }

    #[tokio::test]
    async fn by_admin_survive_every_point() -> Result<()> {
        enumerate(Engine::MYSQL, Setup::DualPasswordByAdmin, "enum_dual_led").await
    }
}
