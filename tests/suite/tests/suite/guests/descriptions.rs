//! Guests that are no plugins, or not what they say.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use windlass_harness::{Artifact, WorkDir};
use windlass_suite::{Login, Options, World, golden, guests, plugins_with, windlass};

use super::den::{Den, PASSWORD, compiled, component, steady};

/// What the function says of a guest that it does not load.
async fn not_loaded(guest: &str) -> Result<()> {
    let error = Den::start(guest).await?.is_not_loaded().await?;
    let told = format!("{}: {}\n", error.kind, steady(&error.message));
    golden(&format!("guests/{guest}.txt"), &told)
}

/// The same, and our own tools refuse it with the same words.
async fn refused_by_all(guest: &str) -> Result<()> {
    not_loaded(guest).await?;
    let source = guests()?.join(format!("{guest}.wasm"));
    let inspected = windlass(&["inspect", &source.to_string_lossy()], &[]).await?;
    let compiled = windlass(&["compile", &source.to_string_lossy()], &[]).await?;
    for ran in [&inspected, &compiled] {
        ensure!(ran.code == Some(3), "{guest}: {:?} {}", ran.code, ran.stderr);
    }
    assert_eq!(inspected.stderr, compiled.stderr);
    Ok(())
}

/// Computing without end when it is asked what it is: an error to every event and no hang.
#[tokio::test]
pub(super) async fn broods() -> Result<()> {
    not_loaded("broods").await
}

/// Another version of the interface.
#[tokio::test]
pub(super) async fn ahead() -> Result<()> {
    refused_by_all("ahead").await
}

/// WASI's environment is not there.
#[tokio::test]
pub(super) async fn wasi_environment() -> Result<()> {
    refused_by_all("wasi-environment").await
}

/// WASI's files are not there.
#[tokio::test]
pub(super) async fn wasi_files() -> Result<()> {
    refused_by_all("wasi-files").await
}

/// WASI's sockets are not there.
#[tokio::test]
pub(super) async fn wasi_sockets() -> Result<()> {
    refused_by_all("wasi-sockets").await
}

/// An engine that two plugins claim is nobody's until an operator chooses.
#[tokio::test]
pub(super) async fn impostor() -> Result<()> {
    let den = Den::start("impostor").await?;
    // Both serve `postgres`, so the neighbour is as far from its rotation as anybody.
    let token = den.world.begin("neighbour").await?;
    let error = den.world.failure("createSecret", "neighbour", &token).await?;
    golden("guests/impostor.txt", &format!("{}: {}\n", error.kind, error.message))?;
    den.world.drop_pending("neighbour", &token).await?;
    den.world.tag("neighbour", "windlass:plugin", "postgres").await?;
    den.is_none_the_worse().await
}

/// Where the guest's letter stands.
const MARK: &[u8] = b"the lie:";

/// What each letter of the guest makes of its description.
const LIES: [(char, &str); 30] = [
    ('a', "a name that is no word"),
    ('b', "a name of control characters"),
    ('c', "a name of 512 KiB"),
    ('d', "an engine that is no word"),
    ('e', "no engines"),
    ('f', "33 engines"),
    ('g', "33 places"),
    ('h', "every place"),
    ('i', "a place with a long name"),
    ('j', "a place of control characters"),
    ('k', "a version of 1 MiB"),
    ('l', "port 0"),
    ('m', "passwords of 4294967295 characters"),
    ('n', "passwords of a character too many"),
    ('o', "passwords of no characters"),
    ('p', "passwords longer than it takes"),
    ('q', "passwords of four characters"),
    ('r', "passwords of one letter"),
    ('s', "excluded characters of 600 bytes"),
    ('t', "default excluded characters of 600 bytes"),
    ('u', "account names of no bytes"),
    ('v', "a long suffix"),
    ('w', "a suffix that is a line break"),
    ('x', "alternating users without a suffix"),
    ('A', "a field that is the password"),
    ('B', "33 fields"),
    ('C', "a field with a long name"),
    ('D', "a digit in every password and no digits"),
    ('E', "characters of 600 bytes that no name has"),
    ('F', "a suffix that no name can have"),
];

/// The guest with another letter.
fn lying(letter: char) -> Result<Vec<u8>> {
    let mut component = component("lies")?;
    let mark = component.windows(MARK.len()).position(|part| part == MARK);
    let at = mark.context("the guest has no mark")? + MARK.len();
    *component.get_mut(at).context("the mark is cut off")? = letter as u8;
    Ok(component)
}

/// What can't be is told, before any secret is read; what is merely odd is taken.
#[tokio::test]
pub(super) async fn lies() -> Result<()> {
    let work = WorkDir::new()?;
    let path = work.path().join("lies.wasm");
    let file = path.to_string_lossy();
    let mut text = String::new();
    for (letter, lie) in LIES {
        std::fs::write(&path, lying(letter)?)?;
        let ran = windlass(&["inspect", &file], &[]).await?;
        ensure!(ran.code == Some(6), "{lie}: {:?} {}", ran.code, ran.stdout);
        writeln!(text, "# {lie}\n{}", steady(&ran.stderr.replace(&*file, "lies.wasm")))?;
    }
    golden("guests/lies.txt", &text)?;
    // True, and hard to believe: no limit of its own.
    for (letter, expected) in [('y', "characters, any length"), ('z', "names    any length")] {
        std::fs::write(&path, lying(letter)?)?;
        let ran = windlass(&["inspect", &file], &[]).await?;
        ensure!(ran.code == Some(0) && ran.stdout.contains(expected), "{ran:?}");
    }

    let lie = compiled(&work, "lies", &lying('m')?).await?;
    let error = Den::with_file("lies", &lie, Options::by_hand()).await?.is_not_loaded().await?;
    assert_eq!(error.kind, "Windlass.Plugin.Description");
    let odd = compiled(&work, "lies", &lying('y')?).await?;
    let den = Den::with_file("lies", &odd, Options::by_hand()).await?;
    den.tempt("odd", &json!({})).await?;
    assert_eq!(den.world.pending("odd").await?.password.len(), 32);
    den.is_none_the_worse().await
}

/// Questions to a guest with four answers: one of them fails to come up in all of these once in a
/// hundred million times.
const ATTEMPTS: usize = 64;

/// A plugin is held to what it is sealed with, and asked once in a process.
#[tokio::test]
pub(super) async fn fickle() -> Result<()> {
    let den = Den::start("fickle").await?;
    // Until it happens to answer what it is sealed with, it is refused.
    for attempt in 1..=ATTEMPTS {
        match den.tempt(&format!("attempt-{attempt}"), &json!({})).await {
            Ok(_) => break,
            Err(error) => {
                let refused = format!("{error:#}");
                assert!(refused.contains("is sealed as another plugin than it is"), "{refused}");
                ensure!(attempt < ATTEMPTS, "it never answers as it is sealed: {refused}");
            }
        }
    }
    let mut lengths = Vec::new();
    for secret in ["a", "b", "c", "d"] {
        den.tempt(secret, &json!({})).await?;
        lengths.push(den.world.pending(secret).await?.password.len());
    }
    assert_eq!(lengths, [lengths[0]; 4]);
    den.is_none_the_worse().await?;
    // It does answer differently: else this tests nothing.
    let component = guests()?.join("fickle.wasm");
    let mut answers = BTreeSet::new();
    for _ in 0..ATTEMPTS {
        let ran = windlass(&["inspect", &component.to_string_lossy()], &[]).await?;
        ensure!(ran.code == Some(0), "{}", ran.stderr);
        answers.insert(ran.stdout);
        if answers.len() > 1 {
            break;
        }
    }
    assert!(answers.len() > 1, "{ATTEMPTS} equal answers: {answers:?}");
    let compiled = Artifact::compiled_plugin(&guests()?, "fickle");
    for attempt in 1..=ATTEMPTS {
        let ran = windlass(&["inspect", "--trust", &compiled.to_string_lossy()], &[]).await?;
        if ran.code == Some(6) {
            assert!(ran.stderr.contains("is sealed as another plugin"), "{}", ran.stderr);
            break;
        }
        ensure!(attempt < ATTEMPTS, "it always answers as it is sealed");
    }
    Ok(())
}

/// A function with a guest that can't be loaded and nothing else: no other plugin is to blame.
#[tokio::test]
async fn a_guest_alone_is_refused_as_it_is_beside_others() -> Result<()> {
    let work = WorkDir::new()?;
    let guest = Artifact::compiled_plugin(&guests()?, "wasi-files");
    let plugins = plugins_with(&work.path().join("alone"), &[(&guest, "wasi-files.cwasm")])?;
    let options = Options { plugins: Some(plugins), ..Options::by_hand() };
    let world = World::with(options).await?;
    world.create_secret("any", &Login::new("somebody", PASSWORD).secret(1)).await?;
    let token = world.begin("any").await?;
    let error = world.failure("createSecret", "any", &token).await?;
    assert_eq!(error.kind, "Windlass.Operator.PluginArtifact", "{}", error.message);
    Ok(())
}
