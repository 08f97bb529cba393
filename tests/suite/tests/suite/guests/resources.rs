//! Guests that take more than there is: memory, computing, stack, randomness, the log.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use windlass_harness::WorkDir;
use windlass_suite::{Options, golden};

use super::den::{Den, compiled, component, steady};

/// Computing without end is stopped, although it never waits.
#[tokio::test]
pub(super) async fn spins() -> Result<()> {
    let mut den = Den::start("spins").await?;
    den.confess(&[("computes for ever", json!({}))]).await?;
    // The step may have less time than the plugin: then it is the step that ends.
    den.step_limit = Duration::from_secs(3);
    let error = den.sin("short", &json!({})).await?;
    assert_eq!(error.kind, "Windlass.Operator.OutOfTime", "{}", error.message);
    den.is_none_the_worse().await
}

/// The plugin gets no more memory than it may have, and the function stays small.
#[tokio::test]
pub(super) async fn hoards() -> Result<()> {
    let den = Den::start("hoards").await?;
    den.confess(&[("takes all memory", json!({}))]).await?;
    // What the plugin may have, and as much again for everything else in a debug build.
    let peak = den.world.function()?.measured()?.peak_memory;
    assert!(peak < 128 << 20, "{peak} bytes");
    Ok(())
}

/// The guest's component with core modules appended, each as often as said. They are instantiated
/// when the component is.
fn with_modules(guest: &str, modules: &[(&str, usize)]) -> Result<Vec<u8>> {
    /// Of the component's binary format.
    const CORE_MODULE: u8 = 1;
    const CORE_INSTANCE: u8 = 2;
    let mut component = component(guest)?;
    let there = sections(&component)?.iter().filter(|id| **id == CORE_MODULE).count();
    let package = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").context("no cargo")?);
    for (index, (module, times)) in (there..).zip(modules) {
        let path = package.join(format!("../guests/{guest}/{module}.wat"));
        let module = wat::parse_file(&path)?;
        component.push(CORE_MODULE);
        component.extend(leb128(module.len()));
        component.extend(module);
        // Each made of that module, with no arguments.
        let mut instances = leb128(*times);
        for _ in 0..*times {
            instances.push(0);
            instances.extend(leb128(index));
            instances.push(0);
        }
        component.push(CORE_INSTANCE);
        component.extend(leb128(instances.len()));
        component.extend(instances);
    }
    Ok(component)
}

/// The ids of a component's sections.
fn sections(component: &[u8]) -> Result<Vec<u8>> {
    let mut ids = Vec::new();
    let mut rest = component.get(8..).context("no header")?;
    while let [id, after @ ..] = rest {
        ids.push(*id);
        let (mut length, mut shift, mut at) = (0_usize, 0, 0);
        loop {
            let byte = *after.get(at).context("cut off")?;
            length |= usize::from(byte & 0x7f) << shift;
            (shift, at) = (shift + 7, at + 1);
            if byte & 0x80 == 0 {
                break;
            }
        }
        rest = after.get(at + length..).context("cut off")?;
    }
    Ok(ids)
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// What the function says of a guest with these modules.
async fn not_loaded(guest: &str, modules: &[(&str, usize)]) -> Result<String> {
    let work = WorkDir::new()?;
    let file = compiled(&work, guest, &with_modules(guest, modules)?).await?;
    let den = Den::with_file(guest, &file, Options::by_hand()).await?;
    let error = den.is_not_loaded().await?;
    Ok(format!("# {modules:?}\n{}: {}\n\n", error.kind, steady(&error.message)))
}

/// Tables are bounded, as memory is: their elements are the host's memory.
#[tokio::test]
pub(super) async fn grows() -> Result<()> {
    golden("guests/grows.txt", &not_loaded("grows", &[("grows", 1)]).await?)
}

/// Many small parts are no way around a limit of large ones.
#[tokio::test]
pub(super) async fn crowds() -> Result<()> {
    let mut text = String::new();
    let parts = ["memories", "tables", "large-memories", "large-tables"];
    for modules in [("instance", 65)].into_iter().chain(parts.map(|part| (part, 1))) {
        text += &not_loaded("crowds", &[modules]).await?;
    }
    golden("guests/crowds.txt", &text)?;
    // As many as Python's toolchain makes are no sin.
    let work = WorkDir::new()?;
    let file = compiled(&work, "crowds", &with_modules("crowds", &[("instance", 37)])?).await?;
    let den = Den::with_file("crowds", &file, Options::by_hand()).await?;
    let token = den.tempt("honest", &json!({})).await?;
    den.world.steps(&["setSecret", "testSecret", "finishSecret"], "honest", &token).await?;
    den.is_none_the_worse().await
}

/// A stack that is full ends the call and not the process.
#[tokio::test]
pub(super) async fn recurses() -> Result<()> {
    Den::start("recurses").await?.confess(&[("calls itself", json!({}))]).await?;
    Ok(())
}

/// A panic's words are in the log, without the passwords that stand in them.
#[tokio::test]
pub(super) async fn panics() -> Result<()> {
    let den = Den::start("panics").await?;
    den.confess(&[("panics", json!({}))]).await?;
    let said = den.said()?;
    let words =
        said.iter().find(|line| line.contains("panicked at")).context("nothing was said")?;
    assert!(words.ends_with("[redacted] was to become [redacted]"), "{words}");
    Ok(())
}

/// Randomness is bounded at once and in all.
#[tokio::test]
pub(super) async fn gambles() -> Result<()> {
    let den = Den::start("gambles").await?;
    let cases = [
        ("4 GiB at once", json!({ "piece": u32::MAX })),
        ("a byte too many at once", json!({ "piece": 4097 })),
        ("piece by piece", json!({ "piece": 4096 })),
    ];
    den.confess(&cases).await?;
    let said = den.said()?;
    assert_eq!(said.len(), 16, "64 KiB in pieces of 4: {said:?}");
    assert_eq!(said.last().map(String::as_str), Some("piece 16 of 4096 bytes"));
    Ok(())
}

/// The log takes so many lines of so many bytes, and says that it took no more.
#[tokio::test]
pub(super) async fn babbles() -> Result<()> {
    let den = Den::start("babbles").await?;
    den.confess(&[("floods the log", json!({}))]).await?;
    let said = den.said()?;
    let (last, lines) = said.split_last().context("nothing was said")?;
    assert_eq!(last, "the plugin's log is full; further lines are dropped");
    assert_eq!(lines.len(), 100);
    let longest = lines.iter().map(String::len).max();
    assert_eq!(longest, Some(2048 + "…".len()));
    Ok(())
}

/// Messages and codes are cut; what does not fit through a call at all ends it.
#[tokio::test]
pub(super) async fn rambles() -> Result<()> {
    let den = Den::start("rambles").await?;
    let bytes = |number: u32| json!({ "bytes": number });
    let cases = [("100 KB", bytes(100_000)), ("24 MiB", bytes(24 << 20))];
    let errors = den.confess(&cases).await?;
    ensure!(errors.iter().all(|error| error.message.len() < 4096), "too long");
    Ok(())
}

/// What a host function is handed is bounded, whichever it is.
#[tokio::test]
pub(super) async fn shoves() -> Result<()> {
    let peer = super::visited::Visited::start(super::visited::Manner::Listens).await?;
    let to = |function: &str| -> Value { json!({ "to": function, "port": peer.port() }) };
    let cases = ["log", "redirect", "write"].map(|function| (function, to(function)));
    let den = Den::start("shoves").await?;
    den.confess(&cases).await?;
    assert!(den.said()?.is_empty(), "something was taken");
    assert!(peer.all_left().await?.iter().all(|visit| visit.bytes.is_empty()));
    // Nothing of it stays: what was handed over was never copied.
    let peak = den.world.function()?.measured()?.peak_memory;
    assert!(peak < 128 << 20, "{peak} bytes");
    Ok(())
}

/// The text of each guest is a file, and each file is of a guest.
#[test]
fn every_golden_file_is_of_a_guest() -> Result<()> {
    let package = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").context("no cargo")?);
    for file in fs::read_dir(package.join("golden/guests"))?.flatten() {
        let guest = file.path().with_extension("");
        let guest = package.join("../guests").join(guest.file_name().context("no name")?);
        assert!(guest.is_dir(), "`{}` is of no guest", file.path().display());
    }
    Ok(())
}
