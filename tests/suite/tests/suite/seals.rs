//! What a compiled plugin is sealed with: the function starts from it, loads code when a secret needs
//! it, and holds the plugin to it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use windlass_harness::{Artifact, WorkDir};
use windlass_suite::{Login, Options, Rotations, World, windlass};

fn compiled(name: &str) -> Result<PathBuf> {
    Ok(Artifact::compiled_plugin(&Artifact::Plugins.path()?, name))
}

/// The file with another trailer: JSON, then its length in four bytes, then eight bytes of magic.
fn resealed(file: &[u8], change: impl FnOnce(&mut Value)) -> Result<Vec<u8>> {
    let (rest, magic) = file.split_last_chunk::<8>().context("a magic")?;
    let (rest, length) = rest.split_last_chunk::<4>().context("a length")?;
    let length = usize::try_from(u32::from_le_bytes(*length))?;
    let (code, trailer) =
        rest.split_at_checked(rest.len().saturating_sub(length)).context("a trailer")?;
    let mut trailer: Value = serde_json::from_slice(trailer)?;
    change(&mut trailer);
    let trailer = serde_json::to_vec(&trailer)?;
    let length = u32::try_from(trailer.len())?.to_le_bytes();
    Ok([code, &trailer, &length, magic].concat())
}

/// Every engine's description is given another default port.
fn with_another_port(trailer: &mut Value) {
    for own in trailer["descriptions"].as_array_mut().into_iter().flatten() {
        own["default_port"] = 4711.into();
    }
}

async fn world(plugins: &Path) -> Result<World> {
    World::with(Options {
        rotations: Rotations::ByHand,
        plugins: Some(plugins.to_owned()),
        ..Options::default()
    })
    .await
}

#[tokio::test]
async fn a_plugin_that_is_not_what_its_file_is_sealed_with_is_refused_with_both_answers()
-> Result<()> {
    let work = WorkDir::new()?;
    let file = work.path().join("postgres.cwasm");
    fs::write(&file, resealed(&fs::read(compiled("postgres")?)?, with_another_port)?)?;
    let world = world(work.path()).await?;
    world.create_secret("any", &Login::new("somebody", "hunter2-hunter2").secret(1)).await?;
    let token = world.begin("any").await?;
    let error = world.failure("createSecret", "any", &token).await?;
    assert_eq!(error.kind, "Windlass.Plugin.Description", "{}", error.message);
    let both = "`default_port` is sealed as 4711, and the plugin answers 5432";
    assert!(error.message.contains(both), "{}", error.message);
    Ok(())
}

#[tokio::test]
async fn the_signature_of_compiled_code_covers_what_it_is_sealed_with() -> Result<()> {
    let work = WorkDir::new()?;
    let path = |name: &str| work.path().join(name).to_string_lossy().into_owned();
    let (file, key) = (path("postgres.cwasm"), path("key.pem"));
    fs::copy(compiled("postgres")?, &file)?;
    for arguments in [&["sign", "--new-key", &key][..], &["sign", &file, "--key", &key]] {
        let ran = windlass(arguments, &[]).await?;
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
    let ran = windlass(&["inspect", &file], &[]).await?;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("sealed as  postgres "), "{}", ran.stdout);
    assert!(ran.stdout.contains("engine     aurora-postgresql\n"), "{}", ran.stdout);
    fs::write(&file, resealed(&fs::read(&file)?, with_another_port)?)?;
    let ran = windlass(&["inspect", &file], &[]).await?;
    assert_eq!(ran.code, Some(3), "{}", ran.stdout);
    assert!(ran.stderr.contains("the signature of its compiled code is not by"), "{}", ran.stderr);
    Ok(())
}

#[tokio::test]
async fn code_is_read_when_a_secret_needs_it_and_checked_before_it_is_loaded() -> Result<()> {
    let work = WorkDir::new()?;
    fs::copy(compiled("postgres")?, work.path().join("postgres.cwasm"))?;
    let mut damaged = fs::read(compiled("mysql")?)?;
    *damaged.get_mut(1000).context("a plugin has code")? ^= 1;
    fs::write(work.path().join("mysql.cwasm"), damaged)?;
    let world = world(work.path()).await?;

    let login = Login::new("somebody", "hunter2-hunter2");
    world.create_secret("sound", &login.secret(1)).await?;
    let token = world.begin("sound").await?;
    world.steps(&["createSecret"], "sound", &token).await?;

    let mut secret = login.secret(1);
    secret["engine"] = "mysql".into();
    world.create_secret("damaged", &secret).await?;
    let token = world.begin("damaged").await?;
    for _ in 0..2 {
        let error = world.failure("createSecret", "damaged", &token).await?;
        assert_eq!(error.kind, "Windlass.Operator.PluginArtifact", "{}", error.message);
        assert!(error.message.contains("mysql.cwasm` can't be loaded: it is damaged"));
    }
    Ok(())
}
