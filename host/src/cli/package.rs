//! `windlass package`.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::compiling::compile_and_ask;
use super::output::Output;
use super::sealed::{PluginFile, stem};
use super::{CommandError, files, sign};
use crate::config::{Config, FILE_NAME};
use crate::sandbox::admission::Admission;
use crate::sandbox::artifact::{self, Trailer};
use crate::sandbox::compile;
use crate::sandbox::component::Gate;
use crate::sandbox::{ArtifactProblem, PluginError};
use crate::signature::SigningKey;

/// Where the function looks for plugins in its package.
const PLUGIN_FOLDER: &str = "plugins";

/// Rights of the function's program, and of the other files.
const PROGRAM: u32 = 0o755;
const FILE: u32 = 0o644;

/// Put the function, its plugins and its windlass.toml into a zip for Lambda.
///
/// Components (.wasm) are compiled for the machine that the function was built for; compiled plugins
/// (.cwasm) have to be for it already. Everything is checked here that the function would refuse at
/// its start: pins, signatures, plugins that windlass.toml speaks of and that are not there. The same
/// files make the same zip.
///
/// --sign-with signs what is compiled here, and nothing else: what a .cwasm was compiled from, it says
/// itself, so it keeps the signature that it has, and is refused if it has none.
#[derive(Debug, Args)]
pub(super) struct Package {
    /// The function's program
    #[arg(long, value_name = "FILE")]
    bootstrap: PathBuf,
    /// A plugin: .wasm or .cwasm; may be repeated
    #[arg(long = "plugin", value_name = "FILE", required = true)]
    plugins: Vec<PathBuf>,
    /// The windlass.toml to put in
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Sign what is compiled here with this private key; a .cwasm must be signed already
    #[arg(long, value_name = "FILE")]
    sign_with: Option<PathBuf>,
    /// Where to write
    #[arg(short, long = "out", value_name = "FILE", default_value = "windlass.zip")]
    out: PathBuf,
}

/// A plugin as it goes into the package.
struct Packed {
    name: String,
    sealed: Vec<u8>,
    trailer: Trailer,
    /// Whether it was compiled here; else its trailer is a claim.
    compiled_here: bool,
}

impl Package {
    pub(super) async fn execute(self, output: Output) -> Result<(), CommandError> {
        let bootstrap = files::read(&self.bootstrap)?;
        let target = target_of(&bootstrap).ok_or_else(|| {
            CommandError::operator(format!(
                "`{}` is not a program for Linux on x86-64 or arm64, so Lambda can't run it",
                self.bootstrap.display()
            ))
        })?;
        let (admission, extras) = match &self.config {
            Some(file) => {
                let config = Config::from_file(file)?;
                let extras = extras(file, &config)?;
                (config.admission, extras)
            }
            None => (Admission::default(), Vec::new()),
        };
        admission.warn_of_claims();
        let key = self.sign_with.as_deref().map(sign::read_key).transpose()?;
        let mut packed: Vec<Packed> = Vec::new();
        for path in &self.plugins {
            output.begin(format!("checking {} and compiling it for {target}", path.display()));
            let plugin = pack(output, path, target, key.as_ref(), &admission).await;
            output.clear();
            let plugin = plugin?;
            if packed.iter().any(|other| other.name == plugin.name) {
                let name = &plugin.name;
                return Err(CommandError::operator(format!(
                    "two of the plugins are `{name}`; remove one"
                )));
            }
            packed.push(plugin);
        }
        let names: Vec<&str> = packed.iter().map(|plugin| plugin.name.as_str()).collect();
        if let Some(name) = admission.missing(&names) {
            let (name, installed) = (name.to_owned(), names.join(", "));
            return Err(PluginError::PolicyOfNone { name, installed }.into());
        }
        let zip = self.zip(&bootstrap, &packed, &extras).map_err(|error| {
            CommandError::internal(format!("the zip file could not be written: {error}"))
        })?;
        files::write(&self.out, &zip)?;
        self.tell(output, target, zip.len(), &packed);
        Ok(())
    }

    fn zip(
        &self,
        bootstrap: &[u8],
        plugins: &[Packed],
        extras: &[(String, Vec<u8>)],
    ) -> zip::result::ZipResult<Vec<u8>> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        // The time of a file is left at the format's first moment, so that builds can be compared.
        let with = |rights| SimpleFileOptions::default().unix_permissions(rights);
        zip.start_file("bootstrap", with(PROGRAM))?;
        zip.write_all(bootstrap)?;
        for (name, bytes) in extras {
            zip.start_file(name, with(FILE))?;
            zip.write_all(bytes)?;
        }
        for plugin in plugins {
            zip.start_file(format!("{PLUGIN_FOLDER}/{}.cwasm", plugin.name), with(FILE))?;
            zip.write_all(&plugin.sealed)?;
        }
        Ok(zip.finish()?.into_inner())
    }

    fn tell(&self, output: Output, target: &str, bytes: usize, plugins: &[Packed]) {
        output.line(format!("{} ({}, {target})", self.out.display(), files::size(bytes)));
        for plugin in plugins {
            let is = if plugin.compiled_here { "compiled here" } else { "claims to be made" };
            output.line(format!(
                "  {}: {is} from component sha256 {}",
                plugin.name, plugin.trailer.component_sha256
            ));
        }
        let plugins = plugins.iter().map(|plugin| {
            json!({
                "name": plugin.name,
                "component_sha256": plugin.trailer.component_sha256,
                "component_is_claimed": !plugin.compiled_here,
                "component_signed_by": plugin.trailer.component_signature.as_ref().map(|own| own.key),
                "code_signed_by": plugin.trailer.signature.as_ref().map(|own| own.key),
            })
        });
        output.object(&json!({
            "file": self.out, "bytes": bytes, "target": target,
            "plugins": plugins.collect::<Vec<Value>>(),
        }));
    }
}

/// The configuration and the files that it names, with their names in the package.
fn extras(file: &Path, config: &Config) -> Result<Vec<(String, Vec<u8>)>, CommandError> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut extras = vec![(FILE_NAME.to_owned(), files::read(file)?)];
    let ours = folder.join(PLUGIN_FOLDER);
    if !config.plugin_folders.is_empty() && !config.plugin_folders.contains(&ours) {
        return Err(CommandError::operator(format!(
            "`{}` has `plugin-folders` without \"{PLUGIN_FOLDER}\", where the package's plugins \
             are; add it, or omit the key",
            file.display()
        )));
    }
    if let Some(bundle) = &config.ca_bundle {
        // An absolute path is one of the function's own system.
        let inside = bundle.strip_prefix(folder).unwrap_or(bundle);
        if inside.components().any(|part| part == std::path::Component::ParentDir) {
            return Err(CommandError::operator(format!(
                "`ca-bundle` in `{}` is outside of its folder; put the certificates beside it",
                file.display()
            )));
        }
        if inside.is_relative() {
            extras.push((inside.to_string_lossy().into_owned(), files::read(bundle)?));
        }
    }
    Ok(extras)
}

/// Compiles a plugin where that is needed, and lets through what the function would load.
async fn pack(
    output: Output,
    path: &Path,
    target: &str,
    key: Option<&SigningKey>,
    admission: &Admission,
) -> Result<Packed, CommandError> {
    let refused = |problem| PluginError::Artifact { path: path.to_owned(), problem };
    let (name, code, trailer, compiled_here) = match PluginFile::read(path)? {
        PluginFile::Component { bytes, signature } => {
            let compiled = compile_and_ask(output, path, &bytes, target, Gate::Closed).await?;
            let plugin = compiled.plugin?;
            let name = plugin.description.name.clone();
            let own = plugin.sealed_descriptions();
            let sealed = compile::seal(&bytes, &compiled.code, target, own, signature);
            let sealed = sealed.map_err(refused)?;
            let (code, mut trailer) = artifact::unseal(&sealed).map_err(refused)?;
            if let Some(key) = key {
                trailer.signature = Some(sign::make(key, trailer.compiled())?);
            }
            (name, code.to_owned(), trailer, true)
        }
        // It is machine code: its name is taken from the file, and nothing of it is run.
        PluginFile::Compiled { code, trailer } => {
            // A package of which some is signed and some is not would be refused by the function as
            // soon as it asks for signatures, which is what they are made for.
            if key.is_some() && trailer.signature.is_none() {
                return Err(CommandError::operator(format!(
                    "`{}` is a compiled plugin without a signature, and --sign-with signs only \
                     what \
                     it compiles: nobody can tell what this file was compiled from; give its \
                     component \
                     (.wasm) in its place, or have it signed where it was compiled",
                    path.display()
                )));
            }
            (stem(path), code, trailer, false)
        }
    };
    if trailer.target != target {
        let (found, ours) = (trailer.target, target.to_owned());
        return Err(refused(ArtifactProblem::OtherTarget { found, ours }).into());
    }
    admission.of_compiled(&name, &trailer).map_err(refused)?;
    let sealed = artifact::seal(&code, &trailer).map_err(refused)?;
    Ok(Packed { name, sealed, trailer, compiled_here })
}

/// What machine a program is for, by its ELF header (System V ABI, "ELF Header": `e_machine`).
fn target_of(program: &[u8]) -> Option<&'static str> {
    let rest = program.strip_prefix(b"\x7fELF\x02\x01")?;
    match rest.get(12..14)? {
        [0x3e, 0] => Some("x86_64-unknown-linux-gnu"),
        [0xb7, 0] => Some("aarch64-unknown-linux-gnu"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::HOST_TARGET;

    /// What a build machine handed on: some machine code that says what it was made from.
    fn foreign(signed_by: Option<&SigningKey>) -> Vec<u8> {
        let code = b"code of another plugin";
        let mut trailer = Trailer::new(b"component", code, HOST_TARGET);
        trailer.signature = signed_by.map(|key| key.sign(trailer.compiled()).unwrap());
        artifact::seal(code, &trailer).unwrap()
    }

    fn key() -> SigningKey {
        SigningKey::from_pem(SigningKey::generate().unwrap().as_bytes()).unwrap()
    }

    async fn packed(file: &[u8], key: Option<&SigningKey>) -> Result<Packed, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("postgres.cwasm");
        std::fs::write(&path, file).unwrap();
        let packed = pack(Output::Text, &path, HOST_TARGET, key, &Admission::default()).await;
        packed.map_err(|failure| format!("{failure:?}"))
    }

    #[tokio::test]
    async fn what_was_not_compiled_here_is_never_signed_here() {
        let (ours, theirs) = (key(), key());
        let refused = packed(&foreign(None), Some(&ours)).await.err().unwrap();
        assert!(refused.contains("signs only what it compiles"), "{refused}");
        let kept = packed(&foreign(Some(&theirs)), Some(&ours)).await.unwrap();
        assert_eq!(kept.trailer.signature.map(|own| own.key), Some(theirs.public().unwrap()));
        assert!(!kept.compiled_here);
        assert_eq!(packed(&foreign(None), None).await.unwrap().trailer.signature, None);
    }

    #[tokio::test]
    async fn a_signature_that_is_not_one_of_the_file_is_not_passed_on() {
        let code = b"other code";
        let mut trailer = Trailer::new(b"component", code, HOST_TARGET);
        let (_, signed) = artifact::unseal(&foreign(Some(&key()))).map(|(_, n)| ((), n)).unwrap();
        trailer.signature = signed.signature;
        let file = artifact::seal(code, &trailer).unwrap();
        let refused = packed(&file, None).await.err().unwrap();
        assert!(refused.contains("the signature of its compiled code is not by"), "{refused}");
    }
}
