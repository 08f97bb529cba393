//! What holds for every engine: each rule is one function, and a test of its own for each engine,
//! `conformance::ENGINE::RULE`.
//!
//! A rule looks at the server through its own client and its own log (`windlass_suite::Server`). What
//! one engine alone has is tested elsewhere.

mod adopt;
mod dual;
mod failures;
mod lockout;
pub(crate) mod names;
mod pairs;
mod passwords;
mod tls;
mod twice;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;
use windlass_suite::{Engine, Login, Options, Server, World, for_each_engine, for_each_version};

/// Runs a rule where the engine's server can be had.
async fn check(engine: Engine, rule: impl AsyncFnOnce(Server) -> Result<()>) -> Result<()> {
    match engine.server().await? {
        Some(server) => rule(server).await.with_context(|| engine.key),
        None => Ok(()),
    }
}

macro_rules! rules {
    ($engine:ident $($room:ident::$rule:ident)*) => { $(
        #[tokio::test]
        async fn $rule() -> anyhow::Result<()> {
            super::check(windlass_suite::Engine::$engine, super::$room::$rule).await
        }
    )* };
}

macro_rules! engines {
    ($($module:ident: $engine:ident = $spec:path,)*) => { $(
        mod $module {
            rules! {
                $engine
                passwords::a_user_changes_its_own_password_again_and_again_in_one_process
                passwords::an_administrator_changes_it_where_a_tag_says_so
                passwords::two_secrets_rotated_at_once_both_end_well
                passwords::a_database_that_was_away_for_a_moment_is_rotated_when_it_is_back
                passwords::a_server_restored_from_a_backup_is_caught_up_with_the_previous_password
                passwords::the_password_of_an_abandoned_rotation_is_found
                passwords::a_wrong_current_password_is_said_and_nothing_is_changed
                pairs::four_turns_leave_two_equal_accounts_and_never_touch_the_one_in_use
                pairs::an_account_that_only_has_the_clones_name_is_refused_and_not_taken_over
                pairs::a_server_restored_from_a_backup_is_caught_up_with_an_older_password
                adopt::a_pair_that_another_tool_made_is_declared_by_the_commands_that_the_error_names
                adopt::pairs_that_their_secret_signs_in_as_are_declared_all_at_once
                dual::the_password_in_use_stays_valid_or_dual_passwords_are_refused
                failures::whatever_stops_it_on_the_way_is_named_and_nothing_is_changed
                lockout::an_ordinary_rotation_fails_no_sign_in_and_a_retry_one_per_wrong_password
                lockout::attempts_without_end_stop_before_a_policy_locks_the_account
                names::every_name_that_the_server_takes_is_rotated
                names::every_such_name_has_a_clone_that_takes_turns_with_it
                names::every_password_signs_in
                tls::a_secret_that_says_so_is_rotated_without_tls
                tls::where_the_secret_says_nothing_connections_have_tls
                tls::a_server_without_tls_is_an_error_and_hears_nothing_but_the_request_for_it
                twice::every_step_runs_twice_and_every_earlier_one_late
                twice::two_functions_at_the_same_step_at_once_do_no_harm
                twice::two_functions_at_the_same_rotation_at_once_do_no_harm
            }
        }
    )* };
}

for_each_engine!(engines);
for_each_version!(engines);

/// A world with one secret of an account that there is on the server.
struct Subject {
    world: World,
    server: Server,
    secret: String,
    /// What was current first.
    first: Login,
    /// Where its rotations make a clone.
    _making_clones: Option<OwnedMutexGuard<()>>,
}

impl Subject {
    /// The account changes its own password.
    async fn own(server: Server, name: &str, options: Options) -> Result<Self> {
        let port = server.port();
        Self::own_at(server, port, name, options).await
    }

    /// The same by way of a proxy.
    async fn own_at(server: Server, port: u16, name: &str, options: Options) -> Result<Self> {
        let first = server.account(name).await?;
        let value = server.secret_at(&first, port);
        Self::made_by(server, name, first, value, options).await
    }

    /// A pair of accounts, or with a tag one, led by the administrator.
    async fn led(server: Server, name: &str, options: Options) -> Result<Self> {
        let making_clones = server.making_clones().await;
        let first = server.account(name).await?;
        let mut value = server.secret(&first);
        value["masterarn"] = Value::from(format!("{name}/admin"));
        let admin = server.clone();
        let made = Self::made_by(server, name, first, value, options).await?;
        let made = Self { _making_clones: making_clones, ..made };
        let secret = format!("{name}/admin");
        made.world.create_admin_secret_of(&admin, &secret, admin.port()).await?;
        Ok(made)
    }

    async fn made_by(
        server: Server,
        name: &str,
        first: Login,
        value: Value,
        options: Options,
    ) -> Result<Self> {
        let world = World::with(options).await?;
        world.create_secret(name, &value).await?;
        Ok(Self { world, server, secret: name.to_owned(), first, _making_clones: None })
    }

    /// A rotation by the function.
    async fn rotate(&self) -> Result<Login> {
        self.world.rotate(&self.secret).await
    }

    async fn signs_in(&self, login: &Login) -> Result<bool> {
        login.signs_in(&self.server).await
    }

    /// What has to hold after every rotation of a single user, as seen by others than the function.
    async fn assert_moved(&self, old: &Login, new: &Login) -> Result<()> {
        assert_eq!(old.username, new.username);
        assert!(self.signs_in(new).await?, "the new password signs in");
        assert!(!self.signs_in(old).await?, "the old password is refused");
        let previous = self.world.secrets().secret(&self.secret, "AWSPREVIOUS").await?;
        assert!(Login::from_secret(&previous)? == *old, "AWSPREVIOUS has the old password");
        assert!(!self.server.logged(&new.password)?, "the new password is in the server's log");
        let log = self.world.function_log()?;
        assert!(!log.contains(&new.password) && !log.contains(&old.password), "{log}");
        Ok(())
    }
}
