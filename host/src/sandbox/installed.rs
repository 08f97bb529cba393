//! The installed plugins: known from their seals, loaded when a secret needs them.
//!
//! At the start the trailer of every file is read, and nothing of its code: names, engines, rules for
//! passwords, pins and signatures are decided there, so the start does not grow with the number of
//! plugins. The code of a plugin is read, checked against its digest, loaded and asked what it is when the
//! first secret needs it, once, and kept; a plugin that answers something else than it is sealed with
//! is refused. A single plugin is loaded at the start, and so is one whose file does not say what it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::artifact::{self, Trailer};
use super::description::{asks_for, checked};
use super::egress::ResolvedNames;
use super::error::PluginError;
use super::load::{Loaded, stem};
use super::runtime::Runtime;
use super::service::PluginService;
use super::settings::Settings;
use crate::grants::{GrantPattern, Grants};
use crate::network::Deadline;
use crate::redact::Redactor;
use crate::rotation::ports::{Catalog, Description, PluginFault};

/// The installed plugins for the time of one step.
#[derive(Clone)]
pub struct InstalledPlugins {
    plugins: Arc<[Installed]>,
    folders: Arc<[PathBuf]>,
    runtime: Runtime,
    settings: Arc<Settings>,
    names: Arc<ResolvedNames>,
    redactor: Arc<Redactor>,
    deadline: Deadline,
}

/// One plugin, whether or not it is loaded.
struct Installed {
    path: PathBuf,
    /// One for each engine, in their order.
    descriptions: Vec<Arc<Description>>,
    asks_for: Vec<GrantPattern>,
    /// What the file was sealed with.
    trailer: Option<Trailer>,
    loaded: OnceCell<Arc<Loaded>>,
}

impl Installed {
    /// What a file's trailer says, if that is enough to choose the plugin by; else the plugin is loaded.
    async fn from_file(
        runtime: &Runtime,
        path: &Path,
        settings: &Settings,
    ) -> Result<Self, PluginError> {
        let rejected = |problem| PluginError::Artifact { path: path.to_owned(), problem };
        let admission = &settings.admission;
        let trailer = artifact::read_trailer(path).map_err(rejected)?;
        admission.of_compiled(&stem(path), &trailer).map_err(rejected)?;
        if trailer.descriptions.is_empty() {
            return Ok(Self::loaded(Loaded::from_file(runtime, path, admission, None).await?));
        }
        let descriptions = checked(trailer.descriptions.clone(), path)?;
        let own = Self {
            path: path.to_owned(),
            asks_for: asks_for(first(&descriptions)?, path)?,
            descriptions,
            trailer: Some(trailer),
            loaded: OnceCell::new(),
        };
        let sha256 = own.trailer.as_ref().map(|trailer| trailer.component_sha256);
        if let Some(sha256) = sha256 {
            admission.pinned(&own.description()?.name, sha256).map_err(rejected)?;
        }
        Ok(own)
    }

    fn loaded(plugin: Arc<Loaded>) -> Self {
        Self {
            path: plugin.path.clone(),
            descriptions: plugin.descriptions.clone(),
            asks_for: plugin.asks_for.clone(),
            trailer: None,
            loaded: OnceCell::new_with(Some(plugin)),
        }
    }

    /// What it says of its first engine.
    fn description(&self) -> Result<&Arc<Description>, PluginError> {
        first(&self.descriptions)
    }

    fn is(&self, name: &str) -> bool {
        self.descriptions.first().is_some_and(|own| own.name == name)
    }

    /// What it says of this engine, or, of one that it does not serve, what it says of its first.
    fn description_for(&self, engine: &str) -> Result<&Arc<Description>, PluginError> {
        let first = self.description()?;
        let mut each = first.engines.iter().zip(&self.descriptions);
        Ok(each.find(|(served, _)| *served == engine).map_or(first, |(_, own)| own))
    }

    /// The plugin, loaded if it is not yet. Two that need it at once load it once.
    async fn load(
        &self,
        runtime: &Runtime,
        settings: &Settings,
    ) -> Result<&Arc<Loaded>, PluginError> {
        let load =
            || Loaded::from_file(runtime, &self.path, &settings.admission, self.trailer.as_ref());
        self.loaded.get_or_try_init(load).await
    }
}

fn first(descriptions: &[Arc<Description>]) -> Result<&Arc<Description>, PluginError> {
    let none = || PluginError::Sandbox("a plugin without an engine".to_owned());
    descriptions.first().ok_or_else(none)
}

impl InstalledPlugins {
    /// Reads the seal of every `*.cwasm` file of the folders. Folders that do not exist are passed
    /// over.
    ///
    /// # Errors
    /// The first plugin that can't be used: a rotation must not quietly go to another one; or if two
    /// have the same name, or the configuration names one that is not installed.
    pub async fn open(
        runtime: &Runtime,
        folders: &[PathBuf],
        settings: Settings,
    ) -> Result<Self, PluginError> {
        settings.admission.warn_of_claims();
        let mut plugins: Vec<Installed> = Vec::new();
        for folder in folders {
            for file in compiled_files(folder)? {
                let plugin = Installed::from_file(runtime, &file, &settings).await?;
                let name = plugin.description()?.name.clone();
                if let Some(other) = plugins.iter().find(|other| other.is(&name)) {
                    let (first, second) = (other.path.clone(), plugin.path);
                    return Err(PluginError::SameName { name, first, second });
                }
                plugins.push(plugin);
            }
        }
        let names: Vec<&str> = plugins
            .iter()
            .filter_map(|plugin| plugin.descriptions.first())
            .map(|own| own.name.as_str())
            .collect();
        if let Some(name) = settings.admission.missing(&names).map(str::to_owned) {
            return Err(PluginError::PolicyOfNone { name, installed: list(&plugins) });
        }
        if let [only] = plugins.as_slice() {
            only.load(runtime, &settings).await?;
        }
        Ok(Self {
            plugins: plugins.into(),
            folders: folders.into(),
            runtime: runtime.clone(),
            settings: Arc::new(settings),
            names: Arc::default(),
            redactor: Arc::default(),
            deadline: Deadline::default(),
        })
    }

    /// The same plugins for another step, which resolves names anew, has its own time and its own
    /// secrets.
    #[must_use]
    pub(crate) fn for_step(&self, deadline: Deadline, redactor: Arc<Redactor>) -> Self {
        Self { names: Arc::default(), deadline, redactor, ..self.clone() }
    }
}

impl Catalog for InstalledPlugins {
    type Service = PluginService;

    fn plugins(&self) -> Vec<&Description> {
        let first = self.plugins.iter().filter_map(|plugin| plugin.descriptions.first());
        first.map(AsRef::as_ref).collect()
    }

    fn descriptions(&self) -> impl Iterator<Item = &Description> {
        self.plugins.iter().flat_map(|plugin| plugin.descriptions.iter().map(AsRef::as_ref))
    }

    fn location(&self) -> String {
        let folders = self.folders.iter().map(|folder| format!("`{}`", folder.display()));
        folders.collect::<Vec<_>>().join(", ")
    }

    async fn open(&self, plugin: &str, engine: &str) -> Result<PluginService, PluginFault> {
        let installed = self.plugins.iter().find(|one| one.is(plugin));
        let missing = || PluginError::Sandbox(format!("no plugin `{plugin}` is installed"));
        let installed = installed.ok_or_else(missing)?;
        let loaded = installed.load(&self.runtime, &self.settings).await?;
        Ok(PluginService {
            plugin: Arc::clone(loaded),
            description: Arc::clone(installed.description_for(engine)?),
            grants: Arc::new(Grants {
                asked: installed.asks_for.clone(),
                granted: self.settings.granted_to(plugin),
                runtime_api: self.settings.runtime_api.clone(),
                on_lambda: self.settings.on_lambda,
            }),
            tls: self.settings.tls.clone(),
            names: Arc::clone(&self.names),
            redactor: Arc::clone(&self.redactor),
            deadline: self.deadline,
        })
    }
}

/// Plugins and their engines, for messages.
fn list(plugins: &[Installed]) -> String {
    let each = plugins.iter().filter_map(|plugin| plugin.descriptions.first());
    let each = each.map(|own| format!("`{}` ({})", own.name, own.engines.join(", ")));
    each.collect::<Vec<_>>().join(", ")
}

fn compiled_files(folder: &Path) -> Result<Vec<PathBuf>, PluginError> {
    let failed = |source| PluginError::Folder { path: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "cwasm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
