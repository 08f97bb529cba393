//! Dual passwords: where an engine has them, what applications hold stays valid until the next
//! rotation; where it has not, the strategy is refused with the one that takes its place.

use anyhow::Result;
use windlass_suite::{Options, STEPS, Server};

use super::Subject;

/// What is tagged so, of an account that may keep its own old password where that takes a right.
async fn subject(server: Server, name: &str, led: bool) -> Result<Subject> {
    let subject = if led {
        Subject::led(server, name, Options::by_hand()).await?
    } else {
        Subject::own(server, name, Options::by_hand()).await?
    };
    subject.world.tag(&subject.secret, "windlass:strategy", "dual-password").await?;
    if subject.server.engine().dual_passwords {
        subject.server.let_keep(&[name.to_owned()]).await?;
    }
    Ok(subject)
}

pub(super) async fn the_password_in_use_stays_valid_or_dual_passwords_are_refused(
    server: Server,
) -> Result<()> {
    for (name, led) in [("dual_own", false), ("dual_led", true)] {
        let dual = subject(server.clone(), name, led).await?;
        if server.engine().dual_passwords {
            keeps_what_is_in_use(&dual).await?;
        } else {
            refuses(&dual).await?;
        }
    }
    Ok(())
}

async fn keeps_what_is_in_use(dual: &Subject) -> Result<()> {
    let (world, secret, first) = (&dual.world, &dual.secret, &dual.first);
    let token = world.begin(secret).await?;
    world.steps(&["createSecret", "setSecret"], secret, &token).await?;
    let second = world.pending(secret).await?;
    assert!(dual.signs_in(first).await? && dual.signs_in(&second).await?, "both are valid");
    world.steps(&STEPS, secret, &token).await?;
    assert!(dual.signs_in(first).await? && dual.signs_in(&second).await?, "both stay valid");

    // The next rotation ends the oldest, and is given up.
    let token = world.begin(secret).await?;
    world.steps(&["createSecret", "setSecret"], secret, &token).await?;
    let abandoned = world.pending(secret).await?;
    assert!(!dual.signs_in(first).await?, "the oldest is still valid");
    assert!(dual.signs_in(&second).await? && dual.signs_in(&abandoned).await?);
    world.drop_pending(secret, &token).await?;

    // Another one: what applications hold is valid after each of its steps.
    let token = world.begin(secret).await?;
    for step in STEPS {
        world.steps(&[step], secret, &token).await?;
        let current = world.current(secret).await?;
        assert!(dual.signs_in(&current).await?, "AWSCURRENT is refused after {step}");
        assert!(dual.signs_in(&second).await?, "what was current is refused after {step}");
    }
    assert!(!dual.signs_in(&abandoned).await?, "nobody ever held it");
    for login in [&second, &abandoned, &world.current(secret).await?] {
        assert!(!dual.server.logged(&login.password)?, "a password is in the server's log");
    }
    Ok(())
}

async fn refuses(dual: &Subject) -> Result<()> {
    let (world, secret) = (&dual.world, &dual.secret);
    let token = world.begin(secret).await?;
    let error = world.failure("createSecret", secret, &token).await?;
    assert!(error.kind.starts_with("Windlass.Operator."), "{error:?}");
    for part in ["dual-password", "alternating-users"] {
        assert!(error.message.contains(part), "{}", error.message);
    }
    assert!(world.pending(secret).await.is_err(), "a password was stored");
    assert!(dual.signs_in(&dual.first).await?, "the password was changed");
    assert_eq!(dual.server.password_changes(&dual.first.username)?, 0);
    assert_eq!(dual.server.count(&format!("{}_clone", dual.first.username)).await?, 0);
    Ok(())
}
