//! Components compiled ahead of time, for this machine or another target.

use super::component::Gate;
use super::load::check;
use super::runtime::{HOST_TARGET, config};
use super::{ArtifactProblem, artifact, component};
use crate::rotation::ports::Description;
use crate::signature::Signature;

/// Compiles a component to machine code.
///
/// # Errors
/// If it is not a component that the host would load, or the target is not one that can be compiled
/// for.
pub fn compile(
    component_bytes: &[u8],
    target: Option<&str>,
    gate: Gate,
) -> Result<Vec<u8>, ArtifactProblem> {
    let shape = component::shape(component_bytes)?;
    if gate == Gate::Closed {
        check(&shape)?;
    }
    let rejected = |error: wasmtime::Error| ArtifactProblem::Rejected(format!("{error:#}"));
    let config = config(Some(target.unwrap_or(HOST_TARGET))).map_err(rejected)?;
    let engine = wasmtime::Engine::new(&config).map_err(rejected)?;
    engine.precompile_component(component_bytes).map_err(rejected)
}

/// Seals machine code with what its component says about itself, and with the component's signature.
///
/// # Errors
/// If the trailer can't be written.
pub fn seal(
    component_bytes: &[u8],
    code: &[u8],
    target: Option<&str>,
    descriptions: Vec<Description>,
    signature: Option<Signature>,
) -> Result<Vec<u8>, ArtifactProblem> {
    let target = target.unwrap_or(HOST_TARGET);
    let mut trailer = artifact::Trailer::new(component_bytes, code, target);
    trailer.component_signature = signature;
    trailer.descriptions = descriptions;
    artifact::seal(code, &trailer).map_err(|error| ArtifactProblem::Rejected(error.to_string()))
}
