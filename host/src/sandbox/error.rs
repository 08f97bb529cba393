//! What is wrong with a plugin.

use std::path::PathBuf;

use super::limits::LimitReached;
use super::remedy;
use crate::digest::Digest;
use crate::error_type::ErrorType;
use crate::rotation::ports::PluginFault;
use crate::signature::PublicKey;

/// A plugin that can't be used or did not behave.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// The folder of plugins can't be read.
    #[error("failed to read the plugin folder `{}`", path.display())]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The configuration speaks of a plugin that is not there.
    #[error(
        "windlass.toml has a table `plugins.{name}` and no such plugin is installed; installed are \
         {installed}. Correct the name, or remove the table"
    )]
    PolicyOfNone {
        /// The name in the file.
        name: String,
        /// Plugins and their engines.
        installed: String,
    },
    /// Two files hold plugins of one name.
    #[error("`{}` and `{}` are both plugin `{name}`; remove one", first.display(), second.display())]
    SameName {
        /// The name.
        name: String,
        /// One file.
        first: PathBuf,
        /// Another.
        second: PathBuf,
    },
    /// The file is not a plugin that this host can run.
    #[error("`{}` can't be loaded: {problem}", path.display())]
    Artifact {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: ArtifactProblem,
    },
    /// The plugin called for something that ends a call.
    #[error("plugin `{plugin}` was stopped in `{operation}`: {limit}; {}", stay_within(operation))]
    Limit {
        /// The plugin's name.
        plugin: String,
        /// `describe`, `verify` or `change`.
        operation: &'static str,
        /// Which limit.
        limit: LimitReached,
    },
    /// The plugin crashed.
    #[error(
        "plugin `{plugin}` crashed in `{operation}`: {cause}; its last log lines may say more; \
         report it to its author"
    )]
    Crashed {
        /// The plugin's name.
        plugin: String,
        /// `describe`, `verify` or `change`.
        operation: &'static str,
        /// The trap, scrubbed.
        cause: String,
    },
    /// What the plugin says about itself can't be.
    #[error(
        "`{}` has an invalid description: {why}; its author has to correct what `describe` or \
         `describe-passwords` returns",
        path.display()
    )]
    Description {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The component answers something else than its file is sealed with.
    #[error(
        "`{}` is sealed as another plugin than it is: {differences}; compile it again from its \
         component",
        path.display()
    )]
    OtherThanSealed {
        /// Which file.
        path: PathBuf,
        /// What differs, with both answers.
        differences: String,
    },
    /// The file is another one than at the start.
    #[error("`{}` was replaced after the start of this process; start it again", path.display())]
    Replaced {
        /// Which file.
        path: PathBuf,
    },
    /// The sandbox could not be set up. A fault of this product or of the machine.
    #[error("the sandbox could not be set up: {0}")]
    Sandbox(String),
}

/// Why a file is not a plugin that this host can run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactProblem {
    /// It can't be read.
    #[error("{0}")]
    Unreadable(String),
    /// It is a component or module that was not compiled.
    #[error("it is WebAssembly that was not compiled yet; run `windlass compile` on it")]
    NotCompiled,
    /// It is neither a component nor compiled.
    #[error("it is not WebAssembly; it must be a component, as `windlass build` writes it")]
    NotWebAssembly,
    /// It is a core module.
    #[error(
        "it is a core module and not a component; run `windlass build` on its crate, which makes \
         one of it"
    )]
    CoreModule,
    /// It was not made by `windlass compile`.
    #[error("it was not made by `windlass compile`, or its end is missing; compile it again")]
    Foreign,
    /// What it says about itself is too long.
    #[error(
        "what it says about itself has {size} bytes as JSON and the limit is {limit}; shorten its \
         description"
    )]
    Talkative {
        /// How much it is.
        size: u64,
        /// How much it may be.
        limit: u64,
    },
    /// Its length or digest is not what it says.
    #[error("it is damaged (truncated or changed after it was compiled); compile it again")]
    Damaged,
    /// It was made by another version.
    #[error(
        "it was compiled by Windlass {found} and this is {ours}; compile it again with `windlass \
         compile` of this version"
    )]
    OtherVersion {
        /// The version that compiled it.
        found: String,
        /// This version.
        ours: String,
    },
    /// It was made for another kind of machine.
    #[error(
        "it was compiled for {found} and this machine is {ours}; run `windlass compile --target \
         {ours}`"
    )]
    OtherTarget {
        /// Its target.
        found: String,
        /// This machine's.
        ours: String,
    },
    /// It is larger than any plugin should be.
    #[error("it has {size} bytes and the limit is {limit}")]
    TooLarge {
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// It imports something that is not in the interface.
    #[error(
        "it imports `{import}`, and a plugin may import windlass:plugin/network and \
         windlass:plugin/system and nothing else; {}",
        remedy::for_import(import)
    )]
    ForeignImport {
        /// The import.
        import: String,
    },
    /// It was built against another version of the interface.
    #[error(
        "it was built against `{found}` and this host speaks windlass:plugin@{ours}; build it \
         against that version, or install the host that fits it"
    )]
    OtherInterface {
        /// The import or export with its version.
        found: String,
        /// The version that this host speaks.
        ours: &'static str,
    },
    /// It lacks an export.
    #[error(
        "it does not export `{export}`, so it is not a password plugin; in Rust, \
         `windlass_sdk::export!` exports it"
    )]
    MissingExport {
        /// The export.
        export: String,
    },
    /// The configuration pins another component.
    #[error(
        "windlass.toml pins plugin `{name}` to the component with sha256 {pinned} and this is \
         {found}; install what is pinned, or, if the change is meant, pin the new one"
    )]
    NotThePinned {
        /// The plugin's name, or that of its file.
        name: String,
        /// What it must be.
        pinned: Digest,
        /// What it is.
        found: Digest,
    },
    /// It has no signature and must have one.
    #[error(
        "its {what} is not signed, and a signature is asked for ({key_of}); see `windlass sign`"
    )]
    Unsigned {
        /// The component, or what it was compiled to.
        what: &'static str,
        /// The list that asks for it.
        key_of: &'static str,
    },
    /// It is signed by somebody else.
    #[error("its {what} is signed by {key}, which is not one of the keys asked for ({key_of})")]
    SignedByAnother {
        /// The component, or what it was compiled to.
        what: &'static str,
        /// The list that asks for it.
        key_of: &'static str,
        /// Whose signature it has.
        key: PublicKey,
    },
    /// Its signature is not one of it.
    #[error(
        "the signature of its {what} is not by {key}, which it names, or the {what} was changed \
         after \
         it was signed; get it again from its author"
    )]
    BadSignature {
        /// The component, or what it was compiled to.
        what: &'static str,
        /// Whose signature it claims to be.
        key: PublicKey,
    },
    /// The sandbox refused it, or no component could be made of it.
    #[error("{}", remedy::for_rejection(.0))]
    Rejected(String),
}

impl PluginError {
    /// The stable name of this kind of failure.
    pub fn error_type(&self) -> ErrorType {
        match self {
            Self::Folder { .. } | Self::PolicyOfNone { .. } | Self::SameName { .. } => {
                ErrorType::Plugin
            }
            Self::Artifact { .. } | Self::Replaced { .. } => ErrorType::PluginArtifact,
            Self::Limit { .. } => ErrorType::Limit,
            Self::Crashed { .. } => ErrorType::Crashed,
            Self::Description { .. } | Self::OtherThanSealed { .. } => ErrorType::Description,
            Self::Sandbox(_) => ErrorType::Sandbox,
        }
    }
}

impl From<PluginError> for PluginFault {
    fn from(error: PluginError) -> Self {
        Self::new(error.error_type(), error)
    }
}

/// Who installs a plugin can't repair it. Who builds one learns of its limits first, when it is
/// asked what it is.
fn stay_within(operation: &str) -> &'static str {
    match operation {
        "describe" => {
            "the limit is the same in every installation of Windlass, so its author has to build \
             it \
             within that"
        }
        _ => "report it to its author",
    }
}
