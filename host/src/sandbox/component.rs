//! Components made from what a compiler leaves: a core module with the interface in a custom
//! section.

use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::{Resolve, WorldId, WorldKey};

use super::ArtifactProblem;
use super::limits::COMPONENT_BYTES;
use super::load::{Shape, check};

/// Whether what the host would refuse to load is refused here already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// It is: whoever compiles hears of it.
    Closed,
    /// It is not, so that the refusal at loading can be tested.
    Open,
}

/// Makes a component of a core module, and unless the gate is open makes sure that this host would
/// take it.
///
/// # Errors
/// If the module has no interface in it, or the component would be refused.
pub fn encode(module: &[u8], gate: Gate) -> Result<Vec<u8>, ArtifactProblem> {
    bounded(module)?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| ArtifactProblem::Rejected(format!("{error:#}")))?;
    if gate == Gate::Closed {
        check(&shape(&component)?)?;
    }
    Ok(component)
}

/// Makes sure that a file is a component at all, judging by its first bytes.
///
/// # Errors
/// If it is something else.
pub fn is_component(bytes: &[u8]) -> Result<(), ArtifactProblem> {
    match bytes.strip_prefix(b"\0asm").and_then(|rest| rest.first_chunk::<4>()) {
        // Version, then layer: 0 for core modules, 1 for components.
        Some([_, _, 1, 0]) => Ok(()),
        Some(_) => Err(ArtifactProblem::CoreModule),
        None => Err(ArtifactProblem::NotWebAssembly),
    }
}

/// What a component imports and exports, without compiling it.
///
/// # Errors
/// If it is not a component.
pub fn shape(component: &[u8]) -> Result<Shape, ArtifactProblem> {
    is_component(component)?;
    bounded(component)?;
    let decoded = wit_component::decode(component)
        .map_err(|error| ArtifactProblem::Rejected(format!("{error:#}")))?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        return Err(ArtifactProblem::Rejected("it is a WIT package, not a plugin".to_owned()));
    };
    Ok(names(&resolve, world))
}

/// Before anything is made of it.
fn bounded(bytes: &[u8]) -> Result<(), ArtifactProblem> {
    let size = bytes.len() as u64;
    if size > COMPONENT_BYTES {
        return Err(ArtifactProblem::TooLarge { size, limit: COMPONENT_BYTES });
    }
    Ok(())
}

fn names(resolve: &Resolve, world: WorldId) -> Shape {
    let name = |key: &WorldKey| resolve.name_world_key(key);
    let Some(world) = resolve.worlds.get(world) else {
        return Shape { imports: Vec::new(), exports: Vec::new() };
    };
    Shape {
        imports: world.imports.keys().map(name).collect(),
        exports: world.exports.keys().map(name).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_the_interface_is_refused_unless_the_gate_is_open() {
        // The smallest module there is.
        let module = b"\0asm\x01\0\0\0";
        let problem = encode(module, Gate::Closed).unwrap_err();
        assert!(matches!(problem, ArtifactProblem::MissingExport { .. }), "{problem}");
        assert!(encode(module, Gate::Open).is_ok());
        let too_large = vec![0; usize::try_from(COMPONENT_BYTES).unwrap() + 1];
        let problem = encode(&too_large, Gate::Open).unwrap_err();
        assert!(matches!(problem, ArtifactProblem::TooLarge { .. }), "{problem}");
    }
}
