//! Components compiled ahead of time, for this machine or another target.

use super::component::Gate;
use super::load::check;
use super::runtime::{HOST_TARGET, config};
use super::{ArtifactProblem, artifact, component};
use crate::signature::Signature;

/// Compiles a component and seals it with its trailer, which carries the component's signature along.
///
/// # Errors
/// If it is not a component that the host would load, or the target is not one that can be compiled
/// for.
pub fn compile(
    component_bytes: &[u8],
    target: Option<&str>,
    gate: Gate,
    signature: Option<Signature>,
) -> Result<Vec<u8>, ArtifactProblem> {
    let shape = component::shape(component_bytes)?;
    if gate == Gate::Closed {
        check(&shape)?;
    }
    let rejected = |error: wasmtime::Error| ArtifactProblem::Rejected(format!("{error:#}"));
    let target = target.unwrap_or(HOST_TARGET);
    let engine =
        wasmtime::Engine::new(&config(Some(target)).map_err(rejected)?).map_err(rejected)?;
    let compiled = engine.precompile_component(component_bytes).map_err(rejected)?;
    let mut trailer = artifact::Trailer::new(component_bytes, &compiled, target);
    trailer.component_signature = signature;
    artifact::seal(&compiled, &trailer)
        .map_err(|error| ArtifactProblem::Rejected(error.to_string()))
}
