//! Two accounts that take turns, made equal by an administrator every time.

use anyhow::Result;
use windlass_suite::{Options, Server};

use super::Subject;

pub(super) async fn four_turns_leave_two_equal_accounts_and_never_touch_the_one_in_use(
    server: Server,
) -> Result<()> {
    let pair = Subject::led(server, "turns_of", Options::default()).await?;
    let server = &pair.server;
    let (base, clone) = ("turns_of", "turns_of_clone");
    let at_first = server.rights(base).await?;
    assert!(!at_first.is_empty());
    let mut logins = vec![pair.first.clone()];
    for turn in 1..=4 {
        let new = pair.rotate().await?;
        assert_eq!(new.username, if turn % 2 == 1 { clone } else { base });
        assert!(pair.signs_in(&new).await?, "turn {turn}: the new one is refused");
        let in_use = logins.last().map_or(&pair.first, |login| login);
        assert!(pair.signs_in(in_use).await?, "turn {turn}: the one in use was touched");
        if let Some(before) = logins.len().checked_sub(2).and_then(|index| logins.get(index)) {
            assert!(!pair.signs_in(before).await?, "turn {turn}: an old password signs in");
        }
        assert_eq!(server.rights(clone).await?, server.rights(base).await?, "turn {turn}");
        logins.push(new);
        if turn == 2 {
            // What is granted, and what is taken away, reaches the other half with the next turn.
            server.change_rights(base).await?;
            assert_ne!(server.rights(base).await?, at_first);
        }
    }
    assert_ne!(server.rights(clone).await?, at_first);
    for login in logins.iter().skip(1) {
        assert!(!server.logged(&login.password)?, "a password is in the server's log");
        assert!(!pair.world.function_log()?.contains(&login.password), "it is in our log");
    }
    Ok(())
}

pub(super) async fn an_account_that_only_has_the_clones_name_is_refused_and_not_taken_over(
    server: Server,
) -> Result<()> {
    let pair = Subject::led(server, "stolen", Options::by_hand()).await?;
    let somebody = pair.server.account("stolen_clone").await?;
    let (world, secret) = (&pair.world, &pair.secret);
    let token = world.begin(secret).await?;
    world.steps(&["createSecret"], secret, &token).await?;
    let rights = pair.server.rights("stolen_clone").await?;
    let error = world.failure("setSecret", secret, &token).await?;
    assert_eq!(error.kind, "Windlass.Operator.NotAPair", "{}", error.message);
    assert!(error.message.contains("stolen_clone"), "{}", error.message);
    assert!(pair.signs_in(&somebody).await?, "its password is its own");
    assert_eq!(pair.server.rights("stolen_clone").await?, rights, "its rights are its own");
    assert!(pair.signs_in(&pair.first).await?);
    let pending = world.pending(secret).await?;
    assert!(!error.message.contains(&pending.password), "{}", error.message);
    Ok(())
}

pub(super) async fn a_server_restored_from_a_backup_is_caught_up_with_an_older_password(
    server: Server,
) -> Result<()> {
    let pair = Subject::led(server, "restored", Options::default()).await?;
    for _ in 0..2 {
        pair.rotate().await?;
    }
    // The backup is from before both turns; of the account in force it has the first password.
    pair.server.set_password(&pair.first).await?;
    let refused = pair.world.current(&pair.secret).await?;
    assert!(refused.username == "restored" && !pair.signs_in(&refused).await?);

    let clone = pair.rotate().await?;
    assert!(clone.username == "restored_clone" && pair.signs_in(&clone).await?);
    let base = pair.rotate().await?;
    assert!(base.username == "restored" && pair.signs_in(&base).await?);
    Ok(())
}
