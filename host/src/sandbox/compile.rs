//! Components compiled ahead of time, for this machine or another target.

use super::runtime::config;
use super::{ArtifactProblem, artifact};
use crate::rotation::ports::Description;
use crate::signature::Signature;

/// Compiles a component to machine code for a target triple.
///
/// # Errors
/// If it is not a component, or the target is not one that can be compiled for.
pub fn compile(component_bytes: &[u8], target: &str) -> Result<Vec<u8>, ArtifactProblem> {
    let rejected = |error: wasmtime::Error| ArtifactProblem::Rejected(format!("{error:#}"));
    let config = config(Some(target)).map_err(rejected)?;
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
    target: &str,
    descriptions: Vec<Description>,
    signature: Option<Signature>,
) -> Result<Vec<u8>, ArtifactProblem> {
    let mut trailer = artifact::Trailer::new(component_bytes, code, target);
    trailer.component_signature = signature;
    trailer.descriptions = descriptions;
    artifact::seal(code, &trailer)
}
