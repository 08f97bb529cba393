//! Pairs that another tool made.

use anyhow::{Context, Result};
use windlass_harness::Artifact;
use windlass_suite::{Options, Ran, Server, typed, windlass};

use super::Subject;

impl Subject {
    /// `windlass adopt`, as a person calls it.
    async fn adopt(&self, more: &[&str]) -> Result<Ran> {
        let store = self.world.store();
        let plugins = Artifact::Plugins.path()?;
        let bundle = self.server.ca().certificate();
        let texts = [store.to_string_lossy(), plugins.to_string_lossy(), bundle.to_string_lossy()];
        let [store, plugins, bundle] = &texts;
        let mut arguments = vec!["adopt", "--store", store, "--plugins", plugins];
        arguments.extend(["--ca-bundle", bundle, "--grant", "tcp://localhost:*"]);
        arguments.extend(more);
        windlass(&arguments, &[]).await
    }
}

/// What a line of this label says.
fn line<'a>(text: &'a str, label: &str) -> Result<&'a str> {
    let found = text.lines().find_map(|line| line.strip_prefix(label));
    found.map(str::trim).with_context(|| format!("no line `{label}`: {text}"))
}

/// The refusal names the command, the command shows what differs and names the next one, and that one
/// declares the pair: each is followed as it is printed.
pub(super) async fn a_pair_that_another_tool_made_is_declared_by_the_commands_that_the_error_names(
    server: Server,
) -> Result<()> {
    let pair = Subject::led(server, "adopted", Options::by_hand()).await?;
    let (world, server, secret) = (&pair.world, &pair.server, &pair.secret);
    let other = server.account("adopted_clone").await?;
    let rights = server.rights("adopted_clone").await?;
    let token = world.begin(secret).await?;
    world.steps(&["createSecret"], secret, &token).await?;
    let error = world.failure("setSecret", secret, &token).await?;
    assert_eq!(error.kind, "Windlass.Operator.NotAPair", "{}", error.message);
    assert!(error.message.contains("windlass adopt --secret-id 'adopted'"), "{}", error.message);

    let shown = pair.adopt(&["--secret-id", secret]).await?;
    assert_eq!(shown.code, Some(7), "{}{}", shown.stdout, shown.stderr);
    assert!(line(&shown.stdout, "pair ")?.contains("a rotation is refused"), "{}", shown.stdout);
    assert!(!line(&shown.stdout, "differs ")?.is_empty());
    assert!(line(&shown.stdout, "sign-in ")?.contains("no version of `adopted_clone`"));
    assert_eq!(server.rights("adopted_clone").await?, rights, "looking changes nothing");
    // Without its name: the secret does not sign in as both, so that is no decision.
    let all = pair.adopt(&["--yes"]).await?;
    assert_eq!(all.code, Some(7), "{}{}", all.stdout, all.stderr);
    assert!(line(&all.stdout, "to do ")?.contains("not marked"), "{}", all.stdout);

    let declared = typed(line(&shown.stdout, "to do ")?).await?;
    assert_eq!(declared.code, Some(0), "{}{}", declared.stdout, declared.stderr);
    assert_eq!(line(&declared.stdout, "pair ")?, "marked");
    assert_eq!(server.rights("adopted_clone").await?, rights, "marking changes no right");
    assert!(pair.signs_in(&other).await? && pair.signs_in(&pair.first).await?);
    let again = pair.adopt(&["--secret-id", secret, "--yes"]).await?;
    assert_eq!(again.code, Some(0), "{}{}", again.stdout, again.stderr);

    // The same rotation goes on, and the next one.
    world.steps(&["setSecret", "testSecret", "finishSecret"], secret, &token).await?;
    let clone = world.current(secret).await?;
    assert!(clone.username == "adopted_clone" && pair.signs_in(&clone).await?);
    assert!(!pair.signs_in(&other).await?, "its old password is refused");
    // PostgreSQL's clone keeps what was granted to itself, and its sessions, as the base, don't use it.
    let has = server.rights("adopted_clone").await?;
    let lacks: Vec<_> =
        server.rights("adopted").await?.into_iter().filter(|it| !has.contains(it)).collect();
    assert!(lacks.is_empty(), "{has:?} lacks {lacks:?}");
    let token = world.begin(secret).await?;
    world.steps(&windlass_suite::STEPS, secret, &token).await?;
    let base = world.current(secret).await?;
    assert!(base.username == "adopted" && pair.signs_in(&base).await?);
    Ok(())
}

/// Where the secret signs in as both, a mark gives its holder no other account: all of them are
/// declared at once.
pub(super) async fn pairs_that_their_secret_signs_in_as_are_declared_all_at_once(
    server: Server,
) -> Result<()> {
    let pair = Subject::led(server, "drifted", Options::by_hand()).await?;
    let (world, server, secret) = (&pair.world, &pair.server, &pair.secret);
    // As another tool leaves it: both versions of the secret, one for each account.
    let other = server.account("drifted_clone").await?;
    let mut value = server.secret(&other);
    value["masterarn"] = "drifted/admin".into();
    world.put_current(secret, &value).await?;
    let shown = pair.adopt(&["--output", "json"]).await?;
    assert_eq!(shown.code, Some(7), "{}{}", shown.stdout, shown.stderr);
    let pairs = shown.json()?["pairs"].clone();
    assert_eq!(pairs.as_array().map(Vec::len), Some(1), "the admin secret has no pair: {pairs}");
    assert_eq!(
        (&pairs[0]["pair"], &pairs[0]["other_signs_in"]),
        (&"different".into(), &true.into())
    );

    let declared = pair.adopt(&["--yes"]).await?;
    assert_eq!(declared.code, Some(0), "{}{}", declared.stdout, declared.stderr);
    assert_eq!(line(&declared.stdout, "done ")?, "marked as a pair");
    let token = world.begin(secret).await?;
    world.steps(&windlass_suite::STEPS, secret, &token).await?;
    let base = world.current(secret).await?;
    assert!(base.username == "drifted" && pair.signs_in(&base).await?);
    assert!(pair.signs_in(&other).await?, "the one in use is not touched");
    Ok(())
}
