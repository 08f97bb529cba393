//! From a file to a plugin that can be called: the artifact gate, the shape of the component, and
//! what it says about itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{Component, Instance, InstancePre, Linker};

use super::admission::Admission;
use super::artifact::Trailer;
#[cfg(feature = "cli")]
use super::bindings::assessor::AssessorIndices;
use super::bindings::exports::windlass::plugin::{metadata, password};
use super::bindings::{PasswordPlugin, PasswordPluginIndices};
use super::call::{CallState, run};
use super::code::Code;
use super::description::{asks_for, descriptions, differences};
use super::limits::DESCRIPTION_ENTRIES;
use super::{ArtifactProblem, PluginError, Runtime};
use crate::digest::Digest;
use crate::grants::GrantPattern;
use crate::redact::Redactor;
use crate::rotation::ports::Description;

/// The version of the interface that this host speaks.
pub const INTERFACE_VERSION: &str = "0.1.0";

/// The package, and what of its version must be the same: a host of 0.1 loads 0.1.x.
const PACKAGE: &str = "windlass:plugin/";
const COMPATIBLE: &str = "@0.1.";

/// What a component may import. Interfaces that hold types only are listed for toolchains that
/// import them all the same.
const IMPORTS: [&str; 3] = ["network", "system", "credentials"];

/// What a password plugin exports.
const EXPORTS: [&str; 2] = ["metadata", "password"];

/// What it may export besides.
#[cfg(feature = "cli")]
const ASSESSMENT: &str = "assessment";

/// A plugin, ready to be called.
pub struct Loaded {
    /// Where it came from.
    pub path: PathBuf,
    /// SHA-256 of the component.
    pub sha256: Digest,
    /// What it says about itself, with its first engine.
    pub description: Arc<Description>,
    /// What it says of each of its engines, in their order.
    pub descriptions: Vec<Arc<Description>>,
    /// [`Description::network`], parsed.
    pub asks_for: Vec<GrantPattern>,
    pub(super) runtime: Runtime,
    pub(super) pre: InstancePre<CallState>,
    pub(super) exports: PasswordPluginIndices,
    /// The optional interface, where the plugin has it.
    #[cfg(feature = "cli")]
    pub(super) assessor: Option<AssessorIndices>,
}

/// What a component imports and exports, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Imported instances and functions.
    pub imports: Vec<String>,
    /// Exported instances and functions.
    pub exports: Vec<String>,
}

impl Shape {
    /// Whether this host would take a component with these names. Whether their types fit is found
    /// out when it is loaded.
    ///
    /// # Errors
    /// Why not.
    #[cfg(feature = "cli")]
    pub fn fits(&self) -> Result<(), ArtifactProblem> {
        check(self)
    }

    /// Whether the optional interface `assessment` is there.
    #[cfg(feature = "cli")]
    pub fn has_assessment(&self) -> bool {
        self.exports.iter().any(|export| {
            export.strip_prefix(PACKAGE).is_some_and(|rest| split_version(rest).0 == ASSESSMENT)
        })
    }
}

impl Loaded {
    /// Loads a compiled plugin. `sealed` is its trailer as it was at the start: the file must still
    /// be the same.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub async fn from_file(
        runtime: &Runtime,
        path: &Path,
        admission: &Admission,
        sealed: Option<&Trailer>,
    ) -> Result<Arc<Self>, PluginError> {
        let rejected = |problem| PluginError::Artifact { path: path.to_owned(), problem };
        let (code, trailer) = Code::copied(path).map_err(rejected)?;
        if sealed.is_some_and(|sealed| *sealed != trailer) {
            return Err(PluginError::Replaced { path: path.to_owned() });
        }
        admission.of_compiled(&stem(path), &trailer).map_err(rejected)?;
        let component = code.load(runtime.wasmtime()).map_err(|error| {
            rejected(ArtifactProblem::Rejected(format!("{error:#}; compile it again")))
        })?;
        let plugin =
            Self::from_component(runtime, &component, path, trailer.component_sha256).await?;
        admission.pinned(&plugin.description.name, plugin.sha256).map_err(rejected)?;
        plugin.answers_as_sealed(trailer.descriptions)?;
        Ok(plugin)
    }

    /// Makes sure that the plugin's description of itself equals the sealed one, if there is one.
    fn answers_as_sealed(&self, sealed: Vec<Description>) -> Result<(), PluginError> {
        let sealed: Vec<Arc<Description>> = sealed.into_iter().map(Arc::new).collect();
        if sealed.is_empty() || sealed == self.descriptions {
            return Ok(());
        }
        let differences = differences(&sealed, &self.descriptions);
        Err(PluginError::OtherThanSealed { path: self.path.clone(), differences })
    }

    /// Checks a component and asks it what it is.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub async fn from_component(
        runtime: &Runtime,
        component: &Component,
        path: &Path,
        sha256: Digest,
    ) -> Result<Arc<Self>, PluginError> {
        let rejected = |problem| PluginError::Artifact { path: path.to_owned(), problem };
        let shape = shape(component);
        check(&shape).map_err(rejected)?;
        // The names fit and the types don't: another state of the same version.
        let unfit = |error: wasmtime::Error| {
            let why = format!("{error:#}; build it again with this version's SDK");
            rejected(ArtifactProblem::Rejected(why))
        };
        let pre = instance_pre(runtime, component).map_err(unfit)?;
        let exports = PasswordPluginIndices::new(&pre).map_err(unfit)?;
        #[cfg(feature = "cli")]
        let assessor = shape
            .has_assessment()
            .then(|| AssessorIndices::new(&pre))
            .transpose()
            .map_err(unfit)?;
        let file = stem(path);
        let state = CallState::without_network(&file);
        let no_secrets = Redactor::default();
        let describe = async |store: &mut Store<CallState>, instance: &Instance| {
            describe(store, &exports, instance).await
        };
        let described = run(runtime, &pre, state, &file, "describe", &no_secrets, describe).await?;
        let (own, profiles) = described.answer;
        let descriptions = descriptions(&own, profiles, path)?;
        let Some(description) = descriptions.first().cloned() else {
            return Err(PluginError::Sandbox("a plugin without an engine".to_owned()));
        };
        let asks_for = asks_for(&description, path)?;
        Ok(Arc::new(Self {
            path: path.to_owned(),
            sha256,
            description,
            descriptions,
            asks_for,
            runtime: runtime.clone(),
            pre,
            exports,
            #[cfg(feature = "cli")]
            assessor,
        }))
    }
}

impl Loaded {
    /// What a file of this plugin is sealed with.
    #[cfg(feature = "cli")]
    pub fn sealed_descriptions(&self) -> Vec<Description> {
        self.descriptions.iter().map(|own| Description::clone(own)).collect()
    }

    /// What it says of this engine, or, of one that it did not speak of, what it says of its first.
    pub fn description_for(&self, engine: &str) -> &Arc<Description> {
        let mut each = self.description.engines.iter().zip(&self.descriptions);
        each.find(|(served, _)| *served == engine).map_or(&self.description, |(_, own)| own)
    }
}

/// The file's name without its ending.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

fn instance_pre(
    runtime: &Runtime,
    component: &Component,
) -> wasmtime::Result<InstancePre<CallState>> {
    let mut linker = Linker::new(runtime.wasmtime());
    PasswordPlugin::add_to_linker::<_, wasmtime::component::HasSelf<CallState>>(
        &mut linker,
        |state| state,
    )?;
    linker.instantiate_pre(component)
}

async fn describe(
    store: &mut Store<CallState>,
    exports: &PasswordPluginIndices,
    instance: &Instance,
) -> wasmtime::Result<(metadata::Description, Vec<password::Profile>)> {
    let plugin = exports.load(&mut *store, instance)?;
    let own = plugin.windlass_plugin_metadata().call_describe(&mut *store).await?;
    let passwords = plugin.windlass_plugin_password();
    let mut profiles = Vec::new();
    // A list that is too long is refused by its length.
    for engine in own.engines.iter().take(DESCRIPTION_ENTRIES) {
        profiles.push(passwords.call_describe_passwords(&mut *store, engine).await?);
    }
    Ok((own, profiles))
}

/// What a component imports and exports.
pub fn shape(component: &Component) -> Shape {
    let engine = component.engine();
    let component = component.component_type();
    Shape {
        imports: component.imports(engine).map(|(name, _)| name.to_owned()).collect(),
        exports: component.exports(engine).map(|(name, _)| name.to_owned()).collect(),
    }
}

/// Nothing foreign is imported and the interface is there, in a version that fits.
pub(super) fn check(shape: &Shape) -> Result<(), ArtifactProblem> {
    for import in &shape.imports {
        let Some(interface) = import.strip_prefix(PACKAGE) else {
            return Err(ArtifactProblem::ForeignImport { import: import.clone() });
        };
        let (name, version) = split_version(interface);
        if !IMPORTS.contains(&name) {
            return Err(ArtifactProblem::ForeignImport { import: import.clone() });
        }
        if !version.starts_with(COMPATIBLE) {
            return Err(other_interface(import));
        }
    }
    for wanted in EXPORTS {
        let versions: Vec<&String> = shape
            .exports
            .iter()
            .filter(|export| {
                export.strip_prefix(PACKAGE).is_some_and(|rest| split_version(rest).0 == wanted)
            })
            .collect();
        if versions.iter().any(|export| export.contains(COMPATIBLE)) {
            continue;
        }
        return Err(match versions.first() {
            Some(export) => other_interface(export),
            None => ArtifactProblem::MissingExport {
                export: format!("{PACKAGE}{wanted}@{INTERFACE_VERSION}"),
            },
        });
    }
    Ok(())
}

fn other_interface(found: &str) -> ArtifactProblem {
    ArtifactProblem::OtherInterface { found: found.to_owned(), ours: INTERFACE_VERSION }
}

/// Splits `network@0.1.0` into `network` and `@0.1.0`.
fn split_version(interface: &str) -> (&str, &str) {
    interface.split_at_checked(interface.find('@').unwrap_or(interface.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(imports: &[&str], exports: &[&str]) -> Option<String> {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        check(&Shape { imports: own(imports), exports: own(exports) })
            .err()
            .map(|problem| problem.to_string())
    }

    #[test]
    fn the_name_of_a_file_is_what_its_pin_is_for() {
        assert_eq!(stem(Path::new("/opt/plugins/postgres.cwasm")), "postgres");
        assert_eq!(stem(Path::new("..")), "");
    }

    #[test]
    fn a_component_may_import_our_interface_in_our_version_and_nothing_else() {
        let exports = &["windlass:plugin/metadata@0.1.0", "windlass:plugin/password@0.1.2"][..];
        assert_eq!(problem(&["windlass:plugin/network@0.1.7"], exports), None);
        for (import, expected) in [
            ("wasi:filesystem/types@0.2.3", "imports `wasi:filesystem/types@0.2.3`"),
            ("windlass:plugin/files@0.1.0", "imports `windlass:plugin/files@0.1.0`"),
            ("evil", "imports `evil`"),
            ("windlass:plugin/network@0.2.0", "built against `windlass:plugin/network@0.2.0`"),
            ("windlass:plugin/network", "built against `windlass:plugin/network`"),
        ] {
            let problem = problem(&[import], exports).expect(import);
            assert!(problem.contains(expected), "{problem}");
        }
        let other = &["windlass:plugin/metadata@0.2.0", "windlass:plugin/password@0.2.0"];
        assert!(problem(&[], other).unwrap().contains("metadata@0.2.0"));
        assert!(problem(&[], &exports[..1]).unwrap().contains("password@0.1.0"));
    }
}
